"""A widget that is lines of styled text, and repaints only the runs that changed.

A panel works out all the lines it shows a few times a second; what stays the same costs a comparison and no drawing.
"""

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import ClassVar, NamedTuple, cast

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from tui.acts import changing
from tui.plain_glyphs import PLAIN
from tui.shell import Shell
from tui.words import plain


class Run(NamedTuple):
    """Some text in one style: the name of a component class."""

    text: str
    style: str = "text"


class Line(NamedTuple):
    """A row of runs; `ground` names the component class whose background lies under all of it."""

    runs: tuple[Run, ...] = ()
    ground: str = "text"


class Frame(NamedTuple):
    """Everything a panel shows at one moment."""

    lines: Sequence[Line]
    title: str = ""
    subtitle: str = ""


class Panel(Widget):
    """A region that looks at the store `hertz` times a second. What goes wrong in it stays in it."""

    STYLES: ClassVar[set[str]] = {
        *("text", "second", "dim", "grid", "up", "down", "up-soft", "down-soft", "warn", "wrong", "real", "bright"),
        *("chosen", "raised", "tag-up", "tag-down", "tag-entry", "line-1", "line-2", "line-3"),
    }
    COMPONENT_CLASSES: ClassVar[set[str]] = STYLES
    ALLOW_SELECT = False

    hertz: ClassVar[float] = 4.0
    FRAMED: ClassVar[bool] = True
    """Whether it has a frame with its name."""
    HOLDS: ClassVar[bool] = True
    """Whether it stands still while the screen is held."""

    def __init__(self, shell: Shell, place: str) -> None:
        super().__init__(id=place, classes="framed" if self.FRAMED else None)
        self.shell = shell
        self.store = shell.store
        self.now = shell.now
        self._shown: list[Line] = []
        self._titles = ("", "", "", "")
        self._failure = ""

    def frame(self, width: int, height: int) -> Frame:
        """What to show in that many cells."""
        raise NotImplementedError

    def on_mount(self) -> None:
        self.pace()

    def pace(self) -> None:
        """Look as often as the person wants from now on."""
        if self._looking is not None:
            self._looking.stop()
        self._looking = self.set_interval(1 / self.shell.rate(self.hertz), self.look)

    _looking: Timer | None = None

    @property
    def console(self) -> App[None]:
        """The console it stands in."""
        return cast(App[None], self.app)  # pyright: ignore[reportUnknownMemberType]  # Textual leaves it open

    def on_show(self) -> None:
        self.look()

    def on_resize(self) -> None:
        self._shown = []
        self.look()

    def look(self) -> None:
        """Work out the frame and repaint what differs from the one that stands there."""
        width, height = self.content_size
        if not (width and height and self.is_attached and self.is_seen) or (
            self.shell.held and self.HOLDS and self._shown
        ):
            return
        try:
            frame = self.frame(width, height)
        except Exception as failure:  # noqa: BLE001  # the panel's border: it says what happened, the others go on
            self._tell(f"{type(failure).__name__}: {failure}")
        else:
            self._failure = ""
            self._show(frame, height)

    @property
    def failed(self) -> bool:
        """Whether its last frame could not be made."""
        return bool(self._failure)

    @property
    def is_seen(self) -> bool:
        """Whether it is on the page in front; nothing is worked out for those behind."""
        return all(node.display for node in self.ancestors_with_self)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What changes something of the engine is off, and said to be, until the person has taken control."""
        del parameters
        return True if self.shell.controls or not changing(self, action) else None

    def render_line(self, y: int) -> Strip:
        line = self._shown[y] if y < len(self._shown) else Line()
        runs = line.runs if self.shell.settings.look.glyphs == "unicode" else _plainly(line.runs)
        segments = [Segment(run.text, self._style(run.style, line.ground)) for run in runs]
        return Strip(segments).adjust_cell_length(self.content_size.width, self._style("text", line.ground))

    def _show(self, frame: Frame, height: int) -> None:
        lines = [*frame.lines[:height], *[Line()] * (height - len(frame.lines))]
        if len(lines) != len(self._shown):
            self._shown = lines
            self.refresh()
        elif lines != self._shown:
            dirty = [
                _difference(old, new, y)
                for y, (old, new) in enumerate(zip(self._shown, lines, strict=True))
                if old is not new and old != new
            ]
            self._shown = lines
            self.refresh(*dirty)
        self._entitle(frame.title, frame.subtitle)

    def _entitle(self, title: str, subtitle: str) -> None:
        """Above and below the panel; both above where it has no lower edge."""
        edges = self.styles.border_top[0], self.styles.border_bottom[0]
        if (title, subtitle, *edges) == self._titles:  # setting a title repaints the whole panel
            return
        self._titles = (title, subtitle, *edges)
        if not edges[1]:
            title, subtitle = f" {title}{' · ' if subtitle else ''}{subtitle} ", ""
        glyphs = PLAIN if self.shell.settings.look.glyphs == "ascii" else {}
        self.border_title = Content(plain(title).translate(glyphs))
        self.border_subtitle = Content(plain(subtitle).translate(glyphs))

    def _tell(self, failure: str) -> None:
        if failure != self._failure:
            self._failure = failure
            self.store.note("error", f"console, panel {self.id}: {failure}")
        self._entitle(self._titles[0], f"✖ {failure}")

    def _style(self, name: str, ground: str) -> Style:
        style = self.get_component_rich_style(name)
        return style if ground == "text" else style + Style(bgcolor=self.get_component_rich_style(ground).bgcolor)


def _plainly(runs: Sequence[Run]) -> Iterator[Run]:
    return (Run(run.text.translate(PLAIN), run.style) for run in runs)


def sentence(text: str, width: int) -> tuple[Line, ...]:
    """What an empty panel says instead, wrapped into it."""
    return (
        Line(),
        *(Line((Run(f" {part}", "dim"),)) for part in wrap(plain(text), max(10, width - 2), break_on_hyphens=False)),
    )


def _difference(old: Line, new: Line, y: int) -> Region:
    """The cells of row `y` in which two lines may differ."""
    width = max(_cells(old.runs), _cells(new.runs), 1)
    if old.ground != new.ground:
        return Region(0, y, 10_000, 1)
    head = _alike(old.runs, new.runs)
    tail = _alike(old.runs[head:][::-1], new.runs[head:][::-1]) if _cells(old.runs) == _cells(new.runs) else 0
    left = _cells(new.runs[:head])
    right = width - _cells(new.runs[len(new.runs) - tail :])
    return Region(left, y, max(1, right - left), 1)


def _alike(old: Sequence[Run], new: Sequence[Run]) -> int:
    count = 0
    for before, after in zip(old, new, strict=False):
        if before != after:
            break
        count += 1
    return count


def _cells(runs: Sequence[Run]) -> int:
    return sum(cell_len(run.text) for run in runs)

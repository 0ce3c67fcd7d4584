"""A widget that is lines of styled text, and repaints only the runs that changed.

A panel works out all the lines it shows a few times a second; what stays the same costs a comparison and no drawing.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from textwrap import wrap
from typing import ClassVar, NamedTuple, Self, cast

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.content import Content
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.timer import Timer

from tui.acts import changing
from tui.plain_glyphs import PLAIN
from tui.shell import Shell
from tui.still import Still
from tui.words import plain

AWAKES = 2.0
"""Seconds between two looks of a panel behind others whether it is seen again."""


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


class Panel(Still):
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
        self._entitling = False
        self._styled: dict[tuple[str, str], Style] = {}
        self._failure = ""

    def frame(self, width: int, height: int) -> Frame:
        """What to show in that many cells."""
        raise NotImplementedError

    def on_mount(self) -> None:
        self.pace()
        self.set_interval(AWAKES, self._awake)  # in front again, and nobody told: it must not stand still for good

    def pace(self) -> None:
        """Look as often as the person wants from now on."""
        if self._looking is not None:
            self._looking.stop()
        self._looking = self.set_interval(1 / self.shell.rate(self.hertz), self.tick)

    _looking: Timer | None = None
    _ticks = 0

    def tick(self) -> None:
        """Look; beneath a dialog once a second, as with each change there Textual paints all of the screen anew."""
        self._ticks += 1
        beneath = self.is_attached and self.screen is not self.console.screen
        if not beneath or self._ticks % max(1, round(self.shell.rate(self.hertz))) == 0:
            self.look()

    @property
    def console(self) -> App[None]:
        """The console it stands in."""
        return cast(App[None], self.app)  # pyright: ignore[reportUnknownMemberType]  # Textual leaves it open

    def on_show(self) -> None:
        self._awake()
        self.look()

    def _awake(self) -> None:
        if self._looking is not None:
            self._looking.resume()

    def on_resize(self) -> None:
        self._shown = []
        self.look()

    def look(self) -> None:
        """Work out the frame and repaint what differs from the one that stands there."""
        if not self.is_attached or not self.is_seen:
            if self._looking is not None:
                self._looking.pause()
            return
        width, height = self._room
        if not (width and height) or (self.shell.held and self.HOLDS and self._shown):
            return
        try:
            frame = self.frame(width, height)
        except Exception as failure:  # noqa: BLE001  # the panel's border: it says what happened, the others go on
            self._tell(f"{type(failure).__name__}: {failure}")
        else:
            self._failure = ""
            self._show(frame, height)

    @property
    def _room(self) -> Size:
        """The cells within its frame; `content_size` would look for it on the whole screen first."""
        return self.outer_size - self.gutter.totals

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

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """As Textual does it; a title that changed repaints the edges it stands in, not all that is between them."""
        if self._entitling:
            regions = self._edges
        elif not regions:  # of a change of style or size, here or in what it stands in, Textual tells like this
            self._styled.clear()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def notify_style_update(self) -> None:
        self._styled.clear()
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        line = self._shown[y] if y < len(self._shown) else Line()
        runs = line.runs if self.shell.settings.look.glyphs == "unicode" else _plainly(line.runs)
        segments = [
            Segment("".join(run.text for run in alike), self._style(style, line.ground))
            for style, alike in groupby(runs, lambda run: run.style)  # every segment costs, whatever stands in it
        ]
        return Strip(segments).adjust_cell_length(self._room.width, self._style("text", line.ground))

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
        if (title, subtitle, *edges) == self._titles:
            return
        self._titles = (title, subtitle, *edges)
        if not edges[1]:
            title, subtitle = f" {title}{' · ' if subtitle else ''}{subtitle} ", ""
        glyphs = PLAIN if self.shell.settings.look.glyphs == "ascii" else {}
        self._entitling = True
        self.border_title = Content(plain(title).translate(glyphs))
        self.border_subtitle = Content(plain(subtitle).translate(glyphs))
        self._entitling = False

    @property
    def _edges(self) -> tuple[Region, ...]:
        """The rows its titles stand in, as seen from its first line."""
        (width, height), gutter = self.outer_size, self.gutter
        return tuple(Region(-gutter.left, y - gutter.top, width, 1) for y in (0, height - 1))

    def _tell(self, failure: str) -> None:
        if failure != self._failure:
            self._failure = failure
            self.store.note("error", f"console, panel {self.id}: {failure}")
        self._entitle(self._titles[0], f"✖ {failure}")

    def _style(self, name: str, ground: str) -> Style:
        """Kept here as well: Textual forgets what it worked out of styles with every row that is repainted."""
        style = self._styled.get((name, ground))
        if style is None:
            style = self.get_component_rich_style(name)
            if ground != "text":
                style += Style(bgcolor=self.get_component_rich_style(ground).bgcolor)
            self._styled[name, ground] = style
        return style


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
    if old.ground != new.ground:
        return Region(0, y, 10_000, 1)
    head = _alike(old.runs, new.runs)
    before, after = old.runs[head:], new.runs[head:]
    tail = _alike(before[::-1], after[::-1])
    was, now = _cells(before[: len(before) - tail]), _cells(after[: len(after) - tail])
    left = _cells(new.runs[:head])
    return Region(left, y, max(was, now, 1) if was == now else 10_000, 1)  # another width moves all that follows


def _alike(old: Sequence[Run], new: Sequence[Run]) -> int:
    count = 0
    for before, after in zip(old, new, strict=False):
        if before is not after and before != after:
            break
        count += 1
    return count


def _cells(runs: Sequence[Run]) -> int:
    return sum(cell_len(run.text) for run in runs)

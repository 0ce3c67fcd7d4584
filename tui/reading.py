"""Something to read over the page: lines in styles, of any length, scrolled, copied, and left with esc."""

from collections.abc import Sequence
from typing import ClassVar, cast

from textual.app import App, ComposeResult
from textual.binding import BindingType

from tui.acts import act
from tui.going import Go
from tui.modal import Modal
from tui.painted import Frame, Line, Panel
from tui.shell import Shell


class Leaf(Panel, can_focus=True):
    """Lines of any number; the keys move over those that do not fit."""

    BINDINGS: ClassVar[list[BindingType]] = [
        act("sheet.down", "down,j", "scroll(1)", "Down", "a line down", show=False),
        act("sheet.up", "up,k", "scroll(-1)", "Up", "a line up", show=False),
        act("sheet.page_down", "pagedown,ctrl+d", "scroll(10)", "Page down", "ten lines down", show=False),
        act("sheet.page_up", "pageup,ctrl+u", "scroll(-10)", "Page up", "ten lines up", show=False),
        act("sheet.first", "home", "scroll(-9999)", "Top", "the first line", show=False),
        act("sheet.last", "end", "scroll(9999)", "Bottom", "the last line", show=False),
    ]
    hertz = 4.0

    def __init__(self, shell: Shell, place: str, reading: "Reading") -> None:
        super().__init__(shell, place)
        self._reading = reading
        self._top = 0

    def action_scroll(self, lines: int) -> None:
        self._top += lines
        self.look()

    def on_mouse_scroll_down(self) -> None:
        self.action_scroll(3)

    def on_mouse_scroll_up(self) -> None:
        self.action_scroll(-3)

    def begin(self) -> None:
        """From the first line."""
        self._top = 0
        self.look()

    def frame(self, width: int, height: int) -> Frame:
        lines = self._reading.lines(width)
        self._top = max(0, min(self._top, len(lines) - height))
        more = len(lines) - height - self._top
        hidden = f"{more} more below" if more > 0 else f"{self._top} more above" if self._top else ""
        below = " · ".join(part for part in (hidden, self._reading.below()) if part)
        return Frame(lines[self._top : self._top + height], self._reading.above(), below)


class Reading(Modal[None]):
    """A sheet over the page. Say what stands on it in `lines`, and what is copied of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        act("reading.back", "escape,q", "dismiss", "Back", "back to the page"),
    ]
    DEFAULT_CSS = """
    Reading {
        align: center middle;
        background: $ground 60%;
    }

    Reading > Leaf {
        width: 116;
        max-width: 96%;
        height: 92%;
        background: $ground;
    }

    Reading.-narrow > Leaf, Reading.-short > Leaf {
        max-width: 100%;
        height: 100%;
    }
    """

    def __init__(self, shell: Shell, place: str) -> None:
        super().__init__()
        self.shell = shell
        self.sheet = Leaf(shell, place, self)

    def compose(self) -> ComposeResult:
        yield self.sheet

    def lines(self, width: int) -> Sequence[Line]:
        raise NotImplementedError

    def above(self) -> str:
        raise NotImplementedError

    def below(self) -> str:
        return ""

    @property
    def console(self) -> App[None]:
        """The console it stands over."""
        return cast(App[None], self.app)  # pyright: ignore[reportUnknownMemberType]  # Textual leaves it open

    def go(self, to: Go) -> None:
        """Leave this and whatever one was reading before, for another page."""
        while isinstance(self.console.screen, Reading):
            self.console.pop_screen()
        self.console.post_message(to)

    def copy(self, text: str, what: str) -> None:
        self.console.copy_to_clipboard(text)
        self.console.notify(f"{what} copied, {len(text):,} letters", markup=False)

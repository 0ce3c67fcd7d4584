"""Something to read over the page: lines in styles, of any length, scrolled, copied, and left with esc."""

from collections.abc import Sequence
from typing import ClassVar, cast

from textual.app import App, ComposeResult
from textual.binding import BindingType

from tui.acts import act
from tui.going import Go
from tui.modal import Modal
from tui.painted import Line
from tui.scrolled import Scrolled
from tui.shell import Shell


class Leaf(Scrolled):
    """What is read."""

    hertz = 4.0

    def __init__(self, shell: Shell, place: str, reading: "Reading") -> None:
        super().__init__(shell, place)
        self._reading = reading

    def lines(self, width: int) -> Sequence[Line]:
        return self._reading.lines(width)

    def title(self) -> str:
        return self._reading.above()

    def subtitle(self) -> str:
        return self._reading.below()

    def empty(self) -> str:
        return ""


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

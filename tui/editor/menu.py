"""What may stand at the cursor, to choose from."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.geometry import Offset
from textual.message import Message

from tui.editor.offers import Offer
from tui.painted import Frame, Line, Panel, Run
from tui.shell import Shell
from tui.words import fit, plain

ROWS = 8
WIDEST = 64


class Menu(Panel):
    """A list below the cursor; the text keeps the keys, and gives those on to it that are the list's."""

    hertz: ClassVar[float] = 1.0
    DEFAULT_CSS = """
    Menu {
        display: none;
        overlay: screen;
        constrain: inside inside;
        position: absolute;
        width: auto;
        height: auto;
        background: $raised;
    }
    Menu.-open { display: block; }
    Menu.framed { border: round $up; }
    """

    class Taken(Message):
        """One of them was chosen."""

        def __init__(self, offer: Offer) -> None:
            super().__init__()
            self.offer = offer

    def __init__(self, shell: Shell, place: str) -> None:
        super().__init__(shell, place)
        self._offers: Sequence[Offer] = ()
        self._chosen = 0

    @property
    def chosen(self) -> Offer | None:
        return self._offers[self._chosen] if self._offers else None

    def offer(self, offers: Sequence[Offer], at: tuple[int, int]) -> None:
        """Open with these at a place of the screen; without any it closes."""
        self._offers, self._chosen = offers, 0
        self.set_class(bool(offers), "-open")
        if offers:
            words = max(len(each.word) for each in offers)
            width = max(
                words + 2 + max(len(each.about) for each in offers), *(len(each.says) for each in offers[:ROWS]), 24
            )
            self.styles.width = min(WIDEST, width + 4)
            self.styles.height = min(ROWS, len(offers)) + 1 + self.gutter.height
            self.absolute_offset = Offset(*at)
        self._shown = []
        self.look()

    def move(self, rows: int) -> None:
        self._chosen = max(0, min(len(self._offers) - 1, self._chosen + rows))
        self.look()

    def close(self) -> None:
        self.offer((), (0, 0))

    def on_click(self, event: events.Click) -> None:
        row = event.y - self.gutter.top
        if 0 <= row < min(ROWS, len(self._offers)):
            self.post_message(self.Taken(self._offers[self._first + row]))

    @property
    def _first(self) -> int:
        return max(0, min(self._chosen - ROWS // 2, len(self._offers) - ROWS))

    def frame(self, width: int, height: int) -> Frame:
        del height
        if not self._offers:
            return Frame([])
        words = min(max(len(each.word) for each in self._offers), max(10, width - 16))
        lines = [
            self._row(number, words, width) for number in range(self._first, min(self._first + ROWS, len(self._offers)))
        ]
        said = self._offers[self._chosen].says
        lines.append(Line((Run(fit(plain(said), width), "dim"),)))
        return Frame(lines, "", f"{self._chosen + 1} of {len(self._offers)} · enter takes · esc")

    def _row(self, number: int, words: int, width: int) -> Line:
        offer = self._offers[number]
        name = f" {fit(plain(offer.word), words)} "
        runs = (Run(name), Run(fit(plain(offer.about), max(0, width - len(name))), "dim"))
        return Line(runs, "chosen" if number == self._chosen else "raised")

"""A panel of rows that may be more than there is room for."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual.binding import Binding, BindingType

from pipeline.view import Feed
from tui.painted import Frame, Line, Panel, Run, sentence
from tui.shell import Shell
from tui.words import fit, plain


class Sheet(Panel, can_focus=True):
    """Rows below each other; the keys move over them when there are more than fit."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll(-1)", "Up", show=False, tooltip="a row up"),
        Binding("down,j", "scroll(1)", "Down", show=False, tooltip="a row down"),
        Binding("pageup,ctrl+u", "scroll(-10)", "Page up", show=False, tooltip="ten rows up"),
        Binding("pagedown,ctrl+d", "scroll(10)", "Page down", show=False, tooltip="ten rows down"),
    ]
    hertz = 4.0
    head: ClassVar[int] = 0
    """So many of the first rows stay where they are."""
    NAME: ClassVar[str] = ""

    def __init__(self, shell: Shell, place: str) -> None:
        super().__init__(shell, place)
        self._first = 0

    def rows(self, feed: Feed, width: int) -> Sequence[Line]:
        """All there is to show of a feed; nothing where it has none of it."""
        raise NotImplementedError

    def title(self, feed: Feed) -> str:
        raise NotImplementedError

    def empty(self) -> str:
        """What to say where there is nothing to show."""
        raise NotImplementedError

    def action_scroll(self, rows: int) -> None:
        self._first += rows
        self.look()

    def on_mouse_scroll_up(self) -> None:
        self.action_scroll(-3)

    def on_mouse_scroll_down(self) -> None:
        self.action_scroll(3)

    def frame(self, width: int, height: int) -> Frame:
        feed = self.store.feed
        if feed is None:
            return Frame(sentence("not told yet" if self.store.hello else "", width), self.NAME)
        rows = self.rows(feed, width)
        if not rows:
            return Frame(sentence(self.empty(), width), self.title(feed))
        kept, rest = rows[: self.head], rows[self.head :]
        room = max(1, height - len(kept))
        self._first = max(0, min(self._first, len(rest) - room))
        more = len(rest) - self._first - room
        hidden = f"{more} more below" if more > 0 else f"{self._first} more above" if self._first else ""
        return Frame([*kept, *rest[self._first : self._first + room]], self.title(feed), hidden)


class Cell(NamedTuple):
    """One column of a sheet: how wide it is, which way it leans, and how soon it goes where there is no room."""

    head: str
    width: int
    right: bool = True
    goes: int = 0


def columns(cells: Sequence[Cell], width: int) -> list[int]:
    """Which columns there is room for; those that go do so whole, the highest `goes` first."""
    kept = list(range(len(cells)))
    while len(kept) > 1 and sum(cells[at].width + 1 for at in kept) > width:
        kept.remove(max(kept, key=lambda at: (cells[at].goes, at)))
    return kept


def row(cells: Sequence[Cell], kept: Sequence[int], texts: Sequence[Run]) -> Line:
    """Texts in their columns."""
    runs = [
        Run(fit(plain(texts[at].text), cells[at].width, right=cells[at].right) + " ", texts[at].style) for at in kept
    ]
    return Line(tuple(runs))


def heading(cells: Sequence[Cell], kept: Sequence[int]) -> Line:
    return row(cells, kept, [Run(cell.head, "dim") for cell in cells])


def words(width: int, *runs: Run) -> Line:
    """Runs beside each other in one line; what does not fit is cut."""
    left, made = width, list[Run]()
    for run in runs:
        text = plain(run.text)
        if left <= 0:
            break
        shown = text if len(text) <= left else fit(text, left)
        made.append(Run(shown, run.style))
        left -= len(shown)
    return Line(tuple(made))

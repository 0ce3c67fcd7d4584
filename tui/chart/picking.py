"""Another key by a few letters of its name."""

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.fuzzy import FuzzySearch
from textual.widgets import Input, Static

from pipeline.view import KeyName
from tui.acts import act
from tui.dialogs import entitle
from tui.field import Field
from tui.modal import Modal
from tui.words import fit, plain

ROOM = 12


class Picking(Modal[KeyName | None]):
    """Letters in their order find a key: `eu5l` is EURUSD 5m of live-7. `enter` takes it, `esc` does not."""

    BINDINGS: ClassVar[list[BindingType]] = [
        act("picking.no", "escape", "dismiss(None)", "Leave", "stay with this key"),
        act("picking.down", "down,ctrl+n", "move(1)", "Down", "the next one found"),
        act("picking.up", "up,ctrl+p", "move(-1)", "Up", "the one before"),
    ]

    def __init__(self, names: Iterable[KeyName]) -> None:
        super().__init__()
        self._names = list(names)
        self._found = self._names
        self._cursor = 0
        self._search = FuzzySearch()
        self._said = Static(markup=False)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Field(placeholder="letters of product, timeframe, account", classes="word")
            yield self._said

    def on_mount(self) -> None:
        entitle(self.query_one(Vertical), "another key", "enter takes it · esc stays")
        self.query_one(Input).focus()
        self._say()

    @on(Input.Changed)
    def _find(self, event: Input.Changed) -> None:
        event.stop()
        self._found, self._cursor = found(event.value, self._names, self._search), 0
        self._say()

    @on(Input.Submitted)
    def _take(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(self._found[self._cursor] if self._found else None)

    def action_move(self, rows: int) -> None:
        self._cursor = min(len(self._found) - 1, max(0, self._cursor + rows))
        self._say()

    def _say(self) -> None:
        first = max(0, min(self._cursor - ROOM // 2, len(self._found) - ROOM))
        parts: list[tuple[str, str]] = [("\n", "")]
        for at, name in enumerate(self._found[first : first + ROOM], first):
            parts.append((fit(plain(written(name)), 50), "reverse" if at == self._cursor else ""))
            parts.append(("\n", ""))
        parts.append(
            (f"{len(self._found)} of {len(self._names)} keys" if self._found else "no key has these letters", "")
        )
        self._said.update(Content.assemble(*parts))


def written(name: KeyName) -> str:
    return f"{name.product} {name.timeframe} {name.account}"


def found(letters: str, names: list[KeyName], search: FuzzySearch | None = None) -> list[KeyName]:
    """The keys that have these letters in this order, the best first; all of them for none."""
    letters = "".join(letters.split())
    if not letters:
        return names
    search = search or FuzzySearch()
    scored = [(search.match(letters, written(name))[0], at, name) for at, name in enumerate(names)]
    return [name for score, _, name in sorted(scored, key=lambda each: (-each[0], each[1])) if score > 0]

"""How the person likes the console, a row each."""

from collections.abc import Hashable, Iterable
from typing import Any, ClassVar, NamedTuple, get_args, get_type_hints

from msgspec.structs import asdict
from textual.binding import BindingType
from textual.message import Message

from tui.acts import act
from tui.settings import Look
from tui.table import Column, Table

SAYS = {
    "theme": "its colours: desk, day, mono, terminal (its own sixteen)",
    "glyphs": "boxes and arrows, or plain letters for terminals without them",
    "motion": "whether anything moves by itself but numbers",
    "rate": "how often numbers are told: auto is slow over SSH",
    "time": "in the flow's display time zone, or in UTC",
    "mouse": "whether the mouse is heard; from the next start",
}


class Preference(NamedTuple):
    """One of them, with what it may be."""

    name: str
    value: str
    may_be: tuple[Any, ...]


def preferences(look: Look) -> tuple[Preference, ...]:
    hints = get_type_hints(Look)
    return tuple(
        Preference(name, shown(value), get_args(hints[name]) or (True, False)) for name, value in asdict(look).items()
    )


def shown(value: object) -> str:
    return {True: "on", False: "off"}.get(value, str(value)) if isinstance(value, bool) else str(value)


class LookTable(Table[Preference]):
    """How the console looks. `space` or `enter` takes the next of what it may be; it is kept at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        act("settings.next", "space,enter", "next", "Change", "the next of what it may be"),
        act("settings.reset", "r", "reset", "Reset", "as it is by itself"),
    ]
    NAME: ClassVar[str] = "Console"
    COLUMNS: ClassVar[tuple[Column[Preference], ...]] = (
        Column("what", 8, lambda each: each.name, lambda _: "bright"),
        Column("is", 9, lambda each: each.value, lambda _: "up"),
        Column("may be", 34, lambda each: " · ".join(shown(one) for one in each.may_be), lambda _: "second", goes=2),
        Column("says", 58, lambda each: SAYS[each.name], lambda _: "dim", goes=3),
    )

    class Changed(Message):
        """The person likes something else."""

        def __init__(self, look: Look) -> None:
            super().__init__()
            self.look = look

    def version(self) -> object:
        return asdict(self.shell.settings.look)

    def rows(self) -> Iterable[Preference]:
        return preferences(self.shell.settings.look)

    def key(self, row: Preference) -> Hashable:
        return row.name

    def empty(self) -> str:
        return ""

    def action_next(self) -> None:
        if (row := self.row) is not None:
            now = getattr(self.shell.settings.look, row.name)
            self._take(row.name, row.may_be[(row.may_be.index(now) + 1) % len(row.may_be)])

    def action_reset(self) -> None:
        if (row := self.row) is not None:
            self._take(row.name, getattr(Look(), row.name))

    def _take(self, name: str, value: object) -> None:
        setattr(self.shell.settings.look, name, value)
        self.post_message(self.Changed(self.shell.settings.look))
        self.look()

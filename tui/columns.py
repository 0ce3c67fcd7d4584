"""The columns of a table: what they show, which of them fit, and what they sort by."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from tui.filtering import number_in

R = TypeVar("R")

Weight = tuple[int, float, str]
"""By what a row is sorted: numbers before words, what is empty last."""


@dataclass(frozen=True)
class Column(Generic[R]):
    """One column: its heading, its width, and how soon it goes where there is no room (0 stays to the last)."""

    head: str
    width: int
    text: Callable[[R], str]
    style: Callable[[R], str] = lambda _: "text"
    right: bool = False
    goes: int = 0
    most: int = 0
    """It grows up to this with what is in it."""
    sort: Callable[[R], Any] | None = None
    """By what it is sorted; by what it shows when left out."""
    find: Callable[[R], str] | None = None
    """What a filter reads of it; what it shows when left out."""
    ages: bool = False
    """What it shows changes while the row stays. Of such a column, and of numbers (`right`), a filter reads only what
    it names."""

    def found(self, row: R) -> str:
        return self.text(row) if self.find is None else self.find(row)

    def weight(self, row: R) -> Weight:
        if self.sort is not None:
            value = self.sort(row)
            if isinstance(value, (int, float)):
                return (0, float(value), "")
            return (1, 0.0, str(value).casefold()) if value is not None else (2, 0.0, "")
        text = self.text(row)
        number = number_in(text) if self.right else None
        if number is not None:
            return (0, number, "")
        return (1, 0.0, text.casefold()) if text.strip(" ─") else (2, 0.0, "")


def picked(columns: Sequence[Column[R]], heads: Iterable[str]) -> tuple[Column[R], ...]:
    """The columns of these headings in that order; all of them where none is known."""
    named = {column.head: column for column in columns}
    return tuple(named[head] for head in dict.fromkeys(heads) if head in named) or tuple(columns)


def fitting(columns: Sequence[Column[R]], rows: Iterable[R], width: int) -> tuple[Column[R], ...]:
    """The columns that fit, those that go soonest left out first."""
    shown = list(rows) if any(column.most for column in columns) else []
    kept = [_stretched(column, shown) for column in columns]
    while len(kept) > 1 and sum(column.width + 1 for column in kept) > width and any(each.goes for each in kept):
        kept.remove(max(kept, key=lambda column: column.goes))
    return tuple(kept)


def _stretched(column: Column[R], rows: Sequence[R]) -> Column[R]:
    if not column.most:
        return column
    longest = max((len(column.text(row)) for row in rows), default=0)
    return replace(column, width=min(column.most, max(column.width, longest)))

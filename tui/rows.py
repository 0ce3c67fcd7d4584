"""Which of many rows are shown, and in what order. What did not change is neither looked at nor sorted again."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from tui.columns import Column, Weight
from tui.filtering import ALL, Filter

R = TypeVar("R")


class Order(NamedTuple):
    """How rows are arranged: which are shown, by which column they are sorted ("" as they came), which way round."""

    filter: Filter = ALL
    sorted_by: str = ""
    turned: bool = False
    columns: tuple[Column[Any], ...] = ()


class Rows(Generic[R]):
    """All rows by their keys, and those shown. New values of rows are seen at once, their places when arranged."""

    def __init__(self, key: Callable[[R], Hashable]) -> None:
        self.every: dict[Hashable, R] = {}
        self.shown: list[Hashable] = []
        self.place: dict[Hashable, int] = {}
        self.settled = True
        """Whether what is shown is where it belongs."""
        self._key = key
        self._order = Order()
        self._passing: set[Hashable] = set()
        self._texts: dict[Hashable, dict[str, str]] = {}
        self._weights: dict[Hashable, Weight] = {}

    def __len__(self) -> int:
        return len(self.shown)

    def at(self, place: int) -> R:
        return self.every[self.shown[place]]

    def between(self, first: int, last: int) -> list[R]:
        return [self.every[key] for key in self.shown[first:last]]

    def load(self, rows: Iterable[R]) -> None:
        """These are all rows now. Those that are no more are shown no more."""
        before, self.every = self.every, {self._key(row): row for row in rows}
        other = [key for key, row in self.every.items() if before.get(key) is not row]
        self.settled = self.settled and not other and list(before) == list(self.every)
        if self.every.keys() != before.keys():
            gone = before.keys() - self.every.keys()
            self._forget(gone)
            if gone:
                self._show([key for key in self.shown if key in self.every])
        self._forget(other)

    def change(self, rows: Mapping[Any, R]) -> None:
        """The rows of these keys are other ones now; all others are as they were."""
        self.every.update(rows)
        self._forget(rows)
        self.settled = self.settled and not (self._order.filter.tests or self._order.sorted_by)

    def arrange(self, order: Order) -> None:
        """Put all rows where they belong."""
        before, self._order = self._order, order
        if (before.filter, before.columns) != (order.filter, order.columns):
            self._passing.clear()
            self._texts.clear()
        if (before.sorted_by, before.columns) != (order.sorted_by, order.columns):
            self._weights.clear()
        shown = list(self.every) if not order.filter.tests else self._filtered(order)
        named = (column for column in order.columns if order.sorted_by and column.head == order.sorted_by)
        by = next(named, None)
        if by is not None:
            shown = self._sorted(shown, by, turned=order.turned)
        self._show(shown)
        self.settled = True

    def _show(self, keys: list[Hashable]) -> None:
        self.shown = keys
        self.place = {key: place for place, key in enumerate(keys)}

    def _forget(self, keys: Iterable[Hashable]) -> None:
        """What was worked out of rows that are other ones now."""
        if not (self._texts or self._weights):
            return
        for key in keys:
            self._texts.pop(key, None)
            self._weights.pop(key, None)

    def _filtered(self, order: Order) -> list[Hashable]:
        """Those that pass. Only rows are asked about that are other ones, unless the filter asks for what ages.

        A word is sought where words are: what numbers there are is asked for by their column.
        """
        named = order.filter.fields
        still = [each for each in order.columns if not each.ages and (each.head in named or not each.right)]
        ageing = [each for each in order.columns if each.ages and each.head in named]
        for key, row in self.every.items():
            texts = self._texts.get(key)
            if texts is not None and not ageing:
                continue
            if texts is None:
                texts = self._texts[key] = {column.head: column.found(row) for column in still}
            for column in ageing:
                texts[column.head] = column.found(row)
            (self._passing.add if order.filter.shows(texts) else self._passing.discard)(key)
        return [key for key in self.every if key in self._passing]

    def _sorted(self, keys: Sequence[Hashable], by: Column[R], *, turned: bool) -> list[Hashable]:
        """Rows of one weight stay in the order they came in; what is empty stays last either way round."""
        weights = self._weights
        if by.ages:
            weights.clear()
        for key in keys:
            if key not in weights:
                weights[key] = by.weight(self.every[key])
        full = [key for key in keys if weights[key][0] < 2]
        full.sort(key=weights.__getitem__, reverse=turned)
        return full if len(full) == len(keys) else [*full, *(key for key in keys if weights[key][0] == 2)]

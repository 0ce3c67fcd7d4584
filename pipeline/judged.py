"""What bars of late were judged by, as it stood then: their columns, the votes on them, the last price before.

A ledger keeps the columns of what was traded. Of other bars the running program knows for a while what they were
decided on, so that somebody can be told; nothing of it is ever computed again, with what became known since.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.values import Columns, Decisions, Signals, Stream

KEPT = 120
"""So many bars of each stream are remembered, the newest."""
PRICES = ("open", "high", "low", "close", "volume")


class Vote(NamedTuple):
    """What a strategy said to an ensemble of one bar; NaN where it had nothing to say."""

    ensemble: str
    provider: str
    score: float
    fault: str
    """How it failed; ""."""


class Quoted(NamedTuple):
    """The last price of a product before a decision."""

    bid: float
    ask: float
    ts: int


@dataclass(slots=True)
class Judged:
    """One bar, and what it was judged by."""

    bar: int
    names: tuple[str, ...]
    values: tuple[float, ...]
    votes: list[Vote] = field(default_factory=list[Vote])
    quote: Quoted | None = None

    @property
    def columns(self) -> Mapping[str, float]:
        """The bar's own prices, and every feature; NaN where one was not ready."""
        return dict(zip(self.names, self.values, strict=True))


class Recent:
    """Remembers the newest bars of each stream."""

    def __init__(self) -> None:
        self._bars: dict[Stream, deque[Judged]] = {}
        self._names: dict[tuple[str, ...], tuple[str, ...]] = {}
        """The names of columns, each once: all bars of a flow have the same."""

    def take(self, node: str, value: Columns | Signals) -> None:
        """What bars are judged by, as a node gives it."""
        if isinstance(value, Columns):
            self._take_columns(value)
        elif node.startswith("ensembles."):  # others give on what these say
            self._take_signals(node, value)

    def take_decisions(self, decisions: Decisions, quote: Quoted | None) -> None:
        """`quote` is the last of the product when the last row was decided."""
        if quote is not None and len(decisions):
            known = self.of(Stream(decisions.product, decisions.tf), decisions.open_ts.item(-1))
            if known is not None and known.quote is None:
                known.quote = quote

    def of(self, stream: Stream, bar: int) -> Judged | None:
        """A bar that is still remembered."""
        return next((each for each in reversed(self._bars.get(stream, ())) if each.bar == bar), None)

    def _take_columns(self, columns: Columns) -> None:
        kept = self._bars.setdefault(Stream(columns.product, columns.tf), deque(maxlen=KEPT))
        names = tuple(columns.values)
        names = self._names.setdefault(names, names)
        rows = len(columns)
        for row in range(rows - min(columns.fresh, KEPT), rows):
            values = tuple(column.item(row) for column in columns.values.values())
            kept.append(Judged(columns.open_ts.item(row), names, values))

    def _take_signals(self, node: str, signals: Signals) -> None:
        rows = len(signals)
        ensemble = node.partition(".")[2]
        told = [each.partition(": ") for each in signals.fault.split("; ")] if signals.fault else []
        faults = {name: what for name, _, what in told}
        for row in range(rows - min(signals.fresh, KEPT), rows):
            known = self.of(signals.stream, signals.open_ts.item(row))
            if known is not None:
                known.votes += [
                    Vote(ensemble, name, scores.item(row), faults.get(name, ""))
                    for name, scores in signals.votes.items()
                ]

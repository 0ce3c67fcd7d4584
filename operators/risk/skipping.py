"""Bars that never came because nothing ran when they would have: each has its row, which says how late it was noticed.

They are counted from the bars before and after them, so none is passed over in silence, whoever had the prices.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from operators.risk.absence import unasked
from operators.risk.feed import SECONDS, Feed, gate_of
from pipeline.calendar import Calendars
from pipeline.values import Decisions, Signals, Slept


class Skipping:
    """A guard's memory of the last bar of each stream."""

    def __init__(self, accounts: Iterable[str], gates: tuple[str, ...], feed: Feed, calendars: Calendars) -> None:
        self._accounts, self._gates, self._feed, self._calendars = tuple(accounts), gates, feed, calendars
        self._last: dict[tuple[str, int], int] = {}

    def take_over(self, skipping: "Skipping") -> None:
        """Know what another one knew."""
        self._last = dict(skipping._last)

    def before(self, signals: Signals, at: int) -> Iterator[Decisions]:
        """The rows of the bars that are missing before these, of those that would have ended while nothing ran."""
        if not len(signals):
            return
        stream, first = (signals.product, signals.tf), int(signals.open_ts[0])
        last = self._last.get(stream)
        self._last[stream] = max(int(signals.open_ts[-1]), last if last is not None else first)
        if last is None or first <= last + signals.tf:
            return
        slots = self._calendars.of(signals.product).open_slots(last + signals.tf, first, signals.tf)
        skipped = [(slot, self._feed.skipped(slot + signals.tf, signals.tf)) for slot in slots.tolist()]
        found = [(slot, slept) for slot, slept in skipped if slept is not None]
        for account in self._accounts if found else ():
            yield self._rows(account, stream, found, at)

    def _rows(self, account: str, stream: tuple[str, int], found: Sequence[tuple[int, Slept]], at: int) -> Decisions:
        open_ts = np.array([slot for slot, _ in found], np.int64)
        noticed = np.array([slept.until for _, slept in found], np.int64)
        verdict = np.array([self._gates.index(gate_of(slept.cause)) for _, slept in found], np.int8)
        late = np.maximum(noticed - (open_ts + stream[1]), 0) / SECONDS
        return unasked(account, *stream, self._gates, open_ts, np.full(len(found), at, np.int64), verdict, late)

"""Bars that became final while the program was not running: each has its row, which says how long ago that was.

What a source gives as history after a start is compared with the bar that each key had decided last.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from operators.risk.feed import SECONDS
from pipeline.values import Bars, Decisions, Floats, Past, Small, Stamps

MISSED = "missed"


class Absence:
    """A guard's memory of when the program was away, from the last decision of each key of its accounts."""

    def __init__(self, accounts: Iterable[str], gates: tuple[str, ...]) -> None:
        self._accounts, self._gates = frozenset(accounts), gates
        self._since: dict[tuple[str, int], dict[str, int]] = {}
        """Of each stream the last bar each account has a row of."""
        self._until = 0

    def take_over(self, absence: "Absence") -> None:
        """Know what another one knew, of its own accounts."""
        self._until = absence._until
        for stream, since in absence._since.items():
            self._since[stream] = {account: bar for account, bar in since.items() if account in self._accounts}

    def begin(self, past: Past, at: int) -> None:
        """What was decided before this run, which begins now."""
        self._until = at
        for account, product, tf, bar in past.decided:
            if account in self._accounts:
                self._since.setdefault((product, tf), {})[account] = bar

    def take(self, history: Bars, at: int) -> Iterator[Decisions]:
        """The rows of bars that are history by now and were decided by nobody."""
        since = self._since.get((history.product, history.tf))
        if history.fresh or since is None:
            return
        known = int(history.final_at.searchsorted(self._until, side="right"))
        for account, last in since.items():
            first = int(history.open_ts.searchsorted(last, side="right"))
            if first < known:
                since[account] = int(history.open_ts[known - 1])
                yield self._rows(account, history.rows(first, known, 0), at)

    def _rows(self, account: str, bars: Bars, at: int) -> Decisions:
        rows = len(bars)
        verdict, noticed = np.full(rows, self._gates.index(MISSED), np.int8), np.full(rows, at, np.int64)
        late = (at - bars.final_at) / SECONDS
        return unasked(account, bars.product, bars.tf, self._gates, bars.open_ts, noticed, verdict, late)


def unasked(
    account: str,
    product: str,
    tf: int,
    gates: tuple[str, ...],
    open_ts: Stamps,
    at: Stamps,
    verdict: Small,
    late: Floats,
) -> Decisions:
    """Rows of bars of which nothing was asked any more: why, and how many seconds too late."""
    rows = len(open_ts)
    nothing = np.full(rows, np.nan)
    return Decisions(
        account=account,
        product=product,
        tf=tf,
        gates=gates,
        open_ts=open_ts,
        at=at,
        verdict=verdict,
        value=late,
        threshold=np.zeros(rows),
        score=nothing,
        direction=np.zeros(rows, np.int8),
        payout=nothing,
        orders={},
        explained={},
    )

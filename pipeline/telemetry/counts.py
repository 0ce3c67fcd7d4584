"""What came, what was let go, and what went wrong: counted by name since the flow began."""

from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

from pipeline.changes.notices import Notice
from pipeline.changes.proposal import Changed
from pipeline.evidence import Called, Standing, Trouble
from pipeline.hogging.pauses import Resting
from pipeline.lifecycle import Life
from pipeline.telemetry.readings import Reading
from pipeline.telemetry.sketches import Spread
from pipeline.times import MINUTE, SECOND, timeframe_name
from pipeline.values import Bars, Decisions, Dropped, Fault, Key, Link, Noticed, Quotes, Slept
from pipeline.view import TRADED

COUNTED: tuple[type[Any], ...] = (
    *(Dropped, Noticed, Fault, Trouble, Slept, Life, Standing, Called, Link),
    *(Changed, Notice, Resting),
)
"""What `Counts.other` hears of."""
RATED = 60
"""Rates are those of so many real seconds."""


class Counts:
    """Told of everything; each kind of thing has its counter."""

    def __init__(self) -> None:
        self.lags: dict[str, Spread] = {}
        self._named: Counter[tuple[str, ...]] = Counter()
        """By the name of the family and its labels."""
        self._standing: dict[str, str] = {}
        self._called: dict[str, Called] = {}
        self._links: dict[tuple[str, ...], bool] = {}
        self._lives: dict[Key, str] = {}
        self._resting: dict[str, bool] = {}
        self._totals: deque[tuple[float, int, int]] = deque(maxlen=RATED + 1)

    def quotes(self, node: str, quotes: Quotes) -> None:
        self._named["moonlight_quotes_total", node] += len(quotes)
        lag = self.lags.get(node)
        if lag is None:
            lag = self.lags[node] = Spread()
        lag.add(float(quotes.received[-1] - quotes.ts[-1]))

    def bars(self, bars: Bars) -> None:
        self._named["moonlight_bars_total", timeframe_name(bars.tf)] += bars.fresh

    def decisions(self, told: Decisions) -> None:
        verdicts: list[int] = told.verdict.tolist()
        for verdict in verdicts:
            word = TRADED if verdict < 0 else told.gates[verdict]
            self._named["moonlight_decisions_total", told.account, word] += 1

    def other(self, node: str, value: Any) -> None:
        match value:
            case Dropped():
                self._named["moonlight_dropped_rows_total", node, value.reason] += value.rows
            case Noticed():
                self._named["moonlight_noticed_rows_total", node, value.what] += value.rows
            case Fault():
                self._named["moonlight_faults_total", value.node] += 1
            case Trouble():
                self._named["moonlight_troubles_total", value.whose, value.kind] += 1
            case Slept():
                self._named["moonlight_standstills_total", value.cause] += 1
            case Life() | Changed() | Notice() | Resting():
                self._change(value)
            case _:
                self._connection(node, value)

    def _change(self, value: Life | Changed | Notice | Resting) -> None:
        """What becomes of keys, strategies and the flow itself."""
        match value:
            case Life():
                self._lives[value.key] = value.state
            case Changed():
                self._named["moonlight_changes_total", "waiting" if value.waiting else "applied"] += 1
            case Notice():
                self._named["moonlight_changes_total", "refused"] += value.level == "error"
            case Resting():
                self._resting[value.node] = value.until > 0

    def _connection(self, node: str, value: Any) -> None:
        match value:
            case Standing():
                if value.state == "RECONNECT" and self._standing.get(value.account) != "RECONNECT":
                    self._named["moonlight_reconnects_total", value.account] += 1
                self._standing[value.account] = value.state
            case Called():
                self._called[value.account] = value
                self._named["moonlight_calls_total", value.account] += value.calls
                self._named["moonlight_failed_calls_total", value.account] += value.failed
            case Link():
                if not value.up and not value.beginning and self._links.get((node, *value.products), True):
                    self._named["moonlight_reconnects_total", node] += 1
                self._links[node, *value.products] = value.up
            case _:
                pass

    def look(self, real: float) -> None:
        """Once a real second (ms): how much there is by then."""
        quotes = bars = 0
        for (family, *_), count in self._named.items():
            if family == "moonlight_quotes_total":
                quotes += count
            elif family == "moonlight_bars_total":
                bars += count
        self._totals.append((real, quotes, bars))

    def turn(self) -> None:
        for lag in self.lags.values():
            lag.turn()

    def readings(self, now: int) -> Iterator[Reading]:
        for (family, *labels), count in tuple(self._named.items()):
            yield Reading(family, tuple(labels), count)
        for node, lag in tuple(self.lags.items()):
            yield Reading("moonlight_quote_lag_seconds", (node,), lag)
        for account, state in tuple(self._standing.items()):
            yield Reading("moonlight_connected", (account,), state == "CONNECTED")
        states = Counter(tuple(self._lives.values()))
        for state, count in states.items():
            yield Reading("moonlight_keys", (state,), count)
        for node, rests in tuple(self._resting.items()):
            yield Reading("moonlight_resting", (node,), rests)
        requests = 0
        for account, called in tuple(self._called.items()):
            if called.calls:
                yield Reading("moonlight_call_seconds", (account,), called.millis / SECOND)
            requests += called.calls if now - called.at <= MINUTE else 0
        yield Reading("moonlight_requests_per_minute", (), requests)
        yield from self._rates()

    def _rates(self) -> Iterator[Reading]:
        """Of the last minute, as far as the flow has been looked at so long."""
        totals = tuple(self._totals)
        if len(totals) > 1 and totals[-1][0] > totals[0][0]:
            seconds = (totals[-1][0] - totals[0][0]) / SECOND
            yield Reading("moonlight_quotes_per_second", (), (totals[-1][1] - totals[0][1]) / seconds)
            yield Reading("moonlight_bars_per_minute", (), (totals[-1][2] - totals[0][2]) / seconds * 60)

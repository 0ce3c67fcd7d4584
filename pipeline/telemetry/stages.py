"""How long each stage of a bar's way takes, in real milliseconds, from the quote that closed it to the known end.

A stage lies between two things that a flow tells. On a simulated market that runs faster than time they are told faster
too, so what is measured is the program and its venue, not the market.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.evidence import Written
from pipeline.states import ENDED
from pipeline.telemetry.readings import Reading
from pipeline.telemetry.sketches import Spread, joined
from pipeline.times import timeframe_name
from pipeline.values import NEXT_TICK, Bars, Decisions, Order, Stream

STAGES = (
    "quote_to_bar",
    "bar_to_decision",
    "decision_to_intent",
    "intent_to_send",
    "send_to_answer",
    "decision_to_answer",
    "expiry_to_result",
)
TRIP = "decision_to_answer"
KEPT = 4096
"""Orders on their way; of more the oldest is forgotten."""
QUIET = 1000.0
"""Real milliseconds after the last decision of an instant: no more come."""


@dataclass(slots=True)
class Way:
    """One traded bar: the real moments (ms) of what became of it; 0 where it has not."""

    order: Order | None = None
    heard: float = 0.0
    final: float = 0.0
    decided: float = 0.0
    durable: float = 0.0
    sent: float = 0.0
    answered: float = 0.0
    ended: float = 0.0


@dataclass(slots=True)
class _Close:
    """The bars of one timeframe that became final at one instant."""

    instant: int
    begun: float
    last: float = 0.0


class Stages:
    """Told of each thing with the real moment (ms) and the flow's; `speed` is how much faster than time that goes."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self.spreads: dict[tuple[str, str], Spread] = {}
        self.cycles: dict[int, Spread] = {}
        self._heard: dict[str, float] = {}
        self._final: dict[Stream, tuple[int, float, float]] = {}
        """Of each stream its last bar, the moment it was final, and that of the quote which closed it."""
        self._closes: dict[int, _Close] = {}
        self._ways: OrderedDict[str, Way] = OrderedDict()

    def quotes(self, product: str, real: float) -> None:
        self._heard[product] = real

    def bars(self, bars: Bars, real: float, now: int) -> None:
        """Final bars; of those given ahead of their time nothing can be measured."""
        if not bars.fresh or bars.final_at[-1] > now:
            return
        known = self._final.get(bars.stream)
        if known is not None and known[0] == bars.open_ts[-1]:  # another node gives it on
            return
        heard = 0.0
        if bars.closed_by[-1] == NEXT_TICK:
            heard = self._heard.get(bars.product, 0.0)
            if heard:
                self._add("", "quote_to_bar", real - heard)
        self._final[bars.stream] = int(bars.open_ts[-1]), real, heard
        close = self._closes.get(bars.tf)
        if close is None or close.instant != now:
            self._finish(bars.tf)
            self._closes[bars.tf] = _Close(now, real)

    def decisions(self, told: Decisions, real: float, now: int) -> None:
        bar, final, heard = self._final.get(Stream(told.product, told.tf), (-1, 0.0, 0.0))
        last = len(told) - 1
        if last < 0 or bar != told.open_ts[last]:
            return
        self._add(told.account, "bar_to_decision", real - final)
        close = self._closes.get(told.tf)
        if close is not None and close.instant == now:
            close.last = real
        approved = told.orders.get(last)
        if approved is not None:
            self._ways[approved.order] = Way(heard=heard, final=final, decided=real)
            if len(self._ways) > KEPT:
                self._ways.popitem(last=False)

    def written(self, written: Written, real: float) -> None:
        way = self._ways.get(written.order)
        if way is not None and not way.durable:
            way.durable = real

    def order(self, order: Order, real: float, now: int) -> Way | None:
        """What became of an order; its way, once that has ended."""
        way = self._ways.get(order.order)
        if way is None:
            return None
        way.order = order
        if order.state == "SEND" and not way.sent:
            way.sent, way.durable = real, way.durable or real
            self._add(order.account, "decision_to_intent", way.durable - way.decided)
            self._add(order.account, "intent_to_send", real - way.durable)
        elif way.sent and not way.answered and order.taken_at:
            way.answered = real
            self._add(order.account, "send_to_answer", real - way.sent)
            self._add(order.account, "decision_to_answer", real - way.decided)
        if order.state not in ENDED:
            return None
        way.ended = real
        del self._ways[order.order]
        if order.state == "SETTLED" and order.expiry and order.expiry <= now:
            self._add(order.account, "expiry_to_result", (now - order.expiry) / self.speed)
        return way

    def look(self, real: float) -> None:
        """Now and then: instants of which no more comes are over."""
        for tf, close in tuple(self._closes.items()):
            if close.last and real - close.last > QUIET:
                self._finish(tf)

    def turn(self) -> None:
        """Let the quantiles be of what comes now; see `Spread`."""
        for spread in (*self.spreads.values(), *self.cycles.values()):
            spread.turn()

    def readings(self) -> Iterator[Reading]:
        spreads = tuple(self.spreads.items())
        for labels, spread in spreads:
            yield Reading("moonlight_stage_seconds", labels, spread)
        yield Reading(
            "moonlight_latency_seconds", (), joined(spread for (_, stage), spread in spreads if stage == TRIP)
        )
        for tf, spread in tuple(self.cycles.items()):
            yield Reading("moonlight_close_seconds", (timeframe_name(tf),), spread)

    def _finish(self, tf: int) -> None:
        close = self._closes.pop(tf, None)
        if close is not None and close.last:
            self.cycles.setdefault(tf, Spread()).add(close.last - close.begun)

    def _add(self, account: str, stage: str, millis: float) -> None:
        spread = self.spreads.get((account, stage))
        if spread is None:
            spread = self.spreads[account, stage] = Spread()
        spread.add(millis)

"""Every contract that ended is settled once more from our own prices, and held against what the venue says.

A contract is explained when our ticks give the same result at the same prices, or when the venue's prices are among
our ticks of their moments and its result and profit follow from them. Where our prices do not reach it is unseen:
then nothing is said.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush

from pipeline.evidence import Audited
from pipeline.gains import profit_of
from pipeline.orders import sold
from pipeline.outcomes import MEMORY, PATIENCE, Priced
from pipeline.settlement import FOREVER, Contract, PricePath, Tie, result_of, settled
from pipeline.states import ENDED
from pipeline.times import DAY, SECOND, utc_text
from pipeline.values import Order, Past, Quotes, Result, Settlement

WINDOW = SECOND
"""How far a venue's stamp of a tick may lie from ours."""
HOLE = 10 * SECOND
"""Ticks further apart than this may lack some that the venue had."""
LONGEST = 2 * DAY
"""So long prices are kept for a contract whose end nobody tells."""
EXACT = 1e-9
"""By how much of itself a price may differ and be the same."""
NOTHING: tuple[Audited, ...] = ()


class Auditing:
    """The contracts that have not been settled once more, and the prices to do it by."""

    def __init__(self, ties: Mapping[str, Tie], tolerance: float = 0.0, closing: frozenset[str] = frozenset()) -> None:
        """`ties` by account; `tolerance` is the part of a price by which the venue's may differ from ours; `closing`
        are the accounts whose venues take contracts back before their expiry."""
        self._ties = ties
        self._closing = closing
        self._tolerance = max(tolerance, EXACT)
        self._path = PricePath(self._needed_from)
        self._running: dict[str, dict[str, int]] = {}
        """When the contracts that have not ended were accepted, by product and order."""
        self._waiting: dict[str, list[Order]] = {}
        self._alarms: list[tuple[int, str]] = []
        self._opened: int | None = None
        self._now = 0

    def __len__(self) -> int:
        """How many prices it holds."""
        return len(self._path)

    @property
    def due(self) -> int | None:
        while self._alarms and not self._waiting.get(self._alarms[0][1]):
            heappop(self._alarms)
        return self._alarms[0][0] if self._alarms else None

    def take(self, item: Quotes | Priced | Order | Past, at: int) -> Iterator[Audited] | tuple[Audited, ...]:
        self._now = at
        self._opened = at if self._opened is None else self._opened
        match item:
            case Quotes():
                self._path.append(item)
                return self._looked(item.product, at) if item.product in self._waiting else NOTHING
            case Priced():
                self._path.append(item.bars)
                return self._looked(item.bars.product, at) if item.bars.product in self._waiting else NOTHING
            case Order():
                return self._follow(item, at)
            case Past():
                return self._remembered(item, at)

    def wake(self, at: int) -> Iterator[Audited]:
        self._now = at
        while (due := self.due) is not None and due <= at:
            yield from self._looked(heappop(self._alarms)[1], at)

    def _follow(self, order: Order, at: int) -> Iterator[Audited] | tuple[Audited, ...]:
        if order.state not in ENDED:
            if order.contract:
                self._runs(order)
            return NOTHING
        if order.state == "ABORT":
            self._runs_no_more(order)
            return NOTHING
        if not order.expiry:  # its end overtook the answer, or somebody signed for it
            self._runs_no_more(order)
            return (_unseen(order, at, "nobody told when its contract ran"),)
        if order.account in self._closing and sold(order):
            self._runs_no_more(order)
            return (_closed(order, at),)
        self._waiting.setdefault(order.product, []).append(order)
        return self._looked(order.product, at)

    def _remembered(self, past: Past, at: int) -> Iterator[Audited]:
        """Contracts of before: those that run, and those that ended so late that nobody came to audit them."""
        late = frozenset(past.unaudited)
        for order in past.orders:
            if order.state not in ENDED and order.contract:
                self._runs(order)
            elif order.order in late:
                yield from self._follow(order, at)

    def _runs(self, order: Order) -> None:
        self._running.setdefault(order.product, {})[order.order] = order.expiry - order.tf

    def _runs_no_more(self, order: Order) -> None:
        self._running.get(order.product, {}).pop(order.order, None)

    def _looked(self, product: str, at: int) -> Iterator[Audited]:
        """The contracts of a product of which all prices are known by a moment, or will not come any more."""
        left: list[Order] = []
        for order in self._waiting.pop(product, ()):
            complete = self._path.complete_at(product, order.expiry)
            known = order.expiry + PATIENCE if complete is None else min(complete, order.expiry + PATIENCE)
            if known > at:
                left.append(order)
                heappush(self._alarms, (known, product))
            else:
                self._runs_no_more(order)
                yield judged(order, self._path, at, self._ties.get(order.account, "push"), self._tolerance)
        if left:
            self._waiting[product] = left

    def _needed_from(self, product: str) -> int:
        if self._now == self._opened:
            return -FOREVER  # contracts of before may yet be told of, and need prices as old as they are
        accepted = min(self._running.get(product, {}).values(), default=self._now)
        return min(self._now - MEMORY, max(accepted, self._now - LONGEST))


@dataclass(frozen=True, slots=True)
class Case:
    """A contract as the venue ended it, and the prices it is held against."""

    order: Order
    path: PricePath
    tolerance: float
    tie: Tie

    @property
    def accepted_at(self) -> int:
        return self.order.expiry - self.order.tf

    @property
    def result(self) -> Result:
        """What the venue says; a contract that was void is canceled, whatever it calls that."""
        told = self.order.result
        return "canceled" if told in (None, "abort") else told

    def ours(self, at: int, known_before: int) -> Settlement:
        order = self.order
        contract = Contract(
            order.order, order.product, order.direction, order.stake, order.payout, self.accepted_at, order.expiry
        )
        return settled(contract, self.path, at, self.tie, known_before)

    def same(self, ours: Settlement) -> bool:
        """Whether our prices say the same; a venue that tells no prices is held against the result alone."""
        if ours.result != self.result or ours.profit != self.order.profit:
            return False
        told = (not self.order.entry_ts or self._near(self.order.entry, ours.entry)) and (
            not self.order.exit_ts or self._near(self.order.exit, ours.exit)
        )
        return self.result == "canceled" or told

    def _near(self, price: float, ours: float) -> bool:
        return abs(price - ours) <= self.tolerance * abs(ours)

    def blind(self, moment: int) -> bool:
        """Whether our ticks around a moment are so far apart that some may be missing."""
        before = self.path.exit(self.order.product, moment)
        after = self.path.entry(self.order.product, moment)
        return before is None or after is None or after.ts - before.ts > HOLE

    def odd(self, ours: Settlement) -> Iterator[str]:
        """What cannot be explained, a sentence for each thing."""
        order = self.order
        if self.result == "canceled" or not (order.entry_ts and order.exit_ts):
            yield f"it is {self.result} {order.profit:+}, by our ticks {_ended(ours)}"
            return
        yield from self._odd_price("entry", order.entry_ts, order.entry)
        yield from self._odd_price("exit", order.exit_ts, order.exit)
        if order.entry_ts > ours.entry_ts + WINDOW:
            first = _clock(ours.entry_ts)
            yield f"entry is of {_clock(order.entry_ts)}, our first tick after the acceptance of {first}"
        if order.entry_ts < self.accepted_at - WINDOW:
            yield f"entry is of {_clock(order.entry_ts)}, before the acceptance at {_clock(self.accepted_at)}"
        if order.exit_ts > order.expiry + WINDOW:
            yield f"exit is of {_clock(order.exit_ts)}, after the expiry at {_clock(order.expiry)}"
        if order.exit_ts < ours.exit_ts - WINDOW:
            yield f"exit is of {_clock(order.exit_ts)}, our last tick before the expiry of {_clock(ours.exit_ts)}"
        follows = result_of(order.direction, order.entry, order.exit, self.tie)
        if follows != self.result:
            yield f"it is {self.result}, but from its own prices follows {follows}"
        elif profit_of(follows, order.stake, order.payout) != order.profit:
            yield f"profit is {order.profit:+}, {profit_of(follows, order.stake, order.payout):+} was agreed"

    def _odd_price(self, name: str, ts: int, price: float) -> Iterator[str]:
        since, until = ts - WINDOW, ts + WINDOW
        found = self.path.reach(self.order.product, since, until)
        if found is None:
            yield f"{name} {price:g} is not what our prices say"
            return
        low, high = found
        slack = self.tolerance * abs(price)
        if not low - slack <= price <= high + slack:
            yield (
                f"{name} {price:.10g} is in none of our ticks between {_clock(since)} and {_clock(until)} "
                f"({low:.10g} to {high:.10g})"
            )


def judged(order: Order, path: PricePath, at: int, tie: Tie, tolerance: float = EXACT) -> Audited:
    """How a contract ended by our own prices, and whether that explains what the venue says."""
    case = Case(order, path, tolerance, tie)
    reaches = path.exit(order.product, case.accepted_at) is not None
    # The venue may rightly have ended it before late ticks came.
    for known_before in (FOREVER, order.ended_at + 1):
        ours = case.ours(at, min(known_before, at + 1))
        if case.same(ours) and (reaches or ours.result != "canceled"):
            return _seen(order, at, ours, ())
    ours = case.ours(at, at + 1)
    if not reaches:
        return _unseen(order, at, "our prices begin after its acceptance")
    if ours.result == "canceled" and case.result != "canceled":
        return _unseen(order, at, "we have no price between its acceptance and its expiry")
    moments = (case.accepted_at, order.expiry, *filter(None, (order.entry_ts, order.exit_ts)))
    for moment in filter(case.blind, moments):
        return _unseen(order, at, f"our ticks have a hole around {_clock(moment)}")
    return _seen(order, at, ours, tuple(case.odd(ours)))


def _closed(order: Order, at: int) -> Audited:
    """What was sold back ended by a price of the venue's own: only its bounds can be held against it."""
    most = profit_of("win", order.stake, order.payout)
    if not -order.stake <= order.profit <= most:
        odd = f"closed early at {_clock(order.ended_at)} for {order.profit:+}; it is no less than {-order.stake:+}"
        return Audited(order.order, order.account, at, "unexplained", reason=f"{odd} and no more than {most:+}")
    return _unseen(order, at, f"closed early at {_clock(order.ended_at)}")


def _unseen(order: Order, at: int, reason: str) -> Audited:
    return Audited(order.order, order.account, at, "unseen", reason=reason)


def _seen(order: Order, at: int, ours: Settlement, odd: tuple[str, ...]) -> Audited:
    return Audited(
        order=order.order,
        account=order.account,
        at=at,
        verdict="unexplained" if odd else "explained",
        result=ours.result,
        entry_ts=ours.entry_ts,
        entry=ours.entry,
        exit_ts=ours.exit_ts,
        exit=ours.exit,
        reason="; ".join(odd),
    )


def _ended(ours: Settlement) -> str:
    return f"{ours.result} {ours.profit:+} (entry {ours.entry:.10g}, exit {ours.exit:.10g})"


def _clock(moment: int) -> str:
    return utc_text(moment)[11:-1]

"""The practice venue, on virtual time: prices and orders in, answers and settlements out."""

import dataclasses
import tomllib
from collections.abc import Callable, Iterable
from decimal import Decimal
from heapq import heappop, heappush
from typing import Any, cast

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from reactivex import Subject
from reactivex.abc import DisposableBase
from reactivex.disposable import Disposable

from pipeline.candles import from_columns
from pipeline.evidence import Declined, Evidence, Inquiry, Lost, Statement, Struck, Unsent
from pipeline.host import Host
from pipeline.times import HOUR, MINUTE
from pipeline.values import Ack, Bars, Direction, Order, OrderState, Past, Payouts, Quotes, Reject, Reply, Settlement
from pipeline.venues.faults import Storm, Strike, What
from pipeline.venues.line import Reply as Answer
from sinks.practice import Practice

T = 1_767_600_000_000
"""The opening of some minute."""

FEED, TURN = 0, 1


class Clock:
    """As much of a host as a venue looks at: its time, and acts planned on it. Nothing runs before its moment."""

    def __init__(self, now: int = T) -> None:
        self._now = now
        self._planned: list[tuple[int, int, int, list[Callable[[], object]]]] = []
        self._count = 0

    def now(self) -> int:
        return self._now

    def at(self, moment: int, act: Callable[[], None]) -> DisposableBase:
        return self.plan(moment, TURN, act)

    def plan(self, moment: int, priority: int, act: Callable[[], object]) -> DisposableBase:
        cell = [act]
        self._count += 1
        heappush(self._planned, (max(moment, self._now), priority, self._count, cell))
        return Disposable(cell.clear)

    def run(self, until: int) -> None:
        while self._planned and self._planned[0][0] <= until:
            self._now, _, _, cell = heappop(self._planned)
            if cell:
                cell.pop()()
        self._now = until

    @property
    def waits(self) -> bool:
        return any(cell for *_, cell in self._planned)


class Session:
    """A venue with its streams; what it tells is kept with the moment it was told."""

    def __init__(self, venue: Practice, now: int = T) -> None:
        self.clock = Clock(now)
        self.orders: Subject[Order | Inquiry] = Subject()
        self.prices: Subject[Quotes | Bars] = Subject()
        self.payouts: Subject[Payouts] = Subject()
        self.past: Subject[Past] = Subject()
        self.told: list[tuple[int, Reply]] = []
        self.other: list[Unsent | Lost | Declined | Statement] = []
        self.struck: list[Struck] = []
        self.terms: list[Payouts] = []
        self.completed = False
        host = cast(Host, self.clock)  # a venue uses the clock of it and nothing else
        self.subscription = venue(host, self.orders, self.prices, self.payouts, self.past).subscribe(
            self._keep, on_completed=self._complete
        )

    def _keep(self, item: Answer | Struck | Payouts) -> None:
        if isinstance(item, Payouts):
            self.terms.append(item)
        elif isinstance(item, Struck):
            self.struck.append(item)
        elif isinstance(item, Unsent | Lost | Declined | Statement):
            self.other.append(item)
        else:
            self.told.append((self.clock.now(), item))

    def _complete(self) -> None:
        self.completed = True

    def give(self, stream: Subject[Any], items: Iterable[tuple[int, Any]], priority: int = FEED) -> None:
        for moment, item in items:
            self.clock.plan(moment, priority, lambda item=item: stream.on_next(item))

    def send(self, *orders: Order) -> None:
        self.give(self.orders, [(order.at, order) for order in orders])

    def tick(self, *ticks: tuple[int, float]) -> None:
        self.give(self.prices, [(ts, quotes((ts, price))) for ts, price in ticks])

    def play(self, until: int = T + HOUR) -> list[Reply]:
        self.clock.run(until)
        return [reply for _, reply in self.told]


def quotes(*ticks: tuple[int, float], lag: int = 0) -> Quotes:
    ts = np.array([tick[0] for tick in ticks], np.int64)
    price = np.array([tick[1] for tick in ticks], np.float64)
    return Quotes("EURUSD", ts, ts + lag, price - 0.25, price + 0.25)


def payouts(*changes: tuple[int, float]) -> Payouts:
    return Payouts("EURUSD", np.array([c[0] for c in changes], np.int64), np.array([c[1] for c in changes]))


def order(name: str = "o1", at: int = T + 1000, direction: Direction = "call", stake: str = "1.00") -> Order:
    return Order(
        order=name,
        account="demo-1",
        product="EURUSD",
        tf=MINUTE,
        bar=T - MINUTE,
        direction=direction,
        stake=Decimal(stake),
        payout=0.5,
        state="SEND",
        at=at,
    )


def left_open(name: str = "o1", accepted_at: int = T - 30_000) -> Order:
    """An order whose contract was open when an earlier run ended."""
    sent = order(name, accepted_at - 120)
    return replace(sent, state="CONFIRM", at=accepted_at, contract="MOCK-o1", expiry=accepted_at + MINUTE, payout=0.87)


FIXED = Practice(payout=0.87)
ACCEPTED = T + 1000 + 120
EXPIRY = ACCEPTED + MINUTE
DUE = EXPIRY + 200
RISING = ((T, 1.0), (ACCEPTED + 1, 1.5), (EXPIRY, 2.0), (EXPIRY + 1, 0.5))

# --- orders ----------------------------------------------------------------------------------------------------------


def test_an_order_is_accepted_after_the_latency_and_settled_from_prices_after_its_expiry() -> None:
    session = Session(FIXED)
    session.tick(*RISING)
    session.send(order())
    session.play()
    assert session.told == [
        (ACCEPTED, Ack("o1", "MOCK-o1", ACCEPTED, EXPIRY, 0.87)),
        (DUE, Settlement("o1", "win", Decimal("0.87"), ACCEPTED + 1, 1.5, EXPIRY, 2.0, DUE)),
    ]


def test_the_orders_own_time_rules_when_the_clock_is_late() -> None:
    session = Session(FIXED, now=T + 5000)
    session.give(session.prices, [(T + 5000, quotes(*RISING))])
    session.give(session.orders, [(T + 6000, order(at=T + 1000))])
    ack, end = session.play()
    assert (ack.at, end.at) == (ACCEPTED, DUE)


@pytest.mark.parametrize(
    ("stake", "reason"), [("0.34", "stake below the minimum 0.35"), ("10.01", "stake above the maximum 10")]
)
def test_a_stake_out_of_bounds_is_rejected_with_the_bound(stake: str, reason: str) -> None:
    session = Session(Practice(payout=0.87, max_stake=Decimal(10)))
    session.tick(*RISING)
    session.send(order(stake=stake))
    assert session.play() == [Reject("o1", reason, ACCEPTED)]


@pytest.mark.parametrize("ticks", [(), ((ACCEPTED - MINUTE - 1, 1.0),), ((ACCEPTED + 1, 1.0),)])
def test_an_order_without_a_price_in_the_last_minute_is_rejected(ticks: tuple[tuple[int, float], ...]) -> None:
    session = Session(FIXED, now=T - HOUR)
    session.give(session.prices, [(T - HOUR, quotes(*ticks))])
    session.send(order())
    assert session.play() == [Reject("o1", "no price", ACCEPTED)]


def test_an_order_sent_again_gets_the_same_answer_and_no_second_contract() -> None:
    session = Session(FIXED)
    session.tick(*RISING)
    session.send(order(), order(at=T + 1050), order(at=T + 9000, direction="put"))
    ack, *again, end = session.play()
    assert again == [ack, ack]
    assert isinstance(end, Settlement)
    assert end.result == "win"


def test_orders_in_other_states_are_no_business_of_the_venues() -> None:
    session = Session(FIXED)
    session.tick(*RISING)
    opened = replace(order(at=T), state="CONFIRM", contract="MOCK-o1", expiry=EXPIRY)
    session.send(order())
    session.give(session.orders, [(ACCEPTED + 5, opened), (DUE + 5, replace(opened, state="SETTLED"))])
    session.give(session.orders, [(DUE + 6, replace(order("o2"), state=state)) for state in ("UNKNOWN", "ABORT")])
    assert [type(reply) for reply in session.play()] == [Ack, Settlement]


@pytest.mark.parametrize("priority", [FEED, TURN])
def test_a_price_received_in_the_millisecond_of_acceptance_comes_too_late_for_it(priority: int) -> None:
    session = Session(FIXED)
    session.send(order())
    session.give(session.prices, [(ACCEPTED, quotes((ACCEPTED, 1.0)))], priority)
    assert session.play() == [Reject("o1", "no price", ACCEPTED)]


# --- outcome ---------------------------------------------------------------------------------------------------------


def test_nothing_but_prices_decides_an_outcome() -> None:
    ends: list[Reply] = []
    for name in ("a", "b", "1000"):
        session = Session(FIXED)
        session.tick(*RISING)
        session.send(order(name, direction="call"), order(f"{name}-put", direction="put"))
        ends.extend(reply for reply in session.play() if isinstance(reply, Settlement))
    assert [end.result for end in cast(list[Settlement], ends)] == ["win", "lose"] * 3


@pytest.mark.parametrize(("tie", "profit"), [("push", "0"), ("lose", "-1.00")])
def test_a_tie_is_settled_by_the_tables_rule(tie: str, profit: str) -> None:
    session = Session(msgspec.convert({"payout": 0.87, "tie": tie}, Practice))
    session.tick((T, 1.0), (ACCEPTED + 1, 1.5), (EXPIRY, 1.5))
    session.send(order())
    _, end = session.play()
    assert isinstance(end, Settlement)
    assert (end.result, end.profit) == (tie, Decimal(profit))


def test_a_contract_the_market_left_without_a_tick_is_void() -> None:
    session = Session(FIXED)
    session.tick((T, 1.0), (EXPIRY + 1, 2.0))
    session.send(order())
    _, end = session.play()
    assert end == Settlement("o1", "canceled", Decimal(0), 0, 0.0, 0, 0.0, DUE)


def test_a_contract_whose_market_fell_silent_is_void_after_twenty_seconds() -> None:
    session = Session(FIXED)
    session.tick((T, 1.0), (ACCEPTED, 1.5))
    session.send(order())
    _, end = session.play()
    assert end == Settlement("o1", "canceled", Decimal(0), 0, 0.0, 0, 0.0, DUE + 20_000)


def received_late(*rows: tuple[int, float, int]) -> list[tuple[int, Quotes]]:
    """Ticks of (ts, price, received), each given when it was received."""
    return [(received, quotes((ts, price), lag=received - ts)) for ts, price, received in rows]


def test_ticks_that_come_late_are_waited_for_when_there_are_no_others() -> None:
    session = Session(FIXED)
    late = [(ACCEPTED + 1, 1.5, DUE), (EXPIRY, 2.0, DUE + 700), (EXPIRY + 1, 0.5, DUE + 700)]
    session.tick((T, 1.0))
    session.give(session.prices, received_late(*late))
    session.send(order())
    session.play()
    end = Settlement("o1", "win", Decimal("0.87"), ACCEPTED + 1, 1.5, EXPIRY, 2.0, DUE + 700)
    assert session.told[1:] == [(DUE + 700, end)]


def test_a_tick_received_after_the_settlement_does_not_change_it() -> None:
    session = Session(FIXED)
    session.tick((T, 1.0), (ACCEPTED + 1, 1.5))
    session.give(session.prices, received_late((EXPIRY, 2.0, DUE)))
    session.send(order())
    _, end = session.play()
    assert (end.at, cast(Settlement, end).result) == (DUE, "push")


def minute_bars(*closes: float, final_after: int = 0) -> Bars:
    """Bars from T on, each opening where the one before it closed."""
    price = np.array(closes, np.float64)
    open_, close = price[:-1], price[1:]
    open_ts = T + MINUTE * np.arange(len(open_), dtype=np.int64)
    low, high = np.minimum(open_, close), np.maximum(open_, close)
    made = from_columns("EURUSD", MINUTE, open_ts, open_, high, low, close, np.ones(len(open_)))
    return dataclasses.replace(made, final_at=made.final_at + final_after)


@pytest.mark.parametrize("final_after", [0, 120, 900, 5000])
@pytest.mark.parametrize("ahead", [True, False])
def test_where_only_bars_exist_a_contract_leaves_at_the_close_of_its_last_whole_bar(
    final_after: int, ahead: bool
) -> None:
    bars = minute_bars(1.0, 1.1, 1.2, 1.3, final_after=final_after)
    session = Session(FIXED)
    given = [(T if ahead else bars.final_at.item(row), bars.rows(row, row + 1, fresh=1)) for row in range(3)]
    session.give(session.prices, given)
    sent_at = T + MINUTE + final_after
    session.send(order(at=sent_at))
    ack, end = session.play()
    told_at = max(sent_at + 120 + MINUTE + 200, T + 2 * MINUTE + final_after)
    assert ack.at == sent_at + 120
    assert end == Settlement("o1", "win", Decimal("0.87"), T + MINUTE, 1.1, T + 2 * MINUTE, 1.2, told_at)


@pytest.mark.parametrize(("late", "result"), [(19_999, "win"), (20_000, "canceled")])
@pytest.mark.parametrize("ahead", [True, False])
def test_a_bar_is_waited_for_twenty_seconds_and_not_a_millisecond_more(late: int, result: str, ahead: bool) -> None:
    session = Session(FIXED)
    first, second = (minute_bars(1.0, 1.1, 1.2).rows(row, row + 1, fresh=1) for row in range(2))
    due = T + 2 * MINUTE + 121 + 200
    second = dataclasses.replace(second, final_at=np.array([due + late], np.int64))
    session.give(session.prices, [(T, first), (T if ahead else due + late, second)])
    session.send(order(at=T + MINUTE + 1))
    _, end = session.play()
    assert (cast(Settlement, end).result, end.at) == (result, due + late)


def test_the_entry_of_a_long_contract_is_not_forgotten() -> None:
    session = Session(FIXED)
    ts = T + 200 * np.arange(100_000, dtype=np.int64)
    price = np.arange(100_000, dtype=np.float64)
    market = Quotes("EURUSD", ts, ts, price, price)
    session.give(session.prices, [(market.ts.item(row), market.rows(row, row + 500)) for row in range(0, 100_000, 500)])
    session.send(replace(order(), tf=5 * HOUR))
    _, end = session.play(T + 6 * HOUR)
    assert (cast(Settlement, end).entry_ts, cast(Settlement, end).exit_ts) == (T + 1200, T + 1000 + 5 * HOUR)


# --- payouts ---------------------------------------------------------------------------------------------------------


def test_the_payout_is_the_one_in_force_when_the_order_was_sent() -> None:
    session = Session(Practice())
    session.tick(*RISING)
    changes = [(T, payouts((T, 0.8))), (T + 1001, payouts((T + 1001, 0.9)))]
    session.give(session.payouts, changes)
    session.send(order(), order("o2", at=T + 1001))
    assert [ack.payout for ack in session.play() if isinstance(ack, Ack)] == [0.8, 0.9]


def test_the_markets_payouts_are_passed_on() -> None:
    session = Session(Practice())
    series = payouts((T, 0.8), (T + 5, 0.9))
    session.give(session.payouts, [(T, series)])
    session.play()
    assert session.terms == [series]


def test_a_fixed_payout_is_told_once_for_each_product_whatever_the_market_pays() -> None:
    session = Session(FIXED)
    session.tick(*RISING)
    session.give(session.payouts, [(T, payouts((T, 0.2)))])
    session.send(order())
    ack, _ = session.play()
    (told,) = session.terms
    assert (told.product, told.ts.tolist(), told.ratio.tolist()) == ("EURUSD", [0], [0.87])
    assert cast(Ack, ack).payout == 0.87


def test_bars_of_history_make_a_product_known_but_are_no_prices() -> None:
    session = Session(FIXED)
    history = minute_bars(1.0, 1.1).rows(0, 1, fresh=0)
    session.give(session.prices, [(T, history)])
    session.send(order(at=T + MINUTE))
    assert session.play() == [Reject("o1", "no price", T + MINUTE + 120)]
    assert len(session.terms) == 1


def test_an_order_without_a_payout_is_rejected() -> None:
    session = Session(Practice())
    session.tick(*RISING)
    session.give(session.payouts, [(T + 1001, payouts((T + 1001, 0.9)))])
    session.send(order())
    assert session.play() == [Reject("o1", "no payout", ACCEPTED)]


# --- lost answers ----------------------------------------------------------------------------------------------------

LOSING = Practice(payout=0.87, faults=(Strike(what="lost_ack", order=2), Strike(what="lost_settlement", order=2)))


def test_a_lost_acknowledgement_is_silence_and_the_others_arrive() -> None:
    session = Session(LOSING)
    session.tick(*RISING)
    session.send(order("o1"), order("o2"), order("o3"))
    assert [reply.order for reply in session.play()] == ["o1", "o3", "o1", "o3"]


def test_the_end_of_a_contract_whose_acknowledgement_was_lost_is_told_all_the_same() -> None:
    session = Session(Practice(payout=0.87, faults=(Strike(what="lost_ack", order=1),)))
    session.tick(*RISING)
    session.send(order())
    (end,) = session.play()
    assert isinstance(end, Settlement)
    assert (end.result, end.at) == ("win", DUE)


def test_a_fault_that_strikes_is_told_as_it_is_written_in_a_flow_file() -> None:
    session = Session(Practice(payout=0.87, faults=Storm(seed=1, late_ack=1.0)))
    session.tick(*RISING)
    session.send(order())
    session.play()
    (struck,) = session.struck
    assert struck.at == ACCEPTED
    (written,) = tomllib.loads(f"faults = [{struck.fault}]")["faults"]
    assert written.keys() == {"what", "order", "late"}
    again = Session(msgspec.convert({"payout": 0.87, "faults": [written]}, Practice))
    again.tick(*RISING)
    again.send(order())
    assert again.play() == session.play()
    assert again.struck == session.struck


@pytest.mark.parametrize(("again", "lost"), [(T + 30_000, ["lost_ack"]), (DUE + 5000, ["lost_ack", "lost_settlement"])])
def test_an_order_sent_again_learns_of_the_contract_it_had_all_along(again: int, lost: list[What]) -> None:
    session = Session(Practice(payout=0.87, faults=tuple(Strike(what=each, order=1) for each in lost)))
    session.tick(*RISING)
    session.send(order(), order(at=again))
    session.play()
    (acked_at, ack), (_, end) = session.told
    assert (acked_at, ack) == (again + 120, Ack("o1", "MOCK-o1", ACCEPTED, EXPIRY, 0.87))
    assert isinstance(end, Settlement)
    assert (end.result, end.at) == ("win", DUE)


# --- restarts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["CONFIRM", "UNKNOWN"])
def test_a_contract_of_an_earlier_run_is_settled_from_the_prices_that_come(state: OrderState) -> None:
    session = Session(FIXED)
    session.send(replace(left_open(), state=state))
    session.tick((T + 500, 1.0), (T + 29_000, 2.0), (T + 31_000, 0.5))
    assert session.play() == [
        Settlement("o1", "win", Decimal("0.87"), T + 500, 1.0, T + 29_000, 2.0, T + 30_200),
    ]


def test_a_contract_that_expired_while_nothing_ran_is_void_once_prices_come() -> None:
    session = Session(FIXED)
    session.send(left_open(accepted_at=T - HOUR))
    session.tick((T + 400_000, 1.0), (T + 400_500, 2.0))
    session.play()
    end = Settlement("o1", "canceled", Decimal(0), 0, 0.0, 0, 0.0, T + 400_000)
    assert session.told == [(T + 400_000, end)]


def test_a_contract_of_an_earlier_run_is_settled_from_prices_of_then_when_a_source_repeats_them() -> None:
    session = Session(FIXED)
    session.send(left_open(accepted_at=T - HOUR))
    old = quotes((T - HOUR + 1, 1.0), (T - HOUR + MINUTE, 2.0), (T - HOUR + MINUTE + 1, 3.0), lag=HOUR + 1000)
    session.give(session.prices, [(old.received.item(row), old.rows(row, row + 1)) for row in range(3)])
    (end,) = session.play()
    assert (cast(Settlement, end).entry, cast(Settlement, end).exit) == (1.0, 2.0)
    assert end.at == T + MINUTE + 1001


# --- ends ------------------------------------------------------------------------------------------------------------


def test_the_stream_ends_when_no_order_can_come_and_all_are_settled() -> None:
    session = Session(FIXED)
    session.tick(*RISING)
    session.send(order())
    session.clock.plan(T + 2000, FEED, session.orders.on_completed)
    session.play(DUE - 1)
    assert not session.completed
    session.play(DUE)
    assert session.completed


def test_a_venue_let_go_of_waits_for_nothing_more() -> None:
    session = Session(FIXED)
    session.tick(*RISING)
    session.send(order(), order("o2", at=EXPIRY))
    session.play(EXPIRY + 50)
    session.subscription.dispose()
    assert not session.clock.waits
    assert len(session.play()) == 1


def test_bounds_that_let_nothing_through_are_refused_with_both_of_them() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"min_stake 5 is above max_stake 1; no order could be taken"):
        msgspec.convert({"min_stake": "5", "max_stake": "1"}, Practice)


@pytest.mark.parametrize(
    "table", [{"payout": 87}, {"payout": "markt"}, {"latency_ms": -1}, {"faults": [{"what": "lost_ack"}]}]
)
def test_a_table_that_makes_no_sense_is_refused(table: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(table, Practice, strict=False)


# --- blocks ----------------------------------------------------------------------------------------------------------

SPAN = 6 * MINUTE
gaps = st.lists(st.tuples(st.integers(0, 900), st.booleans()), min_size=1, max_size=120)
"""Between ticks: mostly under a second, or (when true) fifty times that: silences longer than the venue is patient."""


@st.composite
def markets(draw: st.DrawFn) -> Quotes:
    steps = [gap * 50 if silent else gap for gap, silent in draw(gaps)]
    ts = T + np.cumsum(np.array(steps, np.int64))
    lags = draw(st.lists(st.sampled_from([0, 1, 60, 199, 200, 201, 1500, 30_000]), min_size=len(ts), max_size=len(ts)))
    prices = draw(st.lists(st.sampled_from([1.0, 1.25, 1.5, 1.75]), min_size=len(ts), max_size=len(ts)))
    received = np.maximum.accumulate(ts + np.array(lags, np.int64))
    price = np.array(prices)
    return Quotes("EURUSD", ts, received, price, price)


@st.composite
def order_lists(draw: st.DrawFn) -> list[Order]:
    made: list[Order] = []
    for number, at in enumerate(draw(st.lists(st.integers(0, SPAN), max_size=12))):
        sent = order(f"o{number}", T + at, draw(st.sampled_from(["call", "put"])))
        tf = draw(st.sampled_from([1000, 5000, MINUTE]))
        if draw(st.integers(0, 5)) == 0:
            accepted_at = T + draw(st.integers(-MINUTE, at))
            made.append(replace(sent, tf=tf, state="CONFIRM", contract="MOCK", expiry=accepted_at + tf))
        else:
            made.append(replace(sent, tf=tf))
    return made


def replies_of(venue: Practice, market: Quotes, orders: list[Order], block: int, feed_first: bool) -> list[Reply]:
    """A whole session with its quotes given in blocks ahead of their time, or (block 0) one by one."""
    session = Session(venue)
    given_at = [T + (received - T) // block * block if block else received for received in market.received.tolist()]
    for moment in sorted(set(given_at)):
        rows = [row for row, at in enumerate(given_at) if at == moment]
        parts = [market.rows(rows[0], rows[-1] + 1)] if block else [market.rows(row, row + 1) for row in rows]
        session.give(session.prices, [(moment, part) for part in parts], FEED if feed_first or block else TURN)
    session.send(*orders)
    return session.play()


@settings(max_examples=150, deadline=None)
@given(
    markets(),
    order_lists(),
    st.sampled_from([1, 120]),
    st.sampled_from([0, 200]),
    st.sampled_from([1000, MINUTE, HOUR]),
    st.booleans(),
)
def test_prices_given_in_blocks_ahead_and_one_by_one_lead_to_the_same_replies(
    market: Quotes, orders: list[Order], latency: int, delay: int, block: int, feed_first: bool
) -> None:
    venue = Practice(payout=0.87, latency_ms=latency, settle_delay_ms=delay)
    singly = replies_of(venue, market, orders, 0, feed_first)
    ahead = replies_of(venue, market, orders, block, feed_first)
    assert sorted(ahead, key=in_time) == sorted(singly, key=in_time)


def in_time(reply: Reply) -> tuple[int, str, str]:
    return reply.at, reply.order, type(reply).__name__


STORM = Storm(
    seed=5,
    **dict.fromkeys(("late_accept", "lost_ack", "duplicate_ack", "late_ack", "timeout", "refused"), 0.2),
    **dict.fromkeys(("late_settlement", "reordered_settlement", "changed_settlement", "wrong_settlement"), 0.2),
    **dict.fromkeys(("outage", "half_open", "token_expiry", "external"), 20.0),
)


@settings(max_examples=60, deadline=None)
@given(markets(), order_lists(), st.sampled_from([1000, MINUTE, HOUR]), st.integers(0, 50))
def test_faults_strike_alike_whether_prices_are_given_in_blocks_ahead_or_one_by_one(
    market: Quotes, orders: list[Order], block: int, seed: int
) -> None:
    proves = Evidence(lists=True, echoes=True, once=True, late_ms=20_000)
    venue = Practice(payout=0.87, evidence=proves, faults=dataclasses.replace(STORM, seed=seed))
    singly, ahead = (replies_of(venue, market, orders, each, feed_first=True) for each in (0, block))
    assert sorted(ahead, key=in_time) == sorted(singly, key=in_time)


@settings(max_examples=100, deadline=None)
@given(markets(), order_lists())
def test_every_settlement_is_what_the_ticks_known_by_then_say(market: Quotes, orders: list[Order]) -> None:
    replies = replies_of(FIXED, market, orders, 0, feed_first=True)
    accepted = {reply.order: reply.at for reply in replies if isinstance(reply, Ack)}
    by_name = {each.order: each for each in orders}
    for end in (reply for reply in replies if isinstance(reply, Settlement) and reply.order in accepted):
        since, until = accepted[end.order], accepted[end.order] + by_name[end.order].tf
        known = [
            (ts, price)
            for ts, received, price in zip(market.ts, market.received, market.mid, strict=True)
            if since < ts <= until and received <= end.at
        ]
        assert end.at >= until + 200
        if end.result == "canceled":
            assert known == []
        else:
            assert ((end.entry_ts, end.entry), (end.exit_ts, end.exit)) == (known[0], known[-1])


def test_each_order_taken_is_settled_exactly_once_while_prices_go_on() -> None:
    steps = np.random.default_rng(7)
    ts = T + np.cumsum(steps.integers(1, 900, 20_000))
    price = 1.0 + np.cumsum(steps.normal(0, 1e-4, 20_000))
    market = Quotes("EURUSD", ts, ts + 30, price, price)
    session = Session(FIXED)
    session.give(session.prices, [(T, market)])
    sent = [order(f"o{number}", T + 5000 + number * 1000) for number in range(3000)]
    session.send(*sent)
    replies = session.play(T + 2 * HOUR)
    names = [each.order for each in sent]
    assert [reply.order for reply in replies if isinstance(reply, Ack)] == names
    assert [reply.order for reply in replies if isinstance(reply, Settlement)] == names
    assert [reply.at for reply in replies] == sorted(reply.at for reply in replies)

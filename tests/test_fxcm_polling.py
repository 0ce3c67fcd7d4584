"""Final bars by history: each once, in order, never before it is over, and no more calls than it takes."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import virtual
from pipeline.connections.telling import Telling
from pipeline.connections.troubles import CallFailed
from pipeline.evidence import Trouble
from pipeline.fxcm.cadence import Rhythm
from pipeline.fxcm.polling import Polling, Wanted
from pipeline.fxcm.quota import Allowance, Calls
from pipeline.fxcm.rationing import PAGE, Rationed
from pipeline.fxcm.tallies import Agreement
from pipeline.host import Host
from pipeline.service import Pressure, Universe
from pipeline.times import DAY, HOUR, MINUTE, SECOND
from pipeline.values import VENUE, Bars, Quotes
from tests.scripted import BROKEN, border
from tests.scripted_feed import Market
from tests.support import MONDAY

M1, M5 = MINUTE, 5 * MINUTE
PRODUCTS = ("EURUSD", "BTCUSD")
Act = tuple[float, Callable[["Rig"], Any]]


class Rig:
    """Polling on a scripted feed, with a quote every five seconds unless it is told otherwise."""

    def __init__(self, host: Host, market: Market, wanted: Wanted, allowance: Allowance) -> None:
        self.host, self.market = host, market
        self.given: list[tuple[float, Bars]] = []
        self.told: list[Trouble] = []
        self.calls = Calls(allowance)
        self.silent = False
        self.only: tuple[str, ...] = market.products
        telling = Telling(host, "fxcm", self.told.append)
        self.rationed = Rationed(market, self.calls, host, host.calendars, telling.warn)
        self.polling = Polling(host, self.rationed.polled, wanted, telling, self._take)
        self.closing = telling.close

    def _take(self, bars: Bars) -> None:
        self.given.append(((self.host.now() - MONDAY) / SECOND, bars))

    def hear(self, product: str) -> None:
        self.polling.hear(self.market.quotes(product, np.array([self.host.now()])))

    async def quotes(self) -> None:
        while True:
            if not self.silent:
                for product in self.only:
                    self.hear(product)
            await self.host.until(self.host.now() + 5 * SECOND)

    @property
    def finals(self) -> dict[tuple[str, int], list[int]]:
        found: dict[tuple[str, int], list[int]] = {}
        for _, bars in self.given:
            found.setdefault((bars.product, bars.tf), []).extend(bars.open_ts.tolist())
        return found

    def asked(self, tf: int, product: str = "EURUSD") -> list[float]:
        return [at for at, name, span, *_ in self.market.histories if span == tf and name == product]


def polled(
    seconds: float,
    *acts: Act,
    market: Market | None = None,
    wanted: Wanted | None = None,
    allowance: Allowance | None = None,
    begin: float = 0.0,
) -> Rig:
    """What happens in so many seconds from so many after Monday 10:00 on."""
    feed = market or Market(PRODUCTS)
    made: list[Rig] = []

    async def main(loop: virtual.VirtualLoop) -> None:
        host = border()
        feed.now = host.now
        await asyncio.sleep(begin)
        plan = wanted or Wanted(products=feed.products, timeframes=(M1, M5))
        rig = Rig(host, feed, plan, allowance or Allowance())
        made.append(rig)
        failures = list[Exception]()
        works = [host.work(each, failures.append) for each in (rig.polling.run(), rig.quotes())]
        for at, act in acts:
            loop.call_at(at, act, rig)
        await asyncio.sleep(seconds)
        for work in works:
            work.dispose()
        rig.closing()
        await host.left()
        for failure in failures:
            raise failure

    virtual.run(main)
    return made[0]


def opens(*minutes: int, tf: int = M1) -> list[int]:
    return [MONDAY + each * tf for each in minutes]


def test_every_bar_is_given_once_in_order_and_soon_after_its_close() -> None:
    rig = polled(605)
    assert rig.finals == {
        (product, tf): opens(*range(600 * SECOND // tf), tf=tf) for product in PRODUCTS for tf in (M1, M5)
    }
    for at, bars in rig.given:
        closes = (bars.open_ts + bars.tf - MONDAY) / SECOND
        assert (at - closes >= 1.0).all(), "never before the grace is over"
        assert (at - closes < 3.0).all()
        assert set(bars.closed_by.tolist()) == {VENUE}
        assert (bars.final_at == MONDAY + round(at * SECOND)).all()
        assert bars.fresh == len(bars)


def test_a_final_bar_says_how_many_quotes_were_heard_of_it() -> None:
    rig = polled(305)
    minutes = [bars for _, bars in rig.given if (bars.product, bars.tf) == ("EURUSD", M1)]
    assert [int(bars.ticks[0]) for bars in minutes] == [12] * 5
    assert [int(bars.ticks[0]) for _, bars in rig.given if bars.tf == M5] == [60] * 2


def test_d15_one_slot_serves_all_products_of_a_timeframe_and_longer_ones_only_when_theirs_ends() -> None:
    rig = polled(305)
    for product in PRODUCTS:
        assert len(rig.asked(M1, product)) == 5
        assert len(rig.asked(M5, product)) == 1
    for first, second in zip(rig.asked(M1, "EURUSD"), rig.asked(M1, "BTCUSD"), strict=True):
        assert abs(first - second) < 1.0, "in the same slot"


def test_what_begins_within_a_slot_gives_that_slot_whole_and_none_before() -> None:
    rig = polled(230, begin=95.0)
    assert rig.finals["EURUSD", M1] == opens(1, 2, 3, 4)
    assert rig.finals["EURUSD", M5] == opens(0, tf=M5)


def test_a_bar_that_comes_late_is_looked_for_until_it_is_there() -> None:
    market = Market(PRODUCTS)
    market.late_by = 12 * SECOND
    rig = polled(140, market=market)
    assert rig.finals["EURUSD", M1] == opens(0, 1)
    first, *again = [at for at in rig.asked(M1) if at < 120]
    assert first == pytest.approx(61.0, abs=0.5)
    assert all(4.9 < later - earlier < 7 for earlier, later in pairwise([first, *again]))


def test_poll_seconds_is_how_often_it_is_looked_for() -> None:
    def asks(poll: float) -> int:
        market = Market(PRODUCTS)
        market.late_by = 25 * SECOND
        wanted = Wanted(products=PRODUCTS, timeframes=(M1,), rhythm=Rhythm(poll=poll))
        return len(polled(100, market=market, wanted=wanted).asked(M1))

    assert asks(3.0) > asks(10.0)


def test_d12_a_bar_that_is_not_over_is_left_out_however_the_venue_gives_it() -> None:
    class Early(Market):
        async def history(self, product: str, tf: int, since: int, until: int) -> Bars:
            self.histories.append((asyncio.get_running_loop().time(), product, tf, since, until))
            at = np.arange(since, self.now() + tf, tf)
            price = np.full(len(at), 1.1)
            return Bars(
                product, tf, at, price, price, price, price, price, at, at.astype(np.int8), at.astype(np.int32),
                at.astype(np.int32), 0,
            )  # fmt: skip

    rig = polled(130, market=Early(PRODUCTS))
    assert rig.finals["EURUSD", M1] == opens(0, 1)
    for at, bars in rig.given:
        assert (bars.open_ts + bars.tf + SECOND <= MONDAY + at * SECOND).all()


def test_grace_is_how_long_after_its_close_a_bar_is_asked_for() -> None:
    def first(grace: int) -> float:
        return polled(70, wanted=Wanted(products=PRODUCTS, timeframes=(M1,), grace=grace)).asked(M1)[0]

    assert first(0) == pytest.approx(60.0, abs=0.1)
    assert first(4 * SECOND) == pytest.approx(64.0, abs=0.1)


def test_d04_history_is_asked_for_whatever_quotes_come() -> None:
    """Quotes form bars of their own; that does not make the venue's final ones needless."""
    lively, dumb = polled(185), polled(185, (0.0, lambda rig: setattr(rig, "silent", True)))
    assert lively.finals["EURUSD", M1] == dumb.finals["EURUSD", M1] == opens(0, 1, 2)


def test_a_slot_without_a_quote_may_have_no_bar_and_is_not_asked_for_all_the_time() -> None:
    class Holed(Market):
        def quotes(self, product: str, ts: Any) -> Quotes:
            stamps = np.asarray(ts, np.int64)
            return super().quotes(product, stamps[stamps // M1 % 3 != 1])

    market = Holed(PRODUCTS)
    rig = polled(365, market=market, wanted=Wanted(products=PRODUCTS, timeframes=(M1,)))
    given_ = rig.finals["EURUSD", M1]
    assert len(given_) == 4
    assert given_ == sorted(set(given_))
    assert len(rig.asked(M1)) <= 4 + 2 * 2


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_after_an_outage_every_bar_of_it_comes_once_and_in_order() -> None:
    market = Market(PRODUCTS)

    def fail(rig: Rig) -> None:
        rig.market.fails.extend([BROKEN] * 3)

    rig = polled(400, (70.0, fail), market=market)
    assert rig.finals["EURUSD", M1] == opens(*range(6))
    assert any(trouble.kind == "network" for trouble in rig.told)


def test_it_waits_longer_after_each_failure_counts_down_and_begins_anew_after_a_good_one() -> None:
    market = Market(PRODUCTS)
    market.fails = [BROKEN] * 3
    left = list[float]()

    def look(rig: Rig) -> None:
        left.append(rig.polling.setback.remaining(rig.host.now()))

    rig = polled(130, (62.0, look), (63.0, look), (125.0, look), market=market)
    failed = [at for at, *_ in market.histories][:4]
    waits = [later - earlier for earlier, later in pairwise(failed)]
    assert 5 <= waits[0] < 7.5
    assert 10 <= waits[1] < 12.5
    assert 20 <= waits[2] < 22.5
    assert left[0] - left[1] == pytest.approx(1.0, abs=0.01)
    assert left[2] == 0.0
    assert rig.polling.setback.until == 0


def test_a_connection_that_is_back_is_asked_at_once() -> None:
    market = Market(PRODUCTS)
    market.fails = [BROKEN] * 4
    rig = polled(110, (100.0, lambda rig: rig.polling.at_once(again=True)), market=market)
    asked = rig.asked(M1)
    assert asked[-1] == pytest.approx(100.0, abs=1.5)
    assert rig.finals["EURUSD", M1] == opens(0)


def test_a_login_that_is_refused_ends_the_polling() -> None:
    market = Market(PRODUCTS)
    market.fails = [CallFailed("auth", "the password is wrong", final=True)]
    rig = polled(400, market=market)
    assert len(market.histories) == 1
    assert rig.polling.setback.final
    assert rig.polling.setback.until == 0  # nothing is tried again, so no wait is told


def test_a_product_the_venue_does_not_have_does_not_hold_up_the_others() -> None:
    class Lacking(Market):
        async def history(self, product: str, tf: int, since: int, until: int) -> Bars:
            bars = await super().history(product, tf, since, until)
            if product == "EURUSD":
                raise CallFailed("rule", "there is no EURUSD")
            return bars

    rig = polled(400, market=Lacking(PRODUCTS), wanted=Wanted(products=PRODUCTS, timeframes=(M1,)))
    assert rig.finals == {("BTCUSD", M1): opens(*range(6))}
    assert len(rig.asked(M1)) == 1, "what it does not have is asked for again much later"


def test_what_is_known_too_late_comes_as_history_before_what_does_not() -> None:
    market = Market(PRODUCTS)
    market.fails = [CallFailed("maintenance", "history is not ready", wait=320.0)]
    rig = polled(400, market=market, wanted=Wanted(products=PRODUCTS, timeframes=(M1,), late=2 * MINUTE))
    minutes = [bars for _, bars in rig.given if bars.product == "EURUSD"]
    assert [bars.fresh for bars in minutes] == [0, 2]
    assert rig.finals["EURUSD", M1] == opens(*range(6)), "in order, each once"
    assert (minutes[1].final_at - minutes[1].open_ts - M1 <= 2 * MINUTE).all()


# --- what a publisher asks --------------------------------------------------------------------------------------------


def test_under_pressure_nothing_is_asked_for_and_nothing_is_lost() -> None:
    def press(full: bool) -> Callable[[Rig], None]:
        return lambda rig: rig.polling.take(Pressure(full=full, at=rig.host.now()))

    rig = polled(400, (90.0, press(True)), (250.0, press(False)))
    assert not [at for at, *_ in rig.market.histories if 90 <= at < 250]
    assert rig.finals["EURUSD", M1] == opens(*range(6))
    assert next(at for at in rig.asked(M1) if at >= 250) == pytest.approx(250.0, abs=0.1)


def test_pressure_that_comes_while_a_question_is_under_way_keeps_its_answer_back() -> None:
    market = Market(PRODUCTS)
    market.fails = [5.0]  # the answer takes five seconds
    rig = polled(
        150,
        (63.0, lambda rig: rig.polling.take(Pressure(full=True, at=0))),
        (100.0, lambda rig: rig.polling.take(Pressure(full=False, at=0))),
        market=market,
    )
    assert min(at for at, _ in rig.given) > 100
    assert rig.finals["EURUSD", M1] == opens(0, 1)


def test_a_universe_limits_what_is_asked_for_until_it_expires() -> None:
    targets = (("BTCUSD", M1),)

    def limit(rig: Rig) -> None:
        rig.polling.take(Universe(targets=targets, until=MONDAY + 200 * SECOND, reason="a viewer", at=rig.host.now()))

    rig = polled(400, (10.0, limit))
    assert {(name, tf) for at, name, tf, *_ in rig.market.histories if at < 200} == {("BTCUSD", M1)}
    assert rig.finals["EURUSD", M1] == opens(*range(6)), "what was not wanted comes when it is wanted again"


def test_an_empty_universe_is_all_there_is() -> None:
    empty = Universe(targets=(), until=0, reason="everything", at=0)
    one = Universe(targets=(("BTCUSD", M1),), until=0, reason="one", at=0)
    rig = polled(130, (1.0, lambda rig: rig.polling.take(one)), (80.0, lambda rig: rig.polling.take(empty)))
    assert rig.finals["EURUSD", M1] == opens(0, 1)


# --- the throttle -----------------------------------------------------------------------------------------------------


def test_d17_what_may_not_be_asked_is_left_for_the_next_slot_and_told() -> None:
    market = Market(tuple(f"P{number}" for number in range(6)))
    rig = polled(
        400, market=market, wanted=Wanted(products=market.products, timeframes=(M1,)),
        allowance=Allowance(per_minute=4, reserve=1.0, spacing={}),
    )  # fmt: skip
    for at in range(60, 400, 10):
        assert sum(at - 60 < asked <= at for asked, *_ in market.histories) <= 4
    report = rig.calls.report(MONDAY + 400 * SECOND)
    assert report.throttled_total > 0
    assert any(trouble.kind == "throttle" and "put off" in trouble.what for trouble in rig.told)
    for stream in rig.finals.values():
        assert stream == opens(*range(len(stream))), "in order, and without a hole"
    assert all(len(stream) >= 3 for stream in rig.finals.values())


def test_d14_prices_that_stop_make_it_look_less_often() -> None:
    def gaps(*acts: Act) -> list[float]:
        market = Market(PRODUCTS)
        market.late_by = 50 * SECOND
        rig = polled(400, *acts, market=market, wanted=Wanted(products=PRODUCTS, timeframes=(M1,)))
        asked = [at for at in rig.asked(M1) if at > 305]
        return [later - earlier for earlier, later in pairwise(asked)]

    def hush(rig: Rig) -> None:
        rig.silent = True

    assert max(gaps((170.0, hush))) > 12.0
    assert max(gaps()) < 11.0


FRIDAY_CLOSE = 4 * DAY + 12 * HOUR
"""After Monday 10:00 UTC: 17:00 in New York, in winter."""


def test_d13_in_a_closed_market_history_waits_for_prices_and_is_asked_for_with_the_first() -> None:
    """The last bars before the close are still waited for."""
    market, close = Market(("EURUSD",)), FRIDAY_CLOSE / SECOND

    def hush(rig: Rig) -> None:
        rig.silent = True

    rig = polled(
        1500,
        (close, hush),
        (close + 1000, lambda rig: rig.hear("EURUSD")),
        market=market,
        begin=close - 200,
        wanted=Wanted(products=("EURUSD",), timeframes=(M1,), idle_seconds=60.0),
    )
    asked = rig.asked(M1)
    assert MONDAY + FRIDAY_CLOSE - M1 in rig.finals["EURUSD", M1]
    assert not [at for at in asked if close + 200 < at < close + 1000]
    assert min(at for at in asked if at > close + 200) == pytest.approx(close + 1000, abs=0.1)


def test_a_product_whose_market_is_closed_is_not_asked_for_beside_one_that_is_open() -> None:
    """Its last bars are, and those of prices that come in closed time."""
    market, close = Market(("EURUSD", "BTCUSD")), FRIDAY_CLOSE / SECOND

    def hush(rig: Rig) -> None:
        rig.only = ("BTCUSD",)

    rig = polled(
        1500,
        (close, hush),
        (close + 1010, lambda rig: rig.hear("EURUSD")),
        market=market,
        begin=close - 200,
        wanted=Wanted(products=market.products, timeframes=(M1,)),
    )
    assert rig.finals["EURUSD", M1][3] == MONDAY + FRIDAY_CLOSE - M1
    assert len([at for at in rig.asked(M1) if close + 10 < at < close + 1010]) == 0
    assert [at for at in rig.asked(M1) if at > close + 1010]
    assert len(rig.finals["BTCUSD", M1]) >= 25


class Shorter(Market):
    """A market that ends five minutes before its calendar has it."""

    async def history(self, product: str, tf: int, since: int, until: int) -> Bars:
        bars = await super().history(product, tf, since, until)
        ends = MONDAY + FRIDAY_CLOSE - M5 if product == "EURUSD" else until
        return bars.rows(0, int(bars.open_ts.searchsorted(ends)), 0)


@pytest.mark.parametrize("heard", [0, 20, M5 / SECOND])
def test_a_last_bar_that_there_is_not_is_not_asked_for_all_weekend(heard: float) -> None:
    """Prices end so many seconds before the close: in the slots without a bar some may be heard."""
    market, close = Shorter(("EURUSD", "BTCUSD")), FRIDAY_CLOSE / SECOND

    def hush(rig: Rig) -> None:
        rig.only = ("BTCUSD",)

    rig = polled(
        1800,
        (close - heard, hush),
        market=market,
        begin=close - 700,
        wanted=Wanted(products=market.products, timeframes=(M1, M5)),
    )
    assert rig.finals["EURUSD", M1][-1] == MONDAY + FRIDAY_CLOSE - 6 * M1
    for tf in (M1, M5):
        assert len([at for at in rig.asked(tf) if at > close + tf / SECOND + 10]) == 0
    assert len(rig.finals["BTCUSD", M1]) >= 28


@given(st.lists(st.sampled_from(["fail", "ok", "slow", "full", "room", "silent"]), min_size=4, max_size=10))
@settings(max_examples=10, deadline=None)
def test_whatever_happens_no_bar_is_given_twice_out_of_order_or_left_out(happens: list[str]) -> None:
    def act(what: str) -> Callable[[Rig], None]:
        def doing(rig: Rig) -> None:
            match what:
                case "fail":
                    rig.market.fails.append(BROKEN)
                case "slow":
                    rig.market.fails.append(7.0)
                case "full" | "room":
                    rig.polling.take(Pressure(full=what == "full", at=0))
                case "silent":
                    rig.silent = not rig.silent
                case _:
                    pass

        return doing

    acts = [(20.0 + 37.0 * number, act(what)) for number, what in enumerate(happens)]
    rig = polled(700, *acts, (450.0, act("room")))
    for (_, tf), stream in rig.finals.items():
        assert stream == opens(*range(len(stream)), tf=tf)
        assert len(stream) >= 600 * SECOND // tf


# --- the past, and what is held against what --------------------------------------------------------------------------


def test_a_long_past_is_asked_for_in_pages_waits_for_its_turn_and_is_asked_for_once() -> None:
    market = Market(PRODUCTS)
    got: list[Bars] = []

    async def main(loop: virtual.VirtualLoop) -> None:
        assert loop.time() == 0
        host = border()
        market.now = host.now
        calls = Calls(Allowance(per_minute=4, load=0.5, reserve=1.0))
        told = list[Trouble]()
        rationed = Rationed(market, calls, host, host.calendars, told.append)
        got.extend([await rationed.history("BTCUSD", M1, MONDAY - 1000 * M1, MONDAY) for _ in range(2)])
        assert {trouble.kind for trouble in told} == {"throttle"}

    virtual.run(main)
    assert [len(bars) for bars in got] == [1000, 1000]
    assert got[0].open_ts.tolist() == got[1].open_ts.tolist() == [MONDAY - each * M1 for each in range(1000, 0, -1)]
    spans = [(until - since) // M1 for *_, since, until in market.histories]
    assert max(spans) <= PAGE
    whole = [each[3:] for each in market.histories if each[4] - each[3] == PAGE * M1]
    assert len(whole) == len(set(whole)), "a page that was given is remembered"
    times = [at for at, *_ in market.histories]
    assert all(sum(at - 59.9 < each <= at for each in times) <= 2 for at in times), (
        "the past takes no more than its part"
    )


def test_a_service_for_history_that_is_not_ready_is_told_apart_from_a_network_that_breaks() -> None:
    market, seen = Market(PRODUCTS), list[bool]()

    async def main(_: virtual.VirtualLoop) -> None:
        host = border()
        market.now = host.now
        rationed = Rationed(market, Calls(Allowance()), host, host.calendars, print)
        for failure in (BROKEN, CallFailed("maintenance", "history is not ready"), BROKEN, None):
            market.fails = [failure]
            with suppress(CallFailed):
                await rationed.polled("BTCUSD", M1, MONDAY - M1, MONDAY)
            seen.append(rationed.ready)

    virtual.run(main)
    assert seen == [True, False, False, True]


def test_d40_in_a_closed_market_a_login_that_fails_is_tried_as_the_open_comes_near() -> None:
    market, told = Market(("EURUSD",)), list[Trouble]()
    friday = FRIDAY_CLOSE // SECOND
    market.breaks = [(0.0, BROKEN) for _ in range(300)]

    async def main(loop: virtual.VirtualLoop) -> None:
        assert loop.time() == 0
        host = border()
        market.now = host.now
        await asyncio.sleep(friday + HOUR // SECOND)
        rationed = Rationed(market, Calls(Allowance()), host, host.calendars, told.append)
        with pytest.raises(CallFailed):
            async for _ in rationed.live(("EURUSD",)):
                pass

    virtual.run(main)
    opens_at = friday + 2 * DAY // SECOND
    tries = [at for at, _ in market.lives]
    assert tries[-1] == pytest.approx(opens_at, abs=0.1), "with the open it is for who keeps the line"
    far = [later - earlier for earlier, later in pairwise(tries) if later < opens_at - 16 * 60]
    assert far
    assert all(wait >= 15 * 60 for wait in far)
    near = [later - earlier for earlier, later in pairwise(tries) if earlier >= opens_at - 60]
    assert all(1 <= wait <= 10 for wait in near[:-1])
    assert {trouble.kind for trouble in told} == {"network"}


def test_history_of_the_past_ends_where_final_bars_begin() -> None:
    def check(rig: Rig) -> None:
        at = np.arange(MONDAY - 3 * M1, MONDAY + 3 * M1, M1)
        price = np.full(6, 1.1)
        none = np.zeros(6, np.int32)
        bars = Bars("EURUSD", M1, at, price, price, price, price, price, at, none.astype(np.int8), none, none, 0)
        assert rig.polling.past(bars).open_ts.tolist() == [MONDAY + each * M1 for each in range(-3, 2)]

    rig = polled(150, (130.0, check))
    assert rig.finals["EURUSD", M1] == opens(0, 1)


def bars(tf: int, *rows: tuple[int, float, float, float, float]) -> Bars:
    at, first, high, low, last = (np.array(column) for column in zip(*rows, strict=True))
    none = np.zeros(len(at), np.int32)
    return Bars(
        "EURUSD", tf, MONDAY + at * MINUTE, first, high, low, last, last, at, none.astype(np.int8), none, none, 0
    )


FIVE = bars(M1, *((minute, 1.1, 1.2 + minute / 100, 1.0, 1.15) for minute in range(5)))


def test_d43_a_longer_bar_that_its_minutes_do_not_make_is_told_and_counted() -> None:
    agreement = Agreement(M1)
    assert list(agreement.take(FIVE)) == []
    assert list(agreement.take(bars(M5, (0, 1.1, 1.24, 1.0, 1.15)))) == []
    assert agreement.mismatches == 0
    (sentence,) = agreement.take(bars(M5, (0, 1.1, 1.25, 1.0, 1.15)))
    assert "high 1.25, which they make 1.24" in sentence
    assert agreement.mismatches == 1


def test_d43_without_all_its_minutes_a_longer_bar_is_not_judged() -> None:
    agreement = Agreement(M1)
    list(agreement.take(FIVE.rows(0, 4, 4)))
    assert list(agreement.take(bars(M5, (0, 9.0, 9.0, 9.0, 9.0)))) == []


def test_d43_of_a_timeframe_that_is_not_polled_nothing_is_asked() -> None:
    """An hour is made of the minutes: one poll for each serves both."""
    rig = polled(305, wanted=Wanted(products=PRODUCTS, timeframes=(M1,)))
    assert {tf for _, _, tf, *_ in rig.market.histories} == {M1}

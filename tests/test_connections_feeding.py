"""A feed behind a flow's stream: nothing lost, nothing twice, nothing made up; what is missing is asked for once."""

import asyncio
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import virtual
from pipeline.connections.contract import Warn
from pipeline.connections.feeding import fed
from pipeline.connections.tracks import Track
from pipeline.connections.troubles import CallFailed
from pipeline.errors import InputError
from pipeline.evidence import Trouble
from pipeline.steps import Tube
from pipeline.times import DAY, HOUR, MINUTE, SECOND, slot_of
from pipeline.values import Bars, Gap, Link, Quotes
from tests.scripted import BROKEN, border
from tests.scripted_feed import NO_TICKS, PRODUCTS, Market
from tests.support import MONDAY

Given = list[tuple[float, Any]]


def fed_by(
    market: Market,
    seconds: float,
    *acts: tuple[float, Gap],
    history: dict[int, int] | None = None,
    quiet_after: float = 20.0,
    begin: float = 0.0,
) -> Given:
    """What a flow is given in so many seconds, from so many after Monday 10:00 on."""
    given: Given = []

    async def main(loop: virtual.VirtualLoop) -> None:
        host = border(history={MINUTE: 3, 5 * MINUTE: 3} if history is None else history)
        market.now = host.now
        await asyncio.sleep(begin)
        gaps, failures = Tube[Gap](), list[Exception]()

        def make(_: Warn) -> Market:
            return market

        stream = fed(host, "sources.feed", make, market.products, gaps, quiet_after=quiet_after)
        subscription = stream.subscribe(lambda item: given.append((loop.time(), item)), failures.append)
        for at, gap in acts:
            loop.call_at(at, gaps.give, gap)
        await asyncio.sleep(seconds)
        subscription.dispose()
        await host.left()
        assert market.closed
        for failure in failures:
            raise failure

    virtual.run(main)
    return given


def stamps(given: Given, product: str) -> list[int]:
    return [int(ts) for _, item in given if isinstance(item, Quotes) and item.product == product for ts in item.ts]


def links(given: Given, product: str) -> list[tuple[float, bool]]:
    return [(at, item.up) for at, item in given if isinstance(item, Link) and product in item.products]


def bars(given: Given, product: str) -> list[Bars]:
    return [item for _, item in given if isinstance(item, Bars) and item.product == product]


def troubles(given: Given) -> list[str]:
    return [item.what for _, item in given if isinstance(item, Trouble)]


# --- the beginning ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("begin", [0.0, 0.4, 30.2, 59.6, 59.99, 299.8])
def test_the_past_comes_first_then_every_quote_of_the_open_slot_once_and_in_order(begin: float) -> None:
    market = Market()
    given = fed_by(market, 200, begin=begin)
    for product in PRODUCTS:
        heard = stamps(given, product)
        known = [each for each in bars(given, product) if each.tf == MINUTE]
        final = max(int(each.open_ts[-1]) for each in known) + MINUTE
        assert heard == list(range(final, heard[-1] + 1, SECOND))
        assert heard[-1] >= MONDAY + (begin + 199) * SECOND
        assert not links(given, product)
        kinds = [type(item) for _, item in given if isinstance(item, Bars | Quotes) and item.product == product]
        assert Bars not in kinds[kinds.index(Quotes) :]


def test_history_has_as_many_bars_of_each_timeframe_as_the_flow_needs_and_none_is_new() -> None:
    given = fed_by(Market(), 30, history={MINUTE: 30, 5 * MINUTE: 20, HOUR: 3})
    made = {each.tf: len(each) for each in bars(given, "EURUSD") if len(each) > 2}
    assert made == {MINUTE: 30, 5 * MINUTE: 20, HOUR: 3}
    assert all(each.fresh == 0 for each in bars(given, "EURUSD"))


def test_history_reaches_back_over_closed_sessions_and_long_timeframes_are_asked_for_as_such() -> None:
    market = Market()
    fed_by(market, 30, history={MINUTE: 900, DAY: 300})
    asked = {(product, tf): since for _, product, tf, since, _ in market.histories}
    friday = MONDAY - 2 * DAY - 12 * HOUR  # foreign exchange closes on Friday 22:00 and opens on Sunday 22:00
    assert asked["EURUSD", MINUTE] <= friday - 179 * MINUTE
    assert asked["BTCUSD", MINUTE] >= MONDAY - DAY
    assert MONDAY - 355 * DAY < asked["EURUSD", DAY] < MONDAY - 345 * DAY
    assert asked["BTCUSD", DAY] >= MONDAY - 303 * DAY


def test_the_open_slot_of_the_longest_timeframe_can_be_completed_from_the_shortest() -> None:
    given = fed_by(Market(), 30, history={MINUTE: 5, DAY: 300})
    minutes = next(each for each in bars(given, "BTCUSD") if each.tf == MINUTE)
    assert int(minutes.open_ts[0]) == MONDAY - 10 * HOUR
    assert len(next(each for each in bars(given, "BTCUSD") if each.tf == DAY)) == 300


def test_where_quotes_of_before_are_not_kept_the_slot_of_the_start_is_told_to_be_torn() -> None:
    market = Market()
    market.ticks_fail = NO_TICKS
    given = fed_by(market, 100, begin=30.2)
    told = [item for _, item in given if isinstance(item, Link) and item.products == ("EURUSD",)]
    assert [(each.up, slot_of(each.at, MINUTE)) for each in told] == [(False, MONDAY), (True, MONDAY)]
    assert all(each.beginning for each in told)  # nothing broke: nobody had them
    assert not troubles(given)


def test_history_that_cannot_be_had_holds_quotes_back_for_a_while_and_comes_later() -> None:
    market = Market()
    market.fails = [BROKEN] * 24
    given = fed_by(market, 300)
    first = next(at for at, item in given if isinstance(item, Quotes))
    assert first < 61
    assert any(each.fresh == 0 and len(each) >= 3 for each in bars(given, "EURUSD"))
    assert any("no history yet" in each for each in troubles(given))


def test_bars_that_became_final_while_history_was_fetched_are_fetched_too() -> None:
    """A slow venue: it takes three minutes until the history is there, and by then three more bars are final."""
    market = Market(("EURUSD",))
    market.fails = [50.0]
    market.mute = lambda product, at: at < 200
    given = fed_by(market, 300)
    known = sorted({int(ts) for each in bars(given, "EURUSD") if each.tf == MINUTE for ts in each.open_ts})
    assert known == list(range(known[0], known[-1] + 1, MINUTE))
    heard = stamps(given, "EURUSD")
    assert heard == list(range(known[-1] + MINUTE, heard[-1] + 1, SECOND))
    assert known[-1] == MONDAY + MINUTE


def test_a_feed_without_the_shortest_timeframe_is_asked_for_minutes() -> None:
    market = Market(("BTCUSD",))
    real = market.history

    async def history(product: str, tf: int, since: int, until: int) -> Bars:
        if tf != MINUTE:
            raise CallFailed("rule", "there are bars of minutes alone")
        return await real(product, tf, since, until)

    market.history = history
    given = fed_by(market, 30, history={5 * MINUTE: 4, 15 * MINUTE: 3})
    assert {each.tf: len(each) >= 3 for each in bars(given, "BTCUSD")} == {5 * MINUTE: True, 15 * MINUTE: True}


def test_history_of_something_else_is_none() -> None:
    market = Market(("EURUSD",))
    real = market.history

    async def history(product: str, tf: int, since: int, until: int) -> Bars:
        return await real("GBPUSD", tf, since, until)

    market.history = history
    given = fed_by(market, 30)
    assert not [item for _, item in given if isinstance(item, Bars)]
    assert any("is of GBPUSD" in each for each in troubles(given))
    assert len(stamps(given, "EURUSD")) >= 28


def test_bars_that_cannot_be_are_left_out_and_told() -> None:
    market = Market()
    real = market.history

    async def history(product: str, tf: int, since: int, until: int) -> Bars:
        made = await real(product, tf, since, until)
        made.high[-1] = 0.0
        return made

    market.history = history  # type: ignore[method-assign]
    given = fed_by(market, 30)
    assert all((each.high > 0).all() for each in bars(given, "EURUSD"))
    assert any("cannot be" in each for each in troubles(given))


# --- breaks -----------------------------------------------------------------------------------------------------------


def test_a_broken_connection_is_told_and_subscribed_anew_and_told_to_be_back_with_its_first_quote() -> None:
    market = Market()
    market.breaks = [(60.5, BROKEN)]
    given = fed_by(market, 120)
    for product in PRODUCTS:
        (down, was), (back, now) = links(given, product)
        assert (was, now) == (False, True)
        assert down == pytest.approx(60.5)
        assert 5 <= market.lives[1][0] - down <= 6.1
        assert market.lives[1][0] < back < market.lives[1][0] + 1.1
        after = next(item for at, item in given if isinstance(item, Quotes) and item.product == product and at >= back)
        assert int(after.ts[0]) > MONDAY + 60 * SECOND
    assert str(BROKEN) in troubles(given)


def test_breaks_in_a_row_are_waited_out_longer_and_longer_and_no_price_is_made_up() -> None:
    market = Market()
    market.breaks = [(30.0, BROKEN), *[(0.0, BROKEN)] * 40]
    given = fed_by(market, 3600)
    tries = [at for at, _ in market.lives[1:]]
    assert 8 <= len(tries) <= 20
    assert tries[-1] - tries[-2] <= 301
    assert all(at <= 31 for at, item in given if isinstance(item, Quotes))
    assert [up for _, up in links(given, "EURUSD")] == [False]


def test_what_is_called_off_from_within_counts_as_broken() -> None:
    market = Market()
    market.breaks = [(30.0, asyncio.CancelledError())]
    market.fails = [asyncio.CancelledError()]
    given = fed_by(market, 100)
    assert [up for _, up in links(given, "EURUSD")] == [False, True]
    assert len(stamps(given, "EURUSD")) > 85
    assert {each.tf for each in bars(given, "EURUSD")} == {MINUTE, 5 * MINUTE}


def test_a_mistake_of_a_feed_ends_the_stream_and_tells_nothing_of_its_text() -> None:
    market = Market()
    market.breaks = [(30.0, KeyError("canary"))]
    with pytest.raises(CallFailed, match="KeyError") as failed:
        fed_by(market, 100)
    assert "canary" not in str(failed.value)


def test_a_quote_that_is_told_again_after_a_break_is_not_given_again() -> None:
    market = Market(every=5 * SECOND)
    market.repeats = True
    market.breaks = [(3.0, BROKEN)] * 5
    heard = stamps(fed_by(market, 200), "EURUSD")
    assert heard == sorted(set(heard))


@given(st.lists(st.floats(1.0, 40.0), max_size=5), st.booleans(), st.booleans(), st.floats(0, 70))
def test_however_it_breaks_each_quote_comes_once_in_order_and_none_is_missing_while_it_is_up(
    breaks: list[float], repeats: bool, confirms: bool, begin: float
) -> None:
    market = Market()
    market.repeats, market.confirms = repeats, confirms
    market.breaks = [(each, BROKEN) for each in breaks]
    given_ = fed_by(market, 150, begin=begin)
    for product in PRODUCTS:
        heard = stamps(given_, product)
        assert heard == sorted(set(heard))
        end = MONDAY + int((begin + 149) * SECOND)
        assert {ts for each, ts in market.told if each == product and ts < end} <= set(heard)
        told = [up for _, up in links(given_, product)]
        assert all(was != now for was, now in pairwise(told))


def test_a_login_that_is_refused_is_not_tried_again() -> None:
    market = Market()
    market.breaks = [(30.0, CallFailed("auth", "the token was taken back", final=True))]
    given = fed_by(market, 3600)
    assert len(market.lives) == 1
    assert any("stays down" in each for each in troubles(given))


def test_who_is_told_to_wait_waits_so_long() -> None:
    market = Market()
    market.breaks = [(30.0, CallFailed("throttle", "too much", wait=90.0))]
    fed_by(market, 200)
    assert market.lives[1][0] >= 120


# --- products that are silent, refused or strange ---------------------------------------------------------------------


def test_a_product_that_gives_nothing_after_a_reconnect_is_told_and_subscribed_anew_without_disturbing_others() -> None:
    market = Market()
    market.breaks = [(30.0, BROKEN)]
    market.mute = lambda product, at: product == "BTCUSD" and 30 < at < 65
    given = fed_by(market, 200)
    assert any("BTCUSD gave nothing" in each for each in troubles(given))
    assert [products for _, products in market.lives] == [PRODUCTS, PRODUCTS, ("BTCUSD",)]
    assert [up for _, up in links(given, "EURUSD")] == [False, True]
    assert [up for _, up in links(given, "BTCUSD")] == [False, True]
    heard = stamps(given, "EURUSD")
    assert heard == sorted(set(heard))


def test_what_only_a_further_subscription_brings_is_not_lost_when_another_is_made() -> None:
    """Two products are silent after a break; one comes back with a subscription of its own, the other much later."""
    market = Market(("A", "B", "C"))
    market.breaks = [(30.0, BROKEN)]

    def mute(product: str, at: float) -> bool:
        made = sum(product in products for _, products in market.lives)
        return at > 30 and ((product == "A" and made < 3) or (product == "B" and made < 5))

    market.mute = mute
    given = fed_by(market, 400)
    assert [products for _, products in market.lives[2:]] == [("A", "B"), ("B",), ("B",)]
    for product in market.products:
        assert [up for _, up in links(given, product)] == [False, True]
        heard = stamps(given, product)
        assert heard[-1] >= MONDAY + 399 * SECOND
        assert heard == sorted(set(heard))
        back = links(given, product)[1][0]
        assert [ts for ts in heard if ts >= MONDAY + (back + 1) * SECOND] == [
            ts for ts in range(heard[0], heard[-1] + 1, SECOND) if ts >= MONDAY + (back + 1) * SECOND
        ]


def test_a_closed_market_is_not_waited_for() -> None:
    market = Market(("EURUSD",))
    market.mute = lambda product, at: True
    given = fed_by(market, 4 * 3600, begin=4 * 24 * 3600 + 13 * 3600)  # Friday 23:00 UTC
    assert not troubles(given)
    assert len(market.lives) == 1


def test_a_product_the_venue_refuses_is_told_and_the_others_go_on() -> None:
    market = Market(("A", "B", "C", "D"))
    market.refuses = {"C"}
    given = fed_by(market, 100)
    assert any("there is no C" in each for each in troubles(given))
    for product in ("A", "B", "D"):
        assert len(stamps(given, product)) >= 98
    assert not stamps(given, "C")


def test_prices_nobody_asked_for_are_told_and_let_go() -> None:
    market = Market(("EURUSD",))
    real = market.quotes
    market.quotes = lambda product, ts: real("GBPUSD", ts)  # type: ignore[method-assign]
    given = fed_by(market, 10)
    assert not [item for _, item in given if isinstance(item, Quotes)]
    assert any("GBPUSD" in each for each in troubles(given))


def test_quotes_older_than_those_before_are_told_and_let_go() -> None:
    market = Market(("EURUSD",))
    real, count = market.quotes, [0]

    def quotes(product: str, ts: Any) -> Quotes:
        count[0] += 1
        return real(product, np.asarray(ts) - (7 * SECOND if count[0] % 5 == 0 else 0))

    market.quotes = quotes  # type: ignore[method-assign]
    given = fed_by(market, 60)
    heard = stamps(given, "EURUSD")
    assert heard == sorted(heard)
    assert any("older" in each for each in troubles(given))


def test_what_a_slower_subscription_tells_again_is_let_go_without_a_word() -> None:
    async def main() -> list[Any]:
        heard = list[Any]()
        track, market = Track("EURUSD", heard.append), Market(("EURUSD",))
        told = [market.quotes("EURUSD", np.array([MONDAY + each * SECOND])) for each in range(4)]
        track.take(told[0], "one")
        older = [track.take(told[2], "one"), track.take(told[1], "two"), track.take(told[3], "one")]
        assert older == [0, 0, 0], "the other one has told it before"
        assert track.take(told[1], "one") == 1, "its own are in order"
        track.join(MONDAY, None)
        return heard

    heard = asyncio.run(main())
    assert [each.ts.tolist() for each in heard] == [[MONDAY + each * SECOND] for each in (0, 2, 3)]


# --- gaps -------------------------------------------------------------------------------------------------------------


def gap(product: str, since: int, until: int, at: int = MONDAY) -> Gap:
    return Gap(product, MINUTE, MONDAY + since * MINUTE, MONDAY + until * MINUTE, at)


def test_a_gap_is_answered_with_the_bars_that_are_missing() -> None:
    given = fed_by(Market(), 400, (300.0, gap("EURUSD", 1, 4)))
    (mended,) = [item for at, item in given if isinstance(item, Bars) and at >= 300]
    assert [(int(ts) - MONDAY) // MINUTE for ts in mended.open_ts] == [1, 2, 3]
    assert mended.fresh == 0


def test_gaps_that_come_while_one_is_fetched_are_fetched_together() -> None:
    market = Market()
    gaps = [(300.0, gap("EURUSD", 1, 2)), (300.1, gap("EURUSD", 2, 3)), (300.2, gap("EURUSD", 4, 5))]
    fed_by(market, 400, *gaps, (300.1, gap("BTCUSD", 1, 2)))
    asked = [
        (product, since - MONDAY, until - MONDAY) for at, product, _, since, until in market.histories if at >= 300
    ]
    assert asked == [("EURUSD", MINUTE, 2 * MINUTE), ("BTCUSD", MINUTE, 2 * MINUTE), ("EURUSD", 2 * MINUTE, 5 * MINUTE)]


def test_a_bar_that_is_only_just_over_is_asked_for_again() -> None:
    market = Market()
    market.late_by = 1500
    given = fed_by(market, 400, (300.2, gap("EURUSD", 4, 5)))
    assert [len(item) for at, item in given if isinstance(item, Bars) and at >= 300] == [1]


def test_a_gap_that_cannot_be_mended_is_told_and_one_of_another_feed_is_none_of_ours() -> None:
    market = Market()
    market.fails = [CallFailed("rule", "too long ago")]
    acts = (30.0, gap("XAUUSD", 1, 4)), (40.0, gap("EURUSD", -9, -4)), (50.0, gap("EURUSD", -9, -4))
    given = fed_by(market, 100, *acts, history={})
    assert [each for each in troubles(given) if "cannot be had" in each] == [
        "EURUSD: missing bars cannot be had: too long ago"
    ]
    assert [len(each) for each in bars(given, "EURUSD")] == [5]


# --- a replay ---------------------------------------------------------------------------------------------------------


def test_a_replay_opens_no_feed_and_says_the_way_out() -> None:
    async def main(_: virtual.VirtualLoop) -> None:
        with pytest.raises(InputError, match="data download"):
            fed(border("replay"), "sources.feed", lambda warn: Market(), PRODUCTS, Tube(), quiet_after=10)

    virtual.run(main)

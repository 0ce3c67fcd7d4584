"""FXCM's prices as a feed: over a session that is made, lost and made again, on a thread that may hang."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from threading import get_ident
from typing import Any, cast

import numpy as np
import pytest

from pipeline.connections.contract import Feed
from pipeline.connections.troubles import CallFailed
from pipeline.errors import InputError
from pipeline.fxcm.forexconnect import official
from pipeline.fxcm.manner import Manner
from pipeline.fxcm.misfortunes import Misfortune
from pipeline.fxcm.port import Access
from pipeline.fxcm.practice import Status
from pipeline.market import Market
from pipeline.secret import Secret
from pipeline.times import HOUR, MINUTE, SECOND, parse_moment
from pipeline.values import Quotes
from tests.fxcm_rig import DEADLINE, Rig, confirmed, play, prices
from tests.support import MONDAY

BOTH = ("XAUUSD", "EURUSD")


def live(rig: Rig, products: tuple[str, ...] = BOTH) -> AsyncGenerator[Quotes]:
    return cast("AsyncGenerator[Quotes]", rig.feed.live(products))


async def failing(stream: AsyncGenerator[Quotes]) -> CallFailed:
    """What a stream ends with."""
    with pytest.raises(CallFailed) as failed:
        async for _ in stream:
            pass
    return failed.value


def test_a_subscription_is_confirmed_then_prices_are_those_of_the_market(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        stream = live(rig)
        assert [(each.product, len(each)) for each in await confirmed(stream)] == [("XAUUSD", 0), ("EURUSD", 0)]
        found = await prices(stream, rig, 12)
        for product in BOTH:
            theirs = Market(product).quotes(MONDAY, MONDAY + MINUTE)
            ts = np.concatenate([each.ts for each in found if each.product == product])
            assert len(ts) > 0
            rows = theirs.ts.searchsorted(ts)
            assert theirs.ts[rows].tolist() == ts.tolist()
            bids = np.concatenate([each.bid for each in found if each.product == product])
            assert theirs.bid[rows].tolist() == bids.tolist()
        await stream.aclose()
        assert rig.states == ["connected", "streaming"]

    play(tmp_path, test)


def test_history_is_what_the_ticks_of_its_minutes_were_and_never_of_a_minute_that_is_not_over(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        rig.clock.advance(30 * SECOND)
        bars = await rig.feed.history("XAUUSD", MINUTE, MONDAY - 5 * MINUTE, MONDAY + 5 * MINUTE)
        assert bars.open_ts.tolist() == [MONDAY - minutes * MINUTE for minutes in range(5, 0, -1)]
        assert bars.fresh == 0
        ticks = Market("XAUUSD").quotes(MONDAY - MINUTE, MONDAY)
        last = bars.rows(4, 5, 0)
        assert last.volume.item() == 5 * len(ticks)
        assert last.open.item() == pytest.approx((ticks.bid[0] + ticks.ask[0]) / 2)
        assert last.close.item() == pytest.approx((ticks.bid[-1] + ticks.ask[-1]) / 2)
        assert last.high.item() == pytest.approx((ticks.bid.max() + ticks.ask.max()) / 2)
        assert rig.connection.tally.calls == 1

    play(tmp_path, test)


def test_a_longer_timeframe_than_fxcm_has_on_utc_slots_is_made_of_hours(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        bars = await rig.feed.history("EURUSD", 4 * HOUR, MONDAY - 6 * HOUR, MONDAY - 2 * HOUR)
        assert bars.open_ts.tolist() == [MONDAY - 6 * HOUR]
        assert bars.tf == 4 * HOUR
        with pytest.raises(CallFailed, match="quotes of EURUSD") as failed:
            await rig.feed.ticks("EURUSD", 0, 1)
        assert failed.value.kind == "rule"

    play(tmp_path, test)


def test_d20_after_a_loss_there_is_a_new_session_and_a_new_subscription_and_the_observer_is_told(
    tmp_path: Path,
) -> None:
    async def test(rig: Rig) -> None:
        sessions: list[int] = []
        rig.connection.on_session = lambda: sessions.append(rig.connection.tally.reconnects)
        stream = live(rig)
        await prices(stream, rig)
        rig.wrong.begin("session_lost")
        ends = asyncio.ensure_future(failing(stream))
        while not ends.done():
            rig.clock.advance(SECOND)
            await asyncio.wait((ends,), timeout=0.05)
        assert (await ends).kind == "network"
        assert rig.connection.state == "reconnecting"
        refused = await failing(live(rig))
        assert (refused.kind, refused.final) == ("network", False)
        rig.wrong.end("session_lost")
        again = live(rig)
        assert len(await prices(again, rig, 3)) == 3
        await again.aclose()
        assert sessions == [0, 1]
        tally = rig.connection.tally
        assert (tally.reconnects, tally.subscriptions) == (1, 2)
        assert rig.states == ["connected", "streaming", "reconnecting", "connected", "streaming"]

    play(tmp_path, test)


def test_a_session_that_is_lost_before_anybody_knows_of_it_is_no_session(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        make = rig.module.ForexConnect

        def made() -> Any:
            fx = make()
            table = fx.get_table

            def get_table(kind: str) -> Any:
                found = table(kind)
                fx.session.become(Status.SESSION_LOST)
                return found

            fx.get_table = get_table
            return fx

        rig.module.ForexConnect = made
        failure = await failing(live(rig))
        assert (failure.kind, failure.final) == ("network", False)
        assert "lost as soon as it was there" in str(failure)
        rig.module.ForexConnect = make
        assert await prices(live(rig), rig)

    play(tmp_path, test)


def test_what_the_sdk_mends_by_itself_is_subscribed_to_anew_all_the_same(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        stream = live(rig)
        await prices(stream, rig)
        rig.wrong.begin("reconnecting")
        while rig.connection.state != "reconnecting":
            rig.clock.advance(SECOND)
            await asyncio.wait((asyncio.ensure_future(rig.stands("reconnecting")),), timeout=0.05)
        rig.wrong.end("reconnecting")
        rig.clock.advance(SECOND)
        await rig.stood("resubscribing")
        while rig.connection.tally.subscriptions < 2:
            await prices(stream, rig)
        await stream.aclose()
        assert rig.connection.tally.reconnects == 0

    play(tmp_path, test)


def test_silence_of_an_open_market_is_told_then_subscribed_anew_then_taken_for_a_loss(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        stream = live(rig)
        await confirmed(stream)
        theirs = [Market(product).arriving(MONDAY, MONDAY + 5 * SECOND) for product in BOTH]
        found = 0
        while found < sum(map(len, theirs)):
            found += len((await prices(stream, rig))[0])
        ends = asyncio.ensure_future(failing(stream))
        rig.clock.advance(31 * SECOND)
        await rig.stands("silent")
        rig.clock.advance(31 * SECOND)
        told = await rig.told("subscribed to anew")
        assert told.kind == "rule"  # the session stands: nobody is disconnected
        await rig.stands("connected")
        assert rig.connection.tally.subscriptions == 2
        rig.clock.advance(31 * SECOND)
        await rig.stands("silent")
        rig.clock.advance(31 * SECOND)
        assert "nothing came for too long" in str(await ends)
        assert rig.connection.state == "reconnecting"

    play(tmp_path, test, planned=(Misfortune(5 * SECOND, "silent", HOUR),))


def test_silence_of_a_closed_market_means_nothing(tmp_path: Path) -> None:
    saturday = parse_moment("2026-01-10T12:00:00Z")

    async def test(rig: Rig) -> None:
        stream = live(rig)
        assert (await anext(stream)).product == "XAUUSD"
        for _ in range(10):
            rig.clock.advance(40 * SECOND)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await stream.aclose()
        assert rig.states == ["connected"]
        assert rig.troubles == []

    play(tmp_path, test, begin=saturday)


def test_without_the_sdk_the_feed_is_off_and_says_in_one_sentence_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    async def test(rig: Rig) -> None:
        failure = await failing(live(rig))
        assert failure.final
        assert failure.kind == "rule"
        assert str(failure).count("\n") == 0
        assert 'write sdk = "practice"' in str(failure)
        assert rig.connection.state == "off"
        with pytest.raises(CallFailed, match="forexconnect"):
            await rig.feed.history("XAUUSD", MINUTE, MONDAY - HOUR, MONDAY)
        assert rig.connection.tally.calls == 0

    play(tmp_path, test, sdk=lambda: official(tmp_path))


def test_an_sdk_that_can_tell_nobody_of_prices_still_has_history(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        rig.clock.advance(SECOND)
        failure = await failing(live(rig))
        assert failure.final
        assert "neither Common nor listeners" in str(failure)
        assert len(await rig.feed.history("XAUUSD", MINUTE, MONDAY - HOUR, MONDAY)) == 60
        assert rig.connection.state == "connected"

    play(tmp_path, test, lacks=frozenset({"Common", "AO2GTableListener"}))


@pytest.mark.parametrize("wrong", ["login_refused", "password", "nothing stored"])
def test_a_login_that_is_refused_is_not_tried_again_and_nowhere_shown(tmp_path: Path, wrong: str) -> None:
    def access() -> Access:
        if wrong == "nothing stored":
            raise InputError("there is no login of demo; add one with accounts add")
        return Access("demo", Secret("hunter2-very-secret" if wrong == "password" else "practice-x"), "", "Demo")

    async def test(rig: Rig) -> None:
        if wrong == "login_refused":
            rig.wrong.begin("login_refused")
        failure = await failing(live(rig))
        assert (failure.kind, failure.final) == ("auth", True)
        assert "hunter2" not in str(failure)
        assert rig.connection.state == "off"
        rig.wrong.end("login_refused")
        assert await failing(live(rig)) is failure

    play(tmp_path, test, access=access)


def test_a_venue_that_is_closed_is_not_a_wrong_password(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        rig.wrong.begin("closed")
        failure = await failing(live(rig))
        assert (failure.kind, failure.final) == ("maintenance", False)

    play(tmp_path, test)


def test_d39_no_bars_is_an_empty_answer_and_no_session_a_failure_to_be_tried_again(tmp_path: Path) -> None:
    saturday = parse_moment("2026-01-03T12:00:00Z")

    async def test(rig: Rig) -> None:
        assert len(await rig.feed.history("XAUUSD", MINUTE, saturday, saturday + HOUR)) == 0
        assert rig.connection.tally.failures == 0
        stream = live(rig)
        await prices(stream, rig)
        rig.wrong.begin("session_lost")
        ends = asyncio.ensure_future(failing(stream))
        while not ends.done():
            rig.clock.advance(SECOND)
            await asyncio.wait((ends,), timeout=0.05)
        calls = rig.connection.tally.calls
        with pytest.raises(CallFailed, match="there is no session") as failed:
            await rig.feed.history("XAUUSD", MINUTE, MONDAY - HOUR, MONDAY)
        assert (failed.value.kind, failed.value.final) == ("network", False)
        assert rig.connection.tally.calls == calls  # who wants prices decides when to log in again

    play(tmp_path, test)


@pytest.mark.parametrize(
    ("wrong", "kind", "not_ready"), [("not_ready", "maintenance", 1), ("history_fails", "network", 0)]
)
def test_history_that_is_not_ready_says_nothing_of_the_session(
    tmp_path: Path, wrong: Any, kind: str, not_ready: int
) -> None:
    async def test(rig: Rig) -> None:
        stream = live(rig)
        await prices(stream, rig)
        rig.wrong.begin(wrong)
        with pytest.raises(CallFailed) as failed:
            await rig.feed.history("XAUUSD", MINUTE, MONDAY - HOUR, MONDAY)
        assert (failed.value.kind, failed.value.final) == (kind, False)
        tally = rig.connection.tally
        assert (tally.calls, tally.failures, tally.not_ready) == (1, 1, not_ready)
        assert rig.connection.state == "streaming"
        rig.wrong.end(wrong)
        assert len(await rig.feed.history("XAUUSD", MINUTE, MONDAY - HOUR, MONDAY)) == 60
        await stream.aclose()

    play(tmp_path, test)


def test_an_instrument_that_fxcm_does_not_have_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        stream = live(rig, ("XAUUSD", "US30"))
        found = await prices(stream, rig, 2)
        assert {each.product for each in found} == {"XAUUSD"}
        assert "no prices of US30 (US30)" in rig.troubles[0].what
        await stream.aclose()
        assert (await failing(live(rig, ("US30",)))).kind == "rule"
        with pytest.raises(CallFailed, match="Instrument is not found") as failed:
            await rig.feed.history("US30", MINUTE, MONDAY - HOUR, MONDAY)
        assert failed.value.kind == "rule"

    play(tmp_path, test, symbols={"XAUUSD": "XAU/USD", "US30": "US30"})


def test_a_row_that_is_added_after_the_login_is_heard_like_one_that_changes(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        stream = live(rig)
        await confirmed(stream)
        found = await prices(stream, rig, 30)
        first = Market("EURUSD").arriving(MONDAY, MONDAY + HOUR)
        heard = [each for each in found if each.product == "EURUSD"]
        assert int(heard[0].ts[0]) == int(first.ts[0])
        await stream.aclose()

    play(tmp_path, test, late=frozenset({"EUR/USD"}))


def test_rows_without_a_price_are_counted_apart_and_given_to_nobody(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        stream = live(rig)
        await confirmed(stream)
        found = await prices(stream, rig, 20)
        while int(found[-1].ts[0]) < MONDAY + 10 * SECOND:
            found += await prices(stream, rig)
        await stream.aclose()
        theirs = [Market(product).arriving(MONDAY, MONDAY + MINUTE) for product in BOTH]
        spoiled = sum(
            int(((each.received >= MONDAY + 5000) & (each.received < MONDAY + 10000)).sum()) for each in theirs
        )
        assert spoiled > 0
        assert rig.connection.tally.crossed.tick_errors == spoiled
        assert not any(5 * SECOND <= int(ts) - MONDAY < 9 * SECOND for each in found for ts in each.ts)

    play(tmp_path, test, planned=(Misfortune(5 * SECOND, "bad_rows", 5 * SECOND),))


def test_a_call_the_sdk_never_comes_back_from_costs_its_thread_and_nothing_else(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        stream = live(rig)
        await prices(stream, rig)
        rig.wrong.begin("stuck")
        waiting = asyncio.ensure_future(rig.feed.history("EURUSD", MINUTE, MONDAY - HOUR, MONDAY))
        with pytest.raises(CallFailed, match="did not come within") as failed:
            await rig.feed.history("XAUUSD", MINUTE, MONDAY - HOUR, MONDAY)
        assert failed.value.kind == "network"
        with pytest.raises(CallFailed):
            await waiting
        assert any("it gets another thread" in each.what for each in rig.troubles)
        assert "hangs" in str(await failing(stream))
        rig.wrong.end("stuck")
        again = live(rig)
        assert await prices(again, rig)
        assert len(await rig.feed.history("XAUUSD", MINUTE, MONDAY - HOUR, MONDAY)) == 60
        await again.aclose()

    play(tmp_path, test, manner=Manner(call_within=0.2))


def test_a_call_that_hangs_and_that_nobody_waits_for_any_more_costs_its_thread_too(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        rig.noting("get_history")
        rig.clock.advance(SECOND)
        await rig.feed.history("XAUUSD", MINUTE, MONDAY - HOUR, MONDAY)
        rig.called.clear()
        rig.wrong.begin("stuck")
        left = asyncio.ensure_future(rig.feed.history("XAUUSD", MINUTE, MONDAY - HOUR, MONDAY))
        assert await asyncio.to_thread(rig.called.wait, DEADLINE)
        left.cancel()  # as who has waited long enough does
        with pytest.raises(CallFailed, match="did not come within"):
            await rig.feed.history("EURUSD", MINUTE, MONDAY - HOUR, MONDAY)
        assert [each.what for each in rig.troubles] == [
            "the SDK did not come back from the history of XAUUSD 1m within 0.2 s; it gets another thread"
        ]
        rig.wrong.end("stuck")
        assert len(await rig.feed.history("XAUUSD", MINUTE, MONDAY - HOUR, MONDAY)) == 60

    play(tmp_path, test, manner=Manner(call_within=0.2, close_within=0.2))


def test_an_sdk_that_hangs_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        rig.noting("get_history")
        stream = live(rig)
        await prices(stream, rig)
        rig.wrong.begin("stuck")
        asked = asyncio.ensure_future(rig.feed.history("XAUUSD", MINUTE, MONDAY - HOUR, MONDAY))
        assert await asyncio.to_thread(rig.called.wait, DEADLINE)
        await stream.aclose()
        began = asyncio.get_running_loop().time()
        await rig.feed.close()
        assert asyncio.get_running_loop().time() - began < 2
        assert any("did not let go" in each.what for each in rig.troubles)
        with pytest.raises(CallFailed):
            await asked

    play(tmp_path, test, manner=Manner(close_within=0.2))


def test_the_end_removes_every_listener_and_logs_out(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        rig.noting()
        stream = live(rig)
        await prices(stream, rig)
        table = rig.sessions[0].get_table("OFFERS")
        assert table.subscriptions == 2
        await stream.aclose()
        await rig.feed.close()
        assert table.subscriptions == 0
        assert rig.sessions[0].session is None
        await rig.feed.close()

    play(tmp_path, test)


def test_the_sdk_is_used_on_one_thread_which_is_not_the_loops(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        used = rig.noting("login", "logout", "get_history", "get_table")
        stream = live(rig)
        await prices(stream, rig)
        await rig.feed.history("XAUUSD", MINUTE, MONDAY - HOUR, MONDAY)
        await stream.aclose()
        await rig.feed.close()
        assert all(used.values())
        threads = {thread for each in used.values() for thread in each}
        assert len(threads) == 1
        assert threads != {get_ident()}

    play(tmp_path, test)


def test_whoever_wants_a_session_at_the_same_time_gets_the_same(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        rig.clock.advance(SECOND)
        rig.noting()
        spans = [(MONDAY - hours * HOUR, MONDAY) for hours in (1, 2, 3)]
        bars = await asyncio.gather(*(rig.feed.history("XAUUSD", MINUTE, *span) for span in spans))
        assert [len(each) for each in bars] == [60, 120, 180]
        assert len(rig.sessions) == 1

    play(tmp_path, test)


def test_it_is_a_feed(tmp_path: Path) -> None:
    async def test(rig: Rig) -> None:
        feed: Feed = rig.feed
        await feed.close()

    play(tmp_path, test)

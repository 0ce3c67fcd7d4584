"""The publisher as its users run it, through everything that may happen to it in a day: `make feed`.

Each runs a minute or so, most of it waiting, and they run beside each other: the longest is begun first, and what runs
behind it is short. A short one is in test_acceptance.py.
"""

import signal
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.feed.stage import FX, Stage, missing, spacing, stage

MONDAY = 1_767_621_600.0
"""2026-01-05 14:00 UTC, seconds."""
FRIDAY = 1_767_996_000.0
"""2026-01-09 22:00 UTC: the week of foreign exchange ends."""
SUNDAY = FRIDAY + 48 * 3600
"""And begins again."""
GRACE = 1.0
"""So long after its close a bar is final by the flow file (seconds)."""
FAREWELL = ("open", "down", "down")
"""What a status says last of market, price and bars, of who ended in an open market."""


def settled(it: Stage) -> None:
    """What went into the lanes went out of them."""
    verdict = it.verdict()
    told = verdict.last_heartbeat["context"]["supervisor"]
    finals = told["lanes"]["ohlcv"]
    assert finals["enqueued"] == finals["processed"] == len(verdict.finals)
    assert told["total_dropped"] == 0
    for name, lane in told["lanes"].items():
        left = lane["enqueued"] - lane["processed"] - lane["conflated"] - lane["dropped"] - lane["spilled"]
        assert left == lane["depth"] + lane["in_flight"], name
    assert finals["depth"] == finals["in_flight"] == finals["spilled"] == 0


@pytest.mark.parametrize("closes", [pytest.param(5, marks=pytest.mark.slow), 2])
def test_real_minutes_keep_every_cadence_and_no_bar_is_a_second_late_and_memory_stays(
    tmp_path: Path, closes: int
) -> None:
    with stage(tmp_path, MONDAY - 10, speed=1, warmup=5) as it:
        it.started()
        it.wait(20 * closes)
        memory = it.program.memory()
        it.reached(MONDAY + closes * 60 - 15, patience=closes * 70)
        settled(it)
        grown = it.program.memory() - memory
        assert it.program.end() == 0
        verdict = it.held(MONDAY, MONDAY + (closes - 1) * 60, slack=1.0)
        late = [final.lag - GRACE for final in verdict.finals if final.opens >= (MONDAY - 60) * 1000]
        assert len(late) >= 3 * closes
        assert max(late) <= 1.0
        assert grown < 16 * 2**20
        assert [spacing(it.listener.heard, each) for each in it.program.products] == pytest.approx([3.0] * 3, abs=0.02)


def test_asked_to_end_while_redis_stands_still_it_ends_and_what_waited_leaves_in_its_next_life(tmp_path: Path) -> None:
    with stage(tmp_path, MONDAY - 20, speed=20, warmup=5) as it:
        it.started()
        it.reached(MONDAY + 15)
        with it.trouble(more=60):
            it.redis.pause()
            it.wait(130)
            assert it.program.end(signal.SIGINT) == 0
            it.redis.resume()
            it.fell_silent()
            it.listener.life = 1
            it.started()
        ended = it.now + 30
        it.reached(ended)
        it.caught_up(MONDAY - 60, ended)
        assert it.program.end(signal.SIGTERM) == 0
        it.held(MONDAY - 60, ended)


def test_ten_minutes_at_twenty_times_the_pace_are_right_in_every_field_order_and_cadence(tmp_path: Path) -> None:
    with stage(tmp_path, MONDAY - 20, speed=20) as it:
        it.started()
        it.reached(MONDAY + 10 * 60 + 10)
        settled(it)
        assert it.program.end() == 0
        verdict = it.held(MONDAY - 25 * 60, MONDAY + 10 * 60)
        assert verdict.states[-1] == "STREAM"
        assert verdict.wires[-2:] == [("open", "ok", "ok"), FAREWELL]
        assert verdict.live > 500
        assert [spacing(it.listener.heard, each) for each in it.program.products] == pytest.approx([3.0] * 3, abs=0.1)


def test_redis_is_killed_for_thirty_seconds_and_stands_still_for_thirty_and_no_bar_is_lost_or_twice(
    tmp_path: Path,
) -> None:
    with stage(tmp_path, MONDAY - 20, speed=10) as it:
        it.started()
        it.reached(MONDAY + 70)
        with it.trouble():
            it.redis.kill()
            it.wait(30)
            it.redis.start(opened=False)
            it.listener.back()
            it.redis.open()
            it.wait(30)
        it.reached(MONDAY + 200)
        with it.trouble():
            it.redis.pause()
            it.wait(30)
            it.redis.resume()
            it.wait(30)
        it.reached(MONDAY + 370)
        settled(it)
        assert it.program.end() == 0
        verdict = it.held(MONDAY - 25 * 60, MONDAY + 6 * 60)
        assert verdict.states[-1] == "STREAM"


def test_the_feed_is_lost_for_seventy_seconds_and_everything_says_so_and_no_bar_is_missing(tmp_path: Path) -> None:
    lost = ("session_lost at 120s for 70s",)
    with stage(tmp_path, MONDAY - 20, speed=10, misfortunes=lost) as it:
        it.started()
        it.troubles.append((MONDAY + 60, MONDAY + 260))
        it.reached(MONDAY + 430)
        settled(it)
        assert it.program.end() == 0
        verdict = it.held(MONDAY - 25 * 60, MONDAY + 7 * 60)
        assert verdict.states[-4:] == ["STREAM", "DISCONNECTED", "RECOVERING", "STREAM"]
        assert any(price != "ok" for _, price, _ in verdict.wires[2:])
        assert verdict.wires[-2:] == [("open", "ok", "ok"), FAREWELL]


@pytest.mark.slow
def test_prices_that_stay_away_while_the_connection_stands_are_stale_then_down_and_nobody_is_disconnected(
    tmp_path: Path,
) -> None:
    silent = ("silent at 133s for 90s",)  # a bar comes soon after the last price: none lets itself in later
    with stage(tmp_path, MONDAY - 20, speed=10, misfortunes=silent) as it:
        it.started()
        it.troubles.append((MONDAY + 100, MONDAY + 260))
        it.reached(MONDAY + 310)
        verdict = it.verdict()
        assert it.program.end() == 0
        assert not verdict.findings, "\n".join(verdict.findings[:20])
        prices = [price for _, price, _ in verdict.wires]
        assert prices[prices.index("ok") :] == ["ok", "stale", "down", "ok"]
        assert "DISCONNECTED" not in verdict.states[verdict.states.index("STREAM") :]


def test_the_market_closes_after_its_last_bar_and_opens_before_its_first(tmp_path: Path) -> None:
    with stage(tmp_path, FRIDAY - 170, speed=20, products=FX) as it:
        it.started()
        it.reached(FRIDAY + 180)
        assert it.program.end() == 0
        it.listener.life = 1
        it.program.again_at(SUNDAY - 120)
        it.started()
        it.reached(SUNDAY + 200)
        settled_states = it.verdict().states
        assert it.program.end() == 0
        it.troubles.append((FRIDAY - 65, SUNDAY + 60))
        verdict = it.held(FRIDAY - 25 * 60, FRIDAY)
        assert missing(verdict, FX, SUNDAY, SUNDAY + 180) == []
        assert "IDLE" in settled_states
        markets = [market for market, _, _ in verdict.wires]
        order = [one for one, two in pairwise([*markets, ""]) if one not in {two, "unknown"}]
        assert order == ["open", "closed", "open"]


def test_killed_over_and_over_and_started_again_within_a_minute_every_bar_is_published_once(tmp_path: Path) -> None:
    chance = np.random.default_rng(8)
    with stage(tmp_path, MONDAY - 20, speed=10) as it:
        it.started()
        for life in range(1, 6):
            it.wait(float(chance.uniform(40, 80)))
            with it.trouble(more=60):
                it.program.end(signal.SIGKILL)
                it.listener.life = life
                it.started()
        it.wait(130)
        ended = it.program.now
        assert it.program.end() == 0
        it.held(MONDAY - 25 * 60, ended - 75)
        assert it.program.codes == [-signal.SIGKILL] * 5 + [0]


def test_a_lane_that_is_full_waits_on_disk_and_everything_leaves_in_order(tmp_path: Path) -> None:
    with stage(tmp_path, MONDAY - 20, speed=20, warmup=5, more="queue_bars = 10") as it:
        it.started()
        it.reached(MONDAY + 70)
        with it.trouble(more=60):
            it.redis.pause()
            it.wait(11 * 60)
            it.redis.resume()
        it.reached(MONDAY + 14 * 60 + 20)
        settled(it)
        assert it.program.end() == 0
        verdict = it.held(MONDAY - 60, MONDAY + 13 * 60)
        assert verdict.last_heartbeat["context"]["supervisor"]["backpressure_events"] > 0

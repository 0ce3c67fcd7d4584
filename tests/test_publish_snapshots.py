"""The last price of each product every few seconds: which, when, and with which stamps."""

import asyncio
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.channels.encoding import encoded
from pipeline.connections.troubles import CallFailed
from pipeline.evidence import Trouble
from pipeline.publishing.silence import Ticks
from pipeline.publishing.snapshots import Snapshots, snapshot_state
from pipeline.publishing.thresholds import Thresholds
from pipeline.publishing.wires import FileWire, Plain
from pipeline.service import Diagnosis
from pipeline.times import SECOND
from tests.publishing import Rig
from tests.pulses import MONDAY, quote

LIMITS = Thresholds()
EVERY = 3 * SECOND


def begun() -> tuple[Ticks, Snapshots]:
    return Ticks(LIMITS.tick_live), Snapshots(EVERY, LIMITS, MONDAY)


def test_d08_a_snapshot_is_the_latest_price_of_each_product_with_when_it_was_taken() -> None:
    ticks, snapshots = begun()
    for at, price in ((100, 1.1), (900, 1.2), (2_400, 1.3)):
        ticks.heard(quote("EUR/USD", MONDAY + at, price))
    ticks.heard(quote("XAUUSD", MONDAY + 1_000, 2000.0))
    taken = snapshots.taken(MONDAY + EVERY, ticks)
    assert [(tik.symbol, tik.bid, tik.tick_ts, tik.snap_ts) for tik in taken] == [
        ("EURUSD", 1.3, (MONDAY + 2_400) / SECOND, (MONDAY + EVERY) / SECOND),
        ("XAUUSD", 2000.0, (MONDAY + 1_000) / SECOND, (MONDAY + EVERY) / SECOND),
    ]
    assert set(json.loads(encoded(taken[0], MONDAY + EVERY))) == {"symbol", "bid", "ask", "mid", "tick_ts", "snap_ts"}
    assert taken[0].mid == (taken[0].bid + taken[0].ask) / 2


def test_nothing_is_taken_before_it_is_due_or_where_there_is_no_price() -> None:
    ticks, snapshots = begun()
    assert snapshots.taken(MONDAY + EVERY, ticks) == ()
    assert (snapshots.taken_at, snapshots.rounds) == (0, 0)
    ticks.heard(quote("EURUSD", MONDAY + EVERY))
    assert snapshots.taken(snapshots.due - 1, ticks) == ()
    assert len(snapshots.taken(snapshots.due, ticks)) == 1
    assert snapshots.taken(MONDAY + 2 * EVERY, ticks) == ()
    assert (snapshots.taken_at, snapshots.rounds) == (MONDAY + 2 * EVERY, 1)


def test_a_price_is_repeated_as_it_stands_for_a_minute_and_then_there_is_silence() -> None:
    ticks, snapshots = begun()
    ticks.heard(quote("EURUSD", MONDAY))
    taken = [snapshots.taken(MONDAY + second * SECOND, ticks) for second in range(90)]
    assert [second for second, made in enumerate(taken) if made] == list(range(3, 61, 3))
    assert {made[0].tick_ts for made in taken if made} == {MONDAY / SECOND}


def test_a_price_of_the_very_moment_is_looked_at_a_millisecond_later() -> None:
    ticks, snapshots = begun()
    ticks.heard(quote("EURUSD", MONDAY + EVERY))
    (taken,) = snapshots.taken(MONDAY + EVERY, ticks)
    assert taken.tick_ts == (MONDAY + EVERY) / SECOND
    assert taken.snap_ts == (MONDAY + EVERY + 1) / SECOND


def test_a_pause_of_the_program_is_followed_by_one_round_and_the_beat_stays_aligned() -> None:
    ticks, snapshots = begun()
    ticks.heard(quote("EURUSD", MONDAY))
    moments = 3_000, 25_500, 25_600, 26_900, 27_000, 29_999, 30_000
    rounds = [at for at in moments if snapshots.taken(MONDAY + at, ticks)]
    assert rounds == [3_000, 25_500, 27_000, 30_000]


class Refusing(FileWire):
    """A wire that takes no prices the first time, and everything else."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.tries = 0

    async def publish(self, messages: Sequence[Plain]) -> None:
        prices = any(message.channel == "price_tik" for message in messages)
        self.tries += prices
        if prices and self.tries == 1:
            raise CallFailed("rule", "redis: not these")
        await super().publish(messages)


def test_d41_prices_that_nobody_took_once_end_neither_their_lane_nor_another(tmp_path: Path) -> None:
    async def main() -> None:
        wire = Refusing(tmp_path)
        async with Rig(tmp_path, lambda _: wire, speed=5) as rig:
            rig.quote()
            await rig.until(lambda: bool(rig.of(Diagnosis)) and rig.of(Diagnosis)[-1].snapshots >= 2)
            told = rig.of(Diagnosis)[-1]
            assert (told.state, told.published["heartbeat"] > 0, wire.tries >= 3) == ("STREAM", True, True)
            assert {lane.name: lane.failures for lane in told.lanes if lane.failures} == {"price_snapshots": 1}
            assert [trouble.what for trouble in rig.of(Trouble)] == ["redis: not these"]

    asyncio.run(main())


def test_d41_a_price_that_cannot_be_and_a_name_that_cannot_be_sent_end_nothing() -> None:
    ticks, snapshots = begun()
    for price in (float("nan"), float("inf"), 0.0, -1.0):
        ticks.heard(quote("EURUSD", MONDAY, price))
    ticks.heard(quote("no name at all!", MONDAY + 1))
    assert ticks.errors == 4
    assert snapshots.taken(MONDAY + EVERY, ticks) == ()
    ticks.heard(quote("EURUSD", MONDAY + EVERY + 1))
    (taken,) = snapshots.taken(MONDAY + 2 * EVERY, ticks)
    assert taken.symbol == "EURUSD"


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 5_000), st.sampled_from(["EURUSD", "XAUUSD"]), st.integers(-200, 200)), max_size=30
    ),
    st.sampled_from([1_000, 3_000, 5_000]),
)
def test_every_snapshot_can_be_sent_and_the_rounds_are_never_closer_than_the_beat(
    prices: list[tuple[int, str, int]], every: int
) -> None:
    ticks, snapshots, now = Ticks(LIMITS.tick_live), Snapshots(every, LIMITS, MONDAY), MONDAY
    rounds = list[int]()
    for wait, product, ahead in prices:
        now += wait
        ticks.heard(quote(product, now + ahead, received=now))
        taken = snapshots.taken(now, ticks)
        assert len({tik.symbol for tik in taken}) == len(taken)
        for tik in taken:
            encoded(tik, now)
            assert tik.snap_ts > tik.tick_ts
        rounds += [now // every] * bool(taken)
    assert all(later > before for before, later in pairwise(rounds))


@pytest.mark.parametrize(
    ("silence", "is_open", "running", "state"),
    [
        (None, True, True, "waiting"),
        (0, True, True, "ok"),
        (29_999, True, True, "ok"),
        (30_000, True, True, "stale"),
        (30_000, False, True, "waiting"),
        (0, True, False, "stopped"),
    ],
)
def test_the_worker_of_snapshots_has_four_states(silence: int | None, is_open: bool, running: bool, state: str) -> None:
    assert snapshot_state(silence, LIMITS, is_open=is_open, running=running) == state

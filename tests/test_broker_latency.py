"""The practice venue answers as late as its file says, and what is drawn comes of its seed."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.broker.latency import MOST, Lagging, Latency
from pipeline.broker.settings import Settings
from pipeline.clocks import LoopClock
from tests.broker_clients import HandClock
from tests.deriv_trading import SHORT, SPEED, played, trading
from tests.generic_rig import run, venue

LEAST, JITTER = 1_200, 600
"""On the venue's clock, sixty times as fast: 20 to 30 ms."""


def drawn(latency: Latency, account: str, count: int = 50) -> list[int]:
    return [latency.draw(account) for _ in range(count)]


@given(st.integers(0, 2**32), st.integers(0, 500), st.integers(0, 500), st.text(max_size=8))
@settings(max_examples=30, deadline=None)
def test_a_latency_is_of_its_seed_alone_and_within_its_bounds(seed: int, least: int, jitter: int, account: str) -> None:
    once = drawn(Latency(seed, least, jitter), account)
    assert once == drawn(Latency(seed, least, jitter), account)
    assert all(least <= each <= least + jitter for each in once)


def test_it_reaches_both_bounds_and_another_seed_draws_others() -> None:
    once = drawn(Latency(7, 10, 3), "demo-1", 200)
    assert set(once) == {10, 11, 12, 13}
    assert once != drawn(Latency(8, 10, 3), "demo-1", 200)


def test_what_another_account_asks_changes_nothing() -> None:
    alone = drawn(Latency(7, 0, 1000), "demo-1")
    both = Latency(7, 0, 1000)
    beside = [(both.draw("demo-1"), both.draw("demo-2")) for _ in range(50)]
    assert [one for one, _ in beside] == alone
    assert [other for _, other in beside] != alone


def test_whatever_names_there_are_no_more_than_so_many_are_kept_apart() -> None:
    latency = Latency(7, 0, 9)
    for n in range(3 * MOST):
        latency.draw(f"somebody-{n}\ud800")
    assert len(latency._drawing) <= MOST  # pyright: ignore[reportPrivateUsage]  # what it keeps is what is asked


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 200)), max_size=40))
@settings(max_examples=50, deadline=None)
def test_what_sets_out_on_a_socket_arrives_in_its_order_and_never_too_early(frames: list[tuple[int, int]]) -> None:
    clock, arrived, lags = HandClock(), list[tuple[int, str]](), [lag for _, lag in frames]
    line = Lagging(lambda: lags.pop(0), clock.now, clock.at, lambda text: arrived.append((clock.now(), text)))
    earliest = list[int]()
    for number, (pause, lag) in enumerate(frames):
        clock.step(pause)
        earliest.append(clock.now() + lag)
        line.send(str(number))
    clock.step(1000)
    assert [text for _, text in arrived] == [str(number) for number in range(len(frames))]
    assert [at for at, _ in arrived] == [max(earliest[: n + 1]) for n in range(len(frames))]


def test_frames_that_arrive_at_one_moment_of_a_running_clock_arrive_in_order() -> None:
    async def main() -> list[int]:
        clock = LoopClock(asyncio.get_running_loop(), 0, SPEED)
        arrived, all_there = list[int](), asyncio.Event()

        def arrive(text: str) -> None:
            arrived.append(int(text))
            if len(arrived) == 200:
                all_there.set()

        line = Lagging(lambda: LEAST, clock.now, clock.at, arrive)
        for number in range(200):
            line.send(str(number))
        await asyncio.wait_for(all_there.wait(), 10)
        return arrived

    assert asyncio.run(main()) == list(range(200))


def test_on_a_socket_that_is_closed_nothing_arrives_any_more() -> None:
    clock, arrived = HandClock(), list[str]()
    line = Lagging(lambda: 100, clock.now, clock.at, arrived.append)
    line.send("a")
    clock.step(100)
    line.send("b")
    line.close()
    clock.step(1000)
    assert arrived == ["a"]


def test_every_call_over_rest_and_socket_takes_as_long_as_the_file_says() -> None:
    async def test() -> None:
        told = Settings(begin="2026-01-05T08:00:00Z", latency_ms=LEAST, latency_jitter_ms=JITTER)
        async with trading(settings=told, deadline=5.0) as trader:
            ack = await trader.buy(tf=4 * SHORT)
            await trader.until(lambda: bool(trader.ends))
            assert trader.ends[0].order == f"demo-1:R_100:{4 * SHORT}:1"
            assert ack.expiry - ack.at == 4 * SHORT
            slowest = {row.call: row.mean_ms for row in trader.connector.counts.totals()}
            assert {"rest", "time", "proposal", "buy"} <= slowest.keys()
            assert all(each >= LEAST / SPEED - 5 for each in slowest.values()), slowest

    played(test)


def test_every_call_over_plain_http_does_too() -> None:
    async def test() -> None:
        async with venue(speed=SPEED, latency_ms=LEAST, latency_jitter_ms=JITTER) as there:
            account = await there.opened()
            await account.place(there.order())
            rows = {row.call: row.mean_ms for row in account.counts.totals()}
            assert {"capabilities", "login", "account", "ping", "order"} <= rows.keys()
            assert all(each >= LEAST / SPEED - 5 for each in rows.values()), rows
            await account.close()

    run(test())

"""Lanes: nothing is lost without a count, and final bars are not lost at all."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.publishing.lanes import Batch, Changes, Finals, Latest, Spill
from pipeline.times import MINUTE
from pipeline.values import Stream
from tests.publishing import bars

T = 1_767_607_200_000
EURUSD = Stream("EURUSD", MINUTE)


def batch(*slots: int, product: str = "EURUSD") -> Batch:
    return Batch(bars(T, slots, product=product))


def slots(batches: list[Batch]) -> list[int]:
    return [(opened - T) // MINUTE for each in batches for opened in each.bars.open_ts.tolist()]


def test_of_forming_bars_only_the_latest_of_each_stream_waits() -> None:
    lane = Latest[str, int]("live", 10)
    for key, value in (("a", 1), ("b", 2), ("a", 3)):
        lane.offer(key, value)
    assert dict(lane.take(10)) == {"a": 3, "b": 2}
    assert (lane.enqueued, lane.conflated, lane.in_flight, lane.depth) == (3, 1, 2, 0)
    lane.acknowledged(2)
    assert lane.processed == 2
    assert lane.whole


def test_what_comes_back_goes_first_again_unless_there_is_a_later_one_of_its_kind() -> None:
    lane = Latest[str, int]("live", 10)
    lane.offer("a", 1)
    lane.offer("b", 2)
    taken = lane.take(2)
    lane.offer("b", 3)
    lane.offer("c", 4)
    lane.came_back(taken)
    assert lane.take(10) == [("a", 1), ("b", 3), ("c", 4)]
    assert lane.whole


def test_every_change_of_a_state_is_kept_in_order_and_of_repetitions_the_latest() -> None:
    lane = Changes[str]("status", 10)
    lane.offer("open", change=True)
    lane.offer("open again", change=False)
    lane.offer("closed", change=True)
    lane.offer("closed again", change=False)
    lane.offer("closed once more", change=False)
    taken: list[str] = []
    while (each := lane.take()) is not None:
        taken.append(each[0])
        lane.acknowledged()
    assert taken == ["open again", "closed once more"]
    assert (lane.enqueued, lane.processed, lane.conflated) == (5, 2, 3)


def test_a_repetition_that_is_not_out_yet_makes_room_for_a_change() -> None:
    lane = Changes[str]("status", 10)
    lane.offer("same", change=False)
    lane.offer("other", change=True)
    assert lane.take() == ("other", True)
    assert lane.conflated == 1


def test_d21_a_full_lane_of_heartbeats_keeps_the_latest_counts_the_others_and_presses_nobody() -> None:
    lane = Changes[int]("heartbeat", 2)
    for number in range(100):
        lane.offer(number, change=False)
    assert (lane.depth, lane.conflated, lane.enqueued) == (1, 99, 100)
    assert lane.take() == (99, False)


def test_final_bars_that_find_the_lane_full_wait_on_the_shelf_and_later_ones_of_their_stream_behind_them() -> None:
    lane = Finals("ohlcv", 3)
    assert lane.offer(batch(0, 1))
    assert not lane.offer(batch(2, 3))
    assert lane.full
    assert not lane.offer(batch(4))
    assert lane.offer(batch(0, product="XAUUSD"))
    assert (lane.depth, lane.spilled, lane.enqueued) == (3, 3, 6)
    assert list(lane.wanted()) == []
    for each in lane.take(10):
        lane.acknowledged(each)
    assert list(lane.wanted()) == [(EURUSD, Spill(T + 2 * MINUTE, 3))]
    assert not lane.relieved()
    lane.found(EURUSD, [batch(2, 3), batch(4)], None)
    assert lane.spilled == 0
    assert slots(lane.take(1)) == [2, 3]
    assert lane.relieved()
    assert lane.whole


def test_bars_that_the_shelf_has_lost_count_as_dropped() -> None:
    lane = Finals("ohlcv", 1)
    lane.offer(batch(0))
    lane.offer(batch(1, 2, 3))
    lane.found(EURUSD, [batch(1)], None)
    assert (lane.dropped, lane.spilled) == (2, 0)
    assert lane.whole


def test_final_bars_that_come_back_are_first_again_in_their_order() -> None:
    lane = Finals("ohlcv", 100)
    for slot in range(4):
        lane.offer(batch(slot))
    taken = lane.take(3)
    lane.came_back(taken[1:])
    lane.acknowledged(taken[0])
    assert slots(lane.take(10)) == [1, 2, 3]
    assert lane.whole


Step = tuple[str, int]
STEPS = st.lists(st.tuples(st.sampled_from(["offer", "take", "good", "bad", "part", "refuse"]), st.integers(0, 4)))


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(1, 6))
def test_of_final_bars_everything_is_accounted_for_at_any_moment_and_none_is_lost(
    steps: list[Step], limit: int
) -> None:
    lane, flight, shelf, out = (
        Finals("ohlcv", limit),
        list[Batch](),
        dict[Stream, list[int]](),
        list[tuple[Stream, int]](),
    )
    offered = dict[Stream, int]()
    for what, number in steps:
        match what:
            case "offer":
                product = ("EURUSD", "XAUUSD")[number % 2]
                stream = Stream(product, MINUTE)
                first = offered.get(stream, 0)
                offered[stream] = first + number + 1
                rows = list(range(first, first + number + 1))
                if not lane.offer(batch(*rows, product=product)):
                    shelf.setdefault(stream, []).extend(rows)
            case "take":
                for stream, spill in list(lane.wanted()):
                    rows, shelf[stream] = shelf[stream][:2], shelf[stream][2:]
                    left = Spill(T + shelf[stream][0] * MINUTE, spill.rows - len(rows)) if shelf[stream] else None
                    lane.found(stream, [batch(*rows, product=stream.product)], left)
                if not flight:
                    flight = lane.take(number)
            case "good" if flight:
                done = flight.pop(0)
                lane.acknowledged(done)
                out += [(done.stream, opened) for opened in done.bars.open_ts.tolist()]
            case "part" if flight and len(flight[0].bars) > 1:
                done = flight.pop(0)
                lane.passed_over(1)
                out.append((done.stream, int(done.bars.open_ts[0])))
                lane.came_back([Batch(done.bars.rows(1, len(done.bars), len(done.bars) - 1)), *flight])
                flight = []
            case "bad":
                lane.came_back(flight)
                flight = []
            case _:
                pass
        assert lane.whole
    for stream in offered:
        gone = [opened for each, opened in out if each == stream]
        assert gone == sorted(set(gone))
    assert lane.dropped == 0
    assert len(out) == lane.processed


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(1, 4))
def test_of_conflated_values_everything_is_accounted_for_at_any_moment(steps: list[Step], limit: int) -> None:
    latest, changes = Latest[int, int]("live", limit), Changes[int]("status", limit)
    taken, flight, changing = list[tuple[int, int]](), 0, list[tuple[int, bool]]()
    for what, number in steps:
        match what:
            case "offer":
                latest.offer(number, number)
                changes.offer(number, change=number % 2 == 0)
            case "take" if not taken:
                taken = latest.take(number)
                each = changes.take() if not changing else None
                changing += [each] if each is not None else []
            case "good":
                latest.acknowledged(len(taken))
                for _ in changing:
                    changes.acknowledged()
                taken, changing = [], []
            case "bad":
                latest.came_back(taken)
                for each in changing:
                    changes.came_back(each)
                taken, changing = [], []
            case "refuse":
                latest.refused(len(taken))
                for _ in changing:
                    changes.refused()
                taken, changing = [], []
            case _:
                pass
        assert latest.whole
        assert changes.whole
        assert latest.depth <= limit
        assert changes.depth <= limit
    assert flight == 0


def test_late_bars_of_a_stream_that_waits_on_disk_wait_there_too_unless_they_are_older() -> None:
    lane = Finals("ohlcv", 100)
    lane.spill(Stream("EURUSD", MINUTE), 5 * MINUTE, 3)
    assert not lane.offer(Batch(bars(0, [6]), "late"))
    assert lane.offer(Batch(bars(0, [3]), "late"))
    assert (lane.depth, lane.spilled) == (1, 4)
    assert lane.whole

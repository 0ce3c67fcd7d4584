"""The gate before the wire: every final bar once and in order, and no bar that forms where its final one is due."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.publishing.gate import NEVER, Gate
from pipeline.times import DAY, MINUTE
from pipeline.values import Forming, Stream
from tests.publishing import bars

EURUSD = Stream("EURUSD", MINUTE)
T = 1_767_607_200_000
LATER = T + 1000 * MINUTE


def forming(slot: int, price: float = 1.1) -> Forming:
    return Forming("EURUSD", MINUTE, T + slot * MINUTE, price, price, price, price, 1.0, T + slot * MINUTE + 10)


def slots(given_bars: object) -> list[int]:
    return [] if given_bars is None else [(opened - T) // MINUTE for opened in given_bars.open_ts.tolist()]  # type: ignore[attr-defined]


def test_only_bars_that_are_newer_than_what_was_let_through_pass() -> None:
    gate = Gate()
    assert slots(gate.finals(bars(T, [0, 1, 2]), LATER)) == [0, 1, 2]
    assert slots(gate.finals(bars(T, [1, 2, 3]), LATER)) == [3]
    assert gate.cursor(EURUSD) == NEVER


def test_d27_a_repeated_final_batch_is_blocked_and_a_repeated_live_bar_passes() -> None:
    gate = Gate()
    assert slots(gate.finals(bars(T, [0, 1]), LATER)) == [0, 1]
    gate.acknowledged(EURUSD, T + MINUTE)
    assert gate.finals(bars(T, [0, 1]), LATER) is None
    assert gate.repeated == 2
    assert gate.forming(forming(2))
    assert gate.forming(forming(2))


def test_d09_a_bar_of_the_future_does_not_pass_and_the_last_close_is_that_of_the_newest_published() -> None:
    gate = Gate()
    assert slots(gate.finals(bars(T, [0, 1, 2]), T + 2 * MINUTE + 59_999)) == [0, 1]
    assert gate.early == 1
    assert gate.last_close == 0
    gate.acknowledged(EURUSD, T + MINUTE)
    assert gate.last_close == T + 2 * MINUTE
    assert slots(gate.finals(bars(T, [2]), T + 3 * MINUTE)) == [2]


def test_d09_a_cursor_that_lies_in_the_future_is_begun_anew() -> None:
    gate = Gate()
    other = Stream("XAUUSD", MINUTE)
    assert gate.begin({EURUSD: T + 2 * DAY, other: T}, {}, T + 3 * MINUTE) == (EURUSD,)
    assert gate.cursor(EURUSD) == NEVER
    assert gate.cursor(other) == T
    assert slots(gate.finals(bars(T, [0, 1]), T + 3 * MINUTE)) == [0, 1]


def test_what_went_out_before_the_clock_was_set_back_does_not_go_out_again() -> None:
    gate = Gate()
    assert gate.begin({EURUSD: T + 60 * MINUTE}, {}, T + 3 * MINUTE) == ()
    assert gate.finals(bars(T, [0, 1, 2]), T + 3 * MINUTE) is None
    assert slots(gate.finals(bars(T, [60, 61]), LATER)) == [61]


def test_of_what_is_known_at_a_first_start_the_newest_bars_pass() -> None:
    gate = Gate()
    assert slots(gate.finals(bars(T, range(10), fresh=0), LATER, most=3)) == [7, 8, 9]
    assert gate.late(bars(T, range(7)), LATER) is None


def test_however_little_of_the_past_is_wanted_new_bars_pass() -> None:
    gate = Gate()
    assert gate.finals(bars(T, range(10), fresh=0), LATER, most=0) is None
    assert slots(gate.finals(bars(T, range(8, 12), fresh=2), LATER, most=0)) == [10, 11]
    other = Gate()
    assert slots(other.finals(bars(T, range(6), fresh=3), LATER, most=1)) == [3, 4, 5]


def test_the_cursor_moves_with_the_acknowledgement_and_with_nothing_else() -> None:
    gate = Gate()
    gate.finals(bars(T, [0, 1]), LATER)
    assert (gate.cursor(EURUSD), gate.offered(EURUSD)) == (NEVER, T + MINUTE)
    gate.acknowledged(EURUSD, T)
    assert gate.cursor(EURUSD) == T


def test_a_forming_bar_waits_until_the_final_one_before_it_is_out() -> None:
    gate = Gate()
    assert gate.forming(forming(0))
    gate.shown(forming(0))
    assert not gate.forming(forming(1, 1.2))
    assert not gate.forming(forming(1, 1.3))
    gate.finals(bars(T, [0]), LATER)
    assert not gate.forming(forming(1, 1.4))
    held = gate.acknowledged(EURUSD, T)
    assert held is not None
    assert held.close == 1.4
    assert gate.forming(forming(1, 1.5))


def test_a_forming_bar_of_a_slot_that_is_over_goes_nowhere() -> None:
    gate = Gate()
    gate.finals(bars(T, [0, 1]), LATER)
    assert not gate.forming(forming(1))
    assert gate.acknowledged(EURUSD, T + MINUTE) is None
    gate.shown(forming(3))
    assert not gate.forming(forming(2))


def test_a_market_is_over_once_every_bar_that_was_shown_is_out() -> None:
    gate = Gate()
    gate.shown(forming(0))
    assert gate.over(T + MINUTE - 1)
    assert not gate.over(T + MINUTE)
    gate.finals(bars(T, [0]), LATER)
    gate.acknowledged(EURUSD, T)
    assert gate.over(T + MINUTE)


def test_bars_of_slots_that_were_passed_over_pass_late_and_once() -> None:
    gate = Gate()
    gate.finals(bars(T, [0]), LATER)
    gate.finals(bars(T, [4]), LATER)
    assert gate.holes(EURUSD) == ((T + MINUTE, T + 4 * MINUTE),)
    assert slots(gate.late(bars(T, [0, 2, 4]), LATER)) == [2]
    assert slots(gate.late(bars(T, [1, 2, 3]), LATER)) == [1, 3]
    assert gate.late(bars(T, [1, 2, 3]), LATER) is None
    assert gate.holes(EURUSD) == ()


def test_what_is_wanted_of_the_past_is_a_hole_before_the_first_bar() -> None:
    gate = Gate()
    gate.finals(bars(T, [5]), LATER)
    gate.lacks(EURUSD, T, T + 9 * MINUTE)
    assert slots(gate.late(bars(T, [3, 4, 5]), LATER)) == [3, 4]
    without = Gate()
    without.lacks(EURUSD, T, T + 9 * MINUTE)
    assert slots(without.finals(bars(T - MINUTE, [0, 1, 2]), LATER)) == [0, 1]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 20), min_size=1, max_size=6, unique=True))))
def test_whatever_comes_in_whatever_order_no_bar_passes_twice_and_new_ones_rise(
    batches: list[tuple[bool, list[int]]],
) -> None:
    gate, passed, new = Gate(), list[int](), list[int]()
    for acknowledged, offered in batches:
        batch = bars(T, sorted(offered))
        passed += slots(gate.late(batch, LATER))
        found = slots(gate.finals(batch, LATER))
        passed += found
        new += found
        if acknowledged and found:
            gate.acknowledged(EURUSD, T + found[-1] * MINUTE)
        assert gate.cursor(EURUSD) <= gate.offered(EURUSD)
    assert len(passed) == len(set(passed))
    assert new == sorted(new)


# --- what an earlier life showed -------------------------------------------------------------------------------------


def test_a_bar_that_an_earlier_life_showed_keeps_later_ones_waiting_until_its_final_one_is_out() -> None:
    gate = Gate()
    gate.begin({EURUSD: T}, {EURUSD: T + MINUTE}, T + 3 * MINUTE)
    assert not gate.forming(forming(3))
    assert slots(gate.finals(bars(T, [2]), LATER)) == [2]
    gate.acknowledged(EURUSD, T + 2 * MINUTE)
    assert not gate.forming(forming(3))  # it is in a hole: who listens would make a whole bar of its part
    assert slots(gate.late(bars(T, [1]), LATER)) == [1]
    assert not gate.forming(forming(3))  # on its way, and not out
    gate.late_is_out(EURUSD, [T + MINUTE])
    assert gate.forming(forming(3))


def test_a_final_bar_that_nobody_has_is_not_waited_for_for_ever() -> None:
    gate = Gate()
    gate.begin({EURUSD: T}, {EURUSD: T + MINUTE}, T + 3 * MINUTE)
    assert not gate.forming(forming(4))
    assert gate.forming(forming(5))


def test_a_bar_that_is_shown_again_is_no_first_one_and_one_of_the_future_was_never_shown() -> None:
    gate = Gate()
    assert gate.shown(forming(1))
    assert not gate.shown(forming(1))
    other = Gate()
    other.begin({}, {EURUSD: T + 10 * MINUTE}, T)
    assert other.forming(forming(1))


def test_slots_that_an_earlier_life_passed_over_are_holes_still() -> None:
    gate = Gate()
    gate.begin({EURUSD: T + 5 * MINUTE}, {}, LATER)
    gate.recalled(EURUSD, bars(T, [0, 1, 3, 5]).open_ts)
    assert slots(gate.late(bars(T, range(6)), LATER)) == [2, 4]
    assert gate.late(bars(T, range(6)), LATER) is None

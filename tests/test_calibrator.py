"""The calibrator: what it says depends on a bar and the rows before it, and it closes when that no longer fits."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from operators.calibrator import Calibrator
from pipeline.calibration.curves import Logistic
from pipeline.calibration.records import Fit, KeyFit, Made, Record
from pipeline.settlement import Tie
from pipeline.times import HOUR, MINUTE, utc_text
from pipeline.values import Calibrated, Columns, Floats, Signals
from tests.driven import driven
from tests.support import MONDAY

BEFORE = MONDAY - HOUR


def curve(p: float, error: float = 0.0) -> Logistic:
    """Says the same of every score."""
    spread = (error / (p * (1 - p))) ** 2
    return Logistic((0.0, float(np.log(p / (1 - p)))), ((0.0, 0.0), (0.0, spread)))


def record_of(*fits: tuple[int, Logistic], tie: Tie = "push") -> Record:
    keys = (KeyFit("EURUSD", "1m", 1000, 600),)
    made = Made(begin="", end="", outcomes=1000, prices="bars", tie=tie, method="platt", every="1h", least=100)
    dated = tuple(Fit(utc_text(until), 1000, 600, each, keys) for until, each in fits)
    return Record(ensemble="main", fingerprint="f", made=made, verdict=None, fits=dated)


def calibrator(record: Record | None, **keys: Any) -> Calibrator:
    return Calibrator(record="main.json", fitted=record, **keys)


def heard(won: Floats, *, fresh: int | None = None, begin: int = MONDAY, silent: int = 0) -> Signals:
    """Calls of which those won that are 1, one a bar; of the last row it is not known. Every so many are silent."""
    rows = len(won)
    closes = 1.1 + 1e-4 * np.concatenate(([0.0], np.cumsum(np.where(won[:-1] > 0, 1, -1))))
    open_ts = begin + MINUTE * np.arange(rows, dtype=np.int64)
    values = {"close": closes}
    columns = Columns("EURUSD", MINUTE, open_ts, open_ts + MINUTE, np.ones(rows, np.bool_), values, fresh or rows)
    direction = np.ones(rows, np.int8)
    if silent:
        direction[::silent] = 0
    score: Floats = 0.5 * direction.astype(np.float64)
    return Signals(columns, score, np.abs(score), direction, {})


def cut(signals: Signals, begin: int, end: int, fresh: int) -> Signals:
    """The rows from `begin` to before `end`, the last `fresh` of them new."""
    of = signals.columns
    rows = slice(begin, end)
    values = {name: column[rows] for name, column in of.values.items()}
    stamps = of.open_ts[rows], of.final_at[rows]
    columns = Columns(of.product, of.tf, *stamps, of.ready[rows], values, fresh, len(of.open_ts[rows]) - fresh)
    return Signals(columns, signals.score[rows], signals.confidence[rows], signals.direction[rows], {})


def drawn(p: float, rows: int, seed: int = 1) -> Floats:
    return (np.random.default_rng(seed).random(rows) < p).astype(np.float64)


# --- what it says ----------------------------------------------------------------------------------------------------


def test_a_put_is_as_probable_as_a_call_of_the_same_size() -> None:
    part = calibrator(record_of((BEFORE, Logistic((1.0, -0.2), ((0.01, 0.0), (0.0, 0.01))))))
    calls = heard(drawn(0.5, 20))
    puts = Signals(calls.columns, -calls.score, calls.confidence, -calls.direction, {})
    one, other = part.calibrated(calls), part.calibrated(puts)
    assert np.array_equal(one.probability, other.probability)
    assert one.probability[0] == pytest.approx(1 / (1 + np.exp(-(0.5 - 0.2))))


def test_where_there_is_no_direction_no_record_or_no_fit_yet_there_is_no_number() -> None:
    signals = heard(drawn(0.5, 200), silent=4)
    late = record_of((MONDAY + 100 * MINUTE, curve(0.6)))
    made = calibrator(late).calibrated(signals)
    spoken = (np.arange(200) % 4 > 0) & (np.arange(200) > 100)
    assert np.array_equal(np.isfinite(made.probability), spoken)
    assert np.array_equal(np.isfinite(made.error), spoken)
    assert np.isnan(calibrator(None).calibrated(signals).probability).all()


def test_it_speaks_of_new_rows_only_and_says_which_record_it_goes_by() -> None:
    ((_, made),) = driven(calibrator(record_of((BEFORE, curve(0.6)))), [(0, heard(drawn(0.5, 50), fresh=3))], 1)
    assert isinstance(made, Calibrated)
    assert (len(made), len(made.signals), made.record) == (3, 3, "main 2026-01-05")
    assert made.signals.open_ts.tolist() == [MONDAY + row * MINUTE for row in (47, 48, 49)]


# --- drift -----------------------------------------------------------------------------------------------------------


def test_it_closes_when_too_few_win_and_opens_again_when_enough_do() -> None:
    won = np.concatenate((drawn(0.6, 600), drawn(0.4, 400, 2), drawn(0.6, 900, 3)))
    drifted = calibrator(record_of((BEFORE, curve(0.6)))).calibrated(heard(won)).drifted
    assert not drifted[:600].any()
    assert drifted[900:1000].all()
    assert not drifted[1500:].any()
    closes, opens = np.flatnonzero(drifted)[[0, -1]]
    assert 600 < closes < 900
    assert 1000 < opens < 1500


def test_winning_more_often_than_was_said_closes_nothing() -> None:
    made = calibrator(record_of((BEFORE, curve(0.6)))).calibrated(heard(drawn(0.8, 1_000)))
    assert not made.drifted.any()


@pytest.mark.parametrize("alpha", [0.01, 0.05])
def test_a_record_that_is_right_is_closed_for_as_small_a_share_of_bars_as_was_asked_for(alpha: float) -> None:
    won = np.concatenate([drawn(0.57, 4_000, seed) for seed in range(40)])
    drifted = calibrator(record_of((BEFORE, curve(0.57))), alpha=alpha).calibrated(heard(won)).drifted
    assert 0.3 * alpha < drifted.mean() < 1.5 * alpha


def test_what_the_record_is_unsure_of_it_is_allowed() -> None:
    won = drawn(0.5, 1_000)
    sure = calibrator(record_of((BEFORE, curve(0.58)))).calibrated(heard(won)).drifted
    unsure = calibrator(record_of((BEFORE, curve(0.58, 0.04)))).calibrated(heard(won)).drifted
    assert sure.mean() > 0.3
    assert unsure.mean() < 0.1


def test_of_few_outcomes_nothing_is_said() -> None:
    part = calibrator(record_of((BEFORE, curve(0.9))), drift_window=30, lookback=31)
    drifted = part.calibrated(heard(np.zeros(60))).drifted
    assert np.flatnonzero(drifted)[0] == 30
    assert not part.calibrated(heard(np.zeros(60), silent=2)).drifted.any()


def test_what_came_of_a_row_counts_when_the_next_is_final_and_not_before() -> None:
    """30 lost, then one that may have won or lost: the row after it may differ, that row itself may not."""
    part = calibrator(record_of((BEFORE, curve(0.6))), drift_window=30)
    lost, won = np.concatenate((drawn(0.35, 200), [0.0, 0.0])), np.concatenate((drawn(0.35, 200), [1.0, 0.0]))
    one, other = part.calibrated(heard(lost)), part.calibrated(heard(won))
    assert np.array_equal(one.drifted[:201], other.drifted[:201])


def test_a_contract_over_a_hole_says_nothing() -> None:
    """The closes on both sides of a missing bar are no contract's entry and exit."""
    part = calibrator(record_of((BEFORE, curve(0.9))), drift_window=30, lookback=100)
    signals = heard(np.zeros(100))
    of = signals.columns
    apart = Columns(of.product, of.tf, of.open_ts * 2 - MONDAY, of.final_at, of.ready, of.values, of.fresh)
    holed = Signals(apart, signals.score, signals.confidence, signals.direction, {})
    assert part.calibrated(signals).drifted.any()
    assert not part.calibrated(holed).drifted.any()


def test_a_level_close_counts_as_lost_only_where_a_tie_loses() -> None:
    signals = heard(np.zeros(100))
    level = Columns("EURUSD", MINUTE, signals.open_ts, signals.final_at, signals.ready, {"close": np.ones(100)}, 100)
    still = Signals(level, signals.score, signals.confidence, signals.direction, {})
    ties: tuple[Tie, ...] = ("push", "lose")
    for tie in ties:
        drifted = calibrator(record_of((BEFORE, curve(0.6)), tie=tie)).calibrated(still).drifted
        assert drifted.any() == (tie == "lose")


@settings(max_examples=40, deadline=None)
@example(seed=0, begin=0, fresh=1)
@given(seed=st.integers(0, 2**16), begin=st.integers(0, 500), fresh=st.integers(1, 90))
def test_no_bit_depends_on_where_the_rows_begin_or_how_many_are_new(seed: int, begin: int, fresh: int) -> None:
    spread = ((0.01, 0.001), (0.001, 0.02))
    fits = [(MONDAY + at * MINUTE, Logistic((0.3 + at / 500, 0.1), spread)) for at in (-60, 130, 300)]
    part = calibrator(record_of(*fits), drift_window=40, lookback=60, alpha=0.3)
    draw = np.random.default_rng(seed)
    whole = heard(drawn(0.5, 700, seed), silent=int(draw.integers(2, 9)))
    sized = Signals(whole.columns, whole.direction * draw.uniform(0, 1, 700), whole.confidence, whole.direction, {})
    everything = part.calibrated(sized)
    end = min(700, begin + 60 + fresh)
    some = part.calibrated(cut(sized, begin, end, end - begin - 60))
    for name in ("probability", "error", "drifted"):
        assert getattr(some, name).tobytes() == getattr(everything, name)[begin + 60 : end].tobytes()
    assert 0 < everything.drifted.sum() < 700


def test_a_window_that_cannot_be_filled_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="drift_window 300 is above lookback 200, which can hold no more; raise"):
        calibrator(None, lookback=200)

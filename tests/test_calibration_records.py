"""Records: what is said of a bar comes from fits that could not know what came of it."""

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.calibration.curves import Choice, Logistic
from pipeline.calibration.files import Unfit, read, write
from pipeline.calibration.fitting import LEAST, Terms, recorded
from pipeline.calibration.records import PRIOR, Record
from pipeline.calibration.samples import Said
from pipeline.calibration.telling import told
from pipeline.errors import InputError
from pipeline.settlement import Tie
from pipeline.statistics.calibration import brier
from pipeline.times import DAY, HOUR, MINUTE, timeframe_name, utc_text
from pipeline.values import Floats, Stream
from tests.support import MONDAY

EURUSD = Stream("EURUSD", MINUTE)


def terms(tie: Tie = "push", every: str | None = "1h", least: int = LEAST, method: Choice = "auto") -> Terms:
    return Terms(ensemble="main", fingerprint="f", tie=tie, every=every, least=least, method=method)


TERMS = terms()


def logistic(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))


def said(size: Floats, won: Floats, stream: Stream = EURUSD, begin: int = MONDAY) -> Said:
    """Calls of these sizes, one a bar, of which those won that are 1."""
    open_ts = begin + stream.tf * np.arange(len(size), dtype=np.int64)
    moved = np.where(won > 0, 1, -1).astype(np.int8)
    return Said(stream, open_ts, open_ts + 2 * stream.tf, moved, size, np.ones(len(size), np.int8), {}, False)


def sample(rows: int, slope: float = 0.8, base: float = 0.0, seed: int = 1, stream: Stream = EURUSD) -> Said:
    draw = np.random.default_rng(seed)
    size = draw.uniform(0, 1, rows)
    return said(size, (draw.random(rows) < logistic(slope * size + base)).astype(np.float64), stream)


# --- nothing is known before its time --------------------------------------------------------------------------------


def test_no_bar_that_a_fit_may_know_gets_a_number_from_it() -> None:
    """Every bar up to one contract after the first fit is without; from then on every bar has one."""
    made = sample(600)
    record = recorded([made], TERMS)
    p, error = record.odds(EURUSD, made.size, made.open_ts)
    first = record.fits[0]
    assert first.outcomes >= TERMS.least
    known_by_then = made.known <= first.until_ts
    assert known_by_then.sum() == first.outcomes
    spoken = np.isfinite(p)
    assert not (spoken & known_by_then).any()
    assert (made.open_ts[spoken] + MINUTE > first.until_ts + MINUTE).all()
    assert spoken[made.open_ts > first.until_ts].all()
    assert (np.isfinite(error) == spoken).all()


@settings(max_examples=15, deadline=None)
@given(cut=st.integers(200, 1_100), seed=st.integers(0, 2**16))
def test_what_comes_later_changes_nothing_that_was_said_before(cut: int, seed: int) -> None:
    """Outcomes from the cut on are turned round: up to a bar after it every number stays, bit by bit."""
    made = sample(1_200, seed=seed)
    turned = made.moved.copy()
    turned[cut:] *= -1
    other = Said(made.stream, made.open_ts, made.known, turned, made.size, made.direction, {}, False)
    was, is_now = (recorded([each], TERMS).odds(EURUSD, made.size, made.open_ts)[0] for each in (made, other))
    before = made.open_ts <= made.known[cut]
    assert np.array_equal(was[before], is_now[before], equal_nan=True)


def test_each_bar_is_spoken_of_by_the_newest_fit_that_may() -> None:
    made = sample(600)
    record = recorded([made], TERMS)
    for bar in made.open_ts[::37].tolist():
        may = [fit for fit in record.fits if fit.until_ts + MINUTE < bar + MINUTE]
        p, _ = record.odds(EURUSD, np.array([0.5]), np.array([bar]))
        expected = may[-1].curve.at(np.array([0.5]))[0] if may else np.array([np.nan])
        assert np.array_equal(p, expected, equal_nan=True)


def test_a_rows_number_depends_on_itself_alone() -> None:
    made = sample(900)
    record = recorded([made], TERMS)
    p, error = record.odds(EURUSD, made.size, made.open_ts)
    for begin, end in ((0, 1), (100, 103), (250, 900), (899, 900)):
        cut = record.odds(EURUSD, made.size[begin:end], made.open_ts[begin:end])
        assert np.array_equal(cut[0], p[begin:end], equal_nan=True)
        assert np.array_equal(cut[1], error[begin:end], equal_nan=True)


def test_of_a_product_that_is_not_in_the_record_nothing_is_said() -> None:
    made = sample(600)
    p, _ = recorded([made], TERMS).odds(Stream("GBPUSD", MINUTE), made.size, made.open_ts)
    assert np.isnan(p).all()


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_key_with_few_outcomes_says_what_all_say_and_one_with_many_what_it_knows_itself() -> None:
    many, few = sample(3_000, 0.0, 1.0), sample(60, 0.0, -1.0, 2, Stream("XAUUSD", MINUTE))
    record = recorded([many, few], TERMS)
    last, half = record.fits[-1], np.array([0.5])
    late = np.array([many.open_ts[-1] + HOUR])
    together, alone = last.curve.at(half)[0], last.by_stream[EURUSD].curve
    assert last.by_stream[few.stream].curve is None
    assert record.odds(few.stream, half, late)[0] == together
    assert alone is not None
    weight = 3_000 / (3_000 + PRIOR)
    assert record.odds(EURUSD, half, late)[0] == pytest.approx(weight * alone.at(half)[0] + (1 - weight) * together)


# --- what it was worth -----------------------------------------------------------------------------------------------


def test_a_score_that_knows_nothing_is_said_to_say_nothing() -> None:
    record = recorded([sample(4_000, 0.0)], TERMS)
    assert record.verdict is not None
    assert record.verdict.says_nothing
    assert list(told(record))[-1] == "this score says nothing: do not trade on it"


def test_a_score_that_knows_something_is_said_to() -> None:
    verdict = recorded([sample(4_000, 2.0, -0.5)], TERMS).verdict
    assert verdict is not None
    assert verdict.resolves
    assert verdict.brier < verdict.base_brier
    assert verdict.log_loss < verdict.base_log_loss
    assert verdict.brier == pytest.approx(verdict.reliability - verdict.resolution + verdict.uncertainty)


def test_a_direction_that_wins_whatever_the_size_is_no_more_than_that() -> None:
    record = recorded([sample(4_000, 0.0, 0.3)], TERMS)
    assert record.verdict is not None
    assert not record.verdict.resolves
    assert not record.verdict.says_nothing
    assert list(told(record))[-1].startswith("its direction wins more often than not, but a strong score no more")


def test_products_that_move_as_one_are_one_proof() -> None:
    one = sample(2_000, 1.0)
    twins = [
        Said(Stream(name, MINUTE), one.open_ts, one.known, one.moved, one.size, one.direction, {}, False)
        for name in "abcd"
    ]
    alone, together = recorded([one], TERMS).verdict, recorded(twins, terms(least=400)).verdict
    assert alone is not None
    assert together is not None
    assert together.outcomes == 4 * alone.outcomes
    assert together.moments == alone.moments
    assert together.most - together.least == pytest.approx(alone.most - alone.least, rel=0.02)
    assert 0 < together.better < 1.3 * alone.better


def test_an_overconfident_score_passes_less_often_and_wins_more_once_it_is_calibrated() -> None:
    """A payout of 0.85 and a score whose stated 70 % win 56: believed, it is worse than always saying the base rate."""
    payout, rows = 0.85, 160_000
    draw = np.random.default_rng(5)
    size = draw.uniform(0, 0.5, rows)
    won = (draw.random(rows) < logistic(0.567 * size + 0.018)).astype(np.float64)
    made = said(size, won)
    record = recorded([made], terms(every="30d", method="platt"))
    p, _ = record.odds(EURUSD, made.size, made.open_ts)
    judged = np.isfinite(p)
    stated = (1 + size) / 2

    def gate(probability: Floats) -> tuple[float, float]:
        passes = probability[judged] * (1 + payout) > 1
        return float(passes.mean()), float(won[judged][passes].mean() * (1 + payout) - 1)

    assert brier(stated, won) == pytest.approx(0.2583, abs=0.001)
    assert brier(np.full(rows, won.mean()), won) == pytest.approx(0.2483, abs=0.0005)
    assert won[np.abs(stated - 0.70) < 0.01].mean() == pytest.approx(0.557, abs=0.01)
    passed, gained = gate(stated)
    assert (passed, gained) == (pytest.approx(0.84, abs=0.01), pytest.approx(0.008, abs=0.006))
    passed, gained = gate(p)
    assert (passed, gained) == (pytest.approx(0.49, abs=0.06), pytest.approx(0.032, abs=0.006))


def test_ties_count_as_lost_only_where_a_tie_loses() -> None:
    made = sample(400)
    level = np.where(np.arange(400) % 4 == 0, 0, made.moved).astype(np.int8)
    tied = Said(made.stream, made.open_ts, made.known, level, made.size, made.direction, {}, False)
    returned = recorded([tied], TERMS)
    lost = recorded([tied], terms(tie="lose"))
    assert (returned.made.outcomes, lost.made.outcomes) == (300, 400)
    assert returned.fits[-1].wins == lost.fits[-1].wins


# --- too little ------------------------------------------------------------------------------------------------------


def test_too_few_outcomes_are_refused_in_a_sentence() -> None:
    with pytest.raises(InputError, match="main had a direction that was decided 99 times and 100 are the least"):
        recorded([sample(99)], TERMS)


def test_a_record_without_an_outcome_after_a_fit_says_so() -> None:
    record = recorded([sample(110)], terms(every="1d"))
    assert record.verdict is None
    assert list(told(record))[-1].startswith("too few outcomes came after a fit to judge it")


@pytest.mark.parametrize(("days", "every"), [(2, "1h"), (10, "1d"), (70, "7d")])
def test_fits_are_as_far_apart_as_the_span_is_long(days: int, every: str) -> None:
    stream = Stream("EURUSD", HOUR)
    made = sample(days * 24, stream=stream) if days > 5 else sample(days * 24 * 60)
    record = recorded([made], terms(every=None))
    assert record.made.every == every
    step = {"1h": HOUR, "1d": DAY, "7d": 7 * DAY}[every]
    assert {int(apart) for apart in np.diff([fit.until_ts for fit in record.fits[:-1]])} == {step}


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_record_reads_back_as_it_was_written(tmp_path: Path) -> None:
    """Bit by bit, whatever its curves."""
    keys = [
        sample(2_000),
        sample(400, stream=Stream("XAUUSD", MINUTE)),
        sample(90, stream=Stream("BTCUSD", 5 * MINUTE)),
    ]
    record = recorded(keys, TERMS)
    write(tmp_path / "new" / "main.json", record)
    again = read(tmp_path / "new" / "main.json", Record)
    assert again == record
    for key in keys:
        assert np.array_equal(
            record.odds(key.stream, key.size, key.open_ts),
            again.odds(key.stream, key.size, key.open_ts),
            equal_nan=True,
        )
    assert [each.name for each in (tmp_path / "new").iterdir()] == ["main.json"]


def test_a_record_says_what_it_is_to_whoever_opens_it(tmp_path: Path) -> None:
    write(tmp_path / "main.json", recorded([sample(600)], TERMS))
    text = (tmp_path / "main.json").read_text(encoding="utf-8")
    facts = json.loads(text)
    assert facts["about"].startswith("How often the scores of an ensemble were right")
    assert (facts["version"], facts["ensemble"], facts["made"]["prices"]) == (1, "main", "bars")
    assert facts["fits"][0]["until"] == "2026-01-05T12:00:00.000Z"
    assert len(text.splitlines()) > 50


def broken(path: str, value: Any) -> bytes:
    """A record with something else at a path of its keys; with nothing there when that is None."""
    facts = json.loads(msgspec.json.encode(recorded([sample(600)], TERMS)))
    *outer, key = (int(step) if step.isdigit() else step for step in path.split("."))
    place = facts
    for step in outer:
        place = place[step]
    if value is None:
        del place[key]
    else:
        place[key] = value
    return json.dumps(facts).encode()


FALLING = {"method": "isotonic", "low": [0.0, 0.5], "high": [0.4, 1.0], "share": [0.6, 0.5], "outcomes": [50, 50]}


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        ("version", 2, "is a record of version 2, this program reads 1"),
        ("version", None, "is no record"),
        ("fits", None, "is no whole record .*fits"),
        ("fits", [], "is no whole record .*its fits must be there"),
        ("fits.0.until", "2030-01-01T00:00:00Z", "is no whole record .*in the order of their dates"),
        ("fits.0.until", "soon", "is no whole record .*'soon' is not a moment"),
        ("fits.0.keys.0.timeframe", "7m", "is no whole record .*'7m' does not divide"),
        ("fits.0.curve.method", "magic", "is no whole record .*magic"),
        ("fits.0.curve.coefficients", [1.0], "is no whole record"),
        ("fits.0.curve", FALLING, "is no whole record .*levels and their shares must rise"),
    ],
)
def test_a_file_that_is_no_record_is_told_in_words(tmp_path: Path, path: str, value: Any, what: str) -> None:
    file = tmp_path / "main.json"
    file.write_bytes(broken(path, value))
    with pytest.raises(Unfit, match=what):
        read(file, Record)


def test_text_and_folders_are_no_records(tmp_path: Path) -> None:
    file = tmp_path / "main.json"
    file.write_text("not JSON", encoding="utf-8")
    with pytest.raises(Unfit, match="is no record"):
        read(file, Record)
    with pytest.raises(Unfit, match="is no record"):
        read(tmp_path, Record)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.json", Record)


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    taken = tmp_path / "main.json"
    taken.mkdir()
    with pytest.raises(InputError, match=r"main.json cannot be written \(.*\); name another file with --out"):
        write(taken, recorded([sample(600)], TERMS))
    assert taken.is_dir()


def test_a_record_is_named_by_its_ensemble_and_the_last_day_it_knows() -> None:
    record = recorded([sample(600)], TERMS)
    assert record.title == "main 2026-01-05"
    assert isinstance(record.fits[0].curve, Logistic)
    assert record.fits[-1].until == utc_text(int(MONDAY + 601 * MINUTE))
    assert timeframe_name(MINUTE) == record.fits[0].keys[0].timeframe

"""The audit: each thing that can be wrong with data is found by its name, and the grade follows the stated rules."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pipeline.archive.auditing import audited
from pipeline.archive.findings import Audit, finding
from pipeline.archive.grades import GRADES, LIMITS, Measure, grade_of, meets, worst
from pipeline.archive.minutes import bars_of, longer
from pipeline.archive.reports import audit, demand, keep, kept
from pipeline.archive.series import Series, series_of
from pipeline.archive.store import Archive
from pipeline.calendar import calendar_of
from pipeline.candles import merged
from pipeline.errors import InputError
from pipeline.market import Market
from pipeline.times import DAY, HOUR, MINUTE, parse_moment
from pipeline.values import Bars, Floats, Quotes
from pipeline.walltime import wall_clock
from tests.support import same
from tests.test_archive import written

M1, H1 = MINUTE, HOUR
BEGIN = parse_moment("2026-01-05T00:00:00Z")


def market(product: str = "EURUSD", days: int = 7, tf: int = M1, begin: int = BEGIN) -> Bars:
    return Market(product).bars(tf, begin, begin + days * DAY)


def judged(*batches: Bars) -> Audit:
    return audited(series_of(batches[0]), iter(batches), calendar_of(batches[0].product))


def without(bars: Bars, *rows: int) -> Bars:
    return bars.chosen(np.delete(np.arange(len(bars)), rows))


def changed(bars: Bars, row: int, **prices: float) -> Bars:
    columns = {name: getattr(bars, name).copy() for name in prices}
    for name, price in prices.items():
        columns[name][row] = price
    return replace(bars, **columns)


@pytest.mark.parametrize("product", ["EURUSD", "BTCUSD", "XAUUSD"])
def test_a_whole_market_has_an_a_in_everything(product: str) -> None:
    report = judged(market(product, 28))
    assert set(report.grades.values()) == {"A"}, report
    assert report.found.missing == report.found.jumps == report.found.flat == 0


@pytest.mark.parametrize("pieces", [1, 3, 40])
def test_an_audit_finds_the_same_however_the_rows_are_cut(pieces: int) -> None:
    bars = without(changed(market("BTCUSD", 10), 6_000, high=1e6), *range(5_000, 5_100), 14_399 - 50)
    edges = np.linspace(0, len(bars), pieces + 1).astype(int).tolist()
    cut = [bars.rows(start, stop, stop - start) for start, stop in pairwise(edges)]
    found, whole = judged(*cut).found, judged(bars).found
    assert (found.rows, found.missing, found.gaps, found.jumps) == (whole.rows, 101, 2, 1)
    assert found.longest == whole.longest


def test_gaps_are_counted_in_bars_of_open_time_and_the_longest_is_named() -> None:
    report = judged(without(market(), *range(100, 130), 500))
    assert (report.found.missing, report.found.gaps) == (31, 2)
    assert report.found.longest[0] == (30, BEGIN + 100 * M1, BEGIN + 130 * M1)
    assert "31 bars of open time are missing" in finding(report.found, "missing")
    assert "the longest of 30 from 2026-01-05T01:40:00.000Z" in finding(report.found, "missing")


def test_a_weekend_is_no_gap_and_bars_in_it_are_told() -> None:
    week = market(days=14)
    assert judged(week).found.gaps == 0
    weekend = Market("BTCUSD").bars(M1, BEGIN, BEGIN + 14 * DAY)
    report = judged(replace(weekend, product="EURUSD"))
    assert report.grades["closed"] == "F"
    assert report.found.closed == int((~calendar_of("EURUSD").open_mask(weekend.open_ts)).sum())


@pytest.mark.parametrize(
    "prices",
    [{"low": 0.0}, {"high": 0.5}, {"open": -1.0}, {"close": np.nan}, {"high": np.inf}],
    ids=["a low of zero", "a high below the low", "below zero", "no number", "infinite"],
)
def test_a_bar_that_cannot_be_is_counted(prices: dict[str, float]) -> None:
    report = judged(changed(market(), 777, **prices))
    assert report.found.impossible == 1
    assert report.worst == "impossible"
    assert all(times < np.inf for times, _ in report.found.largest)


def test_rows_that_are_there_twice_or_out_of_order_are_counted() -> None:
    bars = market()
    order = np.arange(len(bars))
    order[[50, 51]] = order[[51, 50]]
    twice = np.append(order[:100], [99, *order[100:]])
    assert judged(bars.chosen(twice)).found.disordered == 2


@pytest.mark.parametrize("column", ["high", "close", "low"])
def test_a_bad_tick_is_an_absurd_jump(column: str) -> None:
    bars = market()
    price = float(bars.close[900])
    wild = price * (1.05 if column != "low" else 0.95)
    prices = {column: wild} | ({"high": wild} if column == "close" else {})
    report = judged(changed(bars, 900, **prices))
    assert report.found.jumps in (1, 2), "there, and back again"
    assert BEGIN + 900 * M1 in [at for _, at in report.found.largest]
    assert "one " in finding(report.found, "jumps")


def test_the_gap_over_a_weekend_is_no_jump() -> None:
    bars = market(days=14)
    factor = np.where(bars.open_ts > BEGIN + 6 * DAY, 1.05, 1.0)
    raised: dict[str, Floats] = {name: getattr(bars, name) * factor for name in ("open", "high", "low", "close")}
    assert judged(replace(bars, **raised)).found.jumps == 0


def test_a_feed_that_stands_still_is_told_with_its_longest_stretch() -> None:
    bars = market("BTCUSD")
    still = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close")}
    for each in still.values():
        each[1_000:1_200] = bars.close[999]
        each[3_000:3_010] = bars.close[2_999]
    found = judged(replace(bars, **still)).found
    assert (found.flat, found.longest_flat) == (200, 200)
    cut = replace(bars, **still)
    pieces = (cut.rows(0, 1_100, 1_100), cut.rows(1_100, len(cut), len(cut) - 1_100))
    assert judged(*pieces).found.flat == 200


# --- clocks -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def year() -> Bars:
    return Market("EURUSD").bars(H1, parse_moment("2025-01-06"), parse_moment("2025-12-20"))


def test_a_year_in_utc_keeps_its_clock(year: Bars) -> None:
    assert judged(year).grades["clock"] == "A"


def test_local_time_taken_for_utc_is_seen_from_when_weeks_begin_and_end(year: Bars) -> None:
    wall = replace(year, open_ts=wall_clock("Europe/Athens").wall(year.open_ts))
    report = judged(wall)
    assert report.grades["clock"] == "D"
    assert "weeks are shifted by +2 h and +3 h: stamps look like local time" in report.found.clock_says


def test_a_zone_that_is_always_off_is_told_as_another_zone(year: Bars) -> None:
    report = judged(replace(year, open_ts=year.open_ts - 5 * H1))
    assert "shifted by -5 h: stamps look like another time zone's" in report.found.clock_says


def test_a_market_that_opens_late_but_ends_on_time_is_not_suspected(year: Bars) -> None:
    opens = np.append(True, np.diff(year.open_ts) > DAY)
    assert judged(year.chosen(~opens)).grades["clock"] == "A"


def test_an_hour_that_is_missing_every_spring_is_local_time() -> None:
    bars = Market("BTCUSD").bars(5 * M1, parse_moment("2025-03-28"), parse_moment("2025-04-02"))
    athens = wall_clock("Europe/Athens").wall(bars.open_ts)
    report = judged(replace(bars, open_ts=athens))
    assert "the hour that Europe skips in spring is missing 1 times" in report.found.clock_says
    assert judged(bars).found.clock_says == ""


# --- quotes -----------------------------------------------------------------------------------------------------------


def test_quotes_are_judged_by_themselves_and_as_minutes() -> None:
    quotes = Market("EURUSD").quotes(BEGIN, BEGIN + 6 * HOUR)
    good = audited(Series("EURUSD"), iter([quotes]), calendar_of("EURUSD"))
    assert good.grade == "A"
    assert (good.found.rows, good.found.bars) == (len(quotes), 360)
    bid = quotes.bid.copy()
    bid[100] = quotes.ask[100] * 2
    silent = (quotes.ts < BEGIN + HOUR) | (quotes.ts > BEGIN + HOUR + 10 * M1)
    bad = audited(Series("EURUSD"), iter([replace(quotes, bid=bid).chosen(silent)]), calendar_of("EURUSD"))
    assert (bad.found.impossible, bad.found.missing) == (1, 10)


# --- grades -----------------------------------------------------------------------------------------------------------


def test_the_grade_is_the_worst_of_the_measures() -> None:
    shares: dict[Measure, float] = dict.fromkeys(LIMITS, 0.0)
    assert worst(shares)[1] == "A"
    assert worst({**shares, "missing": 0.004, "flat": 0.2}) == ("flat", "D")
    assert worst({**shares, "missing": 0.004, "jumps": 0.0002}) == ("missing", "B")


@pytest.mark.parametrize("measure", LIMITS)
def test_limits_rise_and_a_measure_at_its_limit_has_the_grade(measure: Measure) -> None:
    assert list(LIMITS[measure]) == sorted(LIMITS[measure])
    for grade, limit in zip(GRADES, LIMITS[measure], strict=False):
        assert meets(grade_of(measure, limit), grade)
    assert grade_of(measure, 1.1) == "F"


def test_a_report_is_kept_until_rows_are_imported(tmp_path: Path) -> None:
    series, archive = Series("BTCUSD", M1), Archive(tmp_path)
    bars = market("BTCUSD", 2)
    written(tmp_path, bars.rows(0, 1_000, 1_000))
    assert kept(archive, series) is None
    report = audit(archive, series, calendar_of("BTCUSD"))
    keep(archive, series, report)
    assert kept(archive, series) == report
    written(tmp_path, bars.rows(0, 1_000, 1_000))
    assert kept(archive, series) == report, "nothing changed"
    written(tmp_path, bars)
    assert kept(archive, series) is None


def test_a_grade_can_be_demanded(tmp_path: Path) -> None:
    written(tmp_path, without(market("BTCUSD", 2), *range(100, 200)))
    demand(Archive(tmp_path), Series("BTCUSD", M1), "E", calendar_of("BTCUSD"))
    with pytest.raises(InputError, match=r"has grade D, B is demanded: 100 bars of open time .*; mend the"):
        demand(Archive(tmp_path), Series("BTCUSD", M1), "B", calendar_of("BTCUSD"))


# --- bars of bars, bars of quotes -------------------------------------------------------------------------------------


def test_longer_bars_of_a_store_are_those_of_all_its_bars(tmp_path: Path) -> None:
    bars = without(market(days=40), 7, 8, 3_000)
    written(tmp_path, bars)
    calendar = calendar_of("EURUSD")
    made = list(longer(Archive(tmp_path).bars("EURUSD", M1), 15 * M1, calendar))
    expected = merged(bars, 15 * M1, calendar)
    assert np.concatenate([each.open_ts for each in made]).tolist() == expected.open_ts.tolist()
    assert np.concatenate([each.high for each in made]).tolist() == expected.high.tolist()


@pytest.mark.parametrize("rows", [137, 5_000, 10**9])
def test_bars_of_quotes_do_not_depend_on_how_the_quotes_are_cut(rows: int) -> None:
    quotes = Market("EURUSD").quotes(BEGIN, BEGIN + 3 * HOUR)
    pieces = (quotes.rows(start, start + rows) for start in range(0, len(quotes), rows))
    made = list(bars_of(pieces, M1))
    expected = Market("EURUSD").bars(M1, BEGIN + M1, BEGIN + 3 * HOUR - M1)
    for name in ("open_ts", "open", "high", "low", "close", "ticks", "final_at", "closed_by"):
        assert same(np.concatenate([getattr(each, name) for each in made]), getattr(expected, name)), name


def test_a_quote_that_comes_after_its_file_is_let_go() -> None:
    first = Quotes("X", *(np.array(each) for each in ([5, 70_000], [5, 70_000], [1.0, 2.0], [1.0, 2.0])))
    late = Quotes("X", *(np.array(each) for each in ([6, 130_000], [130_000, 130_001], [9.0, 3.0], [9.0, 3.0])))
    made = list(bars_of(iter([first, late]), M1, keep_ends=True))
    assert [each.close.tolist() for each in made] == [[1.0], [2.0], [3.0]]

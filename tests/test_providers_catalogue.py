"""The catalogue of strategies as a whole: each is asked for by its name alone or by a number, and keeps the rules."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.providers.ema_trend import EmaTrend
from operators.providers.rsi_reversal import RsiReversal
from pipeline.inline import owner
from pipeline.parts import Provider, column_keys, numbered, registered
from pipeline.replaying import replayed
from pipeline.scoring import LEAST
from pipeline.times import DAY, HOUR, MINUTE, parse_moment
from pipeline.trying import NoRecords
from pipeline.values import Columns, Fault, Floats, Votes
from tests.provider_cases import (
    NUMBERS,
    PARTS,
    USES,
    instances,
    part_of_rows,
    plan_with,
    said,
    seen,
    seen_mirrored,
    spoken,
    whole,
)

OF_THE_CLOCK = {"hours_bias"}
"""Strategies that go one way whatever the price does."""
LONGEST = 150
"""The longest lookback of a part with its defaults."""
UNFLOORED = (EmaTrend, RsiReversal)
"""Strategies whose votes may be as weak as they like."""


def numbered_as(name: str) -> str:
    use = USES[name]
    return numbered()[use].name if isinstance(use, int) else use


# --- names and numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PARTS)
def test_a_table_with_nothing_but_use_is_a_strategy(name: str) -> None:
    plan = plan_with({"one": name})
    (node,) = plan.of("provider")
    assert node.part.name == name
    assert columns_read(node.instance) <= set(plan.anchoring.names)


@pytest.mark.parametrize("part", PARTS)
def test_a_number_is_its_strategy_with_the_keys_of_the_preset(part: str) -> None:
    cls = registered("provider")[part].cls
    for number, preset in registered("provider")[part].catalogue.items():
        made = instances()[f"no_{number}"]
        assert type(made) is cls
        # Features that are written in place are spelled in full, with the keys that the preset leaves out.
        plain = {key: value for key, value in preset.items() if key not in column_keys(cls)}
        assert {key: getattr(made, key) for key in plain} == plain


def test_numbers_of_one_strategy_are_all_different_from_each_other() -> None:
    made = [repr(instances()[f"no_{number}"]) for number in NUMBERS]
    assert [each for each, count in Counter(made).items() if count > 1] == []


def test_the_numbers_of_old_mean_what_they_meant() -> None:
    ranges = {
        "ema_trend": range(5, 11),
        "ema_cross": [14],
        "vwap_reclaim": range(15, 21),
        "supertrend_adx": range(25, 31),
        "triple_average": [34],
        "keltner_break": range(35, 41),
        "bollinger_walk": range(45, 51),
    }
    found = {
        name: [number for number in NUMBERS if number < 100 and numbered()[number].name == name] for name in ranges
    }
    assert found == {name: list(numbers) for name, numbers in ranges.items()}
    assert {numbered()[number].name for number in NUMBERS if number < 100} == set(ranges)


FIRST = {
    "reversal": "1",
    "breakout": "2",
    "momentum": "3",
    "volatility": "4",
    "volume": "5",
    "candle": "6",
    "time": "7",
    "timeframe": "8",
    "trend": "9",
}


def test_from_100_on_a_number_begins_with_its_family() -> None:
    wrong = {number for number in NUMBERS if number > 99 and str(number)[0] != FIRST[numbered()[number].family]}
    assert wrong == set()


@pytest.mark.parametrize("name", PARTS)
def test_every_strategy_has_a_family_and_a_number_and_says_its_rule_in_one_sentence(name: str) -> None:
    part = registered("provider")[name]
    assert part.family in FIRST
    assert part.catalogue
    rule = " ".join(part.help.partition("\n\n")[0].split())
    assert re.fullmatch(r"[A-Z][^.]*\.", rule.replace("%", "")), rule
    assert len(rule) < 160


# --- what all of them keep -------------------------------------------------------------------------------------------


def cases(part: str) -> Iterator[tuple[str, Provider]]:
    """A part with its defaults, and under its numbers."""
    return ((name, provider) for name, provider in instances().items() if numbered_as(name) == part)


@pytest.mark.parametrize("part", PARTS)
def test_scores_lie_in_minus_1_to_1_and_both_ways_occur(part: str) -> None:
    for name, provider in cases(part):
        made = spoken(provider(seen()))
        least = 0 if isinstance(provider, UNFLOORED) else LEAST
        assert len(made) > 0, name
        assert ((np.abs(made) >= least) & (np.abs(made) <= 1)).all(), name
        assert part in OF_THE_CLOCK or {-1.0, 1.0} == set(np.sign(made)), name


@pytest.mark.parametrize("part", PARTS)
def test_a_score_depends_on_nothing_after_it(part: str) -> None:
    columns = seen()
    for name, provider in cases(part):
        made = provider(columns)
        for end in (1, 2, 23, 3001, 5432, len(columns) - 1):
            assert provider(part_of_rows(columns, 0, end)).tobytes() == made[:end].tobytes(), name


@pytest.mark.parametrize("part", PARTS)
def test_a_score_depends_on_no_more_rows_before_it_than_its_lookback(part: str) -> None:
    columns = seen()
    for name, provider in cases(part):
        made, back = provider(columns), provider.lookback
        for at in voted_rows(made):
            rest = provider(part_of_rows(columns, at - back, len(columns)))
            assert rest[back:].tobytes() == made[at:].tobytes(), name
            alone = provider(part_of_rows(columns, at - back, at + 1))
            assert alone[-1:].tobytes() == made[at : at + 1].tobytes(), name


def voted_rows(scores: Floats) -> list[int]:
    """Rows on which something is said, spread over all of them, and some on which nothing is."""
    rows = np.arange(len(scores))
    far = rows >= 400
    loud, silent = (np.flatnonzero(far & each) for each in (np.isfinite(scores), np.isnan(scores)))
    return [int(each) for each in (*loud[:: len(loud) // 8 + 1], *silent[:: len(silent) // 3 + 1])]


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**20), at=st.integers(LONGEST, 399))
def test_columns_with_holes_are_scored_alike_wherever_they_are_cut(seed: int, at: int) -> None:
    random = np.random.default_rng(seed)
    columns = part_of_rows(seen(), int(random.integers(0, 8000)), 10_000)
    columns = part_of_rows(columns, 0, 400)
    holes = {name: np.where(random.uniform(size=400) < 0.05, np.nan, columns[name]) for name in columns.values}
    columns = replace(columns, values=holes)
    for name in PARTS:
        provider = instances()[name]
        begin = at - provider.lookback
        made = provider(columns).tobytes()
        assert provider(part_of_rows(columns, 0, at)).tobytes() == made[: 8 * at], name
        assert provider(part_of_rows(columns, begin, 400)).tobytes()[8 * provider.lookback :] == made[8 * at :], name


@pytest.mark.parametrize("part", [part for part in PARTS if part not in OF_THE_CLOCK])
def test_the_mirrored_market_is_voted_in_the_mirror(part: str) -> None:
    """Almost exactly: a few features divide by the price, which is not quite the same in the mirror, or round."""
    for name, provider in cases(part):
        made, mirror = provider(seen()), provider(seen_mirrored())
        both = np.isfinite(made) & np.isfinite(mirror)
        one = np.isfinite(made) ^ np.isfinite(mirror)
        assert one.sum() <= 0.01 * both.sum() + 1, name
        np.testing.assert_allclose(mirror[both], -made[both], rtol=0.02, atol=1e-3, err_msg=name)


@pytest.mark.parametrize("part", PARTS)
def test_where_a_feature_is_not_known_it_has_nothing_to_say(part: str) -> None:
    for name, provider in cases(part):
        at = int(np.flatnonzero(np.isfinite(provider(seen())))[-1])
        known = part_of_rows(seen(), at - provider.lookback, at + 1)
        assert np.isfinite(provider(known)[-1]), name
        for feature in {owner(column) for column in columns_read(provider)}:
            unknown = {column: known[column] * np.nan for column in known.values if owner(column) == feature}
            assert np.isnan(provider(replace(known, values={**known.values, **unknown}))[-1]), (name, feature)


def columns_read(provider: Provider) -> set[str]:
    return {getattr(provider, key) for key in column_keys(type(provider))} - {None}


@pytest.mark.parametrize("part", PARTS)
def test_no_number_a_column_may_hold_makes_a_warning_or_an_infinity(part: str) -> None:
    for name, provider in cases(part):
        assert (np.abs(spoken(provider(odd()))) <= 1).all(), name


@cache
def odd() -> Columns:
    """Columns of numbers that are none of a market, except that no close is 0 or below."""
    numbers: Floats = np.array([0.0, -0.0, 1e-300, -1e-300, 1e-9, 1.0, -1.0, 50.0, 1e12, -1e12, np.nan])
    random = np.random.default_rng(7)
    columns = part_of_rows(seen(), 0, 600)
    values = {column: random.choice(numbers, len(columns)) for column in columns.values}
    return replace(columns, values={**values, "close": random.choice([1e-3, 1.0, 1e5], len(columns))})


@pytest.mark.parametrize("part", PARTS)
def test_columns_of_few_rows_or_none_are_no_trouble(part: str) -> None:
    for name, provider in cases(part):
        for rows in (0, 1, 2, 3):
            assert len(provider(part_of_rows(seen(), 0, rows))) == rows, name


def test_lookbacks_are_as_long_as_their_keys_say() -> None:
    back = {name: each.lookback for name, each in instances().items()}
    assert [back[f"no_{number}"] for number in (5, 14, 20, 45, 46, 311, 602, 221)] == [0, 2, 2, 1, 2, 19, 29, 150]


# --- in a flow -------------------------------------------------------------------------------------------------------


BEGIN = parse_moment("2026-01-12T08:00:00Z")


def replayed_votes(end: int, block: int = DAY) -> dict[str, dict[int, float | None]]:
    """What every strategy said of each bar of a replay in which nothing failed."""
    votes: dict[str, dict[int, float | None]] = {}
    faults: list[Fault] = []

    def told(node: str, value: object) -> None:
        if isinstance(value, Votes):
            fresh = value.columns.fresh
            bars = value.columns.open_ts[-fresh:].tolist()
            votes.setdefault(node.removeprefix("providers."), {}).update(
                zip(bars, said(value.scores[-fresh:]), strict=True)
            )
        elif isinstance(value, Fault):
            faults.append(value)

    done = replayed(whole(), BEGIN, end, NoRecords(), block=block, taps=(told,))
    assert (faults, done.faults) == ([], ())
    return votes


def test_all_of_them_together_replay_a_synthetic_market_without_a_fault() -> None:
    votes = replayed_votes(BEGIN + 10 * HOUR)
    assert votes.keys() == USES.keys()
    scores = {name: [score for score in rows.values() if score is not None] for name, rows in votes.items()}
    assert all(len(rows) >= 590 for rows in votes.values())
    assert all(abs(score) <= 1 for each in scores.values() for score in each)
    silent = {numbered_as(name) for name, each in scores.items() if not each}
    assert len(silent) < 12, silent


def test_a_replay_in_small_blocks_has_the_same_votes() -> None:
    assert replayed_votes(BEGIN + HOUR, block=7 * MINUTE) == replayed_votes(BEGIN + HOUR)

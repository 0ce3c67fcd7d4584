"""The catalogue of strategies as a whole: each is asked for by its name alone or by a number, and keeps the rules."""

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from operators.providers.ema_trend import EmaTrend
from operators.providers.rsi_reversal import RsiReversal
from pipeline.inline import owner
from pipeline.parts import column_keys, numbered, registered
from pipeline.replaying import replayed
from pipeline.scoring import LEAST
from pipeline.times import HOUR, parse_moment
from pipeline.trying import NoRecords
from pipeline.values import Fault, Floats, Votes
from tests.provider_cases import (
    NUMBERS,
    PARTS,
    USES,
    instances,
    part_of_rows,
    plan_with,
    seen,
    seen_mirrored,
    spoken,
    whole,
)

OF_THE_CLOCK = {"hours_bias"}
"""Strategies that go one way whatever the price does."""
UNFLOORED = (EmaTrend, RsiReversal)
"""Strategies whose votes may be as weak as they like."""


def of_parts(*names: str) -> list[str]:
    return [name for name in USES if str(USES[name]) in names or numbered_as(name) in names]


def numbered_as(name: str) -> str:
    use = USES[name]
    return numbered()[use].name if isinstance(use, int) else use


# --- names and numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PARTS)
def test_a_table_with_nothing_but_use_is_a_strategy(name: str) -> None:
    plan = plan_with({"one": name})
    (node,) = plan.of("provider")
    assert node.part.name == name
    assert {getattr(node.instance, key) for key in column_keys(node.part.cls)} - {None} <= set(plan.anchoring.names)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_its_strategy_with_the_keys_of_the_preset(number: int) -> None:
    part, made = numbered()[number], instances()[f"no_{number}"]
    assert type(made) is part.cls
    # Texts that write a feature in place are made alike: `period=9` beside the keys that were left out.
    plain = {key: value for key, value in part.catalogue[number].items() if key not in column_keys(part.cls)}
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


@pytest.mark.parametrize("name", USES)
def test_scores_lie_in_minus_1_to_1_and_both_ways_occur(name: str) -> None:
    made = spoken(instances()[name](seen()))
    least = 0 if isinstance(instances()[name], UNFLOORED) else LEAST
    assert ((np.abs(made) >= least) & (np.abs(made) <= 1)).all()
    assert len(made) > 0
    if numbered_as(name) not in OF_THE_CLOCK:
        assert {-1.0, 1.0} == set(np.sign(made))


@pytest.mark.parametrize("name", USES)
def test_a_score_depends_on_nothing_after_it(name: str) -> None:
    provider, columns = instances()[name], seen()
    made = provider(columns)
    for end in (1, 2, 23, 3001, 5432, len(columns) - 1):
        assert provider(part_of_rows(columns, 0, end)).tobytes() == made[:end].tobytes()


@pytest.mark.parametrize("name", USES)
def test_a_score_depends_on_no_more_rows_before_it_than_its_lookback(name: str) -> None:
    provider, columns = instances()[name], seen()
    made = provider(columns)
    for at in voted_rows(made):
        begin = at - provider.lookback
        assert (
            provider(part_of_rows(columns, begin, len(columns)))[provider.lookback :].tobytes() == made[at:].tobytes()
        )
        assert provider(part_of_rows(columns, begin, at + 1))[-1:].tobytes() == made[at : at + 1].tobytes()


def voted_rows(scores: Floats) -> list[int]:
    """Rows on which something is said, spread over all of them, and some on which nothing is."""
    rows = np.arange(len(scores))
    far = rows >= 400
    loud, silent = (np.flatnonzero(far & each) for each in (np.isfinite(scores), np.isnan(scores)))
    return [int(each) for each in (*loud[:: len(loud) // 8 + 1], *silent[:: len(silent) // 3 + 1])]


@pytest.mark.parametrize("name", [name for name in USES if numbered_as(name) not in OF_THE_CLOCK])
def test_the_mirrored_market_is_voted_in_the_mirror(name: str) -> None:
    """Almost exactly: a few features divide by the price, which is not quite the same in the mirror, or round."""
    made, mirror = instances()[name](seen()), instances()[name](seen_mirrored())
    both = np.isfinite(made) & np.isfinite(mirror)
    one = np.isfinite(made) ^ np.isfinite(mirror)
    assert one.sum() <= 0.01 * both.sum() + 1
    np.testing.assert_allclose(mirror[both], -made[both], rtol=0.02, atol=1e-3)


@pytest.mark.parametrize("name", USES)
def test_where_a_feature_is_not_known_it_has_nothing_to_say(name: str) -> None:
    provider, columns = instances()[name], seen()
    at = int(np.flatnonzero(np.isfinite(provider(columns)))[-1])
    known = part_of_rows(columns, at - provider.lookback, at + 1)
    assert np.isfinite(provider(known)[-1])
    for feature in {owner(getattr(provider, key)) for key in column_keys(type(provider)) if getattr(provider, key)}:
        unknown = {column: known[column] * np.nan for column in known.values if owner(column) == feature}
        assert np.isnan(provider(replace(known, values={**known.values, **unknown}))[-1]), feature


@pytest.mark.parametrize("name", USES)
def test_no_number_a_column_may_hold_makes_a_warning_or_an_infinity(name: str) -> None:
    odd: NDArray[np.float64] = np.array([0.0, -0.0, 1e-300, -1e-300, 1e-9, 1.0, -1.0, 50.0, 1e12, -1e12, np.nan])
    columns = part_of_rows(seen(), 0, 600)
    random = np.random.default_rng(7)
    values = {column: random.choice(odd, len(columns)) for column in columns.values}
    # No close is 0 or below.
    values["close"] = random.choice([1e-3, 1.0, 1e5], len(columns))
    made = instances()[name](replace(columns, values=values))
    assert (np.abs(spoken(made)) <= 1).all()


@pytest.mark.parametrize("name", USES)
def test_columns_of_few_rows_or_none_are_no_trouble(name: str) -> None:
    for rows in (0, 1, 2, 3):
        assert len(instances()[name](part_of_rows(seen(), 0, rows))) == rows


def test_lookbacks_are_as_long_as_their_keys_say() -> None:
    back = {name: each.lookback for name, each in instances().items()}
    assert [back[f"no_{number}"] for number in (5, 14, 20, 45, 46, 311, 602, 221)] == [0, 2, 2, 1, 2, 19, 29, 150]


# --- in a flow -------------------------------------------------------------------------------------------------------


def test_all_of_them_together_replay_a_synthetic_market_without_a_fault() -> None:
    begin = parse_moment("2026-01-12T08:00:00Z")
    votes: Counter[str] = Counter()
    faults: list[Fault] = []

    def told(node: str, value: object) -> None:
        if isinstance(value, Votes):
            assert value.fault == ""
            assert (np.abs(spoken(value.scores)) <= 1).all()
            votes[node.removeprefix("providers.")] += int(np.isfinite(value.scores).sum())
        elif isinstance(value, Fault):
            faults.append(value)

    done = replayed(whole(), begin, begin + 10 * HOUR, NoRecords(), taps=(told,))
    assert (done.bars > 500, faults, done.faults) == (True, [], ())
    assert votes.keys() == USES.keys()
    silent = {numbered_as(name) for name, count in votes.items() if count == 0}
    assert len(silent) < 12, silent

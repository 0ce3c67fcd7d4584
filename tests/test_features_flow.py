"""Features in a flow: what they read, what is wrong with it, how far they look back, and the decisions they lead to."""

import re

import numpy as np
import pytest

from pipeline.checking import load_text
from pipeline.engine import history_of
from pipeline.errors import PlanError
from pipeline.plan import Plan
from pipeline.times import HOUR, MINUTE
from pipeline.verbs.validate import summary
from tests.support import ROOT, SMALL, decided, plan_of, play
from tests.test_invariance import END, in_blocks, market, one_by_one

DECLARED = SMALL[SMALL.index("[features]") : SMALL.index("[providers.cross]")]
QUARTER = 15 * MINUTE


def flow(features: str, **changes: str) -> str:
    """The small flow with other features, of which the strategy looks at `fast` and `slow`."""
    text = SMALL.replace(DECLARED, f"[features]\n{features.strip()}\n\n")
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


def with_timeframes(text: str, *names: str) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    return re.sub(r"timeframes = \[.*\]", f"timeframes = [{listed}]", text)


def problems(text: str) -> list[str]:
    with pytest.raises(PlanError) as wrong:
        load_text(text, "flows.toml", ROOT)
    return [each.text("flows.toml").split(": ", 1)[1] for each in wrong.value.problems]


BASE = """
fast = { use = "sma", period = 3 }
slow = { use = "sma", period = 8 }
"""


# --- what is right ---------------------------------------------------------------------------------------------------


def test_a_feature_reads_any_column_that_is_there_whatever_the_order_in_the_file() -> None:
    plan = plan_of(flow('line = { use = "ema", period = 9, price = "rsi" }\nrsi = {}\n' + BASE))
    assert set(plan.anchoring.names) == {"line", "rsi", "fast", "slow"}
    assert plan.anchoring.warmup(MINUTE) == 8 * 14 + 4 * 9


def test_a_price_is_named_as_ever() -> None:
    for price in ("open", "high", "low", "close", "volume"):
        plan_of(flow(BASE + f'x = {{ use = "sma", period = 3, price = "{price}" }}'))


def test_how_far_a_flow_looks_back_depends_on_the_timeframe() -> None:
    plan = plan_of(
        with_timeframes(flow(BASE + 'up = { use = "higher", of = "slow", timeframe = "15m" }'), "1m", "5m", "15m")
    )
    need = {MINUTE: 15 * (7 + 2) - 2, 5 * MINUTE: 30, QUARTER: 30}
    assert {tf: plan.anchoring.warmup(tf) for tf in need} == need
    spare = {MINUTE: 15 * 2, 5 * MINUTE: 1, QUARTER: 0}  # a slot that is not whole costs no bar its answer
    contexts = {tf: rows + spare[tf] + 64 - 1 + 1 for tf, rows in need.items()}
    assert plan.by_id["operators.bars"].instance.contexts == contexts
    assert history_of(plan) == contexts
    assert summary(plan).endswith(
        "features are warm after 133 × 1m, 30 × 5m, 30 × 15m; history to load: 227 × 1m, 95 × 5m, 94 × 15m"
    )


def test_a_session_needs_a_day_of_bars_and_leaves_the_windows_of_others_as_they_are() -> None:
    text = flow(BASE + "vwap = {}").replace("block = 64", "block = 64\nlookback = 40")
    plan = plan_of(text)
    assert [window.warmup for window in plan.anchoring.windows(MINUTE)] == [40, 1439]
    assert plan.anchoring.context(MINUTE) == 1439 + 64 - 1 + 1
    assert plan.anchoring.context(HOUR) == 40 + 64 - 1 + 1


# --- what is wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("features", "sentence"),
    [
        (
            'x = { use = "ema", price = "hgih" }',
            "[features.x] price: there is no column 'hgih'; did you mean 'high'?",
        ),
        (
            'macd = {}\nx = { use = "ema", price = "macd" }',
            "[features.x] price: there is no column 'macd'; did you mean 'macd.line'?",
        ),
        (
            'x = { use = "sub", left = "fast", right = "slwo" }',
            "[features.x] right: there is no column 'slwo'; did you mean 'slow'?",
        ),
        (
            'x = { use = "higher", of = "fats" }',
            "[features.x] of: there is no column 'fats'; did you mean 'fast'?",
        ),
        (
            'x = { use = "higher", of = "fast", timeframe = "7m" }',
            "[features.x] timeframe '7m' does not divide a day into whole slots; use one of 1m, 5m, 15m, 1h, 4h, 1d",
        ),
        (
            'x = { use = "macd", fast = 30 }',
            "[features.x] fast is 30, more than slow, which is 26; exchange them",
        ),
        ('x = { use = "dpo", period = 2 }', "[features.x] period is 2; write a whole number ≥ 3, ≤ 1000"),
        (
            'x = { use = "vwap", timezone = "London" }',
            "[features.x] timezone 'London' is not known; write one like Europe/London",
        ),
        (
            'x = { use = "vwap", session = "8:00" }',
            "[features.x] session is '8:00'; write a time of day such as 08:00",
        ),
        (
            '"x.y" = { use = "rsi" }',
            "[features] 'x.y' has a dot, which stands between a feature and its output; give the feature another name",
        ),
        ('x = { use = "crossover", left = "fast" }', "[features.x] needs right; add right = … (column)"),
        (
            'x = { use = "supertrnd" }',
            "[features.x] there is no feature 'supertrnd'; did you mean 'supertrend'?",
        ),
    ],
)
def test_a_mistake_in_a_feature_is_one_sentence(features: str, sentence: str) -> None:
    assert problems(flow(BASE + features)) == [sentence]


def test_a_mistake_stands_at_its_key() -> None:
    text = flow(BASE + 'x = { use = "ema", price = "hgih" }')
    with pytest.raises(PlanError) as wrong:
        load_text(text, "flows.toml", ROOT)
    (problem,) = wrong.value.problems
    line = text.splitlines()[problem.line - 1]
    assert line[problem.column - 1 :].startswith('"hgih"')


def test_features_that_stand_on_themselves_are_one_problem() -> None:
    ring = """
    a = { use = "ema", price = "c" }
    b = { use = "ema", price = "a" }
    c = { use = "sub", left = "close", right = "b" }
    """
    (told,) = problems(flow(BASE + ring))
    assert re.fullmatch(r"\[features\.\w\] stands on itself: (\w) → \w → \w → \1; break the ring", told)
    assert problems(flow(BASE + 'a = { use = "ema", price = "a" }')) == [
        "[features.a] stands on itself: a → a; break the ring"
    ]


def test_a_ring_through_longer_bars_is_one_too() -> None:
    ring = 'a = { use = "higher", of = "b" }\nb = { use = "ema", price = "a" }'
    (told,) = problems(flow(BASE + ring))
    assert "stands on itself" in told


def test_what_stands_on_a_mistake_is_not_told_again() -> None:
    features = """
    a = { use = "ema", price = "nothing" }
    b = { use = "ema", price = "a" }
    c = { use = "sub", left = "a", right = "b" }
    fast = { use = "sma", price = "c" }
    slow = { use = "sma", perod = 8 }
    d = { use = "sma", price = "slow" }
    """
    told = problems(flow(features))
    assert [each.split("; ")[0] for each in told] == [
        "[features.a] price: there is no column 'nothing'",
        "[features.slow] has no key 'perod'",
    ]


def test_longer_bars_that_the_shorter_do_not_fill_are_told_of() -> None:
    text = with_timeframes(flow(BASE + 'x = { use = "higher", of = "fast", timeframe = "15m" }'), "1m", "10m")
    assert problems(text) == [
        "[features.x] bars of 10m do not fill 15m; choose a timeframe that 10m divides, or none longer than it"
    ]


def test_a_lookback_must_hold_what_counts_bars() -> None:
    text = flow(BASE + "rsi = {}\nvwap = {}").replace("block = 64", "block = 64\nlookback = 50")
    assert problems(text) == [
        "[moonlight] lookback is 50, the features need 112 bars; set it to 112 or more, or leave it out"
    ]


# --- decisions -------------------------------------------------------------------------------------------------------

CHAINED = """
mean = { use = "sma", period = 4 }
fast = { use = "sub", left = "close", right = "up" }
up = { use = "higher", of = "mean", timeframe = "5m" }
slow = { use = "sma", period = 9, price = "fast" }
state = { use = "supertrend", period = 3 }
"""


def chained() -> Plan:
    return plan_of(flow(CHAINED).replace('max_daily_loss = "20.00"', 'max_daily_loss = "1000.00"'))


@pytest.mark.no_cover  # other tests go the same ways, and tracing whole flows takes three times their time
def test_single_rows_and_blocks_make_the_same_decisions_of_chains_and_longer_bars() -> None:
    markets = [market(5, "EURUSD"), market(6, "BTCUSD")]
    singles = decided(play(chained(), [entry for each in markets for entry in one_by_one(each)], END + 120_000))
    scores = np.array([float(row[3].strip("'")) for row in singles.values()])
    assert (scores != 0).sum() > 5
    for rows in (7, 4096):
        blocks = decided(play(chained(), in_blocks(markets, rows), END + 120_000))
        assert {key: row[3] for key, row in blocks.items()} == {key: row[3] for key, row in singles.items()}, rows


def test_nothing_is_ready_before_the_longest_of_them_is() -> None:
    plan = chained()
    rows = decided(play(plan, one_by_one(market(5, "EURUSD")), END + 120_000))
    bars = sorted((bar, row[0]) for (_, _, tf, bar), row in rows.items() if tf == MINUTE)
    warm = [bar for bar, verdict in bars if verdict != READY]
    assert plan.anchoring.warmup(MINUTE) == 8 * 3 + 120
    assert warm
    assert warm[0] >= bars[0][0] + plan.anchoring.warmup(MINUTE) * MINUTE


READY = 1
"""The gate that lets no bar through before every feature is ready."""

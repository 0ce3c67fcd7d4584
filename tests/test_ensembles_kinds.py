"""Ensembles beside the weighted one: those that count, learn, go by a regime, by a longer view or by a record."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.ensembles.adaptive import DOUBT, Adaptive
from operators.ensembles.agreement import Agreement
from operators.ensembles.majority import Majority
from operators.ensembles.regime import Regime
from operators.ensembles.stacked import Stacked
from operators.ensembles.weighted import Weighted
from pipeline.calibration.stacking import fit_stack
from pipeline.calibration.stacks import Stack, StackFit
from pipeline.joining import VotesOfBars
from pipeline.times import DAY, MINUTE, utc_text
from pipeline.values import Floats, Signals
from tests.driven import columns_of
from tests.support import MONDAY, SMALL, decided, plan_of, play
from tests.test_invariance import END, in_blocks, market, one_by_one

NAN = float("nan")
Scores = Mapping[str, Iterable[float]]


def votes(scores: Scores, **columns: Iterable[float]) -> VotesOfBars:
    said = {name: np.array(list(each), np.float64) for name, each in scores.items()}
    rows = len(next(iter(said.values())))
    return VotesOfBars(columns_of(**({"close": np.ones(rows)} | columns)), said, "")


def combined(part: Any, scores: Scores, **columns: Iterable[float]) -> Signals:
    made: Signals = part.signals(votes(scores, **columns))
    return made


# --- counting --------------------------------------------------------------------------------------------------------


def test_the_way_of_most_is_taken_and_its_share_is_how_sure_that_is() -> None:
    made = combined(Majority(providers=("a", "b", "c")), {"a": [0.2], "b": [0.9], "c": [-1.0]})
    assert (made.direction[0], made.score[0]) == (1, pytest.approx(2 / 3))


def test_of_as_many_each_way_the_stronger_side_wins() -> None:
    made = combined(Majority(providers=("a", "b")), {"a": [0.2, 0.5], "b": [-0.9, -0.5]})
    assert made.direction.tolist() == [-1, 0]


def test_whispers_and_silence_do_not_count_and_a_quorum_must_be_there() -> None:
    part = Majority(providers=("a", "b", "c"), least=0.3, quorum=2)
    made = combined(part, {"a": [0.5, 0.5], "b": [0.2, 0.3], "c": [NAN, NAN]})
    assert made.direction.tolist() == [0, 1]


def test_a_quorum_above_the_number_of_providers_is_refused() -> None:
    with pytest.raises(ValueError, match="quorum is 3, of 2 providers; lower it, or name more"):
        Majority(providers=("a", "b"), quorum=3)


# --- learning --------------------------------------------------------------------------------------------------------

ZIGZAG = [1.0, 1.1] * 60
UP_NEXT = [1.0 if row % 2 == 0 else -1.0 for row in range(120)]
"""What a provider says that is always right about ZIGZAG."""


def learner(**keys: Any) -> Adaptive:
    facts: dict[str, Any] = {"window": 30, "memory": 4, "max_weight": 0.9, "providers": ("good", "bad")}
    return Adaptive(**(facts | keys))


def test_with_nothing_learned_every_provider_counts_as_in_a_plain_sum() -> None:
    scores = {"good": [0.3, -0.2], "bad": [0.1, NAN]}
    plain = combined(Weighted(providers=("good", "bad")), scores)
    assert combined(learner(), scores).score == pytest.approx(plain.score)


def test_who_was_right_of_late_counts_more() -> None:
    said = votes({"good": UP_NEXT, "bad": [-each for each in UP_NEXT]}, close=ZIGZAG)
    good, bad = learner().weights(said)
    assert good[0] == bad[0] == pytest.approx(0.5)
    assert good[-1] > 0.85
    assert good + bad == pytest.approx(np.ones(120))
    assert max(good) <= 0.9


def test_a_vote_counts_once_its_bar_is_followed_and_not_before() -> None:
    said = votes({"good": [1.0, NAN, NAN], "bad": [NAN] * 3}, close=[1.0, 1.1, 1.2])
    weights = learner(memory=1).weights(said)[0]
    assert weights[0] == pytest.approx(0.5)
    edge = (1 + DOUBT / 2) / (1 + DOUBT) - 0.5
    assert weights[1] == weights[2] == pytest.approx(np.exp(10 * edge) / (np.exp(10 * edge) + 1))


def test_a_level_close_and_a_market_that_was_closed_in_between_say_nothing() -> None:
    said = votes({"good": [1.0] * 4, "bad": [-1.0] * 4}, close=[1.0] * 4)
    assert learner().weights(said)[0] == pytest.approx(np.full(4, 0.5))
    apart = votes({"good": [1.0] * 2, "bad": [-1.0] * 2}, close=[1.0, 1.1])
    columns = replace(apart.columns, open_ts=apart.columns.open_ts + np.array([0, DAY]))
    assert learner().weights(replace(apart, columns=columns))[0] == pytest.approx(np.full(2, 0.5))


def test_what_was_before_the_regime_changed_is_forgotten() -> None:
    regime = [1.0] * 60 + [2.0] * 60
    said = votes({"good": UP_NEXT, "bad": [-each for each in UP_NEXT]}, close=ZIGZAG, mood=regime)
    kept, forgot = learner(memory=1).weights(said)[0], learner(memory=1, reset_on="mood").weights(said)[0]
    assert kept[60] == kept[59] == forgot[59]
    assert forgot[60] == pytest.approx(0.5)
    assert forgot[-1] == kept[-1]


def test_who_is_silent_keeps_the_weight_it_earned() -> None:
    silent = [*UP_NEXT[:100], *[NAN] * 20]
    said = votes({"good": silent, "bad": [-each for each in UP_NEXT]}, close=ZIGZAG)
    good = learner(window=120).weights(said)[0]
    assert good[-1] > 0.85
    assert combined(learner(window=120), {"good": silent, "bad": [NAN] * 120}, close=ZIGZAG).score[-1] == 0


def test_a_cap_under_which_weights_cannot_add_up_to_1_is_refused() -> None:
    with pytest.raises(ValueError, match=r"3 weights of at most that cannot add up to 1; set it to 0\.334 or more"):
        Adaptive(providers=("a", "b", "c"), max_weight=0.3)


# --- by regime, by a longer view -------------------------------------------------------------------------------------


def test_weights_go_by_the_interval_a_column_is_in_and_an_edge_belongs_to_what_follows() -> None:
    part = Regime(by="adx", edges=(20.0,), weights=({"a": 1.0}, {"b": 1.0}), providers=("a", "b"))
    made = combined(part, {"a": [0.5] * 4, "b": [-0.5] * 4}, adx=[10.0, 20.0, 30.0, NAN])
    assert made.direction.tolist() == [1, -1, -1, 0]


@pytest.mark.parametrize(
    ("edges", "tables", "told"),
    [
        ((20.0, 20.0), ("a", "a", "a"), "edges do not rise: 20, 20; put them in order"),
        ((20.0,), ("a",), "weights has 1 tables, the edges make 2 intervals; write 2"),
        ((20.0,), ("a", "z"), "weights names 'z', which is not one of its providers: a"),
    ],
)
def test_regimes_that_do_not_fit_together_are_refused(
    edges: tuple[float, ...], tables: tuple[str, ...], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        Regime(by="adx", edges=edges, weights=tuple({name: 1.0} for name in tables), providers=("a",))


def test_agreement_adds_and_disagreement_takes_away_as_much_as_the_weaker_view() -> None:
    scores = {"near": [0.5, 0.5, -0.5, 0.5], "far": [0.3, -0.3, -0.9, NAN]}
    near, far = np.tanh(0.5), np.tanh(0.3)
    made = combined(Agreement(short=("near",), long=("far",), providers=("near", "far")), scores)
    assert made.score == pytest.approx([near + far / 2, near - far / 2, -1.5 * near, near])
    strict = combined(Agreement(short=("near",), long=("far",), must_agree=True, providers=("near", "far")), scores)
    assert strict.direction.tolist() == [1, 0, -1, 0]


def test_each_provider_has_one_view() -> None:
    with pytest.raises(ValueError, match="long names 'a', and so does short"):
        Agreement(short=("a",), long=("a",), providers=("a",))
    with pytest.raises(ValueError, match="short and long do not name 'c'"):
        Agreement(short=("a",), long=("b",), providers=("a", "b", "c"))


# --- by a record -----------------------------------------------------------------------------------------------------


def test_a_stack_finds_who_tells_the_way_and_gives_noise_nothing() -> None:
    random = np.random.default_rng(5)
    told, noise = random.uniform(-1, 1, 4000), random.uniform(-1, 1, 4000)
    rose = (random.uniform(size=4000) < 1 / (1 + np.exp(-2 * told))).astype(np.float64)
    found = fit_stack({"told": told, "noise": noise}, rose, l2=1.0)
    assert found["told"] == pytest.approx(2.0, abs=0.2)
    assert abs(found["noise"]) < 0.15
    assert abs(fit_stack({"told": told}, rose, l2=1e6)["told"]) < 0.01


def test_a_bar_is_scored_by_the_newest_fit_that_cannot_have_seen_what_came_of_it() -> None:
    first, second = MONDAY + 2 * MINUTE, MONDAY + 4 * MINUTE
    fits = tuple(StackFit(utc_text(at), 100, {"a": size}) for at, size in ((first, 1.0), (second, 2.0)))
    part = Stacked(record="x.json", fitted=Stack(ensemble="main", fingerprint="", l2=1.0, fits=fits), providers=("a",))
    made = combined(part, {"a": [1.0] * 7})
    assert made.score == pytest.approx(np.tanh(np.array([0, 0, 0, 1.0, 1.0, 2.0, 2.0]) / 2))
    assert made.direction.tolist() == [0, 0, 0, 1, 1, 1, 1]


def test_a_record_of_other_providers_is_refused() -> None:
    fits = (StackFit(utc_text(MONDAY), 100, {"z": 1.0}),)
    with pytest.raises(ValueError, match=r"record x\.json speaks of z, its providers are a; make it anew"):
        Stacked(record="x.json", fitted=Stack(ensemble="m", fingerprint="", l2=1.0, fits=fits), providers=("a",))


# --- what holds of all -----------------------------------------------------------------------------------------------

NAMES = ("a", "b", "c")
STACK = Stack(
    ensemble="main",
    fingerprint="",
    l2=1.0,
    fits=(StackFit(utc_text(MONDAY), 100, {"a": 1.0, "b": -0.5, "c": 0.2}),),
)
ALL = (
    Weighted(providers=NAMES, weights={"a": 0.5}),
    Weighted(providers=NAMES, scale_over=7),
    Majority(providers=NAMES, quorum=2),
    Adaptive(providers=NAMES, window=10, memory=3, max_weight=0.5),
    Adaptive(providers=NAMES, window=12, memory=5, max_weight=0.5, reset_on="mood"),
    Regime(by="mood", edges=(0.0,), weights=({"a": 1.0}, {"b": 1.0, "c": 2.0}), providers=NAMES),
    Agreement(short=("a", "b"), long=("c",), providers=NAMES),
    Stacked(record="x.json", fitted=STACK, providers=NAMES),
)


def said_of_a_walk(seed: int, rows: int) -> VotesOfBars:
    random = np.random.default_rng(seed)
    close = np.round(1 + np.cumsum(random.normal(0, 0.001, rows)), 3)
    scores = {name: np.where(random.random(rows) < 0.3, NAN, random.uniform(-1, 1, rows)) for name in NAMES}
    return votes(scores, close=close, mood=np.repeat(random.choice([-1.0, 1.0, NAN], rows // 10 + 1), 10)[:rows])


def rows_of_it(said: VotesOfBars, start: int, stop: int) -> VotesOfBars:
    cut = slice(start, stop)
    columns = said.columns
    values = {name: column[cut] for name, column in columns.values.items()}
    stamps = columns.open_ts[cut], columns.final_at[cut]
    shorter = replace(
        columns, open_ts=stamps[0], final_at=stamps[1], ready=columns.ready[cut], values=values, fresh=stop - start
    )
    return VotesOfBars(shorter, {name: scores[cut] for name, scores in said.scores.items()}, "")


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**20), row=st.integers(0, 89))
@pytest.mark.parametrize("part", ALL, ids=lambda part: type(part).__name__)
def test_a_row_depends_on_no_later_row_and_on_no_more_rows_before_than_it_says(part: Any, seed: int, row: int) -> None:
    said = said_of_a_walk(seed, 90)
    whole: Floats = part.signals(said).score
    assert part.signals(rows_of_it(said, 0, row + 1)).score[-1] == whole[row]
    # What a column was like before those rows may matter to whether it changed: a regime is one row more.
    start = max(0, row - part.lookback)
    assert part.signals(rows_of_it(said, start, row + 1)).score[-1] == whole[row]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**20))
@pytest.mark.parametrize("part", ALL, ids=lambda part: type(part).__name__)
def test_a_mirrored_market_is_scored_the_other_way(part: Any, seed: int) -> None:
    said = said_of_a_walk(seed, 60)
    mirrored_values = dict(said.columns.values) | {"close": 2 - said.columns["close"]}
    mirrored = VotesOfBars(
        replace(said.columns, values=mirrored_values), {name: -each for name, each in said.scores.items()}, ""
    )
    assert part.signals(mirrored).score == pytest.approx(-part.signals(said).score, abs=1e-12)


TWO = SMALL.replace('from = ["cross"]', 'from = ["cross", "fade"]').replace(
    "[ensembles.main]", '[providers.fade]\nuse = "ema_trend"\nfast = "slow"\nslow = "fast"\n\n[ensembles.main]'
)
LEARNING = TWO.replace(
    'use = "weighted"', 'use = "adaptive"\nwindow = 40\nmemory = 5\nmax_weight = 0.8\nsharpness = 40'
)


def test_what_is_learned_is_the_same_in_single_rows_and_in_blocks() -> None:
    plan, markets = plan_of(LEARNING), [market(11, "EURUSD")]
    singles = decided(play(plan, one_by_one(markets[0]), END + 120_000))
    assert len(singles) > 100
    for rows in (64, 4096):
        assert decided(play(plan, in_blocks(markets, rows), END + 120_000)) == singles
    unlearned = decided(play(plan_of(TWO), in_blocks(markets, 4096), END + 120_000))
    assert sum(abs(float(row[3]) - float(unlearned[key][3])) > 0.001 for key, row in singles.items()) > 5

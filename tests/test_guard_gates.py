"""Each gate that a guard may be asked for, at its boundary; and that nothing unknown passes."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.risk.guard import Guard
from operators.risk.stakes.fixed import Fixed
from operators.risk.terms import Breaker, Caution, Latency, Margin, OpenPer, Together, Volatility
from pipeline.checking import load_text
from pipeline.errors import PlanError
from pipeline.orders import moved, prepared
from pipeline.parts import part_of
from pipeline.times import DAY, MINUTE, SECOND
from pipeline.values import (
    HEALTH,
    Approved,
    Calibrated,
    Decisions,
    GateRow,
    Health,
    Latch,
    Order,
    Past,
    Payouts,
    Signals,
    Slept,
)
from tests.driven import Given, driven
from tests.guarded import FINAL, NAN, PAYS, TRADED, approved, given_by, guard, payouts, signal, verdicts, words
from tests.support import MONDAY, ROOT, SMALL, order, signals, signals_of

INF = float("inf")
HUGE = 1e308


def column(**columns: float) -> tuple[int, Signals]:
    """A signal whose bar has these columns."""
    bars = np.array([MONDAY])
    made = signals_of(bars, bars + MINUTE)
    values = {**made.columns.values, **{name: np.array([value]) for name, value in columns.items()}}
    return FINAL, replace(made, columns=replace(made.columns, values=values))


def calibrated(probability: float = 0.6, error: float = 0.0, *, drifted: bool = False) -> tuple[int, Calibrated]:
    one, two, three = (np.array([each]) for each in (probability, error, drifted))
    return FINAL, Calibrated(signals(), one, two, three, "main 2026-01-04")


def no(word: str, given: Given) -> tuple[float, float]:
    """Of the only row: that this gate said no, with its value and its threshold."""
    ((said, value, threshold),) = verdicts(given)
    assert said == word
    return value, threshold


# --- gates of the bar ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expired", "direction", "word"), [(True, 0, "stale_signal"), (True, 1, TRADED), (False, 0, "vote")]
)
def test_a_signal_that_came_too_late_is_told_apart_from_silence(expired: bool, direction: int, word: str) -> None:
    made = replace(signals(direction=direction), expired=np.array([expired]))
    assert words(given_by(guard(), (FINAL, made))) == [word]


@pytest.mark.parametrize("score", [NAN, INF, -INF, -0.9])
def test_a_direction_that_its_score_does_not_bear_out_is_a_no(score: float) -> None:
    assert words(given_by(guard(), (FINAL, replace(signals(), score=np.array([score]))))) == ["vote"]


@pytest.mark.parametrize("direction", [2, -2, 127, -128])
def test_a_direction_that_is_none_is_a_no(direction: int) -> None:
    made = replace(signals(), direction=np.array([direction], np.int8))
    assert words(given_by(guard(), (FINAL, made))) == ["vote"]


@pytest.mark.parametrize("confidence", [NAN, INF, -INF])
def test_a_confidence_that_is_no_number_is_a_no(confidence: float) -> None:
    assert words(given_by(guard(), (FINAL, replace(signals(), confidence=np.array([confidence]))))) == ["confidence"]


@pytest.mark.parametrize(
    ("z", "word", "threshold"),
    [
        (-3.0, TRADED, NAN),
        (0.0, TRADED, NAN),
        (2.0, TRADED, NAN),
        (2.001, "confidence", 0.7001),
        (NAN, "confidence", NAN),
    ],
)
def test_in_wild_markets_more_confidence_is_asked_for_and_never_less(z: float, word: str, threshold: float) -> None:
    part = guard(caution=Caution(column="z", kappa=0.1))
    made = replace(column(z=z)[1], confidence=np.array([0.7]))
    ((said, _, against),) = verdicts(given_by(part, (FINAL, made)))
    assert said == word
    assert word == TRADED or repr(round(against, 9)) == repr(threshold)


def test_a_column_that_is_not_there_is_a_no() -> None:
    assert words(given_by(guard(caution=Caution(column="z")), signal())) == ["confidence"]
    assert words(given_by(guard(volatility=Volatility(column="z", min=0)), signal())) == ["volatility"]


@pytest.mark.parametrize(
    ("bounds", "value", "threshold"),
    [
        ({"max": 2.0}, 2.0, None),
        ({"max": 2.0}, 2.001, 2.0),
        ({"min": 1.0}, 1.0, None),
        ({"min": 1.0}, 0.999, 1.0),
        ({"min": 1.0, "max": 2.0}, 1.5, None),
        ({"min": 1.0, "max": 2.0}, 0.5, 1.0),
        ({"min": 1.0, "max": 2.0}, 2.5, 2.0),
        ({"min": 1.0, "max": 2.0}, NAN, 1.0),
        ({"max": 2.0}, NAN, 2.0),
        ({"min": 1.0}, INF, 1.0),
        ({"max": 1.0}, -INF, 1.0),
    ],
)
def test_a_column_must_lie_within_its_bounds(bounds: dict[str, float], value: float, threshold: float | None) -> None:
    given = given_by(guard(volatility=Volatility(column="atr", **bounds)), column(atr=value))
    if threshold is None:
        assert words(given) == [TRADED]
    else:
        assert no("volatility", given)[1] == threshold


def test_what_no_record_tells_is_not_traded_where_a_margin_is_asked_for() -> None:
    assert no("calibrated", given_by(guard(margin=0.0), signal())) == (0.0, 1.0)
    assert words(given_by(guard(), calibrated(NAN))) == [TRADED]


@pytest.mark.parametrize(
    "told",
    [
        {"probability": NAN},
        {"probability": 1.01},
        {"probability": -0.1},
        {"error": NAN},
        {"error": INF},
        {"error": -0.1},
        {"drifted": True},
    ],
)
def test_a_probability_that_is_none_or_of_a_record_that_drifted_is_a_no(told: dict[str, Any]) -> None:
    assert words(given_by(guard(margin=0.0), calibrated(**told))) == ["calibrated"]


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_a_probability_may_be_none_at_all_or_certainty(probability: float) -> None:
    said = words(given_by(guard(margin=0.0), calibrated(probability)))
    assert said == [TRADED if probability else "odds"]


# --- the gates of the moment -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("margin", "probability", "error", "value"),
    [
        (0.0, 0.5, 0.0, -0.05),
        (0.0, 0.55, 0.0, None),
        (1.0, 0.55, 0.04, None),
        (1.0, 0.55, 0.05, -0.005),
        (2.0, 0.55, 0.03, -0.015),
        (Margin(se=0, flat=0.04), 0.55, 0.3, None),
        (Margin(se=0, flat=0.05), 0.55, 0.0, -0.005),
        (Margin(), 0.6, 0.1, None),
        (Margin(), 0.6, 0.15, -0.01),
        (Margin(se=1, flat=0.04), 0.55, 0.01, -0.005),
    ],
)
def test_what_is_to_be_expected_must_be_above_the_margin(
    margin: float | Margin, probability: float, error: float, value: float | None
) -> None:
    for most, gate in ((5.0, "ev"), (0.9, "odds")):
        given = given_by(guard(margin=margin, max_payout=most), calibrated(probability, error))
        if value is None:
            assert words(given) == [TRADED]
        else:
            assert no(gate, given) == (pytest.approx(value), 0.0)


def test_a_trade_that_is_worth_nothing_is_not_traded() -> None:
    for most, gate in ((1.5, "ev"), (1.0, "odds")):
        given = given_by(guard(margin=0.0, max_payout=most), calibrated(0.5), pays=[payouts((0, 1.0))])
        assert no(gate, given) == (0.0, 0.0)


def test_what_is_to_be_expected_goes_by_the_payout_of_the_moment() -> None:
    for pays, word in ((0.8, "ev"), (0.9, TRADED)):
        assert words(given_by(guard(margin=0.0), calibrated(0.54), pays=[payouts((0, pays))])) == [word]


def sent(at: int, name: str = "a", **facts: Any) -> tuple[int, Order]:
    return at, order("SEND", order=name, at=at, product="BTCUSD", **facts)


def became(state: str, at: int, name: str = "a", **facts: Any) -> tuple[int, Order]:
    return at, order(state, order=name, at=at, product="BTCUSD", **facts)


SLOW = Latency(max="1s", within="10m")


@pytest.mark.parametrize(("took", "word"), [(1_000, TRADED), (1_001, "latency")])
def test_answers_must_not_take_longer_than_they_may(took: int, word: str) -> None:
    entries = [sent(FINAL - MINUTE), became("CONFIRM", FINAL - MINUTE + took)]
    given = given_by(guard(latency=SLOW), *entries, signal())
    assert words(given) == [word]
    if word == "latency":
        assert no("latency", given) == (1.001, 1.0)


@pytest.mark.parametrize("state", ["CONFIRM", "ABORT", "UNKNOWN"])
def test_every_answer_counts_also_the_one_that_never_came(state: str) -> None:
    entries = [sent(FINAL - MINUTE), became(state, FINAL - MINUTE + 1_500)]
    assert no("latency", given_by(guard(latency=SLOW), *entries, signal())) == (1.5, 1.0)


def test_an_order_that_was_not_sent_says_nothing_of_answers() -> None:
    entries = [sent(FINAL - MINUTE), became("ABORT", FINAL - MINUTE + 5_000, cause="not_sent")]
    assert words(given_by(guard(latency=SLOW), *entries, signal())) == [TRADED]


def test_the_mean_of_the_answers_is_what_counts() -> None:
    entries = [
        *(sent(FINAL - MINUTE, "a"), became("CONFIRM", FINAL - MINUTE + 1_900, "a")),
        *(sent(FINAL - MINUTE, "b", tf=5 * MINUTE), became("CONFIRM", FINAL - MINUTE + 100, "b", tf=5 * MINUTE)),
    ]
    assert words(given_by(guard(latency=SLOW), *entries, signal())) == [TRADED]
    assert words(given_by(guard(latency=Latency(max="999ms")), *entries, signal())) == ["latency"]


@pytest.mark.parametrize(("waits", "word"), [(1_000, TRADED), (1_001, "latency")])
def test_an_order_that_waits_for_its_answer_counts_for_as_long_as_it_waits(waits: int, word: str) -> None:
    assert words(given_by(guard(latency=SLOW), sent(FINAL - waits), signal())) == [word]


@pytest.mark.parametrize(("ago", "word"), [(10 * MINUTE - 1, "latency"), (10 * MINUTE, TRADED)])
def test_slow_answers_are_forgotten_after_a_while(ago: int, word: str) -> None:
    entries = [sent(FINAL - ago - 9_000), became("CONFIRM", FINAL - ago)]
    assert words(given_by(guard(latency=SLOW), *entries, signal())) == [word]


STORM = Breaker(errors=3, within="1m", rest="10m")


def errors(*ats: int, states: tuple[str, ...] = ("ABORT",)) -> list[tuple[int, Order]]:
    return [became(states[number % len(states)], at, f"e{number}") for number, at in enumerate(ats)]


@pytest.mark.parametrize(("first", "word"), [(FINAL - 70 * SECOND, TRADED), (FINAL - 70 * SECOND + 1, "breaker")])
def test_so_many_errors_within_a_time_are_a_storm(first: int, word: str) -> None:
    told = errors(first, FINAL - 30 * SECOND, FINAL - 10 * SECOND, states=("ABORT", "UNKNOWN_RESULT", "UNKNOWN"))
    assert words(given_by(guard(breaker=STORM), *told, signal())) == [word]


@pytest.mark.parametrize(("ago", "word"), [(10 * MINUTE - 1, "breaker"), (10 * MINUTE, TRADED)])
def test_after_a_storm_nothing_is_traded_for_its_rest(ago: int, word: str) -> None:
    last = FINAL - ago
    given = given_by(guard(breaker=STORM), *errors(last - 2, last - 1, last), signal())
    assert words(given) == [word]
    if word == "breaker":
        assert no("breaker", given) == (0.001, 0.0)


def test_what_goes_well_is_no_error() -> None:
    settled = [became("SETTLED", FINAL - number, f"s{number}", result="win", profit="0.9") for number in (1, 2, 3)]
    assert words(given_by(guard(breaker=STORM), *settled, signal())) == [TRADED]


def test_one_accounts_storm_is_not_anothers() -> None:
    told = [(at, msgspec.structs.replace(each, account="demo-2")) for at, each in errors(FINAL, FINAL, FINAL)]
    given = given_by(guard(accounts=("demo-1", "demo-2"), breaker=STORM), *told, signal())
    assert (words(given), words(given, "demo-2")) == ([TRADED], ["breaker"])


def held(name: str, **facts: Any) -> tuple[int, Order]:
    return MONDAY, order("CONFIRM", order=name, **({"product": "BTCUSD"} | facts))


ELSEWHERE: dict[str, Any] = {}
EXPIRES_WITH = {"bar": MONDAY - 8 * MINUTE, "tf": 5 * MINUTE}
"""Of another timeframe, ending when the contract on the bar of MONDAY does."""


@pytest.mark.parametrize(
    ("per", "open_orders", "word"),
    [
        ({"account": 2}, [ELSEWHERE], TRADED),
        ({"account": 2}, [ELSEWHERE, {"tf": 5 * MINUTE}], "open_account"),
        ({"product": 1}, [ELSEWHERE, {"tf": 5 * MINUTE}], TRADED),
        ({"product": 1}, [{"product": "EURUSD", "tf": 5 * MINUTE}], "open_product"),
        ({"slot": 1}, [{"bar": MONDAY - MINUTE}], TRADED),
        ({"slot": 1}, [{"bar": MONDAY}], "open_slot"),
        ({"slot": 1}, [EXPIRES_WITH], "open_slot"),
        ({"slot": 2}, [EXPIRES_WITH], TRADED),
        ({"all": 2}, [{"account": "demo-4"}], TRADED),
        ({"all": 2}, [{"account": "demo-4"}, ELSEWHERE], "open_all"),
        ({"account": 1, "product": 1, "slot": 1}, [{"account": "demo-4"}], TRADED),
    ],
)
def test_so_many_trades_are_open_at_once_and_no_more(
    per: dict[str, int], open_orders: list[dict[str, Any]], word: str
) -> None:
    told = [held(f"{number}", **facts) for number, facts in enumerate(open_orders)]
    given = given_by(guard(open_per=OpenPer(**per)), *told, signal())
    assert words(given) == [word]
    if word != TRADED:
        assert no(word, given) == (len(open_orders) + 1, next(iter(per.values())))


def test_an_order_of_another_guard_that_ended_is_open_no_more() -> None:
    theirs = {"account": "demo-4"}
    part = guard(open_per=OpenPer(all=1))
    gone = (MONDAY + 1, order("SETTLED", order="x", result="win", **theirs))
    assert words(given_by(part, held("x", **theirs), signal())) == ["open_all"]
    assert words(given_by(part, held("x", **theirs), gone, signal())) == [TRADED]


def test_all_counts_what_the_guards_own_accounts_have_open_too() -> None:
    part = guard(accounts=("demo-1", "demo-2"), open_per=OpenPer(all=1))
    given = given_by(part, signal())
    assert (words(given), words(given, "demo-2")) == ([TRADED], ["open_all"])


USD = Together(groups={"usd": ("EURUSD", "GBPUSD", "AUDUSD")}, max_at_stake=Decimal("10.00"), correlation=0.6)


@pytest.mark.parametrize(
    ("stake", "others", "word", "value"),
    [
        ("10.00", {}, TRADED, None),
        ("10.01", {}, "together", 10.01),
        ("5.00", {"GBPUSD": "6.00"}, TRADED, None),
        ("5.17", {"GBPUSD": "6.00"}, TRADED, None),
        ("5.18", {"GBPUSD": "6.00"}, "together", 10.006418),
        ("10.00", {"BTCUSD": "50.00"}, TRADED, None),
        ("3.89", {"GBPUSD": "3.89", "AUDUSD": "3.89"}, TRADED, None),
        ("3.90", {"GBPUSD": "3.90", "AUDUSD": "3.90"}, "together", 10.019281),
    ],
)
def test_what_expires_together_on_products_that_move_together_counts_together(
    stake: str, others: dict[str, str], word: str, value: float | None
) -> None:
    part = guard(stake=Fixed(amount=Decimal(stake)), max_daily_loss=Decimal(90), together=USD)
    told = [held(product, product=product, bar=MONDAY, stake=amount) for product, amount in others.items()]
    given = given_by(part, *told, signal())
    assert words(given) == [word]
    if value is not None:
        assert no("together", given) == (pytest.approx(value, abs=1e-6), 10.0)


def test_stakes_on_one_product_count_in_full_and_of_another_slot_not_at_all() -> None:
    part = guard(stake=Fixed(amount=Decimal(4)), max_daily_loss=Decimal(90), together=USD)
    same_product = held("x", product="EURUSD", stake="7.00", **EXPIRES_WITH)
    assert no("together", given_by(part, same_product, signal())) == (11.0, 10.0)
    later = held("x", product="GBPUSD", stake="9.00", bar=MONDAY - MINUTE)
    assert words(given_by(part, later, signal())) == [TRADED]


def test_each_group_of_a_product_is_asked() -> None:
    both = Together(groups={"one": ("EURUSD",), "two": ("EURUSD", "BTCUSD")}, max_at_stake=Decimal(5), correlation=1.0)
    part = guard(together=both)
    assert no("together", given_by(part, held("x", bar=MONDAY, stake="4.50"), signal())) == (5.5, 5.0)


def test_results_that_move_together_by_six_tenths_vary_no_more_than_the_limit_says() -> None:
    """Unit results with a pairwise correlation of 0.6: whatever is let in varies as one stake of the limit would."""
    rng, rho, trials = np.random.default_rng(5), 0.6, 40_000
    products = tuple(f"P{number}" for number in range(12))
    part = guard(
        max_daily_loss=Decimal(90),
        stake=Fixed(amount=Decimal(3)),
        together=Together(groups={"all": products}, max_at_stake=Decimal("10.00"), correlation=rho),
    )
    pays = [payouts((0, 0.9), product=product) for product in products]
    let_in = len(approved(given_by(part, *(signal(product=product) for product in products), pays=pays)))
    assert let_in == 3

    def spread(count: int) -> float:
        common, own = rng.normal(size=(trials, 1)), rng.normal(size=(trials, count))
        units = np.sqrt(rho) * common + np.sqrt(1 - rho) * own
        return float((3 * units).sum(axis=1).std())

    assert spread(let_in) <= 10.0 * 1.02
    assert spread(let_in + 2) > 10.0 * 1.02


# --- stops that somebody must release --------------------------------------------------------------------------------


def latch(at: int, *, on: bool = True, scope: str = "", reason: str = "enough") -> tuple[int, Latch]:
    return at, Latch(scope, on, at, reason, "user")


def test_a_stop_holds_until_somebody_releases_it_with_a_reason() -> None:
    first, second = signal(), signal(bar=MONDAY + MINUTE)
    third, fourth = signal(bar=MONDAY + 2 * MINUTE), signal(bar=MONDAY + 3 * MINUTE)
    releases = [
        latch(FINAL + MINUTE + 1, on=False, reason=""),
        latch(FINAL + MINUTE + 2, on=False, reason=" \n"),
        latch(FINAL + 2 * MINUTE + 1, on=False, reason="looked at it"),
    ]
    given = given_by(guard(), latch(MONDAY), first, second, third, *releases, fourth)
    assert verdicts(given)[:3] == [("killed", 1.0, 0.0)] * 3
    assert words(given)[3] == TRADED


def test_the_stop_says_why() -> None:
    ((_, made),) = [each for each in given_by(guard(), latch(MONDAY), signal()) if isinstance(each[1], Decisions)]
    killed = next(answer for answer in made.explained[0] if answer.gate == "killed")
    assert (killed.verdict, killed.word) == ("no", "enough")


@pytest.mark.parametrize(("scope", "said"), [("", ["killed"]), ("demo-1", ["killed"]), ("demo-2", [TRADED])])
def test_a_stop_is_of_everybody_or_of_one_account(scope: str, said: list[str]) -> None:
    assert words(given_by(guard(), latch(MONDAY, scope=scope), signal())) == said


def test_the_release_of_one_scope_is_not_the_release_of_another() -> None:
    entries = [latch(MONDAY), latch(MONDAY, scope="demo-1"), latch(MONDAY + 1, on=False)]
    assert words(given_by(guard(), *entries, signal())) == ["killed"]
    assert words(given_by(guard(), *entries, latch(MONDAY + 2, on=False, scope="demo-1"), signal())) == [TRADED]


def test_a_release_that_is_older_than_the_stop_releases_nothing() -> None:
    early = MONDAY + 9, Latch("", False, MONDAY + 4, "earlier", "user")
    assert words(given_by(guard(), latch(MONDAY + 5), early, signal())) == ["killed"]
    same = MONDAY + 9, Latch("", False, MONDAY + 5, "at once", "user")
    assert words(given_by(guard(), latch(MONDAY + 5), same, signal())) == [TRADED]


def test_a_stop_of_an_earlier_run_holds() -> None:
    past = Past((), {}, (Latch("demo-1", True, MONDAY - DAY, "too much", "limit"),))
    assert words(given_by(guard(), (MONDAY, past), signal())) == ["killed"]


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["signal", "signal", "release", "empty release", "win", "lose", "unknown", "payout", "quiet"]),
        st.sampled_from(["", "demo-1", "demo-2"]),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(EVENTS, EVENTS, st.sampled_from(["", "demo-1"]))
def test_no_input_lets_a_trade_pass_after_a_stop_until_its_release_with_a_reason(
    before: list[tuple[str, str]], after: list[tuple[str, str]], scope: str
) -> None:
    entries: list[tuple[int, Any]] = [PAYS]
    stopped = MONDAY + len(before) * MINUTE
    released: int | None = None
    for number, (what, whose) in enumerate([*before, ("stop", scope), *after]):
        at = MONDAY + number * MINUTE
        match what:
            case "stop":
                entries.append(latch(at, scope=scope))
            case "release":
                entries.append(latch(at, on=False, scope=whose))
                if at > stopped and whose == scope and released is None:
                    released = at
            case "empty release":
                entries.append(latch(at, on=False, scope=whose, reason=""))
            case "signal":
                entries.append((at, signals(bar=at - MINUTE, at=at)))
            case "payout":
                entries.append((at, Payouts("EURUSD", np.array([at]), np.array([0.9]))))
            case "win" | "lose":
                entries.append((at, order("SETTLED", order=f"{number}", result=what, profit="0", at=at)))
            case _:
                entries.append((at, order("UNKNOWN", order=f"{number}", product="BTCUSD", at=at)))
    given = driven(guard(cool_down="1s"), entries, MONDAY + DAY)
    for ticket in approved(given):
        assert ticket.ticket.at <= stopped or (released is not None and ticket.ticket.at >= released)


# --- nothing unknown passes ------------------------------------------------------------------------------------------

ODD = st.sampled_from([NAN, INF, -INF, HUGE, -HUGE, 0.0, -0.0, 5e-324, 0.5, 1.0, 2.0, -1.0])
EVERY_GATE: dict[str, Any] = {
    "margin": 1.0,
    "volatility": Volatility(column="v", min=0.1, max=0.9),
    "caution": Caution(column="v"),
    "latency": SLOW,
    "breaker": STORM,
    "open_per": OpenPer(account=3, product=3, slot=3, all=3),
    "together": USD,
    "max_quote_age": None,
}


@settings(max_examples=150, deadline=None)
@given(ODD, ODD, ODD, ODD, ODD, ODD, st.integers(-128, 127))
def test_whatever_the_numbers_are_nothing_is_raised_and_only_what_is_known_passes(
    score: float, confidence: float, probability: float, error: float, payout: float, moved_by: float, direction: int
) -> None:
    made = replace(
        column(v=moved_by)[1],
        score=np.array([score]),
        confidence=np.array([confidence]),
        direction=np.array([direction], np.int8),
    )
    told = Calibrated(made, np.array([probability]), np.array([error]), np.array([False]), "r")
    given = given_by(guard(**EVERY_GATE), (FINAL, told), pays=[payouts((0, payout))])
    assert len(verdicts(given)) == 1
    if approved(given):
        known = (score, confidence, probability, error, payout, moved_by)
        assert np.isfinite(known).all()
        assert direction in (1, -1)
        assert score * direction >= 0
        assert 0.1 <= moved_by <= 0.9
        assert 0.8 <= payout <= 1.0
        assert probability * (1 + payout) - 1 > error


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("key", ["profit", "stake"])
def test_an_account_of_which_an_amount_is_told_that_is_none_is_traded_no_more(amount: str, key: str) -> None:
    told = msgspec.structs.replace(order("SETTLED", result="win", product="BTCUSD"), **{key: Decimal(amount)})
    given = given_by(guard(), (MONDAY, told), signal())
    assert no("killed", given) == (1.0, 0.0)
    (made,) = [each for _, each in given if isinstance(each, Decisions)]
    assert next(answer for answer in made.explained[0] if answer.gate == "killed").word.startswith(
        "an amount that is none"
    )


def test_an_account_that_begins_with_no_amount_or_earned_none_is_not_traded() -> None:
    assert words(given_by(guard(balances={"demo-1": Decimal("NaN")}), signal())) == ["killed"]
    past = Past((), {"demo-1": Decimal("Infinity")})
    assert words(given_by(guard(), (MONDAY, past), signal())) == ["killed"]


# --- tightening never lets more pass ---------------------------------------------------------------------------------

LOOSE: dict[str, Any] = {
    "threshold": 0.3,
    "margin": Margin(se=0.0),
    "min_payout": 0.7,
    "max_payout": 1.0,
    "volatility": Volatility(column="v", min=0.0, max=1.0),
    "caution": Caution(column="v", kappa=0.0),
    "latency": Latency(max="3s"),
    "breaker": Breaker(errors=4, rest="1m"),
    "open_per": OpenPer(account=4, product=4, slot=4, all=4),
    "together": Together(groups={"all": ("EURUSD", "BTCUSD")}, max_at_stake=Decimal(9), correlation=0.1),
    "max_daily_loss": Decimal(20),
    "cool_down": "10s",
    "cool_down_max": "10s",
}
TIGHTER: dict[str, Any] = {
    "threshold": 0.6,
    "margin": Margin(se=1.0, flat=0.02),
    "min_payout": 0.85,
    "max_payout": 0.9,
    "volatility": Volatility(column="v", min=0.3, max=0.6),
    "caution": Caution(column="v", kappa=0.4),
    "latency": Latency(max="1s"),
    "breaker": Breaker(errors=2, rest="5m"),
    "open_per": OpenPer(account=2, product=1, slot=1, all=2),
    "together": Together(groups={"all": ("EURUSD", "BTCUSD")}, max_at_stake=Decimal(2), correlation=0.9),
    "max_daily_loss": Decimal(3),
    "cool_down": "2m",
    "cool_down_max": "4m",
}


@pytest.mark.parametrize("key", TIGHTER)
@settings(max_examples=25, deadline=None)
@given(
    numbers=st.tuples(*[st.floats(0.3, 1.0)] * 4),
    told=st.lists(
        st.tuples(
            st.sampled_from(["CONFIRM", "ABORT", "UNKNOWN", "SETTLED"]), st.integers(1, 90), st.sampled_from([1, 5, 15])
        ),
        max_size=6,
    ),
)
def test_tightening_any_key_never_lets_a_trade_pass_that_was_refused(
    key: str, numbers: tuple[float, float, float, float], told: list[tuple[str, int, int]]
) -> None:
    """One bar in one situation: what the tighter guard approves, the looser one approves too."""
    confidence, probability, payout, wild = numbers
    made = replace(column(v=wild)[1], confidence=np.array([confidence]))
    asked = Calibrated(made, np.array([probability]), np.array([0.05]), np.array([False]), "r")
    entries: list[tuple[int, Any]] = []
    for number, (state, ago, minutes) in enumerate(told):
        at = FINAL - ago * SECOND
        facts = {"order": f"{number}", "tf": minutes * MINUTE, "bar": MONDAY + (1 - minutes) * 2 * MINUTE}
        entries.append((at - 2 * SECOND, order("SEND", at=at - 2 * SECOND, product="BTCUSD", **facts)))
        result = {"result": "lose", "profit": "-1"} if state == "SETTLED" else {}
        entries.append((at, order(state, at=at, product="BTCUSD", **facts, **result)))

    def passes(part: Guard) -> bool:
        return bool(approved(given_by(part, *entries, (FINAL, asked), pays=[payouts((0, payout))])))

    loose = guard(**LOOSE)
    tight = guard(**(LOOSE | {key: TIGHTER[key]} | ({"cool_down_max": "4m"} if key == "cool_down" else {})))
    assert not passes(tight) or passes(loose)


# --- what leaves with an order ---------------------------------------------------------------------------------------


def test_what_was_decided_on_goes_with_the_order_and_prices_and_unknowns_do_not() -> None:
    given = given_by(guard(), column(rsi=31.5, atr=NAN, edge=INF))
    assert [each.features for each in approved(given)] == [{"rsi": 31.5}]


def test_of_rows_looked_at_the_columns_are_those_of_the_decided_one() -> None:
    bars = MONDAY + MINUTE * np.arange(3, dtype=np.int64)
    made = signals_of(bars, bars + MINUTE, rsi=np.array([10.0, 20.0, 30.0]))
    late = made.last(1)
    given = given_by(guard(), (FINAL + 2 * MINUTE, replace(late, columns=replace(late.columns, fresh=1))))
    assert [each.features for each in approved(given)] == [{"rsi": 30.0}]
    assert [each.ticket.bar for each in approved(given)] == [MONDAY + 2 * MINUTE]


def test_an_order_just_approved_is_heard_of_again_without_being_counted_twice() -> None:
    ((_, first),) = [each for each in given_by(guard(), signal()) if isinstance(each[1], Approved)]
    told = [(FINAL + 1, prepared(first)), (FINAL + 2, moved(prepared(first), "SEND", FINAL + 2))]
    part = guard(open_per=OpenPer(account=2))
    other = signal(tf=5 * MINUTE, bar=MONDAY - 4 * MINUTE, at=FINAL + MINUTE)
    assert words(given_by(part, signal(), *told, other)) == [TRADED, TRADED]


# --- what the feed is said to be -------------------------------------------------------------------------------------


def told(at: int, state: str, product: str = "EURUSD") -> tuple[int, Health]:
    none = np.array([0.0])
    return at, Health(product, np.array([at]), np.array([HEALTH.index(state)], np.int8), none, none, none)


def feed_of(given: Given) -> GateRow:
    ((_, made),) = [each for each in given if isinstance(each[1], Decisions)]
    return next(answer for answer in made.explained[0] if answer.gate == "feed")


@pytest.mark.parametrize(
    ("states", "word"),
    [((("live", "EURUSD"), ("quiet", "")), "live"), ((("quiet", ""),), "quiet"), ((), ""), ((("down", ""),), "down")],
)
def test_the_feed_gate_says_the_state_of_the_product_or_else_of_the_whole_feed(
    states: tuple[tuple[str, str], ...], word: str
) -> None:
    answer = feed_of(given_by(guard(), *(told(MONDAY, state, product) for state, product in states), signal()))
    assert (answer.word, answer.verdict) == (word, "no" if word == "down" else "yes")


def test_of_two_sleeps_the_longer_one_says_how_late_it_is() -> None:
    slept = [(FINAL, Slept(FINAL - MINUTE, FINAL + 90 * SECOND)), (FINAL, Slept(FINAL, FINAL + 30 * SECOND))]
    assert no("missed", given_by(guard(), *slept, signal())) == (90.0, 0.0)


def test_a_payout_stays_in_force_until_the_next_also_when_that_one_is_told_ahead() -> None:
    pieces = [payouts((0, 0.5)), payouts((FINAL - 9, 0.9)), payouts((FINAL + 1, 0.1), (FINAL + 2, 0.2))]
    assert [each.ticket.payout for each in approved(given_by(guard(), signal(), pays=pieces))] == [0.9]


def test_without_an_answer_nothing_is_said_of_how_long_they_take() -> None:
    ((_, made),) = [each for each in given_by(guard(latency=SLOW), signal()) if isinstance(each[1], Decisions)]
    assert GateRow("latency", 0.0, 1.0, "yes") in made.explained[0]


# --- the table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("open_per = { account = 0 }", "open_per account is 0; write a whole number ≥ 1, ≤ 10000"),
        ("breaker = { errors = 0 }", "breaker errors is 0; write a whole number ≥ 1, ≤ 10000"),
        ("margin = -0.1", "margin is -0.1; write a number ≥ 0 or { se, flat }"),
        ("margin = { se = -1.0 }", "margin se is -1.0; write a number ≥ 0"),
        ("threshold = 1.5", "threshold is 1.5; write a number ≥ 0, ≤ 1 or table of number ≥ 0, ≤ 1"),
        ("min_payout = -0.1", "min_payout is -0.1; write a number ≥ 0, ≤ 1"),
        ("volatility = { min = 1.0 }", "volatility needs column; add column = … ("),
        ('volatility = { column = "close" }', "volatility column 'close' has no bounds; add min, max or both"),
        ('volatility = { column = "close", min = 2.0, max = 1.0 }', "min 2.0 is above max 1.0; no bar could be traded"),
        ('volatility = { column = "clsoe", min = 2.0 }', "there is no column 'clsoe'; did you mean 'close'?"),
        ('caution = { column = "close", kappa = 1.5 }', "caution kappa is 1.5; write a number ≥ 0, ≤ 1"),
        ('latency = { max = "soon" }', "latency max is 'soon'; write a duration such as 500ms, 30s, 5m"),
        ('together = { groups = {}, max_at_stake = "1" }', "together groups names no products; write groups ="),
        ('limits = [{ what = "loss" }]', "no. 1 of limits what = 'loss' takes amount or share; give one of them"),
        (
            'permit = { windows = [{ session = "paris" }] }',
            "no. 1 of windows session 'paris' is not known; write one of",
        ),
    ],
)
def test_a_key_that_cannot_be_is_told_at_its_place_in_a_sentence(key: str, sentence: str) -> None:
    text = SMALL.replace('max_daily_loss = "20.00"', f'max_daily_loss = "20.00"\n{key}')
    with pytest.raises(PlanError) as refused:
        load_text(text, "flows.toml", ROOT)
    (problem,) = refused.value.problems
    assert sentence in f"{problem.what}; {problem.fix}"
    assert problem.line == text[: text.index(key)].count("\n") + 1


def test_what_is_left_out_is_what_the_page_says() -> None:
    assert Margin() == Margin(se=1.0, flat=0.0)
    assert Caution(column="z") == Caution(column="z", kappa=0.1)
    assert Latency(max="1s") == Latency(max="1s", within="10m")
    assert Breaker(errors=1) == Breaker(errors=1, within="1m", rest="10m")
    assert Together(groups={"a": ("b",)}, max_at_stake=Decimal(1)).correlation == 0.6
    part = guard()
    assert (part.min_payout, part.max_payout, part.cool_down, part.cool_down_max) == (0.8, 1.0, "30s", "5m")
    made = {entry.name: entry.default for entry in part_of(part).fields if not entry.required}
    assert (made["threshold"], made["day"], made["limits"], made["margin"]) == (0.1, "UTC", (), None)


def test_a_payout_told_ahead_for_the_second_time_leaves_the_one_in_force_until_then() -> None:
    """A venue that tells all it knows ahead may tell it again; meanwhile the payout is the one before."""
    again = payouts((FINAL + MINUTE, 0.95))
    given = given_by(guard(), again, again, signal())
    assert [each.ticket.payout for each in approved(given)] == [0.9]

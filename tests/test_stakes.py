"""How much is put on a trade."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.risk.stakes.atr_normalised import AtrNormalised
from operators.risk.stakes.fixed import Fixed
from operators.risk.stakes.fraction import Fraction
from operators.risk.stakes.kelly import Kelly, shrunk
from operators.risk.stakes.martingale import Martingale
from pipeline.__main__ import main
from pipeline.checking import load_text
from pipeline.errors import PlanError
from pipeline.parts import StakeRule
from pipeline.statistics.stakes import prudent
from pipeline.times import MINUTE
from pipeline.values import Bet
from tests.guarded import NAN, TRADED, approved, given_by, guard, signal, verdicts, words
from tests.support import MONDAY, SMALL, order

INF = float("inf")
WIDE: dict[str, Any] = {"min": Decimal("0.01"), "max": Decimal(1_000_000)}


def bet(**facts: Any) -> Bet:
    known: dict[str, Any] = {
        "balance": Decimal(1000),
        "payout": 0.85,
        "probability": 0.58,
        "error": 0.0,
        "losses": 0,
        "columns": {},
    }
    return Bet(**(known | facts))


def staked(rule: StakeRule, **entries: Any) -> list[Decimal]:
    """What leaves the guard with an order."""
    return [each.stake for each in approved(given_by(guard(stake=rule, **entries), signal()))]


# --- what the guard makes of it --------------------------------------------------------------------------------------


def test_fractions_of_a_cent_are_dropped() -> None:
    assert staked(Fixed(amount=Decimal("1.999"))) == [Decimal("1.99")]


class Says:
    """A stake rule that says anything."""

    def __init__(self, stake: Decimal) -> None:
        self._stake = stake

    def __call__(self, bet: Bet) -> Decimal:
        return self._stake


class Divides:
    """A stake rule that fails in its arithmetic."""

    def __call__(self, bet: Bet) -> Decimal:
        return Decimal(1) / Decimal(0)


@pytest.mark.parametrize("stake", ["NaN", "sNaN", "Infinity", "-Infinity", "0", "-1", "0.001", "1E+500"])
def test_a_stake_that_cannot_be_staked_is_a_no(stake: str) -> None:
    assert verdicts(given_by(guard(stake=Says(Decimal(stake))), signal())) == [("stake", 0.0, 0.0)]


def test_a_stake_rule_that_cannot_count_is_a_no() -> None:
    assert words(given_by(guard(stake=Divides()), signal())) == ["stake"]


# --- fixed and fraction ----------------------------------------------------------------------------------------------


def test_the_fixed_stake_is_the_same_whatever_is_known() -> None:
    rule = Fixed(amount=Decimal("2.50"))
    assert {rule(bet(balance=Decimal(each), losses=each)) for each in range(5)} == {Decimal("2.50")}


@pytest.mark.parametrize(
    ("balance", "stake"),
    [("1000", "10.00"), ("500", "5.00"), ("99", "1.00"), ("5000", "10.00"), ("0", "0"), ("-5", "0")],
)
def test_a_fraction_of_the_balance_lies_between_its_bounds(balance: str, stake: str) -> None:
    assert Fraction(share=0.01)(bet(balance=Decimal(balance))) == Decimal(stake)


# --- kelly -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("p", "percent"), [(0.56, 4.2), (0.58, 8.6), (0.60, 12.9)])
def test_kellys_stake_is_the_known_one_when_the_probability_is_certain(p: float, percent: float) -> None:
    assert shrunk(p, 0.0, 0.85) * 100 == pytest.approx(percent, abs=0.05)


@pytest.mark.parametrize(
    ("p", "n", "percent"), [(0.58, 200, 4.8), (0.58, 1000, 7.4), (0.56, 200, 1.0), (0.56, 1000, 2.6), (0.60, 100, 7.7)]
)
def test_doubt_shrinks_it(p: float, n: int, percent: float) -> None:
    assert shrunk(p, (p * (1 - p) / n) ** 0.5, 0.85) * 100 == pytest.approx(percent, abs=0.06)


@pytest.mark.parametrize(("p", "n"), [(0.55, 100), (0.56, 400), (0.6, 100), (0.5, 100)])
def test_by_default_it_is_a_quarter_of_that_and_at_most_a_hundredth(p: float, n: int) -> None:
    error = (p * (1 - p) / n) ** 0.5
    assert float(Kelly(**WIDE)(bet(probability=p, error=error))) == pytest.approx(1000 * prudent(p, 0.85, n), abs=1e-6)


def test_less_than_the_least_stake_is_no_stake_since_more_would_be_too_much() -> None:
    sure = {"probability": 0.55, "error": 0.02}
    worth = Kelly(**WIDE)(bet(**sure))
    assert worth > 0
    assert Kelly(min=worth, max=Decimal(1000))(bet(**sure)) == worth
    assert Kelly(min=worth + Decimal("0.01"), max=Decimal(1000))(bet(**sure)) == 0


def test_certainty_is_worth_all_of_it() -> None:
    assert shrunk(1.0, 0.0, 0.85) == pytest.approx(1.0)


def test_it_is_capped_in_money_too() -> None:
    assert Kelly(max=Decimal("3.00"))(bet(probability=0.9)) == Decimal("3.00")


@pytest.mark.parametrize(
    "facts",
    [
        *({"probability": each} for each in (NAN, INF, -INF, -0.1, 1.1, 0.0, 0.5, 1 / 1.85)),
        *({"error": each} for each in (NAN, INF, -0.1)),
        *({"payout": each} for each in (NAN, INF, 0.0, -0.5)),
        {"balance": Decimal(0)},
        {"balance": Decimal(-100)},
    ],
)
def test_without_an_edge_that_is_known_the_only_stake_is_none(facts: dict[str, Any]) -> None:
    assert Kelly(**WIDE)(bet(**facts)) == 0


def test_without_a_calibrator_nothing_is_staked_by_it() -> None:
    assert words(given_by(guard(stake=Kelly()), signal())) == ["stake"]


@settings(max_examples=60)
@given(st.floats(0, 1), st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0.01, 2))
def test_more_doubt_never_stakes_more(p: float, error: float, more: float, payout: float) -> None:
    assert shrunk(p, error + more, payout) <= shrunk(p, error, payout) * (1 + 1e-12)


@settings(max_examples=60)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.3), st.floats(0.01, 2))
def test_a_better_chance_never_stakes_less(p: float, other: float, error: float, payout: float) -> None:
    assert shrunk(min(p, other), error, payout) <= shrunk(max(p, other), error, payout) * (1 + 1e-12)


# --- normalised by the range -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moves", "stake"),
    [
        (0.001, "4.0"),
        (0.002, "2.0"),
        (0.004, "1.00"),
        (0.1, "1.00"),
        (0.0001, "10.00"),
        (0.0, "0"),
        (NAN, "0"),
        (INF, "0"),
    ],
)
def test_where_the_market_moves_twice_as_much_half_is_staked(moves: float, stake: str) -> None:
    rule = AtrNormalised(normal=0.001, column="atr", amount=Decimal(4))
    assert rule(bet(columns={"atr": moves})) == Decimal(stake)


def test_without_its_column_nothing_is_staked() -> None:
    assert AtrNormalised(normal=0.001, column="atr")(bet()) == 0


# --- progressions ----------------------------------------------------------------------------------------------------

RAISED = Martingale(amount=Decimal(1), factor=2.18, steps=3, max=Decimal(100), i_accept_ruin=True)


def test_a_progression_raises_after_each_loss_and_begins_anew_after_its_last_step() -> None:
    stakes = [RAISED(bet(losses=losses)) for losses in range(6)]
    assert stakes == [Decimal(each) for each in ("1", "2.18", "4.7524", "10.360232", "1", "2.18")]


def test_a_progression_never_stakes_more_than_its_most() -> None:
    assert Martingale(factor=10, steps=20, max=Decimal("7.00"))(bet(losses=19)) == Decimal("7.00")


def test_the_guard_raises_by_the_losses_in_a_row_of_the_key_alone() -> None:
    lost = [
        (MONDAY + each, order("SETTLED", order=f"{each}", result="lose", profit="-1", at=MONDAY + each))
        for each in (1, 2)
    ]
    part = guard(stake=RAISED, min_payout=0.8, cool_down="1s")
    given = given_by(part, *lost, signal(), signal(tf=5 * MINUTE))
    assert [each.stake for each in approved(given)] == [Decimal("4.75"), Decimal(1)]
    assert words(given) == [TRADED, TRADED]


def flow(stake: str) -> str:
    return SMALL.replace('{ use = "fixed", amount = "1.00" }', stake)


def test_a_flow_with_a_progression_is_refused_with_the_chance_of_ruin() -> None:
    doubled = '{ use = "martingale", factor = 2.0, steps = 8, max = "300.00" }'
    with pytest.raises(PlanError) as refused:
        load_text(flow(doubled), "flows.toml", Path())
    (problem,) = refused.value.problems
    assert problem.what.startswith("[risk.main] stake is raised after losses: 6 losses in a row cost 63.00 of 100.00")
    assert "the next stake would be 64.00" in problem.fix or "the next stake would be 64.00" in problem.what
    assert problem.fix.endswith("use fixed, or add i_accept_ruin = true to it")


def test_what_was_accepted_is_stamped_and_warned_of() -> None:
    plan = load_text(
        flow('{ use = "martingale", steps = 8, max = "300.00", i_accept_ruin = true }'), "flows.toml", Path()
    )
    (stamp,) = plan.by_id["risk.main"].instance.stamps()
    assert stamp.startswith(
        "stakes are raised after losses, which was accepted: 6 losses in a row cost 63.00 of 100.00"
    )
    assert stamp in [warning.what for warning in plan.warnings]


def test_the_stamp_is_at_the_head_of_all_that_tells_of_its_trades(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "flows.toml"
    raised = flow('{ use = "martingale", steps = 8, max = "300.00", i_accept_ruin = true }')
    path.write_text(raised, encoding="utf-8")
    stamp = f"[risk.main] {load_text(raised, 'flows.toml', tmp_path).by_id['risk.main'].instance.stamps()[0]}"
    assert main(["replay", str(path), "--for", "3h", "--out", str(tmp_path / "out")]) == 0
    assert main(["report", str(path), "--replay", str(tmp_path / "out")]) == 0
    replayed, _, reported = capsys.readouterr().out.partition(str(tmp_path / "out"))
    assert replayed.startswith(f"{stamp}\n")
    assert reported.strip().startswith(stamp)
    assert main(["report", str(path), "--replay", str(tmp_path / "out"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["stamps"] == [stamp]


def test_a_guard_that_raises_nothing_has_no_stamp() -> None:
    assert guard().stamps() == []


def test_the_ruin_is_that_of_the_poorest_account() -> None:
    balances = {"demo-1": Decimal(1000), "demo-2": Decimal(5)}
    part = guard(stake=RAISED, accounts=("demo-1", "demo-2"), balances=balances)
    assert "of 5" in part.stamps()[0]


# --- keys that cannot be ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Fraction(min=Decimal(0)), "min must be above 0, not 0"),
        (lambda: Fraction(max=Decimal("NaN")), "max must be above 0, not NaN"),
        (lambda: Kelly(min=Decimal(5), max=Decimal(4)), "min 5 is above max 4; write a smaller min or a larger max"),
        (lambda: Kelly(min=Decimal(-1)), "min must be above 0, not -1"),
        (lambda: AtrNormalised(normal=1, amount=Decimal(0)), "amount must be above 0, not 0"),
        (lambda: AtrNormalised(normal=1, max=Decimal(0)), "max must be above 0, not 0"),
        (lambda: Martingale(amount=Decimal("0.001")), "amount must be at least a cent, not 0.001"),
        (lambda: Martingale(max=Decimal("Infinity")), "max must be at least a cent, not Infinity"),
    ],
)
def test_a_stake_that_cannot_be_is_refused_in_a_sentence(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()

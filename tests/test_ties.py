"""What a tie is depends on the venue's contracts, everywhere: in how they end, in the audit, and in the break-even."""

from decimal import Decimal

import numpy as np
import pytest
from msgspec.structs import replace

from pipeline.certainty.auditing import judged
from pipeline.gains import profit_of
from pipeline.hindsight import Contracts, tally
from pipeline.settlement import Contract, PricePath, Tie, result_of, settled
from pipeline.times import MINUTE, SECOND
from pipeline.values import Direction, Order, Quotes, Result
from tests.support import MONDAY, order, quotes

PAYOUT = 0.9
ACCEPTED = MONDAY + MINUTE
EXPIRY = ACCEPTED + MINUTE
RULES: list[tuple[Tie, Decimal]] = [("push", Decimal(0)), ("lose", Decimal("-1.00")), ("win", Decimal("0.90"))]


def flat() -> PricePath:
    """Prices that do not move."""
    path = PricePath()
    path.append(still())
    return path


def still() -> Quotes:
    return quotes("EURUSD", [MONDAY + n * SECOND for n in range(240)], np.full(240, 1.1), lag=0)


def tied(result: Result, profit: Decimal, direction: Direction = "call") -> Order:
    """A contract that left where it entered, as a venue ended it."""
    one = order("SETTLED", contract="C-1", expiry=EXPIRY, bar=ACCEPTED - MINUTE, direction=direction, payout=PAYOUT)
    prices = {"entry_ts": ACCEPTED + SECOND, "entry": 1.1, "exit_ts": EXPIRY, "exit": 1.1}
    return replace(one, stake=Decimal("1.00"), result=result, profit=profit, ended_at=EXPIRY + SECOND, **prices)


@pytest.mark.parametrize("direction", ["call", "put"])
@pytest.mark.parametrize(("tie", "profit"), RULES)
def test_a_contract_that_leaves_where_it_entered_ends_as_its_rule_says(
    tie: Tie, profit: Decimal, direction: Direction
) -> None:
    contract = Contract("o1", "EURUSD", direction, Decimal("1.00"), PAYOUT, ACCEPTED, EXPIRY)
    end = settled(contract, flat(), EXPIRY + SECOND, tie)
    assert (end.result, end.profit) == (tie, profit)
    assert result_of(direction, 1.1, 1.1, tie) == tie
    assert profit_of(tie, Decimal("1.00"), PAYOUT) == profit


@pytest.mark.parametrize("direction", ["call", "put"])
@pytest.mark.parametrize(("tie", "profit"), RULES)
def test_the_audit_explains_a_tie_by_the_rule_of_its_venue_and_by_no_other(
    tie: Tie, profit: Decimal, direction: Direction
) -> None:
    one = tied(tie, profit, direction)
    found = {rule: judged(one, flat(), EXPIRY + 2 * SECOND, rule).verdict for rule, _ in RULES}
    assert found == {rule: "explained" if rule == tie else "unexplained" for rule, _ in RULES}


@pytest.mark.parametrize(("tie", "counts"), [("push", (4, 4, 2)), ("lose", (4, 6, 0)), ("win", (6, 4, 0))])
def test_the_break_even_is_of_the_contracts_that_the_rule_decides(tie: Tie, counts: tuple[int, int, int]) -> None:
    exits = np.array([1.2] * 4 + [1.0] * 4 + [1.1] * 2)
    rows = len(exits)
    contracts = Contracts(
        np.ones(rows, np.int8),
        np.full(rows, PAYOUT),
        np.full(rows, 1.1),
        exits,
        np.ones(rows, np.bool_),
        np.arange(rows, dtype=np.int64),
    )
    found = tally(contracts, tie)
    assert (found.won, found.lost, found.ties) == counts
    rate = found.rate
    assert rate.share == counts[0] / (counts[0] + counts[1])
    # Whoever wins as often as the break-even says gains nothing: so it must hold of the contracts that were decided.
    assert rate.break_even == pytest.approx(1 / (1 + PAYOUT))
    assert found.mean == pytest.approx((counts[0] * PAYOUT - counts[1]) / rows)

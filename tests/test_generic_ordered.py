"""A contract over HTTP is the one that was ordered in everything, its expiry too, or nothing more is bought."""

from decimal import Decimal
from typing import Any

import pytest

from pipeline.broker.generic_calls import Manners
from pipeline.connections.reading import Answer
from pipeline.connections.troubles import CallFailed
from pipeline.generic.contracts import Symbols, contract_of
from pipeline.times import MINUTE
from tests.generic_rig import BEGAN, run, venue
from tests.support import MONDAY, order

ORDERED = order("SEND", request="mine", product="EURUSD", tf=MINUTE, direction="call", stake=Decimal("1.00"))
TOLD: dict[str, Any] = {
    "id": "4711",
    "client_req_id": "mine",
    "symbol": "EURUSD",
    "side": "call",
    "tf": "1m",
    "amount": "1.00",
    "payout_pct": 87,
    "accepted_at": MONDAY,
    "expires_at": MONDAY + MINUTE,
    "state": "open",
}


def other(**changes: Any) -> str:
    return contract_of(Answer(TOLD | changes, "the answer")).other_than(ORDERED, Symbols({}), echoes=True)


def test_a_contract_that_is_what_was_ordered_is_no_other() -> None:
    assert other() == ""


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("expires_at", MONDAY + 45 * MINUTE, "duration 2700000 for 60000"),
        ("expires_at", MONDAY + MINUTE - 1, "duration 59999 for 60000"),
        ("tf", "15m", "tf 15m for 1m"),
        ("side", "put", "side put for call"),
        ("symbol", "GBPUSD", "symbol GBPUSD for EURUSD"),
        ("amount", "2.00", "amount 2.00 for 1.00"),
        ("client_req_id", "yours", "client_req_id yours for mine"),
    ],
)
def test_a_contract_that_differs_in_one_thing_is_another(field: str, value: object, said: str) -> None:
    assert other(**{field: value}) == said


def test_an_expiry_that_is_not_the_one_that_was_ordered_ends_all_trading_on_the_account() -> None:
    async def main() -> None:
        late = Manners(mistakes={"expires_at": BEGAN + 45 * MINUTE})
        async with venue(speed=1.0, manners=late) as there:
            account = await there.opened()
            following = there.follow(account)
            with pytest.raises(CallFailed, match="another contract than was ordered: duration ") as failed:
                await account.place(there.order())
            assert failed.value.final
            with pytest.raises(CallFailed, match="duration "):
                await following
            with pytest.raises(CallFailed) as later:
                await account.place(there.order(2))
            assert later.value.fate == "unsent"

    run(main())

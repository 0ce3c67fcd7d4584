from decimal import Decimal

from msgspec.structs import replace

from pipeline.entered import Entries
from pipeline.times import MINUTE, SECOND
from pipeline.values import Order
from tests.support import MONDAY

ACCEPTED = MONDAY + 200
WANTED = Order(
    order="o", account="demo-1", product="EURUSD", tf=MINUTE, bar=MONDAY - MINUTE, direction="call",
    stake=Decimal("1.00"), payout=0.9, state="SEND", at=MONDAY,
)  # fmt: skip
OPEN = replace(WANTED, state="CONFIRM", at=ACCEPTED, contract="7", expiry=ACCEPTED + MINUTE)


def seen(*prices: tuple[int, float]) -> Entries:
    entries = Entries()
    for ts, price in prices:
        entries.take_price("EURUSD", MONDAY + ts, price)
    return entries


def test_a_contract_entered_at_the_first_price_after_its_acceptance_whenever_that_is_heard() -> None:
    before = seen((100, 1.1))
    before.take_order(WANTED)
    before.take_order(OPEN)
    assert before.of("o") is None
    before.take_price("BTCUSD", MONDAY + 300, 9.0)
    before.take_price("EURUSD", ACCEPTED, 1.2)
    before.take_price("EURUSD", ACCEPTED + 1, 1.3)
    before.take_price("EURUSD", ACCEPTED + SECOND, 1.4)
    late = seen((100, 1.1), (200, 1.2), (201, 1.3), (1_200, 1.4))
    late.take_order(OPEN)
    late.take_order(replace(OPEN, state="CONFIRM_RETRY"))
    assert before.all() == late.all() == {"o": 1.3}


def test_where_nobody_looked_at_prices_while_it_was_accepted_nothing_is_said_and_nothing_of_what_ended() -> None:
    restarted = seen()
    restarted.take_order(OPEN)
    restarted.take_price("EURUSD", ACCEPTED + SECOND, 1.4)
    assert restarted.of("o") is None
    for state in ("SETTLED", "CANCELED"):
        entries = seen((100, 1.1), (300, 1.3))
        entries.take_order(OPEN)
        assert entries.of("o") == 1.3
        entries.take_order(replace(OPEN, state=state))
        assert entries.all() == {}

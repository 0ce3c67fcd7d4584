"""What enters a flow says no secret, whoever put it into words; everything else enters as it is."""

from decimal import Decimal

import pytest

from pipeline import secret
from pipeline.entering import WORDS, without_secrets
from pipeline.evidence import Cash, Declined, Lost, Standing, Statement, Trouble, Unsent
from pipeline.secret import MASK, Secret
from pipeline.values import Reject
from tests.support import MONDAY, quotes

WORD = "cAnArY-99-word"
SAID = f"the broker said {WORD}"
WORDED = (
    Reject("order", SAID, 1),
    Unsent("order", SAID, 1),
    Lost("order", SAID, 1),
    Declined("order", SAID, 1),
    Standing("demo-1", "REFUSED", 1, SAID),
    Statement("demo-1", 1, 0, 1, 1, fault=SAID),
    Trouble("demo-1", "auth", SAID, 1),
)


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret, "_revealed", {})
    Secret(WORD).reveal()


@pytest.mark.parametrize("value", WORDED, ids=lambda value: type(value).__name__)
def test_the_words_of_others_are_masked_and_nothing_else_is_changed(value: object) -> None:
    shown = without_secrets(value)
    assert repr(shown) == repr(value).replace(WORD, MASK)
    assert without_secrets(shown) is shown


def test_every_value_with_words_in_it_is_tried_here() -> None:
    assert {type(value) for value in WORDED} == set(WORDS)


def test_what_money_is_said_to_be_for_is_masked_too() -> None:
    cash = (Cash("17", 1, Decimal(5), SAID), Cash("18", 1, Decimal(5), "a deposit"))
    shown = without_secrets(Statement("demo-1", 1, 0, 1, 1, cash=cash))
    assert [each.what for each in shown.cash] == [f"the broker said {MASK}", "a deposit"]


def test_what_has_no_words_enters_as_it_is() -> None:
    prices = quotes("EURUSD", [MONDAY], [1.1])
    assert without_secrets(prices) is prices

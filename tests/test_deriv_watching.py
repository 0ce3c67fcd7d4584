"""Contracts that run are watched until their end is told: once, by whatever way it comes."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.deriv.shapes import Contract, Movement
from pipeline.deriv.watching import AGAIN, KEPT, PATIENCE, Watching
from pipeline.times import MINUTE, SECOND

NOW = 1_795_200_000_000


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> int:
        return self.at


def contract(name: str = "7", *, sold: str | None = None) -> Contract:
    over = Decimal(sold) if sold is not None else None
    ten = Decimal("10.00")
    return Contract(
        name, "CALL", "R_100", ten, Decimal("19.54"), NOW, NOW + MINUTE, "", over, NOW + MINUTE + SECOND if sold else 0
    )


def moved(what: str, name: str = "7") -> Movement:
    return Movement(1, what, Decimal(1), Decimal(1), NOW, name)


def test_an_end_is_told_once_under_the_name_of_its_order() -> None:
    watching = Watching(lambda: NOW)
    watching.name("7", "mine")
    assert watching.take(contract()) is None
    end = watching.take(contract(sold="19.54"))
    assert end is not None
    assert (end.order, end.result, end.profit) == ("mine", "win", Decimal("9.54"))
    assert watching.take(contract(sold="19.54")) is None
    assert watching.running() == ()


def test_an_end_that_is_not_told_in_time_is_asked_for_again_and_again() -> None:
    clock = Clock()
    watching = Watching(clock.now)
    watching.begin(contract())
    clock.at = NOW + MINUTE + PATIENCE - 1
    assert list(watching.overdue()) == []
    clock.at += 1
    assert list(watching.overdue()) == ["7"]
    watching.take(contract())  # it says that it has expired and is not paid
    assert list(watching.overdue()) == []
    clock.at += AGAIN
    assert list(watching.overdue()) == ["7"]


def test_money_that_came_of_a_contract_has_it_asked_for_even_if_an_older_word_comes_late() -> None:
    clock = Clock()
    watching = Watching(clock.now)
    watching.begin(contract())
    watching.money_moved(moved("sell"))
    watching.take(contract())
    clock.at = NOW + PATIENCE
    assert list(watching.overdue()) == ["7"]


def test_a_contract_that_somebody_else_bought_is_looked_at_and_then_waited_for() -> None:
    clock = Clock()
    watching = Watching(clock.now)
    watching.money_moved(moved("buy", "8"))
    watching.money_moved(moved("deposit", ""))
    clock.at = NOW + PATIENCE
    assert list(watching.overdue()) == ["8"]
    watching.take(contract("8"))
    clock.at = NOW + MINUTE
    assert list(watching.overdue()) == []
    end = watching.take(contract("8", sold="0"))
    assert end is not None
    assert end.order == "8"


def test_an_end_is_the_answer_to_a_sale_and_not_told_beside_it() -> None:
    watching = Watching(lambda: NOW)
    watching.begin(contract())
    with watching.selling("7"):
        assert watching.take(contract(sold="11.00")) is None
    assert watching.ended("7") is not None


def test_what_was_looked_up_for_a_listing_takes_no_end_from_who_waits_for_it() -> None:
    watching = Watching(lambda: NOW)
    watching.begin(contract("7"))
    watching.remember(contract("7", sold="19.54"))
    watching.remember(contract("8", sold="19.54"))
    assert watching.ended("8") is not None
    assert watching.take(contract("7", sold="19.54")) is not None


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["runs", "over", "buy", "sell", "look"])), max_size=40)
)
@settings(max_examples=100)
def test_whatever_comes_in_whatever_order_an_end_is_told_once(steps: list[tuple[str, str]]) -> None:
    clock = Clock()
    watching = Watching(clock.now)
    told: list[str] = []
    over: set[str] = set()
    for name, what in steps:
        clock.at += SECOND
        if what == "runs" and name not in over:
            assert watching.take(contract(name)) is None
        elif what == "over":
            over.add(name)
            told += [each.order for each in (watching.take(contract(name, sold="19.54")),) if each is not None]
        elif what in ("buy", "sell"):
            watching.money_moved(moved(what, name))
        else:
            assert not set(watching.overdue()) & over
    assert sorted(told) == sorted(over)


def test_it_does_not_grow_for_ever() -> None:
    watching = Watching(lambda: NOW)
    for number in range(KEPT + 100):
        watching.name(str(number), f"order {number}")
        watching.begin(contract(str(number)))
        watching.take(contract(str(number), sold="0"))
    assert len(watching.ends()) == KEPT
    assert watching.order_of("0") == "0"

"""A flow and a practice venue as two programs in a storm: their books agree; and the comparison finds what does not."""

import asyncio
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench import networked
from bench.wire import books, storm
from bench.wire.books import Certificate, Order, Read
from bench.wire.figures import Lived
from bench.wire.flow import ACCOUNTS, PRODUCTS
from pipeline.broker.admin import fault_of
from pipeline.broker.faults import Fault

HELD = "10000.95"


# --- the storm -------------------------------------------------------------------------------------------------------


def drawn(seed: int, kinds: tuple[str, ...] = storm.KINDS, minutes: float = 10.0) -> list[storm.Fault]:
    return storm.drawn(seed, kinds, ACCOUNTS, PRODUCTS, minutes, 60.0)


def test_a_seed_draws_the_same_storm_again_and_another_one_another() -> None:
    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_ten_minutes_have_each_kind_of_fault_several_times_as_the_venue_takes_it() -> None:
    made = drawn(3)
    assert all(isinstance(fault_of(msgspec.json.encode(each)), Fault) for each in made)
    struck = Counter(each["what"] for each in made)
    assert set(struck) == set(storm.KINDS)
    assert {what for what, count in struck.items() if count < 4} == set(storm.TERMINAL), "these end an account"


# --- two programs ----------------------------------------------------------------------------------------------------


def lived(folder: Path, minutes: float, seed: int, kinds: tuple[str, ...], **keys: Any) -> Lived:
    return asyncio.run(networked.lived(folder, minutes, 60.0, seed, kinds, **keys))


def test_after_a_storm_each_intent_has_one_contract_or_none_and_every_cent_is_explained(tmp_path: Path) -> None:
    made = lived(tmp_path, 0.15, 1, storm.BRIEF)
    assert made.problems == [], made.text()
    assert made.struck.total() >= 5, made.text()
    assert len([each for each in made.ledger.orders if each.contract]) >= 5, made.text()
    assert set(made.ledger.last) == set(ACCOUNTS)
    assert all(not each.unexplained for each in made.ledger.last.values())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_killed_in_the_storm_both_programs_go_on_and_nothing_is_lost(tmp_path: Path, seed: int) -> None:
    made = lived(tmp_path, 1.5, seed, storm.SAFE + storm.TERMINAL, kills=True)
    assert made.problems == [], made.text()


@pytest.mark.slow
def test_what_others_do_on_the_accounts_and_what_the_venue_does_wrong_is_named(tmp_path: Path) -> None:
    made = lived(tmp_path, 1.5, 5, storm.KINDS)
    assert made.problems == [], made.text()
    told = "\n".join(each for one in made.ledger.certificates for each in one.unexplained)
    assert told.count("was placed by somebody else") >= made.struck["external"]


# --- two books -------------------------------------------------------------------------------------------------------


def order(name: str = "one", state: str = "SETTLED", contract: str = "7", **facts: Any) -> Order:
    made = Order(name, "demo-1", state, "", "", contract, Decimal("1.00"), Decimal("0.95"), "flow", 1, 2)
    return made._replace(**facts)


def problems(
    *orders: Order, lines: tuple[tuple[str, str, str], ...] = (("buy", "7", "-1.00"), ("sell", "7", "1.95"))
) -> list[str]:
    certificate = Certificate("demo-1", Decimal(HELD), ())
    ledger = Read(orders, (), (certificate,), {}, frozenset())
    entries = {"demo-1": [{"kind": kind, "contract": name, "amount": amount} for kind, name, amount in lines]}
    return books.differences(ledger, entries, {"demo-1": HELD})


def test_books_that_agree_have_no_differences() -> None:
    absent = order("two", "ABORT", "", cause="absent", profit=Decimal(0))
    assert problems(order(), absent) == []


@pytest.mark.parametrize(
    ("orders", "said"),
    [
        ((), "contract 7 of demo-1 is unknown to the ledger"),
        ((order(contract="8"),), "one has contract 8, which the venue has never sold"),
        ((order(profit=Decimal("0.94")),), r"one gained 0.94, its contract 0.95"),
        ((order(stake=Decimal("2.00")),), r"one staked 2.00, its contract 1.00"),
        ((order(state="UNKNOWN"),), "one is still UNKNOWN"),
        ((order(state="ABORT", cause="absent"),), "one has contract 7 and is ABORT"),
        ((order(), order("two", "ABORT", "", cause="")), "two is ABORT"),
        ((order(origin="external"),), "1 contracts were taken for somebody else's, 0 were"),
    ],
)
def test_whatever_two_books_do_not_agree_on_is_said(orders: tuple[Order, ...], said: str) -> None:
    assert any(said in each for each in problems(*orders))


def test_a_second_contract_of_an_intent_and_a_balance_that_is_not_explained_are_said() -> None:
    twice = (("buy", "7", "-1.00"), ("sell", "7", "1.95"), ("buy", "8", "-1.00"))
    assert problems(order(), lines=twice) == ["contract 8 of demo-1 is unknown to the ledger"]
    certificate = Certificate("demo-1", Decimal("10000.00"), ())
    ledger = Read((), (), (certificate,), {}, frozenset())
    assert books.differences(ledger, {}, {"demo-1": HELD}) == ["demo-1 holds 10000.95, its certificate says 10000.00"]

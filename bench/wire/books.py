"""The venue's own book held against the ledger: every intent, every contract, every cent."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

ENDED = frozenset({"SETTLED", "CANCELED", "ABORT"})
ABSENT = frozenset({"not_sent", "rejected", "absent"})
"""Why there is no contract of an order: each is proved."""


class Order(NamedTuple):
    order: str
    account: str
    state: str
    cause: str
    reason: str
    contract: str
    stake: Decimal
    profit: Decimal
    origin: str
    sent_at: int
    taken_at: int


class Certificate(NamedTuple):
    account: str
    closing: Decimal | None
    unexplained: tuple[str, ...]


class Read(NamedTuple):
    """A ledger, as far as it is compared."""

    orders: tuple[Order, ...]
    events: tuple[tuple[str, str], ...]
    """Each state that each order was in, in order."""
    certificates: tuple[Certificate, ...]
    audits: Mapping[str, str]
    """The verdict on each contract that was settled once more, by its order."""
    disputed: frozenset[str]
    """Orders of which the venue took something back: what was said first stands."""

    @property
    def last(self) -> Mapping[str, Certificate]:
        return {each.account: each for each in self.certificates}

    @property
    def doubts(self) -> Counter[str]:
        """How orders ended of which nobody knew for a while what had become of them."""
        doubted = {order for order, state in self.events if state == "UNKNOWN"}
        ended = {each.order: each for each in self.orders}
        return Counter(_end(ended[order]) for order in doubted)


NOTHING = Read((), (), (), {}, frozenset())


def read(path: Path) -> Read:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as ledger:
        columns = '"order", account, state, cause, reason, contract, stake, profit, origin, sent_at, taken_at'
        orders = tuple(_order(row) for row in ledger.execute(f"SELECT {columns} FROM orders"))  # noqa: S608
        events = tuple(ledger.execute('SELECT "order", state FROM order_events ORDER BY seq'))
        certificates = tuple(
            Certificate(account, None if held is None else Decimal(held), tuple(json.loads(unexplained)))
            for account, held, unexplained in ledger.execute(
                "SELECT account, closing, unexplained FROM certificates ORDER BY seq"
            )
        )
        audits = dict(ledger.execute('SELECT "order", verdict FROM audits'))
        disputed = frozenset(order for (order,) in ledger.execute('SELECT "order" FROM disputes'))
    return Read(orders, events, certificates, audits, disputed)


def _order(row: Sequence[Any]) -> Order:
    name, account, state, cause, reason, contract, stake, profit, origin, sent_at, taken_at = row
    gained = Decimal(profit or 0)
    return Order(name, account, state, cause, reason, contract, Decimal(stake), gained, origin, sent_at, taken_at)


def differences(
    ledger: Read, entries: Mapping[str, Sequence[Mapping[str, Any]]], balances: Mapping[str, str], by_hand: int = 0
) -> list[str]:
    """What the two do not agree on; `by_hand` contracts were bought by somebody else."""
    return [
        *_contracts(ledger, entries),
        *_intents(ledger.orders, by_hand),
        *_money(ledger.last, balances),
    ]


def _contracts(ledger: Read, entries: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    """Each contract of the venue is of one order, and gained to the cent what its order says."""
    known = {(each.account, each.contract): each for each in ledger.orders if each.contract}
    stakes, gained = dict[tuple[str, str], Decimal](), dict[tuple[str, str], Decimal]()
    for account, lines in entries.items():
        for line in lines:
            whose = account, str(line["contract"])
            if line["kind"] == "buy":
                stakes[whose] = -Decimal(line["amount"])
            elif line["kind"] == "sell":
                gained[whose] = Decimal(line["amount"]) - stakes[whose]
    for whose, stake in stakes.items():
        order = known.pop(whose, None)
        if order is None:
            yield f"contract {whose[1]} of {whose[0]} is unknown to the ledger"
        elif order.stake != stake:
            yield f"{order.order} staked {order.stake}, its contract {stake}"
        elif order.state not in ("SETTLED", "CANCELED"):
            yield f"{order.order} has contract {whose[1]} and is {order.state}"
        elif whose not in gained:
            yield f"{order.order} is {order.state} and contract {whose[1]} is still open"
        elif order.profit != gained[whose] and order.order not in ledger.disputed:
            yield f"{order.order} gained {order.profit}, its contract {gained[whose]}"
    for (account, contract), order in known.items():
        yield f"{order.order} has contract {contract}, which the venue has never sold to {account}"


def _intents(orders: Iterable[Order], by_hand: int) -> Iterator[str]:
    """Each intent has a contract, or it is proved that it has none."""
    others = 0
    for order in orders:
        others += order.origin != "flow"
        if order.state not in ENDED:
            yield f"{order.order} is still {order.state}: {order.reason}"
        elif order.state == "ABORT" and (order.cause not in ABSENT or order.contract):
            yield f"{order.order} is {order.state} ({order.cause}) with contract {order.contract!r}"
    if others != by_hand:
        yield f"{others} contracts were taken for somebody else's, {by_hand} were"


def _money(last: Mapping[str, Certificate], balances: Mapping[str, str]) -> Iterator[str]:
    for account, held in balances.items():
        certificate = last.get(account)
        if certificate is None:
            yield f"{account} has no certificate"
        elif certificate.closing != Decimal(held):
            yield f"{account} holds {held}, its certificate says {certificate.closing}"


def _end(order: Order) -> str:
    return f"{order.state} {order.cause}".strip() if order.state == "ABORT" else order.state

"""A broker's book held against a ledger."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.processes.broker import Broker, Deal

ENDED = ("SETTLED", "CANCELED", "ABORT")


def orders_of(folder: Path) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(folder / "data" / "ledger.db")) as ledger:
        ledger.row_factory = sqlite3.Row
        return ledger.execute("SELECT * FROM orders").fetchall()


def unintended(broker: Broker, folder: Path) -> list[str]:
    """Requests that reached the broker and are not in the ledger."""
    if not (folder / "data" / "ledger.db").exists():
        return [f"{request} was sent before there was a ledger" for request in broker.asked]
    known = {order["request"] for order in orders_of(folder)}
    return [f"{request} was sent without an intent" for request in broker.asked if request not in known]


def differences(broker: Broker, folder: Path) -> list[str]:
    """What the broker's book and the ledger do not agree on, or should not be in either."""
    return [*_doubled(broker), *_against(broker, orders_of(folder)), *_inside(folder)]


def _doubled(broker: Broker) -> Iterator[str]:
    for request, count in Counter(broker.asked).items():
        if count > 1:
            yield f"{request} was sent {count} times"
    for request, count in Counter(deal.request for deal in broker.deals.values()).items():
        if count > 1:
            yield f"{request} has {count} contracts"


def _against(broker: Broker, orders: list[sqlite3.Row]) -> Iterator[str]:
    by_request = {order["request"]: order for order in orders if order["origin"] == "flow"}
    for deal in broker.deals.values():
        order = by_request.get(deal.request)
        if order is None:
            yield f"{deal.contract} has no intent"
        elif order["contract"] != deal.contract:
            yield f"{deal.contract} is not the contract of its order, which has {order['contract'] or 'none'}"
        elif (said := _ended_otherwise(order, deal)) is not None:
            yield said
    contracts = set(broker.deals)
    for order in orders:
        if order["state"] not in ENDED:
            yield f"{order['order']} is still {order['state']}"
        if order["state"] in ("SETTLED", "CANCELED") and order["contract"] not in contracts:
            yield f"{order['order']} has a contract that the broker does not know"
        if order["origin"] != "flow":
            yield f"{order['order']} was taken for somebody else's"


def _ended_otherwise(order: sqlite3.Row, deal: Deal) -> str | None:
    if (order["state"], order["result"], float(order["profit"])) != ("SETTLED", deal.result, float(deal.profit)):
        found = f"{order['state']} {order['result']} {order['profit']}"
        return f"{order['order']} is {found}, the broker says {deal.result} {deal.profit}"
    return None


def _inside(folder: Path) -> Iterator[str]:
    """The ledger by itself."""
    with closing(sqlite3.connect(folder / "data" / "ledger.db")) as ledger:
        (said,) = ledger.execute("PRAGMA integrity_check").fetchone()
        if said != "ok":
            yield f"the file is damaged: {said}"
        last = dict(ledger.execute('SELECT "order", state FROM order_events ORDER BY seq'))
        for name, state in ledger.execute('SELECT "order", state FROM orders'):
            if last.get(name) != state:
                yield f"{name} is {state}, its last event {last.get(name)}"
        sent = "SELECT \"order\", count(*) FROM order_events WHERE state = 'SEND' GROUP BY 1 HAVING count(*) > 1"
        for name, count in ledger.execute(sent):
            yield f"{name} was sent {count} times"

"""What a broker lists of an account, page by page, put together: every page of one moment, or no statement at all."""

from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from typing import NamedTuple

from pipeline.connections.reading import Answer
from pipeline.connections.troubles import CallFailed
from pipeline.evidence import Cash
from pipeline.generic.contracts import Contract, contract_of

MOST_PAGES = 1000
"""A broker that never comes to an end is wrong."""
PAGE = 500
TRADES = frozenset({"buy", "sell"})

Query = dict[str, str]
Ask = Callable[[Query], Awaitable[Answer]]
"""Asks for a page."""


class Listed(NamedTuple):
    """Contracts as they stood at a moment of the broker's clock."""

    contracts: tuple[Contract, ...]
    as_of: int
    since: int = 0
    """From when on the broker knows all of them; 0: as far back as it was asked."""


class Money(NamedTuple):
    """What an account held at a moment, and what came or went without a contract."""

    balance: Decimal
    cash: tuple[Cash, ...]


class Entry(NamedTuple):
    """A movement of money."""

    number: str
    at: int
    kind: str
    amount: Decimal


async def contracts_of(ask: Ask, query: Query) -> Listed:
    """All contracts that a question is about."""
    found: dict[str, Contract] = {}
    as_of, since = None, 0
    async for page in _pages(ask, query | {"limit": str(PAGE)}):
        moment, since = page.whole("as_of"), max(since, page.whole("since", 0))
        if as_of is not None and moment != as_of:
            raise page.wrong("as_of", "is another than that of the page before")
        as_of = moment
        for row in page.rows("orders"):
            contract = contract_of(row)
            if contract.id in found:
                raise row.wrong("id", "is of a contract that was listed before")
            if max(contract.accepted_at, contract.closed_at) > as_of:
                raise row.wrong("accepted_at", "or closed_at is after as_of")
            found[contract.id] = contract
    assert as_of is not None, "there is a first page"
    return Listed(tuple(found.values()), as_of, since)


async def money_of(ask: Ask, since: int, until: int) -> Money:
    """What moved between two moments, and what was held at the second. Whether that adds up is for certificates."""
    entries: list[Entry] = []
    held = None
    async for page in _pages(ask, {"since": str(since), "until": str(until), "limit": str(PAGE)}):
        if page.whole("as_of") != until:
            raise page.wrong("as_of", "is not the moment that was asked for")
        balance = page.number("balance")
        if held is not None and balance != held:
            raise page.wrong("balance", "is another than on the page before")
        held = balance
        for row in page.rows("entries"):
            entry = _entry_of(row)
            if not since <= entry.at <= until:
                raise row.wrong("at", "is not within what was asked for")
            entries.append(entry)
    assert held is not None, "there is a first page"
    told = (each for each in entries if each.kind not in TRADES)
    return Money(held, tuple(Cash(each.number, each.at, each.amount, each.kind) for each in told))


async def _pages(ask: Ask, query: Query) -> AsyncIterator[Answer]:
    """Pages, one after another, to the last."""
    for _ in range(MOST_PAGES):
        page = await ask(query)
        yield page
        after = page.text("next", default="")
        if not after:
            return
        if after == query.get("after"):
            raise page.wrong("next", "is the page that was asked for")
        query = query | {"after": after}
    raise CallFailed("format", f"a listing has more than {MOST_PAGES} pages")


def _entry_of(row: Answer) -> Entry:
    return Entry(row.name("number"), row.whole("at"), row.text("kind"), row.number("amount"))

"""Answers to inquiries: all that has to be asked for a statement, in the order that makes it one of one moment."""

from collections.abc import Awaitable, Callable

from pipeline.connections.contract import Priority
from pipeline.connections.reading import Answer
from pipeline.connections.troubles import CallFailed
from pipeline.deriv import requests
from pipeline.deriv.accounting import as_of, balance_at, cash_of, listed_at, ordered, unlisted
from pipeline.deriv.ends import Naming, cents
from pipeline.deriv.requests import Request
from pipeline.deriv.shapes import Contract, Movement, balance_of, ended_of, movements_of, open_of
from pipeline.deriv.watching import Watching
from pipeline.evidence import Inquiry, Statement
from pipeline.times import SECOND

Ask = Callable[[Request, Priority], Awaitable[Answer]]
Time = Callable[[], Awaitable[int]]
One = Callable[[str], Awaitable[Contract | None]]
ENDED_ROWS, MONEY_ROWS = 500, 900
"""Rows of a page."""
PAGES = 40
"""A listing of more pages than these is given up: no span that is asked for has so many."""
LOOKED_UP = 60
"""Contracts of one statement that are asked for one by one, for the prices they went by."""


class Stating:
    """How one account's statements are put together."""

    def __init__(self, ask: Ask, one: One, time: Time, naming: Naming, watching: Watching, reach: int) -> None:
        """`reach`: a contract may have begun so much before it ended (ms)."""
        self._ask, self._one, self._time = ask, one, time
        self._naming, self._watching, self._reach = naming, watching, reach

    async def of_one(self, inquiry: Inquiry, at: Callable[[], int]) -> Statement:
        moment = as_of(await self._time())
        found = await self._one(inquiry.contract)
        contracts = () if found is None else (self._naming.listed(found, moment),)
        return Statement(
            inquiry.account, inquiry.number, inquiry.since, moment, at(), contracts, contract=inquiry.contract
        )

    async def of_all(self, inquiry: Inquiry, at: Callable[[], int]) -> Statement:
        """Its moment first, then the balance, then what runs, what ended, and the ledger last.

        A contract that ends meanwhile is in what ran or in what ended, and a line of the ledger is never missing of
        anything that was listed before.
        """
        moment = as_of(await self._time())
        balance, _ = balance_of(await self._ask(requests.BALANCE, "result"))
        known = list(open_of(await self._ask(requests.PORTFOLIO, "result")))
        known += await self._ended(max(SECOND, inquiry.since - self._reach))
        money = ordered(await self._money(max(SECOND, inquiry.since)))
        held = balance_at(money, moment, balance)
        brought = {each.contract: each.sold_for for each in known if each.sold_for is not None}
        known += [  # what we remember has its prices; where the venue has changed its mind since, it counts no more
            each
            for each in self._watching.ends()
            if each.sold_at >= inquiry.since and brought.get(each.contract, each.sold_for) == each.sold_for
        ]
        for name in unlisted(money, known, moment):
            found = await self._one(name)
            if found is None:
                raise CallFailed("format", f"contract {name} stands in the account's ledger and cannot be found")
            known.append(found)
        known += await self._with_prices(known, inquiry.since, moment)
        return Statement(
            inquiry.account,
            inquiry.number,
            inquiry.since,
            moment,
            at(),
            listed_at(known, self._naming, inquiry.since, moment),
            cash_of(money, inquiry.since, moment),
            cents(held),
        )

    async def _ended(self, since: int) -> list[Contract]:
        found: list[Contract] = []
        for page in range(PAGES):
            rows = ended_of(await self._ask(requests.profit_table(since, ENDED_ROWS, page * ENDED_ROWS), "result"))
            found += rows
            if len(rows) < ENDED_ROWS:
                return found
        raise CallFailed("format", f"more than {PAGES * ENDED_ROWS} contracts ended in the span that was asked for")

    async def _money(self, since: int) -> list[Movement]:
        found: list[Movement] = []
        for page in range(PAGES):
            rows = movements_of(await self._ask(requests.statement(since, MONEY_ROWS, page * MONEY_ROWS), "result"))
            found += rows
            if len(rows) < MONEY_ROWS:
                return found
        raise CallFailed(
            "format", f"the ledger has more than {PAGES * MONEY_ROWS} lines in the span that was asked for"
        )

    async def _with_prices(self, known: list[Contract], since: int, until: int) -> list[Contract]:
        """The ends of late once more, as each tells it of itself: the table of ends has no entry and no exit."""
        told = {each.contract for each in known if each.sold_for is not None and each.entry_ts}
        silent = {
            each.contract: each
            for each in known
            if each.sold_for is not None and since <= each.sold_at <= until and each.contract not in told
        }
        latest = sorted(silent.values(), key=lambda each: each.sold_at)[-LOOKED_UP:]
        found = [each for each in [await self._one(each.contract) for each in latest] if each is not None]
        for each in found:
            self._watching.remember(each)
        return found

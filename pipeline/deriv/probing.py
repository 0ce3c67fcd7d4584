"""Questions that Deriv's pages leave open, asked of a demo account: what it answers is written down and told.

Those that cost nothing come first. The others buy contracts of the smallest stake with the demo's money.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from decimal import Decimal
from typing import NamedTuple

from pipeline.connections.reading import Answer
from pipeline.connections.troubles import CallFailed
from pipeline.deriv import requests
from pipeline.deriv.offers import spans_of
from pipeline.deriv.refusals import Refused
from pipeline.deriv.requests import Request
from pipeline.deriv.shapes import bought_of, followed_of, moved_of, offer_of
from pipeline.deriv.wire import Wire
from pipeline.times import SECOND, duration

Note = Callable[[str], None]
SYMBOL = "R_100"
STAKE = Decimal(1)
SHORT = 15 * SECOND
MANY = 10_000
OVER = 20 * SECOND
"""So long after its expiry a contract is waited for."""


class Found(NamedTuple):
    """What came of a question."""

    question: str
    answer: str


class Probing:
    """One connection of a demo account, and what is asked over it."""

    def __init__(
        self,
        wire: Wire,
        note: Note,
        now: Callable[[], int],
        until: Callable[[int], Awaitable[None]],
        symbols: tuple[str, ...],
    ) -> None:
        self._wire, self._note, self._now, self._until, self._symbols = wire, note, now, until, symbols

    async def free(self) -> AsyncGenerator[Found]:
        """What can be asked without buying anything."""
        for symbol in self._symbols:
            yield await self._asked(f"which durations has {symbol}", lambda symbol=symbol: self._durations(symbol))
        for what, wrong in (
            ("a stake that is too small", {"amount": 0.01}),
            ("a stake with too many digits", {"amount": 1.005}),
            ("a duration of a second", {"duration": 1, "duration_unit": "s"}),
            ("a symbol that is none", {"underlying_symbol": "NO_SUCH"}),
            ("a field that is unknown", {"nobody_knows": 1}),
        ):
            yield await self._asked(f"how is {what} refused", lambda wrong=wrong: self._refusal(wrong))
        yield await self._asked(f"how many of {MANY} ticks come at once", self._many_ticks)

    async def dear(self) -> AsyncGenerator[Found]:
        """What has to be bought for: four contracts of the smallest stake."""
        yield await self._asked("may the price of one proposal be bought twice", self._bought_twice)
        yield await self._asked("does a price hold for ten seconds", self._held)
        yield await self._asked("what is told of money as a rise and a fall end", self._both_ways)

    async def _asked(self, question: str, ask: Callable[[], Awaitable[str]]) -> Found:
        self._note(question)
        try:
            return Found(question, await ask())
        except Refused as refused:
            return Found(question, f"refused: {refused.code}")
        except CallFailed as failed:
            return Found(question, f"no answer: {failed}")

    async def _durations(self, symbol: str) -> str:
        spans = spans_of(await self._wire.ask(requests.contracts_for(symbol), "history"))
        rises = [f"{each.shortest // SECOND} s to {each.longest // SECOND} s" for each in spans if each.kind == "CALL"]
        return ", ".join(rises) or "none that are times"

    async def _refusal(self, wrong: Request) -> str:
        asked = requests.proposal("CALL", SYMBOL, STAKE, "USD", duration("1m")) | wrong
        await self._wire.ask(asked, "history")
        return "it is not refused"

    async def _many_ticks(self) -> str:
        asked = {"ticks_history": SYMBOL, "style": "ticks", "end": "latest", "count": MANY}
        frame = await self._wire.ask(asked, "history")
        return str(len(frame.table("history").wholes("times")))

    async def _bought_twice(self) -> str:
        offer = offer_of(await self._proposal("CALL"))
        first = bought_of(await self._wire.ask(requests.buy(offer.id, offer.ask, "first"), "order", later=_let_be))
        try:
            again = await self._wire.ask(requests.buy(offer.id, offer.ask, "again"), "order", later=_let_be)
        except Refused as refused:
            return f"no: {refused.code}"
        second = bought_of(again)
        return "yes, it is another contract" if second.contract != first.contract else "it is the same contract again"

    async def _held(self) -> str:
        offer = offer_of(await self._proposal("PUT"))
        await self._until(self._now() + 10 * SECOND)
        bought = bought_of(await self._wire.ask(requests.buy(offer.id, offer.ask, "held"), "order", later=_let_be))
        return f"it was bought for {bought.price}, pays {bought.payout} and was offered to pay {offer.payout}"

    async def _both_ways(self) -> str:
        """Of a rise and a fall at least one is lost."""
        sales: dict[str, Decimal] = {}

        def moved(frame: Answer) -> None:
            line = moved_of(frame)
            if line is not None and line.what == "sell":
                sales[line.contract] = line.amount

        await self._wire.ask(requests.TRANSACTIONS, "order", later=moved)
        ends: dict[str, str] = {}
        over = asyncio.Event()

        def followed(frame: Answer) -> None:
            contract = followed_of(frame)
            if contract is not None and contract.sold_for is not None:
                ends[contract.contract] = contract.status
                if len(ends) == 2:
                    over.set()

        for kind in ("CALL", "PUT"):
            offer = offer_of(await self._proposal(kind))
            await self._wire.ask(requests.buy(offer.id, offer.ask, kind), "order", later=followed)
        waiting = asyncio.ensure_future(over.wait())
        late = asyncio.ensure_future(self._until(self._now() + SHORT + OVER))
        await asyncio.wait((waiting, late), return_when=asyncio.FIRST_COMPLETED)
        for each in (waiting, late):
            each.cancel()
        await asyncio.gather(waiting, late, return_exceptions=True)
        told = [f"{status}: {sales.get(contract, 'nothing')}" for contract, status in ends.items()]
        return ", ".join(sorted(told)) or "no end was told in time"

    async def _proposal(self, kind: str) -> Answer:
        return await self._wire.ask(requests.proposal(kind, SYMBOL, STAKE, "USD", SHORT), "order")


def _let_be(frame: Answer) -> None:
    """What a contract says of itself is on the tape."""

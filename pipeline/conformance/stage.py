"""A stage: a practice venue that listens, a flow's border on the same clock, and the connector between the two."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from pipeline.border import Border
from pipeline.broker.app import Served, serving
from pipeline.broker.core import Broker
from pipeline.broker.faults import Fault
from pipeline.broker.generic_calls import Manners
from pipeline.broker.settings import Account, Settings
from pipeline.calendar import Calendars
from pipeline.clocks import LoopClock
from pipeline.conformance.candidate import ACCOUNTS, PRODUCTS, SPEED, Candidate
from pipeline.conformance.market import Market
from pipeline.conformance.overhearing import Overheard
from pipeline.conformance.trading import Desk, Trader
from pipeline.connections.contract import Capabilities, Feed, Holder
from pipeline.evidence import Money, Trouble
from pipeline.secret import Practised
from pipeline.times import MINUTE, SECOND, parse_moment
from pipeline.trying import NoRecords

BEGAN = parse_moment("2026-01-05T10:00:00Z")
"""A Monday on which everything is traded."""
OPENED = 1.5
"""Seconds after the venue began a check begins: before its first second is over its accounts have no past."""
HISTORY = {MINUTE: 5}
"""Final bars that the flow wants before anything else."""


class Stage:
    """Where one check is made. All that is opened on it is let go of at its end."""

    def __init__(
        self, candidate: Candidate, served: Served, host: Border, heard: Overheard, stack: AsyncExitStack
    ) -> None:
        self.candidate, self.served, self.host, self.heard = candidate, served, host, heard
        self.unseen = list[str]()
        """What failed with nobody to hear of it, and what was left open: the loop told."""
        self._stack = stack

    @property
    def broker(self) -> Broker:
        return self.served.broker

    # --- who is graded -----------------------------------------------------------------------------------------------

    def declared(self) -> Capabilities | None:
        """What the connector declares before it is connected; None where it has no accounts."""
        if self.candidate.venue is None:
            return None
        holder = Holder(account=ACCOUNTS[0], money="practice", currency="USD")
        made = self.candidate.venue(self.served.url).connector(self.host, holder, Practised(), _let_be)
        self._stack.push_async_callback(made.close)
        return made.capabilities

    def desk(self, accounts: Iterable[str] = ACCOUNTS[:1], money: Money = "practice", currency: str = "USD") -> Desk:
        """Accounts that the flow keeps connected."""
        assert self.candidate.venue is not None, "a check of accounts needs a connector of them"
        holders = {each: Holder(account=each, money=money, currency=currency) for each in accounts}
        desk = Desk(self.host, self.broker, self.candidate.venue(self.served.url), holders)
        self._stack.push_async_callback(desk.close)
        return desk

    async def trader(self, account: str = ACCOUNTS[0]) -> Trader:
        """An account that is connected."""
        trader = self.desk((account,)).trader(account)
        await trader.stands("CONNECTED")
        return trader

    def feed(self) -> Feed:
        """Prices, asked for without a flow."""
        assert self.candidate.prices is not None, "a check of prices needs a source of them"
        feed = self.candidate.prices(self.served.url).feed(self.host, _let_be)
        self._stack.push_async_callback(feed.close)
        return feed

    def market(self, products: tuple[str, ...] = PRODUCTS) -> Market:
        """Prices as a flow hears them."""
        assert self.candidate.prices is not None, "a check of prices needs a source of them"
        market = Market(self.host, self.broker, self.candidate.prices(self.served.url).feed, products)
        self._stack.push_async_callback(market.close)
        return market

    # --- the venue ---------------------------------------------------------------------------------------------------

    def strike(self, what: str, **more: Any) -> None:
        """Set a fault: from now on it strikes."""
        self.broker.set(Fault(what=what, **more))  # pyright: ignore[reportArgumentType]  # words of checks of ours

    async def later(self, seconds: float) -> None:
        """Let so many seconds of the venue's clock pass."""
        await self.host.until(self.host.now() + int(seconds * SECOND))


@asynccontextmanager
async def staged(
    candidate: Candidate, seed: int, settings: Mapping[str, Any], manners: Mapping[str, Any]
) -> AsyncGenerator[Stage]:
    """A stage for one check, with a venue of its own seed."""
    given = dict(settings)
    accounts = given.pop("accounts", {name: Account() for name in ACCOUNTS})
    made = Settings(
        seed=seed, port=0, memory="", speed=SPEED, accounts=accounts, limits=given.pop("limits", False), **given
    )
    heard = Overheard(Manners(**manners))
    clock = LoopClock(asyncio.get_running_loop(), BEGAN, SPEED)
    async with serving(made, clock=clock, faces=(heard.add_to,)) as served, AsyncExitStack() as stack:
        host = Border(
            mode="paper",
            base=Path(),
            folder=Path(),
            flow="conformance",
            clock=clock,
            history=HISTORY,
            ledger=NoRecords(),
            calendars=Calendars(),
        )
        stack.push_async_callback(host.left)
        stage = Stage(candidate, served, host, heard, stack)
        asyncio.get_running_loop().set_exception_handler(lambda _, said: stage.unseen.append(str(said["message"])))
        await stage.later(OPENED)
        yield stage


def _let_be(trouble: Trouble) -> None:
    """What is mended on the way is no matter where nobody asks for it."""
    del trouble

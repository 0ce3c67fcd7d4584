"""What a win pays, asked of the venue now and then through whichever account has the most room for it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from math import isfinite, nan

import numpy as np

from pipeline.connections.asking import asked
from pipeline.connections.contract import Connector
from pipeline.connections.keeping import Keeper
from pipeline.connections.troubles import CallFailed
from pipeline.connections.waiting import ended, passed
from pipeline.host import Host
from pipeline.times import SECOND
from pipeline.values import Payouts

UNKNOWN_AFTER = 3
"""After so many rounds without an answer in a row a payout is not known any more."""
APART = 0.25
"""Seconds between the questions for two products as an account comes back, at the most."""
HIGHEST = 100.0
"""No venue pays a hundred times the stake for a rise or a fall: such an answer is a slip."""


class Quoting:
    """The payouts of a venue's products, as any of its accounts that are connected hears them.

    A product with several timeframes has the least that one of them pays. What changed is given; what is not offered,
    or was not heard of for three rounds, is NaN: nothing is decided on a payout of before.
    """

    def __init__(
        self,
        host: Host,
        keepers: Mapping[str, Keeper],
        quoted: Sequence[tuple[str, int]],
        give: Callable[[Payouts], None],
        *,
        every: int,
        stake: Decimal,
        deadline: float,
    ) -> None:
        self._host, self._keepers, self._give = host, keepers, give
        self._every, self._stake, self._deadline = every / SECOND, stake, deadline
        self._slots: dict[str, list[int]] = {}
        for product, tf in quoted:
            self._slots.setdefault(product, []).append(tf)
        self._asked = Counter[str]()
        self._failed = Counter[str]()
        """How many questions each account failed to answer, in a row."""
        self._said: dict[str, float] = {}
        self._came = asyncio.Event()
        """Set once another account is connected."""

    @property
    def products(self) -> tuple[str, ...]:
        return tuple(self._slots)

    def notice(self) -> None:
        """An account is connected: who waited for that may ask now."""
        self._came.set()
        self._came = asyncio.Event()

    async def follow(self, product: str) -> None:
        """Ask about one product for ever. Products take turns within a round, so that they do not come all at once."""
        products = self.products
        turn = min(self._every / len(products), APART) * products.index(product)
        await passed(self._host, turn)
        unanswered = 0
        while True:
            keeper = self._cheapest()
            paid = None if keeper is None else await self._paid(keeper, product)
            unanswered = unanswered + 1 if paid is None else 0
            if paid is not None:
                self._say(product, paid)
            elif unanswered >= UNKNOWN_AFTER:
                self._say(product, nan)
            if keeper is None and await self._connected():
                await passed(self._host, turn)
            elif keeper is not None:
                await passed(self._host, self._every)

    async def _connected(self) -> bool:
        """Wait for the next round; whether an account was connected before that."""
        came = asyncio.ensure_future(self._came.wait())
        round_ = asyncio.ensure_future(passed(self._host, self._every))
        try:
            await asyncio.wait((came, round_), return_when=asyncio.FIRST_COMPLETED)
            return came.done()
        finally:
            await ended(came)
            await ended(round_)

    def _cheapest(self) -> Keeper | None:
        """The connected account that answers and was asked least."""
        able = [each for each in self._keepers.values() if each.connection is not None]
        return min(able, key=lambda each: (self._failed[each.account], self._asked[each.account]), default=None)

    async def _paid(self, keeper: Keeper, product: str) -> float | None:
        """What it pays: NaN when it is not offered, None when there is no answer."""
        connection = keeper.connection
        assert connection is not None, "who is asked is connected"
        self._asked[keeper.account] += 1
        patience = self._deadline * len(self._slots[product])
        call = self._least(connection.connector, product)
        try:
            paid = await asked(call, patience, f"no payout of {product} within {patience:g} s")
        except CallFailed as failure:
            self._failed[keeper.account] += 1
            keeper.call_failed(connection, failure)
            return None
        self._failed[keeper.account] = 0
        return paid

    async def _least(self, connector: Connector, product: str) -> float:
        """The least that one of its timeframes pays; NaN where none is offered."""
        paid = [await connector.payout(product, tf, self._stake) for tf in self._slots[product]]
        known = [each for each in paid if each is not None]
        if not all(isfinite(each) and 0 < each < HIGHEST for each in known):
            raise CallFailed("format", f"the payout of {product} cannot be: {known}")
        return min(known, default=nan)

    def _say(self, product: str, paid: float) -> None:
        said = self._said.get(product)
        if said is not None and (said == paid or (said != said and paid != paid)):
            return
        self._said[product] = paid
        self._give(Payouts(product, np.array([self._host.now()]), np.array([paid])))

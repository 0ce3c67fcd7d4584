"""Connectors with a defect each, for the conformance kit to catch: parts that wrap or subclass ours."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from dataclasses import replace as changed
from decimal import Decimal
from typing import Any, cast

from msgspec.structs import replace

from pipeline.connections.contract import Capabilities, Connector, Feed, Hear, Holder, Outside, Warn
from pipeline.connections.reading import Answer
from pipeline.connections.troubles import CallFailed
from pipeline.deriv.connector import DerivConnector
from pipeline.deriv.shapes import Contract
from pipeline.evidence import Closing, Inquiry, Statement
from pipeline.generic.connector import GenericConnector
from pipeline.parts import source, venue
from pipeline.secret import Logins, Practised
from pipeline.values import Ack, Bars, Order, Quotes, Settlement
from sinks.deriv import Deriv
from sinks.http import Http
from sources.http import Http as HttpPrices


class Passing:
    """A connector that passes everything on: each defect does one thing otherwise."""

    def __init__(self, make: Callable[[], Connector]) -> None:
        self.make, self.inner = make, make()

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    async def open(self) -> None:
        await self.inner.open()

    async def follow(self, hear: Hear) -> None:
        await self.inner.follow(hear)

    async def place(self, order: Order) -> Ack:
        return await self.inner.place(order)

    async def statement(self, inquiry: Inquiry) -> Statement:
        return await self.inner.statement(inquiry)

    async def sell(self, closing: Closing) -> Settlement:
        return await self.inner.sell(closing)

    async def payout(self, product: str, tf: int, stake: Decimal) -> float | None:
        return await self.inner.payout(product, tf, stake)

    async def clock(self) -> int:
        return await self.inner.clock()

    async def close(self) -> None:
        await self.inner.close()


@dataclass(frozen=True, kw_only=True)
class Wrapping(Http):
    """Declares a connector that is wrapped in a defect."""

    def wrapped(self, make: Callable[[], Connector]) -> Connector:
        raise NotImplementedError

    def connector(self, host: Outside, holder: Holder, logins: Logins, warn: Warn) -> Connector:
        usual = super().connector
        return self.wrapped(lambda: usual(host, holder, logins, warn))


# --- orders ----------------------------------------------------------------------------------------------------------


@venue
class Resends(Wrapping):
    """Sends an order again when nobody answered it."""

    def wrapped(self, make: Callable[[], Connector]) -> Connector:
        return _Resends(make)


class _Resends(Passing):
    async def place(self, order: Order) -> Ack:
        try:
            return await super().place(order)
        except CallFailed as failure:
            if failure.fate != "unknown":
                raise
        return await super().place(order)


@venue
class TakesSilenceForNo(Wrapping):
    """Says that an order was refused when nobody knows."""

    def wrapped(self, make: Callable[[], Connector]) -> Connector:
        return _TakesSilenceForNo(make)


class _TakesSilenceForNo(Passing):
    async def place(self, order: Order) -> Ack:
        try:
            return await super().place(order)
        except CallFailed as failure:
            raise CallFailed(failure.kind, str(failure), fate="refused") from None


@venue
class DeclaresTooMuch(Deriv):
    """Declares that its listings name our orders, which they do not."""

    @property
    def manner(self) -> Any:
        manner = super().manner
        evidence = changed(manner.capabilities.evidence, echoes=True)
        return changed(manner, capabilities=changed(manner.capabilities, evidence=evidence))


@venue
class CountsNoCalls(Deriv):
    """Asks as often as it likes."""

    @property
    def manner(self) -> Any:
        manner = super().manner
        return changed(manner, capabilities=changed(manner.capabilities, limits=()))


# --- ends ------------------------------------------------------------------------------------------------------------


@venue
class TakesExpiryForTheEnd(Deriv):
    """Takes the frame of a contract that has expired and is not sold yet for its end."""

    def connector(self, host: Outside, holder: Holder, logins: Logins, warn: Warn) -> Connector:
        return _TakesExpiryForTheEnd(self.manner, holder, Practised(), warn, host.now, host.until)


class _TakesExpiryForTheEnd(DerivConnector):
    def _take(self, contract: Contract) -> None:
        if contract.sold_for is None and contract.expiry and self._now() >= contract.expiry:
            contract = contract._replace(sold_for=Decimal(0), sold_at=contract.expiry)
        super()._take(contract)


@venue
class ForgetsToFollow(Wrapping):
    """Hears nothing any more after its connection was made anew."""

    def wrapped(self, make: Callable[[], Connector]) -> Connector:
        return _ForgetsToFollow(make)


class _ForgetsToFollow(Passing):
    followed = False

    async def follow(self, hear: Hear) -> None:
        first, self.followed = not self.followed, True
        await super().follow(hear if first else lambda told: None)


# --- statements ------------------------------------------------------------------------------------------------------


@venue
class GivesTheFirstPage(Http):
    """Takes the first page of a listing for all of it."""

    def connector(self, host: Outside, holder: Holder, logins: Logins, warn: Warn) -> Connector:
        return _GivesTheFirstPage(self._terms(), holder, lambda: Practised().of(holder.account), host, warn)


class _GivesTheFirstPage(GenericConnector):
    async def _orders(self, query: Any) -> Answer:
        answer = await super()._orders(query)
        return Answer({**cast("dict[str, Any]", answer.raw), "next": None}, "GET /orders")


LATER = 20
"""So many statements are looked at for a balance that is another."""


@venue
class TakesLaterBalance(Wrapping):
    """Gives the balance of a later moment than that of its contracts."""

    def wrapped(self, make: Callable[[], Connector]) -> Connector:
        return _TakesLaterBalance(make)


class _TakesLaterBalance(Passing):
    async def statement(self, inquiry: Inquiry) -> Statement:
        first = second = await super().statement(inquiry)
        for _ in range(LATER):
            second = await super().statement(inquiry)
            if second.balance != first.balance:
                break
        return replace(first, balance=second.balance)


@venue
class LeavesOutStrangers(Wrapping):
    """Lists its own contracts alone."""

    def wrapped(self, make: Callable[[], Connector]) -> Connector:
        return _LeavesOutStrangers(make)


class _LeavesOutStrangers(Passing):
    async def statement(self, inquiry: Inquiry) -> Statement:
        statement = await super().statement(inquiry)
        return replace(statement, contracts=tuple(each for each in statement.contracts if each.request))


@venue
class GivesWhatThereIs(Wrapping):
    """Takes a listing that failed for one without contracts."""

    def wrapped(self, make: Callable[[], Connector]) -> Connector:
        return _GivesWhatThereIs(make)


class _GivesWhatThereIs(Passing):
    async def statement(self, inquiry: Inquiry) -> Statement:
        try:
            return await super().statement(inquiry)
        except CallFailed:
            return Statement(inquiry.account, inquiry.number, inquiry.since, inquiry.at, inquiry.at)


# --- connections -----------------------------------------------------------------------------------------------------


@venue
class LogsInAgain(Wrapping):
    """Tries a login again and again that was refused."""

    def wrapped(self, make: Callable[[], Connector]) -> Connector:
        return _LogsInAgain(make)


class _LogsInAgain(Passing):
    async def open(self) -> None:
        for _ in range(10):
            try:
                return await super().open()
            except CallFailed:
                await self.inner.close()
        return await super().open()


@venue
class AsksOnAnotherConnection(Wrapping):
    """Asks at once by a second connection what was refused as too often on the first."""

    def wrapped(self, make: Callable[[], Connector]) -> Connector:
        return _AsksOnAnotherConnection(make)


class _AsksOnAnotherConnection(Passing):
    def __init__(self, make: Callable[[], Connector]) -> None:
        super().__init__(make)
        self.spare = make()

    async def open(self) -> None:
        await asyncio.gather(super().open(), self.spare.open())

    async def statement(self, inquiry: Inquiry) -> Statement:
        try:
            return await super().statement(inquiry)
        except CallFailed as failure:
            if failure.kind != "throttle":
                raise
        return await self.spare.statement(inquiry)

    async def close(self) -> None:
        await super().close()
        await self.spare.close()


@venue
class LeavesWorkBehind(Wrapping):
    """Goes on with something after it was closed."""

    def wrapped(self, make: Callable[[], Connector]) -> Connector:
        return _LeavesWorkBehind(make)


class _LeavesWorkBehind(Passing):
    async def open(self) -> None:
        await super().open()
        self.works = asyncio.ensure_future(asyncio.Event().wait())


# --- prices ----------------------------------------------------------------------------------------------------------


@source
class SubscribesOnce(HttpPrices):
    """Subscribes to one product alone after a connection broke."""

    def feed(self, host: Outside, warn: Warn) -> Feed:
        return _SubscribesOnce(super().feed(host, warn))


class PassingFeed:
    """A feed that passes everything on."""

    def __init__(self, inner: Feed) -> None:
        self.inner = inner

    async def history(self, product: str, tf: int, since: int, until: int) -> Bars:
        return await self.inner.history(product, tf, since, until)

    async def ticks(self, product: str, since: int, until: int) -> Quotes:
        return await self.inner.ticks(product, since, until)

    def live(self, products: tuple[str, ...]) -> AsyncIterator[Quotes]:
        return self.inner.live(products)

    async def close(self) -> None:
        await self.inner.close()


class _SubscribesOnce(PassingFeed):
    lived = False

    def live(self, products: tuple[str, ...]) -> AsyncIterator[Quotes]:
        some, self.lived = products[:1] if self.lived else products, True
        return super().live(some)


@source
class LosesQuotes(HttpPrices):
    """Leaves out every fifth quote."""

    def feed(self, host: Outside, warn: Warn) -> Feed:
        return _LosesQuotes(super().feed(host, warn))


class _LosesQuotes(PassingFeed):
    async def live(self, products: tuple[str, ...]) -> AsyncIterator[Quotes]:
        count = 0
        async for quotes in super().live(products):
            count += 1
            if count % 5:
                yield quotes


@source
class GivesWhatIsForming(HttpPrices):
    """Gives the bar that is still forming as if it were final."""

    def feed(self, host: Outside, warn: Warn) -> Feed:
        return _GivesWhatIsForming(super().feed(host, warn))


class _GivesWhatIsForming(PassingFeed):
    async def history(self, product: str, tf: int, since: int, until: int) -> Bars:
        bars = await super().history(product, tf, since, until)
        last = bars.rows(len(bars) - 1, len(bars), 0)
        return bars.followed_by(changed(last, open_ts=last.open_ts + tf)).rows(0, len(bars) + 1, 0)

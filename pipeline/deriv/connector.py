"""One account's connection to Deriv's options API: `pipeline.connections.contract.Connector`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import NoReturn

from pipeline.connections.budgets import Budgets, Common
from pipeline.connections.contract import Capabilities, Hear, Holder, Priority, Told, Warn
from pipeline.connections.counts import Counts
from pipeline.connections.offset import Offset
from pipeline.connections.reading import Answer
from pipeline.connections.troubles import CallFailed
from pipeline.deriv import requests
from pipeline.deriv.buying import Buying
from pipeline.deriv.ends import settlement
from pipeline.deriv.manner import Manner
from pipeline.deriv.offers import Offers, refused
from pipeline.deriv.refusals import NOT_OFFERED, NOT_THERE, Refused, certain
from pipeline.deriv.requests import Request
from pipeline.deriv.session import Session
from pipeline.deriv.shapes import (
    Account,
    Contract,
    followed_of,
    moved_of,
    offer_of,
    open_of,
    sold_of,
    time_of,
)
from pipeline.deriv.stating import Stating
from pipeline.deriv.watching import Watching
from pipeline.deriv.wire import Wire
from pipeline.evidence import Closing, Inquiry, Statement, Trouble
from pipeline.orders import leaves_by
from pipeline.secret import Logins
from pipeline.times import MINUTE, SECOND
from pipeline.values import Ack, Direction, Order, Settlement

LOOKED_AFTER = 1 * SECOND
"""How often it is looked whether a contract's end is overdue."""


class DerivConnector:
    """It logs in, buys, follows what it bought until its end, and lists what the account holds."""

    def __init__(
        self,
        manner: Manner,
        holder: Holder,
        logins: Logins,
        warn: Warn,
        now: Callable[[], int],
        until: Callable[[int], Awaitable[None]],
        common: Common | None = None,
    ) -> None:
        self.manner, self.holder, self.logins, self._warn = manner, holder, logins, warn
        self._now, self._until = now, until
        self._budgets = Budgets(manner.capabilities.limits, now, until, common=common)
        self._offset = Offset()
        self.counts = Counts(now)
        self._watching = Watching(now)
        self._offers = Offers(self._ask, now)
        self._turns: dict[tuple[str, Direction], asyncio.Lock] = {}
        self._hear: Hear | None = None
        self._early: list[Told] = []
        """What was heard before anybody wanted to."""
        self._session: Session | None = None
        self._wire: Wire | None = None
        self._halted: asyncio.Future[NoReturn] | None = None

    @property
    def capabilities(self) -> Capabilities:
        return self.manner.capabilities

    @property
    def introduction(self) -> Mapping[str, str]:
        if self._session is None or self._wire is None:
            return {}
        account = self._session.account
        balance = "not told" if account.balance is None else f"{account.balance} {account.currency}"
        return {
            "account": account.id,
            "money": account.money,
            "currency": account.currency,
            "balance": balance,
            "what the token may do": "Deriv does not say: make one that may trade and nothing else",
        }

    # --- connecting --------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        await self.close()
        login = self.logins.of(self.holder.account)
        session = self._session = Session(self.manner, self.holder, login, self._budgets, self._complain, self.counts)
        await session.open()
        self._wire, self._halted = session.wire, asyncio.get_running_loop().create_future()
        await self._catch_up(session.wire, session.account)

    async def follow(self, hear: Hear) -> None:
        session, halted = self._session, self._halted
        if session is None or halted is None:
            raise CallFailed("network", "there is no connection")
        reading, self._hear = session.reading, hear
        early, self._early = self._early, []
        for told in early:
            hear(told)
        looking = asyncio.create_task(self._look_after())
        try:
            await asyncio.wait({reading, halted, looking}, return_when=asyncio.FIRST_COMPLETED)
            for each in (halted, reading, looking):  # what a person has to look at comes first
                if each.done():
                    await each
        except asyncio.CancelledError:
            if reading.cancelled():
                raise CallFailed("network", "the connection was closed here") from None
            raise
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def close(self) -> None:
        self._hear, self._wire = None, None
        session, self._session = self._session, None
        if session is not None:
            await session.close()
        halted, self._halted = self._halted, None
        if halted is not None and not halted.cancel():
            halted.exception()

    async def _catch_up(self, wire: Wire, account: Account) -> None:
        """Know what the account holds and follow it, before anything is bought."""
        await self.clock()
        asked = {**requests.BALANCE, "subscribe": 1}
        first = await wire.ask(asked, "order", later=_let_be)
        if first.table("balance").text("loginid", default=account.id) != account.id:
            raise CallFailed("auth", f"the socket of {self.holder.account} is of another account", final=True)
        await wire.ask(requests.TRANSACTIONS, "order", later=self._moved)
        running = list(open_of(await wire.ask(requests.PORTFOLIO, "order")))
        there = {each.contract for each in running}
        for contract in self._watching.running():
            if contract not in there:
                await self._look(contract)
        for each in running:
            self._watching.begin(each)
            try:
                frame = await wire.ask(
                    requests.open_contract(each.contract, subscribe=True), "result", later=self._followed
                )
            except Refused as gone:
                if gone.code not in NOT_THERE:
                    raise
                continue
            self._followed(frame)

    # --- orders ------------------------------------------------------------------------------------------------------

    async def place(self, order: Order) -> Ack:
        wire = self._open_wire()
        if self._halted is not None and self._halted.done():
            raise CallFailed("rule", "nothing is bought: what was bought last is not what was ordered", fate="unsent")
        by = leaves_by(order)
        await self._check(order)
        buying = Buying(
            order,
            self.manner.naming,
            self._now,
            self.holder.currency,
            self.manner.payout_slack,
            self._overheard,
            self._told_of,
        )
        # One purchase of a kind at a time: which contract is of which order is then never in doubt.
        async with self._turns.setdefault((order.product, order.direction), asyncio.Lock()):
            ack = await buying.bought(wire, by, self.manner.requotes)
        self._bought(buying)
        return ack

    async def _check(self, order: Order) -> None:
        """What can be known before a price is asked for. Whatever fails here, nothing was bought."""
        if not self._offset.known and self.holder.money != "practice":
            raise CallFailed("rule", "how far its clock is from ours is not known", fate="unsent")
        if self._offset.apart(self.manner.most_apart):
            what = f"its clock is {self._offset.ms / SECOND:+.1f} s from ours, and max_clock_offset_ms"
            raise CallFailed("rule", f"{what} is {self.manner.most_apart}; set this machine's clock", fate="unsent")
        naming = self.manner.naming
        symbol, kind = naming.symbol(order.product), naming.kinds[order.direction]
        try:
            why = await self._offers.refusal(order.product, symbol, kind, order.tf, "order")
        except CallFailed as failed:
            raise certain(failed) from None
        if why:
            raise refused(order.product, why)

    def _overheard(self, buying: Buying) -> None:
        """Something else than its answer tells that an order has a contract, or its answer after nobody waited."""
        self._bought(buying)
        if buying.contract is not None:
            self._tell(buying.ack(buying.contract))

    def _bought(self, buying: Buying) -> None:
        contract = buying.contract
        if contract is None:
            return
        self._watching.name(contract.contract, buying.order.order)
        self._watching.begin(contract._replace(expiry=contract.expiry or contract.start + buying.order.tf))
        self._compare(buying, contract)

    def _told_of(self, buying: Buying, contract: Contract) -> None:
        """A contract of ours says how it stands."""
        self._compare(buying, contract)
        self._take(contract)

    def _compare(self, buying: Buying, contract: Contract) -> None:
        if why := buying.amiss(contract):
            self._halt(f"contract {contract.contract} of order {buying.order.order} is not what was ordered: {why}")

    def _halt(self, why: str) -> None:
        """What was bought is not what was ordered: nothing more is, until somebody has looked."""
        if self._halted is not None and not self._halted.done():
            self._warn(Trouble(self.holder.account, "rule", why, self._now()))
            self._halted.set_exception(CallFailed("rule", why, final=True))

    async def sell(self, closing: Closing) -> Settlement:
        wire = self._open_wire()
        self._watching.name(closing.contract, closing.order)
        with self._watching.selling(closing.contract):
            try:
                sold_for = sold_of(await wire.ask(requests.sell(closing.contract), "order"))
                told = self._watching.ended(closing.contract) or await self._contract(closing.contract)
            except CallFailed:
                told, sold_for = self._watching.ended(closing.contract), None
                if told is None:  # else it ended meanwhile, which is the answer
                    raise
            if told is None or told.sold_for is None:
                raise CallFailed("format", f"contract {closing.contract} was sold for {sold_for} and says that it runs")
            self._watching.take(told)
        return settlement(told, closing.order)

    # --- questions ---------------------------------------------------------------------------------------------------

    async def statement(self, inquiry: Inquiry) -> Statement:
        self._open_wire()
        stating = Stating(self._ask, self._contract, self._time, self.manner.naming, self._watching, self.manner.reach)
        return await (stating.of_one if inquiry.contract else stating.of_all)(inquiry, self._now)

    async def payout(self, product: str, tf: int, stake: Decimal) -> float | None:
        naming, ratios = self.manner.naming, list[float]()
        for kind in naming.kinds.values():
            if await self._offers.refusal(product, naming.symbol(product), kind, tf, "quote"):
                return None
            asked = requests.proposal(kind, naming.symbol(product), stake, self.holder.currency, tf)
            try:
                ratios.append(offer_of(await self._ask(asked, "quote")).ratio)
            except Refused as refused:
                if refused.code not in NOT_OFFERED:
                    raise
                return None
        return min(ratios)

    async def clock(self) -> int:
        return await self._time() + SECOND // 2

    async def _time(self) -> int:
        """The whole second that it is there."""
        sent = self._now()
        told = time_of(await self._ask(requests.TIME, "result"))
        self._offset.dated(told, sent, self._now())
        if self._offset.parted(self.manner.most_apart):
            what = f"its clock is {self._offset.ms / SECOND:+.1f} s from ours: nothing is bought until they agree"
            self._warn(Trouble(self.holder.account, "rule", f"{what}; set this machine's clock", self._now()))
        return told

    # --- what is heard -----------------------------------------------------------------------------------------------

    def _followed(self, frame: Answer) -> bool:
        contract = followed_of(frame)
        if contract is None:
            return False
        self._take(contract)
        return contract.sold_for is not None

    def _take(self, contract: Contract) -> None:
        end = self._watching.take(contract)
        if end is not None:
            self._tell(end)

    def _moved(self, frame: Answer) -> None:
        moved = moved_of(frame)
        if moved is not None:
            self._watching.money_moved(moved)

    def _tell(self, told: Told) -> None:
        if self._hear is None:
            self._early.append(told)
        else:
            self._hear(told)

    async def _look_after(self) -> None:
        """Ask for each contract whose end should have been told, and every minute for the venue's clock."""
        asked = self._now()
        while True:
            await self._until(self._now() + LOOKED_AFTER)
            for contract in self._watching.overdue():
                await self._again_if_failed(self._look(contract))
            if abs(self._now() - asked) >= MINUTE:
                asked = self._now()
                await self._again_if_failed(self._time())

    async def _again_if_failed(self, asking: Awaitable[object]) -> None:
        """What is asked again soon may fail as long as the connection holds."""
        try:
            await asking
        except CallFailed as failed:
            if self._wire is None or self._wire.ended is not None or failed.kind == "auth":
                raise
            self._complain(failed)

    async def _look(self, contract: str) -> None:
        told = await self._contract(contract)
        if told is None:
            self._watching.gone(contract)
        else:
            self._take(told)

    async def _contract(self, contract: str) -> Contract | None:
        """What a contract says of itself; None where the venue knows none of that name."""
        try:
            return followed_of(await self._ask(requests.open_contract(contract), "result"))
        except Refused as refused:
            if refused.code in NOT_THERE:
                return None
            raise

    async def _ask(self, request: Request, priority: Priority) -> Answer:
        return await self._open_wire().ask(request, priority)

    def _open_wire(self) -> Wire:
        if self._wire is None:
            raise CallFailed("network", "there is no connection", fate="unsent")
        return self._wire

    def _complain(self, wrong: CallFailed) -> None:
        self._warn(Trouble(self.holder.account, wrong.kind, str(wrong), self._now()))


def _let_be(frame: Answer) -> None:
    """What is told anew of the balance says nothing that the ledger of the account does not say better."""

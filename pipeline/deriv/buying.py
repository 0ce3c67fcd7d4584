"""A purchase: a price is asked for, held against what was wanted, and taken once; so is what was bought."""

from collections.abc import Callable

from pipeline.connections.reading import Answer
from pipeline.connections.troubles import CallFailed
from pipeline.deriv import requests
from pipeline.deriv.ends import Naming
from pipeline.deriv.refusals import REQUOTED, Refused, certain
from pipeline.deriv.shapes import Contract, Offer, bought_of, followed_of, offer_of
from pipeline.deriv.wire import Wire
from pipeline.gains import CENT
from pipeline.values import Ack, Order


class Buying:
    """One order on its way. It is sent once: a purchase that nobody answers is never made again."""

    def __init__(
        self,
        order: Order,
        naming: Naming,
        now: Callable[[], int],
        currency: str,
        slack: float,
        overheard: Callable[["Buying"], None],
        followed: Callable[["Buying", Contract], None],
    ) -> None:
        """`overheard` is called when something else than its answer tells of the contract, or its answer too late;
        `followed` each time the contract says more."""
        self.order = order
        self.contract: Contract | None = None
        self._kind, self._symbol = naming.kinds[order.direction], naming.symbol(order.product)
        self._now, self._currency, self._slack = now, currency, slack
        self._overheard, self._followed = overheard, followed

    async def bought(self, wire: Wire, by: int | None, requotes: int) -> Ack:
        for left in range(requotes, -1, -1):
            offer = await self._offered(wire, by)
            if self.contract is not None:  # it was made all the same
                return self.ack(self.contract)
            try:
                await self._buy(wire, offer, by)
            except CallFailed as failed:
                moved = isinstance(failed, Refused) and failed.code in REQUOTED
                if self.contract is None and not (moved and left):
                    raise
            if self.contract is not None:
                return self.ack(self.contract)
        raise AssertionError("the last try ends with a contract or a failure")

    def ack(self, contract: Contract) -> Ack:
        order = self.order
        expiry = contract.expiry or contract.start + order.tf
        return Ack(order.order, contract.contract, contract.start, expiry, contract.ratio)

    def amiss(self, contract: Contract) -> str:
        """In what a contract is not the one that was ordered; nothing when it is."""
        order, terms = self.order, contract.terms
        kind, symbol = contract.kind or self._kind, contract.symbol or self._symbol
        lasts = contract.expiry - contract.start if contract.expiry else order.tf
        if kind != self._kind:
            return f"it is a {kind}, and {self._kind} was ordered"
        if symbol != self._symbol:
            return f"it is of {symbol}, and {self._symbol} was ordered"
        if terms is not None and terms.barrier:
            return f"it has a barrier {terms.barrier} pips from its entry, and none was ordered"
        if contract.price != order.stake:
            return f"it cost {contract.price}, and the stake is {order.stake}"
        if lasts != order.tf:
            return f"it lasts {lasts / 1000:g} s, and {order.tf / 1000:g} s were ordered"
        return ""

    async def _offered(self, wire: Wire, by: int | None) -> Offer:
        """What it would cost and pay now. Whatever fails here, nothing was bought."""
        order = self.order
        self._check_time(by)
        asked = requests.proposal(self._kind, self._symbol, order.stake, self._currency, order.tf)
        try:
            offer = offer_of(await wire.ask(asked, "order", by=by))
        except Refused as refused:
            raise certain(refused, "refused" if refused.kind in ("rule", "format") else "unsent") from None
        except CallFailed as failed:
            raise certain(failed) from None
        if why := self._unlike(offer):
            raise CallFailed("rule", why, fate="refused")
        return offer

    def _unlike(self, offer: Offer) -> str:
        order = self.order
        if offer.ask != order.stake:
            return f"it would cost {offer.ask}, and the stake is {order.stake}"
        if offer.lasts is not None and offer.lasts != order.tf:
            return f"it would last {offer.lasts / 1000:g} s, and {order.tf / 1000:g} s were asked for"
        if offer.ratio < order.payout - self._slack - float(CENT / order.stake):  # told to the cent
            return f"the payout fell to {offer.ratio:.4g} from {order.payout:.4g}"
        return ""

    async def _buy(self, wire: Wire, offer: Offer, by: int | None) -> None:
        name = self.order.request or self.order.order
        self._check_time(by)
        asked = requests.buy(offer.id, offer.ask, name)
        answer = await wire.ask(asked, "order", by=by, first=self._take, later=self._hear)
        self._take(answer)

    def _check_time(self, by: int | None) -> None:
        if by is not None and self._now() > by:
            raise CallFailed("network", "it was not sent: what had to be asked before took too long", fate="unsent")

    def _take(self, answer: Answer) -> None:
        if self.contract is None:
            self.contract = bought_of(answer)

    def _hear(self, frame: Answer) -> bool:
        """A late answer, or what the contract says of itself, which tells of it as well; whether it is over."""
        contract = bought_of(frame) if frame.has("buy") else followed_of(frame)
        if contract is None:
            return False
        if self.contract is None:
            self.contract = contract
            self._overheard(self)
        if not frame.has("buy"):
            self._followed(self, contract)
        return contract.sold_for is not None

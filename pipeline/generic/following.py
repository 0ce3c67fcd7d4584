"""What becomes of an account's contracts: told by the broker's stream, or asked for again and again."""

from collections.abc import Callable
from decimal import Decimal

from pipeline.connections.contract import Hear, Outside
from pipeline.connections.reading import Answer
from pipeline.connections.troubles import CallFailed
from pipeline.connections.waiting import passed
from pipeline.evidence import TroubleKind
from pipeline.generic.channel import Channel
from pipeline.generic.contracts import Contract, contract_of
from pipeline.generic.listing import contracts_of
from pipeline.generic.sequence import Sequence
from pipeline.generic.session import Session
from pipeline.generic.terms import Terms
from pipeline.settlement import FOREVER
from pipeline.times import MINUTE, SECOND
from pipeline.values import Order

KEPT = 4096
"""So many orders and contracts stay known."""
TRIES, SOON = 5, 1.0
"""A listing that does not reach far enough yet is asked for again after so many seconds, so often."""
WRONG = "the broker sold another contract than was ordered"


class Follower:
    """Which contracts of an account are whose orders, and which ends were told."""

    def __init__(
        self, terms: Terms, session: Session, host: Outside, trouble: Callable[[TroubleKind, str], None]
    ) -> None:
        self._terms, self._session, self._host, self._trouble = terms, session, host, trouble
        self._asked: dict[str, Order] = {}
        """Orders that were sent, by what the broker knows them by; kept until their contract has ended."""
        self._contracts: dict[str, Order] = {}
        """Orders by their contracts."""
        self._seen: dict[str, Contract] = {}
        """Contracts of orders that were told before the answer to the order came."""
        self._lost: dict[str, None] = {}
        """Orders of which the answer did not come."""
        self._ended: dict[str, Contract] = {}
        """Contracts whose end was told, as it was told."""
        self._since = 0
        """From when on the next listing has to be."""

    # --- orders ---

    def sends(self, order: Order) -> None:
        self._asked[request_of(order)] = order
        self._lost.pop(request_of(order), None)
        for known in (self._asked, self._contracts, self._seen, self._lost, self._ended):
            if len(known) > KEPT:
                del known[next(iter(known))]

    def refused(self, order: Order) -> None:
        """It came to nothing, or did not leave."""
        self._asked.pop(request_of(order), None)
        self._seen.pop(request_of(order), None)

    def lost(self, order: Order) -> None:
        """No answer came that says anything; the broker may tell of it yet."""
        self._lost[request_of(order)] = None

    def failed(self, order: Order, failure: CallFailed) -> Contract | None:
        """An order failed. The contract, where nothing was certain and the broker has told of it already."""
        if failure.fate != "unknown":
            self.refused(order)
            return None
        told = self._seen.pop(request_of(order), None)
        if told is None or failure.final:
            self.lost(order)
            return None
        self.has(order, told)
        return told

    def wrong_with(self, order: Order, contract: Contract) -> CallFailed | None:
        """Why a contract is not what was ordered: the end of all trading on the account until somebody has looked."""
        wrong = contract.other_than(order, self._terms.symbols, echoes=self._terms.evidence.echoes)
        return CallFailed("rule", f"{WRONG}: {wrong}", final=True) if wrong else None

    def has(self, order: Order, contract: Contract) -> None:
        """A contract is an order's."""
        self._contracts[contract.id] = order
        self._seen.pop(request_of(order), None)
        self._lost.pop(request_of(order), None)

    def told(self, contract: Contract) -> None:
        """Its end is told by whoever asked for it."""
        self._ended[contract.id] = contract
        order = self._contracts.pop(contract.id, None)
        if order is not None:
            self._asked.pop(request_of(order), None)

    # --- following ---

    async def by_stream(self, hear: Hear, since: int) -> None:
        """Hear of contracts as they begin and end; it ends with `CallFailed` only.

        A token that runs out ends a socket and is no failure: the next one opens another.
        """
        self._since = min(self._since or since, since)
        while True:
            began = self._host.now()
            try:
                await self._stream(hear)
            except CallFailed as failure:
                if failure.kind != "auth" or failure.final or self._host.now() - began < MINUTE:
                    raise
                await self._session.get("/account", "account", "result")

    async def _stream(self, hear: Hear) -> None:
        channel = Channel(self._terms.site, lambda failure: self._trouble(failure.kind, str(failure)))
        numbers = Sequence()
        try:
            await channel.open(await self._session.token())
            await self._catch_up(hear, await channel.follow_orders())
            async for frame in channel.frames():
                if frame.text("type") != "order":
                    continue
                seen = numbers.take(frame.whole("seq"))
                if seen == "again":
                    continue
                at = frame.whole("at")
                self._hear(contract_of(frame.table("order")), hear)
                if seen == "gap":
                    self._trouble("network", "the broker's stream left something out; contracts are asked for")
                    await self._catch_up(hear, at)
                self._reached(at)
        finally:
            await channel.close()

    async def by_asking(self, hear: Hear, since: int) -> None:
        """Ask what became of contracts, at the pace of the flow file; never returns."""
        self._since = min(self._since or since, since)
        while True:
            try:
                await self._list(hear)
            except CallFailed as failure:
                if failure.kind != "throttle":
                    raise
                self._trouble(failure.kind, str(failure))
            await passed(self._host, self._terms.poll_ms / SECOND)

    async def _catch_up(self, hear: Hear, until: int) -> None:
        """Hear what every contract has come to, up to a moment: what the stream tells begins there."""
        for _ in range(TRIES):
            if await self._list(hear) >= until:
                return
            await passed(self._host, SOON)
        self._trouble("network", "the broker's listings stay behind its stream; the end of a contract may come late")

    async def _list(self, hear: Hear) -> int:
        """Hear what every contract has come to since the last listing; up to when this one reaches."""

        async def page(query: dict[str, str]) -> Answer:
            return await self._session.get("/orders", "orders", "result", query)

        if not self._terms.evidence.lists:
            await self._ask_each(hear)
            return FOREVER
        listed = await contracts_of(page, {"since": str(self._since)})
        for contract in listed.contracts:
            self._hear(contract, hear)
        self._reached(listed.as_of)
        return listed.as_of

    async def _ask_each(self, hear: Hear) -> None:
        """Hear what has become of the contracts we know, where the broker lists none."""
        for name in tuple(self._contracts):
            try:
                answer = await self._session.get(f"/orders/{name}", "contract", "result")
            except CallFailed as failure:
                if failure.kind != "rule":
                    raise
                self._trouble(failure.kind, str(failure))
            else:
                self._hear(contract_of(answer), hear)

    def _reached(self, at: int) -> None:
        """All is known up to a moment of the broker's clock."""
        self._since = max(self._since, at - self._terms.evidence.stamps_ms - MINUTE)

    def _hear(self, contract: Contract, hear: Hear) -> None:
        order = self._contracts.get(contract.id) or self._asked.get(contract.client_req_id)
        if order is not None and contract.id not in self._contracts:
            if wrong := self.wrong_with(order, contract):
                raise wrong
            if request_of(order) not in self._lost and contract.state == "open":
                self._seen[request_of(order)] = contract  # its answer is on the way
                return
            self.has(order, contract)
            hear(contract.ack(order.order))
        known = self._ended.get(contract.id)
        if contract.state == "open" or (known is not None and _end(known) == _end(contract)):
            return
        self._ended[contract.id] = contract  # one that ends otherwise than it was told is told again
        hear(contract.settlement(order.order if order is not None else contract.id))
        if order is not None:
            self._contracts.pop(contract.id, None)
            self._asked.pop(request_of(order), None)


def _end(contract: Contract) -> tuple[str, Decimal]:
    return contract.state, contract.profit


def request_of(order: Order) -> str:
    """What a broker is told to know an order by."""
    return order.request or order.order

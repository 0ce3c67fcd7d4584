"""Accounts of a check, connected and kept as a flow's are, and all that is heard of them."""

from collections.abc import Mapping
from decimal import Decimal

from pipeline.border import Border
from pipeline.broker.core import Broker
from pipeline.broker.values import Offer, Wish
from pipeline.conformance.hearing import PATIENCE, Amiss, Hearing
from pipeline.connections.contract import Connecting, Connector, Holder, Warn
from pipeline.connections.desk import Said, connected
from pipeline.evidence import Closing, Declined, Inquiry, Lost, Standing, StandingState, Statement, Trouble, Unsent
from pipeline.secret import Practised
from pipeline.steps import Tube
from pipeline.times import HOUR, SECOND
from pipeline.values import Ack, Direction, Order, Past, Reject, Settlement

ANSWER = 1.5
"""Seconds within which the flow wants an order answered; what comes later is heard all the same."""
SHORTEST = 15 * SECOND
"""How long a contract of a check runs, unless the connector takes none so short."""
PRODUCT = "R_100"
FORGIVEN = 4
"""So many statements may fail, and orders not leave, on the way to one that nothing is in the way of."""
Answer = Ack | Reject | Unsent | Lost


class Desk(Hearing[Said]):
    """Accounts at one venue part."""

    def __init__(self, host: Border, broker: Broker, part: Connecting, holders: Mapping[str, Holder]) -> None:
        super().__init__()
        self.host, self.broker = host, broker
        self.connectors: dict[str, Connector] = {}
        """The last that was made for each account."""
        self._orders, self._asked, self._part = Tube[Order | Inquiry | Closing](), 0, part
        stream = connected(
            host,
            self._make,
            holders,
            Practised(),
            quoted=(),
            payout_every=HOUR,
            stake=Decimal(10),
            deadline=ANSWER,
            orders=self._orders,
            past=Tube[Past](),
        )
        self._subscription = stream.subscribe(self.take, self._failed)

    def trader(self, account: str) -> "Trader":
        return Trader(self, account)

    def send(self, item: Order | Inquiry | Closing) -> None:
        self._orders.give(item)

    def number(self) -> int:
        self._asked += 1
        return self._asked

    def troubles(self, account: str) -> list[Trouble]:
        return [each for each in self.all if isinstance(each, Trouble) and each.whose == account]

    async def close(self) -> None:
        self._subscription.dispose()
        await self.host.left()

    def _make(self, holder: Holder, warn: Warn) -> Connector:
        made = self.connectors[holder.account] = self._part.connector(self.host, holder, Practised(), warn)
        return made

    def _failed(self, failure: Exception) -> None:
        raise failure


class Trader:
    """One account of a desk."""

    def __init__(self, desk: Desk, account: str) -> None:
        self.desk, self.account = desk, account

    @property
    def connector(self) -> Connector:
        return self.desk.connectors[self.account]

    @property
    def tf(self) -> int:
        """How long a contract runs here."""
        return max(SHORTEST, self.connector.capabilities.shortest)

    # --- how it stands -----------------------------------------------------------------------------------------------

    @property
    def standings(self) -> list[Standing]:
        return [each for each in self.desk.all if isinstance(each, Standing) and each.account == self.account]

    @property
    def state(self) -> StandingState:
        found = self.standings
        return found[-1].state if found else "DISCONNECTED"

    async def stands(self, state: StandingState, seconds: float = PATIENCE) -> None:
        await self.desk.until(lambda: self.state == state, f"that {self.account} is {state}", seconds)

    async def has_been(self, state: StandingState, seconds: float = PATIENCE) -> None:
        """Wait until it was in a state, whether it still is or not."""
        told = f"that {self.account} becomes {state}"
        await self.desk.until(lambda: any(each.state == state for each in self.standings), told, seconds)

    # --- orders ------------------------------------------------------------------------------------------------------

    def pays(self, direction: Direction = "call", product: str = PRODUCT) -> float:
        """What a win pays now, by the venue's own word."""
        wish = Wish(product=product, direction=direction, amount=Decimal(10), lasts=self.tf)
        offer = self.desk.broker.offer("", wish)
        return offer.ratio if isinstance(offer, Offer) else 0.9

    def order(self, direction: Direction = "call", stake: str = "10.00", product: str = PRODUCT) -> Order:
        """An order that leaves now, at the payout of the moment."""
        number, now, tf = self.desk.number(), self.desk.host.now(), self.tf
        return Order(
            order=f"{self.account}:{product}:{tf}:{number}",
            account=self.account,
            product=product,
            tf=tf,
            bar=now // tf * tf,
            direction=direction,
            stake=Decimal(stake),
            payout=self.pays(direction, product),
            state="SEND",
            at=now,
            request=f"request-{self.account}-{number}",
            sent_at=now,
            wanted_at=now,
        )

    def send(self, order: Order | None = None) -> Order:
        order = order or self.order()
        self.desk.send(order)
        return order

    def answers(self, order: Order) -> list[Answer]:
        return [
            each for each in self.desk.all if isinstance(each, Ack | Reject | Unsent | Lost) and _of(each, order.order)
        ]

    async def answer(self, order: Order, seconds: float = PATIENCE) -> Answer:
        """The first answer to an order."""
        await self.desk.until(lambda: bool(self.answers(order)), "the answer to an order", seconds)
        return self.answers(order)[0]

    async def bought(self, order: Order | None = None) -> tuple[Order, Ack]:
        """Buy a contract where nothing is in the way. One that did not leave is ordered anew, as an executor does."""
        answer: Answer | None = None
        for _ in range(FORGIVEN):
            order = self.send(order)
            answer = await self.answer(order)
            if isinstance(answer, Ack):
                return order, answer
            if not isinstance(answer, Unsent):
                break
            order = self.order(order.direction, str(order.stake), order.product)
        raise Amiss(f"an order that nothing is in the way of was answered by {answer}")

    # --- ends --------------------------------------------------------------------------------------------------------

    def ends(self, name: str) -> list[Settlement]:
        return [each for each in self.desk.all if isinstance(each, Settlement) and each.order == name]

    async def end(self, name: str, seconds: float = PATIENCE) -> Settlement:
        await self.desk.until(lambda: bool(self.ends(name)), f"the end of {name}", seconds)
        return self.ends(name)[0]

    def sell(self, order: Order, contract: str) -> None:
        """Ask that a contract is taken back."""
        self.desk.send(Closing(order.order, contract, self.account, self.desk.host.now()))

    async def sold(self, order: Order, contract: str) -> Settlement | Declined:
        """Ask that a contract is taken back: its end, or why not."""
        self.sell(order, contract)

        def told() -> list[Settlement | Declined]:
            return [
                each for each in self.desk.all if isinstance(each, Settlement | Declined) and _of(each, order.order)
            ]

        await self.desk.until(lambda: bool(told()), "the answer to a sale")
        return told()[0]

    # --- questions ---------------------------------------------------------------------------------------------------

    async def asked(self, since: int, contract: str = "", seconds: float = PATIENCE) -> Statement:
        """The answer to a question, also one that says that there is none."""
        inquiry = Inquiry(self.account, self.desk.number(), since, self.desk.host.now(), contract)
        self.desk.send(inquiry)

        def told() -> list[Statement]:
            return [each for each in self.desk.all if isinstance(each, Statement) and each.number == inquiry.number]

        await self.desk.until(lambda: bool(told()), "the answer to a question", seconds)
        return told()[0]

    async def statement(self, since: int, contract: str = "") -> Statement:
        """A statement where nothing is in the way."""
        statement = await self.asked(since, contract)
        if statement.fault:
            raise Amiss(f"a question that nothing is in the way of was not answered: {statement.fault}")
        return statement

    async def reaching(self, since: int, moment: int) -> Statement:
        """A statement as of a moment, or of later; of the listings that fail on the way a few are forgiven."""
        faults = list[str]()
        while len(faults) < FORGIVEN:
            await self.stands("CONNECTED")
            statement = await self.asked(since)
            if statement.fault:
                faults.append(statement.fault)
            elif statement.as_of >= moment:
                return statement
            await self.desk.host.until(self.desk.host.now() + SECOND)
        raise Amiss(f"{FORGIVEN} statements in a row failed, the last one because: {faults[-1]}")


def _of(answer: Answer | Settlement | Declined, order: str) -> bool:
    return answer.order == order

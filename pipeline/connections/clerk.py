"""What passes between one account's executor and its connector: orders, questions, contracts sold back, and ends."""

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from pipeline.connections.asking import answer_of, asked, proper
from pipeline.connections.contract import Told
from pipeline.connections.keeping import Connection, Keeper
from pipeline.connections.recalling import recallable
from pipeline.connections.telling import Telling
from pipeline.connections.troubles import CallFailed
from pipeline.connections.waiting import Work, ended
from pipeline.evidence import Closing, Declined, Inquiry, Lost, Statement, Unsent
from pipeline.execution.manner import Stops
from pipeline.host import Host
from pipeline.orders import external
from pipeline.values import Ack, Order, Reject, Settlement

Answer = Ack | Reject | Unsent | Lost | Declined | Settlement | Statement

LATE = 60.0
"""So many seconds an answer is waited for after its order counts as lost: what comes then still proves something."""
LISTED = 120.0
"""So many seconds a venue may take to list an account, however many pages it has."""
KEPT = 4096
"""So many orders' names stay known, so that an end that is told again is known to be one."""
ASKED_AGAIN = "it was asked again before it was answered"
OPENING = frozenset({"DISCONNECTED", "AUTHENTICATING", "REAUTH"})
"""States in which a connection is about to be there: a question waits for it."""


class Clerk:
    """One account at its connector. Each order is a task of its own: none waits for another, or for an account's."""

    def __init__(
        self,
        keeper: Keeper,
        host: Host,
        telling: Telling,
        give: Callable[[Answer], None],
        work: Callable[[Work], None],
        deadline: float,
        stops: Stops,
    ) -> None:
        self._keeper, self._host, self._telling = keeper, host, telling
        self._give, self._work, self._deadline, self._stops = give, work, deadline, stops
        self._orders: dict[str, None] = {}
        self._names: dict[str, str] = {}
        """The orders of contracts."""
        self._ends: dict[str, Settlement] = {}
        self._asking = False
        self._next: Inquiry | None = None

    # --- what is asked for -------------------------------------------------------------------------------------------

    def know(self, order: Order) -> None:
        """An order of this account, as it stands."""
        self._orders[order.order] = None
        if order.contract:
            self._names[order.contract] = order.order
        self._forget()

    def place(self, order: Order) -> None:
        connection, state = self._keeper.connection, self._keeper.state
        if connection is None or state != "CONNECTED":
            self._give(Unsent(order.order, self._keeper.why, self._at(order.at)))
            return
        self._work(lambda: self._placed(connection, order))

    def ask(self, inquiry: Inquiry) -> None:
        """Answer a question: at once where there is no connection, after the one before where there is."""
        if self._next is not None:
            self._give(self._unanswered(self._next, ASKED_AGAIN))
        self._next = inquiry
        self.look()

    def look(self) -> None:
        """The connection changed, or a question is done: see whether the next one can be asked."""
        if self._next is None or self._asking:
            return
        connection, inquiry = self._keeper.connection, self._next
        if connection is not None:
            self._next, self._asking = None, True
            self._work(lambda: self._stated(connection, inquiry))
        elif self._keeper.state not in OPENING:
            self._next = None
            self._give(self._unanswered(inquiry, self._keeper.why))

    def sell(self, closing: Closing) -> None:
        connection = self._keeper.connection
        if connection is None or self._keeper.state != "CONNECTED":
            self._give(Declined(closing.order, self._keeper.why, self._at(closing.at)))
            return
        self._orders[closing.order] = None
        self._names[closing.contract] = closing.order
        self._work(lambda: self._sold(connection, closing))

    def hear(self, told: Told) -> None:
        """What the venue tells by itself, or later than it should: of whose contract it is, by the order's name."""
        if isinstance(told, Ack):
            if told.order not in self._orders:
                self._telling.tell("format", f"contract {told.contract} is told of an order that is not of the account")
                return
            self._names[told.contract] = told.order
            self._give(told)
            return
        order = told.order if told.order in self._orders else self._names.get(told.order)
        end = replace(told, order=order or external(self._keeper.account, told.order))
        known = self._ends.get(end.order)
        if known is not None and replace(known, at=end.at) == end:
            self._telling.tell("format", f"the end of {end.order} is told again")
            return
        self._ends[end.order] = end
        self._forget()
        self._give(end)

    def close(self) -> None:
        self._telling.close()

    def _forget(self) -> None:
        for known in (self._orders, self._names, self._ends):
            if len(known) > KEPT:
                del known[next(iter(known))]

    # --- orders ------------------------------------------------------------------------------------------------------

    async def _placed(self, connection: Connection, order: Order) -> None:
        """Send an order. At its deadline it is lost; what is answered later is heard all the same."""
        recallable(lambda: self._stops.on(order.key))
        placing = asyncio.ensure_future(connection.connector.place(order))
        try:
            await asyncio.wait((placing,), timeout=self._deadline)
            late = not placing.done()
            if late:
                self._give(Lost(order.order, f"no answer within {self._deadline:g} s", self._at(order.at)))
                await asyncio.wait((placing,), timeout=LATE)
            if placing.done():
                self._answer(connection, order, placing, late=late)
            else:
                self._telling.tell("network", f"sending an order did not end within {self._deadline + LATE:g} s")
        finally:
            await ended(placing)

    def _answer(self, connection: Connection, order: Order, placing: "asyncio.Future[Ack]", *, late: bool) -> None:
        try:
            ack = proper(answer_of(placing), Ack)
        except CallFailed as failure:
            self._keeper.call_failed(connection, failure)
            self._not_taken(order, failure, late=late)
            return
        if ack.order != order.order:
            self._telling.tell("format", f"{order.order} is answered as {ack.order}")
            ack = replace(ack, order=order.order)
        self._names[ack.contract] = order.order
        self._give(ack)

    def _not_taken(self, order: Order, failure: CallFailed, *, late: bool) -> None:
        at, reason = self._at(order.at), str(failure)
        match failure.fate:
            case "unsent":
                self._give(Unsent(order.order, reason, at))
            case "refused":
                self._give(Reject(order.order, reason, at))
            case "unknown" if not late:
                self._give(Lost(order.order, reason, at))
            case "unknown":
                pass

    # --- questions ---------------------------------------------------------------------------------------------------

    async def _stated(self, connection: Connection, inquiry: Inquiry) -> None:
        try:
            call = connection.connector.statement(inquiry)
            statement = proper(await asked(call, LISTED, f"no answer within {LISTED:.0f} s"), Statement)
        except CallFailed as failure:
            self._keeper.call_failed(connection, failure)
            statement = self._unanswered(inquiry, str(failure))
        if (statement.account, statement.number, statement.contract) != self._of(inquiry):
            self._telling.tell("format", f"the answer to question {inquiry.number} is of another one")
            statement = self._unanswered(inquiry, "the answer is of another question")
        self._give(statement)
        self._asking = False
        self.look()

    def _unanswered(self, inquiry: Inquiry, why: str) -> Statement:
        account, number, contract = self._of(inquiry)
        return Statement(account, number, inquiry.since, 0, self._host.now(), contract=contract, fault=why)

    def _of(self, inquiry: Inquiry) -> tuple[str, int, str]:
        return inquiry.account, inquiry.number, inquiry.contract

    # --- contracts sold back -----------------------------------------------------------------------------------------

    async def _sold(self, connection: Connection, closing: Closing) -> None:
        """Sell a contract back. Where nobody knows whether it is sold nothing is said: its end will be told."""
        try:
            patience = self._deadline + LATE
            late = f"selling a contract back did not end within {patience:g} s"
            end = proper(await asked(connection.connector.sell(closing), patience, late), Settlement)
        except CallFailed as failure:
            self._keeper.call_failed(connection, failure)
            if failure.fate != "unknown" or failure.kind == "rule":
                self._give(Declined(closing.order, str(failure), self._at(closing.at)))
        else:
            self.hear(replace(end, order=closing.order))

    def _at(self, sent: int) -> int:
        """The moment of an answer: never before what it answers."""
        return max(self._host.now(), sent)

"""What follows from what a venue lists of an account: contracts told, contracts of others, and orders it never had."""

from collections.abc import Iterator
from typing import Protocol

from msgspec.structs import replace

from pipeline.evidence import Closing, Dispute, Evidence, Inquiry, Listed, Reconciled, Statement, Unclosed
from pipeline.execution.asking import Asking
from pipeline.execution.disputes import Disputes
from pipeline.execution.reconciling import Matched, Spans, matched
from pipeline.execution.register import Register
from pipeline.orders import UNANSWERED, adopted, end_of, moved
from pipeline.times import HOUR
from pipeline.values import Ack, Order, Reject, Settlement

ABSENT = "no listing of the venue names it"

Told = Order | Inquiry | Closing | Reconciled | Dispute | Unclosed


class Followed(Protocol):
    """Who follows the orders of the account."""

    @property
    def orders(self) -> Register: ...
    def keep(self, order: Order, at: int) -> Order: ...
    def answer(self, reply: Ack | Reject | Settlement, at: int) -> Iterator[Told]: ...
    def may_repeat(self, order: Order, at: int) -> bool: ...
    def repeat(self, order: Order, at: int, reason: str) -> Iterator[Told]: ...


class Listing:
    """One account's listings. All of them tell of contracts; only a complete one tells of what is not there."""

    def __init__(
        self, teller: Followed, account: str, evidence: Evidence, asking: Asking, spans: Spans, disputes: Disputes
    ) -> None:
        self._teller, self._account, self._evidence = teller, account, evidence
        self._asking, self._spans, self._disputes = asking, spans, disputes
        self._missing: dict[str, int] = {}
        """Orders that a listing did not name although it had to, and as of when."""

    def take(self, statement: Statement, at: int) -> Iterator[Told]:
        asked = self._asking.answered(statement)
        if not statement.fault:
            found = matched(statement.contracts, self._teller.orders, self._spans, echoes=self._evidence.echoes)
            for listed, order in found.pairs:
                yield from self._merge(listed, order.order, at)
            if asked is not None and asked.contract:
                yield from self._of_one(asked.contract, statement, at)
            elif asked is not None:
                yield from self._of_all(asked, statement, found, at)
        self._asking.plan(at)

    def second(self, order: Order, listed: Listed, at: int) -> Iterator[Told]:
        """A contract of an order that is proved to have none, or has another: somebody must look, and it counts."""
        terms = f"contract {listed.contract}, {listed.direction} {listed.stake}"
        yield from self._disputes.tell(order, at, terms)
        yield from self._adopt(listed, at)

    def forget(self, name: str) -> None:
        self._missing.pop(name, None)

    def _merge(self, listed: Listed, name: str, at: int) -> Iterator[Told]:
        """What is listed of an order's contract goes the way of what the venue tells by itself."""
        order = self._teller.orders.get(name)
        if order is not None and order.state in UNANSWERED:
            ack = Ack(name, listed.contract, listed.accepted_at, listed.expiry, listed.payout)
            yield from self._teller.answer(ack, at)
        if (end := end_of(listed, name)) is not None:
            yield from self._teller.answer(end, at)

    def _adopt(self, listed: Listed, at: int) -> Iterator[Told]:
        """A contract that no order of ours accounts for counts and locks like any other."""
        if self._teller.orders.by_contract(listed.contract) is not None:
            return
        order = self._teller.keep(adopted(self._account, listed, at), at)
        yield order
        if (end := end_of(listed, order.order)) is not None:
            yield from self._teller.answer(end, at)

    def _of_one(self, contract: str, statement: Statement, at: int) -> Iterator[Told]:
        if all(each.contract != contract for each in statement.contracts):
            order = self._teller.orders.by_contract(contract)
            if order is not None:
                yield from self._disputes.tell(order, at, f"contract {contract} is not listed")

    def _of_all(self, asked: Inquiry, statement: Statement, found: Matched, at: int) -> Iterator[Told]:
        """A complete pass. A venue whose clock is ahead of ours proves nothing of what is still to come."""
        statement = replace(statement, as_of=min(statement.as_of, at))
        for listed, order in found.contradicted:
            yield from self.second(order, listed, at)
        heard = {order.order for _, order in found.pairs}
        for listed, candidates in found.unclear:
            heard.update(order.order for order in candidates)
            names = " or ".join(order.order for order in candidates)
            for order in candidates:
                yield from self._disputes.tell(order, at, f"contract {listed.contract} is of {names} or of nobody here")
        for listed in found.strangers:
            if listed.result is None or (listed.closed_at or listed.expiry) >= self._asking.horizon:
                yield from self._adopt(listed, at)
        until = self._asking.passed(statement.as_of)
        yield from self._unlisted(asked, statement, heard, at)
        self._teller.orders.forget(self._asking.horizon - HOUR)
        yield Reconciled(self._account, until, at)

    def _unlisted(self, asked: Inquiry, statement: Statement, heard: set[str], at: int) -> Iterator[Told]:
        """What follows for an order from not being listed."""
        for order in tuple(self._teller.orders.alive()):
            if order.order in heard:
                self._missing.pop(order.order, None)
            elif order.state == "UNKNOWN":
                yield from self._absent(order, asked, statement, at)
            elif order.state in ("CONFIRM", "CONFIRM_RETRY") and statement.as_of > self._spans.late(order.taken_at):
                yield from self._disputes.tell(order, at, f"contract {order.contract} is not listed")

    def _absent(self, order: Order, asked: Inquiry, statement: Statement, at: int) -> Iterator[Told]:
        """Absent once two listings that had to name it do not; before that it is sent again where that is safe."""
        since, until = self._spans.of(order)
        if statement.since > since:
            return
        asked_after = asked.at >= order.at and statement.as_of > order.sent_at + self._spans.slack
        if asked_after and self._teller.may_repeat(order, at):
            yield from self._teller.repeat(order, at, ABSENT)
        elif statement.as_of > until:
            first = self._missing.setdefault(order.order, statement.as_of)
            if statement.as_of > first:
                yield self._teller.keep(moved(order, "ABORT", at, ABSENT, "absent"), at)

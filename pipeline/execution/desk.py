"""Where everything comes in that an executor hears, and goes to the account that it is about."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from pipeline.evidence import Declined, Evidence, Lost, Request, Statement, Terms, Unsent, Verdict, Written
from pipeline.execution.alarms import Alarms
from pipeline.execution.listing import Told
from pipeline.execution.manner import Manner, Stops
from pipeline.execution.teller import Teller
from pipeline.host import Host
from pipeline.orders import prepared, unsent
from pipeline.values import Ack, Approved, Arming, Latch, Leaving, Order, Past, Reject, Settlement, Slept, Switched

OfVenue = Ack | Reject | Unsent | Lost | Declined | Settlement | Statement
OfLedger = Past | Written | Latch | Switched | Arming | Verdict | Request
Heard = Approved | OfVenue | OfLedger | Slept | Leaving

UNTOLD = Terms("practice", Evidence())
"""The terms of accounts of which nobody says any: nobody's money, and nothing is relied on."""


class Desk:
    """A machine: a teller for each account, and one list of alarms."""

    def __init__(self, terms: Mapping[str, Terms], manner: Manner, host: Host) -> None:
        self._terms, self._manner, self._host = terms, manner, host
        self._alarms = Alarms()
        self._stops = Stops()
        self._tellers: dict[str, Teller] = {}
        self._begun = False

    def take_over(self, was: object, others: Sequence[object]) -> None:
        """Go on with the orders, stops and alarms of the desk in whose place it is, by a manner of its own."""
        if isinstance(was, Desk):
            self._alarms, self._stops, self._begun = was._alarms, was._stops, was._begun
            self._tellers = was._tellers
            for teller in self._tellers.values():
                teller.keep_to(self._manner)

    @property
    def due(self) -> int | None:
        return self._alarms.due

    def take(self, item: Heard, at: int) -> Iterator[Told]:
        if isinstance(item, Past):
            self._begun = True
            return self._begin(item, at)
        if not self._begun:
            self._begun = True
            return chain(tuple(self._begin(Past((), {}), at)), self._hear(item, at))
        return self._hear(item, at)

    def wake(self, at: int) -> Iterator[Told]:
        for account, order in self._alarms.rung(at):
            yield from self._tellers[account].wake(order, at)

    def _hear(
        self,
        item: Approved | OfVenue | Written | Latch | Switched | Arming | Verdict | Request | Slept | Leaving,
        at: int,
    ) -> Iterator[Told]:
        match item:
            case Approved():
                return self._prepare(item, at)
            case Latch() | Switched():
                self._stops.take(item)
                return iter(())
            case Leaving() | Slept():
                return self._of_all(item, at)
            case Statement() | Arming() | Request():
                return self._of_account(item, at)
            case _:
                return self._of_order(item, at)

    def _begin(self, past: Past, at: int) -> Iterator[Told]:
        for told in (*past.latches, *past.switched):
            self._stops.take(told)
        orders: dict[str, list[Order]] = {name: [] for name in self._terms}
        for order in past.orders:
            if order.account in self._terms or not self._terms:
                orders.setdefault(order.account, []).append(order)
        for name, theirs in orders.items():
            if (teller := self._of(name)) is not None:
                yield from teller.begin(at, theirs, past.reconciled.get(name))
        for arming in past.armings:
            if (teller := self._of(arming.account)) is not None:
                teller.arm(arming)

    def _prepare(self, approved: Approved, at: int) -> Iterator[Told]:
        teller = self._of(approved.ticket.account)
        if teller is not None:
            return teller.prepare(approved, at)
        elsewhere = "another executor sends the orders of its account"
        return iter((unsent(prepared(approved, self._host.flow), at, elsewhere),))

    def _of_all(self, item: Leaving | Slept, at: int) -> Iterator[Told]:
        self._stops.leaving |= isinstance(item, Leaving)
        for teller in self._tellers.values():
            yield from teller.leave(at) if isinstance(item, Leaving) else teller.slept(item, at)

    def _of_account(self, item: Statement | Arming | Request, at: int) -> Iterator[Told]:
        for name in [item.account] if item.account else list(self._tellers):
            teller = self._of(name)
            match item:
                case _ if teller is None:
                    pass
                case Statement():
                    yield from teller.listed(item, at)
                case Arming():
                    teller.arm(item)
                case Request(what="close"):
                    yield from teller.close(item.order, at)
                case Request():
                    teller.requested(at)

    def _of_order(
        self, item: Ack | Reject | Settlement | Unsent | Lost | Declined | Written | Verdict, at: int
    ) -> Iterator[Told]:
        for teller in self._tellers.values():
            if item.order in teller.orders:
                match item:
                    case Ack() | Reject() | Settlement():
                        return teller.answer(item, at)
                    case Written():
                        return teller.written(item, at)
                    case Unsent():
                        return teller.unsent(item, at)
                    case Lost():
                        return teller.lost(item, at)
                    case Declined():
                        return teller.declined(item, at)
                    case Verdict():
                        return teller.judge(item, at)
        return iter(())

    def _of(self, account: str) -> Teller | None:
        """Who sees to an account; None where that is somebody else."""
        teller = self._tellers.get(account)
        if teller is None and (account in self._terms or not self._terms):
            terms = self._terms.get(account, UNTOLD)
            if self._host.mode == "replay":
                terms = terms._replace(money="practice")  # whoever's it is elsewhere, a replay moves none
            teller = Teller(account, terms, self._manner, self._host, self._stops, self._alarms)
            self._tellers[account] = teller
        return teller

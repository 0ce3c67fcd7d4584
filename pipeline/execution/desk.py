"""Where everything comes in that an executor hears, and goes to the account that it is about."""

from collections.abc import Iterator, Mapping

from pipeline.evidence import Evidence, Lost, Request, Statement, Terms, Unsent, Verdict, Written
from pipeline.execution.alarms import Alarms
from pipeline.execution.listing import Told
from pipeline.execution.manner import Manner, Stops
from pipeline.execution.teller import Teller
from pipeline.host import Host
from pipeline.orders import prepared, unsent
from pipeline.values import Ack, Approved, Arming, Latch, Leaving, Order, Past, Reject, Settlement, Slept

OfVenue = Ack | Reject | Unsent | Lost | Settlement | Statement
OfLedger = Past | Written | Latch | Arming | Verdict | Request
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

    @property
    def due(self) -> int | None:
        return self._alarms.due

    def take(self, item: Heard, at: int) -> Iterator[Told]:
        if isinstance(item, Past) or not self._begun:
            self._begun = True
            yield from self._begin(item if isinstance(item, Past) else Past((), {}), at)
        match item:
            case Past():
                pass
            case Approved():
                yield from self._prepare(item, at)
            case Latch():
                self._stops.take(item)
            case Leaving() | Slept():
                yield from self._of_all(item, at)
            case Statement() | Arming() | Request():
                yield from self._of_account(item, at)
            case _:
                yield from self._of_order(item, at)

    def wake(self, at: int) -> Iterator[Told]:
        for account, order in self._alarms.rung(at):
            yield from self._tellers[account].wake(order, at)

    def _begin(self, past: Past, at: int) -> Iterator[Told]:
        for latch in past.latches:
            self._stops.take(latch)
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
            yield from teller.prepare(approved, at)
        else:
            yield unsent(prepared(approved, self._host.flow), at, "another executor sends the orders of its account")

    def _of_all(self, item: Leaving | Slept, at: int) -> Iterator[Told]:
        self._stops.leaving |= isinstance(item, Leaving)
        for teller in self._tellers.values():
            yield from teller.leave(at) if isinstance(item, Leaving) else teller.slept(at)

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
                case Request():
                    teller.requested(at)

    def _of_order(self, item: Ack | Reject | Settlement | Unsent | Lost | Written | Verdict, at: int) -> Iterator[Told]:
        teller = next((each for each in self._tellers.values() if item.order in each.orders), None)
        if teller is None:
            return
        match item:
            case Ack() | Reject() | Settlement():
                yield from teller.answer(item, at)
            case Written():
                yield from teller.written(item, at)
            case Unsent():
                yield from teller.unsent(item, at)
            case Lost():
                yield from teller.lost(item, at)
            case Verdict():
                yield from teller.judge(item, at)

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

"""One account's orders at its venue: each is sent at most once, and followed until evidence has ended it."""

from collections.abc import Iterable, Iterator

from pipeline.evidence import Closing, Declined, Lost, Statement, Terms, Unclosed, Unsent, Verdict, Written
from pipeline.execution.alarms import Alarms
from pipeline.execution.asking import Asking
from pipeline.execution.disputes import Disputes
from pipeline.execution.listing import Listing, Told
from pipeline.execution.manner import Manner, Stops
from pipeline.execution.preflight import Preflight
from pipeline.execution.reconciling import Spans
from pipeline.execution.register import Register
from pipeline.host import Host
from pipeline.leave import Leave
from pipeline.orders import LEAVING, answered, judged, moved, offered, prepared, sent, slot_end, unsent
from pipeline.states import ENDED, UNSURE
from pipeline.times import DAY, HOUR, SECOND
from pipeline.values import Ack, Approved, Arming, Order, Reject, Settlement, Slept

RETRY_CAP = 4 * SECOND
"""The longest wait before a further try."""
ONCE = "an order for this bar was already sent"


class Teller:
    """What is known of one account's orders, and what follows from what is heard."""

    def __init__(self, account: str, terms: Terms, manner: Manner, host: Host, stops: Stops, alarms: Alarms) -> None:
        self.orders = Register()
        self._account, self._evidence, self._manner, self._host = account, terms.evidence, manner, host
        self._alarms = alarms
        within = max(manner.answer, LEAVING) + terms.evidence.late_ms
        self._spans = Spans(within, terms.evidence.stamps_ms)
        self._asking = Asking(account, terms.evidence, manner, self.orders, self._spans, alarms)
        self._preflight = Preflight(account, terms, manner, stops, self.orders, self._asking)
        self._disputes = Disputes(account)
        self._listing = Listing(self, account, terms.evidence, self._asking, self._spans, self._disputes)
        self._tries: dict[str, int] = {}
        self._doubled: set[str] = set()
        """Orders of which an earlier sending may have arrived: that the last one did not says nothing."""

    def keep_to(self, manner: Manner) -> None:
        """Go about it in another manner from now on; what is waited for already is waited for as it was."""
        self._manner = self._asking.manner = self._preflight.manner = manner

    # --- beginning and ending ----------------------------------------------------------------------------------------

    def begin(self, at: int, past: Iterable[Order], reconciled: int | None) -> Iterator[Told]:
        """Take up the orders of an earlier run: one that was being sent may have arrived or not."""
        self._asking.begin(at, reconciled)
        for order in past:
            if order.state in ENDED:
                if order.ended_at >= self._asking.horizon - HOUR:
                    self.orders.keep(order)
                continue
            self._spans.resume(order.order, at)
            if self._evidence.once and self._evidence.lists:
                self._doubled.add(order.order)
            if order.state in ("PREPARE", "SEND", "SEND_RETRY"):
                yield self.keep(moved(order, "UNKNOWN", at, "the program ended while it was being sent"), at)
            else:
                yield self.keep(order, at)
        if self._asking.lists:
            yield self._asking.ask(at)

    def slept(self, slept: Slept, at: int) -> Iterator[Told]:
        """Nothing ran for a while: nothing is sent before it is known what the account holds now.

        A program that was only busy has lost nothing of what its venue said meanwhile: it asks, and goes on.
        """
        if slept.cause in ("blocked", "changed"):
            self._asking.at_once(at, all_=True)
        elif self._asking.lists:
            self._asking.doubt()
            yield self._asking.ask(at)

    def leave(self, at: int) -> Iterator[Told]:
        """The program is about to end: what would be tried again later is not."""
        for order in [each for each in self.orders.alive() if each.state == "SEND_RETRY"]:
            yield from self._send(order, at)

    def arm(self, arming: Arming) -> None:
        self._preflight.arming = arming

    def requested(self, at: int) -> None:
        """Somebody wants to know what the account holds now."""
        self._asking.at_once(at, all_=True)

    # --- closing early -----------------------------------------------------------------------------------------------

    def close(self, name: str, at: int) -> Iterator[Told]:
        """Somebody wants the contract of an order sold back ("": of every one that runs): the venue is asked once.

        What it answers is the contract's end, or that it runs on; an answer that is lost changes nothing.
        """
        named = self.orders.get(name)
        if named is not None and named.state != "CONFIRM":
            yield Unclosed(
                name, self._account, at, f"it is {named.state}, and only a contract that runs can be sold back"
            )
        for order in [each for each in self.orders.alive() if each.state == "CONFIRM" and name in ("", each.order)]:
            if not self._evidence.closes:
                yield Unclosed(order.order, self._account, at, "its venue takes no contract back before its expiry")
            elif order.expiry <= at:
                yield Unclosed(order.order, self._account, at, "it has expired")
            else:
                yield Closing(order.order, order.contract, self._account, at)

    def declined(self, told: Declined, at: int) -> Iterator[Told]:
        yield Unclosed(told.order, self._account, at, told.reason)

    # --- sending -----------------------------------------------------------------------------------------------------

    def prepare(self, approved: Approved, at: int) -> Iterator[Told]:
        order, known = prepared(approved, self._host.flow), self.orders.get(approved.order)
        if known is not None and known.state not in ENDED:
            yield known  # whoever approved it a second time hears how the first one stands
            return
        refused = ONCE if known is not None else self._preflight(order, at)
        if not isinstance(refused, Leave):
            yield unsent(order, at, refused)
            return
        fresh = self._host.ledger.intend(order)
        yield self.keep(order, at)
        if fresh is None:
            self._alarms.set((self._account, order.order), slot_end(order))
        else:
            yield from self.written(Written(order.order, fresh), at)

    def written(self, written: Written, at: int) -> Iterator[Told]:
        order = self.orders.get(written.order)
        if order is None or order.state != "PREPARE":
            return
        if written.fresh:
            yield from self._send(order, at)
        else:
            yield self.keep(unsent(order, at, ONCE), at)

    def may_repeat(self, order: Order, at: int) -> bool:
        """Whether an order that the venue does not list may be sent again: however often it is sent, it is taken once.

        Only where the venue promises that, while it may be sent at all, and no more often than other tries.
        """
        tried = self._tries.get(order.order, 0)
        return self._evidence.once and tried <= self._manner.retries and isinstance(self._preflight(order, at), Leave)

    def repeat(self, order: Order, at: int, reason: str) -> Iterator[Told]:
        self._doubled.add(order.order)
        self._spans.repeat(order.order)
        retried = self.keep(moved(order, "SEND_RETRY", at, reason), at)
        yield retried
        yield from self._send(retried, at)

    def _send(self, order: Order, at: int) -> Iterator[Told]:
        """Send an order whose intent is on disk, if it still may be."""
        leave = self._preflight(order, at)
        if isinstance(leave, Leave):
            self._tries[order.order] = self._tries.get(order.order, 0) + 1
            yield self.keep(sent(order, leave, at), at)
        else:
            yield self._not_sent(order, at, leave)

    def _not_sent(self, order: Order, at: int, reason: str) -> Order:
        """An order that does not leave now. One that may have before stays in doubt."""
        if order.order in self._doubled:
            return self.keep(moved(order, "UNKNOWN", at, f"it may have arrived before; now {reason}"), at)
        return self.keep(unsent(order, at, reason), at)

    # --- what the venue says of an order -----------------------------------------------------------------------------

    def unsent(self, told: Unsent, at: int) -> Iterator[Told]:
        """It did not leave. One told twice is of an earlier try."""
        order = self.orders.get(told.order)
        if order is None or order.state not in ("SEND", "UNKNOWN") or told.at < order.sent_at:
            return
        name = order.order
        tries = self._tries.get(name, 0)
        wait = min(self._manner.retry * 2 ** max(0, tries - 1), RETRY_CAP)
        if name in self._doubled or not tries:
            if order.state == "SEND":
                yield self._not_sent(order, at, told.reason)
        elif tries > self._manner.retries:
            yield self._not_sent(order, at, f"{told.reason}; tried {tries} times")
        elif not self._preflight.in_time(order, at + wait):
            yield self._not_sent(order, at, f"{told.reason}; no time is left to try again")
        else:
            yield self.keep(moved(order, "SEND_RETRY", at, told.reason), at)
            self._alarms.set((self._account, name), at + wait)

    def lost(self, told: Lost, at: int) -> Iterator[Told]:
        order = self.orders.get(told.order)
        if order is not None and order.state == "SEND" and told.at >= order.sent_at:
            yield self.keep(moved(order, "UNKNOWN", at, told.reason), at)

    def answer(self, reply: Ack | Reject | Settlement, at: int) -> Iterator[Told]:
        order = self.orders.get(reply.order)
        if order is None:
            return
        other = self.orders.by_contract(reply.contract) if isinstance(reply, Ack) else None
        if other is not None and other.order != order.order:
            yield from self._disputes.tell(order, at, f"contract {other.contract}, which is known as {other.order}")
        elif isinstance(reply, Reject) and order.order in self._doubled:
            if order.state == "SEND":
                yield self._not_sent(order, at, f"refused: {reply.reason}")
        elif (after := answered(order, reply, at)) is not None:
            yield self.keep(after, at)
        else:
            yield from self._contradicted(order, reply, at)

    def _contradicted(self, order: Order, reply: Ack | Reject | Settlement, at: int) -> Iterator[Told]:
        """A reply that changes nothing is a duplicate, or takes back what was said before."""
        match reply:
            case Ack() if order.state == "ABORT" or order.contract not in ("", reply.contract):
                yield from self._listing.second(order, offered(order, reply), at)
            case Reject() if order.contract and order.state not in ENDED:
                yield from self._disputes.tell(order, at, f"refused: {reply.reason}")
            case Settlement() if (order.result, order.profit) != (reply.result, reply.profit):
                yield from self._disputes.tell(order, at, f"ended: {reply.result} {reply.profit}")
            case _:
                pass

    # --- what else is heard ------------------------------------------------------------------------------------------

    def judge(self, verdict: Verdict, at: int) -> Iterator[Told]:
        """What somebody signs for, of an order of which nobody knows."""
        order = self.orders.get(verdict.order)
        if order is None:
            return
        reason = f"{verdict.by}: {verdict.reason}"
        if order.state not in UNSURE or (verdict.outcome == "absent" and order.state != "UNKNOWN"):
            yield from self._disputes.tell(order, at, f"{verdict.outcome}, says {reason}")
        elif verdict.outcome == "absent":
            yield self.keep(moved(order, "ABORT", at, reason, "absent"), at)
        else:
            yield self.keep(judged(order, verdict.outcome, verdict.profit, at, reason), at)

    def listed(self, statement: Statement, at: int) -> Iterator[Told]:
        yield from self._listing.take(statement, at)

    def wake(self, name: str, at: int) -> Iterator[Told]:
        """The moment has come that was set for an order, or for the next question."""
        if not name:
            yield self._asking.ask(at)
            return
        order = self.orders.get(name)
        assert order is not None, "an alarm is of an order that has not ended"
        match order.state:
            case "SEND":
                yield self.keep(moved(order, "UNKNOWN", at, "no answer from the venue in time"), at)
            case "SEND_RETRY":
                yield from self._send(order, at)
            case "CONFIRM":
                yield self.keep(moved(order, "CONFIRM_RETRY", at, "no settlement from the venue in time"), at)
            case "CONFIRM_RETRY":
                yield self.keep(moved(order, "UNKNOWN_RESULT", at, "the venue does not say how it ended"), at)
            case "PREPARE":
                yield self.keep(unsent(order, at, "its intent was not on disk in time"), at)
            case _:
                pass

    # --- keeping -----------------------------------------------------------------------------------------------------

    def keep(self, order: Order, at: int) -> Order:
        """An order as it is from now on, and by when something must be heard of it."""
        self.orders.keep(order)
        whose = self._account, order.order
        match order.state:
            case "SEND":
                self._alarms.set(whose, order.sent_at + self._manner.answer)
            case "CONFIRM":
                self._alarms.set(whose, order.expiry + self._manner.settle)
            case "CONFIRM_RETRY":
                self._alarms.set(whose, order.at + self._manner.unknown)
                self._asking.at_once(at, all_=False)
            case "UNKNOWN" | "UNKNOWN_RESULT":
                self._alarms.clear(whose)
                self._asking.at_once(at, all_=order.state == "UNKNOWN")
            case "SETTLED" | "CANCELED" | "ABORT":
                self._alarms.clear(whose)
                self._forget(order.order, at)
            case _:
                pass
        return order

    def _forget(self, name: str, at: int) -> None:
        self._tries.pop(name, None)
        self._doubled.discard(name)
        self._spans.forget(name)
        self._listing.forget(name)
        if self._asking.of_doubts_alone:
            self.orders.forget(at - 2 * DAY)

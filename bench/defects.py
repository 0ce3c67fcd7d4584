"""Defects of the order protocol, seeded on purpose: a simulation is worth as much as the share of them that it catches.

Each breaks one rule in place; `seeded` puts one in and takes it out again.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from msgspec.structs import replace

from operators.risk import by_moment
from operators.risk.book import Book
from operators.risk.by_moment import Unknown
from pipeline.execution import preflight as preflights
from pipeline.execution import teller as tellers
from pipeline.execution.asking import Asking
from pipeline.execution.listing import Listing
from pipeline.execution.manner import Stops
from pipeline.execution.preflight import Preflight
from pipeline.execution.teller import Teller
from pipeline.leave import Leave
from pipeline.ledger.ledger import Ledger
from pipeline.orders import adopted, answered, moved, unsent
from pipeline.sim.disk import LifeWriter
from pipeline.states import UNSURE
from pipeline.values import Ack, Settlement

Change = tuple[Any, str, Any]
"""What is changed: of what, under which name, and to what."""
LATE, COMMIT = "_late", "_commit"


def _yes(*_: Any) -> bool:
    return True


def _nothing(*_: Any) -> str:
    return ""


@contextmanager
def seeded(name: str) -> Generator[None]:
    """The program with one defect."""
    changes = DEFECTS[name]()
    before = [(target, attribute, getattr(target, attribute)) for target, attribute, _ in changes]
    for target, attribute, value in changes:
        setattr(target, attribute, value)
    try:
        yield
    finally:
        for target, attribute, value in before:
            setattr(target, attribute, value)


def _resent(when: str) -> Any:
    """Send once more instead of not knowing."""
    original = getattr(Teller, when)

    def again(self: Any, told: Any, at: int) -> Any:
        name = told if isinstance(told, str) else told.order
        order = self.orders.get(name) if name else None
        if order is not None and order.state == "SEND" and self._tries.get(name, 0) < 3:
            yield self.keep(moved(order, "SEND_RETRY", at, "again"), at)
            yield from self._send(self.orders.get(name), at)
        else:
            yield from original(self, told, at)

    return again


def resend_on_timeout() -> list[Change]:
    return [(Teller, "wake", _resent("wake"))]


def resend_on_503() -> list[Change]:
    return [(Teller, "lost", _resent("lost"))]


def lost_is_not_sent() -> list[Change]:
    def lost(self: Any, told: Any, at: int) -> Any:
        order = self.orders.get(told.order)
        if order is not None and order.state == "SEND":
            yield self.keep(unsent(order, at, told.reason), at)

    return [(Teller, "lost", lost)]


def no_intent() -> list[Change]:
    return [(Ledger, "intend", _yes)]


def sent_while_written() -> list[Change]:
    original = Ledger.intend

    def intend(self: Any, order: Any) -> bool:
        original(self, order)
        return True

    return [(Ledger, "intend", intend)]


def absent_at_once() -> list[Change]:
    def absent(self: Any, order: Any, asked: Any, statement: Any, at: int) -> Any:
        yield self._teller.keep(moved(order, "ABORT", at, "not listed", "absent"), at)

    return [(Listing, "_absent", absent)]


def absent_by_our_clock() -> list[Change]:
    original = Listing.take

    def take(self: Any, statement: Any, at: int) -> Any:
        yield from original(self, replace(statement, as_of=at), at)

    def absent(self: Any, order: Any, asked: Any, statement: Any, at: int) -> Any:
        if at > self._spans.of(order)[1]:
            yield self._teller.keep(moved(order, "ABORT", at, "not listed", "absent"), at)

    return [(Listing, "take", take), (Listing, "_absent", absent)]


def absent_too_soon() -> list[Change]:
    """What a venue may do late is forgotten."""
    original = tellers.Spans.__init__

    def within(self: Any, _: int) -> None:
        original(self, 0)

    return [(tellers.Spans, "__init__", within)]


def settled_twice() -> list[Change]:
    def again(order: Any, reply: Any, heard: int) -> Any:
        if isinstance(reply, Settlement) and order.state == "SETTLED":
            return replace(order, at=heard)
        return answered(order, reply, heard)

    return [(tellers, "answered", again)]


def no_cutoff_again() -> list[Change]:
    """The time that is left is asked when an order is prepared, and not again when it leaves."""
    original = getattr(Preflight, LATE)

    def late(self: Any, order: Any, at: int) -> str:
        return original(self, order, at) if order.state == "PREPARE" and order.order not in self._orders else ""

    return [(Preflight, LATE, late)]


def dropped_at_start() -> list[Change]:
    original = Teller.begin

    def begin(self: Any, at: int, past: Any, reconciled: Any) -> Any:
        for order in past:
            if order.state in ("PREPARE", "SEND", "SEND_RETRY"):
                yield self.keep(replace(order, state="ABORT", cause="not_sent", ended_at=at), at)
        alive = [order for order in past if order.state not in ("PREPARE", "SEND", "SEND_RETRY")]
        yield from original(self, at, alive, reconciled)

    return [(Teller, "begin", begin)]


def unknown_does_not_lock() -> list[Change]:
    def call(self: Any, case: Any) -> Any:
        return by_moment.answer(self.name, 0, 0, True)

    def on(self: Any, key: Any) -> tuple[int, int]:
        return sum(each.key == key and each.state not in UNSURE for each in self.alive.values()), 0

    return [(Preflight, "_crowded", _nothing), (Unknown, "__call__", call), (Book, "on", on)]


def latch_only_at_the_gate() -> list[Change]:
    return [(Stops, "on", _nothing)]


def armed_once() -> list[Change]:
    """An account that was armed is armed for ever."""

    def leave_of(account: str, money: str, arming: Any, at: int) -> Any:
        return Leave(account, arming.arming if arming is not None and money == "real" else "")

    return [(preflights, "leave_of", leave_of)]


def traded_before_first_pass() -> list[Change]:
    return [(Asking, "ready", property(lambda _: True))]


def trusted_after_sleep() -> list[Change]:
    def slept(self: Any, slept: Any, at: int) -> Any:
        yield from ()

    return [(Teller, "slept", slept)]


def answered_twice_is_two() -> list[Change]:
    """An answer that changes nothing is taken for a contract of somebody else's."""

    def contradicted(self: Any, order: Any, reply: Any, at: int) -> Any:
        if isinstance(reply, Ack):
            known = adopted(self._account, tellers.offered(order, reply), at)
            yield self.keep(replace(known, contract=f"{reply.contract} again"), at)

    return [(Teller, "_contradicted", contradicted)]


def strangers_are_not_ours() -> list[Change]:
    def adopt(self: Any, listed: Any, at: int) -> Any:
        yield from ()

    return [(Listing, "_adopt", adopt)]


def short_sight() -> list[Change]:
    """A listing is asked for from now on, rather than from what is accounted for."""
    original = Asking.ask

    def ask(self: Any, at: int) -> Any:
        asked = original(self, at)
        self._open = replace(asked, since=at)
        return self._open

    return [(Asking, "ask", ask)]


def never_asked() -> list[Change]:
    """Only pushes tell how a contract ended."""

    def merge(self: Any, listed: Any, name: str, at: int) -> Any:
        yield from ()

    return [(Listing, "_merge", merge)]


def not_in_order() -> list[Change]:
    """What waits for the disk is written the last first."""
    original = getattr(LifeWriter, COMMIT)

    def commit(self: Any) -> None:
        self._waiting.reverse()
        original(self)

    return [(LifeWriter, COMMIT, commit)]


def one_of_many() -> list[Change]:
    """Of what waits for the disk only the first is written when a transaction ends; the rest is taken as done."""
    original = getattr(LifeWriter, COMMIT)

    def commit(self: Any) -> None:
        jobs = list(self._waiting)
        for job in jobs[1:]:
            if job.done is not None and job.sends:
                job.done(True)
        self._waiting.clear()
        self._waiting.append(jobs[0])
        original(self)

    return [(LifeWriter, COMMIT, commit)]


DEFECTS: Mapping[str, Callable[[], list[Change]]] = {
    each.__name__: each
    for each in (
        resend_on_timeout,
        resend_on_503,
        lost_is_not_sent,
        no_intent,
        sent_while_written,
        absent_at_once,
        absent_by_our_clock,
        absent_too_soon,
        settled_twice,
        no_cutoff_again,
        dropped_at_start,
        unknown_does_not_lock,
        latch_only_at_the_gate,
        armed_once,
        traded_before_first_pass,
        trusted_after_sleep,
        answered_twice_is_two,
        strangers_are_not_ours,
        short_sight,
        never_asked,
        not_in_order,
        one_of_many,
    )
}

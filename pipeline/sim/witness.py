"""Who knows the truth of a simulated world, and says whatever is not as it must be.

It sees what an engine sends and hears, what its nodes give and what is on disk, and decides nothing.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, cast

import msgspec
import numpy as np

from pipeline.evidence import Dispute, Lost, Reconciled, Statement, Unsent, Verdict, Written
from pipeline.orders import MOVES, Stage, slot_end
from pipeline.plan import Plan
from pipeline.sim.disk import Disk
from pipeline.sim.feed import Feed
from pipeline.sim.lives import Life
from pipeline.sim.wire import Wire
from pipeline.states import ENDED
from pipeline.values import (
    Ack,
    Approved,
    Arming,
    Bars,
    Certificate,
    Decisions,
    Latch,
    Leaving,
    Link,
    Order,
    Past,
    Payouts,
    Quotes,
    Reject,
    Settlement,
    Slept,
)

CHAINED: frozenset[type[Any]] = frozenset(
    {Ack, Approved, Arming, Bars, Certificate, Decisions, Dispute, Latch, Leaving, Link, Lost, Order, Past, Payouts}
    | {Quotes, Reconciled, Reject, Settlement, Slept, Statement, Unsent, Verdict, Written}
)
"""What the hash of a world is made of: all that enters, and what is decided; columns in between follow from these."""
SHOWN = 3
"""So many violations of a kind are kept in words."""

INTENT = "what is sent has its intent on disk"
CUTOFF = "nothing is sent after the cut-off"
RECONCILED = "nothing is sent before the first complete pass of a life"
LATCHED = "nothing is sent for whom a stop holds"
ARMED = "real money is sent only while its account is armed"
ALONE = "a key holds one open trade of ours"
BLIND = "nothing is sent again without a proof that it was not taken"
MOVED = "an order moves as the table allows"
LIVING = "a flow never dies of itself"
ONE_CONTRACT = "an intent has one contract at most"
FOREIGN = "what is known as somebody else's is not ours"
KNOWN = "a contract has its intent, or is known as somebody else's"
AGREED = "the ledger says what the venue says, or that it does not know"
ABSENT = "what is proved absent has no contract"
ENDING = "in a calm every order ends"
SETTLED_ONCE = "an order ends once"
PAID = "profits of the ledger and of the venue are the same, to the cent"
DECIDED = "a final bar of a key has one decision"
CONSERVED = "on every edge in = out + held + dropped"
UNDISPUTED = "nothing is disputed that nobody contradicted"
SOUND = "a certificate names what was placed by others, and nothing else"
UNFED = "nothing is traded while the connection to the prices is down"
UNBROKEN = "nothing is traded on bars with a hole"

PROMISES = (
    *(INTENT, CUTOFF, RECONCILED, LATCHED, ARMED, ALONE, BLIND, MOVED, ONE_CONTRACT, FOREIGN, KNOWN, AGREED, ABSENT),
    *(ENDING, SETTLED_ONCE, PAID, DECIDED, CONSERVED, UNDISPUTED, SOUND, UNFED, UNBROKEN),
)
"""What holds in every world, and is checked in most of them."""


class Witness:
    """Counts what it checks, keeps what it finds, and hashes what happens."""

    def __init__(self, plan: Plan, wires: Mapping[str, Wire], feeds: Mapping[str, Feed], disk: Disk) -> None:
        self.checked: Counter[str] = Counter()
        self.violations: list[str] = []
        self.found = 0
        self._worded: Counter[str] = Counter()
        self.events = 0
        self._plan, self._wires, self._feeds, self._disk = plan, wires, feeds, disk
        self._down: set[str] = set()
        """Products whose connection is known to be broken."""
        self._hash = hashlib.blake2b(digest_size=16)
        self._life: Life | None = None
        self._states: dict[str, Stage] = {}
        self._restored: set[str] = set()
        """Orders of earlier lives of which this one has said nothing yet."""
        self._passed: set[str] = set()
        self._stopped: set[str] = set()
        self._armed: dict[str, Arming] = {}
        self._unproved: set[str] = set()
        self._open: dict[tuple[str, str, int], dict[str, int]] = {}
        executor = next(node.instance for node in plan.of("sink") if hasattr(node.instance, "entry_cutoff_seconds"))
        self._cutoff = executor.entry_cutoff_seconds * 1000
        self._lists = {name: wires[f"venues.{account.venue}"].evidence.lists for name, account in plan.accounts.items()}
        self._once = {name: wires[f"venues.{account.venue}"].evidence.once for name, account in plan.accounts.items()}

    @property
    def hash(self) -> str:
        return self._hash.hexdigest()

    def check(self, what: str, holds: bool, *facts: object) -> None:
        self.checked[what] += 1
        if not holds:
            self.found += 1
            self._worded[what] += 1
            if self._worded[what] <= SHOWN:
                self.violations.append(f"{what}: {' '.join(map(str, facts))}")

    # --- lives -------------------------------------------------------------------------------------------------------

    def note(self, at: int, *facts: object) -> None:
        """Something of the world's own happens: it belongs to the hash."""
        self.events += 1
        self._hash.update(f"{at} {' '.join(map(str, facts))}\n".encode())

    def begins(self, life: Life, past: Past, at: int) -> None:
        self.note(at, "begin")
        self._life = life
        self._states = {order.order: order.state for order in past.orders}
        self._restored = set(self._states)
        self._down = set()
        self._passed = set()
        self._stopped = {latch.scope for latch in past.latches}
        self._armed = {arming.account: arming for arming in past.armings}

    def tapped(self, node: str, value: Any) -> None:
        """A node of the living flow gave something."""
        kind = cast("type[Any]", type(value))
        if kind not in CHAINED:
            return
        life = self._life
        assert life is not None, "only what lives gives"
        at = life.flow.agenda.now if life.flow is not None else 0
        self.events += 1
        self._hash.update(f"{at} {node} {kind.__name__} ".encode())
        for part in _parts(value):
            self._hash.update(part)
        if kind is Order:
            self._moved(value)
        elif kind is Slept:
            self._passed.clear()
        elif kind is Approved:
            self._approved(value)
        elif kind is Link:
            self._down = self._down - set(value.products) if value.up else self._down | set(value.products)
        elif kind is Arming:
            self._armed[value.account] = value
        elif kind is Latch:
            (self._stopped.add if value.on else self._stopped.discard)(value.scope)

    def _approved(self, approved: Approved) -> None:
        """A trade is decided on bars that are whole, while prices come."""
        ticket = approved.ticket
        self.check(UNFED, ticket.product not in self._down, approved.order)
        looked_at = ticket.bar - ticket.tf, ticket.bar + ticket.tf
        holes = [span for feed in self._feeds.values() for span in feed.unmended.get(ticket.product, ())]
        torn = [span for span in holes if span[0] < looked_at[1] and looked_at[0] < span[1]]
        self.check(UNBROKEN, not torn, approved.order, *torn)

    def _moved(self, order: Order) -> None:
        name = order.order
        was: Stage = self._states.get(name, "IDLE")
        taken_up = name in self._restored and order.state == was
        begun = was == "IDLE" and (order.origin == "external" or order.state == "ABORT")
        self._restored.discard(name)
        self.check(MOVED, order.state in MOVES[was] or taken_up or begun, name, was, "→", order.state)
        self._states[order.order] = order.state

    # --- the wire ----------------------------------------------------------------------------------------------------

    def sent(self, order: Order) -> None:
        life = self._life
        assert life is not None, "only what lives sends"
        name, at = order.order, life.clock.now()
        on_disk = self._disk.state_of(name)
        self.check(INTENT, on_disk is not None and on_disk not in ENDED, name, "is", on_disk)
        left = slot_end(order) - at
        self.check(CUTOFF, left >= self._cutoff, name, left, "ms before its slot's end")
        if self._plan.accounts[order.account].money == "real":
            arming = self._armed.get(order.account)
            live = arming is not None and arming.at <= at < arming.until and order.arming == arming.arming
            self.check(ARMED, live, name, "by", order.arming, arming)
        self.check(LATCHED, not {"", order.account} & self._stopped, name)
        if self._lists[order.account]:
            self.check(RECONCILED, order.account in self._passed, name)
        self.check(BLIND, name not in self._unproved or self._once[order.account], name)
        self._unproved.add(name)
        held = self._open.setdefault((order.account, order.product, order.tf), {})
        now = self.now()
        others = [other for other, until in held.items() if until > now and other != name]
        self.check(ALONE, not others, name, "beside", *others)

    def now(self) -> int:
        return next(iter(self._wires.values())).now

    def told(self, reply: Any) -> None:
        match reply:
            case Unsent() | Reject():
                self._unproved.discard(reply.order)
            case Statement() if not reply.fault and not reply.contract:
                self._passed.add(reply.account)
            case _:
                pass

    def made(self, order: Order, expiry: int) -> None:
        """The venue made a contract of an order."""
        self._open.setdefault((order.account, order.product, order.tf), {})[order.order] = expiry


def _parts(value: Any) -> Iterator[bytes]:
    """What a value holds, for a hash: the new rows of columns, all of an event."""
    match value:
        case msgspec.Struct():
            yield msgspec.json.encode(value)
        case Bars():
            new = slice(len(value) - value.fresh, len(value))
            for column in (value.open_ts, value.open, value.high, value.low, value.close, value.final_at):
                yield np.ascontiguousarray(column[new]).tobytes()
        case Decisions():
            for column in (value.open_ts, value.at, value.verdict, value.value, value.threshold, value.score):
                yield np.ascontiguousarray(column).tobytes()
            for approved in value.orders.values():
                yield approved.order.encode()
        case Quotes():
            yield from (np.ascontiguousarray(each).tobytes() for each in (value.ts, value.received, value.bid))
        case Payouts():
            yield from (np.ascontiguousarray(each).tobytes() for each in (value.ts, value.ratio))
        case _:
            yield repr(value).encode()

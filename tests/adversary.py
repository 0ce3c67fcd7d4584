"""A venue for trying executors: it keeps what it took, and for each sending does what it was told to do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import heappop, heappush
from types import SimpleNamespace
from typing import Any, Literal, cast

from msgspec.structs import replace

from pipeline.evidence import Evidence, Inquiry, Listed, Lost, Reconciled, Statement, Terms, Unsent
from pipeline.execution.desk import Desk
from pipeline.execution.manner import Manner
from pipeline.host import Host
from pipeline.states import ENDED
from pipeline.times import MINUTE, SECOND
from pipeline.trying import NoRecords
from pipeline.values import Ack, Order, Past, Reject, Settlement
from tests.support import MONDAY

Fate = Literal["taken", "lost_ack", "lost_request", "unsent", "refused", "lost", "lost_taken", "late", "twice"]
FATES: tuple[Fate, ...] = (
    "taken", "lost_ack", "lost_request", "unsent", "refused", "lost", "lost_taken", "late", "twice",
)  # fmt: skip
LATENCY = 120
MANNER = Manner(
    cutoff=5 * SECOND,
    answer=10 * SECOND,
    settle=30 * SECOND,
    ask=5 * SECOND,
    reconcile=60 * SECOND,
    unknown=600 * SECOND,
    retry=250,
    retries=3,
    most_unknown=2,
)
REAL = Evidence(lists=True)
"""What a broker as they are can prove: it lists contracts, and knows nothing of our ids."""
Told = list[tuple[int, Any]]


@dataclass
class Broker:
    """What is so. It settles every contract as won, a little after its expiry."""

    evidence: Evidence = REAL
    fates: list[Fate] = field(default_factory=list[Fate])
    """Of each sending in turn; taken when there is none left."""
    settles: bool = True
    """Whether the end of a contract is told; it is listed anyhow."""
    answers: bool = True
    """Whether questions are answered."""
    stale: int = 0
    """By how much its listings are behind."""
    contracts: dict[str, Listed] = field(default_factory=dict[str, Listed])
    intents: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """The contracts of each request."""
    sendings: int = 0

    def send(self, order: Order, at: int) -> Iterable[tuple[int, Any]]:
        fate = self.fates[self.sendings] if self.sendings < len(self.fates) else "taken"
        self.sendings += 1
        name = order.order
        if fate == "unsent":
            yield at, Unsent(name, "no connection", at)
            return
        if fate == "refused":
            yield at + LATENCY, Reject(name, "closed", at + LATENCY)
            return
        if fate == "lost_request":
            return
        if fate == "lost":
            yield at + LATENCY, Lost(name, "reset", at + LATENCY)
            return
        accepted = at + (self.evidence.late_ms or LATENCY if fate == "late" else LATENCY)
        first = self.intents.setdefault(order.request, [])
        if not (self.evidence.once and first):
            contract = self.open(order, accepted)
            first.append(contract)
        taken = self.contracts[first[-1]]
        if fate == "lost_taken":
            yield accepted, Lost(name, "503", accepted)
        ack = Ack(name, taken.contract, taken.accepted_at, taken.expiry, taken.payout)
        if fate in ("taken", "twice"):
            yield accepted, ack
        if fate == "twice":
            yield accepted + 1, ack
        if self.settles and fate not in ("lost_ack", "lost_taken", "late"):
            end = taken.expiry + 200
            yield end, Settlement(name, "win", Decimal("0.90"), accepted + 1, 1.1, taken.expiry, 1.2, end)

    def open(self, order: Order, accepted: int, *, request: bool = True) -> str:
        contract = f"C-{len(self.contracts) + 1}"
        ours = order.request if self.evidence.echoes and request else ""
        terms = order.product, order.tf, order.direction, order.stake, 0.9
        self.contracts[contract] = Listed(contract, ours, *terms, accepted, accepted + order.tf)
        return contract

    def answer(self, asked: Inquiry, at: int) -> Iterable[tuple[int, Any]]:
        if not self.answers:
            return
        as_of = at - self.stale
        listed = [self.listed(each, as_of) for each in self.contracts.values() if each.accepted_at <= as_of]
        wanted = [each for each in listed if each.contract == asked.contract or not asked.contract]
        since = [each for each in wanted if each.result is None or each.closed_at >= asked.since or asked.contract]
        yield (
            at + LATENCY,
            Statement(
                asked.account, asked.number, asked.since, as_of, at + LATENCY, tuple(since), contract=asked.contract
            ),
        )

    def listed(self, contract: Listed, as_of: int) -> Listed:
        if contract.result is not None or contract.expiry + 200 > as_of:
            return contract
        end = contract.expiry + 200
        return replace(contract, result="win", profit=Decimal("0.90"), closed_at=end, entry=1.1, exit=1.2)


class Session:
    """A desk and a broker, moment by moment."""

    def __init__(
        self,
        broker: Broker | None = None,
        terms: Mapping[str, Terms] | None = None,
        records: Any = None,
        *,
        manner: Manner = MANNER,
        mode: str = "paper",
    ) -> None:
        self.broker = broker or Broker()
        host = SimpleNamespace(ledger=records or NoRecords(), flow="flow", mode=mode)
        terms = {"demo-1": Terms("practice", self.broker.evidence)} if terms is None else terms
        self.desk = Desk(terms, manner, cast("Host", host))
        self.told: Told = []
        self._ahead: list[tuple[int, int, Any]] = []
        self._number = 0
        self._now = 0

    def at(self, moment: int, item: Any) -> None:
        self._number += 1
        heappush(self._ahead, (moment, self._number, item))

    def begin(self, past: Past | None = None, at: int = MONDAY) -> "Session":
        self.at(at, past or Past((), {}))
        return self

    def until(self, moment: int) -> "Session":
        while True:
            due = self.desk.due
            first = self._ahead[0][0] if self._ahead else None
            now = max(self._now, min((each for each in (due, first) if each is not None), default=moment + 1))
            if now > moment:
                return self
            self._now = now
            if first is not None and first <= now:
                _, _, item = heappop(self._ahead)
                self._hear(now, tuple(self.desk.take(item, now)))
            else:
                self._hear(now, tuple(self.desk.wake(now)))

    def _hear(self, at: int, told: Iterable[Any]) -> None:
        for each in told:
            self.told.append((at, each))
            replies: Iterable[tuple[int, Any]] = ()
            if isinstance(each, Inquiry):
                replies = self.broker.answer(each, at)
            elif isinstance(each, Order) and each.state == "SEND":
                replies = self.broker.send(each, at)
            for moment, reply in replies:
                self.at(moment, reply)

    def of(self, kind: type[Any]) -> list[Any]:
        return [each for _, each in self.told if isinstance(each, kind)]

    def states(self, name: str = "") -> list[str]:
        """The states of one order, or of all."""
        return [each.state for each in self.of(Order) if name in ("", each.order)]

    def moments(self, kind: type[Any], since: int) -> list[int]:
        return [at - since for at, each in self.told if isinstance(each, kind)]

    def last(self, name: str) -> Order:
        found: Order = [each for each in self.of(Order) if each.order == name][-1]
        return found


def alive(told: Told) -> list[Order]:
    last = {each.order: each for _, each in told if isinstance(each, Order)}
    return [each for each in last.values() if each.state not in ENDED]


def passes(told: Told) -> int:
    return sum(isinstance(each, Reconciled) for _, each in told)


SENT = MONDAY + MINUTE

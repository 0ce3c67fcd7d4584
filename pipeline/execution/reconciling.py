"""Whose contracts those are that a venue lists: each is of one order of ours, of somebody else, or it is not clear.

A venue that echoes our own id says it. Of another the contract's name says it, once we were told it; a contract whose
name we never heard is of the order that it fits in product, duration, direction, stake and time, if it is the only one
that fits and fits no other.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pipeline.evidence import Listed
from pipeline.execution.register import Register
from pipeline.orders import UNANSWERED, slot_end
from pipeline.times import SECOND
from pipeline.values import Order

SLACK = SECOND
"""How far a venue's clock may be from ours without an order being taken for another's."""

Span = tuple[int, int]
"""From when to when an order's contract may have been accepted."""


class Spans:
    """When the contracts of an account's orders may have been accepted."""

    def __init__(self, within: int, slack: int = SLACK) -> None:
        """`within`: so long after it was sent an order may come to life (ms), by its venue and by our patience;
        `slack`: so far the venue's stamps may be from our clock."""
        self._within, self.slack = within, slack
        self._resumed: dict[str, int] = {}
        self._repeated: set[str] = set()

    def resume(self, name: str, at: int) -> None:
        """An order of an earlier run: it was sent when nobody knows, but before this run began."""
        self._resumed[name] = at

    def repeat(self, name: str) -> None:
        """An order is sent again although an earlier sending may have arrived."""
        self._repeated.add(name)

    def of(self, order: Order) -> Span:
        first = last = order.sent_at
        resumed = self._resumed.get(order.order)
        if not first or resumed is not None or order.order in self._repeated:
            first = order.wanted_at
        if not last or resumed is not None:
            end = slot_end(order)
            last = max(last, end if resumed is None else min(end, resumed))
        return first - self.slack, self.late(last)

    def late(self, at: int) -> int:
        """Until when what was sent or taken at a moment may be missing in a listing."""
        return at + self._within + self.slack

    def forget(self, name: str) -> None:
        self._resumed.pop(name, None)
        self._repeated.discard(name)


class Matched(NamedTuple):
    """Contracts as they are listed, and whose they are."""

    pairs: tuple[tuple[Listed, Order], ...]
    contradicted: tuple[tuple[Listed, Order], ...]
    """Of an order that is proved to have no contract, or that has another one."""
    unclear: tuple[tuple[Listed, tuple[Order, ...]], ...]
    strangers: tuple[Listed, ...]


def matched(listed: Sequence[Listed], orders: Register, spans: Spans, *, echoes: bool) -> Matched:
    """Tell of each contract whose it is."""
    pairs: list[tuple[Listed, Order]] = []
    contradicted: list[tuple[Listed, Order]] = []
    unnamed: list[Listed] = []
    for each in listed:
        named = orders.by_contract(each.contract)
        asked = orders.by_request(each.request) if echoes and each.request else None
        if named is not None:
            pairs.append((each, named))
        elif asked is not None:
            (pairs if may_have(asked) else contradicted).append((each, asked))
        else:
            unnamed.append(each)
    if echoes or not unnamed:
        return Matched(tuple(pairs), tuple(contradicted), (), tuple(unnamed))
    taken = {order.order for _, order in pairs}
    guessed = _fitting(unnamed, [order for order in orders if order.order not in taken], spans)
    return guessed._replace(pairs=(*pairs, *guessed.pairs), contradicted=(*contradicted, *guessed.contradicted))


def _fitting(listed: Sequence[Listed], orders: Iterable[Order], spans: Spans) -> Matched:
    """Contracts whose names were never heard, by what they are of."""
    asked = [order for order in orders if may_have(order) or order.cause == "absent"]
    fits = {each.contract: tuple(order for order in asked if _fits(each, order, spans.of(order))) for each in listed}
    claims: dict[str, int] = {}
    for candidates in fits.values():
        for order in candidates:
            claims[order.order] = claims.get(order.order, 0) + 1
    pairs: list[tuple[Listed, Order]] = []
    contradicted: list[tuple[Listed, Order]] = []
    unclear: list[tuple[Listed, tuple[Order, ...]]] = []
    strangers: list[Listed] = []
    for each in listed:
        candidates = fits[each.contract]
        first = next(iter(candidates), None)
        if first is None:
            strangers.append(each)
        elif len(candidates) > 1 or claims[first.order] > 1:
            unclear.append((each, candidates))
        elif may_have(first):
            pairs.append((each, first))
        else:
            contradicted.append((each, first))
    return Matched(tuple(pairs), tuple(contradicted), tuple(unclear), tuple(strangers))


def may_have(order: Order) -> bool:
    """Whether an order may have a contract whose name we never heard."""
    return not order.contract and (order.state in UNANSWERED or order.state in ("SETTLED", "CANCELED"))


def fingerprint(order: Order | Listed) -> tuple[object, ...]:
    """What an order and its contract have in common."""
    return order.product, order.tf, order.direction, order.stake


def _fits(listed: Listed, order: Order, span: Span) -> bool:
    since, until = span
    return fingerprint(listed) == fingerprint(order) and since <= listed.accepted_at <= until

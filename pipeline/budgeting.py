"""The request budget: all that a flow may ask of its venues in its busiest minute and hour, against what they answer.

What each part asks it says itself (`needs`), from what the flow does at the most: an order for each product and
timeframe that a guard trades, as often as bars end, and the questions of an executor that is in doubt.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pipeline.connections.budgets import limits_of
from pipeline.connections.contract import Busy, Limit, Need, Needing, Priority
from pipeline.errors import Problem
from pipeline.evidence import Inquiry
from pipeline.plan import Edge, Node, products_of
from pipeline.times import HOUR, timeframe
from pipeline.toml_text import Source
from pipeline.values import Approved, Calibrated, Signals
from pipeline.wiring import sources_of

LEAST_FIRST: tuple[Priority, ...] = ("history", "quote", "result", "order")
"""What is given up first."""
HOURLY = 60
"""Minutes."""


class Share(NamedTuple):
    """How much of one limit of a venue a part needs at the most, and for what."""

    node: str
    account: str
    """Whose limit it is; "" where all that is asked from this machine counts together."""
    limit: Limit
    needs: tuple[Need, ...]

    @property
    def minute(self) -> float:
        return sum(each.per_minute for each in self.needs)

    @property
    def hour(self) -> float:
        return sum(_hourly(each) for each in self.needs)

    def text(self) -> str:
        whose = f"{self.account} " if self.account else ""
        minute = f"{self.minute:.4g} of {self.limit.per_minute} a minute ({self.minute / self.limit.per_minute:.0%})"
        hour = ""
        if self.limit.per_hour is not None:
            hour = f", {self.hour:.5g} of {self.limit.per_hour} an hour ({self.hour / self.limit.per_hour:.0%})"
        return f"[{self.node}] {whose}{self.limit.name}: at most {minute}{hour}"


class Excess(NamedTuple):
    """So many calls too many, of needs of which one may be made smaller."""

    share: Share
    over: float
    of: str
    needs: tuple[Need, ...]
    hourly: bool

    def cheapest(self) -> str:
        """The change that costs least: of what is given up first, the one that suffices alone."""
        sizes = self._sizes()
        for each in sorted(self.needs, key=lambda each: (LEAST_FIRST.index(each.priority), -sizes[each.what])):
            size = sizes[each.what]
            if each.cheaper is not None and size > self.over:
                return each.cheaper(size / (size - self.over))
        largest = max(self.needs, key=lambda each: sizes[each.what])
        begin = f"begin with {largest.what}"
        if largest.cheaper is not None:
            begin += f" ({largest.cheaper(2)} makes it half)"
        return f"no single change is enough: {begin}, or divide products and timeframes among more accounts"

    def text(self) -> str:
        share = self.share
        whose = f" of {share.account}" if share.account else ""
        span = "an hour" if self.hourly else "a minute"
        sized = sorted(((size, what) for what, size in self._sizes().items()), reverse=True)
        wanted = sum(count for count, _ in sized)
        parts = ", ".join(f"{count:.5g} for {what}" for count, what in sized)
        return f"it may ask {wanted:.6g} times {span} for `{share.limit.name}`{whose}, where {self.of}: {parts}"

    def _sizes(self) -> dict[str, float]:
        """How many calls are for what: those for one thing are made fewer by one change."""
        sizes = dict[str, float]()
        for each in self.needs:
            sizes[each.what] = sizes.get(each.what, 0.0) + self._size(each)
        return sizes

    def _size(self, need: Need) -> float:
        return _hourly(need) if self.hourly else need.per_minute


def shares(nodes: Mapping[str, Node], edges: Sequence[Edge]) -> tuple[Share, ...]:
    """Of every limit of every part that talks over a network, how much is needed."""
    found: dict[tuple[str, str, Limit], list[Need]] = {}
    for node in nodes.values():
        if not isinstance(node.instance, Needing):
            continue
        limits = node.instance.limits()
        for need in node.instance.needs(busy_of(node, nodes, edges)):
            for limit in limits_of(need.call, limits):
                whose = need.account if limit.scope == "account" else ""
                found.setdefault((node.id, whose, limit), []).append(need)
    return tuple(Share(name, whose, limit, tuple(needs)) for (name, whose, limit), needs in found.items())


def busy_of(node: Node, nodes: Mapping[str, Node], edges: Sequence[Edge]) -> Busy:
    """What a flow does in its busiest minute, as far as one of its nodes hears of it."""
    slots = sorted({timeframe(name) for each in nodes.values() for name in getattr(each.instance, "timeframes", ())})
    if node.part.kind == "source":
        return Busy(products_of(node), tuple(slots), {}, {}, {}, {})
    orders, hourly = dict[str, int](), dict[str, int]()
    questions, questions_hourly = dict[str, float](), dict[str, float]()
    products = set[str]()
    for edge in edges:
        executor = nodes.get(edge.source)
        if edge.target != node.id or Inquiry not in edge.types or executor is None:
            continue
        for account in edge.accounts:
            asks, quiet = executor.instance.ask_seconds, executor.instance.reconcile_seconds
            questions[account] = 60 / asks
            questions_hourly[account] = 3600 / quiet + executor.instance.unknown_seconds / asks
        for guard in _guards_of(executor, nodes, edges):
            traded = _products(guard, nodes, edges)
            spans = _traded_slots(guard, slots)
            products |= traded
            for account in edge.accounts & set(guard.instance.accounts):
                keys = len(traded) * len(spans)
                most = guard.instance.open_per.account
                orders[account] = keys if most is None else min(keys, most)
                an_hour = sum(len(traded) * (HOUR // span) for span in spans)
                # A trade lasts its timeframe at the least, so no more can follow one another where few are open.
                hourly[account] = an_hour if most is None else min(an_hour, most * HOURLY)
    return Busy(tuple(sorted(products)), tuple(slots), orders, hourly, questions, questions_hourly)


def problems(source: Source, nodes: Mapping[str, Node], edges: Sequence[Edge]) -> Iterator[Problem]:
    """A problem for each limit that the flow may exceed, with the cheapest change."""
    for excess in excesses(shares(nodes, edges)):
        name = excess.share.node
        line, column = source.place(tuple(name.split(".", 1)))
        yield Problem(f"[{name}]", excess.text(), excess.cheapest(), line, column)


def excesses(found: Sequence[Share]) -> Iterator[Excess]:
    """What does not fit: the worst of each share."""
    for share in found:
        limit = share.limit
        others = tuple(each for each in share.needs if each.priority != "order")
        free = limit.per_minute - limit.reserve
        asked = sum(each.per_minute for each in others)
        if share.minute > limit.per_minute:
            yield Excess(share, share.minute - limit.per_minute, _answers(limit), share.needs, hourly=False)
        elif asked > free:
            of = f"{_answers(limit)}, {limit.reserve} of them kept for orders"
            yield Excess(share, asked - free, of, others, hourly=False)
        elif limit.per_hour is not None and share.hour > limit.per_hour:
            of = f"the venue answers {limit.per_hour}"
            yield Excess(share, share.hour - limit.per_hour, of, share.needs, hourly=True)


def _answers(limit: Limit) -> str:
    return f"the venue answers {limit.per_minute}"


def _hourly(need: Need) -> float:
    return HOURLY * need.per_minute if need.per_hour is None else need.per_hour


def _guards_of(executor: Node, nodes: Mapping[str, Node], edges: Sequence[Edge]) -> Iterator[Node]:
    for edge in edges:
        if edge.target == executor.id and Approved in edge.types and edge.source in nodes:
            yield nodes[edge.source]


def _products(guard: Node, nodes: Mapping[str, Node], edges: Sequence[Edge]) -> set[str]:
    """What a guard may trade: what is quoted by the sources that its signals are made from."""
    signalling = [each for each in edges if each.target == guard.id and {Signals, Calibrated} & set(each.types)]
    found = set[str]().union(*(sources_of(nodes, each.source, edges) for each in signalling))
    return {product for name in found for product in products_of(nodes[name])}


def _traded_slots(guard: Node, slots: Sequence[int]) -> list[int]:
    """The timeframes that a guard trades: all, or those that its thresholds name."""
    threshold: float | Mapping[str, float] = guard.instance.threshold
    named = None if isinstance(threshold, float | int) else {timeframe(name) for name in threshold}
    return [each for each in slots if named is None or each in named]

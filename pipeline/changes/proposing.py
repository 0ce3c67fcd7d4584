"""What another plan would do to a flow that runs: its nodes, its keys, what it waits for, and what it refuses."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Literal, NamedTuple

from pipeline.changes.identity import USE, Identities, described, described_fields
from pipeline.changes.proposal import KeyChange, NodeChange, Proposal
from pipeline.changes.steps import by_node, changes_of, takes_over
from pipeline.evidence import Inquiry
from pipeline.plan import Node, Plan, closes, lists, products_of, tie_of
from pipeline.states import ENDED
from pipeline.times import timeframe, timeframe_name
from pipeline.values import Key, Order, Scope

FREE = ("watch", "plugins", "display_timezone")
"""The keys of [moonlight] that may change; all others hold for as long as an engine runs."""
FOR_THAT = "restart the engine for that"
ANEW = frozenset({"restart", "start", "stop"})
PACE = ("speed", "start")
"""Keys of a simulated market that are the clock of the whole flow."""
Becomes = Literal["left", "changed", "held", "new", "gone"]


class Fate(NamedTuple):
    """What becomes of a key, why, whether it trades nothing new while the change waits, and what it waits for."""

    what: Becomes
    why: str = ""
    idle: bool = False
    orders: tuple[str, ...] = ()


def propose(old: Plan, new: Plan, orders: Iterable[Order] = (), gaps: Mapping[str, float] | None = None) -> Proposal:
    """What becomes of each node and each key. `orders` are those that have not ended; `gaps` are how long (s) each
    source took to give prices again, where that was measured."""
    changes = changes_of(old, new)
    refused = tuple(_refusals(old, new, changes))
    alive = tuple(order for order in orders if order.state not in ENDED)
    keys = tuple(_scoped(_becomes(old, new, changes, alive)))
    held = frozenset(name for each in keys for name in each.orders)
    ends = [order.expiry for order in alive if order.order in held]
    anew = [each.node for each in changes if each.what == "restart" and each.node.startswith("sources.")]
    gap, warnings = _gap(new, anew, gaps or {})
    return Proposal(
        nodes=changes,
        keys=keys,
        refused=refused,
        warnings=(*warnings, *_told(old, new)),
        waits_until=max(ends, default=0),
        gap_seconds=gap,
    )


# --- what is refused -------------------------------------------------------------------------------------------------


def _refusals(old: Plan, new: Plan, changes: tuple[NodeChange, ...]) -> Iterator[str]:
    for each in fields(old.settings):
        was, now = getattr(old.settings, each.name), getattr(new.settings, each.name)
        if each.name not in FREE and was != now:
            yield f"[moonlight] {each.name} cannot change from {was!r} to {now!r} in a running engine; {FOR_THAT}"
    yield from _accounts(old, new)
    for change in changes:
        was, node = old.by_id.get(change.node), new.by_id.get(change.node)
        if was is not None and node is not None and change.what != "keep":
            yield from _of_node(was, node, change, new)
    yield from _of_pace(old, new)
    yield from _of_executors(old, new)


def _accounts(old: Plan, new: Plan) -> Iterator[str]:
    for name in sorted(old.accounts.keys() | new.accounts.keys()):
        where = f"[accounts.{name}]"
        if name not in new.accounts:
            yield f"{where} cannot be removed from a running engine; {FOR_THAT}"
        elif name not in old.accounts:
            yield f"{where} cannot be added to a running engine; {FOR_THAT}"
        elif old.accounts[name] != new.accounts[name]:
            was, now = dict(described_fields(old.accounts[name])), dict(described_fields(new.accounts[name]))
            keys = ", ".join(key for key in was if was[key] != now[key])
            yield f"{where} {keys} cannot change in a running engine; {FOR_THAT}"
        elif name in new.accounts and (tie_of(old, name), lists(old, name), closes(old, name)) != (
            tie_of(new, name),
            lists(new, name),
            closes(new, name),
        ):
            yield f"[venues.{new.accounts[name].venue}] tie and evidence cannot change in a running engine; {FOR_THAT}"
    traded = {account for node in old.of("risk") for account in node.instance.accounts}
    for node in new.of("risk"):
        for name in node.instance.accounts:
            if name in old.accounts and name not in traded:
                yield (
                    f"[{node.id}] no guard traded {name} until now, so nobody here knows what it did before; {FOR_THAT}"
                )


def _of_node(was: Node, node: Node, change: NodeChange, new: Plan) -> Iterator[str]:
    remembers = was.part.kind == "risk" or Inquiry in was.part.gives
    if remembers and (USE in change.keys or not takes_over(node)):
        yield f"[{node.id}] another {was.part.kind} cannot know what this one remembers of open orders; {FOR_THAT}"


def _of_pace(old: Plan, new: Plan) -> Iterator[str]:
    was, now = _pace(old), _pace(new)
    if was != now:
        yield f"the clock of the flow is its simulated market's: {' and '.join(PACE)} cannot change; {FOR_THAT}"


def _pace(plan: Plan) -> list[tuple[str, ...]]:
    simulated = (node.instance for node in (*plan.of("source"), *plan.of("venue")) if hasattr(node.instance, "speed"))
    return sorted({tuple(described(getattr(each, key, "")) for key in PACE) for each in simulated})


def _of_executors(old: Plan, new: Plan) -> Iterator[str]:
    was, now = _executors(old), _executors(new)
    for account in sorted(was.keys() | now.keys()):
        if account in old.accounts and account in new.accounts and was.get(account) != now.get(account):
            before, after = was.get(account, "nobody"), now.get(account, "nobody")
            yield f"the orders of {account} are sent by {before}, and would be by {after}; {FOR_THAT}"


def _executors(plan: Plan) -> dict[str, str]:
    """Who sends the orders of each account."""
    return {
        account: node.id
        for node in plan.of("sink")
        if Inquiry in node.part.gives
        for account in getattr(node.instance, "terms", {})
    }


def _told(old: Plan, new: Plan) -> Iterator[str]:
    """What is taken up otherwise than at once."""
    if old.api != new.api:
        yield f"[api] is taken up at the next start; {FOR_THAT}"
    if old.settings.display_timezone != new.settings.display_timezone:
        yield "display_timezone is taken up at the next start"
    for warning in set(new.warnings) - set(old.warnings):
        yield f"{warning.where}: {warning.what}; {warning.fix}"


def _gap(new: Plan, anew: list[str], gaps: Mapping[str, float]) -> tuple[float, tuple[str, ...]]:
    known = {name: 0.0 if hasattr(new.by_id[name].instance, "starts_at") else gaps.get(name) for name in anew}
    unknown = [name for name, gap in known.items() if gap is None]
    warnings = tuple(f"nobody measured how long {name} takes until it gives prices again" for name in unknown)
    return max((gap for gap in known.values() if gap is not None), default=0.0), warnings


# --- what becomes of keys --------------------------------------------------------------------------------------------


def _becomes(old: Plan, new: Plan, changes: tuple[NodeChange, ...], orders: tuple[Order, ...]) -> dict[Key, Fate]:
    what = by_node(changes)
    first = {each.node for each in changes if each.keys or each.what in ("start", "stop")}
    was, now = _Chains(old), _Chains(new)
    found: dict[Key, Fate] = {}
    for key in sorted(was.keys.keys() | now.keys.keys()):
        mine = tuple(order.order for order in orders if order.key == key)
        if key not in was.keys:
            found[key] = Fate("new")
            continue
        if key not in now.keys:
            found[key] = Fate("held" if mine else "gone", "nothing trades it any more", True, mine)
            continue
        guards = {was.keys[key], now.keys[key]}  # these take over what they know from each other
        anew = sorted(name for name in (was.of(key) | now.of(key)) - guards if what.get(name) in ANEW)
        if anew:
            roots = [name for name in anew if name in first] or anew
            found[key] = Fate("held" if mine else "changed", _anew(roots), True, mine)
        elif len(guards) > 1 or was.mark(key) != now.mark(key):
            found[key] = Fate("changed", now.why(key, what))
        else:
            found[key] = Fate("left")
    _hold_others(found, was, now, what, orders)
    return found


def _hold_others(
    found: dict[Key, Fate],
    was: "_Chains",
    now: "_Chains",
    what: Mapping[str, str],
    orders: tuple[Order, ...],
) -> None:
    """Orders of keys that nobody trades any more are of their venue and their executor still."""
    for order in orders:
        key = order.key
        if key in was.keys or key in now.keys:
            continue
        anew = sorted(name for name in was.outside(order.account) if what.get(name) in ANEW)
        if anew:
            known = found.get(key, Fate("held")).orders
            found[key] = Fate("held", _anew(anew), True, (*known, order.order))


def _anew(names: Iterable[str]) -> str:
    several = list(dict.fromkeys(names))
    return f"{' and '.join(several)} begin{'s' if len(several) == 1 else ''} anew"


class _Chains:
    """The keys of a plan, and the nodes that each of them goes through."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._ids = Identities(plan)
        self._before: dict[str, frozenset[str]] = {}
        self._marks: dict[tuple[str, str], str] = {}
        self.keys: dict[Key, str] = {}
        """Each with its guard."""
        for gate in plan.of("risk"):
            for account in gate.instance.accounts:
                for product, tf in self._streams(gate.id):
                    self.keys.setdefault(Key(account, product, tf), gate.id)

    def of(self, key: Key) -> frozenset[str]:
        """All nodes before its guard that have to do with its product, its guard, and where its orders go."""
        gate = self.keys[key]
        before = frozenset(
            name
            for name in self._upstream(gate)
            if not (source := self._source(name)) or key.product in products_of(source)
        )
        return before | {gate} | self.outside(key.account)

    def outside(self, account: str) -> frozenset[str]:
        """Who sends an account's orders, and to whom."""
        known = self._plan.accounts.get(account)
        executors = {name for each, name in _executors(self._plan).items() if each == account}
        return frozenset(executors | ({f"venues.{known.venue}"} if known is not None else set()))

    def mark(self, key: Key) -> str:
        """What its decisions and its orders depend on, beside what gathers its prices."""
        whose = self.keys[key], key.account
        known = self._marks.get(whose)
        if known is None:
            known = self._marks[whose] = self._marked(*whose)
        return known

    def _marked(self, guard: str, account: str) -> str:
        gate = self._plan.by_id[guard]
        own = {name: value for name, value in self._ids.own[gate.id].items() if name not in ("products", "slots")}
        parts = [described(own)]
        parts += [self._ids.whole[edge.source] for edge in self._plan.into(gate.id) if self._judges(edge.source)]
        parts += [described(self._ids.own[name]) for name in sorted(self.outside(account)) if name in self._ids.own]
        return "|".join(parts)

    def why(self, key: Key, what: Mapping[str, str]) -> str:
        other = sorted(name for name in self.of(key) if what.get(name, "keep") != "keep")
        return f"{', '.join(other)} changes" if other else "its columns change"

    def _judges(self, name: str) -> bool:
        node = self._plan.by_id.get(name)
        return node is not None and node.part.kind in ("ensemble", "operator") and "Bars" not in _given(node)

    def _source(self, name: str) -> Node | None:
        node = self._plan.by_id.get(name)
        return node if node is not None and node.part.kind == "source" else None

    def _streams(self, gate: str) -> Iterator[tuple[str, int]]:
        names = self._upstream(gate)
        nodes = [self._plan.by_id[name] for name in names if name in self._plan.by_id]
        products = {product for node in nodes if node.part.kind == "source" for product in products_of(node)}
        spans = {timeframe(name) for node in nodes for name in getattr(node.instance, "timeframes", ())}
        yield from ((product, tf) for product in sorted(products) for tf in sorted(spans))

    def _upstream(self, name: str) -> frozenset[str]:
        known = self._before.get(name)
        if known is None:
            named = {edge.source for edge in self._plan.into(name) if not edge.closes}
            found = named.union(*(self._upstream(each) for each in named))
            known = self._before[name] = frozenset(found)
        return known


def _given(node: Node) -> frozenset[str]:
    return frozenset(kind.__name__ for kind in node.part.gives)


def _scoped(found: Mapping[Key, Fate]) -> Iterator[KeyChange]:
    """What is said alike of all keys of an account, a product or a timeframe is said once of them all."""
    for said in dict.fromkeys(each[:3] for each in found.values()):
        left = {key for key, each in found.items() if each[:3] == said}
        for dimensions in SCOPES:
            for scope in dict.fromkeys(_scope(key, dimensions) for key in sorted(left)):
                held = [key for key in found if scope.holds(key)]
                if left.issuperset(held):
                    left.difference_update(held)
                    what, why, idle = said
                    orders = tuple(sorted(name for key in held for name in found[key].orders))
                    yield KeyChange(scope, what, why, orders, idle)


SCOPES = ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2))
"""Which of account, product and timeframe a scope names: the fewer the better."""


def _scope(key: Key, dimensions: tuple[int, ...]) -> Scope:
    account, product, tf = key
    return Scope(account if 0 in dimensions else "", product if 1 in dimensions else "", tf if 2 in dimensions else 0)


def scope_text(scope: Scope) -> str:
    """Whom it means, for people."""
    said = (scope.account, scope.product, timeframe_name(scope.tf) if scope.tf else "")
    return " ".join(filter(None, said)) or "all keys"

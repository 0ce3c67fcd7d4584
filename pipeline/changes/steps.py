"""What becomes of each node when a flow goes on by another plan: as little as is right.

What is computed from a bar alone (features, strategies, ensembles, calibrators) is exchanged between two bars. Guards
and executors are exchanged too, and take over what they remember of accounts and orders. What gathers a stream
(sources, windows, venues, publishers) begins anew: a window loads its history by its sources, so these begin anew with
it, and with them whatever else makes bars or health of their prices.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pipeline.changes.identity import FROM, ON_FAULT, Identities
from pipeline.changes.proposal import NodeChange, What
from pipeline.parts import TABLES
from pipeline.plan import FEATURES, Node, Plan
from pipeline.times import timeframe_name
from pipeline.tipping import HEARS
from pipeline.values import Bars, Calibrated, Columns, Signals, Votes
from pipeline.wiring import sources_of

BY_ROW = frozenset({Columns, Votes, Signals, Calibrated})
"""Who takes nothing but these answers each row from the rows it is given with it, and remembers none."""
TABLE_ORDER = tuple(TABLES.values())


def changes_of(old: Plan, new: Plan) -> tuple[NodeChange, ...]:
    """What becomes of each node, in the order of the tables; columns that change are the node `features`."""
    return _Steps(old, new).all()


def merged(old: Plan, new: Plan, changes: tuple[NodeChange, ...]) -> Plan:
    """The new plan with the nodes of the old one that go on, as they are."""
    kept = {each.node for each in changes if each.what == "keep"}
    return replace(new, nodes=tuple(old.by_id[node.id] if node.id in kept else node for node in new.nodes))


def takes_over(node: Node) -> bool:
    """Whether a node of this part, put in the place of another, knows what that one remembered."""
    return bool(getattr(node.part.cls, "takes_over", False))


def answers_rows(node: Node) -> bool:
    """Whether a node remembers nothing between two bars."""
    if node.part.kind in ("provider", "ensemble"):
        return True
    taken = {kind for kinds in node.part.takes.values() for kind in kinds}
    return node.part.kind == "operator" and taken <= BY_ROW


class _Steps:
    def __init__(self, old: Plan, new: Plan) -> None:
        self._old, self._new = old, new
        self._was, self._is = Identities(old), Identities(new)
        self._whats: dict[str, NodeChange] = {}

    def all(self) -> tuple[NodeChange, ...]:
        for node in self._new.nodes:
            self._whats[node.id] = self._of(node)
        for node in self._old.nodes:
            if node.id not in self._new.by_id:
                self._whats[node.id] = NodeChange(node.id, "stop", "its table is gone")
        if (features := self._columns()) is not None:
            self._whats[FEATURES] = features
        while self._spread():
            pass
        return tuple(sorted(self._whats.values(), key=_placed))

    def _of(self, node: Node) -> NodeChange:
        was = self._old.by_id.get(node.id)
        if was is None:
            return NodeChange(node.id, "start", "its table is new")
        keys = tuple(self._keys_of(node.id))
        if not keys:
            return NodeChange(node.id, "keep", self._hears(node))
        return NodeChange(node.id, self._class(node, keys), _said(keys), keys)

    def _keys_of(self, name: str) -> Iterator[str]:
        was, now = self._was.own[name], self._is.own[name]
        for key in sorted(was.keys() | now.keys()):
            if was.get(key) != now.get(key):
                yield key
        if self._named_inputs(self._was, name) != self._named_inputs(self._is, name):
            yield FROM

    def _named_inputs(self, of: Identities, name: str) -> frozenset[str]:
        """Which nodes it takes from: those before it, not those that answer it."""
        return frozenset(f"{edge.parameter} {edge.source}" for edge in of.plan.into(name) if not edge.closes)

    def _class(self, node: Node, keys: tuple[str, ...]) -> What:
        if keys == (ON_FAULT,) or answers_rows(node) or takes_over(node):
            return "apply"
        outside = node.part.outer or node.part.kind == "operator"
        return "apply" if keys == (FROM,) and not outside else "restart"

    def _hears(self, node: Node) -> str:
        """Why what a kept node hears is not what it was."""
        if self._was.whole[node.id] == self._is.whole[node.id]:
            return ""
        changed = sorted(
            edge.source
            for edge in self._new.into(node.id)
            if not edge.closes and self._was.whole.get(edge.source) != self._is.whole.get(edge.source)
        )
        return f"hears {', '.join(changed)}" if changed else "hears other columns"

    def _columns(self) -> NodeChange | None:
        """What becomes of the features."""
        was, now = self._was.columns, self._is.columns
        if not was and not now:
            return None
        other = tuple(sorted(name for name in was.keys() | now.keys() if was.get(name) != now.get(name)))
        if not other:
            return NodeChange(FEATURES, "keep")
        told = [f"{len(other)} column{'s' if len(other) > 1 else ''} changed"]
        for tf, bars in self._is.warm.items():
            if tf in self._was.warm and self._was.warm[tf] != bars:
                told.append(f"{timeframe_name(tf)} bars are ready after {bars} instead of {self._was.warm[tf]}")
        return NodeChange(FEATURES, "apply", "; ".join(told), other)

    # --- what follows from it ----------------------------------------------------------------------------------------

    def _spread(self) -> bool:
        """Have begin anew what must because something else does; whether there was any."""
        before = dict(self._whats)
        for node in self._new.of("operator"):
            if not answers_rows(node):
                self._spread_from(node)
        for node in self._new.of("provider"):
            self._spread_tips(node)
        return self._whats != before

    def _spread_from(self, node: Node) -> None:
        sources = sources_of(self._new.by_id, node.id, self._new.edges)
        anew = sorted(name for name in sources if self._whats[name].what in ("restart", "start"))
        if anew:
            self._restart(node.id, f"begins anew with {', '.join(anew)}")
        if (deeper := self._deeper(node)) is not None:
            self._restart(node.id, deeper)
        if self._whats[node.id].what in ("restart", "start") and Bars in node.part.gives:
            for name in sources:
                self._restart(name, f"gives {node.id} its history")

    def _spread_tips(self, node: Node) -> None:
        """Tips are told once, ahead of their time: who comes later has them told again."""
        told_by = {edge.source for edge in self._new.into(node.id) if edge.parameter == HEARS}
        known = {edge.source for edge in self._old.into(node.id) if edge.parameter == HEARS}
        for name in told_by - known:
            self._restart(name, f"tells {node.id} its tips")

    def _deeper(self, node: Node) -> str | None:
        """Why a window must keep more bars than it does."""
        was = self._old.by_id.get(node.id)
        held = getattr(was.instance, "contexts", {}) if was is not None else {}
        for tf, bars in getattr(node.instance, "contexts", {}).items():
            if tf in held and bars > held[tf]:
                return f"needs {bars} bars of {timeframe_name(tf)} for the features instead of {held[tf]}"
        return None

    def _restart(self, name: str, why: str) -> None:
        was = self._whats[name]
        if was.what in ("keep", "apply"):
            self._whats[name] = NodeChange(name, "restart", why, was.keys)


def _said(keys: tuple[str, ...]) -> str:
    return ", ".join(keys)


def _placed(change: NodeChange) -> tuple[int, str]:
    table = change.node.split(".", 1)[0]
    return (TABLE_ORDER.index(table) if table in TABLE_ORDER else len(TABLE_ORDER)), change.node


def by_node(changes: tuple[NodeChange, ...]) -> Mapping[str, What]:
    return {each.node: each.what for each in changes}

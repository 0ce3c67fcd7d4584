"""What only one may do: decide for an account, send what a guard approved, close the bars of a product. And what
somebody must: send it, and keep what was decided."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import cast

from pipeline.errors import Problem
from pipeline.plan import Edge, Node, products_of
from pipeline.tables import Tables
from pipeline.times import timeframe, timeframe_name
from pipeline.values import Approved, Bars, Decisions, Order
from pipeline.wiring import gives, sources_of


class Sharing:
    """The nodes of a flow beside each other."""

    def __init__(self, tables: Tables, nodes: Mapping[str, Node], edges: Sequence[Edge]) -> None:
        self._tables, self._nodes, self._edges = tables, nodes, edges
        self._guards = [node for node in nodes.values() if node.part.kind == "risk"]

    def check(self) -> None:
        self._one_guard_for_an_account()
        self._one_executor_for_a_guard()
        self._one_window_for_a_bar()

    def warnings(self) -> Iterator[Problem]:
        """What may be meant, but hardly is."""
        executors = {guard.id: self._takers(guard.id, Approved) for guard in self._guards}
        for guard in self._guards:
            if not executors[guard.id]:
                yield self._warning(guard.id, "no executor takes what it approves, so nothing is sent", "an executor")
        for name in dict.fromkeys(each for several in executors.values() for each in several):
            if not self._kept(name, Order):
                what = "no store keeps its orders, so `report` lacks them, and after a restart limits do"
                yield self._warning(name, what, "a store")
        for guard in self._guards:
            if not self._kept(guard.id, Decisions):
                yield self._warning(guard.id, "no store keeps its decisions, so `why` knows none of them", "a store")

    def unknown(self) -> Iterator[Problem]:
        """What guards name and no source or window of the flow has: it changes nothing, which may surprise."""
        bars = {span for node in self._nodes.values() for span in _spans(node)}
        products = {name for node in self._nodes.values() if node.part.kind == "source" for name in products_of(node)}
        for guard in self._guards:
            threshold, together = (getattr(guard.instance, key, None) for key in ("threshold", "together"))
            named = cast("dict[str, float]", threshold) if isinstance(threshold, dict) else {}
            for name in named:
                if bars and timeframe(name) not in bars:
                    known = ", ".join(map(timeframe_name, sorted(bars)))
                    yield self._unknown(guard.id, "threshold", f"{name}, of which there are no bars", known)
            for group in together.groups.values() if products and together is not None else ():
                for name in sorted({*group} - products):
                    known = ", ".join(sorted(products))
                    yield self._unknown(guard.id, "together", f"{name}, which no source has", known)

    def _one_guard_for_an_account(self) -> None:
        decides: dict[str, str] = {}
        for guard in self._guards:
            for number, name in enumerate(guard.instance.accounts):
                if name in decides:
                    other = "twice" if decides[name] == guard.id else f"by [{decides[name]}] too"
                    self._tables.problem(
                        (*guard.id.split(".", 1), "accounts", number),
                        f"[{guard.id}] account {name!r} would be decided for {other}",
                        "name each account once, in one guard",
                        value=True,
                    )
                decides.setdefault(name, guard.id)

    def _one_executor_for_a_guard(self) -> None:
        for guard in self._guards:
            first, *others = self._takers(guard.id, Approved) or [""]
            for other in others:
                self._tables.problem(
                    (*other.split(".", 1), "from"),
                    f"[{other}] would send what {guard.id} approves a second time, after [{first}]",
                    f"take {guard.id} out of one of the two",
                    value=True,
                )

    def _one_window_for_a_bar(self) -> None:
        windows = [node for node in self._nodes.values() if node.part.kind == "operator" and Bars in gives(node)]
        for one, other in combinations(windows, 2):
            both = _spans(one) & _spans(other)
            if both and self._prices_of(one) & self._prices_of(other):
                self._tables.problem(
                    (*other.id.split(".", 1), "timeframes"),
                    f"[{other.id}] would give the same bars of {timeframe_name(min(both))} as [{one.id}]",
                    "have each timeframe of a product in one of the two",
                    value=True,
                )

    def _prices_of(self, window: Node) -> set[str]:
        """The sources that a window hears, and their products."""
        names = sources_of(self._nodes, window.id, self._edges)
        return names | {product for name in names for product in products_of(self._nodes[name])}

    def _takers(self, giver: str, kind: type) -> list[str]:
        return list(
            dict.fromkeys(
                edge.target
                for edge in self._edges
                if edge.source == giver and kind in edge.types and edge.target in self._nodes
            )
        )

    def _kept(self, giver: str, kind: type) -> bool:
        return any(self._nodes[name].part.kind == "sink" for name in self._takers(giver, kind))

    def _unknown(self, guard: str, key: str, what: str, known: str) -> Problem:
        line, column = self._tables.source.value_place((*guard.split(".", 1), key))
        return Problem(f"[{guard}]", f"{key} names {what}", f"name one of {known}, or take it out", line, column)

    def _warning(self, name: str, what: str, who: str) -> Problem:
        line, column = self._tables.source.place(tuple(name.split(".", 1)))
        return Problem(f"[{name}]", what, f"name {name} in the `from` of {who}", line, column)


def _spans(window: Node) -> set[int]:
    names: Iterable[str] = getattr(window.instance, "timeframes", ())
    return {timeframe(name) for name in names}

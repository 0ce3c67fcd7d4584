"""Which node takes what from which: what `from` names, and what follows from what the parts are."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from pipeline.evidence import (
    Audited,
    Called,
    Cash,
    Closing,
    Declined,
    Dispute,
    Inquiry,
    Lost,
    Reconciled,
    Request,
    Standing,
    Statement,
    Trouble,
    Unsent,
    Verdict,
    Written,
)
from pipeline.parts import Kind
from pipeline.plan import AUDITS, CERTIFICATES, FEATURES, LEDGER, OUTCOMES, REPAINT, Account, Edge, Node
from pipeline.service import Diagnosis, FeedReport, Pressure, Universe
from pipeline.tables import Place, Tables, nearest, shown
from pipeline.tipping import HEARS, hears
from pipeline.values import (
    Ack,
    Arming,
    Bars,
    Calibrated,
    Certificate,
    Columns,
    Decisions,
    Gap,
    Health,
    Held,
    Latch,
    Leaving,
    Order,
    Outcomes,
    Past,
    Payouts,
    Quotes,
    Reject,
    Revised,
    Settlement,
    Signals,
    Slept,
    Switched,
    Tips,
    Votes,
)

REPLIES = (Ack, Reject, Unsent, Lost, Declined, Settlement, Statement)
"""What an executor hears from venues."""
TOLD = (Past, Written, Latch, Switched, Arming, Verdict, Request)
"""What it hears from the ledger."""
OFFERED = (Payouts, Standing, Trouble, Called, FeedReport, Diagnosis)
"""What those outside say that a sink hears without a word in the file."""


class Wiring:
    """The edges of a flow whose nodes are known. `declared` names also the nodes that could not be made."""

    def __init__(
        self, tables: Tables, nodes: Mapping[str, Node], declared: frozenset[str], accounts: Mapping[str, Account]
    ) -> None:
        self._tables, self._nodes, self._declared, self._accounts = tables, nodes, declared, accounts

    def edges(self) -> list[Edge]:
        edges: list[Edge] = []
        for node in self._nodes.values():
            edges += self._named(node)
        edges += list(self._implied(edges))
        for gate in self._of("risk"):
            edges += list(self._watching(gate, edges))
        return list(dict.fromkeys(edges))

    def _named(self, node: Node) -> Iterator[Edge]:
        """Edges that `from` names."""
        table, name = node.id.split(".", 1)
        path = (table, name, "from")
        given = self._tables.source.data[table][name].get("from")
        wants = _wants(node)
        if not wants:
            if given is not None:
                self._tables.problem(path, f"[{node.id}] takes nothing from another node by name", "remove `from`")
            return
        if given is None:
            if node.part.kind != "venue":
                takes = " | ".join(kind.__name__ for kinds in wants.values() for kind in kinds)
                self._tables.problem(
                    (table, name),
                    f"[{node.id}] does not say where its input comes from",
                    f'add from = "…": a node that gives {takes}',
                )
            return
        if given == []:
            self._tables.problem(path, f"[{node.id}] from is empty", "name a node in it", value=True)
        several = cast("list[Any]", given) if isinstance(given, list) else [given]
        for number, each in enumerate(several):
            at = (*path, number) if isinstance(given, list) else path
            if each in several[:number]:
                self._tables.problem(at, f"[{node.id}] from names {shown(each)} twice", "name it once", value=True)
            else:
                yield from self._named_edge(node, each, wants, at)

    def _named_edge(
        self, node: Node, name: Any, wants: Mapping[str, tuple[type[Any], ...]], path: Place
    ) -> Iterator[Edge]:
        takes = tuple(kind for kinds in wants.values() for kind in kinds)
        if not isinstance(name, str):
            self._tables.problem(path, f"[{node.id}] from holds {shown(name)}", "name nodes in quotes", value=True)
            return
        found = [self._nodes[each] for each in self._nodes if each == name or each.split(".", 1)[1] == name]
        fitting = [each for each in found if each.id != node.id and set(gives(each)) & set(takes)]
        if len(fitting) == 1:
            for parameter, kinds in wants.items():
                carried = tuple(kind for kind in kinds if kind in gives(fitting[0]))
                if carried:
                    yield Edge(fitting[0].id, node.id, parameter, carried)
        elif fitting:
            names = ", ".join(each.id for each in fitting)
            self._tables.problem(
                path, f"[{node.id}] from: {name!r} could be {names}", "write the full name", value=True
            )
        elif found == [node]:
            self._tables.problem(path, f"[{node.id}] takes from itself", "name another node", value=True)
        elif found:
            offered = " | ".join(kind.__name__ for kind in gives(found[0])) or "nothing"
            wanted = " | ".join(kind.__name__ for kind in takes)
            names = [each.split(".", 1)[1] for each in self._nodes if set(gives(self._nodes[each])) & set(takes)]
            fits = nearest(name, names) if names else f"name a node that gives {wanted}"
            self._tables.problem(
                path,
                f"[{node.id}] from: {found[0].id} gives {offered}, {node.part.name} takes {wanted}",
                fits,
                value=True,
            )
        elif not any(each == name or each.split(".", 1)[1] == name for each in self._declared):
            fits = nearest(name, (each.split(".", 1)[1] for each in self._declared))
            self._tables.problem(path, f"[{node.id}] from: there is no node {name!r}", fits, value=True)

    def _implied(self, named: Sequence[Edge]) -> Iterator[Edge]:
        """Edges that follow from what the parts are: columns to providers, venues to the gate and back."""
        if self._tables.table((FEATURES,)) or self._of("provider"):
            for each in self._of("operator"):
                if Bars in gives(each):
                    yield Edge(each.id, FEATURES, "bars", (Bars,))
            for each in self._of("provider"):
                yield Edge(FEATURES, each.id, "columns", (Columns,))
        for venue in self._of("venue"):
            yield from self._pricing(venue, named)
        for gate in self._of("risk"):
            yield from self._trading(gate, named)
        yield from self._repairing(named)
        yield from self._publishing(named)
        yield from self._settling()
        yield from self._offering()
        yield from self._certifying()
        yield from self._auditing()

    def _offering(self) -> Iterator[Edge]:
        """What venues pay, how those outside fare, and what goes wrong with them, goes to whoever keeps or shows it."""
        for each in self._of("sink"):
            for parameter, kinds in each.part.takes.items():
                if each.part.outer and not set(kinds) <= set(OFFERED):
                    continue  # who publishes hears the sources behind it, and no others
                for outside in (node for node in self._nodes.values() if node.part.outer):
                    offered = [kind for kind in OFFERED if kind in kinds and kind in gives(outside)]
                    told = tuple(kind for kind in offered if kind is not Payouts or outside.part.kind == "venue")
                    if told:
                        yield Edge(outside.id, each.id, parameter, told)

    def _pricing(self, venue: Node, named: Sequence[Edge]) -> Iterator[Edge]:
        """What a venue is given: what the ledger remembers, stops where it can recall orders, prices to settle by."""
        for parameter, kinds in venue.part.takes.items():
            if Past in kinds:
                yield Edge(LEDGER, venue.id, parameter, tuple(kind for kind in (Past, Latch) if kind in kinds))
        if not any(edge.target == venue.id for edge in named):
            for each in self._of("source"):
                for parameter, kinds in venue.part.takes.items():
                    carried = tuple(kind for kind in kinds if kind in gives(each))
                    if carried and Order not in kinds:
                        yield Edge(each.id, venue.id, parameter, carried)

    def _settling(self) -> Iterator[Edge]:
        """What every bar would have paid: from the bars that are decided on, and the prices that venues settle by."""
        if not self._of("ensemble"):
            return
        for each in self._of("operator"):
            if Bars in gives(each):
                yield Edge(each.id, OUTCOMES, "bars", (Bars,))
        for each in self._of("source"):
            for parameter, kind in (("quotes", Quotes), ("prices", Bars)):
                if kind in gives(each):
                    yield Edge(each.id, OUTCOMES, parameter, (kind,))
        yield Edge(LEDGER, OUTCOMES, "past", (Past, Quotes))
        for each in self._nodes.values():
            for parameter, kinds in each.part.takes.items():
                if Outcomes in kinds:
                    yield Edge(OUTCOMES, each.id, parameter, (Outcomes,))

    def _certifying(self) -> Iterator[Edge]:
        """Whether everything is accounted for: from what venues list, and what executors make of it."""
        passing = [each for each in self._nodes.values() if Reconciled in gives(each)]
        if not passing:
            return
        yield Edge(LEDGER, CERTIFICATES, "past", (Past, Request, Dispute))
        for each in passing:
            yield Edge(each.id, CERTIFICATES, "orders", (Order, Reconciled, Dispute))
        for each in self._of("venue"):
            yield Edge(each.id, CERTIFICATES, "statements", (Statement,))
        yield from self._kept(CERTIFICATES, (Certificate, Cash))

    def _auditing(self) -> Iterator[Edge]:
        """How contracts ended, held against the prices of the flow's own sources."""
        following = [each for each in self._nodes.values() if each.part.kind == "sink" and Order in gives(each)]
        if not following:
            return
        yield Edge(LEDGER, AUDITS, "past", (Past, Quotes))
        for each in self._of("source"):
            for parameter, kind in (("quotes", Quotes), ("prices", Bars)):
                if kind in gives(each):
                    yield Edge(each.id, AUDITS, parameter, (kind,))
        for each in following:
            yield Edge(each.id, AUDITS, "orders", (Order,))
        yield from self._kept(AUDITS, (Audited,))

    def _kept(self, node: str, kinds: tuple[type[Any], ...]) -> Iterator[Edge]:
        """What a node of the core gives goes to whoever takes that, without a word in the file."""
        for each in self._nodes.values():
            for parameter, taken in each.part.takes.items():
                carried = tuple(kind for kind in kinds if kind in taken)
                if carried:
                    yield Edge(node, each.id, parameter, carried)

    def _repairing(self, named: Sequence[Edge]) -> Iterator[Edge]:
        """Gaps go back to the sources that can mend them, and revised bars to where decisions are looked at again."""
        for edge in named:
            source = self._nodes[edge.source]
            if source.part.kind == "source" and Gap in gives(self._nodes[edge.target]):
                for parameter, kinds in source.part.takes.items():
                    if Gap in kinds:
                        yield Edge(edge.target, edge.source, parameter, (Gap,), closes=True)
        for each in self._of("operator"):
            if Revised in gives(each):
                yield Edge(each.id, REPAINT, "revised", (Revised,))
        for gate in self._of("risk"):
            yield Edge(gate.id, REPAINT, "decisions", (Decisions,))

    def _publishing(self, named: Sequence[Edge]) -> Iterator[Edge]:
        """Who publishes what a flow makes of some sources hears them too, and asks them for what it lacks."""
        for each in (sink for sink in self._of("sink") if sink.part.outer):
            for name in sorted(sources_of(self._nodes, each.id, named)):
                for parameter, kinds in each.part.takes.items():
                    carried = tuple(kind for kind in kinds if kind in gives(self._nodes[name]))
                    if FeedReport in kinds and carried:
                        yield Edge(name, each.id, parameter, carried)
                for parameter, kinds in self._nodes[name].part.takes.items():
                    asked = tuple(kind for kind in (Gap, Pressure, Universe) if kind in kinds and kind in gives(each))
                    if asked:
                        yield Edge(each.id, name, parameter, asked, closes=True)

    def _trading(self, gate: Node, named: Sequence[Edge]) -> Iterator[Edge]:
        """What goes round between a gate, its executors and the venues of its accounts."""
        venues = sorted({f"venues.{self._accounts[name].venue}" for name in self._accounts_of(gate)} & set(self._nodes))
        if len(venues) > 1:
            self._tables.problem(
                (*gate.id.split(".", 1), "accounts"),
                f"[{gate.id}] its accounts are at {' and '.join(venues)}, whose payouts it cannot tell apart",
                "write a guard for each venue",
                value=True,
            )
        for venue in venues:
            yield Edge(venue, gate.id, "payouts", (Payouts,))
            if Standing in gives(self._nodes[venue]):
                yield Edge(venue, gate.id, "orders", (Standing,))
        yield Edge(LEDGER, gate.id, "orders", (Past, Latch, Switched, Held))
        executors = sorted(
            {edge.target for edge in named if edge.source == gate.id and Order in gives(self._nodes[edge.target])}
        )
        for executor in executors:
            yield Edge(executor, gate.id, "orders", (Order,), closes=True)
            yield Edge(LEDGER, executor, "past", TOLD)
            for venue in venues:
                yield Edge(venue, executor, "replies", REPLIES)
                theirs = frozenset(name for name, each in self._accounts.items() if f"venues.{each.venue}" == venue)
                taken = frozenset[type[Any]]().union(*self._nodes[venue].part.takes.values())
                asked = tuple(kind for kind in (Order, Inquiry, Closing) if kind in taken)
                yield Edge(executor, venue, "orders", asked, closes=True, accounts=theirs)

    def _watching(self, gate: Node, edges: Sequence[Edge]) -> Iterator[Edge]:
        """How a gate hears of the prices it trades on: from each health over its sources; of their age from quotes.

        What became final while it was away it hears from their history.
        """
        signalling = (
            edge.source for edge in edges if edge.target == gate.id and {Signals, Calibrated} & set(edge.types)
        )
        sources = set[str]().union(*(sources_of(self._nodes, name, edges) for name in signalling))
        for each in self._of("operator"):
            if Health in gives(each) and sources & sources_of(self._nodes, each.id, edges):
                yield Edge(each.id, gate.id, "feed", (Health,))
        for name in sorted(name for name in sources if Bars in gives(self._nodes[name])):
            if Bars in gate.part.takes.get("history", ()):
                yield Edge(name, gate.id, "history", (Bars,))
        if gate.instance.max_quote_age is not None:
            quoting = sorted(name for name in sources if Quotes in gives(self._nodes[name]))
            for name in quoting:
                yield Edge(name, gate.id, "feed", (Quotes,))
            if sources and not quoting:
                self._tables.problem(
                    (*gate.id.split(".", 1), "max_quote_age"),
                    f"[{gate.id}] max_quote_age has no quotes to look at",
                    f"remove it: {', '.join(sorted(sources))} gives none",
                )

    def _accounts_of(self, gate: Node) -> Iterator[str]:
        declared = self._tables.table(("accounts",))
        for number, name in enumerate(gate.instance.accounts):
            if name in self._accounts:
                yield name
            elif name not in declared:
                path = (*gate.id.split(".", 1), "accounts", number)
                self._tables.problem(
                    path, f"[{gate.id}] there is no account {name!r}", nearest(name, declared), value=True
                )

    def _of(self, kind: Kind) -> list[Node]:
        return [node for node in self._nodes.values() if node.part.kind == kind]


def _wants(node: Node) -> dict[str, tuple[type[Any], ...]]:
    """What a node takes from those that `from` names, by its parameters."""
    if node.part.kind == "provider":
        return {HEARS: (Tips,)} if hears(node.part.cls) else {}
    return {parameter: kinds for parameter, kinds in node.part.takes.items() if not _implicit(node.part.kind, kinds)}


def sources_of(nodes: Mapping[str, Node], name: str, edges: Sequence[Edge]) -> set[str]:
    """The sources from which values come to a node in the end."""
    found, ahead = set[str](), [name]
    while ahead:
        target = ahead.pop()
        before = {edge.source for edge in edges if edge.target == target and not edge.closes} - found
        found |= before
        ahead += before
    return {each for each in found if each in nodes and nodes[each].part.kind == "source"}


def gives(node: Node) -> tuple[type[Any], ...]:
    """The types of values that a node gives."""
    return (Votes,) if node.part.kind == "provider" else node.part.gives


def _implicit(kind: Kind, types_taken: Sequence[type[Any]]) -> bool:
    """Whether a parameter is wired by what the parts are rather than by `from`."""
    loops: set[type[Any]] = {*REPLIES, *TOLD, Slept, Leaving, Outcomes}
    if kind in ("risk", "venue"):
        of_gates = {Payouts, Order, Standing, Health, Quotes, Bars, Switched, Held}
        loops |= of_gates if kind == "risk" else {Order, Inquiry, Closing}
    if kind == "sink" and set(types_taken) == {Latch}:
        return False
    if kind == "sink" and FeedReport in types_taken:  # what sources say, which follows from where its bars come from
        return True
    if kind == "sink":
        loops |= set(OFFERED)
    if kind == "source":
        loops |= {Gap, Pressure, Universe}
    return set(types_taken) <= loops

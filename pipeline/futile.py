"""What a flow file asks for and can never happen: orders that have no time left, faults of products nobody quotes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from pipeline.errors import Problem
from pipeline.plan import Edge, Node, products_of
from pipeline.times import SECOND, timeframe, timeframe_name
from pipeline.toml_text import Source

CUTOFF = "entry_cutoff_seconds"


def futile(source: Source, nodes: Mapping[str, Node], edges: Sequence[Edge]) -> Iterator[Problem]:
    """A warning for each, at its place."""
    for node in nodes.values():
        path = tuple(node.id.split(".", 1))
        if node.part.kind == "sink" and (late := _never_sent(node, nodes, edges)):
            line, column = source.value_place((*path, CUTOFF))
            what = f"{CUTOFF} is {getattr(node.instance, CUTOFF)}, so no order of {', '.join(late)} is ever sent"
            yield Problem(f"[{node.id}]", what, f"write less than {timeframe(late[0]) // SECOND}", line, column)
        for number, product in _never_placed(node, nodes) if node.part.kind == "venue" else ():
            line, column = source.value_place((*path, "faults", number, "product"))
            what = f"faults no. {number + 1} is of {product}, which no source has, so it never strikes"
            known = ", ".join(sorted(_products(nodes)))
            yield Problem(f"[{node.id}]", what, f"name one of {known}, or take it out", line, column)


def _never_sent(executor: Node, nodes: Mapping[str, Node], edges: Sequence[Edge]) -> Sequence[str]:
    """The timeframes whose slots are over before an order may leave, the shortest first."""
    cutoff = getattr(executor.instance, CUTOFF, 0) * SECOND
    spans = {timeframe(name) for each in _before(executor.id, nodes, edges) for name in _timeframes(each)}
    return [timeframe_name(span) for span in sorted(spans) if span <= cutoff]


def _before(name: str, nodes: Mapping[str, Node], edges: Sequence[Edge]) -> Iterator[Node]:
    """All nodes of the file from which something comes to one, by whatever way."""
    seen, ahead = {name}, [name]
    while ahead:
        found = ahead.pop()
        takes = {edge.source for edge in edges if edge.target == found and not edge.closes}
        yield from (nodes[each] for each in sorted(takes - seen) if each in nodes)
        ahead += takes - seen
        seen |= takes


def _timeframes(node: Node) -> Iterable[str]:
    return getattr(node.instance, "timeframes", ())


def _never_placed(venue: Node, nodes: Mapping[str, Node]) -> Iterator[tuple[int, str]]:
    """Contracts placed by hand on what is not quoted: their numbers in the list of faults, and their products."""
    known = _products(nodes)
    faults = getattr(venue.instance, "faults", ())
    listed = cast("tuple[Any, ...]", faults) if isinstance(faults, tuple) and known else ()
    for number, strike in enumerate(listed):
        product: str = getattr(strike, "product", "")
        if product and product not in known:
            yield number, product


def _products(nodes: Mapping[str, Node]) -> set[str]:
    return {name for node in nodes.values() if node.part.kind == "source" for name in products_of(node)}

"""What a flow says to others has to be there to say, and is said by one alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.plan import Edge, Node
from pipeline.tables import Tables
from pipeline.times import timeframe, timeframe_name


def check_airing(tables: Tables, nodes: Mapping[str, Node], edges: Sequence[Edge]) -> None:
    """Every sink that publishes bars is given those it names, and no two parts speak on the same channels."""
    spoken: dict[tuple[str, str], str] = {}
    for each in (node for node in nodes.values() if node.part.kind == "sink" and hasattr(node.instance, "prefix")):
        _check_spans(tables, each, [nodes[edge.source] for edge in edges if edge.target == each.id])
        if getattr(each.instance, "file_only", False):
            continue
        before = spoken.setdefault(_where(each), each.id)
        if before != each.id:
            _shared(tables, each, before, "publishes there too")
    for each in (node for node in nodes.values() if node.part.kind == "source" and hasattr(node.instance, "prefix")):
        if before := spoken.get(_where(each)):
            _shared(tables, each, before, "publishes there: it would hear itself")


def _check_spans(tables: Tables, sink: Node, givers: Sequence[Node]) -> None:
    made = {timeframe(name) for each in givers if each.part.kind == "operator" for name in _spans(each.instance)}
    lacking = sorted({timeframe(name) for name in _spans(sink.instance)} - made)
    if made and lacking:
        names = " and ".join(map(timeframe_name, sorted(made)))
        tables.problem(
            (*sink.id.split(".", 1), "timeframes"),
            f"[{sink.id}] timeframes has {timeframe_name(lacking[0])}, but its window makes {names} only",
            "take it out, or have the window make it",
            value=True,
        )


def _shared(tables: Tables, node: Node, other: str, what: str) -> None:
    where = (*node.id.split(".", 1), "prefix")
    tables.problem(where, f"[{node.id}] has the channels of [{other}], which {what}", "give it a prefix of its own")


def _spans(instance: Any) -> tuple[str, ...]:
    return tuple(getattr(instance, "timeframes", ()))


def _where(node: Node) -> tuple[str, str]:
    return node.instance.url, node.instance.prefix

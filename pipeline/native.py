"""Which final bars a flow's sources give of their own, for windows that leave it to the venue what is final."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from pipeline.plan import Edge, Node, products_of
from pipeline.tables import Tables
from pipeline.times import timeframe, timeframe_name
from pipeline.values import Link
from pipeline.venue_lanes import made_of
from pipeline.wiring import sources_of


@runtime_checkable
class Finals(Protocol):
    """A source that gives final bars as its venue has them: beside history, as they end."""

    def final_timeframes(self) -> tuple[str, ...]: ...


def native_of(window: Node, nodes: Mapping[str, Node], edges: Sequence[Edge]) -> dict[str, tuple[int, ...]]:
    """By product, of which timeframes (ms) a window is given the venue's own bars."""
    native: dict[str, tuple[int, ...]] = {}
    for name in sorted(sources_of(nodes, window.id, edges)):
        native |= dict.fromkeys(products_of(nodes[name]), _given(nodes[name]))
    return native


def check_natives(tables: Tables, nodes: Mapping[str, Node], edges: Sequence[Edge]) -> None:
    """Every window that leaves it to the venue must be given bars, and of each of its timeframes; no other may be."""
    for window in nodes.values():
        finals = getattr(window.instance, "finals", "") if window.part.kind == "operator" else ""
        for name in sorted(sources_of(nodes, window.id, edges)) if finals else ():
            (_check if finals == "venue" else _check_one_origin)(tables, window, nodes[name])


def _check(tables: Tables, window: Node, giver: Node) -> None:
    path, spans = tuple(window.id.split(".", 1)), _given(giver)
    if not spans:
        tables.problem(
            (*path, "finals"),
            f'[{window.id}] finals is "venue", but [{giver.id}] gives no final bars of its own',
            "leave finals out, or take from a source that gives them",
            value=True,
        )
        return
    wanted = {timeframe(name) for name in window.instance.timeframes}
    lacking = sorted(wanted - set(made_of(tuple(wanted), spans)))
    if lacking:
        tables.problem(
            (*path, "timeframes"),
            f"[{window.id}] timeframes has {timeframe_name(lacking[0])}, but [{giver.id}] gives final bars of "
            f"{' and '.join(map(timeframe_name, sorted(spans)))} only",
            f"begin with {timeframe_name(min(spans))}, or have the source give shorter ones",
            value=True,
        )


def _check_one_origin(tables: Tables, window: Node, giver: Node) -> None:
    """Where quotes come beside the venue's bars, a bar would be of whichever was the first."""
    spans = _given(giver)
    if spans and Link in giver.part.gives:
        tables.problem(
            (*window.id.split(".", 1), "finals"),
            f'[{window.id}] finals is "quotes", but [{giver.id}] gives final bars of its own beside its quotes',
            'write finals = "venue"' + _or_none(giver),
            value=True,
        )


def _or_none(giver: Node) -> str:
    """How a source gives no bars of its own, where it can be told so."""
    return f', or finals = "quotes" in [{giver.id}]' if getattr(giver.instance, "finals", "") else ""


def _given(giver: Node) -> tuple[int, ...]:
    """The timeframes a source gives final bars of; none where it says nothing of them: its bars are history."""
    if not isinstance(giver.instance, Finals):
        return ()
    return tuple(sorted({timeframe(name) for name in giver.instance.final_timeframes()}))

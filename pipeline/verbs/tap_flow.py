"""The nodes and edges of a running flow with their rates, as `tap` lists them."""

from collections.abc import Iterator
from typing import Any

import msgspec

from pipeline.times import SECOND
from pipeline.verbs.tap_line import TapLine
from pipeline.view import EdgeRow, FlowNews, Topics

WIDE = 28
"""Letters of a node's name that stand in line."""


async def first_flow(line: TapLine) -> FlowNews:
    """The graph as it is."""
    await line.ask(Topics(flow=1))
    while not isinstance(news := await line.news(), FlowNews):
        pass
    return news


async def two_flows(line: TapLine) -> tuple[FlowNews, FlowNews]:
    """The graph, and the graph a little more than a second later: what nodes take of the time is known then."""
    first = await first_flow(line)
    while not (isinstance(news := await line.news(), FlowNews) and news.real_ms - first.real_ms >= SECOND):
        pass
    return first, news


def listed(first: FlowNews, last: FlowNews) -> Iterator[str]:
    """Lines for people; rates are of real time."""
    seconds = (last.real_ms - first.real_ms) / SECOND
    before = {node.id: node for node in first.nodes}
    came = {(edge.source, edge.target): edge.came for edge in first.edges}
    yield f"{'node':<{WIDE}}{'rows/s in':>11}{'out':>9}{'busy':>8}{'faults':>8}  what it is"
    for node in last.nodes:
        was = before.get(node.id, node)
        taken, given = ((now - then) / seconds for now, then in ((node.taken, was.taken), (node.given, was.given)))
        busy, faults = f"{node.busy * 100:.1f} %", f"{node.faults:,}"
        yield f"{node.id:<{WIDE}}{taken:>11,.1f}{given:>9,.1f}{busy:>8}{faults:>8}  {node.use or node.kind}"
    yield ""
    yield f"{'edge':<{2 * WIDE}}{'items/s':>9}{'held':>6}{'let go':>8}  carries"
    for edge in last.edges:
        rate = (edge.came - came.get((edge.source, edge.target), edge.came)) / seconds
        gone = sum(edge.dropped.values())
        ends = f"{edge.source} {'↺' if edge.closes else '→'} {edge.target}"
        yield f"{ends:<{2 * WIDE}}{rate:>9,.1f}{edge.held:>6,}{gone:>8,}  {' | '.join(edge.carries)}{_reasons(edge)}"
    if not last.conserved:
        yield "something was lost without a name: the engine's log names the edge"


def as_json(first: FlowNews, last: FlowNews) -> dict[str, Any]:
    """Both, for programs: rates are their differences over that of `real_ms`."""
    return {"first": msgspec.to_builtins(first), "last": msgspec.to_builtins(last)}


def _reasons(edge: EdgeRow) -> str:
    said = ", ".join(f"{count:,} {reason}" for reason, count in edge.dropped.items())
    return f" ({said})" if said else ""

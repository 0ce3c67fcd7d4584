"""Print the graph of a flow: which node takes what from which.

examples:
  python -m pipeline graph
  python -m pipeline graph --format mermaid > graph.mmd
  python -m pipeline graph --format dot | dot -Tsvg > graph.svg
"""

import argparse
from collections.abc import Iterator

from pipeline.plan import FEATURES, LEDGER, Edge, Plan
from pipeline.verbs.common import flow_option, say_json
from pipeline.verbs.planned import plan_of


def options(parser: argparse.ArgumentParser) -> None:
    flow_option(parser)
    parser.add_argument(
        "--format", choices=("text", "mermaid", "dot", "json"), default="text", help="how to print it (text)"
    )


def run(options: argparse.Namespace) -> int:
    plan = plan_of(options)
    if options.format == "json":
        say_json(
            {
                "nodes": [{"id": node.id, "use": node.part.name, "kind": node.part.kind} for node in plan.nodes],
                "edges": [
                    {"from": e.source, "to": e.target, "carries": _carried(e), "closes": e.closes} for e in plan.edges
                ],
            }
        )
    else:
        draw = {"text": _text, "mermaid": _mermaid, "dot": _dot}[options.format]
        print("\n".join(draw(plan)))
    return 0


def _text(plan: Plan) -> Iterator[str]:
    for name in _names(plan):
        node = plan.by_id.get(name)
        yield f"{name} ({node.part.name})" if node is not None and node.part.name != name.split(".")[-1] else name
        for edge in plan.edges:
            if edge.source == name:
                yield f"  {'↺' if edge.closes else '→'} {edge.target}  {' | '.join(_carried(edge))}"


def _mermaid(plan: Plan) -> Iterator[str]:
    yield "flowchart LR"
    for name in _names(plan):
        yield f'  {_id(name)}["{name}"]'
    for edge in plan.edges:
        arrow = "-.->" if edge.closes else "-->"
        yield f'  {_id(edge.source)} {arrow}|"{" / ".join(_carried(edge))}"| {_id(edge.target)}'


def _dot(plan: Plan) -> Iterator[str]:
    yield "digraph flow {\n  rankdir=LR;\n  node [shape=box];"
    for edge in plan.edges:
        style = ", style=dashed, constraint=false" if edge.closes else ""
        yield f'  "{edge.source}" -> "{edge.target}" [label="{" / ".join(_carried(edge))}"{style}];'
    yield "}"


def _names(plan: Plan) -> list[str]:
    """The nodes that have an edge, in the order values go."""
    used = {name for edge in plan.edges for name in (edge.source, edge.target)}
    first = [node.id for node in plan.of("source", "venue", "operator")]
    rest = [node.id for node in plan.nodes if node.id not in first]
    return [name for name in (LEDGER, *first, FEATURES, *rest) if name in used]


def _carried(edge: Edge) -> list[str]:
    return [kind.__name__ for kind in edge.types]


def _id(name: str) -> str:
    return name.replace(".", "_").replace("-", "_")

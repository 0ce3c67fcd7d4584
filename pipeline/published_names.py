"""What products are called where they are published: two of one name would be one to who listens."""

from collections.abc import Mapping, Sequence

from pipeline.channels.wording import Unfit, wire_symbol
from pipeline.plan import Edge, Node, products_of
from pipeline.service import Universe
from pipeline.tables import Tables
from pipeline.wiring import gives, sources_of


def check_published(tables: Tables, nodes: Mapping[str, Node], edges: Sequence[Edge]) -> None:
    """No two products of one publisher have the same name on the wire."""
    for sink in (node for node in nodes.values() if node.part.outer and Universe in gives(node)):
        called: dict[str, str] = {}
        for name in sorted(sources_of(nodes, sink.id, edges)):
            for product in products_of(nodes[name]):
                symbol = _symbol(product)
                other = called.setdefault(symbol, product) if symbol else product
                if other != product:
                    tables.problem(
                        (*sink.id.split(".", 1), "from"),
                        f"[{sink.id}] {other} and {product} are both {symbol} to who listens",
                        "publish one of them, or each by a sink with a prefix of its own",
                        value=True,
                    )


def _symbol(product: str) -> str:
    try:
        return wire_symbol(product)
    except Unfit:
        return ""

"""What others call our products: one symbol for each, and at one venue the same for prices as for orders."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import product as pairs
from typing import Protocol, cast, runtime_checkable

from pipeline.errors import Problem
from pipeline.plan import Node, products_of
from pipeline.toml_text import Source


@runtime_checkable
class Calling(Protocol):
    """A source or a venue that has names of its own for products."""

    @property
    def symbols(self) -> Mapping[str, str]:
        """Its names, by ours; a product that is not among them has one name."""
        ...

    @property
    def speaks(self) -> str:
        """Whose names these are: who says the same has the same names."""
        ...


def problems(source: Source, nodes: Iterable[Node]) -> Iterator[Problem]:
    """Why a flow could buy something else than what it looked at."""
    callers = [each for each in nodes if isinstance(each.instance, Calling)]
    feeds = [each for each in callers if each.part.kind == "source"]
    venues = [each for each in callers if each.part.kind == "venue"]
    for node in callers:
        yield from _shared(source, node, products_of(node))
    for feed, venue in pairs(feeds, venues):
        if _of(feed).speaks == _of(venue).speaks:
            yield from _differing(source, feed, venue)


def _shared(source: Source, node: Node, products: Collection[str]) -> Iterator[Problem]:
    """Two products that are one there: whose a contract is nobody could say."""
    named: dict[str, str] = {}
    for product in dict.fromkeys((*_of(node).symbols, *products)):
        other = named.setdefault(_symbol(node, product), product)
        if other != product:
            line, column = _place(source, node)
            what = f"{other} and {product} are both {_symbol(node, product)} there"
            yield Problem(f"[{node.id}]", what, "give each product a symbol of its own", line, column)


def _differing(source: Source, feed: Node, venue: Node) -> Iterator[Problem]:
    for product in products_of(feed):
        seen, bought = _symbol(feed, product), _symbol(venue, product)
        if seen != bought:
            line, column = _place(source, venue)
            what = f"{product} is bought as {bought}, and its prices are those of {seen} ([{feed.id}])"
            fix = f'write symbols = {{ {product} = "{seen}" }} in both'
            yield Problem(f"[{venue.id}]", what, fix, line, column)


def _symbol(node: Node, product: str) -> str:
    return _of(node).symbols.get(product, product)


def _of(node: Node) -> Calling:
    return cast("Calling", node.instance)


def _place(source: Source, node: Node) -> tuple[int, int]:
    table, name = node.id.split(".", 1)
    return source.place((table, name, "symbols") if _of(node).symbols else (table, name))

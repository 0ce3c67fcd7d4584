"""Where the boxes of a graph stand and which way its edges go, in whole cells; no widget, no colour.

Boxes stand in layers from left to right, each behind all it takes from. In the gap behind a layer every source has one
vertical track, from which its edges branch off; those that give to the very same ones share one. An edge over several
layers passes between their boxes in a row of its own. Edges of two sources meet where they go into the same box, and
otherwise only to cross.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tui.flowing.items import HEIGHT, PORT, Cell, Items, layers_of, turned_in

CROWD = 5
"""With more tracks than that in one gap, they stand side by side without a column between them."""


class Box(NamedTuple):
    """Where a box stands: its upper left corner, its width, its layer."""

    x: int
    y: int
    width: int
    layer: int


class Route(NamedTuple):
    """An edge: the corners of its way, from the cell beside its source to the cell beside its target."""

    source: str
    target: str
    corners: tuple[Cell, ...]


class Layout(NamedTuple):
    boxes: dict[str, Box]
    routes: tuple[Route, ...]
    turned: tuple[tuple[str, str], ...]
    """Edges that would lead back: they have no way."""
    width: int
    height: int


def layout(nodes: Sequence[str], edges: Iterable[tuple[str, str]], width: int = 15) -> Layout:
    """Place boxes of this width. What leads from nowhere to nowhere is left out."""
    at = {name: number for number, name in enumerate(nodes)}
    after: list[list[int]] = [[] for _ in nodes]
    for source, target in dict.fromkeys(edges):
        if source in at and target in at:
            after[at[source]].append(at[target])
    turned = turned_in(after)
    for source, target in turned:
        after[source].remove(target)
    items = Items(layers_of(after), after)
    items.order()
    items.settle()
    names = list(nodes)
    rows, boxes, routes, far = items.rows, dict[str, Box](), list[Route](), 0
    gaps = [_gap(items, layer) for layer in range(len(items.layers))]
    lefts = [0]
    for gap in gaps:
        lefts.append(lefts[-1] + width + gap.width)
    for number, name in enumerate(names):
        layer = items.layer[number]
        boxes[name] = Box(lefts[layer], rows[number] - PORT, width, layer)
        far = max(far, boxes[name].x + width)
    ways = _Ways(items, gaps, [left + width for left in lefts])
    for source, targets in enumerate(after):
        routes += [Route(names[source], names[target], ways.to(source, target)) for target in targets]
    height = max((box.y + HEIGHT for box in boxes.values()), default=0)
    height = max(height, *(y + 1 for route in routes for _, y in route.corners), 0)
    return Layout(boxes, tuple(routes), tuple((names[a], names[b]) for a, b in turned), far, height)


def cells(route: Route) -> Iterator[Cell]:
    """Every cell of an edge's way, each beside the one before."""
    (x, y), *rest = route.corners
    yield x, y
    for to_x, to_y in rest:
        step_x, step_y = (to_x > x) - (to_x < x), (to_y > y) - (to_y < y)
        while (x, y) != (to_x, to_y):
            x, y = x + step_x, y + step_y
            yield x, y


class _Gap(NamedTuple):
    """What lies behind a layer: the column of each item's track, and how wide it is."""

    tracks: dict[int, int]
    width: int


def _gap(items: Items, layer: int) -> _Gap:
    rows = items.rows
    bundles = dict[tuple[int, ...], list[int]]()
    for item in items.layers[layer]:
        if items.after[item]:
            bundles.setdefault(tuple(sorted(items.after[item])), []).append(item)
    wanted = list[tuple[int, int, int, list[int]]]()
    for to, some in bundles.items():
        own, other = [rows[item] for item in some], [rows[item] for item in to]
        low, high = min(*own, *other), max(*own, *other)
        if low != high:
            down = max(other) - max(own) >= min(own) - min(other)
            wanted.append((-max(own) if down else min(own), low, high, some))
    wanted.sort()
    columns = list[Cell]()  # the rows between which each is used
    tracks = dict[int, int]()
    for _, low, high, some in wanted:
        for column, (begins, ends) in enumerate(columns):
            if high + 1 < begins or ends + 1 < low:
                columns[column] = (min(low, begins), max(high, ends))
                break
        else:
            column = len(columns)
            columns.append((low, high))
        for item in some:
            tracks[item] = column
    step = 2 if len(columns) <= CROWD else 1
    return _Gap({item: 1 + column * step for item, column in tracks.items()}, 3 + step * len(columns))


class _Ways:
    """The ways of edges, once everything has its place."""

    def __init__(self, items: Items, gaps: list[_Gap], begins: list[int]) -> None:
        """`begins`: the first column behind each layer."""
        self._items, self._gaps, self._begins = items, gaps, begins

    def to(self, source: int, target: int) -> tuple[Cell, ...]:
        items = self._items
        last = items.layer[target]
        corners: list[Cell] = [(self._begins[items.layer[source]], items.rows[source])]
        here = source
        for layer in range(items.layer[source] + 1, last + 1):
            there = target if layer == last else items.passing[source, layer]
            row, to = items.rows[here], items.rows[there]
            gap, begins = self._gaps[layer - 1], self._begins[layer - 1]
            if row != to:
                x = begins + gap.tracks[here]
                corners += [(x, row), (x, to)]
            here = there
        gap, begins = self._gaps[last - 1], self._begins[last - 1]
        corners.append((begins + gap.width - 1, items.rows[target]))
        return tuple(corners)

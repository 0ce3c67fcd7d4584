import time
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tui.flowing.items import HEIGHT
from tui.flowing.layout import Layout, cells, layout

Edges = list[tuple[str, str]]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], Edges]:
    """Any nodes and edges, loops and edges from nowhere among them."""
    nodes = [f"n{number}" for number in range(draw(st.integers(1, 14)))]
    ends = st.sampled_from([*nodes, "nowhere"])
    return nodes, draw(st.lists(st.tuples(ends, ends), max_size=30))


def covered(placed: Layout) -> set[tuple[int, int]]:
    boxes = placed.boxes.values()
    return {(box.x + x, box.y + y) for box in boxes for x in range(box.width) for y in range(HEIGHT)}


@given(graphs())
def test_boxes_never_overlap_and_everything_lies_within_the_drawing(graph: tuple[list[str], Edges]) -> None:
    nodes, edges = graph
    placed = layout(nodes, edges)
    assert list(placed.boxes) == nodes
    assert len(covered(placed)) == sum(box.width * HEIGHT for box in placed.boxes.values())
    everywhere = covered(placed) | {cell for route in placed.routes for cell in cells(route)}
    assert all(0 <= x < placed.width and 0 <= y < placed.height for x, y in everywhere)


@given(graphs())
def test_every_edge_leads_from_beside_its_source_to_beside_its_target_and_through_no_box(
    graph: tuple[list[str], Edges],
) -> None:
    nodes, edges = graph
    placed = layout(nodes, edges)
    drawn = {(route.source, route.target) for route in placed.routes}
    known = {each for each in edges if set(each) <= set(nodes)}
    assert drawn | set(placed.turned) == known
    assert not drawn & set(placed.turned)
    taken = covered(placed)
    for route in placed.routes:
        source, target = placed.boxes[route.source], placed.boxes[route.target]
        way = list(cells(route))
        assert way[0] == (source.x + source.width, source.y + 1)
        assert way[-1] == (target.x - 1, target.y + 1)
        assert all(abs(a - c) + abs(b - d) == 1 for (a, b), (c, d) in pairwise(way))
        assert not set(way) & taken


@given(graphs())
def test_edges_go_forward_only_and_those_that_cannot_are_named(graph: tuple[list[str], Edges]) -> None:
    nodes, edges = graph
    placed = layout(nodes, edges)
    for route in placed.routes:
        assert placed.boxes[route.source].layer < placed.boxes[route.target].layer
        assert all(a <= c for (a, _), (c, _) in pairwise(route.corners))
    assert layout(nodes, [(route.source, route.target) for route in placed.routes]).turned == ()


@given(graphs())
def test_edges_share_cells_only_from_one_source_into_one_target_or_with_the_same_targets(
    graph: tuple[list[str], Edges],
) -> None:
    """What runs along another edge could be read as that one; to cross, or to end in the same box, is none of that."""
    nodes, edges = graph
    placed = layout(nodes, edges)
    targets: dict[str, set[str]] = {}
    for route in placed.routes:
        targets.setdefault(route.source, set()).add(route.target)
    steps: dict[frozenset[tuple[int, int]], set[tuple[str, str]]] = {}
    for route in placed.routes:
        for pair in pairwise(cells(route)):
            steps.setdefault(frozenset(pair), set()).add((route.source, route.target))
    for users in steps.values():
        for source, target in users:
            for other, into in users:
                assert source == other or target == into or targets[source] == targets[other], users


def chain(*layers: Sequence[str]) -> tuple[list[str], Edges]:
    """Each of a layer gives to each of the next."""
    return [name for layer in layers for name in layer], [
        (source, target) for before, after in pairwise(layers) for source in before for target in after
    ]


def test_what_takes_nothing_stands_right_before_the_first_it_gives_to() -> None:
    nodes, edges = chain(["market"], ["bars"], ["features"], ["trend", "fade"], ["main"], ["risk"])
    placed = layout([*nodes, "ledger"], [*edges, ("ledger", "risk")])
    assert placed.boxes["ledger"].layer == placed.boxes["main"].layer
    assert placed.boxes["market"].layer == 0


def test_a_straight_chain_is_drawn_as_a_straight_line() -> None:
    nodes, edges = chain(["a"], ["b"], ["c"], ["d"])
    placed = layout(nodes, edges)
    assert {box.y for box in placed.boxes.values()} == {0}
    assert all(len({y for _, y in route.corners}) == 1 for route in placed.routes)


def test_a_graph_of_forty_nodes_is_laid_out_within_a_moment() -> None:
    """A millisecond where nothing else runs; what is held against here lets a busy machine take five times as long."""
    strategies = [f"strategy_{number}" for number in range(29)]
    nodes, edges = chain(
        ["a", "b", "c"], ["bars"], ["features"], strategies, ["main"], ["careful", "bold"], ["orders"], ["store"]
    )
    edges += [("a", "orders"), ("b", "store"), ("bars", "store")]
    took = list[float]()
    for _ in range(20):
        began = time.thread_time()
        layout(nodes, edges)
        took.append(time.thread_time() - began)
    assert len(nodes) == 39
    assert min(took) < 0.005

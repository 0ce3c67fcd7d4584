"""A small graph as a running flow shows it, and what one of its nodes gives, for tests of the desk and the console."""

from collections.abc import Callable
from typing import Generic, TypeVar

from pipeline.view import EdgeRow, FlowNews, NodeRow, QueueRow, TapLine, TapNews, TapOf

T = TypeVar("T")


class SampleLook(Generic[T]):
    """Shows what it is given, and remembers that it has ended."""

    def __init__(self, show: Callable[[], T], gone: Callable[[], None]) -> None:
        self.news = show
        self.ends = gone


def node(name: str, use: str, moved: int = 0, *, line: int, faults: int = 0, last_fault: str = "") -> NodeRow:
    return NodeRow(
        id=name,
        kind=name.partition(".")[0].removesuffix("s"),
        use=use,
        taken=1_000 + 10 * moved,
        given=900 + 9 * moved,
        faults=faults,
        restarts=0,
        last_at=1_767_614_399_700 + 100 * moved,  # as many seconds ago, whether this or the clock is told first
        dropped={},
        busy=0.012,
        p50_ms=0.08,
        p99_ms=0.41,
        last_fault=last_fault,
        says=f"What {use or name} says.",
        line=line,
    )


def edge(source: str, target: str, carries: tuple[str, ...], moved: int = 0, *, closes: bool = False) -> EdgeRow:
    came = 900 + 9 * moved
    return EdgeRow(source, target, carries, closes, came, came - 3, 1, 4, {"fault": 2})


def flow_of(clock: int, moved: int = 0) -> FlowNews:
    """Ten nodes from a market to an executor, and back to the gate; a strategy has failed twice."""
    nodes = (
        node("sources.market", "synthetic", moved, line=12),
        node("operators.bars", "window", moved, line=20),
        node("features", "", moved, line=0),
        node("providers.trend", "ema_cross", moved, line=34),
        node("providers.fade", "rsi_reversal", moved, faults=2, last_fault="ValueError: no rsi", line=39),
        node("ensembles.main", "weighted", moved, line=43),
        node("risk.main", "guard", moved, line=47),
        node("sinks.orders", "executor", moved, line=60),
        node("venues.practice", "practice", moved, line=8),
        node("ledger", "", moved, line=0),
    )
    edges = (
        edge("sources.market", "operators.bars", ("Quotes",), moved),
        edge("operators.bars", "features", ("Bars",), moved),
        edge("features", "providers.trend", ("Columns",), moved),
        edge("features", "providers.fade", ("Columns",), moved),
        edge("providers.trend", "ensembles.main", ("Votes",), moved),
        edge("providers.fade", "ensembles.main", ("Votes",), moved),
        edge("ensembles.main", "risk.main", ("Signals",), moved),
        edge("risk.main", "sinks.orders", ("Approved",), moved),
        edge("sinks.orders", "venues.practice", ("Order",), moved),
        edge("venues.practice", "sinks.orders", ("Ack", "Reject", "Settlement"), moved, closes=True),
        edge("sinks.orders", "risk.main", ("Order",), moved, closes=True),
        edge("ledger", "risk.main", ("Past",), moved),
    )
    queues = (
        QueueRow("ledger", 0, 1_000, "waits", 0, 7, None),
        QueueRow("logs", 3, 10_000, "drops_oldest", 0, 40, 0.2),
    )
    return FlowNews(clock, 100.0 * moved, nodes, edges, queues, conserved=True)


def tapped(of: TapOf, at: int, moved: int = 0) -> TapNews:
    """Two bars, or why there are none."""
    if of.node != "operators.bars":
        return TapNews(of, (), 0, f"this flow has no node {of.node!r}; did you mean 'operators.bars'?")
    said = "EURUSD 1m 12:00 O 1.07171 H 1.07188 L 1.07165 C 1.07180 V 42 (1 new of 513 bars)"
    lines = tuple(TapLine(2 * moved + seq, at, "Bars", said) for seq in (1, 2))
    return TapNews(of, lines, 3 * (moved > 0))

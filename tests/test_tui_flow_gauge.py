import unicodedata
from itertools import product

import pytest
from msgspec.structs import replace

from pipeline.view import EdgeRow, FlowNews, NodeRow, QueueRow
from tests.sample_flow import edge, node
from tui.flowing.drawing import Drawing, Shown, View, millis, per_second
from tui.flowing.gauge import Gauge
from tui.flowing.glyphs import Glyphs, bar, stroke
from tui.flowing.layout import layout
from tui.painted import Line, Run

MARKET, BARS, RISK = "sources.market", "operators.bars", "risk.main"


def news(
    at: float, *nodes: NodeRow, edges: tuple[EdgeRow, ...] = (), queues: tuple[QueueRow, ...] = (), ok: bool = True
) -> FlowNews:
    return FlowNews(0, at * 1000, nodes, edges, queues, conserved=ok)


def row(name: str, given: int = 0, **more: object) -> NodeRow:
    return replace(node(name, "part", line=1), taken=given, given=given, **more)


def way(source: str, target: str, came: int = 0, **more: object) -> EdgeRow:
    whole = replace(edge(source, target, ("Quotes",)), came=came, went=came, held=0, most_held=0, dropped={})
    return replace(whole, **more)


def test_rates_are_what_came_between_two_looks_over_the_engines_own_seconds() -> None:
    gauge = Gauge()
    gauge.take(news(10.0, row(MARKET, 100), edges=(way(MARKET, BARS, 50),)), 0.0)
    first = gauge.entry(MARKET)
    assert first is not None
    assert first.given_s is None
    gauge.take(news(12.0, row(MARKET, 300), edges=(way(MARKET, BARS, 60),)), 0.1)
    later = gauge.entry(MARKET)
    assert later is not None
    assert later.given_s == 100.0
    assert gauge.edges[MARKET, BARS].came_s == 5.0


def test_after_another_engine_and_after_a_long_pause_rates_are_unknown_and_nothing_is_held_against_the_new_one() -> (
    None
):
    gauge = Gauge()
    gauge.take(news(10.0, row(MARKET, 900, faults=3)), 0.0, "engine 1")
    gauge.reset()
    for at, engine in ((11.0, "engine 2"), (60.0, "engine 2"), (2.0, "engine 2")):
        gauge.take(news(at, row(MARKET, 5, faults=1)), at, engine)
        seen = gauge.entry(MARKET)
        assert seen is not None
        assert seen.given_s is None
        assert (seen.state, seen.why) == ("warn", "failed 1")


def test_a_node_that_counts_anew_has_no_rate_below_nothing() -> None:
    gauge = Gauge()
    gauge.take(news(1.0, row(MARKET, 900), row(BARS, 10)), 0.0)
    gauge.take(news(2.0, row(MARKET, 3), row(BARS, 20)), 1.0)
    assert [entry.given_s for entry in gauge.entries] == [None, 10.0]


def test_what_is_lost_is_told_from_what_is_let_go_on_purpose() -> None:
    gauge = Gauge()
    some = way(MARKET, BARS, 10, went=5, dropped={"fault": 3, "its edge ended": 2})
    gauge.take(news(1.0, row(MARKET), row(BARS, dropped={"late": 7, "overrun": 1}), edges=(some,)), 0.0)
    seen, into = gauge.entry(BARS), gauge.edges[MARKET, BARS]
    assert seen is not None
    assert (seen.lost, seen.on_purpose) == (4, 9)
    assert (into.lost, into.on_purpose) == (3, 2)
    lane = QueueRow("redis/live", 0, 500, "conflates", 40, 0, None)
    gauge.take(news(2.0, queues=(lane, replace(lane, name="logs", when_full="drops_oldest"))), 1.0)
    assert [(each.lost, each.on_purpose, each.state) for each in gauge.entries] == [(0, 40, "ok"), (40, 0, "warn")]


def test_what_went_amiss_is_new_for_ten_seconds_stays_marked_and_is_counted_anew_on_request() -> None:
    gauge = Gauge()

    def state(at: float, faults: int) -> str:
        gauge.take(news(at, row(BARS, faults=faults)), at)
        seen = gauge.entry(BARS)
        assert seen is not None
        return seen.state

    assert state(1.0, 0) == "ok"
    assert [state(2.0, 1), state(9.0, 1), state(12.5, 1)] == ["wrong", "wrong", "warn"]
    gauge.reset()
    assert [state(13.0, 1), state(14.0, 2)] == ["ok", "wrong"]


def test_the_bottleneck_is_the_first_along_the_flow_that_is_nearly_always_busy_or_nearly_full() -> None:
    gauge = Gauge()
    edges = (way(MARKET, BARS), way(BARS, RISK))
    queue = QueueRow("ledger", 10, 1_000, "waits", 0, 10, None)
    gauge.take(news(1.0, row(RISK, busy=0.93), row(MARKET), row(BARS), edges=edges, queues=(queue,)), 0.0)
    assert gauge.ahead() == "main (busy 93 %)"
    gauge.take(news(2.0, row(RISK, busy=0.93), row(MARKET), row(BARS, busy=0.81), edges=edges), 1.0)
    assert gauge.ahead() == "bars (busy 81 %)"
    gauge.take(news(3.0, row(RISK), row(MARKET), row(BARS), edges=edges, queues=(replace(queue, depth=750),)), 2.0)
    assert gauge.ahead() == "ledger (queue 75 %)"
    gauge.take(news(4.0, row(RISK), row(MARKET), row(BARS), edges=edges), 3.0)
    assert gauge.ahead() == ""


def test_an_edge_on_which_more_and_more_is_held_says_so_and_one_that_holds_a_little_does_not() -> None:
    gauge = Gauge()
    for at in range(4):
        grows = way(BARS, RISK, 10 + at, held=3 + at, went=7, closes=True)
        steady = way(MARKET, BARS, 10, held=3, went=7, closes=True)
        gauge.take(news(float(at), row(MARKET), row(BARS), row(RISK), edges=(grows, steady)), float(at))
    assert gauge.edges[BARS, RISK].why == "more and more is held"
    assert gauge.edges[MARKET, BARS].state == "ok"


def test_high_water_marks_begin_anew_on_request() -> None:
    gauge = Gauge()

    def most(at: float, held: int, ever: int) -> int:
        some = way(MARKET, BARS, 100, held=held, most_held=ever, went=100 - held)
        gauge.take(news(at, row(MARKET), row(BARS), edges=(some,)), at)
        seen = gauge.entry(BARS)
        assert seen is not None
        return seen.most

    assert most(1.0, 1, 40) == 40
    gauge.reset()
    assert [most(2.0, 2, 40), most(3.0, 0, 40), most(4.0, 1, 41)] == [2, 2, 41]


def test_an_edge_on_which_something_was_lost_without_a_name_is_named() -> None:
    gauge = Gauge()
    gauge.take(news(1.0, row(MARKET), row(BARS), edges=(way(MARKET, BARS, 10, went=9),), ok=False), 0.0)
    assert gauge.unnamed == ((MARKET, BARS),)


# --- glyphs and boxes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strokes", [each for each in product(range(3), repeat=4) if sum(map(bool, each)) > 1])
def test_every_meeting_of_lines_has_the_glyph_that_unicode_calls_so(strokes: tuple[int, int, int, int]) -> None:
    glyph = stroke(strokes, "unicode")
    words = unicodedata.name(glyph)
    assert words.startswith("BOX DRAWINGS")
    sides = {"UP": (0,), "RIGHT": (1,), "DOWN": (2,), "LEFT": (3,), "VERTICAL": (0, 2), "HORIZONTAL": (1, 3)}
    named = {side for word, of in sides.items() if word in words.split() for side in of}
    assert named == {side for side, weight in enumerate(strokes) if weight}
    assert ("HEAVY" in words) == (2 in strokes)
    assert ("LIGHT" in words) == (1 in strokes)
    assert stroke(strokes, "ascii") in "-|+=#"


def test_a_bar_is_as_long_as_its_share_and_never_longer_than_its_room() -> None:
    assert [bar(share, 4, "unicode") for share in (0.0, 0.5, 9.0)] == ["    ", "██  ", "████"]
    assert bar(0.01, 4, "ascii") == "    "
    assert bar(0.1, 4, "ascii") == "#   "


def test_rates_and_times_are_short_and_none_is_said_for_what_is_unknown() -> None:
    assert [per_second(rate) for rate in (None, 0.0, 9.54, 117.0, 4_800.0)] == [
        "─/s",
        "0/s",
        "9.5/s",
        "117/s",
        "4.8k/s",
    ]
    assert [millis(ms) for ms in (0.0, 0.41, 2.13, 36.2, 1_500.0)] == ["─", "0.41ms", "2.1ms", "36ms", "1.5s"]


def drawn(glyphs: Glyphs, chosen: str, *edges: EdgeRow) -> list[Line]:
    gauge = Gauge()
    gauge.take(news(1.0, row(MARKET), row(BARS), row(RISK), edges=edges), 0.0)
    gauge.reset()
    again = [replace(each, dropped={"fault": each.came - each.went}, went=each.went) for each in edges]
    gauge.take(news(2.0, row(MARKET), row(BARS), row(RISK), edges=tuple(again)), 1.0)
    placed = layout([MARKET, BARS, RISK], [(each.source, each.target) for each in edges])
    shown = Shown({each.id: each for each in gauge.entries}, gauge.edges, chosen, None, {BARS})
    return list(Drawing(placed, glyphs).lines(shown, View(0, 0, placed.width, placed.height)))


def run_of(line: Line, text: str) -> Run:
    return next(run for run in line.runs if text in run.text)


def test_an_edge_that_lost_something_lately_is_red_with_a_cross_and_one_of_the_chosen_node_is_thick() -> None:
    port = drawn("unicode", RISK, way(MARKET, BARS, 10, went=8), way(BARS, RISK, 10))[1]
    assert run_of(port, "✖") == Run("──✖", "wrong")
    assert run_of(port, "▶") == Run("━━▶", "up")
    calm = drawn("unicode", "", way(MARKET, BARS, 10), way(BARS, RISK, 10))[1]
    assert run_of(calm, "▶") == Run("──▶", "dim")


def test_without_box_glyphs_the_graph_is_drawn_in_plain_letters_alone() -> None:
    lines = drawn("ascii", BARS, way(MARKET, BARS, 10, went=8), way(BARS, RISK, 10), way(MARKET, RISK, 5))
    text = "\n".join("".join(run.text for run in line.runs) for line in lines)
    assert text.isascii(), text
    assert "==x#" in text
    assert "==>|" in text
    assert "# x bars" in text

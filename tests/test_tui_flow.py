from pathlib import Path
from time import thread_time

import pytest
from msgspec.structs import replace

from pipeline.view import FlowNews, Look, TapLine, TapNews, TapOf
from tests.sample_flow import SampleLook, edge, flow_of, node
from tests.sample_view import SampleView
from tests.screens import Bench, golden, on_bench, run
from tui.flowing.page import FlowPage
from tui.going import Go
from tui.painted import Panel


def page_of(bench: Bench) -> FlowPage:
    return bench.app.query_one(FlowPage)


async def looked_twice(bench: Bench) -> None:
    """Until there are rates."""
    bench.view.move(0)
    await bench.until(lambda: bench.store.flow is not None and bench.store.flow.real_ms == 100.0)
    await bench.shows("90.0", "gave last 67s ago")  # by the clock that the next beat tells


@pytest.mark.parametrize(("width", "height"), [(160, 40), (120, 36), (80, 24)])
def test_the_flow_looks_as_approved_drawn_where_there_is_room_and_as_rows_where_not(
    tmp_path: Path, width: int, height: int
) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, (width, height), page="flow") as bench:
            await looked_twice(bench)
            assert page_of(bench).drawn == (width > 80)
            await bench.shows("90.0/s")
            for panel in bench.app.query(Panel):
                panel.look()
            await bench.press("shift+tab", "tab")
            golden(f"flow_{width}x{height}", bench.app)

    run(main())


def test_without_box_glyphs_and_colour_the_graph_is_told_by_plain_letters_and_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def main() -> None:
        async with on_bench(tmp_path, page="flow") as bench:
            bench.shell.settings.look.glyphs = "ascii"
            await looked_twice(bench)
            await bench.shows("+ ! trend ----+", "# o market ===#", "==!|90.0/s 0.41ms|--!|", "@ +")

    run(main())


def test_the_arrows_walk_along_edges_and_what_is_below_tells_of_the_chosen_node(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, page="flow") as bench:
            sight = page_of(bench).sight
            await bench.shows("conserved", "market", "What synthetic says.")
            for key, node in (
                ("right", "operators.bars"),
                ("l", "features"),
                ("right", "providers.trend"),
                ("down", "providers.fade"),
                ("up", "providers.trend"),
                ("right", "ensembles.main"),
                ("left", "providers.trend"),
                ("end", "venues.practice"),
                ("home", "sources.market"),
            ):
                await bench.press(key)
                assert sight.chosen == node, key
            await bench.press("right", "right", "right", "down")
            await bench.shows("providers.fade", "faults 2", "ValueError: no rsi", "flows.toml:39", "from features")

    run(main())


def test_v_lists_the_nodes_along_the_flow_with_the_queues_and_the_choice_is_the_same_in_both(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, page="flow") as bench:
            page = page_of(bench)
            await bench.shows("market", "conserved")
            await bench.press("right", "v")
            await bench.shows("Nodes 12", "operators.bars", "let go", "queue of 1000, waits")
            assert page.table.chosen == "operators.bars"
            assert [row.id for row in page.table.shown][:3] == ["sources.market", "operators.bars", "features"]
            await bench.press("end")
            await bench.shows("waits 3 of 10,000 · most 40 · the oldest for 0.2s", "the oldest is let go")
            await bench.press("p")
            await bench.shows("a queue gives nothing of its own")
            await bench.press("home", "j", "j", "v")
            assert page.sight.chosen == "features"
            assert bench.app.focused is page.graph

    run(main())


def test_the_tap_is_asked_for_only_while_its_panel_is_open_and_can_be_held_still(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, page="flow") as bench:
            page, asked = page_of(bench), bench.view.asked
            await bench.shows("market", "conserved")
            assert "tap" not in asked
            await bench.press("right", "enter")
            await bench.shows("Tap operators.bars", "EURUSD 1m 12:00 O 1.07171")
            await bench.press("z")
            await bench.shows("held still, z goes on")
            held = bench.text.count("EURUSD 1m 12:00")
            for _ in range(3):
                bench.view.move(0)
                told = bench.store.tap_told
                await bench.until(lambda told=told: bench.store.tap_told > told)
            assert bench.text.count("EURUSD 1m 12:00") == held
            await bench.press("z")
            await bench.until(lambda: bench.text.count("EURUSD 1m 12:00") > held)
            await bench.press("enter")
            await bench.until(lambda: "tap ends" in asked)
            assert not page.tap.display
            await bench.press("left", "p")
            await bench.shows("this flow has no node 'sources.market'; did you mean")
            assert "O 1.07171" not in bench.text
            await bench.press("2")
            await bench.until(lambda: asked.count("tap ends") == 2)

    run(main())


class Lossy(SampleView):
    """Loses something between the second look and the third, and never says what became of one value."""

    def flow(self) -> Look[FlowNews]:
        return SampleLook(self.lost, lambda: None)

    def lost(self) -> FlowNews:
        whole = flow_of(self.clock, self.moved)
        let_go = {"fault": 2 + 5 * (self.moved > 1), "filtered": 40}
        broken = replace(whole.edges[0], dropped=let_go, went=whole.edges[0].came - 1 - sum(let_go.values()))
        missing = replace(whole.edges[1], went=whole.edges[1].went - (self.moved > 1))
        nodes = tuple(replace(each, busy=0.93 * (each.id == "risk.main")) for each in whole.nodes)
        edges = (broken, missing, *whole.edges[2:])
        return replace(whole, nodes=nodes, edges=edges, conserved=self.moved <= 1)


def test_what_is_lost_where_it_jams_and_what_has_no_name_is_said_and_reset_counts_anew(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, view=Lossy(), page="flow") as bench:
            page = page_of(bench)
            await looked_twice(bench)
            await bench.shows("bottleneck: main·ris (busy 93 %)", "conserved")
            bench.view.move(0)
            await bench.shows("LOST WITHOUT A NAME: operators.bars ▶ features", "✖ bars")
            await bench.press("right")
            await bench.shows("let go fault 7, filtered 40", "lost 7, just now")
            assert page.sight.gauge.edges["sources.market", "operators.bars"].state == "wrong"
            bench.now += 11
            bench.view.move(0)
            await bench.until(lambda: page.sight.gauge.edges["sources.market", "operators.bars"].state == "warn")
            await bench.press("r")
            await bench.until(lambda: page.sight.gauge.edges["sources.market", "operators.bars"].state == "ok")

    run(main())


def test_a_filter_dims_what_does_not_fit_and_the_arrows_pass_over_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, page="flow") as bench:
            sight = page_of(bench).sight
            await bench.shows("market", "conserved")
            await bench.press("slash", *"fade|main", "enter")
            await bench.shows("Flow 3/9 nodes", "trend")
            assert sight.chosen == "providers.fade"
            await bench.press("right", "left")
            assert sight.chosen == "providers.fade"
            await bench.press("slash", *"x<3")
            await bench.shows("there is no column 'x' here")
            await bench.press("escape")
            await bench.shows("Flow 9 nodes")
            await bench.press("w")
            await bench.shows("Flow 10 nodes", "ledger")

    run(main())


def test_e_and_s_lead_to_the_nodes_table_in_the_file_and_to_its_part_and_a_node_without_says_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, page="flow") as bench:
            gone = list[tuple[str, object]]()
            page = page_of(bench)
            await bench.shows("market", "conserved")
            original = page.post_message
            page.post_message = lambda message: (
                gone.append((message.page, message.subject)) or True if isinstance(message, Go) else original(message)
            )
            await bench.press("right", "e", "s", "right", "e")
            await bench.shows("it has no table in the flow's file")
            await bench.press("s")
            await bench.shows("none of the parts a flow can be made of")
            assert gone == [("edit", 20), ("strategies", ("operator", "window"))]

    run(main())


class Wide(SampleView):
    """Sixty strategies between two hundred names that are anything but plain."""

    def flow(self) -> Look[FlowNews]:
        names = [f"providers.s{number}[red]\x1b日" for number in range(60)]
        nodes = [node(name, "x", self.moved, line=1) for name in ("sources.a", *names, "ensembles.main")]
        edges = [edge("sources.a", name, ("Columns",)) for name in names]
        edges += [edge(name, "ensembles.main", ("Votes",)) for name in names]
        return SampleLook(lambda: FlowNews(0, self.moved * 100.0, tuple(nodes), tuple(edges), (), True), lambda: None)

    def tap(self, of: TapOf) -> Look[TapNews]:
        lines = (TapLine(3, 0, "Votes\x1b", "[bold]\x07"), TapLine(9, 0, "Votes", "again"))
        return SampleLook(lambda: TapNews(of, lines, 0), lambda: None)


def test_many_nodes_of_any_name_are_walked_and_scrolled_over_and_a_frame_takes_a_moment(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, (200, 50), Wide(), page="flow") as bench:
            page = page_of(bench)
            await bench.shows("Flow 62 nodes", "more below")
            page.open("providers.s58[red]\x1b日")
            await bench.press("down")
            await bench.shows("providers.s59[red]·", "more above")
            assert "\x1b" not in bench.text
            await bench.press("p")
            await bench.shows("[bold]·", "5 more came in between")
            assert bench.pilot is not None
            page.graph.action_edge(0)
            began = thread_time()
            page.graph.frame(196, 30)
            assert thread_time() - began < 0.024
            await bench.press("v")
            await bench.shows("Nodes 62")

    run(main())


def test_without_an_engine_the_page_says_why_and_what_was_told_stays_when_the_link_goes_down(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, desk=False, page="flow") as bench:
            await bench.shows("no engine", "Flow")
            await bench.press("p", "e", "s", "r", "w", "right", "v", "z")
            await bench.desk.start()
            await bench.shows("Nodes 12", "conserved")
            await bench.desk.stop()
            page_of(bench).sight.see()
            bench.now += 5
            await bench.shows("LINK DOWN", "operators.bars", "told 5.0s ago")

    run(main())

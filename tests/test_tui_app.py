import re
from pathlib import Path

import pytest

from pipeline.view import KeyName
from tests.sample_view import SampleView
from tests.screens import Bench, golden, on_bench, run
from tui.chart.panel import CandleChart
from tui.keys.table import KeysTable
from tui.logs.panel import LogPanel
from tui.painted import Panel

FIRST = KeyName("demo-1", "EURUSD", "1m")


def keys_of(bench: Bench) -> KeysTable:
    return bench.app.query_one(KeysTable)


def chosen(bench: Bench) -> KeyName | None:
    found = keys_of(bench).chosen
    return found if isinstance(found, KeyName) else None


# --- how it looks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height"), [(120, 36), (80, 24), (200, 50), (60, 16)])
def test_the_screen_looks_as_approved(tmp_path: Path, width: int, height: int) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, (width, height)) as bench:
            await bench.shows("candles", "RUNNING", *(["risk: cool_down"] if height > 20 else []))
            golden(f"desk_{width}x{height}", bench.app)

    run(main())


def test_without_colour_brightness_and_texture_tell_up_from_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await bench.shows("candles", "risk: cool_down", "RUNNING")
            assert "║" in bench.text
            golden("nocolour_120x36", bench.app)

    run(main())


def test_ctrl_c_says_what_leaves_and_what_stops(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await bench.shows("candles", "RUNNING")
            await bench.press("ctrl+c")
            await bench.shows("Ctrl-C ends nothing here", "q leaves, the engine goes on")

    run(main())


def test_help_looks_as_approved_and_leaves_without_leaving_the_console(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await bench.shows("candles", "risk: cool_down", "RUNNING")
            await bench.press("question_mark")
            await bench.shows("Everywhere", "leave; the engine goes on")
            golden("help_120x36", bench.app)
            for key in ("q", "question_mark", "f1", "escape", "f1", "slash", "t", "enter"):
                await bench.press(key)
            await bench.until(lambda: len(bench.app.screen_stack) == 1)
            assert bench.app.is_running
            assert keys_of(bench).words == ""

    run(main())


@pytest.mark.parametrize(("width", "height"), [(59, 36), (120, 15), (20, 5)])
def test_a_terminal_that_is_too_small_is_told_what_it_needs_and_q_still_leaves(
    tmp_path: Path, width: int, height: int
) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, (width, height)) as bench:
            await bench.shows("needs" if width == 20 else "60x16")
            await bench.press("q")
            assert bench.app.return_code == 0

    run(main())


def test_a_terminal_that_grows_again_shows_everything_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, (50, 14)) as bench:
            await bench.shows("60x16")
            assert bench.pilot is not None
            await bench.pilot.resize_terminal(120, 36)
            await bench.shows("Keys 36/36", "candles", "risk: cool_down")

    run(main())


@pytest.mark.parametrize(
    "name", ["[/bold]", "[red]x", "\x1b[2J\x07", "a\nb", "日本語日本語日本語", "[@click=app.quit]q"]
)
def test_a_name_is_shown_as_text_whatever_it_says(tmp_path: Path, name: str) -> None:
    view = SampleView([KeyName(name, name, "1m")])
    view.say(f"{name} said {name}")

    async def main() -> None:
        async with on_bench(tmp_path, view=view) as bench:
            keys_of(bench).filter(name.casefold().strip()[:3])
            await bench.shows("said", "candles", "Keys 1/1")
            assert "\x1b" not in bench.text
            assert not [panel for panel in bench.app.query(Panel) if "✖" in str(panel.border_subtitle)]

    run(main())


# --- keys ------------------------------------------------------------------------------------------------------------


def test_tab_goes_round_the_panels(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            seen: list[str | None] = []
            for _ in range(4):
                seen.append(bench.app.focused.id if bench.app.focused else None)
                await bench.press("tab")
            assert seen == ["keys-table", "keys-chart", "keys-log", "keys-table"]

    run(main())


def test_the_log_holds_still_while_one_reads_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            bench.app.query_one(LogPanel).focus()
            await bench.press("f")
            for number in range(3):
                bench.view.say(f"newer {number}")
            await bench.shows("held, 3 newer", "risk: cool_down")
            assert "newer 0" not in bench.text
            await bench.press("G")
            await bench.shows("newer 2")
            await bench.press("e")
            await bench.shows("Log · warnings", "late quote dropped")
            assert "newer 2" not in bench.text
            await bench.press("e", "g")
            await bench.shows("flow flows.toml started")

    run(main())


def test_leaving_leaves_the_engine_alone(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await bench.press("q")
            assert bench.app.return_code == 0
            assert (tmp_path / "engine.json").exists()

    run(main())


# --- what can go wrong -----------------------------------------------------------------------------------------------


def test_without_an_engine_the_screen_stands_and_says_what_it_tries(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, desk=False) as bench:
            await bench.shows("connecting", "no engine is running in")
            assert "start one with `run`" in re.sub(r"[\s┃│]+", " ", bench.text)
            bench.now += 12
            await bench.shows("connecting 12s")
            await bench.desk.start()
            await bench.shows("Keys 36/36", "candles")

    run(main())


def test_when_the_link_goes_down_what_was_told_stays_dim_and_it_comes_back_by_itself(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await bench.shows("candles", "RUNNING")
            await bench.desk.stop()
            await bench.shows("LINK DOWN 0s · data is stale")
            bench.now += 12
            await bench.shows("LINK DOWN 12s · data is stale", "Keys 36/36", "EURUSD 1m · demo-1", "risk: cool_down")
            assert bench.app.screen.has_class("-down")
            await bench.desk.start()
            await bench.shows("⇄ link", "the link is back after 12 s")
            assert not bench.app.screen.has_class("-down")

    run(main())


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_lost_link_is_said_in_a_row_of_any_width(tmp_path: Path, width: int) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, (width, 24)) as bench:
            await bench.desk.stop()
            await bench.shows("LINK DOWN 0s · data is stale", "REAL live-7")

    run(main())


def test_an_engine_of_another_protocol_is_named_and_not_guessed_at(tmp_path: Path) -> None:
    view = SampleView()
    view.protocol = 99

    async def main() -> None:
        async with on_bench(tmp_path, desk=False, view=view) as bench:
            await bench.desk.start()
            await bench.shows(
                "ANOTHER PROTOCOL", "engine 1.0.0 speaks protocol 99, this console protocol 3; run both from one"
            )
            await bench.until(lambda: bench.text.count("speaks protocol 99") == 2)  # in place of keys, and in the log

    run(main())


def test_a_panel_that_fails_says_so_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError("a chart of nothing [/bold]")

    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await bench.shows("candles")
            monkeypatch.setattr(CandleChart, "frame", fails)
            await bench.shows(
                "✖ ZeroDivisionError", "console, panel keys-chart: ZeroDivisionError: a chart of nothing [/bold]"
            )
            bench.view.say("the log goes on")
            await bench.shows("the log goes on")
            monkeypatch.undo()
            await bench.shows("price 0.3s old")
            assert bench.text.count("console, panel keys-chart") == 1

    run(main())


# --- repainting ------------------------------------------------------------------------------------------------------


def timeless(screen: str) -> str:
    """A screen without what moves by itself: the ages of what it shows, and the clock."""
    return re.sub(r"[─━]+ [^─━\n]* old|\d\d:\d\d:\d\dZ", "", screen)


def test_what_is_repainted_is_all_that_differs(tmp_path: Path) -> None:
    """Moved in parts, the screen is the one that is painted whole."""

    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await bench.shows("candles", "RUNNING")
            for moves in range(1, 6):
                bench.view.move(7 * moves)
                told = bench.store.keys_told, bench.store.chart_told
                await bench.until(
                    lambda told=told: bench.store.keys_told > told[0] and bench.store.chart_told > told[1]
                )
                await bench.press("j")
            await bench.until(lambda: not bench.app.missing)
            for panel in bench.app.query(Panel):
                panel.look()
            assert bench.pilot is not None
            await bench.pilot.pause()
            in_parts = timeless(bench.text)
            for panel in bench.app.query(Panel):
                panel.refresh(layout=True)
            await bench.pilot.pause()
            assert timeless(bench.text) == in_parts

    run(main())

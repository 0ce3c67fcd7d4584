"""What holds on every page of the console: going there, finding things, settings, control, no engine."""

from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.widgets import OptionList

from pipeline.aside import here
from pipeline.control.showing import looked_at
from pipeline.view import KeyName
from sinks.api import Desk
from tests.sample_view import SampleView
from tests.screens import Bench, in_front, on_bench, run
from tui.console import key_table
from tui.kill import Kill
from tui.pages import PAGES
from tui.painted import Panel
from tui.settings import Settings, read_settings
from tui.welcome import steps_of


async def typed(bench: Bench, text: str) -> None:
    await bench.press(*("space" if letter == " " else letter for letter in text))


def test_the_command_line_goes_to_charts_and_says_what_it_does_not_know(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await bench.press("colon")
            await typed(bench, "chrat")
            await bench.press("enter")
            await bench.shows("unknown 'chrat', did you mean chart?")
            await bench.press("escape", "colon")
            await typed(bench, "feed")
            await bench.press("enter")
            await bench.until(lambda: in_front(bench) == "feed")
            await bench.press("colon", "up")  # what was typed before
            await bench.shows("feed")
            await bench.press("escape", "colon")
            await typed(bench, "theme day")
            await bench.press("enter")
            await bench.until(lambda: bench.app.theme == "day")
            await bench.press("colon")
            await typed(bench, "theme pink")
            await bench.press("enter")
            await bench.shows("theme may be desk, day, mono, terminal; it stays")
            assert bench.app.theme == "day"
            for name in ("terminal", "mono", "desk"):  # each way, also to the sixteen colours and from them
                bench.app.like("theme", name)
                await bench.until(lambda name=name: bench.app.theme == name)
                await bench.shows("5 Feed")
            await bench.press("colon")
            await typed(bench, "keys live xau")
            await bench.press("enter")
            await bench.shows("Keys 3/36")

    run(main())


def test_the_palette_finds_pages_acts_and_keys(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await bench.press("ctrl+p")
            await bench.shows("Everything that can be done")
            await bench.shows("chart key", "the chart of a key")
            await typed(bench, "live-7 xau 15m")
            await bench.until(lambda: bench.app.screen.query_one(OptionList).option_count == 1)
            await bench.press("enter")
            await bench.until(lambda: in_front(bench) == "chart")
            await bench.shows("XAUUSD 15m · live-7")
            await bench.press("ctrl+p")
            await typed(bench, "kill")
            await bench.press("escape")
            await bench.until(lambda: len(bench.app.screen_stack) == 1)

    run(main())


def test_how_the_console_looks_is_changed_at_once_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "console.toml"

    async def main() -> None:
        async with on_bench(tmp_path, page="settings") as bench:
            bench.shell.settings_file = file
            await bench.press("space")
            await bench.until(lambda: bench.app.theme == "day" and file.exists())
            await bench.press("down", "space")
            await bench.shows("+-")
            assert not set("╭╮│▲─") & set(bench.text)
            await bench.until(lambda: read_settings(file).look.glyphs == "ascii")
            await bench.press("r", "up", "r")
            await bench.until(lambda: read_settings(file) == Settings())

    run(main())


def test_an_act_takes_the_key_that_is_pressed_for_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, page="settings") as bench:
            await bench.press("tab", "tab", "slash")
            await typed(bench, "go.feed")
            await bench.press("enter", "enter")
            await bench.shows("Press the key that is to do this")
            await bench.press("z")
            await bench.until(lambda: bench.shell.settings.keys == {"go.feed": ("z",)})
            await bench.press("z")
            await bench.until(lambda: in_front(bench) == "feed")

    run(main())


def test_nothing_is_changed_before_control_was_taken_and_a_key_that_is_off_says_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            assert not bench.shell.controls
            await bench.press("s")
            await bench.shows("this console only looks; ^y takes control")
            await bench.press("ctrl+y")
            await bench.until(lambda: bench.shell.controls)
            await bench.shows("this console may change things now")
            bench.view.started += 1
            await bench.desk.stop()
            await bench.until(lambda: bench.store.state == "down")
            bench.desk = Desk(looked_at(bench.view, here), tmp_path)
            await bench.desk.start()
            await bench.until(lambda: not bench.shell.controls)
            await bench.shows("another engine answers now; ^y takes control of it")

    run(main())


def test_the_screen_is_held_and_goes_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await bench.shows("candles", "risk: cool_down")
            await bench.press("P")
            bench.view.say("something new")
            await bench.until(lambda: any("something new" in line.text for line in bench.store.lines))
            assert "something new" not in bench.text
            assert "SCREEN HELD" in bench.text
            await bench.press("P")
            await bench.shows("something new")

    run(main())


def test_letters_on_panels_and_one_panel_alone(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await bench.shows("candles", "RUNNING")
            await bench.press("ctrl+o", "s")
            await bench.until(lambda: bench.app.focused is not None and bench.app.focused.id == "keys-chart")
            await bench.press("ctrl+t")
            await bench.until(lambda: bench.app.screen.maximized is not None)
            await bench.press("escape")
            await bench.until(lambda: bench.app.screen.maximized is None)

    run(main())


def test_a_filter_is_kept_under_a_name_and_a_wrong_one_changes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await bench.press("slash")
            await typed(bench, "live")
            await bench.shows("Keys 12/36")
            await bench.press("ctrl+s")
            await bench.shows("Keep a filter")
            await typed(bench, "mine")
            await bench.press("enter")
            await bench.until(lambda: bench.shell.settings.filters == {"mine": "live"})
            await typed(bench, " /(/")
            await bench.shows("is no regular expression", "Keys 12/36")
            await bench.press("escape", "colon")
            await bench.shows("Keys 36")
            await typed(bench, "group mine")
            await bench.press("enter")
            await bench.shows("Keys 12/36")

    run(main())


# --- no engine -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height"), [(80, 24), pytest.param(120, 36, marks=pytest.mark.slow)])
def test_without_an_engine_the_screen_says_how_to_get_one(tmp_path: Path, width: int, height: int) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, (width, height), desk=False) as bench:
            bench.now += 3
            await bench.shows("no engine is running", "start one for this flow", "pipeline run")
            assert str(bench.shell.flow) in "".join(line.strip(" ┃") for line in bench.text.splitlines()), "all of it"
            await bench.press("s")
            await bench.shows("This starts an engine for")
            await bench.press("escape")
            await bench.until(lambda: len(bench.app.screen_stack) == 1)
            await bench.desk.start()
            await bench.press("r")
            await bench.shows("Keys 36")
            await bench.until(lambda: bench.app.focused is not None and bench.app.focused.id == "keys-table")

    run(main())


def test_the_first_steps_say_whose_money_runs_and_what_breaks_even(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            (title, text), *_ = steps_of(bench.store)
            assert title == "What you look at"
            assert "REAL money is on live-7; live-7 may trade now" in text
            assert "54.1 times in 100" in text

    run(main())


def test_the_table_of_keys_has_every_act_once_and_a_sentence_for_each() -> None:
    rows = key_table().splitlines()
    names = [row.split()[0] for row in rows]
    assert len(names) == len(set(names))
    assert {"kill", "palette", "go.feed", "table.sort", "settings.next"} <= set(names)
    assert all(len(row.split()) > 4 for row in rows)


def test_what_a_console_shows_of_a_key_survives_odd_names(tmp_path: Path) -> None:
    view = SampleView([KeyName("[/b]", "=1+1", "1m")])

    async def main() -> None:
        async with on_bench(tmp_path, view=view) as bench:
            await bench.press("ctrl+p")
            await typed(bench, "=1+1")
            await bench.shows("=1+1 1m [/b]")

    run(main())


# --- every page, every size ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sizes", [((80, 24), (60, 16)), pytest.param(((120, 36), (200, 50), (99, 29), (61, 20)), marks=pytest.mark.slow)]
)
def test_every_page_fits_every_size_and_no_panel_of_it_fails(
    tmp_path: Path, sizes: tuple[tuple[int, int], ...]
) -> None:
    """Nothing is wider than the screen, nothing fails, and somebody has the keys."""

    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            assert bench.pilot is not None
            for width, height in sizes:
                await bench.pilot.resize_terminal(width, height)
                for kind in PAGES:
                    await bench.app.go(kind.name)
                    await bench.pilot.pause()
                    for panel in bench.app.query(Panel):
                        panel.look()
                    await bench.pilot.pause()
                    wrong = [f"{panel.id}: {panel.border_subtitle}" for panel in bench.app.query(Panel) if panel.failed]
                    assert not wrong, (kind.name, width, height)
                    assert all(cell_len(line) <= width for line in bench.text.splitlines())
                    assert len(bench.text.splitlines()) <= height
                    assert bench.app.focused is not None, (kind.name, width, height)

    run(main())


def test_the_kill_switch_opens_from_every_page_and_from_where_one_writes(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            for kind in PAGES:
                await bench.app.go(kind.name)
                await bench.press("ctrl+g")
                await bench.until(lambda: isinstance(bench.app.screen, Kill))
                await bench.press("escape")
                await bench.until(lambda: len(bench.app.screen_stack) == 1)
            await bench.app.go("keys")
            for opens in ("slash", "colon", "ctrl+p", "question_mark"):
                await bench.press(opens, "ctrl+g")
                await bench.until(lambda: isinstance(bench.app.screen, Kill))
                await bench.press("escape", "escape")
                await bench.until(lambda: len(bench.app.screen_stack) == 1)

    run(main())

"""Keys that come faster than the console answers them: what they were meant for is what they do."""

from pathlib import Path

from textual import events
from textual.widgets import Input

from tests.api_engine import EAGER_FLOW, Engine, on_engine
from tests.screens import on_bench, run
from tests.test_tui_control import attached
from tui.app import Console
from tui.dialogs import Notice
from tui.keys.control import Turn
from tui.keys.page import KeysPage


def at_once(app: Console, *keys: str) -> None:
    """Keys as a terminal gives them that had to wait: all there before the first is answered."""
    named = {"/": "slash", " ": "space", "-": "minus"}
    for key in keys:
        character = "\r" if key == "enter" else key if len(key) == 1 else None
        app.post_message(events.Key(named.get(key, key), character))


def test_words_of_a_filter_and_enter_typed_at_once_leave_no_other_row(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            page = bench.app.page
            assert isinstance(page, KeysPage)
            at_once(bench.app, "/", *"livx", "backspace", *"e-7", "enter", "ctrl+a")
            await bench.until(lambda: page.table.picked and page.table.words == "live-7")
            assert {row.account for row in page.table.picked} == {"live-7"}

    run(main())


def test_a_key_behind_the_answer_closes_nothing_below_and_ends_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await bench.press("ctrl+o")
            await bench.until(lambda: len(bench.app.screen_stack) > 1)
            over = bench.app.screen
            for _ in range(3):
                over.post_message(events.Key("escape", None))
            await bench.until(lambda: len(bench.app.screen_stack) == 1)
            await bench.press("escape")
            notice, kill = Notice("first", "read"), Notice("second", "read")
            bench.app.push_screen(notice)
            await bench.until(lambda: bench.app.screen is notice)
            bench.app.push_screen(kill)
            await bench.until(lambda: bench.app.screen is kill)
            notice.dismiss()
            assert bench.app.screen is kill, "what lies over it is not closed in its place"

    run(main())


def test_keys_behind_the_one_that_leaves_end_it_without_a_word(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            at_once(bench.app, "q", *"asdfgh" * 20)

    run(main())


def test_keys_are_stopped_one_act_after_the_other_and_armed_real_money_is_asked_about_on_the_way_back(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            page = bench.app.page
            assert isinstance(page, KeysPage)
            await bench.press("ctrl+y", "ctrl+a")
            at_once(bench.app, "s", "s", "s")
            await bench.shows("stop 36 keys", "the keys before are not done yet")
            assert len(bench.app.screen_stack) == 2, "one question, not three"
            await bench.press("n")
            name = next(name for name in bench.store.keys if name.account == "live-7")
            page._done, page._done_at = Turn(stop=frozenset({name})), bench.now  # pyright: ignore[reportPrivateUsage]
            await bench.press("u")
            await bench.shows("REAL · start", "REAL money is armed: live-7")

    run(main())


def test_who_is_stopped_with_everybody_is_told_as_stopped(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        async with attached(engine) as sitting:
            await sitting.press("ctrl+g", *"kill", "enter")
            await sitting.until(lambda: engine.watch.status().state == "KILLED")
            assert all(each.stopped for each in engine.watch.status().accounts)

    on_engine(tmp_path, check, EAGER_FLOW)


def test_a_stop_that_was_asked_for_is_not_called_off_by_leaving_its_dialog(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await bench.press("ctrl+g", *"kill")
            kill = bench.app.screen
            at_once(bench.app, "enter")
            await bench.until(lambda: bench.app.screen.query_one(Input).disabled)
            kill.dismiss()
            await bench.until(lambda: any("everything is stopped" in line.text for line in bench.store.lines))
            await bench.shows("everything is stopped")

    run(main())

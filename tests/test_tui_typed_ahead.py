"""Keys that come faster than the console answers them: what they were meant for is what they do."""

from pathlib import Path

from textual import events

from tests.screens import Bench, on_bench, run
from tui.dialogs import Notice
from tui.keys.page import KeysPage


def at_once(bench: Bench, *keys: str) -> None:
    """Keys as a terminal gives them that had to wait: all there before the first is answered."""
    named = {"/": "slash", " ": "space", "-": "minus"}
    for key in keys:
        character = "\r" if key == "enter" else key if len(key) == 1 else None
        bench.app.post_message(events.Key(named.get(key, key), character))


def test_words_of_a_filter_and_enter_typed_at_once_leave_no_other_row(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            page = bench.app.page
            assert isinstance(page, KeysPage)
            at_once(bench, "/", *"live-7", "enter", "ctrl+a")
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
            at_once(bench, "q", *"asdfgh" * 20)

    run(main())

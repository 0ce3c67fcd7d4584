"""The page of the flow's file, driven by keys: with a real engine, and without one."""

import os
import sys
from pathlib import Path

import pytest

from pipeline import lives
from pipeline.engine import LEDGER_FILE
from pipeline.live import LOCK_FILE, wall
from pipeline.locking import locked
from tests.api_engine import SPEED, Engine, on_engine
from tests.api_engine import until as engine_until
from tests.editing import Editing, editing
from tests.screens import golden, run
from tests.support import SMALL
from tui.going import Insert

FLOW = (
    SMALL.replace('use = "ema_cross"\nfast = "fast"\nslow = "slow"', 'use = "ema_trend"')
    .replace('start = "2026-01-05T10:00:00Z"', f'start = "2026-01-05T10:00:00Z"\nspeed = {SPEED}')
    .replace('max_daily_loss = "20.00"', 'max_daily_loss = "20.00"\nthreshold = 0.0')
)
"""Votes on every bar, and trades on every vote."""


def line_of(edits: Editing, words: str) -> int:
    return next(number for number, line in enumerate(edits.text.splitlines(), 1) if words in line)


def put_behind(edits: Editing, words: str) -> None:
    """The cursor behind some words."""
    line = line_of(edits, words)
    edits.page.area.go_to(line, edits.text.splitlines()[line - 1].index(words) + len(words) + 1)


# --- without an engine -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height"), [(120, 36), (80, 24)])
def test_the_page_looks_as_approved(tmp_path: Path, width: int, height: int) -> None:
    wrong = SMALL.replace('"ema_cross"', '"ema_cros"').replace("[venues.practice]", "daily = 1\n\n[venues.practice]")
    (tmp_path / "flows.toml").write_text(wrong, encoding="utf-8")

    async def main() -> None:
        async with editing(tmp_path, (width, height)) as edits:
            await edits.press("f8", "f8")
            await edits.shows("did you mean", "'ema_cross'?", "has no key 'daily'", "read-only: ^y takes control")
            await edits.shows("30✖", " 30:7 · " if width > 100 else " 30:7 ")
            golden(f"edit_{width}x{height}", edits.app)

    run(main())


def test_it_is_read_until_control_is_taken_then_written_to_disk_whole_and_only_when_it_is_a_flow(
    tmp_path: Path,
) -> None:
    before = SMALL.replace("\n", "\r\n").replace("[moonlight]\r\n", "[moonlight]  # mine\n", 1)
    flow = tmp_path / "flows.toml"
    flow.write_bytes(before.encode())

    async def main() -> None:
        async with editing(tmp_path) as edits:
            await edits.type("xyz")
            assert edits.text == before
            await edits.press("7")  # not text, while it can only be read: the page's own key leads back
            assert edits.app.page is edits.page
            await edits.control()
            put_behind(edits, "block = 6")
            await edits.press("delete", *"x7")
            await edits.shows("● not applied", "is no value")
            await edits.press("ctrl+s")
            await edits.shows("mend first")
            assert flow.read_bytes().decode() == before
            await edits.press("escape", "enter")  # to the problems, and to the place of the first
            assert edits.page.area.has_focus
            await edits.press(*["ctrl+z"] * 4)
            await edits.until(lambda: edits.text == before)
            put_behind(edits, "block = 64")
            await edits.type("00")
            await edits.press("escape")
            assert edits.page.problems.has_focus
            await edits.looked_through()
            await edits.press("ctrl+s")
            await edits.shows("No engine runs.", "holds from the next start")
            await edits.press("escape")
            assert flow.read_bytes().decode() == before
            await edits.press("ctrl+s")
            await edits.says_yes()
            await edits.until(lambda: flow.read_bytes().decode() != before)
            assert flow.read_bytes().decode() == before.replace("block = 64", "block = 6400")
            await edits.until(lambda: not edits.page.dirty)

    run(main())


@pytest.mark.slow
def test_what_was_typed_outlives_the_console_and_what_somebody_else_wrote_is_not_written_over(tmp_path: Path) -> None:
    flow = tmp_path / "flows.toml"
    flow.write_text(SMALL, encoding="utf-8")

    async def main() -> None:
        async with editing(tmp_path) as edits:
            await edits.control()
            put_behind(edits, "period = 3")
            await edits.type("1")
            await edits.until(lambda: list((tmp_path / "settings" / "unsaved").glob("flows.*.toml")))
        theirs = SMALL.replace('balance = "100.00"', 'balance = "200.00"')
        flow.write_text(theirs, encoding="utf-8")
        async with editing(tmp_path) as edits:
            assert "period = 31" in edits.text
            await edits.shows("is here again", "the file changed meanwhile", "r theirs")
            await edits.control()
            await edits.press("ctrl+s")
            await edits.shows("choose theirs")
            assert edits.page.bar.has_focus
            await edits.press("f6")
            await edits.shows('- balance = "200.00"', '+ balance = "100.00"', "period = 31")
            await edits.press("escape", "r")
            await edits.until(lambda: edits.text == theirs)
            await edits.press("ctrl+z")
            await edits.until(lambda: "period = 31" in edits.text)
            await edits.press("ctrl+y")
            await edits.until(lambda: edits.text == theirs)
            again = theirs.replace("seed", "# seed").replace("block = 64", "block = 96")
            flow.write_text(again, encoding="utf-8")
            await edits.until(lambda: edits.text == again)  # nothing of ours: it is read anew by itself
            await edits.shows("read anew")

    run(main())


def test_an_engine_that_runs_and_does_not_answer_keeps_everything_from_being_written(tmp_path: Path) -> None:
    (tmp_path / "flows.toml").write_text(SMALL, encoding="utf-8")

    async def main() -> None:
        with locked(tmp_path / "data" / LOCK_FILE) as ours:
            assert ours
            async with editing(tmp_path) as edits:
                await edits.press("ctrl+y")
                await edits.shows("an engine runs it and does not answer")
                await edits.type("x")
                await edits.press("ctrl+s")
                assert edits.text == SMALL
                assert edits.page.area.read_only

    run(main())


def test_more_real_money_at_risk_wants_the_accounts_name_typed(tmp_path: Path) -> None:
    real = SMALL.replace("[moonlight]", '[moonlight]\nmode = "live"').replace("balance", 'money = "real"\nbalance')
    flow = tmp_path / "flows.toml"
    flow.write_text(real, encoding="utf-8")

    async def main() -> None:
        async with editing(tmp_path) as edits:
            await edits.control()
            put_behind(edits, 'max_daily_loss = "20')
            await edits.type("0")
            await edits.looked_through()
            await edits.press("ctrl+s")
            await edits.shows("REAL · Apply flow", "max_daily_loss: 20.00 → 200.00", "type demo-1")
            await edits.type("yes")
            await edits.press("enter")
            await edits.shows("is not the word")
            assert flow.read_text("utf-8") == real
            await edits.type("demo-1")
            await edits.press("enter")
            await edits.until(lambda: "200.00" in flow.read_text("utf-8"))

    run(main())


def test_words_are_found_lines_gone_to_tables_put_in_and_the_outline_leads_there(tmp_path: Path) -> None:
    (tmp_path / "flows.toml").write_text(SMALL, encoding="utf-8")

    async def main() -> None:
        async with editing(tmp_path) as edits:
            area = edits.page.area
            await edits.press("ctrl+f", *"practice")
            await edits.shows("1 of 3")
            await edits.press("enter", "enter")
            await edits.shows("3 of 3")
            await edits.press("up")
            await edits.shows("2 of 3")
            await edits.press("escape")
            assert area.selected_text == "practice"
            edits.page.open(line_of(edits, "[risk.main]"))
            assert area.cursor_location == (line_of(edits, "[risk.main]") - 1, 0)
            edits.page.open(Insert('[providers.fade]\nuse = "rsi_reversal"'))
            await edits.until(lambda: edits.text == f'{SMALL}\n[providers.fade]\nuse = "rsi_reversal"\n')
            assert edits.text.splitlines()[area.cursor_location[0]] == "[providers.fade]"
            await edits.shows("● not applied")
            await edits.until(lambda: any(entry.name == "fade" for entry in edits.page.outline.shown))
            edits.app.screen.set_focus(edits.page.outline)
            await edits.press("g", "j", "j", "enter")
            assert area.cursor_location[0] + 1 == line_of(edits, "[accounts.demo-1]")
            await edits.press("escape", "escape")
            assert edits.app.page is edits.page  # there is no page before

    run(main())


def test_a_text_comes_back_from_the_persons_own_editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "flows.toml").write_text(SMALL, encoding="utf-8")

    async def main() -> None:
        async with editing(tmp_path) as edits:
            await edits.control()
            monkeypatch.delenv("EDITOR", raising=False)
            monkeypatch.delenv("VISUAL", raising=False)
            await edits.press("f4")
            await edits.shows("no editor is set")
            monkeypatch.setenv("EDITOR", sys.executable)
            await edits.press("f4")
            await edits.shows("cannot be lent")
            assert edits.text == SMALL

    run(main())


# --- with an engine --------------------------------------------------------------------------------------------------


def test_a_part_misspelt_is_told_completed_shown_applied_and_decided_by_and_gone_back_on(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        lives.begun(engine.plan.folder / LEDGER_FILE, engine.plan, os.getpid(), wall())
        await engine_until(lambda: "trade" in engine.verdicts())
        async with editing(tmp_path) as edits:
            await edits.shows("read-only: ^y takes control")
            await edits.control()
            put_behind(edits, 'use = "ema_tren')
            await edits.press("delete")
            await edits.shows("✖1", "did you mean 'ema_trend'?")
            await edits.press("ctrl+@")
            await edits.shows("enter takes")
            await edits.press("enter")
            await edits.until(lambda: edits.text == FLOW)
            put_behind(edits, "threshold = ")
            await edits.press("delete", "1")
            await edits.until(lambda: "threshold = 1.0" in edits.text)
            await edits.shows("engine: ~1 applied at once")
            assert "confidence" not in engine.verdicts()
            await edits.press("ctrl+s")
            await edits.shows("~ risk.main", "threshold 0.0 → 1.0", "y yes")
            await edits.says_yes()
            await engine_until(lambda: "confidence" in engine.verdicts())
            await edits.shows("applied at once: risk.main")
            assert "threshold = 1.0" in (tmp_path / "flows.toml").read_text("utf-8")
            await edits.until(lambda: not edits.page.dirty)
            await edits.press("f9")
            await edits.shows("Versions that ran 2", "runs now")
            await edits.press("j", "enter")
            await edits.shows("threshold 1.0 → 0.0")
            await edits.says_yes()
            await edits.until(lambda: (tmp_path / "flows.toml").read_text("utf-8") == FLOW)
            status, told = await engine.ask("GET", "/config/history/unknown")
            assert (status, told["error"]["code"]) == (404, "NOT_FOUND")
            [first, second] = (await engine.get("/config/history?limit=5"))["versions"]
            assert {first["running"], second["running"]} == {True, False}

    on_engine(tmp_path, check, FLOW)


@pytest.mark.slow
def test_of_two_who_edit_the_second_hears_of_the_first_and_loses_nothing(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        async with editing(tmp_path) as edits:
            await edits.control()
            put_behind(edits, "threshold = 0.")
            await edits.press("delete", "5")
            await edits.until(lambda: "threshold = 0.5" in edits.text)
            mine = edits.text
            await edits.looked_through()
            await edits.press("ctrl+s")
            await edits.until(lambda: len(edits.app.screen_stack) > 1)
            hash_now = (await engine.get("/config"))["hash"]
            status, _ = await engine.ask(
                "PUT", "/config", {"set": {"risk.main.min_payout": 0.7}}, If_Match=f'"{hash_now}"'
            )
            assert status == 200
            await edits.says_yes()
            await edits.shows("the file changed meanwhile")
            assert edits.text == mine
            assert "threshold = 0.5" not in (tmp_path / "flows.toml").read_text("utf-8")
            await edits.until(lambda: edits.page.bar.has_focus)
            await edits.press("k")
            await edits.looked_through()
            await edits.press("ctrl+s")
            await edits.shows("min_payout 0.7 → (left out)")
            await edits.says_yes()
            await edits.until(lambda: (tmp_path / "flows.toml").read_text("utf-8") == mine)
            # What the engine refuses while it runs is told, and changes nothing.
            put_behind(edits, 'balance = "1')
            await edits.type("5")
            await edits.shows("engine: refused")
            await edits.press("ctrl+s")
            await edits.shows("would refuse this while it runs", "✖")
            assert (tmp_path / "flows.toml").read_text("utf-8") == mine

    on_engine(tmp_path, check, FLOW)

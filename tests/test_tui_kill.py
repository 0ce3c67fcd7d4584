"""The console's kill switch: a word must be typed, and it works where the engine does not."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from pipeline.kill_file import KILL_FILE, asked_by_file
from pipeline.ledger import Ledger
from pipeline.view import ENGINE_FILE, TOKEN_FILE, Status, Whereabouts
from tests.sample_view import SampleView
from tests.screens import Bench, golden, on_bench, run
from tui.brake import Brake
from tui.door import find
from tui.kill import Kill

DIALOG = "type kill, and why if you like"


def stops_in(folder: Path) -> list[tuple[str, bool, str, str]]:
    with Ledger(folder / "ledger.db") as ledger:
        return [(latch.scope, latch.on, latch.by, latch.reason) for latch in ledger.latches()]


async def typed(bench: Bench, text: str) -> None:
    await bench.press(*("space" if letter == " " else letter for letter in text), "enter")


def test_the_word_and_a_reason_stop_everything_and_the_dialog_says_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await bench.shows("candles", "^g KILL")
            await bench.press("ctrl+g")
            await bench.shows("This stops all 3 accounts; REAL money on live-7.", DIALOG, "3 open contracts")
            golden("kill_120x36", bench.app)
            await typed(bench, "kill spread looks wrong")
            await bench.shows("everything is stopped, by console: spread looks wrong", "`resume` releases it")
            await bench.press("escape")
            await bench.until(lambda: len(bench.app.screen_stack) == 1)
            assert any("everything is stopped" in line.text for line in bench.store.lines)

    run(main())
    assert stops_in(tmp_path) == [("", True, "console", "spread looks wrong")]


@pytest.mark.parametrize(
    "keys", [["enter"], ["k", "enter"], ["K", "I", "L", "L", "enter"], ["y", "enter"], ["ctrl+g"] * 3]
)
def test_nothing_but_the_word_stops_anything(tmp_path: Path, keys: list[str]) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await bench.press("ctrl+g", *keys)
            await bench.shows("This stops all 3" if keys[0] == "ctrl+g" else "is not the word: nothing was stopped")
            await bench.press("escape")
            await bench.until(lambda: len(bench.app.screen_stack) == 1)

    run(main())
    assert stops_in(tmp_path) == []


def test_what_is_typed_for_the_console_after_all_reaches_no_key_of_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            await bench.press("ctrl+g", "q", "slash", "t", "question_mark")
            assert isinstance(bench.app.screen, Kill)
            await bench.press("escape")
            await bench.until(lambda: len(bench.app.screen_stack) == 1)
            assert bench.app.is_running

    run(main())


def test_it_opens_over_the_help_and_in_a_terminal_that_is_too_small(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, (50, 14)) as bench:
            await bench.press("question_mark", "ctrl+g")
            await bench.until(lambda: isinstance(bench.app.screen, Kill))
            await typed(bench, "kill")
            await bench.shows("everything is stopped")

    run(main())
    assert stops_in(tmp_path) == [("", True, "console", "by hand, without a word")]


def test_when_the_engine_is_gone_it_says_so_and_writes_the_stop_into_the_ledger(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, desk=False) as bench:
            await bench.press("ctrl+g")
            await bench.shows("The engine has not told yet", DIALOG)
            await typed(bench, "kill the office burns")
            await bench.shows("NOT STOPPED, as far as is known: no engine is running", "type ledger to write")
            assert stops_in(tmp_path) == []
            await typed(bench, "ledger")
            await bench.shows("everything is stopped, by console: the office burns", "It stands in the ledger")

    run(main())
    assert stops_in(tmp_path) == [("", True, "console", "the office burns")]


def test_a_console_whose_own_program_went_away_meanwhile_stops_everything_by_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = tmp_path / "flows.toml"
    flow.write_text("[moonlight]\n", encoding="utf-8")
    monkeypatch.setitem(sys.modules, "pipeline.stopping", None)
    said = asyncio.run(Brake(lambda: find(None, tmp_path), flow).by_ledger("the office burns"))
    assert said.startswith(f"everything is stopped, by the file {tmp_path / 'data' / KILL_FILE} (")
    assert asked_by_file(tmp_path / "data") == "the office burns"


def test_an_engine_that_takes_the_question_and_never_answers_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.brake.PATIENCE", 0.2)

    async def main() -> None:
        deaf = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = deaf.sockets[0].getsockname()[1]
        (tmp_path / TOKEN_FILE).write_text("token", encoding="ascii")
        (tmp_path / ENGINE_FILE).write_bytes(
            msgspec.json.encode(Whereabouts(pid=1, url=f"http://127.0.0.1:{port}", started=0))
        )
        async with on_bench(tmp_path, desk=False) as bench:
            await bench.press("ctrl+g")
            await typed(bench, "kill")
            await bench.shows("NOT STOPPED, as far as is known: the engine did not answer", "within 0.2 s")
        deaf.close()
        await deaf.wait_closed()

    run(main())


class Rehearsing(SampleView):
    """Its real account rehearses, and another one is stopped."""

    def status(self) -> Status:
        status = super().status()
        first, *others, last = status.accounts
        accounts = (replace(first, stopped="enough"), *others, replace(last, rehearsal=True))
        return replace(status, state="KILLED", accounts=accounts)


def test_a_rehearsal_is_not_shown_as_real_and_what_is_stopped_is_marked(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, (200, 50), Rehearsing()) as bench:
            await bench.shows("✖ KILLED", "REHEARSAL live-7 until 14:31Z", "+52.40 ✖ stopped")
            await bench.press("ctrl+g")
            await bench.shows("This stops all 3 accounts.")

    run(main())


class Crowded(SampleView):
    """Fates of orders are unknown, and many accounts of real money are armed."""

    def status(self) -> Status:
        status = super().status()
        last = status.accounts[-1]
        accounts = tuple(replace(last, name=f"live-{number}") for number in range(7))
        return replace(status, orders=replace(status.orders, unknown=4), accounts=accounts)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 16)])
def test_orders_of_unknown_fate_and_armed_money_are_told_in_a_terminal_of_any_size(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, size, Crowded()) as bench:
            await bench.shows("orders 523  4 UNKNOWN", "RUNNING", "REAL 7 accounts", "12:01:07Z")

    run(main())


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes whatever is said, and says nothing."""
    with suppress(ConnectionError):
        await reader.read()
    writer.close()

"""Replays from the console: real ones, in processes of their own."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.watched_run import STOP, TOLD, Stopped, WatchedRun
from tests.screens import on_bench, run
from tests.support import ROOT
from tui.research.asked import words_of
from tui.research.found import drawn
from tui.research.shelf import SILENT, Shelf


def flow_in(folder: Path) -> Path:
    """The flow that comes with the program."""
    flow = folder / "flows.toml"
    flow.write_text((ROOT / "flows.toml").read_text("utf-8"), "utf-8")
    return flow


def test_a_computation_says_how_far_it_is_and_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, tmp_path / "flows.toml")
    folder = tmp_path / "research" / "1"

    def compute() -> None:
        with WatchedRun(folder, "it", 0, 60_000) as watched:
            (begun,) = shelf.runs()
            assert (begun.state, begun.going, begun.told.done) == ("running", True, 0.0)
            (folder / STOP).touch()
            while True:
                watched(0.5)

    with pytest.raises(Stopped, match="somebody asked"):
        compute()
    (ended,) = shelf.runs()
    assert (ended.state, ended.told.done) == ("stopped", 0.5)


def test_one_that_fails_says_why_and_one_that_was_killed_is_called_lost(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, tmp_path / "flows.toml")
    with pytest.raises(InputError), WatchedRun(tmp_path / "research" / "1", "it", 0, 1):
        raise InputError("the file ends too soon")
    WatchedRun(tmp_path / "research" / "2", "it", 0, 1).__enter__()
    told = tmp_path / "research" / "2" / TOLD
    long_ago = told.stat().st_mtime - SILENT - 1
    os.utime(told, (long_ago, long_ago))
    lost, failed = shelf.runs()
    assert (failed.state, failed.told.why) == ("failed", "the file ends too soon")
    assert (lost.state, lost.going) == ("lost", False)
    shelf.remove(lost)
    assert [each.number for each in shelf.runs()] == [1]


def test_one_whose_folder_is_taken_away_ends_with_a_sentence_and_does_not_go_on_unheard(tmp_path: Path) -> None:
    folder = tmp_path / "research" / "1"

    def taken_away(raised: Exception | None = None) -> None:
        with WatchedRun(folder, "it", 0, 1) as it:
            shutil.rmtree(folder)
            while raised is None:
                it(0.5)
            raise raised

    with pytest.raises(InputError, match=r"cannot write into .*1 \(No such file"):
        taken_away()
    with pytest.raises(ZeroDivisionError):  # what went wrong first is what there is to say
        taken_away(ZeroDivisionError())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("7d", ("--for", "7d")),
        ("2026-01-05T08:00Z 2026-01-06T08:00Z", ("--from", "2026-01-05T08:00Z", "--to", "2026-01-06T08:00Z")),
        ("2026-01-05T08:00Z for 2h", ("--from", "2026-01-05T08:00Z", "--for", "2h")),
    ],
)
def test_a_span_is_said_as_the_verb_takes_it(text: str, words: tuple[str, ...]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize("text", ["7q", "tomorrow", "2026-01-05 noon", "a b c d", "--for 7d"])
def test_what_is_no_span_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        words_of(text)


@pytest.mark.parametrize("values", [[], [1.0], [0.0, 0.0], [float(at % 7) - 3 for at in range(300)]])
def test_a_line_of_equity_keeps_to_its_room(values: list[float]) -> None:
    for line in drawn(values, 60):
        assert len(line.runs[0].text) <= 64


def test_a_replay_begun_in_the_console_is_followed_compared_and_removed(tmp_path: Path) -> None:
    flow_in(tmp_path)

    async def main() -> None:
        async with on_bench(tmp_path, page="research") as bench:
            flow_in(tmp_path)  # the bench has put its own there
            await bench.shows("no replay was started here yet; n begins one")
            await bench.press("n")
            await bench.shows("in a process of its own")
            await bench.press("7", "q", "enter")
            await bench.shows("7q")
            await bench.press("backspace", "backspace", "1", "h", "enter")
            await bench.until(lambda: "✔ done" in bench.text, 40)
            await bench.shows("#1", "vs break-even", "evidence ×", "not a forecast")
            await bench.press("d")
            await bench.shows("go away for good")
            bench.now += 1
            await bench.press("y")
            await bench.shows("no replay was started here yet")

    run(main())


def test_a_replay_that_cannot_begin_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    flow = tmp_path / "flows.toml"
    flow.write_text("[sources.market]\nuse = 'synthetik'\n", "utf-8")
    with pytest.raises(InputError):
        asyncio.run(Shelf(tmp_path, flow).start(("--for", "1h")))
    assert not list((tmp_path / "research").iterdir())

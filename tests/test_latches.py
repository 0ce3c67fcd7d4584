"""Stops that hold: set and released by verbs, on disk, heard by a running flow, whatever ends or starts in between."""

import errno
import json
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.engine import LEDGER_FILE
from pipeline.kill_file import KILL_FILE, asked_by_file, put_file
from pipeline.ledger import Ledger, holding
from pipeline.ledger.failures import unusable
from pipeline.replaying import replayed
from pipeline.times import HOUR, MINUTE
from pipeline.values import Decisions, Latch
from pipeline.verifying import verified
from tests.support import MONDAY, SMALL, order, plan_of
from tests.test_cli import FLOW, PATIENCE, Shell

Said = tuple[int, str, str]


def latch(scope: str = "", *, on: bool = True, at: int = MONDAY, reason: str = "odd", by: str = "kill") -> Latch:
    return Latch(scope, on, at, reason, by)


# --- the ledger ------------------------------------------------------------------------------------------------------


def test_a_stop_holds_until_its_scope_is_released_and_the_first_reason_stays() -> None:
    told = [latch(), latch("demo-1"), latch(reason="later"), latch("demo-1", on=False)]
    assert holding(told) == (latch(),)
    assert holding([*told, latch(on=False), latch("demo-2")]) == (latch("demo-2"),)


def test_what_holds_and_what_was_released_is_remembered_at_a_start(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        for each in (latch("demo-1"), latch("demo-1", on=False, at=MONDAY + 5), latch("demo-2", by="risk.main")):
            ledger.latch(each)
        past = ledger.past(MONDAY)
    assert past.latches == (latch("demo-2", by="risk.main"),)
    assert past.released == {"demo-1": MONDAY + 5}


def test_one_hears_once_of_what_others_record_and_not_of_its_own(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ours, Ledger(tmp_path / "ledger.db") as theirs:
        ours.past(MONDAY)
        assert list(ours.heard()) == []
        ours.latch(latch("ours"))
        theirs.latch(latch("theirs"))
        ours.latch(latch("ours", on=False))
        assert list(ours.heard()) == [latch("theirs")]
        assert list(ours.heard()) == []
        theirs.follow(order())
        assert list(ours.heard()) == []


def test_a_stop_recorded_while_a_flow_starts_is_heard_though_its_start_did_not_know_it(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ours, Ledger(tmp_path / "ledger.db") as theirs:
        theirs.latch(latch("before"))
        assert ours.past(MONDAY).latches == (latch("before"),)
        theirs.latch(latch("after"))
        assert list(ours.heard()) == [latch("after")]


# --- the verbs -------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "flows.toml").write_text(FLOW.replace("speed = 600", "speed = 3000"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def say(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    def ran(*arguments: str) -> Said:
        code = main(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return ran


def test_kill_asks_nothing_and_says_what_is_stopped_since_when_and_why(say: Callable[..., Said]) -> None:
    code, out, _ = say("kill", "--reason", "the spread looks wrong")
    assert code == 0
    assert out == "everything is stopped since 2026-01-05 10:00:00 (UTC) by kill: the spread looks wrong\n"
    assert say("kill", "demo-1")[1].endswith(
        "demo-1 is stopped since 2026-01-05 10:00:00 (UTC) by kill: by hand, without a word\n"
    )


def test_a_second_kill_says_that_it_is_stopped_since_when_and_why_and_changes_nothing(say: Callable[..., Said]) -> None:
    first = say("kill", "--reason", "first")[1]
    code, out, _ = say("kill", "--reason", "second")
    assert (code, out) == (0, f"everything is stopped already\n{first}")


@pytest.mark.parametrize("reason", [(), ("--reason", ""), ("--reason", "  ")])
def test_nothing_is_released_without_a_reason(say: Callable[..., Said], reason: tuple[str, ...]) -> None:
    say("kill")
    code, out, error = say("resume", *reason)
    assert (code, out, error) == (2, "", 'nothing is released without a reason; say it with --reason "…"\n')
    assert "everything is stopped" in say("kill")[1]


def test_resume_says_what_it_releases_and_what_still_holds(say: Callable[..., Said]) -> None:
    say("kill", "demo-1", "--reason", "one")
    say("kill", "--reason", "all")
    code, out, _ = say("resume", "demo-1", "--reason", "looked at")
    assert code == 0
    assert out.splitlines() == [
        "released: demo-1 is stopped since 2026-01-05 10:00:00 (UTC) by kill: one",
        "everything is stopped since 2026-01-05 10:00:00 (UTC) by kill: all",
    ]
    code, out, error = say("resume", "demo-1", "--reason", "again")
    assert (code, out) == (1, "")
    assert error.startswith("demo-1 has no stop of its own, but everything is stopped since")
    assert say("resume", "--reason", "well again")[1].splitlines()[-1] == "nothing is stopped"


def test_an_account_without_a_name_releases_nothing(say: Callable[..., Said]) -> None:
    assert say("kill", "", "--reason", "whatever it was meant for")[0] == 0
    assert say("resume", "", "--reason", "x")[::2] == (
        2,
        "the account is empty; name one, or leave it out to release everything\n",
    )
    assert say("resume", "--reason", "x")[1].splitlines()[-1] == "nothing is stopped"


def test_resume_of_everything_releases_the_stops_of_accounts_too(say: Callable[..., Said], folder: Path) -> None:
    with Ledger(folder / "data" / "ledger.db") as ledger:
        ledger.latch(latch("demo-1", by="risk.main", at=MONDAY + 30 * MINUTE))
    code, out, _ = say("resume", "--reason", "looked at", "--json")
    said = json.loads(out)
    assert (code, said["stopped"], [each["scope"] for each in said["changed"]]) == (0, [], ["demo-1"])
    with Ledger(folder / "data" / "ledger.db") as ledger:
        (_, released) = ledger.latches()
    assert released == latch("demo-1", on=False, at=MONDAY + 30 * MINUTE, reason="looked at", by="resume")


def test_of_a_stop_that_is_not_there_nothing_is_released(say: Callable[..., Said]) -> None:
    assert say("resume", "--reason", "just so") == (0, "nothing is stopped\n", "")


@pytest.mark.parametrize("verb", ["kill", "resume"])
def test_an_account_that_is_not_there_is_a_mistake(say: Callable[..., Said], verb: str) -> None:
    code, out, error = say(verb, "demo-2", "--reason", "x")
    assert (code, out, error) == (2, "", "there is no account 'demo-2'; did you mean 'demo-1'?\n")


def test_a_mistake_elsewhere_in_the_file_keeps_nobody_from_stopping_the_flow(
    say: Callable[..., Said], folder: Path
) -> None:
    (folder / "flows.toml").write_text(FLOW.replace("period = 3", "perod = 3"), encoding="utf-8")
    code, out, _ = say("kill")
    assert code == 0
    assert out.startswith("everything is stopped since")


def test_without_a_flow_file_nobody_says_that_something_is_stopped(say: Callable[..., Said], folder: Path) -> None:
    code, out, error = say("kill", "--flow", "other.toml")
    assert (code, out) == (2, "")
    assert "other.toml" in error
    assert not (folder / "data").exists()


# --- stops that guards set -------------------------------------------------------------------------------------------

CAREFUL = SMALL.replace(
    'max_daily_loss = "20.00"',
    'max_daily_loss = "20.00"\nlimits = [{ what = "streak", count = 1, release = "hand" }]',
)


def test_a_stop_that_a_guard_sets_is_on_disk_before_anything_more_is_decided_and_holds_at_the_next_start(
    tmp_path: Path,
) -> None:
    path, middle, end = tmp_path / "ledger.db", MONDAY + 3 * HOUR, MONDAY + 4 * HOUR
    told: list[Latch] = []
    verdicts: list[str] = []

    def heard(_: str, value: Any) -> None:
        if isinstance(value, Latch):
            told.append(value)
        elif isinstance(value, Decisions):
            if told and not verdicts:
                with Ledger(path) as other:
                    assert list(other.latches()) == told
            if told:
                numbers: list[int] = value.verdict.tolist()
                verdicts.extend("trade" if number < 0 else value.gates[number] for number in numbers)

    plan = plan_of(CAREFUL)
    with Ledger(path) as ledger:
        replayed(plan, MONDAY, middle, ledger, past=ledger.past(MONDAY), block=0, taps=(heard,))
    assert [(each.scope, each.on) for each in told] == [("demo-1", True)]
    assert "trade" not in verdicts
    assert "killed" in verdicts
    verdicts.clear()
    with Ledger(path) as ledger:
        past = ledger.past(middle)
        assert past.latches == tuple(told)
        replayed(plan, middle, end, ledger, past=past, block=0, taps=(heard,))
        ledger.latch(latch("demo-1", on=False, at=end, reason="looked at"))
        assert ledger.past(end).released == {"demo-1": end}
    assert "trade" not in verdicts
    assert "killed" in verdicts


# --- a running flow --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shell() -> Shell:
    return Shell()


class Told:
    """What a running flow says, line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def lines(self) -> Iterator[dict[str, Any]]:
        assert self.process.stdout is not None
        ends = time.monotonic() + PATIENCE
        for line in self.process.stdout:
            yield json.loads(line)
            assert time.monotonic() < ends, "what was waited for did not come"

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        return next(line for line in self.lines() if wanted(line))

    def decisions(self, count: int) -> list[str]:
        """The verdicts of the next so many decisions."""
        verdicts = (line["verdict"] for line in self.lines() if line["what"] == "decision")
        return [verdict for verdict, _ in zip(verdicts, range(count), strict=False)]


@contextmanager
def running(shell: Shell, folder: Path, *arguments: str) -> Generator[Told]:
    with shell.start(folder, "run", "--json", *arguments) as process:
        try:
            yield Told(process)
        finally:
            process.kill()


def traded(line: dict[str, Any]) -> bool:
    return line["what"] == "decision" and line["verdict"] == "trade"


def test_a_killed_flow_stays_killed_through_kill_9_and_trades_again_once_it_is_resumed(
    shell: Shell, folder: Path
) -> None:
    with running(shell, folder) as flow:
        flow.until(traded)
        assert shell.run(folder, "kill", "--reason", "enough").returncode == 0
        flow.until(lambda line: "everything is stopped" in line.get("text", ""))
        assert "trade" not in (after := flow.decisions(20))
        assert "killed" in after
        flow.process.send_signal(signal.SIGKILL)
    with running(shell, folder) as again:
        verdicts = again.decisions(20)
        assert "trade" not in verdicts
        assert "killed" in verdicts
        assert shell.run(folder, "resume", "--reason", "looked at").returncode == 0
        again.until(traded)


def test_a_session_that_was_stopped_and_released_is_replayed_identically(
    shell: Shell, folder: Path, say: Callable[..., Said]
) -> None:
    with running(shell, folder, "--record", "session") as flow:
        flow.until(traded)
        say("kill", "demo-1", "--reason", "enough")
        flow.until(lambda line: line["what"] == "decision" and line["verdict"] == "killed")
        say("resume", "--reason", "looked at")
        flow.until(traded)
        flow.process.send_signal(signal.SIGINT)
        flow.until(lambda line: line["what"] == "summary")
    verdict = verified(folder / "session", folder)
    assert verdict.difference is None
    assert verdict.links == verdict.same > 100


def test_a_session_begun_with_contracts_thought_of_and_bought_is_replayed_identically(
    shell: Shell, folder: Path
) -> None:
    with running(shell, folder) as flow:
        flow.until(lambda line: line["what"] == "order" and line["state"] == "CONFIRM")
        flow.until(lambda line: line["what"] == "decision")  # by then what was said before is on disk
        flow.process.send_signal(signal.SIGKILL)
    with running(shell, folder, "--record", "session") as again:
        again.until(traded)
        again.process.send_signal(signal.SIGINT)
        again.until(lambda line: line["what"] == "summary")
    lines = (folder / "session" / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    heard = [each["type"] for each in map(json.loads, lines) if each.get("node") == "ledger"]
    assert heard[:2] == ["Quotes", "Past"]
    assert set(heard[2:]) <= {"Written"}
    assert any('"gave"' in line and '"outcomes"' in line for line in lines)
    assert verified(folder / "session", folder).difference is None


def test_where_the_ledger_takes_no_stop_the_file_stops_everybody(say: Callable[..., Said], folder: Path) -> None:
    ledger = folder / "data" / LEDGER_FILE
    ledger.parent.mkdir(exist_ok=True)
    ledger.write_text("no ledger at all\n" * 500, encoding="utf-8")
    code, out, error = say("kill", "demo-1", "--reason", "the office\nburns")
    assert (code, out) == (1, "")
    assert f"Everything is stopped by the file {ledger.parent / KILL_FILE} instead" in error
    assert (ledger.parent / KILL_FILE).read_text("utf-8") == "the office burns"
    ledger.unlink()
    assert "the file KILL: the office burns" in say("resume", "--reason", "a new ledger")[1]


def test_on_a_full_disk_the_ledger_is_to_stay_and_an_empty_file_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = sqlite3.OperationalError("disk I/O error")
    full.sqlite_errorname = "SQLITE_IOERR_SHMSIZE"
    assert "make room and start again; leave the ledger where it is" in str(unusable(tmp_path / LEDGER_FILE, full, 5))
    (tmp_path / "flows.toml").write_text(FLOW, encoding="utf-8")
    monkeypatch.setattr(Path, "write_text", out_of_room)
    assert asked_by_file(put_file(tmp_path / "flows.toml", "the office burns").parent) == "without a word"


def out_of_room(path: Path, *_: object, **__: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device", str(path))

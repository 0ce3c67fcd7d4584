"""The verb that closes contracts early: on a ledger alone, and beside an engine that runs."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.ledger import Ledger
from pipeline.ledger.reading import Reader
from pipeline.live import LOCK_FILE
from pipeline.locking import locked
from tests.support import MONDAY, order
from tests.test_cli import FLOW, Shell
from tests.test_latches import running

Said = tuple[int, str, str]
Say = Callable[..., Said]
NAME = "demo-1:EURUSD:1m:1"
ABLE = FLOW.replace('use = "practice"', 'use = "practice"\nearly_close = { win = 0.5, lose = 0.25 }')
LONG = ABLE.replace('"1m"', '"1h"').replace("T10:00:00Z", "T10:58:00Z").replace("speed = 600", "speed = 60")
"""Its first hour ends at once, and a contract of it runs for a minute."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "flows.toml").write_text(ABLE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def say(folder: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    def run(*arguments: str) -> Said:
        code = main(arguments)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture(scope="module")
def shell() -> Shell:
    return Shell()


def kept(folder: Path) -> None:
    with Ledger(folder / "data" / "ledger.db") as ledger:
        end = {"result": "win", "profit": "0.90"}
        ledger.follow(order("SETTLED", order=NAME, bar=MONDAY, contract="C-1", expiry=MONDAY, request="r-1", **end))
        ledger.follow(order("UNKNOWN", order="lost", bar=MONDAY + 60_000, request="r-2"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "say which contract: the name of its order, or --all; not both"),
        ((NAME, "--all"), "say which contract: the name of its order, or --all; not both"),
        ((NAME, "--account", "demo-1"), "--account goes with --all; an order's name says whose it is"),
        (("--all", "--account", "demo-9"), "there is no account 'demo-9'; did you mean 'demo-1'?"),
        ((NAME,), f"order {NAME} is SETTLED (win +0.90); only a contract that runs can be closed"),
        (("lost",), "order lost is UNKNOWN; only a contract that runs can be closed"),
        (("other",), "the ledger has no order 'other'; no contract runs"),
    ],
)
def test_what_cannot_be_closed_is_said_in_a_sentence(
    folder: Path, say: Say, arguments: tuple[str, ...], sentence: str
) -> None:
    kept(folder)
    with locked(folder / "data" / LOCK_FILE, 0o600):  # as an engine would hold it
        code, out, error = say("close", *arguments)
    assert (code, out, error) == (2, "", f"{sentence}\n")


def test_without_an_engine_nobody_can_ask_the_venue(folder: Path, say: Say) -> None:
    kept(folder)
    sentence = "no engine runs on this flow, so nobody can ask its venue; start it with `run`\n"
    assert say("close", "--all") == (2, "", sentence)
    assert say("close", NAME) == (2, "", sentence)


def test_a_venue_that_takes_nothing_back_is_not_asked(folder: Path, say: Say) -> None:
    (folder / "flows.toml").write_text(FLOW, encoding="utf-8")
    sentence = "practice takes no contract back before its expiry; all of them run to their end\n"
    assert say("close", "--all") == (2, "", sentence)


def test_where_no_contract_runs_there_is_nothing_to_close(folder: Path, say: Say) -> None:
    kept(folder)
    with locked(folder / "data" / LOCK_FILE, 0o600):
        assert say("close", "--all") == (0, "no contract runs that could be closed\n", "")
        assert say("close", "--all", "--json") == (0, "{}\n", "")


def test_an_engine_closes_a_contract_when_it_is_asked_and_all_adds_up_and_is_replayed_identically(
    folder: Path, say: Say, shell: Shell
) -> None:
    (folder / "flows.toml").write_text(LONG, encoding="utf-8")
    with running(shell, folder, "--record", "tape") as flow:
        taken = flow.until(lambda line: line["what"] == "order" and line["state"] == "CONFIRM")
        name = taken["order"]
        code, out, error = say("close", name)
        assert (code, error) == (0, "")
        assert out.startswith(f"{name}: closed early, ")
        ended = flow.until(lambda line: line["what"] == "order" and line["state"] == "SETTLED")
        assert ended["order"] == name
        assert say("close", name)[0] == 2
        assert json.loads(say("reconcile", "--json")[1])["demo-1"]["sound"] is True
        flow.process.terminate()
        flow.until(lambda line: line["what"] == "summary")
    reader = Reader(folder / "data" / "ledger.db")
    order_ = reader.order(name)
    reader.close()
    assert order_ is not None
    assert order_.ended_at < order_.expiry
    assert Decimal(ended["profit"]) == order_.profit
    assert say("verify", "tape")[0] == 0
    code, out, _ = say("audit")
    assert (code, out) == (0, "no settlement could be held against our ticks (1 unseen)\n")


def test_a_venue_that_declines_is_told_to_whoever_asked_and_to_whoever_watches(
    folder: Path, say: Say, shell: Shell
) -> None:
    late = LONG.replace("lose = 0.25", "cutoff_seconds = 3600")  # always too late
    (folder / "flows.toml").write_text(late, encoding="utf-8")
    with running(shell, folder, "--record", "tape") as flow:
        name = flow.until(lambda line: line["what"] == "order" and line["state"] == "CONFIRM")["order"]
        code, out, _ = say("close", "--all", "--account", "demo-1")
        assert code == 1
        assert out.startswith(f"{name}: not closed early and runs on: only ")
        assert out.endswith(" s are left before its expiry\n")
        said = flow.until(lambda line: "is not closed early" in line.get("text", ""))
        assert said["text"].startswith(f"order {name} is not closed early and runs on: only ")
        flow.process.terminate()
        flow.until(lambda line: line["what"] == "summary")
    assert say("verify", "tape")[0] == 0

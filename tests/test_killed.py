"""Engines that are killed with -9 at any moment, beside a broker in another process that lives on.

Nothing the broker was sent is unknown to the ledger, nothing is sent twice, and what was on its way is known in the end
by evidence alone.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from pipeline.ledger import Ledger, LedgerError
from pipeline.ledger.tables import VERSION, opened
from pipeline.lives import begun
from tests.processes.broker import Broker
from tests.processes.comparing import differences, orders_of, unintended
from tests.processes.engines import PATIENCE, Engines
from tests.processes.storm import UNANSWERED, calmed, storm
from tests.support import ROOT, plan_of

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="each life is a fork, and is ended by SIGKILL")


@pytest.fixture
def broker() -> Broker:
    return Broker(late_ms=3_000)


@pytest.fixture
def engines(tmp_path: Path, broker: Broker) -> Iterator[Engines]:
    with Engines(tmp_path, broker) as engines:
        yield engines


def test_engines_killed_anywhere_lose_no_order_send_none_twice_and_know_in_the_end_what_became_of_each(
    engines: Engines, broker: Broker
) -> None:
    counted = storm(engines, rounds=10, seed=1)
    assert counted.problems == [], counted.text(broker)
    assert len(broker.deals) > 10
    assert counted.recovered, "some lived long enough to be reconciled"


def test_an_order_that_leaves_before_its_intent_is_on_disk_is_found_out(engines: Engines, broker: Broker) -> None:
    """The control: with this mistake the same storm finds orders that the ledger does not know."""
    counted = storm(engines, rounds=3, seed=2, mutant="sends_first", ways=UNANSWERED)
    assert any("without an intent" in problem for problem in counted.problems), counted.text(broker)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_two_thousand_killed_engines_lose_no_order(engines: Engines, broker: Broker, seed: int) -> None:
    counted = storm(engines, rounds=500, seed=seed)
    assert counted.problems == [], counted.text(broker)


# --- the program itself ----------------------------------------------------------------------------------------------


def test_a_run_that_is_killed_while_its_order_is_on_the_way_knows_at_its_next_start_what_became_of_it(
    engines: Engines, broker: Broker
) -> None:
    """The same with the verb `run`, its desk and its threads: killed before the broker takes an order, and after."""
    on_the_way = [killed_while_placing(engines, moment) for moment in ("before", "after")]
    calmed(engines)
    assert differences(broker, engines.folder) == []
    states = {order["request"]: order["state"] for order in orders_of(engines.folder)}
    assert [states[request] for request in on_the_way] == ["SETTLED", "SETTLED"]


def killed_while_placing(engines: Engines, moment: str) -> str:
    """The request that a run was killed for, "before" or "after" the broker took it; nobody hears an answer."""
    running, killed = started(engines.folder), list[str]()

    def placing(message: dict[str, str], when: str) -> bool:
        if when == moment and not killed:
            running.send_signal(signal.SIGKILL)
            killed.append(message["request"])
        return not killed

    engines.placing = placing
    engines.go_on(lambda: bool(killed))
    running.communicate()
    engines.drain()
    engines.placing = None
    assert unintended(engines.broker, engines.folder) == []
    return killed[0]


def started(folder: Path) -> "subprocess.Popen[bytes]":
    """The program, in a process and a group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", "run", "flows.toml"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


# --- two at once -----------------------------------------------------------------------------------------------------


def test_of_two_engines_that_start_at_once_over_and_over_never_both_own_a_folder(
    tmp_path: Path, broker: Broker
) -> None:
    with ExitStack() as held:
        one = held.enter_context(Engines(tmp_path, broker))
        other = held.enter_context(Engines(tmp_path, broker, rival=one))
        for number in range(10):
            for each in (one, other) if number % 2 else (other, one):
                each.ask()
            came = [each.until(lambda message: message["what"] in ("boot", "failed")) for each in (one, other)]
            assert sorted(message["what"] for message in came) == ["boot", "failed"]
            owners = [message["alone"] for each in (one, other) for message in each.heard if message["what"] == "owner"]
            assert owners == [True], "it is alone"
            for each in (one, other):
                each.send(signal.SIGKILL)
            codes = sorted(each.ended() for each in (one, other))
            assert codes in ([-signal.SIGKILL, 2], [-signal.SIGKILL, -signal.SIGKILL]), "who was refused ends by itself"
        calmed(one)
        assert differences(broker, tmp_path) == []


def test_an_owner_that_was_stopped_writes_nothing_once_another_has_taken_over(engines: Engines, broker: Broker) -> None:
    """Where a lock does not hold (somebody removed it, a disk of another machine) the newer life's epoch does."""
    engines.start()
    engines.until(lambda message: message.get("state") == "CONFIRM")
    stopped_between_writes(engines)
    with Engines(engines.folder, broker, rival=engines) as rival:
        rival.start()
        rival.until(lambda message: message["what"] == "failed")
        assert "an engine already runs on" in rival.heard[-1].get("text", "")
        assert rival.ended() == 2
        (engines.folder / "data" / "engine.lock").unlink()
        rival.start()
        rival.until(lambda message: message.get("state") == "CONFIRM")
        engines.send(signal.SIGCONT)
        assert "another engine took over" in engines.until(lambda message: message["what"] == "failed")["text"]
        assert engines.ended() == 1
        rival.send(signal.SIGTERM)
        rival.ended()
        calmed(rival)
    assert differences(broker, engines.folder) == []


def stopped_between_writes(engines: Engines) -> None:
    """Stop the engine, but not in the middle of a transaction: then nobody else could write."""
    engines.send(signal.SIGSTOP)
    while _held(engines.folder / "data" / "ledger.db"):
        engines.send(signal.SIGCONT)
        engines.wait(0.01)
        engines.send(signal.SIGSTOP)


def _held(path: Path) -> bool:
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as db:
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        db.execute("ROLLBACK")
    return False


def test_a_start_beside_an_engine_that_was_stopped_in_the_middle_of_a_write_ends_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.db"
    monkeypatch.setattr(opened, "__defaults__", (10,))  # milliseconds
    with Ledger(path), closing(sqlite3.connect(path, isolation_level=None)) as stopped:
        stopped.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match=r"another program has kept the ledger .* locked for 5 s; end it"):
            begun(path, plan_of(), 1, 0)


# --- a ledger that is brought along ----------------------------------------------------------------------------------


def test_a_start_that_is_killed_while_it_brings_a_ledger_along_leaves_it_as_it_was_or_brought_along(
    tmp_path: Path,
) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tests.processes.migrating", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    left = [(each["version"], each["state"]) for each in map(json.loads, told.stdout.splitlines())]
    assert len(left) > 30, "it was killed before each statement"
    assert set(left) == {(2, "OPEN"), (VERSION, "CONFIRM")}
    assert left == sorted(left), "once brought along it stays so"
    for path in tmp_path.glob("*.db"):
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok", path

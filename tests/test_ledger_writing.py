"""Who writes a running flow's ledger: in order, many at once, and told when it is on disk."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from pipeline.engine import Setting, running
from pipeline.evidence import Dispute, Written
from pipeline.journal import Journal
from pipeline.ledger import Ledger, LedgerError
from pipeline.ledger.checkpoints import BUSY, IDLE
from pipeline.ledger.tables import opened
from pipeline.ledger.threads import ThreadWriter
from pipeline.replaying import replayed
from pipeline.times import MINUTE
from pipeline.trying import NoRecords
from pipeline.values import Latch, Order
from pipeline.verifying import verified
from tests.support import MONDAY, SMALL, order, plan_of

PATIENCE = 200
INSERT = "INSERT INTO metrics (at, account, name, value) VALUES (?, 'demo-1', 'n', 0)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


def threaded(path: Path, patience: int = 5_000, at_most: int = 4096) -> Ledger:
    return Ledger(path, ThreadWriter(opened(path, patience), path, asyncio.get_running_loop(), at_most=at_most))


def metric(number: int) -> Callable[[sqlite3.Connection], int]:
    def work(db: sqlite3.Connection) -> int:
        db.execute(INSERT, (number,))
        return number

    return work


def query(path: Path, asked: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(asked).fetchall()


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Another program writes, and takes its time."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def orders(count: int) -> list[Order]:
    return [order("PREPARE", order=f"o{number}", bar=MONDAY + number * MINUTE) for number in range(count)]


class Told:
    """Whoever listens to a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self.values: list[Any] = []
        self.failures: list[LedgerError] = []
        self._came = asyncio.Event()
        ledger.listen(self.hear, self.fail)

    def hear(self, value: Any) -> None:
        self.values.append(value)
        self._came.set()

    def fail(self, failure: LedgerError) -> None:
        self.failures.append(failure)
        self._came.set()

    async def enough(self, values: int = 0, failures: int = 0) -> None:
        async with asyncio.timeout(20):
            while len(self.values) < values or len(self.failures) < failures:
                self._came.clear()
                await self._came.wait()


# --- in order, many at once ------------------------------------------------------------------------------------------


def test_what_was_asked_first_is_on_disk_first_and_told_first(path: Path) -> None:
    async def test() -> None:
        db, heard = opened(path), list[int]()
        statements: list[str] = []
        db.set_trace_callback(statements.append)
        writer = ThreadWriter(db, path, asyncio.get_running_loop())
        for number in range(500):
            writer.write(metric(number), heard.append)
        writer.wait()
        assert heard == list(range(500))
        written = [int(each.split("VALUES (")[1].split(",")[0]) for each in statements if each.startswith("INSERT")]
        assert written == list(range(500))
        writer.close()

    run(test)


def test_all_that_waits_is_one_transaction(path: Path) -> None:
    async def test() -> None:
        db, statements = opened(path), list[str]()
        writer = ThreadWriter(db, path, asyncio.get_running_loop())
        db.set_trace_callback(statements.append)
        with locked(path):
            for number in range(300):
                writer.write(metric(number))
        writer.wait()
        assert 1 <= statements.count("COMMIT") <= 2  # the first may have gone ahead alone
        writer.close()

    run(test)
    assert query(path, "SELECT count(*) FROM metrics") == [(300,)]


def test_when_too_much_waits_whoever_asks_waits_and_nothing_is_lost(path: Path) -> None:
    async def test() -> None:
        writer = ThreadWriter(opened(path), path, asyncio.get_running_loop(), at_most=3)
        asked: list[int] = []

        def ask() -> None:
            for number in range(50):
                writer.write(metric(number))
                asked.append(number)

        with locked(path):
            asking = Thread(target=ask)
            asking.start()
            asking.join(0.2)
            assert asking.is_alive()
            assert len(asked) <= 3 + 3  # as many in the hands of the writer, as many before it
        asking.join()
        writer.wait()
        writer.close()

    run(test)
    assert query(path, "SELECT count(*) FROM metrics") == [(50,)]


def test_what_was_asked_for_is_written_when_the_ledger_closes(path: Path) -> None:
    async def test() -> None:
        with threaded(path) as ledger:
            Told(ledger)
            for each in orders(20):
                ledger.intend(each)

    run(test)
    assert query(path, "SELECT count(*) FROM orders") == [(20,)]


# --- what a flow is told ---------------------------------------------------------------------------------------------


def test_an_intent_is_told_once_it_is_on_disk_and_the_flow_goes_on_meanwhile(path: Path) -> None:
    async def test() -> None:
        with threaded(path) as ledger:
            told = Told(ledger)
            with locked(path):
                assert [ledger.intend(each) for each in orders(3)] == [None] * 3
                await asyncio.sleep(0)
                assert told.values == []
            await told.enough(3)
            assert told.values == [Written(f"o{number}", fresh=True) for number in range(3)]
            assert query(path, "SELECT count(*) FROM orders") == [(3,)]
            assert ledger.intend(orders(1)[0]) is None
            await told.enough(4)
            assert told.values[3] == Written("o0", fresh=False)

    run(test)


def test_without_anybody_to_tell_an_intent_is_waited_for(path: Path) -> None:
    async def test() -> None:
        with threaded(path) as ledger:
            assert ledger.intend(orders(1)[0]) is True
            assert ledger.intend(orders(1)[0]) is False

    run(test)


def test_in_step_with_a_simulated_market_intents_are_told_before_the_flow_goes_on(path: Path) -> None:
    async def test() -> None:
        with threaded(path) as ledger:
            said: list[Any] = []
            loop = asyncio.get_running_loop()
            ledger.listen(said.append, said.append, loop.call_soon)
            for each in orders(3):
                assert ledger.intend(each) is None
            loop.call_soon(said.append, "the next moment")
            await asyncio.sleep(0)
            assert said == [*(Written(f"o{number}", fresh=True) for number in range(3)), "the next moment"]

    run(test)


def test_a_stop_is_on_disk_when_recording_it_returns(path: Path) -> None:
    async def test() -> None:
        with threaded(path) as ledger:
            Told(ledger)
            ledger.latch(Latch("", True, MONDAY, "enough", "user"))
            assert query(path, "SELECT reason FROM latches") == [("enough",)]
            assert list(ledger.heard()) == []

    run(test)


def test_what_cannot_have_become_of_an_order_is_told_by_a_value(path: Path) -> None:
    async def test() -> None:
        with threaded(path) as ledger:
            told = Told(ledger)
            ledger.follow(order("SETTLED", result="win"))
            ledger.follow(order("CONFIRM", reason="late"))
            await told.enough(1)
        assert told.values == [
            Dispute(order().order, "demo-1", order().at, f"{order().order} is SETTLED", "CONFIRM, late")
        ]

    run(test)


def test_on_a_simulated_market_the_disk_changes_neither_what_is_decided_nor_when(tmp_path: Path) -> None:
    """And no order is sent before its intent is on disk."""
    path, end = tmp_path / "ledger.db", MONDAY + 40 * MINUTE
    lived: list[Order] = []
    replayed_orders: list[Order] = []
    on_disk: list[list[Any]] = []

    async def test() -> None:
        with threaded(path) as ledger, closing(sqlite3.connect(path)) as other:

            def told(_: str, value: Any) -> None:
                if isinstance(value, Order):
                    lived.append(value)
                    if value.state == "SEND":
                        known = other.execute('SELECT state FROM orders WHERE "order" = ?', (value.order,))
                        on_disk.append(known.fetchall())

            setting = Setting(mode="paper", begin=MONDAY, speed=50_000.0)
            async with running(plan_of(SMALL), setting, ledger, ledger.past(MONDAY), taps=(told,)) as flow:
                await flow.border.until(end)

    def told(_: str, value: Any) -> None:
        if isinstance(value, Order):
            replayed_orders.append(value)

    run(test)
    replayed(plan_of(SMALL), MONDAY, end, NoRecords(), taps=(told,))
    assert len(on_disk) > 3
    assert all(rows == [("PREPARE",)] for rows in on_disk)
    assert by_life(lived) == by_life([each for each in replayed_orders if each.at < end])


def test_a_recording_of_a_run_whose_intents_took_their_time_comes_out_the_same(tmp_path: Path) -> None:
    async def test() -> None:
        plan, recording = plan_of(SMALL), tmp_path / "recording"
        with threaded(tmp_path / "ledger.db") as ledger:
            journal = Journal(recording, plan, MONDAY, later=True)
            setting = Setting(mode="paper", begin=MONDAY, speed=50_000.0)
            async with running(plan, setting, ledger, ledger.past(MONDAY), journal=journal) as flow:
                await flow.border.until(MONDAY + 20 * MINUTE)
            journal.close()

    run(test)
    assert '"type":"Written"' in (tmp_path / "recording" / "journal.jsonl").read_text()
    verdict = verified(tmp_path / "recording", tmp_path)
    assert verdict.difference is None
    assert verdict.links == verdict.same > 100


def by_life(orders: list[Order]) -> dict[str, list[Order]]:
    """What became of each order."""
    return {name: [each for each in orders if each.order == name] for name in sorted({each.order for each in orders})}


# --- the log beside the file -----------------------------------------------------------------------------------------


def long_text(db: sqlite3.Connection) -> None:
    """Writes a megabyte, another one each time."""
    (changes,) = db.execute("SELECT total_changes()").fetchone()
    db.execute("INSERT OR REPLACE INTO configs VALUES ('c', 0, 'f', ?, '')", (f"{changes:08}" * 130_000,))


def test_the_log_beside_the_ledger_stays_short(path: Path) -> None:
    async def test() -> None:
        log, longest = path.with_name("ledger.db-wal"), 0
        writer = ThreadWriter(opened(path), path, asyncio.get_running_loop())
        for _ in range(60):
            writer.write(long_text)
            writer.wait()
            longest = max(longest, log.stat().st_size)
        assert IDLE < longest < BUSY + (4 << 20)
        writer.close()

    run(test)


def test_a_reader_that_is_in_the_way_delays_the_shortening_of_the_log_and_no_write(path: Path) -> None:
    async def test() -> None:
        log = path.with_name("ledger.db-wal")
        writer = ThreadWriter(opened(path), path, asyncio.get_running_loop())
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM configs").fetchall()
            for _ in range(25):
                writer.write(long_text)
                writer.wait()
            assert log.stat().st_size > BUSY
        for _ in range(4):
            writer.write(long_text)
            writer.wait()
        assert log.stat().st_size < BUSY
        writer.close()

    run(test)

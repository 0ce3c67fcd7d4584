"""A ledger that cannot be written: told in a sentence, nothing is sent, no intent is lost, nothing hangs."""

import asyncio
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Coroutine, Generator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from pipeline.engine import LEDGER_FILE, ledger_of
from pipeline.ledger import Ledger, LedgerError
from pipeline.ledger.backups import backed_up
from pipeline.ledger.ballast import Ballast
from pipeline.ledger.checkpoints import IDLE
from pipeline.ledger.tables import opened, sound
from pipeline.ledger.threads import ThreadWriter
from pipeline.times import MINUTE
from pipeline.values import Order
from tests.support import MONDAY, ROOT, order, plan_of

SMALL_DISK = 3 << 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def disk(tmp_path: Path) -> Generator[Path]:
    """A disk of three megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(30):
            await test()

    asyncio.run(in_time())


def threaded(
    path: Path, patience: int = 5_000, ballast: Ballast | None = None
) -> tuple[Ledger, "asyncio.Future[LedgerError]"]:
    """A ledger as a run has it, and the failure that it is told of."""
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[LedgerError] = loop.create_future()
    ledger = Ledger(path, ThreadWriter(opened(path, patience), path, loop, ballast))
    ledger.listen(lambda _: None, failed.set_result)
    return ledger, failed


def prepared(number: int) -> Order:
    return order("PREPARE", order=f"o{number}", bar=MONDAY + number * MINUTE)


def query(path: Path, asked: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(asked).fetchall()


def ended(ledger: Ledger, match: str) -> None:
    """It can be closed, and says once more why it ended."""
    with pytest.raises(LedgerError, match=match):
        ledger.close()


# --- a full disk -----------------------------------------------------------------------------------------------------


def fill(folder: Path) -> None:
    """Leave no room at all."""
    with (folder / "film").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def test_on_a_full_disk_no_intent_is_written_and_how_orders_ended_still_is(disk: Path) -> None:
    path = disk / "ledger.db"

    async def test() -> None:
        ballast = Ballast(path, 1 << 20)
        ballast.take()
        ledger, failed = threaded(path, ballast=ballast)
        for number in range(20):
            ledger.intend(prepared(number))
        ledger.past(MONDAY)
        fill(disk)
        number = 100
        with suppress(LedgerError):  # there is room in the log's last page
            while True:
                ledger.intend(prepared(number))
                ledger.past(MONDAY)
                number += 1
        assert "the disk is full where the ledger" in str(await failed)
        assert "make room and start again" in str(await failed)
        with pytest.raises(LedgerError, match="the disk is full"):
            ledger.intend(prepared(number))
        for each in range(20):
            ledger.follow(order("SEND", order=f"o{each}", bar=MONDAY + each * MINUTE))
            ledger.follow(order("SETTLED", order=f"o{each}", bar=MONDAY + each * MINUTE, result="win"))
        ended(ledger, "the disk is full")
        assert not path.with_suffix(".ballast").exists()
        assert query(path, "SELECT count(*) FROM orders WHERE state = 'SETTLED'") == [(20,)]
        assert query(path, f"SELECT count(*) FROM orders WHERE bar >= {prepared(100).bar}") == [(number - 100,)]  # noqa: S608

    run(test)
    assert query(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_disk_that_is_full_when_the_log_is_shortened_leaves_room_for_how_orders_ended(disk: Path) -> None:
    path = disk / "ledger.db"

    async def test() -> None:
        ballast = Ballast(path, 1 << 20)
        ballast.take()
        ledger, failed = threaded(path, ballast=ballast)
        for number in range(400):
            ledger.intend(prepared(number))
            ledger.past(MONDAY)
            if path.with_name("ledger.db-wal").stat().st_size > IDLE:
                break
        fill(disk)
        assert "the disk is full where the ledger" in str(await failed)  # after a quiet second
        ledger.follow(order("SEND", order="o0", bar=MONDAY))
        ended(ledger, "the disk is full")
        assert query(path, "SELECT count(*) FROM orders WHERE state = 'SEND'") == [(1,)]

    run(test)


def test_without_room_for_the_ballast_nothing_begins(disk: Path) -> None:
    fill(disk)
    with pytest.raises(LedgerError, match=r"the disk of .* is full: 4 MiB must be free beside the ledger; make room"):
        Ballast(disk / "ledger.db").take()
    with pytest.raises(LedgerError, match=r"the disk is full where the ledger .* is; make room and start again"):
        Ledger(disk / "ledger.db")


def test_a_ballast_is_room_that_is_taken_once_and_given_up_once(path: Path) -> None:
    ballast, file = Ballast(path, 100_000), path.with_suffix(".ballast")
    ballast.take()
    assert file.stat().st_blocks * 512 >= 100_000
    taken = file.stat().st_mtime_ns
    ballast.take()
    assert file.stat().st_mtime_ns == taken
    assert ballast.drop()
    assert not ballast.drop()
    assert not file.exists()


RUN = """
import sys
from pathlib import Path
from pipeline.ledger import ballast, tables

ballast.Ballast.__init__.__defaults__ = (65_536,)
tables.opened.__defaults__ = (500,)
from pipeline.__main__ import main
{before}
sys.exit(main(["run", {flow!r}, "--for", "60s"]))
"""
FILLED = "Path({film!r}).write_bytes(bytes({size}))"
HELD = """
import sqlite3
from pipeline import engine
from pipeline.times import MINUTE
from pipeline.values import Order

other = sqlite3.connect({ledger!r}, isolation_level=None, check_same_thread=False)
running = engine.Ledger.listen

def hold_when_it_runs(*named):
    running(*named)
    other.execute("BEGIN IMMEDIATE")

engine.Ledger.listen = hold_when_it_runs
"""


def ran(flow: Path, before: str) -> subprocess.CompletedProcess[str]:
    """The verb as a user runs it, with little patience and a small ballast."""
    program = RUN.format(before=before, flow=str(flow))
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )


def test_a_run_on_a_disk_that_fills_up_ends_with_the_sentence_and_one(disk: Path) -> None:
    flow = Path(shutil.copy(ROOT / "flows.toml", disk))
    done = ran(flow, FILLED.format(film=str(disk / "film"), size=SMALL_DISK - (1 << 20)))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "the disk is full where the ledger" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_beside_a_program_that_holds_its_ledger_ends_with_the_sentence_and_one(tmp_path: Path) -> None:
    flow = Path(shutil.copy(ROOT / "flows.toml", tmp_path))
    ledger = tmp_path / "data" / LEDGER_FILE
    Ledger(ledger).close()
    done = ran(flow, HELD.format(ledger=str(ledger)))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "locked for 0.5 s; nothing more is sent; end it first" in done.stderr
    assert "Traceback" not in done.stderr


# --- somebody else, nobody at all ------------------------------------------------------------------------------------


def test_another_program_that_holds_the_ledger_too_long_ends_it_in_a_sentence(path: Path) -> None:
    async def test() -> None:
        ledger, failed = threaded(path, patience=100)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert ledger.intend(prepared(1)) is None
            await failed
        said = r"another program has kept the ledger .* locked for 0\.1 s; nothing more is sent; end it first"
        with pytest.raises(LedgerError, match=said):
            ledger.intend(prepared(2))
        ended(ledger, said)

    run(test)
    assert query(path, "SELECT count(*) FROM orders") == [(0,)]


def test_a_ledger_on_a_disk_that_lets_nobody_write_is_refused_in_a_sentence(disk: Path) -> None:
    Ledger(disk / "ledger.db").close()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(LedgerError, match=r"the ledger .* cannot be written .*; give yourself the right to write"):
        Ledger(disk / "ledger.db")


def test_a_number_that_no_column_holds_ends_it_in_a_sentence(path: Path) -> None:
    async def test() -> None:
        ledger, failed = threaded(path)
        ledger.follow(order("CONFIRM", expiry=10**30))
        assert "cannot be written (Python int too large" in str(await failed)
        ended(ledger, "nothing more is sent")

    run(test)
    with Ledger(path.with_name("other.db")) as ledger, pytest.raises(LedgerError, match="nothing more is sent"):
        ledger.follow(order("CONFIRM", expiry=10**30))


def test_a_newer_life_ends_the_one_that_was_paused(path: Path) -> None:
    async def test() -> None:
        ledger, failed = threaded(path)
        life = "INSERT INTO lives (began, config, mode, pid, how) VALUES (0, '', 'paper', 0, '')"
        with closing(sqlite3.connect(path)) as other:
            other.execute(life)
            other.commit()
            ledger.own(1)
            ledger.intend(prepared(1))
            ledger.past(MONDAY)
            other.execute(life)
            other.commit()
        ledger.intend(prepared(2))
        assert "another engine took over the ledger" in str(await failed)
        ended(ledger, "another engine took over")

    run(test)
    assert query(path, 'SELECT "order" FROM orders') == [("o1",)]


# --- damage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", range(2, 40, 3))
def test_a_damaged_file_is_found_before_anything_is_sent_and_the_way_back_is_said(tmp_path: Path, page: int) -> None:
    plan = plan_of(base=tmp_path)
    path = plan.folder / LEDGER_FILE
    with Ledger(path) as ledger:
        for number in range(200):
            ledger.follow(order("CONFIRM", order=f"o{number}", bar=MONDAY + number * MINUTE, contract=f"C{number}"))
    with path.open("rb+") as file:  # the head of one page of each three
        file.seek((page - 1) * 4096)
        file.write(b"\x99" * 64)

    async def test() -> None:
        with pytest.raises(LedgerError, match=r"the ledger .* is damaged \(.*\); put a backup in its place"):
            ledger_of(plan).close()

    run(test)


def test_a_sound_file_is_found_sound(path: Path) -> None:
    with closing(opened(path)) as db:
        sound(db, path)


# --- a disk that does not take it ------------------------------------------------------------------------------------

NO_SYNC = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static int failing(void) { return access(getenv("FAIL_WHEN"), F_OK) == 0; }
static int counted(void) { FILE *f = fopen(getenv("FAILED"), "a"); fputc('x', f); fclose(f); errno = EIO; return -1; }
int fsync(int fd) { return failing() ? counted() : ((int (*)(int)) dlsym(RTLD_NEXT, "fsync"))(fd); }
int fdatasync(int fd) { return failing() ? counted() : ((int (*)(int)) dlsym(RTLD_NEXT, "fdatasync"))(fd); }
"""
SYNCING = """
import asyncio, os, sys
from pathlib import Path
from tests.test_ledger_failing import prepared, threaded
from pipeline.ledger import LedgerError

async def main():
    ledger, failed = threaded(Path(sys.argv[1]))
    ledger.intend(prepared(1))
    ledger.past(0)
    Path(os.environ["FAIL_WHEN"]).touch()
    ledger.intend(prepared(2))
    await failed
    for number in (3, 4):
        try:
            ledger.intend(prepared(number))
        except LedgerError as failure:
            print(failure)
    try:
        ledger.close()
    except LedgerError as failure:
        print(failure)

asyncio.run(main())
"""


def test_a_failed_sync_is_never_tried_again(tmp_path: Path) -> None:
    """A system may say that all is well the second time, though the pages are gone."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("no compiler here to make a disk fail with")
    source, library = tmp_path / "nosync.c", tmp_path / "nosync.so"
    source.write_text(NO_SYNC)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    flag, count, path = tmp_path / "fail", tmp_path / "count", tmp_path / "ledger.db"
    env = os.environ | {"LD_PRELOAD": str(library), "FAIL_WHEN": str(flag), "FAILED": str(count)}
    ran = subprocess.run(
        [sys.executable, "-c", SYNCING, str(path)], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    said = ran.stdout.splitlines()
    assert len(said) == 3
    assert all(each.startswith("the disk did not take what was written to the ledger") for each in said)
    assert query(path, "SELECT count(*) FROM orders WHERE \"order\" IN ('o3', 'o4')") == [(0,)]
    tries = len(count.read_text())
    assert tries <= 2  # the log when it is written, and again when the connection closes


@pytest.mark.parametrize("left", ["ledger.db-wal", "ledger.ballast", "ledger-v2.db", "backups/ledger-20260105.db"])
def test_an_empty_ledger_beside_what_an_earlier_life_left_is_not_begun_again(path: Path, left: str) -> None:
    path.touch()
    beside = path.parent / left
    beside.parent.mkdir(exist_ok=True)
    beside.write_bytes(b"of an earlier life")
    with pytest.raises(LedgerError, match=r"is empty, but .* would be forgotten; put a backup in its place"):
        opened(path)
    assert path.stat().st_size == 0
    assert beside.read_bytes() == b"of an earlier life"
    path.unlink()  # who moves it away means it
    opened(path).close()


def test_an_empty_file_of_a_first_start_that_was_cut_off_is_filled(path: Path) -> None:
    path.touch()
    (path.parent / "engine.lock").touch()
    with Ledger(path) as ledger:
        assert ledger.latches() == []


def test_no_run_begins_with_a_ledger_that_was_emptied(tmp_path: Path) -> None:
    plan = plan_of(base=tmp_path)

    async def test() -> None:
        ledger_of(plan).close()
        (plan.folder / LEDGER_FILE).write_bytes(b"")
        with pytest.raises(LedgerError, match=r"ledger\.ballast is of an earlier life"):
            ledger_of(plan)

    run(test)


@pytest.mark.parametrize("room", [0, 1 << 15])
def test_a_backup_to_a_full_disk_fails_by_the_name_it_was_given_and_leaves_nothing(
    path: Path, disk: Path, room: int
) -> None:
    Ledger(path).close()
    with suppress(OSError), (disk / "full").open("wb", buffering=0) as file:
        file.write(bytes(SMALL_DISK - room))
        file.write(bytes(SMALL_DISK) if room == 0 else b"")
    with pytest.raises(LedgerError) as told:
        backed_up(path, disk / "copy.db")
    assert ".part" not in str(told.value)
    assert re.search(r"full|No space left", str(told.value))
    assert [each.name for each in disk.iterdir()] == ["full"]

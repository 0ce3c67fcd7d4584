"""The files of a log: whole lines, put aside in time, for their owner alone; whatever the disk does nobody waits."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.logs.book import LogBook
from pipeline.logs.files import CURRENT, LogFile, files_of, last_number, set_aside
from pipeline.logs.levels import Levels
from pipeline.logs.reading import Following, last_records
from pipeline.logs.records import Choice, Record, line_of, record_of
from pipeline.logs.writing import EDGE, LogWriter
from pipeline.times import DAY
from tests.support import MONDAY, ROOT

PATIENCE = 30.0
ALL = Choice()
needs_posix = pytest.mark.skipif(os.name != "posix", reason="limits, permissions and signals of a POSIX system")


def record(seq: int, text: str = "said") -> Record:
    return Record(seq, MONDAY + seq, MONDAY + seq, "info", "engine", text)


def file_of(
    folder: Path,
    *,
    rotate: int = 1_000,
    files: int = 7,
    days: int = 30,
    wall: Callable[[], int] = lambda: MONDAY,
) -> LogFile:
    return LogFile(folder, rotate_bytes=rotate, keep_files=files, keep_days=days, wall=wall)


def written(file: LogFile, *numbers: int) -> None:
    for seq in numbers:
        file.write([line_of(record(seq))])


def numbers_in(folder: Path) -> list[int]:
    return [each.seq for each in last_records(folder, ALL)]


def until(holds: Callable[[], bool]) -> None:
    """Wait for what another thread or process does."""
    deadline = time.monotonic() + PATIENCE
    pause = threading.Event()
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        pause.wait(0.01)


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_full_file_is_put_aside_under_the_next_number_and_nothing_is_lost(tmp_path: Path) -> None:
    file = file_of(tmp_path, rotate=300)
    written(file, *range(1, 21))
    file.close()
    assert [number for number, _ in set_aside(tmp_path)] == list(range(1, len(set_aside(tmp_path)) + 1))
    assert len(set_aside(tmp_path)) >= 3
    assert all(path.stat().st_size <= 300 for path in files_of(tmp_path))
    assert numbers_in(tmp_path) == list(range(1, 21))


def test_many_lines_at_once_are_put_into_as_many_files_as_they_need(tmp_path: Path) -> None:
    file = file_of(tmp_path, rotate=300)
    file.write([line_of(record(seq)) for seq in range(1, 21)])
    file.close()
    assert all(path.stat().st_size <= 300 for path in files_of(tmp_path))
    assert numbers_in(tmp_path) == list(range(1, 21))


def test_a_line_larger_than_a_file_may_be_is_a_file_of_its_own(tmp_path: Path) -> None:
    file = file_of(tmp_path, rotate=300)
    file.write([line_of(record(1)), line_of(record(2, "x" * 1_000)), line_of(record(3))])
    file.close()
    assert [path.read_bytes().count(b"\n") for path in files_of(tmp_path)] == [1, 1, 1]


def test_only_so_many_files_are_kept_and_the_oldest_go(tmp_path: Path) -> None:
    file = file_of(tmp_path, rotate=100, files=2)
    written(file, *range(1, 9))
    file.close()
    assert [number for number, _ in set_aside(tmp_path)] == [6, 7]
    assert numbers_in(tmp_path) == [6, 7, 8]


def test_files_that_are_too_old_go_and_a_file_of_yesterday_is_put_aside(tmp_path: Path) -> None:
    now = MONDAY
    file = file_of(tmp_path, days=3, wall=lambda: now)
    written(file, 1)
    now = MONDAY + 2 * DAY
    file.tidy()
    written(file, 2)
    ((number, aside),) = set_aside(tmp_path)
    os.utime(aside, (MONDAY / 1000, MONDAY / 1000))
    assert (number, numbers_in(tmp_path)) == (1, [1, 2])
    now = MONDAY + 3 * DAY + 1
    file.tidy()
    file.close()
    assert numbers_in(tmp_path) == [2]


def test_limits_that_change_hold_from_then_on(tmp_path: Path) -> None:
    file = file_of(tmp_path, rotate=100, files=7)
    written(file, *range(1, 6))
    file.limit(rotate_bytes=100, keep_files=1, keep_days=30)
    written(file, 6)
    file.close()
    assert numbers_in(tmp_path) == [5, 6]


def test_half_a_line_that_a_killed_program_left_is_gone_and_the_numbers_go_on(tmp_path: Path) -> None:
    whole = line_of(record(1)) + line_of(record(2))
    (tmp_path / CURRENT).write_bytes(whole + line_of(record(3))[:-10])
    assert last_number(tmp_path) == 2
    assert numbers_in(tmp_path) == [1, 2]
    file = file_of(tmp_path)
    written(file, 3)
    file.close()
    assert (tmp_path / CURRENT).read_bytes() == whole + line_of(record(3))


def test_a_file_that_is_only_half_a_line_begins_anew(tmp_path: Path) -> None:
    (tmp_path / CURRENT).write_bytes(b"x" * 200_000)
    file = file_of(tmp_path, rotate=1_000_000)
    written(file, 1)
    file.close()
    assert (tmp_path / CURRENT).read_bytes() == line_of(record(1))


def test_the_last_number_is_found_in_a_file_put_aside_where_the_newest_has_none(tmp_path: Path) -> None:
    (tmp_path / "moonlight.000009.jsonl").write_bytes(line_of(record(41)))
    (tmp_path / "moonlight.000010.jsonl").write_bytes(line_of(record(77)) + b"no record\n")
    (tmp_path / CURRENT).write_bytes(b"")
    assert last_number(tmp_path) == 77
    assert last_number(tmp_path / "nowhere") == 0


def test_a_file_that_somebody_takes_away_is_begun_anew(tmp_path: Path) -> None:
    file = file_of(tmp_path)
    written(file, 1)
    (tmp_path / CURRENT).unlink()
    written(file, 2)
    file.close()
    assert numbers_in(tmp_path) == [2]


@needs_posix
def test_files_are_for_their_owner_alone_one_that_was_not_too(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / CURRENT).touch(0o644)
    (folder / CURRENT).chmod(0o644)
    file = file_of(folder, rotate=100)
    written(file, 1, 2)
    file.close()
    assert [oct(path.stat().st_mode & 0o777) for path in files_of(folder)] == ["0o600", "0o600"]


@needs_posix
def test_what_stands_there_as_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    (tmp_path / CURRENT).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        written(file_of(tmp_path), 1)
    assert (tmp_path / "elsewhere").read_bytes() == b""


# --- reading ---------------------------------------------------------------------------------------------------------


def test_the_last_are_read_from_as_many_files_as_it_takes(tmp_path: Path) -> None:
    file = file_of(tmp_path, rotate=200)
    written(file, *range(1, 21))
    file.close()
    assert [each.seq for each in last_records(tmp_path, ALL, 7)] == list(range(14, 21))
    assert [each.seq for each in last_records(tmp_path, Choice(since=MONDAY + 18))] == [18, 19, 20]
    assert last_records(tmp_path, ALL, 0) == []
    assert last_records(tmp_path / "nowhere", ALL) == []


def test_following_hears_each_record_once_and_in_order_over_files_put_aside(tmp_path: Path) -> None:
    file = file_of(tmp_path, rotate=250, files=100)
    written(file, 1, 2, 3)
    following = Following(tmp_path)
    assert list(following.news()) == []
    heard: list[int] = []
    for begin, end in ((4, 5), (5, 6), (6, 30), (30, 31), (31, 33)):  # within a file, into the next, over several
        written(file, *range(begin, end))
        heard += [each.seq for each in following.news()]
    file.close()
    assert heard == list(range(4, 33))
    assert list(following.news()) == []


def test_following_begins_before_there_is_a_file_and_goes_on_when_all_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    following = Following(folder)
    assert list(following.news()) == []
    file = file_of(folder)
    written(file, 1)
    assert [each.seq for each in following.news()] == [1]
    (folder / CURRENT).unlink()
    assert list(following.news()) == []
    written(file, 2, 3)
    assert [each.seq for each in following.news()] == [2, 3]
    file.close()


def test_half_a_line_is_not_read_before_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / CURRENT
    path.write_bytes(line_of(record(1)))
    following = Following(tmp_path)
    line = line_of(record(2))
    with path.open("ab") as file:
        file.write(line[:10])
        file.flush()
        assert list(following.news()) == []
        file.write(line[10:] + b"not a record\n" + line_of(record(3)))
    assert [each.seq for each in following.news()] == [2, 3]


# --- writing ---------------------------------------------------------------------------------------------------------


def book_of() -> LogBook:
    return LogBook(Levels("debug", {}), lambda: MONDAY)


def test_what_is_said_is_on_disk_once_the_writer_is_closed(tmp_path: Path) -> None:
    book = book_of()
    writer = LogWriter(file_of(tmp_path, rotate=10_000, files=100), book)
    book.subscribe(writer.put)
    writer.start()
    for number in range(1_000):
        book.say("info", "engine", f"n{number}")
    writer.close()
    assert numbers_in(tmp_path) == list(range(1, 1_001))


def test_while_the_disk_takes_nothing_it_is_said_once_and_what_is_lost_is_counted(tmp_path: Path) -> None:
    (tmp_path / CURRENT).mkdir()  # nothing can be written to a folder
    book = book_of()
    writer = LogWriter(file_of(tmp_path, rotate=100_000), book, edge=10)
    book.subscribe(writer.put)
    writer.start()
    until(lambda: book.last == 1)
    for number in range(30):
        book.say("info", "engine", f"n{number}")
    told = [each.text for each in book.tail("error")]
    assert len(told) == 1
    assert told[0].startswith(f"the log {tmp_path / CURRENT} cannot be written (Is a directory): ")
    (tmp_path / CURRENT).rmdir()
    until(lambda: len(book.tail("error")) == 3)
    writer.close()
    again, lost = book.tail("error")[1:]
    assert again.text == "the log is written again"
    texts = [each.text for each in last_records(tmp_path, ALL)]
    assert texts[-12:] == [*(f"n{number}" for number in range(20, 30)), again.text, lost.text]
    assert lost.fields["dropped"] == book.last - len(texts) > 0


def test_files_that_become_too_old_are_removed_however_much_is_said(tmp_path: Path) -> None:
    book = book_of()
    writer = LogWriter(file_of(tmp_path, rotate=100_000, wall=lambda: MONDAY), book, tidy=0.05)
    book.subscribe(writer.put)
    writer.start()
    until((tmp_path / CURRENT).exists)
    old = tmp_path / "moonlight.000001.jsonl"
    old.write_bytes(line_of(record(1)))
    long_ago = (MONDAY - 40 * DAY) / 1000
    os.utime(old, (long_ago, long_ago))

    def said_and_gone() -> bool:
        book.say("info", "engine", "once more")
        return not old.exists()

    until(said_and_gone)
    writer.close()


def test_of_more_than_the_edge_holds_the_oldest_are_lost_and_counted(tmp_path: Path) -> None:
    book = book_of()
    writer = LogWriter(file_of(tmp_path, rotate=100_000_000), book)
    book.subscribe(writer.put)
    for number in range(EDGE + 5):  # nobody writes yet
        book.say("info", "engine", f"n{number}")
    writer.start()
    writer.close()
    read = last_records(tmp_path, ALL)
    assert [each.text for each in read[:1]] == ["n5"]
    assert read[-1].fields == {"dropped": 5}


FULL = """
import resource, sys, threading
from pathlib import Path
from pipeline.logs.book import LogBook
from pipeline.logs.files import LogFile
from pipeline.logs.levels import Levels
from pipeline.logs.writing import LogWriter

folder = Path(sys.argv[1])
book = LogBook(Levels("debug", {}), lambda: 1)
writer = LogWriter(LogFile(folder, rotate_bytes=10**9, keep_files=7, keep_days=9, wall=lambda: 1), book)
book.subscribe(writer.put)
told, again = threading.Event(), threading.Event()
book.subscribe(lambda each: "cannot be written" in each.text and told.set())
book.subscribe(lambda each: "written again" in each.text and again.set())
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
writer.start()
for number in range(500):
    book.say("info", "engine", f"n{number} " + "x" * 50)
assert told.wait(10), "nobody was told that there is no room"
assert (folder / "moonlight.jsonl").read_bytes()[-1:] in (b"", b"\\n"), "half a line"
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
assert again.wait(10), "it did not go on"
writer.close()
print(len(book.tail("error", 99)))
"""


@needs_posix
def test_a_disk_that_is_full_leaves_whole_lines_and_is_written_to_again_when_there_is_room(tmp_path: Path) -> None:
    ended = subprocess.run(
        (sys.executable, "-c", FULL, str(tmp_path)),
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, "2\n"), ended.stderr
    records = last_records(tmp_path, ALL)
    said = [each.text.split()[0] for each in records if each.level == "info"]
    assert said == [f"n{number}" for number in range(500)]
    assert len(records) == 502


STORM = """
import sys
from itertools import count
from pathlib import Path
from pipeline.logs.book import LogBook
from pipeline.logs.files import LogFile, last_number
from pipeline.logs.levels import Levels
from pipeline.logs.writing import LogWriter

folder = Path(sys.argv[1])
book = LogBook(Levels("debug", {}), lambda: 1, last_number(folder))
writer = LogWriter(LogFile(folder, rotate_bytes=300_000, keep_files=100, keep_days=9, wall=lambda: 1), book)
book.subscribe(writer.put)
writer.start()
for number in count():
    book.say("info", "engine", f"n{number} " + "x" * (number % 3000))
"""


@needs_posix
def test_a_program_that_is_killed_while_it_writes_leaves_lines_that_can_be_read_and_goes_on_behind_them(
    tmp_path: Path,
) -> None:
    for _ in range(2):
        before = len(files_of(tmp_path))
        with subprocess.Popen(
            (sys.executable, "-c", STORM, str(tmp_path)), env=os.environ | {"PYTHONPATH": str(ROOT)}
        ) as process:
            until(lambda known=before: len(files_of(tmp_path)) > known + 1)
            process.send_signal(signal.SIGKILL)
    *whole, last = files_of(tmp_path)
    lines = [line for path in whole for line in path.read_bytes().splitlines()]
    seqs = [each.seq for line in lines if (each := record_of(line)) is not None]
    assert len(seqs) == len(lines), "half a line within"
    assert seqs == sorted(set(seqs)), "a number twice, or out of order"
    *rest, _ = last.read_bytes().split(b"\n")
    assert all(record_of(line) is not None for line in rest)

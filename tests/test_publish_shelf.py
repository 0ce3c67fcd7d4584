"""The shelf: what is on it survives, is found again in order, and is not there without end."""

import resource
import sqlite3
from pathlib import Path

import pytest

from pipeline.publishing.shelf import LOOKS_AFTER, Shelf, reached
from pipeline.times import MINUTE
from pipeline.values import Bars, Stream
from tests.publishing import bars
from tests.support import same

T = 1_767_607_200_000
EURUSD = Stream("EURUSD", MINUTE)


def shelf(path: Path | None, most: int = 1000, told: list[str] | None = None) -> Shelf:
    return Shelf(path, most, (told if told is not None else []).append)


def slots(given: Bars) -> list[int]:
    return [(opened - T) // MINUTE for opened in given.open_ts.tolist()]


def test_d26_what_was_put_on_it_is_there_after_the_program_ended_and_what_was_published_is_marked(
    tmp_path: Path,
) -> None:
    first = shelf(tmp_path / "feed.db")
    put = bars(T, range(5))
    first.put(put, waiting=True)
    first.published(EURUSD, [T, T + MINUTE, T + 2 * MINUTE])
    first.close()
    second = shelf(tmp_path / "feed.db")
    assert second.cursors() == {EURUSD: T + 2 * MINUTE}
    assert second.waiting() == ((EURUSD, T + 3 * MINUTE, T + 4 * MINUTE, 2),)
    assert slots(second.unpublished(EURUSD, 0, 10)) == [3, 4]
    assert same(second.newest(EURUSD, 10), put)
    second.close()


def test_up_to_when_an_earlier_life_published_can_be_asked_of_the_file(tmp_path: Path) -> None:
    assert reached(tmp_path / "feed.db") is None
    kept = shelf(tmp_path / "feed.db")
    assert reached(tmp_path / "feed.db") is None
    kept.put(bars(T, range(3)), waiting=True)
    kept.published(EURUSD, [T, T + MINUTE])
    kept.commit()
    assert reached(tmp_path / "feed.db") == T + 2 * MINUTE
    kept.close()
    (tmp_path / "feed.db").write_bytes(b"no database" * 1000)
    assert reached(tmp_path / "feed.db") is None


def test_what_was_shown_while_it_formed_outlives_the_program_without_another_word(tmp_path: Path) -> None:
    first = shelf(tmp_path / "feed.db")
    first.forms([(EURUSD, T), (Stream("XAUUSD", MINUTE), T)])
    first.forms([(EURUSD, T + MINUTE)])
    second = shelf(tmp_path / "feed.db")  # as after a kill: nobody closed the first
    assert second.shown() == {EURUSD: T + MINUTE, Stream("XAUUSD", MINUTE): T}
    second.forget(EURUSD)
    assert EURUSD not in second.shown()
    second.close()
    first.close()


def test_d26_a_bar_that_is_put_twice_stays_as_it_was_and_waits_no_more_once_it_is_published() -> None:
    kept = shelf(None)
    kept.put(bars(T, [0], price=1.1), waiting=True)
    kept.published(EURUSD, [T])
    kept.put(bars(T, [0], price=1.2), waiting=False)
    assert kept.newest(EURUSD, 1).close.tolist() == [1.1]
    assert kept.waiting() == ()
    kept.close()


def test_a_bar_of_the_past_that_is_to_be_published_after_all_waits() -> None:
    kept = shelf(None)
    kept.put(bars(T, [0, 1]), waiting=False)
    kept.put(bars(T, [1]), waiting=True)
    assert slots(kept.unpublished(EURUSD, 0, 10)) == [1]
    kept.close()


def test_what_is_no_number_is_kept_as_it_is() -> None:
    kept = shelf(None)
    put = bars(T, [0], price=float("nan"))
    kept.put(put, waiting=True)
    assert same(kept.newest(EURUSD, 1), put)
    kept.close()


def test_the_cursor_never_goes_back_and_a_late_bar_does_not_move_it() -> None:
    kept = shelf(None)
    kept.published(EURUSD, [T + 5 * MINUTE])
    kept.published(EURUSD, [T + 2 * MINUTE])
    kept.published(EURUSD, [T + 9 * MINUTE], cursor=False)
    assert kept.cursors() == {EURUSD: T + 5 * MINUTE}
    kept.forget(EURUSD)
    assert kept.cursors() == {}
    kept.close()


def test_it_keeps_the_newest_bars_of_a_stream_and_all_that_wait() -> None:
    kept = shelf(None, most=10)
    kept.put(bars(T, [0]), waiting=True)
    kept.put(bars(T, range(1, LOOKS_AFTER + 50)), waiting=False)
    assert slots(kept.newest(EURUSD, 1000)) == [0, *range(LOOKS_AFTER + 40, LOOKS_AFTER + 50)]
    kept.close()


def test_what_is_asked_of_it_reaches_back_to_a_moment_and_comes_oldest_first() -> None:
    kept = shelf(None)
    kept.put(bars(T, range(10)), waiting=False)
    assert slots(kept.newest(EURUSD, 3)) == [7, 8, 9]
    assert slots(kept.newest(EURUSD, 100, T + 8 * MINUTE)) == [8, 9]
    assert len(kept.newest(Stream("XAUUSD", MINUTE), 5)) == 0
    kept.close()


def test_a_file_that_is_none_is_told_and_bars_wait_in_memory(tmp_path: Path) -> None:
    (tmp_path / "feed.db").write_bytes(b"no database" * 1000)
    told: list[str] = []
    kept = shelf(tmp_path / "feed.db", told=told)
    kept.put(bars(T, [0]), waiting=True)
    assert slots(kept.unpublished(EURUSD, 0, 10)) == [0]
    kept.close()
    assert len(told) == 1
    assert "bars wait in memory" in told[0]


def test_a_disk_that_fails_later_is_told_once_and_what_waited_goes_on_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    kept = shelf(tmp_path / "feed.db", told=told)
    kept.put(bars(T, [0, 1]), waiting=True)
    kept.published(EURUSD, [T])
    kept.commit()
    kept._db.execute("PRAGMA max_page_count = 1")  # pyright: ignore[reportPrivateUsage]  # a disk without room
    for first in range(2, 2000, 500):
        kept.put(bars(T, range(first, first + 500)), waiting=True)
    kept.commit()
    assert len(told) == 1
    assert kept.broken
    assert kept.cursors() == {EURUSD: T}
    assert slots(kept.unpublished(EURUSD, 0, 5000))[0] == 1
    assert slots(kept.unpublished(EURUSD, 0, 5000))[-1] == 2001
    kept.close()


def test_what_is_not_committed_is_not_on_it_and_what_is_is(tmp_path: Path) -> None:
    kept = shelf(tmp_path / "feed.db")
    kept.put(bars(T, [0]), waiting=True)
    beside = sqlite3.connect(tmp_path / "feed.db")
    assert beside.execute("SELECT count(*) FROM bars").fetchone() == (0,)
    kept.commit()
    assert beside.execute("SELECT count(*) FROM bars").fetchone() == (1,)
    beside.close()
    kept.close()


def test_a_disk_that_is_full_when_a_turn_is_written_loses_nothing_of_it(tmp_path: Path) -> None:
    told: list[str] = []
    kept = Shelf(tmp_path / "feed.db", 1000, told.append)
    kept.put(bars(T, range(2)), waiting=True)
    kept.commit()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "feed.db-wal").stat().st_size, hard))
    try:
        kept.put(bars(T, range(2, 5)), waiting=True)
        kept.published(EURUSD, [T])
        kept.commit()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(told) == 1
    assert kept.waiting() == ((EURUSD, T + MINUTE, T + 4 * MINUTE, 4),)
    assert kept.cursors() == {EURUSD: T}
    kept.put(bars(T, [5]), waiting=True)
    kept.commit()
    assert kept.waiting()[0].rows == 5
    kept.close()


def test_bars_between_those_that_are_out_wait_on() -> None:
    kept = Shelf(None, 1000, print)
    kept.put(bars(T, range(5)), waiting=True)
    kept.published(EURUSD, [T + MINUTE, T + 3 * MINUTE], cursor=False)
    assert kept.waiting() == ((EURUSD, T, T + 4 * MINUTE, 3),)
    kept.close()

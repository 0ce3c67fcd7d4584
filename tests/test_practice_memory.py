"""A practice venue with a book of its own: what it took outlives the process, as a broker's book does."""

import shutil
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings

from pipeline.errors import InputError, MoonlightError
from pipeline.evidence import Inquiry
from pipeline.host import Host, Mode
from pipeline.times import MINUTE
from pipeline.values import Order, Past, Settlement
from pipeline.venues.book import Deal
from pipeline.venues.faults import Storm, Strike
from pipeline.venues.house import House
from pipeline.venues.line import Line, Reply
from pipeline.venues.memory import Memory
from sinks.practice import Practice
from tests.test_venue_house import known, plans, storms
from tests.venue_days import OPENING, RULES, Day, T, order, question, rising

FILE = "broker.db"


class Place:
    """As much of a host as a venue looks at when it opens."""

    def __init__(self, folder: Path, mode: Mode = "paper", now: int = T) -> None:
        self.folder, self.mode, self._now = folder, mode, now

    def now(self) -> int:
        return self._now


def opened(folder: Path, mode: Mode = "paper", now: int = T, **keys: Any) -> House:
    """The venue of a table, as a flow in this folder finds it."""
    venue = Practice(payout=0.87, memory=FILE, balances=OPENING, **keys)
    return venue.house(cast("Host", Place(folder, mode, now)))  # it looks at no more of a host


def day_at(house: House) -> Day:
    """A day at a house that is there already."""
    day = Day(market=())
    day.house = house
    day.line = day.connected()
    house.take_prices(rising(), T)
    return day


def test_what_was_taken_before_the_process_ended_is_there_after_it(tmp_path: Path) -> None:
    first = day_at(opened(tmp_path))
    first.played(order(), order("o2", 90_000, tf=5 * MINUTE), until=100_000)
    first.house.close()  # what a kill does to a file, as every line is on disk already
    again = opened(tmp_path, now=T + 120_000)
    assert again.remembers
    assert again.book.deals == first.house.book.deals
    second = day_at(again).played(question(1, 130_000), until=10 * MINUTE)
    (statement,) = second.statements
    assert [(each.contract, each.result) for each in statement.contracts] == [("MOCK-o1", "win"), ("MOCK-o2", None)]
    assert statement.balance == Decimal("100.00") + Decimal("0.87") - 1
    assert [reply.order for reply in second.replies if isinstance(reply, Settlement)] == ["o2"]
    again.close()


def test_an_order_sent_again_after_a_restart_gets_the_contract_it_had(tmp_path: Path) -> None:
    first = day_at(opened(tmp_path))
    first.played(order(), until=10_000)
    first.house.close()
    second = day_at(opened(tmp_path, now=T + 20_000))
    second.played(order(after=30_000), until=31_000)
    assert second.replies == first.replies
    assert list(second.house.book.deals) == ["MOCK-o1"]
    second.house.close()


def test_every_contract_is_on_disk_before_its_answer_is_told(tmp_path: Path) -> None:
    day = day_at(opened(tmp_path))
    found: list[tuple[str, bool | None]] = []

    def told(reply: Reply) -> None:
        """Look at the file as it is at this very moment."""
        copy = tmp_path / f"copy-{len(found)}"
        shutil.copy(tmp_path / FILE, copy)
        with closing(sqlite3.connect(copy)) as db:
            kept = db.execute("SELECT deal FROM deals").fetchall()
        deals = [msgspec.json.decode(deal, type=Deal) for (deal,) in kept]
        found.append((type(reply).__name__, deals[0].end is not None if deals else None))

    day.line = Line(day.house, told)
    day.played(order(), until=2 * MINUTE)
    assert found == [("Ack", False), ("Settlement", True)]
    day.house.close()


def test_only_a_new_memory_takes_over_what_the_ledger_knows(tmp_path: Path) -> None:
    past = Past((known("won", "SETTLED", "0.87", result="win"),), {"demo-1": Decimal("5.00")})
    first = opened(tmp_path)
    assert not first.remembers
    first.recall(past)
    first.close()
    again = opened(tmp_path)
    assert again.remembers
    assert again.book.balance("demo-1") == Decimal("105.87")
    assert list(again.book.deals) == ["MOCK-won"]
    again.close()


def test_faults_are_counted_from_when_the_venue_first_began(tmp_path: Path) -> None:
    came = Strike(what="deposit", after="10s", account="demo-1", amount=Decimal("50.00"))
    later = Strike(what="deposit", after="60s", account="demo-1", amount=Decimal("7.00"))
    for now, held in ((T, 150), (T + 20_000, 150), (T + 70_000, 157)):
        house = opened(tmp_path, now=now, faults=(came, later))
        house.wake(max(now, T + 15_000))
        assert house.book.balance("demo-1") == held
        house.close()


def test_a_replay_neither_knows_nor_touches_the_memory(tmp_path: Path) -> None:
    day = day_at(opened(tmp_path, mode="replay"))
    day.played(order())
    assert not day.house.remembers
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=15, deadline=None)
@given(plan=plans(), storm=storms())
def test_whatever_happened_a_book_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, plan: list[Order | Inquiry], storm: Storm
) -> None:
    folder = tmp_path_factory.mktemp("venue")
    day = day_at(opened(folder, faults=storm, evidence=RULES.evidence)).played(*plan, until=15 * MINUTE)
    before = {name: day.house.book.statement(name, 0, T + 15 * MINUTE, echoes=True) for name in OPENING}
    day.house.close()
    memory = Memory.opened(folder / FILE)
    book, new = memory.book()
    assert not new
    assert book.deals == day.house.book.deals
    assert {name: book.statement(name, 0, T + 15 * MINUTE, echoes=True) for name in OPENING} == before
    memory.close()


# --- what can be wrong with the file ---------------------------------------------------------------------------------


def changed(folder: Path, statement: str) -> None:
    """Somebody writes into the file by hand."""
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as db:
        db.execute(statement)


def test_a_memory_that_another_process_has_is_refused(tmp_path: Path) -> None:
    house = opened(tmp_path)
    with pytest.raises(
        InputError, match=r"cannot be used as a venue's memory \(database is locked\); end what uses it"
    ):
        opened(tmp_path)
    house.close()


def test_a_folder_in_place_of_the_memory_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(InputError, match=r"\(unable to open database file\); end what uses it, or name another file"):
        opened(tmp_path)


def test_a_file_that_is_no_memory_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("no database, but long enough to be taken for one" * 40)
    with pytest.raises(InputError, match=r"\(file is not a database\); end what uses it, or name another file"):
        opened(tmp_path)


def test_another_programs_database_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    changed(tmp_path, "CREATE TABLE deals (mine TEXT)")
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(InputError, match=r"cannot be used as a venue's memory \(table deals already exists\)"):
        opened(tmp_path)
    assert (tmp_path / FILE).read_bytes() == before


def test_a_memory_of_a_later_version_is_refused(tmp_path: Path) -> None:
    opened(tmp_path).close()
    changed(tmp_path, "PRAGMA user_version = 9")
    with pytest.raises(InputError, match="of a later version; use the later program, or another file"):
        opened(tmp_path)


def test_a_line_that_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    opened(tmp_path).close()
    changed(tmp_path, "INSERT INTO deals VALUES ('c1', '{\"contract\": 1}')")
    with pytest.raises(InputError, match=r"is no venue's memory .*; name another file"):
        opened(tmp_path)


def test_an_answer_that_cannot_be_kept_is_not_given(tmp_path: Path) -> None:
    opened(tmp_path).close()
    db = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    db.execute("PRAGMA max_page_count = 1")  # as if the disk were full
    book, _ = Memory(tmp_path / FILE, db).book()
    day = day_at(House(RULES, OPENING, began=T, book=book, remembers=True))
    with pytest.raises(MoonlightError, match=r"the venue cannot write to its memory .*full.*; see to the disk"):
        day.played(*(order(f"o{number}", 1000 + number) for number in range(400)), until=5000)
    assert len(day.replies) == len(day.house.book.deals)
    day.house.close()

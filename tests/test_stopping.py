"""The file that stops everybody, what a watched flow shows of stops and armings, and whose money is played with."""

import os
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from pipeline.kill_file import KILL_FILE, LONGEST, asked_by_file, worded
from pipeline.ledger import Ledger
from pipeline.remarks import remark
from pipeline.stopping import Stops, stops_of, take_file
from pipeline.times import HOUR, MINUTE
from pipeline.values import Arming, Latch, Past
from pipeline.watch import Watch
from tests.support import MONDAY, SMALL, plan_of
from tests.test_watch import Hand

REAL = SMALL.replace("[moonlight]", '[moonlight]\nmode = "live"').replace(
    'balance = "100.00"', 'balance = "100.00"\nmoney = "real"'
)
UTC = ZoneInfo("UTC")


# --- the file --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "without a word"),
        (b" \n\t", "without a word"),
        (b"the office\nis on fire\n", "the office is on fire"),
        (b"\xff\x1b[2J\x00", "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}"),
        (b"x" * 100_000, "x" * (LONGEST - len("the file KILL: ") - 1) + "…"),
    ],
)
def test_whatever_the_file_says_it_stops_everybody_once_and_is_taken_away(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    (tmp_path / KILL_FILE).write_bytes(content)
    with Ledger(tmp_path / "ledger.db") as ledger:
        stops = Stops(ledger, UTC, ("demo-1",), MONDAY)
        assert take_file(stops, tmp_path) == (Latch("", True, MONDAY, f"the file KILL: {reason}", "file"),)
        assert take_file(stops, tmp_path) == ()
        assert len(ledger.latches()) == 1
    assert not (tmp_path / KILL_FILE).exists()


def test_a_file_that_cannot_be_read_or_taken_away_stops_all_the_same_and_again_after_a_release(tmp_path: Path) -> None:
    (tmp_path / KILL_FILE).mkdir()
    with Ledger(tmp_path / "ledger.db") as ledger:
        stops = Stops(ledger, UTC, ("demo-1",), MONDAY)
        (latch,) = take_file(stops, tmp_path)
        assert "it cannot be read" in latch.reason
        assert take_file(stops, tmp_path) == ()
        stops.release("", "looked at", "resume")
        assert len(take_file(stops, tmp_path)) == 1


@pytest.mark.skipif(os.name != "posix", reason="links need a right of their own there")
def test_a_link_that_leads_nowhere_is_a_file_too(tmp_path: Path) -> None:
    (tmp_path / KILL_FILE).symlink_to(tmp_path / "nowhere")
    assert asked_by_file(tmp_path) == "a link that leads nowhere"


def test_a_verb_takes_the_file_in_so_that_what_is_released_stays_released(tmp_path: Path) -> None:
    (tmp_path / "flows.toml").write_text(SMALL, encoding="utf-8")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / KILL_FILE).touch()
    with stops_of(tmp_path / "flows.toml") as stops:
        assert list(stops.held) == [""]
        assert stops.release("", "it was a drill", "resume")
        assert stops.held == {}
    assert not (tmp_path / "data" / KILL_FILE).exists()


def test_a_reason_is_one_bearable_line_and_there_always_is_one() -> None:
    assert worded("  the spread\n looks  wrong ") == "the spread looks wrong"
    assert worded("") == "by hand, without a word"
    assert len(worded("x" * 5_000)) == LONGEST


# --- what is shown ---------------------------------------------------------------------------------------------------


def watching() -> tuple[Watch, Hand]:
    clock = Hand()
    watch = Watch(plan_of(REAL), MONDAY, 1.0)
    watch.begins(clock)
    return watch, clock


def test_a_watched_flow_shows_who_is_stopped_and_why_until_it_is_released() -> None:
    watch, _ = watching()
    assert watch.status().state == "RUNNING"
    watch.told("ledger", Latch("demo-1", True, MONDAY, "enough", "kill"))
    assert (watch.status().state, watch.status().accounts[0].stopped) == ("RUNNING", "enough")
    watch.told("ledger", Latch("", True, MONDAY, "fire", "file"))
    assert watch.status().state == "KILLED"
    watch.told("ledger", Latch("", False, MONDAY, "a drill", "resume"))
    watch.told("ledger", Latch("demo-1", False, MONDAY, "looked at", "resume"))
    assert (watch.status().state, watch.status().accounts[0].stopped) == ("RUNNING", "")
    assert [line.text for line in watch.log(0, 10)] == [
        "demo-1 is stopped, kill: enough",
        "everything is stopped, file: fire",
        "everything goes on, resume: a drill",
        "demo-1 goes on, resume: looked at",
    ]


def test_a_watched_flow_remembers_stops_and_armings_of_an_earlier_life() -> None:
    watch, _ = watching()
    latch = Latch("", True, MONDAY, "fire", "file")
    watch.told("ledger", Past((), {}, (latch,), armings=(Arming("A", "demo-1", MONDAY, MONDAY + HOUR, "somebody"),)))
    (account,) = watch.status().accounts
    assert watch.status().state == "KILLED"
    assert (account.armed, account.armed_until, account.money, account.rehearsal) == (True, MONDAY + HOUR, "real", True)


def test_a_watched_flow_says_once_that_an_arming_is_over() -> None:
    watch, clock = watching()
    watch.told("ledger", Arming("A", "demo-1", MONDAY, MONDAY + MINUTE, "somebody"))
    assert (watch.status().accounts[0].armed, list(watch.expired())) == (True, [])
    clock.moment += MINUTE
    (over,) = watch.expired()
    watch.told("clock", over)
    assert (watch.status().accounts[0].armed, list(watch.expired())) == (False, [])
    assert [line.text for line in watch.log(0, 10)] == [
        "demo-1 is ARMED for real money until 2026-01-05 10:01:00 (UTC) by somebody",
        "demo-1 is not armed any more, by its time: it is over",
    ]


def test_what_is_withdrawn_is_told_with_its_reason() -> None:
    arming = Arming("A", "demo-1", MONDAY, MONDAY, "somebody", "the news at two")
    assert remark(arming, UTC) == ("warning", "demo-1 is not armed any more, by somebody: the news at two")
    assert remark(replace(arming, reason=""), UTC) == ("warning", "demo-1 is not armed any more, by somebody")


# --- whose money -----------------------------------------------------------------------------------------------------


def test_a_rehearsal_is_a_warning_with_its_place_and_practice_money_is_none() -> None:
    (warning,) = plan_of(REAL).warnings
    assert warning.text("flows.toml") == (
        "flows.toml:9:9: [accounts.demo-1]: money is 'real' at a venue that moves nobody's money: this is a rehearsal; "
        "name a venue that takes real orders when it is over"
    )
    assert plan_of(SMALL).warnings == ()
    assert plan_of(SMALL.replace("[moonlight]", '[moonlight]\nmode = "live"')).warnings == ()


def test_demo_money_may_be_played_with_on_paper_and_live() -> None:
    demo = SMALL.replace('balance = "100.00"', 'balance = "100.00"\nmoney = "demo"')
    assert plan_of(demo).accounts["demo-1"].money == "demo"
    assert plan_of(demo.replace("[moonlight]", '[moonlight]\nmode = "live"')).accounts["demo-1"].money == "demo"

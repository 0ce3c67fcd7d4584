"""How accounts stand with their venues is seen by whoever looks: in the log, the status and the console."""

from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from pipeline.evidence import Standing, StandingState, Trouble
from pipeline.remarks import Remarks
from pipeline.values import Latch, Link
from pipeline.verbs.run_words import summary_line
from pipeline.view import Status
from pipeline.watch import Watch
from tests.sample_view import SampleView
from tests.screens import on_bench, run
from tests.support import MONDAY, plan_of
from tests.test_remarks import certificate

PLAN = plan_of()
BROKE = "the trading socket broke"


def standing(state: StandingState, reason: str = "") -> Standing:
    return Standing("demo-1", state, MONDAY, reason)


def test_why_a_connection_broke_is_said_once_and_that_it_is_back_is_news() -> None:
    remarks = Remarks(UTC)
    said = [
        remarks.of(each)
        for each in (
            standing("CONNECTED"),
            Trouble("demo-1", "network", BROKE, MONDAY),
            standing("RECONNECT", BROKE),
            standing("CONNECTED"),
            standing("CONNECTED"),
        )
    ]
    assert [each and tuple(each) for each in said] == [
        ("info", "demo-1 is CONNECTED", False),
        ("warning", f"demo-1: {BROKE} (network)", False),
        ("warning", "demo-1 is RECONNECT, nothing is sent", False),
        ("info", "demo-1 is CONNECTED again", True),
        ("info", "demo-1 is CONNECTED", False),
    ]


def test_a_reason_that_was_not_told_as_a_trouble_is_told_with_the_standing() -> None:
    remarks = Remarks(UTC)
    remarks.of(Trouble("demo-2", "network", BROKE, MONDAY))
    told = remarks.of(standing("RECONNECT", BROKE))
    assert told is not None
    assert told.text == f"demo-1 is RECONNECT, nothing is sent: {BROKE}"


def test_what_a_person_must_do_is_said_once() -> None:
    told = Remarks(UTC).of(standing("REFUSED", "no; nothing is tried again until `accounts login demo-1`"))
    assert told is not None
    assert told.text.count("nothing is tried again") == 1


def test_that_a_stop_is_released_is_news() -> None:
    stop = Latch(scope="", on=True, at=MONDAY, by="kill", reason="test")
    told = [Remarks(UTC).of(each) for each in (stop, replace(stop, on=False, by="resume", reason="seen to"))]
    assert [each and (each.level, each.over) for each in told] == [("warning", False), ("info", True)]


def test_that_prices_come_again_is_news_when_they_all_do() -> None:
    remarks = Remarks(UTC)
    remarks.of(Link(("A", "B"), up=False, at=MONDAY))
    first, last, later = (remarks.of(Link((name,), up=True, at=MONDAY)) for name in ("A", "B", "B"))
    assert first is not None
    assert not first.over
    assert last is not None
    assert (last.text, last.over) == ("prices of all products come again", True)
    assert later is not None
    assert not later.over


@pytest.mark.parametrize("state", ["AUTHENTICATING", "RECONNECT", "READ_ONLY", "REFUSED"])
def test_an_account_that_is_not_connected_is_in_the_status(state: StandingState) -> None:
    watch = Watch(PLAN, MONDAY, 1.0)
    watch.told("venues.broker", standing(state))
    assert [each.standing for each in watch.status().accounts] == [state]
    assert "1 of 1 accounts not connected" in summary_line(watch.status(), ZoneInfo("UTC"))

    watch.told("venues.broker", standing("CONNECTED"))
    assert [each.standing for each in watch.status().accounts] == [""]
    assert "not connected" not in summary_line(watch.status(), ZoneInfo("UTC"))


class Apart(SampleView):
    """One of its accounts is not let in."""

    def status(self) -> Status:
        status = super().status()
        first, *others = status.accounts
        return replace(status, accounts=(replace(first, standing="REFUSED"), *others))


def test_the_console_shows_who_is_not_connected(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, (200, 50), Apart()) as bench:
            await bench.shows("1 of 3 not connected", "+52.40 ! REFUSED")

    run(main())


def test_what_does_not_add_up_is_said_when_it_is_another_thing_and_when_it_does_again() -> None:
    remarks = Remarks(UTC)
    amiss = certificate("contract 7 was placed by somebody else")

    first = remarks.of(amiss)
    assert first is not None
    assert "does NOT add up" in first.text
    assert remarks.of(replace(amiss, at=amiss.at + 60_000)) is None
    assert remarks.of(replace(amiss, account="demo-2")) is not None
    assert remarks.of(replace(amiss, unexplained=("3.00 came from nowhere",))) is not None

    again = remarks.of(certificate())
    assert again is not None
    assert (again.level, again.over) == ("info", True)
    assert remarks.of(amiss) is not None

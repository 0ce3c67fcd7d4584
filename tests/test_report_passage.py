"""What a report says of the way of orders: how long each stage takes for each account, and what has not ended."""

from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.reporting import report_of
from pipeline.reporting.passage import MOST, stages, unended
from pipeline.reporting.subjects import Purse, Subject
from pipeline.times import MINUTE
from pipeline.values import Order
from tests.support import MONDAY, order, plan_of

UTC = ZoneInfo("UTC")


def subject(orders: Iterable[Order]) -> Subject:
    return Subject(Purse("paper", "USD"), tuple(orders), UTC)


def passed(number: int, sent: int, answer: int, account: str = "demo-1", **changes: Any) -> Order:
    """An order that was sent and answered so many ms after each other, entered 100 ms later and ended 300 ms late."""
    wanted = MONDAY + MINUTE + 10
    stamps = {
        "wanted_at": wanted,
        "sent_at": wanted + sent,
        "taken_at": wanted + sent + answer,
        "entry_ts": wanted + sent + answer + 100,
        "expiry": MONDAY + 2 * MINUTE,
        "ended_at": MONDAY + 2 * MINUTE + 300,
    }
    return order("SETTLED", order=f"{account}-{number}", account=account, **(stamps | changes))


def test_each_stage_has_its_quantiles_for_each_account() -> None:
    orders = [
        *(passed(number, sent=number, answer=10 * number) for number in range(101)),
        passed(0, sent=7, answer=70, account="demo-2"),
    ]
    said = stages(subject(orders))
    assert said is not None
    assert said.facts["demo-1"] == {
        "decided": {"n": 101, "p50": 10.0, "p95": 10.0, "p99": 10.0},
        "sent": {"n": 100 + 1, "p50": 50.0, "p95": 95.0, "p99": 99.0},
        "answered": {"n": 101, "p50": 500.0, "p95": 950.0, "p99": 990.0},
        "entered": {"n": 101, "p50": 600.0, "p95": 1050.0, "p99": 1090.0},
        "ended": {"n": 101, "p50": 300.0, "p95": 300.0, "p99": 300.0},
    }
    assert said.text.startswith(
        "ms at 50/95/99 %: demo-1: bar to decision 10/10/10, to sending 50/95/99, to the answer "
    )
    assert "; demo-2: bar to decision 10/10/10, to sending 7/7/7, to the answer 70/70/70, " in said.text


def test_a_stage_that_nobody_went_through_is_not_told() -> None:
    said = stages(subject([passed(1, sent=5, answer=0, taken_at=0, entry_ts=0, expiry=0, ended_at=0)]))
    assert said is not None
    assert set(said.facts["demo-1"]) == {"decided", "sent"}
    assert stages(subject([order("SETTLED")])) is None


def test_orders_of_somebody_else_say_nothing_of_our_line() -> None:
    assert stages(subject([passed(1, sent=5, answer=5, origin="external")])) is None


def test_what_has_not_ended_is_named_the_unknown_first() -> None:
    said = unended(
        subject(
            [
                order("CONFIRM", order="a", product="BTCUSD", tf=15 * MINUTE),
                order("UNKNOWN", order="b", reason="no answer from the venue in time", at=MONDAY + 5 * MINUTE),
                order("SETTLED", order="c"),
            ]
        )
    )
    assert said is not None
    assert said.text == (
        "1 open, 1 unknown: demo-1 EURUSD 1m call 1.00 UNKNOWN since 2026-01-05 10:05:00 (no answer from the venue in "
        "time); demo-1 BTCUSD 15m call 1.00 CONFIRM since 2026-01-05 10:01:00"
    )
    assert [each["order"] for each in said.facts["orders"]] == ["b", "a"]


def test_many_that_have_not_ended_are_counted() -> None:
    said = unended(subject([order("CONFIRM", order=str(number)) for number in range(MOST + 5)]))
    assert said is not None
    assert said.text.endswith("; and 5 more")
    assert len(said.facts["orders"]) == MOST + 5


def test_what_has_not_ended_belongs_to_every_report_however_late_it_begins() -> None:
    report = report_of([order("UNKNOWN")], plan_of(), since=MONDAY + 100 * MINUTE)
    assert report.empty
    assert [" ".join(line.split()) for line in report.unended()] == [
        "not ended 0 open, 1 unknown: demo-1 EURUSD 1m call 1.00 UNKNOWN since 2026-01-05 10:01:00"
    ]


@settings(max_examples=40, deadline=None)
@given(
    answers=st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 10_000), st.booleans()), min_size=1, max_size=30)
)
def test_no_stage_is_shorter_than_nothing_and_each_counts_who_went_through_it(
    answers: list[tuple[int, int, bool]],
) -> None:
    whole = [passed(number, sent, answer) for number, (sent, answer, _) in enumerate(answers)]
    orders = [each if answers[number][2] else replace(each, taken_at=0) for number, each in enumerate(whole)]
    said = stages(subject(orders))
    assert said is not None
    found = said.facts["demo-1"]
    heard = [answer for _, answer, heard in answers if heard]
    assert found["sent"]["n"] == len(answers)
    assert ("answered" in found) == bool(heard)
    if heard:
        assert found["answered"]["n"] == len(heard)
        assert (
            min(heard) <= found["answered"]["p50"] <= found["answered"]["p95"] <= found["answered"]["p99"] <= max(heard)
        )

"""What people are told of a market beside its prices."""

from datetime import UTC
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from pipeline.evidence import Audited, Cash, Dispute
from pipeline.remarks import Remarks, remark
from pipeline.times import MINUTE
from pipeline.values import HEALTH, Certificate, Gap, Health, Link, NoData, Noticed, Repaint, Slept, Stalled
from tests.support import MONDAY


def health(product: str, state: str) -> Health:
    one = np.array([0.0])
    return Health(product, np.array([MONDAY]), np.array([HEALTH.index(state)], np.int8), one, one, one)


def certificate(*unexplained: str) -> Certificate:
    nothing, held = Decimal(0), Decimal("100.00")
    return Certificate("demo-1", 0, MONDAY, MONDAY, 0, 0, held, nothing, nothing, nothing, held, unexplained)


SAID: list[tuple[Any, str, str]] = [
    (
        Gap("EURUSD", MINUTE, MONDAY, MONDAY + 2 * MINUTE, MONDAY + 3 * MINUTE),
        "warning",
        "EURUSD: 2 bars of 1m missing from 2026-01-05 10:00:00",
    ),
    (Noticed("EURUSD", "mended", 2), "info", "EURUSD: mended (2)"),
    (Link(("EURUSD", "BTCUSD"), up=False, at=MONDAY), "warning", "EURUSD, BTCUSD: the connection broke"),
    (Link(("EURUSD",), up=True, at=MONDAY), "info", "EURUSD: connected again"),
    (
        Repaint("demo-1", "EURUSD", MINUTE, MONDAY + MINUTE, MONDAY, "call", "no trade", MONDAY + 5 * MINUTE),
        "warning",
        "the venue changed EURUSD 1m 2026-01-05 10:00:00: demo-1's call at 2026-01-05 10:01:00 would have "
        "been no trade",
    ),
    (certificate(), "info", "demo-1 adds up as of 2026-01-05 10:00:00, it holds 100.00"),
    (
        certificate("order demo-1:EURUSD:1m:1 is UNKNOWN: nobody knows", "another", "a third"),
        "warning",
        "demo-1 does NOT add up as of 2026-01-05 10:00:00: order demo-1:EURUSD:1m:1 is UNKNOWN: nobody knows "
        "(and 2 more: `reconcile` shows them)",
    ),
    (
        Dispute("demo-1:EURUSD:1m:1", "demo-1", MONDAY, "win +0.90", "lose -1.00"),
        "warning",
        "order demo-1:EURUSD:1m:1 was win +0.90 and is told to be lose -1.00: nothing is changed, look into it",
    ),
    (
        Audited("demo-1:EURUSD:1m:1", "demo-1", MONDAY, "unexplained", reason="exit 2 is in none of our ticks"),
        "warning",
        "the settlement of demo-1:EURUSD:1m:1 is not explained by our ticks: exit 2 is in none of our ticks",
    ),
    (
        Cash("D-1", MONDAY, Decimal("50.00"), "deposit", "demo-1"),
        "info",
        "demo-1: +50.00 without a contract (deposit)",
    ),
    (
        Slept(MONDAY, MONDAY + 90_000),
        "warning",
        "the machine slept, or the program was stopped, for 90 s; bars of that time are missed",
    ),
    (
        Slept(MONDAY, MONDAY + 90_000, "stepped"),
        "warning",
        "the machine's clock was set by 90 s; bars of that time are missed",
    ),
    (
        Slept(MONDAY, MONDAY + 90_000, "blocked"),
        "warning",
        "the program was busy with one thing for 90 s; bars of that time are missed",
    ),
    (
        Stalled(2_400, "blocked"),
        "warning",
        "the program was busy with one thing for 2.4 s; what was due meanwhile came late",
    ),
    (
        Stalled(3_000, "blocked", "providers.fade on EURUSD 1m"),
        "warning",
        "the program was busy with providers.fade on EURUSD 1m for 3.0 s; what was due meanwhile came late",
    ),
    (
        Stalled(12_000, "blocked"),
        "warning",
        "the program was busy with one thing for 12.0 s; what was due meanwhile came late; "
        "what it was doing after 10 s is in stalls.txt, beside the ledger",
    ),
    (health("", "stale"), "warning", "the feed is stale"),
    (health("", "live"), "info", "the feed is live"),
]


@pytest.mark.parametrize(("value", "level", "text"), SAID, ids=[type(each[0]).__name__ for each in SAID])
def test_what_happens_to_a_market_is_one_sentence(value: Any, level: str, text: str) -> None:
    assert remark(value, UTC) == (level, text)


@pytest.mark.parametrize("value", [health("EURUSD", "stale"), NoData("EURUSD", MINUTE, MONDAY, 1, "silent", MONDAY)])
def test_what_comes_and_goes_all_the_time_is_not_told(value: Any) -> None:
    assert remark(value, UTC) is None


def test_that_nobody_has_the_prices_before_the_first_is_no_broken_connection() -> None:
    said = Remarks(UTC)
    told = [Link(("EURUSD",), up=up, at=MONDAY, beginning=True) for up in (False, True)]
    assert [said.of(each) for each in told] == [None, None]
    assert said.of(Link(("EURUSD",), up=False, at=MONDAY)) is not None


def test_times_are_those_of_the_reader() -> None:
    gap = Gap("EURUSD", MINUTE, MONDAY, MONDAY + MINUTE, MONDAY + MINUTE)
    assert remark(gap, ZoneInfo("Europe/Istanbul")) == (
        "warning",
        "EURUSD: 1 bar of 1m missing from 2026-01-05 13:00:00",
    )

"""What a flow gives that somebody should hear of, and when that is over."""

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.alerting.edges import Sign
from pipeline.alerting.noticing import Noticing
from pipeline.alerting.settings import Alerting
from pipeline.changes.notices import Notice
from pipeline.changes.proposal import Changed
from pipeline.evidence import Audited, Dispute, Standing
from pipeline.hogging.pauses import Resting
from pipeline.lives import STOPPED_FOR
from pipeline.service import Diagnosis, LaneReport
from pipeline.times import DAY, HOUR, MINUTE, SECOND
from pipeline.values import (
    HEALTH,
    Arming,
    Certificate,
    Decisions,
    Fault,
    GateRow,
    Health,
    Latch,
    Life,
    Link,
    Order,
    Past,
    Slept,
    Stalled,
    Votes,
)
from tests.support import MONDAY, SMALL, order, plan_of, signals

JUDGED = SMALL.replace("[features]", '[operators.health]\nuse = "health"\nfrom = "market"\n\n[features]')


def noticing(text: str = SMALL, **settings: Any) -> Noticing:
    return Noticing(plan_of(text), Alerting(**settings))


def signs(whole: Noticing, *values: Any, node: str = "somebody") -> list[Sign]:
    return [sign for value in values for sign in whole.of(node, value)]


def quoted(whole: Noticing, at: int, *products: str) -> list[tuple[str, str, bool]]:
    """What is seen at a moment at which these have just spoken."""
    for product in products:
        whole.quoted(product)
    return brief(whole.look(at))


def brief(found: Iterable[Sign]) -> list[tuple[str, str, bool]]:
    return [(each.code, each.subject, each.on) for each in found]


def begun(found: Iterable[Sign]) -> list[tuple[str, str]]:
    return [(each.code, each.subject) for each in found if each.on]


def certificate(*unexplained: str) -> Certificate:
    nothing = Decimal(0)
    return Certificate("demo-1", MONDAY, MONDAY, MONDAY, 0, 0, nothing, nothing, nothing, nothing, nothing, unexplained)


def health(state: str, product: str = "") -> Health:
    one = np.array([0.0])
    return Health(product, np.array([MONDAY]), np.array([HEALTH.index(state)], np.int8), one, one, one)


def decided(*rows: GateRow, account: str = "demo-1") -> Decisions:
    one, none = np.array([MONDAY]), np.array([np.nan])
    small = np.array([0], np.int8)
    gates = tuple(each.gate for each in rows)
    return Decisions(
        account, "EURUSD", MINUTE, gates, one, one, small, none, none, none, small, none, {}, {0: tuple(rows)}
    )


def settled(number: int, profit: str, at: int = MONDAY, account: str = "demo-1") -> Order:
    return order("SETTLED", order=f"no. {number}", account=account, profit=profit, result="lose", at=at)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Latch("demo-1", True, MONDAY, "it looks wrong", "ada"), ("KILL_SWITCH", "demo-1")),
        (Latch("", True, MONDAY, "the file", "file"), ("KILL_SWITCH", "")),
        (Latch("demo-1", True, MONDAY, "stops after 5 losses", "streak"), ("LATCH", "demo-1")),
        (Latch("", True, MONDAY, STOPPED_FOR, "run"), ("CRASH_LOOP", "")),
        (certificate("the balance is 3.00 short"), ("UNRECONCILED", "demo-1")),
        (Dispute("no. 1", "demo-1", MONDAY, "win", "lose"), ("DISPUTE", "demo-1")),
        (Audited("no. 1", "demo-1", MONDAY, "unexplained", reason="another price"), ("UNEXPLAINED", "demo-1")),
        (order("UNKNOWN"), ("ORDER_UNKNOWN", "demo-1 EURUSD 1m")),
        (order("UNKNOWN_RESULT"), ("ORDER_UNKNOWN", "demo-1 EURUSD 1m")),
        (Standing("demo-1", "RECONNECT", MONDAY, "it broke"), ("CONNECTION", "demo-1")),
        (Arming("a", "real-1", MONDAY, MONDAY + HOUR, "ada"), ("ARMED", "real-1")),
        (Life("demo-1", "EURUSD", MINUTE, "PAUSED", MONDAY, "3 errors in a row"), ("KEY_PAUSED", "demo-1 EURUSD 1m")),
        (Fault("providers.cross", MONDAY, "ZeroDivisionError"), ("STRATEGY_FAULT", "providers.cross")),
        (Fault("operators.bars", MONDAY, "KeyError"), ("NODE_FAULT", "operators.bars")),
        (Resting("providers.cross", MONDAY, MONDAY + MINUTE, "it hogs"), ("STRATEGY_HOG", "providers.cross")),
        (Changed(MONDAY, applied=("risk.main",)), ("CONFIG_CHANGED", "")),
        (Notice("error", "the edit was not taken over: line 3", MONDAY), ("CONFIG_REFUSED", "")),
        (Stalled(12_000, "blocked"), ("ENGINE_STALLED", "")),
        (Slept(MONDAY, MONDAY + HOUR, "slept"), ("ENGINE_STALLED", "")),
        (Slept(MONDAY, MONDAY + HOUR, "stepped"), ("CLOCK_STEP", "")),
        (health("stale"), ("FEED_STALE", "")),
        (health("suspect", "EURUSD"), ("FEED_STALE", "EURUSD")),
        (Link(("EURUSD",), up=False, at=MONDAY), ("FEED_STALE", "EURUSD")),
    ],
)
def test_each_of_these_is_a_sign_and_its_sentence_says_of_what(value: Any, expected: tuple[str, str]) -> None:
    found = signs(noticing(), value)
    assert begun(found) == [expected]
    assert all(len(each.text) > 10 for each in found if each.on)


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        (Latch("demo-1", True, MONDAY, "why", "ada"), Latch("demo-1", False, MONDAY, "well", "ada")),
        (Latch("", True, MONDAY, STOPPED_FOR, "run"), Latch("", False, MONDAY, "looked at", "ada")),
        (certificate("short"), certificate()),
        (order("UNKNOWN"), order("CONFIRM")),
        (order("UNKNOWN_RESULT"), order("SETTLED")),
        (Standing("demo-1", "REFUSED", MONDAY, "no"), Standing("demo-1", "CONNECTED", MONDAY)),
        (Arming("a", "real-1", MONDAY, MONDAY + HOUR, "ada"), Arming("a", "real-1", MONDAY, MONDAY, "ada")),
        (Life("demo-1", "EURUSD", MINUTE, "PAUSED", MONDAY), Life("demo-1", "EURUSD", MINUTE, "RUNNING", MONDAY)),
        (Resting("providers.cross", MONDAY, MONDAY + 1, "hogs"), Resting("providers.cross", MONDAY, 0)),
        (health("down"), health("live")),
        (Link(("EURUSD",), up=False, at=MONDAY), Link(("EURUSD",), up=True, at=MONDAY)),
    ],
)
def test_what_ends_one_of_them_says_so_of_the_same_subject_and_cause(begins: Any, ends: Any) -> None:
    whole = noticing()
    on = {(each.code, each.subject, each.cause) for each in signs(whole, begins) if each.on}
    off = {(each.code, each.subject, each.cause) for each in signs(whole, ends) if not each.on}
    assert on
    assert on <= off


def test_a_login_that_is_refused_is_graver_than_a_connection_that_is_away() -> None:
    found = signs(noticing(), Standing("demo-1", "REFUSED", MONDAY, "the password is wrong"))
    assert begun(found) == [("CONNECTION", "demo-1"), ("LOGIN_REFUSED", "demo-1")]


def test_a_strategy_that_speaks_again_has_recovered() -> None:
    whole = noticing()
    votes = Votes("cross", signals().columns, np.array([0.5]))
    assert signs(whole, votes, node="providers.cross") == []
    signs(whole, Fault("providers.cross", MONDAY, "no"), node="providers.cross")
    failed = Votes("cross", signals().columns, np.array([np.nan]), fault="no")
    assert signs(whole, failed, node="providers.cross") == []
    assert brief(signs(whole, votes, node="providers.cross")) == [("STRATEGY_FAULT", "providers.cross", False)]


def test_a_day_s_loss_is_told_from_its_share_on_and_is_over_with_the_day() -> None:
    whole = noticing(daily_loss_near=0.8)  # of 20.00
    assert signs(whole, settled(1, "-15.99")) == signs(whole, settled(1, "-15.99")) == [_known(1)]
    near, _ = signs(whole, settled(2, "-0.01"))
    assert (near.code, near.on) == ("DAILY_LOSS_NEAR", True)
    assert near.text == "demo-1 has lost 16.00 today, of 20.00 that a day may cost (UTC day)"
    assert brief(whole.look(MONDAY + HOUR)) == []
    assert ("DAILY_LOSS_NEAR", "demo-1", False) in brief(whole.look(MONDAY + DAY))
    assert brief(signs(whole, settled(3, "-15.99", MONDAY + DAY))) == [("ORDER_UNKNOWN", "demo-1 EURUSD 1m", False)]


def _known(number: int) -> Sign:
    return Sign("ORDER_UNKNOWN", "demo-1 EURUSD 1m", on=False, cause=f"no. {number}")


def test_a_gain_takes_a_day_s_loss_back_and_accounts_do_not_share_a_day() -> None:
    whole = noticing()
    assert ("DAILY_LOSS_NEAR", "demo-1") in begun(signs(whole, settled(1, "-18.00")))
    assert ("DAILY_LOSS_NEAR", "demo-1", False) in brief(signs(whole, settled(2, "9.00")))
    assert begun(signs(whole, settled(3, "-18.00", account="somebody else's"))) == []


def test_the_day_of_a_loss_is_the_guard_s_own() -> None:
    whole = noticing(SMALL.replace('max_daily_loss = "20.00"', 'max_daily_loss = "20.00"\nday = "Asia/Tokyo"'))
    midnight = MONDAY - MONDAY % DAY + 15 * HOUR  # in Tokyo
    signs(whole, settled(1, "-10.00", midnight - SECOND))
    assert begun(signs(whole, settled(2, "-10.00", midnight))) == []
    assert begun(signs(whole, settled(3, "-10.00", midnight + SECOND))) == [("DAILY_LOSS_NEAR", "demo-1")]


def test_what_held_before_a_start_is_told_again_and_a_day_s_loss_goes_on() -> None:
    past = Past(
        orders=(order("UNKNOWN"), settled(7, "-19.00")),
        earlier_profit={},
        latches=(Latch("demo-1", True, MONDAY, "why", "ada"),),
        armings=(Arming("a", "real-1", MONDAY, MONDAY + HOUR, "ada"),),
        certificates=(certificate("short"),),
    )
    whole = noticing()
    assert begun(signs(whole, past, node="ledger")) == [
        ("ORDER_UNKNOWN", "demo-1 EURUSD 1m"),
        ("DAILY_LOSS_NEAR", "demo-1"),
        ("KILL_SWITCH", "demo-1"),
        ("ARMED", "real-1"),
        ("UNRECONCILED", "demo-1"),
    ]
    assert brief(whole.look(MONDAY + 2 * HOUR)) == [("ARMED", "real-1", False)]


def test_a_gate_that_shuts_for_what_happened_is_told_once_and_over_when_it_opens() -> None:
    whole = noticing()
    shut = GateRow("breaker", 42.0, 0.0, "no")
    (trip,) = signs(whole, decided(shut), decided(shut))
    assert (trip.code, trip.subject, trip.on) == ("CIRCUIT_BREAKER_TRIP", "demo-1", True)
    assert "rests for 42 s" in trip.text
    assert brief(signs(whole, decided(GateRow("breaker", 0.0, 0.0, "yes")))) == [
        ("CIRCUIT_BREAKER_TRIP", "demo-1", False)
    ]
    (limit,) = signs(whole, decided(GateRow("daily_loss", -21.0, -20.0, "no"), GateRow("vote", 0.0, 0.0, "no")))
    assert (limit.code, limit.subject) == ("LIMIT_REACHED", "demo-1")
    assert "daily_loss says no, -21.00 against -20.00" in limit.text


def test_a_limit_of_keys_is_told_of_the_key() -> None:
    whole = noticing()
    assert begun(signs(whole, decided(GateRow("trades", 11.0, 10.0, "no", "1h, key")))) == [
        ("LIMIT_REACHED", "demo-1 EURUSD 1m")
    ]
    assert brief(signs(whole, decided(GateRow("trades", 3.0, 10.0, "yes", "1h, key")))) == [
        ("LIMIT_REACHED", "demo-1 EURUSD 1m", False)
    ]


def test_a_product_that_falls_silent_in_open_market_is_told_and_one_that_is_closed_is_not() -> None:
    whole = noticing(silence="2m")
    assert quoted(whole, MONDAY, "EURUSD", "BTCUSD") == []
    assert quoted(whole, MONDAY + MINUTE, "BTCUSD") == []
    assert quoted(whole, MONDAY + 2 * MINUTE) == [("FEED_STALE", "EURUSD", True)]
    assert not whole.quiet(MONDAY + 2 * MINUTE), "one of two speaks"
    assert whole.quiet(MONDAY + 3 * MINUTE)
    assert quoted(whole, MONDAY + 4 * MINUTE, "EURUSD", "BTCUSD") == [("FEED_STALE", "EURUSD", False)]
    saturday = MONDAY + 5 * DAY
    assert quoted(whole, saturday, "BTCUSD") == []
    assert quoted(whole, saturday + MINUTE) == []
    assert not whole.quiet(saturday + MINUTE)


def test_what_a_change_of_the_flow_takes_away_holds_no_alert_for_ever() -> None:
    whole = noticing(silence="2m")
    quoted(whole, MONDAY, "EURUSD", "BTCUSD")
    assert quoted(whole, MONDAY + 3 * MINUTE, "EURUSD") == [("FEED_STALE", "BTCUSD", True)]
    signs(whole, Fault("providers.cross", MONDAY, "it broke"))
    less = SMALL.replace('["EURUSD", "BTCUSD"]', '["EURUSD"]').replace("providers.cross", "providers.other")
    whole.changed(plan_of(less.replace('["cross"]', '["other"]')), Alerting(silence="2m"))
    gone = quoted(whole, MONDAY + 4 * MINUTE, "EURUSD")
    assert sorted(gone) == [("FEED_STALE", "BTCUSD", False), ("STRATEGY_FAULT", "providers.cross", False)]
    assert quoted(whole, MONDAY + 5 * MINUTE, "EURUSD") == []


def test_where_a_health_of_the_flow_judges_prices_their_silence_is_left_to_it() -> None:
    whole = noticing(JUDGED, silence="1s")
    assert quoted(whole, MONDAY, "EURUSD", "BTCUSD") == quoted(whole, MONDAY + HOUR) == []
    assert brief(signs(whole, health("stale", "EURUSD"))) == [("FEED_STALE", "EURUSD", False)]
    assert begun(signs(whole, health("stale"))) == [("FEED_STALE", "")]


def test_another_plan_brings_other_limits_and_what_a_day_has_lost_stays_lost() -> None:
    whole = noticing()
    signs(whole, settled(1, "-9.00"))
    half = plan_of(SMALL.replace('max_daily_loss = "20.00"', 'max_daily_loss = "11.00"'))
    whole.changed(half, Alerting(silence="1s"))
    assert ("DAILY_LOSS_NEAR", "demo-1") in begun(signs(whole, settled(2, "-0.01")))
    assert quoted(whole, MONDAY, "EURUSD", "BTCUSD") == []
    assert len(quoted(whole, MONDAY + SECOND)) == 2


def test_a_publisher_is_amiss_while_redis_is_away_or_something_is_dropped() -> None:
    whole = noticing()
    assert begun(signs(whole, diagnosis())) == []
    (away,) = signs(whole, diagnosis(redis="backoff"))
    assert (away.code, away.subject, away.on) == ("PUBLISHER", "sinks.out", True)
    assert brief(signs(whole, diagnosis())) == [("PUBLISHER", "sinks.out", False)]
    (lost,) = signs(whole, diagnosis(dropped=3))
    assert "lane prices was full, 3 dropped" in lost.text
    assert begun(signs(whole, diagnosis(dropped=3))) == [], "it has dropped no more"


def diagnosis(redis: Any = "connected", dropped: int = 0) -> Diagnosis:
    lane = LaneReport("prices", "running", 0, 10, 9, 9, 0, dropped)
    return Diagnosis(
        whose="sinks.out",
        at=MONDAY,
        state="STREAM",
        since=MONDAY,
        process="stream",
        market="open",
        price="ok",
        ohlcv="ok",
        note="ok",
        calendar_open=True,
        ticks_alive=True,
        next_open=0,
        tick_silence_seconds=0.0,
        quiet=(),
        published={},
        lanes=(lane,),
        streams=(),
        redis=redis,
    )


def test_the_settings_are_checked_with_the_file(tmp_path: Path) -> None:
    plan = plan_of(SMALL + '\n[alerting]\npatience = "1m"\ndaily_loss_near = 0.5\n', tmp_path)
    assert (plan.alerting.patience, plan.alerting.daily_loss_near) == ("1m", 0.5)

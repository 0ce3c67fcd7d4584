"""The heartbeat: four words that listeners take as its state, and everything else beside them."""

import json
from typing import Any

import msgspec
import pytest

from pipeline.channels.encoding import encoded
from pipeline.channels.messages import Heartbeat
from pipeline.publishing.figures import Figures, diagnosis_of
from pipeline.publishing.heartbeat import MANY, heartbeat_of, wire_state
from pipeline.service import DiagState, LaneReport, Pace, Quota
from pipeline.times import HOUR, MINUTE, SECOND
from tests.pulses import MONDAY, SATURDAY, Driven, bars, quote

LANES = (
    LaneReport(
        "ohlcv", "running", 1, 200, enqueued=9, processed=7, conflated=0, dropped=0, spilled=1, idle_seconds=2.0
    ),
    LaneReport("price_snapshots", "waiting", 2, 500, enqueued=20, processed=15, conflated=3, dropped=0),
)


def beat(driven: Driven, figures: Figures | None = None, lanes: tuple[LaneReport, ...] = LANES) -> Heartbeat:
    picture = driven.look()
    told = diagnosis_of("sinks.redis", picture, driven.pulse, figures or Figures(redis="connected"), lanes)
    made = heartbeat_of(picture, driven.pulse, told, "fxcm:price_tik", 3.0)
    assert json.loads(encoded(made, driven.now)) == msgspec.to_builtins(made)
    return made


def streaming() -> Driven:
    driven = Driven("XAUUSD").ticking(60)
    driven.bar()
    return driven.ticking(2)


# --- its state -------------------------------------------------------------------------------------------------------


def test_d16_a_heartbeat_tells_the_warm_up_and_the_stream_apart_and_names_the_streams() -> None:
    driven = Driven("XAUUSD", timeframes=(MINUTE, 5 * MINUTE))
    made = beat(driven)
    assert (made.state, made.context["mode"], made.context["stream_targets"]) == ("warmup", "warmup", [])
    driven.tick(seconds=1)
    assert beat(driven).state == "warmup"
    driven.after(60).bar(fresh=False)
    made = beat(driven)
    assert (made.state, made.context["mode"]) == ("warmup_cache", "warmup_cache")
    driven.ticking(60)
    driven.bar()
    made = beat(driven)
    assert (made.state, made.context["mode"], made.context["diag_state"]) == ("stream", "stream", "STREAM")
    close = MONDAY + 2 * MINUTE
    assert made.context["stream_targets"][-1] == {
        "symbol": "XAUUSD",
        "tf": "1m",
        "last_close_ms": close - 1,
        "lag_seconds": 1.0,
    }
    assert made.context["bars_published"] == 2
    assert (made.last_bar_close_ms, made.tick_silence_seconds, made.ts) == (close - 1, 0.0, "2026-01-05T10:02:01.000Z")


@pytest.mark.parametrize(
    ("state", "nothing", "past", "new"),
    [
        ("STREAM", "warmup", "warmup_cache", "stream"),
        ("IDLE", "idle", "idle", "idle"),
        ("RECOVERING", "warmup", "warmup_cache", "idle"),
        ("DISCONNECTED", "warmup", "warmup_cache", "idle"),
    ],
)
def test_each_of_our_states_is_one_of_the_four_words_by_what_was_published(
    state: DiagState, nothing: str, past: str, new: str
) -> None:
    said: list[str] = []
    for fresh, count in ((False, 0), (False, 3), (True, 4)):
        driven = streaming() if fresh else Driven("XAUUSD").ticking(5)
        put_into(driven, state)
        said.append(wire_state(driven.look(), count))
    assert said == [nothing, past, new]


def put_into(driven: Driven, state: DiagState) -> None:
    match state:
        case "STREAM":
            pass
        case "DISCONNECTED":
            driven.link(up=True)
            driven.link(up=False)
        case "RECOVERING":
            driven.after(60)
        case "IDLE":
            driven.after((SATURDAY - driven.now) / SECOND)
    assert driven.state == state


def test_a_silent_stream_in_open_market_is_no_stream_that_is_well() -> None:
    driven = streaming().after(30)
    made = beat(driven)
    assert (made.state, made.context["diag_state"], made.context["idle_reason"]) == ("idle", "STREAM", "no ticks 30s")


def test_d02_the_heartbeat_streams_in_closed_time_while_prices_come_and_says_so() -> None:
    driven = Driven("XAUUSD", begins=SATURDAY).ticking(60)
    driven.bar()
    driven.ticking(3)
    made = beat(driven)
    told = {key: made.context[key] for key in ("calendar_open", "ticks_alive", "effective_market_open", "market_pause")}
    assert made.state == "stream"
    assert told == {"calendar_open": False, "ticks_alive": True, "effective_market_open": True, "market_pause": False}


def test_d03_the_heartbeat_of_a_saturday_is_idle_and_says_why_and_until_when() -> None:
    made = beat(Driven("XAUUSD", begins=SATURDAY))
    context = made.context
    assert (made.state, context["mode"], context["diag_state"]) == ("idle", "idle", "IDLE")
    assert context["idle_reason"] == "weekend (2d)"
    assert context["session"]["tag"] == "fx"
    assert context["session"]["timezone"] == "America/New_York"
    assert context["next_open_ms"] == context["session"]["next_open_ms"] == SATURDAY + 34 * HOUR
    assert context["next_open_seconds"] == 34 * 3600.0
    assert context["market_pause"] is True


def test_d19_an_idle_heartbeat_tells_the_last_bar_of_an_earlier_life_and_how_long_ago_it_closed() -> None:
    driven = Driven(begins=SATURDAY, known=False)
    closed = SATURDAY - 14 * HOUR
    driven.pulse.restored("XAUUSD", MINUTE, closed - MINUTE, driven.now)
    made = beat(driven)
    assert made.state == "idle"
    assert made.last_bar_close_ms == closed - 1
    assert made.context["lag_seconds"] == 14 * 3600.0
    assert made.context["bars_published"] == 0
    assert made.context["stream_targets"] == []
    driven.pulse.given(bars("XAUUSD", closed - HOUR, count=9, fresh=0), driven.now)
    assert beat(driven).context["stream_targets"][0]["last_close_ms"] == closed - 1


# --- what stands beside it -------------------------------------------------------------------------------------------


def test_d18_a_heartbeat_carries_the_quota_of_history_the_tasks_and_the_prices() -> None:
    driven = streaming()
    quota = Quota(27, 30, 200, 600, "critical", True, "minute_quota", 12.5, {"XAUUSD:1m": 4}, 4)
    pace = {"1m": Pace(2.0, "prices come", driven.now + 2000), "5m": Pace(10.0, "prices come", driven.now + 9000)}
    driven.report(quota=quota, pace=pace, history_calls=40, history_failures=1)
    context = beat(driven).context
    assert context["history"] == {
        "minute": 27,
        "per_minute": 30,
        "hour": 200,
        "per_hour": 600,
        "state": "critical",
        "throttled": True,
        "reason": "minute_quota",
        "next_slot_seconds": 12.5,
        "skipped": {"XAUUSD:1m": 4},
        "throttled_total": 4,
        "ready": True,
        "calls": 40,
        "failures": 1,
        "not_ready": 0,
    }
    assert context["diag"] == {"throttled": True}
    assert (context["poll_seconds_m1"], context["poll_seconds_m5"]) == (2.0, 10.0)
    assert context["tick_cadence"]["1m"] == {"seconds": 2.0, "reason": "prices come", "next_at": driven.now + 2000}
    supervisor = context["supervisor"]
    totals = {key: supervisor[f"total_{key}"] for key in ("enqueued", "processed", "conflated", "dropped")}
    assert totals == {"enqueued": 29, "processed": 22, "conflated": 3, "dropped": 0}
    assert supervisor["queue_depth_total"] == 3
    assert supervisor["tasks"] == {
        "ohlcv": {"state": "running", "idle_seconds": 2.0},
        "price_snapshots": {"state": "waiting", "idle_seconds": 0.0},
    }
    assert supervisor["lanes"]["ohlcv"]["spilled"] == 1


def test_what_was_published_and_how_redis_is_reached_stand_in_it() -> None:
    figures = Figures(
        published={"ohlcv": 4, "heartbeat": 2},
        backpressure_events=1,
        redis="backoff",
        redis_backoff_seconds=7.5,
        last_snapshot_at=MONDAY + 500,
    )
    made = beat(streaming(), figures)
    assert made.price_snap_ts == (MONDAY + 500) / SECOND
    assert made.context["backoff"]["redis"] == {"active": True, "seconds": 7.5}
    supervisor = made.context["supervisor"]
    assert (supervisor["publish_counts"], supervisor["publishes_total"]) == ({"ohlcv": 4, "heartbeat": 2}, 6)
    assert supervisor["backpressure_events"] == 1


def test_a_source_that_backs_off_is_told_with_what_is_left_and_what_failed() -> None:
    driven = streaming()
    driven.report(
        session="reconnecting",
        backoff_seconds=20.0,
        backoff_until=driven.now + 20_000,
        last_error="session lost",
    )
    context = beat(driven.after(5)).context
    assert context["backoff"]["feed"] == {"active": True, "seconds": 15.0}
    assert (context["backoff_seconds"], context["fxcm_backoff_active"]) == (15.0, True)
    assert (context["feed_session"], context["last_fxcm_error"]) == ("reconnecting", "session lost")
    assert context["diag_state_since"] == "2026-01-05T10:01:02.000Z"
    assert beat(driven.after(20)).context["backoff"]["feed"] == {"active": False, "seconds": 0.0}


def test_the_stream_of_prices_is_told_with_each_product_the_quietest_first() -> None:
    driven = Driven("EURUSD", "XAUUSD", "GER/30")
    driven.tick("XAUUSD")
    driven.tick("EURUSD", seconds=2)
    driven.pulse.quotes(quote("bad name!", driven.now), driven.now)
    told: dict[str, Any] = beat(driven.after(1)).context["price_stream"]
    rows = told.pop("symbols_state")
    assert [(row["symbol"], row["tick_age"]) for row in rows] == [("XAUUSD", 3.0), ("EURUSD", 1.0)]
    assert rows[0] == {
        "symbol": "XAUUSD",
        "bid": 1.1,
        "ask": 1.1 * 1.0001,
        "mid": (1.1 + 1.1 * 1.0001) / 2,
        "tick_ts": MONDAY / SECOND,
        "tick_age": 3.0,
    }
    assert told == {
        "state": "ok",
        "tick_silence_seconds": 1.0,
        "symbols_total": 2,
        "queue": 2,
        "channel": "fxcm:price_tik",
        "last_snap_ts": None,
        "last_tick_ts": MONDAY / SECOND + 2,
        "interval_seconds": 3.0,
        "tick_errors": 0,
        "ticks_late": 0,
    }


@pytest.mark.parametrize(
    ("seconds", "running", "state"), [(0, True, "ok"), (29, True, "ok"), (30, True, "stale"), (0, False, "stopped")]
)
def test_the_stream_of_prices_has_a_state_of_its_own(seconds: float, running: bool, state: str) -> None:
    lanes = (msgspec.structs.replace(LANES[1], state="running" if running else "stopped"),)
    driven = streaming().after(seconds)
    assert beat(driven, lanes=lanes).context["price_stream"]["state"] == state


def test_the_stream_of_prices_waits_before_the_first_and_while_the_market_is_closed() -> None:
    assert beat(Driven()).context["price_stream"]["state"] == "waiting"
    closed = streaming()
    closed.after((SATURDAY - closed.now) / SECOND)
    assert beat(closed).context["price_stream"]["state"] == "waiting"


def test_a_heartbeat_of_three_hundred_symbols_stays_a_message_of_reasonable_size() -> None:
    products = [f"P{number:03}" for number in range(300)]
    driven = Driven(*products, timeframes=(MINUTE, 5 * MINUTE))
    for product in products:
        driven.tick(product, seconds=0.1)
    driven.after(270)
    for product in products:
        driven.bar(product)
        driven.bar(product, tf=5 * MINUTE)
    made = beat(driven)
    assert len(made.context["stream_targets"]) == len(made.context["price_stream"]["symbols_state"]) == MANY
    assert (made.context["stream_targets_total"], made.context["price_stream"]["symbols_total"]) == (600, 300)
    assert len(msgspec.json.encode(made)) < 32_000

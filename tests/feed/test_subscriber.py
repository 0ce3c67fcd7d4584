"""The subscriber is right to believe: of a good wire it says nothing, and of each defect it finds what is wrong."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis

from tests.feed.form import LENGTHS, signature
from tests.feed.listener import Listener
from tests.feed.subscriber import Heard, Terms, judged
from tests.redis_server import HERE, RedisServer

SECRET = "of the house"  # noqa: S105
MONDAY = 1_767_571_200_000
"""2026-01-05 00:00 UTC, ms."""
MINUTES = 6
SYMBOLS = ("EURUSD", "XAUUSD")
Message = dict[str, Any]
Wire = list[tuple[float, str, Message]]
"""When (seconds after Monday), where and what is published."""


def bar(symbol: str, tf: str, opens: int, *, final: bool = True, **other: Any) -> Message:
    """A message with one bar, unsigned; its prices are those of its symbol and moment."""
    opened, close = (1 + (opens // 1000 * factor + ord(symbol[0])) % 97 / 1000 for factor in (7, 11))
    row: Message = {"open_time": opens, "close_time": opens + LENGTHS[tf] - 1, "open": opened, "close": close}
    row |= {"high": max(opened, close), "low": min(opened, close), "volume": 12.0}
    row |= {"complete": final, "synthetic": False, "source": "history" if final else "stream", "tf": tf}
    return {"symbol": symbol, "tf": tf, "bars": [row | other], "source": "fxcm"}


def tick(symbol: str, at: float) -> Message:
    seconds = MONDAY / 1000 + at
    return {"symbol": symbol, "bid": 1.0, "mid": 1.05, "ask": 1.1, "tick_ts": seconds - 0.2, "snap_ts": seconds}


def status(at: float, market: str = "open", price: str = "ok") -> Message:
    process = "stream" if market == "open" else "idle"
    said = {"ts": MONDAY / 1000 + at, "process": process, "market": market, "price": price, "ohlcv": "ok"}
    return said | {"note": "ok", "session": {"name": "London", "state": market, "seconds_to_close": 60.0}}


def iso(at: float) -> str:
    return datetime.fromtimestamp(MONDAY / 1000 + at, UTC).isoformat()


def heartbeat(at: float) -> Message:
    context: Message = {"diag_state": "STREAM", "price_stream": {}, "supervisor": {}}
    context |= {"bars_published": int(at) // 60 * 2, "stream_targets": [{"symbol": "EURUSD", "tf": "1m"}]}
    return {"type": "heartbeat", "state": "stream", "ts": iso(at), "context": context}


def good() -> Wire:
    """Six minutes of two symbols, and then the market closes."""
    wire: Wire = [(0.1, "status", status(0.1)), (0.1, "market_status", market_status(0.1, "open"))]
    for minute in range(MINUTES):
        for symbol in SYMBOLS:
            opens = MONDAY + minute * 60_000
            wire += [
                (minute * 60 + 2.0 + part * 2, "ohlcv", bar(symbol, "1m", opens, final=False)) for part in range(29)
            ]
            wire.append((minute * 60 + 61.0, "ohlcv", bar(symbol, "1m", opens)))
            if minute == 4:
                wire.append((301.0, "ohlcv", bar(symbol, "5m", MONDAY)))
    ends = MINUTES * 60 + 2.0
    for each in range(1, int(ends / 3) + 1):
        wire += [(each * 3, "price_tik", tick(symbol, each * 3)) for symbol in SYMBOLS]
    wire += [(each * 5.0, "heartbeat", heartbeat(each * 5)) for each in range(1, int(ends / 5) + 1)]
    for each in range(1, int(ends / 30) + 1):
        wire += [(each * 30.0, "status", status(each * 30)), (each * 30.0, "market_status", market_status(each * 30))]
    wire += [(ends, "status", status(ends, "closed"))]
    return sorted(wire, key=lambda each: each[0])


def market_status(at: float, state: str = "open") -> Message:
    return {"type": "market_status", "state": state, "ts": iso(at), "next_open_in_seconds": 10.0, "next_open_ms": 1}


def heard(wire: Wire, secret: str = SECRET) -> list[Heard]:
    """Each message 2 ms after it was published."""
    return [
        Heard(where, json.dumps(_signed(what, secret) if where == "ohlcv" else what).encode(), at + 0.002)
        for at, where, what in wire
    ]


def _signed(message: Message, secret: str) -> Message:
    return {"sig": signature(message, secret)} | message if secret else message


def found(wire: Wire, **terms: Any) -> list[str]:
    return judged(heard(wire), Terms(secret=SECRET, **terms)).findings


def test_of_a_good_wire_it_says_nothing_and_has_every_bar() -> None:
    verdict = judged(heard(good()), Terms(secret=SECRET))
    assert verdict.findings == []
    assert len(verdict.consumer.bars) == len(verdict.finals) == 2 * (MINUTES + 1)
    assert max(final.lag for final in verdict.finals) == pytest.approx(1.0, abs=0.01)
    assert verdict.states == ["STREAM"]
    assert verdict.wires == [("open", "ok", "ok"), ("closed", "ok", "ok")]


def nth(wire: Wire, channel: str, number: int, *, final: bool | None = None) -> int:
    """Where the so manieth message of a channel stands."""
    of = [
        place
        for place, (_, where, what) in enumerate(wire)
        if where == channel and (final is None or what["bars"][0]["complete"] is final)
    ]
    return of[number]


def moved(wire: Wire, place: int, at: float) -> None:
    _, where, what = wire.pop(place)
    wire.append((at, where, what))
    wire.sort(key=lambda each: each[0])


def changed(wire: Wire, place: int, **fields: Any) -> None:
    at, where, what = wire[place]
    wire[place] = at, where, what | fields


def rebarred(wire: Wire, place: int, **fields: Any) -> None:
    at, where, what = wire[place]
    wire[place] = at, where, what | {"bars": [what["bars"][0] | fields]}


def early(wire: Wire) -> None:
    moved(wire, nth(wire, "ohlcv", 4, final=True), 175.0)


def twice(wire: Wire) -> None:
    place = nth(wire, "ohlcv", 3, final=True)
    wire.insert(place + 1, wire[place])


def late_final(wire: Wire) -> None:
    moved(wire, nth(wire, "ohlcv", 2, final=True), 122.6)


def out_of_order(wire: Wire) -> None:
    moved(wire, nth(wire, "ohlcv", 2, final=True), 181.5)


def live_again(wire: Wire) -> None:
    wire.append((366.5, "ohlcv", bar("EURUSD", "1m", MONDAY + 5 * 60_000, final=False)))


def unthrottled(wire: Wire) -> None:
    wire += [(4.0 + each / 50, "ohlcv", bar("EURUSD", "1m", MONDAY, final=False)) for each in range(300)]
    wire.sort(key=lambda each: each[0])


def after_closed(wire: Wire) -> None:
    moved(wire, nth(wire, "ohlcv", -1, final=True), 362.5)


def before_status(wire: Wire) -> None:
    moved(wire, nth(wire, "status", 0), 25.0)


def while_stale(wire: Wire) -> None:
    changed(wire, nth(wire, "status", 4), price="stale")


def live_while_down(wire: Wire) -> None:
    place = nth(wire, "ohlcv", 5, final=False)
    at = wire[place][0]
    wire[place + 1 : place + 1] = [(at, "status", status(at))]
    wire[place:place] = [(at, "status", status(at) | {"price": "down"})]


def burst(wire: Wire) -> None:
    at, _, what = wire[nth(wire, "price_tik", 10)]
    wire.append((at + 0.5, "price_tik", what | {"snap_ts": what["snap_ts"] + 0.5}))
    wire.sort(key=lambda each: each[0])


def a_snapshot_less(wire: Wire) -> None:
    wire.pop(nth(wire, "price_tik", 20))


def milliseconds(wire: Wire) -> None:
    changed(wire, nth(wire, "price_tik", 5), tick_ts=MONDAY)


def one_stamp(wire: Wire) -> None:
    place = nth(wire, "price_tik", 5)
    changed(wire, place, tick_ts=wire[place][2]["snap_ts"])


def no_status(wire: Wire) -> None:
    wire.pop(nth(wire, "status", 4))


def no_heartbeat(wire: Wire) -> None:
    wire.pop(nth(wire, "heartbeat", 7))


def forgetting(wire: Wire) -> None:
    place = nth(wire, "heartbeat", -1)
    changed(wire, place, context=wire[place][2]["context"] | {"bars_published": 1})


DEFECTS: dict[str, tuple[Callable[[Wire], Any], str]] = {
    "a final before its close": (early, "s before its close"),
    "a final twice": (twice, "final twice"),
    "live bars go on before the final one is out": (late_final, "live before the final one of"),
    "finals change places": (out_of_order, "final after a later one"),
    "a live bar after its final one": (live_again, "live after the final one"),
    "live bars as fast as ticks": (unthrottled, "live bars"),
    "the last bar after the market was told closed": (after_closed, "final while the status says closed"),
    "bars before any status": (before_status, "before the first status"),
    "a price that is not ok while bars come": (while_stale, "final while the status says price stale"),
    "a live bar while prices are not ok": (live_while_down, "live while the status says price down"),
    "two snapshots in a burst": (burst, "s apart"),
    "a snapshot is left out": (a_snapshot_less, "no snapshot for"),
    "a tick's time in milliseconds": (milliseconds, "no seconds UTC"),
    "one stamp for both": (one_stamp, "tick_ts is snap_ts"),
    "a status is left out": (no_status, "status: nothing for"),
    "a heartbeat is left out": (no_heartbeat, "heartbeat: nothing for"),
    "a count that goes back": (forgetting, "bars published after"),
    "an end that is the next beginning": (
        lambda wire: rebarred(wire, nth(wire, "ohlcv", 1), close_time=MONDAY + 60_000),
        "after open_time",
    ),
    "no word whether it is final": (
        lambda wire: rebarred(wire, nth(wire, "ohlcv", 1, final=True), complete=None),
        "complete is None",
    ),
    "a number as text": (lambda wire: rebarred(wire, nth(wire, "ohlcv", 1), volume="12"), "no finite number"),
    "prices that cannot be": (lambda wire: rebarred(wire, nth(wire, "ohlcv", 1), high=0.5), "cannot be"),
    "a key nobody knows": (lambda wire: rebarred(wire, nth(wire, "ohlcv", 1), vwap=1.0), "nobody knows vwap"),
    "a symbol with a stroke": (lambda wire: changed(wire, nth(wire, "ohlcv", 1), symbol="EUR/USD"), "symbol is"),
    "an empty note": (lambda wire: changed(wire, nth(wire, "status", 1), note=""), "note is empty"),
    "a word of another list": (lambda wire: changed(wire, nth(wire, "status", 1), price="OK"), "price is 'OK'"),
    "a state in capitals": (lambda wire: changed(wire, nth(wire, "heartbeat", 1), state="STREAM"), "state is"),
    "a moment that is a number": (lambda wire: changed(wire, nth(wire, "market_status", 1), ts=MONDAY), "no moment"),
    "a market that is unknown": (lambda wire: changed(wire, nth(wire, "market_status", 1), state="unknown"), "state"),
}


@pytest.mark.parametrize(("defect", "said"), DEFECTS.values(), ids=DEFECTS.keys())
def test_it_finds(defect: Callable[[Wire], Any], said: str) -> None:
    wire = good()
    defect(wire)
    assert [each for each in found(wire) if said in each]


def test_it_finds_a_wrong_signature_and_one_nobody_asked_for() -> None:
    wire = heard(good(), "of another")
    assert any("sig is" in each for each in judged(wire, Terms(secret=SECRET)).findings)
    assert any("without a secret" in each for each in judged(wire).findings)
    assert judged(heard(good(), "")).findings == []


@pytest.mark.parametrize("raw", [b'{"ts": NaN}', b'{"ts": 1, "ts": 2}', b"[]", b"\xff", b"{"])
def test_it_finds_what_is_no_message(raw: bytes) -> None:
    wire = [*heard(good()), Heard("status", raw, 370.0)]
    assert [each[:8] for each in judged(wire, Terms(secret=SECRET)).findings] == ["status: "]


def test_what_could_not_come_is_no_finding_and_a_fast_clock_is_its_own() -> None:
    wire = [each for each in good() if not 100 < each[0] < 170 or each[1] == "ohlcv"]
    assert found(wire)
    assert found(wire, troubles=((100.0 + MONDAY / 1000, 170.0 + MONDAY / 1000),)) == []
    fast = [each._replace(at=each.at / 60) for each in heard(good())]
    assert judged(fast, Terms(secret=SECRET, speed=60)).findings == []


def test_a_symbol_may_fall_silent_once_its_tick_is_old_and_not_before() -> None:
    def quiet(until: float) -> Wire:
        ticks = [(at, "price_tik", tick("EURUSD", at) | {"tick_ts": MONDAY / 1000 + 2}) for at in range(3, 70, 3)]
        others: Wire = [each for each in good() if each[1] != "price_tik"]
        kept: Wire = [(float(at), where, what) for at, where, what in ticks if at < until]
        return sorted([*others, *kept, (90.0, "price_tik", tick("EURUSD", 90))], key=lambda each: each[0])

    assert found(quiet(62)) == []
    assert any("no snapshot for" in each for each in found(quiet(40)))
    assert any("s ago at" in each for each in found(quiet(70)))


def test_a_consumer_keeps_the_first_and_makes_its_own_of_what_never_became_final() -> None:
    opens = MONDAY + 60_000
    wrong = bar("EURUSD", "1m", opens, final=False, close=1.0, low=0.9)
    following = bar("EURUSD", "1m", opens + 60_000, final=False)
    wire: Wire = [(0.1, "status", status(0.1)), (118.0, "ohlcv", wrong), (121.0, "ohlcv", following)]
    wire.append((122.0, "ohlcv", bar("EURUSD", "1m", opens)))
    verdict = judged(heard(wire, ""))
    assert verdict.consumer.bars["eurusd", "1m", opens].own
    assert any("the consumer made it of a live bar" in each for each in verdict.findings)


def test_a_listener_hears_what_a_redis_carries_and_is_back_before_one_that_returned_is_opened(
    redis_server: RedisServer,
) -> None:
    with Listener(redis_server) as listener, redis_server.client() as client:
        for channel in ("fxcm:status", "other:status", "fxcm:ohlcv"):
            published(client, channel)
        listener.until(lambda each: each.channel == "ohlcv")
        assert [(each.channel, each.raw) for each in listener.heard] == [("status", b"{}"), ("ohlcv", b"{}")]
        redis_server.kill()
        redis_server.start(opened=False)
        listener.life = 1
        listener.back()
        redis_server.open()
        with Redis(host=HERE, port=redis_server.port) as other:
            assert published(other, "fxcm:heartbeat") == 1
        assert listener.until(lambda each: each.life == 1).channel == "heartbeat"


def published(client: Redis, channel: str) -> int:
    """How many heard it."""
    return client.publish(channel, b"{}")  # pyright: ignore[reportUnknownMemberType]

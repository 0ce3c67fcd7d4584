"""Messages as bytes: exactly the keys, the units and the text that those who listen know, and signed as they parse."""

import hashlib
import hmac
import json
from math import inf, nan
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.channels.encoding import encoded, parts_of
from pipeline.channels.messages import Heartbeat, MarketStatus, Message, Ohlcv, PriceTik, Status, Trading, WireBar
from pipeline.channels.names import Channel, Names
from pipeline.channels.reading import understood
from pipeline.channels.signing import genuine
from pipeline.channels.wording import Unfit, timeframe_of, wire_symbol
from pipeline.times import DAY, MINUTE, SECOND
from tests.channel_ends import OPEN, bar, bars, tick
from tests.support import MONDAY

change: Any = msgspec.structs.replace
ISO = "2026-01-05T10:00:00Z"
BEAT = Heartbeat("heartbeat", "stream", ISO, {"lag_seconds": 1.5, "stream_targets": [], "diag_state": "STREAM"})
SHUT = MarketStatus("market_status", "closed", ISO, next_open_ms=MONDAY, next_open_in_seconds=3600.0)
SECRET = b"both know it"

numbers = st.floats(min_value=1e-9, max_value=1e17)


def sealed(value: dict[str, Any], secret: bytes) -> str:
    """A signature as somebody who reads docs/channels.md would make it."""
    text = json.dumps({key: value[key] for key in ("symbol", "tf", "bars")}, sort_keys=True, separators=(",", ":"))
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


# --- text ------------------------------------------------------------------------------------------------------------


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_is_written_as_python_writes_it(number: float) -> None:
    raw = encoded(change(BEAT, context={"a": number}), MONDAY)
    assert raw.decode() == json.dumps(json.loads(raw), separators=(",", ":"))
    assert repr(json.loads(raw)["context"]["a"]) == repr(number)


@pytest.mark.parametrize("number", [1e16, 5e-324, -0.0, 1e-5, 1e-7, 1.7976931348623157e308, 123456789012345678.0, 1.0])
def test_numbers_that_encoders_disagree_about_are_written_as_python_writes_them(number: float) -> None:
    raw = encoded(change(BEAT, context={"a": number}), MONDAY)
    assert json.dumps(number).encode() in raw


def test_text_is_utf8_and_one_object() -> None:
    raw = encoded(change(OPEN, note="тиша 75 s"), MONDAY)
    assert "тиша" in raw.decode()
    assert isinstance(json.loads(raw), dict)


@pytest.mark.parametrize("number", [nan, inf, -inf])
def test_what_is_no_number_is_never_sent(number: float) -> None:
    broken: list[Message] = [
        bars(MONDAY, MONDAY + MINUTE),
        change(tick(MONDAY), mid=number),
        change(OPEN, ts=number),
        change(BEAT, context={"deep": [{"lag": number}]}),
        change(SHUT, next_open_in_seconds=number),
    ]
    several = broken[0]
    assert isinstance(several, Ohlcv)
    broken += [
        change(several, bars=(several.bars[0], change(several.bars[1], **{key: number})))
        for key in ("open", "high", "low", "close", "volume", "avg_spread", "bar_range")
    ]
    for message in broken[1:]:
        with pytest.raises(Unfit):
            encoded(message, MONDAY)


# --- rules -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (bars(), "bars: 0 of them"),
        (bars(*range(MONDAY, MONDAY + 1025 * MINUTE, MINUTE)), "bars: 1025 of them; a message has 1 to 1024"),
        (bars(MONDAY, symbol="XAU/USD"), "symbol: 'XAU/USD' is not in capitals without a slash"),
        (bars(MONDAY, symbol="eurusd"), "symbol: 'eurusd' is not in capitals"),
        (Ohlcv("EURUSD", "m1", (bar(MONDAY),)), "tf: 'm1' is written 1m"),
        (Ohlcv("EURUSD", "5m", (bar(MONDAY),)), "bars[0].tf: '1m' in a message of 5m"),
        (bars(MONDAY, MONDAY), "bars[1].open_time: 1767607200000 is not after the bar before it"),
        (bars(MONDAY + MINUTE, MONDAY), "bars[1].open_time"),
        (bars(86_400_000), "bars[0].open_time: 86400000 is before 2000-01-01"),
        (bars(MONDAY + DAY + MINUTE), "bars[0].open_time: 1767693660000 is more than a day ahead"),
        (Ohlcv("EURUSD", "1m", (change(bar(MONDAY), close_time=MONDAY + MINUTE),)), "bars[0].close_time"),
        (Ohlcv("EURUSD", "1m", (change(bar(MONDAY), open_time=float(MONDAY)),)), "bars[0].open_time"),
        (Ohlcv("EURUSD", "1m", (change(bar(MONDAY), low=9.0),)), "bars[0].low: 9.0 is above the high"),
        (Ohlcv("EURUSD", "1m", (change(bar(MONDAY), tick_count=-1),)), "bars[0].tick_count"),
        (change(tick(MONDAY), tick_ts=float(MONDAY)), "tick_ts: 1767607200000.0 is not a moment in seconds"),
        (change(tick(MONDAY), snap_ts=MONDAY / SECOND), "snap_ts: 1767607200.0 is the moment of the tick"),
        (change(OPEN, note=" "), "note: is empty"),
        (change(OPEN, ts=float(MONDAY)), "ts: 1767607200000.0 is not a moment in seconds"),
        (change(OPEN, session=Trading(state="open", state_detail="weekend")), "session.state_detail"),
        (change(OPEN, session=Trading(next_open_utc="Monday")), "session.next_open_utc: 'Monday' is not a moment"),
        (change(BEAT, ts="10:00"), "ts: '10:00' is not a moment in UTC"),
        (change(BEAT, context={"next_open_ms": 1.5}), "context.next_open_ms: Expected int, got float"),
        (change(BEAT, context={"stream_targets": ["EURUSD"]}), "context.stream_targets[0]: Expected object"),
        (change(BEAT, context={"session": {"daily_breaks": "none"}}), "context.session.daily_breaks"),
        (change(SHUT, next_open_utc="soon"), "next_open_utc: 'soon' is not a moment"),
    ],
)
def test_what_a_listener_would_drop_is_refused_with_its_key(message: Message, said: str) -> None:
    with pytest.raises(Unfit) as wrong:
        encoded(message, MONDAY)
    assert str(wrong.value).startswith(said)


@pytest.mark.parametrize(
    ("product", "symbol"), [("XAU/USD", "XAUUSD"), ("eurusd", "EURUSD"), (" EUR / USD ", "EURUSD"), ("R_100", "R_100")]
)
def test_d07_a_symbol_is_in_capitals_without_a_slash(product: str, symbol: str) -> None:
    assert wire_symbol(product) == symbol


@pytest.mark.parametrize("product", ["", "/", "€", "EUR:USD", "A" * 65])
def test_a_product_that_has_no_symbol_is_told(product: str) -> None:
    with pytest.raises(Unfit, match=r"^symbol: "):
        wire_symbol(product)


def test_timeframes_are_read_as_anybody_writes_them() -> None:
    assert [timeframe_of(name) for name in ("1m", "m1", " M5", "60m", "m60", "h1", "1H")] == [
        MINUTE, MINUTE, 5 * MINUTE, 60 * MINUTE, 60 * MINUTE, 60 * MINUTE, 60 * MINUTE,
    ]  # fmt: skip
    for name in ("7m", "m", "1", "", "1w", "m99999999"):
        with pytest.raises(Unfit, match=r"^tf: "):
            timeframe_of(name)


def test_more_bars_than_a_message_holds_go_out_in_several_in_order() -> None:
    whole = bars(*range(MONDAY, MONDAY + 2500 * MINUTE, MINUTE))
    parts = list(parts_of(change(whole, sig="of the whole")))
    assert [len(part.bars) for part in parts] == [1024, 1024, 452]
    assert tuple(each for part in parts for each in part.bars) == whole.bars
    assert all(part.sig is msgspec.UNSET for part in parts)
    assert list(parts_of(bars(MONDAY))) == [bars(MONDAY)]


def test_names_stand_under_their_prefix() -> None:
    assert Names().channel("price_tik") == "fxcm:price_tik"
    assert Names("fxcm_local").snapshot("status") == "fxcm_local:status:snapshot"


# --- exactly these keys ----------------------------------------------------------------------------------------------


@st.composite
def wire_bars(draw: st.DrawFn) -> WireBar:
    price, volume = draw(numbers), draw(st.floats(0, 1e12))
    final = draw(st.booleans())
    one = WireBar(MONDAY, MONDAY + 59_999, price, price, price, price, volume, final, False, "stream", "1m")
    extra = draw(st.fixed_dictionaries({}, optional={"avg_spread": st.floats(0, 1), "tick_count": st.integers(0, 9)}))
    return change(one, **extra)


@given(wire_bars())
def test_d38_what_is_published_passes_the_strict_schema_and_comes_back_the_same(one: WireBar) -> None:
    message = Ohlcv("EURUSD", "1m", (one,), source="market")
    assert understood(encoded(message, MONDAY), "ohlcv", MONDAY) == message
    back = understood(encoded(message, MONDAY, SECRET), "ohlcv", MONDAY)
    assert isinstance(back, Ohlcv)
    assert back.bars == message.bars


def test_d38_every_channel_has_its_keys_and_no_others() -> None:
    rows = ({"symbol": "EURUSD", "tf": "1m", "high": 1.2, "low": 1.1},)
    session = Trading(name="London", tag="LDN", state="open", seconds_to_close=60.0, symbols=rows)
    several: list[tuple[Message, Channel]] = [
        (tick(MONDAY), "price_tik"),
        (OPEN, "status"),
        (change(OPEN, session=session), "status"),
        (BEAT, "heartbeat"),
        (SHUT, "market_status"),
    ]
    for message, channel in several:
        assert understood(encoded(message, MONDAY), channel, MONDAY) == message
    assert list(json.loads(encoded(tick(MONDAY), MONDAY))) == ["symbol", "bid", "ask", "mid", "tick_ts", "snap_ts"]
    assert list(json.loads(encoded(OPEN, MONDAY))) == ["ts", "process", "market", "price", "ohlcv", "note"]


def test_d29_fields_that_may_be_left_out_pass_unchanged_and_are_absent_where_they_are_not_set() -> None:
    extra = {
        "tick_count": 37, "bar_range": 7.0, "body_size": 3.0, "upper_wick": 1.0, "lower_wick": 3.0, "avg_spread": 0.05,
        "max_spread": 0.12,
    }  # fmt: skip
    (sent,) = json.loads(encoded(Ohlcv("EURUSD", "1m", (change(bar(MONDAY), **extra),)), MONDAY))["bars"]
    assert {key: sent[key] for key in extra} == extra
    (bare,) = json.loads(encoded(bars(MONDAY), MONDAY))["bars"]
    assert not set(extra) & set(bare)


# --- signatures ------------------------------------------------------------------------------------------------------


@given(wire_bars())
def test_d28_with_a_secret_bars_are_signed_over_what_a_listener_parses_without_one_they_are_not(one: WireBar) -> None:
    message = Ohlcv("EURUSD", "1m", (one,), source="market")
    value = json.loads(encoded(message, MONDAY, SECRET))
    assert value["sig"] == sealed(value, SECRET)
    assert genuine(value, SECRET)
    assert genuine({**value, "source": "another"}, SECRET), "where it comes from is not signed"
    assert "sig" not in json.loads(encoded(message, MONDAY))


def test_a_signature_is_that_of_these_bars_and_this_secret_alone() -> None:
    value = json.loads(encoded(bars(MONDAY), MONDAY, SECRET))
    whole = json.loads(json.dumps(value))
    whole["bars"][0]["volume"] = 7
    assert not genuine(whole, SECRET), "7 is not 7.0"
    assert not genuine({**value, "symbol": "XAUUSD"}, SECRET)
    assert not genuine(value, b"another")
    assert not genuine({key: each for key, each in value.items() if key != "tf"}, SECRET)
    assert not genuine({**value, "sig": 1}, SECRET)
    assert not genuine({**value, "sig": "\ud800"}, SECRET)
    assert not genuine({**value, "tf": "\ud800"}, SECRET)


def test_only_bars_are_signed() -> None:
    messages: list[Message] = [tick(MONDAY), OPEN, BEAT, SHUT]
    assert all(b'"sig"' not in encoded(message, MONDAY, SECRET) for message in messages)
    assert isinstance(OPEN, Status)
    assert isinstance(tick(MONDAY), PriceTik)

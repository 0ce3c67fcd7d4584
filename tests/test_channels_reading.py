"""What comes by a channel: refused in a sentence where it is broken, and taken as forgivingly as listeners take it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.channels.encoding import encoded
from pipeline.channels.hearing import Hearing, Standing, status_of
from pipeline.channels.parsing import MOST_BYTES, parsed
from pipeline.channels.reading import understood
from pipeline.channels.wording import NotAsked, Unfit
from pipeline.times import MINUTE, SECOND
from tests.channel_ends import OPEN, bars, tick
from tests.support import MONDAY

EAR = Hearing(symbols=frozenset({"XAUUSD"}), timeframes=frozenset({MINUTE, 5 * MINUTE}), most=10)
KEEN = Hearing(symbols=EAR.symbols, timeframes=EAR.timeframes, secret=b"ours")
LAX = Hearing(symbols=EAR.symbols, timeframes=EAR.timeframes, secret=b"ours", required=False)


def row(at: int = MONDAY, **keys: Any) -> dict[str, Any]:
    """The least a bar may be."""
    return {"open_time": at, "close_time": at + MINUTE - 1, "open": 2.0, "high": 3.0, "low": 1.0, "close": 2.5,
            "volume": 4.0} | keys  # fmt: skip


def said(*rows: Any, **keys: Any) -> bytes:
    return json.dumps({"symbol": "XAUUSD", "tf": "1m", "bars": list(rows)} | keys).encode()


def refusal(raw: bytes, ear: Hearing = EAR) -> str:
    with pytest.raises(Unfit) as wrong:
        ear.bars(raw)
    return str(wrong.value)


# --- taken apart -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"\xff\xfe{}", "byte 0: is not UTF-8"),
        (b"", "character 0: is not JSON (expecting value)"),
        (b'{"a":1', "character 6: is not JSON (expecting ',' delimiter)"),
        (b"[1,2]", "it is an array, not an object"),
        (b'"text"', "it is 'text', not an object"),
        (b"null", "it is None, not an object"),
        (b'{"a":1,"b":2,"a":3}', "'a': is in it twice"),
        (b'{"x":{"y":1,"y":1}}', "'y': is in it twice"),
        (b'{"a":NaN}', "a number in it cannot be: nan is no number"),
        (b'{"a":-Infinity}', "a number in it cannot be: -infinity is no number"),
        (b'{"a":1e999}', "a number in it cannot be: 1e999 is too large"),
        (b'{"a":' + b"9" * 5000 + b"}", "a number in it cannot be"),
        (b'{"a":' * 60_000 + b"1" + b"}" * 60_000, "it is nested too deeply"),
        (b" " * (MOST_BYTES + 1), f"it has {MOST_BYTES + 1} bytes; {MOST_BYTES} are the most"),
    ],
)
def test_what_is_no_object_of_json_is_refused_in_a_sentence(raw: bytes, why: str) -> None:
    with pytest.raises(Unfit) as wrong:
        parsed(raw)
    assert str(wrong.value).startswith(why)


@given(st.binary(max_size=300))
def test_whatever_comes_is_refused_or_taken_and_never_anything_else(raw: bytes) -> None:
    with pytest.raises(Unfit):
        EAR.bars(raw + b"\x00")
    with pytest.raises(Unfit):
        EAR.price(raw + b"\x00")
    with pytest.raises(Unfit):
        status_of(raw + b"\x00", Standing())


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(["open_time", "close_time", "open", "high", "volume", "complete", "synthetic"]), json_values)
def test_whatever_a_key_of_a_bar_holds_the_others_of_its_message_are_kept(key: str, value: Any) -> None:
    heard = EAR.bars(said(row(MONDAY, **{key: value}), row(MONDAY + MINUTE)))
    assert heard.rows[-1].open_time == MONDAY + MINUTE
    assert len(heard.rows) + heard.live + len(heard.bad) == 2


# --- strictly --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"extra": 1}, "Object contains unknown field extra"),
        ({"symbol": None}, "symbol: Expected str, got null"),
        ({"bars": {}}, "bars: Expected array, got object"),
        ({"tf": "7m"}, "tf: '7m' is no timeframe"),
    ],
)
def test_a_key_that_is_not_as_it_has_to_be_is_named(change: dict[str, Any], why: str) -> None:
    value = json.loads(encoded(bars(MONDAY), MONDAY)) | change
    with pytest.raises(Unfit) as wrong:
        understood(json.dumps(value).encode(), "ohlcv", MONDAY)
    assert str(wrong.value).startswith(why)


def test_a_key_within_a_bar_is_named_with_its_place() -> None:
    value = json.loads(encoded(bars(MONDAY), MONDAY))
    value["bars"][0]["open_time"] = str(MONDAY)
    with pytest.raises(Unfit, match=r"^bars\[0\]\.open_time: Expected int, got str$"):
        understood(json.dumps(value).encode(), "ohlcv", MONDAY)
    with pytest.raises(Unfit, match="nothing of a publisher's comes by it"):
        understood(b"{}", "commands", MONDAY)


# --- as listeners do: bars -------------------------------------------------------------------------------------------


def test_d33_two_bars_come_in_order_their_timeframe_is_put_right_and_their_flags_are_gone() -> None:
    heard = EAR.bars(said(row(MONDAY + MINUTE, complete=True), row(MONDAY, tick_count=9), tf="m1"))
    assert (heard.symbol, heard.tf) == ("XAUUSD", MINUTE)
    assert [each.open_time for each in heard.rows] == [MONDAY, MONDAY + MINUTE]
    assert heard.rows[0] == (MONDAY, 2.0, 3.0, 1.0, 2.5, 4.0, 9, False)


def test_d34_complete_and_synthetic_bars_are_taken_and_those_that_still_form_are_not() -> None:
    heard = EAR.bars(said(row(complete=True, synthetic=True), row(MONDAY + MINUTE, complete=False)))
    assert [(each.open_time, each.synthetic) for each in heard.rows] == [(MONDAY, True)]
    assert (heard.live, heard.bad) == (1, ())
    assert EAR.bars(said(row(complete=False))).rows == (), "a message of them alone is none that is refused"


@pytest.mark.parametrize("complete", [None, 0, "false", 1, {}])
def test_only_the_word_false_says_that_a_bar_still_forms_and_only_true_that_it_was_made_up(complete: Any) -> None:
    heard = EAR.bars(said(row(complete=complete, synthetic=1)))
    assert [each.synthetic for each in heard.rows] == [False]


def test_a_message_may_be_as_short_as_it_can() -> None:
    heard = EAR.bars(json.dumps({"symbol": "xau/usd", "timeframe": "1m", "bars": [row()], "who": "?"}).encode())
    assert [each.open_time for each in heard.rows] == [MONDAY]


def test_numbers_may_be_text() -> None:
    heard = EAR.bars(said(row(open_time=str(MONDAY), close_time=str(MONDAY + 59_999), open="2.0", volume="4e0")))
    assert heard.rows[0][:6] == (MONDAY, 2.0, 3.0, 1.0, 2.5, 4.0)


@pytest.mark.parametrize(
    "wrong",
    [
        row(open=True),
        row(high=None),
        row(low="nan"),
        row(close="inf"),
        row(volume=-1),
        row(close_time=MONDAY - 1),
        row(close_time=MONDAY + 5 * MINUTE),
        row(open_time=MONDAY + 0.5),
        row(low=2.2),
        row(high=2.2),
        row(low=-1.0),
        {key: value for key, value in row().items() if key != "close"},
        "a bar",
        None,
    ],
)
def test_a_bar_that_makes_no_sense_is_left_out_and_the_others_are_kept(wrong: Any) -> None:
    heard = EAR.bars(said(wrong, row(MONDAY + MINUTE)))
    assert [each.open_time for each in heard.rows] == [MONDAY + MINUTE]
    assert len(heard.bad) == 1
    assert heard.bad[0].startswith("bars[0].")
    assert refusal(said(wrong)).startswith("bars: none of 1 makes sense: bars[0].")


def test_the_first_of_two_bars_of_one_time_stands() -> None:
    heard = EAR.bars(said(row(close=2.1), row(close=2.9)))
    assert [each.close for each in heard.rows] == [2.1]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (said(row(), symbol="EURUSD"), "symbol: EURUSD is not asked for"),
        (said(row(), tf="15m"), "tf: 15m is not asked for"),
        (said(row(), tf="never"), "tf: 'never' is no timeframe"),
        (said(row(), tf=1), "tf: 1 is not text"),
        (said(*[row()] * 11), "bars: 11 of them; 10 are the most"),
        (said(), "bars: there are none"),
        (said(bars="all"), "bars: there are none"),
        (b'{"symbol":"XAUUSD"}', "timeframe: is missing"),
        (b'{"tf":"1m"}', "symbol: is missing"),
        (b"[]", "it is an array"),
        (b"hello", "character 0: is not JSON"),
    ],
)
def test_d35_what_is_not_known_too_much_or_no_object_is_refused(raw: bytes, why: str) -> None:
    assert refusal(raw).startswith(why)


def test_what_somebody_else_listens_for_is_told_from_what_is_wrong() -> None:
    with pytest.raises(NotAsked):
        EAR.bars(said(row(), symbol="EURUSD"))
    with pytest.raises(NotAsked):
        EAR.price(encoded(tick(MONDAY), MONDAY))


def test_d36_bars_with_the_right_signature_are_taken_without_one_or_with_another_they_are_refused() -> None:
    message = bars(MONDAY, symbol="XAUUSD")
    right, none, other = (encoded(message, MONDAY, secret) for secret in (b"ours", b"", b"theirs"))
    assert KEEN.bars(right).rows
    assert refusal(none, KEEN).startswith("sig: is missing")
    assert refusal(other, KEEN).startswith("sig: is not that of these bars")
    assert LAX.bars(none).rows, "where it is not required"
    assert refusal(other, LAX).startswith("sig: is not that of these bars")
    assert EAR.bars(other).rows, "without a secret nothing can be checked"


# --- as listeners do: prices and states ------------------------------------------------------------------------------


def test_a_price_has_its_times_in_seconds() -> None:
    price = EAR.price(b'{"symbol":"XAUUSD","bid":"2.0","ask":2.2,"tick_ts":1767607200.25,"snap_ts":1767607201}')
    assert price == ("XAUUSD", 2.0, 2.2, MONDAY + 250, MONDAY + SECOND)


@pytest.mark.parametrize("change", [{"bid": None}, {"ask": 1.0}, {"bid": 0}, {"tick_ts": MONDAY}, {"snap_ts": "now"}])
def test_a_price_that_is_none_is_refused(change: dict[str, Any]) -> None:
    value = json.loads(encoded(tick(MONDAY, symbol="XAUUSD", bid=2.0), MONDAY))
    with pytest.raises(Unfit):
        EAR.price(json.dumps(value | change).encode())


def test_a_status_may_say_only_what_changed_and_its_note_is_its_own() -> None:
    standing = status_of(encoded(OPEN, MONDAY), Standing())
    assert standing == ("open", "ok", "all is well", MONDAY)
    standing = status_of(b'{"price":"STALE"}', standing)
    assert standing == ("open", "stale", "", MONDAY)


@pytest.mark.parametrize(
    "raw", [b'{"note":1}', b'{"session":[]}', b'{"market":"ajar"}', b'{"ts":"2026-01-05T10:00:00Z"}', b'{"price":{}}']
)
def test_a_status_that_listeners_refuse_is_refused(raw: bytes) -> None:
    with pytest.raises(Unfit):
        status_of(raw, Standing())


def test_bars_are_used_unless_the_market_is_closed_or_prices_are_not_well() -> None:
    takes = {
        (market, price): Standing(market, price).takes_bars
        for market in ("unknown", "open", "closed")
        for price in ("", "ok", "stale", "down")
    }
    assert {key for key, taken in takes.items() if not taken} == {
        ("open", "stale"), ("open", "down"), ("closed", ""), ("closed", "ok"), ("closed", "stale"), ("closed", "down"),
    }  # fmt: skip
    assert status_of(b'{"market":"open","price":"ok","ohlcv":"down"}', Standing()).takes_bars

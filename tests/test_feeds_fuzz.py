"""Whatever a venue sends is a quote, bars, or one failure of ours; and what is asked for is just what is missing."""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.archive.series import Series
from pipeline.archive.writing import writing
from pipeline.candles import from_columns, possible
from pipeline.connections.reading import Answer, decoded
from pipeline.connections.troubles import CallFailed
from pipeline.feeds import binance_words, kraken_words, oanda_words
from pipeline.feeds.asked import Asking
from pipeline.feeds.rows import Refused
from pipeline.times import MINUTE
from pipeline.values import Bars, Quotes
from tests.feed_servers import book, offered, ticker
from tests.support import MONDAY

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(["", "1e999", "-1", "0", "NaN", "2026-01-05T10:00:00", "2026-01-05T10:00:00Z", "9" * 60]),
    st.lists(st.integers(0, 3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
KLINE = [MONDAY, "1.5", "2.5", "0.5", "1.0", "7", MONDAY + MINUTE - 1, "1", 3, "1", "1", "0"]
OHLC = [MONDAY // 1000, "1.5", "2.5", "0.5", "1.0", "1.2", "7", 3]
CANDLE = {"complete": True, "volume": 3, "time": "2026-01-05T10:00:00Z", "mid": dict(zip("ohlc", "1312", strict=True))}
CANDLES = {"instrument": "EUR_USD", "granularity": "M1", "candles": [CANDLE, CANDLE | {"complete": False}]}
SHAPES: dict[str, Any] = {
    "book": book("BTCUSDT", 1, "1.0", "1.1"),
    "klines": [KLINE],
    "ticker": ticker("BTC/USD", 1.0, 1.1, MONDAY),
    "ohlc": {"error": [], "result": {"XXBTZUSD": [OHLC, OHLC], "last": MONDAY // 1000}},
    "line": offered("EUR_USD", "1.0", "1.1", MONDAY),
    "candles": CANDLES,
}


def refused() -> Refused:
    return Refused("feed", lambda trouble: None, lambda: MONDAY)


def heard(shape: str, answer: Answer) -> list[Quotes | Bars]:
    """What a venue's own reader makes of an answer."""
    readers: dict[str, Callable[[], Any]] = {
        "book": lambda: binance_words.Books({"BTCUSDT": "BTCUSD"}, refused()).quote(answer, MONDAY, MONDAY),
        "klines": lambda: binance_words.klines("BTCUSD", MINUTE, answer, refused()).bars,
        "ticker": lambda: kraken_words.Tickers({"BTC/USD": "BTCUSD"}, refused()).heard(
            answer, 0, MONDAY, lambda _: None
        ),
        "ohlc": lambda: kraken_words.ohlc("BTCUSD", MINUTE, answer, refused()),
        "line": lambda: oanda_words.Lines({"EUR_USD": "EURUSD"}, refused()).quote(answer, MONDAY),
        "candles": lambda: oanda_words.candles("EURUSD", "EUR_USD", MINUTE, 10, answer, refused()).bars,
    }
    made = readers[shape]()
    return made if isinstance(made, list) else [] if made is None else [made]  # pyright: ignore[reportUnknownVariableType]


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place within a JSON value, the whole among them."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(cast("dict[str | int, Any]", value).items())
    elif isinstance(value, list):
        inner = list(enumerate(cast("list[Any]", value)))
    return [path, *(place for key, each in inner for place in places(each, (*path, key)))]


def put(value: Any, path: tuple[str | int, ...], odd: Any) -> Any:
    if not path:
        return odd
    made = value.copy()
    made[path[0]] = put(value[path[0]], path[1:], odd)
    return made


def test_each_shape_as_it_is_sent_is_heard() -> None:
    for shape, sent in SHAPES.items():
        (made,) = heard(shape, Answer(decoded(json.dumps(sent), "it"), "it"))
        assert len(made) == 1, shape


@given(st.sampled_from(sorted(SHAPES)), st.data(), ODD)
@settings(max_examples=400, deadline=None)
def test_a_shape_with_anything_anywhere_is_prices_that_can_be_or_one_failure(
    shape: str, data: Any, odd: object
) -> None:
    path = data.draw(st.sampled_from(places(SHAPES[shape])))
    failed: CallFailed | None = None
    made: list[Quotes | Bars] = []
    try:
        made = heard(shape, Answer(decoded(json.dumps(put(SHAPES[shape], path, odd)), "it"), "it"))
    except CallFailed as failure:
        failed = failure
    assert failed is None or "\n" not in str(failed)
    for each in made:
        if isinstance(each, Bars):
            assert possible(each).all()
            assert (each.open_ts % MINUTE == 0).all()
        else:
            assert (each.bid > 0).all()
            assert (each.bid <= each.ask).all()
            assert np.isfinite(each.ask).all()


SLOTS = st.integers(0, 60)
SPANS = st.lists(st.tuples(SLOTS, st.integers(1, 20)), max_size=4)


@given(stored=st.sets(SLOTS, max_size=30), asked=SPANS, span=st.tuples(SLOTS, st.integers(1, 60)))
@settings(max_examples=25, deadline=None)
def test_what_is_missing_and_what_is_known_make_up_the_span_and_do_not_overlap(
    stored: set[int], asked: list[tuple[int, int]], span: tuple[int, int]
) -> None:
    series, begin = Series("BTCUSD", MINUTE), MONDAY
    with TemporaryDirectory() as folder:
        store = Path(folder)
        if stored:
            opens = np.array([begin + each * MINUTE for each in sorted(stored)], np.int64)
            one = np.ones(len(opens))
            with writing(store, series) as writer:
                writer.add(from_columns("BTCUSD", MINUTE, opens, one, one, one, one, one))
        asking = Asking(store, series, "binance")
        for first, length in asked:
            rows = len(stored & set(range(first, first + length)))
            asking.remember((begin + first * MINUTE, begin + (first + length) * MINUTE), rows)
        since, until = begin + span[0] * MINUTE, begin + sum(span) * MINUTE
        wanted = Asking(store, series, "binance").missing((since, until), 0)
        assert wanted == asking.missing((since, until), 0), "what is read again is what was kept"
    slots = {(at - begin) // MINUTE for first, last in wanted for at in range(first, last, MINUTE)}
    known = stored | {slot for first, length in asked for slot in range(first, first + length)}
    assert slots == {slot for slot in range(span[0], sum(span)) if slot not in known}
    assert wanted == sorted(wanted)


def test_what_one_venue_was_asked_for_is_not_known_of_another() -> None:
    with TemporaryDirectory() as folder:
        store, series, span = Path(folder), Series("BTCUSD", MINUTE), (MONDAY, MONDAY + 10 * MINUTE)
        Asking(store, series, "binance").remember(span, 0)
        assert Asking(store, series, "binance").missing(span, 0) == []
        assert Asking(store, series, "kraken").missing(span, 0) == [span]
        Asking(store, series, "kraken").remember(span, 0)
        assert Asking(store, series, "binance").missing(span, 0) == []

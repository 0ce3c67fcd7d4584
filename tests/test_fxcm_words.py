"""What FXCM's SDK says, as it is understood: rows, moments, errors, names."""

from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.evidence import Trouble
from pipeline.feeds.rows import Refused
from pipeline.fxcm.bars import bars_of
from pipeline.fxcm.naming import symbols
from pipeline.fxcm.port import (
    Candles,
    LoginRefused,
    NoData,
    NoSuchInstrument,
    NotReady,
    Offer,
    SdkFailed,
    SessionLost,
    VenueClosed,
)
from pipeline.fxcm.words import candles_of, login_meaning, meaning, naive, offer_of, stamp_of
from pipeline.times import MINUTE
from pipeline.values import Floats
from tests.support import MONDAY

MOMENT = datetime(2026, 1, 5, 10, 0, 0, 123456, UTC).replace(tzinfo=None)


@pytest.mark.parametrize(
    "said",
    [
        MOMENT,
        MOMENT.replace(tzinfo=UTC),
        MOMENT.replace(tzinfo=timezone(timedelta(hours=3))) + timedelta(hours=3),
        MONDAY + 123,
        float(MONDAY + 123),
        (MONDAY + 123) / 1000,
    ],
)
def test_d24_the_time_of_an_offer_is_a_date_or_seconds_or_milliseconds(said: Any) -> None:
    assert stamp_of(said) == MONDAY + 123


@pytest.mark.parametrize(
    "said", [None, True, "10:00", float("nan"), float("inf"), 0, -5, datetime(1970, 1, 1, tzinfo=UTC), 4e15]
)
def test_d24_what_is_no_moment_of_this_age_is_none(said: Any) -> None:
    assert stamp_of(said) is None


def test_a_moment_goes_to_the_sdk_and_back_unchanged() -> None:
    assert naive(MONDAY + 5).tzinfo is None
    assert stamp_of(naive(MONDAY + 5)) == MONDAY + 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"bid": None},
        {"ask": float("nan")},
        {"bid": 0.0},
        {"bid": 1.3},
        {"ask": float("inf")},
        {"bid": "a lot"},
        {"time": None},
        {"instrument": None},
    ],
)
def test_a_row_without_a_price_that_can_be_is_no_offer(wrong: dict[str, Any]) -> None:
    row = {"instrument": "EUR/USD", "bid": 1.1, "ask": 1.2, "time": naive(MONDAY)}
    assert offer_of(SimpleNamespace(**row)) == Offer("EUR/USD", MONDAY, 1.1, 1.2)
    assert offer_of(SimpleNamespace(**row | wrong)) is None
    assert offer_of(SimpleNamespace(**{name: row[name] for name in row if name not in wrong})) is None


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("PriceHistoryCommunicator is not ready.", NotReady),
        ("Invalid request. Instrument is not found.", NoSuchInstrument),
        ("QuotesManager error: No data", NoData),
        ("unsupported scope", NoData),
        ("Session lost", SessionLost),
        ("Session is not logged in", SessionLost),
        ("QuotesManager error: HTTP request failed code: QuotesServerConnectionError subcode: 28", SdkFailed),
        ("", SdkFailed),
    ],
)
def test_errors_are_told_apart_by_their_words(said: str, meant: type[SdkFailed]) -> None:
    assert type(meaning(RuntimeError(said))) is meant
    assert len(str(meaning(RuntimeError(said * 100)))) < 260


@pytest.mark.parametrize(
    ("said", "seen", "meant"),
    [
        ("Incorrect user name or password", set[str](), LoginRefused),
        ("The account hunter2 is locked", set[str](), LoginRefused),
        ("Wait timeout exceeded", {"CONNECTED_WITH_NEED_TO_CHANGE_PASSWORD"}, LoginRefused),
        ("Wait timeout exceeded", {"CONNECTING"}, SdkFailed),
        ("Not connected", set[str](), SdkFailed),
        ("The trading system is closed for maintenance", set[str](), VenueClosed),
    ],
)
def test_what_may_pass_is_not_taken_for_a_wrong_password(said: str, seen: set[str], meant: type[SdkFailed]) -> None:
    failure = login_meaning(RuntimeError(said), seen, ("hunter2", ""))
    assert type(failure) is meant
    assert "hunter2" not in str(failure)


def test_pairs_have_a_stroke_and_what_is_no_pair_has_to_be_said() -> None:
    assert symbols(("XAUUSD", "EURUSD", "BTCUSD"), {}) == {
        "XAUUSD": "XAU/USD",
        "EURUSD": "EUR/USD",
        "BTCUSD": "BTC/USD",
    }
    assert symbols(("GOLD", "US30"), {"GOLD": "XAU/USD", "US30": "US30"}) == {"GOLD": "XAU/USD", "US30": "US30"}
    with pytest.raises(ValueError, match="symbols does not say what US30 is called at FXCM"):
        symbols(("US30", "EURUSD"), {})
    with pytest.raises(ValueError, match="one and the same"):
        symbols(("GOLD", "XAUUSD"), {"GOLD": "XAU/USD"})


# --- bars ------------------------------------------------------------------------------------------------------------


def candles(*at: int) -> Candles:
    rows = len(at)
    bid: Floats = np.tile(np.array((1.0, 1.4, 0.8, 1.2)), (rows, 1)) + np.arange(rows, dtype=np.float64)[:, None]
    return Candles(np.array(at, np.int64), bid, bid + 0.2, np.full(rows, 10.0))


def made(
    given: Candles, now: int, grace: int = 500, span: tuple[int, int] = (0, 2**60)
) -> tuple[list[int], list[Trouble]]:
    told: list[Trouble] = []
    refused = Refused("fxcm", told.append, lambda: now)
    bars = bars_of("EURUSD", MINUTE, given, *span, now, grace, refused)
    assert bars.final_at.tolist() == [at + MINUTE for at in bars.open_ts.tolist()]
    assert bars.fresh == 0
    return bars.open_ts.tolist(), told


def test_prices_lie_half_way_between_bid_and_ask() -> None:
    refused = Refused("fxcm", print, lambda: MONDAY)
    bars = bars_of("EURUSD", MINUTE, candles(MONDAY), 0, 2**60, MONDAY + 2 * MINUTE, 0, refused)
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    assert [column.item() for column in columns] == pytest.approx([1.1, 1.5, 0.9, 1.3, 10.0])


def test_d25_a_bar_of_1970_is_none_and_one_that_opens_beside_its_slot_cannot_be() -> None:
    given = candles(0, MONDAY - MINUTE, MONDAY + 7, MONDAY)
    found, told = made(given, MONDAY + 10 * MINUTE)
    assert found == [MONDAY - MINUTE, MONDAY]
    assert [each.what for each in told] == ["a 1m bar of EURUSD that cannot be: refused"]


def test_bars_are_put_in_order_each_once_and_only_those_asked_for() -> None:
    given = candles(MONDAY + MINUTE, MONDAY, MONDAY + MINUTE, MONDAY + 2 * MINUTE)
    found, _ = made(given, MONDAY + 10 * MINUTE, span=(MONDAY, MONDAY + 2 * MINUTE))
    assert found == [MONDAY, MONDAY + MINUTE]


def test_the_last_bar_is_final_after_its_grace_or_once_another_follows() -> None:
    close = MONDAY + MINUTE
    assert made(candles(MONDAY), close - 1)[0] == []
    assert made(candles(MONDAY), close + 499)[0] == []
    assert made(candles(MONDAY), close + 500)[0] == [MONDAY]
    assert made(candles(MONDAY, close), close)[0] == [MONDAY]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 12), max_size=12), st.integers(0, 12 * MINUTE), st.integers(0, 5000))
def test_never_a_bar_whose_close_is_in_the_future(slots: list[int], ahead: int, grace: int) -> None:
    now = MONDAY + ahead
    found, _ = made(candles(*(MONDAY + slot * MINUTE for slot in slots)), now, grace)
    assert found == sorted(set(found))
    assert all(at + MINUTE <= now for at in found)
    surely = {MONDAY + slot * MINUTE for slot in slots if MONDAY + (slot + 1) * MINUTE + grace <= now}
    assert surely <= set(found)


def test_an_answer_without_rows_is_no_bars() -> None:
    assert len(candles_of(None)) == 0
    assert len(candles_of(np.zeros(0))) == 0
    assert made(candles_of(None), MONDAY)[0] == []

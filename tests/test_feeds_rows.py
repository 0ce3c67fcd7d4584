"""What venues send becomes columns, what cannot be is refused and counted, and pages that contradict are an error."""

import asyncio
import re

import pytest

from pipeline.connections.reading import Answer, decoded
from pipeline.connections.troubles import CallFailed
from pipeline.evidence import Trouble
from pipeline.feeds.grain import grain
from pipeline.feeds.paging import Page, joined, paged
from pipeline.feeds.rows import Refused, Row, bars_of, moment, quote_of
from pipeline.feeds.symbols import Naming
from pipeline.times import DAY, HOUR, MINUTE
from pipeline.values import Bars
from tests.support import MONDAY

NAMING = Naming("Somewhere", {"BTCUSD": "BTC/USDT", "ETHEUR": "ETH/EUR"}, re.compile(r"[A-Z]+/[A-Z]+"), "BTC/USD")


class Told:
    """A clock that stands where it is put, and what was told."""

    def __init__(self) -> None:
        self.at, self.troubles = MONDAY, list[Trouble]()

    def refused(self) -> Refused:
        return Refused("feed", self.troubles.append, lambda: self.at)


def minutes(*closes: float, first: int = MONDAY, tf: int = MINUTE) -> Bars:
    rows = [Row(first + n * tf, 1.0, max(1.0, each), min(1.0, each), each, 5.0) for n, each in enumerate(closes)]
    return bars_of("BTCUSD", tf, rows, Told().refused())


def answer(text: str) -> Answer:
    return Answer(decoded(text, "an answer"), "an answer")


def test_moments_are_read_to_the_millisecond_from_numbers_and_texts() -> None:
    of = answer(
        '{"s": 1688671200, "ms": "1688671200123", "ns": "2016-09-20T15:05:47.960999532Z", '
        '"us": "2026-01-05T08:00:00.000001+02:00"}'
    )
    assert moment(of, "s", 1000) == 1_688_671_200_000
    assert moment(of, "ms") == 1_688_671_200_123
    assert moment(of, "ns") == 1_474_383_947_960, "cut, not rounded: a quote is never put into a later bar"
    assert moment(of, "us") == MONDAY - 4 * HOUR


@pytest.mark.parametrize("text", ["2026-01-05T08:00:00", "T", "1", "1e30", "99999999999999", "2026-01-05Tx"])
def test_a_moment_without_a_zone_or_of_another_age_is_none(text: str) -> None:
    with pytest.raises(CallFailed, match="an answer: at is") as failed:
        moment(answer(f'{{"at": "{text}"}}'), "at")
    assert failed.value.kind == "format"


def test_prices_that_cannot_be_are_left_out_and_counted_once_a_minute() -> None:
    told = Told()
    refused = told.refused()
    rows = [
        Row(MONDAY, 1, 2, 0.5, 1.5, 1),
        Row(MONDAY + MINUTE, 0, 2, 0, 1, 1),
        Row(MONDAY + 2 * MINUTE, 1, 1, 1, 2, 1),
    ]
    bars = bars_of("BTCUSD", MINUTE, rows, refused)
    assert bars.open_ts.tolist() == [MONDAY]
    assert bars.fresh == 0
    assert [each.what for each in told.troubles] == ["a 1m bar of BTCUSD that cannot be: refused"]
    for bid, ask in ((2.0, 1.0), (0.0, 1.0), (-1.0, 1.0), (2.0, 1.0)):
        assert quote_of("BTCUSD", MONDAY, MONDAY, bid, ask, refused) is None
    told.at += MINUTE
    assert quote_of("BTCUSD", MONDAY, MONDAY, 3.0, 1.0, refused) is None
    assert refused.counts == {
        "a 1m bar of BTCUSD that cannot be": 2,
        "a bid of BTCUSD above its ask": 3,
        "a price of BTCUSD that is not above zero": 2,
    }
    assert [each.what for each in told.troubles[1:]] == [
        "a bid of BTCUSD above its ask: refused",
        "a price of BTCUSD that is not above zero: refused",
        "a bid of BTCUSD above its ask: refused (2 since 2026-01-05T10:00:00.000Z)",
    ]
    equal = quote_of("BTCUSD", MONDAY, MONDAY + 40, 1.5, 1.5, refused)
    assert equal is not None
    assert (equal.ts[0], equal.received[0], equal.mid[0]) == (MONDAY, MONDAY + 40, 1.5)


def test_rows_off_their_slots_or_out_of_order_are_not_understood() -> None:
    row = Row(MONDAY, 1, 1, 1, 1, 1)
    with pytest.raises(CallFailed, match="full 1m"):
        bars_of("BTCUSD", MINUTE, [row._replace(at=MONDAY + 1)], Told().refused())
    for second in (MONDAY, MONDAY - MINUTE):
        with pytest.raises(CallFailed, match="not in order"):
            bars_of("BTCUSD", MINUTE, [row, row._replace(at=second)], Told().refused())


def test_pages_begin_with_the_last_bar_of_the_one_before_and_give_each_bar_once() -> None:
    whole = minutes(*(1 + n / 100 for n in range(25)))
    asked: list[int] = []

    async def ask(since: int, until: int) -> Page:
        asked.append((since - MONDAY) // MINUTE)
        start, stop = whole.open_ts.searchsorted([since, until]).tolist()
        stop = min(stop, start + 10)
        more = stop - start == 10
        return Page(whole.rows(start, stop, 0), int(whole.open_ts[stop - 1]) if more else None)

    given = asyncio.run(paged(ask, MONDAY, MONDAY + 21 * MINUTE))
    assert asked == [0, 9, 18]
    assert given.open_ts.tolist() == whole.open_ts[:21].tolist()
    assert given.close.tolist() == whole.close[:21].tolist()
    assert given.fresh == 0


def test_a_page_that_contradicts_the_one_before_is_an_error() -> None:
    with pytest.raises(
        CallFailed, match=r"BTCUSD 1m at 2026-01-05T10:01:00.000Z: one page says high 1\.5, the next 1\.6"
    ):
        joined(minutes(1.2, 1.5), minutes(1.6, 1.7, first=MONDAY + MINUTE))
    assert len(joined(minutes(1.2, 1.5), minutes(1.5, 1.7, first=MONDAY + MINUTE))) == 3


def test_pages_that_lead_nowhere_end() -> None:
    async def ask(since: int, until: int) -> Page:
        return Page(minutes(1.0, first=since), since)

    with pytest.raises(CallFailed, match="does not lead on"):
        asyncio.run(paged(ask, MONDAY, MONDAY + HOUR))


def test_bars_a_venue_does_not_have_are_made_of_the_longest_of_its_own_that_fit() -> None:
    known = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR)
    assert [grain(each, known) for each in (MINUTE, 10 * MINUTE, 30 * MINUTE, DAY, 3 * MINUTE)] == [
        MINUTE,
        5 * MINUTE,
        15 * MINUTE,
        4 * HOUR,
        MINUTE,
    ]
    with pytest.raises(CallFailed, match="no bars of which 7m bars"):
        grain(7 * MINUTE, (5 * MINUTE,))


@pytest.mark.parametrize(
    ("products", "given", "sentence"),
    [
        (("BTCUSD", "BTCUSD"), {}, "products names one twice"),
        (
            ("XAUUSD",),
            {},
            'symbols does not say what XAUUSD is called at Somewhere; add symbols = { XAUUSD = "BTC/USD" }',
        ),
        (("XAUUSD", "A B"), {}, "XAUUSD and A B are called"),
        (("BTCUSD",), {"BTCUSD": "btc/usd"}, "symbols says BTCUSD is 'btc/usd'"),
        (
            ("BTCUSD",),
            {"BTCUSDT": "BTC/USD"},
            "symbols names 'BTCUSDT', which is no product of this source; did you mean 'BTCUSD'",
        ),
        (("BTCUSD", "XBTUSD"), {"XBTUSD": "BTC/USDT"}, "symbols makes BTCUSD and XBTUSD one and the same"),
    ],
)
def test_a_product_without_a_name_at_the_venue_is_a_problem_of_the_key_symbols(
    products: tuple[str, ...], given: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        NAMING.symbols(products, given)


def test_usual_names_are_taken_and_those_that_are_not_the_same_thing_are_said() -> None:
    assert NAMING.symbols(("BTCUSD", "ETHEUR"), {}) == {"BTCUSD": "BTC/USDT", "ETHEUR": "ETH/EUR"}
    assert list(NAMING.assumed(("BTCUSD", "ETHEUR"), {})) == [("BTCUSD", "BTC/USDT")]
    assert list(NAMING.assumed(("BTCUSD",), {"BTCUSD": "BTC/USDT"})) == []

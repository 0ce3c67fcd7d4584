"""The store as a source: in time or in blocks, across products, with its past, lazily, and by grade."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from msgspec import ValidationError, convert

from pipeline.archive.playback import Reel
from pipeline.archive.series import Batch
from pipeline.checking import load_text
from pipeline.errors import InputError
from pipeline.market import Market
from pipeline.replaying import replayed, span_of
from pipeline.times import DAY, HOUR, MINUTE, parse_moment, utc_text
from pipeline.trying import NoRecords
from pipeline.values import BAR_COLUMNS, Bars, Quotes
from sources.replay import Replay
from tests.support import SMALL, same
from tests.test_archive import bars, written
from tests.test_sources import Given, Stand, all_given, fresh_stamps, of, stamps

M1, M5, M15 = MINUTE, 5 * MINUTE, 15 * MINUTE
BEGIN = parse_moment("2026-01-30T00:00:00Z")
END = BEGIN + 3 * DAY
PRODUCTS = ("BTCUSD", "EUR/USD")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days of two products over the end of a month, in bars and quotes."""
    base = tmp_path_factory.mktemp("base")
    for product in PRODUCTS:
        market = Market(product)
        written(base / "store", market.bars(M1, BEGIN, END))
        written(base / "store", market.quotes(BEGIN, BEGIN + DAY + HOUR))
    return base


def bars_of(given_items: list[Given], product: str) -> list[int]:
    return fresh_stamps([(at, item) for at, item in given_items if item.product == product])


def test_the_span_is_that_of_all_products_within_start_and_end(folder: Path) -> None:
    source = Replay(products=PRODUCTS, store="store")
    last = max(int(Market(product).bars(M1, END - DAY, END).final_at[-1]) for product in PRODUCTS)
    assert source.span(folder) == (BEGIN, last)
    within = Replay(products=PRODUCTS, store="store", start=utc_text(BEGIN + HOUR), end=utc_text(BEGIN + 5 * HOUR))
    assert within.span(folder) == (BEGIN + HOUR, BEGIN + 5 * HOUR)
    quotes = Market("BTCUSD").quotes(BEGIN, BEGIN + DAY + HOUR).received
    assert Replay(products=("BTCUSD",), store="store", quotes=True).span(folder) == (
        int(quotes[0]),
        int(quotes[-1]) + 1,
    )


@pytest.mark.parametrize("block", [0, 7 * M1, 256 * M1, 16_384 * M1])
def test_each_bar_is_given_once_however_it_is_asked_for(folder: Path, block: int) -> None:
    host = Stand(BEGIN, END + MINUTE, block, base=folder)
    given_items = all_given(Replay(products=PRODUCTS, store="store"), host)
    for product in PRODUCTS:
        assert bars_of(given_items, product) == Market(product).bars(M1, BEGIN, END).open_ts.tolist()
    for at, item in given_items:
        assert isinstance(item, Bars)
        assert at <= item.final_at[-1] <= at + block


def test_row_by_row_products_are_merged_in_order_of_time(folder: Path) -> None:
    host = Stand(BEGIN, BEGIN + 2 * HOUR, 0, base=folder)
    for quotes in (False, True):
        given_items = all_given(Replay(products=PRODUCTS, store="store", quotes=quotes), host)
        turns = [(at, item.product) for at, item in given_items]
        assert turns == sorted(turns)
        assert {product for _, product in turns} == set(PRODUCTS)
        host = Stand(BEGIN, BEGIN + HOUR, 0, base=folder)


@pytest.mark.parametrize("block", [0, 11 * M1, 2 * DAY])
def test_quotes_come_in_the_order_they_were_received(folder: Path, block: int) -> None:
    begin, end = BEGIN + DAY - HOUR, BEGIN + DAY + HOUR
    source = Replay(products=("BTCUSD",), store="store", quotes=True)
    given_items = all_given(source, Stand(begin, end, block, base=folder))
    quotes = Market("BTCUSD").quotes(begin, end)
    arrived = quotes.rows(0, int(np.searchsorted(quotes.received, end)))
    assert stamps(of(Quotes, given_items), "BTCUSD") == arrived.ts.tolist()


@pytest.mark.parametrize("quotes", [False, True])
def test_what_was_before_is_history_of_every_timeframe(folder: Path, quotes: bool) -> None:
    now = BEGIN + 20 * HOUR + 3 * M1 + 700
    source = Replay(products=("BTCUSD",), store="store", quotes=quotes)
    given_items = all_given(source, Stand(now, now + 2 * M1, 0, {M1: 30, M5: 20, M15: 50}, folder))
    past = [item for _, item in given_items if isinstance(item, Bars) and not item.fresh]
    assert [(item.tf, len(item)) for item in past] == [(M1, 30), (M5, 20), (M15, 50)]
    market = Market("BTCUSD")
    for item in past:
        whole = market.bars(item.tf, now - DAY, now)
        expected = whole.rows(len(whole) - len(item), len(whole), 0)
        assert all(same(getattr(item, name), getattr(expected, name)) for name in BAR_COLUMNS)
    if quotes:
        arrived = market.quotes(now // M1 * M1, now + 2 * M1)
        assert stamps(of(Quotes, given_items), "BTCUSD") == arrived.ts[arrived.received < now + 2 * M1].tolist()


def test_a_start_of_its_own_makes_what_is_before_it_history(folder: Path) -> None:
    start = BEGIN + 10 * HOUR + 700
    source = Replay(products=("BTCUSD",), store="store", start=utc_text(start), end=utc_text(start + HOUR))
    given_items = all_given(source, Stand(BEGIN, END, 0, {M1: 5}, folder))
    past = next(item for item in of(Bars, given_items) if not item.fresh)
    minute = start // M1 * M1
    assert past.open_ts.tolist() == list(range(minute - 5 * M1, minute, M1))
    assert fresh_stamps(given_items) == list(range(minute, minute + HOUR, M1))
    assert min(at for at, _ in given_items) == start


def test_a_file_is_not_read_before_its_rows_are_wanted() -> None:
    read: list[int] = []

    def batches() -> Iterator[Batch]:
        for number in range(4):
            read.append(number)
            yield bars([BEGIN + (number * 10 + row) * M1 for row in range(10)])

    reel = Reel(batches())
    assert [len(each) for each in reel.until(BEGIN + 5 * M1)] == [5]
    assert read == [0]
    assert [len(each) for each in reel.until(BEGIN + 12 * M1)] == [5, 2]
    assert read == [0, 1]


def test_a_replay_of_a_year_opens_one_file_at_a_time(tmp_path: Path) -> None:
    whole = bars([BEGIN + row * HOUR for row in range(365 * 24)], tf=HOUR)
    written(tmp_path / "store", whole)
    broken = sorted((tmp_path / "store").glob("bars/**/month=2026-1*/part.parquet"))
    for path in broken[1:-1]:
        path.write_bytes(b"nobody reads this")
    source = Replay(products=("EURUSD",), store="store", timeframe="1h")
    host = Stand(BEGIN, BEGIN + 200 * DAY, DAY, base=tmp_path)
    assert len(fresh_stamps(all_given(source, host))) == 200 * 24


FLOW = SMALL.replace('use = "synthetic"', 'use = "replay"\nstore = "store"').replace(
    'start = "2026-01-05T10:00:00Z"', "quotes = true"
)


def test_a_flow_replays_the_store(folder: Path) -> None:
    plan = load_text(FLOW.replace("EURUSD", "EUR/USD"), "flows.toml", folder)
    begin, end = span_of(plan, None, None, None)
    done = replayed(plan, begin, end, NoRecords())
    assert done.faults == ()
    assert done.bars > 25 * 60


def test_a_grade_that_is_not_met_is_refused_in_one_sentence(tmp_path: Path) -> None:
    market = Market("BTCUSD").bars(M1, BEGIN, BEGIN + DAY)
    written(tmp_path / "store", market.chosen(np.delete(np.arange(len(market)), np.arange(100, 160))))
    text = FLOW.replace('"EURUSD", "BTCUSD"', '"BTCUSD"').replace("quotes = true", 'demand = "{}"')
    good = load_text(text.replace("{}", "E"), "flows.toml", tmp_path)
    assert replayed(good, BEGIN, BEGIN + DAY, NoRecords()).bars > 0
    bad = load_text(text.replace("{}", "B"), "flows.toml", tmp_path)
    with pytest.raises(InputError, match="has grade D, B is demanded: 60 bars of open time are missing"):
        replayed(bad, BEGIN, BEGIN + DAY, NoRecords())


def test_a_product_that_is_not_in_the_store_is_told(folder: Path) -> None:
    with pytest.raises(InputError, match="holds no 1m bars of EURUSD; did you mean 'EUR/USD 1m'"):
        all_given(Replay(products=("EURUSD",), store="store"), Stand(BEGIN, END, 0, base=folder))


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"products": []}, "length >= 1"),
        ({"products": ["A", "A"]}, "name each once"),
        ({"products": ["A"], "start": "soon"}, "is not a moment"),
        (
            {"products": ["A"], "start": "2026-01-02", "end": "2026-01-01"},
            "end 2026-01-01 is not after start 2026-01-02",
        ),
        ({"products": ["A"], "demand": "G"}, "Invalid enum value 'G'"),
        ({"products": ["A"], "timeframe": "7m"}, "does not divide a day"),
    ],
)
def test_its_table_is_checked(table: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        convert(table, Replay)

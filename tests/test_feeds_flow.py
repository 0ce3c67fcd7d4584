"""A whole flow on a venue's prices over a network: its past, its quotes, a break that is mended, and verified after."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.checking import load, load_text
from pipeline.clocks import LoopClock
from pipeline.engine import Setting, running
from pipeline.errors import InputError, PlanError
from pipeline.flow import Flow
from pipeline.journal import Journal
from pipeline.parts import registered
from pipeline.times import DAY, MINUTE, SECOND
from pipeline.trying import NoRecords, tried
from pipeline.values import VENUE, Bars, Decisions, Link, Past, Quotes
from pipeline.verifying import verified
from tests.feed_servers import CUT, Binance, book, serving
from tests.support import MONDAY, ROOT, SMALL

SPEED = 90.0
BEGIN = MONDAY + 20 * SECOND
LAST = MONDAY + 8 * MINUTE
DARK = (MONDAY + 2 * MINUTE + 30 * SECOND, MONDAY + 3 * MINUTE + 40 * SECOND)
"""While the connection is down."""
MARKET = """use = "synthetic"
products = ["EURUSD", "BTCUSD"]
start = "2026-01-05T10:00:00Z"
"""


def flow_text(place: str) -> str:
    keys = f'url = "http://{place}"\nstream_url = "ws://{place}"\nsymbols = {{ BTCUSD = "BTCUSDT" }}\n'
    return SMALL.replace(MARKET, f'use = "binance"\nproducts = ["BTCUSD"]\n{keys}')


async def quoted(venue: Binance, flow: Flow) -> None:
    """A quote every five seconds of the flow's time, but for a while the connection is down and nobody is let in."""
    number, dark = 0, False
    for at in range(BEGIN, LAST, 5 * SECOND):
        await flow.border.until(at)
        if DARK[0] <= at < DARK[1]:
            if not dark:
                dark = True
                venue.closed = True
                venue.frames.put_nowait(CUT)
            continue
        venue.closed = False
        if dark:
            dark = False
            while not venue.connected.empty():
                venue.connected.get_nowait()
            await venue.connected.get()
        number += 1
        bid = 20_000 + number
        venue.frames.put_nowait(book("BTCUSDT", number, f"{bid}.10", f"{bid}.30"))


def lived(folder: Path) -> tuple[list[tuple[str, Any]], Binance]:
    given: list[tuple[str, Any]] = []
    venues: list[Binance] = []

    async def whole() -> None:
        clock = LoopClock(asyncio.get_running_loop(), BEGIN, SPEED)
        venue = Binance(clock.now, MONDAY - DAY)
        venues.append(venue)
        async with serving(venue) as place:
            plan = load_text(flow_text(place), "btc.toml", folder)
            setting = Setting(mode="paper", begin=BEGIN, clock=clock)
            with Journal(folder / "session", plan, BEGIN) as journal:

                def told(node: str, value: Any) -> None:
                    given.append((node, value))

                async with running(plan, setting, NoRecords(), Past((), {}), journal=journal, taps=(told,)) as flow:
                    async with asyncio.timeout(30):
                        await venue.connected.get()
                        await quoted(venue, flow)
                        await flow.border.until(LAST + SECOND)
                    venue.frames.put_nowait(CUT)

    asyncio.run(whole())
    return given, venues[0]


def test_a_flow_on_binance_goes_through_a_break_without_a_missing_minute_and_verifies_without_a_network(
    tmp_path: Path,
) -> None:
    given, venue = lived(tmp_path)
    quotes = [value for node, value in given if node == "sources.market" and isinstance(value, Quotes)]
    assert np.concatenate([each.bid for each in quotes]).tolist() == [20_001.1 + n for n in range(len(quotes))]
    stamps = np.concatenate([each.ts for each in quotes])
    assert (np.diff(stamps) >= 0).all()

    links = [value for _, value in given if isinstance(value, Link)]
    assert [each.up for each in links] == [False, True, False, True]
    assert links[0].at <= BEGIN + MINUTE, "of the minute that was open already not all was heard"
    assert DARK[0] <= links[2].at < DARK[1] <= links[3].at

    past = next(value for node, value in given if node == "sources.market" and isinstance(value, Bars))
    assert (past.fresh, past.open_ts[-1]) == (0, MONDAY - MINUTE)
    minutes = [value for node, value in given if node == "operators.bars" and isinstance(value, Bars)]
    last = [each for each in minutes if each.tf == MINUTE][-1]
    assert np.diff(last.open_ts).tolist() == [MINUTE] * (len(last) - 1), "no minute is missing"
    assert last.open_ts[-1] >= MONDAY + 6 * MINUTE
    ours = set(last.open_ts[last.closed_by != VENUE].tolist())
    torn = {MONDAY + 2 * MINUTE, MONDAY + 3 * MINUTE}
    assert ours, "most minutes were heard whole"
    assert not ours & torn, "those that were not are the venue's"

    decided = [value for _, value in given if isinstance(value, Decisions) and value.tf == MINUTE]
    rows = [int(at) for value in decided for at in value.open_ts]
    assert ours <= set(rows), "every bar that became final before us is decided"

    klines = [query for path, query in venue.asked if path.endswith("klines")]
    asked = len(venue.asked)
    assert any(int(query["startTime"]) in torn for query in klines)
    verdict = verified(tmp_path / "session", tmp_path)
    assert verdict.difference is None
    assert verdict.decisions == sum(len(value) for _, value in given if isinstance(value, Decisions)) > 0
    assert len(venue.asked) == asked, "verifying asks nobody"


def test_a_replay_has_no_network_and_says_where_prices_come_from_instead(tmp_path: Path) -> None:
    plan = load_text(flow_text("127.0.0.1:1"), "btc.toml", tmp_path)

    async def whole() -> None:
        async with running(plan, Setting(mode="replay", begin=MONDAY), NoRecords(), Past((), {})):
            pass

    with pytest.raises(InputError, match="data download"):
        asyncio.run(whole())


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ('use = "binance"\nproducts = ["XAUUSD"]', "symbols does not say what XAUUSD is called at Binance"),
        ('use = "binance"\nproducts = ["BTCUSD"]\nurl = "http://data-api.binance.vision"', "would send in the clear"),
        (
            'use = "binance"\nproducts = ["BTCUSD"]\nurl = "https://example.com"',
            "url leads to example.com",
        ),
        (
            'use = "kraken"\nproducts = ["BTCUSD"]\nsymbols = { BTCUSD = "XBTUSD" }',
            "no name of Kraken; write 'BTC/USD'",
        ),
        ('use = "oanda"\nproducts = ["EURUSD"]', "needs account"),
        ('use = "oanda"\naccount = "data"\nproducts = ["EURUSD"]\nstream_url = "x"', "stream_url is not an address"),
    ],
)
def test_what_is_wrong_with_such_a_source_is_told_before_it_runs(keys: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(PlanError) as wrong:
        load_text(f"[sources.market]\n{keys}\n", "flow.toml", tmp_path)
    assert sentence in str(wrong.value)


def test_what_a_product_is_taken_for_that_nobody_said_is_a_warning_until_somebody_says_it(tmp_path: Path) -> None:
    text = '[sources.market]\nuse = "binance"\nproducts = ["BTCUSD", "ETHBTC"]\n'
    told = [each.text("flow.toml") for each in load_text(text, "flow.toml", tmp_path).warnings]
    assert (
        "flow.toml:3:12: [sources.market]: BTCUSD is taken for BTCUSDT; if that is what you want, "
        'say symbols = { BTCUSD = "BTCUSDT" }'
    ) in told
    said = load_text(f'{text}symbols = {{ BTCUSD = "BTCUSDT" }}\n', "flow.toml", tmp_path)
    assert not any("taken for" in each.what for each in said.warnings)


def test_a_flow_with_more_products_than_kraken_answers_questions_about_is_refused(tmp_path: Path) -> None:
    names = [f"C{n:02d}USD" for n in range(61)]
    symbols = ", ".join(f'{name} = "{name[:3]}/USD"' for name in names)
    with pytest.raises(PlanError, match=r"where the venue answers 60.*products: name 60 of the 61"):
        load_text(
            f'[sources.market]\nuse = "kraken"\nproducts = {names!r}\nsymbols = {{ {symbols} }}\n'.replace("'", '"'),
            "flow.toml",
            tmp_path,
        )


def test_the_shipped_flow_on_real_prices_is_sound_and_keeps_what_it_claims() -> None:
    plan = load(ROOT / "flows" / "btc.toml")
    assert plan.warnings == ()
    assert plan.tests
    for test in plan.tests:
        assert tried(plan, test).passed, test.name


def test_unless_somebody_says_otherwise_only_the_venues_own_published_addresses_are_asked() -> None:
    known = registered("source")
    said = {
        name: tuple(field.default for field in known[name].fields if field.name in ("url", "stream_url"))
        for name in ("binance", "kraken", "oanda")
    }
    assert said == {
        "binance": ("https://data-api.binance.vision", "wss://data-stream.binance.vision"),
        "kraken": ("https://api.kraken.com", "wss://ws.kraken.com"),
        "oanda": ("https://api-fxpractice.oanda.com", "https://stream-fxpractice.oanda.com"),
    }

"""Checks of prices: final bars, quotes once and in order, and nothing missing after whatever went wrong."""

import numpy as np

from pipeline.conformance.candidate import PRODUCTS
from pipeline.conformance.checks import check
from pipeline.conformance.hearing import must
from pipeline.conformance.market import Market
from pipeline.conformance.stage import Stage
from pipeline.connections.troubles import CallFailed
from pipeline.evidence import Trouble
from pipeline.times import MINUTE, SECOND
from pipeline.values import Bars

ONE = PRODUCTS[0]
NEAR = 1e-3
"""Prices that are the same: a venue may tell bid and ask, rounded, and we compare their middle."""
SILENCE = 45.0
"""Seconds within which a socket on which nothing arrives is given up."""


@check("prices")
async def history_is_of_final_bars(stage: Stage) -> None:
    """The past is every final bar that the venue has of a span, and no bar that is still forming."""
    feed, now = stage.feed(), stage.host.now()
    slot = now // MINUTE * MINUTE
    bars = await feed.history(ONE, MINUTE, slot - 10 * MINUTE, slot + 5 * MINUTE)
    late = stage.host.now()
    told = [each for each in stage.broker.candles(ONE, MINUTE, slot - 10 * MINUTE, late) if each.final]
    opened = bars.open_ts.tolist()
    must(all(each + MINUTE <= late for each in opened), "it gives a bar that is still forming")
    wanted = [each.opened for each in told if each.opened < slot]
    must(opened[: len(wanted)] == wanted, f"the venue has {len(wanted)} final bars, and it gives {len(opened)}")
    for name in ("open", "high", "low", "close"):
        ours = getattr(bars, name)[: len(wanted)]
        theirs = np.array([getattr(each, name) for each in told[: len(wanted)]])
        must(bool(np.allclose(ours, theirs, atol=NEAR)), f"the {name} of its bars is not the venue's")
    must(bars.fresh == 0, "it gives the past as news")


@check("prices")
async def ticks_of_before_are_the_venues(stage: Stage) -> None:
    """Quotes of before are all that the venue has of a span, each once and in order; or it says that none are kept."""
    feed, now = stage.feed(), stage.host.now()
    since, until = now - 5 * MINUTE, now - MINUTE
    try:
        quotes = await feed.ticks(ONE, since, until)
    except CallFailed as failure:
        must(failure.kind == "rule", f"it fails otherwise than by saying that none are kept: {failure}")
        return
    told = stage.broker.ticks(ONE, since, until)
    must(quotes.ts.tolist() == [each.at for each in told], f"the venue has {len(told)} ticks, it gives {len(quotes)}")
    must(bool(np.allclose(quotes.mid, [each.quote for each in told], atol=NEAR)), "its prices are not the venue's")


@check("prices")
async def live_quotes_are_the_venues(stage: Stage) -> None:
    """Live, every quote of every product comes once and in order."""
    market, since = stage.market(), stage.host.now()
    await market.gives(since + 20 * SECOND, 3)
    _compare(market, since)


@check("prices")
async def every_product_is_back_after_a_break(stage: Stage) -> None:
    """A connection that breaks is told, made anew, and every product gives quotes again."""
    market, began = stage.market(), stage.host.now()
    await market.gives(began)
    stage.strike("outage", lasts="2s")

    def down() -> bool:
        return all(False in market.links(each) for each in PRODUCTS)

    await market.until(down, "that the break is told of every product")
    await market.gives(stage.host.now() + 3 * SECOND)
    for product in PRODUCTS:
        must(market.links(product)[-1], f"{product} gives quotes and is told to be down")
    _compare(market, began, holes=True)


@check("prices")
async def gap_is_filled(stage: Stage) -> None:
    """Bars that are missing after a break come as history when they are asked for, as the venue has them."""
    market, since = stage.market((ONE,)), stage.host.now()
    await market.gives(since)
    slot = stage.host.now() // MINUTE * MINUTE
    market.mend(ONE, MINUTE, slot - 3 * MINUTE, slot)

    def mended() -> bool:
        return {slot - 3 * MINUTE, slot - 2 * MINUTE, slot - MINUTE} <= _opened(market.bars(ONE)[1:] or [])

    await market.until(mended, "that missing bars come")
    told = {each.opened: each.close for each in stage.broker.candles(ONE, MINUTE, slot - 3 * MINUTE, slot)}
    for bars in market.bars(ONE):
        for opened, close in zip(bars.open_ts.tolist(), bars.close.tolist(), strict=True):
            must(abs(told.get(opened, close) - close) < NEAR, "a bar that came again is not the venue's")


@check("prices", "streams")
async def frame_that_comes_twice_is_given_once(stage: Stage) -> None:
    """A frame of the stream that comes twice is given once."""
    await _befallen(stage, "frame_duplicated")


@check("prices", "streams")
async def frames_out_of_order_harm_nothing(stage: Stage) -> None:
    """A frame that comes after the next one, or never, leaves what is given in order, and nothing is given twice."""
    await _befallen(stage, "frame_held_back", "frame_lost")


@check("prices", "streams")
async def half_a_frame_harms_nothing(stage: Stage) -> None:
    """A frame that is cut in the middle is let go, and quotes go on."""
    await _befallen(stage, "frame_cut")


@check("prices", "streams", slow=True)
async def silence_is_noticed(stage: Stage) -> None:
    """A socket that is open and on which nothing arrives any more is given up, and told."""
    market, since = stage.market((ONE,)), stage.host.now()
    await market.gives(since)
    stage.strike("half_open")
    await market.until(lambda: False in market.links(ONE), "that a silent connection is noticed", SILENCE)


@check("prices")
async def unknown_product_is_told(stage: Stage) -> None:
    """A product that the venue refuses is told, and the others give quotes all the same."""
    market, since = stage.market((ONE, "NOBODYS")), stage.host.now()

    def gives() -> bool:
        return bool((market.quotes(ONE)[0] >= since).any())

    await market.until(gives, f"that {ONE} gives quotes beside a product that is refused")
    must(not len(market.quotes("NOBODYS")[0]), "it gives quotes of a product that the venue does not have")
    told = [each for each in market.all if isinstance(each, Trouble)]
    must(any("NOBODYS" in str(each) for each in told), "nothing is told of the product that is refused")


async def _befallen(stage: Stage, *kinds: str) -> None:
    market, since = stage.market((ONE,)), stage.host.now()
    await market.gives(since)
    for number, what in enumerate(kinds):
        stage.strike(what, nth=2 + 4 * number, times=1)
    await market.gives(stage.host.now() + 20 * SECOND, 3)
    _compare(market, since, holes=True)


def _compare(market: Market, since: int, *, holes: bool = False) -> None:
    """Hold what was given against the venue's ticks: each once, in order, and none missing but where holes may be."""
    for product in market.products:
        ts, mid = market.quotes(product)
        ts, mid = ts[ts >= since], mid[ts >= since]
        must(bool((np.diff(ts) > 0).all()), f"quotes of {product} came twice, or out of order")
        at, price = market.told(product, int(ts[0]), int(ts[-1]) + 1)
        must(bool(np.isin(ts, at).all()), f"it gives quotes of {product} that the venue never had")
        must(holes or len(ts) == len(at), f"the venue had {len(at)} quotes of {product}, it gave {len(ts)}")
        must(bool(np.allclose(mid, price[np.isin(at, ts)], atol=NEAR)), f"prices of {product} are not the venue's")


def _opened(several: list[Bars]) -> set[int]:
    return {opened for each in several for opened in each.open_ts.tolist()}


CHECKS = (
    history_is_of_final_bars,
    ticks_of_before_are_the_venues,
    live_quotes_are_the_venues,
    every_product_is_back_after_a_break,
    gap_is_filled,
    frame_that_comes_twice_is_given_once,
    frames_out_of_order_harm_nothing,
    half_a_frame_harms_nothing,
    silence_is_noticed,
    unknown_product_is_told,
)

"""What the practice SDK's history has, told from its market's quotes by plain arithmetic."""

from collections import defaultdict
from typing import NamedTuple

from pipeline.calendar import calendar_of
from pipeline.market import Market
from tests.feed.consumer import Kept, Key
from tests.feed.form import LENGTHS

SEED = 42
FACTOR = 5
"""A tick counts for so much volume in the practice SDK's history."""


class Price(NamedTuple):
    ts: int
    bid: float
    ask: float


def true_bars(product: str, tf: str, since: int, until: int) -> dict[Key, Kept]:
    """The bars that open in [since, until), ms; half-way between those of bids and of asks."""
    quotes = Market(product, SEED, keeps=calendar_of(product)).quotes(since, until)
    length, slots = LENGTHS[tf], defaultdict[int, list[Price]](list)
    for ts, bid, ask in zip(quotes.ts.tolist(), quotes.bid.tolist(), quotes.ask.tolist(), strict=True):
        slots[ts // length * length].append(Price(ts, bid, ask))
    return {
        (product.lower(), tf, opens): _bar(sorted(prices, key=lambda each: each.ts), opens + length - 1)
        for opens, prices in slots.items()
        if opens >= since
    }


def _bar(prices: list[Price], ends: int) -> Kept:
    bids, asks = [each.bid for each in prices], [each.ask for each in prices]
    return Kept(
        open=(bids[0] + asks[0]) / 2,
        high=(max(bids) + max(asks)) / 2,
        low=(min(bids) + min(asks)) / 2,
        close=(bids[-1] + asks[-1]) / 2,
        volume=float(FACTOR * len(prices)),
        close_time=ends,
        own=False,
    )


def differences(kept: dict[Key, Kept], products: tuple[str, ...], since: int, until: int) -> list[str]:
    """What a consumer lacks of the bars that open in [since, until), has too much of them, or has wrong."""
    found = list[str]()
    for product in products:
        for tf, length in (("1m", 60_000), ("5m", 300_000)):
            right = true_bars(product, tf, -(-since // length) * length, until // length * length)
            here = {key: bar for key, bar in kept.items() if key[:2] == (product.lower(), tf) and key in right}
            found += [f"{key} is missing" for key in sorted(right.keys() - here.keys())]
            found += [
                f"{key} is {bar}, not {right[key]}" for key, bar in sorted(here.items()) if not same(bar, right[key])
            ]
    return found


def same(one: Kept, two: Kept) -> bool:
    return all(abs(mine - other) <= 1e-9 * max(1.0, abs(other)) for mine, other in zip(one, two, strict=True))

"""Tips as people write them: which way, for which bars, when and for how long; and as they flow."""

import math
import re
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from pipeline.archive.walls import is_zone
from pipeline.tables import nearest
from pipeline.times import duration, timeframe
from pipeline.tipping import ordered
from pipeline.values import Tips

UP, DOWN = ("call", "buy", "up", "long", "rise", "higher"), ("put", "sell", "down", "short", "fall", "lower")
DIRECTIONS = dict.fromkeys(UP, 1.0) | dict.fromkeys(DOWN, -1.0)
FRAME = re.compile(r"(?P<unit>[MHD])(?P<number>[1-9]\d*)|(?P<number_>[1-9]\d*)(?P<unit_>[mhd])", re.IGNORECASE)
ANY = 0
"""The timeframe of a tip that is for bars of every timeframe."""


class Tip(NamedTuple):
    """One tip; moments and the timeframe are in ms."""

    product: str
    as_of: int
    valid_until: int
    tf: int
    score: float


def is_direction(word: str) -> bool:
    return word.lower() in DIRECTIONS


def is_timeframe(word: str) -> bool:
    return FRAME.fullmatch(word) is not None


def score_of(direction: str | None, score: float | str | None) -> float:
    """What is said, from -1 to 1: by a word, or by a number."""
    if (direction is None) == (score is None):
        raise ValueError("a tip has either a direction or a score; write call or put, or a number from -1 to 1")
    if direction is not None:
        if not is_direction(direction):
            raise ValueError(f"{direction!r} is no direction; write call or put")
        return DIRECTIONS[direction.lower()]
    try:
        number = float(score or 0)
    except ValueError:
        number = math.nan
    if not 0 < abs(number) <= 1:
        raise ValueError(f"the score is {score}; write a number from -1 (put) to 1 (call) that is not 0")
    return number


def timeframe_of(word: str | None) -> int:
    """The timeframe that `M5`, `5m` or nothing is."""
    if not word:
        return ANY
    match = FRAME.fullmatch(word)
    if match is None:
        raise ValueError(f"{word!r} is no timeframe; write M1, M5, M15, H1, or 1m, 5m, 15m, 1h")
    return timeframe(f"{match['number'] or match['number_']}{(match['unit'] or match['unit_']).lower()}")


def product_of(word: str, market: Collection[str]) -> str:
    """A product of the flow, as the flow spells it."""
    known = {each.upper(): each for each in market}
    if not known or word in market:
        return word
    if word.upper() not in known:
        raise ValueError(f"this flow has no product {word!r}; {nearest(word.upper(), market)}")
    return known[word.upper()]


def valid_until_of(as_of: int, until: int | None, span: str | None, usual: str) -> int:
    """Until when a tip holds: until a moment, for a span, or for as long as is usual."""
    if until is not None and span:
        raise ValueError("a tip has either valid_until or valid_for; leave one out")
    end = as_of + duration(span or usual) if until is None else until
    if end < as_of:
        raise ValueError("the tip ends before it begins; write a valid_until that is not before its as_of")
    return end


def check_usual(timezone: str, valid_for: str, tf: str | None) -> None:
    """What a source of tips takes where a tip does not say: a ValueError with a sentence for what cannot be."""
    if not is_zone(timezone):
        raise ValueError(f"timezone {timezone!r} is not known; write one like Europe/London")
    duration(valid_for)
    if tf is not None:
        timeframe(tf)


def batches(tips: Iterable[Tip]) -> Iterator[Tips]:
    """Tips as they flow: those of each product together, in order of time."""
    by_product: dict[str, list[Tip]] = {}
    for tip in tips:
        by_product.setdefault(tip.product, []).append(tip)
    for product, some in sorted(by_product.items()):
        as_of, valid_until, tf = (np.array(each, np.int64) for each in zip(*(tip[1:4] for tip in some), strict=True))
        yield ordered(Tips(product, as_of, valid_until, tf, np.array([tip.score for tip in some])))

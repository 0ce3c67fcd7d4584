"""How symbols and timeframes are written on the wire, and what is said of a message that cannot be."""

import re
from functools import lru_cache

from pipeline.errors import MoonlightError
from pipeline.times import timeframe, timeframe_name

SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,63}")
_OTHERS = re.compile(r"([mhd])(\d{1,4})")


class Unfit(MoonlightError):
    """A message that must not be sent, or that makes no sense: which key, and what is wrong with it."""


class NotAsked(Unfit):
    """A message that is sound, but about what somebody else listens for."""


def wire_symbol(product: str) -> str:
    """What a product is called on the wire: in capitals, without a slash."""
    symbol = "".join(product.split()).replace("/", "").upper()
    if SYMBOL.fullmatch(symbol) is None:
        raise Unfit(f"symbol: {shortened(product)} is none; write letters and digits, as in EURUSD")
    return symbol


@lru_cache(256)
def timeframe_of(text: str) -> int:
    """Milliseconds of a timeframe as anybody writes it: 1m, m1, 60m, m60, 1h, H1."""
    name = text.strip().lower()
    other = _OTHERS.fullmatch(name)
    try:
        return timeframe(f"{other[2]}{other[1]}" if other else name)
    except ValueError:
        raise Unfit(f"tf: {shortened(text)} is no timeframe; write one such as 1m, 5m or 1h") from None


def wire_timeframe(tf: int) -> str:
    return timeframe_name(tf)


def shortened(value: object, most: int = 60) -> str:
    """A value as it came, cut, in quotes where it is text."""
    text = repr(value[: most + 1] if isinstance(value, str) else value)
    return text if len(text) <= most else f"{text[:most]}…"

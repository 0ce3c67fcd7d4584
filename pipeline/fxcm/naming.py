"""What FXCM calls our products: pairs are written with a stroke, everything else has to be said."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from pipeline.calendar import CURRENCIES, bare
from pipeline.feeds.symbols import Naming

COINS = ("BTC", "ETH", "LTC", "XRP", "BCH", "ADA", "SOL", "DOGE")
PARTS: Final = frozenset((*CURRENCIES, *COINS))


def symbols(products: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """FXCM's name of each product, `XAU/USD` of XAUUSD; a ValueError that begins with the key that is wrong."""
    return naming(products).symbols(products, given)


def naming(products: Sequence[str]) -> Naming:
    """How FXCM names these, as far as their own names say."""
    usual = {product: split for product in products if (split := stroked(product)) is not None}
    return Naming("FXCM", usual, re.compile(r"[A-Za-z0-9./ _+-]{2,30}"), "EUR/USD")


def stroked(product: str) -> str | None:
    """A pair as FXCM writes it; None of what is no pair of currencies, metals or coins."""
    name = bare(product)
    for at in (3, 4):
        if name[:at] in PARTS and name[at:] in PARTS:
            return f"{name[:at]}/{name[at:]}"
    return None

"""What a product is called on the wire, where one that cannot be there is left out."""

from functools import lru_cache

from pipeline.channels.wording import Unfit, wire_symbol


@lru_cache(maxsize=4096)
def symbol_of(product: str) -> str:
    """`EURUSD` of `EUR/USD`; empty for a name that no listener takes."""
    try:
        return wire_symbol(product)
    except Unfit:
        return ""

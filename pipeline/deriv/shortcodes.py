"""A contract's terms as Deriv writes them into one word: CALL_R_100_19.54_1795200000_1795200060_S0P_0."""

import re
from decimal import Decimal
from typing import NamedTuple

from pipeline.times import SECOND

_WORD = re.compile(
    r"(?P<kind>[A-Z]+)_(?P<symbol>\w+)_(?P<payout>\d{1,12}(?:\.\d{1,8})?)_(?P<start>\d{9,11})F?"
    r"_(?P<end>\d{9,11}F?|\d{1,3}T)_S(?P<barrier>-?\d+)P_0"
)


class Terms(NamedTuple):
    """What a contract is of. `expiry` is 0 where it lasts a number of ticks; `barrier` is in pips from the entry."""

    kind: str
    symbol: str
    payout: Decimal
    start: int
    expiry: int
    barrier: int


def terms_of(word: str) -> Terms | None:
    """What a shortcode says; None of one of another form, that of a contract we know nothing of."""
    found = _WORD.fullmatch(word)
    if found is None:
        return None
    end = found["end"].rstrip("F")
    expiry = 0 if end.endswith("T") else int(end) * SECOND
    start, barrier = int(found["start"]) * SECOND, int(found["barrier"])
    return Terms(found["kind"], found["symbol"], Decimal(found["payout"]), start, expiry, barrier)

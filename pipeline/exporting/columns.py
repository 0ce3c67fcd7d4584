"""What a column of an exported file holds, and how it is told: as text in CSV and JSON lines, by its type in Parquet.

Money is text or a decimal of 38 digits, never a float; a moment is ISO text in UTC to the millisecond, or a timestamp.
"""

# pyarrow comes without types:
# pyright: reportMissingTypeStubs=false

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import pyarrow

from pipeline.times import timeframe_name

pa: Any = pyarrow

Kind = Literal["text", "moment", "timeframe", "money", "number", "count"]
PLACES = 10
"""Decimal places of money in a Parquet file."""


class Column(NamedTuple):
    """A column of a file: its name there, and what a value of it is in the ledger."""

    name: str
    kind: Kind


def _moment(value: int) -> str | None:
    """As `utc_text` has it; quicker, for millions of them."""
    if not value:
        return None
    return datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


TEXTS: Mapping[Kind, Callable[[Any], Any]] = {"moment": _moment, "timeframe": timeframe_name}
"""How values of a kind are told in text, if not as they are in the ledger. A moment of 0 has not come."""
TYPED: Mapping[Kind, Callable[[Any], Any]] = {
    "moment": lambda value: value or None,
    "timeframe": timeframe_name,
    "money": Decimal,
    "number": float,
}
TYPES: Mapping[Kind, Any] = {
    "text": pa.string(),
    "moment": pa.timestamp("ms", tz="UTC"),
    "timeframe": pa.string(),
    "money": pa.decimal128(38, PLACES),
    "number": pa.float64(),
    "count": pa.int64(),
}

"""All of tulipy's indicators that are features here, and those that are not."""

from operators.features.tulip import averages, columns, directions, momenta, ranges, volumes
from operators.features.tulip.entry import Entry

ENTRIES: dict[str, Entry] = {
    **averages.ENTRIES,
    **ranges.ENTRIES,
    **momenta.ENTRIES,
    **directions.ENTRIES,
    **volumes.ENTRIES,
    **columns.ENTRIES,
}
"""By tulipy's names."""

LEFT_OUT = (
    *("acos", "asin", "atan", "ceil", "cos", "cosh", "floor", "log10", "round", "sin", "sinh", "tan"),
    *("todeg", "torad", "trunc"),
)
"""Arithmetic on single values that says nothing about a market."""

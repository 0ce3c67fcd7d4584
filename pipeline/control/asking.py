"""Shapes that several questions have in common."""

from pipeline.control.errors import Refused
from pipeline.times import timeframe


def millis(name: str) -> int:
    """A timeframe as a question names it, in ms; 0 for all."""
    try:
        return timeframe(name) if name else 0
    except ValueError as wrong:
        raise Refused("VALIDATION", str(wrong)) from None

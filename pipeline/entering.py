"""What comes in from a network, without secrets in its words: a broker may repeat whatever it was told."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from pipeline.evidence import Declined, Lost, Standing, Statement, Trouble, Unsent
from pipeline.masking import masked
from pipeline.values import Reject

WORDS: Mapping[type[Any], str] = {
    Reject: "reason",
    Unsent: "reason",
    Lost: "reason",
    Declined: "reason",
    Standing: "reason",
    Statement: "fault",
    Trouble: "what",
}
"""Which of a value's fields has words of somebody else in it."""


def without_secrets(value: Any) -> Any:
    """A value that enters, as everybody may see it; most have no words, and are given back as they are."""
    name = WORDS.get(type(value))  # pyright: ignore[reportUnknownArgumentType]  # whatever enters
    if name is None:
        return value
    said: str = getattr(value, name)
    shown = masked(said)
    if isinstance(value, Statement):
        cash = tuple(replace(each, what=masked(each.what)) for each in value.cash)
        value = replace(value, cash=cash) if cash != value.cash else value
    return value if shown == said else replace(value, **{name: shown})

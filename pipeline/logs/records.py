"""One thing the engine said, as it is kept, shown and sent."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

LogLevel = Literal["debug", "info", "warning", "error"]
Fact = str | int | float | bool | None
Facts = Mapping[str, Fact]

GRAVITY: Mapping[LogLevel, int] = {"debug": 0, "info": 1, "warning": 2, "error": 3}
"""In this order."""


class Record(Struct, frozen=True, omit_defaults=True):
    """What was said. `seq` rises by one a record, over restarts too, so whoever reads sees what is missing."""

    seq: int
    at: int
    """On the flow's clock."""
    wall: int
    """By the machine's."""
    level: LogLevel
    module: str
    """Who said it: a node such as `risk.careful`, or a subject such as `engine`."""
    text: str
    correlation: str = ""
    """What it belongs to, from the bar to the settlement: the order's id, ACCOUNT:PRODUCT:TIMEFRAME:BAR."""
    fields: dict[str, Fact] = {}


class Said(NamedTuple):
    """What is to become a record."""

    level: LogLevel
    module: str
    text: str
    correlation: str = ""
    fields: Facts = {}  # noqa: RUF012  # nobody changes it
    at: int = 0
    """On the flow's clock; 0: now."""


class Choice(NamedTuple):
    """Which records are asked for."""

    level: LogLevel = "debug"
    module: str = ""
    """It, and what is below it: `venues` is `venues.practice` too."""
    order: str = ""
    word: str = ""
    """It is in the text, in whichever letters."""
    since_wall: int = 0
    since: int = 0

    def takes(self, record: Record) -> bool:
        return (
            GRAVITY[record.level] >= GRAVITY[self.level]
            and (not self.module or within(record.module, self.module))
            and (not self.order or record.correlation == self.order)
            and (not self.word or self.word.casefold() in record.text.casefold())
            and record.wall >= self.since_wall
            and record.at >= self.since
        )


def within(module: str, prefix: str) -> bool:
    """Whether a module is one, or below it."""
    return module == prefix or module.startswith(f"{prefix}.")


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Record)


def line_of(record: Record) -> bytes:
    """The record as one line of a file."""
    return _ENCODER.encode(record) + b"\n"


def record_of(line: bytes) -> Record | None:
    """The record in a line; None for a line that holds none."""
    try:
        return _DECODER.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return None

"""Messages as bytes, whichever way they are asked for: never one that a listener would have to drop."""

import json
import re
from collections.abc import Iterator

import msgspec

from pipeline.channels.messages import Message, Ohlcv
from pipeline.channels.rules import MOST_BARS, checked
from pipeline.channels.signing import signed
from pipeline.channels.wording import Unfit

_ENCODER = msgspec.json.Encoder()
_EXPONENT = re.compile(rb"e[\d-]")


def encoded(message: Message, now: int, secret: bytes = b"") -> bytes:
    """A message as it goes out, its bars signed where there is a secret; `Unfit` for one that must not.

    Numbers are written as Python writes them, so that a signature also fits for who never parses them.
    """
    checked(message, now)
    if secret and isinstance(message, Ohlcv):
        message = signed(message, secret)
    raw = _ENCODER.encode(message)
    if _alike(raw):
        return raw
    try:
        text = json.dumps(msgspec.to_builtins(message), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise Unfit(f"a number in it is not finite: {raw[:200].decode()}") from None
    return text.encode()


def parts_of(message: Ohlcv, most: int = MOST_BARS) -> Iterator[Ohlcv]:
    """The same bars in as many messages as it takes; a signature is each one's own."""
    if len(message.bars) <= most:
        yield message
        return
    for first in range(0, len(message.bars), most):
        bars = message.bars[first : first + most]
        yield msgspec.structs.replace(message, bars=bars, sig=msgspec.UNSET)


def _alike(raw: bytes) -> bool:
    """Whether Python would have written the same.

    Otherwise are numbers with an exponent, very small ones, and what is no number, which is `null` here. Text that
    only looks so costs time, nothing else.
    """
    return b"null" not in raw and b"0.0000" not in raw and _EXPONENT.search(raw) is None

"""Signatures over what a message says: hex HMAC-SHA256 of its canonical JSON, with a secret that both ends know."""

import hmac
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from pipeline.channels.messages import Ohlcv

SIGNED = ("symbol", "tf", "bars")
"""The keys of a message of bars that are signed: `source` is not."""


def canonical(value: Mapping[str, Any]) -> bytes:
    """The one text of a value that came out of JSON: keys sorted, no spaces, nothing escaped that need not be."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def signature(value: Mapping[str, Any], secret: bytes) -> str:
    return hmac.digest(secret, canonical(value), "sha256").hex()


def signed(message: Ohlcv, secret: bytes) -> Ohlcv:
    """A message with its signature: over what whoever parses it finds in it, 1 and 1.0 told apart."""
    parsed = msgspec.to_builtins({"symbol": message.symbol, "tf": message.tf, "bars": message.bars})
    return msgspec.structs.replace(message, sig=signature(parsed, secret))


def genuine(parsed: Mapping[str, Any], secret: bytes, keys: tuple[str, ...] = SIGNED) -> bool:
    """Whether the signature in something that was parsed is that of some of its keys. It takes as long either way."""
    given = parsed.get("sig")
    try:
        expected = signature({key: parsed[key] for key in keys}, secret)
        return isinstance(given, str) and hmac.compare_digest(given.lower().encode(), expected.encode())
    except (KeyError, ValueError):  # a key is missing, or no JSON has such a value: nobody signed that
        return False

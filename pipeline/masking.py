"""Secrets taken out of text, whoever wrote it: a broker that echoes a request, a library's error, a traceback.

What was ever revealed is known and is found in each form in which it travels. What is not known is found by the word
before it, as in `password=`. Masking what is masked already changes nothing, so a recording is made again as it was.
"""

import base64
import json
import re
import sys
import traceback
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from types import TracebackType
from typing import Any, TextIO, cast
from urllib.parse import quote, quote_plus

from pipeline.secret import MASK, PRACTISED, revealed

SHORTEST = 6
"""Letters of a secret that is looked for: shorter ones would be found in every other word."""
WORDS = (
    r"(?:access|refresh|session|id|auth|bearer)?[_-]?token|otp|password|passwd|passphrase|pwd|secret|client[_-]?secret"
    r"|api[_-]?key|private[_-]?key|pat|ssid|cookie"
)
CUES = (
    *("token", "otp", "passw", "passphrase", "pwd", "secret", "ssid", "cookie", "bearer", "authorization", "://"),
    *("api_key", "api-key", "apikey", "private_key", "private-key", "privatekey", "ory_", "eyj"),
    *("pat_", "pat=", "pat ", 'pat"', "pat'", "pat\\", "pat%"),
)
"""One of these is in a text that a pattern finds something in: most texts are asked for no more."""
PIECE, LONG_PIECE = 10, 12
"""So many of a secret's first letters are masked by themselves, or half of them."""
ESCAPE = re.compile("%[0-9A-F]{2}")
PATTERNS = re.compile(
    rf"""
    (?P<head>
        \bauthorization\b["'\\]*\s*[:=]\s*["'\\]*(?:(?:bearer|basic|token)\s+)?
      | \bbearer\s+(?=[^\s]*[\d._~+/-])
      | \b(?:set-)?cookie:\s*
      | (?:(?<![A-Za-z0-9])|(?<=%22))(?:{WORDS})(?:["'\\]+\s*[:=]\s*["'\\]*|\s*=\s*["'\\]*|(?:%22)?%3[ad](?:%22)?)
      | \b[a-z][a-z0-9+.-]*://[^\s/@:]*:(?=[^\s/@]+@)
      | \b(?:pat_|ory_[ar]t_|eyJ)(?=[A-Za-z0-9_.-]{{12}})
    )
    (?!{PRACTISED}|null\b|…|(?:bearer|basic|token)\b)
    (?P<value>[^\s"'\\&;,<>(){{}}\[\]@]+)
    """,
    re.IGNORECASE | re.VERBOSE,
)


def masked(text: str) -> str:
    """A text without the secrets in it."""
    for head, known in _known(revealed()).items():
        if head in text:
            text = _without(text, head, known)
    folded = text.casefold()
    return PATTERNS.sub(_without_value, text) if any(cue in folded for cue in CUES) else text


def shortened(name: str) -> str:
    """An id as it is shown: enough of it for its owner to know it again."""
    return f"{name[:2]}…{name[-2:]}" if len(name) > 5 else "…"


def forms(secret: str) -> Iterator[str]:
    """Each form in which a secret may stand in a text."""
    if len(secret) < SHORTEST:
        return
    quoted = (quote(secret, safe=""), quote(secret), quote_plus(secret))
    yield from (secret, secret[::-1], *quoted, *(ESCAPE.sub(_lower, each) for each in quoted))
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1])
    for coding in ("utf-8", "utf-16-le"):
        raw = secret.encode(coding, "surrogatepass")
        yield from (raw.hex(), raw.hex().upper())
        for before in range(3):  # within something longer, as a name and a password together are
            whole = base64.b64encode(bytes(before) + raw).decode()
            cut = -1 if (before + len(raw)) % 3 else None
            inner = whole[(0, 2, 3)[before] :].rstrip("=")[:cut]
            yield from (inner, inner.replace("+", "-").replace("/", "_"))


@contextmanager
def masked_output() -> Generator[None]:
    """While it lasts whatever this program prints is masked, a traceback too."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast("TextIO", Masking(each)) for each in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def tell_masked(kind: type[BaseException], failure: BaseException, trace: TracebackType | None) -> None:
    """`sys.excepthook`: the traceback, masked. It shows lines of code and no values of variables."""
    sys.stderr.write(masked("".join(traceback.format_exception(kind, failure, trace))))


class Masking:
    """A stream of text that masks what is written to it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(masked(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _lower(match: re.Match[str]) -> str:
    return match[0].lower()


def _without_value(match: re.Match[str]) -> str:
    return match["head"] + MASK


def _without(text: str, head: str, known: Collection[str]) -> str:
    """A text without what begins like this, as far as it is one of those; a sentence may have been cut within."""
    pieces: list[str] = []
    at = 0
    while (found := text.find(head, at)) >= 0:
        end = found + max(_alike(form, text[found : found + len(form)]) for form in known)
        if _within_a_number(text, found, end):
            pieces.append(text[at : found + 1])
            at = found + 1
            continue
        pieces += (text[at:found], MASK)
        at = end
    return "".join((*pieces, text[at:]))


def _within_a_number(text: str, begin: int, end: int) -> bool:
    """Whether digits stand in the midst of others, so that they are a part of a number and no code of six digits."""
    before, after = text[max(0, begin - 2) : begin], text[end : end + 1]
    if not (text[begin:end].isascii() and text[begin:end].isdigit()):
        return False
    return after.isdigit() or before[-1:].isdigit() or (before[-1:] == "." and before[:1].isdigit())


def _alike(form: str, text: str) -> int:
    """How many letters two texts have in common before they differ."""
    return next((place for place, pair in enumerate(zip(form, text, strict=False)) if pair[0] != pair[1]), len(text))


@lru_cache(maxsize=4)
def _known(secrets: tuple[str, ...]) -> Mapping[str, Collection[str]]:
    """What to look for by how it begins: of a long secret a good piece is a secret too."""
    found: dict[str, set[str]] = {}
    for secret in secrets:
        if not secret.startswith(PRACTISED):
            for form in forms(secret):
                if len(form) >= SHORTEST:
                    found.setdefault(form[: max(PIECE, min(LONG_PIECE, len(form) // 2))], set()).add(form)
    return found

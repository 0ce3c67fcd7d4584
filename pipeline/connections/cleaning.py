"""What others say to us, made fit to be shown: short, printable, and without what we told them in confidence."""

import re
from collections.abc import Collection, Iterator, Mapping

from pipeline.masking import forms, masked
from pipeline.secret import MASK

LONGEST = 200
SHORTEST_SECRET = 4
_ODD = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_TOKEN = re.compile(r"(?=[A-Za-z_\-+/=.%]*\d)[A-Za-z0-9_\-+/=.%]{24,}|[A-Za-z0-9_\-+/=.%]{40,}")
"""A long word without a digit is a word: some names of errors are."""
_CONFIDENTIAL = re.compile(r"auth|token|secret|passw|otp|pin|key|cookie|session|user|login|mail", re.IGNORECASE)


def cleaned(text: str, confidential: Collection[str] = (), most: int = LONGEST) -> str:
    """One short line of what somebody said, anything confidential or of a token's length masked."""
    shown = _ODD.sub(" ", text[: 16 * most]).strip()
    for form in sorted({form for each in confidential for form in (each, *forms(each))}, key=len, reverse=True):
        shown = re.sub(re.escape(form), MASK, shown, flags=re.IGNORECASE)
    shown = _TOKEN.sub(MASK, masked(shown))
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def confidences(*told: Mapping[str, object] | None) -> frozenset[str]:
    """What of headers, a query and a body must not come back in a sentence: by the names of the fields."""
    return frozenset(part for each in told if each is not None for part in _within(each, named=False))


def _within(value: object, *, named: bool) -> Iterator[str]:
    match value:
        case Mapping():
            for key, each in value.items():  # pyright: ignore[reportUnknownVariableType]  # whatever a body holds
                yield from _within(each, named=named or _CONFIDENTIAL.search(str(key)) is not None)  # pyright: ignore[reportUnknownArgumentType]
        case list() | tuple():
            for each in value:  # pyright: ignore[reportUnknownVariableType]
                yield from _within(each, named=named)  # pyright: ignore[reportUnknownArgumentType]
        case str() | int() if named and not isinstance(value, bool):
            yield from (part for part in {str(value), *str(value).split()} if len(part) >= SHORTEST_SECRET)
        case _:
            pass

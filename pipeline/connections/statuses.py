"""What an HTTP status means for us: who says it, what to do about it, and what is certain of an order after it."""

import re
from collections.abc import Collection, Mapping
from email.utils import parsedate_to_datetime
from typing import cast

from pipeline.connections.cleaning import cleaned
from pipeline.connections.reading import Answer
from pipeline.connections.troubles import CallFailed, Fate
from pipeline.evidence import TroubleKind
from pipeline.times import SECOND

AUTH, THROTTLE, UNANSWERED = frozenset({401, 403, 407, 511}), frozenset({418, 425, 429}), frozenset({408, 499})
"""425 is "too early", 418 some venues' "you have been banned"; after 408 and 499 nobody knows who heard what."""
LONGEST_WAIT = 900.0
UNAVAILABLE = "temporarily unavailable"
MESSAGES = (
    *("message", "errorMessage", "error_description", "detail", "reason"),
    *("title", "msg", "error", "errors", "code"),
)
"""Where answers keep their sentence, in the order of looking."""
_SECONDS = re.compile(r"\d+(\.\d*)?", re.ASCII)


class StatusFailed(CallFailed):
    """A whole HTTP answer that says no. `answer` is what it says, where that is JSON: for codes, never for showing."""

    def __init__(
        self, kind: TroubleKind, what: str, *, fate: Fate, wait: float | None, status: int, answer: Answer | None
    ) -> None:
        super().__init__(kind, what, fate=fate, wait=wait)
        self.status = status
        self.answer = answer


def judged(
    what: str,
    status: int,
    headers: Mapping[str, str],
    body: str,
    answer: Answer | None,
    *,
    whole: bool,
    now: int | None,
    confidential: Collection[str] = (),
) -> StatusFailed:
    """The failure that an answer is. `what` was asked; `whole`: all of it came; `now` in ms UTC, where it is known."""
    kind = _kind(status, body)
    refused = whole and 400 <= status < 500 and status not in UNANSWERED
    plain = _plain(body) if whole else ""
    said = cleaned(plain if answer is None else _message(answer.raw), confidential)
    sentence = f"{what} {_MEANING[kind]} ({status}"
    wait = None
    if kind in {"throttle", "maintenance"}:
        wait = retry_after(headers.get("Retry-After"), headers.get("Date"), now)
    return StatusFailed(
        kind,
        f"{sentence}: {said})" if said else f"{sentence})",
        fate="refused" if refused else "unknown",
        wait=wait,
        status=status,
        answer=answer,
    )


def retry_after(said: str | None, date: str | None, now: int | None) -> float | None:
    """For how many seconds we are to keep away: a count, or a date by the clock of `date`, else by ours.

    Never more than a quarter of an hour, whatever is said.
    """
    if said is None:
        return None
    if _SECONDS.fullmatch(said.strip()):
        return min(float(said.strip()[:12]), LONGEST_WAIT)
    until, theirs = http_date(said), http_date(date)
    begin = now if theirs is None else theirs
    if until is None or begin is None:
        return None
    return min(max(0.0, (until - begin) / SECOND), LONGEST_WAIT)


def http_date(text: str | None) -> int | None:
    """The moment that a `Date` header tells, in ms UTC."""
    if text is None:
        return None
    try:
        return int(parsedate_to_datetime(text).timestamp() * SECOND)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


_MEANING: Mapping[TroubleKind, str] = {
    "auth": "was not let in",
    "throttle": "was too much",
    "maintenance": "met a maintenance",
    "network": "failed at the other end",
    "rule": "was refused",
    "format": "was sent elsewhere, which is not followed",
}


def _kind(status: int, body: str) -> TroubleKind:
    if status in AUTH:
        return "auth"
    if status in THROTTLE:
        return "throttle"
    if status == 503 or (status >= 500 and UNAVAILABLE in body.lower()):
        return "maintenance"
    if status >= 500 or status in UNANSWERED:
        return "network"
    return "rule" if status >= 400 else "format"


def _plain(body: str) -> str:
    """The sentence that a body is, unless it is a page or a broken table."""
    return "" if body.lstrip()[:1] in {"<", "{", "["} else body.strip().strip('"')


def _message(raw: object, deep: int = 3) -> str:
    """The sentence in an error body, wherever it is."""
    if isinstance(raw, str):
        return raw
    if isinstance(raw, list) and raw and deep:
        return _message(cast("list[object]", raw)[0], deep - 1)
    if isinstance(raw, dict) and deep:
        table = cast("dict[str, object]", raw)
        found = (_message(table[key], deep - 1) for key in MESSAGES if key in table)
        return next(filter(None, found), "")
    return ""

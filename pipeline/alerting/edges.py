"""From what is so to what is said: each thing once when it begins and once when it is over.

A pure fold on the flow's time. What comes and goes within `patience` is not told; what comes back within `quiet` was
never over.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pipeline.alerting.codes import CODES
from pipeline.alerting.route import Alert
from pipeline.times import DAY, HOUR, MINUTE, SECOND


class Sign(NamedTuple):
    """That something is so, or is not so any more."""

    code: str
    subject: str
    on: bool
    text: str = ""
    cause: str = ""
    """Which of several things of one code and subject; not shown."""
    since: int | None = None
    """Since when it is so, where that is not now."""


@dataclass(slots=True)
class _Held:
    """Something that is so, or was until lately."""

    sign: Sign
    since: int
    told: bool = False
    over_at: int | None = None
    again: int = 0
    """How often it came back, or happened again, since it was told."""


class Edges:
    """What holds, and what of it was told."""

    def __init__(self, patience: int, quiet: int) -> None:
        """Both in ms."""
        self._patience, self._quiet = patience, quiet
        self._held: dict[tuple[str, str, str], _Held] = {}

    def changed(self, patience: int, quiet: int) -> None:
        """Go on with other spans; what was told stays told."""
        self._patience, self._quiet = patience, quiet

    def take(self, sign: Sign, at: int) -> Iterator[Alert]:
        key, code = (sign.code, sign.subject, sign.cause), CODES[sign.code]
        known = self._held.get(key)
        if sign.on:
            if known is None:
                known = self._held[key] = _Held(sign, at if sign.since is None else sign.since)
                known.over_at = at if code.passing else None
                yield from self._tell(known, at)
            elif code.passing or known.over_at is not None:
                known.sign, known.again = sign, known.again + 1
                known.over_at = at if code.passing else None
        elif known is not None and known.over_at is None:
            if known.told:
                known.over_at = at
                yield from self._look(key, known, at)
            else:
                del self._held[key]

    def look(self, at: int) -> Iterator[Alert]:
        """What is to be said because time has passed."""
        for key, known in tuple(self._held.items()):
            yield from self._tell(known, at)
            yield from self._look(key, known, at)

    def holding(self) -> Iterator[Alert]:
        """What was told and is not over, in the order in which it began."""
        for known in self._held.values():
            if known.told and not CODES[known.sign.code].passing:
                yield _alert(known.sign, known.since)

    def _tell(self, known: _Held, at: int) -> Iterator[Alert]:
        patience = self._patience if CODES[known.sign.code].patient else 0
        if not known.told and at - known.since >= patience:
            known.told = True
            yield _alert(known.sign, at)

    def _look(self, key: tuple[str, str, str], known: _Held, at: int) -> Iterator[Alert]:
        code = CODES[known.sign.code]
        if known.over_at is None or at - known.over_at < (self._quiet if code.damped or code.passing else 0):
            return
        del self._held[key]
        if not code.passing:
            lasted = max(0, known.over_at - known.since)
            came = f", it came and went {known.again + 1} times" if known.again else ""
            over = _alert(known.sign, at, f"over after {span_text(lasted)}{came}: {known.sign.text}")
            yield _but(over, on=False, times=known.again + 1, lasted=lasted)
        elif known.again:
            more = f"{known.again} more time{'s' if known.again > 1 else ''}, the last one: {known.sign.text}"
            yield _but(_alert(known.sign, at, more), times=known.again)


def _alert(sign: Sign, at: int, text: str | None = None) -> Alert:
    return Alert(sign.code, CODES[sign.code].severity, sign.subject, sign.text if text is None else text, at)


def _but(alert: Alert, *, on: bool = True, times: int = 1, lasted: int = 0) -> Alert:
    return Alert(alert.code, alert.severity, alert.subject, alert.text, alert.at, on, times, lasted)


def span_text(millis: int) -> str:
    """A span as a person says it: `45 s`, `3 min`, `2 h 5 min`, `3 d 4 h`."""
    if millis < 2 * MINUTE:
        return f"{millis / SECOND:.0f} s"
    if millis < 2 * HOUR:
        return f"{millis // MINUTE} min"
    if millis < 2 * DAY:
        return f"{millis // HOUR} h {millis % HOUR // MINUTE} min"
    return f"{millis // DAY} d {millis % DAY // HOUR} h"

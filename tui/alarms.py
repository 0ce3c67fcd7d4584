"""What somebody should hear of, as the engine tells it, and what of it this console's person has taken note of."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec import Struct

from pipeline.alerting.route import Alert, Severity
from pipeline.view import KeyName
from tui.asking import Answer
from tui.palette import WARNING, WRONG

LATELY = 300
"""So many of those told lately are asked for."""
EVERY = 2.0
"""Seconds between two questions."""
SELDOM = 15.0
"""And where the last one was refused."""

MARKS: dict[Severity, tuple[str, str]] = {
    "critical": (WRONG, "wrong"),
    "medium": (WARNING, "warn"),
    "low": ("·", "dim"),
}

OF_ACCOUNTS = frozenset(
    {
        "ARMED",
        "CIRCUIT_BREAKER_TRIP",
        "CONNECTION",
        "CRASH_LOOP",
        "DAILY_LOSS_NEAR",
        "KILL_SWITCH",
        "LATCH",
        "LIMIT_REACHED",
        "LOGIN_REFUSED",
        "UNRECONCILED",
    }
)
OF_TRADES = frozenset({"DISPUTE", "ORDER_UNKNOWN", "UNEXPLAINED"})
OF_FEEDS = frozenset({"FEED_STALE", "PUBLISHER"})
OF_NODES = frozenset({"CONSERVATION", "NODE_FAULT", "STRATEGY_FAULT", "STRATEGY_HOG"})
OF_FILES = frozenset({"CONFIG_CHANGED", "CONFIG_REFUSED"})
_ORDER = re.compile(r"\border (\S+:\S+:\S+:\d+)")


class Alarms(Struct, frozen=True):
    """As much of the engine's answer as is shown: what holds, and what was told lately, the oldest first."""

    alerts: tuple[Alert, ...]
    told: tuple[Alert, ...]


class Alarm(NamedTuple):
    """All that was told of one thing: how often, when last, whether it holds or is over, and whether it was seen."""

    code: str
    severity: Severity
    subject: str
    text: str
    at: int
    times: int
    holds: bool
    over: bool
    lasted: int
    number: int
    taken: bool

    @property
    def key(self) -> tuple[str, str]:
        return self.code, self.subject

    @property
    def presses(self) -> bool:
        """Somebody should look at it, and has not."""
        return not self.taken and self.severity != "low"


class Cause(NamedTuple):
    """Where one looks at what an alarm is about."""

    page: str
    subject: object


@dataclass
class Heard:
    """The engine's alarms, asked for again and again; what was taken note of is this console's own."""

    answer: Answer[Alarms] = field(default_factory=Answer[Alarms])
    _taken: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    _notes: int = 0
    _life: tuple[int, int] = (0, 0)
    _read: tuple[object, tuple[Alarm, ...]] = ((), ())

    @property
    def version(self) -> tuple[int, int]:
        """It is another one when there is something new to show."""
        return self.answer.version, self._notes

    @property
    def rows(self) -> tuple[Alarm, ...]:
        """One for each thing: those nobody took note of first, the newest first."""
        if self._read[0] != self.version:
            told = self.answer.value
            rows = () if told is None else tuple(_folded(told.alerts, told.told, self._taken))
            self._read = self.version, tuple(sorted(rows, key=lambda row: (row.taken, -row.at, -row.number)))
        return self._read[1]

    @property
    def pressing(self) -> int:
        """How many there are that somebody should look at."""
        return sum(1 for row in self.rows if row.presses)

    def take(self, rows: Iterable[Alarm]) -> None:
        """Somebody has taken note of these. One that comes again is new again."""
        self._taken.update((row.key, row.number) for row in rows)
        self._notes += 1

    def of_life(self, life: tuple[int, int]) -> None:
        """Whose alarms they are; another run of an engine counts its own anew."""
        if life != self._life:
            self._life = life
            self._taken.clear()
            self._notes += 1


def cause_of(alarm: Alarm) -> Cause:
    """The page where what an alarm is about can be looked at, and what to show there."""
    code, subject = alarm.code, alarm.subject
    key = _key_in(subject)
    if code in OF_TRADES:
        named = _ORDER.search(alarm.text)
        return Cause("trades", named[1] if named else key)
    if key is not None:
        return Cause("keys", key)
    if code in OF_ACCOUNTS:
        return Cause("accounts", subject or None)
    if code in OF_FEEDS:
        return Cause("feed", subject or None)
    if code in OF_NODES:
        return Cause("flow", subject or None)
    return Cause("edit", None) if code in OF_FILES else Cause("logs", None)


def _key_in(subject: str) -> KeyName | None:
    pieces = subject.split(" ")
    return KeyName(*pieces) if len(pieces) == 3 else None


def _folded(holding: Sequence[Alert], told: Sequence[Alert], taken: dict[tuple[str, str], int]) -> Iterable[Alarm]:
    """What was told of one thing is one row, with the words of when it was so last."""
    held = {(each.code, each.subject): each for each in holding}
    rows: dict[tuple[str, str], list[Alert]] = {key: [each] for key, each in held.items()}
    for each in told:
        known = rows.setdefault((each.code, each.subject), [])
        if not any(each.number == other.number and each.at == other.at for other in known):
            known.append(each)
    for key, every in rows.items():
        every.sort(key=lambda each: (each.number, each.at))
        begun = [each for each in every if each.on]
        latest, last = (begun or every)[-1], every[-1]
        ended = not last.on and key not in held
        yield Alarm(
            code=key[0],
            severity=latest.severity,
            subject=latest.subject,
            text=latest.text or last.text,
            at=last.at,
            times=sum(each.times for each in begun) or 1,
            holds=key in held,
            over=ended,
            lasted=last.lasted if ended else 0,
            number=latest.number,
            taken=taken.get(key, -1) >= latest.number,
        )

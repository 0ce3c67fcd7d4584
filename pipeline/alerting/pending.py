"""What waits to leave by one way: what that way wants to hear, gathered for a moment, within a rate, never without end.

A pure fold; times are seconds of the real clock that only goes on.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from pipeline.alerting.codes import CODES
from pipeline.alerting.route import GRAVITY, Alert, Severity
from pipeline.tables import nearest
from pipeline.times import SECOND, DurationText, duration

HOUR_SECONDS = 3600.0
ROOM = 2_000
"""So many alerts wait: more than hundreds of keys tell of in a moment, and an end for a way that is broken. Then the
oldest go, those that are not critical first."""
FEW = 3
"""So many of one code are told one by one; more become one line."""
NAMED = 8
"""Of which so many are named."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What goes out by a way, and how often; the keys that every alert part has."""

    least: Annotated[Severity, Meta(description="the least grave that goes out: low, medium or critical")] = "medium"
    codes: Annotated[
        tuple[str, ...], Meta(description="only these codes go out; all, when left out; see docs/alerts.md")
    ] = ()
    gather: Annotated[
        DurationText, Meta(description="alerts that come within so long of each other, in real time, go out as one")
    ] = "5s"
    most_per_hour: Annotated[
        int, Meta(ge=1, le=3600, description="so many messages an hour; what is more is counted; critical ones always")
    ] = 30

    def __post_init__(self) -> None:
        duration(self.gather)
        for code in self.codes:
            if code not in CODES:
                raise ValueError(f"codes has {code!r}, which is none; {nearest(code, CODES)}")

    def wants(self, alert: Alert) -> bool:
        if alert.code == "TEST":
            return True
        return GRAVITY[alert.severity] >= GRAVITY[self.least] and (not self.codes or alert.code in self.codes)


class Pending:
    """Alerts on their way to one way out."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._gather = duration(selection.gather) / SECOND
        self._waiting: deque[Alert] = deque()
        self._since = 0.0
        """Since when the oldest waits."""
        self._lost = 0
        self.lost = 0
        """So many were given up since the beginning."""
        self._held_back: Counter[str] = Counter()
        self._held_at = 0
        """When the last of those was told, on the flow's clock."""
        self._sent: deque[float] = deque()
        """When what counts went out within the last hour."""

    def take(self, alert: Alert, now: float) -> bool:
        """Whether it goes out by this way."""
        if not self._selection.wants(alert):
            return False
        if not self._waiting:
            self._since = now
        self._waiting.append(alert)
        if len(self._waiting) > ROOM:
            calm = (place for place, each in enumerate(self._waiting) if each.severity != "critical")
            del self._waiting[next(calm, 0)]
            self.lose(1)
        return True

    def lose(self, alerts: int) -> None:
        """So many were given up: the next letter says so."""
        self._lost += alerts
        self.lost += alerts

    def changed(self, selection: Selection) -> None:
        """Go on by another selection; of what waits goes what it does not want."""
        self._selection, self._gather = selection, duration(selection.gather) / SECOND
        self._waiting = deque(each for each in self._waiting if selection.wants(each))

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """What waits."""
        return tuple(self._waiting)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def due(self, now: float) -> float | None:
        """In how many seconds something is to go out; None when nothing waits."""
        if self._waiting:
            return max(0.0, self._since + self._gather - now)
        if self._held_back:
            return max(0.0, self._room_at(now) - now)
        return None

    def letter(self, now: float, *, hurry: bool = False) -> tuple[Alert, ...]:
        """What goes out now; nothing when nothing is due. `hurry`: it is the last chance."""
        due = self.due(now)
        if due is None or (due > 0 and not hurry):
            return ()
        waiting, self._waiting = tuple(self._waiting), deque[Alert]()
        if not hurry and self._room_at(now) > now:
            calm = [each for each in waiting if each.severity != "critical"]
            self._held_back.update(each.code for each in calm)
            self._held_at = max((each.at for each in calm), default=self._held_at)
            waiting = tuple(each for each in waiting if each.severity == "critical")
        elif waiting or self._held_back:
            self._sent.append(now)
            waiting = (*waiting, *self._summed())
        lost, self._lost = self._lost, 0
        if lost and waiting:
            said = f"{lost} alert{'s' if lost > 1 else ''} found no room while this way out was broken, and are lost"
            waiting = (*waiting, Alert("ALERTS_LOST", CODES["ALERTS_LOST"].severity, "", said, waiting[-1].at))
        else:
            self._lost = lost
        return tuple(condensed(waiting))

    def _summed(self) -> Iterator[Alert]:
        """What was held back, once there is room again."""
        held, self._held_back = self._held_back, Counter[str]()
        if held:
            named = ", ".join(f"{code} {count}" for code, count in held.most_common())
            said = f"held back, since there were too many: {named}"
            yield Alert("HELD_BACK", CODES["HELD_BACK"].severity, "", said, self._held_at)

    def _room_at(self, now: float) -> float:
        """When one more message may go out."""
        while self._sent and now - self._sent[0] >= HOUR_SECONDS:
            self._sent.popleft()
        return now if len(self._sent) < self._selection.most_per_hour else self._sent[0] + HOUR_SECONDS


def condensed(alerts: Iterable[Alert]) -> Iterator[Alert]:
    """Many of one code as one, where the first of them stood."""
    several: dict[tuple[str, bool], list[Alert]] = {}
    for alert in alerts:
        several.setdefault((alert.code, alert.on), []).append(alert)
    for alike in several.values():
        if len(alike) <= FEW:
            yield from alike
            continue
        subjects = tuple(dict.fromkeys(each.subject for each in alike if each.subject))
        more = f" and {len(subjects) - NAMED} more" if len(subjects) > NAMED else ""
        over = "" if alike[0].on else "over: "
        text = f"{over}{len(alike)} times, of {', '.join(subjects[:NAMED])}{more}; the last: {alike[-1].text}"
        yield Alert(
            alike[0].code,
            alike[0].severity,
            "",
            text,
            alike[-1].at,
            alike[0].on,
            sum(each.times for each in alike),
            max(each.lasted for each in alike),
            alike[-1].number,
        )

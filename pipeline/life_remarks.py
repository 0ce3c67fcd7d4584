"""What is said of keys that are started and stopped, and of those that pause for errors and go on."""

from datetime import tzinfo
from typing import Literal

from pipeline.lifecycle import Key, Life, Switched, named
from pipeline.times import local_text

Said = tuple[Literal["info", "warning"], str]


class LifeRemarks:
    """Remarks on lives one after another: that a key pauses is said once, and that it goes on is news."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._paused = set[Key]()

    def of(self, life: Life) -> Said | None:
        if life.state == "PAUSED" and life.key not in self._paused:
            self._paused.add(life.key)
            return "warning", f"{named(life.key)} pauses until {local_text(life.until, self._zone)}: {life.why}"
        if life.state != "PAUSED" and life.key in self._paused:
            self._paused.discard(life.key)
            return "info", f"{named(life.key)} is {life.state} after its pause"
        return None


def switched_said(switched: Switched) -> Said:
    done = "started" if switched.on else "stopped"
    others = ", all others are stopped" if switched.only else ""
    return "info", f"{named(switched.scope)} is {done}{others}, {switched.by}: {switched.reason}"

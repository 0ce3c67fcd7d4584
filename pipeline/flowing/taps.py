"""What a node of a running flow gives, for whoever listens in on it.

Of each node that somebody listens to the newest values are kept, as they are; they are put into words when a listener
asks, once for all who do. While nobody listens the flow tells nothing of this.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.flow import Flow
from pipeline.flowing.wording import Wording
from pipeline.plan import Plan
from pipeline.tables import nearest
from pipeline.view import TapLine, TapNews, TapOf

LINES = 20
"""So many of what a node gave are told at once, the newest."""


@dataclass(slots=True)
class Given:
    """Something a node gave, and its line once somebody asked for it."""

    seq: int
    at: int
    value: Any
    line: TapLine | None = None


class Heard:
    """The newest that a node gave."""

    def __init__(self) -> None:
        self.listeners = 0
        self.count = 0
        self.newest: deque[Given] = deque(maxlen=LINES)

    def take(self, at: int, value: Any) -> None:
        self.count += 1
        self.newest.append(Given(self.count, at, value))


class Taps:
    """All who listen in on a flow."""

    def __init__(self) -> None:
        self._words: dict[str, Wording] = {}
        """By the zone of its times."""
        self._flow: Flow | None = None
        self._heard: dict[str, Heard] = {}
        self._missed: tuple[Plan | None, dict[str, str]] = None, {}
        """Of a plan, what is said of nodes that it has not: which is nearest takes long where there are many."""

    def begins(self, flow: Flow) -> None:
        self._flow = flow
        if self._heard:
            flow.tap(self._told)

    @property
    def nodes(self) -> frozenset[str]:
        """Those that somebody listens to."""
        return frozenset(self._heard)

    def listen(self, of: TapOf) -> "Tapping":
        """Somebody listens in on a node from now on."""
        if not self._heard and self._flow is not None:
            self._flow.tap(self._told)
        heard = self._heard.setdefault(of.node, Heard())
        heard.listeners += 1
        return Tapping(self, of, heard)

    def leave(self, node: str) -> None:
        """One of those who listened to a node does so no more."""
        heard = self._heard[node]
        heard.listeners -= 1
        if not heard.listeners:
            del self._heard[node]
            self._missed[1].pop(node, None)
        if not self._heard and self._flow is not None:
            self._flow.untap(self._told)

    def line(self, given: Given) -> TapLine:
        if given.line is None:
            kind = type(given.value).__name__
            try:
                text = self._wording.of(given.value)
            except Exception:  # noqa: BLE001  # a plug-in gives what it likes: who looks on is told of the rest
                text = f"a {kind} that cannot be put into words"
            given.line = TapLine(given.seq, given.at, kind, text)
            given.value = None  # it is not needed any more, and may hold whole windows
        return given.line

    @property
    def _wording(self) -> Wording:
        zone = "UTC" if self._flow is None else self._flow.plan.settings.display_timezone
        return self._words.setdefault(zone, Wording(ZoneInfo(zone)))

    def why(self, node: str) -> str:
        """Why nothing of a node can be heard at present; ""."""
        if self._flow is None:
            return "the flow has not begun yet"
        if node in self._flow.nodes:
            return ""
        if self._missed[0] is not self._flow.plan:
            self._missed = self._flow.plan, {}
        said = self._missed[1].get(node)
        if said is None:
            said = self._missed[1][node] = f"this flow has no node {node!r}; {nearest(node, self._flow.nodes)}"
        return said

    def _told(self, node: str, value: Any) -> None:
        heard = self._heard.get(node)
        if heard is not None and self._flow is not None:
            heard.take(self._flow.agenda.now, value)


class Tapping:
    """One who listens in on a node."""

    def __init__(self, taps: Taps, of: TapOf, heard: Heard) -> None:
        self._taps, self._of, self._heard = taps, of, heard
        self._seen = heard.count
        self._over = False

    def news(self) -> TapNews:
        """What the node gave since this was asked last."""
        new = [given for given in self._heard.newest if given.seq > self._seen]
        skipped = self._heard.count - self._seen - len(new)
        self._seen = self._heard.count
        lines = tuple(self._taps.line(given) for given in new)
        return TapNews(self._of, lines, skipped, self._taps.why(self._of.node))

    def ends(self) -> None:
        """It listens no more; a second time changes nothing."""
        if not self._over:
            self._over = True
            self._taps.leave(self._of.node)

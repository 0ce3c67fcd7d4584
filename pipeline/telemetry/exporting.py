"""Sends numbers and traces to an OpenTelemetry collector, in its own time and never in anybody's way.

Numbers are sums since the beginning: one that does not arrive is made good by the next. Traces wait, and of too many
that wait the oldest are let go, counted.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec

from pipeline.evidence import Trouble
from pipeline.flow import Flow
from pipeline.live import wall
from pipeline.masking import masked
from pipeline.plan import Plan
from pipeline.telemetry import otlp
from pipeline.telemetry.edges import Edge
from pipeline.telemetry.onlooker import Onlooker, Tell
from pipeline.telemetry.otlp import Span
from pipeline.telemetry.settings import Telemetry
from pipeline.telemetry.stages import Way
from pipeline.telemetry.traces import spans_of
from pipeline.times import SECOND, duration
from pipeline.watch import own_version

WAITING = 4096
"""Spans that may wait; half a thousand trades or more."""
AT_ONCE = 512
"""Spans of one message."""
ANSWERED = 5.0
"""Seconds that a collector may take."""
FAREWELL = 2.0
"""Seconds that it may take for the last words."""
AGAIN = frozenset((408, 429, 502, 503, 504))
"""Answers after which the same is sent once more, later."""
HEADERS = {"Content-Type": "application/json"}


class Unsent(Exception):
    """What was sent did not arrive, and why.

    `again`: the same may be sent once more; `refused`: so many of it were not taken, where that is known.
    """

    def __init__(self, why: str, *, again: bool = False, refused: int | None = None) -> None:
        super().__init__(why)
        self.again, self.refused = again, refused


class Exporting:
    """A companion that sends what an onlooker knows, while the flow names a collector."""

    name = "otlp"

    def __init__(self, plan: Plan, onlooker: Onlooker, now: Callable[[], int] = wall) -> None:
        self.dropped = 0
        self._plan, self._onlooker, self._wall = plan, onlooker, now
        self._settings: Telemetry = plan.telemetry
        self._spans: deque[Span] = deque()
        self._tell: Tell | None = None
        self._begun = now()
        self._life = f"{plan.name}\0{self._begun}"
        self._whose = otlp.resource(plan.name, plan.settings.mode, own_version())
        self._failing: set[str] = set()
        """What did not arrive the last time."""

    # --- what a companion is -----------------------------------------------------------------------------------------

    def tells_by(self, tell: Tell) -> None:
        self._tell = tell

    def told(self, node: str, value: Any) -> None:
        """It hears by the onlooker."""

    def begins(self, flow: Flow) -> None:
        self._onlooker.ways = self.take
        edge = Edge("otlp", lambda: len(self._spans), WAITING, "drops_oldest", dropped=lambda: self.dropped)
        flow.border.panel.edges.add(edge)

    def changed(self, plan: Plan) -> None:
        """The flow goes on by another plan."""
        self._settings = plan.telemetry
        if not self._settings.otlp:
            self._spans.clear()

    async def attend(self) -> None:
        while True:
            await asyncio.sleep(duration(self._settings.every) / SECOND)
            await self._send_all(ANSWERED)

    async def ends(self, why: str) -> None:
        await self._send_all(FAREWELL)

    # --- pieces ------------------------------------------------------------------------------------------------------

    def take(self, way: Way) -> None:
        """A traded bar whose order has ended."""
        if not self._settings.otlp:
            return
        self._spans.extend(spans_of(way, self._life, self._wall() - self._onlooker.real_millis))
        while len(self._spans) > WAITING:
            self._spans.popleft()
            self.dropped += 1

    async def _send_all(self, patience: float) -> None:
        """Numbers and traces; a collector may take the ones and not the others."""
        if not self._settings.otlp:
            return
        timeout = aiohttp.ClientTimeout(total=patience)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for what, send in (("metrics", self._send_metrics), ("traces", self._send_traces)):
                try:
                    await send(session)
                except Unsent as unsent:
                    self._fail(what, str(unsent))
                else:
                    self._failing.discard(what)

    async def _send_metrics(self, session: aiohttp.ClientSession) -> None:
        await self._send(session, "metrics", await asyncio.to_thread(self._metrics))

    async def _send_traces(self, session: aiohttp.ClientSession) -> None:
        while self._spans:
            await self._send_spans(session)

    async def _send_spans(self, session: aiohttp.ClientSession) -> None:
        some = [self._spans.popleft() for _ in range(min(AT_ONCE, len(self._spans)))]
        try:
            await self._send(session, "traces", msgspec.json.encode(otlp.traces(some, self._whose)))
        except Unsent as unsent:
            if not unsent.again:
                self.dropped += len(some) if unsent.refused is None else unsent.refused
                raise
            room = WAITING - len(self._spans)
            self.dropped += max(0, len(some) - room)
            self._spans.extendleft(reversed(some[max(0, len(some) - room) :]))
            raise

    async def _send(self, session: aiohttp.ClientSession, what: str, body: bytes) -> None:
        url = f"{self._settings.otlp.rstrip('/')}/v1/{what}"
        try:
            async with session.post(url, data=body, headers=HEADERS, allow_redirects=False) as answer:
                text = (await answer.content.read(4096)).decode("utf-8", "replace")
                if not 200 <= answer.status < 300:
                    raise Unsent(f"answers {answer.status} to {what}", again=answer.status in AGAIN)
        except (aiohttp.ClientError, OSError, TimeoutError) as failure:
            raise Unsent(f"is not reached ({type(failure).__name__})", again=True) from failure
        refused, why = _refused(text)
        if refused:
            raise Unsent(f"did not take {refused} of the {what} ({why})", refused=refused)

    def _metrics(self) -> bytes:
        shown: tuple[otlp.Shown, ...] = ("always", "keys") if self._settings.keys else ("always",)
        made = otlp.metrics(self._onlooker.readings(), self._whose, self._begun, self._wall(), shown)
        return msgspec.json.encode(made)

    def _fail(self, what: str, why: str) -> None:
        """Told when it begins, not each time."""
        if not self._failing and self._tell is not None:
            said = masked(f"the collector {self._settings.otlp} {why}; it is tried again every {self._settings.every}")
            self._tell(self.name, Trouble(self.name, "network", said, self._onlooker.now))
        self._failing.add(what)


class Partial(msgspec.Struct, rename="camel"):
    """What a collector did not take of a message that it took; counts are text or numbers."""

    rejected_data_points: int = 0
    rejected_spans: int = 0
    error_message: str = ""


class Answer(msgspec.Struct, rename="camel"):
    partial_success: Partial | None = None


def _refused(text: str) -> tuple[int, str]:
    """How much was not taken, and why."""
    try:
        partial = msgspec.json.decode(text or "{}", type=Answer, strict=False).partial_success
    except (msgspec.DecodeError, msgspec.ValidationError):
        return 0, ""
    if partial is None:
        return 0, ""
    return partial.rejected_data_points + partial.rejected_spans, partial.error_message

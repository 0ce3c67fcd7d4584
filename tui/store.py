"""Everything an engine told its console, the latest of each. The line writes here; panels read when they paint."""

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from pipeline.view import (
    Beat,
    Chart,
    ChartNews,
    ChartOf,
    Feed,
    FlowNews,
    FormingNews,
    Hello,
    KeyName,
    KeyRow,
    KeysNews,
    Level,
    LogLine,
    LogNews,
    News,
    Refusal,
    Status,
    TapLine,
    TapNews,
    TapOf,
)

LinkState = Literal["connecting", "up", "down", "mismatch"]

LOG_LINES, TAP_LINES = 5_000, 200
KEY_NEWS = 50
"""So many messages about keys are kept, for panels that look less often than they come."""


@dataclass
class Store:
    """The latest of everything the engine told, with a version a topic so that a panel sees whether it is new.

    `state`, `since` and `why` tell how the link is; what was told stays when it goes down.
    """

    state: LinkState = "connecting"
    since: float = 0.0
    why: str = ""
    hello: Hello | None = None
    status: Status | None = None
    feed: Feed | None = None
    keys: dict[KeyName, KeyRow] = field(default_factory=dict[KeyName, KeyRow])
    keys_told: int = 0
    keys_news: deque[dict[KeyName, KeyRow]] = field(
        default_factory=lambda: deque[dict[KeyName, KeyRow]](maxlen=KEY_NEWS)
    )
    """What changed in each of the last messages about keys; empty after one that had them all."""
    chart: Chart | None = None
    chart_of: ChartOf | None = None
    chart_told: int = 0
    lines: deque[LogLine] = field(default_factory=lambda: deque[LogLine](maxlen=LOG_LINES))
    lines_heard: int = 0
    last_seq: int = 0
    flow: FlowNews | None = None
    flow_before: FlowNews | None = None
    """The one told before that: rates are what came between the two."""
    tapped: deque[TapLine] = field(default_factory=lambda: deque[TapLine](maxlen=TAP_LINES))
    tapped_of: TapOf | None = None
    tap_why: str = ""
    """Why there is nothing to tap; "" while there is."""
    tap_told: int = 0
    back_after: float = 0.0
    """How long the link had been down when it last came back; 0 until then and once somebody took notice."""
    _clock: int = 0
    _clock_at: float = 0.0
    _speed: float = 0.0

    def take(self, news: News, now: float) -> None:
        match news:
            case Hello():
                self._greet(news, now)
            case Status():
                self.status = news
            case Feed():
                self.feed = news
            case KeysNews():
                told, before = {row.name: row for row in news.rows}, len(self.keys)
                self.keys = told if news.full else self.keys | told
                known = not news.full and len(self.keys) == before
                self.keys_told += 1
                self.keys_news.append(told) if known else self.keys_news.clear()
            case ChartNews():
                self.chart_of, self.chart = news.of, news.chart
                self.chart_told += 1
            case FormingNews():
                if self.chart is not None and self.chart_of == news.of:
                    self.chart = msgspec.structs.replace(self.chart, forming=news.forming, updated=news.updated)
                    self.chart_told += 1
            case LogNews():
                self._log(news)
            case Beat():
                self._set_clock(news.clock, news.speed, now)
            case FlowNews() | TapNews():
                self._take_flow(news)
            case Refusal():
                self.note("warning", f"the engine refused what this console asked: {news.what}")

    @property
    def without_keys(self) -> str:
        """Why there is no key to show anything of; "" while there are some, or nobody told of any yet."""
        told_none = self.keys_told and not self.keys
        return "this flow trades nothing: no risk gate in it names an account" if told_none else ""

    def keys_since(self, told: int) -> dict[KeyName, KeyRow] | None:
        """The keys that changed since `keys_told` was that; None when they all may have, or came or went."""
        missed = self.keys_told - told
        if not 0 <= missed <= len(self.keys_news):
            return None
        since = dict[KeyName, KeyRow]()
        for rows in list(self.keys_news)[len(self.keys_news) - missed :]:
            since |= rows
        return since

    def forget_tap(self) -> None:
        """What was listened to until now is of no interest any more."""
        self.tapped.clear()
        self.tapped_of, self.tap_why = None, ""
        self.tap_told += 1

    def turn(self, state: LinkState, why: str, now: float) -> None:
        """The link became something else."""
        if state == "up" and self.state == "down":
            self.back_after = now - self.since
        if state == "mismatch" != self.state:
            self.note("error", why)
        if state != self.state:
            self.state, self.since = state, now
        self.why = why

    def note(self, level: Level, text: str) -> None:
        """A line of the console's own in the log."""
        self.lines.append(LogLine(0, self._clock, level, text))
        self.lines_heard += 1

    def clock(self, now: float) -> int:
        """The flow's clock: as told last, run on as fast as the flow runs while the link is up."""
        passed = now - self._clock_at if self.state == "up" else 0.0
        return self._clock + round(passed * 1000 * self._speed)

    def age(self, ts: int, now: float) -> float:
        """How long ago a moment of the flow was, in seconds of whoever sits before the console."""
        behind = (self._clock - ts) / 1000 / self._speed if self._speed else (self._clock - ts) / 1000
        return max(0.0, behind + now - self._clock_at)

    def _greet(self, hello: Hello, now: float) -> None:
        if self.hello is not None and (self.hello.pid, self.hello.started) != (hello.pid, hello.started):
            self.last_seq = 0
            self.note("info", f"another engine answers now, process {hello.pid}")
        self.hello = hello
        self._set_clock(hello.clock, hello.speed, now)

    def _set_clock(self, clock: int, speed: float, now: float) -> None:
        self._clock, self._clock_at, self._speed = clock, now, speed

    def _take_flow(self, news: FlowNews | TapNews) -> None:
        if isinstance(news, FlowNews):
            self.flow_before, self.flow = self.flow, news
            return
        if news.of != self.tapped_of:
            self.tapped.clear()
        self.tapped_of, self.tap_why = news.of, news.why
        self.tapped.extend(news.lines)
        self.tap_told += 1

    def _log(self, news: LogNews) -> None:
        fresh = [line for line in news.lines if line.seq > self.last_seq]
        missed = fresh[0].seq - self.last_seq - 1 if fresh and self.last_seq else 0
        if missed:
            self.note("warning", f"{missed} lines of the log came too fast and were passed over")
        if fresh:
            self.lines.extend(fresh)
            self.last_seq = fresh[-1].seq
            self.lines_heard += len(fresh)

"""How publishing fares: its state, what listeners are told, Redis, and each lane to it."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from pipeline.service import BarState, Diagnosis, DiagState, LaneReport, LaneState, PriceState
from pipeline.view import Feed
from tui.feed.sheet import FeedSheet
from tui.painted import Line, Run
from tui.sheet import Cell, columns, heading, row, words
from tui.words import age_text, count_text

STATES: dict[DiagState, str] = {"STREAM": "up", "IDLE": "second", "DISCONNECTED": "wrong", "RECOVERING": "warn"}
WORDS: dict[PriceState | BarState, str] = {"ok": "up", "stale": "warn", "delayed": "warn", "down": "wrong"}
LANES: dict[LaneState, str] = {"running": "up", "waiting": "second", "backoff": "warn", "stopped": "wrong"}
CELLS = (
    Cell("lane", 15, right=False),
    Cell("state", 7, right=False),
    Cell("depth", 8),
    Cell("in", 6, goes=4),
    Cell("done", 6, goes=2),
    Cell("drop", 5),
    Cell("newer", 5, goes=6),
    Cell("disk", 4, goes=5),
    Cell("idle", 5, goes=3),
)


class PublisherPanel(FeedSheet):
    """How publishing fares: the state and since when, what listeners are told of market, prices and bars, Redis, and
    the lanes to it.

    Of a lane: what waits of how much room, what came in, what Redis acknowledged, what was dropped, what was passed
    over for something newer, what waits on disk, and how long it has had nothing to do.
    """

    NAME: ClassVar[str] = "Publisher"

    def named(self, feed: Feed) -> str:
        return f"Publisher · {feed.publishers[0].whose}" if len(feed.publishers) == 1 else self.NAME

    def absent(self) -> str:
        return 'this flow publishes nothing; a table [sinks.redis] with use = "redis" would'

    def rows(self, feed: Feed, width: int) -> Sequence[Line]:
        several = len(feed.publishers) > 1
        return [line for told in feed.publishers for line in self._of(told, width, named=several, pressed=feed.pressed)]

    def _of(self, told: Diagnosis, width: int, *, named: bool, pressed: bool) -> Iterator[Line]:
        name = [Run(f"{told.whose} ", "bright")] if named else []
        note = f" · {told.note}" if told.note and told.note != "ok" else ""
        yield words(
            width, *name, Run(told.state, STATES[told.state]), Run(f" for {self._age(told.since)}{note}", "second")
        )
        silence = "" if told.tick_silence_seconds is None else f" · silent {age_text(told.tick_silence_seconds)}"
        yield words(
            width,
            Run(f"market {told.market}"),
            Run(" · prices "),
            Run(told.price, WORDS[told.price]),
            Run(" · bars "),
            Run(told.ohlcv, WORDS[told.ohlcv]),
            Run(silence, "second"),
        )
        if told.quiet:
            yield words(width, Run(f"silent while others speak: {', '.join(told.quiet)}", "warn"))
        yield self._redis(told, width, pressed=pressed)
        beat = f"heartbeat {self._age(told.last_heartbeat_at)} ago" if told.last_heartbeat_at else "no heartbeat yet"
        snapshot = f" ({self._age(told.last_snapshot_at)} ago)" if told.last_snapshot_at else ""
        yield words(width, Run(f"{beat} · snapshots {count_text(told.snapshots)}{snapshot}", "second"))
        commands = sum(told.commands.values())
        chosen = f"only {', '.join(told.universe)}" if told.universe else "all bars"
        yield words(width, Run(f"publishes {chosen} · commands {commands}", "second"))
        kept = columns(CELLS, width)
        yield heading(CELLS, kept)
        yield from (row(CELLS, kept, _lane(lane)) for lane in told.lanes)

    def _redis(self, told: Diagnosis, width: int, *, pressed: bool) -> Line:
        style = {"connected": "up", "backoff": "wrong", "off": "dim"}[told.redis]
        again = f" · again in {age_text(told.redis_backoff_seconds)}" if told.redis == "backoff" else ""
        full = " · FULL: the source waits" if pressed else ""
        return words(
            width,
            Run("Redis "),
            Run(told.redis, style),
            Run(again, "warn"),
            Run(full, "wrong"),
            Run(f" · reconnects {told.reconnects} · pressure {told.backpressure_events}", "second"),
        )

    def _age(self, ts: int) -> str:
        return age_text(self.store.age(ts, self.now()))


def _lane(lane: LaneReport) -> tuple[Run, ...]:
    busy = "warn" if lane.depth * 2 > lane.limit else "text"
    return (
        Run(lane.name, "text"),
        Run(lane.state, LANES[lane.state]),
        Run(f"{lane.depth}/{lane.limit}", busy),
        Run(count_text(lane.enqueued), "second"),
        Run(count_text(lane.processed), "text"),
        Run(str(lane.dropped), "wrong" if lane.dropped else "dim"),
        Run(count_text(lane.conflated), "dim"),
        Run(str(lane.spilled), "warn" if lane.spilled else "dim"),
        Run(age_text(lane.idle_seconds), "second"),
    )

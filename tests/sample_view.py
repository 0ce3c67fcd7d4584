"""An engine's view with fixed content, for tests of the desk and the console; as a program, a desk that shows it.

`python -m tests.sample_view FOLDER` serves it until it is ended, prices moving.
"""

import asyncio
import math
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from pipeline.aside import here
from pipeline.control.showing import looked_at
from pipeline.service import Diagnosis, FeedReport, LaneReport, Pace, Quota, StreamReport
from pipeline.times import MINUTE, SECOND, parse_moment, timeframe
from pipeline.view import (
    PROTOCOL,
    AccountRow,
    BarColumns,
    Chart,
    Feed,
    FlowNews,
    FormingBar,
    Hello,
    KeyChanges,
    KeyName,
    KeyRow,
    Level,
    LogLine,
    Look,
    Mark,
    OrderCounts,
    PriceRow,
    Status,
    StreamRow,
    TapNews,
    TapOf,
)
from sinks.api import Desk
from tests.sample_flow import SampleLook, flow_of, tapped

NOON = parse_moment("2026-01-05T12:01:07Z")
ACCOUNTS = ("demo-1", "demo-2", "live-7")
PRODUCTS = {"EURUSD": (1.0718, 5), "GBPUSD": (1.2641, 5), "XAUUSD": (2031.4, 2), "BTCUSD": (43120.0, 1)}
TIMEFRAMES = ("1m", "5m", "15m")
VERDICTS = ("trade", "no_vote", "threshold", "cool_down", "payout")


class SampleView:
    """Nothing moves unless `move` is called, so a picture of it is the same every time."""

    def __init__(self, names: Iterable[KeyName] | None = None) -> None:
        self.clock = NOON
        self.pid = os.getpid()
        self.started = NOON - 3_600_000
        self.protocol = PROTOCOL
        self.version = 1
        self.asked: list[str] = []
        every = (KeyName(account, product, tf) for account in ACCOUNTS for product in PRODUCTS for tf in TIMEFRAMES)
        self.rows = {name: (1, key_row(name, at)) for at, name in enumerate(every if names is None else names)}
        self.lines = [LogLine(seq, NOON - (12 - seq) * 700, *said) for seq, said in enumerate(SAID, 1)]
        self.moved = 0
        self.fed = feed_of(NOON)

    def hello(self) -> Hello:
        return Hello(
            self.protocol, "1.0.0", self.pid, self.started, "flows.toml", "paper", self.clock, 1.0, "Europe/Istanbul"
        )

    def status(self) -> Status:
        self.asked.append("status")
        return Status(
            clock=self.clock,
            uptime_s=3_600.0,
            state="RUNNING",
            keys=len(self.rows),
            bars=2_880,
            decisions=8_640,
            quotes_per_second=4_900.0,
            lag_ms=3.0,
            orders=OrderCounts(sent=523, open=3, settled=520, rejected=0, unknown=1),
            wins=297,
            losses=223,
            pushes=0,
            win_rate_text="57.1 % (51.5–62.6) vs break-even 54.3 %, n=520",
            drops={"late": 12, "overrun": 2, "full": 0},
            faults=1,
            accounts=(
                AccountRow("demo-1", "practice", "practice", "USD", "10052.40", "+52.40", 2, 12),
                AccountRow("demo-2", "practice", "practice", "USD", "9981.15", "-18.85", 0, 12),
                AccountRow("live-7", "deriv", "real", "USD", "1204.10", "+4.10", 1, 12, True, NOON + 9_000_000),
            ),
            last_fault="operators.bars: a quote without a price",
        )

    def keys(self, since: int) -> KeyChanges:
        self.asked.append("keys")
        if not since:
            return KeyChanges(self.version, tuple(row for _, row in self.rows.values()), full=True)
        return KeyChanges(self.version, tuple(row for version, row in self.rows.values() if version > since))

    def chart(self, name: KeyName, bars: int) -> Chart | None:
        self.asked.append("chart")
        return chart_of(name, bars, self.moved) if name in self.rows else None

    def feed(self) -> Feed:
        self.asked.append("feed")
        return self.fed

    def log(self, after: int, limit: int) -> tuple[LogLine, ...]:
        self.asked.append("log")
        return tuple([line for line in self.lines if line.seq > after][-limit:])

    def flow(self) -> Look[FlowNews]:
        self.asked.append("flow")
        return SampleLook(lambda: flow_of(self.clock, self.moved), lambda: self.asked.append("flow ends"))

    def tap(self, of: TapOf) -> Look[TapNews]:
        self.asked.append("tap")
        return SampleLook(lambda: tapped(of, self.clock, self.moved), lambda: self.asked.append("tap ends"))

    def move(self, count: int | None = None) -> None:
        """New prices for some keys (all of them), and time goes on."""
        self.version += 1
        self.moved += 1
        self.clock += 100
        for at, (name, (_, row)) in enumerate(list(self.rows.items())[:count]):
            price = (row.price or 1.0) * (1 + 1e-5 * math.sin(self.moved + at))
            self.rows[name] = (self.version, replace(row, price=price, updated=self.clock))

    def say(self, text: str) -> None:
        self.lines.append(LogLine(len(self.lines) + 1, self.clock, "info", text))


def key_row(name: KeyName, at: int) -> KeyRow:
    price, digits = PRODUCTS.get(name.product, (1.0, 5))
    verdict = VERDICTS[at % len(VERDICTS)]
    direction = 0 if verdict == "no_vote" else 1 if at % 2 else -1
    return KeyRow(
        *name,
        price=price * (1 + 0.001 * math.sin(at)),
        last_bar=NOON // timeframe(name.timeframe) * timeframe(name.timeframe),
        score=None if verdict == "no_vote" else 0.62 * direction,
        direction=direction,
        verdict=verdict,
        open=1 if at % 7 == 0 else 0,
        profit=f"{5 * math.sin(2 * at):+.2f}",
        state={3: "WARM 12/50", 11: "STALE", 17: "CLOSED"}.get(at, "RUN"),
        updated=NOON - (4_000 if at in (11, 17) else 300),
        digits=digits,
    )


def chart_of(name: KeyName, count: int, moved: int = 0, later: int = 0) -> Chart:
    """`later`: so many bars after noon."""
    price, digits = PRODUCTS.get(name.product, (1.0, 5))
    tf = timeframe(name.timeframe)
    now = NOON // tf * tf + later * tf
    moments = tuple(now - (count - row) * tf for row in range(count))
    path = [price * (1 + wave(moment // tf)) for moment in (*moments, now)]
    closes = path[1:]
    opens = path[:-1]
    reach = [price * 0.0002 * (1 + abs(math.sin(3 * row))) for row in range(count)]
    bars = BarColumns(
        open_ts=moments,
        open=tuple(opens),
        high=tuple(max(pair) + more for *pair, more in zip(opens, closes, reach, strict=True)),
        low=tuple(min(pair) - more for *pair, more in zip(opens, closes, reach, strict=True)),
        close=tuple(closes),
        volume=tuple(40 + 30 * abs(math.sin(row * 0.7)) for row in range(count)),
    )
    last = closes[-1] * (1 + 1e-4 * math.sin(moved / 5))
    return Chart(
        *name,
        digits=digits,
        updated=NOON - 300 + 100 * moved,
        bars=bars,
        forming=FormingBar(now, closes[-1], max(last, closes[-1]), min(last, closes[-1]) - reach[0], last, 12.0),
        columns={"ema_fast": mean_of(closes, 9), "ema_slow": mean_of(closes, 21), "rsi": tuple([27.1] * count)},
        marks=tuple(marks_of(moments, closes, tf)),
    )


def wave(at: int) -> float:
    return 0.0015 * math.sin(at * 0.09) + 0.0008 * math.sin(at * 0.31 + 1) + 0.0003 * math.sin(at * 1.7)


def mean_of(closes: list[float], period: int) -> tuple[float | None, ...]:
    return tuple(
        None if row < period - 1 else sum(closes[row - period + 1 : row + 1]) / period for row in range(len(closes))
    )


def marks_of(moments: tuple[int, ...], closes: list[float], tf: int) -> Iterable[Mark]:
    for row, moment in enumerate(moments):
        from_end = len(moments) - 1 - row
        if from_end == 0:
            yield Mark(moment, "trade", 1, order="o-1", entry=closes[row], expiry=NOON + tf)
        elif from_end % 13 == 5:
            won = from_end % 2 == 0
            yield Mark(
                moment,
                "trade",
                -1 if won else 1,
                f"o-{from_end}",
                "win" if won else "lose",
                "+0.87" if won else "-1.00",
            )
        else:
            yield Mark(moment, "no_vote" if from_end % 3 else "threshold", 0 if from_end % 3 else 1)


def feed_of(now: int) -> Feed:
    """A feed with one product that does not speak, one stream that is late, and a publisher in good order."""
    minute = now // MINUTE * MINUTE
    return Feed(
        clock=now,
        prices=(
            PriceRow("EURUSD", 1.07178, 1.07182, 1.0718, now - 400, "ok", 5),
            PriceRow("GBPUSD", 1.26402, 1.26418, 1.2641, now - 12_000, "waiting", 5),
            PriceRow("XAUUSD", 2031.2, 2031.6, 2031.4, now - 47_000, "stale", 2),
            PriceRow("BTCUSD", None, None, None, 0, "waiting"),
        ),
        streams=(
            StreamRow("EURUSD", "1m", "ok", minute, 0.5, 0.0, 120, 0, minute, 0.8),
            StreamRow("EURUSD", "5m", "ok", now // (5 * MINUTE) * 5 * MINUTE, 0.5, 0.0, 24, 0),
            StreamRow("XAUUSD", "1m", "late", minute - 2 * MINUTE, 1.5, 67.0, 110, 2, minute - 2 * MINUTE, 1.9),
            StreamRow("BTCUSD", "1m", "missing", 0, None, 3_540.0, 0, 0),
        ),
        sources=(source_of(now),),
        publishers=(publisher_of(now),),
        alerts=(
            "calls for history are put off (priority_reserve)",
            "prices of XAUUSD are stale",
            "BTCUSD 1m: no bar came since the start, the first is 3540 s overdue",
            "XAUUSD 1m: the next bar is 67 s overdue",
            "XAUUSD 1m: 2 bars are missing",
        ),
    )


def source_of(now: int) -> FeedReport:
    return FeedReport(
        whose="sources.fxcm",
        at=now,
        session="streaming",
        since=now - 10 * MINUTE,
        pace={
            "1m": Pace(5.0, "prices come", now + 3 * SECOND),
            "5m": Pace(40.0, "no price came for 30 s", now + 20 * SECOND),
        },
        quota=Quota(27, 30, 220, 600, "reserve", throttled=True, reason="priority_reserve", throttled_total=4),
        last_error="the session ended",
        last_error_at=now - 12 * MINUTE,
        ticks=48_210,
        history_calls=220,
        history_failures=1,
        reconnects=1,
        subscriptions=2,
        sdk="practice",
    )


def publisher_of(now: int) -> Diagnosis:
    minute = now // MINUTE * MINUTE
    return Diagnosis(
        whose="sinks.redis",
        at=now,
        state="STREAM",
        since=now - 9 * MINUTE,
        process="stream",
        market="open",
        price="ok",
        ohlcv="ok",
        note="ok",
        calendar_open=True,
        ticks_alive=True,
        next_open=0,
        tick_silence_seconds=0.4,
        quiet=("XAUUSD",),
        published={"ohlcv": 1_254, "price_tik": 480, "heartbeat": 18},
        lanes=(
            LaneReport("ohlcv", "running", 0, 200, 254, 254, 0, 0, idle_seconds=7.0),
            LaneReport("live", "running", 2, 500, 1_002, 960, 40, 0, idle_seconds=0.1),
            LaneReport("price_snapshots", "running", 0, 500, 480, 480, 0, 0, idle_seconds=1.2),
            LaneReport("heartbeat", "waiting", 0, 200, 18, 18, 0, 0, idle_seconds=7.0),
        ),
        streams=(StreamReport("EURUSD", "1m", minute, 0.8, 120, 400, minute),),
        snapshots=480,
        last_snapshot_at=now - 2 * SECOND,
        last_heartbeat_at=now - 7 * SECOND,
        commands={"fxcm_warmup": 2},
    )


SAID: tuple[tuple[Level, str], ...] = (
    ("info", "flow flows.toml started, 36 keys on 3 accounts"),
    ("info", "bars: context of 74 bars loaded for 12 streams"),
    ("debug", "bar closed BTCUSD 15m by next tick, 812 quotes"),
    ("info", "vote EURUSD 1m call 0.62: cross +0.71, fade +0.40"),
    ("info", "order o-1 demo-1 EURUSD 1m call 2.00 sent"),
    ("info", "order o-1 open, entry 1.07188, expires 12:02:07"),
    ("warning", "late quote dropped: GBPUSD was 612 ms behind its bar"),
    ("info", "order o-37 settled: win +1.78"),
    ("error", "operators.bars: a quote without a price"),
    ("debug", "bar closed EURUSD 1m by next tick, 61 quotes"),
    ("info", "risk: cool_down until 12:01:30 for demo-2 XAUUSD 5m"),
)


async def serve(folder: Path) -> None:
    view = SampleView()
    view.pid = os.getpid()
    desk = Desk(looked_at(view, here), folder)
    await desk.start()
    while True:
        await asyncio.sleep(0.1)
        view.move(24)
        if view.moved % 10 == 0:
            view.say(f"heard {view.moved} moves")


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))

"""What publishing costs, and how late final bars are: 300 symbols, four ticks a second each, before a real Redis.

    python -m bench.feed [--symbols 300] [--ticks 4] [--minutes 3]

A flow with a window of 1m and 5m bars and the sink `redis` runs in a process of its own, somebody listens to all that
it publishes. The least is a bare loop that publishes the same messages in as many goes with the same client.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from threading import Event
from time import perf_counter, process_time

from redis.asyncio import Redis

from tests.feed.listener import Listener
from tests.feed.subscriber import Heard, Terms, Verdict, judged
from tests.redis_server import RedisServer, redis_running

ROOT = Path(__file__).parents[1]
GRACE = 0.5
BEGINNING = 10.0
"""Seconds that are not counted: everything is imported and connected by then."""
GO = 0.01
"""What came within so many seconds left in one go."""
FLOW = """\
[moonlight]
mode = "paper"
data = "data"
plugins = ["feed_market.py"]

[sources.market]
use = "ticking"
count = {symbols}
rate = {ticks}

[operators.bars]
use = "window"
from = "market"
timeframes = ["1m", "5m"]
grace_ms = 500
forming = "250ms"

[sinks.redis]
use = "redis"
from = "bars"
url = "{url}"
warmup_bars = 0
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.feed", description="Measure the publisher of prices.")
    parser.add_argument("--symbols", type=int, default=300, help="how many (default: 300)")
    parser.add_argument("--ticks", type=int, default=4, help="ticks a second of each (default: 4)")
    parser.add_argument("--minutes", type=float, default=3.0, help="how long (default: 3)")
    options = parser.parse_args()
    if not (0 < options.symbols <= 5000 and 0 < options.ticks <= 50 and options.minutes >= 2):
        parser.error(
            "--symbols must be 1 to 5000, --ticks 1 to 50, --minutes at least 2: the first minute is not whole"
        )
    with TemporaryDirectory() as folder, redis_running() as redis, Listener(redis) as listener:
        share, memory = published(Path(folder), redis, options.symbols, options.ticks, options.minutes * 60)
        heard = list(listener.heard)
    verdict = judged(heard, Terms(slack=1.0))
    if len(verdict.finals) < 2:
        raise SystemExit("\n".join([f"there are no final bars: {verdict.counts}", *verdict.findings[:5]]))
    print(f"{options.symbols} symbols, {options.ticks} ticks/s each: {rate(heard):,.0f} messages/s")
    print(f"CPU {share:.1%} of a core, {memory / 2**20:.0f} MiB resident")
    print(f"final bars after close and grace: {late(verdict)}")
    print(f"snapshots after they were taken: {spread(snapshot_delays(verdict))}")
    least = asyncio.run(bare(heard))
    per = share / rate(heard)
    print(f"{per * 1e6:.0f} µs a message, a bare loop {least * 1e6:.0f} µs: {per / least:.1f} x the least")
    print(f"{share / options.symbols / options.ticks * 1e6:.0f} µs of CPU a quote, all in all")
    print(f"{len(verdict.findings)} findings" + "".join(f"\n  {each[:200]}" for each in verdict.findings[:5]))


def published(folder: Path, redis: RedisServer, symbols: int, ticks: int, seconds: float) -> tuple[float, int]:
    """Run it so long; its share of a core, and its memory in the end."""
    (folder / "feed_market.py").write_bytes((ROOT / "bench" / "feed_market.py").read_bytes())
    flow = folder / "feed.toml"
    flow.write_text(FLOW.format(symbols=symbols, ticks=ticks, url=redis.tcp), encoding="utf-8")
    with (folder / "said.txt").open("wb") as said:
        child = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "pipeline", "run", str(flow)],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    try:
        Event().wait(BEGINNING)
        began, used = perf_counter(), cpu_of(child.pid)
        Event().wait(seconds)
        if child.poll() is not None:
            raise SystemExit((folder / "said.txt").read_text(encoding="utf-8")[-2000:])
        share = (cpu_of(child.pid) - used) / (perf_counter() - began)
        memory = memory_of(child.pid)
        child.send_signal(signal.SIGINT)
        child.wait(60)
    finally:
        child.kill()
        child.wait()
    return share, memory


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> int:
    """Bytes of memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def rate(heard: Sequence[Heard]) -> float:
    return len(heard) / (heard[-1].at - heard[0].at)


def late(verdict: Verdict) -> str:
    return spread([final.lag - GRACE for final in verdict.finals])


def snapshot_delays(verdict: Verdict) -> list[float]:
    """How long each snapshot was on its way, by the quickest of them."""
    quickest = min(at - taken for taken, at in verdict.ticks)
    return [at - taken - quickest for taken, at in verdict.ticks]


def spread(seconds: Sequence[float]) -> str:
    cuts = quantiles(seconds, n=100)
    return f"p50 {cuts[49]:.3f} s, p99 {cuts[98]:.3f} s, longest {max(seconds):.3f} s ({len(seconds):,})"


async def bare(heard: Sequence[Heard]) -> float:
    """Seconds of CPU a message that a loop takes which does nothing but publish them, in goes as they came."""
    goes: list[list[Heard]] = []
    for each in heard[:30_000]:
        if not goes or each.at - goes[-1][0].at > GO:
            goes.append([])
        goes[-1].append(each)
    with redis_running() as server:
        client = Redis(host="127.0.0.1", port=server.port)
        began = process_time()
        for go in goes:
            async with client.pipeline(transaction=False) as pipe:
                for each in go:
                    pipe.publish(f"fxcm:{each.channel}", each.raw)  # pyright: ignore[reportUnknownMemberType]
                await pipe.execute()
        used = process_time() - began
        await client.aclose()
    return used / sum(map(len, goes))


if __name__ == "__main__":
    main()

"""A publisher, its Redis and who listens, together; and what is held of all of it in the end."""

from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from threading import Event
from time import monotonic
from typing import Any

from tests.feed.listener import Listener
from tests.feed.program import Program
from tests.feed.subscriber import Heard, Span, Terms, Verdict, judged, parsed_time
from tests.feed.truth import differences
from tests.redis_server import RedisServer, redis_running

FX = ("XAUUSD", "EURUSD")


@dataclass
class Stage:
    """Everything there is. `wait` is for the publisher's time to pass: seconds on its clock."""

    redis: RedisServer
    listener: Listener
    program: Program
    troubles: list[Span] = field(default_factory=list[Span])

    @property
    def now(self) -> float:
        """What the publisher's clock shows (seconds UTC), by what was heard in this life."""
        speed, life = self.program.speed, self.listener.life
        told = ((parsed_time(each), each.at) for each in self.listener.heard if each.life == life)
        ahead = max((made - at * speed for made, at in told if made is not None), default=None)
        return self.program.now if ahead is None else monotonic() * speed + ahead

    def wait(self, seconds: float) -> None:
        """Let so much of the publisher's time pass, and see that it lives."""
        until = monotonic() + seconds / self.program.speed
        while (left := until - monotonic()) > 0:
            assert self.program.ended is None, self.program.said[-2000:]
            Event().wait(min(left, 0.5))

    def reached(self, moment: float, patience: float = 60.0) -> None:
        """Wait until something was heard that was made at a moment (seconds UTC) or later."""
        self.listener.until(lambda each: (parsed_time(each) or 0.0) >= moment, patience)

    def fell_silent(self) -> None:
        """Wait until nothing comes any more from a life that is over."""
        count = -1
        while count != len(self.listener.heard):
            count = len(self.listener.heard)
            Event().wait(0.5)

    def caught_up(self, since: float, until: float, patience: float = 30.0) -> None:
        """Wait until who listens has every bar of a span (seconds UTC)."""
        ends = monotonic() + patience
        while monotonic() < ends and missing(self.verdict(), self.program.products, since, until):
            Event().wait(0.25)

    def started(self) -> None:
        """Start the publisher, and wait until it says how it fares."""
        life = self.listener.life
        self.program.start()
        self.listener.until(lambda each: each.life == life and each.channel == "heartbeat")

    @contextmanager
    def trouble(self, more: float = 30.0) -> Generator[None]:
        """In here nothing may come as often as it should, and so much longer (on the publisher's clock)."""
        since = self.now
        yield
        self.troubles.append((since - 5.0, self.now + more))

    def verdict(self, slack: float | None = None) -> Verdict:
        speed = self.program.speed
        slack = slack or 1.0 + speed * 0.5  # what a busy machine is late by
        return judged(self.listener.heard, Terms(speed=speed, slack=slack, troubles=tuple(self.troubles)))

    def held(self, since: float, until: float, slack: float | None = None) -> Verdict:
        """What must hold of any run: a wire without a fault, every bar that the venue has (from seconds UTC to seconds
        UTC), clean ends, and a sentence for everything."""
        verdict = self.verdict(slack)
        assert not verdict.findings, "\n".join(verdict.findings[:20])
        lacks = missing(verdict, self.program.products, since, until)
        assert not lacks, "\n".join(lacks[:20])
        assert "Traceback" not in self.program.said
        return verdict


@contextmanager
def stage(folder: Path, begins: float, **program: Any) -> Generator[Stage]:
    """`begins` is in seconds UTC on the publisher's clock."""
    with ExitStack() as held:
        redis = held.enter_context(redis_running())
        listener = held.enter_context(Listener(redis))
        yield Stage(redis, listener, held.enter_context(Program(folder, redis.tcp, begins, **program)))


def missing(verdict: Verdict, products: Sequence[str], since: float, until: float) -> list[str]:
    return differences(verdict.consumer.bars, tuple(products), int(since * 1000), int(until * 1000))


def spacing(heard: Sequence[Heard], symbol: str) -> float:
    """The usual time between two snapshots of a symbol, by their own stamps."""
    ticks = [each for each in heard if each.channel == "price_tik" and symbol.encode() in each.raw]
    taken = [moment for each in ticks if (moment := parsed_time(each)) is not None]
    return median(later - earlier for earlier, later in pairwise(taken))

"""What happens in an engine, told to programs as it happens: orders, alerts, logs, and numbers.

Whoever tells never waits for whoever listens. Each listener has a bounded queue of its own for each topic; when one is
full, the oldest gives way, and how many did is told before what follows. Numbers are not queued: the latest counts.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Literal, Protocol

from msgspec import Struct

from pipeline.control.limits import QUEUE
from pipeline.telemetry.edges import Edge

Topic = Literal["metrics", "trade_updates", "alerts", "logs"]
TOPICS: tuple[Topic, ...] = ("metrics", "trade_updates", "alerts", "logs")


class News(Protocol):
    """Something that happened, at a moment (ms UTC, on the flow's own clock)."""

    @property
    def ts_ms(self) -> int: ...


class Skipped(Struct, frozen=True):
    """So many messages of a topic were passed over: they came faster than they were taken."""

    topic: str
    ts_ms: int
    skipped: int


class Listener:
    """One listener's queues. It is filled from one thread and emptied from another."""

    def __init__(self, topics: Sequence[Topic], wake: Callable[[], object], most: int = QUEUE) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[News]] = {topic: deque[News]() for topic in topics}
        self._skipped: dict[str, int] = dict.fromkeys(topics, 0)
        self.lost: Counter[str] = Counter()
        """How many messages of each topic were passed over since it began to listen."""
        self._wake = wake
        self._most = most

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(self._waiting)

    def put(self, topic: str, news: News) -> None:
        with self._lock:
            waiting = self._waiting[topic]
            idle = not any(self._waiting.values())
            if len(waiting) >= self._most:
                waiting.popleft()
                self._skipped[topic] += 1
                self.lost[topic] += 1
            waiting.append(news)
        if idle:
            self._wake()

    def take(self) -> Iterator[News]:
        """What waits, in the order of each topic; before it how much was passed over."""
        with self._lock:
            waiting = {topic: tuple(news) for topic, news in self._waiting.items()}
            skipped = {topic: count for topic, count in self._skipped.items() if count}
            for topic, news in self._waiting.items():
                news.clear()
                self._skipped[topic] = 0
        for topic, news in waiting.items():
            if topic in skipped:
                yield Skipped(topic, news[0].ts_ms, skipped[topic])
            yield from news

    @property
    def depth(self) -> Mapping[str, int]:
        """How many messages of each topic wait."""
        with self._lock:
            return {topic: len(news) for topic, news in self._waiting.items()}


class Channels:
    """Who listens to what."""

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._lost: Counter[str] = Counter()
        self._lock = threading.Lock()

    def edges(self) -> Iterator[Edge]:
        """Of each topic that is queued: how full the fullest queue is, and how much was passed over in all of them."""
        for topic in TOPICS:
            if topic != "metrics":
                depth, lost = partial(self._deepest, topic), partial(self._passed_over, topic)
                yield Edge(f"api/{topic}", depth, QUEUE, "drops_oldest", dropped=lost)

    def _deepest(self, topic: Topic) -> int:
        return max((each.depth.get(topic, 0) for each in self._listeners), default=0)

    def _passed_over(self, topic: Topic) -> int:
        with self._lock:
            return self._lost[topic] + sum(each.lost[topic] for each in self._listeners)

    def wanted(self, topic: Topic) -> bool:
        """Whether anybody listens: what nobody does is never made."""
        return any(topic in each.topics for each in self._listeners)

    def tell(self, topic: Topic, news: News) -> None:
        """From any thread: tell all who listen. It waits for nobody."""
        for each in self._listeners:
            if topic in each.topics:
                each.put(topic, news)

    def join(self, listener: Listener) -> None:
        with self._lock:
            self._listeners = (*self._listeners, listener)

    def leave(self, listener: Listener) -> None:
        with self._lock:
            if listener in self._listeners:
                self._lost.update(listener.lost)
            self._listeners = tuple(each for each in self._listeners if each is not listener)

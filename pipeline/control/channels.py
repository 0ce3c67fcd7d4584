"""What happens in an engine, told to programs as it happens: orders, alerts, logs, and numbers.

Whoever tells never waits for whoever listens. Each listener has a bounded queue of its own for each topic; when one is
full, the oldest gives way, and how many did is told before what follows. Numbers are not queued: the latest counts.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from pipeline.control.limits import QUEUE

Topic = Literal["metrics", "trade_updates", "alerts", "logs"]
TOPICS: tuple[Topic, ...] = ("metrics", "trade_updates", "alerts", "logs")


class Skipped(Struct, frozen=True):
    """So many messages of a topic were passed over: they came faster than they were taken."""

    topic: str
    ts_ms: int
    skipped: int


class Listener:
    """One listener's queues. It is filled from one thread and emptied from another."""

    def __init__(self, topics: Sequence[Topic], wake: Callable[[], object], most: int = QUEUE) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Struct]] = {topic: deque[Struct]() for topic in topics}
        self._skipped: dict[str, int] = dict.fromkeys(topics, 0)
        self._wake = wake
        self._most = most

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(self._waiting)

    def put(self, topic: str, news: Struct) -> None:
        with self._lock:
            waiting = self._waiting[topic]
            idle = not any(self._waiting.values())
            if len(waiting) >= self._most:
                waiting.popleft()
                self._skipped[topic] += 1
            waiting.append(news)
        if idle:
            self._wake()

    def take(self, now: int) -> Iterator[Struct]:
        """What waits, in the order of each topic; first of all how much was passed over."""
        with self._lock:
            waiting = {topic: tuple(news) for topic, news in self._waiting.items()}
            skipped = {topic: count for topic, count in self._skipped.items() if count}
            for topic, news in self._waiting.items():
                news.clear()
                self._skipped[topic] = 0
        for topic, news in waiting.items():
            if topic in skipped:
                yield Skipped(topic, now, skipped[topic])
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
        self._lock = threading.Lock()

    def wanted(self, topic: Topic) -> bool:
        """Whether anybody listens: what nobody does is never made."""
        return any(topic in each.topics for each in self._listeners)

    def tell(self, topic: Topic, news: Struct) -> None:
        """From any thread: tell all who listen. It waits for nobody."""
        for each in self._listeners:
            if topic in each.topics:
                each.put(topic, news)

    def join(self, listener: Listener) -> None:
        with self._lock:
            self._listeners = (*self._listeners, listener)

    def leave(self, listener: Listener) -> None:
        with self._lock:
            self._listeners = tuple(each for each in self._listeners if each is not listener)

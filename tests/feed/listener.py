"""A connection that hears all channels of a prefix and keeps what comes, with when it came.

It comes back by itself while its Redis is away. So that nothing is published before it hears again, a Redis may be
opened for others only once the listener is back.
"""

import threading
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Any, Self, cast

from redis.client import PubSub
from redis.exceptions import RedisError

from tests.feed.subscriber import Heard
from tests.redis_server import DEADLINE, RedisServer

CHANNELS = ("ohlcv", "price_tik", "status", "heartbeat", "market_status")


class Listener:
    """Hears until it is closed. `life` is of which of the publisher's lives what comes now is."""

    def __init__(self, server: RedisServer, prefix: str = "fxcm") -> None:
        self.heard: list[Heard] = []
        self.life = 0
        self._server, self._prefix = server, prefix
        self._came = threading.Condition()
        self._hears = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="listener")

    def __enter__(self) -> Self:
        self._thread.start()
        self.back()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def back(self) -> None:
        """Wait until it hears (again)."""
        assert self._hears.wait(DEADLINE), "the listener is not subscribed"

    def until(self, wanted: Callable[[Heard], bool], patience: float = 30.0) -> Heard:
        """Wait until something came that is wanted, from what is there already on; what it is."""
        ends, seen = monotonic() + patience, 0
        with self._came:
            while True:
                for each in self.heard[seen:]:
                    if wanted(each):
                        return each
                seen = len(self.heard)
                if not self._came.wait(max(0.0, ends - monotonic())):
                    raise AssertionError(f"nothing of the kind came in {patience} s; last {self.heard[-3:]}")

    def _listen(self) -> None:
        while not self._ended.is_set():
            try:
                with self._server.client() as client, client.pubsub() as subscribed:  # pyright: ignore[reportUnknownMemberType]
                    self._hear(subscribed)
            except RedisError:
                self._hears.clear()
                self._ended.wait(0.01)

    def _hear(self, subscribed: PubSub) -> None:
        names = {f"{self._prefix}:{channel}".encode(): channel for channel in CHANNELS}
        subscribed.subscribe(*names)  # pyright: ignore[reportUnknownMemberType]
        left = len(names)
        while not self._ended.is_set():
            message = cast("dict[str, Any] | None", subscribed.get_message(timeout=0.2))
            if message is None:
                continue
            if message["type"] == "subscribe":
                left -= 1
                if not left:
                    self._hears.set()
            elif message["type"] == "message":
                with self._came:
                    self.heard.append(Heard(names[message["channel"]], message["data"], monotonic(), self.life))
                    self._came.notify_all()

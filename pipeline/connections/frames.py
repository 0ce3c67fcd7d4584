"""What comes in pieces, one JSON text each: a bad one is dropped and counted, too many of them end it."""

from collections import deque
from collections.abc import Callable

from pipeline.connections.reading import Answer, decoded
from pipeline.connections.troubles import CallFailed

MINUTE = 60.0


class Frames:
    """Reads pieces of one stream. `time` is in seconds of any clock that does not go back."""

    def __init__(
        self,
        what: str,
        time: Callable[[], float],
        bad_a_minute: int = 10,
        warn: Callable[[CallFailed], None] | None = None,
    ) -> None:
        """`warn` is told of each that is dropped."""
        self.bad = 0
        self._what = what
        self._time = time
        self._most = bad_a_minute
        self._warn = warn
        self._lately = deque[float]()

    def read(self, raw: str | bytes) -> Answer | None:
        """What a piece says; None for one that cannot be read. `CallFailed` once these are too many."""
        try:
            return Answer(decoded(raw, self._what), self._what)
        except CallFailed as failure:
            return self.spoiled(failure)

    def spoiled(self, failure: CallFailed) -> None:
        """Count a piece that is JSON but makes no sense, as one that cannot be read."""
        self.bad += 1
        now = self._time()
        self._lately.append(now)
        while self._lately[0] <= now - MINUTE:
            self._lately.popleft()
        if len(self._lately) > self._most:
            many = f"more than {self._most} bad pieces within a minute"
            raise CallFailed("format", f"{many}, at last: {failure}") from None
        if self._warn is not None:
            self._warn(failure)

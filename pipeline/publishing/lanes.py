"""Lanes from a flow to Redis: bounded, each with its own rule of what happens when it is full.

Of every lane, at any moment: enqueued = processed + conflated + dropped + spilled + depth + in flight. Processed is
counted once Redis has acknowledged.
"""

from abc import ABC, abstractmethod
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from pipeline.values import Bars, Stream

K = TypeVar("K")
V = TypeVar("V")


class Counted(ABC):
    """What became of what a lane was given."""

    def __init__(self, name: str, limit: int) -> None:
        self.name, self.limit = name, limit
        self.enqueued: int = 0
        self.processed: int = 0
        self.conflated: int = 0
        self.dropped: int = 0
        self.in_flight: int = 0
        self.spilled: int = 0

    @property
    @abstractmethod
    def depth(self) -> int:
        """How much waits."""

    @property
    def whole(self) -> bool:
        """Whether everything is accounted for."""
        kept = self.spilled + self.depth + self.in_flight
        return self.enqueued == self.processed + self.conflated + self.dropped + kept

    @property
    def empty(self) -> bool:
        """Whether nothing waits, or is on its way."""
        return not (self.depth or self.in_flight or self.spilled)


class Latest(Counted, Generic[K, V]):
    """Of each key the latest: what comes while another of its kind waits takes its place."""

    def __init__(self, name: str, limit: int) -> None:
        super().__init__(name, limit)
        self._waiting: OrderedDict[K, V] = OrderedDict()

    @property
    def depth(self) -> int:
        return len(self._waiting)

    def offer(self, key: K, value: V) -> None:
        self.enqueued += 1
        if key in self._waiting:
            self.conflated += 1
        elif len(self._waiting) >= self.limit:
            self._waiting.popitem(last=False)
            self.dropped += 1
        self._waiting[key] = value

    def take(self, most: int) -> list[tuple[K, V]]:
        """What goes next; it is in flight until it is acknowledged or comes back."""
        taken = [self._waiting.popitem(last=False) for _ in range(min(most, len(self._waiting)))]
        self.in_flight += len(taken)
        return taken

    def acknowledged(self, taken: int) -> None:
        self.in_flight -= taken
        self.processed += taken

    def passed_over(self, taken: int) -> None:
        """What was taken and is out of date meanwhile."""
        self.in_flight -= taken
        self.conflated += taken

    def refused(self, taken: int) -> None:
        """What was taken and cannot be published at all."""
        self.in_flight -= taken
        self.dropped += taken

    def came_back(self, taken: Sequence[tuple[K, V]]) -> None:
        """What was taken and did not get through: it goes first again, unless there is a later one of its kind."""
        self.in_flight -= len(taken)
        for key, value in reversed(taken):
            if key in self._waiting:
                self.conflated += 1
            elif len(self._waiting) >= self.limit:
                self.dropped += 1
            else:
                self._waiting[key] = value
                self._waiting.move_to_end(key, last=False)


class Changes(Counted, Generic[V]):
    """Every change in order, and between two of them the latest repetition only."""

    def __init__(self, name: str, limit: int) -> None:
        super().__init__(name, limit)
        self._waiting: deque[tuple[V, bool]] = deque()

    @property
    def depth(self) -> int:
        return len(self._waiting)

    @property
    def first(self) -> V | None:
        return self._waiting[0][0] if self._waiting else None

    def offer(self, value: V, *, change: bool) -> None:
        self.enqueued += 1
        if not change and self._waiting:
            self.conflated += 1
            self._waiting[-1] = (value, self._waiting[-1][1])  # the same state as the last one, told later
            return
        if change and self._waiting and not self._waiting[-1][1]:
            self._waiting.pop()
            self.conflated += 1
        if len(self._waiting) >= self.limit:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append((value, change))

    def take(self) -> tuple[V, bool] | None:
        if not self._waiting:
            return None
        self.in_flight += 1
        return self._waiting.popleft()

    def acknowledged(self) -> None:
        self.in_flight -= 1
        self.processed += 1

    def refused(self) -> None:
        self.in_flight -= 1
        self.dropped += 1

    def came_back(self, taken: tuple[V, bool]) -> None:
        self.in_flight -= 1
        if (self._waiting and not taken[1]) or len(self._waiting) >= self.limit:
            self.conflated += 1
        else:
            self._waiting.appendleft(taken)


class Batch(NamedTuple):
    """Final bars of one stream for one message."""

    bars: Bars
    why: str = ""
    """"": new ones, which move the cursor; "late": out of holes; "asked": somebody wants them again."""

    @property
    def stream(self) -> Stream:
        return self.bars.stream


class Spill(NamedTuple):
    """Bars of a stream that found the lane full: from which on, and how many."""

    since: int
    rows: int


class Finals(Counted):
    """Final bars: none is ever lost. What finds the lane full waits on the shelf, and later ones of its stream too.

    It counts bars, and is full from `limit` on until half of that is gone.
    """

    def __init__(self, name: str, limit: int) -> None:
        super().__init__(name, limit)
        self._waiting: deque[Batch] = deque()
        self._depth = 0
        self._spills: dict[Stream, Spill] = {}
        self.full = False

    @property
    def depth(self) -> int:
        return self._depth

    def offer(self, batch: Batch) -> bool:
        """Whether it found room. What did not is to be read off the shelf later: see `wanted`."""
        rows = len(batch.bars)
        self.enqueued += rows
        spill = self._spills.get(batch.stream)
        if batch.why and (spill is None or int(batch.bars.open_ts[0]) < spill.since):  # few, and older than what waits
            self._keep(batch)
            return True
        if spill is None and self._depth + rows <= self.limit:
            self._keep(batch)
            self.full = self.full or self._depth >= self.limit
            return True
        self.full = True
        since = int(batch.bars.open_ts[0])
        self._spills[batch.stream] = Spill(since, rows) if spill is None else Spill(spill.since, spill.rows + rows)
        self.spilled += rows
        return False

    def spilled_since(self, stream: Stream) -> int | None:
        """From which opening on bars of a stream are read off the shelf, in order; None where none is."""
        spill = self._spills.get(stream)
        return None if spill is None else spill.since

    def spill(self, stream: Stream, since: int, rows: int) -> None:
        """Bars that are on the shelf since an earlier life."""
        self.enqueued += rows
        self.spilled += rows
        self._spills[stream] = Spill(since, rows)

    def wanted(self) -> Iterator[tuple[Stream, Spill]]:
        """The streams whose bars are to be read off the shelf, as long as there is room for them."""
        if self._depth * 2 > self.limit:
            return
        for stream in tuple(self._spills):
            if self._depth >= self.limit:
                return
            yield stream, self._spills[stream]

    def found(self, stream: Stream, batches: Iterable[Batch], left: Spill | None) -> None:
        """Take what was read off the shelf; `left` is what is there still."""
        spill = self._spills.pop(stream)
        rows = 0
        for batch in batches:
            self._keep(batch)
            rows += len(batch.bars)
        if left is not None:
            self._spills[stream] = left
        now = rows + (0 if left is None else left.rows)
        self.spilled -= spill.rows - (0 if left is None else left.rows)
        if now < spill.rows:  # the shelf no longer has them: it was lost
            self.dropped += spill.rows - now
        else:
            self.enqueued += now - spill.rows

    def take(self, most: int) -> list[Batch]:
        """So many batches at the most; they are in flight until they are acknowledged or come back."""
        taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        rows = sum(len(batch.bars) for batch in taken)
        self._depth -= rows
        self.in_flight += rows
        return taken

    def acknowledged(self, batch: Batch) -> None:
        self.in_flight -= len(batch.bars)
        self.processed += len(batch.bars)

    def passed_over(self, rows: int) -> None:
        """Bars of a batch that is on its way, which are published already."""
        self.in_flight -= rows
        self.processed += rows

    def never(self, rows: int) -> None:
        """Bars that nobody could use: they do not even wait."""
        self.enqueued += rows
        self.dropped += rows

    def refused(self, batch: Batch) -> None:
        self.in_flight -= len(batch.bars)
        self.dropped += len(batch.bars)

    def came_back(self, batches: Sequence[Batch]) -> None:
        for batch in reversed(batches):
            self._waiting.appendleft(batch)
            self._depth += len(batch.bars)
            self.in_flight -= len(batch.bars)

    def relieved(self) -> bool:
        """Whether it was full and is so no longer."""
        if self.full and not self._spills and self._depth * 2 <= self.limit:
            self.full = False
            return True
        return False

    def _keep(self, batch: Batch) -> None:
        self._waiting.append(batch)
        self._depth += len(batch.bars)

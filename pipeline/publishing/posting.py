"""Final bars on their way: out of their lane, over the wire, once; and what is done when they are out."""

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator

import numpy as np

from pipeline.candles import possible
from pipeline.channels.wording import Unfit
from pipeline.host import Host
from pipeline.publishing.gate import Gate
from pipeline.publishing.lanes import Batch, Finals, Spill
from pipeline.publishing.letters import Letters
from pipeline.publishing.script import Answer, Message
from pipeline.publishing.shelf import Shelf
from pipeline.publishing.streams import Streams
from pipeline.publishing.wires import Wire
from pipeline.times import utc_text
from pipeline.values import Bars, Forming, Stream

AT_ONCE = 128
"""Messages sent in one go."""
A_MESSAGE = 500
"""Bars in one message."""


class Posting:
    """The lane of final bars, and what belongs to it."""

    def __init__(
        self,
        host: Host,
        lane: Finals,
        gate: Gate,
        shelf: Shelf,
        letters: Letters,
        streams: Streams,
        told: Callable[[Unfit], None],
    ) -> None:
        self._host, self.lane, self._gate, self._shelf = host, lane, gate, shelf
        self._letters, self._streams, self._told = letters, streams, told
        self._begins = host.now()
        self._elsewhere: dict[Stream, tuple[int, int]] = {}
        """Bars that Redis had without our knowing: those behind one opening, up to another."""
        self.messages = 0
        """Messages of final bars that are out."""
        self.known_already = 0
        """Bars that Redis had from before."""

    def offer(self, bars: Bars, why: str = "") -> None:
        """Put bars that the gate let through on the shelf and into the lane."""
        fit = possible(bars)
        if not fit.all():
            wrong = bars.chosen(~fit)
            self.lane.never(len(wrong))
            self._told(
                Unfit(f"{len(wrong)} of {bars.product} that cannot be, the first of {utc_text(int(wrong.open_ts[0]))}")
            )
            bars = bars.chosen(fit)
        self._shelf.put(bars, waiting=True)
        for first, last in self._parts(bars):
            self.lane.offer(Batch(bars.rows(first, last, last - first), why))

    def refill(self) -> None:
        """Read off the shelf what found the lane full, as far as there is room."""
        for stream, spill in tuple(self.lane.wanted()):
            bars = self._shelf.unpublished(stream, spill.since, A_MESSAGE)
            left = spill.rows - len(bars)
            more = Spill(int(bars.open_ts[-1]) + 1, left) if left > 0 and len(bars) == A_MESSAGE else None
            self.lane.found(stream, self._batches(stream, bars), more)

    async def sent(self, wire: Wire) -> AsyncGenerator[Forming]:
        """Send what is next, at most one message of each stream; the forming bars that waited for it.

        So a message that Redis has a part of is cut before a later one of its stream goes out.
        """
        taken = self.lane.take(AT_ONCE)
        going: dict[Stream, Batch] = {}
        later = [batch for batch in taken if going.setdefault(batch.stream, batch) is not batch]
        self.lane.came_back(later)
        going_on = [left for batch in going.values() for left in self._lacking(batch)]
        now = self._host.now()
        try:
            messages = [
                (batch, payload) for batch in tuple(going_on) if (payload := self._written(batch, going_on, now))
            ]
            given = await wire.finals([self._message(batch, payload) for batch, payload in messages], now)
            at = self._host.now()
            for (batch, _), answer in zip(messages, given, strict=True):
                going_on.remove(batch)
                held = self._settle(batch, answer, at)
                if held is not None:
                    yield held
        finally:
            self.lane.came_back(going_on)
            self._shelf.commit()

    def shows(self, bars: Iterable[Forming]) -> None:
        """Bars that form are about to be out: what listeners were shown outlives the program."""
        first = [(Stream(bar.product, bar.tf), bar.open_ts) for bar in bars if self._gate.shown(bar)]
        if first:
            self._shelf.forms(first)

    def shown(self, bar: Forming) -> None:
        """A bar that forms is out."""
        self._streams.shown(bar.product, bar.tf, bar.open_ts)

    def _parts(self, bars: Bars) -> Iterator[tuple[int, int]]:
        """The rows of each message: none has both bars from before what waits on the shelf and later ones."""
        since = self.lane.spilled_since(bars.stream)
        cut = 0 if since is None else int(np.searchsorted(bars.open_ts, since))
        for begin, end in ((0, cut), (cut, len(bars))):
            for first in range(begin, end, A_MESSAGE):
                yield first, min(first + A_MESSAGE, end)

    def _batches(self, stream: Stream, bars: Bars) -> list[Batch]:
        """Bars off the shelf: those from before the cursor are late ones."""
        cut = int(np.searchsorted(bars.open_ts, self._gate.cursor(stream), side="right"))
        parts = (Batch(bars.rows(0, cut, cut), "late"), Batch(bars.rows(cut, len(bars), len(bars) - cut)))
        return [batch for batch in parts if len(batch.bars)]

    def _lacking(self, batch: Batch) -> list[Batch]:
        """Of late bars those that Redis had not from another publisher, or from a life that is forgotten here."""
        if batch.why != "late" or batch.stream not in self._elsewhere:
            return [batch]
        known, had = self._elsewhere[batch.stream]
        out = (batch.bars.open_ts > known) & (batch.bars.open_ts <= had)
        before, rest = batch.bars.chosen(out), batch.bars.chosen(~out)
        if len(before):
            self.lane.passed_over(len(before))
            self.known_already += len(before)
            self._out(before, moves=False)
        return [Batch(rest, batch.why)] if len(rest) else []

    def _written(self, batch: Batch, going: list[Batch], now: int) -> bytes:
        """A batch as it goes out; nothing of one that must not, which is told."""
        try:
            return self._letters.finals(batch.bars, now)
        except Unfit as wrong:
            going.remove(batch)
            self.lane.refused(batch)
            self._out(batch.bars, moves=not batch.why)
            self._told(wrong)
            return b""

    def _message(self, batch: Batch, payload: bytes) -> Message:
        opened = tuple(batch.bars.open_ts.tolist())
        return Message(batch.stream, opened, payload, self._gate.cursor(batch.stream), batch.why)

    def _settle(self, batch: Batch, answer: Answer, at: int) -> Forming | None:
        """What Redis said of a batch: out now, out before, or in part."""
        bars = batch.bars
        if answer.published:
            self.lane.acknowledged(batch)
            self._had(batch, answer.before)
            self.messages += 1
            opened = int(bars.open_ts[-1])
            fresh = int(bars.final_at[-1]) >= self._begins
            self._streams.published(bars.product, bars.tf, opened, len(bars), at, fresh=fresh)
            return self._out(bars, moves=not batch.why)
        self._had(batch, answer.cursor)
        out = np.isin(bars.open_ts, answer.taken) if batch.why else bars.open_ts <= answer.cursor
        before, rest = bars.chosen(out), bars.chosen(~out)
        self.lane.passed_over(len(before))
        self.known_already += len(before)
        if len(rest):
            self.lane.came_back([Batch(rest, batch.why)])
        return self._out(before, moves=not batch.why) if len(before) else None

    def _had(self, batch: Batch, had: int) -> None:
        """Up to where Redis had a stream; beyond what we knew and sent, somebody else was there."""
        known, stream = self._gate.cursor(batch.stream), batch.stream
        first, last = int(batch.bars.open_ts[0]), int(batch.bars.open_ts[-1])
        if not batch.why and had > known and not first <= had <= last:
            self._elsewhere[stream] = (min(known, self._elsewhere.get(stream, (known, 0))[0]), had)

    def _out(self, bars: Bars, *, moves: bool) -> Forming | None:
        """Bars are out: remember it; the forming bar that waited for them."""
        opened: list[int] = bars.open_ts.tolist()
        self._shelf.published(bars.stream, opened, cursor=moves)
        self._gate.late_is_out(bars.stream, opened)
        return self._gate.acknowledged(bars.stream, opened[-1]) if moves else None

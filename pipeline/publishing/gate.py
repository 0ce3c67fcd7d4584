"""The gate before the wire: of each stream every final bar once, in order, and nothing of a slot that is over.

It knows of each stream up to where its bars were let through (`offered`) and up to where Redis has acknowledged them
(the cursor). Bars between the two are on their way; the cursor moves with the acknowledgement only. Slots that were
passed over are holes: their bars may still come, late, and pass once.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from pipeline.times import DAY
from pipeline.values import Bars, Flags, Forming, Stamps, Stream

NEVER = -1
"""No bar."""
HOLES = 32
"""So many holes of a stream are remembered, the newest."""
AHEAD = DAY
"""No clock is set back by more (ms) and right: a cursor that lies further ahead is wrong itself."""
GIVEN_UP = 3
"""So many slots after a bar was shown its final one is waited for no more: nobody has it."""

Span = tuple[int, int]
"""Slots from an opening on, before another."""


class Gate:
    """What may still be published. Pure: whoever asks says what time it is."""

    def __init__(self) -> None:
        self._cursor: dict[Stream, int] = {}
        self._offered: dict[Stream, int] = {}
        self._live: dict[Stream, int] = {}
        self._held: dict[Stream, Forming] = {}
        self._holes: dict[Stream, list[Span]] = {}
        self._late: dict[Stream, set[int]] = {}
        """Late bars that were let through and are not out."""
        self._begun: dict[Stream, int] = {}
        """The first bar of those streams that had none before this life."""
        self.early = 0
        """Bars that were given before they were over: passed over."""
        self.repeated = 0
        """New bars that had been let through before."""

    # --- how far it is -----------------------------------------------------------------------------------------------

    def begin(self, cursors: Mapping[Stream, int], shown: Mapping[Stream, int], now: int) -> tuple[Stream, ...]:
        """Go on from where an earlier life was; the streams whose cursor lies far in the future, and begin anew.

        One that lies ahead by less was written before our clock was set back: what is out stays out.

        `shown`: the last bar of each stream that was out while it formed, of which listeners hold a part for a whole.
        """
        self._live.update((stream, opened) for stream, opened in shown.items() if opened <= now)
        astray: list[Stream] = []
        for stream, opened in cursors.items():
            if opened + stream.tf > now + AHEAD:
                astray.append(stream)
            else:
                self._cursor[stream] = self._offered[stream] = opened
        return tuple(astray)

    def recalled(self, stream: Stream, opened: Stamps) -> None:
        """The openings of the newest bars that an earlier life had: slots between them are holes still."""
        for row in np.flatnonzero(np.diff(opened) > stream.tf).tolist():
            self._hole(stream, int(opened[row]) + stream.tf, int(opened[row + 1]))

    def resumed(self, stream: Stream, opened: int) -> None:
        """Bars up to an opening were let through in an earlier life, and wait."""
        self._offered[stream] = max(self.offered(stream), opened)

    def cursor(self, stream: Stream) -> int:
        """The opening of the last bar that is published; NEVER before the first."""
        return self._cursor.get(stream, NEVER)

    def offered(self, stream: Stream) -> int:
        """The opening of the last bar that was let through."""
        return self._offered.get(stream, NEVER)

    @property
    def last_close(self) -> int:
        """When the newest bar that is published ended; 0 before the first."""
        return max((opened + stream.tf for stream, opened in self._cursor.items()), default=0)

    @property
    def unfinished(self) -> bool:
        """Whether a bar that was shown while it formed has no final one on the wire yet."""
        return any(self.cursor(stream) < slot for stream, slot in self._live.items())

    def over(self, now: int) -> bool:
        """Whether every bar that was shown while it formed has its final one, but for those that go on."""
        return all(self.cursor(stream) >= slot or slot + stream.tf > now for stream, slot in self._live.items())

    # --- final bars --------------------------------------------------------------------------------------------------

    def finals(self, bars: Bars, now: int, most: int | None = None) -> Bars | None:
        """The bars that are newer than all let through before and are over; of the past at most `most`, the newest.

        What it gives counts as let through. None when there is none.
        """
        stream, rows = bars.stream, len(bars)
        offered = self.offered(stream)
        first = int(np.searchsorted(bars.open_ts, offered, side="right"))
        last = int(np.searchsorted(bars.open_ts, now - stream.tf, side="right"))
        self.early += rows - max(last, rows - bars.fresh)
        self.repeated += max(0, first - (rows - bars.fresh))
        if most is not None:
            first = max(first, min(last - most, rows - bars.fresh))
        if first >= last:
            return None
        new = bars.rows(first, last, last - first)
        if offered == NEVER:
            self._begun[stream] = int(new.open_ts[0])
        self._skip(stream, offered, new)
        self._offered[stream] = int(new.open_ts[-1])
        return new

    def late(self, bars: Bars, now: int) -> Bars | None:
        """The bars that fall into holes; None when there is none. They count as let through."""
        holes = self._holes.get(bars.stream)
        if not holes or not len(bars):
            return None
        fitting: Flags = np.zeros(len(bars), np.bool_)
        for since, until in holes:
            fitting |= (bars.open_ts >= since) & (bars.open_ts < until)
        fitting &= bars.open_ts + bars.tf <= now
        if not fitting.any():
            return None
        found = bars.chosen(fitting)
        for opened in found.open_ts.tolist():
            self._fill(bars.stream, opened)
            self._late.setdefault(bars.stream, set()).add(opened)
        return found

    def holes(self, stream: Stream) -> tuple[Span, ...]:
        """The slots that were passed over."""
        return tuple(self._holes.get(stream, ()))

    def lacks(self, stream: Stream, since: int, until: int) -> None:
        """Slots of a stream from before its first bar are wanted too; of one without a bar, up to `until`."""
        if stream not in self._offered:
            self._offered[stream] = self._cursor[stream] = since - stream.tf
        elif since < (first := self._begun.pop(stream, since)):
            self._holes.setdefault(stream, []).insert(0, (since, first))

    def late_is_out(self, stream: Stream, opened: Iterable[int]) -> None:
        """Late bars are out."""
        self._late.get(stream, set()).difference_update(opened)

    def acknowledged(self, stream: Stream, opened: int) -> Forming | None:
        """A stream is published up to a bar; the forming bar that waited for it, when it may go now."""
        self._cursor[stream] = max(self.cursor(stream), opened)
        self._offered[stream] = max(self.offered(stream), opened)
        held = self._held.get(stream)
        if held is None or self._waits(held, stream):
            return None
        del self._held[stream]
        return held if held.open_ts > opened else None

    # --- bars that form ----------------------------------------------------------------------------------------------

    def forming(self, bar: Forming) -> bool:
        """Whether a forming bar may go; one that has to wait for the final bar before it is kept, the newest."""
        stream = Stream(bar.product, bar.tf)
        if not self.alive(bar):
            return False
        if self._waits(bar, stream):
            self._held[stream] = bar
            return False
        self._held.pop(stream, None)
        return True

    def alive(self, bar: Forming) -> bool:
        """Whether a forming bar is not over: neither its own final one nor a later one was let through or shown."""
        stream = Stream(bar.product, bar.tf)
        return bar.open_ts > self.offered(stream) and bar.open_ts >= self._live.get(stream, NEVER)

    def shown(self, bar: Forming) -> bool:
        """A forming bar goes out: no later one does before its final one has. Whether it is the first of its slot."""
        stream = Stream(bar.product, bar.tf)
        before = self._live.get(stream, NEVER)
        self._live[stream] = max(bar.open_ts, before)
        return bar.open_ts > before

    @property
    def held(self) -> int:
        """How many forming bars wait for the final bar before them."""
        return len(self._held)

    def _waits(self, bar: Forming, stream: Stream) -> bool:
        shown = self._live.get(stream, NEVER)
        if self.offered(stream) > self.cursor(stream):
            return True
        if not NEVER < shown < bar.open_ts or bar.open_ts - shown > GIVEN_UP * stream.tf:
            return False
        return not self._is_out(stream, shown)

    def _is_out(self, stream: Stream, opened: int) -> bool:
        """Whether a final bar is on the wire: neither still to come, nor in a hole, nor late and on its way."""
        if self.cursor(stream) < opened or opened in self._late.get(stream, ()):
            return False
        return not any(since <= opened < until for since, until in self._holes.get(stream, ()))

    # --- holes -------------------------------------------------------------------------------------------------------

    def _skip(self, stream: Stream, offered: int, new: Bars) -> None:
        """Remember the slots between bars as holes."""
        before = [] if offered == NEVER else [offered]
        opened = np.concatenate((np.array(before, np.int64), new.open_ts))
        for row in np.flatnonzero(np.diff(opened) > stream.tf).tolist():
            self._hole(stream, int(opened[row]) + stream.tf, int(opened[row + 1]))

    def _hole(self, stream: Stream, since: int, until: int) -> None:
        holes = self._holes.setdefault(stream, [])
        holes.append((since, until))
        del holes[:-HOLES]

    def _fill(self, stream: Stream, opened: int) -> None:
        left: list[Span] = []
        for since, until in self._holes[stream]:
            if since <= opened < until:
                left += [span for span in ((since, opened), (opened + stream.tf, until)) if span[0] < span[1]]
            else:
                left.append((since, until))
        if left:
            self._holes[stream] = left[-HOLES:]
        else:
            del self._holes[stream]

"""Bars that are not final, made of quotes, where the final ones come from the venue: to be looked at only."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.candles import NEVER, slots_of
from pipeline.times import slot_of
from pipeline.values import Bars, Forming, Quotes

Settled = Callable[[int, int], bool]
"""Whether the bar of a timeframe that opened at a moment is final, or known to be missing."""


@dataclass(slots=True)
class Heard:
    """What was heard of one slot."""

    slot: int
    open: float
    high: float
    low: float
    close: float
    first_ts: int
    last_ts: int
    ticks: int
    whole: bool = True
    """Whether it was listened to from its beginning on."""

    def take(self, ts: int, price: float) -> None:
        if ts >= self.last_ts:
            self.last_ts, self.close = ts, price
        elif ts < self.first_ts:
            self.first_ts, self.open = ts, price
        self.high, self.low = max(self.high, price), min(self.low, price)
        self.ticks += 1

    def join(self, later: "Heard") -> None:
        """Take what else was heard of the same slot, later than this."""
        if later.last_ts >= self.last_ts:
            self.last_ts, self.close = later.last_ts, later.close
        if later.first_ts < self.first_ts:
            self.first_ts, self.open = later.first_ts, later.open
        self.high, self.low = max(self.high, later.high), min(self.low, later.low)
        self.ticks += later.ticks


class Unfinished:
    """The open slot of one product, and slots that are over whose final bar has not come yet.

    A bar that is not final is not given while an earlier one of its timeframe was given and is not settled, nor once it
    is settled itself: who follows both sees each final bar before anything of the next. Venues count volume in units of
    their own, so the quotes of a slot count for as much as those of the last slot that was heard whole did.
    """

    def __init__(
        self, product: str, spans: Sequence[int], every: int, settled: Settled, finals: Callable[[], Bars]
    ) -> None:
        """`every`: how often they may be given (ms), 0 for never; `finals`: the final ones of the shortest span."""
        self._product, self._every = product, every
        self._base, *self._longer = sorted(spans)
        self._most = max(spans) // self._base
        self._settled, self._finals = settled, finals
        self._open: Heard | None = None
        self._over: dict[int, Heard] = {}
        self._given: dict[int, int] = {}
        """By timeframe, the slot of which a bar was given last."""
        self._received, self._given_at = 0, -1
        self._listening = False
        """Whether all quotes since the newest were heard."""
        self._volume_of_a_quote = 1.0
        self.due = NEVER

    def one(self, ts: int, received: int, price: float) -> None:
        """Take one quote that is sifted."""
        opened = self._open
        if opened is not None and opened.slot <= ts < opened.slot + self._base:
            opened.take(ts, price)
        else:
            self._turn(Heard(slot_of(ts, self._base), price, price, price, price, ts, ts, 1))
        self._came(received)

    def many(self, quotes: Quotes) -> None:
        """Take quotes that are sifted: their slots are in order."""
        price, slots = quotes.mid, slots_of(quotes.ts, self._base)
        edges = zip(slots.open_ts.tolist(), slots.starts.tolist(), slots.stops.tolist(), strict=True)
        for slot, start, stop in list(edges)[-self._most - 1 :]:
            ts, prices = quotes.ts[start:stop], price[start:stop]
            first, last = int(ts.argmin()), len(ts) - 1 - int(ts[::-1].argmax())
            opens, closes = prices.item(first), prices.item(last)
            ends = np.maximum.reduce(prices).item(), np.minimum.reduce(prices).item()
            self._turn(Heard(slot, opens, *ends, closes, ts.item(first), ts.item(last), len(ts)))
        self._came(quotes.received.item(-1))

    def broken(self) -> None:
        """Some quotes may have been lost."""
        self._listening = False
        if self._open is not None:
            self._open.whole = False

    def settle(self) -> None:
        """Final bars have come: what was heard of their slots is done with, and what waited for them may be given."""
        for slot in [slot for slot in self._over if self._settled(self._base, slot)]:
            self._measure(self._over.pop(slot))
        if self._open is not None and self._settled(self._base, self._open.slot):
            self._measure(self._open)
            self._open = None
        if self._open is not None and self._every:
            self._soon()

    def given(self, at: int) -> Iterator[Forming]:
        """The bars that are not final as they stand at a moment."""
        self.due = NEVER
        opened = self._open
        if opened is None or max(self._received, opened.slot) > at:
            return
        self._given_at = at
        if self._may(self._base, opened.slot):
            volume = opened.ticks * self._volume_of_a_quote
            numbers = (opened.open, opened.high, opened.low, opened.close, volume)
            yield Forming(self._product, self._base, opened.slot, *numbers, at)
        if not self._longer:
            return
        finals = self._finals()
        for span in self._longer:
            begin = slot_of(opened.slot, span)
            if self._may(span, begin):
                yield self._longer_bar(span, begin, opened, finals, at)

    def _longer_bar(self, span: int, begin: int, opened: Heard, finals: Bars, at: int) -> Forming:
        """Final bars as far as there are, then what was heard."""
        row = int(finals.open_ts.searchsorted(begin))
        reached = finals.open_ts.item(-1) if len(finals) else begin - 1
        heard = [each for slot, each in sorted(self._over.items()) if slot >= begin and slot > reached] + [opened]
        volume = sum(each.ticks for each in heard) * self._volume_of_a_quote
        high, low = max(each.high for each in heard), min(each.low for each in heard)
        opens = heard[0].open
        if row < len(finals):
            opens = finals.open.item(row)
            high = max(high, np.maximum.reduce(finals.high[row:]).item())
            low = min(low, np.minimum.reduce(finals.low[row:]).item())
            volume += np.add.reduce(finals.volume[row:]).item()
        return Forming(self._product, span, begin, opens, high, low, opened.close, volume, at)

    def _may(self, span: int, slot: int) -> bool:
        before = self._given.get(span, slot)
        if before < slot and not self._settled(span, before):
            return False
        if self._settled(span, slot):
            return False
        self._given[span] = slot
        return True

    def _turn(self, heard: Heard) -> None:
        """Go on with a slot: another one than before, or more of the same."""
        opened = self._open
        if opened is not None and opened.slot == heard.slot:
            opened.join(heard)
            return
        heard.whole, self._listening = self._listening, True
        if opened is not None:
            self._over[opened.slot] = opened
            if len(self._over) > self._most:
                del self._over[min(self._over)]
        self._open = heard

    def _came(self, received: int) -> None:
        self._received = received
        if self._every and self.due == NEVER:
            self._soon()

    def _soon(self) -> None:
        assert self._open is not None, "there is something to be shown"
        self.due = max(self._received, self._open.slot, self._given_at + self._every)

    def _measure(self, heard: Heard) -> None:
        """What a quote counts for, by the venue's bar of a slot that was heard whole."""
        finals = self._finals()
        row = int(finals.open_ts.searchsorted(heard.slot))
        if heard.whole and row < len(finals) and finals.open_ts.item(row) == heard.slot:
            volume = finals.volume.item(row)
            if volume > 0:
                self._volume_of_a_quote = volume / heard.ticks

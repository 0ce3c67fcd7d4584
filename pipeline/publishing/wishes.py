"""What listeners ask for: past bars once more, and which bars are wanted at all."""

from collections.abc import Callable
from typing import NamedTuple

from pipeline.channels.commands import Asked, Backfill, Chosen, Commands, Refused, Warmup
from pipeline.host import Host
from pipeline.publishing.shelf import Shelf
from pipeline.publishing.symbols import symbol_of
from pipeline.publishing.terms import Terms
from pipeline.service import Universe
from pipeline.times import MINUTE, slot_of, timeframe_name
from pipeline.values import Bars, Gap, Stream

AWAITED = 2 * MINUTE
"""So long bars that a source was asked for are published when they come."""
A_MESSAGE = 500


class Awaited(NamedTuple):
    """Bars that somebody asked for and that a source was asked for."""

    since: int
    before: int
    until: int
    """When nobody waits for them any more."""


class Wishes:
    """Takes commands; what is given again goes by `give`, what is to be said to sources by `ask`."""

    def __init__(
        self,
        host: Host,
        terms: Terms,
        shelf: Shelf,
        published: Callable[[Stream], int],
        give: Callable[[Bars], None],
        ask: Callable[[Gap | Universe], None],
    ) -> None:
        """`published` says up to which opening a stream is published: no later bar is given by the way."""
        self._host, self._terms, self._shelf = host, terms, shelf
        self._published, self._give, self._ask = published, give, ask
        self._products: tuple[str, ...] = ()
        self._commands = Commands((), terms.max_targets, secret=terms.secret, signed_only=terms.signed_only)
        self._awaited: dict[Stream, Awaited] = {}
        self._chosen: frozenset[Stream] = frozenset()
        self._until = 0
        self.counts: dict[str, int] = {}
        """Commands heard, by what they ask for."""

    @property
    def universe(self) -> tuple[str, ...]:
        """What is published, `PRODUCT:timeframe`; empty: all."""
        return tuple(sorted(f"{stream.product}:{timeframe_name(stream.tf)}" for stream in self._chosen))

    @property
    def due(self) -> int:
        """When the choice of what is published ends; 0: nothing is to happen."""
        return self._until

    def wanted(self, stream: Stream) -> bool:
        return not self._chosen or stream in self._chosen

    def known(self, products: tuple[str, ...]) -> None:
        """The products there are."""
        if products != self._products:
            self._products = products
            spans = self._terms.timeframes
            self._commands.about([(product, tf) for product in products if symbol_of(product) for tf in spans])

    def heard(self, raw: bytes) -> str:
        """Do what a command asks for; why not, when it is refused."""
        asked = self._commands.heard(raw, self._host.now())
        self._count(asked)
        match asked:
            case Warmup(product, tf, bars):
                stream = Stream(product, tf)
                wanted = bars or self._terms.warmup_bars
                self._again(stream, slot_of(self._host.now(), tf) - wanted * tf, wanted)
            case Backfill(product, tf, minutes):
                since = self._host.now() - minutes * MINUTE
                self._again(Stream(product, tf), slot_of(since, tf), max(1, minutes * MINUTE // tf))
            case Chosen():
                self._choose(asked)
            case Refused(why):
                return why
        return ""

    def came(self, bars: Bars) -> None:
        """A source gave bars of the past: those that somebody asked for go out."""
        awaited = self._awaited.get(bars.stream)
        if awaited is None:
            return
        if awaited.until < self._host.now():
            del self._awaited[bars.stream]
            return
        fitting = (bars.open_ts >= awaited.since) & (bars.open_ts < awaited.before)
        fitting &= bars.open_ts <= self._published(bars.stream)
        if fitting.any():
            del self._awaited[bars.stream]
            self._in_parts(bars.chosen(fitting))

    def expired(self, now: int) -> bool:
        """Whether the choice of what is published has just ended: from here on it is all."""
        if not self._until or now < self._until:
            return False
        self._chosen, self._until = frozenset(), 0
        self._ask(Universe((), 0, "the choice before has ended", now))
        return True

    def _again(self, stream: Stream, since: int, most: int) -> None:
        """Give past bars once more; what is not on the shelf is asked for."""
        now, published = self._host.now(), self._published(stream)
        bars = self._shelf.newest(stream, most, since)
        bars = bars.chosen(bars.open_ts <= published)
        first = int(bars.open_ts[0]) if len(bars) else slot_of(now, stream.tf)
        missing = self._host.calendars.of(stream.product).open_slots(since, first, stream.tf)
        if len(bars) < most and len(missing):
            self._awaited[stream] = Awaited(since, first, now + AWAITED)
            self._ask(Gap(stream.product, stream.tf, since, first, now))
        self._in_parts(bars)

    def _in_parts(self, bars: Bars) -> None:
        for first in range(0, len(bars), A_MESSAGE):
            last = min(first + A_MESSAGE, len(bars))
            self._give(bars.rows(first, last, last - first))

    def _choose(self, chosen: Chosen) -> None:
        self._chosen = frozenset(Stream(*target) for target in chosen.targets)
        self._until = chosen.until
        self._ask(Universe(chosen.targets, chosen.until, chosen.reason, self._host.now()))

    def _count(self, asked: Asked) -> None:
        words = {Warmup: "warmup", Backfill: "backfill", Chosen: "set_universe", Refused: "refused"}
        word = words[type(asked)]
        self.counts[word] = self.counts.get(word, 0) + 1

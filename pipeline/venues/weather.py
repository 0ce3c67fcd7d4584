"""Which faults strike when: read off a list, or drawn from a seed.

Each draw depends on the seed, on the kind of fault and on the place it is for, and on nothing else. So leaving out one
fault leaves all others where they are. What struck is kept as the list that would strike again in the same way.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import TypeVar

from msgspec import Struct

from pipeline.times import HOUR, MINUTE
from pipeline.values import Direction
from pipeline.venues.faults import (
    LASTS,
    LATE,
    LONGEST,
    OF_END,
    OF_INQUIRY,
    OF_MOMENT,
    OF_ORDER,
    OF_SALE,
    OF_TIME,
    SHIFT,
    Faults,
    OfMoment,
    OfTime,
    Storm,
    Strike,
    What,
)

T = TypeVar("T")
Watching = Callable[[Strike], None]
MINUTES = HOUR // MINUTE
KEPT = 4096
"""So many of the last faults that struck are known."""


class Scene(Struct, frozen=True):
    """What strikes of a storm may be about: whose accounts, which products, between which times orders come to life."""

    accounts: tuple[str, ...] = ()
    latency_ms: int = 0
    late_ms: int = 0


class Weather:
    """The faults of one venue from its beginning on. `struck` has the last of those that did something, in their
    order."""

    def __init__(self, faults: Faults, scene: Scene, began: int, watching: Watching | None = None) -> None:
        self.began = began
        self.watching = watching
        """Told of each fault as it strikes."""
        self.is_calm = not faults
        """Whether nothing strikes."""
        self._known: dict[Strike, None] = {}
        self._scene = scene
        self._storm = faults if isinstance(faults, Storm) else None
        listed = () if isinstance(faults, Storm) else faults
        self._listed = {place: strike for strike in listed for place in (_place(strike),) if place is not None}
        self._lasting = [each for each in listed if each.what in OF_TIME]
        self._moments = [each for each in listed if each.what in OF_MOMENT]
        self._minutes: dict[tuple[OfTime, int], Strike | None] = {}

    @property
    def struck(self) -> list[Strike]:
        return list(self._known)

    def struck_by(self, strike: Strike) -> Strike:
        """A fault does its work: it is kept, once."""
        if strike not in self._known:
            self._known[strike] = None
            if len(self._known) > KEPT:
                del self._known[next(iter(self._known))]
            if self.watching is not None:
                self.watching(strike)
        return strike

    def add(self, strike: Strike) -> None:
        """From now on this strikes too, at an order or an inquiry that is still to come."""
        place = _place(strike)
        assert place is not None, "what strikes at a moment is known from the beginning"
        self._listed[place] = strike
        self.is_calm = False

    def calm(self) -> None:
        """From now on nothing strikes."""
        self.is_calm = True

    # --- at orders and inquiries ---

    def of_order(self, number: int) -> Strike | None:
        return self._at(OF_ORDER, "order", number)

    def of_end(self, number: int) -> Strike | None:
        return self._at(OF_END, "order", number)

    def of_sale(self, number: int) -> Strike | None:
        return self._at(OF_SALE, "order", number)

    def of_inquiry(self, number: int) -> Strike | None:
        return self._at(OF_INQUIRY, "inquiry", number)

    def _at(self, kinds: Collection[What], place: str, number: int) -> Strike | None:
        if self.is_calm:
            return None
        if self._listed and (listed := [each for what in kinds if (each := self._listed.get((what, number)))]):
            return listed[0]
        storm = self._storm
        if storm is None:
            return None
        for what in kinds:
            rate = storm.rate(what)
            if rate and self._drawn(what, number) < rate:
                late = _ms(self._late(what, number)) if what in LATE else None
                shift = SHIFT if what == "wrong_settlement" else None
                if place == "inquiry":
                    return Strike(what=what, inquiry=number, late=late)
                return Strike(what=what, order=number, late=late, shift=shift)
        return None

    def _late(self, what: What, number: int) -> int:
        """Edges are where mistakes live: half of all draws are at one."""
        least, most = LATE[what] if what != "late_accept" else (self._scene.latency_ms + 1, self._scene.late_ms)
        return self._span(least, most, what, "late", number)

    # --- for a while ---

    def during(self, what: OfTime, at: int) -> Strike | None:
        """The time of trouble of a kind that a moment lies in."""
        if self.is_calm:
            return None
        since = at - self.began
        listed = (each for each in self._lasting if each.what == what and each.at <= since < each.until)
        found = next(listed, None)
        if found is not None or self._storm is None or not self._storm.rate(what):
            return found
        for minute in range(max(0, since - LASTS[what][1]) // MINUTE, since // MINUTE + 1):
            strike = self._begun(what, minute)
            if strike is not None and strike.at <= since < strike.until:
                return strike
        return None

    def _begun(self, what: OfTime, minute: int) -> Strike | None:
        """What begins in a minute."""
        if (what, minute) not in self._minutes:
            if len(self._minutes) > 4 * LONGEST // MINUTE:
                self._minutes.clear()
            after = self._moment(what, minute)
            lasts = self._span(*LASTS[what], what, "lasts", minute)
            made = None if after is None else Strike(what=what, after=_ms(after), lasts=_ms(lasts))
            self._minutes[what, minute] = made
        return self._minutes[what, minute]

    def _moment(self, what: What, minute: int) -> int | None:
        """When something happens in a minute that happens so often an hour, after the beginning."""
        assert self._storm is not None, "a list is not drawn from"
        if self.is_calm or self._drawn(what, minute) >= self._storm.rate(what) / MINUTES:
            return None
        return max(1, minute * MINUTE + int(self._drawn(what, "when", minute) * MINUTE))

    # --- at moments ---

    @property
    def listed_moments(self) -> tuple[Strike, ...]:
        """What a list has happen on accounts, by the hand of others."""
        return tuple(self._moments)

    @property
    def hourly(self) -> bool:
        """Whether such things happen for as long as the venue lives."""
        return self._storm is not None and any(self._storm.rate(what) for what in OF_MOMENT)

    def in_hour(self, hour: int) -> Iterator[tuple[int, OfMoment, int]]:
        """What happens in an hour after the beginning: how long after the beginning, what, and in which minute."""
        storm = self._storm
        for what in OF_MOMENT if storm is not None else ():
            for minute in range(hour * MINUTES, (hour + 1) * MINUTES):
                after = self._moment(what, minute)
                if after is not None:
                    yield after, what, minute

    def happening(self, what: OfMoment, minute: int, after: int, products: Collection[str]) -> Strike | None:
        """All of what happens at a moment; nothing where there is no account or no product for it."""
        if not self._scene.accounts or (what == "external" and not products):
            return None
        account = self._one_of(self._scene.accounts, what, "account", minute)
        if what != "external":
            amount = Decimal(1 + int(self._drawn(what, "amount", minute) * 9999)) / 100
            return Strike(what=what, after=_ms(after), account=account, amount=amount)
        sides: tuple[Direction, ...] = ("call", "put")
        return Strike(
            what=what,
            after=_ms(after),
            account=account,
            product=self._one_of(sorted(products), what, "product", minute),
            timeframe=self._one_of(("1m", "5m"), what, "timeframe", minute),
            direction=self._one_of(sides, what, "direction", minute),
            stake=Decimal(1 + int(self._drawn(what, "stake", minute) * 5)),
        )

    # --- draws ---

    def _drawn(self, *about: object) -> float:
        """A number in [0, 1), always the same for the same seed and the same words."""
        assert self._storm is not None, "a list is not drawn from"
        named = "\0".join(map(str, (self._storm.seed, *about)))
        return int.from_bytes(blake2b(named.encode(), digest_size=7).digest()) / 2**56

    def _span(self, least: int, most: int, *about: object) -> int:
        drawn = self._drawn(*about)
        if drawn < 0.25:
            return least
        return most if drawn < 0.5 else least + int((drawn - 0.5) * 2 * (most - least))

    def _one_of(self, several: Sequence[T], *about: object) -> T:
        return several[int(self._drawn(*about) * len(several))]


def _place(strike: Strike) -> tuple[What, int] | None:
    number = strike.order or strike.inquiry
    return None if number is None else (strike.what, number)


def _ms(millis: int) -> str:
    return f"{max(1, millis)}ms"

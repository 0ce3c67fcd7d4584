"""Storms: which faults strike, how often, and which of them did: so that a storm can be told again, or a part of it."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct

from pipeline.errors import InputError
from pipeline.sim.chance import Draws
from pipeline.tables import nearest

WIRE, TOLD, ASKED, FEED, MENDING, MINUTELY, WRITING, MESSAGES = (
    "orders",
    "replies",
    "listings",
    "prices",
    "holes",
    "minutes",
    "writes",
    "messages",
)


class Kind(Struct, frozen=True):
    """A kind of fault: at what it may strike, how often of a thousand times, and what it does."""

    at: str
    often: float
    what: str


KINDS: Mapping[str, Kind] = {
    "lost_request": Kind(WIRE, 50, "an order never reaches the venue, and nothing says so"),
    "refused": Kind(WIRE, 40, "no connection can be made: no byte of an order leaves"),
    "reset_before": Kind(WIRE, 30, "the connection breaks before the venue has the order"),
    "reset_after": Kind(WIRE, 30, "the connection breaks once the venue has the order"),
    "http_401": Kind(WIRE, 10, "the venue refuses the order: the token is not good"),
    "http_429": Kind(WIRE, 30, "the venue refuses the order: too many"),
    "http_503": Kind(WIRE, 30, "an error of the venue, which did not take the order"),
    "http_503_accepted": Kind(WIRE, 20, "an error of the venue, which took the order all the same"),
    "bad_body": Kind(WIRE, 20, "the venue took the order, its answer cannot be read"),
    "late_accept": Kind(WIRE, 50, "the order comes to life long after it was sent"),
    "lost_ack": Kind(TOLD, 60, "the answer to an order is lost; its contract exists"),
    "duplicate_ack": Kind(TOLD, 100, "the answer to an order comes twice"),
    "late_ack": Kind(TOLD, 40, "the answer to an order comes after the executor's patience"),
    "ack_after_settlement": Kind(TOLD, 20, "the answer to an order comes after its contract's end"),
    "lost_settlement": Kind(TOLD, 80, "the end of a contract is never told"),
    "duplicate_settlement": Kind(TOLD, 100, "the end of a contract is told twice"),
    "late_settlement": Kind(TOLD, 80, "the end of a contract is told late"),
    "failed_listing": Kind(ASKED, 200, "an inquiry fails"),
    "lost_listing": Kind(ASKED, 60, "an inquiry is never answered"),
    "stale_listing": Kind(ASKED, 200, "a listing is of some seconds ago"),
    "duplicate_tick": Kind(FEED, 10, "a quote comes twice"),
    "late_tick": Kind(FEED, 5, "a quote comes seconds late, after others"),
    "bad_tick": Kind(FEED, 3, "a quote is not a number"),
    "unmended": Kind(MENDING, 500, "the bars of a hole cannot be had"),
    "gap": Kind(MINUTELY, 8, "a product has no quotes for some minutes; its bars can be had later"),
    "frozen_feed": Kind(MINUTELY, 6, "no quote of any product comes, though the connection stands"),
    "link_down": Kind(MINUTELY, 6, "the connection that brings the quotes breaks and comes back"),
    "outage": Kind(MINUTELY, 10, "the venue is away: nothing can be sent or asked, what it would tell is lost"),
    "blind": Kind(MINUTELY, 15, "the venue takes orders and lists nothing"),
    "half_open": Kind(MINUTELY, 10, "nothing passes the connection to the venue, which looks whole"),
    "token_expiry": Kind(MINUTELY, 5, "the token runs out: nothing is taken or listed until it is renewed"),
    "external": Kind(MINUTELY, 8, "somebody places a contract by hand on the account"),
    "deposit": Kind(MINUTELY, 10, "money comes to an account without a contract"),
    "withdrawal": Kind(MINUTELY, 6, "money leaves an account without a contract"),
    "latch": Kind(MINUTELY, 20, "somebody stops an account, and releases it later"),
    "step_ahead": Kind(MINUTELY, 10, "the machine's clock is set ahead"),
    "step_back": Kind(MINUTELY, 8, "the machine's clock is set back"),
    "suspended": Kind(MINUTELY, 8, "the process stands still, then goes on"),
    "kill": Kind(MINUTELY, 25, "kill -9; a new start some time later"),
    "kill_at_write": Kind(WRITING, 10, "kill -9 right before or after something is written"),
    "kill_at_message": Kind(
        MESSAGES, 6, "kill -9 right after an order left, or before or after something came from the venue"
    ),
    "latch_at_write": Kind(WRITING, 3, "somebody stops everybody while an intent is on its way to the disk"),
    "stall": Kind(WRITING, 20, "the disk takes seconds"),
    "disk_full": Kind(
        WRITING, 0.7, "the disk is full: the write fails, the flow ends; there is room at the next start"
    ),
}
LIKELY = 0.6
"""How likely each kind is to be in a storm at all: what strikes together differs from seed to seed."""
WILDEST = 3.0


class Strike(Struct, frozen=True, order=True):
    """One fault: the `n`-th time its kind could strike (the first is 0)."""

    what: str
    n: int


class Storm:
    """Says when a fault strikes, and remembers those that did."""

    def __init__(
        self, seed: int, kinds: Collection[str], only: Iterable[Strike] | None = None, wild: float = 1.0
    ) -> None:
        """With `only`, these strike and no others. `wild` is how often those strike that come with time."""
        self.over = False
        self.struck: list[Strike] = []
        self._only = None if only is None else frozenset(only)
        self._sizes = {what: Draws(seed, "size", what) for what in KINDS}
        self._whether = {what: Draws(seed, "whether", what) for what in KINDS}
        self._asked = dict.fromkeys(KINDS, 0)
        swarm = Draws(seed, "swarm")
        self.rates: dict[str, float] = {}
        for what, kind in KINDS.items():
            on, often = swarm.draw() < LIKELY, kind.often / 1000 * swarm.between(0.2, WILDEST)
            often *= wild if kind.at in (MINUTELY, WRITING, MESSAGES) else 1.0
            self.rates[what] = often if on and what in kinds else 0.0
        drawn = {what for what, rate in self.rates.items() if rate}
        self._may = drawn if self._only is None else {strike.what for strike in self._only}

    def strikes(self, what: str) -> float | None:
        """Whether a kind strikes this time: then how hard, from 0 to 1."""
        if self.over or what not in self._may:
            return None
        n = self._asked[what]
        self._asked[what] = n + 1
        size = self._sizes[what].draw()
        struck = self._whether[what].draw() < self.rates[what]
        strike = Strike(what, n)
        if struck if self._only is None else strike in self._only:
            self.struck.append(strike)
            return size
        return None

    def counted(self) -> dict[str, int]:
        """How often each kind struck."""
        counts: dict[str, int] = {}
        for strike in self.struck:
            counts[strike.what] = counts.get(strike.what, 0) + 1
        return dict(sorted(counts.items()))


def kinds_of(names: str) -> tuple[str, ...]:
    """The kinds that `all`, `none`, or a list of names and of what they strike at stands for."""
    return tuple(dict.fromkeys(_kinds_of(names)))


def _kinds_of(names: str) -> Iterator[str]:
    if names == "all":
        yield from KINDS
    elif names != "none":
        groups = {kind.at for kind in KINDS.values()}
        for name in (each.strip() for each in names.split(",")):
            if name in KINDS:
                yield name
            elif name in groups:
                yield from (what for what, kind in KINDS.items() if kind.at == name)
            else:
                if name in ("all", "none", ""):
                    what = f"{name!r} stands alone" if name else "a name is empty"
                    raise InputError(f"--storm {names!r}: {what}; write all, none, or names with commas between them")
                raise InputError(
                    f"there is no storm {name!r}; {nearest(name, (*KINDS, *sorted(groups), 'all', 'none'))}"
                )


def edgewise(size: float, least: float, most: float) -> float:
    """A size between two bounds: in half of all cases one close to a bound, where rules are about to change."""
    if size < 0.25:
        return least + (most - least) * size * 0.04
    if size > 0.75:
        return most - (most - least) * (1 - size) * 0.04
    return least + (most - least) * (size - 0.25) * 2

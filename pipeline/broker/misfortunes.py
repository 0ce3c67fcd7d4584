"""What befalls the contracts and accounts of the practice venue by its faults: prices, ends, other people's hands."""

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Protocol

from pipeline.broker.faults import Fault, Faults
from pipeline.broker.products import Product
from pipeline.broker.tape import Tape
from pipeline.broker.values import Bought, Refusal, Wish
from pipeline.clocks import Act
from pipeline.times import HOUR, duration
from pipeline.venues.book import Deal
from pipeline.venues.faults import OfMoment, Strike
from pipeline.venues.weather import Weather


class Venue(Protocol):
    """What a venue lets others do to it."""

    @property
    def products(self) -> Mapping[str, Product]: ...
    @property
    def tape(self) -> Tape: ...
    def now(self) -> int: ...
    def at(self, moment: int, act: Act) -> object: ...
    def name(self) -> str: ...
    def is_open(self, product: str) -> bool: ...
    def balance(self, account: str) -> Decimal: ...
    def buy(self, account: str, what: str | Wish, /) -> Bought | Refusal: ...
    def move(self, account: str, amount: Decimal, reference: str, *, told: bool = True) -> None: ...


class Misfortunes:
    """Does to a venue what its faults say, each at its time."""

    def __init__(self, venue: Venue, faults: Faults, weather: Weather, began: int) -> None:
        """`weather` is that of the house, which settles contracts wrongly where it says so."""
        self._venue, self._faults, self._weather, self._began = venue, faults, weather, began

    def begin(self) -> None:
        """Plan what a storm has others do."""
        if self._faults.weather.hourly:
            self._foresee(max(0, self._venue.now() - self._began) // HOUR)

    def set(self, fault: Fault) -> None:
        """From now on a fault strikes."""
        venue, now = self._venue, self._venue.now()
        self._faults.set(fault, now)
        begin = now + (duration(fault.after) if fault.after else 0)
        if fault.what == "tick_gap":
            venue.tape.tear(venue.products[fault.product], begin, begin + duration(fault.lasts or "1s"))
            venue.at(begin, partial(self._faults.befell, fault, begin))
        elif fault.place == "moment":
            venue.at(begin, partial(self._befall, fault))

    def strike(self, deal: Deal) -> None:
        """What befalls a contract that begins: the market goes otherwise, or the venue will settle it wrongly."""
        tape, product = self._venue.tape, self._venue.products[deal.product]
        price = self._faults.of_order("price", deal.number, deal.account, self._venue.now())
        first = tape.next(product, deal.accepted_at) if price is not None else None
        if price is not None and first is not None:
            if price.what == "missing_entry":
                tape.tear(product, first.at, first.at + 1)
            elif price.what == "refund":
                tape.tear(product, first.at, deal.expiry + 1)
            elif len(last := tape.foreseen(product, first.at, deal.expiry + 1)):
                tape.pin(product, last.ts.item(-1), first.quote)
        end = self._faults.foreseen("end", deal.number)
        if end is not None and end.what in ("wrong_settlement", "changed_settlement"):
            late = f"{end.delay}ms" if end.what == "changed_settlement" else None
            self._weather.add(Strike(what=end.what, order=deal.number, late=late, shift=end.shift))

    def _befall(self, fault: Fault) -> None:
        """Somebody else does something on an account, if it can be done."""
        venue = self._venue
        if fault.what == "external":
            lasts = duration(fault.timeframe)
            wish = Wish(product=fault.product, direction=fault.direction, amount=fault.amount, lasts=lasts)
            if isinstance(venue.buy(fault.account, wish), Refusal):
                return
        else:
            amount = fault.amount if fault.what == "deposit" else -fault.amount
            if venue.balance(fault.account) < -amount:
                return
            venue.move(fault.account, amount, f"{fault.what}-{venue.name()}", told=fault.told)
        self._faults.befell(fault, venue.now())

    def _foresee(self, hour: int) -> None:
        """Plan what a storm has others do in an hour."""
        for after, what, minute in self._faults.weather.in_hour(hour):
            self._venue.at(self._began + after, partial(self._draw, what, minute, after))
        self._venue.at(self._began + (hour + 1) * HOUR, partial(self._foresee, hour + 1))

    def _draw(self, what: OfMoment, minute: int, after: int) -> None:
        quoted = [name for name in self._venue.products if self._venue.is_open(name)]
        strike = self._faults.weather.happening(what, minute, after, quoted)
        if strike is not None:
            self._befall(
                Fault(
                    what=what,
                    account=strike.account,
                    product=strike.product,
                    direction=strike.direction or "call",
                    amount=strike.stake or strike.amount or Decimal(1),
                    timeframe=strike.timeframe or "1m",
                )
            )

"""The practice venue itself: accounts, prices, offers, contracts, and who is told of them. It knows no network.

Everything happens at the moment of its own clock. Whoever asks, first lets happen what is due, so answers are in order.
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import partial

from numpy.random import PCG64, Generator

from pipeline.broker.entries import Entries
from pipeline.broker.faults import Fault, Faults, Met, OfSpan, Place
from pipeline.broker.latency import Latency
from pipeline.broker.limits import Limits
from pipeline.broker.misfortunes import Misfortunes
from pipeline.broker.offers import Offers
from pipeline.broker.prices import MadeUp, Prices
from pipeline.broker.products import Product
from pipeline.broker.purses import Purses
from pipeline.broker.settings import Settings
from pipeline.broker.showing import course_of, shown
from pipeline.broker.store import Left
from pipeline.broker.tape import Tape
from pipeline.broker.telling import Stop, Telling, Told, ToldTick
from pipeline.broker.values import (
    Bought,
    Candle,
    Contract,
    Entry,
    Kind,
    Offer,
    Purse,
    Refusal,
    Sold,
    Stage,
    Tick,
    Wish,
)
from pipeline.clocks import Act, Clock, Planned
from pipeline.evidence import Cash, Evidence, Inquiry, Statement
from pipeline.times import HOUR, MINUTE, SECOND, duration
from pipeline.venues.book import Book, Deal, Movement
from pipeline.venues.house import House
from pipeline.venues.rules import Rules

FIRST_CONTRACT = 200_000_001
STAMPS_MS = 2_000
"""Contracts begin at whole seconds, so their stamps may be so far from when they were asked for."""


class Broker:
    """One venue. `clock` drives it; all times are ms UTC on that clock, those of contracts whole seconds."""

    def __init__(
        self, settings: Settings, clock: Clock, prices: Prices | None = None, left: Left | None = None
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.products: Mapping[str, Product] = settings.catalogue
        self.purses = Purses((*settings.purses, *(left.purses if left is not None else ())))
        self.tape = Tape(prices or MadeUp(settings.seed), clock.now)
        self._left = left
        self._began = self.second() if left is None else left.began
        self._entries = Entries(began=self._began) if left is None else left.entries
        book = Book() if left is None else left.book
        self._entries.follow(book)
        self._house = House(
            _rules(settings),
            {each.account: each.opening for each in self.purses.all.values()},
            began=self._began,
            now=clock.now(),
            book=book,
            remembers=left is not None,
        )
        self.limits = Limits(on=settings.limits)
        self.latency = Latency(settings.seed, settings.latency_ms, settings.latency_jitter_ms)
        self.faults = Faults(settings.storm, self.purses.all, self._began)
        self.faults.go_on(max((each.number for each in book.deals.values()), default=0))
        self._names = Generator(PCG64((settings.seed, clock.now())))
        self._offers = Offers(settings, self.purses, self.tape, self.name)
        self._telling = Telling()
        self._fed: dict[str, int] = {}
        self._alarm: Planned | None = None
        self._rings: int | None = None
        self._busy = self._closed = False
        self._contract = max((int(each) for each in book.deals), default=FIRST_CONTRACT - 1)
        self._ticking: set[str] = set()
        for deal in book.open_deals():
            self._foresee(deal)
        self._entries.fresh.clear()
        self._misfortunes = Misfortunes(self, self.faults, self._house.weather, self._began)
        self._misfortunes.begin()
        for fault in settings.faults:
            self.set(fault)
        self._catch_up()

    # --- what is so ---

    def now(self) -> int:
        return self.clock.now()

    def second(self) -> int:
        """The second that has begun (ms)."""
        return self.clock.now() // SECOND * SECOND

    def at(self, moment: int, act: Act) -> Planned:
        """Call `act` at a moment of the venue's clock, unless the venue is closed by then."""

        def happens() -> None:
            if not self._closed:
                act()

        return self.clock.at(moment, happens)

    def name(self) -> str:
        """A name nobody has had, in the form of a UUID."""
        text = self._names.bytes(16).hex()
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"

    def product(self, name: str) -> Product | None:
        """A product by its name here, or by the one that others give it: `EURUSD`."""
        return self.products.get(name) or next((each for each in self.products.values() if each.alias == name), None)

    @property
    def sold(self) -> int:
        """How many contracts it has sold."""
        return self._contract - FIRST_CONTRACT + 1

    # --- prices ---

    def is_open(self, product: str) -> bool:
        return self.products[product].calendar.is_open(self.now())

    def price(self, product: str) -> Tick | None:
        """The last tick; None where there was none for days."""
        return self.tape.last(self.products[product])

    def ticks(self, product: str, since: int, until: int) -> list[Tick]:
        """Ticks stamped from one moment on, before another, that have come."""
        return self.tape.ticks(self.products[product], since, until).singles()

    def candles(self, product: str, tf: int, since: int, until: int) -> list[Candle]:
        """Of slots that begin from one moment on, before another; the last one may not be `final` yet."""
        since = -(-since // tf) * tf
        until = -(-until // tf) * tf
        return self.tape.ticks(self.products[product], since, until).candles(tf, self.now())

    def watch_ticks(self, product: str, told: ToldTick) -> Stop:
        """Be told of each tick as it comes."""
        stop = self._telling.watch_ticks(product, told)
        self._tick(product)
        return stop

    # --- trading ---

    def offer(self, account: str, wish: Wish) -> Offer | Refusal:
        """A price for a wish; of nobody's account ("") whoever has its id may buy at it."""
        self._catch_up()
        return self._offers.make(account, wish, self.now())

    def buy(
        self,
        account: str,
        what: str | Wish,
        most: Decimal | None = None,
        *,
        request: str = "",
        number: int = 0,
        once: bool = False,
    ) -> Bought | Refusal:
        """Buy an offer by its id, or what is wished at the price of the moment, for no more than `most`.

        `request` is the client's own name for it; with `once` the same name again gives the contract that it got
        before. `number` says which order it was, as the faults count them.
        """
        self._catch_up()
        now = self.now()
        if self.purses.get(account) is None:
            return Refusal("account", f"there is no account {account!r}")
        if once and request and (made := self._house.book.first(account, request)) is not None:
            return Bought(self._shown(made, now), self._entries.of_contract(made.contract)[0], again=True)
        offer = self._offers.take(what, account, now) if isinstance(what, str) else self.offer(account, what)
        if isinstance(offer, Refusal):
            return offer
        # What it costs and when it ends is as of now; the price stays as it was offered.
        renewed = self._offers.make(account, offer.wish, now)
        if isinstance(renewed, Refusal):
            return renewed
        self._offers.spend(renewed.id)
        if most is not None and offer.ask > most:
            return Refusal("price", f"the contract costs {offer.ask}, more than {most}", "price")
        if self._house.book.lacks(account, offer.ask):
            held = self.balance(account)
            return Refusal("funds", f"your account balance ({held}) is insufficient to buy this contract ({offer.ask})")
        self._offers.spend(offer.id)
        return self._bought(account, renewed, offer, request, number)

    def sell(self, account: str, contract: str, least: Decimal | None = None) -> Sold | Refusal:
        """Sell a contract back at what it is worth now, for no less than `least`."""
        self._catch_up()
        deal, now = self._deal(account, contract), self.now()
        if deal is None:
            return Refusal("contract", "this contract was not found among your open positions")
        view = self._shown(deal, now)
        course = course_of(deal, self._house.board.path, now)
        if view.is_sold or view.is_expired:
            return Refusal("ended", "this contract has been sold")
        if deal.ticks:
            return Refusal("unsellable", "resale of this contract is not offered")
        if course.entry is None or course.last is None:
            return Refusal("waiting", "waiting for entry tick")
        if least is not None and view.bid < least:
            return Refusal("price", f"the contract brings {view.bid}, less than {least}", "price")
        self._house.end_early(deal, view.bid - deal.stake, course.entry, course.last, self.second())
        self._news_soon()
        lines = self._entries.of_contract(contract)
        return Sold(self._shown(self._house.book.deals[contract], now), lines[-1])

    # --- what an account holds and held ---

    def contract(self, account: str, contract: str) -> Contract | None:
        self._catch_up()
        deal = self._deal(account, contract)
        return None if deal is None else self._shown(deal, self.now())

    def open_contracts(self, account: str) -> list[Contract]:
        """The oldest first."""
        self._catch_up()
        deals = self._house.book.open_of(account)
        return [self._shown(each, self.now()) for each in sorted(deals, key=_age)]

    def ended_contracts(self, account: str, since: int = 0) -> list[Contract]:
        """Those that ended from a moment on, the first to end first."""
        self._catch_up()
        return [self._shown(each, self.now()) for each in self._house.book.ended_since(account, since)]

    def entries(self, account: str, since: int = 0, until: int | None = None) -> list[Entry]:
        """The lines of an account's money from one moment on, before another, as they were written."""
        self._catch_up()
        return self._entries.of(account, since, self.now() + 1 if until is None else until)

    def balance(self, account: str) -> Decimal:
        """What it holds; the stakes of open contracts are away."""
        self._catch_up()
        return self._house.book.balance(account) or Decimal(0)

    def statement(self, inquiry: Inquiry, as_of: int | None = None) -> Statement:
        """All contracts begun or ended since a moment, and the money, as of now or another moment."""
        self._catch_up()
        now = self.now()
        return self._house.statement(inquiry, now if as_of is None else as_of, now)

    def watch(self, account: str, told: Told) -> Stop:
        """Be told of each line of an account's money, and as its contracts come further."""
        stop = self._telling.watch(account, told)
        for deal in self._house.book.open_deals():
            if deal.account == account:
                self._tick(deal.product)
        return stop

    # --- what goes wrong ---

    def set(self, fault: Fault) -> None:
        """From now on it strikes."""
        self._misfortunes.set(fault)

    def meet(self, place: Place, account: str = "") -> Met:
        """What strikes an order, a sale, a listing, a call, a connection or a frame that comes now."""
        return self.faults.meet(place, account, self.now())

    def during(self, what: OfSpan, account: str = "") -> Fault | None:
        """The trouble of a kind that lasts now."""
        return self.faults.during(what, account, self.now())

    def of_sale(self, account: str, contract: str) -> Fault | None:
        """What strikes the answer to a contract being sold."""
        deal = self._deal(account, contract)
        return None if deal is None else self.faults.of_order("sale", deal.number, account, self.now())

    def take(self, call: str, *, account: str = "", address: str = "", connection: str = "") -> int | None:
        """Count a call; how long to wait (ms) when it is one too many."""
        return self.limits.take(call, self.now(), account=account, address=address, connection=connection)

    # --- what is done from outside ---

    def create(self, user: str, currency: str, kind: Kind) -> Purse:
        """A new account of a user, with the money that accounts of no file begin with."""
        number = 90_000_001 + len(self.purses.all)
        prefix = "DOT" if kind == "demo" else "ROT"
        purse = Purse(f"{prefix}{number}", user, currency, kind, Decimal("10000.00"))
        self.purses.add(purse)
        if self._left is not None:
            self._left.keep_purse(purse)
        self._house.book.open(purse.account, purse.opening)
        self._news_soon()
        return purse

    def move(self, account: str, amount: Decimal, reference: str, *, told: bool = True) -> None:
        """Money comes, or goes when it is below 0; untold it shows in the balance alone."""
        self._catch_up()
        cash = Cash(reference, self.second(), amount, "deposit" if amount >= 0 else "withdrawal", account)
        self._house.book.move(Movement(account, cash, told))
        self._news_soon()

    def close(self) -> None:
        """Nothing happens any more in this process."""
        self._closed = True
        if self._alarm is not None:
            self._alarm.cancel()
        self._house.close()

    # --- contracts ---

    def _bought(self, account: str, now: Offer, offer: Offer, request: str, number: int) -> Bought:
        self._contract += 1
        name, wish = str(self._contract), offer.wish
        deal = Deal(
            contract=name,
            order=name,
            request=request,
            account=account,
            product=wish.product,
            tf=now.expiry - now.starts,
            direction=wish.direction,
            stake=offer.ask,
            payout=offer.ratio,
            accepted_at=now.starts,
            expiry=now.expiry,
            number=number,
            ticks=wish.ticks,
            tie="win" if wish.equals else None,
        )
        self._feed(deal.product, self.now())
        self._misfortunes.strike(deal)
        self._house.write(deal)
        self._foresee(deal)
        self._tick(deal.product)
        self._news_soon()
        return Bought(self._shown(deal, self.now()), self._entries.of_contract(name)[0])

    def _deal(self, account: str, contract: str) -> Deal | None:
        deal = self._house.book.deals.get(contract)
        return deal if deal is not None and deal.account == account else None

    def _shown(self, deal: Deal, as_of: int) -> Contract:
        return shown(deal, self.products[deal.product], self._house.board.path, self._entries, as_of)

    def _foresee(self, deal: Deal) -> None:
        """Have it told when a contract expires, after the tick of that moment."""
        self._house.turns.plan(deal.expiry, partial(self._expire, deal.contract), last=True)

    def _expire(self, contract: str) -> None:
        deal = self._house.book.deals.get(contract)
        if deal is not None and deal.end is None:
            self._telling.tell(deal.account, Stage("expired", self._shown(deal, deal.expiry)))

    # --- time ---

    def _catch_up(self) -> None:
        """Let everything happen that is due by now."""
        if self._busy or self._closed:
            return  # whoever asks was just told of something, or the venue is closed
        self._busy = True
        try:
            self._let_happen(self.now())
        finally:
            self._busy = False
        self._tell_news()
        self._arm()

    def _let_happen(self, now: int) -> None:
        for product in {deal.product for deal in self._house.book.open_deals()}:
            self._feed(product, now)
        self._house.wake(now)

    def _feed(self, product: str, until: int) -> None:
        """Let contracts know the ticks up to a moment."""
        since = self._fed.get(product, 0)
        if since < until - MINUTE:
            # What nothing was open in need not be known.
            begun = (each.accepted_at for each in self._house.book.open_deals() if each.product == product)
            since = max(since, min((until - MINUTE, *begun)))
        if until + 1 > since:
            some = self.tape.ticks(self.products[product], since, until + 1)
            if len(some):
                self._house.take_prices(some.exact(), until)
            self._fed[product] = until + 1

    def _tick(self, product: str) -> None:
        """Have the ticks of a product told from the next one on, while somebody hears them."""
        if product not in self._ticking:
            self._ticking.add(product)
            self._plan_tick(product, self.now())

    def _plan_tick(self, product: str, after: int) -> None:
        coming = self.tape.next(self.products[product], after)
        if coming is None:
            self._house.turns.plan(after + HOUR, partial(self._plan_tick, product, after + HOUR))
        else:
            self._house.turns.plan(coming.at, partial(self._happen, coming))
        self._arm()

    def _happen(self, foreseen: Tick) -> None:
        """A tick comes, if it has not been torn out meanwhile."""
        coming = self.tape.foreseen(self.products[foreseen.product], foreseen.at, foreseen.at + 1)
        if len(coming):
            self._come(coming.row(0))
        else:
            self._plan_tick(foreseen.product, foreseen.at)

    def _come(self, tick: Tick) -> None:
        self._telling.tell_tick(tick)
        open_ = [each for each in self._house.book.open_deals() if each.product == tick.product]
        for deal in open_:
            if self._telling.is_watched(deal.account) and deal.accepted_at < tick.at <= deal.expiry:
                view = self._shown(deal, tick.at)
                entered = view.entry is not None and view.entry.at == tick.at
                self._telling.tell(deal.account, Stage("entered" if entered else "moved", view))
        if open_ or self._telling.has_watchers(tick.product):
            self._plan_tick(tick.product, tick.at)
        else:
            self._ticking.discard(tick.product)

    def _arm(self) -> None:
        due = self._house.due
        if due is not None and (self._rings is None or due < self._rings):
            if self._alarm is not None:
                self._alarm.cancel()
            self._rings = due
            self._alarm = self.at(due, self._ring)

    def _ring(self) -> None:
        self._rings = self._alarm = None
        self._catch_up()

    # --- news ---

    def _news_soon(self) -> None:
        """What was asked for is answered first, and told to those who watch then."""
        self._arm()
        self.at(self.now(), self._tell_news)

    def _tell_news(self) -> None:
        fresh, self._entries.fresh = self._entries.fresh, []
        for entry in fresh:
            deal = self._house.book.deals.get(entry.contract)
            fault = None
            if entry.kind == "sell" and deal is not None and deal.end is not None and deal.end.at >= deal.expiry:
                fault = self.faults.of_order("end", deal.number, deal.account, self.now())
            what = "" if fault is None else fault.what
            if what not in ("lost_settlement", "late_settlement", "reordered_settlement"):
                self._tell(entry)
            if fault is not None and what in ("duplicate_settlement", "late_settlement", "reordered_settlement"):
                self.at(self.now() + fault.delay, partial(self._tell, entry))

    def _tell(self, entry: Entry) -> None:
        self._telling.tell(entry.account, entry)
        deal = self._house.book.deals.get(entry.contract)
        if deal is not None:
            what = "bought" if entry.kind == "buy" else "sold"
            self._telling.tell(entry.account, Stage(what, self._shown(deal, max(entry.at, deal.accepted_at))))


def _rules(settings: Settings) -> Rules:
    return Rules(
        latency_ms=0,
        settle_delay_ms=duration(settings.settle_delay),
        tie="lose",
        min_stake=settings.min_stake,
        max_stake=settings.max_stake,
        evidence=Evidence(lists=True, echoes=True, once=True, closes=True, stamps_ms=STAMPS_MS),
        two_ticks=True,
    )


def _age(deal: Deal) -> tuple[int, int]:
    return deal.accepted_at, int(deal.contract)

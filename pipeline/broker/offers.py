"""What the practice venue sells at the moment: a price for what somebody wishes, or why there is none."""

from collections.abc import Callable
from decimal import Decimal

from pipeline.broker.pricing import cost_of, payout_of
from pipeline.broker.products import Product, cents
from pipeline.broker.purses import Purses
from pipeline.broker.settings import Settings
from pipeline.broker.tape import Tape
from pipeline.broker.values import Offer, Purse, Refusal, Wish
from pipeline.gains import CENT
from pipeline.times import DAY, MINUTE, SECOND, duration
from pipeline.venues.board import STALE

LONGEST_WAIT = 5 * MINUTE
"""A contract over ticks whose last one would be later is not sold."""
TOO_MANY = 10_000
"""Offers kept at a time; the oldest go first."""


class Offers:
    """Offers that were made, until they are bought or end."""

    def __init__(self, settings: Settings, purses: Purses, tape: Tape, name: Callable[[], str]) -> None:
        self._settings, self._purses, self._tape, self._name = settings, purses, tape, name
        self._products = settings.catalogue
        self._lasts = duration(settings.offer_lasts)
        self._made: dict[str, Offer] = {}

    def make(self, account: str, wish: Wish, now: int) -> Offer | Refusal:
        """A price for a wish; of nobody's account it is a price to look at."""
        product, purse = self._products.get(wish.product), self._purses.get(account)
        if product is None:
            return Refusal("product", f"there is no product {wish.product}", "product")
        if account and purse is None:
            return Refusal("account", f"there is no account {account}")
        starts = now // SECOND * SECOND
        for wrong in (self._currency(wish, purse), self._amount(wish), self._duration(product, wish, starts)):
            if wrong is not None:
                return wrong
        spot = self._tape.last(product, now)
        if spot is None or now - spot.at > STALE or not product.calendar.is_open(now):
            return Refusal("closed", f"the market of {product.name} is closed", "product")
        expiry = self._expiry(product, wish, starts)
        if isinstance(expiry, Refusal):
            return expiry
        priced = self._priced(product, wish)
        if isinstance(priced, Refusal):
            return priced
        offer = Offer(self._name(), account, wish, *priced, spot, starts, expiry, now + self._lasts)
        self._made[offer.id] = offer
        if len(self._made) > TOO_MANY:
            del self._made[next(iter(self._made))]
        return offer

    def take(self, offer: str, account: str, now: int) -> Offer | Refusal:
        """An offer that may still be bought."""
        made = self._made.get(offer)
        if made is None or made.ends <= now or made.account not in ("", account):
            self._made.pop(offer, None)
            return Refusal("spent", "unknown offer: it was bought, has ended, or never was")
        return made

    def spend(self, offer: str) -> None:
        """An offer was bought."""
        self._made.pop(offer, None)

    def _currency(self, wish: Wish, purse: Purse | None) -> Refusal | None:
        if purse is not None and purse.status != "active":
            return Refusal("account", f"the account {purse.account} is not active")
        if purse is not None and wish.currency and wish.currency != purse.currency:
            return Refusal("currency", f"the account holds {purse.currency}, not {wish.currency}", "currency")
        return None

    def _amount(self, wish: Wish) -> Refusal | None:
        if not wish.amount.is_finite() or wish.amount <= 0:
            return Refusal("stake", "the amount must be above 0", "amount")
        if wish.amount % CENT:
            return Refusal("decimals", "no more than 2 decimals are allowed", "amount")
        return None

    def _duration(self, product: Product, wish: Wish, starts: int) -> Refusal | None:
        not_offered = Refusal("duration", "trading is not offered for this duration", "duration")
        if wish.ticks:
            return None if 1 <= wish.ticks <= product.ticks else not_offered
        lasts = wish.expiry - starts if wish.expiry else wish.lasts
        return None if product.shortest <= lasts <= product.longest and lasts % SECOND == 0 else not_offered

    def _expiry(self, product: Product, wish: Wish, starts: int) -> int | Refusal:
        """When a contract would end that began now; of one over ticks the venue alone can tell."""
        if wish.ticks:
            coming = self._tape.foreseen(product, starts + 1, starts + LONGEST_WAIT)
            if len(coming) > wish.ticks:
                return coming.ts.item(wish.ticks)
            return Refusal("closed", f"the market of {product.name} is about to close", "product")
        expiry = wish.expiry or starts + wish.lasts
        whole = expiry - starts <= DAY
        if not product.calendar.never_closes and whole and not _open_throughout(product, starts, expiry):
            return Refusal("closed", "the contract must end before the market closes", "duration")
        return expiry

    def _priced(self, product: Product, wish: Wish) -> tuple[Decimal, Decimal] | Refusal:
        settings = self._settings
        by_stake = wish.basis == "stake"
        ask = cents(wish.amount) if by_stake else cost_of(wish.amount, product)
        payout = payout_of(ask, product) if by_stake else cents(wish.amount)
        if ask < settings.min_stake:
            return Refusal("stake", f"please enter a stake amount that's at least {settings.min_stake}", "amount")
        if ask > settings.max_stake:
            return Refusal("stake", f"the stake is above the most, {settings.max_stake}", "amount")
        if payout > settings.max_payout:
            return Refusal("payout", f"the payout is above the most, {settings.max_payout}", "amount")
        return ask, payout


def _open_throughout(product: Product, since: int, until: int) -> bool:
    closes = product.calendar.state(since).next_close
    return closes is None or until <= closes

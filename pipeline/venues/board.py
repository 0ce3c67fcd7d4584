"""What a venue knows of prices and payouts."""

from pipeline.settlement import FOREVER, PayoutPath, PricePath
from pipeline.times import HOUR, MINUTE
from pipeline.values import Bars, Payouts, Quotes
from pipeline.venues.book import Book
from pipeline.venues.rules import Rules

STALE = MINUTE
"""How old the last price may be for an order to be taken."""
MEMORY = HOUR
"""How long prices are kept that no open contract needs."""


class Board:
    """Prices and payouts, product by product, for as long back as contracts need them."""

    def __init__(self, rules: Rules, book: Book, now: int) -> None:
        self.now = self._opened = now
        self.path = PricePath(self.needed_from)
        self._rules = rules
        self._book = book
        self._payouts = PayoutPath(self.needed_from)
        self._products = set[str]()

    def take_prices(self, batch: Quotes | Bars) -> None:
        self.path.append(batch)
        self._products.add(batch.product)

    def take_payouts(self, payouts: Payouts) -> None:
        if self._rules.payout is None:
            self._payouts.append(payouts)

    def payout(self, product: str, at: int) -> float | None:
        """What a win paid at a moment."""
        return self._payouts.at(product, at) if self._rules.payout is None else self._rules.payout

    def priced(self, product: str, at: int, known_before: int) -> bool:
        """Whether there was a price to take an order at."""
        price = self.path.exit(product, at, known_before)
        return price is not None and at - price.ts <= STALE

    def quoted(self, at: int) -> list[str]:
        """The products that had a price at a moment."""
        return [product for product in self._products if self.priced(product, at, at + 1)]

    def needed_from(self, product: str) -> int:
        if self.now == self._opened:
            return -FOREVER  # contracts of before may yet be told of, and need prices as old as they are
        accepted = (deal.accepted_at for deal in self._book.open_deals() if deal.product == product)
        return min((self.now - MEMORY, *accepted))

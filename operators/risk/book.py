"""What the risk gate remembers of one account, folded from what becomes of its orders. A start folds the ledger's."""

from collections.abc import Callable
from decimal import Decimal

from operators.risk.days import Days
from operators.risk.results import NOTHING, Ended, Rests
from pipeline.states import ENDED, UNSURE
from pipeline.values import Key, Order


class Book:
    """One account's open orders, its balance, the day's profit and the keys that rest after losses."""

    def __init__(self, balance: Decimal, days: Days, rest: Callable[[int, int], int]) -> None:
        """`rest` says until when a key rests after a loss at a moment, the how manieth in a row it is."""
        self.balance = balance
        self.alive: dict[str, Order] = {}
        self._days, self._rest = days, rest
        self._day = -1
        self._day_profit = NOTHING
        self._rests: dict[Key, Rests] = {}

    def take(self, order: Order) -> None:
        """What is known of an order from now on."""
        if order.state not in ENDED:
            self.alive[order.order] = order
            return
        self.alive.pop(order.order, None)
        if order.state in ("SETTLED", "CANCELED"):
            self.balance += order.profit
            self._gain(order)
        if order.state == "SETTLED":
            self._rest_after(order)

    def take_over(self, book: "Book", *, same_rests: bool) -> None:
        """Go on where another book of the account stands, with rests and days of its own."""
        self.balance, self.alive = book.balance, dict(book.alive)
        self._rests = {key: rests.under(self._rest, same=same_rests) for key, rests in book._rests.items()}
        if self._days.zone == book._days.zone:
            self._day, self._day_profit = book._day, book._day_profit
            return
        for _, ended in self.ended_by_key():
            self._gain(ended)

    def ended_by_key(self) -> list[tuple[Key, Ended]]:
        """The trades of the last month that were settled, in the order in which that was known."""
        known = ((key, ended) for key, rests in self._rests.items() for ended in rests.ended)
        return sorted(known, key=_known_at)

    def earlier(self, profit: Decimal) -> None:
        """What was gained before all that is folded."""
        self.balance += profit

    def profit_on(self, day: int) -> Decimal:
        """What the trades settled on a day came to, for the last day on which some were, and days after it."""
        return self._day_profit if day == self._day else NOTHING

    @property
    def at_stake(self) -> Decimal:
        return sum((order.stake for order in self.alive.values()), NOTHING)

    def on(self, key: Key) -> tuple[int, int]:
        """How many orders of a key are open, and how many of those have an unknown outcome."""
        states = [order.state for order in self.alive.values() if order.key == key]
        return len(states), sum(state in UNSURE for state in states)

    def rests_until(self, key: Key) -> int:
        rests = self._rests.get(key)
        return rests.until if rests is not None else 0

    def losses(self, key: Key, at: int) -> int:
        """How many trades of a key were lost in a row."""
        rests = self._rests.get(key)
        return rests.losses(at) if rests is not None else 0

    def _gain(self, gained: Order | Ended) -> None:
        """Count it for its day."""
        day = self._days.of(gained.at)
        if day > self._day:
            self._day, self._day_profit = day, NOTHING
        if day == self._day:
            self._day_profit += gained.profit

    def _rest_after(self, order: Order) -> None:
        rests = self._rests.get(order.key)
        if rests is None:
            rests = self._rests[order.key] = Rests(self._rest)
        rests.add(Ended.of(order))


def _known_at(trade: tuple[Key, Ended]) -> tuple[int, str]:
    return trade[1].at, trade[1].order

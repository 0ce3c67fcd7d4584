"""What the risk gate remembers of one account: a value, folded from order events. A restart folds the ledger's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Self

from pipeline.times import DAY
from pipeline.values import Key, Order

ALIVE = frozenset({"SENDING", "OPEN", "UNKNOWN"})
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Cooling:
    """Losses in a row on one key, and until when it rests."""

    losses: int = 0
    until: int = 0


@dataclass(frozen=True, slots=True)
class Book:
    """One account's open orders, its balance, the day's profit (UTC days) and the keys that rest after losses."""

    balance: Decimal
    cool_down: int
    cool_down_max: int
    day: int = 0
    day_profit: Decimal = NOTHING
    alive: Mapping[str, Order] = field(default_factory=dict[str, Order])
    cooling: Mapping[Key, Cooling] = field(default_factory=dict[Key, Cooling])

    def after(self, order: Order) -> Self:
        """The book once this is known of an order."""
        alive = {**self.alive, order.order: order}
        if order.state not in ALIVE:
            del alive[order.order]
        if order.state != "SETTLED":
            return self._with(self.balance, self.day, self.day_profit, alive, self.cooling)
        day = max(order.at // DAY, self.day)
        today = self.profit_on(day) + (order.profit if order.at // DAY == day else NOTHING)
        cooling = {**self.cooling, order.key: self._cooled(order)}
        return self._with(self.balance + order.profit, day, today, alive, cooling)

    def profit_on(self, day: int) -> Decimal:
        return self.day_profit if day == self.day else NOTHING

    @property
    def at_stake(self) -> Decimal:
        return sum((order.stake for order in self.alive.values()), NOTHING)

    def on(self, key: Key) -> tuple[int, int]:
        """How many orders of a key are open, and how many of those have an unknown outcome."""
        states = [order.state for order in self.alive.values() if order.key == key]
        return len(states), states.count("UNKNOWN")

    def _with(
        self,
        balance: Decimal,
        day: int,
        day_profit: Decimal,
        alive: Mapping[str, Order],
        cooling: Mapping[Key, Cooling],
    ) -> Self:
        """What `dataclasses.replace` does, at a tenth of its price: this is done three times for every order."""
        return type(self)(balance, self.cool_down, self.cool_down_max, day, day_profit, alive, cooling)

    def _cooled(self, order: Order) -> Cooling:
        """A loss doubles the rest, a win ends the streak, anything else leaves it."""
        was = self.cooling.get(order.key, Cooling())
        match order.result:
            case "lose":
                rest = min(self.cool_down * 2**was.losses, self.cool_down_max)
                return Cooling(was.losses + 1, order.at + rest)
            case "win":
                return Cooling(0, was.until)
            case _:
                return was

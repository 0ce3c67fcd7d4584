"""A house and a line to it, driven through made-up days: what was told, and when."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import numpy as np

from pipeline.evidence import Evidence, Inquiry, Statement
from pipeline.times import MINUTE
from pipeline.values import Direction, Order, Quotes
from pipeline.venues.book import Book
from pipeline.venues.faults import Faults, Strike
from pipeline.venues.house import House
from pipeline.venues.line import Line, Reply
from pipeline.venues.rules import Rules

T = 1_767_600_000_000
"""The opening of some minute."""
STRONG = Evidence(lists=True, echoes=True, once=True, late_ms=20_000)
RULES = Rules(payout=0.87, evidence=STRONG)
OPENING: Mapping[str, Decimal] = {"demo-1": Decimal("100.00"), "demo-2": Decimal("50.00")}


def rules(**evidence: bool) -> Rules:
    """The usual rules of a venue that can prove less."""
    proved = {"lists": True, "echoes": True, "once": True} | evidence
    return Rules(payout=0.87, evidence=Evidence(**proved, late_ms=20_000))


def quotes(*ticks: tuple[int, float], product: str = "EURUSD") -> Quotes:
    ts = np.array([tick[0] for tick in ticks], np.int64)
    price = np.array([tick[1] for tick in ticks], np.float64)
    return Quotes(product, ts, ts, price, price)


def rising(minutes: int = 60, product: str = "EURUSD") -> Quotes:
    """A quote a second, each above the one before: every call wins."""
    return quotes(*((T + second * 1000, 1.0 + second * 1e-5) for second in range(minutes * 60)), product=product)


def order(
    name: str = "o1",
    after: int = 1000,
    *,
    account: str = "demo-1",
    direction: Direction = "call",
    stake: str = "1.00",
    tf: int = MINUTE,
) -> Order:
    return Order(
        order=name,
        account=account,
        product="EURUSD",
        tf=tf,
        bar=T - MINUTE,
        direction=direction,
        stake=Decimal(stake),
        payout=0.5,
        state="SEND",
        at=T + after,
        request=f"r-{name}",
    )


def question(number: int, after: int, *, account: str = "demo-1", since: int = T, contract: str = "") -> Inquiry:
    return Inquiry(account, number, since, T + after, contract)


class Day:
    """A venue from its beginning on; `told` is what its engine hears, with the moment."""

    def __init__(
        self,
        given: Rules = RULES,
        faults: Faults = (),
        *,
        accounts: Mapping[str, Decimal] = OPENING,
        book: Book | None = None,
        market: Iterable[Quotes] | None = None,
    ) -> None:
        self.house = House(given, accounts, faults, began=T, book=book)
        self.told: list[tuple[int, Reply]] = []
        self.now = T
        self.line = self.connected()
        for batch in (rising(),) if market is None else market:
            self.house.take_prices(batch, T)

    def connected(self) -> Line:
        """An engine's connection; the one before hears nothing more."""
        return Line(self.house, lambda reply: self.told.append((self.now, reply)))

    def played(self, *items: Order | Inquiry, until: int = 30 * MINUTE) -> "Day":
        """Let things be sent at their own moments, and everything happen up to one."""
        for item in sorted(items, key=lambda each: each.at):
            self.wait(item.at)
            if isinstance(item, Order):
                self.line.send(item)
            else:
                self.line.ask(item)
        self.wait(T + until)
        return self

    def wait(self, until: int) -> None:
        while (due := self.house.due) is not None and due <= until:
            self.now = max(self.now, due)
            self.house.wake(self.now)
        self.now = max(self.now, until)

    @property
    def replies(self) -> list[Reply]:
        return [reply for _, reply in self.told]

    @property
    def statements(self) -> list[Statement]:
        return [reply for reply in self.replies if isinstance(reply, Statement)]

    @property
    def struck(self) -> tuple[Strike, ...]:
        return tuple(self.house.weather.struck)

    def heard(self) -> list[tuple[str, int]]:
        """What was told in short: its kind, and how long after the beginning."""
        return [(type(reply).__name__, at - T) for at, reply in self.told]

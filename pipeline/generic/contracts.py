"""A contract as a broker tells of it, and what it means here."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Literal, cast, get_args

from msgspec import Struct

from pipeline.connections.reading import Answer
from pipeline.evidence import Listed
from pipeline.generic.units import ratio_of
from pipeline.times import duration, timeframe_name
from pipeline.values import Ack, Direction, Order, Result, Settlement

State = Literal["open", "won", "lost", "tied", "void", "sold"]
NOTHING = Decimal(0)
NAME = re.compile(r"[\w.~-]{1,80}", re.ASCII)


class Symbols:
    """What our products are called at the broker, and the other way."""

    def __init__(self, named: Mapping[str, str]) -> None:
        self._there = dict(named)
        self._here = {symbol: product for product, symbol in named.items()}

    def there(self, product: str) -> str:
        return self._there.get(product, product)

    def here(self, symbol: str) -> str:
        """Our name of a symbol. One that is called as a product of ours is, which is something else, is not that."""
        return self._here.get(symbol) or (f"{symbol} there" if symbol in self._there else symbol)


class Contract(Struct, frozen=True):
    """One contract, told by the broker."""

    id: str
    client_req_id: str
    symbol: str
    side: Direction
    amount: Decimal
    tf: int
    payout: float
    accepted_at: int
    expires_at: int
    state: State
    profit: Decimal = NOTHING
    entry_at: int = 0
    entry: float = 0.0
    exit_at: int = 0
    exit: float = 0.0
    closed_at: int = 0

    @property
    def result(self) -> Result | None:
        """How it ended; None while it is open. One that was sold is won or lost by what it brought."""
        match self.state:
            case "open":
                return None
            case "won":
                return "win"
            case "lost":
                return "lose"
            case "tied":
                return "push"
            case "void":
                return "canceled"
            case "sold":
                return "win" if self.profit > 0 else "lose" if self.profit < 0 else "push"

    def ack(self, order: str) -> Ack:
        return Ack(order, self.id, self.accepted_at, self.expires_at, self.payout)

    def settlement(self, order: str) -> Settlement:
        """How it ended, for the order it is of."""
        result = self.result
        assert result is not None, "a contract that is open has not ended"
        prices = self.entry_at, self.entry, self.exit_at, self.exit
        return Settlement(order, result, self.profit, *prices, self.closed_at)

    def listed(self, symbols: Symbols) -> Listed:
        return Listed(
            contract=self.id,
            request=self.client_req_id,
            product=symbols.here(self.symbol),
            tf=self.tf,
            direction=self.side,
            stake=self.amount,
            payout=self.payout,
            accepted_at=self.accepted_at,
            expiry=self.expires_at,
            result=self.result,
            profit=self.profit,
            entry_ts=self.entry_at,
            entry=self.entry,
            exit_ts=self.exit_at,
            exit=self.exit,
            closed_at=self.closed_at,
        )

    def other_than(self, order: Order, symbols: Symbols, *, echoes: bool) -> str:
        """In what it is another contract than the one an order asked for; "" when it is that."""
        asked = order.request or order.order
        pairs = (
            ("client_req_id", self.client_req_id if echoes or self.client_req_id else asked, asked),
            ("symbol", self.symbol, symbols.there(order.product)),
            ("side", self.side, order.direction),
            ("amount", self.amount, order.stake),
            ("tf", timeframe_name(self.tf), timeframe_name(order.tf)),
            ("duration", self.expires_at - self.accepted_at, order.tf),
        )
        wrong = [f"{name} {got} for {wanted}" for name, got, wanted in pairs if got != wanted]
        return ", ".join(wrong)


def contract_of(answer: Answer) -> Contract:
    """A contract from an answer's table; whatever does not fit together is a failure of format."""
    made = Contract(
        id=answer.name("id"),
        client_req_id=answer.text("client_req_id", default=""),
        symbol=answer.name("symbol"),
        side=cast("Direction", _word(answer, "side", get_args(Direction))),
        amount=answer.number("amount"),
        tf=length_of(answer, "tf"),
        payout=ratio_of(answer) or 0.0,
        accepted_at=answer.whole("accepted_at"),
        expires_at=answer.whole("expires_at"),
        state=cast("State", _word(answer, "state", get_args(State))),
        profit=answer.number("profit", default=NOTHING),
        entry_at=answer.whole("entry_at", default=0),
        entry=answer.real("entry", default=0.0),
        exit_at=answer.whole("exit_at", default=0),
        exit=answer.real("exit", default=0.0),
        closed_at=answer.whole("closed_at", default=0),
    )
    for key, wrong in _contradictions(made):
        raise answer.wrong(key, wrong)
    return made


def length_of(answer: Answer, key: str) -> int:
    """A duration such as 1m."""
    try:
        return duration(answer.text(key))
    except ValueError:
        raise answer.wrong(key, "is no length; a minute is written as 1m") from None


def _contradictions(made: Contract) -> Iterator[tuple[str, str]]:
    """What about a contract cannot be: a field, and why."""
    if not NAME.fullmatch(made.id):
        yield "id", "cannot stand in an address"
    if made.amount <= 0:
        yield "amount", "is not above 0"
    if made.expires_at <= made.accepted_at:
        yield "expires_at", "is not after it was accepted"
    if made.state == "open":
        return
    if made.closed_at < made.accepted_at:
        yield "closed_at", "is before it was accepted"
    fits = {
        "won": made.profit > 0,
        "lost": made.profit == -made.amount,
        "tied": made.profit == 0,
        "void": made.profit == 0,
        "sold": made.profit >= -made.amount,
    }
    if not fits[made.state]:
        yield "profit", f"does not fit a contract that is {made.state}"


def _word(answer: Answer, key: str, known: tuple[str, ...]) -> str:
    text = answer.text(key)
    if text not in known:
        raise answer.wrong(key, f"is none of {', '.join(known)}")
    return text

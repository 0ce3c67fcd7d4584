"""How a contract ended, and how a listing names it, in our own terms."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec.structs import replace

from pipeline.deriv.shapes import Contract
from pipeline.evidence import Listed
from pipeline.gains import CENT
from pipeline.values import Direction, Result, Settlement

RISE, FALL = "CALL", "PUT"
RISE_OR_EQUAL, FALL_OR_EQUAL = "CALLE", "PUTE"
NOTHING = Decimal(0)


class Naming:
    """Our names for what Deriv trades, and which of its contracts are those that we buy."""

    def __init__(self, symbols: Mapping[str, str], *, allow_equals: bool = False) -> None:
        """`symbols` are Deriv's, by our products."""
        self.symbols = symbols
        self.kinds: Mapping[Direction, str] = (
            {"call": RISE_OR_EQUAL, "put": FALL_OR_EQUAL} if allow_equals else {"call": RISE, "put": FALL}
        )
        self._products = {symbol: product for product, symbol in symbols.items()}
        self._directions: dict[str, Direction] = {kind: direction for direction, kind in self.kinds.items()}

    def symbol(self, product: str) -> str:
        return self.symbols.get(product, product)

    def product(self, symbol: str) -> str:
        """Our name of a symbol. One that is called as a product of ours is, which is something else, is not that."""
        return self._products.get(symbol) or (f"{symbol} there" if symbol in self.symbols else symbol)

    def listed(self, of: Contract, as_of: int | None = None) -> Listed:
        """A contract as it stood at a moment, or as it stands.

        One of a kind that we never buy is listed all the same, as of a product that has its kind in its name: it is
        there and has a stake, and no order of ours can be taken for it.
        """
        direction = self._directions.get(of.kind)
        product = self.product(of.symbol)
        if direction is None or not of.plain:
            product = f"{product} {of.kind or 'contract'}"
        open_ = Listed(
            of.contract,
            "",
            product,
            max(0, of.expiry - of.start),
            direction or ("put" if of.kind.startswith(FALL) else "call"),
            cents(of.price),
            of.ratio,
            of.start,
            of.expiry,
        )
        if of.sold_for is None or (as_of is not None and of.sold_at > as_of):
            return open_
        result, profit = ended(of)
        return replace(
            open_,
            result=result,
            profit=profit,
            entry_ts=of.entry_ts,
            entry=of.entry,
            exit_ts=of.exit_ts,
            exit=of.exit,
            closed_at=of.sold_at,
        )


def settlement(of: Contract, order: str) -> Settlement:
    """The end of a contract that is paid."""
    result, profit = ended(of)
    return Settlement(order, result, profit, of.entry_ts, of.entry, of.exit_ts, of.exit, of.sold_at)


def ended(of: Contract) -> tuple[Result, Decimal]:
    """What became of a contract that is paid, and what the account gained by it.

    One that was sold before its expiry won or lost by its price. One that expired and gave its stake back, no more and
    no less, was void. Where its word and the money differ the money counts.
    """
    profit = cents((of.sold_for or NOTHING) - of.price)
    early = of.expiry > of.sold_at > 0
    if of.status == ("won" if profit > 0 else "lost") and not early:
        return ("win" if of.status == "won" else "lose"), profit
    if profit == 0:
        return ("push" if early else "canceled"), NOTHING
    return ("win" if profit > 0 else "lose"), profit


def cents(amount: Decimal) -> Decimal:
    """An amount with two places at least; what has more keeps them."""
    return amount.quantize(CENT) if amount == amount.quantize(CENT) else amount

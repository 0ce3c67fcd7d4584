"""What Deriv's answers say, in our own terms. Fields that are not needed are not looked at; numbers may be text."""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from pipeline.connections.reading import Answer
from pipeline.deriv.shortcodes import Terms, terms_of
from pipeline.times import SECOND

NOTHING = Decimal(0)
LATEST = 10**11
"""Seconds since 1970: no moment is later."""


class Offer(NamedTuple):
    """What a contract would cost and pay."""

    id: str
    ask: Decimal
    payout: Decimal
    lasts: int | None
    """From its start to its expiry (ms), where it is told."""

    @property
    def ratio(self) -> float:
        return ratio(self.ask, self.payout)


class Contract(NamedTuple):
    """A contract of an account, as any of the listings has it."""

    contract: str
    kind: str
    symbol: str
    price: Decimal
    payout: Decimal
    start: int
    expiry: int
    """0 where only its last tick will tell."""
    word: str
    """Its shortcode, where it is told."""
    sold_for: Decimal | None = None
    """What came back at its end, 0 of one that was lost; None while it runs."""
    sold_at: int = 0
    status: str = ""
    entry: float = 0.0
    entry_ts: int = 0
    exit: float = 0.0
    exit_ts: int = 0

    @property
    def ratio(self) -> float:
        return ratio(self.price, self.payout)

    @property
    def terms(self) -> Terms | None:
        """What its shortcode says, where it is of a form that we know."""
        return terms_of(self.word)

    @property
    def plain(self) -> bool:
        """Whether it is of a rise or a fall from its entry until a moment, as far as is told."""
        return not self.word or ((terms := self.terms) is not None and terms.expiry > 0 and not terms.barrier)


class Movement(NamedTuple):
    """A line of the ledger of an account's money."""

    number: int
    what: str
    amount: Decimal
    after: Decimal
    """What the account holds then."""
    at: int
    contract: str


class Account(NamedTuple):
    """An account of whoever has the token."""

    id: str
    money: str
    currency: str
    status: str
    balance: Decimal | None


def ratio(price: Decimal, payout: Decimal) -> float:
    """What a win gains for each unit of what was paid."""
    return float((payout - price) / price) if payout > price > 0 else 0.0


def offer_of(frame: Answer) -> Offer:
    """Of a proposal. Without its price and its payout nobody buys it."""
    told = frame.table("proposal")
    start, expiry = told.whole("date_start", default=None), told.whole("date_expiry", default=None)
    lasts = (expiry - start) * SECOND if start is not None and expiry is not None else None
    return Offer(told.text("id"), told.number("ask_price"), told.number("payout"), lasts)


def bought_of(frame: Answer) -> Contract:
    """Of a purchase: its kind, symbol and expiry stand in its shortcode alone."""
    told = frame.table("buy")
    word = told.text("shortcode", default="")
    terms = terms_of(word)
    start = told.whole("start_time", default=None)
    start = told.whole("purchase_time") if start is None else start
    return Contract(
        told.name("contract_id"),
        terms.kind if terms else "",
        terms.symbol if terms else "",
        told.number("buy_price"),
        told.number("payout"),
        start * SECOND,
        terms.expiry if terms else 0,
        word,
    )


def followed_of(frame: Answer) -> Contract | None:
    """Of a contract that is followed; None where the account has none."""
    told = frame.table("proposal_open_contract")
    if not told.has("contract_id"):
        return None
    sold = told.flag("is_sold", default=False)
    return Contract(
        told.name("contract_id"),
        told.text("contract_type", default=""),
        told.text("underlying_symbol", default=""),
        told.number("buy_price"),
        told.number("payout", default=NOTHING),
        moment(told, "date_start", "purchase_time"),
        moment(told, "date_expiry", "expiry_time"),
        told.text("shortcode", default=""),
        _paid(told) if sold else None,
        moment(told, "sell_time", "exit_spot_time", "date_expiry") if sold else 0,
        told.text("status", default=""),
        _price(told, "entry_spot"),
        moment(told, "entry_spot_time"),
        _price(told, "exit_spot"),
        moment(told, "exit_spot_time"),
    )


def open_of(frame: Answer) -> Iterator[Contract]:
    """Of a portfolio: what runs, and what has expired and is not paid yet."""
    for row in frame.table("portfolio").rows("contracts"):
        word = row.text("shortcode", default="")
        terms = terms_of(word)
        yield Contract(
            row.name("contract_id"),
            row.text("contract_type", default=terms.kind if terms else ""),
            row.text("underlying_symbol", default=terms.symbol if terms else ""),
            row.number("buy_price"),
            row.number("payout", default=NOTHING),
            moment(row, "date_start", "purchase_time"),
            moment(row, "expiry_time"),
            word,
        )


def ended_of(frame: Answer) -> list[Contract]:
    """Of a page of the profit table: what was sold or has ended."""
    found: list[Contract] = []
    for row in frame.table("profit_table").rows("transactions"):
        word = row.text("shortcode", default="")
        terms = terms_of(word)
        found.append(
            Contract(
                row.name("contract_id"),
                row.text("contract_type", default=terms.kind if terms else ""),
                row.text("underlying_symbol", default=terms.symbol if terms else ""),
                row.number("buy_price"),
                row.number("payout", default=NOTHING),
                moment(row, "purchase_time"),
                terms.expiry if terms else 0,
                word,
                row.number("sell_price"),
                moment(row, "sell_time"),
            )
        )
    return found


def movements_of(frame: Answer) -> list[Movement]:
    """Of a page of the statement."""
    return [
        Movement(
            row.whole("transaction_id"),
            row.text("action_type"),
            row.number("amount"),
            row.number("balance_after"),
            moment(row, "transaction_time"),
            row.name("contract_id", default=None) or "",
        )
        for row in frame.table("statement").rows("transactions")
    ]


def moved_of(frame: Answer) -> Movement | None:
    """Of the stream of movements; None of the first frame, which says only that there will be more."""
    row = frame.table("transaction")
    if not row.has("transaction_id"):
        return None
    return Movement(
        row.whole("transaction_id"),
        row.text("action"),
        row.number("amount"),
        row.number("balance"),
        moment(row, "transaction_time"),
        row.name("contract_id", default=None) or "",
    )


def accounts_of(answer: Answer) -> list[Account]:
    """Of the REST listing of accounts."""
    return [
        Account(
            row.text("account_id"),
            row.text("account_type"),
            row.text("currency"),
            row.text("status", default="active"),
            row.number("balance", default=None),
        )
        for row in answer.rows("data")
    ]


def balance_of(frame: Answer) -> tuple[Decimal, str]:
    told = frame.table("balance")
    return told.number("balance"), told.text("currency", default="")


def sold_of(frame: Answer) -> Decimal:
    """What a sale gave."""
    return frame.table("sell").number("sold_for")


def time_of(frame: Answer) -> int:
    """The whole second that it is there, in ms."""
    return frame.whole("time") * SECOND


def _paid(told: Answer) -> Decimal:
    """What came back of a contract that ended: nothing where it says that it was lost and no more."""
    if told.text("status", default="") == "lost":
        return told.number("sell_price", default=NOTHING)
    return told.number("sell_price")


def moment(row: Answer, *names: str) -> int:
    """The first of some fields that has a time (whole seconds there, ms here); 0 where none does."""
    for name in names:
        seconds = row.whole(name, default=0)
        if not 0 <= seconds < LATEST:
            raise row.wrong(name, "is no moment")
        if seconds:
            return seconds * SECOND
    return 0


def _price(row: Answer, name: str) -> float:
    """A price; 0 where there is none yet."""
    return row.real(name, default=0.0)

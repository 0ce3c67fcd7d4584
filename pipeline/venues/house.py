"""What is so at a venue: which orders became contracts, how they ended, what the accounts hold."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

from msgspec.structs import replace

from pipeline.evidence import Cash, Closing, Declined, Inquiry, Statement
from pipeline.settlement import Price
from pipeline.states import ENDED
from pipeline.times import HOUR
from pipeline.values import Ack, Bars, Order, Past, Payouts, Quotes, Reject, Settlement
from pipeline.venues.board import Board
from pipeline.venues.book import Book, Deal, Movement
from pipeline.venues.endings import Endings
from pipeline.venues.faults import Faults, Strike
from pipeline.venues.hands import Hands
from pipeline.venues.rules import Rules
from pipeline.venues.turns import Turns
from pipeline.venues.weather import Scene, Watching, Weather

MEMORY = HOUR
"""How long refusals are kept."""


class Listener(Protocol):
    """Who is told how contracts end."""

    def ended(self, deal: Deal, end: Settlement, strike: Strike | None) -> None: ...


class House:
    """A venue. Tell it every moment: prices and orders as they come, and `wake` it when something is `due`."""

    def __init__(
        self,
        rules: Rules,
        accounts: Mapping[str, Decimal],
        faults: Faults = (),
        *,
        began: int,
        now: int | None = None,
        book: Book | None = None,
        remembers: bool = False,
        watching: Watching | None = None,
    ) -> None:
        """`accounts` says what each begins with; `began` when the venue did, which faults are counted from; `now` is
        the moment it is, where that is a later one.

        A house that `remembers` has known its accounts before, and takes nothing over from a ledger.
        """
        self.rules = rules
        self.accounts = accounts
        self.remembers = remembers
        self.book = book or Book(asked=rules.evidence.lists)
        scene = Scene(tuple(sorted(accounts)), rules.slowest_ms, rules.evidence.late_ms)
        self.weather = Weather(faults, scene, began, watching)
        self.turns = Turns()
        self.board = Board(rules, self.book, began if now is None else now)
        self.listener: Listener | None = None
        self.orders = max((deal.number for deal in self.book.deals.values()), default=0)
        self.inquiries = 0
        """How many were heard."""
        self._refused: dict[tuple[str, str], Reject] = {}
        for account, opening in accounts.items():
            self.book.open(account, opening)
        self._endings = Endings(rules, self.book, self.board.path, self.weather, self.turns, self._tell)
        self._hands = Hands(self.book, self.board, self._endings, self.weather, self.turns)

    @property
    def due(self) -> int | None:
        return self.turns.due

    @property
    def idle(self) -> bool:
        """Whether nobody waits for anything."""
        return not self.turns.promised and next(iter(self.book.open_deals()), None) is None

    def wake(self, at: int) -> None:
        """Let everything happen that is due."""
        self._hear(at)
        self.turns.happen(at)

    def close(self) -> None:
        """Nothing more is asked of the house in this process."""
        if self.book.keeping is not None:
            self.book.keeping.close()

    # --- prices ---

    def take_prices(self, batch: Quotes | Bars, at: int) -> None:
        """Prices come, maybe ahead of their time: only the moments of them count."""
        self._hear(at)
        self.board.take_prices(batch)
        self._endings.take_prices(batch.product)

    def take_payouts(self, payouts: Payouts, at: int) -> None:
        self._hear(at)
        self.board.take_payouts(payouts)

    def _hear(self, at: int) -> None:
        self.board.now = max(self.board.now, at)

    # --- orders ---

    def place(self, order: Order, at: int, number: int) -> Ack | Reject:
        """Answer an order that came in at a moment; with `once`, one that came before gets the answer it had."""
        asked = order.request or order.order
        made = self.book.first(order.account, asked)
        if self.rules.evidence.once:
            if made is not None:
                return Ack(order.order, made.contract, made.accepted_at, made.expiry, made.payout)
            if (order.account, asked) in self._refused:
                return self._refused[order.account, asked]
        answer = self._judged(order, at)
        if isinstance(answer, Reject):
            self._refuse((order.account, asked), answer)
            return answer
        deal = Deal(
            answer.contract,
            order.order,
            order.request,
            order.account,
            order.product,
            order.tf,
            order.direction,
            order.stake,
            answer.payout,
            answer.at,
            answer.expiry,
            number,
        )
        self.write(deal)
        return answer

    def write(self, deal: Deal) -> None:
        """A contract begins."""
        self.book.take(deal)
        self._endings.await_end(deal)

    def end_early(self, deal: Deal, profit: Decimal, entry: Price, last: Price, at: int) -> Settlement:
        """An open contract ends before its expiry, at what it gains by that."""
        return self._endings.end_early(deal, profit, entry, last, at)

    def take_back(self, closing: Closing, at: int) -> Settlement | Declined:
        """Answer the wish to sell a contract back that came in at a moment."""
        deal = self.book.deals.get(closing.contract)
        if deal is None or deal.account != closing.account:
            return Declined(closing.order, f"there is no contract {closing.contract}", at)
        sold = "it has ended" if deal.end is not None else self._endings.sell(deal, at)
        if isinstance(sold, str):
            return Declined(closing.order, sold, at)
        return replace(sold, order=closing.order)  # what somebody placed by hand has no order here

    def _judged(self, order: Order, at: int) -> Ack | Reject:
        # The order's own time rules, not the clock's: then a late turn of the loop changes nothing.
        rules = self.rules
        if order.stake < rules.min_stake:
            return Reject(order.order, f"stake below the minimum {rules.min_stake}", at)
        if order.stake > rules.max_stake:
            return Reject(order.order, f"stake above the maximum {rules.max_stake}", at)
        if not self.board.priced(order.product, at, max(at, order.at + 1)):
            return Reject(order.order, "no price", at)
        payout = self.board.payout(order.product, order.at)
        if payout is None:
            return Reject(order.order, "no payout", at)
        if self.book.lacks(order.account, order.stake):
            held = self.book.balance(order.account)
            return Reject(order.order, f"insufficient funds: the account holds {held}", at)
        return Ack(order.order, self._named(order.order), at, at + order.tf, payout)

    def _named(self, order: str) -> str:
        """The name of a new contract."""
        name, count = f"MOCK-{order}", 1
        while name in self.book.deals:
            count += 1
            name = f"MOCK-{order}-{count}"
        return name

    def _refuse(self, asked: tuple[str, str], answer: Reject) -> None:
        self._refused[asked] = answer
        while (oldest := next(iter(self._refused.items())))[1].at < answer.at - MEMORY:
            del self._refused[oldest[0]]

    # --- what was before ---

    def adopt(self, order: Order) -> None:
        """A contract that the ledger knows and we do not: we have no memory of our own and go by it."""
        if not order.contract or order.contract in self.book.deals:
            return
        end = None
        if order.state in ENDED:
            at = order.ended_at or order.at
            prices = order.entry_ts, order.entry, order.exit_ts, order.exit
            end = Settlement(order.order, order.result or "canceled", order.profit, *prices, at)
        deal = Deal(
            order.contract,
            order.order,
            "" if order.origin == "external" else order.request,
            order.account,
            order.product,
            order.tf,
            order.direction,
            order.stake,
            order.payout,
            order.expiry - order.tf,
            order.expiry,
        )
        self.book.take(deal)
        if end is not None:
            self.book.end(deal.contract, end)
        else:
            self._endings.await_end(deal)

    def recall(self, past: Past) -> None:
        """All that the ledger knows of our accounts."""
        for account, profit in past.earlier_profit.items():
            self._carry(account, "earlier", profit)
        for order in past.orders:
            if order.account in self.accounts:
                self.adopt(order)
                if not order.contract:
                    self._carry(order.account, order.order, order.profit)
        for account, reference, at, amount in past.cash:
            if account in self.accounts:
                self.book.move(Movement(account, Cash(reference, at, amount, "told before", account), told=True))

    def _carry(self, account: str, reference: str, amount: Decimal) -> None:
        """Gains of before whose contracts are not known."""
        if account in self.accounts and amount:
            self.book.move(Movement(account, Cash(reference, 0, amount, "before", account), told=False))

    # --- statements ---

    def statement(self, inquiry: Inquiry, as_of: int, at: int) -> Statement:
        """The answer to an inquiry, as of a moment, told at another."""
        evidence = self.rules.evidence
        made = self.book.statement(
            inquiry.account, inquiry.since, as_of, contract=inquiry.contract, echoes=evidence.echoes
        )
        return replace(made, number=inquiry.number, at=at)

    def _tell(self, deal: Deal, strike: Strike | None) -> None:
        if self.listener is not None and deal.order and deal.end is not None:
            self.listener.ended(deal, deal.end, strike)

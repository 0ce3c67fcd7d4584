"""What is so at a venue: which orders became contracts, how they ended, what the accounts hold."""

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from pipeline.evidence import Cash, Evidence, Inquiry, Statement
from pipeline.settlement import FOREVER, PayoutPath, PricePath, Tie, profit_of, result_of, settled
from pipeline.times import HOUR, MINUTE, SECOND, timeframe
from pipeline.values import ENDED, Ack, Bars, Order, Past, Payouts, Quotes, Reject, Settlement
from pipeline.venues.book import NOTHING, Book, Deal, Movement
from pipeline.venues.faults import SHIFT, Faults, OfMoment, Strike
from pipeline.venues.turns import Act, Turns
from pipeline.venues.weather import Scene, Watching, Weather

STALE = MINUTE
"""How old the last price may be for an order to be taken."""
PATIENCE = 20 * SECOND
"""How long a due contract waits for prices that are on their way; an executor's own patience is longer."""
MEMORY = HOUR
"""How long prices and refusals are kept that no open contract needs."""


class Rules(Struct, frozen=True):
    """How a venue takes orders and settles them. Without a `payout` the market's own counts."""

    payout: float | None = None
    latency_ms: int = 120
    settle_delay_ms: int = 200
    tie: Tie = "push"
    min_stake: Decimal = Decimal("0.35")
    max_stake: Decimal = Decimal(50_000)
    evidence: Evidence = Evidence(lists=True, echoes=True, once=True, late_ms=120)


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
        self.book = book or Book()
        scene = Scene(tuple(sorted(accounts)), rules.latency_ms, rules.evidence.late_ms)
        self.weather = Weather(faults, scene, began, watching)
        self.turns = Turns()
        self.now = self._opened = began if now is None else now
        self.path = PricePath(self.needed_from)
        self.payouts = PayoutPath(self.needed_from)
        self.products = set[str]()
        self.listener: Listener | None = None
        self.orders = max((deal.number for deal in self.book.deals.values()), default=0)
        self.inquiries = 0
        """How many were heard."""
        self.pending = 0
        """How many acts are planned that somebody waits for."""
        self._waiting: dict[str, dict[str, int]] = {}
        """By product and contract, until when a due contract waits for prices."""
        self._turn: dict[str, int] = {}
        self._refused: dict[tuple[str, str], Reject] = {}
        for account, opening in accounts.items():
            self.book.open(account, opening)
        for deal in list(self.book.open_deals()):
            self._await_end(deal)
        self._foresee()

    @property
    def due(self) -> int | None:
        return self.turns.due

    @property
    def idle(self) -> bool:
        """Whether nobody waits for anything."""
        return not self.pending and next(iter(self.book.open_deals()), None) is None

    def wake(self, at: int) -> None:
        """Let everything happen that is due."""
        self.now = max(self.now, at)
        self.turns.happen(at)

    def close(self) -> None:
        """Nothing more is asked of the house in this process."""
        if self.book.keeping is not None:
            self.book.keeping.close()

    def later(self, moment: int, act: Act, *, last: bool = False) -> None:
        """Plan an act that somebody waits for."""
        self.pending += 1

        def happens() -> None:
            self.pending -= 1
            act()

        self.turns.plan(moment, happens, last=last)

    # --- prices ---

    def take_prices(self, batch: Quotes | Bars, at: int) -> None:
        self.now = max(self.now, at)
        self.path.append(batch)
        self.products.add(batch.product)
        for contract, until in tuple(self._waiting.get(batch.product, {}).items()):
            self._settle_when_complete(self.book.deals[contract], until)

    def take_payouts(self, payouts: Payouts, at: int) -> None:
        self.now = max(self.now, at)
        if self.rules.payout is None:
            self.payouts.append(payouts)

    def needed_from(self, product: str) -> int:
        if self.now == self._opened:
            return -FOREVER  # contracts of before may yet be told of, and need prices as old as they are
        accepted = (deal.accepted_at for deal in self.book.open_deals() if deal.product == product)
        return min((self.now - MEMORY, *accepted))

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
        answer = self._judged(order, at, f"MOCK-{order.order}" if made is None else f"MOCK-{order.order}-{number}")
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
        self.book.take(deal)
        self._await_end(deal)
        return answer

    def _judged(self, order: Order, at: int, name: str) -> Ack | Reject:
        # The order's own time rules, not the clock's: then a late turn of the loop changes nothing.
        rules = self.rules
        if order.stake < rules.min_stake:
            return Reject(order.order, f"stake below the minimum {rules.min_stake}", at)
        if order.stake > rules.max_stake:
            return Reject(order.order, f"stake above the maximum {rules.max_stake}", at)
        if not self._priced(order.product, at, max(at, order.at + 1)):
            return Reject(order.order, "no price", at)
        payout = self.payouts.at(order.product, order.at) if rules.payout is None else rules.payout
        if payout is None:
            return Reject(order.order, "no payout", at)
        if self._lacks(order.account, order.stake):
            held = self.book.balance(order.account)
            return Reject(order.order, f"insufficient funds: the account holds {held}", at)
        return Ack(order.order, name, at, at + order.tf, payout)

    def _priced(self, product: str, at: int, known_before: int) -> bool:
        price = self.path.exit(product, at, known_before)
        return price is not None and at - price.ts <= STALE

    def _lacks(self, account: str, amount: Decimal) -> bool:
        """Whether an account cannot pay so much. One of which nobody knows what it holds can."""
        balance = self.book.balance(account)
        return balance is not None and balance < amount

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
            self._await_end(deal)

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

    # --- settlement ---

    def _await_end(self, deal: Deal) -> None:
        self._act_for(deal, self._due(deal), partial(self._settle_when_due, deal))

    def _due(self, deal: Deal) -> int:
        return deal.expiry + self.rules.settle_delay_ms

    def _settle_when_due(self, deal: Deal) -> None:
        due = self._due(deal)
        if self.path.suffices(deal.terms, due):
            self._settle(deal, due, due)
            return
        # Where nothing is known of a product (we have just been started), its prices may be a long while in coming.
        until = due + PATIENCE if self.path.knows(deal.product, due) else FOREVER
        self._waiting.setdefault(deal.product, {})[deal.contract] = until
        if until < FOREVER:
            self._act_for(deal, until, partial(self._settle, deal, until, until))
        self._settle_when_complete(deal, until)

    def _settle_when_complete(self, deal: Deal, until: int) -> None:
        complete = self.path.complete_at(deal.product, deal.expiry)
        if complete is not None and complete < until:
            self._stop_waiting(deal)
            at = max(self._due(deal), complete)
            self._act_for(deal, at, partial(self._settle, deal, at, at + 1))

    def _settle(self, deal: Deal, at: int, known_before: int) -> None:
        end = settled(deal.terms, self.path, at, self.rules.tie, known_before)
        strike = None if self.weather.is_calm or not deal.number else self.weather.of_end(deal.number)
        if strike is not None and strike.what == "wrong_settlement" and end.entry_ts:
            self.weather.struck_by(strike)
            end = self._against(deal, end, end.exit * (1 + _worse(deal) * (strike.shift or SHIFT)))
        self._stop_waiting(deal)
        self._turn.pop(deal.contract, None)
        ended = self.book.end(deal.contract, end)
        if strike is not None and strike.what == "changed_settlement" and end.result == "win":
            self.later(at + strike.lateness, partial(self._change, ended, strike))
        self._tell(ended, strike)

    def _change(self, deal: Deal, strike: Strike) -> None:
        """The venue says a win was none."""
        end = deal.end
        assert end is not None, "only what has ended is changed"
        self.weather.struck_by(strike)
        other = self._against(deal, end, 2 * end.entry - end.exit)
        self._tell(self.book.end(deal.contract, replace(other, at=end.at + strike.lateness)), None)

    def _against(self, deal: Deal, end: Settlement, exit_: float) -> Settlement:
        """The end with another exit."""
        result = result_of(deal.direction, end.entry, exit_, self.rules.tie)
        return replace(end, exit=exit_, result=result, profit=profit_of(result, deal.stake, deal.payout))

    def _tell(self, deal: Deal, strike: Strike | None) -> None:
        if self.listener is not None and deal.order and deal.end is not None:
            self.listener.ended(deal, deal.end, strike)

    def _stop_waiting(self, deal: Deal) -> None:
        waiting = self._waiting.get(deal.product)
        if waiting is not None and waiting.pop(deal.contract, None) is not None and not waiting:
            del self._waiting[deal.product]

    def _act_for(self, deal: Deal, moment: int, act: Act) -> None:
        """Act for a contract at a moment, in place of what was going to be done for it."""
        turn = self._turn[deal.contract] = self._turn.get(deal.contract, 0) + 1

        def happens() -> None:
            if self._turn.get(deal.contract) == turn:
                act()

        self.turns.plan(moment, happens)

    # --- what others do ---

    def _foresee(self) -> None:
        """Plan what others do on the accounts."""
        for strike in self.weather.listed_moments:
            self.turns.plan(self.weather.began + strike.at, partial(self._befall, strike))
        if self.weather.hourly:
            self._foresee_hour(0)

    def _foresee_hour(self, hour: int) -> None:
        for after, what, minute in self.weather.in_hour(hour):
            self.turns.plan(self.weather.began + after, partial(self._draw, what, minute, after))
        self.turns.plan(self.weather.began + (hour + 1) * HOUR, partial(self._foresee_hour, hour + 1))

    def _draw(self, what: OfMoment, minute: int, after: int) -> None:
        at = self.weather.began + after
        quoted = [product for product in self.products if self._priced(product, at, at + 1)]
        strike = self.weather.happening(what, minute, after, quoted)
        if strike is not None:
            self._befall(strike)

    def _befall(self, strike: Strike) -> None:
        at = self.weather.began + strike.at
        if self.weather.is_calm:
            return
        if strike.what == "external":
            self._by_hand(strike, at)
            return
        amount = strike.amount or NOTHING
        reference = f"{strike.what}-{strike.account}-{at}"
        signed = amount if strike.what == "deposit" else -amount
        if self.book.moved(strike.account, reference) or self._lacks(strike.account, -signed):
            return
        self.weather.struck_by(strike)
        self.book.move(Movement(strike.account, Cash(reference, at, signed, strike.what, strike.account), strike.told))

    def _by_hand(self, strike: Strike, at: int) -> None:
        """Somebody places a contract, if the venue takes it."""
        stake, name = strike.stake or NOTHING, f"HAND-{strike.account}-{at}"
        payout = self.payouts.at(strike.product, at) if self.rules.payout is None else self.rules.payout
        if (
            self._lacks(strike.account, stake)
            or payout is None
            or name in self.book.deals
            or not self._priced(strike.product, at, at + 1)
        ):
            return
        self.weather.struck_by(strike)
        tf = timeframe(strike.timeframe or "1m")
        side = strike.direction or "call"
        deal = Deal(name, "", "", strike.account, strike.product, tf, side, stake, payout, at, at + tf)
        self.book.take(deal)
        self._await_end(deal)


def _worse(deal: Deal) -> int:
    """Which way prices go against a contract."""
    return -1 if deal.direction == "call" else 1

"""What a guard remembers: a book for each account, what limits count, who is stopped, and the life of each key.

All of it is folded from what became of orders, of its own and of those of other guards whose orders go the same way,
and from stops; a start folds what the ledger knew, and stands where the run before it stood.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from operators.risk.book import Book
from operators.risk.days import Days
from operators.risk.judges import Judge, Standing, Streak
from operators.risk.latches import Latches
from operators.risk.lifetimes import Lifetimes, Patience
from operators.risk.line import Line, Storm
from operators.risk.results import NOTHING, Ended, Rests, Results
from pipeline.evidence import Standing as VenueStanding
from pipeline.states import ENDED
from pipeline.times import HOUR, SECOND
from pipeline.values import Held, Key, Latch, Life, Order, Past, Switched

EVERY = "every account"
PATIENCE = Patience(3, 30 * SECOND, HOUR)
Whose = str | Key
"""An account, a key, or every account."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a memory must know of its guard."""

    balances: Mapping[str, Decimal]
    days: Days
    rests: tuple[int, ...]
    """How long a key rests (ms) after the first, second … loss in a row, the last of them after every further one."""
    judges: tuple[Judge, ...] = ()
    reasons: tuple[str, ...] = ()
    """What is said when a stop of each of the judges must be released by hand."""
    storm: Storm | None = None
    answers_within: int | None = None
    follows_others: bool = False
    streams: tuple[tuple[str, int], ...] = ()
    """Products and timeframes whose keys are known from the beginning."""
    connected: frozenset[str] = frozenset()
    """Accounts that have a connection to their venue which may break."""
    patience: Patience = PATIENCE

    def rest(self, at: int, losses: int) -> int:
        return at + self.rests[min(losses, len(self.rests)) - 1]


class Memory:
    """One guard's."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self.books = {name: Book(NOTHING, terms.days, terms.rest) for name in terms.balances}
        self.latches = Latches()
        self.standings: dict[str, VenueStanding] = {}
        """How each account stands with its venue, where that is told."""
        self.unsound: set[str] = set()
        """Accounts of which something was told that is no amount of money: what they have, nobody knows."""
        self.others: dict[str, Order] = {}
        """Open orders of accounts that are not its own."""
        self.lines = {name: Line(terms.storm, terms.answers_within or 0) for name in terms.balances}
        self._earlier(terms.balances)
        self._results: dict[Whose, Results] = {}
        self._rests: dict[tuple[int, Whose], Rests] = {}
        self.lives = Lifetimes(tuple(terms.balances), terms.connected, terms.patience, self._opened)

    def take(self, item: Order | Latch | VenueStanding | Switched | Held, at: int) -> Iterator[Latch | Life]:
        """What follows from it: stops that somebody must release, and what becomes of the lives of keys."""
        match item:
            case Latch():
                self.latches.take(item)
            case Switched():
                yield from self.lives.switch(item, at)
            case Held():
                yield from self.lives.hold(item, at)
            case VenueStanding():
                self.standings[item.account] = item
                if item.state == "CONNECTED":
                    yield from self.lives.connect(item.account, at)
            case Order():
                yield from self._heard(item, at)

    def follow(self, order: Order) -> bool:
        """Keep what is known of an order, and of its way; whether it is of one of its accounts."""
        if order.account in self.lines:
            self.lines[order.account].take(order)
        return self._keep(order)

    def restore(self, past: Past, at: int) -> Iterator[Latch | Life]:
        """What a run before this one knew."""
        for scope, released in past.released.items():
            self.latches.release(scope, released)
        for latch in past.latches:
            self.latches.take(latch)
        self._earlier(past.earlier_profit)
        for move in past.moves:
            if move.account in self.lines:
                self.lines[move.account].take(move)
        last: dict[str, Order] = {}
        for order in past.orders:
            if self._keep(order) and order.state == "SETTLED":
                last[order.account] = order
        for order in last.values():
            yield from self._stops(order.account, order.at, order.stake)
        keys = (Key(account, *stream) for account in self.books for stream in self._terms.streams)
        yield from self.lives.begin(past, keys, at)

    def take_over(self, memories: Sequence["Memory"]) -> None:
        """Go on where memories before it stand, whoever had which account; the first knows best of all else."""
        terms = self._terms
        for each in memories[:1]:
            self.latches = each.latches.copy()
        for name, book in self.books.items():
            for each in memories:
                if name in each.books:
                    book.take_over(each.books[name], same_rests=each._terms.rests == terms.rests)
                    self.lines[name] = each.lines[name].under(terms.storm, terms.answers_within or 0)
                    self.unsound |= each.unsound & {name}
                    self.latches.take_over(each.latches, name)
                    break
        for each in reversed(memories):
            self.standings |= each.standings
        for order in (order for each in memories for order in each.open_orders()):
            if order.account not in self.books:
                self._keep_other(order)
        self._count_again()
        self.lives.take_over([each.lives for each in memories])

    def _count_again(self) -> None:
        """What the limits count of all that the books know."""
        if not self._terms.judges:
            return
        for account, book in self.books.items():
            for key, ended in book.ended_by_key():
                self._count(Key(account, key.product, key.tf), ended)

    def open_orders(self) -> Iterable[Order]:
        """All that are open, of its own accounts and of others."""
        for book in self.books.values():
            yield from book.alive.values()
        yield from self.others.values()

    def standing(self, number: int, judge: Judge, key: Key) -> Standing:
        """What one limit looks at for a key."""
        book, released = self.books[key.account], self.latches.released(key.account)
        whose = self._whose(judge, key)
        results, rests = self._results_of(whose), self._rests_of(number, judge, whose)
        if whose == EVERY:
            books = self.books.values()
            staked = sum((each.at_stake for each in books), NOTHING)
            balance = sum((each.balance for each in books), NOTHING)
            return Standing(results, rests, balance, staked, sum(len(each.alive) for each in books), released)
        if whose == key:
            mine = [order.stake for order in book.alive.values() if order.key == key]
            return Standing(results, rests, book.balance, sum(mine, NOTHING), len(mine), released)
        return Standing(results, rests, book.balance, book.at_stake, len(book.alive), released)

    def _heard(self, order: Order, at: int) -> Iterator[Latch | Life]:
        ours = self.follow(order)
        if order.account in self.books:
            yield from self.lives.follow(order, at)
        if ours and order.state == "SETTLED":
            yield from self._stops(order.account, order.at, order.stake)

    def _opened(self, key: Key) -> int:
        return self.books[key.account].on(key)[0]

    def _earlier(self, amounts: Mapping[str, Decimal]) -> None:
        for account, amount in amounts.items():
            if account in self.books and self._sound(account, amount):
                self.books[account].earlier(amount)

    def _keep(self, order: Order) -> bool:
        book = self.books.get(order.account)
        if book is None:
            self._keep_other(order)
            return False
        if not self._sound(order.account, order.profit, order.stake):
            return False
        book.take(order)
        if order.state == "SETTLED" and self._terms.judges:
            self._count(order.key, Ended.of(order))
        return True

    def _sound(self, account: str, *amounts: Decimal) -> bool:
        sound = all(amount.is_finite() for amount in amounts)
        if not sound:
            self.unsound.add(account)
        return sound

    def _keep_other(self, order: Order) -> None:
        if self._terms.follows_others and order.state not in ENDED:
            self.others[order.order] = order
        else:
            self.others.pop(order.order, None)

    def _count(self, key: Key, ended: Ended) -> None:
        for whose in {self._whose(judge, key) for judge in self._terms.judges}:
            self._results_of(whose).add(ended)
        for number, judge in enumerate(self._terms.judges):
            if isinstance(judge, Streak) and not judge.limit.by_hand:
                self._rests_of(number, judge, self._whose(judge, key)).add(ended)

    def _stops(self, account: str, at: int, stake: Decimal) -> Iterator[Latch]:
        """Stops by limits that are full and let go by hand only, for all whom they are of."""
        for number, judge in enumerate(self._terms.judges):
            if not judge.limit.by_hand:
                continue
            for name in self.books if judge.limit.scope == "guard" else (account,):
                standing = self.standing(number, judge, Key(name, "", 0))
                if self.latches.holding(name) is not None or at <= (standing.released or 0):
                    continue
                if judge.full(standing, at, stake):
                    stop = Latch(name, True, at, self._terms.reasons[number], judge.limit.what)
                    self.latches.take(stop)
                    yield stop

    def _whose(self, judge: Judge, key: Key) -> Whose:
        match judge.limit.scope:
            case "guard":
                return EVERY
            case "key":
                return key
            case _:
                return key.account

    def _results_of(self, whose: Whose) -> Results:
        results = self._results.get(whose)
        if results is None:
            results = self._results[whose] = Results()
        return results

    def _rests_of(self, number: int, judge: Judge, whose: Whose) -> Rests:
        rests = self._rests.get((number, whose))
        if rests is None:
            rule = judge.rest if isinstance(judge, Streak) else self._terms.rest
            rests = self._rests[number, whose] = Rests(rule)
        return rests

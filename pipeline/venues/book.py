"""A venue's book: accounts, what they hold, every contract and every movement of money, as of any moment."""

from bisect import bisect_left, insort
from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from pipeline.evidence import Cash, Listed, Statement
from pipeline.settlement import Contract, Tie
from pipeline.times import DAY
from pipeline.values import Direction, Settlement

KEPT = 32 * DAY
"""How long an ended contract is listed, at least, while the account has no more of them than `MOST`."""
MOST = 1_000
"""Of an account with more the last ones are listed, and all of the last day and since the account was asked for last.
"""
NOTHING = Decimal(0)


class Deal(Struct, frozen=True):
    """A contract as the book has it. `number` says which order made it, 0 for one that did not come by an order."""

    contract: str
    order: str
    request: str
    account: str
    product: str
    tf: int
    direction: Direction
    stake: Decimal
    payout: float
    accepted_at: int
    expiry: int
    number: int = 0
    end: Settlement | None = None
    was: Settlement | None = None
    """How it had ended before that was changed."""
    ticks: int = 0
    """Over how many ticks it runs after the one it enters at; 0 when it runs for a time."""
    tie: Tie | None = None
    """What equal prices give it, where that is not what they give all contracts of the venue."""

    @property
    def terms(self) -> Contract:
        """What it is settled by."""
        return Contract(
            self.order, self.product, self.direction, self.stake, self.payout, self.accepted_at, self.expiry
        )

    @property
    def asked(self) -> str:
        """What it was asked for by."""
        return self.request or self.order

    @property
    def worth(self) -> Decimal:
        """What it has done to its account's balance: the stake is away while it is open."""
        return -self.stake if self.end is None else self.end.profit

    def end_as_of(self, moment: int) -> Settlement | None:
        """How it had ended by a moment."""
        return next((end for end in (self.end, self.was) if end is not None and end.at <= moment), None)

    def worth_as_of(self, moment: int) -> Decimal:
        """What it had done to its account's balance by a moment."""
        end = self.end_as_of(moment)
        if end is not None:
            return end.profit
        return -self.stake if self.accepted_at <= moment else NOTHING

    def listed(self, moment: int, *, echoes: bool) -> Listed:
        end = self.end_as_of(moment)
        open_ = Listed(
            self.contract,
            self.request if echoes else "",
            self.product,
            self.tf,
            self.direction,
            self.stake,
            self.payout,
            self.accepted_at,
            self.expiry,
        )
        if end is None:
            return open_
        # The contract ended when it first did; a change of mind is no later end.
        closed_at = self.was.at if self.was is not None else end.at
        return replace(
            open_,
            result=end.result,
            profit=end.profit,
            entry_ts=end.entry_ts,
            entry=end.entry,
            exit_ts=end.exit_ts,
            exit=end.exit,
            closed_at=closed_at,
        )


class Movement(Struct, frozen=True):
    """Money that came or went by another way than a contract; what is not `told` shows in the balance alone."""

    account: str
    cash: Cash
    told: bool


class Keeping(Protocol):
    """Where a book is written to, before anybody is told what it says. `keep` replaces what the contract was."""

    def open(self, account: str, opening: Decimal) -> None: ...
    def keep(self, deal: Deal) -> None: ...
    def move(self, movement: Movement) -> None: ...
    def close(self) -> None: ...


class Book:
    """All accounts of a venue. Of one that was never opened nobody knows what it holds."""

    def __init__(self, *, asked: bool = True) -> None:
        """`asked`: whether somebody ever asks for what it lists; then all is kept until that is asked for."""
        self._asked = asked
        self.deals: dict[str, Deal] = {}
        self.keeping: Keeping | None = None
        self._accounts: dict[str, _Account] = {}
        self._first: dict[tuple[str, str], str] = {}
        """The first contract of each request of an account."""

    def open(self, account: str, opening: Decimal) -> None:
        """An account begins with so much; one that is there already keeps what it has."""
        mine = self._account(account)
        if mine.opening is None:
            if self.keeping is not None:
                self.keeping.open(account, opening)
            mine.opening = opening

    def take(self, deal: Deal) -> None:
        """A contract begins, or is known from before."""
        if self.keeping is not None:
            self.keeping.keep(deal)
        self.deals[deal.contract] = deal
        self._first.setdefault((deal.account, deal.asked), deal.contract)
        mine = self._account(deal.account)
        insort(mine.begun, (deal.accepted_at, deal.contract))
        self._entered(mine, deal, NOTHING)

    def end(self, contract: str, end: Settlement) -> Deal:
        """A contract ends, or ends otherwise than it had."""
        before = self.deals[contract]
        deal = replace(before, end=end, was=before.end)
        if self.keeping is not None:
            self.keeping.keep(deal)
        self.deals[contract] = deal
        mine = self._account(deal.account)
        self._entered(mine, deal, before.worth)
        self._forget(mine, end.at)
        return deal

    def move(self, movement: Movement) -> None:
        """Money comes or goes."""
        if self.keeping is not None:
            self.keeping.move(movement)
        mine = self._account(movement.account)
        mine.movements.append(movement)
        mine.gained += movement.cash.amount

    def moved(self, account: str, reference: str) -> bool:
        """Whether a movement is known."""
        return any(each.cash.reference == reference for each in self._account(account).movements)

    def first(self, account: str, asked: str) -> Deal | None:
        """The contract that a request of an account made, as long as it is listed."""
        contract = self._first.get((account, asked))
        return self.deals[contract] if contract is not None else None

    def open_deals(self) -> Iterable[Deal]:
        return (self.deals[contract] for mine in self._accounts.values() for contract in mine.open)

    def open_of(self, account: str) -> list[Deal]:
        return [self.deals[contract] for contract in self._account(account).open]

    def ended_since(self, account: str, since: int) -> list[Deal]:
        """The contracts of an account that ended at a moment or after it, the first to end first."""
        mine = self._account(account)
        ended = mine.ended
        names = dict.fromkeys(name for _, name in ended[bisect_left(ended, (since, "")) :])
        mine.asked = since if names else mine.asked
        return [deal for name in names if (deal := self.deals.get(name)) is not None]

    def balance(self, account: str, as_of: int | None = None) -> Decimal | None:
        """What an account holds without the stakes of open contracts, now or at a moment not long ago.

        Of a moment whose contracts are not all known any more nobody knows it.
        """
        mine = self._account(account)
        if mine.opening is None or (as_of is not None and as_of < mine.known_from):
            return None
        if as_of is None:
            return mine.opening + mine.gained
        since = sum((each.cash.amount for each in mine.movements if each.cash.at > as_of), NOTHING)
        for contract in mine.touched(as_of + 1):
            if (deal := self.deals.get(contract)) is not None:
                since += deal.worth - deal.worth_as_of(as_of)
        return mine.opening + mine.gained - since

    def lacks(self, account: str, amount: Decimal) -> bool:
        """Whether an account cannot pay so much. One of which nobody knows what it holds can."""
        balance = self.balance(account)
        return balance is not None and balance < amount

    def statement(self, account: str, since: int, as_of: int, *, contract: str = "", echoes: bool) -> Statement:
        """All contracts of an account begun or ended since a moment, open ones too, and its money, as of another.

        It is since a later moment where some since the one asked for are not known any more.
        """
        mine = self._account(account)
        if not contract:
            mine.asked = since if since < as_of else mine.asked
            since = max(since, mine.known_from)
        names = {contract: None} if contract else mine.touched(since)
        found = [deal for name in names if (deal := self.deals.get(name)) is not None and deal.account == account]
        listed = [deal.listed(as_of, echoes=echoes) for deal in found if deal.accepted_at <= as_of]
        listed.sort(key=lambda each: (each.accepted_at, each.contract))
        moved = [each.cash for each in mine.movements if each.told and since <= each.cash.at <= as_of]
        return Statement(
            account,
            0,
            since,
            as_of,
            as_of,
            tuple(listed),
            () if contract else tuple(moved),
            self.balance(account, as_of),
            contract,
        )

    def _entered(self, mine: "_Account", deal: Deal, before: Decimal) -> None:
        mine.gained += deal.worth - before
        if deal.end is None:
            mine.open[deal.contract] = None
        else:
            mine.open.pop(deal.contract, None)
            insort(mine.ended, (deal.end.at, deal.contract))

    def _forget(self, mine: "_Account", at: int) -> None:
        """Let go of contracts that ended long ago; many at a time, or it would cost each end its part."""
        ended = mine.ended
        before = at - KEPT if ended[0][0] < at - KEPT - DAY else ended[0][0]
        spare = MOST // 4
        if len(ended) > MOST + spare:
            before = max(before, min(at - DAY, mine.asked if self._asked else at, ended[-MOST][0]))
        stop = bisect_left(ended, (before, ""))
        if not stop or (before > at - KEPT and stop < spare):
            return
        for _, contract in mine.ended[:stop]:
            deal = self.deals.get(contract)
            if deal is not None and deal.end is not None and deal.end.at < before:
                del self.deals[contract]
                if self._first.get((deal.account, deal.asked)) == contract:
                    del self._first[deal.account, deal.asked]
        del mine.ended[:stop]
        mine.known_from = max(mine.known_from, before)
        mine.begun = [each for each in mine.begun if each[1] in self.deals]

    def _account(self, name: str) -> "_Account":
        mine = self._accounts.get(name)
        if mine is None:
            mine = self._accounts[name] = _Account()
        return mine


class _Account:
    """What one account holds: names of contracts by when they began and by when they ended, and its money."""

    def __init__(self) -> None:
        self.opening: Decimal | None = None
        self.gained = NOTHING
        """Since the opening, by contracts and otherwise; the stakes of open contracts are away."""
        self.open: dict[str, None] = {}
        self.begun: list[tuple[int, str]] = []
        self.ended: list[tuple[int, str]] = []
        self.movements: list[Movement] = []
        self.asked = 0
        """Since when its contracts were asked for last."""
        self.known_from = 0
        """All that ended before is forgotten, perhaps."""

    def touched(self, since: int) -> dict[str, None]:
        """The contracts that began or ended at a moment or after it, and those that are open."""
        named = dict(self.open)
        for several in (self.begun, self.ended):
            named |= dict.fromkeys(name for _, name in several[bisect_left(several, (since, "")) :])
        return named

"""The book of one account: its orders and what its venue lists, and whether the two and the balance agree.

Everything that pays or costs is summed from the ledger's orders; the venue's listing says what of it had happened by
the moment its balance is of. So a balance that agrees is evidence, and one that does not names what is missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from pipeline.certainty.differences import of_balance, of_contract, of_dispute, of_order
from pipeline.evidence import Cash, Dispute, Listed, Statement
from pipeline.states import ENDED, UNSURE
from pipeline.times import HOUR
from pipeline.values import Certificate, Order

NOTHING = Decimal(0)
MARGIN = HOUR
"""How long contracts that ended are kept after a certificate: listings overlap."""
LONG_AGO = 0

End = tuple[str, int, str, Decimal, int, float, int, float]
"""What a contract was of, and the prices it went by."""


@dataclass
class Book:
    """What is known of one account since the certificate `base`."""

    account: str
    base: Certificate | None = None
    first: Certificate | None = None
    """The first one ever, while there is none to begin after: what is held is reckoned from there."""
    orders: dict[str, Order] = field(default_factory=dict[str, Order])
    listed: dict[str, Listed] = field(default_factory=dict[str, Listed])
    cash: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    """By reference, all that ever came or went."""
    disputes: list[Dispute] = field(default_factory=list[Dispute])
    gained: Decimal = NOTHING
    """By orders that are not kept any more."""
    statement: Statement | None = None
    """The last complete one."""
    since: int = LONG_AGO
    """From when on every contract was listed."""
    _kept_from: int = LONG_AGO
    _requested: dict[str, Listed] = field(default_factory=dict[str, Listed])
    """Those listed that name our request."""
    _ends: dict[End, Listed] = field(default_factory=dict[End, Listed])
    """Those that ended and name none, by how they did: to the price and the moment it is of no other."""
    _paid: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    """What each order paid that ended and is listed so: nothing of it changes but by a new state of the order."""
    _sum: Decimal = NOTHING
    """Of these."""

    def follow(self, order: Order) -> None:
        self._sum -= self._paid.pop(order.order, NOTHING)
        self.orders[order.order] = order

    def read(self, statement: Statement) -> Iterator[Cash]:
        """Take in what a venue tells; money that came or went is told on once."""
        for each in statement.contracts:
            self._list(each)
        for each in statement.cash:
            if each.reference not in self.cash:
                self.cash[each.reference] = each.amount
                yield Cash(each.reference, each.at, each.amount, each.what, self.account)
        if statement.contract:
            return
        if self.statement is None or statement.since > self.statement.as_of:
            self.since = statement.since
        if self.statement is None or statement.as_of >= self.statement.as_of:
            self.statement = statement

    @property
    def unsure(self) -> bool:
        """Whether something is not known that is still asked for."""
        return any(order.state in UNSURE for order in self.orders.values())

    def off(self, statement: Statement) -> Decimal:
        """How much more the account holds than is accounted for; a certificate says why, this is cheap."""
        opened = self._opened
        if statement.balance is None or opened is None:
            return NOTHING
        paid, held, as_of = NOTHING, NOTHING, statement.as_of
        for order in [each for name, each in self.orders.items() if name not in self._paid]:
            if not self._begun(order, as_of):
                continue
            if self._open(order, as_of):
                held += order.stake
            elif order.state in ENDED:
                if self._listing(order) is None:
                    paid += order.profit
                else:
                    self._paid[order.order] = order.profit
                    self._sum += order.profit
        gained, moved = self.gained + self._sum + paid, sum(self.cash.values(), NOTHING)
        due = accounted(opened) + gained - opened.gained + moved - opened.moved - held + opened.held
        return statement.balance - due

    def certificate(self, statement: Statement, at: int) -> Certificate:
        """Whether everything is accounted for as of a complete statement."""
        as_of, base = statement.as_of, self.base
        opened = self._opened
        since = max(self.since, base.as_of) if base is not None else self.since
        begun = [each for each in self.orders.values() if self._begun(each, as_of)]
        gained = self.gained + sum((each.profit for each in begun if self._ended(each, as_of)), NOTHING)
        moved = sum(self.cash.values(), NOTHING)
        held = sum((each.stake for each in begun if self._open(each, as_of)), NOTHING)
        profit, cash, stakes = NOTHING, NOTHING, NOTHING
        opening = statement.balance if statement.balance is not None else NOTHING
        if opened is not None:
            profit, cash, stakes = gained - opened.gained, moved - opened.moved, held - opened.held
            opening = accounted(opened)
        here = [each for each in begun if self._belongs(each, since, as_of)]
        there = [each for each in self.listed.values() if _listed_within(each, since, as_of)]
        begins = base.as_of if base is not None else self.since
        earlier = [each for each in begun if each.state in ENDED and self._before(each, begins, since, as_of)]
        unexplained = [*self._odd(here, there, as_of), *map(of_dispute, self.disputes)]
        if statement.balance is not None:
            unexplained += of_balance(statement.balance - (opening + profit + cash - stakes), statement.balance)
        return Certificate(
            account=self.account,
            since=begins,
            as_of=as_of,
            at=at,
            intents=sum(order.origin == "flow" for order in (*here, *earlier)),
            contracts=len(there) + len(earlier),
            opening=opening,
            profit=profit,
            cash=cash,
            stakes=stakes,
            closing=statement.balance,
            unexplained=tuple(unexplained),
            gained=gained,
            moved=moved,
            held=held,
        )

    def close(self, certificate: Certificate) -> None:
        """Begin anew after a certificate: what ended well before it is let go."""
        self.base = certificate
        self.disputes = [each for each in self.disputes if each.at > certificate.at]
        self._kept_from = certificate.as_of - MARGIN
        for name, order in tuple(self.orders.items()):
            if order.state in ENDED and max(order.expiry, order.at) < self._kept_from:
                self.gained += order.profit
                self._sum -= self._paid.pop(name, NOTHING)
                del self.orders[name]
        for name, listed in tuple(self.listed.items()):
            if listed.result is not None and listed.closed_at < self._kept_from:
                del self.listed[name]
                self._requested.pop(listed.request, None)
                self._ends.pop(_end(listed), None)

    def _list(self, each: Listed) -> None:
        """The newest is kept; an end is not forgotten because an older listing comes late."""
        known = self.listed.get(each.contract)
        if each.result is not None and each.closed_at < self._kept_from:
            return
        if known is None or known.result is None or each.result is not None:
            self.listed[each.contract] = each
            if each.request:
                self._requested[each.request] = each
            elif each.entry_ts and each.exit_ts:
                self._ends[_end(each)] = each

    def _listing(self, order: Order) -> Listed | None:
        """What the venue lists of an order; an end that overtook the answer left it without its contract's name."""
        if order.contract:
            return self.listed.get(order.contract)
        return self._requested.get(order.request) or self._ends.get(_end(order))

    def _odd(self, here: list[Order], there: list[Listed], as_of: int) -> Iterator[str]:
        known = {found.contract: order for order in self.orders.values() if (found := self._listing(order))}
        requests = {order.request: order for order in self.orders.values() if order.request}
        for listed in sorted(there, key=lambda each: (each.accepted_at, each.contract)):
            yield from of_contract(listed, known.get(listed.contract) or requests.get(listed.request))
        unknown = [order for order in self.orders.values() if order.state == "UNKNOWN" and order not in here]
        for order in sorted([*here, *unknown], key=lambda each: (each.bar, each.order)):
            yield from of_order(order, self._listing(order), as_of)

    @property
    def _opened(self) -> Certificate | None:
        """What the sums go on from; nothing while the venue never said what the account holds."""
        opened = self.first if self.base is None else self.base
        return opened if opened is not None and (opened.closing is not None or opened.opening) else None

    def _begun(self, order: Order, as_of: int) -> bool:
        """Whether the venue had its contract by a moment."""
        listed = self._listing(order)
        if listed is not None and order.state != "ABORT":
            return listed.accepted_at <= as_of
        if order.contract:
            return order.expiry - order.tf <= as_of
        return order.state in ("SETTLED", "CANCELED")

    def _open(self, order: Order, as_of: int) -> bool:
        """Whether its contract ran at a moment; the venue's listing says so where there is one."""
        listed = self._listing(order)
        if listed is not None:
            return listed.result is None or listed.closed_at > as_of
        return order.state not in ENDED or order.ended_at > as_of

    def _ended(self, order: Order, as_of: int) -> bool:
        return order.state in ENDED and not self._open(order, as_of)

    def _belongs(self, order: Order, since: int, as_of: int) -> bool:
        """Whether a listing of what was open or ended since a moment has to have it."""
        listed = self._listing(order)
        return order.expiry > since if listed is None else _listed_within(listed, since, as_of)

    def _before(self, order: Order, begins: int, since: int, as_of: int) -> bool:
        """Whether it ended within the span and before all that is listed now: an earlier life went through its end."""
        return self._belongs(order, begins, as_of) and not self._belongs(order, since, as_of)


def amiss(certificate: Certificate) -> tuple[Decimal, tuple[str, ...]]:
    """What is not explained: how much money, and all else in words. Trades move the balance, not what is missing."""
    off = NOTHING if certificate.closing is None else certificate.closing - accounted(certificate)
    return off, certificate.unexplained[: -1 if off else None]


def accounted(certificate: Certificate) -> Decimal:
    """What an account held at a certificate by all that is known; what is unexplained is not in it."""
    return certificate.opening + certificate.profit + certificate.cash - certificate.stakes


def _end(of: Order | Listed) -> End:
    return of.product, of.tf, of.direction, of.stake, of.entry_ts, of.entry, of.exit_ts, of.exit


def _listed_within(listed: Listed, since: int, as_of: int) -> bool:
    return listed.accepted_at <= as_of and (listed.result is None or listed.closed_at > since)

"""What a report is about: the orders of an account's product and timeframe, or all of one kind of money."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pipeline.arming import rehearsed
from pipeline.plan import Account, Plan
from pipeline.reporting.proven import NOTHING_PROVEN, Proven
from pipeline.statistics.fan import Fan, fan
from pipeline.statistics.records import Record, record
from pipeline.statistics.shares import Money
from pipeline.times import timeframe_name
from pipeline.values import Order

NO_ACCOUNT = ""


class Purse(NamedTuple):
    """Whose trades may be summed: one kind of money in one currency."""

    money: Money
    currency: str

    def __str__(self) -> str:
        return f"{self.money} {self.currency}".strip()


@dataclass(frozen=True)
class Subject:
    """Orders that belong together. Its record holds those that settled; the others tell of themselves."""

    purse: Purse
    orders: tuple[Order, ...]
    zone: ZoneInfo
    account: str = NO_ACCOUNT
    product: str = ""
    tf: int = 0
    proven: Proven = NOTHING_PROVEN

    @cached_property
    def record(self) -> Record[Money]:
        return record(self.purse.money, self.orders, self.purse.currency)

    @cached_property
    def fan(self) -> Fan | None:
        return fan(self.record)

    @property
    def title(self) -> str:
        if self.account == NO_ACCOUNT:
            return f"all {self.purse}"
        return f"{self.account} {self.product} {timeframe_name(self.tf)} ({self.purse})"


def purse_of(account: str, plan: Plan, money: Money | None = None) -> Purse:
    """Of an account the plan does not know (any more) the currency is unknown."""
    known: Mapping[str, Account] = plan.accounts
    currency = known[account].currency if account in known else ""
    return Purse(money or money_of(account, plan), currency)


def money_of(account: str, plan: Plan) -> Money:
    """Whose money an account moves. At a venue that moves nobody's it is paper; one nobody knows is taken as real."""
    if plan.settings.mode != "live":
        return "paper"
    known = plan.accounts.get(account)
    if known is None:
        return "real"
    return "paper" if known.money == "practice" or rehearsed(plan, account) else known.money


def keyed(
    orders: Iterable[Order], purses: Mapping[str, Purse], zone: ZoneInfo, proven: Proven = NOTHING_PROVEN
) -> Iterator[Subject]:
    """One subject for each account, product and timeframe, in their order."""
    by_key: dict[tuple[str, str, int], list[Order]] = {}
    for order in orders:
        by_key.setdefault((order.account, order.product, order.tf), []).append(order)
    for (account, product, tf), some in sorted(by_key.items()):
        yield Subject(purses[account], tuple(some), zone, account, product, tf, proven)


def totals(subjects: Iterable[Subject]) -> Iterator[Subject]:
    """One subject for each purse: different money and different currencies are never summed."""
    by_purse: dict[Purse, list[Subject]] = {}
    for subject in subjects:
        by_purse.setdefault(subject.purse, []).append(subject)
    for purse, some in sorted(by_purse.items()):
        orders = tuple(order for subject in some for order in subject.orders)
        yield Subject(purse, orders, some[0].zone, proven=some[0].proven)

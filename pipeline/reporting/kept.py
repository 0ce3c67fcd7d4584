"""The report of what a flow's ledger has, for whoever asks beside it."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import InputError
from pipeline.ledger.reading import Reader
from pipeline.plan import Plan
from pipeline.reporting import Report, report_of
from pipeline.reporting.proven import proven_in
from pipeline.reporting.sections import Sections
from pipeline.tables import nearest
from pipeline.trials import tries_in
from pipeline.values import Order


def report_kept(ledger: Path, plan: Plan, account: str | None, of_keys: Sections) -> Report:
    """The report of all that a ledger has, or of one account, which may have traded nothing yet."""
    orders = orders_kept(ledger)
    if account is not None:
        known = sorted({*plan.accounts, *(order.account for order in orders)})
        if account not in known:
            raise InputError(f"there is no account {account!r}; {nearest(account, known)}")
        orders = [order for order in orders if order.account == account]
    return report_of(orders, plan, of_keys=of_keys, tries=tries_in(ledger), proven=proven_in(ledger))


def orders_kept(ledger: Path) -> Sequence[Order]:
    reader = Reader(ledger)
    try:
        return reader.orders()
    finally:
        reader.close()


def of_account(orders: Sequence[Order], account: str | None) -> Sequence[Order]:
    if account is None:
        return orders
    known = sorted({order.account for order in orders})
    if known and account not in known:
        raise InputError(f"account {account!r} has no orders; {nearest(account, known)}")
    return [order for order in orders if order.account == account]

"""A statement that is complete and of one moment, put together from several listings that are of several.

Everything that is asked for is asked after the moment the statement is of. What happened since then shows in some of
the listings and not in others; it is left out of all, by its stamp.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import pairwise

from pipeline.connections.troubles import CallFailed
from pipeline.deriv.ends import Naming
from pipeline.deriv.shapes import Contract, Movement
from pipeline.evidence import Cash, Listed
from pipeline.times import SECOND

OF_CONTRACTS = frozenset({"buy", "sell"})


def as_of(server_time: int) -> int:
    """The last millisecond of which all is known once a venue that counts whole seconds has told one.

    Within the second that is told more may happen.
    """
    return server_time // SECOND * SECOND - 1


def ordered(movements: Iterable[Movement]) -> list[Movement]:
    """Each once, in the order in which they happened; pages overlap where something happened between them."""
    once = {each.number: each for each in movements}
    return sorted(once.values(), key=lambda each: (each.at, each.number))


def balance_at(movements: Sequence[Movement], moment: int, now: Decimal) -> Decimal:
    """What the account held at a moment, by its ledger; `now` where nothing moved since before all that is listed.

    Every line must go on from the one before it: if one is missing, so may be a contract. What the account held before
    the ledger was asked for must be in it: else the ledger is older than that.
    """
    for before, after in pairwise(movements):
        if before.after + after.amount != after.after:
            raise CallFailed("format", f"the ledger of the account has a hole before line {after.number}")
    if movements and now not in {movements[0].after - movements[0].amount, *(each.after for each in movements)}:
        raise CallFailed("format", "the ledger of the account is behind its balance")
    until = [each for each in movements if each.at <= moment]
    if until:
        return until[-1].after
    return movements[0].after - movements[0].amount if movements else now


def cash_of(movements: Iterable[Movement], since: int, until: int) -> tuple[Cash, ...]:
    """The money that came or went without a contract."""
    return tuple(
        Cash(str(each.number), each.at, each.amount, each.what)
        for each in movements
        if each.what not in OF_CONTRACTS and since <= each.at <= until
    )


def unlisted(movements: Iterable[Movement], known: Iterable[Contract], until: int) -> list[str]:
    """Contracts that the ledger has and no listing does."""
    names = {each.contract for each in known}
    wanted = (each.contract for each in movements if each.what in OF_CONTRACTS and each.at <= until)
    return list(dict.fromkeys(name for name in wanted if name and name not in names))


def listed_at(contracts: Iterable[Contract], naming: Naming, since: int, until: int) -> tuple[Listed, ...]:
    """The contracts that ran at a moment or since, as they stood at another; one listed twice counts as it ended."""
    latest: dict[str, Contract] = {}
    for each in contracts:
        known = latest.get(each.contract)
        if known is None or _says(each) > _says(known):
            latest[each.contract] = each
    found = [naming.listed(each, until) for each in latest.values() if each.start <= until]
    found = [each for each in found if each.result is None or each.closed_at >= since or each.accepted_at >= since]
    return tuple(sorted(found, key=lambda each: (each.accepted_at, each.contract)))


def _says(contract: Contract) -> tuple[bool, bool]:
    return contract.sold_for is not None, bool(contract.entry_ts)

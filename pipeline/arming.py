"""Arming an account for real money: what whoever does it is shown, what forbids it, and for how long it holds."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.errors import InputError
from pipeline.permission import Permission, permission_of
from pipeline.plan import Plan
from pipeline.states import UNSURE
from pipeline.statistics.evidence import Evidence
from pipeline.statistics.records import record
from pipeline.statistics.shares import factor
from pipeline.tables import nearest
from pipeline.times import DAY, HOUR, MINUTE, local_text
from pipeline.values import Arming, Certificate, Order, Past

LONGEST = 12 * HOUR
SHORTEST = MINUTE
FRESH = DAY
"""How old a certificate may be that an account is armed on."""


@dataclass(frozen=True)
class Case:
    """All that is known of an account when it is about to be armed."""

    account: str
    money: str
    permission: Permission
    limits: tuple[str, ...]
    certificate: Certificate | None
    evidence: str
    holds: tuple[str, ...]
    """What keeps it from trading though it were armed."""
    forbids: tuple[str, ...]
    """Why it must not be armed, and how to mend that."""
    zone: ZoneInfo

    def sheet(self) -> Mapping[str, Sequence[str]]:
        """What is shown, by heading."""
        page = [self.permission.page] if self.permission.page else []
        return {
            "account": [self.money],
            "permission": [self.permission.statement, *page],
            "limits": self.limits or ("none: no guard trades on this account",),
            "certificate": [self._certified()],
            "evidence": [self.evidence],
            "what holds": self.holds or ("nothing: armed, it trades at once",),
        }

    def _certified(self) -> str:
        made = self.certificate
        if made is None:
            return "none"
        if not made.sound:
            return f"NOT SOUND as of {self._when(made.as_of)}: {'; '.join(made.unexplained)}"
        sums = f"{made.opening} {made.profit:+} of trades {made.cash:+} of cash {-made.stakes:+} of open stakes"
        return f"sound as of {self._when(made.as_of)}: {sums} = {made.closing}"

    def _when(self, moment: int) -> str:
        return f"{local_text(moment, self.zone)} ({self.zone.key})"


def case_of(plan: Plan, account: str, past: Past, orders: Iterable[Order], now: int) -> Case:
    """What is to be shown of an account, and whether it may be armed; `orders` are all of the ledger."""
    known = plan.accounts.get(account)
    if known is None:
        raise InputError(f"there is no account {account!r}; {nearest(account, plan.accounts)}")
    if known.money != "real":
        raise InputError(f'{account} plays with {known.money} money; only accounts with money = "real" are armed')
    zone = ZoneInfo(plan.settings.display_timezone)
    permission = permission_of(plan.by_id[f"venues.{known.venue}"].instance)
    certificate = next((each for each in past.certificates if each.account == account), None)
    whose = "a REHEARSAL: it is called REAL, and moves nobody's money" if permission.rehearsal else "REAL money"
    return Case(
        account=account,
        money=f"{account} at {known.venue}, {known.currency}: {whose}",
        permission=permission,
        limits=tuple(_limits(plan, account)),
        certificate=certificate,
        evidence=_evidence([order for order in orders if order.account == account]),
        holds=tuple(_holds(past, account, zone)),
        forbids=(*_uncertified(certificate, now), *_unsure(past, account)),
        zone=zone,
    )


def armed(case: Case, now: int, length: int, by: str) -> Arming:
    """The arming of an account that nothing forbids."""
    if case.forbids:
        raise InputError(f"{case.account} is not armed: {'; '.join(case.forbids)}")
    if not SHORTEST <= length <= LONGEST:
        raise InputError("an account is armed for between 1m and 12h; name a time within that with --for")
    return Arming(f"{case.account}/{now}", case.account, now, now + length, by)


def withdrawn(arming: Arming, now: int, by: str, reason: str = "") -> Arming:
    """The end of an arming before its time."""
    at = max(now, arming.at)
    return Arming(arming.arming, arming.account, at, at, by, reason)


def rehearsed(plan: Plan, account: str) -> bool:
    """Whether an account's venue moves nobody's money though the account is said to play with somebody's."""
    known = plan.accounts[account]
    venue = plan.by_id.get(f"venues.{known.venue}")
    return known.money != "practice" and venue is not None and permission_of(venue.instance).rehearsal


def banner(plan: Plan, armings: Iterable[Arming], now: int) -> list[str]:
    """Whose money a flow plays with, for all to see: REAL in capitals, and until when it is armed."""
    live, zone = Armings(armings), ZoneInfo(plan.settings.display_timezone)
    said: list[str] = []
    for name, account in plan.accounts.items():
        if account.money == "practice":
            continue
        arming = live.live(name, now)
        until = "NOT ARMED" if arming is None else f"ARMED UNTIL {local_text(arming.until, zone)} ({zone.key})"
        state = f": {until}" if account.money == "real" else ""
        rehearsal = " (A REHEARSAL: nobody's money moves)" if rehearsed(plan, name) else ""
        said.append(f"{account.money.upper()} MONEY on {name} at {account.venue}{rehearsal}{state}")
    return said or ["practice money only"]


class Armings:
    """Which accounts are armed."""

    def __init__(self, armings: Iterable[Arming] = ()) -> None:
        self._last = {each.account: each for each in armings}
        self._over: set[str] = set()

    def take(self, arming: Arming) -> None:
        self._last[arming.account] = arming

    def live(self, account: str, now: int) -> Arming | None:
        """The arming under which an account trades at a moment."""
        last = self._last.get(account)
        return last if last is not None and last.at <= now < last.until else None

    def expired(self, now: int) -> Iterator[Arming]:
        """Those whose time has come to its end since this was asked before; what was withdrawn is not told."""
        for each in self._last.values():
            if each.at < each.until <= now and each.arming not in self._over:
                self._over.add(each.arming)
                yield withdrawn(each, each.until, "its time", "it is over")


def facts_of(arming: Arming | None) -> dict[str, Any] | None:
    return None if arming is None else {name: getattr(arming, name) for name in ("arming", "at", "until", "by")}


# --- what is shown and what forbids -----------------------------------------------------------------------------------


def _limits(plan: Plan, account: str) -> Iterator[str]:
    for guard in plan.of("risk"):
        if account in guard.instance.accounts:
            yield from guard.instance.rules()
            yield from guard.instance.stamps()


def _evidence(orders: Sequence[Order]) -> str:
    known = record("real", orders)
    if not len(known.slots):
        return "NOTHING IS PROVED: no trade of this account has ended"
    edge = Evidence().over(known.slots.returns)
    said = "an edge over break-even is shown" if edge.shown else "NOTHING IS PROVED"
    meter = f"×{factor(edge.times)} for an edge, ×{factor(edge.most_times)} at the highest, enough is"
    return f"{said}: {known.win_rate}; {meter} ×{factor(edge.threshold)}"


def _holds(past: Past, account: str, zone: ZoneInfo) -> Iterator[str]:
    for latch in past.latches:
        if latch.scope in ("", account):
            stopped = f"{latch.scope or 'everything'} is stopped since {local_text(latch.at, zone)} by {latch.by}"
            yield f"{stopped}: {latch.reason}; `resume` releases it"


def _uncertified(certificate: Certificate | None, now: int) -> Iterator[str]:
    if certificate is None:
        yield "nobody ever held what its venue lists against the ledger; do so with `reconcile`"
    elif not certificate.sound:
        amiss = "; ".join(certificate.unexplained)
        yield f"its last certificate does not add up ({amiss}); explain it, then `reconcile`"
    elif now - certificate.at > FRESH:
        yield f"its last certificate is {(now - certificate.at) // HOUR} h old; make a new one with `reconcile`"


def _unsure(past: Past, account: str) -> Iterator[str]:
    for order in past.orders:
        if order.account == account and order.state in UNSURE:
            yield f"order {order.order} is {order.state}; `reconcile`, or sign what became of it with `verdict`"

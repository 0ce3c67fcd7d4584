"""The leave to send orders of an account: without one nothing is sent, and only `leave_of` gives it."""

from dataclasses import dataclass
from typing import final

from pipeline.evidence import Money
from pipeline.values import Arming


@final
@dataclass(frozen=True, slots=True)
class Leave:
    """An account's orders may be sent, at the moment it was asked for; real money by somebody's arming."""

    account: str
    arming: str


def leave_of(account: str, money: Money, arming: Arming | None, at: int) -> Leave | None:
    """The leave to send an order of an account at a moment; real money needs an arming that holds then."""
    if money != "real":
        return Leave(account, "")
    if arming is None or arming.account != account or not arming.at <= at < arming.until:
        return None
    return Leave(account, arming.arming)

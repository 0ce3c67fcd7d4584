"""How orders, keys and stops stand: of all that flows as much as a console shows, which needs no columns of numbers."""

from typing import Literal, NamedTuple

from msgspec import Struct


class Stream(NamedTuple):
    """Whose bars: one product in one timeframe (ms)."""

    product: str
    tf: int


class Key(NamedTuple):
    """Whose trades: one account on one stream."""

    account: str
    product: str
    tf: int


Result = Literal["win", "lose", "push", "canceled", "abort"]
OrderState = Literal[
    "PREPARE",
    "SEND",
    "SEND_RETRY",
    "CONFIRM",
    "CONFIRM_RETRY",
    "SETTLED",
    "CANCELED",
    "ABORT",
    "UNKNOWN",
    "UNKNOWN_RESULT",
]
"""PREPARE: its intent is being written. SEND: it left, or may have. SEND_RETRY: it certainly did not, and will once
more. CONFIRM: the venue has the contract. CONFIRM_RETRY: its end is overdue and asked for. UNKNOWN: nobody knows
whether there is a contract; UNKNOWN_RESULT: there is one, and nobody knows how it ended. The others are ends."""
ENDED: frozenset[OrderState] = frozenset({"SETTLED", "CANCELED", "ABORT"})
UNSURE: frozenset[OrderState] = frozenset({"UNKNOWN", "UNKNOWN_RESULT"})


EVERYBODY = ""
"""Whom a stop of no account stops."""


class Latch(Struct, frozen=True):
    """A stop that stays until somebody releases it with a reason, whatever ends or starts in between.

    `scope` is whom it stops: "" everybody, or an account.
    """

    scope: str
    on: bool
    at: int
    reason: str
    by: str
    """Who set or released it: a node of the flow, or the user by a verb."""


LifeState = Literal["INIT", "RUNNING", "PAUSED", "RELOAD", "STOPPING", "STOPPED"]


class Scope(Struct, frozen=True):
    """Which keys: those of an account, a product and a timeframe (ms); what is left out means all."""

    account: str = ""
    product: str = ""
    tf: int = 0

    def holds(self, key: Key) -> bool:
        return self.account in ("", key.account) and self.product in ("", key.product) and self.tf in (0, key.tf)

    def covers(self, other: "Scope") -> bool:
        """Whether every key of the other is one of these."""
        return self.account in ("", other.account) and self.product in ("", other.product) and self.tf in (0, other.tf)


class Switched(Struct, frozen=True):
    """Somebody started or stopped keys. It holds until somebody says otherwise, whatever ends or starts in between."""

    scope: Scope
    on: bool
    at: int
    reason: str
    by: str
    only: bool = False
    """These are started and all others are stopped."""

    def says(self, key: Key) -> bool | None:
        """Whether a key is to trade; None where this says nothing of it."""
        if self.scope.holds(key):
            return self.on
        return False if self.only else None

"""Accounts as they stand."""

from typing import Annotated

from msgspec import Meta, Struct

from pipeline.view import Money


class Bound(Struct, frozen=True):
    """One limit of an account, and how much of it is used now. Amounts are of the account's currency."""

    risk: str
    """The guard."""
    what: str
    """daily_loss, loss, target, trades: of a day; open: contracts at once."""
    used: str
    most: str
    share: float
    """Used of most; above 1 where there is more."""


class AccountWhole(Struct, frozen=True):
    """One account. Never add up rows of different `money` or `currency`."""

    id: str
    venue: str
    money: Money
    currency: str
    user: dict[str, str]
    """Whom it logs in as, shortened; empty where nobody logs in."""
    standing: str
    """CONNECTED, or why nothing is sent: DISCONNECTED, AUTHENTICATING, REAUTH, RECONNECT, READ_ONLY, REFUSED."""
    since_ms: int
    """Since when it stands so, on the flow's clock; 0: from the start."""
    reason: str
    last_login_ms: int
    """When it was let in last, on the flow's clock; 0: it was not, or need not be."""
    balance: str
    day_profit: str
    open: int
    keys: int
    armed: bool
    armed_until: int
    rehearsal: bool
    stopped: str
    trades: int = 0
    """Settled ones, as far as the ledger told of them at the start, and those since."""
    win_rate_text: str = ""
    """Of these: complete, with its interval, its break-even and its n; "" before the first."""
    last_trade_ms: int = 0
    """When the end of the last one was known; 0: never."""
    bounds: tuple[Bound, ...] = ()
    """The limits of a day and of what is open, and how much of them is used."""
    rules: tuple[str, ...] = ()
    """Everything that stops it, in sentences."""
    errors: dict[str, int] = {}
    """How often what went wrong with its venue since the start, by kind."""
    last_error: str = ""
    permission: str = ""
    """On what terms its venue may be traded at, as the venue's part says."""


class AccountsTold(Struct, frozen=True):
    """Every account of the flow."""

    accounts: tuple[AccountWhole, ...]


class LogIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Which account tries again, with a one-time code where its venue asks for one."""

    id: Annotated[str, Meta(min_length=1, max_length=200)]
    otp: Annotated[str, Meta(max_length=64, pattern=r"^[A-Za-z0-9 -]*$")] = ""


class LoggedIn(Struct, frozen=True):
    """How the account stands now."""

    id: str
    standing: str
    since_ms: int

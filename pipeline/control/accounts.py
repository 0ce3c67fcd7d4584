"""Accounts for programs: how each stands, and letting one that was refused try again."""

import asyncio
from typing import Any

from msgspec.structs import replace

from pipeline.aside import Asking
from pipeline.control.beside import Beside
from pipeline.control.bounds import bounds_of, rules_of
from pipeline.control.errors import Refused
from pipeline.control.routing import Nothing, Route
from pipeline.errors import InputError
from pipeline.evidence import Standing
from pipeline.keys import logins_of
from pipeline.keys.keeping import keep
from pipeline.keys.profiles import Profile, profile_of
from pipeline.masking import shortened
from pipeline.permission import permission_of
from pipeline.plan import Node, Plan
from pipeline.secret import LoggingIn, Login, Secret
from pipeline.tables import nearest
from pipeline.told.accounts import AccountsTold, AccountWhole, LoggedIn, LogIn
from pipeline.view import AccountRow, View

LOOKS_EVERY = 0.25
PATIENCE = 20.0
"""Seconds in which a venue has to say whether it lets an account in."""
WAITING = ("DISCONNECTED", "AUTHENTICATING", "RECONNECT", "REAUTH")


class Holders:
    """Looks at accounts in turns of the flow, and has those that were refused try again."""

    def __init__(self, view: View, beside: Beside, ask: Asking) -> None:
        self._view, self._beside, self._ask = view, beside, ask

    async def accounts(self, _: Nothing, __: None) -> AccountsTold:
        wholes = await self._ask(lambda: tuple(self._whole(row) for row in self._view.status().accounts))
        users = await asyncio.to_thread(_users, self._beside.plan)
        return AccountsTold(tuple(replace(each, user=users.get(each.id, {})) for each in wholes))

    def _whole(self, row: AccountRow) -> AccountWhole:
        """All there is to say of an account but whom it logs in as: that is in a file."""
        beside, results = self._beside, self._beside.results
        standing = beside.standings.get(row.name)
        facts: dict[str, Any] = {name: getattr(row, name) for name in _SAME}
        return AccountWhole(
            id=row.name,
            user={},
            standing="CONNECTED" if standing is None else standing.state,
            since_ms=0 if standing is None else standing.at,
            reason="" if standing is None else standing.reason,
            last_login_ms=beside.connected.get(row.name, 0),
            trades=results.trades(row.name),
            win_rate_text=results.win_rate_text(row.name),
            last_trade_ms=results.last(row.name),
            bounds=tuple(bounds_of(beside.plan, row.name, row.open, results, self._view.hello().clock)),
            rules=tuple(rules_of(beside.plan, row.name)),
            errors=results.troubles(row.name),
            last_error=results.trouble(row.name),
            permission=_permission(beside.plan, row.name),
            **facts,
        )

    async def login(self, _: Nothing, asked: LogIn) -> LoggedIn:
        plan = self._beside.plan
        account = plan.accounts.get(asked.id)
        if account is None:
            raise Refused("NOT_FOUND", f"there is no account {asked.id!r}; {nearest(asked.id, plan.accounts)}")
        node = plan.by_id[f"venues.{account.venue}"]
        if not isinstance(node.instance, LoggingIn) or not node.instance.login_fields:
            raise Refused("BUSINESS_RULE", f"{asked.id} is at {account.venue}, where nobody logs in")
        before = await self._standing(asked.id)
        if before is not None and before.state in ("CONNECTED", "READ_ONLY") and not asked.otp:
            return self._told(asked.id, before)  # there is nothing to try
        if asked.otp or before is None or before.state == "REFUSED":
            try:
                await asyncio.to_thread(_store_again, plan, node, asked)
            except InputError as failure:
                raise Refused("AUTH", str(failure), 409) from None
        return self._told(asked.id, await self._waited(asked.id, before))

    async def _waited(self, account: str, before: Standing | None) -> Standing | None:
        """How an account stands once its venue has said something, or after a while."""
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        while True:
            now = await self._standing(account)
            settled = now is not None and now.state not in WAITING and now is not before
            if settled or loop.time() >= until:
                return now
            await asyncio.sleep(LOOKS_EVERY)

    def _told(self, account: str, now: Standing | None) -> LoggedIn:
        if now is None or now.state in WAITING:
            why = f"{account} is {now.state}: {now.reason}" if now is not None else f"{account} was not tried"
            raise Refused("NETWORK", f"{why}; its venue did not let it in within {PATIENCE:.0f} s")
        if now.state == "REFUSED":
            raise Refused("AUTH", f"{account} is REFUSED: {now.reason}", 409)
        if now.state == "READ_ONLY":
            raise Refused("MAINTENANCE", f"{account} is READ_ONLY: {now.reason}")
        return LoggedIn(account, now.state, now.at)

    async def _standing(self, account: str) -> Standing | None:
        return await self._ask(lambda: self._beside.standings.get(account))


def _store_again(plan: Plan, node: Node, asked: LogIn) -> None:
    """Keep the login there is once more, with a new code: whoever was refused tries what is new. Nobody is asked."""
    part, account = node.part.name, asked.id
    login = logins_of(plan.base, part).of(account)
    profile = _profile(plan, account)
    codes = tuple(field.name for field in node.instance.login_fields if field.kind == "code")
    if asked.otp and not codes:
        raise InputError(f"{part} takes no one-time code; leave otp out")
    lasting = {name: each for name, each in login.secrets.items() if name not in codes}
    given = {codes[0]: Secret(asked.otp.strip(), passing=True)} if asked.otp else {}
    keep(plan.base, account, part, profile.kept, Login(login.names, lasting | given), tuple(given))


def _profile(plan: Plan, account: str) -> Profile:
    profile = profile_of(plan.base, account)
    if profile is None:
        raise InputError(f"{account} has no login yet; store one with `accounts add {account}`")
    return profile


def _users(plan: Plan) -> dict[str, dict[str, str]]:
    """Whom each account logs in as, as its owner knows it again and nobody else does."""
    return {name: _user(plan, name) for name in plan.accounts}


def _user(plan: Plan, account: str) -> dict[str, str]:
    try:
        profile = profile_of(plan.base, account)
    except InputError:
        return {}
    return {} if profile is None else {key: shortened(name) for key, name in profile.names.items()}


def _permission(plan: Plan, account: str) -> str:
    known = plan.accounts.get(account)
    return "" if known is None else permission_of(plan.by_id[f"venues.{known.venue}"].instance).sentence


_SAME = (
    *("venue", "money", "currency", "balance", "day_profit", "open", "keys"),
    *("armed", "armed_until", "rehearsal", "stopped"),
)

ROUTES = (
    Route(
        method="GET",
        path="/accounts",
        name="accounts",
        does="Every account: how it stands with its venue, what it holds, whether it may trade.",
        call=Holders.accounts,
        query=Nothing,
        answer=AccountsTold,
    ),
    Route(
        method="POST",
        path="/accounts/login",
        name="login",
        does="Let an account that its venue refused try again, with a one-time code where one is asked for.",
        call=Holders.login,
        query=Nothing,
        body=LogIn,
        answer=LoggedIn,
        refusals=("AUTH", "BUSINESS_RULE", "NOT_FOUND", "NETWORK", "MAINTENANCE"),
    ),
)

"""Deriv's REST calls: which accounts a token has, and the address that opens one account's socket once."""

import re
from typing import Literal

from pipeline.connections.budgets import Budgets
from pipeline.connections.contract import Holder
from pipeline.connections.counts import Counts
from pipeline.connections.http import Http
from pipeline.connections.reading import Answer
from pipeline.connections.troubles import CallFailed
from pipeline.deriv.manner import ACCOUNT_TYPES, ACCOUNTS, Manner
from pipeline.deriv.shapes import Account, accounts_of
from pipeline.secret import Login, Secret

_ID = re.compile(r"[\w-]{1,40}", re.ASCII)


class Rest:
    """The calls of one account's token."""

    def __init__(self, manner: Manner, holder: Holder, login: Login, budgets: Budgets, counts: Counts | None) -> None:
        self._holder = holder
        self._id = named(login, holder)
        token = token_of(login, holder)
        self._http = Http(
            manner.url,
            hosts=manner.hosts,
            deadline=manner.deadline,
            budgets=budgets,
            counts=counts,
            headers=lambda: {"Authorization": f"Bearer {token.reveal()}", "Deriv-App-ID": manner.app_id},
        )

    async def account(self) -> Account:
        """The account that the login names, if it is what the flow says."""
        answer = await self._asked("GET", ACCOUNTS)
        mine = next((each for each in accounts_of(answer) if each.id == self._id), None)
        if mine is None:
            raise CallFailed(
                "auth", f"the token of {self._holder.account} has no account of the id it names", final=True
            )
        if why := self._unlike(mine):
            raise CallFailed("auth", f"the account of {self._holder.account} {why}", final=True)
        return mine

    async def trading_url(self) -> Secret:
        """An address that opens a socket of the account, once and within two minutes."""
        answer = await self._asked("POST", f"{ACCOUNTS}/{self._id}/otp")
        return Secret(answer.table("data").text("url"), passing=True)

    async def close(self) -> None:
        await self._http.close()

    async def _asked(self, method: Literal["GET", "POST"], path: str) -> Answer:
        """A token that is not let in once will not be later: it costs one attempt. No sentence has the account's id."""
        try:
            return await self._http.call(method, path, call="rest", priority="order")
        except CallFailed as failed:
            what = str(failed).replace(self._id, "…")
            failure = CallFailed(failed.kind, what, fate="unsent", wait=failed.wait, final=failed.kind == "auth")
        raise failure

    def _unlike(self, mine: Account) -> str:
        holder = self._holder
        if mine.money not in ACCOUNT_TYPES[holder.money]:
            return f'is {mine.money or "of no kind"} there and money = "{holder.money}" in the flow; make the two agree'
        if mine.currency != holder.currency:
            return f'is in {mine.currency} there and currency = "{holder.currency}" in the flow; make the two agree'
        return f"is {mine.status} there; it cannot trade" if mine.status != "active" else ""


def named(login: Login, holder: Holder) -> str:
    """Deriv's id of the account."""
    found = login.names.get("account_id", "")
    if not _ID.fullmatch(found):
        what = f"the login of {holder.account} names no account of Deriv"
        raise CallFailed("auth", f"{what}; store it anew: accounts login {holder.account}", final=True)
    return found


def token_of(login: Login, holder: Holder) -> Secret:
    """Its token; where everybody knows the logins, the password that stands for one."""
    token = login.secrets.get("token") or login.secrets.get("password")
    if not token:
        what = f"the login of {holder.account} has no token"
        raise CallFailed("auth", f"{what}; store it anew: accounts login {holder.account}", final=True)
    return token

"""What whoever runs a practice venue may see and change while it runs. The clock is told to everybody."""

import hmac
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct

from pipeline.broker.core import Broker
from pipeline.broker.faults import Fault
from pipeline.broker.purses import token_of
from pipeline.broker.values import Contract, Entry, Refusal, Wish
from pipeline.gains import CENT
from pipeline.tables import Tables
from pipeline.times import duration
from pipeline.toml_text import parse
from pipeline.values import Direction

ADMIN_FILE = "admin.token"


class Money(Struct, frozen=True, forbid_unknown_fields=True):
    account: str
    amount: Decimal
    reference: str = ""
    told: bool = True


class ByHand(Struct, frozen=True, forbid_unknown_fields=True):
    """A contract that somebody buys by another way than the programs that are watched."""

    account: str
    product: str
    amount: Decimal
    direction: Direction = "call"
    lasts: str = "1m"


class Admin:
    """Under /admin. All but the clock is for whoever can read the token."""

    def __init__(self, broker: Broker, token: str) -> None:
        self._broker = broker
        self._token = token.encode()

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/admin/clock", self._clock)
        app.router.add_get("/admin/state", self._owned(self._state))
        app.router.add_get("/admin/entries", self._owned(self._entries))
        app.router.add_get("/admin/faults", self._owned(self._faults))
        app.router.add_post("/admin/faults", self._owned(self._set))
        app.router.add_delete("/admin/faults", self._owned(self._clear))
        app.router.add_post("/admin/deposit", self._owned(self._deposit))
        app.router.add_post("/admin/withdrawal", self._owned(self._withdrawal))
        app.router.add_post("/admin/external", self._owned(self._external))

    async def _clock(self, _: web.Request) -> web.Response:
        return told({"now_ms": self._broker.now(), "speed": self._broker.settings.speed})

    async def _state(self, _: web.Request) -> web.Response:
        broker = self._broker
        accounts = {
            each.account: {
                "user": each.user,
                "token": token_of(each.user),
                "kind": each.kind,
                "currency": each.currency,
                "status": each.status,
                "balance": broker.balance(each.account),
                "open": [_contract(one) for one in broker.open_contracts(each.account)],
                "calls": broker.limits.spent(each.account, broker.now()),
            }
            for each in broker.purses.all.values()
        }
        return told({"now_ms": broker.now(), "speed": broker.settings.speed, "accounts": accounts})

    async def _entries(self, request: web.Request) -> web.Response:
        account = request.query.get("account", "")
        if self._broker.purses.get(account) is None:
            return refused(404, self._unknown(account))
        return told([_entry(each) for each in self._broker.entries(account)])

    async def _faults(self, _: web.Request) -> web.Response:
        struck = [
            {"at": hit.at, "account": hit.account, "number": hit.number, **hit.fault.given()}
            for hit in self._broker.faults.struck
        ]
        return told({"set": [each.given() for each in self._broker.faults.waiting()], "struck": struck})

    async def _set(self, request: web.Request) -> web.Response:
        fault = fault_of(await request.read())
        if isinstance(fault, str):
            return refused(400, fault)
        if fault.account and self._broker.purses.get(fault.account) is None:
            return refused(404, self._unknown(fault.account))
        if fault.product and fault.product not in self._broker.products:
            return refused(
                404, f"there is no product {fault.product!r}; name one of {', '.join(self._broker.products)}"
            )
        self._broker.set(fault)
        return told(fault.given())

    async def _clear(self, _: web.Request) -> web.Response:
        self._broker.faults.clear()
        return told({})

    async def _deposit(self, request: web.Request) -> web.Response:
        return await self._moved(request, 1)

    async def _withdrawal(self, request: web.Request) -> web.Response:
        return await self._moved(request, -1)

    async def _moved(self, request: web.Request, sign: int) -> web.Response:
        broker = self._broker
        try:
            asked = msgspec.json.decode(await request.read(), type=Money)
        except (msgspec.DecodeError, RecursionError) as wrong:
            return refused(400, f"cannot take that: {str(wrong)[:200]}; send an account and an amount in quotes")
        if broker.purses.get(asked.account) is None:
            return refused(404, self._unknown(asked.account))
        if not asked.amount.is_finite() or asked.amount <= 0 or asked.amount % CENT:
            return refused(400, 'the amount must be above 0 and whole cents; write "50.00"')
        if sign < 0 and broker.balance(asked.account) < asked.amount:
            return refused(409, f"the account holds {broker.balance(asked.account)}; withdraw no more than that")
        word = "deposit" if sign > 0 else "withdrawal"
        broker.move(asked.account, sign * asked.amount, asked.reference or f"{word}-{broker.name()}", told=asked.told)
        return told({"account": asked.account, "balance": broker.balance(asked.account)})

    async def _external(self, request: web.Request) -> web.Response:
        try:
            asked = msgspec.json.decode(await request.read(), type=ByHand)
            lasts = duration(asked.lasts)
        except (msgspec.DecodeError, RecursionError, ValueError) as wrong:
            return refused(400, f"cannot take that: {str(wrong)[:200]}; send account, product, amount and lasts")
        wish = Wish(product=asked.product, direction=asked.direction, amount=asked.amount, lasts=lasts)
        bought = self._broker.buy(asked.account, wish)
        if isinstance(bought, Refusal):
            return refused(409, bought.text)
        return told(_contract(bought.contract))

    def _unknown(self, account: str) -> str:
        return f"there is no account {account!r}; name one of {', '.join(self._broker.purses.all)}"

    def _owned(
        self, do: Callable[[web.Request], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def asked(request: web.Request) -> web.Response:
            said = request.headers.get("Authorization", "").encode()
            if not hmac.compare_digest(said, b"Bearer " + self._token):
                return refused(401, f"send 'Authorization: Bearer' with the text of {ADMIN_FILE}")
            return await do(request)

        return asked


def fault_of(raw: bytes) -> Fault | str:
    """A fault as JSON says it, or what is wrong with it: the same words as in the venue's file."""
    try:
        asked = msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as wrong:
        return f'cannot take that: {str(wrong)[:200]}; send something like {{"what": "lost_ack"}}'
    tables = Tables(parse("", "fault"))
    made: Fault | None = tables.filled(Fault, asked, (), "the fault")
    return made or "\n".join(f"{each.what}; {each.fix}" for each in tables.problems)


def told(value: object) -> web.Response:
    return web.json_response(body=msgspec.json.encode(value))


def refused(status: int, what: str) -> web.Response:
    return web.json_response({"error": what}, status=status)


def _contract(contract: Contract) -> dict[str, object]:
    plain = (
        "id",
        "product",
        "direction",
        "stake",
        "payout",
        "bought_at",
        "expiry",
        "ticks",
        "status",
        "bid",
        "request",
    )
    return {name: getattr(contract, name) for name in plain}


def _entry(entry: Entry) -> dict[str, object]:
    return {each.name: getattr(entry, each.name) for each in msgspec.structs.fields(entry)}

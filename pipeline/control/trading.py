"""Orders and decisions for programs, and what may be done about orders: end a contract early, go over the books.

Nothing here places an order, and nothing can: the engine alone does, from its own decisions.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from msgspec import Meta, Struct
from msgspec.structs import replace

from pipeline.aside import Asking
from pipeline.asking import LOOKS_EVERY, certified
from pipeline.closings import answers, closable, told_so_far
from pipeline.control.asking import millis
from pipeline.control.errors import Refused
from pipeline.control.routing import Nothing, Route
from pipeline.control.trades import Trades, order_row
from pipeline.errors import InputError
from pipeline.evidence import Request
from pipeline.ledger import Ledger
from pipeline.ledger.proofs import Proofs
from pipeline.orders import sold
from pipeline.plan import Plan, lists
from pipeline.states import ENDED
from pipeline.tables import nearest
from pipeline.told.orders import (
    Canceled,
    Counted,
    DecisionsTold,
    OrderRow,
    Orders,
    OrderWhole,
    Status,
)
from pipeline.told.words import LAST_MOMENT, Moment, Name, Timeframe
from pipeline.values import Certificate

PATIENCE = 20.0
"""Seconds in which venues have to list."""
BY = "api"
Limit = Annotated[int, Meta(ge=1, le=500)]

T = TypeVar("T")


class OrdersAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Which orders, the newest first; what is left out means all."""

    from_ms: Moment = 0
    to_ms: Moment = LAST_MOMENT
    account: Name = ""
    product: Name = ""
    tf: Timeframe = ""
    status: Status = ""
    limit: Limit = 100
    cursor: Annotated[str, Meta(max_length=400, pattern="^([0-9]{1,16}:.+)?$")] = ""
    """`next` of the answer before: goes on behind it."""
    count: bool = False
    """Whether all that is asked for is counted, too."""


class OrderAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """One order, by its name."""

    order: Annotated[str, Meta(min_length=1, max_length=300)]


class DecisionsAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Which decisions, the newest first; what is left out means all."""

    from_ms: Moment = 0
    to_ms: Moment = LAST_MOMENT
    account: Name = ""
    product: Name = ""
    tf: Timeframe = ""
    verdict: Name = ""
    """`trade`, or a gate."""
    limit: Limit = 100


class ReconcileAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose books are gone over; "" everybody's whose venue lists them."""

    account: Name = ""


class Certified(Struct, frozen=True):
    """Whether everything of an account is accounted for; no certificate when its venue did not list in time."""

    account: str
    certificate: Certificate | None
    sound: bool


class Reconciled(Struct, frozen=True):
    """What came of it, account by account."""

    accounts: tuple[Certified, ...]


class Books:
    """Reads the ledger beside the flow, on threads of its own connections, and asks the engine by it."""

    def __init__(
        self,
        path: Path,
        plan: Callable[[], Plan],
        now: Callable[[], int],
        entries: Callable[[], Mapping[str, float]],
        ask: Asking,
    ) -> None:
        """`entries` has the prices that contracts which run probably entered at, as the engine saw them."""
        self._path, self._plan, self._now = path, plan, now
        self._entries, self._ask = entries, ask
        self._reconciling = asyncio.Lock()

    async def orders(self, asked: OrdersAsked, _: None) -> Orders:
        before, name = asked.cursor.partition(":")[::2]
        terms = _span(asked.from_ms, asked.to_ms, asked.account, asked.product, asked.tf, asked.limit + 1)
        terms |= {"status": asked.status, "before": int(before or 0), "name": name}

        def read(trades: Trades) -> tuple[Sequence[OrderRow], tuple[Counted, ...]]:
            return trades.orders(terms), trades.counted(terms) if asked.count else ()

        rows, counted = await self._read(read)
        page = await self._with_entries(rows[: asked.limit])
        behind = f"{page[-1].began}:{page[-1].order}" if len(rows) > asked.limit else ""
        return Orders(page, behind, counted)

    async def order(self, asked: OrderAsked, _: None) -> OrderWhole:
        def whole(trades: Trades) -> OrderWhole | None:
            found = trades.order(asked.order)
            if found is None:
                return None
            decision = trades.decision(found.account, found.product, millis(found.timeframe), found.bar)
            ours = decision if decision is not None and decision.order == found.order else None
            name = found.order
            return OrderWhole(
                found, trades.moves(name), ours, trades.audit(name), trades.disputes(name), trades.runs_on(name)
            )

        told = await self._read(whole)
        if told is None:
            raise Refused("NOT_FOUND", f"the ledger has no order {asked.order!r}; GET /orders lists them")
        (order,) = await self._with_entries([told.order])
        return replace(told, order=order)

    async def decisions(self, asked: DecisionsAsked, _: None) -> DecisionsTold:
        terms = _span(asked.from_ms, asked.to_ms, asked.account, asked.product, asked.tf, asked.limit)
        return DecisionsTold(
            tuple(await self._read(lambda trades: trades.decisions(terms | {"verdict": asked.verdict})))
        )

    async def cancel(self, _: Nothing, asked: OrderAsked) -> Canceled:
        try:
            order = await asyncio.to_thread(closable, self._plan(), self._path, asked.order)
        except InputError as wrong:
            raise Refused("BUSINESS_RULE", str(wrong)) from None
        told = await asyncio.to_thread(told_so_far, self._path)
        await asyncio.to_thread(self._request, Request("close", order.account, self._now(), BY, order.order))
        ended, declined = (await answers(self._path, [order.order], told))[order.order]
        if ended.state not in ENDED and not declined:
            raise Refused(
                "NETWORK", f"the venue of {order.account} did not answer; what became of it will be found out"
            )
        return Canceled(order_row(ended, ended.wanted_at or ended.at), sold(ended), declined)

    async def reconcile(self, _: Nothing, question: ReconcileAsked) -> Reconciled:
        plan, only = self._plan(), question.account
        if only and only not in plan.accounts:
            raise Refused("VALIDATION", f"there is no account {only!r}; {nearest(only, plan.accounts)}")
        accounts = [name for name in ([only] if only else plan.accounts) if lists(plan, name)]
        if not accounts:
            raise Refused("BUSINESS_RULE", "no venue of these accounts can list contracts; look at its own pages")
        if self._reconciling.locked():
            raise Refused("CONCURRENCY_BLOCK", "the books are being gone over already; ask again when that is done")
        async with self._reconciling:
            made = await self._gone_over(plan, only, accounts)
        return Reconciled(tuple(Certified(name, each, each is not None and each.sound) for name, each in made.items()))

    async def _gone_over(self, plan: Plan, only: str, accounts: Sequence[str]) -> Mapping[str, Certificate | None]:
        before = await asyncio.to_thread(self._numbers)
        await asyncio.to_thread(self._request, Request("reconcile", only, self._now(), BY))
        loop = asyncio.get_running_loop()
        until, now = loop.time() + PATIENCE, before
        while any(now.get(name) == before.get(name) for name in accounts) and loop.time() < until:
            await asyncio.sleep(LOOKS_EVERY)
            now = await asyncio.to_thread(self._numbers)
        return await asyncio.to_thread(certified, plan, accounts, before)

    async def _with_entries(self, orders: Sequence[OrderRow]) -> tuple[OrderRow, ...]:
        if not any(each.contract and not each.ended_at for each in orders):
            return tuple(orders)
        seen = await self._ask(self._entries)
        return tuple(
            replace(each, seen_entry=seen[each.order]) if each.order in seen and not each.ended_at else each
            for each in orders
        )

    def _numbers(self) -> Mapping[str, int]:
        with Proofs(self._path) as proofs:
            return proofs.numbers()

    def _request(self, request: Request) -> None:
        with Ledger(self._path) as ledger:
            ledger.request(request)

    async def _read(self, look: Callable[[Trades], T]) -> T:
        def read() -> T:
            trades = Trades(self._path)
            try:
                return look(trades)
            finally:
                trades.close()

        return await asyncio.to_thread(read)


def _span(begin: int, end: int, account: str, product: str, tf: str, limit: int) -> dict[str, Any]:
    return {
        "begin": begin,
        "end": end,
        "account": account,
        "product": product,
        "tf": millis(tf),
        "limit": limit,
    }


ROUTES = (
    Route(
        method="GET",
        path="/orders",
        name="orders",
        does="Orders by when they came about, the newest first, a page at a time.",
        call=Books.orders,
        query=OrdersAsked,
        answer=Orders,
        refusals=("STORAGE",),
    ),
    Route(
        method="GET",
        path="/orders/{order}",
        name="order",
        does="One order, all that became of it, and the decision it came from.",
        call=Books.order,
        query=OrderAsked,
        answer=OrderWhole,
        refusals=("NOT_FOUND", "STORAGE"),
    ),
    Route(
        method="POST",
        path="/orders/cancel",
        name="cancel",
        does="Ask the venue to take an open contract back before its expiry; refused where it cannot.",
        call=Books.cancel,
        query=Nothing,
        body=OrderAsked,
        answer=Canceled,
        refusals=("BUSINESS_RULE", "NETWORK", "STORAGE"),
    ),
    Route(
        method="GET",
        path="/decisions",
        name="decisions",
        does="Decisions, the newest first: traded, or the first gate that said no, with every gate's answer.",
        call=Books.decisions,
        query=DecisionsAsked,
        answer=DecisionsTold,
        refusals=("STORAGE",),
    ),
    Route(
        method="POST",
        path="/reconcile",
        name="reconcile",
        does="Have the venues list their contracts and money now, and say whether everything is accounted for.",
        call=Books.reconcile,
        query=Nothing,
        body=ReconcileAsked,
        answer=Reconciled,
        refusals=("BUSINESS_RULE", "CONCURRENCY_BLOCK", "STORAGE"),
    ),
)

"""One account at a broker that answers as docs/connectors.md says."""

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal

from pipeline.connections.budgets import Budgets, Common
from pipeline.connections.contract import Capabilities, Hear, Holder, Outside, Warn
from pipeline.connections.counts import Counts
from pipeline.connections.http import Http
from pipeline.connections.offset import Offset
from pipeline.connections.reading import Answer
from pipeline.connections.renewing import ran_out
from pipeline.connections.troubles import CallFailed
from pipeline.connections.waiting import passed
from pipeline.evidence import Closing, Inquiry, Statement, Trouble, TroubleKind
from pipeline.generic.contracts import Contract, contract_of
from pipeline.generic.declared import Declared, declared_of, falls_short, out_of, refused, tie_differs, tighter
from pipeline.generic.following import Follower, request_of
from pipeline.generic.listing import Query, contracts_of, money_of
from pipeline.generic.session import Session
from pipeline.generic.terms import TRADE, Terms
from pipeline.generic.units import percent_of, plain, ratio_of
from pipeline.orders import LEAVING, leaves_by
from pipeline.secret import Login
from pipeline.times import MINUTE, SECOND, timeframe_name
from pipeline.values import Ack, Order, Settlement

PROBES = 3
"""So often the clock is asked as a connection begins."""
EVERY = 60.0
"""Seconds between two looks at the broker's clock."""


class GenericConnector:
    """An account's connection: its own session, tokens, sockets and budget."""

    def __init__(
        self,
        terms: Terms,
        holder: Holder,
        login: Callable[[], Login],
        host: Outside,
        warn: Warn,
        common: Common | None = None,
    ) -> None:
        self._terms, self._holder, self._host, self._warn = terms, holder, host, warn
        self._offset = Offset()
        self.counts = Counts(host.now)
        site = terms.site
        budgets = Budgets(terms.limits, host.now, host.until, common=common)
        self._http = Http(
            site.url,
            hosts=site.hosts,
            deadline=site.deadline,
            budgets=budgets,
            counts=self.counts,
            offset=None if terms.practice else self._offset,
        )
        late = site.deadline + terms.late
        self._session = Session(self._http, holder.account, login, terms.scopes, host.now, late)
        self._declared: Declared | None = None
        self._introduction: Mapping[str, str] = {}
        self._follower = Follower(terms, self._session, host, self._trouble)
        self._wrong: CallFailed | None = None
        self._went_wrong = asyncio.Event()

    @property
    def capabilities(self) -> Capabilities:
        terms, declared = self._terms, self._declared
        return Capabilities(
            evidence=terms.evidence,
            streams=terms.streams and (declared is None or declared.stream),
            tie=terms.tie,
            currencies=declared.currencies if declared is not None else frozenset(),
            shortest=declared.shortest if declared is not None else 0,
            longest=declared.longest if declared is not None else 0,
            permission=terms.permission,
            limits=terms.limits,
        )

    @property
    def introduction(self) -> Mapping[str, str]:
        return self._introduction

    async def open(self) -> None:
        self._http.reopen()
        declared = declared_of(await self._http.call("GET", "/capabilities", call="capabilities", priority="result"))
        terms = self._terms
        if short := falls_short(terms.evidence, declared.evidence) or tie_differs(terms.tie, declared.tie):
            raise refused(short)
        if fewer := tighter(terms.limits, declared.limits):
            self._trouble("rule", fewer)
        self._check_account(await self._session.get("/account", "account", "result"))
        for _ in range(PROBES):
            await self.clock()
        self._declared = declared

    async def follow(self, hear: Hear) -> None:
        """Hear what the broker tells; a contract that is not what was ordered ends it for good."""
        declared, since = self._known(), self._there() - MINUTE
        stream = self._terms.streams and declared.stream
        by = self._follower.by_stream if stream else self._follower.by_asking
        works = [
            asyncio.ensure_future(by(hear, since)),
            asyncio.ensure_future(self._watch_clock()),
            asyncio.ensure_future(self._went_wrong.wait()),
        ]
        try:
            done, _ = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
            if self._wrong is not None:
                raise self._wrong
            for each in done:
                each.result()
        finally:
            for each in works:
                each.cancel()
            await asyncio.wait(works)

    async def place(self, order: Order) -> Ack:
        self._check_before(order)
        within = int(min(LEAVING, self._terms.site.deadline * SECOND))
        by = leaves_by(order, within, self._terms.speed)
        self._follower.sends(order)
        try:
            return self._taken(order, await self._session.post("/orders", "order", self._body(order), by=by))
        except CallFailed as failure:
            if not ran_out(failure):
                told = self._follower.failed(order, failure)
                if told is None:
                    raise
                return told.ack(order.order)
        return await self._ask_after(order)

    async def statement(self, inquiry: Inquiry) -> Statement:
        query = {"id": inquiry.contract} if inquiry.contract else {"since": str(inquiry.since)}
        listed = await contracts_of(self._orders, query)
        money = None
        if not inquiry.contract:
            money = await money_of(self._entries, inquiry.since, listed.as_of)
        return Statement(
            account=inquiry.account,
            number=inquiry.number,
            since=inquiry.since if inquiry.contract else max(inquiry.since, listed.since),
            as_of=listed.as_of,
            at=self._host.now(),
            contracts=tuple(each.listed(self._terms.symbols) for each in listed.contracts),
            cash=() if money is None else money.cash,
            balance=None if money is None else money.balance,
            contract=inquiry.contract,
        )

    async def sell(self, closing: Closing) -> Settlement:
        answer = await self._session.post(f"/orders/{closing.contract}/cancel", "cancel", {})
        contract = contract_of(answer)
        if contract.id != closing.contract or contract.state == "open":
            raise answer.wrong("state", "is not that of the contract that was to be sold back")
        self._follower.told(contract)
        return contract.settlement(closing.order)

    async def payout(self, product: str, tf: int, stake: Decimal) -> float | None:
        if out_of(self._known(), tf, stake):
            return None
        asked = {"symbol": self._terms.symbols.there(product), "tf": timeframe_name(tf)}
        answer = await self._session.get("/market/payout", "payout", "quote", asked | {"amount": plain(stake)})
        for key, value in asked.items():
            if answer.text(key) != value:
                raise answer.wrong(key, "is not what was asked for")
        return ratio_of(answer)

    async def clock(self) -> int:
        sent = self._host.now()
        answer = await self._http.call("GET", "/ping", call="ping", priority="quote")
        there = answer.whole("server_time")
        self._offset.asked(there, sent, self._host.now())
        if self._offset.parted(self._terms.most_apart_ms):
            self._trouble(
                "rule", f"the broker's clock is {self._offset.ms:+} ms from ours: nothing is sent until they agree"
            )
        return there

    async def close(self) -> None:
        await self._session.close()
        await self._http.close()

    # --- before an order leaves ---

    def _check_account(self, answer: Answer) -> None:
        """Whether it is the account that the flow file speaks of."""
        holder, terms = self._holder, self._terms
        kind, currency = answer.text("kind"), answer.text("currency")
        wanted = "demo" if holder.money == "practice" and terms.practice else holder.money
        if kind != wanted:
            raise refused(f'the account holds {kind[:20]} money at the broker; the flow file says "{holder.money}"')
        if currency != holder.currency:
            raise refused(f"the account is in {currency[:20]}, the flow file says {holder.currency}")
        scopes = frozenset(answer.texts("scopes")) if answer.has("scopes") else None
        self._session.judge(scopes)
        if scopes is not None and TRADE not in scopes:
            raise refused("the login may not trade; make one with the scope trade")
        self._introduction = {
            "account": answer.text("account"),
            "money": kind,
            "currency": currency,
            "balance": f"{answer.number('balance'):f}",
            "may": ", ".join(sorted(scopes or ())) or "the broker does not say",
        }

    def _check_before(self, order: Order) -> None:
        if self._wrong is not None:
            raise CallFailed("rule", str(self._wrong), fate="unsent")
        if not self._offset.known and not self._terms.practice:
            raise CallFailed("rule", "how far the broker's clock is from ours is not known", fate="unsent")
        if self._offset.apart(self._terms.most_apart_ms):
            apart, most = abs(self._offset.ms), self._terms.most_apart_ms
            raise CallFailed("rule", f"the broker's clock is {apart} ms from ours, more than {most} ms", fate="unsent")
        if wrong := out_of(self._known(), order.tf, order.stake):
            raise CallFailed("rule", wrong, fate="refused")

    def _body(self, order: Order) -> dict[str, object]:
        least = Decimal(str(order.payout)) - Decimal(str(self._terms.payout_slack))
        return {
            "client_req_id": request_of(order),
            "symbol": self._terms.symbols.there(order.product),
            "side": order.direction,
            "tf": timeframe_name(order.tf),
            "amount": plain(order.stake),
            "min_payout_pct": plain(percent_of(max(Decimal(0), least))),
        }

    def _known(self) -> Declared:
        if self._declared is None:
            raise CallFailed("network", "the connection is not open", fate="unsent")
        return self._declared

    def _there(self) -> int:
        """What the broker's clock shows now, as far as it is known."""
        return self._host.now() + self._offset.ms

    # --- after it ---

    def _taken(self, order: Order, answer: Answer) -> Ack:
        contract = self._checked(order, contract_of(answer))
        if contract.payout < order.payout - self._terms.payout_slack:
            self._trouble("rule", f"the broker pays {contract.payout:g} on {contract.id}, less than was asked for")
        return contract.ack(order.order)

    def _checked(self, order: Order, contract: Contract) -> Contract:
        """The contract of an order, when it is what was ordered; else nothing more is done for the account."""
        wrong = self._follower.wrong_with(order, contract)
        if wrong is None:
            self._follower.has(order, contract)
            return contract
        self._wrong = wrong
        self._went_wrong.set()
        raise wrong

    async def _ask_after(self, order: Order) -> Ack:
        """The token had run out. Whether the order came through is asked with the next one; it is not sent again."""
        asked, proves = request_of(order), self._terms.evidence
        what, answer = "the login had run out as an order came", None
        if proves.lists and proves.echoes:
            try:
                answer = await self._session.get("/orders", "orders", "order", {"client_req_id": asked})
            except CallFailed as second:
                what = f"{what}, and then {second}"
        if answer is None:
            self._follower.lost(order)
            raise CallFailed("rule", what)
        for row in answer.rows("orders"):
            if contract_of(row).client_req_id == asked:
                return self._taken(order, row)
        self._follower.refused(order)
        raise CallFailed("rule", f"{what}, and nothing was bought", fate="unsent" if proves.once else "refused")

    async def _orders(self, query: Query) -> Answer:
        return await self._session.get("/orders", "orders", "result", query)

    async def _entries(self, query: Query) -> Answer:
        return await self._session.get("/account/entries", "entries", "result", query)

    async def _watch_clock(self) -> None:
        """Look at the broker's clock now and then; never returns."""
        while True:
            await passed(self._host, EVERY)
            try:
                await self.clock()
            except CallFailed as failure:
                self._trouble(failure.kind, str(failure))

    def _trouble(self, kind: TroubleKind, what: str) -> None:
        self._warn(Trouble(self._holder.account, kind, what, self._host.now()))

"""What the practice venue answers over HTTP (docs/connectors.md), as functions of what was asked: no network here."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from pipeline.broker.core import Broker
from pipeline.broker.generic_words import (
    No,
    Table,
    candle_table,
    contract_table,
    entry_table,
    length_text,
    money,
    percent,
    refused,
    tick_table,
)
from pipeline.broker.products import Product
from pipeline.broker.values import Offer, Refusal, Wish
from pipeline.evidence import Evidence, Inquiry, Listed, Statement
from pipeline.times import DAY, MINUTE, SECOND, duration, timeframe
from pipeline.values import Direction

Query = Mapping[str, str]
MOST_CANDLES, MOST_TICKS, MOST_ROWS = 1000, 5000, 500
LATEST = 5 * MINUTE
"""So long a listing may be paged through."""
FARTHEST = 90 * DAY


class Manners(NamedTuple):
    """What the venue declares of itself over HTTP; less than it could is for trying who gets along with less."""

    evidence: Evidence = Evidence(lists=True, echoes=True, once=True, late_ms=0, closes=True, stamps_ms=2000)
    stream: bool = True
    ticks: bool = True
    token_lasts: int = 15 * MINUTE
    """Of the venue's time."""
    otp: str = ""
    page: int = MOST_ROWS
    """So many rows on a page at the most."""
    mistakes: Mapping[str, Any] = MappingProxyType({})
    """Fields of a contract that are told wrongly in answer to the order."""


class Page(NamedTuple):
    """Which rows of a listing are asked for."""

    as_of: int
    start: int

    def next(self, rows: int) -> str:
        return f"{self.as_of}.{self.start + rows}"


class Calls:
    """Everything that can be asked."""

    def __init__(self, broker: Broker, manners: Manners) -> None:
        self._broker, self._manners = broker, manners
        self._asked: dict[str, dict[str, str]] = {}
        """By account: contracts by what they were asked for by."""

    # --- anybody's ---

    def capabilities(self) -> Table:
        evidence, settings = self._manners.evidence, self._broker.settings
        products = self._broker.products.values()
        currencies = {each.currency for each in self._broker.purses.all.values()}
        return {
            "contract": 1,
            "broker": "practice",
            "evidence": {
                "lists": evidence.lists,
                "echoes": evidence.echoes,
                "once": evidence.once,
                "late_ms": evidence.late_ms,
                "closes": evidence.closes,
                "stamps_ms": evidence.stamps_ms,
            },
            "tie": "lose",
            "currencies": sorted(currencies),
            "durations": {
                "least": length_text(min(each.shortest for each in products)),
                "most": length_text(max(each.longest for each in products)),
            },
            "stake": {"least": money(settings.min_stake), "most": money(settings.max_stake)},
            "stream": self._manners.stream,
            "ticks": self._manners.ticks,
            "permission_page": "",
            "limits": [],
        }

    def ping(self) -> Table:
        return {"server_time": self._broker.now(), "speed": self._broker.settings.speed}

    # --- prices ---

    def candles(self, query: Query) -> Table:
        product, tf = self._product(query), _slot(query)
        rows = min(_whole(query, "n", 200), MOST_CANDLES)
        until = _whole(query, "until", self._broker.now())
        span = rows * tf
        while True:
            found = self._broker.candles(product.name, tf, until - span, until)
            if len(found) >= rows or span >= FARTHEST:
                break
            span = min(2 * span, FARTHEST)
        return {
            "symbol": query["symbol"],
            "tf": query["tf"],
            "candles": [candle_table(each) for each in found[-rows:]],
        }

    def ticks(self, query: Query) -> Table:
        if not self._manners.ticks:
            raise No(404, "no_ticks", "Ticks are not kept.")
        product = self._product(query)
        since, until = _whole(query, "after", _whole(query, "since", 0)), _whole(query, "until", self._broker.now() + 1)
        limit = min(_whole(query, "limit", MOST_TICKS), MOST_TICKS)
        # An hour at a time: whoever asks for years gets them one after another.
        stop = min(until, max(since, until - FARTHEST) + DAY // 24)
        found = self._broker.ticks(product.name, since, stop)
        rows = found[:limit]
        after = found[limit].at if len(found) > limit else stop if stop < until else None
        return {
            "symbol": query["symbol"],
            "ticks": [tick_table(each) for each in rows],
            "next": None if after is None else str(after),
        }

    def quote(self, query: Query) -> Table:
        tick = self._broker.price(self._product(query).name)
        if tick is None:
            raise No(404, "no_price", "There is no price.")
        return {"symbol": query["symbol"], **tick_table(tick)}

    def payout(self, query: Query) -> Table:
        product, tf, amount = self._product(query), _length(query), _amount(query, "amount", Decimal(10))
        offers = [self._broker.offer("", _wish(product, side, tf, amount)) for side in ("call", "put")]
        ratios = [each.ratio for each in offers if isinstance(each, Offer)]
        paid = percent(min(ratios)) if len(ratios) == len(offers) else 0
        return {"symbol": query["symbol"], "tf": query["tf"], "payout_pct": paid}

    # --- an account's ---

    def account(self, account: str) -> Table:
        purse = self._broker.purses.all[account]
        return {
            "account": account,
            "kind": purse.kind,
            "currency": purse.currency,
            "balance": money(self._broker.balance(account)),
            "scopes": list(purse.scopes),
            "as_of": self._broker.now(),
        }

    def order(self, account: str, body: Table, number: int) -> tuple[int, Table]:
        """Buy: the status and the contract."""
        request, symbol, side = _text(body, "client_req_id"), _text(body, "symbol"), _text(body, "side")
        if side not in ("call", "put"):
            raise No(422, "side", "The side is call or put.")
        if not 0 < len(request) <= 64:
            raise No(422, "client_req_id", "A client_req_id has 1 to 64 characters.")
        product, tf, amount = self._product(body), _length(body), _amount(body, "amount")
        asked = self._requests(account)
        if self._manners.evidence.once and request in asked:
            made = self._contract(account, asked[request])
            if (made.direction, made.tf, made.stake) != (side, tf, amount) or made.product != product.name:
                raise No(409, "not_the_same", "This client_req_id was another order's.")
            return 200, contract_table(made, symbol, echoes=self._manners.evidence.echoes)
        wish = _wish(product, side, tf, amount)
        offer = self._broker.offer(account, wish)
        if isinstance(offer, Refusal):
            raise refused(offer)
        if Decimal(str(percent(offer.ratio))) < _amount(body, "min_payout_pct", Decimal(0)):
            raise No(422, "payout_moved", f"A win pays {percent(offer.ratio):g} % now.")
        bought = self._broker.buy(account, wish, request=request, number=number)
        if isinstance(bought, Refusal):
            raise refused(bought)
        asked[request] = bought.contract.id
        made = self._contract(account, bought.contract.id)
        return 201, contract_table(made, symbol, echoes=self._manners.evidence.echoes) | dict(self._manners.mistakes)

    def contract(self, account: str, name: str) -> Table:
        made = self._contract(account, name)
        return contract_table(made, self._called(made.product), echoes=self._manners.evidence.echoes)

    def cancel(self, account: str, name: str) -> Table:
        sold = self._broker.sell(account, name) if self._manners.evidence.closes else Refusal("unsellable", "never")
        if isinstance(sold, Refusal):
            raise refused(sold, 409)
        return self.contract(account, name)

    def orders(self, account: str, query: Query, old: int = 0) -> Table:
        """Contracts as they stood; `old`: so much earlier (ms) than could be."""
        if not self._manners.evidence.lists:
            raise No(404, "no_listings", "Contracts are not listed.")
        page = self._page(query, old)
        since = _whole(query, "since", 0)
        statement = self._statement(account, since, page.as_of)
        found = statement.contracts
        if name := query.get("id"):
            found = tuple(each for each in found if each.contract == name)
        if request := query.get("client_req_id"):
            found = tuple(each for each in found if each.request == request)
        rows = found[page.start : page.start + self._rows(query)]
        more = page.start + len(rows) < len(found)
        echoes = self._manners.evidence.echoes
        return {
            "orders": [contract_table(each, self._called(each.product), echoes=echoes) for each in rows],
            "as_of": page.as_of,
            **({"since": statement.since} if statement.since > since else {}),
            "next": page.next(len(rows)) if more else None,
        }

    def entries(self, account: str, query: Query) -> Table:
        page = self._page(query)
        since = _whole(query, "since", 0)
        until = min(_whole(query, "until", page.as_of), page.as_of)
        held = self._statement(account, until, until).balance
        if held is None:
            raise No(400, "until", "What was held then is not known any more.")
        found = self._broker.entries(account, since, until + 1)
        rows = found[page.start : page.start + self._rows(query)]
        more = page.start + len(rows) < len(found)
        return {
            "entries": [entry_table(each) for each in rows],
            "balance": money(held),
            "as_of": until,
            "next": page.next(len(rows)) if more else None,
        }

    # --- within ---

    def product(self, symbol: str) -> Product | None:
        """A product by the one name it has over HTTP."""
        found = self._broker.product(symbol)
        return found if found is not None and found.alias == symbol else None

    def _product(self, query: Mapping[str, Any]) -> Product:
        symbol = _text(query, "symbol")
        found = self.product(symbol)
        if found is None:
            raise No(404, "symbol_unknown", f"There is no symbol {symbol[:40]}.")
        return found

    def _called(self, product: str) -> str:
        """By the name that others give it."""
        return self._broker.products[product].alias

    def _contract(self, account: str, name: str) -> Listed:
        found = self._broker.statement(Inquiry(account, 0, 0, self._broker.now(), name)).contracts
        if not found:
            raise No(404, "not_found", "There is no such contract.")
        return found[0]

    def _requests(self, account: str) -> dict[str, str]:
        if account not in self._asked:
            known = self._statement(account, 0, self._broker.now()).contracts
            self._asked[account] = {each.request: each.contract for each in known if each.request}
        return self._asked[account]

    def _statement(self, account: str, since: int, as_of: int) -> Statement:
        return self._broker.statement(Inquiry(account, 0, since, as_of), as_of)

    def _page(self, query: Query, old: int = 0) -> Page:
        """A listing is as of the end of the last whole second: nothing that is stamped by then comes later."""
        complete = self._broker.second() - 1
        text = query.get("after", "")
        if not text:
            return Page(complete - old, 0)
        as_of, _, start = text.partition(".")
        if not (as_of.isdecimal() and start.isdecimal()) or not complete - LATEST <= int(as_of) <= complete:
            raise No(400, "after", "That page is not there any more.")
        return Page(int(as_of), int(start))

    def _rows(self, query: Query) -> int:
        return max(1, min(_whole(query, "limit", self._manners.page), self._manners.page))


def _wish(product: Product, side: str, tf: int, amount: Decimal) -> Wish:
    return Wish(product=product.name, direction=cast("Direction", side), amount=amount, lasts=tf)


def _text(body: Mapping[str, Any], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise No(400, key, f"{key} is missing, or no text.")
    return value


def _whole(query: Query, key: str, default: int) -> int:
    text = query.get(key)
    if text is None or text == "":
        return default
    if not (text.isdecimal() and len(text) <= 15):
        raise No(400, key, f"{key} is no whole number.")
    return int(text)


def _amount(body: Mapping[str, Any], key: str, default: Decimal | None = None) -> Decimal:
    if key not in body and default is not None:
        return default
    try:
        amount = Decimal(_text(body, key))
    except InvalidOperation:
        raise No(400, key, f"{key} is no amount.") from None
    if not amount.is_finite() or abs(amount) > 10**12:
        raise No(400, key, f"{key} is no amount.")
    return amount


def _length(body: Mapping[str, Any]) -> int:
    try:
        millis = duration(_text(body, "tf"))
    except ValueError:
        raise No(400, "tf", "tf is no length; a minute is 1m.") from None
    if millis % SECOND:
        raise No(400, "tf", "tf is no whole number of seconds.")
    return millis


def _slot(query: Query) -> int:
    try:
        return timeframe(_text(query, "tf"))
    except ValueError:
        raise No(400, "tf", "tf is no timeframe; write one such as 1m.") from None

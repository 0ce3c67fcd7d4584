"""How much Deriv answers, and what a flow asks of it in its busiest minute.

Where its pages differ the lower number counts.
"""

from collections.abc import Callable, Collection, Iterator
from math import ceil

from pipeline.connections.contract import Busy, Limit, Need
from pipeline.times import timeframe_name

TRADING = frozenset({"proposal", "proposal_open_contract", "buy", "sell"})
RESERVE = 60
"""Of the trading calls of a minute, those that asking for prices may not take."""
STREAMS = 100
"""Subscriptions that one connection may have."""

ACCOUNT_LIMITS = (
    Limit("trading", TRADING, 360, 14_400, reserve=RESERVE),
    Limit("listing", frozenset({"portfolio", "profit_table"}), 30, 1_500),
    Limit("money", frozenset({"balance", "statement"}), 100, 2_000),
    Limit("ping", frozenset({"ping"}), 600),
    Limit("rest", frozenset({"rest"}), 60),
    Limit("rest of one address", frozenset({"rest"}), 100, scope="address"),
    Limit("others", frozenset(), 220, 14_400),
)
PUBLIC_LIMITS = (
    Limit("ping of prices", frozenset({"ping"}), 600, scope="address"),
    Limit("prices", frozenset(), 220, 14_400, scope="address"),
)


def account_needs(accounts: Collection[str], busy: Busy, payout_every: int) -> Iterator[Need]:
    """What orders, looking after them and payouts take."""
    for account in accounts:
        orders, hourly = busy.orders.get(account, 0), float(busy.orders_an_hour.get(account, 0))
        if orders:
            for call, what in (
                ("proposal", "a price for each order"),
                ("buy", "orders"),
                ("proposal_open_contract", "ends of contracts"),
            ):
                yield Need(call, orders, what, "order", _fewer_orders, account, hourly)
        yield Need("time", 1, "how far its clock is from ours", "result", account=account)
        asked, in_an_hour = busy.questions.get(account, 0.0), busy.questions_an_hour.get(account, 0.0)
        if asked:
            for call in ("portfolio", "profit_table", "statement", "balance", "time"):
                what = "what the account holds, asked by the executor"
                yield Need(call, asked, what, "result", _fewer_questions, account, in_an_hour)
    names = ", ".join(map(timeframe_name, busy.timeframes))
    several = len(busy.products) * len(busy.timeframes) * 2
    if accounts and several and payout_every > 0:
        what = f"payouts of {len(busy.products)} products in {names}, both ways, every {payout_every} s"
        first = next(iter(accounts))
        per_minute = several * 60 / payout_every
        yield Need("proposal", per_minute, what, "quote", slower("payout_every", payout_every), first, per_minute * 60)


def public_needs(products: Collection[str]) -> Iterator[Need]:
    """What prices take in the minute in which the connection is made anew: streams, and a gap of each product."""
    yield Need("ticks", len(products), "live prices of each product", "quote", _fewer_products, per_hour=0)
    what = "prices that a gap left out"
    yield Need("ticks_history", 2 * len(products), what, "history", _fewer_products, per_hour=120 * len(products))


def slower(key: str, seconds: int) -> Callable[[float], str]:
    """Says which longer pace of a key makes calls so many times fewer."""
    return lambda times: f'{key} = "{ceil(round(seconds * times, 6))}s"'


def _fewer_orders(times: float) -> str:
    return f"trade {times:.1f} times fewer products or timeframes on the account"


def _fewer_questions(times: float) -> str:
    return f"ask_seconds of the executor {times:.1f} times as long"


def _fewer_products(times: float) -> str:
    return f"{times:.1f} times fewer products"

"""The calls of the current protocol and what each may say: a key that is not here is refused, as the broker does it."""

from collections.abc import Mapping
from typing import NamedTuple

from pipeline.broker.deriv_checks import (
    Check,
    Shape,
    Table,
    either,
    flag,
    nested,
    number,
    numbers,
    one,
    passed_through,
    several,
    text,
    whole,
    words,
)

NAMED = text(r"[\w.\-]+", 40)
STREAM_ID = text(r"[\w-]{32,128}")
BOUGHT = either(STREAM_ID, words("1"))
CURRENCY = text(r"[A-Za-z0-9]{2,20}", 20)
CONTRACT_TYPE = text(r"[A-Z0-9]{2,20}", 20)
ACTIONS = ("buy", "sell", "deposit", "withdrawal")
FORGOTTEN = ("balance", "candles", "cashier_payments", "proposal", "proposal_open_contract", "ticks", "transaction")
GRANULARITIES = (60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400)
MOMENT = whole(0, 2_366_841_600)
DATE_TEXT = text(r"\d{1,10}|\d{4}-\d{2}-\d{2}", 10)
COMMON: Mapping[str, Check] = {"req_id": whole(-(2**53)), "passthrough": passed_through}
PUBLIC = frozenset(
    {
        *("ping", "time", "active_symbols", "contracts_for", "contracts_list", "ticks", "ticks_history"),
        *("trading_times", "proposal", "forget", "forget_all", "logout"),
    }
)
"""What needs no account."""


class Known(NamedTuple):
    """The calls of one dialect, and which of them need no account."""

    shapes: Mapping[str, Shape]
    public: frozenset[str]

    def call(self, request: Table) -> str | None:
        """Which call a request is: its first key that is one."""
        return next((key for key in request if key in self.shapes), None)

    def wrong(self, call: str, request: Table) -> dict[str, str]:
        """What is wrong with a request, by its key."""
        return self.shapes[call].wrong(request)


def shaped(
    calls: Mapping[str, tuple[Check, Mapping[str, Check]]], needed: Mapping[str, tuple[str, ...]]
) -> dict[str, Shape]:
    """The shapes of calls: what the call's own key may be, its other keys, and which of them it cannot do without."""
    return {
        call: Shape({call: check, **keys, **COMMON}, (call, *needed.get(call, ())))
        for call, (check, keys) in calls.items()
    }


PRICED: Mapping[str, Check] = {
    "amount": number(),
    "basis": words("stake", "payout"),
    "contract_type": CONTRACT_TYPE,
    "currency": CURRENCY,
    "duration": whole(0),
    "duration_unit": words("t", "s", "m", "h", "d"),
    "date_expiry": MOMENT,
    "barrier": text(r"[+-]?\d+\.?\d{0,12}", 30),
}
"""What a proposal and the terms of a purchase say in either dialect."""
PRICED_NEEDED = ("contract_type", "currency")
FURTHER: Mapping[str, Check] = {
    "barrier2": text(r"[+-]?\d+\.?\d{0,12}", 30),
    "multiplier": number(),
    "growth_rate": number(),
    "cancellation": text(r".*"),
    "limit_order": nested(Shape({"stop_loss": number(), "take_profit": number()}, ())),
    "payout_per_point": text(r"[\d.]+"),
    "selected_tick": whole(1, 10),
}
"""What goes with other kinds of contracts than ours: known, so that it is refused for the right reason."""
HISTORY: Mapping[str, Check] = {
    "end": text(r"latest|\d{1,10}", 10),
    "start": MOMENT,
    "count": whole(1, 5_000),
    "style": words("ticks", "candles"),
    "granularity": numbers(*GRANULARITIES),
    "adjust_start_time": one,
    "subscribe": one,
}
PROFITS: Mapping[str, Check] = {
    "description": flag,
    "limit": whole(0, 500),
    "offset": whole(0, 1_000_000),
    "sort": words("ASC", "DESC"),
    "date_from": DATE_TEXT,
    "date_to": DATE_TEXT,
    "contract_type": several(CONTRACT_TYPE),
}
MOVEMENTS: Mapping[str, Check] = {
    "description": flag,
    "limit": whole(0, 999),
    "offset": whole(0, 1_000_000),
    "date_from": MOMENT,
    "date_to": MOMENT,
}
TRADING_DAY = text(r"today|\d{4}-\d{2}-\d{2}", 10)
STREAMED: Mapping[str, Check] = {"subscribe": one}


def one_or_several(*allowed: str) -> Check:
    return either(words(*allowed), several(words(*allowed)))


NEW_TERMS = Shape({**PRICED, **FURTHER, "underlying_symbol": NAMED}, (*PRICED_NEEDED, "underlying_symbol"))
NEEDED: Mapping[str, tuple[str, ...]] = {
    "ticks_history": ("end",),
    "buy": ("price",),
    "sell": ("price",),
    "transaction": ("subscribe",),
}
NEW = Known(
    shaped(
        {
            "ping": (one, {}),
            "time": (one, {}),
            "active_symbols": (words("brief", "full"), {"contract_type": several(CONTRACT_TYPE)}),
            "contracts_for": (NAMED, {}),
            "contracts_list": (one, {}),
            "ticks": (either(NAMED, several(NAMED)), STREAMED),
            "ticks_history": (NAMED, HISTORY),
            "trading_times": (TRADING_DAY, {}),
            "proposal": (one, {**NEW_TERMS.keys, **STREAMED}),
            "forget": (STREAM_ID, {}),
            "forget_all": (one_or_several(*FORGOTTEN), {}),
            "buy": (BOUGHT, {"price": number(), "parameters": nested(NEW_TERMS), **STREAMED}),
            "sell": (whole(1), {"price": number()}),
            "proposal_open_contract": (one, {"contract_id": whole(1), **STREAMED}),
            "portfolio": (one, {"contract_type": several(CONTRACT_TYPE)}),
            "profit_table": (one, PROFITS),
            "statement": (one, {**MOVEMENTS, "action_type": words(*ACTIONS)}),
            "balance": (one, {"subscribe": flag}),
            "transaction": (one, STREAMED),
            "logout": (one, {}),
        },
        {**NEEDED, "proposal": NEW_TERMS.needed},
    ),
    PUBLIC,
)

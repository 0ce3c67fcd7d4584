"""The calls of the legacy protocol and what each may say."""

from collections.abc import Mapping

from pipeline.broker.deriv_checks import (
    Check,
    Shape,
    either,
    flag,
    nested,
    number,
    one,
    several,
    text,
    whole,
    words,
)
from pipeline.broker.deriv_shapes import (
    ACTIONS,
    BOUGHT,
    CONTRACT_TYPE,
    CURRENCY,
    FORGOTTEN,
    FURTHER,
    HISTORY,
    MOMENT,
    MOVEMENTS,
    NAMED,
    NEEDED,
    PRICED,
    PRICED_NEEDED,
    PROFITS,
    PUBLIC,
    STREAM_ID,
    STREAMED,
    TRADING_DAY,
    Known,
    one_or_several,
    shaped,
)

LEGACY_PUBLIC = PUBLIC - {"contracts_list"} | {
    *("authorize", "website_status", "trading_durations", "asset_index", "payout_currencies", "exchange_rates"),
}
MORE_ACTIONS = ("hold", "release", "adjustment", "virtual_credit", "transfer")
MORE_FORGOTTEN = ("website_status", "exchange_rates", "p2p_advert", "p2p_advertiser", "p2p_order", "p2p_settings")
LOGIN: Mapping[str, Check] = {"loginid": NAMED}
COMPANY: Mapping[str, Check] = {
    "landing_company": text(r"\w+"),
    "landing_company_short": text(r"\w+"),
    **LOGIN,
}
LEGACY_FURTHER: Mapping[str, Check] = {
    **FURTHER,
    "product_type": words("basic"),
    "date_start": MOMENT,
    "barrier_range": text(r"\w+"),
    "trading_period_start": MOMENT,
    "trade_risk_profile": words("low", "medium", "high"),
}
LEGACY_TERMS = Shape({**PRICED, **LEGACY_FURTHER, "symbol": NAMED}, (*PRICED_NEEDED, "symbol"))
BASIC = {"product_type": words("basic"), **COMPANY}
TYPES = {"contract_type": several(CONTRACT_TYPE)}
RATES: Mapping[str, Check] = {"base_currency": CURRENCY, "target_currency": CURRENCY, **STREAMED, **LOGIN}
LEGACY = Known(
    shaped(
        {
            "ping": (one, {}),
            "time": (one, {}),
            "authorize": (text(r"[\w \-]+", 512), {"add_to_login_history": flag, "tokens": several(text(r".*"))}),
            "account_list": (one, LOGIN),
            "active_symbols": (words("brief", "full"), {**TYPES, **BASIC}),
            "asset_index": (one, COMPANY),
            "balance": (one, {"account": text(r"[A-Za-z0-9]+", 30), "subscribe": flag, **LOGIN}),
            "buy": (BOUGHT, {"price": number(), "parameters": nested(LEGACY_TERMS), **STREAMED, **LOGIN}),
            "contracts_for": (NAMED, {"currency": CURRENCY, **BASIC}),
            "exchange_rates": (one, RATES),
            "forget": (STREAM_ID, {}),
            "forget_all": (one_or_several(*FORGOTTEN, *MORE_FORGOTTEN), {}),
            "get_account_status": (one, LOGIN),
            "get_limits": (one, LOGIN),
            "logout": (one, LOGIN),
            "payout_currencies": (one, LOGIN),
            "portfolio": (one, {**TYPES, **LOGIN}),
            "profit_table": (one, {**PROFITS, **LOGIN}),
            "proposal": (one, {**LEGACY_TERMS.keys, **STREAMED, **LOGIN}),
            "proposal_open_contract": (one, {"contract_id": whole(1), **STREAMED, **LOGIN}),
            "sell": (whole(1), {"price": number(), **LOGIN}),
            "sell_expired": (one, LOGIN),
            "statement": (one, {**MOVEMENTS, "action_type": words(*ACTIONS, *MORE_ACTIONS), **LOGIN}),
            "ticks": (either(NAMED, several(NAMED)), STREAMED),
            "ticks_history": (NAMED, HISTORY),
            "topup_virtual": (one, LOGIN),
            "trading_durations": (one, COMPANY),
            "trading_times": (TRADING_DAY, {}),
            "transaction": (one, {**STREAMED, **LOGIN}),
            "website_status": (one, STREAMED),
        },
        {**NEEDED, "proposal": LEGACY_TERMS.needed, "exchange_rates": ("base_currency",)},
    ),
    LEGACY_PUBLIC,
)

"""What the venue knows, as the frames of Deriv's legacy protocol say it: other names, and numbers where text is now."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from pipeline.broker.deriv_amounts import amount, category, money
from pipeline.broker.deriv_frames import Frames
from pipeline.broker.deriv_prices import Payload
from pipeline.broker.deriv_words import KINDS, MARKET_TITLES, SUBMARKET_TITLES
from pipeline.broker.products import Product
from pipeline.broker.values import Contract, Kind, Offer, Purse, Tick
from pipeline.times import SECOND

APP = 1089
KIND_TITLES = {"CALL": "Higher", "PUT": "Lower", "CALLE": "Higher/equal", "PUTE": "Lower/equal"}


class LegacyFrames(Frames):
    """The legacy protocol."""

    symbol_key = "symbol"

    # --- what is traded ---

    def active_symbol(self, product: Product, *, is_open: bool, order: int) -> Payload:
        now = super().active_symbol(product, is_open=is_open, order=order)
        kept = ("exchange_is_open", "is_trading_suspended", "market", "subgroup", "submarket")
        return {
            **{key: now[key] for key in kept},
            "allow_forward_starting": 1,
            "display_name": product.title,
            "display_order": order,
            "market_display_name": MARKET_TITLES[product.market],
            "pip": float(product.pip),
            "subgroup_display_name": "Synthetics" if now["subgroup"] == "synthetics" else "None",
            "submarket_display_name": SUBMARKET_TITLES[product.submarket],
            "symbol": product.name,
            "symbol_type": now["underlying_symbol_type"],
        }

    def contracts_for(self, product: Product, spot: Tick | None, most: Decimal) -> Payload:
        found = super().contracts_for(product, spot, most)
        return {**found, "feed_license": "realtime", "spot": None if spot is None else spot.quote}

    def _offered(self, product: Product, name: str, expiry: str, shortest: str, longest: str) -> Payload:
        return {
            **super()._offered(product, name, expiry, shortest, longest),
            "barrier_category": "euro_atm",
            "contract_category_display": "Up/Down",
            "contract_display": KIND_TITLES[name],
            "exchange_name": "RANDOM" if product.market == "synthetic_index" else product.market.upper(),
            "start_type": "spot",
        }

    def _named(self, product: Product) -> Payload:
        return {"name": product.title, "symbol": product.name}

    # --- buying ---

    def proposal(self, offer: Offer, product: Product, least: Decimal, most: Decimal) -> Payload:
        return {**super().proposal(offer, product, least, most), "display_value": money(offer.ask)}

    # --- contracts ---

    def _spots(self, contract: Contract, product: Product) -> Payload:
        found: Payload = {
            "underlying": product.name,
            "display_name": product.title,
            "is_forward_starting": 0,
        }
        if contract.spot is not None:
            found |= _shown("current_spot", contract.spot, product)
        if contract.entry is not None:
            found |= _shown("entry_tick", contract.entry, product)
            found |= {
                "entry_spot": contract.entry.quote,
                "entry_spot_display_value": product.text(contract.entry.quote),
            }
        if contract.exit is not None:
            found |= _shown("exit_tick", contract.exit, product)
        if contract.is_sold:
            found |= {"sell_price": amount(contract.sold_for), "sell_time": contract.sold_at // SECOND}
            if contract.status == "sold" and contract.exit is not None:
                found |= _shown("sell_spot", contract.exit, product)
        return found

    def _sum(self, sum_: Decimal) -> str | float:
        return amount(sum_)

    def _price(self, price: float, product: Product) -> str | float:
        return price

    def _row_named(self, product: Product) -> Payload:
        return {"symbol": product.name, **self._app()}

    def _transacted(self, product: Product) -> Payload:
        return {"symbol": product.name, "display_name": product.title}

    def _app(self) -> Payload:
        return {"app_id": APP}

    # --- accounts ---

    def account_row(self, purse: Purse, opened: int) -> Payload:
        """An account as the list of a user's accounts has it."""
        practice = purse.kind == "demo"
        return {
            "account_category": "trading",
            "account_type": "binary",
            "broker": "VRTC" if practice else "CR",
            "created_at": opened // SECOND,
            "currency": purse.currency,
            "currency_type": "fiat",
            "is_disabled": int(purse.status == "inactive"),
            "is_virtual": int(practice),
            "landing_company_name": _company(purse),
            "linked_to": [],
            "loginid": purse.account,
        }

    def login(self, purse: Purse, held: Decimal, accounts: list[Payload]) -> Payload:
        """The answer to a login; `accounts` are the rows of all that the user has."""
        return {
            "account_list": accounts,
            "balance": float(held),
            "country": "id",
            "currency": purse.currency,
            "email": f"{purse.user}@example.com",
            "fullname": "",
            "is_virtual": int(purse.kind == "demo"),
            "landing_company_fullname": "Deriv Limited",
            "landing_company_name": _company(purse),
            "linked_to": [],
            "local_currencies": {purse.currency: {"fractional_digits": 2}},
            "loginid": purse.account,
            "preferred_language": "EN",
            "scopes": list(purse.scopes),
            "upgradeable_landing_companies": [],
            "user_id": user_number(purse.user),
        }

    def balances(self, purse: Purse, purses: Sequence[Purse], held: Mapping[str, Decimal]) -> Payload:
        """The balances of all that an account's user has."""

        def total(kind: Kind) -> Payload:
            sums = [held[each.account] for each in purses if (each.kind, each.currency) == (kind, purse.currency)]
            return {"amount": float(sum(sums, Decimal(0))), "currency": purse.currency}

        accounts = {
            each.account: {
                "balance": float(held[each.account]),
                "converted_amount": float(held[each.account]),
                "currency": each.currency,
                "demo_account": int(each.kind == "demo"),
                "status": int(each.status == "active"),
                "type": "deriv",
            }
            for each in purses
        }
        return {"accounts": accounts, "total": {"deriv": total("real"), "deriv_demo": total("demo")}}

    # --- lists for people who look around ---

    def asset_row(self, product: Product, spans: Sequence[tuple[str, str, str]]) -> list[object]:
        """A product of the asset index: what may be traded on it and for how long."""
        shortest, longest = spans[0][1], spans[-1][2]
        return [product.name, product.title, [["callput", "Higher/Lower", shortest, longest]]]

    def durations(self, products: Sequence[Product], spans: Sequence[tuple[str, str, str]]) -> Payload:
        """The durations of products of one kind, which share them."""
        units = [
            {"min_contract_duration": each[1], "max_contract_duration": each[2], "name": each[0]} for each in spans
        ]
        traded = [
            {"trade_type": {"name": name}, "durations": units} for name in sorted({category(name) for name in KINDS})
        ]
        symbols = [{"name": each.name, "display_name": each.title} for each in products]
        first = products[0]
        return {
            "data": [{"symbol": symbols, "trade_durations": traded}],
            "market": {"name": first.market, "display_name": MARKET_TITLES[first.market]},
            "submarket": {"name": first.submarket, "display_name": SUBMARKET_TITLES[first.submarket]},
        }


def _shown(key: str, tick: Tick, product: Product) -> Payload:
    """A price as a number and as people read it, and when."""
    return {key: tick.quote, f"{key}_display_value": product.text(tick.quote), f"{key}_time": tick.at // SECOND}


def _company(purse: Purse) -> str:
    return "virtual" if purse.kind == "demo" else "svg"


def user_number(user: str) -> int:
    """A number for a user, the same for the same name."""
    found = 0
    for letter in user:
        found = (found * 31 + ord(letter)) % 9_999_999
    return found + 1

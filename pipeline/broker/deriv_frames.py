"""What is bought, held and paid, as the frames of Deriv's current protocol say it. All functions are pure."""

from collections.abc import Sequence
from decimal import Decimal

from pipeline.broker.deriv_amounts import account_number, amount, expiry_of, money
from pipeline.broker.deriv_prices import Payload, PriceFrames
from pipeline.broker.deriv_words import kind, longcode, shortcode, unit_of
from pipeline.broker.products import Product
from pipeline.broker.values import Bought, Contract, Entry, Offer, Purse, Sold, Tick
from pipeline.times import DAY, SECOND

WAITING = "Waiting for entry tick."
OVER = "This contract has been sold."
STATUSES = {"refunded": "sold"}
"""A stake that was given back is told as a sale at its own price."""


class Frames(PriceFrames):
    """The current protocol: money and prices of a followed contract are text, everything else is numbers."""

    symbol_key = "underlying_symbol"
    """What a product is called in requests."""

    # --- buying and selling ---

    def proposal(self, offer: Offer, product: Product, least: Decimal, most: Decimal) -> Payload:
        """An offer; a stake may be `least`, a payout `most`."""
        wish = offer.wish
        return {
            "ask_price": amount(offer.ask),
            "contract_details": {"barrier": product.text(offer.spot.quote)},
            "date_expiry": expiry_of(offer.starts, offer.expiry, wish.ticks, product) // SECOND,
            "date_start": offer.starts // SECOND,
            "id": offer.id,
            "longcode": longcode(
                kind(wish.direction, equals=wish.equals),
                product.title,
                (offer.expiry - offer.starts) // SECOND,
                wish.ticks,
            ),
            "payout": amount(offer.payout),
            "spot": offer.spot.quote,
            "spot_time": offer.spot.at // SECOND,
            "validation_params": {"payout": {"max": money(most)}, "stake": {"min": money(least)}},
        }

    def bought(self, bought: Bought, product: Product) -> Payload:
        contract, entry = bought.contract, bought.entry
        return {
            "balance_after": float(entry.balance_after),
            "buy_price": amount(contract.stake),
            "contract_id": int(contract.id),
            **self._codes(contract, product),
            "payout": amount(contract.payout),
            "purchase_time": contract.bought_at // SECOND,
            "start_time": contract.bought_at // SECOND,
            "transaction_id": int(entry.number),
        }

    def sold(self, sold: Sold) -> Payload:
        return {
            "balance_after": float(sold.entry.balance_after),
            "contract_id": int(sold.contract.id),
            "reference_id": int(sold.contract.buy_number),
            "sold_for": amount(sold.entry.amount),
            "transaction_id": int(sold.entry.number),
        }

    # --- contracts ---

    def open_contract(
        self, contract: Contract, product: Product, purse: Purse, ticks: Sequence[Tick], stream: str | None
    ) -> Payload:
        """A contract as it stands; `ticks` are those of one that runs over ticks."""
        expiry = expiry_of(contract.bought_at, contract.expiry, contract.ticks, product) // SECOND
        found: Payload = {
            "account_id": account_number(purse.account),
            "barrier": None if contract.entry is None else product.text(contract.entry.quote),
            "barrier_count": 1,
            "bid_price": self._sum(contract.bid),
            "buy_price": self._sum(contract.stake),
            "contract_id": int(contract.id),
            "contract_type": kind(contract.direction, equals=contract.equals),
            "currency": purse.currency,
            "date_expiry": expiry,
            "date_settlement": expiry,
            "date_start": contract.bought_at // SECOND,
            "expiry_time": expiry,
            "is_expired": int(contract.is_expired),
            "is_intraday": int(expiry - contract.bought_at // SECOND <= DAY // SECOND),
            "is_path_dependent": 0,
            "is_settleable": int(contract.is_expired),
            "is_sold": int(contract.is_sold),
            "is_valid_to_cancel": 0,
            "is_valid_to_sell": int(contract.is_sellable),
            **self._codes(contract, product),
            "payout": self._sum(contract.payout),
            "profit": self._sum(contract.profit),
            "profit_percentage": round(float(contract.profit / contract.stake * 100), 2),
            "purchase_time": contract.bought_at // SECOND,
            "status": STATUSES.get(contract.status, contract.status),
            "transaction_ids": {"buy": int(contract.buy_number)},
            **self._spots(contract, product),
        }
        if stream is not None:
            found["id"] = stream
        if contract.sell_number:
            found["transaction_ids"]["sell"] = int(contract.sell_number)
        if contract.ticks:
            found["tick_count"] = contract.ticks
            found["tick_stream"] = [self._streamed(each, product) for each in ticks]
        fault = WAITING if contract.entry is None else OVER if contract.status in ("won", "lost") else None
        if fault is not None:
            found |= {"validation_error": fault, "validation_error_code": "General"}
        return found

    def _spots(self, contract: Contract, product: Product) -> Payload:
        """Where it entered, where it stands, where it left, and what it brought."""
        return {
            "underlying_symbol": product.name,
            **_spot("current_spot", contract.spot, product),
            **_spot("entry_spot", contract.entry, product),
            **_spot("exit_spot", contract.exit, product),
            "sell_price": money(contract.sold_for) if contract.is_sold else None,
            "sell_time": contract.sold_at // SECOND if contract.is_sold else None,
        }

    def _streamed(self, tick: Tick, product: Product) -> Payload:
        return {
            "epoch": tick.at // SECOND,
            "tick": self._price(tick.quote, product),
            "tick_display_value": product.text(tick.quote),
        }

    def portfolio_row(self, contract: Contract, product: Product, currency: str) -> Payload:
        return {
            "buy_price": amount(contract.stake),
            "contract_id": int(contract.id),
            "contract_type": kind(contract.direction, equals=contract.equals),
            "currency": currency,
            "date_start": contract.bought_at // SECOND,
            "expiry_time": expiry_of(contract.bought_at, contract.expiry, contract.ticks, product) // SECOND,
            **self._codes(contract, product),
            "payout": amount(contract.payout),
            "purchase_time": contract.bought_at // SECOND,
            "transaction_id": int(contract.buy_number),
            **self._row_named(product),
        }

    def profit_row(self, contract: Contract, product: Product, *, described: bool) -> Payload:
        found = {
            "buy_price": amount(contract.stake),
            "contract_id": int(contract.id),
            "duration_type": unit_of(max(1, contract.expiry - contract.bought_at) // SECOND, contract.ticks),
            "payout": amount(contract.payout),
            "purchase_time": contract.bought_at // SECOND,
            "sell_price": amount(contract.sold_for),
            "sell_time": contract.sold_at // SECOND,
            "transaction_id": int(contract.buy_number),
            **self._app(),
        }
        if described:
            name = kind(contract.direction, equals=contract.equals)
            found |= {"contract_type": name, "underlying_symbol": product.name, **self._codes(contract, product)}
        return found

    # --- money ---

    def statement_row(
        self, entry: Entry, contract: Contract | None, product: Product | None, *, described: bool
    ) -> Payload:
        """A line of an account's money, and the contract it is about where it is about one."""
        found: Payload = {
            "action_type": entry.kind,
            "amount": amount(entry.amount),
            "balance_after": float(entry.balance_after),
            "contract_id": None if contract is None else int(contract.id),
            "payout": None if contract is None else amount(contract.payout),
            "reference_id": int(entry.reference) if entry.reference.isdecimal() else None,
            "transaction_id": int(entry.number),
            "transaction_time": entry.at // SECOND,
            **self._app(),
        }
        if contract is not None and entry.kind == "sell":
            found["purchase_time"] = contract.bought_at // SECOND
        if described:
            if contract is None or product is None:
                found |= {"longcode": entry.reference, "shortcode": None}
            else:
                found |= self._codes(contract, product)
        return found

    def transaction(
        self, entry: Entry, contract: Contract | None, product: Product | None, currency: str, stream: str
    ) -> Payload:
        found: Payload = {
            "action": entry.kind,
            "amount": amount(entry.amount),
            "balance": float(entry.balance_after),
            "currency": currency,
            "id": stream,
            "transaction_id": int(entry.number),
            "transaction_time": entry.at // SECOND,
        }
        if contract is None or product is None:
            return found
        found |= {
            "contract_id": int(contract.id),
            "date_expiry": expiry_of(contract.bought_at, contract.expiry, contract.ticks, product) // SECOND,
            "longcode": self._codes(contract, product)["longcode"],
            **self._transacted(product),
        }
        if entry.kind == "sell":
            found["purchase_time"] = contract.bought_at // SECOND
        return found

    def balance(self, purse: Purse, held: Decimal, stream: str | None) -> Payload:
        found = {"balance": float(held), "currency": purse.currency, "loginid": purse.account}
        return found if stream is None else {**found, "id": stream}

    # --- what the dialects say differently ---

    def _sum(self, sum_: Decimal) -> str | float:
        """Money of a followed contract."""
        return money(sum_)

    def _price(self, price: float, product: Product) -> str | float:
        """A price of a followed contract."""
        return product.text(price)

    def _row_named(self, product: Product) -> Payload:
        return {"underlying_symbol": product.name}

    def _transacted(self, product: Product) -> Payload:
        return {"underlying_symbol": product.name}

    def _app(self) -> Payload:
        return {}

    def _codes(self, contract: Contract, product: Product) -> Payload:
        name = kind(contract.direction, equals=contract.equals)
        start, expiry = contract.bought_at // SECOND, contract.expiry // SECOND
        return {
            "longcode": longcode(name, product.title, expiry - start, contract.ticks),
            "shortcode": shortcode(name, product.name, money(contract.payout), start, expiry, contract.ticks),
        }


def _spot(key: str, tick: Tick | None, product: Product) -> Payload:
    if tick is None:
        return {key: None, f"{key}_time": None}
    return {key: product.text(tick.quote), f"{key}_time": tick.at // SECOND}

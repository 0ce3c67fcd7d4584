"""Offers, purchases, sales and what becomes of contracts, over Deriv's protocols."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from pipeline.broker.deriv_checks import MISSING, Table
from pipeline.broker.deriv_requests import Denied, Request, unfit
from pipeline.broker.deriv_session import Call, Session, Stream
from pipeline.broker.deriv_words import KINDS, UNITS
from pipeline.broker.products import Product
from pipeline.broker.telling import News
from pipeline.broker.values import Contract, Offer, Purse, Refusal, RefusalCode, Stage, Tick, Wish
from pipeline.gains import CENT
from pipeline.times import DAY, SECOND

MOST_OFFERS = 1_000
"""So many offers of a connection may be bought; older ones are forgotten."""
BY_TERMS = "1"
"""The name of no offer: what is bought is said beside it."""
CODES: Mapping[RefusalCode, str] = {
    "account": "DisabledClient",
    "product": "InvalidSymbol",
    "closed": "MarketIsClosed",
    "duration": "OfferingsValidationError",
    "stake": "ContractBuyValidationError",
    "payout": "ContractBuyValidationError",
    "decimals": "TooManyDecimalPlaces",
    "currency": "InvalidCurrency",
    "funds": "InsufficientBalance",
    "spent": "InvalidContractProposal",
    "price": "ContractCreationFailure",
    "contract": "ContractNotFound",
    "ended": "ContractIsSold",
    "waiting": "SellNotAvailable",
    "unsellable": "SellNotAvailable",
}
SENTENCES: Mapping[RefusalCode, str] = {
    "closed": "This market is presently closed.",
    "duration": "Trading is not offered for this duration.",
    "spent": "Unknown contract proposal",
    "contract": "This contract was not found among your open positions.",
    "ended": "This contract has been sold.",
    "waiting": "Waiting for entry tick.",
    "unsellable": "Resale of this contract is not offered.",
}


def denied(session: Session, refusal: Refusal) -> Denied:
    """What the venue refuses, as the protocol says it."""
    text = SENTENCES.get(refusal.code) or f"{refusal.text[:1].upper()}{refusal.text[1:]}."
    field = session.frames.symbol_key if refusal.field == "product" else refusal.field
    return Denied(CODES[refusal.code], text, field=field)


# --- offers ----------------------------------------------------------------------------------------------------------


def proposal(session: Session, request: Request) -> None:
    wish = wish_of(request.table, session)
    offer = _offered(session, wish)
    stream = _stream_offers(session, request, wish, offer) if request.subscribes else None
    session.answer(request, _shown(session, offer), stream=stream)


def _offered(session: Session, wish: Wish) -> Offer:
    offer = session.broker.offer(session.account, wish)
    if isinstance(offer, Refusal):
        raise denied(session, offer)
    session.offers[offer.id] = None
    if len(session.offers) > MOST_OFFERS:
        del session.offers[next(iter(session.offers))]
    return offer


def _shown(session: Session, offer: Offer, name: str = "") -> Table:
    settings = session.broker.settings
    product = session.product(offer.wish.product)
    shown = session.frames.proposal(offer, product, settings.min_stake, settings.max_payout)
    return {**shown, "id": name} if name else shown


def _stream_offers(session: Session, request: Request, wish: Wish, offer: Offer) -> Stream:
    """A new price with each tick; only the first where the price does not depend on the market."""
    product = session.product(wish.product)
    terms = {key: value for key, value in request.table.items() if key not in ("req_id", "passthrough")}
    stream = session.begin(request, "proposal", sorted(map(str, terms.items())), name=offer.id)
    session.renamed[stream.id] = offer.id
    if _is_fixed(product, wish):
        return stream

    def tell(tick: Tick) -> None:
        del tick
        try:
            offer = _offered(session, wish)
        except Denied as wrong:
            session.drop(stream)
            session.push_denied(stream, "proposal", wrong)
            return
        session.offers.pop(session.renamed[stream.id], None)
        session.renamed[stream.id] = offer.id
        session.push(stream, "proposal", _shown(session, offer, stream.id))

    stream.close = session.broker.watch_ticks(product.name, tell)
    return stream


def _is_fixed(product: Product, wish: Wish) -> bool:
    return bool(wish.ticks) or (product.name.startswith("R_") and wish.lasts < DAY and not wish.expiry)


def wish_of(table: Table, session: Session) -> Wish:
    """What is asked for, in our words; `Denied` where it is another kind of contract, or does not say enough."""
    product = session.product(table[session.frames.symbol_key], key=session.frames.symbol_key)
    name = str(table["contract_type"])
    if name not in KINDS:
        raise Denied("OfferingsValidationError", f"Trading is not offered for {name}.", field="contract_type")
    if table.get("barrier") is not None:
        raise Denied("BarrierValidationError", "Barriers are not offered for this contract.", field="barrier")
    direction, equals = KINDS[name]
    return Wish(
        product=product.name,
        direction=direction,
        amount=_money(table.get("amount"), "amount"),
        basis=table.get("basis", "payout"),
        equals=equals,
        currency=table["currency"],
        **_length(table),
    )


def _length(table: Table) -> dict[str, Any]:
    if "date_expiry" in table:
        return {"expiry": int(table["date_expiry"]) * SECOND}
    duration, unit = table.get("duration"), table.get("duration_unit", "s")
    if not duration:
        raise Denied("OfferingsValidationError", "Please enter a duration.", field="duration")
    return {"ticks": duration} if unit == "t" else {"lasts": duration * UNITS[unit] * SECOND}


def _money(given: object, field: str) -> Decimal:
    try:
        return Decimal(str(given))
    except InvalidOperation:
        raise Denied("InvalidAmount", "Please enter an amount.", field=field) from None


# --- buying and selling ----------------------------------------------------------------------------------------------


def buy(session: Session, request: Request) -> None:
    session.need_room(request)
    account = session.owner.account
    most = _money(request.table["price"], "price")
    if most % CENT:
        raise Denied("InvalidPrice", "Price provided cannot have more than 2 decimal places.", field="price")
    named = request.table["buy"]
    if named == BY_TERMS:
        if "parameters" not in request.table:
            raise unfit({"parameters": MISSING})
        offer = _offered(session, wish_of(request.table["parameters"], session)).id
    else:
        offer = session.renamed.get(named, named)
    if offer not in session.offers:
        raise denied(session, Refusal("spent", ""))
    bought = session.broker.buy(account, offer, most, number=request.number)
    if isinstance(bought, Refusal):
        raise denied(session, bought)
    del session.offers[offer]
    stream = session.stream(named)
    if stream is not None and stream.kind == "proposal":
        session.drop(stream)
    contract = bought.contract
    product = session.product(contract.product)
    following = _follow(session, request, contract.id) if request.subscribes else None
    session.answer(request, session.frames.bought(bought, product), stream=following)
    if following is not None:
        session.push(following, "proposal_open_contract", told(session, session.owner, contract, following.id))


def sell(session: Session, request: Request) -> None:
    least = _money(request.table["price"], "price")
    sold = session.broker.sell(session.owner.account, str(request.table["sell"]), least)
    if isinstance(sold, Refusal):
        raise denied(session, sold)
    session.answer(request, session.frames.sold(sold))


# --- contracts -------------------------------------------------------------------------------------------------------


def proposal_open_contract(session: Session, request: Request) -> None:
    named = request.get("contract_id")
    if named is None:
        _tell_all(session, request)
        return
    contract = session.broker.contract(session.owner.account, str(named))
    if contract is None:
        raise denied(session, Refusal("contract", ""))
    stream = None
    if request.subscribes and not contract.is_sold:
        stream = _follow(session, request, contract.id)
    found = told(session, session.owner, contract, None if stream is None else stream.id)
    session.answer(request, found, stream=stream)


def _tell_all(session: Session, request: Request) -> None:
    """Every open contract; followed, those that are bought later too."""
    purse = session.owner
    stream = _follow(session, request, "") if request.subscribes else None
    name = None if stream is None else stream.id
    contracts = session.broker.open_contracts(purse.account)
    for contract in contracts:
        session.answer(request, told(session, purse, contract, name), stream=stream)
    if not contracts:
        session.answer(request, {}, stream=stream)


def _follow(session: Session, request: Request, contract: str) -> Stream:
    """What becomes of a contract until it is over; of all of an account's when none is named."""
    purse = session.owner
    stream = session.begin(request, "proposal_open_contract", contract)

    def tell(news: News) -> None:
        if not isinstance(news, Stage) or contract not in ("", news.contract.id):
            return
        if contract and news.what == "bought":
            return  # who follows one contract knows that it was
        payload = told(session, purse, news.contract, stream.id)
        if contract and news.contract.is_sold:
            session.drop(stream)
        session.push(stream, "proposal_open_contract", payload)

    stream.close = session.broker.watch(purse.account, tell)
    return stream


def told(session: Session, purse: Purse, contract: Contract, stream: str | None) -> Table:
    """A contract as it stands."""
    product = session.product(contract.product)
    ticks = list[Tick]()
    if contract.ticks and contract.entry is not None:
        until = contract.exit.at if contract.exit is not None else contract.as_of
        ticks = session.broker.ticks(product.name, contract.entry.at, until + 1)[: contract.ticks + 1]
    return session.frames.open_contract(contract, product, purse, ticks, stream)


CALLS: Mapping[str, Call] = {
    "proposal": proposal,
    "buy": buy,
    "sell": sell,
    "proposal_open_contract": proposal_open_contract,
}

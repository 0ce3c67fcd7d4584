"""A contract of the book as it stands at a moment, with what it is worth then."""

from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from pipeline.broker.entries import Entries
from pipeline.broker.pricing import worth
from pipeline.broker.products import Product
from pipeline.broker.values import Contract, ContractStatus, Tick
from pipeline.settlement import FOREVER, Price, PricePath, Tie, result_of
from pipeline.values import Result, Settlement
from pipeline.venues.book import NOTHING, Deal

STATUS: dict[Result, ContractStatus] = {"win": "won", "lose": "lost", "canceled": "refunded", "push": "refunded"}


class Course(NamedTuple):
    """Where a contract that is open entered, and where it would leave now."""

    entry: Price | None
    last: Price | None


def course_of(deal: Deal, path: PricePath, as_of: int) -> Course:
    entry = path.entry(deal.product, deal.accepted_at)
    last = path.exit(deal.product, min(as_of, deal.expiry), FOREVER)
    entered = entry is not None and entry.ts <= min(as_of, deal.expiry)
    return Course(entry if entered else None, last if last is not None else None)


def shown(deal: Deal, product: Product, path: PricePath, entries: Entries, as_of: int) -> Contract:
    """The contract as of a moment at which it had begun."""
    lines = entries.of_contract(deal.contract)
    payout = (deal.stake + deal.stake * Decimal(str(deal.payout))).quantize(Decimal("0.01"))
    contract = Contract(
        id=deal.contract,
        account=deal.account,
        product=deal.product,
        direction=deal.direction,
        equals=deal.tie == "win",
        stake=deal.stake,
        payout=payout,
        bought_at=deal.accepted_at,
        expiry=deal.expiry if not deal.ticks or as_of >= deal.expiry else 0,
        ticks=deal.ticks,
        status="open",
        as_of=as_of,
        buy_number=lines[0].number if lines else "",
        request=deal.request,
        is_expired=as_of >= deal.expiry,
    )
    end = deal.end_as_of(as_of)
    if end is None:
        return _open(contract, deal, product, course_of(deal, path, as_of))
    sold = next((each.number for each in lines if each.kind == "sell"), "")
    return _ended(contract, deal, product, end, sold)


def _open(contract: Contract, deal: Deal, product: Product, course: Course) -> Contract:
    entry, last, left = course.entry, course.last, deal.expiry - contract.as_of
    if left > 0:
        strike = None if entry is None else entry.price
        spot = last.price if last is not None else 0.0
        bid = worth(product, deal.direction, contract.payout, strike, spot, left)
    else:
        bid = _due(contract, deal, course)
    return replace(
        contract,
        entry=_tick(product, entry),
        exit=_tick(product, last) if left <= 0 and entry is not None else None,
        spot=_tick(product, last),
        bid=bid,
        is_sellable=left > 0 and entry is not None and not deal.ticks,
    )


def _due(contract: Contract, deal: Deal, course: Course) -> Decimal:
    """What it will bring, once it has expired."""
    if course.entry is None or course.last is None or course.entry.ts == course.last.ts:
        return deal.stake
    tie: Tie = deal.tie or "lose"
    result = result_of(deal.direction, course.entry.price, course.last.price, tie)
    return contract.payout if result == "win" else NOTHING


def _ended(contract: Contract, deal: Deal, product: Product, end: Settlement, number: str) -> Contract:
    early = end.at < deal.expiry
    exit_ = _tick(product, Price(end.exit_ts, end.exit)) if end.exit_ts else None
    sold_for = deal.stake + end.profit
    return replace(
        contract,
        status="sold" if early else STATUS[end.result],
        entry=_tick(product, Price(end.entry_ts, end.entry)) if end.entry_ts else None,
        exit=exit_,
        spot=exit_,
        bid=sold_for,
        sell_number=number,
        sold_for=sold_for,
        sold_at=end.at,
    )


def _tick(product: Product, price: Price | None) -> Tick | None:
    if price is None:
        return None
    quote, half = price.price, product.half_spread
    return Tick(product.name, price.ts, quote, product.rounded(quote - half), product.rounded(quote + half))

"""What an account holds and held, over Deriv's protocols: open contracts, those that are over, and its money."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pipeline.broker.deriv_prices import Payload
from pipeline.broker.deriv_requests import Request, unfit
from pipeline.broker.deriv_session import Call, Session, Stream
from pipeline.broker.deriv_words import kind
from pipeline.broker.telling import News
from pipeline.broker.values import Contract, Entry, Purse
from pipeline.settlement import FOREVER
from pipeline.times import DAY, SECOND

FEW_PROFITS, FEW_LINES = 50, 100
"""So many rows are given when nobody says how many."""


def portfolio(session: Session, request: Request) -> None:
    purse = session.owner
    wanted = request.get("contract_type")
    as_of = _as_of(session, request)
    held = [each for each in session.broker.open_contracts(purse.account) if each.bought_at <= as_of]
    if as_of < session.broker.now():
        held += [each for each in session.broker.ended_contracts(purse.account, as_of + 1) if each.bought_at <= as_of]
    rows = [
        session.frames.portfolio_row(each, session.product(each.product), purse.currency)
        for each in held
        if _is_wanted(each, wanted)
    ]
    session.answer(request, {"contracts": rows})


def profit_table(session: Session, request: Request) -> None:
    """Contracts that are over, by when they were bought."""
    since, until = _span(request.get("date_from"), request.get("date_to"))
    wanted, as_of = request.get("contract_type"), _as_of(session, request)
    ended = [
        each
        for each in session.broker.ended_contracts(session.owner.account, since)
        if since <= each.bought_at < until and each.sold_at <= as_of and _is_wanted(each, wanted)
    ]
    ended.sort(key=_purchase, reverse=request.get("sort", "DESC") == "DESC")
    described = request.get("description") == 1
    rows = [
        session.frames.profit_row(each, session.product(each.product), described=described)
        for each in _page(ended, request, FEW_PROFITS)
    ]
    session.answer(request, {"count": len(rows), "transactions": rows})


def statement(session: Session, request: Request) -> None:
    """Lines of an account's money, the last first."""
    since, until = _span(request.get("date_from"), request.get("date_to"))
    wanted, as_of = request.get("action_type"), _as_of(session, request)
    lines = [
        each
        for each in reversed(session.broker.entries(session.owner.account, since, min(until, as_of + 1)))
        if wanted is None or each.kind == wanted
    ]
    described = request.get("description") == 1
    rows = [_line(session, each, described=described) for each in _page(lines, request, FEW_LINES)]
    session.answer(request, {"count": len(rows), "transactions": rows})


def _line(session: Session, entry: Entry, *, described: bool) -> Payload:
    contract = contract_of(session, entry)
    product = None if contract is None else session.product(contract.product)
    return session.frames.statement_row(entry, contract, product, described=described)


def _is_wanted(contract: Contract, kinds: list[str] | None) -> bool:
    return kinds is None or kind(contract.direction, equals=contract.equals) in kinds


def _as_of(session: Session, request: Request) -> int:
    """The moment of a listing: now, or earlier where it is stale."""
    fault = request.fault
    stale = fault is not None and fault.what == "stale_listing"
    return session.broker.now() - (fault.delay if fault is not None and stale else 0)


def _purchase(contract: Contract) -> tuple[int, int]:
    return contract.bought_at, int(contract.id)


def _page(rows: list[Any], request: Request, few: int) -> list[Any]:
    offset = request.get("offset", 0)
    return rows[offset : offset + request.get("limit", few)]


def _span(first: str | int | None, last: str | int | None) -> tuple[int, int]:
    """From one moment on, before another; a day's name stands for all of it."""
    since = 0 if first is None else _moment(first)
    if last is None:
        return since, FOREVER
    return since, _moment(last) + (DAY if "-" in str(last) else SECOND)


def _moment(given: str | int) -> int:
    if "-" not in str(given):
        return int(given) * SECOND
    try:
        return int(datetime.fromisoformat(str(given)).replace(tzinfo=UTC).timestamp()) * SECOND
    except ValueError:
        raise unfit({"date": "There is no such day."}) from None


# --- money as it moves -----------------------------------------------------------------------------------------------


def balance(session: Session, request: Request) -> None:
    tell_balance(session, request, {})


def tell_balance(session: Session, request: Request, more: Payload) -> None:
    """An account's balance, with `more` in the first answer."""
    purse = session.owner
    stream = _stream_balance(session, request, purse) if request.subscribes else None
    held = session.broker.balance(purse.account)
    payload = session.frames.balance(purse, held, None if stream is None else stream.id)
    session.answer(request, {**payload, **more}, stream=stream)


def _stream_balance(session: Session, request: Request, purse: Purse) -> Stream:
    stream = session.begin(request, "balance")

    def tell(news: News) -> None:
        if isinstance(news, Entry):
            session.push(stream, "balance", session.frames.balance(purse, news.balance_after, stream.id))

    stream.close = session.broker.watch(purse.account, tell)
    return stream


def transaction(session: Session, request: Request) -> None:
    purse = session.owner
    stream = session.begin(request, "transaction")

    def tell(news: News) -> None:
        if not isinstance(news, Entry):
            return
        contract = contract_of(session, news)
        product = None if contract is None else session.product(contract.product)
        payload = session.frames.transaction(news, contract, product, purse.currency, stream.id)
        session.push(stream, "transaction", payload)

    stream.close = session.broker.watch(purse.account, tell)
    session.answer(request, {"id": stream.id}, stream=stream)


def contract_of(session: Session, entry: Entry) -> Contract | None:
    """The contract that a line of money is about."""
    return session.broker.contract(entry.account, entry.contract) if entry.contract else None


CALLS: Mapping[str, Call] = {
    "portfolio": portfolio,
    "profit_table": profit_table,
    "statement": statement,
    "balance": balance,
    "transaction": transaction,
}

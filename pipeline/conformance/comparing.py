"""A statement held against the venue's own book as of the same moment."""

from pipeline.broker.core import Broker
from pipeline.evidence import Inquiry, Listed, Statement

NEAR = 0.005
"""Ratios of payouts that are the same: some are told to the cent."""


def differs(broker: Broker, said: Statement, young: int = 0) -> str:
    """In what a statement is not what the venue has in its book as of the statement's moment; "" when it is.

    Contracts that had begun no longer than `young` ms before may be missing.
    """
    if said.as_of > broker.now():
        return f"it is as of {said.as_of}, which has not come yet"
    book = broker.statement(Inquiry(said.account, 0, said.since, said.as_of), said.as_of)
    whole = broker.statement(Inquiry(said.account, 0, 0, said.as_of), said.as_of)
    wanted, known = _named(book), _named(whole)
    listed = _named(said)
    if len(listed) < len(said.contracts):
        return "it names a contract twice"
    missing = sorted(wanted.keys() - listed.keys())
    if any(wanted[each].accepted_at <= said.as_of - young for each in missing):
        return f"the venue has {len(wanted)} contracts since then, it leaves out {len(missing)}: {missing[0]} …"
    if strange := sorted(listed.keys() - known.keys()):
        return f"it lists {strange[0]}, which the venue did not have at that moment"
    for name, each in listed.items():
        if wrong := _unlike(each, known[name]):
            return f"{name}: {wrong}"
    if said.balance is not None and not missing and said.balance != book.balance:
        return f"its balance is {said.balance}, and the account held {book.balance} at that moment"
    return ""


def _unlike(said: Listed, book: Listed) -> str:
    names = ("product", "tf", "direction", "stake", "accepted_at", "expiry", "result", "profit")
    for name in names:
        if getattr(said, name) != getattr(book, name):
            return f"its {name} is {getattr(said, name)}, the venue's {getattr(book, name)}"
    if abs(said.payout - book.payout) > NEAR:
        return f"its payout is {said.payout:g}, the venue's {book.payout:g}"
    return ""


def _named(statement: Statement) -> dict[str, Listed]:
    return {each.contract: each for each in statement.contracts}

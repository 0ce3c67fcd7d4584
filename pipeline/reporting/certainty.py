"""Sections on whether it can be believed: certificates of the accounts, settlements our ticks explain, signed ends."""

from pipeline.certainty.certificates import facts as certified
from pipeline.certainty.fairness import facts as judged
from pipeline.certainty.fairness import fairness
from pipeline.reporting.said import Section
from pipeline.reporting.subjects import NO_ACCOUNT, Subject
from pipeline.times import local_text
from pipeline.values import Certificate


def certificate(of: Subject) -> Section | None:
    """Of the accounts of a total: the last one of each."""
    mine = {order.account for order in of.orders}
    made = [each for name, each in sorted(of.proven.certificates.items()) if name in mine]
    if of.account != NO_ACCOUNT or not made:
        return None
    said = "; ".join(_sound(each, of) for each in made)
    return Section("certificate", "certificate", said, {each.account: certified(each) for each in made})


def audit(of: Subject) -> Section | None:
    """Of the contracts of these orders: whether our ticks explain how the venue ended them."""
    orders = {order.order: order for order in of.orders}
    audits = [of.proven.audits[name] for name in orders if name in of.proven.audits]
    if not audits:
        return None
    found = fairness(audits, orders)
    return Section("audit", "settlements", str(found), judged(found))


def signed(of: Subject) -> Section | None:
    """Orders whose end nobody but a person told."""
    names = {order.order for order in of.orders}
    made = [each for name, each in of.proven.signed.items() if name in names]
    if not made:
        return None
    text = "; ".join(made)
    return Section("signed", "signed for", f"{len(made)} by somebody's word: {text}", {"verdicts": made})


def _sound(made: Certificate, of: Subject) -> str:
    as_of = f"as of {local_text(made.as_of, of.zone)}"
    if made.sound:
        return f"{made.account} adds up {as_of}"
    return f"{made.account} does NOT add up {as_of}: {'; '.join(made.unexplained)}"

"""What a ledger has beside its orders that says whether they can be believed."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline.evidence import Audited
from pipeline.ledger.proofs import Proofs
from pipeline.values import Certificate


class Proven(NamedTuple):
    """The last certificate of each account, the audit of each order, and who signed for which order."""

    certificates: Mapping[str, Certificate] = {}
    audits: Mapping[str, Audited] = {}
    signed: Mapping[str, str] = {}
    """By order, in words."""


NOTHING_PROVEN = Proven()


def proven_in(ledger: Path) -> Proven:
    with Proofs(ledger) as proofs:
        verdicts = [verdict for verdict, _ in proofs.verdicts()]
        signed = {each.order: f"{each.order} {each.outcome} {each.profit:+} by {each.by}" for each in verdicts}
        return Proven(proofs.certificates(), proofs.audits(), signed)

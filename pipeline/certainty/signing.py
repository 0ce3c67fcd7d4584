"""Signatures of verdicts: each is a hash over its row and over the signature before it.

So none can be changed, put in or taken out afterwards without every later one telling.
"""

from collections.abc import Iterable
from hashlib import sha256

from pipeline.evidence import Verdict

FIRST = ""
"""What the first signature follows on."""


def signature_of(verdict: Verdict, before: str) -> str:
    """The signature of a verdict that comes after the one signed `before`."""
    row = (
        before,
        verdict.order,
        verdict.outcome,
        str(verdict.profit),
        str(verdict.at),
        verdict.by,
        verdict.reason,
    )
    return sha256("\0".join(row).encode()).hexdigest()


def forged(signed: Iterable[tuple[Verdict, str]]) -> Verdict | None:
    """The first verdict whose signature does not follow from it and those before it."""
    before = FIRST
    for verdict, signature in signed:
        before = signature_of(verdict, before)
        if signature != before:
            return verdict
    return None

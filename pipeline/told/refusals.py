"""Why the control API refuses something, as it says so: one envelope, whatever went wrong."""

from typing import Literal

from msgspec import Struct

Code = Literal[
    "VALIDATION",
    "AUTH",
    "NOT_FOUND",
    "THROTTLE",
    "MAINTENANCE",
    "NETWORK",
    "BUSINESS_RULE",
    "CONCURRENCY_BLOCK",
    "STORAGE",
    "INTERNAL",
]
"""VALIDATION: the question is wrong; AUTH: whoever asks may not; NOT_FOUND: there is no such thing; THROTTLE: too much
at once; MAINTENANCE: not now, later; NETWORK: the other end was not reached, or was too slow; BUSINESS_RULE: it is
understood, and may not be; CONCURRENCY_BLOCK: somebody else is at it, or was meanwhile; STORAGE: the ledger cannot be
written or read; INTERNAL: a mistake of this program."""


class Problem(Struct, frozen=True):
    """What is wrong, in one sentence that says how to mend it; `details` are sentences about its pieces."""

    code: Code
    message: str
    details: tuple[str, ...] = ()


class Failure(Struct, frozen=True):
    """The answer to what was refused. Nothing was changed by it."""

    error: Problem

"""Why the control API refuses something, as it says so: one envelope, whatever went wrong."""

from collections.abc import Mapping
from types import MappingProxyType

from pipeline.errors import InputError, MoonlightError, PlanError
from pipeline.ledger.failures import LedgerError
from pipeline.masking import masked
from pipeline.told.refusals import Code, Failure, Problem

STATUS: Mapping[Code, int] = MappingProxyType(
    {
        "VALIDATION": 400,
        "AUTH": 401,
        "NOT_FOUND": 404,
        "THROTTLE": 429,
        "MAINTENANCE": 503,
        "NETWORK": 504,
        "BUSINESS_RULE": 409,
        "CONCURRENCY_BLOCK": 409,
        "STORAGE": 503,
        "INTERNAL": 500,
    }
)
"""What each is answered with where nothing closer is said."""


class Refused(MoonlightError):
    """The control API refuses a question."""

    def __init__(
        self, code: Code, message: str, status: int = 0, details: tuple[str, ...] = (), *, wait: float = 0.0
    ) -> None:
        super().__init__(message)
        self.code: Code = code
        self.status = status or STATUS[code]
        self.details = details
        self.wait = wait
        """After how many seconds it may be asked again; 0: nobody knows."""

    @property
    def failure(self) -> Failure:
        return Failure(Problem(self.code, masked(str(self)), tuple(masked(each) for each in self.details)))


def refused(failure: MoonlightError) -> Refused:
    """How a failure of ours is answered."""
    match failure:
        case Refused():
            return failure
        case PlanError():
            problems = tuple(str(failure).splitlines())
            return Refused("VALIDATION", "the flow is not valid; see the details", details=problems)
        case InputError():
            return Refused("VALIDATION", str(failure))
        case LedgerError():
            return Refused("STORAGE", str(failure))
        case _:
            return Refused("BUSINESS_RULE", str(failure))

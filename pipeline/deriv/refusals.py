"""What Deriv's error codes mean: which kind of failure each is, and what it says of an order."""

from pipeline.connections.cleaning import cleaned
from pipeline.connections.troubles import CallFailed, Fate
from pipeline.evidence import TroubleKind

LET_OUT = frozenset({"InvalidToken", "DisabledClient", "PermissionDenied", "InvalidAppID"})
"""The login is not taken, and will not be: a person has to do something."""
LOGGED_OUT = frozenset({"AuthorizationRequired", "Unauthorized", "UnauthorizedAccess"})
"""This session may not ask it; another one may."""
THROTTLED = frozenset({"RateLimit"})
CLOSED = frozenset({"SuspendedDueToLoad"})
MISUNDERSTOOD = frozenset({"InputValidationFailed", "UnrecognisedRequest", "WrongResponse"})
REQUOTED = frozenset({"InvalidContractProposal", "PriceMoved"})
"""The price of a purchase holds no more: a new one may be asked for."""
FUNDS = frozenset({"InsufficientBalance", "NoBalance"})
AGAINST_THE_RULES = (
    REQUOTED
    | FUNDS
    | {
        "ContractBuyValidationError",
        "OfferingsValidationError",
        "OfferingsValidationFailure",
        "ContractCreationFailure",
        "BarrierValidationError",
        "InvalidAmount",
        "TooManyDecimalPlaces",
        "MarketIsClosed",
        "GetProposalFailure",
        "AlreadySubscribed",
        "InvalidPrice",
        "InvalidtoBuy",
        "DailyTurnoverLimitExceeded",
        "CompanyWideLimitExceeded",
        "ClientUnwelcome",
        "InvalidSymbol",
        "InvalidOfferings",
        "NoRealtimeQuotes",
        "StreamingNotAllowed",
        "NoSymbolProvided",
        "InvalidStartEnd",
        "InvalidStyle",
        "ContractNotFound",
        "NoOpenPosition",
        "ContractIsSold",
        "ContractAlreadySold",
        "InvalidSellContractProposal",
        "SellNotAvailable",
        "ValidationError",
        "NotFound",
    }
)
NOT_THERE = frozenset({"ContractNotFound", "NotFound"})
NOT_OFFERED = frozenset(
    {"MarketIsClosed", "OfferingsValidationError", "OfferingsValidationFailure", "InvalidSymbol", "InvalidOfferings"}
)
"""A product cannot be bought now, in this duration or at all."""
DECIDED = LET_OUT | LOGGED_OUT | THROTTLED | {"InputValidationFailed", "UnrecognisedRequest"} | AGAINST_THE_RULES
"""Codes that say of a purchase that there is none. After any other nobody knows."""
LONGEST = 60
"""Letters of a code that are shown."""
THROTTLE_WAIT = 10.0
"""Seconds to leave a call alone that was one too many: no answer says when the next may be made."""


class Refused(CallFailed):
    """An answer that is an error, with Deriv's own code."""

    def __init__(self, code: str, message: str, call: str) -> None:
        kind = _kind(code)
        said = f": {cleaned(message)}" if message else ""
        super().__init__(
            kind,
            f"{call} was refused ({cleaned(code, most=LONGEST)}){said}",
            fate=fate_of(code),
            wait=THROTTLE_WAIT if kind == "throttle" else None,
            final=code in LET_OUT,
        )
        self.code = code


def certain(failed: CallFailed, fate: Fate = "unsent") -> CallFailed:
    """The failure of what had to be asked before a purchase: nothing was bought."""
    return CallFailed(failed.kind, str(failed), fate=fate, wait=failed.wait, final=failed.final)


def fate_of(code: str) -> Fate:
    """What is certain of a purchase that was answered so."""
    return "refused" if code in DECIDED else "unknown"


def _kind(code: str) -> TroubleKind:
    if code in LET_OUT or code in LOGGED_OUT:
        return "auth"
    if code in THROTTLED:
        return "throttle"
    if code in CLOSED:
        return "maintenance"
    if code in MISUNDERSTOOD:
        return "format"
    return "rule" if code in AGAINST_THE_RULES else "network"

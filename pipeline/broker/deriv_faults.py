"""How what goes wrong at the practice venue shows over Deriv's protocols."""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from pipeline.broker.deriv_checks import Table, is_number, is_table
from pipeline.broker.deriv_requests import Denied
from pipeline.broker.faults import Fault, OfSpan

LOAD = "The service is temporarily unavailable."
NOT_LOGGED_IN = "AuthorizationRequired", "Please log in."
TOO_OFTEN = "RateLimit"
FAILED = "InternalServerError", "Sorry, an error occurred while processing your request."
SAID: Mapping[str, tuple[str, str]] = {
    "http_401": NOT_LOGGED_IN,
    "http_403": ("PermissionDenied", "Permission denied."),
    "http_503": ("SuspendedDueToLoad", LOAD),
    "http_503_accepted": FAILED,
    "price_moved": ("PriceMoved", "The underlying market has moved too much since you priced the contract."),
    "market_closed": ("MarketIsClosed", "This market is presently closed."),
    "offer_gone": ("InvalidContractProposal", "Unknown contract proposal"),
    "sale_refused": ("SellNotAvailable", "Resale of this contract is not offered."),
    "failed_listing": FAILED,
    "call_http_503": ("SuspendedDueToLoad", LOAD),
    "login_http_401": ("InvalidToken", "The token is invalid."),
    "login_http_403": ("PermissionDenied", "Permission denied."),
    "login_http_503": ("SuspendedDueToLoad", LOAD),
    "expired_otp": ("InvalidToken", "The token is invalid."),
}
"""Errors that stand for statuses a socket has not, and those that the protocol has itself."""
OFTEN = frozenset({"http_429", "rate_limit", "call_http_429", "call_rate_limit"})
BREAKING = frozenset({"refused", "reset_before", "reset_after", "call_reset", "connection_refused"})
SILENT = frozenset({"lost_request", "lost_ack", "lost_close", "lost_listing", "call_lost"})
LATE = frozenset({"late_ack", "timeout", "call_late"})
NOT_DONE = frozenset({"lost_request", "refused", "reset_before", "call_lost", "call_reset", "connection_refused"})
"""What is not done, and not answered either."""
DONE_BUT_DENIED = frozenset({"http_503_accepted"})
"""What is done, and answered with an error all the same."""
REST_CODES: Mapping[str, str] = {
    "call_http_429": TOO_OFTEN,
    "call_rate_limit": TOO_OFTEN,
    "call_http_503": "ServiceUnavailable",
    "login_http_401": "Unauthorized",
    "login_http_403": "AccessDenied",
    "login_http_503": "ServiceUnavailable",
}
"""What REST answers, and a socket that is not opened."""


def instead(fault: Fault, call: str) -> Denied | None:
    """The error that is given on a socket instead of what was asked for, where one is."""
    if fault.what in OFTEN:
        return too_often(call)
    said = SAID.get(fault.what)
    return None if said is None else Denied(*said)


def too_often(call: str) -> Denied:
    return Denied(TOO_OFTEN, f"You have reached the rate limit for {call}.")


# --- shapes ----------------------------------------------------------------------------------------------------------

ENVELOPE = ("echo_req", "msg_type", "req_id", "subscription", "error")
SURPRISE: Table = {"nobody_knows": [1, None, {"this": "field"}]}


def bent(frame: Table, during: Callable[[OfSpan], object]) -> Table:
    """A frame in the shape that the day's faults give it."""
    if during("numbers_as_text"):
        frame = _payload(frame, _as_text)
    if during("text_as_numbers"):
        frame = _payload(frame, _as_number)
    if during("unknown_fields"):
        known = {key: {**each, **SURPRISE} if _is_payload(key, each) else each for key, each in frame.items()}
        frame = {**known, **SURPRISE}
    if during("no_echo"):
        frame = {key: each for key, each in frame.items() if key != "echo_req"}
    return frame


def _is_payload(key: str, value: object) -> bool:
    return key not in ENVELOPE and is_table(value)


def _payload(frame: Table, change: Callable[[Any], Any]) -> Table:
    return {key: each if key in ENVELOPE else _each(each, change) for key, each in frame.items()}


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    if is_table(value):
        return {key: _each(each, change) for key, each in value.items()}
    if isinstance(value, list):
        return [_each(each, change) for each in cast("list[Any]", value)]
    return change(value)


def _as_text(value: object) -> object:
    return str(value) if is_number(value) else value


def _as_number(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        number = Decimal(value)
    except InvalidOperation:
        return value
    return float(number) if number.is_finite() else value

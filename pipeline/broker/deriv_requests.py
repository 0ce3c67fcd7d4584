"""One request of Deriv's protocols: read with suspicion, and answered with what was asked beside the answer."""

import json
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, NamedTuple, NoReturn, cast

from msgspec.json import encode

from pipeline.broker.deriv_checks import Table, is_table, is_whole
from pipeline.broker.faults import Fault

DEEPEST = 16
"""How deep a request may be nested."""
HIDDEN = "<not shown>"
SECRET_KEYS = ("authorize", "tokens")
"""What is not sent back."""


class Denied(Exception):
    """Why something is not done, as a client is told."""

    def __init__(self, code: str, message: str, details: Mapping[str, str] | None = None, *, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = {**(details or {}), **({"field": field} if field else {})}

    def table(self) -> Table:
        found: Table = {"code": self.code, "message": self.message}
        return {**found, "details": self.details} if self.details else found


class Request(NamedTuple):
    """A request that fits the shape of its call."""

    call: str
    table: Table
    number: int = 0
    """Of an order: the how manieth of the venue."""
    fault: Fault | None = None
    """What befalls the answer."""

    @property
    def subscribes(self) -> bool:
        return self.table.get("subscribe") == 1

    def get(self, key: str, otherwise: Any = None) -> Any:
        return self.table.get(key, otherwise)


def unfit(wrong: Mapping[str, str]) -> Denied:
    """What is said of a request that does not fit its shape; `wrong` says what is wrong with which key."""
    return Denied("InputValidationFailed", f"Input validation failed: {', '.join(wrong)}", wrong)


def parsed(text: str) -> Table:
    """The object that a client sent; `Denied` when it is none, or one that nobody sends in good faith."""
    try:
        table = json.loads(text, parse_constant=_refused, parse_float=_finite, object_pairs_hook=_once)
        encode(table)  # what is asked is sent back: a number or a letter that cannot be is refused here
    except (ValueError, OverflowError, RecursionError):
        raise Denied("InputValidationFailed", "Input validation failed: this is not a JSON object") from None
    if not is_table(table) or _depth(table) > DEEPEST:
        raise Denied("InputValidationFailed", "Input validation failed: this is not a plain JSON object")
    return table


def framed(request: Table, said: str, body: Table, stream: str | None = None, also: tuple[str, ...] = ()) -> Table:
    """A frame in answer to a request, or in a stream that it began; `also` is what it repeats of the request."""
    frame: Table = {"echo_req": shown(request), "msg_type": said, **body}
    if is_whole(request.get("req_id")):
        frame["req_id"] = request["req_id"]
    frame |= {key: request[key] for key in also if key in request}
    if stream is not None:
        frame["subscription"] = {"id": stream}
    return frame


def shown(request: Table) -> Table:
    """A request as it is sent back."""
    if not any(key in request for key in SECRET_KEYS):
        return request
    return {key: HIDDEN if key in SECRET_KEYS else value for key, value in request.items()}


def _refused(word: str) -> NoReturn:
    raise ValueError(word)


def _finite(text: str) -> float:
    number = float(text)
    return number if isfinite(number) else _refused(text)


def _once(pairs: list[tuple[str, Any]]) -> Table:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a key is there twice")
    return table


def _depth(table: Table) -> int:
    """How deep a table is nested; without recursion, however deep it is."""
    depth = 0
    level: list[Any] = [table]
    while level and depth <= DEEPEST:
        depth += 1
        level = [inner for each in level for inner in _inside(each) if isinstance(inner, dict | list)]
    return depth


def _inside(value: Any) -> Iterable[Any]:
    return cast("Table", value).values() if isinstance(value, dict) else value

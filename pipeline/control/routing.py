"""What one route of the control API is: declared once, served and described from the same words."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from pipeline.control.errors import Refused
from pipeline.control.limits import LARGEST_QUESTION
from pipeline.told.refusals import Code

API_VERSION = "1.1"
"""Raised when a route, or a field of one, goes away or changes its meaning; the part behind the dot when one comes."""

PREFIX = "/v1"
"""Every route answers under it, and without it."""

Method = Literal["GET", "POST", "PUT"]

S = TypeVar("S")
Q = TypeVar("Q", bound=Struct)
B = TypeVar("B")
A = TypeVar("A")


class Text(NamedTuple):
    """An answer that is no JSON, and what it is."""

    body: bytes
    kind: str


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing is asked but the thing itself."""


@dataclass(frozen=True, kw_only=True)
class Route(Generic[S, Q, B, A]):
    """One route: what is asked, what answers it, and with what. `S` is who in the engine is asked."""

    method: Method
    path: str
    """Pieces in braces are fields of `query`."""
    name: str
    does: str
    """One sentence, for people."""
    call: Callable[[S, Q, B], Awaitable[A]]
    answer: Any
    query: type[Q]
    body: Any = None
    """The type of what is said in it; None: nothing is."""
    refusals: tuple[Code, ...] = ()
    """What it may be refused with, beside what any route may."""
    text: Callable[[S, str], Awaitable[Text]] | None = None
    """Answers whoever accepts text and no JSON; told what they accept."""
    stale: bool = False
    """It may be answered 412: what was to be changed is not what was read."""
    also: tuple[str, ...] = ()
    """Other paths to the same."""
    urgent: bool = False
    """It is not counted, and never refused because too much was asked."""
    largest: int = LARGEST_QUESTION

    def asked(self, query: Mapping[str, str]) -> Q:
        """The question in an address."""
        try:
            return msgspec.convert(dict(query), self.query, strict=False)
        except msgspec.ValidationError as wrong:
            known = ", ".join(self.query.__struct_fields__) or "nothing"
            raise Refused("VALIDATION", f"{self.path} cannot take that: {wrong}; it takes {known}") from None

    def said(self, body: bytes) -> B:
        """The question in a body; an empty one says nothing of what may be left out."""
        if self.body is None:
            return None  # type: ignore[return-value]  # B is None then
        try:
            return msgspec.json.decode(body or b"{}", type=self.body)
        except (msgspec.DecodeError, RecursionError, ValueError) as wrong:
            raise Refused("VALIDATION", f"cannot take that: {str(wrong)[:200]}; see GET /docs for its shape") from None


AnyRoute = Route[Any, Any, Any, Any]


@dataclass(frozen=True)
class Served:
    """A route, and who in this engine is asked."""

    route: AnyRoute
    subject: Any

"""What a way for alerts to leave the machine is: a part of kind `alert`, a table of [alerts]."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct

Severity = Literal["low", "medium", "critical"]


class Alert(Struct, frozen=True):
    """Something that somebody should hear of: that it began, or (`on` is false) that it is over."""

    code: str
    """What it is, in capital letters: DAILY_LOSS_NEAR, KILL_SWITCH, CONNECTION …"""
    severity: Severity
    subject: str
    """Of what: an account, a node, a product; "" the whole engine."""
    text: str
    at: int
    on: bool = True
    times: int = 1
    """How often it came within what is told at once."""


class Outlet(Protocol):
    """What a route is given by the engine that runs it."""

    folder: Path
    flow: str

    def alerts(self) -> AsyncIterator[tuple[Alert, ...]]:
        """What is to be told, some at once, until the engine ends."""
        ...

    def secret(self, name: str) -> str:
        """A secret from the keyring under this name."""
        ...

    def alive(self) -> Mapping[str, object] | None:
        """How the engine fares, in a few plain words; None while it does not go on."""
        ...

    async def wait(self, seconds: float) -> None:
        """Wait in real time."""
        ...


class Route(Protocol):
    """One way out; ends when the engine does. What it raises is told, and it is started again later."""

    async def __call__(self, outlet: Outlet) -> None: ...

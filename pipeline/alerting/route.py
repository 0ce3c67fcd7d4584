"""What a way for alerts to leave the machine is: a part of kind `alert`, a table of [alerts]."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct

from pipeline.secret import Secret

Severity = Literal["low", "medium", "critical"]
GRAVITY: Mapping[Severity, int] = {"low": 0, "medium": 1, "critical": 2}


class Alert(Struct, frozen=True):
    """Something that somebody should hear of: that it began, or (`on` is false) that it is over."""

    code: str
    """What it is, in capital letters: DAILY_LOSS_NEAR, KILL_SWITCH, CONNECTION …"""
    severity: Severity
    subject: str
    """Of what: an account, a node, a product; "" the whole engine."""
    text: str
    at: int
    """On the flow's clock."""
    on: bool = True
    times: int = 1
    """How often it came within what is told at once."""
    lasted: int = 0
    """Of one that is over: for how long it held (ms)."""
    number: int = 0
    """The how manieth of this run of the engine; 0 for what only one way out says of itself."""


class Letter(Struct, frozen=True):
    """Alerts that go out at once by one way."""

    number: int
    alerts: tuple[Alert, ...]
    tries: int = 1
    """For the how manieth time it is sent: one that was sent before may have arrived."""

    @property
    def severity(self) -> Severity:
        """That of the gravest."""
        gravest = max(self.alerts, key=lambda alert: GRAVITY[alert.severity], default=None)
        return "low" if gravest is None else gravest.severity


class Outlet(Protocol):
    """What a route is given by the engine that runs it."""

    name: str
    """The route's, as in [alerts.NAME]."""
    folder: Path
    flow: str
    run: int
    """Which run of the engine: another number for each."""

    def letters(self) -> AsyncIterator[Letter]:
        """What is to be told, until the engine ends. A letter has arrived once the next is asked for; one that had not
        when the route failed comes again."""
        ...

    async def secret(self, name: str) -> Secret:
        """A secret under this name; `InputError` when there is none."""
        ...

    def alive(self) -> Mapping[str, object] | None:
        """How the engine fares, in a few plain words; None while it does not go on."""
        ...

    def amiss(self) -> str:
        """Why the engine does not go on; "" while it does."""
        ...

    async def wait(self, seconds: float) -> bool:
        """Wait in real time; whether the engine ends, for which nobody waits longer."""
        ...

    def works(self) -> None:
        """Something arrived: for routes that send no letters."""
        ...

    def now(self) -> int:
        """The machine's clock, ms UTC."""
        ...


class Route(Protocol):
    """One way out; ends when the engine does. What it raises is told, and it is started again later."""

    async def __call__(self, outlet: Outlet) -> None: ...


@runtime_checkable
class Confiding(Protocol):
    """A route that needs secrets: under which names they are kept."""

    @property
    def confidences(self) -> tuple[str, ...]: ...

"""What the outside offers sources, venues and sinks: the clock, waiting, the folder, the span."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from reactivex import Observable
from reactivex.abc import DisposableBase

from pipeline.calendar import Calendars
from pipeline.evidence import Noted
from pipeline.values import Decisions, Latch, Order, Outcomes

Mode = Literal["paper", "live", "replay"]

T = TypeVar("T")


class Records(Protocol):
    """Where decisions and orders, what bars would have paid, and stops are kept."""

    def intend(self, order: Order) -> bool | None:
        """Record an order for good before it is sent; False when its account has one for that bar.

        None when that will be known later: then a `Written` enters by the ledger's door.
        """
        ...

    def follow(self, order: Order) -> None:
        """Record what became of an order."""
        ...

    def decide(self, decisions: Decisions) -> None:
        """Keep decisions until the next commit."""
        ...

    def outcome(self, outcomes: Outcomes) -> None:
        """Keep outcomes until the next commit."""
        ...

    def latch(self, latch: Latch) -> None:
        """Record a stop, or its release, for good."""
        ...

    def note(self, noted: Noted) -> None:
        """Record what makes orders certain."""
        ...

    def commit(self) -> None:
        """Write what was kept."""
        ...


class Host(Protocol):
    """The border a part stands at. All times are ms UTC on the flow's own clock, whatever drives it."""

    mode: Mode
    """Which clock drives the flow: `paper` and `live` run as time passes, `replay` on virtual time."""
    base: Path
    """The folder of the flow file; relative paths in it start here."""
    folder: Path
    """Where this flow keeps its files."""
    flow: str
    """What the flow is called."""
    node: str
    """What the part that stands here is called in it."""
    history: Mapping[int, int]
    """How many final bars each timeframe (ms) needs before the first decision."""
    ledger: Records
    calendars: Calendars
    """When the market of each product is open."""
    end: int | None
    """When a replay ends; None while there is no end."""
    block: int
    """0: give each item when its time has come. Otherwise the span in ms of blocks to give ahead: all of the
    span's items at its beginning, then wait for its end."""

    def now(self) -> int:
        """The time on the flow's clock."""
        ...

    async def until(self, at: int) -> None:
        """Wait until the flow's clock shows `at`."""
        ...

    def at(self, moment: int, act: Callable[[], None]) -> DisposableBase:
        """Call `act` once the flow's clock shows `moment` (soon, when that has passed); dispose to cancel."""
        ...

    def work(self, doing: Coroutine[Any, Any, None], failed: Callable[[Exception], None]) -> DisposableBase:
        """Run a coroutine beside the flow; dispose to cancel it. What it fails with goes to `failed`.

        A flow that ends waits a little until what was cancelled has let go of what it holds.
        """
        ...

    def stream(self, items: Callable[[], AsyncIterator[T]]) -> Observable[T]:
        """An observable of what an async generator yields, run anew for each subscriber; its failure goes down it."""
        ...

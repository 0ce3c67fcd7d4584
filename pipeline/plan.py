"""A plan: a flow file that was checked and found whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from pipeline.alerting.settings import Alerting
from pipeline.anchored import Anchoring
from pipeline.calendar import Calendars
from pipeline.control.settings import Api
from pipeline.errors import Problem
from pipeline.evidence import Evidence, Money
from pipeline.flowtest import FlowTest
from pipeline.kill_file import DATA
from pipeline.logs.settings import Logs
from pipeline.parts import Kind, Part
from pipeline.settlement import Tie
from pipeline.telemetry.settings import Telemetry
from pipeline.times import DurationText, duration
from pipeline.toml_text import Source
from pipeline.walltime import zone_names

Fault = Literal["restart", "stop"]
LEDGER = "ledger"
FEATURES = "features"
REPAINT = "repaint"
OUTCOMES = "outcomes"
CERTIFICATES = "certificates"
AUDITS = "audits"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What holds for the whole flow."""

    name: Annotated[str, Meta(description="what the flow is called; the file's name when left out")] = ""
    mode: Annotated[
        Literal["paper", "live", "replay"], Meta(description="which clock drives `run`: time as it passes, or replay")
    ] = "paper"
    display_timezone: Annotated[str, Meta(description="the zone in which times are shown; inside all is UTC")] = "UTC"
    data: Annotated[
        str, Meta(min_length=1, description="the folder of the flow's ledger and token, beside the file")
    ] = DATA
    block: Annotated[int, Meta(ge=32, le=65536, description="slots of one block of anchored windows")] = 512
    lookback: Annotated[int, Meta(ge=0, description="bars before a block that features see; 0: what they declare")] = 0
    plugins: Annotated[
        tuple[str, ...], Meta(description="Python files beside this one, whose parts can be used as if they were ours")
    ] = ()
    watch: Annotated[
        bool, Meta(description="whether a running engine takes over an edit of this file as soon as it is saved")
    ] = True
    entry_delay: Annotated[
        DurationText,
        Meta(description="how long after a bar is final its contract is thought to begin when `why` says what it paid"),
    ] = "250ms"
    audit_tolerance: Annotated[
        float,
        Meta(
            ge=0,
            le=0.01,
            description="by which part of a price a venue's entry or exit may differ from our ticks: 0.0001 is 0.01 %",
        ),
    ] = 0.0

    strategy_budget: Annotated[
        str,
        Meta(
            pattern=r"^([1-9]\d*(ms|s)|off)$",
            description="how much of a processor's time a strategy has in `run` to judge a bar, or `off`: one that"
            " takes longer is interrupted, and one that goes on so is not asked for a while",
        ),
    ] = "50ms"

    def __post_init__(self) -> None:
        duration(self.entry_delay)
        if self.display_timezone not in zone_names():
            raise ValueError(f"display_timezone {self.display_timezone!r} is not known; write one like Europe/Istanbul")


@dataclass(frozen=True, kw_only=True)
class Account:
    """Somebody's money at a venue."""

    venue: Annotated[str, Meta(description="a table of [venues]")]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3,5}$", description="three to five capital letters such as USD")] = (
        "USD"
    )
    balance: Annotated[Decimal, Meta(description="what the account begins with")] = Decimal("1000.00")
    money: Annotated[Money, Meta(description="whose money it plays with: nobody's, the venue's, or its owner's")] = (
        "practice"
    )

    def __post_init__(self) -> None:
        if not self.balance.is_finite() or self.balance < 0:
            raise ValueError(f"balance must not be below 0, it is {self.balance}")


@dataclass(frozen=True, slots=True)
class Node:
    """A part in a flow, under a name."""

    id: str
    part: Part
    instance: Any
    on_fault: Fault


def products_of(node: Node) -> tuple[str, ...]:
    """What a source says that it gives."""
    several: tuple[str, ...] | None = getattr(node.instance, "products", None)
    return several if several is not None else tuple(filter(None, (getattr(node.instance, "product", None),)))


@dataclass(frozen=True, slots=True)
class Edge:
    """Which values of one node another takes, by which of its parameters.

    An edge that closes a loop (what became of an order goes back to the gate) is not followed in building: its values
    are given in a turn of their own.
    """

    source: str
    target: str
    parameter: str
    types: tuple[type[Any], ...]
    closes: bool = False
    accounts: frozenset[str] = frozenset()
    """Carry only what is of these accounts; empty: all."""


@dataclass(frozen=True)
class Plan:
    """A checked flow: nodes in an order in which each comes after what it takes from."""

    source: Source
    base: Path
    settings: Settings
    accounts: Mapping[str, Account]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    anchoring: Anchoring
    tests: tuple[FlowTest, ...]
    warnings: tuple[Problem, ...]
    calendars: Calendars
    api: Api = field(default_factory=Api)
    logs: Logs = field(default_factory=Logs)
    alerts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The ways out for alerts, by name."""
    alerting: Alerting = field(default_factory=Alerting)
    telemetry: Telemetry = field(default_factory=Telemetry)

    @property
    def file(self) -> str:
        return self.source.file

    @property
    def name(self) -> str:
        return self.settings.name or Path(self.file).stem

    @property
    def folder(self) -> Path:
        return self.base / self.settings.data

    @cached_property
    def by_id(self) -> Mapping[str, Node]:
        return {node.id: node for node in self.nodes}

    @property
    def products(self) -> tuple[str, ...]:
        """What the sources say that they give, each once."""
        return tuple(dict.fromkeys(product for node in self.of("source") for product in products_of(node)))

    @cached_property
    def stamps(self) -> tuple[str, ...]:
        """What whoever reads of this flow's trades must know before all else."""
        return tuple(f"[{node.id}] {stamp}" for node in self.of("risk") for stamp in node.instance.stamps())

    def of(self, *kinds: Kind) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if node.part.kind in kinds)

    def into(self, target: str) -> tuple[Edge, ...]:
        return tuple(edge for edge in self.edges if edge.target == target)


def lists(plan: Plan, account: str) -> bool:
    """Whether the venue of an account can list its contracts."""
    return _evidence(plan, account).lists


def closes(plan: Plan, account: str) -> bool:
    """Whether the venue of an account takes contracts back before their expiry."""
    return _evidence(plan, account).closes


def _evidence(plan: Plan, account: str) -> Evidence:
    known = plan.accounts.get(account)
    venue = plan.by_id.get(f"venues.{known.venue}") if known is not None else None
    return getattr(venue.instance, "evidence", Evidence()) if venue is not None else Evidence()


def tie_of(plan: Plan, account: str) -> Tie:
    """What becomes of a tie at the venue of an account."""
    known = plan.accounts.get(account)
    venue = plan.by_id.get(f"venues.{known.venue}") if known is not None else None
    return "push" if venue is None else getattr(venue.instance, "tie", "push")

"""A node in a running flow, and the last it gave of what is so until it says otherwise."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reactivex import Observable
from reactivex.disposable import SerialDisposable

from pipeline.agenda import AgendaScheduler
from pipeline.border import Border
from pipeline.evidence import Standing
from pipeline.parts import Kind
from pipeline.passages import Meter
from pipeline.plan import Edge, Node
from pipeline.steps import Tube
from pipeline.values import Health, Link, Payouts


def _of_product(value: Payouts | Health) -> tuple[str, ...]:
    return (value.product,)


def _of_account(value: Standing) -> tuple[str, ...]:
    return (value.account,)


def _of_products(value: Link) -> tuple[str, ...]:
    return value.products


LASTING: Mapping[type[Any], Callable[[Any], tuple[str, ...]]] = {
    Payouts: _of_product,
    Health: _of_product,
    Standing: _of_account,
    Link: _of_products,
}
"""Values that hold until the next of the same, and of whom they are: who listens later must be told them."""


@dataclass(slots=True)
class Running:
    """A node in a running flow."""

    id: str
    node: Node | None
    inlets: dict[str, Tube[Any]]
    rank: int
    """After how many others it comes in an order in which each comes after what it takes from."""
    out: Tube[Any] = field(default_factory=Tube[Any])
    beyond: Tube[Any] = field(default_factory=Tube[Any])
    """What an outer node gives, for other outer nodes: it does not go through the door."""
    meter: Meter = field(default_factory=Meter)
    subscription: SerialDisposable = field(default_factory=SerialDisposable)
    lasting: dict[tuple[type[Any], str], Any] = field(default_factory=dict[tuple[type[Any], str], Any])
    """The last it gave of what holds until the next."""
    lives: int = 0
    """How often it began: what an earlier life of it still says is not heard."""
    stream: Observable[Any] | None = None
    scheduler: AgendaScheduler | None = None
    border: Border | None = None
    """Where it stands, if it is an outer one."""

    @property
    def kind(self) -> Kind | None:
        return self.node.part.kind if self.node is not None else None

    @property
    def outer(self) -> bool:
        return self.node is not None and self.node.part.outer

    def keep(self, item: Any) -> None:
        """Know something that holds until the next."""
        for whose in LASTING[type(item)](item):
            self.lasting[type(item), whose] = item

    def told(self, edge: Edge) -> Iterator[Any]:
        """What somebody has to know who listens by an edge from now on, each thing once."""
        said = set[int]()
        for item in self.lasting.values():
            if type(item) in edge.types and id(item) not in said:
                said.add(id(item))
                yield item

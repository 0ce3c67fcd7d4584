"""What an edit of a flow's file would do to the flow that runs."""

from typing import Literal, Protocol

from msgspec import Struct

from pipeline.lifecycle import Scope

What = Literal["keep", "apply", "restart", "start", "stop"]
"""keep: untouched, with all it remembers; apply: its keys change at once, and it remembers what it did; restart: it
begins anew, from what the ledger and its sources know; start, stop: it is new, or is no more."""


class NodeChange(Struct, frozen=True):
    """What becomes of one node, and why."""

    node: str
    what: What
    why: str = ""
    keys: tuple[str, ...] = ()
    """The keys of its table that differ."""


class KeyChange(Struct, frozen=True):
    """What becomes of some keys: `left` untouched, `changed` from the next bar on, `held` until what they have open is
    settled, `new`, or `gone`."""

    scope: Scope
    what: Literal["left", "changed", "held", "new", "gone"]
    why: str = ""
    orders: tuple[str, ...] = ()
    """The open orders that are waited for."""
    idle: bool = False
    """Whether they trade nothing new while the change waits."""


class Proposal(Struct, frozen=True):
    """All that an edit would do. With something in `refused` none of it is done."""

    nodes: tuple[NodeChange, ...]
    keys: tuple[KeyChange, ...]
    refused: tuple[str, ...] = ()
    """What cannot be changed while the flow runs, a sentence each."""
    warnings: tuple[str, ...] = ()
    waits_until: int = 0
    """When the last of the contracts that are waited for ends, by its expiry; 0: nothing is waited for."""
    gap_seconds: float = 0.0
    """For how long, at the most, nodes that restart hear nothing of their market; what is missed is mended."""

    @property
    def changes(self) -> tuple[NodeChange, ...]:
        return tuple(each for each in self.nodes if each.what != "keep")

    @property
    def waits_for(self) -> tuple[str, ...]:
        """The open orders that it waits for."""
        return tuple(sorted(name for each in self.keys for name in each.orders))


class Changed(Struct, frozen=True):
    """What was done: `applied` and `restarted` nodes; or nothing yet, while `waiting` orders are open."""

    at: int
    applied: tuple[str, ...] = ()
    restarted: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Changing(Protocol):
    """A running flow that lets itself be changed. Every call may come from any thread, and waits for its answer."""

    @property
    def text(self) -> str:
        """The flow as it is run now."""
        ...

    @property
    def pending(self) -> Proposal | None:
        """The change that waits for what some keys have open; None when none does."""
        ...

    def propose(self, text: str) -> Proposal:
        """What another text would do. `PlanError` with every problem when it is no flow; nothing is done."""
        ...

    def apply(self, text: str, by: str, over: str | None = None) -> Changed:
        """Write the text into the flow's file and run it. `PlanError` when it is no flow, `InputError` when it asks for
        what cannot be changed in a running one, `Overtaken` when the file says anything but `over`: then neither the
        file nor the flow is touched."""
        ...

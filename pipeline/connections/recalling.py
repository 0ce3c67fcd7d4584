"""An order that waits within a connector, for its turn or for a price, can be recalled until it leaves."""

from collections.abc import Callable
from contextvars import ContextVar

from pipeline.connections.troubles import CallFailed

Why = Callable[[], str]
"""Says why an order must not leave any more; nothing while it may."""
_why: ContextVar[Why | None] = ContextVar("why an order must not leave", default=None)


def recallable(why: Why) -> None:
    """From here on, in this task and in what it begins, an order leaves only while nothing is said against it."""
    _why.set(why)


def check_recalled() -> None:
    """Just before an order's call leaves; what is no order's is never recalled."""
    why = _why.get()
    if why is not None and (reason := why()):
        raise CallFailed("rule", f"recalled before it left: {reason}", fate="unsent")

"""The patience of a flow that runs."""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager

from pipeline.hogging.alarm import Alarm
from pipeline.hogging.limits import Interrupts
from pipeline.hogging.patience import Patience
from pipeline.hogging.watcher import Watcher
from pipeline.plan import Plan
from pipeline.times import SECOND, duration


@contextmanager
def patience_of(plan: Plan) -> Generator[Patience]:
    """How long a plan says that its strategies are waited for; it interrupts as long as the block lasts."""
    with interrupts() as bounds:
        yield Patience(budget_of(plan), bounds)


def budget_of(plan: Plan) -> float:
    """Seconds of a processor's time that a strategy has for a bar; 0: as many as it takes."""
    budget = plan.settings.strategy_budget
    return 0.0 if budget == "off" else duration(budget) / SECOND


def interrupts() -> Interrupts:
    """The best way to interrupt that this thread of this system has."""
    ours = threading.current_thread() is threading.main_thread()
    return Alarm() if ours and hasattr(signal, "setitimer") else Watcher()

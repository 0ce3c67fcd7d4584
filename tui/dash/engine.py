"""How the engine fares, over the last minutes: what came, what was decided, what was sent, how late it is."""

from collections import deque
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from msgspec import Struct

from tui.asking import Answer
from tui.eighths import eighths
from tui.painted import Frame, Line, Panel, Run, sentence
from tui.sheet import words
from tui.shell import Shell
from tui.words import age_text, count_text, fit, plain

SPAN = 5
"""Seconds that one bar of a line stands for."""
KEPT = 240
"""So many bars are kept: twenty minutes."""


class Core(Struct, frozen=True):
    """What the process takes of its machine."""

    cpu_pct: float
    mem_mb: float


class Fares(Struct, frozen=True):
    """As much of the engine's answer as is shown beside its status."""

    core: Core


class Look(NamedTuple):
    """The engine at one moment."""

    at: float
    quotes: float
    decisions: int
    sent: int
    lag: float


class Bar(NamedTuple):
    """What some seconds came to: quotes a second, decisions and orders a minute, the longest lag in ms."""

    quotes: float
    decisions: float
    orders: float
    lag: float


class EnginePanel(Panel, can_focus=True):
    """Quotes a second, decisions and orders a minute, and the loop's lag: a bar for five seconds, the newest right.

    A bar is as high as its part of the highest that is shown; a gap is a time in which nothing was told. Below: rows
    dropped by name, faults, and what the process takes of its machine.
    """

    hertz: ClassVar[float] = 1.0

    def __init__(self, shell: Shell, place: str) -> None:
        super().__init__(shell, place)
        self.answer: Answer[Fares] = Answer()
        self.bars: deque[Bar | None] = deque(maxlen=KEPT)
        self._looks: list[Look] = []
        self._seen: object = None
        self._begun = 0.0

    async def ask(self) -> None:
        await self.answer.ask(lambda: self.shell.engine.get("/status", Fares), self.now)

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(1.0, self.gather)

    def gather(self) -> None:
        """Take in what was told; also while nobody looks, so that the lines are there when somebody does."""
        status, now = self.store.status, self.now()
        if status is not None and status is not self._seen and self.store.state == "up":
            self._seen = status
            self._looks.append(Look(now, status.quotes_per_second, status.decisions, status.orders.sent, status.lag_ms))
        self._begun = self._begun or now
        if now - self._begun >= SPAN:
            self._begun = now
            self.bars.append(_bar(self._looks))
            self._looks = self._looks[-1:]

    def frame(self, width: int, height: int) -> Frame:
        status = self.store.status
        if status is None:
            return Frame(sentence(self.store.why or "asking how the engine fares", width), "Engine")
        bars = list(self.bars)[-max(1, width - 20) :]
        lines = [
            _line("quotes", [bar and bar.quotes for bar in bars], f"{count_text(status.quotes_per_second)}/s", width),
            _line("decided", [bar and bar.decisions for bar in bars], _latest(bars, 1, "/m"), width),
            _line("orders", [bar and bar.orders for bar in bars], _latest(bars, 2, "/m"), width),
            _line("lag", [bar and bar.lag for bar in bars], f"{status.lag_ms:.0f}ms", width),
        ]
        drops = {reason: count for reason, count in status.drops.items() if count}
        named = ", ".join(f"{count_text(count)} {reason}" for reason, count in sorted(drops.items()))
        faults = f"{status.faults} fault{'s' if status.faults > 1 else ''}: {status.last_fault}"
        said = [Run(f"dropped {named}", "warn") if drops else Run("drops 0", "dim")]
        said.append(Run(faults, "wrong") if status.faults else Run("faults 0", "dim"))
        said.append(Run(self._machine(status.uptime_s), "dim"))
        lines += _beside(said, width, height - len(lines))
        return Frame(lines, "Engine", f"{len(bars) * SPAN // 60 or '<1'} min · enter flow")

    def _machine(self, uptime: float) -> str:
        core = self.answer.value.core if self.answer.value is not None else None
        takes = f"cpu {core.cpu_pct:.0f} % · rss {core.mem_mb:.0f} MB · " if core is not None else ""
        return f"{takes}up {age_text(uptime)}"


def _beside(said: Sequence[Run], width: int, height: int) -> list[Line]:
    """Each in a line of its own where there is room for that; else beside each other."""
    runs = [Run(plain(run.text), run.style) for run in said]
    if height >= len(runs):
        return [Line((Run(fit(run.text, width), run.style),)) for run in runs]
    return [words(width, *[part for run in runs for part in (run, Run(" · ", "dim"))][:-1])]


def _bar(looks: Sequence[Look]) -> Bar | None:
    """What came between the first and the last look; None where there are not two."""
    if len(looks) < 2:  # a difference needs two
        return None
    first, last = looks[0], looks[-1]
    minutes = (last.at - first.at) / 60
    if minutes <= 0 or last.decisions < first.decisions or last.sent < first.sent:  # another engine counts anew
        return None
    since = looks[1:]
    return Bar(
        sum(look.quotes for look in since) / len(since),
        (last.decisions - first.decisions) / minutes,
        (last.sent - first.sent) / minutes,
        max(look.lag for look in since),
    )


def _latest(bars: Sequence[Bar | None], at: int, unit: str) -> str:
    latest = next((bar for bar in reversed(bars) if bar is not None), None)
    return "─" if latest is None else f"{count_text(latest[at])}{unit}"


def _line(label: str, values: Sequence[float | None], said: str, width: int) -> Line:
    room = max(1, width - 20)
    return Line(
        (Run(f"{label:<8} ", "dim"), Run(fit(eighths(values), room), "up"), Run(fit(said, 10, right=True), "text"))
    )

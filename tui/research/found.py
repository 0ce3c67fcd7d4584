"""What a replay found, account by account; or what several found, beside each other."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from tui.eighths import EIGHTHS
from tui.painted import Frame, Line, Panel, Run, sentence
from tui.palette import side
from tui.research.runs import accounts, left, span
from tui.research.shelf import Run as Replay
from tui.shell import Shell
from tui.words import age_text, fit, gain, money, plain

FACTS = ("bars", "win_rate", "evidence", "profit", "expectancy", "drawdown")
TALL = 6
"""Rows of a line of equity."""


class FoundPanel(Panel, can_focus=True):
    """What the chosen replay found. With several marked: their figures beside each other, an account a block."""

    hertz: ClassVar[float] = 4.0

    def __init__(self, shell: Shell, place: str) -> None:
        super().__init__(shell, place)
        self.of: Sequence[Replay] = ()

    def frame(self, width: int, height: int) -> Frame:
        if not self.of:
            return Frame(sentence("nothing is chosen", width), "Found")
        if len(self.of) > 1:
            names = ", ".join(f"#{run.number}" for run in self.of)
            return Frame(list(_compared(self.of, width))[:height], f"Compared {names}", "not a forecast")
        run = self.of[0]
        return Frame(list(_told(run, width))[:height], f"#{run.number} {run.told.what}", "not a forecast")


def _told(run: Replay, width: int) -> Iterator[Line]:
    told = run.told
    if run.going:
        room = max(10, width - 28)
        full = round(told.done * room)
        gone = age_text(told.seconds)
        yield Line((Run(" " + "━" * full, "up"), Run("─" * (room - full), "grid"), Run(f" {told.done:4.0%}", "bright")))
        yield Line((Run(f" {gone} gone, {left(run)} left · it goes on when the console is left", "second"),))
        return
    if run.lost:
        yield from sentence("it said nothing more for 20 s and never how it ended: it was killed", width)
        return
    if told.why:
        yield from sentence(told.why, width)
        return
    if told.state == "stopped":
        yield from sentence("it was stopped, and keeps nothing", width)
        return
    yield Line((Run(f" {span(run)} UTC, {told.found.get('bars', 0):,} bars in {told.seconds:.1f} s", "second"),))
    equity: dict[str, list[float]] = told.found.get("equity", {})
    for name, facts in accounts(run).items():
        yield Line()
        profit = str(facts.get("profit", ""))
        yield Line((Run(f" {plain(name)} ", "bright"), Run(money(profit), side(gain(profit)))))
        yield Line((Run(f"   {plain(str(facts.get('win_rate', '')))}", "text"),))
        luck = f"   evidence ×{facts.get('evidence', 0):.3g} · drawdown {money(str(facts.get('drawdown', '')))}"
        expected = facts.get("expectancy")
        yield Line((Run(luck + ("" if expected is None else f" · per trade {expected:+.4f}"), "second"),))
        verdicts = ", ".join(f"{verdict} {count:,}" for verdict, count in facts.get("verdicts", {}).items())
        yield Line((Run(fit(f"   {plain(verdicts)}", width), "dim"),))
        yield from drawn(equity.get(name, []), width - 4)
    yield Line()
    yield Line((Run(fit(f" decisions and orders: {run.folder / 'results'}", width), "dim"),))


def drawn(values: Sequence[float], width: int) -> Iterator[Line]:
    """A line of equity as columns over its lowest place; the row of zero is marked."""
    if len(values) < 2:
        return
    low, high = min(0.0, *values), max(0.0, *values)
    if high == low:
        return
    shown = [values[at * len(values) // min(width, len(values))] for at in range(min(width, len(values)))]
    heights = [(value - low) / (high - low) * TALL * 8 for value in shown]
    for row in range(TALL - 1, -1, -1):
        cells = "".join(EIGHTHS[max(0, min(8, round(each - row * 8)))] for each in heights)
        label = f"{high:+.2f}" if row == TALL - 1 else f"{low:+.2f}" if row == 0 else ""
        yield Line((Run(f"   {cells} ", side(values[-1])), Run(label, "dim")))


def _compared(runs: Sequence[Replay], width: int) -> Iterator[Line]:
    names = list(dict.fromkeys(name for run in runs for name in accounts(run)))
    wide = max(12, (width - 14) // len(runs))
    yield Line((Run(" " * 13, "dim"), *(Run(fit(f"#{run.number}", wide), "bright") for run in runs)))
    yield Line((Run(fit(" span", 13), "dim"), *(Run(fit(span(run), wide), "second") for run in runs)))
    for name in names:
        yield Line()
        yield Line((Run(f" {plain(name)}", "bright"),))
        for fact in FACTS:
            cells = (_cell(accounts(run).get(name, {}).get(fact), fact, wide) for run in runs)
            yield Line((Run(fit(f"  {fact.replace('_', ' ')}", 13), "dim"), *cells))


def _cell(value: Any, fact: str, wide: int) -> Run:
    match fact:
        case "profit" | "drawdown" if value is not None:
            return Run(fit(money(str(value)), wide), side(gain(str(value))) if fact == "profit" else "text")
        case "evidence" if value is not None:
            return Run(fit(f"×{value:.3g}", wide), "text")
        case "expectancy" if value is not None:
            return Run(fit(f"{value:+.4f}", wide), "text")
        case "bars" if value is not None:
            return Run(fit(f"{value:,}", wide), "second")
        case _:
            return Run(fit("─" if value is None else plain(str(value)), wide), "text")

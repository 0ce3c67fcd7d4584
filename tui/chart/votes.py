"""Beside the chart: how a bar was decided, gate by gate, and the contract that is open."""

from collections.abc import Iterator

from pipeline.told.reasons import Why
from pipeline.view import TRADED, Mark
from tui.chart.look import open_marks
from tui.chart.panel import CandleChart
from tui.chart.reasons import Reasons
from tui.painted import Frame, Line, Panel, Run
from tui.palette import LOST, WON, leaning, outcome, side
from tui.sheet import words
from tui.shell import Shell
from tui.words import age_text, countdown, figures, fit, money, plain, price_text, signed

SHUT = "no"
BAR, REST = "━", "─"


class VotesPanel(Panel):
    """The last decision, or that of the bar under the crosshair: what each strategy said, what each gate said. Below it
    the contract that is open, with the time it has left.
    """

    hertz = 4.0

    def __init__(self, shell: Shell, place: str, chart: CandleChart, reasons: Reasons) -> None:
        super().__init__(shell, place)
        self._chart, self._reasons = chart, reasons

    def frame(self, width: int, height: int) -> Frame:
        name, bar = self._chart.picked, self._chart.bar
        if name is None:
            return Frame(tuple(_wrapped(self.store.without_keys, width, "dim")), "Votes")
        asked = self._reasons.of(name, bar)
        if self._chart.crossed is None and (asked is None or asked.asking):
            bar = self._reasons.newest(name) or bar  # while the newest is asked for, the one before that stays
        answer = self._reasons.of(name, bar) if bar else None
        why = answer.value if answer is not None else None
        lines = list(self._head(bar, width))
        if self._forms(bar):
            lines += [Line(), *_wrapped("nothing is decided on a bar before it is final", width, "dim")]
        elif why is not None:
            lines += _votes(why, width)
            lines += _gates(why, width)
        elif bar:
            said = answer.why if answer is not None and answer.why else "asking the engine why"
            lines += [Line(), *_wrapped(said, width, "dim")]
        contract = list(self._contract(width))
        room = max(0, height - len(contract))
        more = len(lines) - room
        if more > 0:
            lines = [*lines[: max(0, room - 1)], Line((Run(fit(f"{more + 1} lines more: w has all", width), "dim"),))]
        age = f"told {age_text(self.now() - answer.at)} ago" if answer is not None and why is not None else ""
        return Frame([*lines[:room], *contract], "Votes", age)

    def _forms(self, bar: int) -> bool:
        """Whether a bar is not final yet."""
        chart = self._chart.told
        return chart is not None and chart.forming is not None and bar >= chart.forming.open_ts

    def _head(self, bar: int, width: int) -> Iterator[Line]:
        chart = self._chart.told
        if not bar or chart is None:
            yield words(width, Run("no bar was decided yet", "dim"))
            return
        when = self.shell.time(bar, "%d %b %H:%M")
        mark = next((each for each in reversed(chart.marks) if each.bar == bar), None)
        if mark is None:
            yield words(
                width, Run(f"{when}  ", "bright"), Run("forms still" if self._forms(bar) else "no decision", "dim")
            )
            return
        style = side(mark.direction) if mark.verdict == TRADED else "second"
        yield words(width, Run(f"{when}  ", "bright"), Run(f"{leaning(mark.direction)} {mark.verdict}", style))
        if mark.result is not None:
            ended = f"{outcome(mark.result)} {mark.result} {money(mark.profit or '')}"
            yield words(width, Run(ended, {"win": "up", "lose": "down"}.get(mark.result, "second")))

    def _contract(self, width: int) -> Iterator[Line]:
        """Contracts of this key that have not ended, the newest first."""
        chart, name = self._chart.told, self._chart.picked
        contracts = open_marks(chart)[-2:][::-1] if chart is not None else []
        for mark in contracts:
            answer = self._reasons.of(name, mark.bar) if name is not None else None
            why = answer.value if answer is not None else None
            digits = chart.digits if chart is not None else 5
            order = why.order if why is not None else None
            stake = f" {money(order.stake)}" if order is not None else ""
            entry = f" @ {price_text(mark.entry, digits)}" if mark.entry is not None else ""
            yield Line()
            yield words(width, Run("open contract", "bright"))
            direction = "CALL" if mark.direction > 0 else "PUT"
            yield words(width, Run(f"{leaning(mark.direction)}{direction}{stake}{entry}", side(mark.direction)))
            yield from self._expiry(mark, width)
            if order is not None:
                yield words(width, Run(f"payout {100 * order.payout:.0f} %", "text"))

    def _expiry(self, mark: Mark, width: int) -> Iterator[Line]:
        if not mark.expiry:
            yield words(width, Run("its venue has not said until when", "dim"))
            return
        left = mark.expiry - self.store.clock(self.now())
        whole = max(1, mark.expiry - mark.bar)
        room = max(0, width - 16)
        full = min(room, max(0, round(room * left / whole)))
        yield words(
            width, Run(f"expiry {countdown(left)}  ", "text"), Run(BAR * full, "up"), Run(REST * (room - full), "dim")
        )


def _votes(why: Why, width: int) -> Iterator[Line]:
    yield Line()
    for vote in why.votes:
        said = (
            plain(vote.word)
            if vote.word
            else f"{leaning(vote.direction)}"
            + (f" {vote.strength:.2f}" if vote.strength is not None and vote.direction else " nothing")
        )
        style = "wrong" if vote.word else side(vote.direction)
        yield words(width, Run(fit(plain(vote.provider), max(6, width - 13)) + " ", "text"), Run(said, style))
    if not why.votes:
        yield words(width, Run("votes of this bar are not kept any more", "dim"))
    score = f"score {signed(why.score)}" if why.score is not None else "no score"
    payout = f"  payout {100 * why.payout:.0f} %" if why.payout is not None else ""
    yield words(width, Run(score, side(why.score or 0)), Run(payout, "second"))


def _gates(why: Why, width: int) -> Iterator[Line]:
    """Each gate that was asked: what it saw, what it wanted, what it said."""
    yield Line()
    for gate in why.gates:
        shut = gate.verdict == SHUT
        seen = "" if gate.value is None else figures(gate.value, 6)
        wanted = "" if gate.threshold is None else f"/{figures(gate.threshold, 6)}"
        mark = LOST if shut else WON if gate.verdict == "yes" else "·"
        told = plain(gate.word) or f"{seen}{wanted}"
        yield words(
            width,
            Run(f"{mark} {fit(plain(gate.gate), 14)} ", "warn" if shut else "text" if mark == WON else "dim"),
            Run(told if gate.verdict in ("yes", SHUT) else plain(gate.verdict), "text" if shut else "dim"),
        )
    if why.what_if:
        yield from _wrapped(why.what_if, width, "second")
    if why.would_have:
        yield from _wrapped(why.would_have, width, "second")


def _wrapped(text: str, width: int, style: str) -> Iterator[Line]:
    line = ""
    for word in plain(text).split():
        if line and len(line) + 1 + len(word) > width:
            yield Line((Run(line, style),))
            line = word
        else:
            line = f"{line} {word}" if line else word
    if line:
        yield Line((Run(fit(line, min(width, len(line))), style),))

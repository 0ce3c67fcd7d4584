"""The reasons of a decision over any page, and from there through time: bar by bar, or to a moment."""

from collections.abc import Sequence
from datetime import UTC
from typing import ClassVar

import msgspec
from textual.binding import BindingType

from pipeline.told.reasons import Why
from pipeline.view import KeyName
from tui.acts import act
from tui.asking import Answer
from tui.going import Go
from tui.painted import Line, Run, sentence
from tui.reading import Reading
from tui.shell import Shell
from tui.why.lines import lines_of, paragraph
from tui.why.moment import TypedMoment
from tui.words import moment, plain


class WhyScreen(Reading):
    """Why a bar was traded or not: every gate with its value, and all that was known when it was decided.

    ← and → go to the bar decided before and after, `t` to a moment. What became known later stands apart, under
    `since then`: nothing above it is of later than the moment in the header.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        act("why.before", "left,left_square_bracket", "step(-1)", "Before", "the bar decided before", key_display="←"),
        act("why.after", "right,right_square_bracket", "step(1)", "After", "the bar decided after", key_display="→"),
        act("why.moment", "t", "moment", "To", "the bar of a moment one types"),
        act("why.last", "n", "last", "Newest", "the newest bar decided of this key"),
        act("why.chart", "c", "chart", "Chart", "the chart of this key at this bar"),
        act("why.copy", "y", "copy_text", "Copy", "copy it as the verb `why` prints it"),
        act("why.copy_json", "Y", "copy_json", "Copy JSON", "copy it as JSON", show=False),
    ]

    def __init__(self, shell: Shell, name: KeyName | None = None, bar: int = 0, order: str = "") -> None:
        """Of an order, of a key's bar, of a key's last bar, or of the last decision there is."""
        super().__init__(shell, "why-sheet")
        self._name, self._bar, self._order = name, bar, order
        self._answer: Answer[Why] = Answer()
        self._asks = 0
        self._drawn: tuple[object, list[Line]] = (None, [])

    def on_mount(self) -> None:
        self.sheet.focus()
        self._ask()

    # --- what it shows -----------------------------------------------------------------------------------------------

    def above(self) -> str:
        name = self._name
        return "Why" if name is None else f"Why · {name.product} {name.timeframe} · {name.account}"

    def below(self) -> str:
        return "←/→ bar before/after · t to a moment · n newest · c chart · y copy · esc back"

    def lines(self, width: int) -> Sequence[Line]:
        zone, answer = self.shell.zone, self._answer
        facts = (self._asks, answer.version, answer.asking, width, str(zone), self._bar)
        if facts != self._drawn[0]:
            self._drawn = (facts, self._worked_out(width))
        return self._drawn[1]

    def _worked_out(self, width: int) -> list[Line]:
        answer = self._answer
        why = answer.value
        if answer.why:
            return [
                *self._header(self._bar, width),
                Line(),
                *paragraph(answer.why, width, "warn"),
                *self._way_back(width),
            ]
        if why is None:
            return [*sentence("asking why", width)]
        return [*self._header(why.bar_ms, width, why.decided_ms), *lines_of(why, width, self._time)]

    def _header(self, bar: int, width: int, decided: int = 0) -> list[Line]:
        """The moment, in the zone of the display and in UTC."""
        if not bar:
            return []
        lines = [*paragraph(f"bar of {self._moment(bar)}", width, "bright")]
        if decided:
            runs = Run(f" decided {self._moment(decided, millis=True)} ", "second"), Run(" as known then ", "tag-entry")
            lines.append(Line(runs))
        return lines

    def _moment(self, ts: int, *, millis: bool = False) -> str:
        more = f".{ts % 1000:03d}" if millis else ""
        local = f"{self.shell.time(ts, '%Y-%m-%d %H:%M:%S')}{more} {self.shell.zone}"
        return local if str(self.shell.zone) == "UTC" else f"{local} · {moment(ts, UTC):%H:%M:%S}Z"

    def _time(self, ts: int) -> str:
        return f"{self.shell.time(ts)}.{ts % 1000:03d}"

    def _way_back(self, width: int) -> Sequence[Line]:
        if self._answer.value is None:
            return ()
        return [Line(), *paragraph("← or → goes back to the bar shown before", width, "dim")]

    # --- asking ------------------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        """What was asked before is waited for no more; its answer stays until there is another."""
        self._asks += 1
        self._answer = Answer(self._answer.value, at=self._answer.at)
        self.run_worker(self._asked(self._answer), group="why", exclusive=True)

    async def _asked(self, answer: Answer[Why]) -> None:
        name, engine = self._name, self.shell.engine
        if self._order:
            question = {"order": self._order}
        elif name is not None:
            of = {"account": name.account, "product": name.product, "tf": name.timeframe}
            question = {**of, "bar_ms": str(self._bar or "")}
        else:
            question = {}
        await answer.ask(lambda: engine.get("/why", Why, **question), self.shell.now)
        if answer.value is not None and not answer.why:
            self._show(answer.value)
        self.sheet.begin()

    def _show(self, why: Why) -> None:
        """From now on it is about this key and this bar."""
        self._name = KeyName(why.account, why.product, why.timeframe)
        self._bar, self._order = why.bar_ms, ""

    def _to(self, bar: int) -> None:
        self._bar, self._order = bar, ""
        self._ask()

    # --- what keys do ------------------------------------------------------------------------------------------------

    def action_step(self, steps: int) -> None:
        why = self._answer.value
        if why is None or self._answer.asking:
            return
        if self._answer.why:
            self._to(why.bar_ms)
            return
        bar = why.before_ms if steps < 0 else why.after_ms
        if bar:
            self._to(bar)
        else:
            where = "before it" if steps < 0 else "after it yet"
            self.notify(f"no bar of this key was decided {where}", markup=False)

    def action_last(self) -> None:
        self._to(0)

    def action_moment(self) -> None:
        self.run_worker(self._to_moment(), group="why-moment")

    async def _to_moment(self) -> None:
        if self._name is None:
            return
        found = await self.console.push_screen_wait(TypedMoment(self.shell.zone, self._bar or self.shell.clock))
        if found:
            self._to(found)

    def action_chart(self) -> None:
        if self._name is not None:
            self.go(Go("chart", (self._name, self._bar)))

    def action_copy_text(self) -> None:
        why = self._answer.value
        if why is not None:
            self.copy("\n".join(plain(line) for line in why.lines), "the reasons")

    def action_copy_json(self) -> None:
        why = self._answer.value
        if why is not None:
            self.copy(msgspec.json.encode(why).decode(), "the reasons")

"""The first line of the flow's page: whether nothing is lost, where it jams, what is not drawn."""

from collections.abc import Iterator

from tui.flowing.glyphs import MARKS
from tui.flowing.sight import Sight
from tui.painted import Frame, Line, Panel, Run
from tui.sheet import words
from tui.words import age_text


class FlowSays(Panel):
    """Whether everything that came is accounted for, which node is the bottleneck, and what is not drawn."""

    FRAMED = False
    hertz = 4.0

    def __init__(self, place: str, sight: Sight) -> None:
        super().__init__(sight.shell, place)
        self._sight = sight

    def frame(self, width: int, height: int) -> Frame:
        del height
        if not self._sight.see() or not self._sight.gauge.entries:
            return Frame((words(width, Run(f" {self._sight.empty()}", "dim")),))
        return Frame((Line(words(width, *self._said()).runs, "raised"),))

    def _said(self) -> Iterator[Run]:
        sight, store = self._sight, self.store
        marks = MARKS[self.shell.settings.look.glyphs]
        flow = store.flow
        if flow is not None and flow.conserved and not sight.gauge.unnamed:
            yield Run(" conserved", "second")
        else:
            ends = "; ".join(f"{source} {marks['arrow']} {target}" for source, target in sight.gauge.unnamed)
            yield Run(f" {marks['wrong']} LOST WITHOUT A NAME{': ' if ends else ''}{ends}", "wrong")
        jam = sight.gauge.ahead()
        yield Run(f" · bottleneck: {jam}", "warn") if jam else Run(" · no bottleneck", "second")
        wrong = [each.name for each in sight.gauge.entries if each.state == "wrong"]
        if wrong:
            yield Run(f" · {marks['wrong']} {', '.join(wrong)}", "wrong")
        hidden = list(sight.undrawn())
        if hidden:
            amiss = ", ".join(f"{marks[each.state]} {each.name}" for each in hidden if each.state != "ok")
            yield Run(f" · {len(hidden)} of the program's own are not drawn, w draws them", "dim")
            yield Run(f" ({amiss})" if amiss else "", "warn")
        if sight.age > 2:
            yield Run(f" · told {age_text(sight.age)} ago", "warn")

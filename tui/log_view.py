"""The engine's log as it comes, and the console's own notes among it."""

from collections.abc import Callable
from itertools import islice
from typing import ClassVar

from textual.binding import Binding, BindingType

from pipeline.view import Level, LogLine
from tui.link import Store
from tui.painted import Frame, Line, Panel, Run
from tui.words import age_text, fit, moment, plain, zone_of

LETTERS: dict[Level, tuple[str, str]] = {
    "debug": ("D", "dim"),
    "info": ("I", "up"),
    "warning": ("!", "warn"),
    "error": ("✖", "wrong"),
}


class LogView(Panel, can_focus=True):
    """The log, newest at the bottom. `f` stops and goes on following, `e` shows warnings and errors only.

    Times are in the flow's display time zone. Going up stops following; the title says how many lines came since.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "follow", "Follow"),
        Binding("e", "warnings", "Warnings"),
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False),
        Binding("home,g", "edge(0)", "Oldest", show=False),
        Binding("end,G", "edge(1)", "Newest", show=False),
    ]
    hertz = 5.0

    def __init__(self, store: Store, now: Callable[[], float], id: str) -> None:
        super().__init__(store, now, id)
        self._from_end = 0
        self._following = True
        self._warnings = False
        self._told = 0
        self._count = 0
        self._newer = 0

    def action_follow(self) -> None:
        self._follow(not self._following)

    def action_warnings(self) -> None:
        self._warnings = not self._warnings
        self._follow(True)

    def action_scroll(self, lines: int) -> None:
        self._from_end = max(0, self._from_end - lines)
        self._follow(self._from_end == 0)

    def action_page(self, pages: int) -> None:
        self.action_scroll(pages * max(1, self.content_size.height - 1))

    def action_edge(self, newest: int) -> None:
        self.action_scroll(self._count if newest else -self._count)

    def on_mouse_scroll_up(self) -> None:
        self.action_scroll(-3)

    def on_mouse_scroll_down(self) -> None:
        self.action_scroll(3)

    def frame(self, width: int, height: int) -> Frame:
        lines = [line for line in self.store.lines if not self._warnings or line.level in ("warning", "error")]
        self._stand(len(lines), height)
        stop = len(lines) - self._from_end
        shown = islice(lines, max(0, stop - height), stop)
        title = "Log" + (" · warnings" if self._warnings else "")
        if not self._following:
            title += f" · held, {self._newer} newer"
        if not lines:
            return Frame((Line(), Line((Run(f" {self._why_empty()}", "dim"),))), title)
        age = age_text(self.store.age(lines[-1].at, self.now()))
        return Frame([self._line(line, width) for line in shown], title, f"newest {age} old")

    def _follow(self, follow: bool) -> None:
        self._following = follow
        if follow:
            self._from_end = self._newer = 0
        self.look()

    def _stand(self, count: int, height: int) -> None:
        """Keep the lines one reads where they are while new ones come."""
        if not self._following and count > self._count:
            self._newer += count - self._count
            self._from_end += count - self._count
        self._count = count
        self._from_end = max(0, min(self._from_end, count - height))

    def _line(self, line: LogLine, width: int) -> Line:
        zone = zone_of(self.store.hello.display_timezone if self.store.hello else "UTC")
        letter, style = LETTERS[line.level]
        stamp = moment(line.at, zone).strftime("%H:%M:%S") + f".{line.at % 1000:03d} "
        return Line((Run(stamp, "dim"), Run(f"{letter} ", style), Run(fit(plain(line.text), max(0, width - 15)), "text")))

    def _why_empty(self) -> str:
        if self.store.hello is None:
            return ""
        return "no warnings; e shows all lines" if self._warnings else "the engine has logged nothing yet"

"""The engine's log as it comes, and the console's own notes among it."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from pipeline.view import Level, LogLine
from tui.painted import Frame, Line, Panel, Run, sentence
from tui.shell import Shell
from tui.store import LOG_LINES
from tui.words import age_text, fit, moment, plain

LETTERS: dict[Level, tuple[str, str]] = {
    "debug": ("D", "dim"),
    "info": ("I", "up"),
    "warning": ("!", "warn"),
    "error": ("✖", "wrong"),
}


class LogPanel(Panel, can_focus=True):
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

    def __init__(self, shell: Shell, place: str, *, low: bool = False) -> None:
        """`low`: it stands below something else, and gives its room to that first."""
        super().__init__(shell, place)
        self.set_class(low, "-below")
        self._warnings = False
        self._held: list[LogLine] | None = None
        self._held_at = 0
        self._from_end = 0

    def action_follow(self) -> None:
        if self._held is None:
            self._hold()
        else:
            self._let_go()
        self.look()

    def action_warnings(self) -> None:
        self._warnings = not self._warnings
        self._let_go()
        self.look()

    def action_scroll(self, lines: int) -> None:
        if self._held is None:
            self._hold()
        self._from_end = self._from_end - lines
        if self._from_end <= 0:
            self._let_go()
        self.look()

    def action_page(self, pages: int) -> None:
        self.action_scroll(pages * max(1, self.content_size.height - 1))

    def action_edge(self, newest: int) -> None:
        self.action_scroll(LOG_LINES if newest else -LOG_LINES)

    def on_mouse_scroll_up(self) -> None:
        self.action_scroll(-3)

    def on_mouse_scroll_down(self) -> None:
        self.action_scroll(3)

    def frame(self, width: int, height: int) -> Frame:
        lines = self._lines() if self._held is None else self._held
        self._from_end = max(0, min(self._from_end, len(lines) - height))
        stop = len(lines) - self._from_end
        title = "Log" + (" · warnings" if self._warnings else "")
        if self._held is not None:
            title += f" · held, {self.store.lines_heard - self._held_at} newer"
        if not lines:
            return Frame(sentence(self._why_empty(), width), title)
        age = age_text(self.store.age(lines[-1].at, self.now()))
        return Frame(
            [self._line(line, width) for line in lines[max(0, stop - height) : stop]], title, f"newest {age} old"
        )

    def _lines(self) -> list[LogLine]:
        if not self._warnings:
            return list(self.store.lines)
        return [line for line in self.store.lines if line.level in ("warning", "error")]

    def _hold(self) -> None:
        """Keep the lines one reads where they are while new ones come."""
        self._held, self._held_at = self._lines(), self.store.lines_heard

    def _let_go(self) -> None:
        self._held, self._from_end = None, 0

    def _line(self, line: LogLine, width: int) -> Line:
        zone = self.shell.zone
        letter, style = LETTERS[line.level]
        stamp = moment(line.at, zone).strftime("%H:%M:%S") + f".{line.at % 1000:03d} " if line.at else " " * 13
        return Line(
            (Run(stamp, "dim"), Run(f"{letter} ", style), Run(fit(plain(line.text), max(0, width - 15)), "text"))
        )

    def _why_empty(self) -> str:
        if self.store.hello is None:
            return ""
        return "no warnings; e shows all lines" if self._warnings else "the engine has logged nothing yet"

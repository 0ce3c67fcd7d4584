"""Two texts beside each other, as far as they differ."""

from collections.abc import Iterator, Sequence
from difflib import unified_diff
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from tui.acts import act
from tui.modal import Modal
from tui.painted import Frame, Line, Panel, Run
from tui.shell import Shell
from tui.words import fit, plain

CONTEXT = 3
"""Lines around a difference."""


def differences(before: str, after: str) -> Sequence[Line]:
    """The lines that differ, with some around them: `-` for those that go, `+` for those that come."""
    made = list(_lines(before, after))
    if not made and before != after:
        return (Line((Run(" only what ends the lines differs", "dim"),)),)
    return made or (Line((Run(" nothing differs", "dim"),)),)


def _lines(before: str, after: str) -> Iterator[Line]:
    found = unified_diff(before.splitlines(), after.splitlines(), n=CONTEXT, lineterm="")
    for number, line in enumerate(found):
        if number < len(("---", "+++")):
            continue
        match line[:1]:
            case "@":
                yield Line((Run(f" {line}", "second"),), "raised")
            case "+":
                yield Line((Run(f" + {plain(line[1:])}", "up"),))
            case "-":
                yield Line((Run(f" - {plain(line[1:])}", "down"),))
            case _:
                yield Line((Run(f"   {plain(line[1:])}", "dim"),))


class DiffPanel(Panel, can_focus=True):
    """Lines that go begin with `-`, lines that come with `+`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        act("diff.up", "up,k", "scroll(-1)", "Up", "a line up", show=False),
        act("diff.down", "down,j", "scroll(1)", "Down", "a line down", show=False),
        act("diff.page_up", "pageup,ctrl+u", "scroll(-20)", "Page up", "twenty lines up", show=False),
        act("diff.page_down", "pagedown,ctrl+d,space", "scroll(20)", "Page down", "twenty lines down", show=False),
    ]

    def __init__(self, shell: Shell, place: str, title: str, lines: Sequence[Line]) -> None:
        super().__init__(shell, place)
        self._title, self._lines, self._top = title, lines, 0

    def frame(self, width: int, height: int) -> Frame:
        self._top = max(0, min(self._top, len(self._lines) - height))
        shown = [
            Line(tuple(Run(fit(run.text, width), run.style) for run in line.runs), line.ground)
            for line in self._lines[self._top : self._top + height]
        ]
        below = len(self._lines) - self._top - height
        return Frame(shown, self._title, f"{below} more below · esc back" if below > 0 else "esc back")

    def action_scroll(self, lines: int) -> None:
        self._top += lines
        self.look()

    def on_mouse_scroll_up(self) -> None:
        self.action_scroll(-3)

    def on_mouse_scroll_down(self) -> None:
        self.action_scroll(3)


class Diff(Modal[None]):
    """What differs, over the screen."""

    DEFAULT_CSS = """
    Diff { align: center middle; background: $ground 60%; }
    #diff { width: 96%; height: 92%; background: $ground; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [act("diff.back", "escape,q,f6", "dismiss", "Back", "back")]

    def __init__(self, shell: Shell, title: str, lines: Sequence[Line]) -> None:
        super().__init__()
        self._panel = DiffPanel(shell, "diff", title, lines)

    def compose(self) -> ComposeResult:
        yield self._panel

    def on_mount(self) -> None:
        self.set_focus(self._panel)

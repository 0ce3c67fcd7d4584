"""Start the keys of an account, a product, a timeframe, and stop all others: chosen by three words."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from pipeline.times import duration
from pipeline.view import KeyName
from tui.acts import act
from tui.dialogs import DEAF, entitle, plain_lines
from tui.keys.control import about_starting, counted, real_of
from tui.keys.naming import Part
from tui.keys.table import STOPPED
from tui.modal import Modal
from tui.shell import Shell
from tui.words import plain

FIELDS = ("account", "product", "timeframe")


class Only(Modal[Part | None]):
    """`up` `down` choose a line, `left` `right` what stands in it; `y` does it, every other way out does not."""

    BINDINGS: ClassVar[list[BindingType]] = [
        act("only.no", "escape,n,q,enter", "answer(False)", "No", "leave all keys as they are"),
        act("only.yes", "y", "answer(True)", "Yes", "start these keys and stop all others"),
        act("only.down", "down,j,tab", "move(1)", "Down", "the next line"),
        act("only.up", "up,k,shift+tab", "move(-1)", "Up", "the line before"),
        act("only.next", "right,l,space", "turn(1)", "Next", "the next that may stand there"),
        act("only.before", "left,h", "turn(-1)", "Before", "the one before"),
    ]

    def __init__(self, shell: Shell, beginning: KeyName | None, now: Callable[[], float]) -> None:
        """It begins with everything that is of the same product as `beginning`."""
        super().__init__()
        self._shell = shell
        self._now, self._opened = now, now()
        self._may_be = [["", *names] for names in _names(shell)]
        self._at = [0, self._may_be[1].index(beginning.product) if beginning is not None else 0, 0]
        self._line = 1
        self._said = Static(markup=False)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield self._said

    def on_mount(self) -> None:
        self._say()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        return action != "answer" or self._now() - self._opened >= DEAF

    @property
    def part(self) -> Part:
        return Part(*(names[at] for names, at in zip(self._may_be, self._at, strict=True)))

    def action_move(self, lines: int) -> None:
        self._line = (self._line + lines) % len(FIELDS)
        self._say()

    def action_turn(self, steps: int) -> None:
        self._at[self._line] = (self._at[self._line] + steps) % len(self._may_be[self._line])
        self._say()

    def action_answer(self, yes: bool) -> None:  # Textual calls it so
        self.dismiss(self.part if yes and self._starts else None)

    @property
    def _starts(self) -> list[KeyName]:
        part = self.part
        return [name for name in self._shell.store.keys if part.holds(name)]

    def _say(self) -> None:
        keys, starts = self._shell.store.keys, self._starts
        held = set(starts)
        stops = [name for name, row in keys.items() if name not in held and row.life not in STOPPED]
        parts: list[tuple[str, str]] = [("Start only the keys of\n\n", "")]
        for at, (field, chosen) in enumerate(zip(FIELDS, self.part, strict=True)):
            parts += [
                (f"  {field:<10} ", ""),
                (f" ◂ {plain(chosen) or 'all'} ▸ ", "reverse" if at == self._line else ""),
            ]
            parts.append(("\n", ""))
        said = f"\n{about_starting(self._shell, starts)}\n" if starts else "\nthere is no such key.\n"
        stopped = f"{counted(len(stops))} will be stopped; what they have open runs to its end." if stops else ""
        parts.append((plain_lines(said) + (stopped or "No other key is started."), ""))
        self._said.update(Content.assemble(*parts))
        real = bool(real_of(self._shell, starts))
        sheet = self.query_one(Vertical)
        sheet.set_class(real, "-real")
        entitle(sheet, "only these keys", "arrows choose · y yes · esc no", real=real)


def _names(shell: Shell) -> tuple[list[str], list[str], list[str]]:
    names = shell.store.keys
    return (
        list(dict.fromkeys(name.account for name in names)),
        list(dict.fromkeys(name.product for name in names)),
        sorted({name.timeframe for name in names}, key=duration),
    )

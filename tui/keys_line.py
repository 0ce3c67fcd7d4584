"""The last row: what the keys do where one is. The kill switch is always there."""

from typing import Any, ClassVar, NamedTuple

from rich.cells import cell_len
from textual import events
from textual.binding import ActiveBinding
from textual.screen import Screen

from tui.help import NAMES
from tui.painted import Frame, Line, Panel, Run
from tui.shell import Shell

ALWAYS = ("kill", "help", "palette")
"""Acts that stand at the right end, whatever else there is room for."""


class Shown(NamedTuple):
    """One key of the row."""

    keys: str
    title: str
    on: bool
    action: str
    node: Any

    @property
    def width(self) -> int:
        return cell_len(self.keys) + cell_len(self.title) + 3


class KeysLine(Panel):
    """Keys of the focused panel first, then of its page; what is off is dim. A click does it."""

    hertz: ClassVar[float] = 2.0
    FRAMED: ClassVar[bool] = False
    HOLDS: ClassVar[bool] = False

    def __init__(self, shell: Shell, place: str) -> None:
        super().__init__(shell, place)
        self._all: tuple[Shown, ...] = ()
        self._at: list[tuple[int, Shown]] = []
        """Where each one ends."""

    def on_mount(self) -> None:
        super().on_mount()
        self.screen.bindings_updated_signal.subscribe(self, self._other)  # pyright: ignore[reportUnknownMemberType]
        self._other(self.screen)

    def frame(self, width: int, height: int) -> Frame:
        del height
        last = [each for name in ALWAYS for each in self._all if each.action == name]
        room = width - sum(each.width for each in last)
        left = list[Shown]()
        for each in self._all:
            if each in last:
                continue
            if sum(one.width for one in left) + each.width > room:
                break
            left.append(each)
        gap = room - sum(each.width for each in left)
        runs = [run for each in left for run in _runs(each)]
        runs += [Run(" " * max(0, gap)), *(run for each in last for run in _runs(each))]
        self._place(left, last, gap)
        return Frame([Line(tuple(runs), "raised")])

    async def on_click(self, event: events.Click) -> None:
        clicked = next((each for end, each in self._at if event.x < end), None)
        if clicked is not None and clicked.title and clicked.on:
            await self.console.run_action(clicked.action, default_namespace=clicked.node)

    def _place(self, left: list[Shown], last: list[Shown], gap: int) -> None:
        end, self._at = 0, []
        for each in (*left, Shown("", "", False, "", None), *last):
            end += each.width if each.title else gap
            self._at.append((end, each))

    def _other(self, screen: Screen[Any]) -> None:
        """Other keys hold now."""
        found: dict[tuple[str, int], Shown] = {}
        for key, each in screen.active_bindings.items():
            if each.binding.show and not each.binding.system:
                found.setdefault((each.binding.action, id(each.node)), self._key_of(key, each))
        self._all = tuple(found.values())
        self.look()

    def _key_of(self, key: str, each: ActiveBinding) -> Shown:
        own = each.binding.key_display or NAMES.get(key, key.replace("ctrl+", "^"))
        return Shown(own, each.binding.description, each.enabled, each.binding.action, each.node)


def _runs(each: Shown) -> tuple[Run, Run]:
    return Run(f" {each.keys} ", "down" if each.on else "dim"), Run(f"{each.title} ", "text" if each.on else "dim")

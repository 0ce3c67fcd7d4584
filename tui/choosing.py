"""Some of several, and in what order: columns of a table, features on a chart."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual import events
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from pipeline.errors import InputError
from tui.acts import act
from tui.columns import Column, picked
from tui.dialogs import entitle
from tui.modal import Modal
from tui.settings import write_settings
from tui.shell import Shell
from tui.words import fit, plain

ON, OFF = "◆", "·"
ROOM = 20


class Choosing(Modal[tuple[str, ...] | None]):
    """`space` takes one or leaves it, `K` `J` move it up and down; `enter` keeps that, `esc` leaves it as it was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        act("choosing.no", "escape,q", "dismiss(None)", "Leave", "leave it as it was"),
        act("choosing.keep", "enter", "keep", "Keep", "keep what is chosen"),
        act("choosing.turn", "space", "turn", "On or off", "show this one, or do not"),
        act("choosing.down", "down,j", "move(1)", "Down", "one down"),
        act("choosing.up", "up,k", "move(-1)", "Up", "one up"),
        act("choosing.later", "J,shift+down", "carry(1)", "Later", "this one further down"),
        act("choosing.sooner", "K,shift+up", "carry(-1)", "Sooner", "this one further up"),
    ]

    def __init__(
        self,
        title: str,
        names: Sequence[str],
        chosen: Sequence[str],
        at_once: Callable[[tuple[str, ...]], None] | None = None,
    ) -> None:
        """Those chosen come first, in their order. `at_once` is told of each change while it is made."""
        super().__init__()
        self._title = title
        self._names = [*chosen, *(name for name in names if name not in chosen)]
        self._on = set(chosen)
        self._at_once = at_once
        self._cursor = 0
        self._said = Static(markup=False)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield self._said

    def on_mount(self) -> None:
        entitle(self.query_one(Vertical), self._title, "space on/off · J K order · enter keep · esc leave")
        self._say()

    @property
    def chosen(self) -> tuple[str, ...]:
        return tuple(name for name in self._names if name in self._on)

    def action_keep(self) -> None:
        self.dismiss(self.chosen)

    def action_turn(self) -> None:
        if self._names:
            self._on ^= {self._names[self._cursor]}
            self._changed()

    def action_move(self, rows: int) -> None:
        self._cursor = min(len(self._names) - 1, max(0, self._cursor + rows))
        self._say()

    def action_carry(self, rows: int) -> None:
        to = self._cursor + rows
        if 0 <= to < len(self._names):
            self._names.insert(to, self._names.pop(self._cursor))
            self._cursor = to
            self._changed()

    def on_click(self, event: events.Click) -> None:
        row = event.screen_y - self._said.content_region.y
        if 0 <= row < min(len(self._names), ROOM):
            self._cursor = self._first + row
            self.action_turn()

    @property
    def _first(self) -> int:
        return max(0, min(self._cursor - ROOM // 2, len(self._names) - ROOM))

    def _changed(self) -> None:
        if self._at_once is not None:
            self._at_once(self.chosen)
        self._say()

    def _say(self) -> None:
        rows = [
            (f"{ON if name in self._on else OFF} {fit(plain(name), 60)}", "reverse" if at == self._cursor else "")
            for at, name in enumerate(self._names)
        ][self._first : self._first + ROOM]
        parts = [part for row in rows for part in (row, ("\n", ""))]
        self._said.update(Content.assemble(*parts[:-1]) if rows else Content("there is nothing to choose"))


async def choose_columns(app: App[None], shell: Shell, table: str, columns: Sequence[Column[Any]]) -> None:
    """Have the person choose the columns of a table, and keep that."""
    heads = [column.head for column in columns]
    shown = [column.head for column in picked(columns, shell.settings.columns.get(table, ()))]
    chosen = await app.push_screen_wait(Choosing("Columns", heads, shown))
    if chosen is None:
        return
    if chosen and list(chosen) != heads:
        shell.settings.columns[table] = chosen
    else:
        shell.settings.columns.pop(table, None)
    if shell.settings_file is not None:
        try:
            await asyncio.to_thread(write_settings, shell.settings_file, shell.settings)
        except InputError as problem:
            app.notify(str(problem), severity="error", markup=False)

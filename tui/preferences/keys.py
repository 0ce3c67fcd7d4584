"""Which keys do what, everywhere and on each page; each can be given others."""

import asyncio
from collections.abc import Hashable, Iterable
from typing import ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tui.acts import Placed, act
from tui.dialogs import entitle
from tui.help import NAMES
from tui.modal import Modal
from tui.shell import Shell
from tui.table import Column, Table


def named(keys: str) -> str:
    """Keys as they are written for people."""
    return " ".join(NAMES.get(key, key.replace("ctrl+", "^")) for key in keys.split(","))


class ActsTable(Table[Placed]):
    """Every act with its keys. `enter` gives it another key, `x` its own again; what clashes is said."""

    BINDINGS: ClassVar[list[BindingType]] = [
        act("settings.rebind", "enter", "rebind", "Another key", "press the key that is to do it"),
        act("settings.unbind", "x,delete", "unbind", "Its own", "its own keys again"),
    ]
    NAME: ClassVar[str] = "Keys"

    class Rebound(Message):
        """An act got other keys."""

    def __init__(self, shell: Shell, place: str) -> None:
        super().__init__(shell, place)
        self._acts: tuple[Placed, ...] = ()

        self._columns: tuple[Column[Placed], ...] = (
            Column("act", 18, lambda each: each.act.id or "", lambda _: "bright", most=24),
            Column("keys", 12, self._keys, self._kind, most=20),
            Column("where", 10, lambda each: each.where, lambda _: "second", goes=2),
            Column("does", 50, lambda each: each.act.tooltip, lambda _: "text", goes=1, most=80),
        )

    def columns(self) -> tuple[Column[Placed], ...]:
        return self._columns

    def on_mount(self) -> None:
        self._learn()

    @work
    async def _learn(self) -> None:
        self._acts = await asyncio.to_thread(self.shell.acts)
        self.look()

    def version(self) -> object:
        return len(self._acts), tuple(self.shell.settings.keys.items())

    def rows(self) -> Iterable[Placed]:
        return self._acts

    def key(self, row: Placed) -> Hashable:
        return row.act.id

    def empty(self) -> str:
        return "" if self._acts else "all pages are gone through for their keys …"

    def fresh(self, row: Placed) -> object:
        return self.shell.settings.keys.get(row.act.id or "")

    @work
    async def action_rebind(self) -> None:
        if (row := self.row) is None or row.act.id is None:
            return
        key = await self.console.push_screen_wait(AskKey(row.act.tooltip))
        if key:
            self.shell.settings.keys[row.act.id] = (key,)
            self.post_message(self.Rebound())
            self.look()

    def action_unbind(self) -> None:
        if (row := self.row) is not None and self.shell.settings.keys.pop(row.act.id or "", None):
            self.post_message(self.Rebound())
            self.look()

    def _keys(self, row: Placed) -> str:
        own = self.shell.settings.keys.get(row.act.id or "")
        return named(",".join(own)) if own else named(row.act.key)

    def _kind(self, row: Placed) -> str:
        return "warn" if row.act.id in self.shell.settings.keys else "text"


class AskKey(Modal[str]):
    """The next key pressed is the answer; esc is none."""

    def __init__(self, does: str) -> None:
        super().__init__()
        self._does = does

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content(f"Press the key that is to do this: {self._does}."), markup=False)

    def on_mount(self) -> None:
        entitle(self.query_one(Vertical), "Another key", "esc none")

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.dismiss("" if event.key == "escape" else event.key)

"""What times and warms up the engine, where the flow's file says it, and what it is where the file says nothing."""

import dataclasses
import tomllib
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from pipeline.control.config import Config, Edited, Proposed
from pipeline.errors import MoonlightError
from pipeline.plan import Settings
from tui.acts import act
from tui.asking import Answer
from tui.dialogs import Confirm, entitle, plain_lines
from tui.field import Field
from tui.going import Go
from tui.modal import Modal
from tui.shell import Shell
from tui.table import Column, Table
from tui.words import age_text

OF_FLOW: Mapping[str, str] = {
    "lookback": "bars before a block that features see; 0: what they declare",
    "block": "slots of one block of anchored windows",
    "strategy_budget": "a processor's time a strategy has to judge a bar, or off",
    "entry_delay": "how long after a bar its contract is thought to begin in `why`",
    "display_timezone": "the zone in which times are shown",
    "watch": "whether an edit of the file is taken over as soon as it is saved",
}
OF_PARTS: Mapping[str, Mapping[str, tuple[object, str]]] = {
    "window": {
        "grace_ms": (500, "how long after its close a bar waits for a late quote, at the most"),
        "jitter_ms": (0, "up to so much longer, drawn for each bar, so that not all keys are judged at once"),
    },
    "executor": {"entry_cutoff_seconds": (5, "an order is not sent when less than this is left to the next boundary")},
}
"""Keys of parts, what they are where the file says nothing, and what they do."""
WITHOUT = "nothing is polled, so there is no tick: a bar is final with the first quote after it"


class Setting(NamedTuple):
    """One key of the flow's file."""

    path: str
    value: str
    own: bool
    """Whether the file says it."""
    says: str


def settings_in(text: str) -> tuple[Setting, ...]:
    """Those of a flow's text; none of one that cannot be read."""
    try:
        flow = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return ()
    return tuple(_settings(flow))


def _settings(flow: Mapping[str, Any]) -> Iterator[Setting]:
    of_flow = flow.get("moonlight", {})
    for each in dataclasses.fields(Settings):
        if each.name in OF_FLOW:
            said = of_flow.get(each.name)
            value = _text(each.default if said is None else said)
            yield Setting(f"moonlight.{each.name}", value, said is not None, OF_FLOW[each.name])
    for kind in ("operators", "sinks"):
        for name, table in flow.get(kind, {}).items():
            for key, (default, says) in OF_PARTS.get(table.get("use", name), {}).items():
                yield Setting(f"{kind}.{name}.{key}", _text(table.get(key, default)), key in table, says)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class EngineTable(Table[Setting]):
    """What times and warms up the engine. `enter` changes one: what would follow is shown before, and asked.

    Nothing is polled, so there is no tick to set: a bar is final with the first quote after it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        act("settings.edit", "enter", "edit", "Change", "another value, after what follows was shown", changes=True),
        act("settings.go", "e", "go_there", "In the file", "to its line in the editor"),
    ]
    NAME: ClassVar[str] = "Engine"
    COLUMNS: ClassVar[tuple[Column[Setting], ...]] = (
        Column("setting", 26, lambda each: each.path, lambda _: "bright", most=44),
        Column("is", 9, lambda each: each.value, lambda each: "up" if each.own else "second", most=20),
        Column("from", 8, lambda each: "the file" if each.own else "itself", lambda _: "dim", goes=1),
        Column("says", 40, lambda each: each.says, lambda _: "dim", goes=2, most=80),
    )

    def __init__(self, shell: Shell, place: str) -> None:
        super().__init__(shell, place)
        self.config: Answer[Config] = Answer()

    def ask(self) -> None:
        """Read the file anew."""
        self.run_worker(
            self.config.ask(lambda: self.shell.engine.get("/config", Config), self.now), group="config", exclusive=True
        )

    def version(self) -> object:
        return self.config.version

    def rows(self) -> Iterable[Setting]:
        return settings_in(self.config.value.text) if self.config.value is not None else ()

    def key(self, row: Setting) -> Hashable:
        return row.path

    def empty(self) -> str:
        return self.config.why or ("asking for the flow's file" if self.config.asking else WITHOUT)

    def subtitle(self) -> str:
        if self.config.why:
            return f"✖ {self.config.why}"
        return f"read {age_text(self.now() - self.config.at)} ago" if self.config.at else ""

    def action_go_there(self) -> None:
        if (row := self.row) is not None and self.config.value is not None:
            self.post_message(Go("edit", line_of(self.config.value.text, row.path)))

    @work(exclusive=True)
    async def action_edit(self) -> None:
        row, config = self.row, self.config.value
        if row is None or config is None:
            return
        typed = await self.console.push_screen_wait(Value(row))
        if not typed or typed == row.value:
            return
        try:
            said = {"set": {row.path: _value(typed)}}
            proposed = await self.shell.engine.post("/plan", Proposed, said)
            if refused := proposed.proposal.refused:
                raise MoonlightError("; ".join(refused))
            follows = "\n".join(_follows(proposed)) or "Nothing in the flow that runs is changed by it."
            asked = f"{row.path} becomes {typed}; it is {row.value}.\n{follows}"
            if await self.console.push_screen_wait(Confirm("Change the flow", asked, self.now)):
                match = {"If-Match": f'"{config.hash}"'}
                done = await self.shell.engine.put("/config", Edited, said, match)
                waits = f"; it waits for {', '.join(done.waiting)}" if done.waiting else ""
                self.console.notify(f"{row.path} is {typed} now{waits}", markup=False)
        except MoonlightError as problem:
            self.console.notify(str(problem), title="Nothing was changed", severity="error", markup=False)
        self.ask()


def _follows(proposed: Proposed) -> Iterator[str]:
    proposal = proposed.proposal
    yield from (f"{each.node}: {each.what}{f' ({each.why})' if each.why else ''}" for each in proposal.changes)
    if waits := proposal.waits_for:
        yield f"It waits until these orders are settled: {', '.join(waits)}."
    yield from proposal.warnings


def _value(text: str) -> bool | int | float | str:
    """As TOML would read it; what it cannot read is text."""
    try:
        value: bool | int | float | str = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    return value


def line_of(text: str, path: str) -> int:
    """The line of a key, or of its table; the first when neither is there."""
    *table, key = path.split(".")
    inside, best = False, 1
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            inside = stripped.strip("[]").split("#")[0].strip() == ".".join(table)
            best = number if inside else best
        elif inside and stripped.split("=")[0].strip() == key:
            return number
    return best


class Value(Modal[str]):
    """Another value for a setting."""

    BINDINGS: ClassVar[list[BindingType]] = [act("value.no", "escape", "dismiss('')", "No", "leave it as it is")]

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self._setting = setting

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content(plain_lines(f"{self._setting.path}: {self._setting.says}")), markup=False)
            yield Field(self._setting.value, classes="word")

    def on_mount(self) -> None:
        entitle(self.query_one(Vertical), "Another value", "enter shows what follows · esc no")
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value.strip())

"""One part in full: what it does, its keys, what this flow has set, and how it is written down."""

from collections.abc import Iterator
from textwrap import wrap
from typing import ClassVar

from textual.binding import BindingType

from pipeline.control.parts import KeyTold, Parts, PartTold
from tui.acts import act
from tui.asking import Answer
from tui.painted import Frame, Line, Panel, Run, sentence
from tui.sheet import words
from tui.shell import Shell
from tui.strategies.snippet import snippet, table_of
from tui.words import fit, plain

WARM = {
    "feature": "ready after",
    "provider": "looks back",
}


class PartSheet(Panel, can_focus=True):
    """The chosen part: its whole description, each key with its type, default and what it may be, presets by their
    numbers, what this flow has set, and the table that `y` copies and `a` puts into the editor.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        act("part.up", "up,k", "scroll(-1)", "Up", "a row up", show=False),
        act("part.down", "down,j", "scroll(1)", "Down", "a row down", show=False),
        act("part.page_up", "pageup,ctrl+u", "scroll(-10)", "Page up", "ten rows up", show=False),
        act("part.page_down", "pagedown,ctrl+d", "scroll(10)", "Page down", "ten rows down", show=False),
    ]
    hertz = 2.0

    def __init__(self, shell: Shell, place: str, told: Answer[Parts]) -> None:
        super().__init__(shell, place)
        self._told = told
        self.part: PartTold | None = None
        self._first = 0
        self._made: tuple[object, list[Line]] = (None, [])

    def show_part(self, part: PartTold | None) -> None:
        """From its beginning."""
        if part is None or self.part is None or (part.kind, part.name) != (self.part.kind, self.part.name):
            self._first = 0
        self.part = part
        self.look()

    @property
    def snippet(self) -> str:
        """How the part is written down; "" while there is none."""
        parts = self._told.value.parts if self._told.value is not None else ()
        return snippet(self.part, parts) if self.part is not None else ""

    def action_scroll(self, rows: int) -> None:
        self._first += rows
        self.look()

    def on_mouse_scroll_up(self) -> None:
        self.action_scroll(-3)

    def on_mouse_scroll_down(self) -> None:
        self.action_scroll(3)

    def frame(self, width: int, height: int) -> Frame:
        part = self.part
        if part is None:
            return Frame(sentence("choose a part", width), "Part")
        facts = (part, width, self._told.version)
        if self._made[0] != facts:
            self._made = (facts, list(self._lines(part, width)))
        lines = self._made[1]
        self._first = max(0, min(self._first, len(lines) - height))
        more = len(lines) - self._first - height
        hidden = f"{more} more below" if more > 0 else f"{self._first} more above" if self._first else ""
        return Frame(lines[self._first : self._first + height], f"{part.name} · {table_of(part)}", hidden)

    def _lines(self, part: PartTold, width: int) -> Iterator[Line]:
        for paragraph in part.text.split("\n\n"):
            for text in wrap(plain(" ".join(paragraph.split())), width):
                yield Line((Run(text),))
            yield Line()
        yield from _facts(part, width)
        yield from _keys(part, width)
        yield from _presets(part, width)
        yield from _uses(part, width)
        yield Line((Run("as a table", "second"),))
        for text in self.snippet.splitlines():
            yield Line((Run(fit(plain(text), min(width, len(text))), "dim" if text.startswith("#") else "bright"),))


def _facts(part: PartTold, width: int) -> Iterator[Line]:
    said = [
        ("takes", " · ".join(" | ".join(kinds) for kinds in part.takes.values())),
        ("gives", " | ".join(part.gives)),
        ("columns", ", ".join(part.outputs) if len(part.outputs) > 1 else ""),
        ("reads", ", ".join(part.needs)),
        ("warm-up", f"{WARM[part.kind]} {part.warm_up} bar{'s' * (part.warm_up > 1)}" if part.kind in WARM else ""),
        ("from", part.origin),
    ]
    for name, text in said:
        if text and (part.warm_up or name != "warm-up"):
            yield words(width, Run(f"{name:<9}", "second"), Run(text))


def _keys(part: PartTold, width: int) -> Iterator[Line]:
    if not part.fields:
        yield Line((Run("it has no keys", "dim"),))
        return
    name = min(22, max(len(key.name) for key in part.fields))
    room = max(8, min(26, (width - name) // 4))
    yield Line()
    yield words(width, Run(f"{fit('key', name)} {fit('default', room)} {'what it may be'}", "second"))
    for key in part.fields:
        default = "has to be said" if key.required or key.default is None else key.default
        yield words(
            width,
            Run(f"{fit(plain(key.name), name)} ", "bright"),
            Run(f"{fit(plain(default), room)} ", "warn" if key.required else "text"),
            Run(_may_be(key), "second"),
        )
        for text in wrap(plain(key.description), max(20, width - name - 3)):
            yield words(width, Run(f"{'':<{name}}  {text}", "dim"))


def _may_be(key: KeyTold) -> str:
    return " or ".join(key.choices) if key.choices else key.type


def _presets(part: PartTold, width: int) -> Iterator[Line]:
    if not part.presets:
        return
    yield Line()
    yield Line((Run("presets by number", "second"),))
    for number, preset in part.presets.items():
        keys = ", ".join(f"{name} = {value}" for name, value in preset.items())
        yield words(width, Run(f"use = {number:<6}", "bright"), Run(keys or "its keys as they stand above", "text"))


def _uses(part: PartTold, width: int) -> Iterator[Line]:
    yield Line()
    if not part.used:
        yield Line((Run("no node of this flow is made by it", "dim"),))
    else:
        yield Line((Run(f"in this flow {len(part.used)}", "second"),))
    defaults = {key.name: key.default for key in part.fields}
    for use in part.used:
        other = ", ".join(f"{name} = {value}" for name, value in use.settings.items() if value != defaults.get(name))
        yield words(width, Run(f"{use.node}  ", "bright"), Run(other or "its keys as they are when left out", "text"))
    yield Line()

"""One part in full: what it does, its keys, what this flow has set, and how it is written down."""

from collections.abc import Iterator, Sequence
from textwrap import wrap

from pipeline.told.parts import KeyTold, Parts, PartTold
from tui.asking import Answer
from tui.painted import Line, Run
from tui.scrolled import Scrolled
from tui.sheet import words
from tui.shell import Shell
from tui.strategies.snippet import snippet, table_of
from tui.words import fit, plain

WARM = {
    "feature": "ready after",
    "provider": "looks back",
}


class PartSheet(Scrolled):
    """The chosen part: its whole description, each key with its type, default and what it may be, presets by their
    numbers, what this flow has set, and the table that `y` copies and `a` puts into the editor.
    """

    def __init__(self, shell: Shell, place: str, told: Answer[Parts]) -> None:
        super().__init__(shell, place)
        self._told = told
        self.part: PartTold | None = None
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

    def lines(self, width: int) -> Sequence[Line]:
        part = self.part
        if part is None:
            return ()
        facts = (part, width, self._told.version)
        if self._made[0] != facts:
            self._made = (facts, list(self._lines(part, width)))
        return self._made[1]

    def title(self) -> str:
        return "Part" if self.part is None else f"{self.part.name} · {table_of(self.part)}"

    def empty(self) -> str:
        return "choose a part"

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

"""Every part a flow can be made of, strategies first, one on a row."""

from collections.abc import Hashable, Iterable
from typing import ClassVar

from textual.binding import BindingType

from pipeline.catalogue import spans
from pipeline.told.parts import Parts, PartTold
from tui.acts import act
from tui.asking import Answer
from tui.columns import Column
from tui.shell import Shell
from tui.strategies.snippet import snippet
from tui.table import Table
from tui.words import age_text

ORDER = ("provider", "ensemble", "feature", "risk", "stake", "operator", "source", "venue", "sink", "alert")
"""Kinds, the ones a person looks for most first."""
KINDS = ("", *ORDER)
UNNUMBERED = 1_000_000
"""Behind all that have numbers."""


def _kind(part: PartTold) -> str:
    return "strategy" if part.kind == "provider" else part.kind


def _used(part: PartTold) -> str:
    return str(len(part.used)) if part.used else "─"


def _style(part: PartTold) -> str:
    return "bright" if part.used else "text"


class CatalogueTable(Table[PartTold]):
    """Strategies, ensembles, features and all other parts: the numbers of their presets, what they go by, how many
    keys they have, how many bars they need before they speak, and how often this flow has them. `t` shows one kind
    after another.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        act("catalogue.copy", "y", "copy_toml", "Copy TOML", "copy the part as a table of a flow's file")
    ]

    NAME: ClassVar[str] = "Catalogue"
    COLUMNS: ClassVar[tuple[Column[PartTold], ...]] = (
        Column("kind", 8, _kind, lambda _: "second", goes=3),
        Column("no", 4, lambda part: spans(part.numbers), lambda _: "second", goes=4, most=12,
               sort=lambda part: min(part.numbers, default=UNNUMBERED)),
        Column("name", 16, lambda part: part.name, _style, most=26),
        Column("family", 9, lambda part: part.family or part.group, lambda _: "second", goes=2, most=10),
        Column("keys", 4, lambda part: str(len(part.fields)), right=True, goes=5),
        Column("warm", 4, lambda part: str(part.warm_up or "─"), right=True, goes=1),
        Column("used", 4, _used, _style, right=True),
        Column("says", 20, lambda part: part.says, lambda _: "dim", goes=6, most=70),
    )  # fmt: skip

    def __init__(self, shell: Shell, place: str, told: Answer[Parts]) -> None:
        super().__init__(shell, place)
        self._told = told
        self.kind = ""
        """Of which kind alone they are shown; "" all."""

    def version(self) -> object:
        return self._told.version, self.kind

    def rows(self) -> Iterable[PartTold]:
        parts = self._told.value.parts if self._told.value is not None else ()
        place = {kind: at for at, kind in enumerate(ORDER)}
        some = (part for part in parts if self.kind in ("", part.kind))
        return sorted(
            some, key=lambda part: (place.get(part.kind, len(ORDER)), min(part.numbers, default=UNNUMBERED), part.name)
        )

    def key(self, row: PartTold) -> Hashable:
        return row.kind, row.name

    def empty(self) -> str:
        if self.store.state != "up" and self._told.value is None:
            return self.store.why or "not attached to an engine yet"
        if self._told.value is None:
            return self._told.why or "the engine is asked what there is"
        return f"there is no part of the kind {self.kind}; t shows the next kind" if self.kind else "there is no part"

    def action_copy_toml(self) -> None:
        picked, parts = self.picked, self._told.value.parts if self._told.value is not None else ()
        if picked:
            self.console.copy_to_clipboard("\n".join(snippet(part, parts) for part in picked))
            what = f"{len(picked)} tables" if len(picked) > 1 else f"{picked[0].name} as a table"
            self.console.notify(f"{what} of a flow's file copied", markup=False)

    def title(self, shown: int, total: int) -> str:
        whole = super().title(shown, total)
        return f"{whole} · {'strategies' if self.kind == 'provider' else self.kind}" if self.kind else whole

    def subtitle(self) -> str:
        if self._told.value is None:
            return ""
        failed = f"{self._told.why} · " if self._told.why else ""
        return f"{failed}{age_text(self.now() - self._told.at)} old"

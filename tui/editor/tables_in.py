"""The tables of a flow file by its lines alone, so that a text that is no TOML just now has them too."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tui.editor.paint import insides

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_PAIR = re.compile(
    r"\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'))*)\s*=\s*(.*)$"
)
_NAME = re.compile(r"[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'")
_USE = re.compile(r"""\buse\s*=\s*(?:"([^"]*)"|'([^']*)'|(\d+))""")

Path = tuple[str, ...]


@dataclass(frozen=True)
class TableAt:
    """A table by its header, with the line of each of its own keys and what stands behind it. Lines count from 0."""

    path: Path
    line: int
    many: bool = False
    """One of several under a header in double brackets."""
    keys: dict[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])

    @property
    def use(self) -> str:
        """Which part it says it is; "" when it does not."""
        said = self.keys.get("use")
        return use_in(f"use = {said[1]}") if said is not None else ""


def names_in(dotted: str) -> Path:
    return tuple(part.strip("\"'") for part in _NAME.findall(dotted))


def use_in(text: str) -> str:
    """The part that a table in braces says it is."""
    found = _USE.search(text)
    return "" if found is None else next((part for part in found.groups() if part), "")


def tables_in(lines: Sequence[str]) -> Sequence[TableAt]:
    """In the order of the file; what stands above the first header is in a table without a name."""
    made = [TableAt((), 0)]
    for row, (line, inside) in enumerate(zip(lines, insides(lines), strict=True)):
        if inside:
            continue
        if header := _HEADER.match(line):
            made.append(TableAt(names_in(header[2]), row, header[1] == "[["))
        elif pair := _PAIR.match(line):
            made[-1].keys.setdefault(".".join(names_in(pair[1])), (row, pair[2]))
    return made

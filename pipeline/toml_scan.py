"""The layout of a TOML text in one pass: where each key stands, what is too much, and what stands open where it breaks.

Lines and columns count from 1, columns in characters.
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator
from typing import Literal

from pipeline.errors import PlanError, Problem

MOST_PARTS = 16
"""Parts of a dotted key or table name."""
MOST_TABLES = 2000
"""Tables of a file, inline ones counted."""
MOST_LEVELS = 100
"""Levels of lists and tables inside each other."""
LONGEST_NUMBER = 1000
"""Characters of a value without quotes; Python refuses to read a few thousand digits as a number."""

KeyPath = tuple[str | int, ...]
"""From the top: names of keys, and numbers of elements in lists and arrays of tables."""
Place = tuple[int, int]
"""Line and column."""

# What is possessive here cannot be tried twice, so no text makes a match slow.
_ONE_LINE = r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"|' + r"'[^'\n]*+'"
_KEY = re.compile(r"[A-Za-z0-9_-]++|" + _ONE_LINE)
_STRING = re.compile(
    r'"""[^"\\]*+(?:(?:\\(?s:.)|"{1,2}(?!"))[^"\\]*+)*+"{3,5}|'
    r"'''[^']*+(?:'{1,2}(?!')[^']*+)*+'{3,5}|"
    r"(?!\"\"\"|''')(?:" + _ONE_LINE + ")"
)
_DATE_AND_TIME = r"\d{4}-\d\d-\d\d \d\d:"
_PLAIN = re.compile(rf"(?:{_DATE_AND_TIME})?[^\s,\[\]{{}}#\"'=]++")
_BLANKS = re.compile(r"[ \t]*+")
_GAP = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_LINE_END = re.compile(r"[ \t]*+(?:#[^\n]*+)?(?:\r?\n|\Z)")

_Kind = Literal["implied", "dotted", "table", "tables", "value"]
"""How a spot came to be: named on the way to another table, or on the way to a key; by its header; by its value."""


class Spot:
    """A key or an element: the offsets of its name and its value, and what is inside it."""

    __slots__ = ("inner", "key", "kind", "value")

    def __init__(self, kind: _Kind, key: int, value: int) -> None:
        self.kind: _Kind = kind
        self.key = key
        self.value = value
        self.inner: dict[str | int, Spot] | None = None

    def get(self, step: str | int) -> "Spot | None":
        return None if self.inner is None else self.inner.get(step)

    def put(self, step: str | int, spot: "Spot") -> "Spot":
        if self.inner is None:
            self.inner = {}
        self.inner[step] = spot
        return spot

    def paths(self, path: KeyPath) -> Iterator[KeyPath]:
        for step, spot in (self.inner or {}).items():
            yield (*path, step)
            yield from spot.paths((*path, step))


class Lines:
    """Offsets in a text as lines and columns, and back."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def place(self, offset: int) -> Place:
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column - 1

    def around(self, offset: int) -> str:
        """The line in which an offset lies."""
        start = self._text.rfind("\n", 0, offset) + 1
        end = self._text.find("\n", offset)
        return self._text[start : len(self._text) if end < 0 else end].rstrip("\r")


class _Stop(Exception):
    """The layout is broken here."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


class Scan:
    """One pass over the layout of a text: places, limits, and what stands open where it breaks.

    It takes all that is TOML and more (lines may end inside of { }), so where it stops tomllib has stopped too, and no
    limit is missed. A key that is there twice is noted, and its second value goes nowhere.
    """

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.lines = Lines(text)
        self.root = Spot("table", 0, 0)
        self.opened: list[int] = []
        self.twice: tuple[str, int, int] | None = None
        self.stopped = len(text)
        self._file = file
        self._tables = 0

    def run(self) -> None:
        try:
            self._document()
        except _Stop as stop:
            self.stopped = stop.at

    def _document(self) -> None:
        table, level = self.root, 0
        at = self._past(_GAP, 0)
        while at < len(self.text):
            if self.text[at] == "[":
                at, table, level = self._header(at)
            else:
                at = self._pair(at, table, level)
            at = self._past(_GAP, self._past(_LINE_END, at))

    def _header(self, at: int) -> tuple[int, Spot, int]:
        """Past a `[table]` or `[[table]]`: where it ends, what its keys go into, and how deep that is."""
        brackets = 2 if self.text.startswith("[[", at) else 1
        parts, end = self._parts(self._past(_BLANKS, at + brackets))
        if not self.text.startswith("]" * brackets, end):
            raise _Stop(end)
        self._count_table(at)
        spot, level = self.root, len(parts)
        for name, key in parts[:-1]:
            spot = self._inside(spot, name, Spot("implied", key, at))
            if spot.kind == "tables" and spot.inner:
                spot, level = spot.inner[len(spot.inner) - 1], level + 1
        name, key = parts[-1]
        if brackets == 2:
            return end + brackets, self._element(spot, name, Spot("tables", key, at)), level + 1
        return end + brackets, self._table(spot, name, Spot("table", key, at)), level

    def _table(self, spot: Spot, name: str, fresh: Spot) -> Spot:
        known = spot.get(name)
        if known is None:
            return spot.put(name, fresh)
        if known.kind != "implied":
            return self._again(name, fresh, known)
        known.kind, known.key, known.value = fresh.kind, fresh.key, fresh.value
        return known

    def _element(self, spot: Spot, name: str, fresh: Spot) -> Spot:
        tables = spot.get(name) or spot.put(name, fresh)
        if tables.kind != "tables":
            return self._again(name, fresh, tables)
        return tables.put(len(tables.inner or ()), Spot("table", fresh.key, fresh.value))

    def _pair(self, at: int, table: Spot, level: int) -> int:
        parts, at = self._parts(at)
        if not self.text.startswith("=", at):
            raise _Stop(at)
        at = self._past(_BLANKS, at + 1)
        spot = table
        for name, key in parts[:-1]:
            spot = self._inside(spot, name, Spot("dotted", key, at))
        name, key = parts[-1]
        known, fresh = spot.get(name), Spot("value", key, at)
        leaf = spot.put(name, fresh) if known is None else self._again(name, fresh, known)
        return self._value(leaf, at, level + len(parts))

    def _inside(self, spot: Spot, name: str, fresh: Spot) -> Spot:
        """What is called `name` in `spot`, made if need be, on the way to a key in it."""
        known = spot.get(name)
        if known is None:
            return spot.put(name, fresh)
        closed = known.kind == "value" or (fresh.kind == "dotted" and known.kind in ("table", "tables"))
        return self._again(name, fresh, known) if closed else known

    def _again(self, name: str, fresh: Spot, known: Spot) -> Spot:
        self.twice = self.twice or (name, fresh.key, known.key)
        return fresh

    def _parts(self, at: int) -> tuple[list[tuple[str, int]], int]:
        """The names in a dotted key with their offsets, and what follows it."""
        parts: list[tuple[str, int]] = []
        while True:
            end = self._past(_KEY, at)
            parts.append((self._name(at, end), at))
            if len(parts) > MOST_PARTS:
                raise self._limit(at, f"a dotted name has at most {MOST_PARTS} parts", "use fewer dots")
            at = self._past(_BLANKS, end)
            if not self.text.startswith(".", at):
                return parts, at
            at = self._past(_BLANKS, at + 1)

    def _name(self, at: int, end: int) -> str:
        word = self.text[at:end]
        if word[0] == '"' and "\\" in word:
            try:
                return tomllib.loads(f"name = {word}")["name"]
            except tomllib.TOMLDecodeError:
                raise _Stop(at) from None
        return word[1:-1] if word[0] in "\"'" else word

    def _value(self, spot: Spot, at: int, level: int) -> int:
        match self.text[at : at + 1]:
            case "[":
                return self._list(spot, at, level)
            case "{":
                return self._inline(spot, at, level)
            case '"' | "'":
                return self._past(_STRING, at)
            case _:
                return self._plain(at)

    def _list(self, spot: Spot, at: int, level: int) -> int:
        self._enter(at, level)
        at = self._past(_GAP, at + 1)
        number = 0
        while not self.text.startswith("]", at):
            element = spot.put(number, Spot("value", at, at))
            at = self._comma(self._value(element, at, level + 1), "]")
            number += 1
        self.opened.pop()
        return at + 1

    def _inline(self, spot: Spot, at: int, level: int) -> int:
        self._enter(at, level)
        self._count_table(at)
        at = self._past(_GAP, at + 1)
        while not self.text.startswith("}", at):
            at = self._comma(self._pair(at, spot, level), "}")
        self.opened.pop()
        return at + 1

    def _comma(self, at: int, closing: str) -> int:
        at = self._past(_GAP, at)
        if self.text.startswith(",", at):
            return self._past(_GAP, at + 1)
        if not self.text.startswith(closing, at):
            raise _Stop(at)
        return at

    def _plain(self, at: int) -> int:
        end = self._past(_PLAIN, at)
        if end - at > LONGEST_NUMBER:
            what = f"a value without quotes has at most {LONGEST_NUMBER} characters"
            raise self._limit(at, what, "shorten it, or put text in quotes")
        return end

    def _past(self, pattern: re.Pattern[str], at: int) -> int:
        found = pattern.match(self.text, at)
        if found is None:
            raise _Stop(at)
        return found.end()

    def _enter(self, at: int, level: int) -> None:
        if level > MOST_LEVELS:
            what = f"lists and tables stand in each other at most {MOST_LEVELS} levels deep"
            raise self._limit(at, what, "flatten this value")
        self.opened.append(at)

    def _count_table(self, at: int) -> None:
        self._tables += 1
        if self._tables > MOST_TABLES:
            raise self._limit(at, f"a flow has at most {MOST_TABLES:,} tables", "split the flow")

    def _limit(self, at: int, what: str, fix: str) -> PlanError:
        return PlanError(self._file, (Problem("", what, fix, *self.lines.place(at)),))

"""A flow file as text: read within limits, parsed, and every key's place in it.

The meaning comes from tomllib; places come from a scan of our own, made first. The scan also keeps tomllib from text
that would cost it seconds and gigabytes (one key of 20,000 parts does), and remembers what tomllib forgets: which
bracket is open, and where a key stood before. Lines and columns count from 1, columns in characters.
"""

import os
import re
import stat
import tomllib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pipeline.errors import PlanError, Problem

LONGEST = 1024 * 1024
"""Bytes of a file."""
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


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A flow file that is TOML: its text (without byte order mark), what it says, and where."""

    file: str
    text: str
    data: dict[str, Any]
    at: "Positions"

    def place(self, path: KeyPath) -> Place:
        """Where the key stands; of a key that is not there, the nearest one around it."""
        return self.at.key(path)

    def value_place(self, path: KeyPath) -> Place:
        """Where its value begins; of a table, its header."""
        return self.at.value(path)


class Positions:
    """Where each key and each element stands."""

    def __init__(self, lines: "_Lines", root: "_Spot") -> None:
        self._lines = lines
        self._root = root

    def key(self, path: KeyPath) -> Place:
        return self._lines.place(self._nearest(path).key)

    def value(self, path: KeyPath) -> Place:
        return self._lines.place(self._nearest(path).value)

    def paths(self) -> Iterator[KeyPath]:
        """Every path of the file, outer ones first."""
        yield from self._root.paths(())

    def _nearest(self, path: KeyPath) -> "_Spot":
        spot = self._root
        for step in path:
            if spot.inner is None or step not in spot.inner:
                return spot
            spot = spot.inner[step]
        return spot


# --- reading ---------------------------------------------------------------------------------------------------------


def read(path: Path) -> Source:
    """The flow file at `path`; a `PlanError` says what is wrong with it. At most `LONGEST` bytes are ever read."""
    file = str(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise PlanError.single(file, *_no_file(path))
        with path.open("rb") as stream:
            raw = stream.read(LONGEST + 1)
            size = os.fstat(stream.fileno()).st_size
    except OSError as error:
        raise PlanError.single(file, *_unreadable(path, error)) from None
    if len(raw) > LONGEST:
        raise _too_long(file, max(size, len(raw)))
    return parse(_decoded(raw, file), file)


def parse(text: str, file: str) -> Source:
    """The flow that `text` is; `file` is the name its problems are told under."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > LONGEST:
        raise _too_long(file, size)
    text = text.removeprefix("\ufeff")
    scan = _Scan(text, file)
    scan.run()
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanError(file, (_Wreck(scan, str(error)).problem(),)) from None
    return Source(file, text, data, Positions(scan.lines, scan.root))


def _no_file(path: Path) -> tuple[str, str]:
    if not path.is_dir():
        return "this is no regular file", "name a flow file on disk"
    inside = sorted(file.name for file in path.glob("*.toml"))
    return "this is a folder", f"name a file in it: {path / inside[0]}" if inside else "name a flow file"


def _unreadable(path: Path, error: OSError) -> tuple[str, str]:
    if isinstance(error, FileNotFoundError):
        return _missing(path)
    if isinstance(error, PermissionError):
        return "we may not read this file", f"give us the right to (chmod u+r {path}), or run as its owner"
    return f"the file cannot be read ({error.strerror})", "mend the path, or the disk it is on"


def _missing(path: Path) -> tuple[str, str]:
    if not path.parent.is_dir():
        return "there is no such file", f"there is no folder {path.parent} either: mend the path"
    near = get_close_matches(path.name, sorted(file.name for file in path.parent.glob("*.toml")), n=1)
    if near:
        return "there is no such file", f"did you mean {path.with_name(near[0])}?"
    return "there is no such file", "name one that is, or make one with `init`"


def _too_long(file: str, size: int) -> PlanError:
    what = f"the file has {size:,} bytes, and a flow has at most {LONGEST:,}"
    return PlanError.single(file, what, "keep data in files of its own, or split the flow")


def _decoded(raw: bytes, file: str) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise PlanError.single(file, "this is UTF-16 text", "save the file as UTF-8")
    if (zero := raw.find(b"\0")) >= 0:
        raise _bad_byte(
            raw, zero, f"this is no text: the byte at offset {zero} is zero", "name a flow file, in TOML", file
        )
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        what = f"the byte at offset {error.start} (0x{raw[error.start]:02x}) is not UTF-8"
        raise _bad_byte(raw, error.start, what, "save the file as UTF-8", file) from None


def _bad_byte(raw: bytes, at: int, what: str, fix: str, file: str) -> PlanError:
    before = raw[:at]
    column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
    return PlanError(file, (Problem("", what, fix, before.count(b"\n") + 1, column),))


# --- the scan --------------------------------------------------------------------------------------------------------

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


class _Spot:
    """A key or an element: the offsets of its name and its value, and what is inside it."""

    __slots__ = ("inner", "key", "kind", "value")

    def __init__(self, kind: _Kind, key: int, value: int) -> None:
        self.kind: _Kind = kind
        self.key = key
        self.value = value
        self.inner: dict[str | int, _Spot] | None = None

    def get(self, step: str | int) -> "_Spot | None":
        return None if self.inner is None else self.inner.get(step)

    def put(self, step: str | int, spot: "_Spot") -> "_Spot":
        if self.inner is None:
            self.inner = {}
        self.inner[step] = spot
        return spot

    def paths(self, path: KeyPath) -> Iterator[KeyPath]:
        for step, spot in (self.inner or {}).items():
            yield (*path, step)
            yield from spot.paths((*path, step))


class _Lines:
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


class _Scan:
    """One pass over the layout of a text: places, limits, and what stands open where it breaks.

    It takes all that is TOML and more (lines may end inside of { }), so where it stops tomllib has stopped too, and no
    limit is missed. A key that is there twice is noted, and its second value goes nowhere.
    """

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.lines = _Lines(text)
        self.root = _Spot("table", 0, 0)
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

    def _header(self, at: int) -> tuple[int, _Spot, int]:
        """Past a `[table]` or `[[table]]`: where it ends, what its keys go into, and how deep that is."""
        brackets = 2 if self.text.startswith("[[", at) else 1
        parts, end = self._parts(self._past(_BLANKS, at + brackets))
        if not self.text.startswith("]" * brackets, end):
            raise _Stop(end)
        self._count_table(at)
        spot, level = self.root, len(parts)
        for name, key in parts[:-1]:
            spot = self._inside(spot, name, _Spot("implied", key, at))
            if spot.kind == "tables" and spot.inner:
                spot, level = spot.inner[len(spot.inner) - 1], level + 1
        name, key = parts[-1]
        if brackets == 2:
            return end + brackets, self._element(spot, name, _Spot("tables", key, at)), level + 1
        return end + brackets, self._table(spot, name, _Spot("table", key, at)), level

    def _table(self, spot: _Spot, name: str, fresh: _Spot) -> _Spot:
        known = spot.get(name)
        if known is None:
            return spot.put(name, fresh)
        if known.kind != "implied":
            return self._again(name, fresh, known)
        known.kind, known.key, known.value = fresh.kind, fresh.key, fresh.value
        return known

    def _element(self, spot: _Spot, name: str, fresh: _Spot) -> _Spot:
        tables = spot.get(name) or spot.put(name, fresh)
        if tables.kind != "tables":
            return self._again(name, fresh, tables)
        return tables.put(len(tables.inner or ()), _Spot("table", fresh.key, fresh.value))

    def _pair(self, at: int, table: _Spot, level: int) -> int:
        parts, at = self._parts(at)
        if not self.text.startswith("=", at):
            raise _Stop(at)
        at = self._past(_BLANKS, at + 1)
        spot = table
        for name, key in parts[:-1]:
            spot = self._inside(spot, name, _Spot("dotted", key, at))
        name, key = parts[-1]
        known, fresh = spot.get(name), _Spot("value", key, at)
        leaf = spot.put(name, fresh) if known is None else self._again(name, fresh, known)
        return self._value(leaf, at, level + len(parts))

    def _inside(self, spot: _Spot, name: str, fresh: _Spot) -> _Spot:
        """What is called `name` in `spot`, made if need be, on the way to a key in it."""
        known = spot.get(name)
        if known is None:
            return spot.put(name, fresh)
        closed = known.kind == "value" or (fresh.kind == "dotted" and known.kind in ("table", "tables"))
        return self._again(name, fresh, known) if closed else known

    def _again(self, name: str, fresh: _Spot, known: _Spot) -> _Spot:
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

    def _value(self, spot: _Spot, at: int, level: int) -> int:
        match self.text[at : at + 1]:
            case "[":
                return self._list(spot, at, level)
            case "{":
                return self._inline(spot, at, level)
            case '"' | "'":
                return self._past(_STRING, at)
            case _:
                return self._plain(at)

    def _list(self, spot: _Spot, at: int, level: int) -> int:
        self._enter(at, level)
        at = self._past(_GAP, at + 1)
        number = 0
        while not self.text.startswith("]", at):
            element = spot.put(number, _Spot("value", at, at))
            at = self._comma(self._value(element, at, level + 1), "]")
            number += 1
        self.opened.pop()
        return at + 1

    def _inline(self, spot: _Spot, at: int, level: int) -> int:
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


# --- what to say of a text that is not TOML ---------------------------------------------------------------------------

_MESSAGE = re.compile(r"(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", re.DOTALL)
_ENDLESS = re.compile(r"Unterminated|Expected \"'|(?:Illegal|Found invalid) character '\\[nr]'")
_CONTROL = re.compile(r"(?:Illegal|Found invalid) character")
_ESCAPE = re.compile(r"Unescaped|Invalid hex value|Escaped character")
_TWICE = re.compile(r"Cannot|Duplicate")
_STATEMENT = re.compile(r"\s*(?:\[+[A-Za-z_][\w.\- ]*\]+\s*(?:#.*)?$|[\w.\"'-]+\s*=)")
_WORD_BEFORE = re.compile(r"[\w.:+-]+$")
_WORD = re.compile(r"[^\s,\[\]{}#]*")
_TYPESET_QUOTES = "\u201c\u201d\u201e\u2018\u2019\u00ab`"
_SWITCHES = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}

_Said = tuple[str, str, int]
"""What is wrong, how to mend it, and where."""


class _Wreck:
    """A text that tomllib refused with `message`. Each look at it is for one common mistake."""

    def __init__(self, scan: _Scan, message: str) -> None:
        self._scan = scan
        self._text = scan.text
        found = _MESSAGE.fullmatch(message)
        self._message = found["what"] if found else message
        self._at = len(scan.text)
        if found and found["line"]:
            self._at = scan.lines.offset(int(found["line"]), int(found["column"]))
        self._line = scan.lines.around(self._at)
        column = scan.lines.place(self._at)[1]
        self._before, self._after = self._line[: column - 1], self._line[column - 1 :]

    def problem(self) -> Problem:
        looks = (
            self._merge,
            self._twice,
            self._other_language,
            self._string,
            self._escape,
            self._control,
            self._word,
            self._inline,
            self._bracket,
            self._value,
            self._rest,
            self._header,
            self._equals,
            self._key,
        )
        what, fix, at = next((said for look in looks if (said := look())), self._else())
        return Problem("", what, fix, *self._scan.lines.place(at))

    def _merge(self) -> _Said | None:
        if not self._line.startswith(("<<<<<<<", "=======", ">>>>>>>")):
            return None
        return "a merge has left its mark here", "choose one of the two versions and delete the marks", self._at

    def _twice(self) -> _Said | None:
        if not _TWICE.match(self._message):
            return None
        if self._scan.twice is None or self._scan.twice[1] > self._at:
            return "this adds to a table that is already complete", "keep all keys of a table in one place", self._at
        name, at, first = self._scan.twice
        line = self._scan.lines.place(first)[0]
        shown = name if re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name) else f'"{_shown(name)}"'
        return f"{shown} is there twice: first on line {line}", "keep one of the two", at

    def _other_language(self) -> _Said | None:
        key = self._before.strip()
        if self._message == "Invalid statement" and self._after.startswith("{"):
            return "a flow is TOML, not JSON", "write lines of key = value, without braces around them", self._at
        if not self._message.startswith("Expected '='"):
            return None
        if key in ("-", "---"):
            return "a flow is TOML, not YAML", 'write a list as key = ["a", "b"]', self._at
        if not self._after.startswith(":"):
            return None
        if not self._after[1:].strip():
            return (
                "':' after a key is YAML, and a flow is TOML",
                "write the table's name as [header] above its keys",
                self._at,
            )
        return "':' stands where TOML has '='", "write key = value", self._at

    def _string(self) -> _Said | None:
        at = self._scan.stopped
        if not _ENDLESS.match(self._message) or self._text[at : at + 1] not in ('"', "'"):
            return None
        quote = self._text[at]
        quote = quote * 3 if self._text.startswith(quote * 3, at) else quote
        return f"the text that begins here has no closing {quote}", f"put {quote} at its end", at

    def _escape(self) -> _Said | None:
        if not _ESCAPE.match(self._message):
            return None
        back = self._before.rfind("\\")
        at = self._at if back < 0 else self._at - len(self._before) + back
        what = 'a \\ in "text" begins an escape such as \\n, and this is none'
        return what, "write \\\\, or put the text in 'single quotes'", at

    def _control(self) -> _Said | None:
        if not _CONTROL.match(self._message):
            return None
        return "a control character stands here", 'delete it, or write it as \\u0000 in "double quotes"', self._at

    def _word(self) -> _Said | None:
        """A value such as 500ms or 1,5: tomllib reads what it knows, and stumbles over the rest."""
        begun = _WORD_BEFORE.search(self._before)
        if begun is None or not self._message.startswith(("Expected newline", "Unclosed")):
            return None
        at = self._at - len(begun[0])
        comma = re.match(r",(\d+)\s*(?:#|$)", self._after)
        if comma and self._message.startswith("Expected newline"):
            return "a number has a decimal point, not a comma", f"write {begun[0]}.{comma[1]}", at
        word = begun[0] + _matched(_WORD, self._after)
        if word == begun[0]:
            return None
        if re.fullmatch(r"[+-]?0\d+", word):
            return "a number does not begin with 0", f'write {int(word)}, or "{_shown(word)}" if it is text', at
        if re.fullmatch(r"[+-]?\d+\.", word):
            return "a number does not end with a point", f"write {_shown(word)}0", at
        return f"{_shown(word)} is no value", f'text stands in quotes: "{_shown(word)}"', at

    def _inline(self) -> _Said | None:
        if not self._message.startswith(("Unclosed inline table", "Invalid initial")) or "{" not in self._before:
            return None
        if self._after.startswith("}"):
            return "a comma before } has nothing after it", "take the comma out", self._at
        if self._at == len(self._text) or (self._after and not self._after.startswith("#")):
            return None
        return "a table in { } ends on its own line", "close it with }, or write it under a [header]", self._at

    def _bracket(self) -> _Said | None:
        opened = [at for at in self._scan.opened if at < self._at]
        if not opened or not self._message.startswith(("Unclosed", "Invalid value", "Invalid initial", "Expected '='")):
            return None
        if self._at == len(self._text) or (not self._before.strip(" \t[") and _STATEMENT.match(self._line)):
            line = self._scan.lines.place(self._at)[0]
            at = next((at for at in reversed(opened) if self._scan.lines.place(at)[0] < line), opened[-1])
            shape, closing = ("list", "]") if self._text[at] == "[" else ("table", "}")
            return f"the {shape} that begins here is not closed", f"put {closing} after its last element", at
        if self._message.startswith("Unclosed"):
            closing = "]" if self._text[opened[-1]] == "[" else "}"
            return (
                "here should be a comma or the end",
                f"put , between two elements, and {closing} after the last",
                self._at,
            )
        return None

    def _value(self) -> _Said | None:
        if self._message.startswith("Invalid date"):
            return "this date or time does not exist", "write it like 2026-01-05T08:00:00Z", self._at
        if not self._message.startswith("Invalid value"):
            return None
        word = re.split(r"[#,\]}]", self._after)[0].strip()
        if not word:
            return "here should be a value", 'write "text" in quotes, a number, true or false', self._at
        if word.lower() in _SWITCHES:
            return f"{word} is no value", f"write {_SWITCHES[word.lower()]}", self._at
        if word.lower() in ("null", "none", "nil", "~"):
            return f"TOML has no {word}", "leave the key out", self._at
        if word[0] in _TYPESET_QUOTES:
            return f"{word[0]} is not a quote of TOML", 'put text in straight quotes: "', self._at
        if re.fullmatch(r"[+-]?\.\d+", word):
            return "a number does not begin with a point", f"write {_shown(word.replace('.', '0.'))}", self._at
        return f"{_shown(word)} is no value", f'text stands in quotes: "{_shown(word)}"', self._at

    def _rest(self) -> _Said | None:
        if not self._message.startswith("Expected newline"):
            return None
        if self._line.lstrip().startswith("["):
            return "a [header] stands on a line of its own", "put the rest on the next line", self._at
        if _STATEMENT.match(self._after):
            return "this line has two keys", "put the second on a line of its own", self._at
        if self._before.rstrip().endswith(('"', "'")):
            return (
                "the text ended at the quote before this",
                "put text that has quotes in it in the other kind",
                self._at,
            )
        if self._after.startswith(","):
            return "a comma stands only in [ ] and { }", "take it out, or write a list: [1, 2]", self._at
        return "something follows the value", "put text in quotes, and a comment behind #", self._at

    def _header(self) -> _Said | None:
        if not self._message.startswith("Expected ']"):
            return None
        closing = "]]" if self._message.startswith("Expected ']]") else "]"
        return (
            f"this header does not end with {closing}",
            "close it; a name with blanks in it stands in quotes",
            self._at,
        )

    def _equals(self) -> _Said | None:
        if not self._message.startswith("Expected '='"):
            return None
        if "=" in self._after:
            return "a key is one word", "join its words with _, or put it in quotes", self._at
        return "here should be = and a value", "write key = value", self._at

    def _key(self) -> _Said | None:
        if not self._message.startswith(("Invalid initial", "Invalid statement")):
            return None
        return "here should be a name", "use letters, digits, _ and -, or put it in quotes", self._at

    def _else(self) -> _Said:
        return f"this is not TOML ({_shown(self._message)})", "write key = value, [table] or # comment", self._at


def _matched(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.match(text)
    return found[0] if found else ""


def _shown(text: str) -> str:
    """Foreign text fit for a sentence: short, on one line."""
    cut = text if len(text) <= 40 else text[:39] + "…"
    return "".join(char if char.isprintable() else "·" for char in cut)

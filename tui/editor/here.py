"""Where a cursor stands in a flow's text: in which table, at a key or at a value, and what of the word is there."""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from tui.editor.paint import insides
from tui.editor.tables_in import TableAt, names_in, tables_in, use_in

_BARE = re.compile(r"[\w+.-]*$")
_PIECE = re.compile(
    r"(?P<comment>#[^\n]*)|(?P<text>\"(?:[^\"\\\n]|\\.)*\"?|'[^'\n]*'?)|(?P<word>[\w+:-]+)|(?P<sign>[\[\]{},=.\n])"
)
_OPEN_HEADER = re.compile(r"\s*\[\[?\s*([\w.\"' -]*)$")

Step = str | int


class Here(NamedTuple):
    """Of what the word under the cursor is a part."""

    kind: Literal["header", "key", "value"]
    path: tuple[Step, ...]
    """The table a key stands in; the key a value is of; the beginning of a header."""
    word: str
    """What of it is there, before the cursor."""
    begin: int
    """The column (from 0) at which it begins, behind a quotation mark."""
    quote: str = ""
    """The mark that it began with."""
    listed: bool = False
    """It is an element of a list."""
    known: frozenset[str] = frozenset()
    """Keys that the table has already."""
    use: str = ""
    """Which part the table is, as far as it says."""


def here(lines: Sequence[str], row: int, column: int) -> Here | None:
    """None within a comment, or within a text of several lines."""
    if insides(lines)[row]:
        return None
    before = lines[row][:column]
    if opened := _OPEN_HEADER.fullmatch(before):
        outer, _, word = opened[1].rpartition(".")
        path, word = names_in(outer), word.strip()
        if _heads(lines, row):
            return Here("header", path, word, column - len(word))
    word, quote, begin = _word(before)
    if begin < 0:
        return None
    table = _table_of(lines, row)
    text = "\n".join((*lines[table.line + bool(table.path) : row], lines[row][: begin - len(quote)]))
    return _standing(text, table, Here("key", (), word, begin, quote), lines[row])


def _heads(lines: Sequence[str], row: int) -> bool:
    """Whether a bracket that begins a line may open a header: not within a list."""
    table = _table_of(lines, row)
    text = "\n".join((*lines[table.line + bool(table.path) : row], ""))
    return not _stack(text, table)[-1].listed


def _table_of(lines: Sequence[str], row: int) -> TableAt:
    """The table a line is in."""
    return next(each for each in reversed(tables_in(lines)) if each.line <= row)


def _word(before: str) -> tuple[str, str, int]:
    """The word at the end of a line, its quotation mark, where it begins; -1 within a comment."""
    last = next(reversed(list(_PIECE.finditer(before))), None)
    if last is not None and last.lastgroup == "comment":
        return "", "", -1
    if last is not None and last.lastgroup == "text" and last.end() == len(before):
        quote, text = last[0][0], last[0][1:]
        if not (text.endswith(quote) and not text.endswith(f"\\{quote}")):
            return text, quote, last.start() + 1
    bare = _BARE.search(before)
    word = bare[0] if bare else ""
    return word, "", len(before) - len(word)


class _Frame:
    """A table, a list or a table in braces that is open, and how far it was read."""

    def __init__(self, path: tuple[Step, ...], kind: Literal["table", "list", "braces"]) -> None:
        self.path, self.kind = path, kind
        self.parts: list[str] = []
        self.valued = False
        self.number = 0
        self.known: set[str] = set()
        self.begin = 0

    @property
    def listed(self) -> bool:
        return self.kind == "list"

    @property
    def inner(self) -> tuple[Step, ...]:
        """The path of the value that is read."""
        return (*self.path, self.number) if self.kind == "list" else (*self.path, *self.parts)


def _stack(text: str, table: TableAt) -> list[_Frame]:
    """What is open behind a text that stands below a table's header."""
    stack = [_Frame(table.path, "table")]
    for piece in _PIECE.finditer(text):
        frame, said = stack[-1], piece[0]
        match piece.lastgroup:
            case "comment":
                continue
            case "text" | "word":
                if frame.kind != "list" and not frame.valued:
                    frame.parts.append(said.strip("\"'"))
                continue
            case _:
                pass
        _signed(stack, said, piece.end())
    return stack


def _signed(stack: list[_Frame], sign: str, end: int) -> None:
    frame = stack[-1]
    match sign:
        case "=" if frame.kind != "list":
            frame.valued = True
            frame.known.add(".".join(frame.parts))
        case "[" | "{" if frame.listed or frame.valued:
            stack.append(_Frame(frame.inner, "list" if sign == "[" else "braces"))
            stack[-1].begin = end
        case "]" | "}" if len(stack) > 1:
            stack.pop()
        case ",":
            frame.number += 1
            frame.parts, frame.valued = [], False
        case "\n" if not any(each.listed for each in stack):
            del stack[1:]  # a table in braces ends with its line
            stack[0].parts, stack[0].valued = [], False
        case _:
            pass


def _standing(text: str, table: TableAt, at: Here, line: str) -> Here:
    frame = _stack(text, table)[-1]
    own = frame.kind == "table"
    known = frozenset(table.keys if own else frame.known)
    use = table.use if own else use_in(line[max(0, line.rfind("{", 0, at.begin)) :].partition("}")[0])
    if frame.listed:
        return at._replace(kind="value", path=frame.path, listed=True, use=table.use)
    if frame.valued:
        return at._replace(kind="value", path=frame.inner, known=known, use=use)
    dotted = tuple(frame.parts)
    if "." in at.word:
        first, _, rest = at.word.rpartition(".")
        dotted = (*dotted, *names_in(first))
        at = at._replace(word=rest, begin=at.begin + len(at.word) - len(rest))
    return at._replace(path=(*frame.path, *dotted), known=known, use=use)

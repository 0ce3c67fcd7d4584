"""Which letters of a TOML line are what, a line at a time; texts in three quotes alone reach over several."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

STYLES = ("header", "key", "text", "number", "word", "comment")

_HEADER = re.compile(r"\s*(\[\[?[^\[\]]+\]\]?)\s*(#.*)?$")
_TOKEN = re.compile(
    r"(?P<comment>#.*)"
    r"|(?P<long>\"\"\"|''')"
    r"|(?P<key>(?:[A-Za-z0-9_-]+|\"(?:[^\"\\]|\\.)*\"|'[^']*')(?=\s*(?:=|\.\s*[\"'A-Za-z_])))"
    r"|(?P<text>\"(?:[^\"\\]|\\.)*\"?|'[^']*'?)"
    r"|(?P<word>(?:true|false|inf|nan)\b)"
    r"|(?P<number>[+-]?\d[\w:.+-]*)"
)
_LONG = ('"""', "'''")


class Span(NamedTuple):
    """Some letters of a line, and what they are."""

    begin: int
    end: int
    style: str


def painted(line: str, inside: str = "") -> Iterator[Span]:
    """What is what in a line; `inside` are the three quotes it begins in, "" for none."""
    at = 0
    if inside:
        at = _closed(line, inside, 0)
        yield Span(0, at, "text")
    elif header := _HEADER.match(line):
        yield Span(*header.span(1), "header")
        if header[2]:
            yield Span(*header.span(2), "comment")
        return
    while found := _TOKEN.search(line, at):
        style = found.lastgroup or "text"
        at = found.end()
        if style == "long":
            at = _closed(line, found[0], at)
            style = "text"
        yield Span(found.start(), at, style)


def insides(lines: Iterable[str]) -> Sequence[str]:
    """For each line the three quotes it begins in."""
    made, inside = list[str](), ""
    for line in lines:
        made.append(inside)
        if '"""' in line or "'''" in line:
            inside = _after(line, inside)
    return made


def _after(line: str, inside: str) -> str:
    at = 0
    while True:
        if inside:
            end = _end(line, inside, at)
            if end < 0:
                return inside
            at, inside = end, ""
        found = next((each for each in _TOKEN.finditer(line, at) if each.lastgroup == "long"), None)
        if found is None:
            return ""
        at, inside = found.end(), found[0]


def _closed(line: str, quotes: str, at: int) -> int:
    end = _end(line, quotes, at)
    return len(line) if end < 0 else end


def _end(line: str, quotes: str, at: int) -> int:
    """Behind the quotes that end a text; -1 where it goes on in the next line."""
    while True:
        found = line.find(quotes, at)
        if found < 0:
            return -1
        slashes = len(line[:found]) - len(line[:found].rstrip("\\"))
        if quotes == _LONG[1] or slashes % 2 == 0:
            return found + 3
        at = found + 1

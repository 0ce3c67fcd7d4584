"""What our own checker says of a text, each problem with its place and the letters it is about. Nothing is run here."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pipeline.checking import checked
from pipeline.errors import PlanError, Problem
from pipeline.plan import Plan
from pipeline.plugins import names_files
from pipeline.tables import Tables
from pipeline.toml_scan import KeyPath
from pipeline.toml_text import Source, parse

Level = Literal["wrong", "warn"]

_ABOUT = re.compile(r"\[+[^\]\n]*\]+|\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s,\[\]{}#=]+")
_TOLD = re.compile(r"(?P<file>.*?):(?P<line>\d+):(?P<column>\d+): (?P<text>.*)", re.DOTALL)
PLUGINS = ("moonlight", "plugins")
UNREAD = "the console runs no plug-in: what depends on it the engine says, or `validate`"


class Mark(NamedTuple):
    """Something to say of a place. Lines and columns count from 1; `line` 0 is the flow as a whole."""

    line: int
    column: int
    end: int
    """The column behind the letters it is about."""
    level: Level
    text: str
    path: str = ""
    """The key it is about, from the top."""
    by: str = ""
    """Who says so, when it is not our own checker."""


class Examined(NamedTuple):
    """A text, and all that is to be said of it."""

    text: str
    marks: tuple[Mark, ...] = ()
    data: Mapping[str, Any] | None = None
    """What it says; None when it is no TOML."""
    plan: Plan | None = None
    """The flow it is; None while something is wrong, or while a plug-in would have to be asked."""

    @property
    def wrong(self) -> tuple[Mark, ...]:
        return tuple(mark for mark in self.marks if mark.level == "wrong")


def examined(text: str, file: str, base: Path) -> Examined:
    """Look a text through as `validate` does, but for what only running a plug-in, or the whole flow, can tell."""
    lines = text.splitlines()
    try:
        source = parse(text, file)
    except PlanError as wrong:
        return Examined(text, _marks(wrong.problems, lines, "wrong", {}))
    places = _places(source)
    unread = _unread(source, lines)
    try:
        plan = checked(source, base, plugins=False)
    except PlanError as wrong:
        return Examined(text, (*_marks(wrong.problems, lines, "wrong", places), *unread), source.data)
    except Exception as failure:  # noqa: BLE001  # a mistake of a part's check must not take the console with it
        mark = Mark(0, 0, 0, "wrong", f"the check failed ({type(failure).__name__}: {failure}); run `validate`")
        return Examined(text, (mark, *unread), source.data)
    return Examined(text, _marks(plan.warnings, lines, "warn", places), source.data, plan)


def told_by_engine(sentences: Iterable[str], text: str, file: str) -> tuple[Mark, ...]:
    """What an engine says of a text, by the places in its sentences."""
    lines = text.splitlines()
    made = list[Mark]()
    for sentence in sentences:
        found = _TOLD.fullmatch(sentence)
        if found is None or Path(found["file"]).name != Path(file).name:
            made.append(Mark(0, 0, 0, "wrong", sentence, by="engine"))
            continue
        line, column = int(found["line"]), int(found["column"])
        made.append(Mark(line, column, _end(lines, line, column), "wrong", found["text"], by="engine"))
    return tuple(made)


def merged(ours: Sequence[Mark], theirs: Iterable[Mark]) -> tuple[Mark, ...]:
    """All that is to be said, in the order of the file, nothing twice."""
    said = {(mark.line, mark.column, mark.text) for mark in ours}
    more = [mark for mark in theirs if (mark.line, mark.column, mark.text) not in said]
    return tuple(sorted((*ours, *more), key=lambda mark: (mark.line, mark.column)))


def _unread(source: Source, lines: Sequence[str]) -> tuple[Mark, ...]:
    if not names_files(Tables(source)):
        return ()
    line, column = source.place(PLUGINS)
    return (Mark(line, column, _end(lines, line, column), "warn", UNREAD, ".".join(PLUGINS)),)


def _marks(
    problems: Iterable[Problem], lines: Sequence[str], level: Level, places: Mapping[tuple[int, int], str]
) -> tuple[Mark, ...]:
    return tuple(
        Mark(
            each.line,
            each.column,
            _end(lines, each.line, each.column),
            level,
            f"{each.where} {each.what}; {each.fix}" if each.where else f"{each.what}; {each.fix}",
            places.get((each.line, each.column), ""),
        )
        for each in problems
    )


def _end(lines: Sequence[str], line: int, column: int) -> int:
    """Behind the letters that a problem at a place is about."""
    if not 0 < line <= len(lines):
        return column + 1
    found = _ABOUT.match(lines[line - 1], column - 1)
    return max(column + 1, found.end() + 1 if found else 0)


def _places(source: Source) -> Mapping[tuple[int, int], str]:
    """The key that stands at each place: the innermost one, where several do."""
    return dict(_each_place(source))


def _each_place(source: Source) -> Iterator[tuple[tuple[int, int], str]]:
    for path in source.at.paths():
        said = _said(path)
        yield source.place(path), said
        yield source.value_place(path), said


def _said(path: KeyPath) -> str:
    return ".".join(str(step + 1) if isinstance(step, int) else step for step in path)

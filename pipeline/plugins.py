"""Parts from elsewhere: Python files beside a flow file, and modules of installed distributions.

A file that `[moonlight] plugins` names is read when the flow is loaded. What it declares can be used by that flow like
any other part, until a flow is loaded that does not name it. A distribution names modules as entry points of the group
`moonlight.parts`; they are imported once, behind our own parts, when somebody asks for a part.

Either brings all its parts or none: what another part is called already, or what raises, is refused as a whole.
"""

import importlib
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from pipeline.errors import PlanError
from pipeline.parts import Part, PartRefused, declaring, withdraw
from pipeline.tables import Place, Tables, nearest, shown
from pipeline.toml_text import read

GROUP = "moonlight.parts"
MOONLIGHT, PLUGINS = "moonlight", "plugins"
NOT_THEIRS = (str(Path(__file__).parent), str(Path(importlib.__file__).parent), "<frozen")
"""Files in which nobody looks for a mistake of a module of theirs."""
MEND = f"mend it, or take it out of {PLUGINS}"


@dataclass(frozen=True, slots=True)
class _File:
    """A file that a flow names, with what it says now."""

    name: str
    path: Path
    text: bytes
    place: Place = field(compare=False)


_loaded: dict[_File, tuple[Part, ...]] = {}
"""The files whose parts can be used, in their order."""


def load_files(tables: Tables, base: Path) -> None:
    """Have the parts of the files that a flow names, and of no others; of what is wrong the user is told."""
    before = len(tables.problems)
    files = list(_named(tables, base))
    if files != list(_loaded):
        for parts in _loaded.values():
            withdraw(parts)
        _loaded.clear()
        for file in files:
            parts = _declared_by(file, tables)
            if parts:
                _loaded[file] = parts
    given = tables.table((MOONLIGHT,)).get(PLUGINS, [])
    listed = isinstance(given, list) and all(isinstance(each, str) for each in cast("list[Any]", given))
    tables.lacks_parts = len(tables.problems) > before or not listed


def names_files(tables: Tables) -> bool:
    """Whether a flow may have parts from files of its own."""
    return bool(tables.table((MOONLIGHT,)).get(PLUGINS))


def load_files_of(flow: Path) -> None:
    """Have the parts of the files that a flow file names, whatever else it says."""
    tables = Tables(read(flow))
    load_files(tables, flow.resolve().parent)
    if tables.problems:
        raise PlanError(tables.source.file, tuple(tables.problems))


def _named(tables: Tables, base: Path) -> Iterator[_File]:
    """The files that can be read; what is no list of names, the settings' own check tells."""
    given = tables.table((MOONLIGHT,)).get(PLUGINS, [])
    names = cast("list[Any]", given) if isinstance(given, list) else []
    for number, name in enumerate(names):
        if not isinstance(name, str) or not name:
            continue
        place, path = (MOONLIGHT, PLUGINS, number), base / name
        where = f"[{MOONLIGHT}] {PLUGINS}:"
        if name in names[:number]:
            tables.problem(place, f"{where} {name} stands there twice", "remove one", value=True)
        elif path.suffix != ".py":
            tables.problem(place, f"{where} {name!r} is no Python file", "name a file that ends in .py", value=True)
        else:
            try:
                text = path.read_bytes() if path.is_file() else None
            except OSError as wrong:
                tables.problem(place, f"{where} {shown(name)} cannot be read ({wrong.strerror})", MEND, value=True)
                continue
            if text is not None:
                yield _File(name, path, text, place)
            else:
                fix = nearest(name, (each.name for each in base.glob("*.py")))
                tables.problem(place, f"{where} there is no file {shown(name)} beside the flow", fix, value=True)


def _declared_by(file: _File, tables: Tables) -> tuple[Part, ...]:
    """The parts that a file declares; a problem and none when it cannot be imported."""
    module = ModuleType(f"plugin {file.name}")
    module.__file__ = str(file.path)
    sys.modules[module.__name__] = module  # where the types that its annotations name are looked up
    where = f"[{MOONLIGHT}] {PLUGINS}: {file.name}"
    try:
        with declaring(file.name, blake2b(file.text, digest_size=8).hexdigest()) as parts:
            # Not through the import system: that would take a compiled file of the same second for this one.
            code = compile(file.text, file.path, "exec", dont_inherit=True)
            exec(code, vars(module))  # noqa: S102  # this is what the user asked for
    except (Exception, SystemExit) as failure:  # noqa: BLE001  # a file of the user's may raise anything
        line = _line_in(failure, str(file.path))
        tables.problem(file.place, f"{where}{f', line {line}' if line else ''}: {_said(failure)}", MEND, value=True)
        return ()
    if not parts:
        fix = "write @provider, or another kind of `pipeline.parts`, above a class"
        tables.problem(file.place, f"{where} declares no part", fix, value=True)
    return tuple(parts)


def _line_in(failure: BaseException, file: str) -> int | None:
    """The line of a file at which something failed."""
    if isinstance(failure, SyntaxError) and failure.filename == file:
        return failure.lineno
    frames = traceback.extract_tb(failure.__traceback__)
    return next((frame.lineno for frame in reversed(frames) if frame.filename == file), None)


def _said(failure: BaseException) -> str:
    """What a failure says, in one line; our own refusals are sentences already."""
    said = " ".join((failure.msg if isinstance(failure, SyntaxError) else str(failure)).split())
    kind = "" if isinstance(failure, PartRefused) else type(failure).__name__
    return ": ".join(filter(None, (kind, said)))


# --- installed distributions -----------------------------------------------------------------------------------------


@cache
def load_installed() -> Sequence[str]:
    """Import the modules that installed distributions name, once; of each that cannot be, one sentence."""
    points = sorted(entry_points(group=GROUP), key=lambda point: (_distribution(point), point.name))
    return tuple(sentence for point in points if (sentence := _switched_off(point)))


def _switched_off(point: EntryPoint) -> str:
    distribution = _distribution(point)
    try:
        with declaring(distribution):
            point.load()
    except (Exception, SystemExit) as failure:  # noqa: BLE001  # a module of somebody's may raise anything
        return f"the parts of {distribution} are switched off: {_place_of(failure)}{_said(failure)}; mend or remove it"
    return ""


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


def _place_of(failure: BaseException) -> str:
    """Where somebody's module failed: the last line that is neither ours nor Python's own."""
    if isinstance(failure, SyntaxError) and failure.filename:
        return f"{Path(failure.filename).name}, line {failure.lineno}: "
    frames = traceback.extract_tb(failure.__traceback__)
    last = next((each for each in reversed(frames) if not each.filename.startswith(NOT_THEIRS)), None)
    return f"{Path(last.filename).name}, line {last.lineno}: " if last else ""

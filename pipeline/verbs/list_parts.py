"""List the parts a flow can be made of, with their keys, types and defaults.

examples:
  python -m pipeline list
  python -m pipeline list providers
  python -m pipeline list rsi
  python -m pipeline list 5
  python -m pipeline list providers --flow flows.toml
  python -m pipeline list --json

Strategies stand with the numbers of their presets: `use = 5` is one of them, and `list 5` says which.
"""

import argparse
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import groupby
from pathlib import Path
from typing import Any, cast

from pipeline.errors import InputError
from pipeline.parts import COLUMN, TABLES, Field, Kind, Part, numbered, registered
from pipeline.plugins import load_files_of
from pipeline.tables import nearest_number
from pipeline.verbs.common import json_option, say_json

SPANS, FAMILIES = 14, 10
"""How wide the columns of numbers and families are."""


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        nargs="?",
        metavar="KIND|PART|NUMBER",
        help="only this kind (sources, features …) or this part, in full",
    )
    parser.add_argument("--flow", type=Path, metavar="FLOW", help="also what the plugins of this flow file bring")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    if options.flow is not None:
        load_files_of(options.flow)
    parts = list(_chosen(options.what, of_flow=options.flow is not None))
    if options.json:
        say_json([_as_json(part) for part in parts])
        return 0
    whole = options.what not in {None, "provider", "providers"}
    for kind, table in TABLES.items():
        of_kind = [part for part in parts if part.kind == kind]
        if of_kind:
            print(f"[{table}]" if kind != "stake" else "stake, inside [risk.*]")
            width = max(len(part.name) for part in of_kind)
            for part in of_kind:
                print("\n".join(_text(part, whole, width)))
            print()
    return 0


def _chosen(what: str | None, *, of_flow: bool) -> Iterator[Part]:
    kinds: dict[str, Kind] = {name: kind for kind, table in TABLES.items() for name in (kind, table)}
    if what is not None and what.isdecimal():
        yield _of_number(int(what))
        return
    names = {name for kind in TABLES for name in registered(kind)}
    if what is not None and what not in kinds and what not in names:
        near = get_close_matches(what.lower(), sorted(names | set(kinds)), 1, 0.6)
        fix = f"did you mean {near[0]!r}?" if near else "`list` shows all there are"
        own = "" if of_flow else " (with --flow FLOW also what its files bring)"
        raise InputError(f"there is no kind and no part {what!r}; {fix}{own}")
    for kind in TABLES:
        for name, part in sorted(registered(kind).items()):
            if what is None or kinds.get(what) == kind or name == what:
                yield part


def _of_number(number: int) -> Part:
    if number not in numbered():
        raise InputError(f"there is no provider {number}; {nearest_number(number)}")
    return numbered()[number]


def _text(part: Part, whole: bool, width: int) -> Iterator[str]:
    summary, _, rest = part.help.partition("\n\n")
    columns = [f"{part.name:<{width}}"]
    if part.kind == "provider":
        columns += [f"{_spans(part.catalogue):<{SPANS}}", f"{part.family:<{FAMILIES}}"]
    elif group := _group(part):
        columns.append(f"{group:<9}")
    origin = f" (from {part.origin})" if part.origin else ""
    yield f"  {'  '.join([*columns, ' '.join(summary.split())])}{origin}"
    if whole:
        for line in rest.splitlines():
            yield f"  {'':<{width}}  {line}"
        yield f"  {'':<{width}}  {_flow(part)}"
        for entry in part.fields:
            about = f"  — {entry.help}" if entry.help and entry.help != COLUMN else ""
            yield f"      {entry.name:<22} {entry.type_text}{_default(entry)}{about}"
        for number, preset in sorted(part.catalogue.items()):
            keys = ", ".join(f"{key} = {_toml(value)}" for key, value in preset.items())
            yield f"      use = {number:<16} {keys or 'its keys as they stand above'}"


def _spans(numbers: Iterable[int]) -> str:
    """`5-7 9`: numbers in their order, those next to each other together."""
    runs = [[each for _, each in run] for _, run in groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0])]
    return " ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _group(part: Part) -> str:
    """basic, advanced or states; of a feature that does not say, and of other kinds, nothing."""
    return getattr(part.cls, "group", "") if part.kind == "feature" else ""


def _flow(part: Part) -> str:
    takes = " , ".join(" | ".join(kind.__name__ for kind in kinds) for kinds in part.takes.values())
    gives = " | ".join(kind.__name__ for kind in part.gives)
    implied = {
        "feature": _columns_of(part),
        "provider": f"takes Columns{_rows_before(part)}, gives Votes",
        "stake": "gives an amount",
    }
    return implied.get(part.kind) or f"takes {takes or 'nothing'}, gives {gives or 'nothing'}"


def _rows_before(part: Part) -> str:
    """How far a strategy looks back, with its keys as they stand."""
    if part.kind != "provider" or any(key.required for key in part.fields):
        return ""
    back = part.cls().lookback
    return f" and {back} row{'s' * (back > 1)} before" if back else ""


def _columns_of(part: Part) -> str:
    outputs = ", ".join(getattr(part.cls, "outputs", ()))
    return f"takes Bars, gives the columns {outputs}" if outputs else "takes Bars, gives a column"


def _default(entry: Field) -> str:
    return " (required)" if entry.required else f" = {_toml(entry.default)}"


def _toml(value: Any) -> str:
    match value:
        case None:
            return "left out"
        case bool():
            return str(value).lower()
        case tuple() | list():
            return f"[{', '.join(_toml(each) for each in cast('tuple[Any, ...]', value))}]"
        case int() | float():
            return str(value)
        case str():
            return f'"{value}"'
        case _ if hasattr(value, "__dataclass_fields__"):
            return (
                "{ "
                + ", ".join(f"{name} = {_toml(getattr(value, name))}" for name in value.__dataclass_fields__)
                + " }"
            )
        case _:
            return f'"{value}"'


def _numbers(part: Part) -> dict[str, Any]:
    presets = {str(number): dict(preset) for number, preset in sorted(part.catalogue.items())}
    return {"ids": sorted(part.catalogue), "family": part.family, "presets": presets}


def _as_json(part: Part) -> dict[str, Any]:
    return {
        "kind": part.kind,
        "use": part.name,
        "help": part.help,
        "origin": part.origin or None,
        **({"group": _group(part), "outputs": list(part.cls.outputs)} if part.kind == "feature" else {}),
        **(_numbers(part) if part.kind == "provider" else {}),
        "takes": {name: [kind.__name__ for kind in kinds] for name, kinds in part.takes.items()},
        "gives": [kind.__name__ for kind in part.gives],
        "keys": [
            {
                "name": e.name,
                "type": e.type_text,
                "required": e.required,
                "default": None if e.required else _toml(e.default),
                "help": e.help,
            }
            for e in part.fields
        ],
    }

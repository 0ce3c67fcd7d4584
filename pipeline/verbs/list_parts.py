"""List the parts a flow can be made of, with their keys, types and defaults.

examples:
  python -m pipeline list
  python -m pipeline list providers
  python -m pipeline list rsi
  python -m pipeline list --json
"""

import argparse
from collections.abc import Iterator
from typing import Any, cast

from pipeline.errors import InputError
from pipeline.parts import TABLES, Field, Kind, Part, registered
from pipeline.tables import nearest
from pipeline.verbs.common import json_option, say_json


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", nargs="?", metavar="KIND|PART", help="only this kind (sources, features …) or this part, in full"
    )
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    parts = list(_chosen(options.what))
    if options.json:
        say_json([_as_json(part) for part in parts])
        return 0
    whole = options.what is not None
    for kind, table in TABLES.items():
        of_kind = [part for part in parts if part.kind == kind]
        if of_kind:
            print(f"[{table}]" if kind != "stake" else "stake, inside [risk.*]")
            for part in of_kind:
                print("\n".join(_text(part, whole)))
            print()
    return 0


def _chosen(what: str | None) -> Iterator[Part]:
    kinds: dict[str, Kind] = {name: kind for kind, table in TABLES.items() for name in (kind, table)}
    names = {name for kind in TABLES for name in registered(kind)}
    if what is not None and what not in kinds and what not in names:
        raise InputError(f"there is no kind and no part {what!r}; {nearest(what, names | set(kinds))}")
    for kind in TABLES:
        for name, part in sorted(registered(kind).items()):
            if what is None or kinds.get(what) == kind or name == what:
                yield part


def _text(part: Part, whole: bool) -> Iterator[str]:
    summary, _, rest = part.help.partition("\n\n")
    group = _group(part)
    column = f"{group:<9} " if group else ""
    yield f"  {part.name:<14} {column}{' '.join(summary.split())}"
    if whole:
        for line in rest.splitlines():
            yield f"  {'':<14} {line}"
        yield f"  {'':<14} {_flow(part)}"
        for entry in part.fields:
            about = f"  — {entry.help}" if entry.help else ""
            yield f"      {entry.name:<22} {entry.type_text}{_default(entry)}{about}"


def _group(part: Part) -> str:
    """basic, advanced or states; of a feature that does not say, and of other kinds, nothing."""
    return getattr(part.cls, "group", "") if part.kind == "feature" else ""


def _flow(part: Part) -> str:
    takes = " , ".join(" | ".join(kind.__name__ for kind in kinds) for kinds in part.takes.values())
    gives = " | ".join(kind.__name__ for kind in part.gives)
    implied = {
        "feature": _columns_of(part),
        "provider": "takes Columns, gives Votes",
        "stake": "gives an amount",
    }
    return implied.get(part.kind) or f"takes {takes or 'nothing'}, gives {gives or 'nothing'}"


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


def _as_json(part: Part) -> dict[str, Any]:
    return {
        "kind": part.kind,
        "use": part.name,
        "help": part.help,
        **({"group": _group(part), "outputs": list(part.cls.outputs)} if part.kind == "feature" else {}),
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

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
from collections.abc import Iterator
from pathlib import Path

from pipeline.catalogue import as_json, chosen, group, looks_back, spans, toml
from pipeline.parts import COLUMN, TABLES, Field, Part
from pipeline.plugins import load_files_of
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
    own = "" if options.flow is not None else " (with --flow FLOW also what its files bring)"
    parts = list(chosen(options.what, own))
    if options.json:
        say_json([as_json(part) for part in parts])
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


def _text(part: Part, whole: bool, width: int) -> Iterator[str]:
    summary, _, rest = part.help.partition("\n\n")
    columns = [f"{part.name:<{width}}"]
    if part.kind == "provider":
        columns += [f"{spans(part.catalogue):<{SPANS}}", f"{part.family:<{FAMILIES}}"]
    elif told := group(part):
        columns.append(f"{told:<9}")
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
            keys = ", ".join(f"{key} = {toml(value)}" for key, value in preset.items())
            yield f"      use = {number:<16} {keys or 'its keys as they stand above'}"


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
    back = looks_back(part) if part.kind == "provider" else 0
    return f" and {back} row{'s' * (back > 1)} before" if back else ""


def _columns_of(part: Part) -> str:
    outputs = ", ".join(getattr(part.cls, "outputs", ()))
    return f"takes Bars, gives the columns {outputs}" if outputs else "takes Bars, gives a column"


def _default(entry: Field) -> str:
    return " (required)" if entry.required else f" = {toml(entry.default)}"

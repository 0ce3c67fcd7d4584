"""The tables of docs/providers.md, from the registered strategies: `python -m tests.provider_page` prints them."""

import sys
from collections.abc import Iterator, Mapping
from typing import get_args

import operators
from pipeline.parts import Family, Field, Part, is_column, numbered, registered

REGISTERED = (operators,)
OF_FAMILY = ("| strategy | numbers | columns it reads | keys | rows before | rule |", "|---|---|---|---|---|---|")
OF_NUMBERS = ("| number | strategy | its keys |", "|---|---|---|")


def tables() -> str:
    found = {part.family for part in registered("provider").values()}
    families = [family for family in (*get_args(Family), "") if family in found]
    parts = [f"### {family.capitalize() or 'Others'}\n\n" + "\n".join(_of_family(family)) for family in families]
    return "\n\n".join([*parts, "### By number\n\n" + "\n".join(_of_numbers())])


def _of_family(family: str) -> Iterator[str]:
    yield from OF_FAMILY
    for _, part in sorted(registered("provider").items()):
        if part.family == family:
            yield f"| {' | '.join(_cells(part))} |"


def _cells(part: Part) -> Iterator[str]:
    yield f"`{part.name}`"
    yield ", ".join(map(str, sorted(part.catalogue)))
    yield ", ".join(_key(key) for key in part.fields if is_column(key.type))
    yield ", ".join(_key(key) for key in part.fields if not is_column(key.type))
    yield _rows_before(part)
    yield " ".join(part.help.partition("\n\n")[0].split())


def _key(key: Field) -> str:
    if key.required:
        return f"`{key.name}`"
    return f"`{key.name}` {_shown(key.default)}"


def _shown(value: object) -> str:
    """A value as one would write it in a file, without the quotes around."""
    match value:
        case None:
            return "–"
        case bool():
            return str(value).lower()
        case str():
            return f"`{value}`"
        case _:
            return str(value)


def _rows_before(part: Part) -> str:
    """How far it looks back; of one whose keys decide it, how far as they stand."""
    return str(part.cls(**{key.name: "close" for key in part.fields if key.required}).lookback)


def _of_numbers() -> Iterator[str]:
    yield from OF_NUMBERS
    for number, part in sorted(numbered().items()):
        yield f"| {number} | `{part.name}` | {_keys(part.catalogue[number])} |"


def _keys(preset: Mapping[str, object]) -> str:
    return ", ".join(f"`{key}` {_shown(value)}" for key, value in preset.items()) or "as they stand"


if __name__ == "__main__":
    sys.stdout.write(tables() + "\n")

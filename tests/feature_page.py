"""The tables of docs/features.md, from the registered features: `python -m tests.feature_page` prints them."""

import sys
from collections.abc import Iterator

from pipeline.parts import Field, Longer, Part, Reaching, registered
from pipeline.times import DAY
from tests.feature_cases import part

GROUPS = ("basic", "advanced", "states")
HEAD = ("| feature | keys | columns | warm-up | what it is |", "|---|---|---|---|---|")


def table(group: str) -> Iterator[str]:
    """One row for each feature of a group."""
    yield from HEAD
    for name, declared in sorted(registered("feature").items()):
        if declared.cls.group == group:
            yield f"| {' | '.join(_cells(name, declared))} |"


def tables() -> str:
    return "\n\n".join(f"### {group.capitalize()}\n\n" + "\n".join(table(group)) for group in GROUPS)


def _cells(name: str, declared: Part) -> Iterator[str]:
    yield f"`{name}`"
    yield ", ".join(_key(key) for key in declared.fields)
    yield ", ".join(f"`{output}`" for output in declared.cls.outputs)
    yield _warmup(name, declared)
    yield " ".join(declared.help.split())


def _key(key: Field) -> str:
    if key.required:
        return f"`{key.name}`"
    return f"`{key.name}` {'–' if key.default is None else key.default}"


def _warmup(name: str, declared: Part) -> str:
    made = part(name)
    if isinstance(made, Longer):
        return "see below"
    if isinstance(made, Reaching):
        days = made.reach() // DAY
        return "a day" if days == 1 else f"{days} days"
    memory = declared.cls.memory
    return str(made.warmup()) if memory == "window" else f"{made.warmup()}, {memory}"


if __name__ == "__main__":
    sys.stdout.write(tables() + "\n")

"""The JSON Schema (draft 2020-12) of flow files, from the registered parts, for editors that complete and check.

It knows shapes: keys, types, bounds, which part a table is. Whether names and streams fit together `validate` says.
What this refuses, `validate` refuses too, but for amounts: here they are plain numbers in quotes.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast, get_args

import msgspec

from pipeline.calendar_tables import CALENDARS, CalendarTable
from pipeline.parts import TABLES, Field, Kind, Nested, Part, numbered, registered, type_text
from pipeline.tipping import hears

JsonSchema = dict[str, Any]

REF = "#/$defs/{name}"
AMOUNT = r"^[+-]?\d+(\.\d+)?$"

ABOUT: Mapping[Kind, str] = {
    "source": "Where data comes from.",
    "operator": "What is made of a stream on its way.",
    "feature": "Columns computed from bars; strategies name them.",
    "provider": "Strategies: what each says of every bar.",
    "ensemble": "What several strategies together say.",
    "risk": "The gates between signals and money.",
    "stake": "How much to put on a ticket.",
    "venue": "Places that take orders and settle them.",
    "sink": "Where things go.",
    "alert": "Ways for alerts to leave the machine.",
}

INPUT: JsonSchema = {
    "description": "the node this takes its input from, or a list of them",
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
}
ON_FAULT: JsonSchema = {
    "description": "what follows when this node raises: it starts afresh, or the flow ends",
    "enum": ["restart", "stop"],
}


def flow_schema(
    settings: type, account: type, test: type, api: type, logs: type, alerting: type, telemetry: type
) -> JsonSchema:
    """What a flow file may hold, by the classes behind [moonlight], [accounts.*], [[test]] and the other tables."""
    shapes, shared = _shapes(settings, account, test, CalendarTable, api, logs, alerting, telemetry)
    of_moonlight, of_account, of_test, of_calendar, of_api, of_logs, of_alerting, of_telemetry = shapes[:8]
    keys = iter(shapes[8:])
    parts = {_name(part): _part(part, keys) for part in _parts()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Moonlight flow",
        "type": "object",
        "properties": {
            "moonlight": of_moonlight,
            "accounts": {"description": "Whose money.", "type": "object", "additionalProperties": of_account},
            CALENDARS: {"description": "When markets are open.", "type": "object", "additionalProperties": of_calendar},
            **{TABLES[kind]: _table(kind) for kind in TABLES if kind != "stake"},
            "api": of_api,
            "logs": of_logs,
            "alerting": of_alerting,
            "telemetry": of_telemetry,
            "test": {"description": "Claims about this flow.", "type": "array", "items": of_test},
        },
        "additionalProperties": False,
        "$defs": {**shared, **parts, **{TABLES[kind]: _any_part(kind) for kind in TABLES}},
    }


def _parts() -> Iterator[Part]:
    for kind in TABLES:
        for _, part in sorted(registered(kind).items()):
            yield part


def _name(part: Part) -> str:
    return f"{TABLES[part.kind]}.{part.name}"


def _shapes(*classes: type) -> tuple[list[JsonSchema], JsonSchema]:
    """The schemas of the classes, then of each key of each part in their order; and what they refer to.

    msgspec makes them all in one go, so that two classes of one name do not take each other's place.
    """
    hints = [*classes, *(key.type for part in _parts() for key in part.fields)]
    shapes, shared = msgspec.json.schema_components(hints, schema_hook=_anything, ref_template=REF)
    return [_of_toml(shape) for shape in shapes], {name: _of_toml(shape) for name, shape in shared.items()}


def _anything(cls: type) -> JsonSchema:
    """What msgspec knows no schema for may be anything here; `validate` knows more."""
    return {"description": type_text(cls)}


def _of_toml(shape: JsonSchema) -> JsonSchema:
    """A schema of msgspec as it holds for TOML: there is no null, amounts are texts, and a key unknown is wrong."""
    made = dict(shape)
    if "default" in made:
        made |= _default(made.pop("default"))
    if made.get("format") == "decimal":
        del made["format"]
        made["pattern"] = AMOUNT
    if "properties" in made:
        made["properties"] = {key: _of_toml(inner) for key, inner in made["properties"].items()}
        made["additionalProperties"] = False
        made["required"] = list(made.get("required", []))
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made[key] = _of_toml(made[key])
    if "anyOf" in made:
        choices = [_of_toml(choice) for choice in made.pop("anyOf") if choice != {"type": "null"}]
        made |= choices[0] if len(choices) == 1 else {"anyOf": choices}
    return made


def _part(part: Part, shapes: Iterator[JsonSchema]) -> JsonSchema:
    """The table of a part; `use` is asked for where it is referred to, since a table of the part's name needs none."""
    keys = {key.name: _key(key, next(shapes)) for key in part.fields}
    preset = set[str]().union(*part.catalogue.values())
    required = [key.name for key in part.fields if key.required and key.name not in preset]
    takes_named = bool(part.takes) and part.kind in ("operator", "ensemble", "risk", "sink")
    takes_named |= part.kind == "provider" and hears(part.cls)
    return {
        "title": f"{part.kind} {part.name}",
        "description": part.help,
        "type": "object",
        "properties": {
            "use": {"description": f"which {part.kind} this is", **_is(part.name, *sorted(part.catalogue))},
            **({"from": INPUT} if takes_named or (part.takes and part.kind == "venue") else {}),
            **({} if part.kind in ("feature", "stake", "alert") else {"on_fault": ON_FAULT}),
            **keys,
        },
        "required": ["from", *required] if takes_named else required,
        "additionalProperties": False,
    }


def _key(key: Field, shape: JsonSchema) -> JsonSchema:
    nested = next((mark for mark in get_args(key.type) if isinstance(mark, Nested)), None)
    if nested is not None:
        return {"description": ABOUT[nested.kind], "allOf": [{"$ref": REF.format(name=TABLES[nested.kind])}]}
    told = {"description": key.help or key.type_text} if "description" not in shape else {}
    return {**told, **shape, **_default(msgspec.to_builtins(key.default))}


def _default(value: Any) -> JsonSchema:
    return {} if value is None else {"default": _as_in_file(value)}


def _as_in_file(value: Any) -> Any:
    """Plain values as a file would have them: lists for tuples, no key for nothing."""
    if isinstance(value, dict):
        held = cast("dict[str, Any]", value)
        return {key: _as_in_file(inner) for key, inner in held.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_as_in_file(inner) for inner in cast("list[Any]", value)]
    return value


def _table(kind: Kind) -> JsonSchema:
    """Tables of one kind under names of the user's choice; one that has a part's name may leave `use` out."""
    named = {
        name: {"anyOf": [_ref(_name(part)), _ref(TABLES[kind])]} for name, part in sorted(registered(kind).items())
    }
    return {
        "description": ABOUT[kind],
        "type": "object",
        "properties": named,
        "additionalProperties": _ref(TABLES[kind]),
    }


def _any_part(kind: Kind) -> JsonSchema:
    """Any part of a kind, told by its `use`."""
    names = sorted(registered(kind))
    numbers = sorted(numbered()) if kind == "provider" else []
    if not names:
        return {"description": f"there is no {kind} to use", "not": {}}
    return {
        "type": "object",
        "properties": {"use": {"description": f"which {kind} this is", "enum": [*names, *numbers]}},
        "required": ["use"],
        "anyOf": [_ref(f"{TABLES[kind]}.{name}") for name in names],
    }


def _is(name: str, *numbers: int) -> JsonSchema:
    return {"enum": [name, *numbers]} if numbers else {"const": name}


def _ref(name: str) -> JsonSchema:
    return {"$ref": REF.format(name=name)}

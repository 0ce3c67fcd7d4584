"""The schema that editors check flow files with."""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Literal, cast

import msgspec
import pytest
from msgspec import Meta

import operators
import sinks
from pipeline.alerting.settings import Alerting
from pipeline.control.settings import Api
from pipeline.logs.settings import Logs
from pipeline.parts import TABLES, breaks_memory, registered
from pipeline.schema import JsonSchema, flow_schema
from pipeline.telemetry.settings import Telemetry

FLOW = """
[moonlight]
mode = "paper"
zone = "UTC"

[accounts.demo-1]
venue = "practice"
limits = { low = "1.00" }

[venues.practice]
payout = "market"

[operators.bars]
use = "window"
from = "market"
timeframes = ["1m", "5m"]

[features]
rsi = {}
fast = { use = "ema", period = 9 }

[providers.fade]
use = "rsi_reversal"
oversold = 25.0
on_fault = "stop"

[ensembles.main]
use = "weighted"
from = ["fade"]

[risk.main]
use = "guard"
from = "main"
accounts = ["demo-1"]
stake = { use = "fixed", amount = "1.00" }
max_daily_loss = "25.00"
threshold = { "1m" = 0.2 }

[sinks.orders]
use = "executor"
from = ["main"]

[[test]]
name = "a claim"
inputs = { bars = "a-b" }
"""


@dataclass(frozen=True, kw_only=True)
class Limits:
    low: Decimal | None = None


class Settings(msgspec.Struct):
    """What holds for the whole."""

    mode: Literal["paper", "live"] = "paper"
    zone: str | None = None


@dataclass(frozen=True, kw_only=True)
class Account:
    """Whose money."""

    venue: Annotated[str, Meta(description="where it is")]
    limits: Limits = Limits()


@dataclass(frozen=True, kw_only=True)
class Claim:
    name: Annotated[str, Meta(min_length=1)]
    inputs: dict[str, str] = field(default_factory=dict[str, str])


def schema() -> JsonSchema:
    assert operators.__doc__, "importing them is what registers them"
    assert sinks.__doc__, "importing them is what registers them"
    return flow_schema(Settings, Account, Claim, Api, Logs, Alerting, Telemetry)


# --- a validator of the few words of JSON Schema that ours uses; an unknown word fails the test -----------------------

TOLD = {"$schema", "$defs", "title", "description", "default"}
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
BOUNDS = {
    "minimum": float.__ge__,
    "maximum": float.__le__,
    "exclusiveMinimum": float.__gt__,
    "exclusiveMaximum": float.__lt__,
}
LENGTHS = {"minLength": int.__ge__, "maxLength": int.__le__, "minItems": int.__ge__, "maxItems": int.__le__}


def wrong(value: Any, rule: JsonSchema, root: JsonSchema) -> bool:
    return any(not holds(word, value, rule, root) for word in rule if word not in TOLD)


def holds(word: str, value: Any, rule: JsonSchema, root: JsonSchema) -> bool:
    said: Any = rule[word]
    if word == "$ref":
        return not wrong(value, root["$defs"][said.removeprefix("#/$defs/")], root)
    if word == "type":
        return isinstance(value, TYPES[said]) and (said == "boolean" or not isinstance(value, bool))
    if word in ("anyOf", "allOf"):
        return (any if word == "anyOf" else all)(not wrong(value, each, root) for each in said)
    if word == "not":
        return wrong(value, said, root)
    if word in ("enum", "const"):
        return value in (cast("list[Any]", said) if word == "enum" else [said])
    if word == "pattern":
        return re.search(str(said), str(value)) is not None
    if word in BOUNDS:
        return BOUNDS[word](float(value), float(said))
    if word in LENGTHS:
        return LENGTHS[word](len(value), said)
    if word == "required":
        return all(key in value for key in said)
    if word == "items":
        return not any(wrong(each, said, root) for each in value)
    if word == "properties":
        return not any(wrong(value[key], said[key], root) for key in said if key in value)
    assert word == "additionalProperties", f"the schema has a word that this test does not know: {word}"
    others = [value[key] for key in cast("dict[str, Any]", value) if key not in rule.get("properties", {})]
    return not others if said is False else not any(wrong(each, said, root) for each in others)


def refused(flow: str) -> bool:
    root = schema()
    return wrong(tomllib.loads(flow), root, root)


# --- claims ----------------------------------------------------------------------------------------------------------


def test_a_sound_flow_is_accepted() -> None:
    assert not refused(FLOW)


@pytest.mark.parametrize(
    ("sound", "unsound"),
    [
        ("[venues.practice]", "[venue.practice]"),
        ('mode = "paper"', 'mod = "paper"'),
        ('mode = "paper"', 'mode = "pepper"'),
        ('venue = "practice"\n', ""),
        ('limits = { low = "1.00" }', 'limits = { high = "1.00" }'),
        ('low = "1.00"', "low = 1.00"),
        ('low = "1.00"', 'low = "much"'),
        ('payout = "market"', 'payout = "moon"'),
        ('use = "window"', 'use = "widow"'),
        ('use = "window"\n', ""),
        ('from = "market"\n', ""),
        ('from = "market"', "from = 1"),
        ('timeframes = ["1m", "5m"]', 'timeframes = "1m"'),
        ('timeframes = ["1m", "5m"]', 'timeframes = ["1x"]'),
        ("period = 9", "period = 0"),
        ("period = 9", "period = 9.5"),
        ("period = 9", "perod = 9"),
        ("rsi = {}", "rsj = {}"),
        ("oversold = 25.0", "oversold = 50.0"),
        ('on_fault = "stop"', 'on_fault = "cry"'),
        ('stake = { use = "fixed", amount = "1.00" }', 'stake = { use = "fixed", amount = 1.0 }'),
        ('stake = { use = "fixed", amount = "1.00" }', 'stake = { amount = "1.00" }'),
        ('stake = { use = "fixed", amount = "1.00" }', ""),
        ('threshold = { "1m" = 0.2 }', "threshold = 1.2"),
        ('name = "a claim"', 'name = ""'),
        ('{ bars = "a-b" }', "{ bars = 1 }"),
        ("[[test]]", "[test]"),
    ],
)
def test_one_mistake_is_enough_to_be_refused(sound: str, unsound: str) -> None:
    assert sound in FLOW
    assert refused(FLOW.replace(sound, unsound, 1))


def test_use_may_be_left_out_where_the_table_has_the_parts_name() -> None:
    assert not refused("[features]\nema = { period = 9 }\n")
    assert not refused('[features]\nema = { use = "rsi", period = 9 }\n')
    assert refused("[features]\nfast = { period = 9 }\n")


def test_every_key_of_every_part_is_told_and_unknown_ones_are_not_allowed() -> None:
    shared = schema()["$defs"]
    for kind, table in TABLES.items():
        for name, part in registered(kind).items():
            shape = shared[f"{table}.{name}"]
            assert shape["description"] == part.help
            assert shape["additionalProperties"] is False
            assert {key.name for key in part.fields} <= set(shape["properties"])
            assert {key.name for key in part.fields if key.required} <= set(shape["required"])
            assert all(shape["properties"][key.name]["description"] for key in part.fields)


def test_defaults_stand_as_a_file_would_have_them() -> None:
    shared = schema()["$defs"]
    assert shared["operators.window"]["properties"]["timeframes"]["default"] == ["1m", "5m", "15m"]
    assert shared["stakes.fixed"]["properties"]["amount"]["default"] == "1.00"


def test_no_key_is_of_a_type_that_cannot_be_read() -> None:
    """Such a key would have msgspec 0.22 write over memory that is not its own."""
    keys = {
        f"{name}.{key.name}": key for kind in TABLES for name, part in registered(kind).items() for key in part.fields
    }
    assert [name for name, key in keys.items() if breaks_memory(key.type)] == []
    text = Annotated[str, Meta(pattern="^a")]
    assert breaks_memory(text | tuple[str, ...])
    assert breaks_memory(dict[str, Annotated[dict[str, text] | text, Meta(min_length=1)]])
    assert not breaks_memory(Annotated[str | None, Meta(pattern="^a")])
    assert not breaks_memory(tuple[text, ...] | float)


def test_there_is_no_null_since_toml_has_none() -> None:
    root = schema()
    assert not any(each is None or each == "null" for each in leaves(root))
    assert root["$defs"]["Account"]["properties"]["limits"]["default"] == {}
    assert root["$defs"]["Limits"]["properties"]["low"] == {"type": "string", "pattern": r"^[+-]?\d+(\.\d+)?$"}


def test_every_reference_leads_somewhere_and_the_whole_is_json() -> None:
    root = json.loads(json.dumps(schema(), allow_nan=False))
    names = {each.removeprefix("#/$defs/") for each in leaves(root) if isinstance(each, str) and each.startswith("#/")}
    assert names <= set(root["$defs"])


def leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for held in cast("dict[str, object]", value).values():
            yield from leaves(held)
    elif isinstance(value, list):
        for held in cast("list[object]", value):
            yield from leaves(held)
    else:
        yield value

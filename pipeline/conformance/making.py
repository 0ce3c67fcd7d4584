"""From the name of a part to a candidate: the part stands in a small flow, which is checked as any other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pipeline.checking import load_text
from pipeline.conformance.candidate import ACCOUNTS, PRODUCTS, SPEED, Candidate
from pipeline.conformance.versions import part_version
from pipeline.connections.contract import Connecting, Fetching
from pipeline.errors import InputError, PlanError
from pipeline.parts import Kind, part_of, registered
from pipeline.plugins import load_files
from pipeline.tables import Tables
from pipeline.toml_text import parse

WHERE = "the flow of the kit"
NOWHERE = "http://127.0.0.1:9"
"""Where a part is made for before there is a venue."""
PATHS = {"http": "/v1"}
KEYS: Mapping[str, str] = {
    "permission_page": '""',
    "jurisdiction": '"nobody at all: it is a practice venue"',
    "max_clock_offset_ms": "60_000",
    "deadline_seconds": "2",
    "products": str(list(PRODUCTS)),
}
"""What parts that have such keys are told, unless somebody says otherwise."""
PROOFS = "lists = true, echoes = true, once = true, closes = true, late_ms = 2000, stamps_ms = 2000"
OWN: Mapping[str, Mapping[str, str]] = {"http": {"evidence": f"{{ {PROOFS} }}"}}
"""What a venue part of ours is told: it counts on all that the venue can prove."""

P = TypeVar("P")


class Wanted(NamedTuple):
    """Who is to be graded, as somebody says it."""

    connector: str
    plugin: Path | None = None
    source: str = ""
    """The part of its prices; that of the same name when it is not said."""
    path: str | None = None
    """What follows the venue's address."""
    keys: Sequence[str] = ()
    source_keys: Sequence[str] = ()


def made(wanted: Wanted) -> Candidate:
    """The candidate; `InputError` or `PlanError` says what is wrong with what was said."""
    name = wanted.connector
    base = Path() if wanted.plugin is None else wanted.plugin.resolve().parent
    head = _with_plugin(wanted.plugin, base)
    source = wanted.source or (name if name in registered("source") else "")
    accounts = "".join(
        f'[accounts.{each}]\nvenue = "it"\nmoney = "practice"\nbalance = "10000.00"\n' for each in ACCOUNTS
    )
    text = f"{head}{accounts}[venues.it]\n{_table('venue', name, wanted.path, wanted.keys)}"
    if source:
        text += f"[sources.market]\n{_table('source', source, wanted.path, wanted.source_keys)}"
    plan = load_text(text, WHERE, base)
    venue = plan.by_id["venues.it"].instance
    prices = plan.by_id["sources.market"].instance if source else None
    if not isinstance(venue, Connecting):
        raise InputError(f"{name} connects to nothing; name a venue part over a network: deriv, http, or your own")
    if prices is not None and not isinstance(prices, Fetching):
        raise InputError(f"{source} has no feed that could be asked; name another part with --source")
    part = part_of(venue)
    return Candidate(
        name,
        part_version(part.cls, part.origin),
        _at(venue, _path(name, wanted.path)),
        None if prices is None else _at(prices, _path(source, wanted.path)),
    )


def _with_plugin(plugin: Path | None, base: Path) -> str:
    """How the flow begins; what a plugin declares can be used from here on."""
    head = '[moonlight]\nmode = "paper"\n'
    if plugin is not None and not plugin.is_file():
        raise InputError(f"there is no file {plugin}; name the Python file that declares the part")
    if plugin is not None:
        head += f"plugins = [{_text(plugin.name)}]\n"
    tables = Tables(parse(head, WHERE))
    load_files(tables, base)
    if tables.problems:
        raise PlanError(WHERE, tuple(tables.problems))
    return head


def _table(kind: Kind, name: str, path: str | None, given: Sequence[str]) -> str:
    """The table of a part that has not been given the address of a venue yet."""
    part = registered(kind).get(name)
    known = frozenset[str]() if part is None else frozenset(each.name for each in part.fields)
    keys = {
        "use": _text(name),
        "url": _text(f"{NOWHERE}{_path(name, path)}"),
        "practice": "true",
        "speed": f"{SPEED}",
        **{key: value for key, value in KEYS.items() if key in known},
        **(OWN.get(name, {}) if kind == "venue" else {}),
        **_keys(given),
    }
    return "".join(f"{key} = {value}\n" for key, value in keys.items())


def _at(part: P, path: str) -> Callable[[str], P]:
    """Makes the same part for another address."""

    def at(url: str) -> P:
        each: Any = part
        return replace(each, url=f"{url}{path}")

    return at


def _path(name: str, given: str | None) -> str:
    return PATHS.get(name, "") if given is None else given


def _keys(given: Sequence[str]) -> dict[str, str]:
    keys = dict[str, str]()
    for each in given:
        key, equals, value = each.partition("=")
        if not equals or not key.strip().isidentifier():
            raise InputError(f"cannot read the key {each!r}; write it as in TOML: --key 'poll_seconds=5'")
        keys[key.strip()] = value.strip()
    return keys


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

"""Grade a connector: every promise it makes is tried against a practice venue in this process, also when things fail.

examples:
  python -m pipeline venue conform --connector deriv
  python -m pipeline venue conform --connector http --only lost-answer-is-found
  python -m pipeline venue conform --connector broker --plugin broker.py --path /v1 --key 'symbols={R_10 = "V10"}'
  python -m pipeline venue conform --list

The connector is a venue part, and the source of prices beside it the part of the same name, if there is one. What it
does not declare is not asked of it; what it declares and does not do is a failure, and the exit code 1. Nothing leaves
this machine, and no login is needed. docs/conformance.md says what each check is for.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pipeline.checking import load_text
from pipeline.conformance import telling
from pipeline.conformance.candidate import ACCOUNTS, PRODUCTS, SPEED, Candidate
from pipeline.conformance.checks import Check
from pipeline.conformance.grading import graded
from pipeline.conformance.kit import CHECKS
from pipeline.conformance.versions import part_version
from pipeline.connections.contract import Connecting, Fetching
from pipeline.errors import InputError
from pipeline.parts import part_of, registered
from pipeline.plan import Plan
from pipeline.tables import nearest
from pipeline.verbs.common import json_option, say_json

SEED = 42
NOWHERE = "http://127.0.0.1:9"
"""Where a part is made for before there is a venue."""
PATHS = {"http": "/v1"}
KEYS: Mapping[str, Mapping[str, str]] = {
    "deriv": {"max_clock_offset_ms": "60_000"},
    "http": {
        "permission_page": '""',
        "jurisdiction": '"nobody at all: it is a practice venue"',
        "evidence": "{ lists = true, echoes = true, once = true, closes = true, late_ms = 2000, stamps_ms = 2000 }",
        "max_clock_offset_ms": "60_000",
        "deadline_seconds": "2",
    },
}
"""What our own parts are told beside their address."""
PRICE_KEYS: Mapping[str, Mapping[str, str]] = {"http": {"deadline_seconds": "2"}}

P = TypeVar("P")


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--connector", metavar="PART", help="which venue part: deriv, http, or one of a --plugin")
    parser.add_argument("--plugin", type=Path, metavar="FILE", help="a Python file that declares the part")
    parser.add_argument("--source", metavar="PART", help="the source of its prices (the part of the same name)")
    parser.add_argument("--path", help="what follows the venue's address in url: /v1 (http has it)")
    parser.add_argument("--key", action="append", default=[], metavar="KEY=VALUE", help="a key of the part, as in TOML")
    parser.add_argument(
        "--source-key", action="append", default=[], metavar="KEY=VALUE", help="a key of the source, as in TOML"
    )
    parser.add_argument("--only", action="append", default=[], metavar="CHECK", help="only this check; may be repeated")
    parser.add_argument("--list", action="store_true", help="print the checks and what each proves")
    parser.add_argument("--seed", type=int, default=SEED, help=f"what the venues' prices are drawn from ({SEED})")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    checks = _chosen(options.only)
    if options.list:
        _list(checks, as_json=options.json)
        return 0
    candidate = _candidate(options)

    def told(grade: telling.Grade) -> None:
        if not options.json:
            print(telling.line(grade), flush=True)

    grades = graded(candidate, checks, options.seed, told)
    if options.json:
        say_json(telling.table(candidate, grades))
    else:
        print(telling.badge(candidate, grades))
    return int(any(each.verdict == "failed" for each in grades))


def _chosen(names: Sequence[str]) -> Sequence[Check]:
    known = {each.name: each for each in CHECKS}
    for name in names:
        if name not in known:
            raise InputError(f"there is no check {name!r}; {nearest(name, known)}")
    return [known[name] for name in names] or CHECKS


def _list(checks: Sequence[Check], *, as_json: bool) -> None:
    if as_json:
        say_json([{"name": each.name, "proves": each.proves, "needs": each.needs} for each in checks])
    else:
        print("\n".join(telling.listed(checks)))


# --- the parts -------------------------------------------------------------------------------------------------------


def _candidate(options: argparse.Namespace) -> Candidate:
    name: str | None = options.connector
    if name is None:
        raise InputError("nothing says what is to be graded; name a venue part: --connector deriv")
    plan, source = _plan(options, name)
    path = options.path if options.path is not None else PATHS.get(name, "")
    venue = plan.by_id["venues.it"].instance
    if not isinstance(venue, Connecting):
        raise InputError(f"{name} connects to nothing; name a venue part over a network: deriv, http, or your own")
    prices = plan.by_id["sources.market"].instance if source else None
    if prices is not None and not isinstance(prices, Fetching):
        raise InputError(f"{source} has no feed that could be asked; name another part with --source")
    part = part_of(venue)
    return Candidate(
        name,
        part_version(part.cls, part.origin),
        _at(venue, path),
        None if prices is None else _at(prices, path),
    )


def _at(part: P, path: str) -> Callable[[str], P]:
    """Makes the same part for another address."""

    def made(url: str) -> P:
        each: Any = part
        return replace(each, url=f"{url}{path}")

    return made


def _plan(options: argparse.Namespace, name: str) -> tuple[Plan, str]:
    """A small flow with the part in it, checked as any other; and the source of prices, "" where there is none."""
    plugin: Path | None = options.plugin
    base = Path() if plugin is None else plugin.resolve().parent
    head = '[moonlight]\nmode = "paper"\n'
    if plugin is not None:
        if not plugin.is_file():
            raise InputError(f"there is no file {plugin}; name the Python file that declares the part")
        head += f"plugins = [{_text(plugin.name)}]\n"
    path = options.path if options.path is not None else PATHS.get(name, "")
    keys = {**KEYS.get(name, {}), **_keys(options.key)}
    accounts = "".join(
        f'[accounts.{each}]\nvenue = "it"\nmoney = "practice"\nbalance = "10000.00"\n' for each in ACCOUNTS
    )
    text = f"{head}{accounts}[venues.it]\nuse = {_text(name)}\n{_table(path, keys)}"
    plan = load_text(text, WHERE, base)
    source = options.source or (name if name in registered("source") else "")
    if source:
        more = {
            "products": f"[{', '.join(map(_text, PRODUCTS))}]",
            **PRICE_KEYS.get(source, {}),
            **_keys(options.source_key),
        }
        plan = load_text(f"{text}[sources.market]\nuse = {_text(source)}\n{_table(path, more)}", WHERE, base)
    return plan, source


WHERE = "the flow of the kit"


def _table(path: str, keys: Mapping[str, str]) -> str:
    usual = {"url": _text(f"{NOWHERE}{path}"), "practice": "true", "speed": f"{SPEED}"}
    return "".join(f"{key} = {value}\n" for key, value in {**usual, **keys}.items())


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

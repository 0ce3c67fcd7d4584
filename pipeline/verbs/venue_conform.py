"""Grade a connector: every promise it makes is tried against a practice venue in this process, also when things fail.

examples:
  python -m pipeline venue conform --connector deriv
  python -m pipeline venue conform --connector http --only lost-answer-is-found
  python -m pipeline venue conform --connector broker --plugin broker.py --path /v1 --key 'symbols={R_10 = "V10"}'
  python -m pipeline venue conform --list

The connector is a venue part, and the source of prices beside it the part of the same name, if there is one. What it
does not declare is not asked of it; what it declares and does not do is a failure, and the exit code 1. Nothing leaves
this machine, and no login is needed. docs/conformance.md tells more.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipeline.conformance import telling
from pipeline.conformance.checks import Check
from pipeline.conformance.grading import Grade, graded
from pipeline.conformance.kit import CHECKS
from pipeline.conformance.making import Wanted, made
from pipeline.errors import InputError
from pipeline.tables import nearest
from pipeline.verbs.common import json_option, say_json

SEED = 42


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--connector", metavar="PART", help="which venue part: deriv, http, or one of a --plugin")
    parser.add_argument("--plugin", type=Path, metavar="FILE", help="a Python file that declares the part")
    parser.add_argument("--source", default="", metavar="PART", help="the source of its prices (of the same name)")
    parser.add_argument("--path", help="what follows the venue's address in url, like /v1 (which http has by itself)")
    for name, whose in (("--key", "part"), ("--source-key", "source")):
        help_ = f"a key of the {whose}, as in TOML; may be repeated"
        parser.add_argument(name, action="append", default=[], metavar="KEY=VALUE", help=help_)
    parser.add_argument("--only", action="append", default=[], metavar="CHECK", help="this check; may be repeated")
    parser.add_argument("--list", action="store_true", help="print the checks and what each proves")
    parser.add_argument("--seed", type=int, default=SEED, help=f"what the venues' prices are drawn from ({SEED})")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    checks = _chosen(options.only)
    if options.list:
        _list(checks, as_json=options.json)
        return 0
    if options.connector is None:
        raise InputError("nothing says what is to be graded; name a venue part: --connector deriv")
    if options.seed < 0:
        raise InputError(f"the seed {options.seed} is below 0; choose a whole number from 0 on")
    candidate = made(
        Wanted(options.connector, options.plugin, options.source, options.path, options.key, options.source_key)
    )

    def told(grade: Grade) -> None:
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
    return [known[name] for name in dict.fromkeys(names)] or CHECKS


def _list(checks: Sequence[Check], *, as_json: bool) -> None:
    if as_json:
        say_json([{"name": each.name, "proves": each.proves, "needs": each.needs} for each in checks])
    else:
        print("\n".join(telling.listed(checks)))

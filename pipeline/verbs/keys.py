"""Show how each key stands: its state, since when and why, its last bar, its errors in a row.

examples:
  python -m pipeline keys
  python -m pipeline keys --account demo-1 --json

A key is one account on one product in one timeframe. INIT: no bar of it was ready yet. RUNNING: it trades. PAUSED: too
many errors in a row, it goes on by itself. RELOAD: a change of the flow waits for it. STOPPING: stopped, with a
contract open. STOPPED: `start` lets it go on. Where no engine runs it is said how the last one left them.
"""

import argparse
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import asdict

from pipeline.ledger.reading import Reader
from pipeline.live import LOCK_FILE
from pipeline.locking import locked
from pipeline.plan import Plan
from pipeline.starting import Starts
from pipeline.times import local_text, timeframe_name
from pipeline.values import Key, Life
from pipeline.verbs.common import flow_option, json_option, say_json
from pipeline.verbs.planned import plan_of
from pipeline.verbs.starts import scope_of, scope_options, starts_of

COLUMNS = ("account", "product", "tf", "state", "since", "last bar", "verdict", "errors", "why")


def options(parser: argparse.ArgumentParser) -> None:
    flow_option(parser)
    scope_options(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    plan, scope = plan_of(options), scope_of(options)
    starts = starts_of(plan)
    starts.check(scope)
    lives = [life for life in starts.lives() if scope.holds(life.key)]
    decided, runs = _decided(starts), _runs(plan)
    if options.json:
        say_json({"running": runs, "keys": [_facts(life, decided.get(life.key)) for life in lives]})
        return 0
    texts = [COLUMNS, *(_texts(life, decided.get(life.key), starts.zone) for life in lives)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for line in texts:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    if not runs:
        print(f"no engine runs on {plan.folder}: so the last one left them, and so the next one begins")
    return 0


Decided = tuple[int, str]
"""The last bar of a key and its verdict."""


def _decided(starts: Starts) -> Mapping[Key, Decided]:
    with closing(Reader(starts.path)) as reader:
        return {key: (row["bar"], row["verdict"]) for key, row in reader.last_decisions().items()}


def _runs(plan: Plan) -> bool:
    """Whether an engine holds the flow's folder."""
    with locked(plan.folder / LOCK_FILE, 0o600) as free:
        return not free


def _facts(life: Life, decided: Decided | None) -> dict[str, Any]:
    bar, verdict = decided or (None, None)
    return asdict(life) | {"timeframe": timeframe_name(life.tf), "last_bar": bar, "verdict": verdict}


def _texts(life: Life, decided: Decided | None, zone: ZoneInfo) -> tuple[str, ...]:
    bar, verdict = decided or (0, "")
    since, last = (local_text(each, zone) if each else "" for each in (life.at, bar))
    why = f"{life.why}; goes on {local_text(life.until, zone)}" if life.state == "PAUSED" and life.until else life.why
    named = (life.account, life.product, timeframe_name(life.tf), life.state)
    return (*named, since, last, verdict, str(life.errors), why)

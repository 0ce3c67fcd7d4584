"""What goes into a bundle beside the recording: the flow, its decisions, versions, the log of those minutes."""

import json
import platform
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, cast

import numpy as np

from pipeline.bundling.redacting import Redactor
from pipeline.bundling.wanted import Row
from pipeline.engine import LEDGER_FILE
from pipeline.journal import code_hash
from pipeline.ledger.reading import Reader
from pipeline.ledger.tables import readable
from pipeline.plan import Plan
from pipeline.times import MINUTE
from pipeline.watch import own_version

LARGEST = 4 << 20
"""Bytes of a file that the flow names and that goes along."""
BEFORE, AFTER = 5 * MINUTE, 30 * MINUTE
"""How much of the log, by the flow's clock, around the decisions."""
LINES = 5_000
LIVES, CONFIGS = 50, 20


def flow_files(plan: Plan, redactor: Redactor) -> dict[str, str]:
    """The flow file and what it names beside itself, without secrets; by the name it has in the bundle."""
    found = {"flow/flows.toml": redactor.text("flow/flows.toml", plan.source.text)}
    base = plan.base.resolve()
    for said in sorted(set(_words(plan.source.data))):
        path = (base / said).resolve()
        if not _goes_along(path, base):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        name = f"flow/{path.relative_to(base).as_posix()}"
        found[name] = redactor.text(name, text)
    return found


def facts(plan: Plan, rows: Sequence[Row], redactor: Redactor) -> dict[str, str]:
    """All else that is told in JSON and in words."""
    path = plan.folder / LEDGER_FILE
    reader = Reader(path)
    try:
        told: dict[str, Any] = {"decisions.json": [_decision(row, reader) for row in rows]}
    finally:
        reader.close()
    told["versions.json"] = versions()
    with closing(readable(path)) as db:
        until = max(row["at"] for row in rows)
        told["stops.json"] = _all(db, "SELECT * FROM latches WHERE at <= ? ORDER BY seq", until)
        told["lives.json"] = _all(db, "SELECT * FROM lives ORDER BY epoch DESC LIMIT ?", LIVES)
        configs = _all(db, "SELECT * FROM configs ORDER BY at DESC LIMIT ?", CONFIGS)
    told["configs.json"] = [{name: row[name] for name in ("config", "at", "file", "code")} for row in configs]
    texts = {f"configs/{row['config']}.toml": str(row["flow"]) for row in configs}
    log = "".join(_log(plan, rows))
    texts |= {"log.jsonl": log} if log else {}
    return {name: _json(redactor, name, value) for name, value in told.items()} | {
        name: redactor.text(name, text) for name, text in texts.items()
    }


def versions() -> Mapping[str, Any]:
    """Of everything that could make a difference."""
    installed = {each.name: each.version for each in distributions() if each.name}
    return {
        "moonlight": own_version(),
        "code": code_hash(),
        "python": sys.version,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "sqlite": sqlite3.sqlite_version,
        "numpy": np.__version__,
        "packages": dict(sorted(installed.items(), key=lambda each: each[0].lower())),
    }


def _decision(row: Row, reader: Reader) -> Mapping[str, Any]:
    """A decision, and what belongs to it."""
    order = reader.order(row["order"]) if row["order"] else None
    outcome = reader.outcome(row["product"], row["tf"], row["bar"])
    return {
        **row,
        "gates": json.loads(row["gates"]),
        "of_order": None if order is None else {name: str(getattr(order, name)) for name in order.__struct_fields__},
        "features": dict(reader.features(row["order"])) if row["order"] else {},
        "outcome": None if outcome is None else {name: outcome[name] for name in outcome.keys()},  # noqa: SIM118  # a Row
    }


def _all(db: sqlite3.Connection, asked: str, *values: Any) -> list[dict[str, Any]]:
    return [{name: row[name] for name in row.keys()} for row in db.execute(asked, values)]  # noqa: SIM118  # a Row


def _json(redactor: Redactor, name: str, value: Any) -> str:
    return redactor.text(name, json.dumps(value, indent=1, ensure_ascii=False, default=str, sort_keys=True) + "\n")


def _log(plan: Plan, rows: Sequence[Row]) -> Iterator[str]:
    """Lines of the log of those minutes, the latest where there are too many."""
    since = min(row["at"] for row in rows) - BEFORE
    until = max(row["at"] for row in rows) + AFTER
    found: list[tuple[int, str]] = []
    for path in sorted((plan.folder / plan.logs.folder).glob("*.jsonl")):
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                record = _record(line)
                if record is not None and since <= record["at"] <= until:
                    found.append((record.get("seq", 0), line if line.endswith("\n") else f"{line}\n"))
    yield from (line for _, line in sorted(found)[-LINES:])


def _record(line: str) -> dict[str, Any] | None:
    try:
        found: Any = json.loads(line)
    except ValueError:
        return None
    record = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    return record if isinstance(record.get("at"), int) else None


def _words(value: Any) -> Iterator[str]:
    """Every text in a flow's tables."""
    match value:
        case str():
            if value and len(value) < 300 and value.isprintable():
                yield value
        case dict():
            for each in cast("dict[str, Any]", value).values():
                yield from _words(each)
        case list():
            for each in cast("list[Any]", value):
                yield from _words(each)
        case _:
            return


def _goes_along(path: Path, base: Path) -> bool:
    """A file beside the flow that is not the flow, no secret, and not too long."""
    try:
        hidden = any(part.startswith(".") or part == "profiles" for part in path.relative_to(base).parts)
        known = path.is_file() and path.stat().st_size <= LARGEST
    except (ValueError, OSError):
        return False
    return known and not hidden and path.suffix not in (".token", ".db", ".vault", ".pem", ".key", ".env")

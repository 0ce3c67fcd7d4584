"""Check this machine: what the program needs, what it found, and how to mend what is missing.

example:
  python -m pipeline doctor

It also looks for secrets in the clear (in flow files, .env files and profiles; nowhere else), judges the keyring and
the vault, tries whether each login opens, and says on whose word one may trade at each venue.
"""

import argparse
import importlib.metadata
import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipeline.verbs.accounts_findings import of_flow, of_folder, of_keyring
from pipeline.verbs.common import DEFAULT, json_option, say_json
from pipeline.verbs.finding import Finding

PACKAGES = (
    "reactivex",
    "aiohttp",
    "numpy",
    "pandas",
    "pyarrow",
    "tulipy",
    "sqlite-utils",
    "textual",
    "keyring",
    "cryptography",
    "msgspec",
    "tomlkit",
)
ROOM = 500 * 1024 * 1024
LONG_LOG = 64 * 1024 * 1024


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, default=Path(), metavar="DIR", help="the folder of the flow (this one)")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    found = list(findings(options.folder))
    if options.json:
        say_json([finding._asdict() for finding in found])
    else:
        for each in found:
            mark = {"ok": "✔", "note": "!", "bad": "✖"}[each.state]
            print(f"{mark} {each.what:<12} {each.found}{f'; {each.mend}' if each.mend else ''}")
    return 1 if any(each.state == "bad" for each in found) else 0


def findings(folder: Path, flow: str = DEFAULT) -> Iterator[Finding]:
    """What is found in a folder and around it."""
    version = platform.python_version()
    yield Finding(
        "python",
        "ok" if sys.version_info >= (3, 11) else "bad",
        version,
        "" if sys.version_info >= (3, 11) else "install 3.11 or newer",
    )
    yield from _packages()
    yield _sqlite()
    yield of_keyring()
    yield from _folder(folder, flow)
    yield _terminal()
    yield _timezones()


def _packages() -> Iterator[Finding]:
    for name in PACKAGES:
        try:
            yield Finding(name, "ok", importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, "bad", "not installed", "run `make setup`, or install the wheel again")


def _sqlite() -> Finding:
    if sqlite3.sqlite_version_info < (3, 37):
        return Finding("sqlite", "bad", sqlite3.sqlite_version, "the ledger needs 3.37 or newer")
    if sqlite3.sqlite_version_info < (3, 51, 3):
        mend = "before 3.51.3 two connections that shorten a log at once can damage it; here only the engine does"
        return Finding("sqlite", "note", sqlite3.sqlite_version, mend)
    return Finding("sqlite", "ok", sqlite3.sqlite_version)


def _folder(folder: Path, named: str = DEFAULT) -> Iterator[Finding]:
    if not folder.is_dir():
        yield Finding("folder", "bad", f"{folder} is not a folder", "make it, or name another with --folder")
        return
    if os.access(folder, os.W_OK):
        yield Finding("folder", "ok", f"{folder.resolve()} can be written")
    else:
        yield Finding(
            "folder", "bad", f"{folder.resolve()} cannot be written", "change its permissions, or use another"
        )
    free = shutil.disk_usage(folder).free
    yield Finding(
        "disk",
        "ok" if free > ROOM else "bad",
        f"{free / 2**30:.1f} GiB free",
        "" if free > ROOM else "make room: the ledger must be written",
    )
    for log in folder.glob("*/ledger.db-wal"):
        if (length := log.stat().st_size) > LONG_LOG:
            mend = "a program that reads the ledger holds it up: end the one that looks longest"
            yield Finding("ledger", "note", f"{log} has {length / 2**20:.0f} MiB", mend)
    flow = folder / named
    yield (
        Finding("flow", "ok", str(flow))
        if flow.exists()
        else Finding("flow", "note", f"no {named} here", "`init` makes one")
    )
    yield from of_folder(folder)
    if flow.exists():
        yield from of_flow(flow)


def _terminal() -> Finding:
    if not sys.stdout.isatty():
        return Finding("terminal", "note", "none", "`run` prints plain lines, the console needs a terminal")
    size = shutil.get_terminal_size()
    big = size.columns >= 60 and size.lines >= 16
    return Finding(
        "terminal",
        "ok" if big else "note",
        f"{size.columns}x{size.lines}, {sys.stdout.encoding}",
        "" if big else "the console needs 60x16",
    )


def _timezones() -> Finding:
    try:
        ZoneInfo("America/New_York")
    except ZoneInfoNotFoundError:
        return Finding("time zones", "bad", "not found", "install the package tzdata")
    return Finding("time zones", "ok", "found")

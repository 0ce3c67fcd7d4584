"""Check this machine: what the program needs, what it found, and how to mend what is missing.

examples:
  python -m pipeline doctor
  python -m pipeline doctor other.toml --fix
  python -m pipeline doctor --online --json

Each finding mends itself or says how; --fix closes files that others can read. Nobody outside this machine is asked,
unless with --online: then each venue of the flow, once, for its clock. Exit code 1 when something is in the way.

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
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipeline.checking import load
from pipeline.errors import InputError
from pipeline.verbs.accounts_findings import of_flow, of_folder, of_keyring
from pipeline.verbs.common import DEFAULT, flow_option, json_option, say_json
from pipeline.verbs.doctor_flow import of_running
from pipeline.verbs.doctor_machine import of_machine
from pipeline.verbs.doctor_online import of_clocks
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
    flow_option(parser)
    parser.add_argument("--folder", type=Path, metavar="DIR", help="the folder of the flow (the flow file's)")
    parser.add_argument("--fix", action="store_true", help="close what others can read")
    parser.add_argument("--online", action="store_true", help="ask the flow's venues what time it is")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    folder = options.flow.parent if options.folder is None else options.folder
    found = list(findings(folder, options.flow.name, online=options.online))
    if options.fix:
        found = [_mended(each) for each in found]
    if options.json:
        say_json([finding._asdict() for finding in found])
    else:
        for each in found:
            mark = {"ok": "✔", "note": "!", "bad": "✖"}[each.state]
            print(f"{mark} {each.what:<12} {each.found}{f'; {each.mend}' if each.mend else ''}")
    return 1 if any(each.state == "bad" for each in found) else 0


def findings(folder: Path, flow: str = DEFAULT, *, online: bool = False) -> Iterator[Finding]:
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
    yield from of_machine(folder)
    yield of_keyring()
    yield from _folder(folder, flow)
    yield _terminal()
    yield _timezones()
    if online:
        yield from _clocks(folder / flow)


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
        yield from _running(flow)


def _running(flow: Path) -> Iterator[Finding]:
    with suppress(InputError):  # what is wrong with the file is told already
        yield from of_running(load(flow))


def _clocks(flow: Path) -> Iterator[Finding]:
    with suppress(InputError):
        yield from of_clocks(load(flow))


def _mended(found: Finding) -> Finding:
    """What was closed to others just now; anything else as it is."""
    if not found.closes:
        return found
    path = Path(found.closes)
    try:
        path.chmod(0o700 if path.is_dir() else 0o600, follow_symlinks=False)
    except (OSError, NotImplementedError) as failure:
        return found._replace(mend=f"{found.mend} (that was tried: {failure})")
    return Finding(found.what, "ok", f"{path} was open to others, and is closed now")


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

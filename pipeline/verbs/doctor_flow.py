"""What `doctor` finds of a flow that is to run: its files, its port, its service, its copies, what it needs besides."""

import platform
import socket
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from pipeline.engine import LEDGER_FILE
from pipeline.errors import MoonlightError
from pipeline.hardening import amiss, own_files
from pipeline.ledger.backups import FOLDER, backups_in
from pipeline.live import LOCK_FILE, wall
from pipeline.locking import locked
from pipeline.operations.described import name_of
from pipeline.operations.systemd import Systemd, lingers
from pipeline.plan import Plan
from pipeline.times import DAY
from pipeline.verbs.common import whoami
from pipeline.verbs.finding import Finding
from pipeline.view import ENGINE_FILE, Whereabouts

HERE = "127.0.0.1"
PATIENCE = 1.0
"""Seconds in which a server on this machine answers."""
OLD = 7 * DAY
"""From when on a copy of the ledger is old."""
EXTRAS = {"redis": ("redis", "redis"), "metrics": ("prometheus_client", "metrics"), "apprise": ("apprise", "alerts")}
"""What parts need besides, by the name of the part: the module, and the extra that brings it."""


def of_running(plan: Plan) -> Iterator[Finding]:
    """Of everything that would keep a run of this flow from beginning, or would be missed later."""
    yield from _files(plan)
    engine = _engine(plan.folder)
    yield Finding("engine", "ok", "it runs" if engine else "none runs")
    yield from _port(plan, runs=engine)
    yield from _extras(plan)
    yield from _redis(plan)
    yield from _service(plan)
    yield from _copies(plan)
    yield from _heartbeat(plan)


def _files(plan: Plan) -> Iterator[Finding]:
    told = [(path, what) for path in own_files(plan) if (what := amiss(path)) is not None]
    for path, what in told:
        found, _, mend = what.partition("; ")
        yield Finding("files", "bad", found, mend, str(path) if "chmod 600" in mend else "")
    if not told:
        yield Finding("files", "ok", f"what is in {plan.folder} is ours alone")


def _engine(folder: Path) -> bool:
    if not (folder / LOCK_FILE).exists():
        return False
    try:
        with locked(folder / LOCK_FILE, 0o600) as free:
            return not free
    except OSError:
        return False


def _port(plan: Plan, *, runs: bool) -> Iterator[Finding]:
    port = plan.api.port
    if not port:
        return
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as asking:
        asking.settimeout(PATIENCE)
        taken = asking.connect_ex((HERE, port)) == 0
    if not taken:
        yield Finding("port", "ok", f"{port} is free")
    elif runs and _port_of(plan.folder) == port:
        yield Finding("port", "ok", f"this flow's engine answers on {port}")
    else:
        owner = owner_of(port)
        mend = f"end {owner or 'whoever listens there'}, or choose another port in [api]"
        yield Finding("port", "bad", f"{port} is taken{f' by {owner}' if owner else ''}", mend)


def _port_of(folder: Path) -> int | None:
    try:
        return urlsplit(msgspec.json.decode((folder / ENGINE_FILE).read_bytes(), type=Whereabouts).url).port
    except (OSError, msgspec.DecodeError, ValueError):
        return None


def owner_of(port: int, proc: Path = Path("/proc")) -> str:
    """Which process listens on a port of this machine; "" where nobody may know."""
    try:
        lines = (proc / "net" / "tcp").read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return ""
    rows = (line.split() for line in lines)
    inodes = {row[9] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port}
    for held in proc.glob("[0-9]*/fd/*"):
        try:
            if str(held.readlink()).removeprefix("socket:[").removesuffix("]") in inodes:
                pid = held.parts[-3]
                return f"process {pid} ({(proc / pid / 'comm').read_text(encoding='utf-8').strip()})"
        except OSError:  # it ended meanwhile, or is somebody else's
            continue
    return ""


def _extras(plan: Plan) -> Iterator[Finding]:
    wanted = {part for node in plan.nodes if (part := node.part.name) in EXTRAS}
    wanted |= {"apprise" for route in plan.alerts.values() if "apprise" in type(route).__name__.lower()}
    for name in sorted(wanted):
        module, extra = EXTRAS[name]
        there = find_spec(module) is not None
        mend = "" if there else f"install the extra `{extra}`: it brings {module}"
        yield Finding("extras", "ok" if there else "bad", f"{extra}: {'there' if there else 'not there'}", mend)


def _redis(plan: Plan) -> Iterator[Finding]:
    """Of a Redis on this machine; one elsewhere is not asked."""
    for url in sorted({str(node.instance.url) for node in plan.nodes if node.part.name == "redis"}):
        where = urlsplit(url)
        shown = f"{where.hostname}:{where.port or 6379}"
        if where.hostname not in (HERE, "localhost", "::1"):
            yield Finding("redis", "note", f"{shown} is not on this machine and was not asked")
            continue
        try:
            socket.create_connection((where.hostname, where.port or 6379), PATIENCE).close()
        except OSError as failure:
            mend = "start it; until then what is published waits on disk"
            yield Finding("redis", "bad", f"{shown} does not answer ({failure.strerror or failure})", mend)
        else:
            yield Finding("redis", "ok", f"{shown} answers")


def _service(plan: Plan) -> Iterator[Finding]:
    name = name_of(plan)
    if platform.system() != "Linux":  # elsewhere `service status` says
        return
    for system in (False, True):
        try:
            fares = Systemd(system=system).fares(name)
        except MoonlightError:
            continue
        if not fares.installed:
            continue
        bad = not fares.runs and fares.result not in ("", "success")
        yield Finding(
            "service", "bad" if bad else "ok", f"{name}: {fares.words}", "`service logs` says why" if bad else ""
        )
        if not system and not lingers(whoami()):
            mend = f"`sudo loginctl enable-linger {whoami()}` has it begin with the machine and go on"
            yield Finding("linger", "note", f"{name} ends when {whoami()} logs out", mend)
        return
    yield Finding("service", "note", "not installed", "`service install` has the flow begin with the machine")


def _copies(plan: Plan) -> Iterator[Finding]:
    if not (plan.folder / LEDGER_FILE).exists():
        return
    made = [path.stat().st_mtime * 1000 for path in backups_in(plan.folder / FOLDER)]
    if not made:
        mend = "`backup` makes one, `service install --backup daily` one a day"
        yield Finding("backup", "note", "there is no copy of the ledger", mend)
        return
    days = (wall() - max(made)) / DAY
    old = days * DAY > OLD
    yield Finding(
        "backup", "note" if old else "ok", f"the last is {days:.0f} days old", "`backup` makes one" if old else ""
    )


def _heartbeat(plan: Plan) -> Iterator[Finding]:
    """Whether somebody outside is told that all is well, and so notices when nobody tells them."""
    if plan.settings.mode != "live":
        return
    beats = any("heartbeat" in type(route).__name__.lower() for route in plan.alerts.values())
    mend = "" if beats else "a machine that is off tells nobody: add a heartbeat to [alerts]"
    yield Finding("heartbeat", "ok" if beats else "note", "there is one" if beats else "there is none", mend)

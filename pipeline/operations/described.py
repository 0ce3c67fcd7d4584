"""A flow as a service: what it is called, what is started, and what it may write."""

import os
import re
import sys
from pathlib import Path

from msgspec import Struct

from pipeline.company import LAST_WORDS
from pipeline.ending import PUBLISHED, patience
from pipeline.errors import InputError
from pipeline.keys.profiles import folder_of
from pipeline.plan import Plan

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,100}")
STRANGE = re.compile(r"[^A-Za-z0-9_.-]+")
SPARE = 15
"""Seconds beyond all that a run waits for at its end, before the system ends it."""


class Service(Struct, frozen=True):
    """One flow, as a service manager runs it."""

    name: str
    flow: Path
    data: Path
    command: tuple[str, ...]
    """The program itself; the verb and its options come after it."""
    folder: Path
    writable: tuple[Path, ...]
    leaves_within: int
    """Seconds in which a run has ended that was asked to."""
    passphrase: Path | None = None
    """A file with the vault's passphrase, given as a credential."""
    backups: str = ""
    """How often its ledger is copied, as in `daily`."""
    kept: int = 14
    """How many of those copies stay."""

    def line(self, *words: str) -> tuple[str, ...]:
        """The command line of a verb and its options."""
        return (*self.command, *words)


def service_of(
    plan: Plan, name: str = "", *, editable: bool = False, passphrase: Path | None = None, backups: str = ""
) -> Service:
    """A flow as a service. With `editable` its file may be changed while it runs."""
    flow = (plan.base / Path(plan.file).name).resolve()
    base, data = flow.parent, plan.folder.resolve()
    if any(not each.isprintable() for each in (str(flow), str(data), sys.executable)):
        raise InputError(f"{flow} has letters in its path that no service can be given; rename the folder or the file")
    command, folder = _command(base)
    logs = (data / plan.logs.folder).resolve()
    writable = (data, base) if editable else (data, folder_of(base))
    writable += () if any(logs.is_relative_to(each) for each in writable) else (logs,)
    leaves_within = round(patience(plan) + PUBLISHED + LAST_WORDS + SPARE)
    secret = None if passphrase is None else passphrase.resolve()
    return Service(
        name_of(plan, name), flow, data, command, folder, writable, leaves_within, passphrase=secret, backups=backups
    )


def name_of(plan: Plan, name: str = "") -> str:
    """What a flow's service is called: as asked for, or after the flow."""
    if not name:
        return f"moonlight-{STRANGE.sub('-', plan.name).strip('-.') or 'flow'}"
    if NAME.fullmatch(name) is None:
        raise InputError(f"--name {name!r} is no name for a service; use letters, digits, '.', '_' and '-'")
    return name


def _command(base: Path) -> tuple[tuple[str, ...], Path]:
    """How this program is started from anywhere, and where from."""
    if "moonlight" in sys.modules:
        return (sys.executable, "-m", "moonlight"), base
    return (sys.executable, "-m", "pipeline"), Path(os.path.abspath(__file__)).parents[2]  # noqa: PTH100  # no links

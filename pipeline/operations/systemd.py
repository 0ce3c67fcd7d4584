"""The service manager of Linux, asked by its own commands."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.durable import fresh
from pipeline.errors import InputError, MoonlightError
from pipeline.operations.described import Service
from pipeline.operations.units import MARK, marked, units_of

SHOWN = (
    "LoadState",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "MainPID",
    "NRestarts",
    "Result",
    "ExecMainStatus",
    "StatusText",
    "ActiveEnterTimestamp",
)
PATIENCE = 120
"""Seconds a command may take: a stop waits for what is on its way."""
OF_THE_SYSTEM = Path("/etc/systemd/system")
NOBODY_RUNS = (
    "no systemd runs services here for whoever asks: log in as that user itself rather than by `su`, or ask with "
    "--system; where there is no systemd, have whatever starts programs start `run`"
)


class ServiceFailed(MoonlightError):
    """What was asked of the service manager could not be done."""


class Fares(NamedTuple):
    """How a service fares."""

    name: str
    installed: bool
    runs: bool
    words: str
    """As the manager says it, like `active (running)`."""
    pid: int
    restarts: int
    since: str
    says: str
    """The engine's own line."""
    result: str


class Systemd:
    """A user's manager, or the system's, which starts what is installed as another user."""

    def __init__(self, *, system: bool = False, runs_as: str = "", folder: Path | None = None) -> None:
        self._system, self._runs_as = system, runs_as
        self._folder = folder or (OF_THE_SYSTEM if system else _of_the_user())

    def units(self, service: Service) -> dict[str, str]:
        return units_of(service, runs_as=self._runs_as, namespaces=namespaces_allowed())

    def install(self, service: Service) -> tuple[Path, ...]:
        """Put the units there and have the service begin with the machine; which of them were changed."""
        units = self.units(service)
        for name in self._names(service):
            self._refuse_foreign(self._folder / name, service)
        self._ask("show", "--property=Version")  # whoever is not there is not written for
        changed = [path for name, text in units.items() if _put(path := self._folder / name, text)]
        gone = [name for name in self._names(service) if name not in units and (self._folder / name).exists()]
        for name in gone:
            self._drop(name)
        self._ask("daemon-reload")
        self._ask("enable", f"{service.name}.service")
        if service.backups:
            self._ask("enable", "--now", f"{service.name}-backup.timer")
        return tuple(changed)

    def uninstall(self, service: Service) -> tuple[Path, ...]:
        """End it and take its units away; which there were. What it kept stays."""
        there = [name for name in self._names(service) if (self._folder / name).exists()]
        for name in there:
            self._refuse_foreign(self._folder / name, service)
        for name in reversed(there):
            self._drop(name)
        if there:
            self._ask("daemon-reload")
        return tuple(self._folder / name for name in there)

    def start(self, name: str) -> None:
        self._ask("start", f"{name}.service")

    def stop(self, name: str) -> None:
        self._ask("stop", f"{name}.service")

    def restart(self, name: str) -> None:
        self._ask("restart", f"{name}.service")

    def fares(self, name: str) -> Fares:
        told = self._ask("show", f"--property={','.join(SHOWN)}", f"{name}.service")
        found = {name: text for name, _, text in (line.partition("=") for line in told.splitlines())}
        return _fares(name, found)

    def logs(self, name: str, lines: int, *, follow: bool) -> int:
        """Show what it has said; how the command that shows it ended."""
        unit = f"--unit={name}.service" if self._system else f"--user-unit={name}.service"
        command = ["journalctl", unit, f"--lines={lines}", "--no-pager", *(["--follow"] if follow else [])]
        try:
            return subprocess.run(command, check=False).returncode  # noqa: S603  # found on the user's own path
        except FileNotFoundError:
            raise InputError(NOBODY_RUNS) from None

    def _names(self, service: Service) -> tuple[str, ...]:
        return f"{service.name}.service", f"{service.name}-backup.service", f"{service.name}-backup.timer"

    def _drop(self, name: str) -> None:
        if not name.endswith("-backup.service"):
            self._ask("disable", "--now", name)
        (self._folder / name).unlink()

    def _refuse_foreign(self, path: Path, service: Service) -> None:
        try:
            first = path.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
        except FileNotFoundError:
            return
        if not first.startswith(MARK):
            raise InputError(f"{path} was not written by `service install`; choose another --name, or move it away")
        if first != marked(service.flow):
            whose = first.removeprefix(MARK)
            raise InputError(f"{path} is of another flow, {whose}; choose another --name, or uninstall that one first")

    def _ask(self, *words: str) -> str:
        command = ["systemctl", *([] if self._system else ["--user"]), *words]
        try:
            done = subprocess.run(  # noqa: S603  # found on the user's own path
                command, check=False, capture_output=True, text=True, timeout=PATIENCE
            )
        except FileNotFoundError:
            raise InputError(NOBODY_RUNS) from None
        except subprocess.TimeoutExpired:
            raise ServiceFailed(
                f"`{' '.join(command)}` has not ended for {PATIENCE} s; look with `service status`"
            ) from None
        if done.returncode:
            said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
            raise ServiceFailed(f"`{' '.join(command)}` failed: {said}; {_mend(words, said)}")
        return done.stdout


def namespaces_allowed(kernel: Path = Path("/proc/sys")) -> bool:
    """Whether users of this system may make namespaces of their own."""
    closed = {"user/max_user_namespaces": "0", "kernel/unprivileged_userns_clone": "0"}
    closed["kernel/apparmor_restrict_unprivileged_userns"] = "1"
    return not any(_said(kernel / name) == value for name, value in closed.items())


def lingers(user: str, folder: Path = Path("/var/lib/systemd/linger")) -> bool:
    """Whether a user's services go on when the user has logged out."""
    return (folder / user).exists()


def _mend(words: Sequence[str], said: str) -> str:
    if "bus" in said or "not been booted" in said:
        return NOBODY_RUNS
    if words[0] in ("start", "restart"):
        return "`service logs` says why"
    return "mend that, and ask again"


def _fares(name: str, found: Mapping[str, str]) -> Fares:
    active, sub = found.get("ActiveState", "unknown"), found.get("SubState", "")
    return Fares(
        name,
        found.get("LoadState") == "loaded",
        active in ("active", "reloading"),
        f"{active} ({sub})" if sub else active,
        int(found.get("MainPID") or 0),
        int(found.get("NRestarts") or 0),
        found.get("ActiveEnterTimestamp", ""),
        found.get("StatusText", ""),
        found.get("Result", ""),
    )


def _of_the_user() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".config") / "systemd" / "user"


def _put(path: Path, text: str) -> bool:
    """Put a unit there; whether it was another one before."""
    if path.is_symlink():
        raise InputError(f"{path} is a link; take it away, or choose another --name")
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    with fresh(path) as file:
        file.write(text.encode())
    path.chmod(0o644)
    return True


def _said(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""

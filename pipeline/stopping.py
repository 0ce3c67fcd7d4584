"""Stops: rows of a flow's ledger that hold until somebody releases them with a reason.

Every way to stop a flow from outside writes them here: verbs, the file, the signal, the desk, the console.
"""

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from pipeline.checking import load
from pipeline.engine import LEDGER_FILE, market_of
from pipeline.errors import InputError, MoonlightError, PlanError
from pipeline.ledger import Ledger, holding
from pipeline.live import wall
from pipeline.plan import Settings
from pipeline.tables import nearest
from pipeline.times import local_text
from pipeline.toml_text import read
from pipeline.values import Latch

EVERYBODY = ""
KILL_FILE = "KILL"
"""A file of this name in the flow's folder is a stop for everybody; what it says is the reason."""
LONGEST = 200
"""Letters of a reason that are kept."""
WORDLESS = "without a word"
UNSHOWN = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class Stops:
    """The stops in a flow's ledger, which may be in use by a running flow."""

    ledger: Ledger
    zone: ZoneInfo
    accounts: tuple[str, ...]
    now: int
    """The time of the flow's market: a simulated one has its own."""

    @property
    def held(self) -> Mapping[str, Latch]:
        return {latch.scope: latch for latch in holding(self.ledger.latches())}

    def stop(self, scope: str, reason: str, by: str) -> Sequence[Latch]:
        """Stop an account or everybody; nothing changes when that holds already."""
        self.check(scope)
        if scope in self.held:
            return ()
        latch = Latch(scope, True, self.now, worded(reason), by)
        self.ledger.latch(latch)
        return (latch,)

    def release(self, scope: str, reason: str, by: str) -> Sequence[Latch]:
        """Release what holds of an account, or of everybody all that holds; gives the stops that held."""
        if not reason.strip():
            raise InputError("nothing is released without a reason; say why it may go on")
        self.check(scope)
        held = self.held
        if scope not in held and scope != EVERYBODY and EVERYBODY in held:
            everybody = self.told(held[EVERYBODY])
            raise MoonlightError(
                f"{scope} has no stop of its own, but {everybody}; resume everything: leave {scope} out"
            )
        released = list(held.values()) if scope == EVERYBODY else [held[scope]] if scope in held else []
        for latch in released:
            self.ledger.latch(Latch(latch.scope, False, max(self.now, latch.at), worded(reason), by))
        return released

    def told(self, latch: Latch) -> str:
        since = local_text(latch.at, self.zone)
        return f"{whom(latch.scope)} stopped since {since} ({self.zone.key}) by {latch.by}: {latch.reason}"

    def check(self, scope: str) -> None:
        if scope != EVERYBODY and scope not in self.accounts and scope not in self.held:
            raise InputError(f"there is no account {scope!r}; {nearest(scope, self.accounts)}")


@contextmanager
def stops_of(flow: Path) -> Generator[Stops]:
    """The stops of the flow in a file. Mistakes in the rest of the file keep nobody from stopping it."""
    source = read(flow)
    settings = _settings(source.data.get("moonlight"))
    os.umask(0o077)
    folder = flow.resolve().parent / settings.data
    with Ledger(folder / LEDGER_FILE) as ledger:
        try:
            now = market_of(load(flow), wall(), ledger.last_moment())[0]
        except PlanError:
            now = wall()
        accounts = source.data.get("accounts")
        names = tuple(cast("dict[str, Any]", accounts)) if isinstance(accounts, dict) else ()
        stops = Stops(ledger, ZoneInfo(settings.display_timezone), names, now)
        take_file(stops, folder)
        yield stops


def folder_in(flow: Path) -> Path:
    """The folder of the flow in a file, whatever else is wrong in it; where its text is no TOML, the usual one."""
    try:
        data = _settings(read(flow).data.get("moonlight")).data
    except PlanError:
        if not flow.is_file():
            raise
        data = Settings().data
    return flow.resolve().parent / data


def put_file(flow: Path, reason: str) -> Path:
    """Stop everybody by the file, where the ledger takes no stop; the path of the file."""
    folder = flow.resolve().parent / _settings(read(flow).data.get("moonlight")).data
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / KILL_FILE
    path.touch()
    with suppress(OSError):  # on a full disk it is empty, and stops all the same
        path.write_text(worded(reason), encoding="utf-8")
    return path


def whom(scope: str) -> str:
    return f"{scope} is" if scope else "everything is"


def worded(reason: str) -> str:
    """A reason on one line of a bearable length that steers no terminal; there is always one."""
    line = " ".join(reason.split())
    line = "".join(letter if letter.isprintable() else UNSHOWN for letter in line)
    return (line if len(line) <= LONGEST else line[: LONGEST - 1] + "…") or f"by hand, {WORDLESS}"


# --- the file ---------------------------------------------------------------------------------------------------------


def asked_by_file(folder: Path) -> str | None:
    """The reason in the file that stops everybody; None while there is none."""
    path = folder / KILL_FILE
    try:
        with path.open("rb") as file:
            return file.read(4 * LONGEST).decode("utf-8", "replace").strip() or WORDLESS
    except FileNotFoundError:
        return None if not path.is_symlink() else "a link that leads nowhere"
    except OSError as failure:
        return f"it cannot be read ({failure.strerror})"


def take_file(stops: Stops, folder: Path) -> Sequence[Latch]:
    """Stop everybody when the file says so, and take it away: from then on the ledger holds the stop."""
    reason = asked_by_file(folder)
    if reason is None:
        return ()
    made = stops.stop(EVERYBODY, f"the file {KILL_FILE}: {reason}", "file")
    remove_file(folder)
    return made


def remove_file(folder: Path) -> None:
    """Where it cannot be taken away it goes on stopping, whatever is released meanwhile."""
    with suppress(OSError):
        (folder / KILL_FILE).unlink()


def _settings(table: Any) -> Settings:
    """Where the ledger is, and in which zone times are shown; what is wrong there is left out."""
    keys = cast("dict[str, Any]", table) if isinstance(table, dict) else {}
    said = {name: keys[name] for name in ("data", "display_timezone") if isinstance(keys.get(name), str)}
    try:
        return Settings(**said)
    except ValueError:
        return Settings(**{name: value for name, value in said.items() if name == "data"})

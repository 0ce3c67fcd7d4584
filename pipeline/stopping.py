"""Stops: rows of a flow's ledger that hold until somebody releases them with a reason.

Every way to stop a flow from outside writes them here: verbs, the file, the signal, the desk, the console.
"""

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from pipeline.checking import load
from pipeline.engine import LEDGER_FILE, market_of
from pipeline.errors import InputError, MoonlightError, PlanError
from pipeline.kill_file import KILL_FILE, asked_by_file, remove_file, worded
from pipeline.ledger import Ledger, holding
from pipeline.live import wall
from pipeline.plan import Settings
from pipeline.states import EVERYBODY, Latch
from pipeline.tables import nearest
from pipeline.times import local_text
from pipeline.toml_text import read


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


def whom(scope: str) -> str:
    return f"{scope} is" if scope else "everything is"


# --- the file ---------------------------------------------------------------------------------------------------------


def take_file(stops: Stops, folder: Path) -> Sequence[Latch]:
    """Stop everybody when the file says so, and take it away: from then on the ledger holds the stop."""
    reason = asked_by_file(folder)
    if reason is None:
        return ()
    made = stops.stop(EVERYBODY, f"the file {KILL_FILE}: {reason}", "file")
    remove_file(folder)
    return made


def _settings(table: Any) -> Settings:
    """Where the ledger is, and in which zone times are shown; what is wrong there is left out."""
    keys = cast("dict[str, Any]", table) if isinstance(table, dict) else {}
    said = {name: keys[name] for name in ("data", "display_timezone") if isinstance(keys.get(name), str)}
    try:
        return Settings(**said)
    except ValueError:
        return Settings(**{name: value for name, value in said.items() if name == "data"})

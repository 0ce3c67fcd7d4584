"""What `kill` and `resume` have in common: the flow's ledger, its stops, and the words for them."""

import argparse
import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from pipeline.checking import load
from pipeline.engine import LEDGER_FILE, market_of
from pipeline.errors import InputError, PlanError
from pipeline.ledger import Ledger, holding
from pipeline.live import wall
from pipeline.plan import Settings
from pipeline.tables import nearest
from pipeline.times import local_text
from pipeline.toml_text import read
from pipeline.values import Latch
from pipeline.verbs.common import DEFAULT, json_option, say_json

EVERYBODY = ""


def options_of_stops(parser: argparse.ArgumentParser, reason: str) -> None:
    parser.add_argument(
        "scope", nargs="?", default=EVERYBODY, metavar="ACCOUNT", help="one account; left out: everything"
    )
    parser.add_argument("--reason", default="", metavar="TEXT", help=reason)
    parser.add_argument("--flow", type=Path, default=Path(DEFAULT), metavar="FLOW", help=f"the flow file ({DEFAULT})")
    json_option(parser)


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

    def check(self, scope: str) -> None:
        if scope != EVERYBODY and scope not in self.accounts and scope not in self.held:
            raise InputError(f"there is no account {scope!r}; {nearest(scope, self.accounts)}")

    def told(self, latch: Latch) -> str:
        since = local_text(latch.at, self.zone)
        return f"{whom(latch.scope)} stopped since {since} ({self.zone.key}) by {latch.by}: {latch.reason}"

    def say(self, changed: Sequence[Latch], sentences: Sequence[str], *, as_json: bool) -> None:
        """What was done, and what holds now."""
        held = self.held
        if as_json:
            say_json(
                {"changed": [_facts(latch) for latch in changed], "stopped": [_facts(each) for each in held.values()]}
            )
            return
        lines = [*sentences, *(self.told(latch) for latch in held.values())]
        print("\n".join(lines if held else [*lines, "nothing is stopped"]))


@contextmanager
def stops_of(flow: Path) -> Generator[Stops]:
    """The stops of the flow in a file. Mistakes in the rest of the file keep nobody from stopping it."""
    source = read(flow)
    settings = _settings(source.data.get("moonlight"))
    os.umask(0o077)
    with Ledger(flow.resolve().parent / settings.data / LEDGER_FILE) as ledger:
        try:
            now = market_of(load(flow), wall(), ledger.last_moment())[0]
        except PlanError:
            now = wall()
        accounts = source.data.get("accounts")
        names = tuple(cast("dict[str, Any]", accounts)) if isinstance(accounts, dict) else ()
        yield Stops(ledger, ZoneInfo(settings.display_timezone), names, now)


def whom(scope: str) -> str:
    return f"{scope} is" if scope else "everything is"


def _settings(table: Any) -> Settings:
    """Where the ledger is, and in which zone times are shown; what is wrong there is left out."""
    keys = cast("dict[str, Any]", table) if isinstance(table, dict) else {}
    said = {name: keys[name] for name in ("data", "display_timezone") if isinstance(keys.get(name), str)}
    try:
        return Settings(**said)
    except ValueError:
        return Settings(**{name: value for name, value in said.items() if name == "data"})


def _facts(latch: Latch) -> dict[str, Any]:
    return {name: getattr(latch, name) for name in ("scope", "on", "at", "reason", "by")}

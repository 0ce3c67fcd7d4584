"""What `kill`, `disarm` and `resume` have in common: their options, what they say, and the stop without a ledger."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.kill_file import put_file
from pipeline.ledger.failures import LedgerError
from pipeline.stopping import Stops
from pipeline.values import Latch
from pipeline.verbs.common import DEFAULT, json_option, say_json


def options_of_stops(parser: argparse.ArgumentParser, reason: str) -> None:
    parser.add_argument("scope", nargs="?", metavar="ACCOUNT", help="one account; left out: everything")
    parser.add_argument("--reason", default="", metavar="TEXT", help=reason)
    flow_of_account(parser)
    json_option(parser)


def flow_of_account(parser: argparse.ArgumentParser) -> None:
    """The flow file of verbs whose first word is an account."""
    parser.add_argument("--flow", type=Path, default=Path(DEFAULT), metavar="FLOW", help=f"the flow file ({DEFAULT})")


def say_stops(stops: Stops, changed: Sequence[Latch], sentences: Sequence[str], *, as_json: bool) -> None:
    """What was done, and what holds now."""
    held = stops.held
    if as_json:
        say_json(
            {"changed": [facts_of(latch) for latch in changed], "stopped": [facts_of(each) for each in held.values()]}
        )
        return
    lines = [*sentences, *(stops.told(latch) for latch in held.values())]
    print("\n".join(lines if held else [*lines, "nothing is stopped"]))


def stopped_by_file(flow: Path, reason: str, failure: Exception) -> LedgerError:
    """Stop everybody without the ledger, which has failed; what there is to say about it."""
    path = put_file(flow, reason)
    heard = "an engine that runs hears of it within a second, and the next start does"
    return LedgerError(f"{failure}. Everything is stopped by the file {path} instead: {heard}")


def facts_of(latch: Latch) -> dict[str, Any]:
    return {name: getattr(latch, name) for name in ("scope", "on", "at", "reason", "by")}

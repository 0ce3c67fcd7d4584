"""What several verbs say and ask in the same words."""

import argparse
import getpass
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

DEFAULT = "flows.toml"
AMOUNT = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{1,8})?")


def flow_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "flow", nargs="?", default=DEFAULT, type=Path, metavar="FLOW", help=f"the flow file ({DEFAULT})"
    )


def json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def amount_of(text: str) -> Decimal | None:
    """An amount as a person writes it: digits, a point, a sign; None for anything else."""
    return Decimal(text) if AMOUNT.fullmatch(text) else None


def say_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, default=str))


def whoami() -> str:
    """Who asks, as the system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, ImportError):  # an account without a name, as in a container
        return "somebody without a name"

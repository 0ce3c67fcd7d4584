"""The verbs of the command line, one a file: its docstring is the help, `options` its options, `run` what it does."""

import argparse
from importlib import import_module
from typing import Protocol, cast

MODULES = {"calendar": "market_hours", "list": "list_parts"}
"""Verbs whose file cannot have their name."""

NAMES = (
    "init",
    "run",
    "console",
    "validate",
    "plan",
    "graph",
    "list",
    "schema",
    "test",
    "replay",
    "calibrate",
    "worth",
    "verify",
    "sim",
    "why",
    "tap",
    "logs",
    "report",
    "export",
    "backup",
    "restore",
    "prune",
    "start",
    "stop",
    "keys",
    "kill",
    "resume",
    "close",
    "arm",
    "disarm",
    "reconcile",
    "verdict",
    "audit",
    "calendar",
    "data",
    "venue",
    "accounts",
    "api",
    "alerts",
    "bundle",
    "service",
    "doctor",
)


class Verb(Protocol):
    """A module that is a verb."""

    __doc__: str | None

    def options(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, options: argparse.Namespace) -> int: ...


def verb(name: str) -> Verb:
    """Imported when it is asked for: a screen's worth of libraries is not loaded to check a file."""
    return cast("Verb", import_module(f"{__name__}.{MODULES.get(name, name)}"))

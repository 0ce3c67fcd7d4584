"""The verbs of the command line, one a file: its docstring is the help, `options` its options, `run` what it does."""

import argparse
from collections.abc import Mapping
from typing import Protocol

from pipeline.verbs import (
    console,
    doctor,
    graph,
    init,
    list_parts,
    replay,
    run,
    schema,
    test,
    validate,
    verify,
    why,
)


class Verb(Protocol):
    """A module that is a verb."""

    __doc__: str | None

    def options(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, options: argparse.Namespace) -> int: ...


VERBS: Mapping[str, Verb] = {
    "init": init,
    "run": run,
    "console": console,
    "validate": validate,
    "graph": graph,
    "list": list_parts,
    "schema": schema,
    "test": test,
    "replay": replay,
    "verify": verify,
    "why": why,
    "doctor": doctor,
}

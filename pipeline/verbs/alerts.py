"""See by which ways alerts leave and what holds now, try these ways, and store their secrets.

examples:
  python -m pipeline alerts
  python -m pipeline alerts list flows.toml --json
  python -m pipeline alerts test --route phone
  python -m pipeline alerts secret phone

A way out is a table [alerts.NAME] of the flow file; docs/alerts.md has every alert and every key. `alerts VERB --help`
tells more of each.
"""

import argparse

from pipeline.verbs.several import add_verbs, run_one

NAMES = ("list", "test", "secret")


def options(parser: argparse.ArgumentParser) -> None:
    add_verbs(parser, __name__, NAMES, usual="list")


def run(options: argparse.Namespace) -> int:
    return run_one(options)

"""A practice venue of one's own on this machine: a broker without money that speaks the protocols of real ones.

examples:
  python -m pipeline venue
  python -m pipeline venue serve --speed 60
  python -m pipeline venue serve venue.toml --port 8778
  python -m pipeline venue record demo-1
  python -m pipeline venue conform --connector deriv

Without a verb it serves; options stand behind a verb. `venue VERB --help` tells more of each.
"""

import argparse

from pipeline.verbs.several import add_verbs, run_one

NAMES = ("serve", "record", "conform")
USUAL = "serve"


def options(parser: argparse.ArgumentParser) -> None:
    add_verbs(parser, __name__, NAMES, USUAL)


def run(options: argparse.Namespace) -> int:
    return run_one(options)

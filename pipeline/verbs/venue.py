"""A practice venue of one's own on this machine: a broker without money that speaks the protocols of real ones.

examples:
  python -m pipeline venue
  python -m pipeline venue serve --speed 60
  python -m pipeline venue serve venue.toml --port 8778
  python -m pipeline venue record demo-1
  python -m pipeline venue conform --connector deriv

Without a verb it serves. `venue VERB --help` tells more of each.
"""

import argparse
from importlib import import_module
from typing import cast

from pipeline.verbs import Verb

NAMES = ("serve", "record", "conform")
USUAL = "serve"


def options(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="of_venue", metavar="VERB")
    for name in NAMES:
        module = cast("Verb", import_module(f"{__name__}_{name}"))
        summary, _, rest = (module.__doc__ or "").partition("\n\n")
        of_verb = verbs.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=rest.strip() or None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.options(of_verb)
        of_verb.set_defaults(run_of_venue=module.run)
        if name == USUAL:
            parser.set_defaults(**vars(of_verb.parse_args([])))


def run(options: argparse.Namespace) -> int:
    return int(options.run_of_venue(options))

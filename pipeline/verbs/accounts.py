"""Store what accounts log in with, look at it, try it, and forget it.

examples:
  python -m pipeline accounts list
  python -m pipeline accounts add demo-1
  python -m pipeline accounts test demo-1
  python -m pipeline accounts login demo-1 --otp
  python -m pipeline accounts remove demo-1

Secrets are asked for at the terminal, or read from the standard input with --stdin; they are never part of a command,
where the shell and other programs see them. They are kept in the keyring of the system, or in an encrypted file with
`--vault`. `accounts VERB --help` tells more of each.
"""

import argparse
from importlib import import_module
from typing import cast

from pipeline.verbs import Verb

NAMES = ("add", "list", "login", "remove", "test")


def options(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="of_accounts", metavar="VERB", required=True)
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
        of_verb.set_defaults(run_of_accounts=module.run)


def run(options: argparse.Namespace) -> int:
    return int(options.run_of_accounts(options))

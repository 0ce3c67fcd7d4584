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

from pipeline.verbs.several import add_verbs, run_one

NAMES = ("add", "list", "login", "remove", "test")


def options(parser: argparse.ArgumentParser) -> None:
    add_verbs(parser, __name__, NAMES)


def run(options: argparse.Namespace) -> int:
    return run_one(options)

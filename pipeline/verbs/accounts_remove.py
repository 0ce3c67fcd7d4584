"""Forget what an account logs in with. It cannot be undone.

example:
  python -m pipeline accounts remove demo-1

At the venue nothing changes: take a token back there, too, if it may be known to others.
"""

import argparse
import sys

from pipeline.errors import InputError, MoonlightError, PlanError
from pipeline.keys.keeping import forget
from pipeline.keys.passphrases import at_terminal
from pipeline.keys.profiles import profile_of
from pipeline.verbs.accounts_common import is_running, place_of
from pipeline.verbs.planned import plan_of
from pipeline.verbs.stops import flow_of_account


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("account", metavar="ACCOUNT", help="whose login")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    flow_of_account(parser)


def run(options: argparse.Namespace) -> int:
    try:
        plan = plan_of(options)
    except PlanError:
        plan = None  # whatever is wrong with the flow file, a secret can be forgotten
    base = options.flow.resolve().parent if plan is None else plan.base
    profile = profile_of(base, options.account)
    if profile is None:
        raise InputError(f"account {options.account} has no login; `accounts list` shows who has one")
    if not options.yes:
        _confirm(options.account, place_of(profile.kept))
    forget(base, options.account)
    print(f"{options.account}: its login is forgotten; at the venue nothing changed")
    if plan is not None and is_running(plan):
        print("an engine runs on this flow and stays connected until it ends; `kill` stops its orders")
    return 0


def _confirm(account: str, place: str) -> None:
    if not at_terminal():
        raise InputError("there is no terminal to ask at; say --yes if it is to be forgotten for good")
    sys.stderr.write(f"the login of {account} is taken out of {place} for good; type yes: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != "yes":
        raise MoonlightError("nothing was removed")

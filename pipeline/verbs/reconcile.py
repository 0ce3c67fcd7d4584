"""Hold what the venues list against the ledger, and print a certificate for each account: is everything accounted for?

examples:
  python -m pipeline reconcile
  python -m pipeline reconcile flows.toml --account demo-1
  python -m pipeline reconcile --explain 50.00 --account demo-1 --reason "a deposit by hand" --by Ada

With an engine running it is asked for a pass at once; otherwise the venues and the executor run alone, until all that
can be known is known. A certificate says what the account held, what came and went, and what it holds; whatever is not
accounted for is named. Exit code 1 when something is not, or when there is no certificate. `--explain AMOUNT` signs for
money that came (or went: below 0) and that the venue does not tell of; it wants a reason and no engine running.
"""

import argparse
import asyncio
import sys
from collections.abc import Collection, Sequence
from zoneinfo import ZoneInfo

from pipeline.asking import alone, asked, certified
from pipeline.certainty.certificates import facts, words
from pipeline.engine import LEDGER_FILE, market_of
from pipeline.errors import InputError
from pipeline.evidence import Cash, Request
from pipeline.ledger import Ledger
from pipeline.ledger.proofs import Proofs
from pipeline.live import LOCK_FILE, wall
from pipeline.locking import locked
from pipeline.plan import Plan, lists
from pipeline.tables import nearest
from pipeline.verbs.accounts_common import unlock
from pipeline.verbs.common import amount_of, flow_option, json_option, say_json, whoami
from pipeline.verbs.planned import plan_of

PATIENCE = 20.0
"""Seconds in which a venue has to list."""


def options(parser: argparse.ArgumentParser) -> None:
    flow_option(parser)
    parser.add_argument("--account", help="only this account")
    parser.add_argument("--explain", metavar="AMOUNT", help="sign for money the venue does not tell of")
    parser.add_argument("--reason", default="", metavar="TEXT", help="what it was, with --explain")
    parser.add_argument("--by", default="", metavar="NAME", help="who signs (whoever is logged in)")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    if options.explain is None and (options.reason or options.by):
        raise InputError("--reason and --by are of money that --explain signs for; give its amount, or leave them out")
    plan = plan_of(options)
    accounts = _accounts(plan, options.account)
    path = plan.folder / LEDGER_FILE
    with locked(plan.folder / LOCK_FILE, 0o600) as ours:
        with Ledger(path) as ledger:
            now = market_of(plan, wall(), ledger.last_moment())[0]
            if options.explain is not None:
                ledger.note(_explained(options, now, ours=ours))
        with Proofs(path) as proofs:
            before = proofs.numbers()
        way = alone if ours else asked
        if ours:
            unlock(plan)
        request = Request("reconcile", options.account or "", now, whoami())
        asyncio.run(way(plan, request, accounts, PATIENCE, _Progress(as_json=options.json)))
    found = certified(plan, accounts, before)
    if options.json:
        say_json({name: None if made is None else facts(made) for name, made in found.items()})
    else:
        zone = ZoneInfo(plan.settings.display_timezone)
        for name, made in found.items():
            if made is None:
                print(f"{name}: no certificate; its venue did not list its contracts within {PATIENCE:.0f} s")
            else:
                print("\n".join(words(made, plan.accounts[name].currency, zone, color=sys.stdout.isatty())))
    return 0 if all(made is not None and made.sound for made in found.values()) else 1


def _accounts(plan: Plan, only: str | None) -> Sequence[str]:
    """Those that were asked for, as far as their venues list."""
    if only is not None and only not in plan.accounts:
        raise InputError(f"there is no account {only!r}; {nearest(only, plan.accounts)}")
    wanted = [only] if only is not None else list(plan.accounts)
    listing = [name for name in wanted if lists(plan, name)]
    if not listing:
        whose = " and ".join(sorted({plan.accounts[name].venue for name in wanted})) or "no venue"
        raise InputError(f"{whose} cannot list contracts, so nothing can be certified; look at the venue's own pages")
    for name in wanted:
        if name not in listing:
            print(f"{name}: {plan.accounts[name].venue} cannot list its contracts", file=sys.stderr)
    return listing


def _explained(options: argparse.Namespace, now: int, *, ours: bool) -> Cash:
    """Money that somebody signs for."""
    if options.account is None:
        raise InputError("--explain is about one account; name it with --account")
    if not options.reason.strip():
        raise InputError("nothing is signed without a reason; say with --reason what the money was")
    if not ours:
        raise InputError("an engine runs on this flow, which would not hear of it; end it first")
    amount = amount_of(options.explain)
    if not amount:
        raise InputError(f"--explain {options.explain} is no amount; write one like 50.00, or -12.50 for what went")
    by = options.by.strip() or whoami()
    return Cash(f"signed {now}", now, amount, f"signed by {by}: {options.reason.strip()}", options.account)


class _Progress:
    """A line that changes on a terminal, one line elsewhere."""

    def __init__(self, *, as_json: bool) -> None:
        self._silent = as_json
        self._last: list[str] = []

    def __call__(self, left: Collection[str]) -> None:
        names = sorted(left)
        if not self._silent and names != self._last:
            print(f"asking the venues of {', '.join(names)} …", file=sys.stderr, flush=True)
        self._last = names

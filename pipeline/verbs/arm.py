"""Allow an account to trade with real money, for twelve hours at the most; without an account: which ones are armed.

examples:
  python -m pipeline arm
  python -m pipeline arm live-7
  python -m pipeline arm live-7 --for 2h
  python -m pipeline arm rehearsal-1 --yes rehearsal-1

Shows what there is to know first: on whose word one may trade there, the limits, the last certificate, what the record
proves, and what holds the account up. It is refused while an order's fate is unknown, and without a certificate that
adds up and is younger than a day. Then it asks for the account's name, typed as it is written. Somebody sits at a
terminal when real money is armed: no option goes round that. `--yes` does where nobody's money moves: at the practice
venue. It ends by itself; `disarm` ends it at once.
"""

import argparse
import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from pipeline.arming import LONGEST, Armings, Case, armed, case_of, facts_of
from pipeline.engine import LEDGER_FILE, market_of
from pipeline.errors import InputError, MoonlightError
from pipeline.ledger import Ledger
from pipeline.ledger.reading import Reader
from pipeline.live import wall
from pipeline.plan import Plan
from pipeline.times import duration, local_text
from pipeline.values import Arming, Order
from pipeline.verbs.common import json_option, say_json, whoami
from pipeline.verbs.planned import plan_of
from pipeline.verbs.stops import flow_of_account


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("account", nargs="?", metavar="ACCOUNT", help="left out: show which accounts are armed")
    parser.add_argument("--for", dest="length", default="12h", metavar="SPAN", help="how long: 30m, 12h at the most")
    parser.add_argument("--yes", default="", metavar="ACCOUNT", help="its name again; only where nobody's money moves")
    flow_of_account(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    plan = plan_of(options)
    os.umask(0o077)
    if options.account is None:
        _say_armed(plan, as_json=options.json)
        return 0
    length = _length(options.length)
    with _looked_at(plan, options.account) as (_, now, case):
        print("\n".join(_lines(case)), file=sys.stderr if options.json else sys.stdout)
        armed(case, now, length, "")
    _confirm(case, options.length, options.yes)
    with _looked_at(plan, options.account) as (ledger, now, case):  # whoever typed may have taken their time
        arming = armed(case, now, length, whoami())
        ledger.arm(arming, msgspec.json.encode(case.sheet()).decode())
    if options.json:
        say_json(facts_of(arming))
    else:
        print(f"{case.account} is ARMED until {_until(plan, arming)}; `disarm {case.account}` ends it")
    return 0


@contextmanager
def _looked_at(plan: Plan, account: str) -> Generator[tuple[Ledger, int, Case]]:
    """The ledger, the moment, and what is to be shown of the account then."""
    with Ledger(plan.folder / LEDGER_FILE) as ledger:
        now = market_of(plan, wall(), ledger.last_moment())[0]
        yield ledger, now, case_of(plan, account, ledger.past(now), _orders(ledger.path), now)


def _orders(path: Path) -> Sequence[Order]:
    reader = Reader(path)
    try:
        return reader.orders()
    finally:
        reader.close()


def _confirm(case: Case, length: str, yes: str) -> None:
    """Have the account's name typed; whoever is no terminal may only say it where nobody's money moves."""
    if yes and case.permission.rehearsal:
        typed = yes
    elif not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InputError(f"real money is armed by somebody at a terminal; type `arm {case.account}` in one")
    else:
        sys.stderr.write(f"type the account's name to arm it for {length}: ")
        sys.stderr.flush()
        typed = sys.stdin.readline().removesuffix("\n")
    if typed != case.account:
        raise MoonlightError(f"{typed!r} is not {case.account!r}: nothing was armed")


def _lines(case: Case) -> list[str]:
    sheet = case.sheet()
    width = max(map(len, sheet))
    return [
        f"{heading if number == 0 else '':<{width}}  {line}"
        for heading, lines in sheet.items()
        for number, line in enumerate(lines)
    ]


def _say_armed(plan: Plan, *, as_json: bool) -> None:
    with Ledger(plan.folder / LEDGER_FILE) as ledger:
        now = market_of(plan, wall(), ledger.last_moment())[0]
        armings = Armings(ledger.past(now).armings)
    live = {name: armings.live(name, now) for name, each in plan.accounts.items() if each.money == "real"}
    if as_json:
        say_json({"at": now, "accounts": {name: facts_of(arming) for name, arming in live.items()}})
        return
    for name, arming in live.items():
        print(f"{name}: " + ("not armed" if arming is None else f"ARMED until {_until(plan, arming)} by {arming.by}"))
    if not live:
        print(f"{plan.name}: no account plays with real money")


def _until(plan: Plan, arming: Arming) -> str:
    zone = ZoneInfo(plan.settings.display_timezone)
    return f"{local_text(arming.until, zone)} ({zone.key})"


def _length(text: str) -> int:
    try:
        length = duration(text)
    except ValueError as wrong:
        raise InputError(str(wrong)) from None
    if length > LONGEST:
        raise InputError(f"--for {text} is longer than 12h; arm it again when they are over")
    return length

"""Sign for what became of an order that nobody knows the fate of; without an order: what was signed so far.

examples:
  python -m pipeline verdict
  python -m pipeline verdict demo-1:EURUSD:1m:1767608100000 absent --reason "the broker's support found none" --by Ada
  python -m pipeline verdict demo-1:EURUSD:1m:1767608100000 win --profit 0.87 --reason "statement of 5 January" --by Ada

Only an order that is UNKNOWN or UNKNOWN_RESULT can be signed for: of all others the venue told. What is known of it is
shown first; then its name is to be typed again (in scripts: --yes ORDER). A running engine hears of it within a second,
otherwise it holds from the next start on. Each signature covers the one before it: exit code 1 when one of them does
not fit its row.
"""

import argparse
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from pipeline.certainty.signing import forged
from pipeline.engine import LEDGER_FILE, market_of
from pipeline.errors import InputError, MoonlightError
from pipeline.evidence import Verdict
from pipeline.gains import profit_of
from pipeline.ledger import Ledger
from pipeline.ledger.proofs import Proofs
from pipeline.ledger.reading import Reader
from pipeline.live import wall
from pipeline.states import UNSURE
from pipeline.tables import nearest
from pipeline.times import local_text
from pipeline.values import Order
from pipeline.verbs.common import DEFAULT, amount_of, json_option, say_json, whoami
from pipeline.verbs.planned import plan_of

Outcome = Literal["absent", "win", "lose", "push", "canceled"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
SIGNS = {"win": "above 0", "lose": "below 0"}
HIGHEST_PAYOUT = 10
"""More than ten times its stake no contract pays; whoever signs for more has slipped."""


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("order", nargs="?", metavar="ORDER", help="its name; left out: the verdicts so far")
    parser.add_argument("outcome", nargs="?", metavar="OUTCOME", help=f"what became of it: {', '.join(OUTCOMES)}")
    parser.add_argument("--profit", metavar="AMOUNT", help="what the account gained (what stake and payout say)")
    parser.add_argument("--reason", default="", metavar="TEXT", help="what the verdict rests on")
    parser.add_argument("--by", default="", metavar="NAME", help="who signs (whoever is logged in)")
    parser.add_argument("--yes", default="", metavar="ORDER", help="the order's name again, for scripts")
    parser.add_argument("--flow", type=Path, default=Path(DEFAULT), metavar="FLOW", help=f"the flow file ({DEFAULT})")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    plan = plan_of(options)
    zone = ZoneInfo(plan.settings.display_timezone)
    path = plan.folder / LEDGER_FILE
    if options.order is None:
        return _so_far(path, zone, as_json=options.json)
    order = _order(path, options.order)
    outcome = _outcome(options.outcome, order)
    profit = _profit(options.profit, outcome, order)
    if not options.reason.strip():
        raise InputError("nothing is signed without a reason; say with --reason what it rests on")
    print("\n".join(_known(path, order, zone)), file=sys.stderr if options.json else sys.stdout)
    _confirm(order, f"{outcome} {profit:+}", options.yes)
    with Ledger(path) as ledger:
        at = max(market_of(plan, wall(), ledger.last_moment())[0], order.at)
        verdict = Verdict(order.order, outcome, profit, at, options.by.strip() or whoami(), options.reason.strip())
        ledger.verdict(verdict)
    with Proofs(path) as proofs:
        signed = proofs.verdicts()[-1]
    if options.json:
        say_json(_facts(*signed))
    else:
        print(_said(*signed, zone))
    return 0


def _so_far(path: Path, zone: ZoneInfo, *, as_json: bool) -> int:
    with Proofs(path) as proofs:
        signed = proofs.verdicts()
    wrong = forged(signed)
    if as_json:
        say_json({"verdicts": [_facts(*each) for each in signed], "whole": wrong is None})
    elif not signed:
        print("nobody has signed for an order so far")
    else:
        print("\n".join(_said(*each, zone) for each in signed))
        print("every signature fits its row and the one before it" if wrong is None else _forged(wrong))
    return 0 if wrong is None else 1


def _order(path: Path, name: str) -> Order:
    reader = Reader(path)
    try:
        order = reader.order(name)
        unsure = [each.order for each in reader.orders() if each.state in UNSURE] if order is None else []
    finally:
        reader.close()
    if order is None:
        mend = nearest(name, unsure) if unsure else "no order is UNKNOWN"
        raise InputError(f"the ledger has no order {name!r}; {mend}")
    if order.state not in UNSURE:
        told = f"{order.result} {order.profit:+}" if order.result else order.reason or order.cause
        what = f"{order.state}{f' ({told})' if told else ''}"
        raise InputError(f"order {name} is {what}; only UNKNOWN and UNKNOWN_RESULT can be signed for")
    return order


def _outcome(given: str | None, order: Order) -> Outcome:
    if given not in OUTCOMES:
        asked = f"{given!r} is no outcome" if given else "say what became of it"
        raise InputError(f"{asked}; write {', '.join(OUTCOMES[:-1])} or {OUTCOMES[-1]}")
    if given == "absent" and order.state == "UNKNOWN_RESULT":
        raise InputError(f"order {order.order} has contract {order.contract}, so it is not absent; say how it ended")
    return given


def _profit(given: str | None, outcome: Outcome, order: Order) -> Decimal:
    agreed = profit_of("canceled" if outcome == "absent" else outcome, order.stake, order.payout)
    if given is None:
        return agreed
    profit = amount_of(given)
    fits = profit is not None and {"win": profit > 0, "lose": profit < 0}.get(outcome, profit == 0)
    if profit is None or not fits:
        raise InputError(f"--profit {given} is none of {outcome}; write an amount {SIGNS.get(outcome, 'of 0')}")
    if not -order.stake <= profit <= order.stake * HIGHEST_PAYOUT:
        most = f"between -{order.stake} and {order.stake * HIGHEST_PAYOUT}"
        raise InputError(f"--profit {given} cannot be of a stake of {order.stake}; write an amount {most}")
    return profit


def _known(path: Path, order: Order, zone: ZoneInfo) -> Iterator[str]:
    """All there is of an order, for whoever is about to sign."""
    side = f"{order.stake} {order.direction} {order.product} at a payout of {order.payout:g}"
    yield f"order {order.order}: {side}, {order.state}"
    yield f"  the venue knows it as {order.contract or 'nobody knows'}, asked for as {order.request or 'nothing'}"
    with Proofs(path) as proofs:
        for event in proofs.events(order.order):
            why = f": {event.reason}" if event.reason else ""
            yield f"  {local_text(event.at, zone)} {event.state}{why}"
        for dispute in proofs.disputes(order.order):
            yield f"  {local_text(dispute.at, zone)} the venue contradicts itself: was {dispute.was}, is {dispute.now}"
        until = proofs.reconciled().get(order.account)
        for verdict, _ in proofs.verdicts():
            if verdict.order == order.order:
                yield f"  signed already: {verdict.outcome} {verdict.profit:+} by {verdict.by}: {verdict.reason}"
    if until is None:
        yield f"  what the venue lists for {order.account} was never gone through to its end"
    else:
        accounted = f"is accounted for up to {local_text(until, zone)} ({zone.key})"
        yield f"  what the venue lists for {order.account} {accounted}"


def _confirm(order: Order, what: str, yes: str) -> None:
    typed = yes
    if not yes:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise InputError(f"a verdict is signed at a terminal, or with --yes {order.order} in a script")
        sys.stderr.write(f"type the order's name to sign that it is {what}: ")
        sys.stderr.flush()
        typed = sys.stdin.readline().removesuffix("\n")
    if typed != order.order:
        raise MoonlightError(f"{typed!r} is not {order.order!r}: nothing was signed")


def _said(verdict: Verdict, signature: str, zone: ZoneInfo) -> str:
    at = local_text(verdict.at, zone)
    what = f"{verdict.outcome} {verdict.profit:+}"
    return f"{at} ({zone.key}) {verdict.order}: {what}, signed by {verdict.by} [{signature[:12]}]: {verdict.reason}"


def _forged(verdict: Verdict) -> str:
    return f"the signature of {verdict.order} by {verdict.by} does not fit: a row was changed, put in or taken out"


def _facts(verdict: Verdict, signature: str) -> dict[str, object]:
    names = ("order", "outcome", "at", "by", "reason")
    return {**{name: getattr(verdict, name) for name in names}, "profit": str(verdict.profit), "signature": signature}

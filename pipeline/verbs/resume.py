"""Release what `kill` or a limit of a guard has stopped: everything, or one account. A reason is needed.

examples:
  python -m pipeline resume --reason "the spread is back to normal"
  python -m pipeline resume demo-1 --reason "drawdown looked at, stakes halved"
"""

import argparse

from pipeline.errors import InputError, MoonlightError
from pipeline.values import Latch
from pipeline.verbs.stops import EVERYBODY, Stops, options_of_stops, stops_of


def options(parser: argparse.ArgumentParser) -> None:
    options_of_stops(parser, "why it may go on; needed")


def run(options: argparse.Namespace) -> int:
    reason = options.reason.strip()
    if not reason:
        raise InputError('nothing is released without a reason; say it with --reason "…"')
    with stops_of(options.flow) as stops:
        stops.check(options.scope)
        released = _released(stops, options.scope)
        for latch in released:
            stops.ledger.latch(Latch(latch.scope, False, max(stops.now, latch.at), reason, "resume"))
        sentences = [f"released: {stops.told(latch)}" for latch in released]
        stops.say(released, sentences, as_json=options.json)
    return 0


def _released(stops: Stops, scope: str) -> list[Latch]:
    """What holds of a scope; of everybody all that holds."""
    held = stops.held
    if scope == EVERYBODY:
        return list(held.values())
    if scope not in held and EVERYBODY in held:
        raise MoonlightError(
            f"{scope} has no stop of its own, but {stops.told(held[EVERYBODY])}; resume everything: leave {scope} out"
        )
    return [held[scope]] if scope in held else []

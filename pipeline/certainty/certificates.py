"""Certificates in words and as facts."""

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.times import local_text
from pipeline.values import Certificate

RED, PLAIN = "\033[31m", "\033[0m"


def words(made: Certificate, currency: str, zone: ZoneInfo, *, color: bool = False) -> Iterator[str]:
    """What it says, a line for each cause, and what is not explained."""
    since = local_text(made.since, zone) if made.since else "the beginning"
    until = local_text(made.as_of, zone)
    verdict = "sound" if made.sound else _red("NOT SOUND", color=color)
    yield f"{made.account}, {since} to {until} ({zone.key}): {verdict}"
    counted = f"{made.intents} intents of ours, {made.contracts} contracts at the venue"
    yield f"  {counted}{'' if made.intents == made.contracts else _red('  ◂ not the same', color=color)}"
    if made.closing is None:
        yield "  the venue does not say what the account holds"
    else:
        yield f"  {'opening':<12} {made.opening:>14}"
        for cause, amount in (("trades", made.profit), ("cash", made.cash), ("open stakes", -made.stakes)):
            yield f"  {cause:<12} {amount:>+14}"
        yield f"  {'closing':<12} {made.closing:>14} {currency}"
    for sentence in made.unexplained:
        yield f"  {_red(f'not explained: {sentence}', color=color)}"


def facts(made: Certificate) -> dict[str, Any]:
    """The same for a program; money is text."""
    sums = ("opening", "profit", "cash", "stakes", "closing")
    plain = ("account", "since", "as_of", "at", "intents", "contracts")
    told = {name: getattr(made, name) for name in sums}
    return {
        **{name: getattr(made, name) for name in plain},
        **{name: None if value is None else str(value) for name, value in told.items()},
        "sound": made.sound,
        "unexplained": list(made.unexplained),
    }


def _red(text: str, *, color: bool) -> str:
    return f"{RED}{text}{PLAIN}" if color else text

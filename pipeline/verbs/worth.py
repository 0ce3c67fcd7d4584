"""Say what each provider of an ensemble is worth: right how often, the ensemble without it, and who says the same.

examples:
  python -m pipeline worth flows.toml --for 30d
  python -m pipeline worth flows.toml --ensemble main --payout 0.85 --json

The flow's own data is replayed without trading, and the ensemble is asked again with each provider silent. It looks
back on the span it is given: what did well in it need not do well after it.
"""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from pipeline.causality import refuse_unproved
from pipeline.checking import load
from pipeline.engine import LEDGER_FILE
from pipeline.errors import InputError
from pipeline.live import wall
from pipeline.trials import note_trial
from pipeline.verbs.common import flow_option, json_option, say_json
from pipeline.verbs.planned import ensemble_of
from pipeline.verbs.spans import progress, span_asked, span_options
from pipeline.worth import Correlation, Record, Worth, worth_of

ALIKE = 0.5
"""Providers that score more alike than this are named."""


def options(parser: argparse.ArgumentParser) -> None:
    flow_option(parser)
    span_options(parser)
    parser.add_argument("--ensemble", metavar="NAME", help="whose providers, where the flow has several ensembles")
    parser.add_argument("--payout", type=float, metavar="RATIO", help="what a win pays (the mean of what sources give)")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    if options.payout is not None and not 0 < options.payout < 10:
        raise InputError(f"--payout is {options.payout:g}; write what a win pays as a ratio of the stake, such as 0.85")
    plan = load(options.flow, without=("operator",))
    refuse_unproved(plan)
    ensemble = ensemble_of(plan, options.ensemble)
    begin, end = span_asked(plan, options)
    worth = worth_of(plan, ensemble, begin, end, options.payout, progress("replaying"))
    if options.json:
        say_json(_as_json(worth))
    else:
        print("\n".join(_told(worth)))
    found = {"ensemble": worth.ensemble, "bars": worth.bars, "whole": _record(worth.whole)}
    note_trial(plan.folder / LEDGER_FILE, plan, wall(), "worth", (begin, end), found)
    return 0


def _told(worth: Worth) -> Iterator[str]:
    yield f"{worth.ensemble}: {worth.bars:,} bars; a win pays {worth.payout:.2f}"
    width = max(len(name) for name in ("all together", *(each.name for each in worth.providers)))
    yield f"{'':<{width}}  {'speaks':>7}  {'a signal':>8}  right"
    yield _row("all together", width, worth.whole)
    yield from (_row(each.name, width, each.alone) for each in worth.providers)
    yield ""
    yield f"{'without':<{width}}  {'changes':>7}  {'a signal':>8}  right"
    for each in worth.providers:
        yield _row(each.name, width, each.without, f"{each.changes:,}")
    yield ""
    alike = sorted((each for each in worth.correlations if (each.correlation or 0) > ALIKE), key=_least_first)
    if alike:
        yield "these say much the same, and count twice for it:"
        yield from (f"  {each.correlation:.2f}  {each.first} and {each.second} ({each.bars:,} bars)" for each in alike)
    else:
        yield f"no two providers score more alike than {ALIKE:.1f}"


def _row(name: str, width: int, record: Record, first: str = "") -> str:
    per_signal = "none" if record.per_signal is None else f"{record.per_signal:+.3f}"
    return f"{name:<{width}}  {first or f'{record.share:.1%}':>7}  {per_signal:>8}  {record.rate}"


def _least_first(each: Correlation) -> float:
    return -(each.correlation or 0)


def _as_json(worth: Worth) -> dict[str, Any]:
    return {
        "ensemble": worth.ensemble,
        "bars": worth.bars,
        "payout": worth.payout,
        "whole": _record(worth.whole),
        "providers": [
            {
                "name": each.name,
                "alone": _record(each.alone),
                "without": _record(each.without),
                "changes": each.changes,
            }
            for each in worth.providers
        ],
        "correlations": [asdict(each) for each in worth.correlations],
    }


def _record(record: Record) -> dict[str, Any]:
    rate = record.rate
    return {
        "share_of_bars": record.share,
        "per_signal": record.per_signal,
        "wins": rate.wins,
        "losses": rate.losses,
        "ties": rate.ties,
        "right": rate.share,
        "interval": [rate.interval.low, rate.interval.high],
        "break_even": rate.break_even,
        "told": str(rate),
    }

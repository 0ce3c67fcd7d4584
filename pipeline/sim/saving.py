"""Failing worlds as `[[test]]` tables: written once, run for ever."""

from dataclasses import replace
from pathlib import Path

from pipeline.flowtest import FlowTest, Stormy
from pipeline.plan import Plan
from pipeline.sim.campaign import Flow, one
from pipeline.sim.shrinking import Shrinking, kinds_of_violations
from pipeline.sim.storms import Strike
from pipeline.sim.world import Outcome, Terms, lived
from pipeline.times import MINUTE
from pipeline.trying import Outcome as Tried


def saved(flow: Flow, terms: Terms, failing: Outcome, path: Path) -> Terms:
    """Make a failing world smaller and write it to a file of its own, a flow with one test; how small it became."""
    written = flow.written(failing.seed)
    fixed = replace(flow, text=written)
    shrinking = Shrinking(lambda each: one(fixed, each), terms, failing)
    smaller = shrinking.shrunk()
    path.write_text(written.rstrip() + "\n\n" + table_of(smaller, shrinking.outcome), encoding="utf-8")
    return smaller


def table_of(terms: Terms, outcome: Outcome) -> str:
    """The test that a world is."""
    lines = [
        "[[test]]",
        f'name = "{"; ".join(sorted(kinds_of_violations(outcome)))}"',
        f"storm.seed = {terms.seed}",
        f"storm.minutes = {terms.minutes}",
        f"storm.quotes = {terms.per_minute}",
        f'storm.ahead = "{terms.block}ms"' if terms.block else "",
    ]
    faults: dict[str, list[int]] = {}
    for strike in sorted(terms.only or ()):
        faults.setdefault(strike.what, []).append(strike.n)
    lines += [f"storm.faults.{what} = {numbers}" for what, numbers in faults.items()]
    return "\n".join(filter(None, lines)) + "\n"


def stormed(plan: Plan, test: FlowTest) -> Tried:
    """Run a test that is a storm: passed when all holds that must."""
    assert test.storm is not None, "only such a test is a storm"
    outcome = lived(plan, terms_of(test.storm))
    return Tried(test, outcome.violations)


def terms_of(storm: Stormy) -> Terms:
    strikes = tuple(Strike(what, n) for what, numbers in sorted(storm.faults.items()) for n in numbers)
    return Terms(
        seed=storm.seed,
        minutes=storm.minutes,
        only=strikes,
        per_minute=storm.quotes,
        block=storm.block // MINUTE * MINUTE,
    )

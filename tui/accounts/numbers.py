"""The numbers of each kind of money in lines: every one with what belongs to it, and none torn from its unit."""

from collections.abc import Iterator

from pipeline.statistics.shares import factor
from tui.accounts.report import Delay, Evidence, Expectancy, Luck, Needed, Payouts, Report, Subject
from tui.eighths import eighths
from tui.painted import Line, Run
from tui.palette import MINUS
from tui.scrolled import HARD, told
from tui.words import count_text, money, plain

STYLES = {"real": "real", "demo": "line-3", "paper": "line-2", "replay": "line-1"}
"""Each kind of money has its own look; its word stands there too."""
WORDS = {"real": "REAL money"}
HOURS = 24


def lines_of(report: Report, width: int, permission: str = "") -> list[Line]:
    """Each kind of money by itself, real money first; none of a report without a trade."""
    every = sorted(report.totals, key=lambda each: (each.money != "real", each.money, each.currency or ""))
    made = [line for each in every for line in _of(each, width, permission)]
    return [*made, *_about(report, width)] if made else []


def _of(subject: Subject, width: int, permission: str) -> Iterator[Line]:
    name = f" {WORDS.get(subject.money, subject.money)} {subject.currency or ''}".rstrip() + " "
    yield Line((Run(plain(name), STYLES.get(subject.money, "text")),), "raised")
    if subject.win_rate is not None:
        yield from told("win rate", _hard(subject.win_rate.text), width, "bright")
    if subject.evidence is not None:
        yield from told("evidence", _evidence(subject.evidence), width, _proof(subject.evidence))
    if subject.expectancy is not None:
        yield from _money(subject.expectancy, subject.currency or "", width)
    if subject.still_needed is not None:
        yield from told("needed", _needed(subject.still_needed), width)
    if subject.luck is not None:
        yield from told("by luck", _luck(subject.luck), width)
    if subject.payouts is not None:
        yield from _payouts(subject.payouts, width)
    if subject.entry_delay is not None:
        yield from told("entry delay", _delay(subject.entry_delay), width)
    if subject.audit is not None:
        yield from told("settled", _hard(subject.audit.text), width, "warn" if subject.audit.unexplained else "text")
    if subject.money == "real" and permission:
        yield from told("permission", permission, width, "second")


def _about(report: Report, width: int) -> Iterator[Line]:
    trials = report.trials
    tried = ", ".join(f"{count}× {verb}" for verb, count in sorted(trials.by_verb.items()))
    if tried:
        said = f"{tried}, with {trials.flows} flow{'s' if trials.flows != 1 else ''}"
        if trials.flows > 1 and trials.evidence_enough is not None:
            said += f"; of the best of them ×{factor(trials.evidence_enough)} is evidence enough, less is luck"
        yield from told("tried", said, width)
    for stamp in report.stamps:
        yield from told("!", stamp, width, "warn")
    yield from told("", report.note, width, "dim")


def _evidence(found: Evidence) -> str:
    shown = ", an edge is shown" if found.shown else ", it is shown that there is none" if found.against_shown else ""
    retired = "; the alarm of a rule that has stopped to pay is raised" if found.retirement.raised else ""
    return (
        f"×{factor(found.times)} for an edge, ×{factor(found.against)} against one{shown}; "
        f"enough is{HARD}×{factor(found.threshold)} (α{HARD}{found.alpha * 100:g}{HARD}%, {found.slots} slots){retired}"
    )


def _proof(found: Evidence) -> str:
    return "warn" if found.against_shown or found.retirement.raised else "up" if found.shown else "text"


def _needed(needed: Needed) -> str:
    said = (
        f"{count_text(each.still)} more for an edge of{HARD}{each.edge * 100:g}{HARD}pp{_days(each.days)}"
        if each.still
        else f"enough for an edge of{HARD}{each.edge * 100:g}{HARD}pp"
        for each in needed.edges
    )
    return f"independent trades: {', '.join(said)}"


def _days(days: float | None) -> str:
    if days is None:
        return ""
    if days < 1:
        return f" (within{HARD}a{HARD}day)"
    return f" ({count_text(days)}{HARD}day{'s' if days >= 1.5 else ''} at the present rate)"


def _money(found: Expectancy, currency: str, width: int) -> Iterator[Line]:
    per, whole = found.per_stake_interval, found.profit_interval
    span = f"({_number(per.low)} to {_number(per.high)})" if per else "(too few for an interval)"
    leans = "up" if found.per_stake > 0 else "down" if found.per_stake < 0 else "text"
    yield from told("per stake", f"{_number(found.per_stake)} {span}", width, leans)
    sign = "" if found.profit.startswith("-") else "+"
    of_profit = f" ({_sum(whole.low)} to {_sum(whole.high)})" if whole else ""
    profit = f"{_hard(money(sign + found.profit))}{HARD}{currency}".rstrip(HARD)
    yield from told("profit", f"{profit}{of_profit} on {_hard(money(found.staked))} staked", width, leans)


def _luck(found: Luck) -> str:
    return (
        f"above {found.standing * 100:.0f}{HARD}% of runs without an edge; drawdown {_hard(money(found.drawdown))}, "
        f"{found.deeper * 100:.0f}{HARD}% of them fell deeper"
    )


def _payouts(found: Payouts, width: int) -> Iterator[Line]:
    """A bar for each hour of the day, high where it pays well, and the numbers of the hours that have some."""
    hours = [found.hours.get(f"{at:02}") for at in range(HOURS)]
    means = [hour.payout if hour is not None else None for hour in hours]
    lowest = min((mean for mean in means if mean is not None), default=0.0)
    runs = (Run("payouts     ", "dim"), Run("0h ", "dim"), Run(eighths(means, lowest - 0.05), "up"), Run(" 23h", "dim"))
    drawn = sum(len(run.text) for run in runs) <= width
    if drawn:
        yield Line(runs)
    said = ", ".join(f"{hour}h{HARD}{each.payout:.3f}×{each.n}" for hour, each in sorted(found.hours.items()))
    yield from told("" if drawn else "payouts", f"{said} ({found.zone})", width, "second")


def _delay(found: Delay) -> str:
    costs = ", ".join(f"{cost * 100:.1f}{HARD}pp if a signal fades in{HARD}{tau}" for tau, cost in found.costs.items())
    said = f"{found.median_seconds:.2f}{HARD}s on the median, {found.p95_seconds:.2f}{HARD}s at 95{HARD}%"
    return f"{said}; costs {costs} of the win rate" if costs else said


def _number(value: float) -> str:
    return f"{value:+.3f}".replace("-", MINUS)


def _sum(value: float) -> str:
    return _hard(money(f"{value:+.2f}"))


def _hard(text: str) -> str:
    """Numbers in which thousands stand apart hold together, and percent signs keep to theirs."""
    return "".join(HARD if letter == " " and _joins(text, at) else letter for at, letter in enumerate(text))


def _joins(text: str, at: int) -> bool:
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    return after == "%" or (before.isdigit() and after.isdigit())

"""What a report says of a subject, a section a function. `SECTIONS` is their order; another one is added there."""

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from pipeline.reporting.subjects import Subject
from pipeline.statistics import Interval, drawdown, expectancy, expectancy_interval, profit_factor, streaks
from pipeline.statistics.bayes import FLAT, SCEPTICAL
from pipeline.statistics.delays import undelayed
from pipeline.statistics.evidence import Evidence, Retirement, factor
from pipeline.statistics.fan import SHARES, Fan
from pipeline.statistics.samples import days, sample_size
from pipeline.times import DAY, local_text

EDGES = (0.02, 0.05)
"""Edges over break-even for which the report says how long it takes to see them."""
FADINGS = (10.0, 30.0)
"""Seconds in which what a signal knows may fade; nobody knows it, so the report says it for two."""


class Section(NamedTuple):
    """A line of the report for a person, and the same as facts for a program."""

    name: str
    label: str
    text: str
    facts: dict[str, Any]


def win_rate(of: Subject) -> Section | None:
    rate, worth = of.record.win_rate, of.record.worth
    facts = {
        "text": str(rate),
        "wins": rate.wins,
        "losses": rate.losses,
        "ties": rate.ties,
        "share": rate.share,
        "interval": _ends(rate.interval),
        "break_even": rate.break_even,
        "n": rate.n,
        "n_eff": worth.n,
        "correlation": worth.correlation,
    }
    return Section("win_rate", "win rate", str(rate), facts)


def belief(of: Subject) -> Section | None:
    rate = of.record.win_rate
    if rate.share is None or rate.break_even is None:
        return None
    wins = rate.share * of.record.worth.n
    flat, sceptical = (prior.above(rate.break_even, wins, of.record.worth.n - wins) for prior in (FLAT, SCEPTICAL))
    text = f"above break-even with a chance of {_percent(flat)} ({FLAT.said}), {_percent(sceptical)} ({SCEPTICAL.said})"
    return Section("belief", "belief", text, {"flat": flat, "sceptical": sceptical})


def evidence(of: Subject) -> Section | None:
    slots = of.record.slots
    if not len(slots):
        return None
    edge = Evidence().over(slots.returns)
    gone = Evidence("gone").over(slots.returns, slots.most)
    alarm = Retirement().over(slots.returns, slots.most)
    raised = ", the alarm of a rule that has stopped to pay is raised" if alarm.raised else ""
    text = (
        f"×{factor(edge.times)} for an edge, ×{factor(gone.times)} against one; enough is ×{factor(edge.threshold)} "
        f"(α {_percent(edge.alpha)}, {len(slots):,} slots){raised}"
    )
    facts = {
        "times": edge.times,
        "highest": edge.most_times,
        "shown": edge.shown,
        "against": gone.times,
        "against_shown": gone.shown,
        "threshold": edge.threshold,
        "alpha": edge.alpha,
        "slots": len(slots),
        "retirement": {"value": alarm.value, "patience": alarm.patience, "raised": alarm.raised},
        "meaning": str(edge),
    }
    return Section("evidence", "evidence", text, facts)


def sample(of: Subject) -> Section | None:
    payout = of.record.win_rate.payouts.payout
    if payout is None:
        return None
    ended = of.record.ended
    span = int(ended[-1] - ended[0]) / DAY
    per_day = of.record.worth.n / span if span else 0.0
    said: list[str] = []
    facts: dict[str, Any] = {"n_eff_per_day": per_day or None, "edges": []}
    for edge in EDGES:
        needed = sample_size(payout, edge)
        still = max(0.0, needed - of.record.worth.n)
        wait = days(still, per_day)
        facts["edges"].append({"edge": edge, "needed": needed, "still": round(still), "days": wait})
        size = f"an edge of {edge * 100:.0f} pp"
        said.append(f"{still:,.0f} more for {size}{_wait(wait)}" if still else f"enough for {size}")
    return Section("still_needed", "still needed", f"independent trades: {', '.join(said)}", facts)


def money(of: Subject) -> Section | None:
    found = of.record
    mean = expectancy(found.profits, found.stakes)
    if mean is None:
        return None
    interval = expectancy_interval(found.slots)
    staked, profit, ratio = sum(found.stakes), sum(found.profits), profit_factor(found.profits)
    currency = f" {found.currency}" if found.currency else ""
    of_profit = interval and Interval(interval.low * float(staked), interval.high * float(staked), interval.level)
    text = (
        f"{mean:+.3f} per unit staked{_span(interval, '+.3f')}; "
        f"profit {profit:+,}{currency}{_span(of_profit, '+,.2f')} on {staked:,} staked; "
        f"profit factor {'unknown' if ratio is None else f'{ratio:.2f}'}"
    )
    facts = {
        "per_stake": mean,
        "per_stake_interval": interval and _ends(interval),
        "profit": str(profit),
        "profit_interval": of_profit and _ends(of_profit),
        "staked": str(staked),
        "profit_factor": ratio,
    }
    return Section("expectancy", "expectancy", text, facts)


def luck(of: Subject) -> Section | None:
    """The equity among runs without an edge, and the deepest fall among theirs."""
    drawn = of.fan
    if drawn is None:
        return None
    profit, fall = float(sum(of.record.profits)), drawdown(of.record.slot_profits)
    standing, deeper = drawn.standing(profit), drawn.deeper(float(fall))
    text = (
        f"the equity stands above {_percent(standing)} of runs without an edge (they end at {drawn.end(0.05):+,.2f} to "
        f"{drawn.end(0.95):+,.2f} nine times of ten); drawdown {fall:,}, theirs {drawn.fall(0.5):,.2f} on the median "
        f"and {drawn.fall(0.95):,.2f} at 95 %, {_percent(deeper)} of them fell deeper"
    )
    facts = {
        "standing": standing,
        "no_edge_ends": {_percent(share): drawn.end(share) for share in SHARES},
        "drawdown": str(fall),
        "no_edge_drawdown": {_percent(share): drawn.fall(share) for share in SHARES},
        "deeper": deeper,
        "fan": _fan(drawn, of),
    }
    return Section("luck", "by luck", text, facts)


def _fan(drawn: Fan, of: Subject) -> dict[str, Any]:
    equity = of.record.slots.profit.cumsum()
    where = np.searchsorted(of.record.slots.at, drawn.at)
    return {
        "at": drawn.at.tolist(),
        "equity": [round(value, 2) for value in equity[where].tolist()],
        "bands": {
            _percent(share): [round(value, 2) for value in band]
            for share, band in zip(SHARES, drawn.bands.tolist(), strict=True)
        },
    }


def runs(of: Subject) -> Section | None:
    """Of slots, not of trades: four accounts that lose one trade together have not lost four times in a row."""
    if of.fan is None:
        return None
    found = streaks("win" if each > 0 else "lose" if each < 0 else "push" for each in of.record.slot_profits)
    usual, seldom = (of.fan.losses(share) for share in (0.5, 0.95))
    now = f"{abs(found.now)} {'won' if found.now > 0 else 'lost'} now"
    text = (
        f"{found.losses} slots lost in a row at worst (runs without an edge: {usual} on the median, {seldom} at 95 %), "
        f"{found.wins} won at best, {now}"
    )
    facts = {"lost": found.losses, "won": found.wins, "now": found.now, "no_edge": {"50 %": usual, "95 %": seldom}}
    return Section("streaks", "streaks", text, facts)


def payouts(of: Subject) -> Section | None:
    """By the hour at which the trade was to expire, in the flow's zone."""
    by_hour: dict[str, list[float]] = {}
    for ended, payout in zip(of.record.ended.tolist(), of.record.payout.tolist(), strict=True):
        by_hour.setdefault(local_text(ended, of.zone, "%H"), []).append(payout)
    if not by_hour:
        return None
    hours = {hour: {"n": len(some), "payout": float(np.mean(some))} for hour, some in sorted(by_hour.items())}
    said = ", ".join(f"{hour}h {each['payout']:.3f}×{each['n']}" for hour, each in hours.items())
    return Section("payouts", "payouts", f"by hour ({of.zone.key}): {said}", {"zone": of.zone.key, "hours": hours})


def delay(of: Subject) -> Section | None:
    """From the end of the bar to the tick the contract began with."""
    late = np.array([order.entry_ts - order.bar - order.tf for order in of.record.orders if order.entry_ts])
    if not len(late):
        return None
    median, most = (float(value) / 1000 for value in np.quantile(late, (0.5, 0.95)))
    share = of.record.win_rate.share
    costs = {
        f"{fading:.0f}s": undelayed(share, max(0.0, median), fading) - share
        for fading in FADINGS
        if share is not None and 0.5 < share < 1
    }
    said = ", ".join(f"{cost * 100:.1f} pp if a signal fades in {fading}" for fading, cost in costs.items())
    text = f"{median:.2f} s from the bar's end to the entry on the median, {most:.2f} s at 95 %"
    facts = {"median_seconds": median, "p95_seconds": most, "costs": costs}
    return Section("entry_delay", "entry delay", f"{text}; of the win rate that costs {said}" if said else text, facts)


def endings(of: Subject) -> Section | None:
    """Orders that are no part of the record."""
    counted = {order.order for order in of.record.orders}
    words = Counter(order.result or order.state for order in of.orders if order.order not in counted)
    if not words:
        return None
    said = ", ".join(f"{count:,} {word}" for word, count in sorted(words.items()))
    return Section("not_counted", "not counted", said, dict(sorted(words.items())))


SECTIONS: tuple[Callable[[Subject], Section | None], ...] = (
    win_rate,
    belief,
    evidence,
    sample,
    money,
    luck,
    runs,
    payouts,
    delay,
    endings,
)


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %" if 0.01 <= share <= 0.99 or share in {0, 1} else f"{share * 100:.2g} %"


def _span(interval: Interval | None, pattern: str) -> str:
    return "" if interval is None else f" ({interval.low:{pattern}} to {interval.high:{pattern}})"


def _ends(interval: Interval) -> dict[str, float]:
    return {"low": interval.low, "high": interval.high, "level": interval.level}


def _wait(wait: float | None) -> str:
    if wait is None:
        return ""
    return f" ({wait:,.0f} days at the present rate)" if wait >= 1 else " (within a day at the present rate)"

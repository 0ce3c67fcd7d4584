"""Sections on money and luck: what a stake brought, and where that stands among runs without an edge."""

from typing import Any

import numpy as np

from pipeline.reporting.said import Section, ends, percent
from pipeline.reporting.subjects import Subject
from pipeline.statistics.curves import drawdown, expectancy, expectancy_interval, profit_factor, streaks
from pipeline.statistics.fan import SHARES, Fan
from pipeline.statistics.shares import Interval


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
        "per_stake_interval": interval and ends(interval),
        "profit": str(profit),
        "profit_interval": of_profit and ends(of_profit),
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
        f"the equity stands above {percent(standing)} of runs without an edge (they end at {drawn.end(0.05):+,.2f} to "
        f"{drawn.end(0.95):+,.2f} nine times of ten); drawdown {fall:,}, theirs {drawn.fall(0.5):,.2f} on the median "
        f"and {drawn.fall(0.95):,.2f} at 95 %, {percent(deeper)} of them fell deeper"
    )
    facts = {
        "standing": standing,
        "no_edge_ends": {percent(share): drawn.end(share) for share in SHARES},
        "drawdown": str(fall),
        "no_edge_drawdown": {percent(share): drawn.fall(share) for share in SHARES},
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
            percent(share): [round(value, 2) for value in band]
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


def _span(interval: Interval | None, pattern: str) -> str:
    return "" if interval is None else f" ({interval.low:{pattern}} to {interval.high:{pattern}})"

"""Sections on the conditions of trading: payouts by hour, entry delay, and orders that came to nothing."""

from collections import Counter

import numpy as np

from pipeline.orders import sold
from pipeline.reporting.said import Section
from pipeline.reporting.subjects import Subject
from pipeline.statistics.delays import undelayed
from pipeline.times import local_text

FADINGS = (10.0, 30.0)
"""Seconds in which what a signal knows may fade; nobody knows it, so the report says it for two."""


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
    left = [order for order in of.orders if order.order not in counted]
    words = Counter("closed early" if sold(order) else order.result or order.state for order in left)
    if not words:
        return None
    said = ", ".join(f"{count:,} {word}" for word, count in sorted(words.items()))
    return Section("not_counted", "not counted", said, dict(sorted(words.items())))

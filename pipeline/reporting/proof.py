"""Sections on what the trades prove: win rate, belief, evidence, and how much is still needed."""

from typing import Any

from pipeline.reporting.said import Section, ends, percent
from pipeline.reporting.subjects import Subject
from pipeline.statistics.bayes import FLAT, SCEPTICAL
from pipeline.statistics.evidence import Evidence, Retirement
from pipeline.statistics.samples import days, sample_size
from pipeline.statistics.shares import factor
from pipeline.times import DAY

EDGES = (0.02, 0.05)
"""Edges over break-even for which the report says how long it takes to see them."""


def win_rate(of: Subject) -> Section | None:
    rate, worth = of.record.win_rate, of.record.worth
    facts = {
        "text": str(rate),
        "wins": rate.wins,
        "losses": rate.losses,
        "ties": rate.ties,
        "share": rate.share,
        "interval": ends(rate.interval),
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
    text = f"above break-even with a chance of {percent(flat)} ({FLAT.said}), {percent(sceptical)} ({SCEPTICAL.said})"
    return Section("belief", "belief", text, {"flat": flat, "sceptical": sceptical})


def evidence(of: Subject) -> Section | None:
    slots = of.record.slots
    if not len(slots):
        return None
    edge = Evidence().over(slots.returns)
    gone = Evidence("gone").over(slots.returns, slots.most)
    alarm = Retirement().over(slots.returns, slots.most)
    raised = ", the alarm of a rule that has stopped to pay is raised" if alarm.raised else ""
    shown = f" (×{factor(edge.most_times)} at the highest, so it is shown)" if edge.shown else ""
    text = (
        f"×{factor(edge.times)} for an edge{shown}, ×{factor(gone.times)} against one; "
        f"enough is ×{factor(edge.threshold)} (α {percent(edge.alpha)}, {len(slots):,} slots){raised}"
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


def _wait(wait: float | None) -> str:
    if wait is None:
        return ""
    return f" ({wait:,.0f} days at the present rate)" if wait >= 1 else " (within a day at the present rate)"

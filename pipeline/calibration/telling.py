"""A record in a few lines, for whoever made it."""

from collections.abc import Iterator

from pipeline.calibration.curves import name_of
from pipeline.calibration.records import Record
from pipeline.calibration.stacks import Stack
from pipeline.calibration.verdicts import Point, Verdict

KEYS_SHOWN = 12


def told(record: Record) -> Iterator[str]:
    made, last = record.made, record.fits[-1]
    yield (
        f"{record.ensemble}: {made.outcomes:,} outcomes by {made.prices}, {_day(made.begin)} to {_day(made.end)}; "
        f"{len(record.fits)} fits, one every {made.every}, the last {name_of(last.curve)}"
    )
    verdict = record.verdict
    if verdict is None:
        yield "too few outcomes came after a fit to judge it: take a longer span, or fits that come sooner with --every"
        return
    yield (
        f"judged on the {verdict.outcomes:,} that came after a fit (at {verdict.moments:,} moments): "
        f"won {_percent(verdict.won)} ({_between(verdict.least, verdict.most)})"
    )
    yield (
        f"Brier {verdict.brier:.4f} (base rate {verdict.base_brier:.4f}, bare score {verdict.score_brier:.4f}): "
        f"{_compared(verdict.better)}"
    )
    yield (
        f"  reliability {verdict.reliability:.4f} - resolution {verdict.resolution:.4f} "
        f"+ uncertainty {verdict.uncertainty:.4f}"
    )
    yield f"log loss {verdict.log_loss:.4f} (base rate {verdict.base_log_loss:.4f})"
    yield f"{'said':>8}  {'came (95 %)':<24}{'outcomes':>10}"
    yield from map(_point, verdict.tenths)
    for key in record.keys[:KEYS_SHOWN] if len(record.keys) > 1 else ():
        yield (
            f"{key.product} {key.timeframe}: {key.outcomes:,}, won {_percent(key.won)}, "
            f"Brier {key.brier:.4f} (base rate {key.base_brier:.4f})"
        )
    if len(record.keys) > KEYS_SHOWN:
        yield f"… and {len(record.keys) - KEYS_SHOWN} more, in the record"
    yield conclusion(verdict)


def told_of_stack(stack: Stack) -> Iterator[str]:
    last = stack.fits[-1]
    yield f"{stack.ensemble}: {last.outcomes:,} outcomes until {_day(last.until)}; {len(stack.fits)} fits, the last:"
    yield from (f"{coefficient:>+8.3f}  {name}" for name, coefficient in sorted(last.coefficients.items()))
    yield "this is still a score: calibrate it before a guard weighs it"


def conclusion(verdict: Verdict) -> str:
    if verdict.says_nothing:
        return "this score says nothing: do not trade on it"
    if not verdict.resolves:
        return "its direction wins more often than not, but a strong score no more often than a weak one"
    return "a strong score wins more often than a weak one; whether that pays is for a guard's margin to say"


def _compared(better: float) -> str:
    if abs(better) < 0.05:
        return "no better than the base rate"
    return f"{abs(better):.1f} standard errors {'better' if better > 0 else 'worse'} than the base rate"


def _point(point: Point) -> str:
    came = f"{_percent(point.won)} ({_between(point.least, point.most)})"
    return f"{_percent(point.said):>8}  {came:<24}{point.outcomes:>10,}"


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def _between(low: float, high: float) -> str:
    return f"{low * 100:.1f}\N{EN DASH}{high * 100:.1f}"


def _day(moment: str) -> str:
    return moment[:10]

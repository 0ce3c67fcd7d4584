"""Walking forward: at each date a fit to all that was known by then, and a verdict on what followed it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import structs

from pipeline.calibration.curves import Choice, Curve, fitted
from pipeline.calibration.dates import dates_of, every_of
from pipeline.calibration.records import Fit, KeyFit, Made, Record
from pipeline.calibration.samples import Said
from pipeline.calibration.verdicts import KeyVerdict, Verdict, brier_of, judged
from pipeline.errors import InputError
from pipeline.settlement import Tie
from pipeline.times import timeframe_name, utc_text
from pipeline.values import Floats, Stamps

LEAST = 100
"""Fewer outcomes are fitted to nothing."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How a record is to be made."""

    ensemble: str
    fingerprint: str
    tie: Tie
    method: Choice = "auto"
    every: str | None = None
    """How far apart fits are; by the length of the span when nobody says."""
    least: int = LEAST


def recorded(all_said: Sequence[Said], terms: Terms, progress: Callable[[float], None] = lambda _: None) -> Record:
    """The record of what came of some scores."""
    decided = [said for each in all_said if len(said := each.decided(terms.tie))]
    outcomes = sum(map(len, decided))
    if outcomes < terms.least:
        raise InputError(
            f"{terms.ensemble} had a direction that was decided {outcomes} times and {terms.least} are the least to "
            "learn from; take a longer span with --from, --to or --for"
        )
    first, last = min(int(said.known[0]) for said in decided), max(int(said.known[-1]) for said in decided)
    every = every_of(first, last, terms.every)
    fits: list[Fit] = []
    dates = dates_of(first, last, every)
    for number, date in enumerate(dates):
        fit = _fit(decided, date, terms, fits[-1].outcomes if fits else 0)
        if fit is not None:
            fits.append(fit)
        progress((number + 1) / len(dates))
    made = Made(
        begin=utc_text(first),
        end=utc_text(last),
        outcomes=outcomes,
        prices="ticks" if all(said.ticks for said in decided) else "bars",
        tie=terms.tie,
        method=terms.method,
        every=every,
        least=terms.least,
    )
    fit_only = Record(ensemble=terms.ensemble, fingerprint=terms.fingerprint, made=made, verdict=None, fits=tuple(fits))
    return _judged(fit_only, decided)


def _fit(decided: Sequence[Said], date: int, terms: Terms, before: int) -> Fit | None:
    """What was known at a date; None where it is too little, or no more than `before`."""
    known = [(said, int(np.searchsorted(said.known, date, "right"))) for said in decided]
    outcomes = sum(rows for _, rows in known)
    if outcomes < terms.least or outcomes == before:
        return None
    won = [said.won[:rows] for said, rows in known]
    curve = _curve(terms, [said.size[:rows] for said, rows in known], won)
    alone = sum(rows > 0 for _, rows in known) == 1
    keys: list[KeyFit] = []
    for (said, rows), wins in zip(known, won, strict=True):
        if not rows:
            continue
        own = None if alone or rows < terms.least else _curve(terms, [said.size[:rows]], [wins])
        name = timeframe_name(said.stream.tf)
        keys.append(KeyFit(said.stream.product, name, rows, int(wins.sum()), own))
    return Fit(utc_text(date), outcomes, sum(key.wins for key in keys), curve, tuple(keys))


def _curve(terms: Terms, size: Sequence[Floats], won: Sequence[Floats]) -> Curve:
    try:
        return fitted(terms.method, np.concatenate(size), np.concatenate(won))
    except ValueError as wrong:
        raise InputError(f"{terms.ensemble} cannot be fitted by {terms.method}: {wrong} with --method") from None


def _judged(record: Record, decided: Sequence[Said]) -> Record:
    """The record with a verdict on the outcomes that came after the fits that speak of them."""
    after: list[tuple[Said, Floats]] = []
    for said in decided:
        p, _ = record.odds(said.stream, said.size, said.open_ts)
        spoken = np.isfinite(p)
        if spoken.any():
            after.append((said.chosen(spoken), p[spoken]))
    keys = tuple(
        KeyVerdict(said.stream.product, timeframe_name(said.stream.tf), len(said), *brier_of(p, said.won))
        for said, p in after
    )
    return structs.replace(record, verdict=_verdict(after, record.made.least), keys=keys)


def _verdict(after: Sequence[tuple[Said, Floats]], least: int) -> Verdict | None:
    if sum(len(p) for _, p in after) < least:
        return None
    ended: Stamps = np.concatenate([said.open_ts + 2 * said.stream.tf for said, _ in after])
    return judged(
        np.concatenate([p for _, p in after]),
        np.concatenate([said.size for said, _ in after]),
        np.concatenate([said.won for said, _ in after]),
        ended,
    )

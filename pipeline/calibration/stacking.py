"""Fitting a stack: at regular dates, how much each provider's scores have to count for what came of them until then.

The fit is a logistic one without a constant, so that a mirrored market is scored the other way, and with a penalty on
large coefficients (L2).
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from pipeline.calibration.dates import dates_of, every_of
from pipeline.calibration.samples import Said
from pipeline.calibration.stacks import Stack, StackFit
from pipeline.errors import InputError
from pipeline.times import utc_text
from pipeline.values import Floats

ROUNDS = 100
ENOUGH = 1e-9
FARTHEST = 4.0
"""How far one step may move a row on the logistic scale."""


def stack_of(
    all_said: Sequence[Said],
    ensemble: str,
    fingerprint: str,
    *,
    l2: float,
    every: str | None,
    least: int,
    progress: Callable[[float], None] = lambda _: None,
) -> Stack:
    """The stack that some scores make, fitted anew at regular dates."""
    moving = [said for each in all_said if len(said := each.chosen(each.moved != 0))]
    outcomes = sum(map(len, moving))
    if outcomes < least:
        raise InputError(
            f"the bars of {ensemble} went up or down {outcomes} times and {least} are the least to learn from; "
            "take a longer span with --from, --to or --for"
        )
    names = sorted(moving[0].votes)
    first, last = min(int(said.known[0]) for said in moving), max(int(said.known[-1]) for said in moving)
    fits: list[StackFit] = []
    dates = dates_of(first, last, every_of(first, last, every))
    for number, date in enumerate(dates):
        known = [said.chosen(said.known <= date) for said in moving]
        seen = sum(map(len, known))
        if seen >= least and (not fits or seen > fits[-1].outcomes):
            rose = np.concatenate([said.moved > 0 for said in known])
            scores = {name: np.concatenate([said.votes[name] for said in known]) for name in names}
            fits.append(StackFit(utc_text(date), seen, fit_stack(scores, rose.astype(np.float64), l2)))
        progress((number + 1) / len(dates))
    return Stack(ensemble=ensemble, fingerprint=fingerprint, l2=l2, fits=tuple(fits))


def fit_stack(scores: Mapping[str, Floats], rose: Floats, l2: float) -> dict[str, float]:
    """The coefficients by which the scores say best which way the price went: 1 where it rose, 0 where it fell.

    A provider with nothing to say counts 0 in that row. `l2` is the penalty in rows: as if each provider had been wrong
    and right by turns in so many more.
    """
    design = np.column_stack([np.where(np.isfinite(each), each, 0.0) for each in scores.values()])
    columns = int(design.shape[1])
    penalty: Floats = max(l2, 1e-9) * np.eye(columns)
    found: Floats = np.zeros(columns)
    for _ in range(ROUNDS):
        p: Floats = 1 / (1 + np.exp(-np.matmul(design, found)))
        information = np.matmul((design * (p * (1 - p))[:, None]).T, design) + penalty
        gradient: Floats = np.matmul(design.T, rose - p) - np.matmul(penalty, found)
        step: Floats = np.asarray(np.linalg.solve(information, gradient), np.float64)
        far = float(np.abs(np.matmul(design, step)).max())
        found = np.add(found, step * min(1.0, FARTHEST / max(far, FARTHEST)))
        if far < ENOUGH:
            return dict(zip(scores, found.tolist(), strict=True))
    raise InputError("the stack did not settle; raise --l2")

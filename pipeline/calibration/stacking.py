"""A stack: how much each provider's scores are to count, fitted at dates to what came of them until then.

The fit is a logistic one without a constant, so that a mirrored market is scored the other way, and with a penalty on
large coefficients (L2). A bar is scored by the newest fit that had ended one contract before the bar did: none is ever
scored by a fit that saw what came of it. Bars before the first are not scored.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import numpy as np
from msgspec import Struct

from pipeline.calibration.dates import dates_of, every_of
from pipeline.calibration.records import VERSION
from pipeline.calibration.samples import Said
from pipeline.errors import InputError
from pipeline.times import parse_moment, utc_text
from pipeline.values import Floats, Stamps

ABOUT = (
    "How much each provider of an ensemble is to count, fitted on the past at each date. "
    "`python -m pipeline calibrate --stack` makes it; an ensemble `stacked` reads it. Change the flow, not this file."
)
ROUNDS = 100
ENOUGH = 1e-9
FARTHEST = 4.0
"""How far one step may move a row on the logistic scale."""


class StackFit(Struct, frozen=True, dict=True):
    """What was known at a moment: a coefficient for each provider, from how many outcomes."""

    until: str
    outcomes: int
    coefficients: dict[str, float]

    @cached_property
    def until_ts(self) -> int:
        return parse_moment(self.until)


class Stack(Struct, frozen=True, kw_only=True, dict=True):
    """As it stands in its file."""

    about: str = ABOUT
    version: int = VERSION
    ensemble: str
    fingerprint: str
    """Of the features and the providers that made the scores."""
    l2: float
    fits: tuple[StackFit, ...]

    def __post_init__(self) -> None:
        untils = [fit.until_ts for fit in self.fits]
        if not untils or untils != sorted(set(untils)):
            raise ValueError("its fits must be there, and in the order of their dates")
        if len({frozenset(fit.coefficients) for fit in self.fits}) > 1:
            raise ValueError("its fits must speak of the same providers")

    @property
    def providers(self) -> frozenset[str]:
        return frozenset(self.fits[0].coefficients)

    @cached_property
    def _untils(self) -> Stamps:
        return np.array([fit.until_ts for fit in self.fits], np.int64)

    def weights(self, provider: str, open_ts: Stamps) -> Floats:
        """The coefficient that holds for each bar; 0 before the first fit."""
        known = np.array([0.0, *(fit.coefficients[provider] for fit in self.fits)])
        # A bar that opened after a fit had ended is final one contract after that.
        return known[np.searchsorted(self._untils, open_ts, "left")]


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

"""A stack's record: how much each provider's scores are to count, as fitted at dates.

A bar is scored by the newest fit that had ended one contract before the bar did: none is ever scored by a fit that saw
what came of it. Bars before the first are not scored.
"""

from functools import cached_property

import numpy as np
from msgspec import Struct

from pipeline.calibration.records import VERSION
from pipeline.times import parse_moment
from pipeline.values import Floats, Stamps

ABOUT = (
    "How much each provider of an ensemble is to count, fitted on the past at each date. "
    "`python -m pipeline calibrate --stack` makes it; an ensemble `stacked` reads it. Change the flow, not this file."
)


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

"""A record: what the scores of an ensemble came to, as curves fitted at dates, each on what was known by then.

A bar is spoken of by the newest fit that had ended one contract before the bar did, so no bar ever meets a fit that saw
what came of it. Bars before the first fit, and products and timeframes without outcomes, are not spoken of.

Of a key (product and timeframe) with n outcomes the probability is n / (n + prior) of what its own curve says and the
rest of what the curve of all keys together says. Its standard error is mixed alike, which is the most that the two can
come to together.
"""

from functools import cached_property

import numpy as np
from msgspec import Struct

from pipeline.calibration.curves import Choice, Curve, Odds
from pipeline.calibration.verdicts import KeyVerdict, Verdict
from pipeline.settlement import Tie
from pipeline.times import parse_moment, timeframe
from pipeline.values import Floats, Stamps, Stream

VERSION = 1
PRIOR = 500
"""How many outcomes of its own a key needs for its curve to count as much as that of all keys."""
ABOUT = (
    "How often the scores of an ensemble were right, fitted on the past at each date and judged on what followed. "
    "`python -m pipeline calibrate` makes it; a calibrator reads it. Change the flow, not this file."
)


class KeyFit(Struct, frozen=True, omit_defaults=True):
    """One key's share in a fit; without a curve of its own the common one speaks for it."""

    product: str
    timeframe: str
    outcomes: int
    wins: int
    curve: Curve | None = None

    def __post_init__(self) -> None:
        timeframe(self.timeframe)

    @property
    def stream(self) -> Stream:
        return Stream(self.product, timeframe(self.timeframe))


class Fit(Struct, frozen=True, dict=True):
    """What was known at a moment."""

    until: str
    outcomes: int
    wins: int
    curve: Curve
    keys: tuple[KeyFit, ...]

    @cached_property
    def until_ts(self) -> int:
        return parse_moment(self.until)

    @cached_property
    def by_stream(self) -> dict[Stream, KeyFit]:
        return {key.stream: key for key in self.keys}


class Made(Struct, frozen=True, kw_only=True):
    """How a record came about."""

    begin: str
    end: str
    outcomes: int
    prices: str
    """Whether outcomes are by `ticks`, as contracts settle, or by `bars`, from close to close."""
    tie: Tie
    method: Choice
    every: str
    least: int


class Record(Struct, frozen=True, kw_only=True, dict=True):
    """As it stands in its file."""

    about: str = ABOUT
    version: int = VERSION
    ensemble: str
    fingerprint: str
    """Of the features, the providers and the ensemble that made the scores."""
    made: Made
    prior: int = PRIOR
    verdict: Verdict | None
    """None while no outcome came after a fit."""
    keys: tuple[KeyVerdict, ...] = ()
    fits: tuple[Fit, ...]

    def __post_init__(self) -> None:
        untils = [fit.until_ts for fit in self.fits]
        if not untils or untils != sorted(set(untils)):
            raise ValueError("its fits must be there, and in the order of their dates")

    @cached_property
    def title(self) -> str:
        """Its name and the day until which it had seen outcomes."""
        return f"{self.ensemble} {self.fits[-1].until[:10]}"

    @cached_property
    def _untils(self) -> Stamps:
        return np.array([fit.until_ts for fit in self.fits], np.int64)

    def odds(self, stream: Stream, size: Floats, open_ts: Stamps) -> Odds:
        """The probability that each of some bars' scores of this size is right, and its standard error; NaN for none.

        A row depends on itself alone. `open_ts` rises.
        """
        p, error = np.full(len(size), np.nan), np.full(len(size), np.nan)
        if not len(size):
            return p, error
        # A bar that opened after a fit had ended is final one contract after that.
        oldest, newest = np.searchsorted(self._untils, open_ts[[0, -1]], "left").tolist()
        used = slice(max(oldest - 1, 0), newest)
        begins = np.searchsorted(open_ts, self._untils[used], "right").tolist()
        for fit, begin, end in zip(self.fits[used], begins, [*begins[1:], len(size)], strict=False):
            found = self._odds_by(fit, stream, size[begin:end])
            if found is not None:
                p[begin:end], error[begin:end] = found
        return p, error

    def _odds_by(self, fit: Fit, stream: Stream, size: Floats) -> Odds | None:
        key = fit.by_stream.get(stream)
        if key is None:
            return None
        together, doubt = fit.curve.at(size)
        if key.curve is None:
            return together, doubt
        alone, own_doubt = key.curve.at(size)
        weight = key.outcomes / (key.outcomes + self.prior)
        return weight * alone + (1 - weight) * together, weight * own_doubt + (1 - weight) * doubt

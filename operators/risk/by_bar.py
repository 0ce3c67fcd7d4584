"""The gates that judge the bar alone, for whole columns. What is not known is a no."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from operators.risk.terms import Caution, Margin, Volatility
from pipeline.permit import Permit
from pipeline.values import Calibrated, Flags, Floats, Signals


class Said(NamedTuple):
    """What is said of new bars, and how probable that is, where a calibrator tells."""

    signals: Signals
    sure: Calibrated | None

    @classmethod
    def of(cls, item: Signals | Calibrated) -> "Said":
        """The new rows of what came."""
        if isinstance(item, Signals):
            return cls(item.last(item.fresh), None)
        rows = min(len(item), item.signals.fresh)
        cut = slice(len(item) - rows, None)
        sure = Calibrated(
            item.signals.last(rows), item.probability[cut], item.error[cut], item.drifted[cut], item.record
        )
        return cls(sure.signals, sure)

    def column(self, name: str) -> Floats:
        """A column in these rows; NaN where there is none of that name."""
        known = name in self.signals.columns.values
        return self.signals[name] if known else np.full(len(self.signals), np.nan)


class Answers(NamedTuple):
    """One gate's values for a column of bars, what they are held against, and where it says no."""

    value: Floats
    threshold: Floats | float
    no: Flags

    def held_against(self, row: int) -> float:
        return float(self.threshold[row]) if isinstance(self.threshold, np.ndarray) else self.threshold


class BarGate(Protocol):
    """One gate."""

    @property
    def name(self) -> str: ...
    def __call__(self, said: Said) -> Answers: ...


class Fault:
    """A provider failed."""

    name: str = "fault"

    def __call__(self, said: Said) -> Answers:
        failed = bool(said.signals.fault)
        rows = len(said.signals)
        return Answers(np.full(rows, float(failed)), 0.0, np.full(rows, failed))


class Ready:
    """Features are not warm."""

    name: str = "ready"

    def __call__(self, said: Said) -> Answers:
        ready = said.signals.ready
        return Answers(ready.astype(np.float64), 1.0, ~ready)


class StaleSignal:
    """Who would have spoken was told too long ago, and nobody else speaks."""

    name: str = "stale_signal"

    def __call__(self, said: Said) -> Answers:
        expired, rows = said.signals.expired, len(said.signals)
        if expired is None:
            return Answers(np.zeros(rows), 0.0, np.zeros(rows, np.bool_))
        return Answers(expired.astype(np.float64), 0.0, expired & (said.signals.direction == 0))


class Vote:
    """No direction, or none that the score bears out."""

    name: str = "vote"

    def __call__(self, said: Said) -> Answers:
        score, direction = said.signals.score, said.signals.direction
        opposed = (np.sign(score) == -direction) & (score != 0)
        sided = (np.abs(direction) == 1) & np.isfinite(score) & ~opposed
        return Answers(score, 0.0, ~sided)


@dataclass(frozen=True)
class Confidence:
    """Confidence below the threshold of the timeframe, which rises with a column where `caution` says so."""

    thresholds: dict[int, float]
    otherwise: float
    caution: Caution | None = None

    name: str = "confidence"

    def __call__(self, said: Said) -> Answers:
        confidence = said.signals.confidence
        threshold: Floats | float = self.thresholds.get(said.signals.tf, self.otherwise)
        if self.caution is not None:
            column = said.column(self.caution.column)
            wild = np.where(np.isfinite(column), np.maximum(column, 0.0), np.nan)
            threshold = threshold + self.caution.kappa * wild
        return Answers(confidence, threshold, ~(np.isfinite(confidence) & (confidence >= threshold)))


class Measured:
    """No fitted record says how probable it is to win, or the record no longer fits."""

    name: str = "calibrated"

    def __call__(self, said: Said) -> Answers:
        rows, sure = len(said.signals), said.sure
        if sure is None:
            return Answers(np.zeros(rows), 1.0, np.ones(rows, np.bool_))
        probable = (sure.probability >= 0) & (sure.probability <= 1) & (sure.error >= 0) & np.isfinite(sure.error)
        fits = probable & ~sure.drifted
        return Answers(fits.astype(np.float64), 1.0, ~fits)


@dataclass(frozen=True)
class Odds:
    """Not even the highest payout that is allowed would make it worth trading."""

    margin: Margin
    most: float

    name: str = "odds"

    def __call__(self, said: Said) -> Answers:
        rows, sure = len(said.signals), said.sure
        if sure is None:
            return Answers(np.full(rows, np.nan), 0.0, np.ones(rows, np.bool_))
        with np.errstate(over="ignore", invalid="ignore"):
            gain = sure.probability * (1 + self.most) - 1 - (self.margin.se * sure.error + self.margin.flat)
        return Answers(gain, 0.0, ~(np.isfinite(gain) & (gain > 0)))


@dataclass(frozen=True)
class Wild:
    """A column outside of its bounds."""

    bounds: Volatility

    name: str = "volatility"

    def __call__(self, said: Said) -> Answers:
        value, least, most = said.column(self.bounds.column), self.bounds.min, self.bounds.max
        low = -np.inf if least is None else least
        high = np.inf if most is None else most
        told = high if least is None else low
        threshold = np.where(value > high, high, told)
        return Answers(value, threshold, ~((value >= low) & (value <= high) & np.isfinite(value)))


@dataclass(frozen=True)
class Hours:
    """Outside of the permitted hours."""

    permit: Permit

    name: str = "permit"

    def __call__(self, said: Said) -> Answers:
        permitted = self.permit.allows(said.signals.final_at)
        return Answers(permitted.astype(np.float64), 1.0, ~permitted)


BY_BAR = ("fault", "ready", "stale_signal", "vote", "confidence", "calibrated", "odds", "volatility", "permit")
"""Their names, in the order in which they are asked."""

"""Scores become probabilities here, by what a record says came of such scores before."""

from typing import Annotated

import numpy as np
from msgspec import Meta
from reactivex import Observable
from reactivex import operators as ops

from pipeline.calibration.drift import FEWEST, Drift
from pipeline.calibration.records import Record
from pipeline.parts import Derived, operator
from pipeline.values import Calibrated, Signals


@operator
class Calibrator:
    """Says how probable it is that a signal's direction wins, by the size of its score and a record of the past.

    `python -m pipeline calibrate` makes the record: curves fitted at dates, each on what was known by then. A bar is
    spoken of by the newest that ended one contract before it; before the first, and for a product or timeframe that is
    not in the record, there is no probability. Where the last `drift_window` signals, of the last `lookback` bars, won
    less often than what was said of them allows, it has drifted, and a guard with a `margin` lets nothing through until
    they fit again; were the record right, a share `alpha` of bars would be closed so for nothing.
    """

    record: Annotated[str, Meta(min_length=1, description="the record's file, from the flow file's folder")]
    drift_window: Annotated[int, Meta(ge=FEWEST, le=10_000, description="signals")] = 300
    lookback: Annotated[int, Meta(ge=FEWEST, le=10_000, description="bars in which those are looked for")] = 512
    alpha: Annotated[float, Meta(gt=0, lt=0.5, description="how often drift may be told for nothing")] = 0.01
    fitted: Annotated[Record | None, Derived] = None

    def __post_init__(self) -> None:
        if self.drift_window > self.lookback:
            raise ValueError(
                f"drift_window {self.drift_window} is above lookback {self.lookback}, which can hold no more; "
                "raise lookback or lower drift_window"
            )

    def __call__(self, signals: Observable[Signals]) -> Observable[Calibrated]:
        return signals.pipe(ops.map(self.calibrated))

    def calibrated(self, signals: Signals) -> Calibrated:
        """What the record says of the new rows; the rows before them tell whether it has drifted."""
        fresh = signals.fresh
        if self.fitted is None:
            nothing = np.full(fresh, np.nan)
            return Calibrated(signals.last(fresh), nothing, nothing, np.zeros(fresh, np.bool_), "")
        seen = signals.last(min(len(signals), fresh + self.lookback))
        size = np.abs(seen.score)
        p, error = self.fitted.odds(seen.stream, size, seen.open_ts)
        silent = seen.direction == 0
        p[silent] = error[silent] = np.nan
        drift = Drift(self.drift_window, self.lookback, self.alpha)
        drifted = drift.closed(seen, self.fitted.made.tie, p, error)
        new = slice(len(seen) - fresh, None)
        return Calibrated(seen.last(fresh), p[new], error[new], drifted, self.fitted.title)

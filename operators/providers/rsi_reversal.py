"""An overstretched market that turns."""

from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from pipeline.parts import Column, provider
from pipeline.scoring import Presets
from pipeline.values import Columns, Floats


@provider
class RsiReversal:
    """Votes against an overstretched market: up while the RSI is under `oversold`, down while it is over `overbought`.

    The strength is how far beyond the level the RSI is, 1 at the end of its scale.
    """

    rsi: Column = "rsi(period=14)"
    oversold: Annotated[float, Meta(gt=0, lt=50, description="under it the vote is up")] = 30.0
    overbought: Annotated[float, Meta(gt=50, lt=100, description="over it the vote is down")] = 70.0

    lookback = 0
    family: ClassVar[str] = "reversal"
    catalogue: ClassVar[Presets] = {
        101: {},
        102: {"rsi": "rsi(period=7)", "oversold": 20.0, "overbought": 80.0},
        103: {"rsi": "rsi(period=2)", "oversold": 5.0, "overbought": 95.0},
    }

    def __call__(self, columns: Columns) -> Floats:
        rsi = columns[self.rsi]
        # What is named need not be an RSI.
        under = np.minimum((self.oversold - rsi) / self.oversold, 1.0)
        over = np.minimum((rsi - self.overbought) / (100 - self.overbought), 1.0)
        return np.where(under > 0, under, np.where(over > 0, -over, np.nan))

"""What somebody outside says."""

from typing import ClassVar

from pipeline.parts import Family, provider
from pipeline.tipping import LOOKBACK, Told
from pipeline.values import Columns, Floats


@provider
class SignalList:
    """Votes as the tips say that it is told by the source in `from`: a file's, a webhook's.

    A tip speaks once: of the first bar of its product and timeframe that is final at or after its `as_of`. If that is
    later than its `valid_until`, it says nothing, and the bar is marked as having had a stale signal. Of several for
    one bar the latest counts.
    """

    family: ClassVar[Family] = "external"
    lookback: ClassVar[int] = LOOKBACK

    def __call__(self, columns: Columns, told: Told) -> Floats:
        return told.score

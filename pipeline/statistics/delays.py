"""What entering late costs.

The model: what a signal knows fades exponentially, and a contract of a fixed length begins when it is accepted. So the
win rate falls from p to that of a signal weaker by e^(-delay / fading). The fading time is not known; it is stated.
"""

import math
from statistics import NormalDist


def delayed(share: float, delay: float, fading: float) -> float:
    """The win rate that is left of `share` when every entry comes `delay` after the signal; both times in one unit."""
    return _moved(share, -delay, fading)


def undelayed(share: float, delay: float, fading: float) -> float:
    """The win rate that entries without their delay would have had."""
    return _moved(share, delay, fading)


def _moved(share: float, later: float, fading: float) -> float:
    if not (0 < share < 1 and fading > 0 and math.isfinite(later)):
        raise ValueError(f"a share lies between 0 and 1 and a fading time above 0, not {share} and {fading}")
    normal = NormalDist()
    return normal.cdf(normal.inv_cdf(share) * math.exp(later / fading))

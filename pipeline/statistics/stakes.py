"""How much of a bankroll a stake may be, and what becomes of it in the long run."""

import math

from pipeline.statistics.shares import break_even


def kelly(share: float, payout: float) -> float:
    """The fraction of the bankroll whose growth is greatest if the win rate truly is `share`; 0 without an edge."""
    _check(share, payout)
    return max(0.0, (share * (1 + payout) - 1) / payout)


def shrinkage(share: float, payout: float, n: float) -> float:
    """What part of Kelly's stake is left when the win rate is an estimate from n trades (Baker and McHale)."""
    _check(share, payout)
    if not n > 0:
        raise ValueError(f"an estimate needs trades, not {n}")
    edge = (1 + payout) * share - 1
    if edge <= 0:
        return 0.0
    return edge**2 / (edge**2 + (1 + payout) ** 2 * share * (1 - share) / n)


def prudent(share: float, payout: float, n: float, most: float = 0.01) -> float:
    """A quarter of the shrunk Kelly stake, and never more than `most` of the bankroll."""
    return min(most, 0.25 * kelly(share, payout) * shrinkage(share, payout, n))


def ever_down_to(left: float, part_of_kelly: float) -> float:
    """The chance that the bankroll ever falls to `left` of itself when so much of Kelly's stake is staked.

    In the limit of small stakes, and with an edge known exactly: in truth it is more.
    """
    if not (0 < left <= 1 and part_of_kelly > 0):
        raise ValueError(f"what is left lies between 0 and 1 and a stake above 0, not {left} and {part_of_kelly}")
    return 1.0 if part_of_kelly >= 2 else left ** (2 / part_of_kelly - 1)


def ruin(share: float, payout: float, units: float) -> float:
    """The chance that flat stakes ever use up a bankroll of so many stakes. Without an edge that is certain.

    With one it is Lundberg's exponential. That a whole stake can no longer be placed comes a little sooner: its chance
    lies between this and that of a bankroll one stake smaller.
    """
    _check(share, payout)
    if not units >= 0:
        raise ValueError(f"a bankroll is a number of stakes, not {units}")
    if share <= break_even(payout):
        return 1.0
    if share == 1:
        return 0.0
    low, high = 0.0, -math.log1p(-share)
    while high - low > 1e-14 * high:
        middle = (low + high) / 2
        # Convex, 0 at 0 and falling there: below the root it is negative.
        if share * math.exp(-middle * payout) + (1 - share) * math.exp(middle) < 1:
            low = middle
        else:
            high = middle
    return math.exp(-low * units)


def _check(share: float, payout: float) -> None:
    if not (0 <= share <= 1 and math.isfinite(payout) and payout > 0):
        raise ValueError(f"a share lies between 0 and 1 and a payout above 0, not {share} and {payout}")

"""How bad it gets by chance alone: the longest losing run and the deepest fall of flat stakes, computed exactly."""

import numpy as np

from pipeline.statistics.shares import break_even


def losing_run(share: float, trades: int, quantile: float) -> int:
    """The number of losses in a row that the longest losing run does not exceed with chance `quantile`."""
    _check(share, trades, quantile)
    if share == 0:
        return trades
    low, high = -1, 1
    while high < trades and _no_run_above(high, share, trades) < quantile:
        low, high = high, high * 2
    high = min(high, trades)
    while high - low > 1:
        middle = (low + high) // 2
        if _no_run_above(middle, share, trades) < quantile:
            low = middle
        else:
            high = middle
    return high


def _no_run_above(longest: int, share: float, trades: int) -> float:
    """The chance that no run of losses is longer: steps between "so many lost in a row now"."""
    steps = np.zeros((longest + 1, longest + 1))
    steps[:, 0] = share
    steps[np.arange(longest), np.arange(1, longest + 1)] = 1 - share
    return float(np.linalg.matrix_power(steps, trades)[0].sum())


def deepest_fall(share: float, payout: float, trades: int, quantile: float) -> float:
    """The fall from a high, in flat stakes, not exceeded with chance `quantile`. Payouts count in hundredths."""
    _check(share, trades, quantile)
    break_even(payout)
    up = round(payout * 100)
    step = int(np.gcd(100, up))
    loss, win = 100 // step, up // step
    low, high = -1, loss
    while high < trades * loss and _never_below(high, loss, win, share, trades) < quantile:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if _never_below(middle, loss, win, share, trades) < quantile:
            low = middle
        else:
            high = middle
    return high * step / 100


def _never_below(most: int, loss: int, win: int, share: float, trades: int) -> float:
    """The chance that the fall never exceeds `most`: a walk that is held at its high and ends below."""
    # In front of the falls stand places that stay empty: a loss is a shift.
    now, then = np.zeros(loss + most + 1), np.zeros(loss + most + 1)
    now[loss] = 1.0
    less = np.empty(max(0, most + 1 - win))
    for _ in range(trades):
        fall, moved = now[loss:], then[loss:]
        np.multiply(now[: most + 1], 1 - share, out=moved)
        moved[: len(less)] += np.multiply(fall[win:], share, out=less)
        moved[0] += share * fall[:win].sum()
        now, then = then, now
    return float(now.sum())


def _check(share: float, trades: int, quantile: float) -> None:
    if not (0 <= share <= 1 and trades >= 1 and 0 < quantile < 1):
        raise ValueError(
            f"a share lies in 0 to 1, a quantile between them and trades are at least 1: {share}, {quantile}, {trades}"
        )

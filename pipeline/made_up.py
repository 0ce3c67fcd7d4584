"""Made-up bars, votes and tips of many kinds, to try strategies on: the same for ever, from one seed each."""

import numpy as np
from numpy.random import Generator

from pipeline.candles import from_columns
from pipeline.times import DAY, HOUR, parse_moment
from pipeline.tipping import ordered
from pipeline.values import Bars, Flags, Floats, Stamps, Tips

FRIDAY = parse_moment("2026-01-09T22:00:00Z")
"""The weekend that begins then lies among the last rows."""
WEEK, CLOSES, OPENS = 7 * DAY, DAY + 22 * HOUR, 3 * DAY + 22 * HOUR
"""In a week of the epoch, which begins on a Thursday."""
HOLIDAY = (5 * DAY + 13 * HOUR, 5 * DAY + 16 * HOUR)
"""A hole on Tuesdays that is no weekend."""
PIECES = 12, 64
"""Rows of a piece with one mood: at least, and at most."""
KINDS = ("rise", "fall", "stand", "calm", "wild", "swing")
STEP = 4e-4


def bars_of(product: str, tf: int, rows: int, after: int, level: float, seed: int) -> Bars:
    """So many bars of one run, the last `after` of them behind a weekend: trends, swings, jumps, and no move at all."""
    chance = np.random.default_rng((seed, tf))
    moves, quiet = _moves(rows, chance)
    close = level * np.exp(np.cumsum(moves))
    opens = np.concatenate((close[:1], close[:-1]))
    jumps = chance.random(rows) < 0.02
    opens[jumps] = close[jumps] * (1 + STEP * chance.normal(size=rows)[jumps])
    above, below = np.abs(chance.normal(0, STEP / 2, (2, rows)))
    above[quiet], below[quiet] = 0, 0
    high, low = np.maximum(opens, close) * (1 + above), np.minimum(opens, close) * (1 - below)
    volume = np.where(quiet, 0.0, np.floor(chance.gamma(2.0, 40.0, rows)))
    return from_columns(product, tf, _openings(tf, rows, after), opens, high, low, close, volume)


def votes_of(rows: int, seed: int) -> Floats:
    """Scores of a provider that says something in half the rows."""
    chance = np.random.default_rng((seed, rows))
    silent = np.repeat(chance.random(rows // 4 + 1) < 0.5, 4)[:rows]
    return np.where(silent, np.nan, chance.uniform(-1, 1, rows))


def tips_of(product: str, final_at: Stamps, tf: int, seed: int) -> Tips:
    """Tips for some of the bars that become final at these moments; some come too late, some are for longer bars."""
    chance = np.random.default_rng((seed, len(final_at)))
    rows = np.sort(chance.integers(0, len(final_at), len(final_at) // 2))
    as_of = final_at[rows] - chance.integers(0, tf, len(rows))
    valid_until = as_of + chance.integers(0, 2 * tf, len(rows))
    score = chance.choice((-1.0, -0.5, 0.5, 1.0), len(rows))
    return ordered(Tips(product, as_of, valid_until, chance.choice((0, tf, 3 * tf), len(rows)), score))


def _moves(rows: int, chance: Generator) -> tuple[Floats, Flags]:
    """What the logarithm of the price does from row to row, and where it does nothing at all."""
    moves, quiet, row = np.zeros(rows), np.zeros(rows, np.bool_), 0
    while row < rows:
        kind = KINDS[chance.integers(len(KINDS))]
        stop = min(rows, row + int(chance.integers(*PIECES)))
        count = stop - row
        match kind:
            case "stand":
                quiet[row:stop] = True
            case "swing":
                moves[row:stop] = STEP * np.cos(np.arange(count) * (2 * np.pi / chance.integers(4, 24)))
            case _:
                drift = {"rise": 0.5, "fall": -0.5}.get(kind, 0.0)
                wide = {"calm": 0.1, "wild": 6.0}.get(kind, 1.0)
                moves[row:stop] = STEP * wide * (drift + chance.normal(size=count))
        if chance.random() < 0.3:
            moves[row] += 40 * STEP * chance.normal()
        row = stop
    return moves, quiet


def _openings(tf: int, rows: int, after: int) -> Stamps:
    """The last slots before the weekend, and the first after it."""
    span = 2 * rows * tf + WEEK
    slots = np.arange((FRIDAY - span) // tf * tf, FRIDAY + span, tf, dtype=np.int64)
    week = slots % WEEK
    closed = (week >= CLOSES) & (week < OPENS)
    if tf <= HOUR:
        closed |= (week >= HOLIDAY[0]) & (week < HOLIDAY[1])
    slots = slots[~closed]
    middle = int(slots.searchsorted(FRIDAY))
    return slots[middle - (rows - after) : middle + after]

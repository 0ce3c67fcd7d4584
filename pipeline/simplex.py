"""Weights that add up to 1, of which none is more than a cap: the nearest such weights to any numbers."""

import numpy as np

from pipeline.values import Floats


def capped(wanted: Floats, cap: float) -> Floats:
    """For each column of `wanted` (a row for each weight) the nearest weights ≥ 0 and ≤ `cap` with the sum 1.

    They are what is wanted less one number, the same for all, cut at 0 and at the cap. Their sum falls as that number
    grows, in straight pieces between the numbers at which a weight reaches 0 or the cap; on the piece where it passes 1
    the number is solved for. Cutting and then dividing by the sum would bring weights above the cap again.
    """
    if cap * len(wanted) < 1:
        raise ValueError(f"{len(wanted)} weights of at most {cap:g} cannot add up to 1")
    edges: Floats = np.sort(np.concatenate((wanted, wanted - cap)), axis=0)
    low: Floats = edges[0]
    for edge in edges[1:]:
        low = np.where(_total(wanted, edge, cap) >= 1, edge, low)
    movable: Floats = np.zeros(wanted.shape[1:])
    for each in wanted:
        movable += (each > low) & (each - cap <= low)
    return _cut(wanted, low + (_total(wanted, low, cap) - 1) / np.maximum(movable, 1), cap)


def _total(wanted: Floats, less: Floats, cap: float) -> Floats:
    """The sum of the weights, in an order that does not depend on how many columns there are."""
    total: Floats = np.zeros(wanted.shape[1:])
    for each in wanted:
        total += _cut(each, less, cap)
    return total


def _cut(wanted: Floats, less: Floats, cap: float) -> Floats:
    return np.minimum(np.maximum(wanted - less, 0.0), cap)

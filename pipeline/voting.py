"""What a provider says of columns. A plug-in may raise anything: that is its fault, told with its votes."""

from collections.abc import Callable
from functools import partial

import numpy as np

from pipeline.hogging.patience import Rests
from pipeline.masking import masked
from pipeline.tipping import Told
from pipeline.values import Columns, Floats, Votes

Ask = Callable[[Callable[[], Floats]], Floats]
"""Asks, and waits no longer than it wants to."""


def votes_of(
    name: str,
    provider: Callable[..., Floats],
    columns: Columns,
    told: Told | None = None,
    ask: Ask | None = None,
) -> tuple[Votes, Exception | None]:
    """One provider's scores of the rows that are voted on, or none and what it failed with.

    `told` is what tips say of the rows, for a provider that hears them. `ask` asks it; one that is not to be asked at
    present has nothing to say, and did not fail.
    """
    begin = len(columns) - columns.voted
    expired = None if told is None else told.expired[begin:]
    try:
        scores = _scores(provider, columns, told) if ask is None else ask(partial(_scores, provider, columns, told))
        scores = scores[begin:]
    except Rests as rests:
        return Votes(name, columns, np.full(columns.voted, np.nan), str(rests), expired), None
    except Exception as failure:  # noqa: BLE001  # told: the votes say so, and whoever asked hears what it was
        nothing = np.full(columns.voted, np.nan)
        return Votes(name, columns, nothing, masked(f"{type(failure).__name__}: {failure}"), expired), failure
    ready = columns.ready[begin:]
    return Votes(name, columns, scores if ready.all() else np.where(ready, scores, np.nan), "", expired), None


def _scores(provider: Callable[..., Floats], columns: Columns, told: Told | None) -> Floats:
    try:
        scores = np.asarray(provider(columns) if told is None else provider(columns, told), np.float64)
    except SystemExit:
        raise RuntimeError("it wanted to end the program") from None
    if len(scores) != len(columns):
        raise ValueError(f"gave {len(scores)} scores for {len(columns)} rows")
    return scores

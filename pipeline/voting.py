"""What a provider says of columns. A plug-in may raise anything: that is its fault, told with its votes."""

import numpy as np

from pipeline.parts import Provider
from pipeline.values import Columns, Votes


def votes_of(name: str, provider: Provider, columns: Columns) -> tuple[Votes, Exception | None]:
    """One provider's scores of the rows that are voted on, or none and what it failed with."""
    begin = len(columns) - columns.voted
    try:
        scores = np.asarray(provider(columns), np.float64)
        if len(scores) != len(columns):
            raise ValueError(f"gave {len(scores)} scores for {len(columns)} rows")
        scores = scores[begin:]
    except Exception as failure:  # noqa: BLE001  # told: the votes say so, and whoever asked hears what it was
        nothing = np.full(columns.voted, np.nan)
        return Votes(name, columns, nothing, f"{type(failure).__name__}: {failure}"), failure
    ready = columns.ready[begin:]
    return Votes(name, columns, scores if ready.all() else np.where(ready, scores, np.nan)), None

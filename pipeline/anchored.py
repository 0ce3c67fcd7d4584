"""Features on anchored windows: the same numbers for a bar whenever we started and however the bars were cut.

Indicators with a long memory depend on where their input begins. So it begins at a place that depends on the bar alone:
time is cut into blocks of `block` slots aligned to the epoch, and the window of a bar starts `warmup` bars before the
first bar of its block. Live the window ends at the newest bar, in replay at the end of the block: as every feature is
causal, both give the same bits.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.parts import Feature
from pipeline.values import Bars, Columns, Flags, Floats

PRICES = ("open", "high", "low", "close", "volume")
LEAST = 30
"""Fewer bars than this decide nothing, however short the features are."""


@dataclass(frozen=True, slots=True)
class Anchoring:
    """Which features to compute, and where their windows begin."""

    features: Mapping[str, Feature]
    block: int
    warmup: int
    lookback: int
    """How many rows before the new ones are kept for providers that look back."""

    @property
    def context(self) -> int:
        """How many bars before a new one are needed to compute it as it always is."""
        return self.warmup + self.block - 1 + self.lookback

    def columns(self, bars: Bars) -> Columns:
        """The features of the new rows of `bars`, and of up to `lookback` rows before them."""
        first = max(0, len(bars) - bars.fresh - self.lookback)
        values = {name: getattr(bars, name)[first:] for name in PRICES}
        values |= {name: np.empty(len(bars) - first) for name in self.names}
        ready = np.zeros(len(bars) - first, np.bool_)
        for start, stop in self._blocks(bars, first):
            self._fill(values, ready, bars, start, stop, first)
        return Columns(
            product=bars.product,
            tf=bars.tf,
            open_ts=bars.open_ts[first:],
            final_at=bars.final_at[first:],
            ready=ready,
            values=values,
            fresh=bars.fresh,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, one for each output of each feature."""
        return tuple(column for name, each in self.features.items() for column in column_names(name, each))

    def _blocks(self, bars: Bars, first: int) -> list[tuple[int, int]]:
        """Row spans of the blocks that the rows from `first` on lie in."""
        numbers = bars.open_ts[first:] // (bars.tf * self.block)
        edges = first + np.flatnonzero(np.diff(numbers)) + 1
        begin = int(bars.open_ts.searchsorted(int(numbers[0]) * bars.tf * self.block)) if len(numbers) else first
        starts = [begin, *edges.tolist()]
        return list(zip(starts, [*starts[1:], len(bars)], strict=True))

    def _fill(self, values: dict[str, Floats], ready: Flags, bars: Bars, start: int, stop: int, first: int) -> None:
        """Compute one block's window and keep the rows of the block that are wanted."""
        begin = max(0, start - self.warmup)
        window = bars.rows(begin, stop, 0)
        keep = max(start, first)
        warm = np.arange(keep - begin, stop - begin) >= LEAST
        for name, each in self.features.items():
            made = each(window)
            for column, full in zip(
                column_names(name, each), made if isinstance(made, tuple) else (made,), strict=True
            ):
                kept = values[column][keep - first : stop - first]
                kept[:] = full[keep - begin :]
                kept[: max(0, each.warmup() - (keep - begin))] = np.nan
                warm &= np.isfinite(kept)
        ready[keep - first : stop - first] = warm


def column_names(name: str, each: Feature) -> tuple[str, ...]:
    """`rsi`, or for a feature of several outputs `macd.line`, `macd.trigger` …"""
    return tuple(f"{name}.{output}" for output in each.outputs) if each.outputs else (name,)

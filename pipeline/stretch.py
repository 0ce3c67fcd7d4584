"""Stretches: consecutive bars of one stream and the columns computed on them, which is what a feature sees."""

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.values import Bars, Floats, Stamps

PRICES = ("open", "high", "low", "close", "volume")
"""The columns that every bar has."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Bars one after another: their openings (ms UTC), their prices, and the features computed before this one.

    A column that a user names, be it a price or a feature, is `rows[name]`; the bars' own are `rows.close` and so on.
    Nobody may write to a column.
    """

    tf: int
    open_ts: Stamps
    columns: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.open_ts)

    def __getitem__(self, name: str) -> Floats:
        return self.columns[name]

    @property
    def open(self) -> Floats:
        return self.columns["open"]

    @property
    def high(self) -> Floats:
        return self.columns["high"]

    @property
    def low(self) -> Floats:
        return self.columns["low"]

    @property
    def close(self) -> Floats:
        return self.columns["close"]

    @property
    def volume(self) -> Floats:
        return self.columns["volume"]

    def cut(self, start: int, stop: int) -> "Stretch":
        """The rows from one to before another, of columns that are all as long as this."""
        columns = {name: column[start:stop] for name, column in self.columns.items()}
        return Stretch(self.tf, self.open_ts[start:stop], columns)

    def last(self, count: int, names: Iterable[str]) -> "Stretch":
        """The last rows (one at least), with some of the columns."""
        return Stretch(self.tf, self.open_ts[-count:], {name: self.columns[name][-count:] for name in names})


def stretch_of(bars: Bars, start: int, stop: int) -> Stretch:
    """Some of the bars, with nothing but their own columns."""
    return Stretch(bars.tf, bars.open_ts[start:stop], prices_of(bars, start, stop))


def prices_of(bars: Bars, start: int, stop: int | None = None) -> dict[str, Floats]:
    cut = slice(start, stop)
    return {
        "open": bars.open[cut],
        "high": bars.high[cut],
        "low": bars.low[cut],
        "close": bars.close[cut],
        "volume": bars.volume[cut],
    }

"""Bars as they stand on the wire: one message for some bars of one product and timeframe."""

from collections.abc import Collection

import numpy as np
from msgspec import UNSET, UnsetType

from pipeline.channels.encoding import encoded
from pipeline.channels.messages import Ohlcv, Source, WireBar
from pipeline.channels.wording import Unfit, wire_symbol, wire_timeframe
from pipeline.publishing.geometry import Shape, Spread, Spreads, shape, shapes
from pipeline.values import VENUE, Bars, Forming, Stream


class Letters:
    """Writes bars, signed where there is a secret."""

    def __init__(self, spreads: Spreads, own: Collection[Stream], secret: bytes = b"") -> None:
        """`own` are the streams whose bars a venue itself gave: others of a venue's are made of its shorter bars."""
        self._spreads, self._own, self._secret = spreads, own, secret

    def finals(self, bars: Bars, now: int) -> bytes:
        """Final bars; `Unfit` when they must not go out."""
        stream, name = bars.stream, wire_timeframe(bars.tf)
        if not (np.isfinite(bars.high + bars.low + bars.open + bars.close) & (bars.low > 0)).all():
            raise Unfit(f"bars: {bars.product} {name} has a price that cannot be")
        columns = zip(
            bars.open_ts.tolist(),
            bars.open.tolist(),
            bars.high.tolist(),
            bars.low.tolist(),
            bars.close.tolist(),
            bars.volume.tolist(),
            bars.closed_by.tolist(),
            bars.ticks.tolist(),
            shapes(bars),
            strict=True,
        )
        by_venue: Source = "history" if stream in self._own else "history_agg"
        made = tuple(
            _bar(
                opened, bars.tf, name, (o, high, low, close, volume), drawn,
                self._spreads.of(bars.product, bars.tf, opened), ticks,
                by_venue if closed_by == VENUE else "stream", complete=True,
            )
            for opened, o, high, low, close, volume, closed_by, ticks, drawn in columns
        )  # fmt: skip
        return self._sealed(bars.product, name, made, now)

    def forming(self, bar: Forming, now: int) -> bytes:
        """A bar that is not final."""
        name = wire_timeframe(bar.tf)
        if not 0 < bar.low <= bar.high < np.inf:
            raise Unfit(f"bars: {bar.product} {name} forms with a price that cannot be")
        prices = (bar.open, bar.high, bar.low, bar.close, bar.volume)
        spread = self._spreads.of(bar.product, bar.tf, bar.open_ts)
        made = _bar(bar.open_ts, bar.tf, name, prices, shape(bar), spread, 0, "stream", complete=False)
        return self._sealed(bar.product, name, (made,), now)

    def _sealed(self, product: str, name: str, bars: tuple[WireBar, ...], now: int) -> bytes:
        return encoded(Ohlcv(wire_symbol(product), name, bars), now, self._secret)


def _bar(
    opened: int,
    tf: int,
    name: str,
    prices: tuple[float, float, float, float, float],
    drawn: Shape,
    spread: Spread | None,
    ticks: int,
    source: Source,
    *,
    complete: bool,
) -> WireBar:
    counted: int | UnsetType = ticks or (UNSET if spread is None else spread.ticks)
    average: float | UnsetType = UNSET if spread is None else spread.average
    largest: float | UnsetType = UNSET if spread is None else spread.largest
    return WireBar(
        opened, opened + tf - 1, *prices, complete, False, source, name, counted, *drawn, average, largest
    )  # fmt: skip

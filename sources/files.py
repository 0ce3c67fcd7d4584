"""Bars or quotes out of a file, checked before they are given."""

from collections.abc import AsyncIterator
from dataclasses import field
from pathlib import Path
from typing import Annotated

from msgspec import Meta
from reactivex import Observable

from pipeline.archive.layout import Declared, Format, Role, Side
from pipeline.archive.moments import DateOrder
from pipeline.archive.ordered import all_bars, in_order, reach, within
from pipeline.archive.playback import Kept, Rows, played
from pipeline.archive.reading import Reading
from pipeline.archive.series import Series, series_of
from pipeline.archive.walls import Ambiguous, is_zone
from pipeline.host import Host
from pipeline.parts import source
from pipeline.times import TimeframeName, timeframe
from pipeline.values import Bars, Quotes


@source
class Files:
    """Bars from a Parquet, CSV or JSONL file, each given as final at its close; or quotes, each as it was received.

    What a file is, is seen from its first rows. It has columns `open_ts` (or `ts`, `time`), `open`, `high`, `low`,
    `close` and, if known, `volume`; or `time`, `bid` and `ask`. Times are ms or s since 1970, or text. The other keys
    say what cannot be seen; `stamp` is the side of its bar a time is on. Where a replay begins within the file, what
    was before is history.
    """

    path: Annotated[
        str, Meta(min_length=1, description="the file, from the flow file's folder; a text may be .gz or .zip")
    ]
    product: Annotated[str, Meta(min_length=1)]
    timeframe: TimeframeName = "1m"
    quotes: Annotated[bool, Meta(description="whether the file holds quotes; timeframe then says nothing")] = False
    stamp: Annotated[Side, Meta(description="whether a time is when its bar opens or when it closes")] = "open"
    format: Annotated[Format, Meta(description="who wrote the file, when it is not seen")] = "auto"
    timezone: Annotated[str, Meta(description="where times without a zone are from")] = ""
    ambiguous: Annotated[Ambiguous, Meta(description="what a time means that comes twice as clocks are put back")] = (
        "refuse"
    )
    dates: Annotated[DateOrder | None, Meta(description="whether 03/02/2026 begins with the day or the month")] = None
    columns: Annotated[dict[Role, str], Meta(description="where to find time, open … by name or number")] = field(
        default_factory=dict[Role, str]
    )

    def __post_init__(self) -> None:
        timeframe(self.timeframe)
        if self.timezone and not is_zone(self.timezone):
            raise ValueError(f"timezone {self.timezone} is unknown; write one like UTC, EET or America/New_York")

    def __call__(self, host: Host) -> Observable[Bars | Quotes]:
        return host.stream(lambda: self._items(host))

    def final_timeframes(self) -> tuple[str, ...]:
        """Which bars it gives as the final ones they were."""
        return () if self.quotes else (self.timeframe,)

    def span(self, base: Path) -> tuple[int, int]:
        """The first row's time and the end of the last, read without the rest; `base` is the flow file's folder."""
        first, last = reach(self._reading(base))
        if self.quotes:
            return first, last + 1
        tf = timeframe(self.timeframe)
        return (first - tf, last) if self.stamp == "close" else (first, last + tf)

    def _reading(self, base: Path) -> Reading:
        declared = Declared(
            format=self.format,
            quotes=self.quotes,
            tf=timeframe(self.timeframe),
            stamp=self.stamp,
            timezone=self.timezone or None,
            ambiguous=self.ambiguous,
            dates=self.dates,
            columns=self.columns,
        )
        return Reading(base / self.path, self.product, declared)

    async def _items(self, host: Host) -> AsyncIterator[Bars | Quotes]:
        now = host.now()
        if self.quotes:
            series, rows, end = Series(self.product), self._quotes(host.base), self.span(host.base)[1]
        else:
            bars = all_bars(self._reading(host.base))
            series, rows, end = series_of(bars), _rows_of(bars), int(bars.final_at[-1])
        kept = Kept(series, rows, host)
        for past in kept.past():
            yield past
        limit = end if host.end is None else host.end
        async for item in played(host, [kept.reel()], now, limit):
            yield item

    def _quotes(self, base: Path) -> Rows:
        return lambda since, until: within(in_order(self._reading(base)), since, until)


def _rows_of(bars: Bars) -> Rows:
    return lambda since, until: within(iter((bars,)), since, until)


def read_bars(path: Path, product: str, tf: int, stamp: Side = "open") -> Bars:
    """All bars of a file, fresh; an InputError names the first row in which something is wrong."""
    return all_bars(Reading(path, product, Declared(quotes=False, tf=tf, stamp=stamp)))

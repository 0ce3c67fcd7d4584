"""Tips out of a file, each for its own moment."""

from collections.abc import AsyncIterator, Collection, Iterator
from pathlib import Path
from typing import Annotated

from msgspec import Meta
from reactivex import Observable, abc
from reactivex.disposable import Disposable

from pipeline.archive.moments import DateOrder
from pipeline.archive.walls import Ambiguous
from pipeline.errors import InputError
from pipeline.host import Host
from pipeline.parts import Derived, source
from pipeline.times import DurationText, TimeframeName
from pipeline.tip_lists import Settings, listed
from pipeline.tip_words import batches, check_usual
from pipeline.values import Tips

LONGEST = 16 * 1024 * 1024
"""Bytes of a list."""
MOST_TOLD = 20
"""So many of the lines that are wrong are told."""


@source
class SignalList:
    """Timed tips from a text file, one a line: `EURUSD 18:10 CALL M5`, or a CSV table with a heading.

    A table has columns product, time (or as_of), direction (call, put) or score (-1 to 1), and if you like date,
    timeframe, valid_until or valid_for. A tip without a timeframe is for bars of all of them. All tips are given at the
    start, so what is written into the file later is read at the next start. If one line is wrong, none is read.
    """

    path: Annotated[str, Meta(min_length=1, description="the file, from the flow file's folder")]
    timezone: Annotated[str, Meta(description="where times without a zone are from")] = "UTC"
    ambiguous: Annotated[Ambiguous, Meta(description="what a time means that comes twice as clocks are put back")] = (
        "refuse"
    )
    date: Annotated[
        str, Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?$", description="the day of times without one, such as 2026-01-05")
    ] = ""
    dates: Annotated[DateOrder, Meta(description="whether 03/02/2026 begins with the day or the month")] = "dmy"
    timeframe: Annotated[TimeframeName | None, Meta(description="of tips that name none; all when left out")] = None
    valid_for: Annotated[DurationText, Meta(description="how long a tip holds that does not say it")] = "30s"
    market: Annotated[Collection[str], Derived] = frozenset[str]()

    def __post_init__(self) -> None:
        check_usual(self.timezone, self.valid_for, self.timeframe)

    def __call__(self, host: Host) -> Observable[Tips]:
        def subscribe(
            observer: abc.ObserverBase[Tips], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            # At once, before any source has given a bar: a block of them is decided on as soon as it is there.
            try:
                for tips in self.read(host.base):
                    observer.on_next(tips)
            except InputError as wrong:
                observer.on_error(wrong)
                return Disposable()
            return host.stream(_no_more).subscribe(observer, scheduler=scheduler)

        return Observable(subscribe)

    def read(self, base: Path) -> Iterator[Tips]:
        """The tips of the file, or an InputError that names every line in which something is wrong."""
        path = base / self.path
        made = listed(_text_of(path), self._settings())
        if made.wrong:
            told = [f"{path}:{line}: {what}" for line, what in sorted(made.wrong.items())]
            more = [f"and {len(told) - MOST_TOLD} more lines"] if len(told) > MOST_TOLD else []
            raise InputError("\n".join(told[:MOST_TOLD] + more))
        yield from batches(made.tips)

    def _settings(self) -> Settings:
        return Settings(
            zone=self.timezone,
            ambiguous=self.ambiguous,
            dates=self.dates,
            day=self.date,
            timeframe=self.timeframe or "",
            valid_for=self.valid_for,
            market=self.market,
        )


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LONGEST + 1)
    except OSError as wrong:
        raise InputError(f"{path} cannot be read ({wrong.strerror}); name a text file with tips") from None
    if len(raw) > LONGEST:
        raise InputError(f"{path} has more than {LONGEST // 1024 // 1024} MB; split the list")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = raw[: wrong.start].count(b"\n") + 1
        raise InputError(f"{path}:{line}: is not UTF-8 text; save the list as UTF-8") from None


async def _no_more() -> AsyncIterator[Tips]:
    """Nothing; it ends once the flow has begun."""
    for each in ():
        yield each

"""What an engine says of itself, for programs: numbers, log records, alerts."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Protocol

from msgspec import Meta, Struct

from pipeline.alerting.route import Alert
from pipeline.aside import Asking
from pipeline.control.errors import Refused
from pipeline.control.routing import Nothing, Route, Text
from pipeline.logs.records import Choice, LogLevel, Record
from pipeline.metrics.hearing import Hearings
from pipeline.telemetry.readings import Reading
from pipeline.telemetry.samples import Sample
from pipeline.told.records import Told
from pipeline.told.words import Moment, Name


class Measures(Protocol):
    """Who keeps the numbers."""

    def samples(self, since: int = 0, features: Collection[str] = ()) -> Sequence[Sample]: ...

    def readings(self) -> Iterable[Reading]: ...


class Book(Protocol):
    """Who keeps what was said; from any thread."""

    @property
    def levels(self) -> Mapping[str, LogLevel]: ...

    def tail(
        self, level: LogLevel = "debug", n: int = 500, module: str = "", order: str = "", word: str = ""
    ) -> Sequence[Record]: ...

    def after(self, seq: int, limit: int = 500) -> Sequence[Record]: ...

    def check_level(self, module: str, level: LogLevel | None) -> None: ...

    def set_level(self, module: str, level: LogLevel | None) -> None: ...


class Alarms(Protocol):
    """Who keeps what somebody should hear of."""

    def current(self) -> Sequence[Alert]: ...

    def since(self, number: int) -> Sequence[Alert]: ...


class SamplesAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Which numbers: those that became others after a moment (0: all), and with the last values of some features."""

    since_ms: Moment = 0
    features: Annotated[str, Meta(max_length=2000, description="by name, with commas between; * for all")] = ""


class Samples(Struct, frozen=True):
    """Numbers as messages: whose, which, since when, how much."""

    metrics: tuple[Sample, ...]


class LogsAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Which records: the last `tail` of at least this level, of a module and what is below it, of an order.

    With `after`, of the newest `tail` behind the record of that number.
    """

    level: LogLevel = "info"
    tail: Annotated[int, Meta(ge=1, le=5000)] = 500
    module: Name = ""
    order: Annotated[str, Meta(max_length=300)] = ""
    word: Name = ""
    after: Annotated[int, Meta(ge=0, le=2**53 - 1)] = 0


class Levels(Struct, frozen=True):
    """From which level on is kept, by module; "" is all that have none of their own."""

    levels: Mapping[str, LogLevel]


LevelsSaid = Annotated[
    dict[Annotated[str, Meta(max_length=200)], LogLevel | None],
    Meta(max_length=100, description="by module; null takes its own level away from it"),
]


class AlertsAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Which alerts, beside those that hold: those told after the one of this number, the newest `limit` of them."""

    after: Annotated[int, Meta(ge=0, le=2**53 - 1)] = 0
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class Alerts(Struct, frozen=True):
    """What holds now that somebody should know, and what was told lately, the oldest first."""

    alerts: tuple[Alert, ...]
    told: tuple[Alert, ...]


class Numbers:
    """Asks whoever keeps the numbers, one at a time and beside the flow: with hundreds of keys it takes a while."""

    def __init__(self, measures: Measures) -> None:
        self._measures = measures
        self._turn = asyncio.Lock()

    async def since(self, moment: int, features: Collection[str] = ()) -> Sequence[Sample]:
        async with self._turn:
            return await asyncio.to_thread(self._measures.samples, moment, features)

    async def metrics(self, asked: SamplesAsked, _: None) -> Samples:
        features = tuple(filter(None, (each.strip() for each in asked.features.split(","))))
        return Samples(tuple(await self.since(asked.since_ms, features)))

    async def page(self, accept: str) -> Text:
        """The same for Prometheus, in the form it accepts."""
        try:
            from pipeline.metrics.collecting import Page  # noqa: PLC0415  # its library is an extra
        except ModuleNotFoundError as missing:
            mend = "install it with: pip install 'moonlight[metrics]', or ask for application/json"
            raise Refused("VALIDATION", f"this form needs {missing.name}; {mend}", 406) from None
        async with self._turn:
            return Text(*await asyncio.to_thread(Page(Hearings(), lambda: 0, self._measures.readings), accept))


class Records:
    """Asks whoever keeps what was said."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def logs(self, asked: LogsAsked, _: None) -> Told:
        if asked.after:
            choice = Choice(asked.level, asked.module, asked.order, asked.word)
            return Told(tuple(each for each in self._book.after(asked.after, asked.tail) if choice.takes(each)))
        return Told(tuple(self._book.tail(asked.level, asked.tail, asked.module, asked.order, asked.word)))

    async def levels(self, _: Nothing, __: None) -> Levels:
        return Levels(dict(self._book.levels))

    async def set_levels(self, _: Nothing, levels: dict[str, LogLevel | None]) -> Levels:
        for module, level in levels.items():
            self._book.check_level(module, level)  # all of them are set, or none
        for module, level in levels.items():
            self._book.set_level(module, level)
        return Levels(dict(self._book.levels))


class Warnings:
    """Asks whoever keeps what somebody should hear of, in a turn of the flow."""

    def __init__(self, alarms: Alarms, ask: Asking) -> None:
        self._alarms, self._ask = alarms, ask

    async def alerts(self, asked: AlertsAsked, _: None) -> Alerts:
        holding, told = await self._ask(lambda: (self._alarms.current(), self._alarms.since(asked.after)))
        return Alerts(tuple(holding), tuple(told)[-asked.limit :])


NUMBERS = (
    Route(
        method="GET",
        path="/metrics",
        name="metrics",
        does="Every number of the engine, or those that became others since a moment.",
        call=Numbers.metrics,
        query=SamplesAsked,
        answer=Samples,
        text=Numbers.page,
    ),
)
RECORDS = (
    Route(
        method="GET",
        path="/logs",
        name="logs",
        does="The last of what the engine said, without secrets.",
        call=Records.logs,
        query=LogsAsked,
        answer=Told,
    ),
    Route(
        method="GET",
        path="/logs/levels",
        name="levels",
        does="From which level on each module's records are kept.",
        call=Records.levels,
        query=Nothing,
        answer=Levels,
    ),
    Route(
        method="PUT",
        path="/logs/levels",
        name="set_levels",
        does="Keep more or less of some modules, until the engine ends.",
        call=Records.set_levels,
        query=Nothing,
        body=LevelsSaid,
        answer=Levels,
    ),
)
WARNINGS = (
    Route(
        method="GET",
        path="/alerts",
        name="alerts",
        does="What holds now that somebody should know, and what was told lately.",
        call=Warnings.alerts,
        query=AlertsAsked,
        answer=Alerts,
    ),
)

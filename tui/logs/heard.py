"""The log as this console has heard it: the engine's records where it serves them, else the lines it told."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from pipeline.logs.records import Record
from pipeline.told.records import Told
from pipeline.view import LogLine
from tui.asking import Answer, Engine, NotTaken
from tui.store import Store

KEPT = 20_000
SLACK = KEPT // 10
"""So many more are kept for a while, so that dropping the oldest is seldom."""
MOST = 5_000
"""So many are asked for at once: as many as the engine has in memory."""
CONSOLE = "console"
"""Under this name stand the console's own notes."""


@dataclass
class HeardLog:
    """Records, oldest first. Places are counted from the first that was ever heard; `first` were let go since."""

    records: list[Record] = field(default_factory=list[Record])
    first: int = 0
    asked: Answer[Told] = field(default_factory=Answer[Told])
    served: bool | None = None
    """Whether the engine has records to ask for; None while nobody knows."""
    missed: int = 0
    """So many came faster than they could be asked for."""
    _last: int = 0
    _lines: int = 0
    _life: object = None

    @property
    def end(self) -> int:
        """The place behind the newest."""
        return self.first + len(self.records)

    def at(self, place: int) -> Record:
        return self.records[place - self.first]

    async def ask(self, engine: Engine, store: Store, now: Callable[[], float]) -> None:
        """What is new since the last question; the first of an engine asks for all it has."""
        life = None if store.hello is None else (store.hello.pid, store.hello.started)
        if life != self._life:
            self._life, self._last, self.served = life, 0, None

        async def question() -> Told:
            try:
                told = await engine.get("/logs", Told, level="debug", tail=MOST, after=self._last or None)
            except NotTaken as refused:
                self.served = False if refused.code == "NOT_FOUND" else self.served
                raise
            self.served = True
            self._take(told.logs)
            return told

        await self.asked.ask(question, now)

    def pull(self, store: Store) -> None:
        """What the line told since: all of it where there are no records to ask for, else the console's own notes."""
        new = store.lines_heard - self._lines
        if new <= 0 or (self.served is None and store.state == "up"):
            return
        self._lines = store.lines_heard
        lines = list(store.lines)[-new:]
        self._add(_record(line) for line in lines if self.served is False or line.seq == 0)

    def _take(self, told: Sequence[Record]) -> None:
        fresh = [record for record in told if record.seq > self._last]
        if not fresh:
            return
        if self._last:
            self.missed += fresh[0].seq - self._last - 1
        self._last = fresh[-1].seq
        self._add(fresh)

    def _add(self, records: Iterable[Record]) -> None:
        self.records.extend(records)
        if len(self.records) > KEPT + SLACK:
            gone = len(self.records) - KEPT
            del self.records[:gone]
            self.first += gone


def _record(line: LogLine) -> Record:
    return Record(line.seq, line.at, 0, line.level, "" if line.seq else CONSOLE, line.text)

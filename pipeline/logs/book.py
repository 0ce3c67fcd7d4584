"""What was said lately, and whoever wants to hear of it: every record passes here once, and is masked here."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from itertools import islice

from pipeline.logs.levels import Levels
from pipeline.logs.plain import plain, plain_lines
from pipeline.logs.records import Choice, Fact, Facts, LogLevel, Record, Said
from pipeline.masking import masked

KEPT = 5_000
"""Records that can be asked for without a file."""
LOOKED_AT = 1_000_000
"""Letters of a text that are looked through."""
WHOLE = 2**63
"""A greater number is written as text."""

Told = Callable[[Record], None]


class LogBook:
    """May be used from any thread, from within a finalizer too: nobody waits to say something.

    What is said is put down; whoever finds nobody writing makes records of all that is there.
    """

    def __init__(self, levels: Levels, wall: Callable[[], int], last: int = 0) -> None:
        """`last` is the number of the last record there was."""
        self.now: Callable[[], int] = wall
        """The flow's clock, once it has one."""
        self._levels, self._wall = levels, wall
        self._seq = last
        self._said: deque[Said] = deque()
        self._records: deque[Record] = deque(maxlen=KEPT)
        self._told: tuple[Told, ...] = ()
        self._taking = threading.Lock()
        self._changed: Callable[[], None] | None = None

    # --- saying ------------------------------------------------------------------------------------------------------

    def keeps(self, level: LogLevel, module: str) -> bool:
        """Whether it is worth saying something."""
        return self._levels.keep(level, module)

    def say(
        self, level: LogLevel, module: str, text: str, correlation: str = "", fields: Facts | None = None, at: int = 0
    ) -> None:
        """Say something, if anybody wants to know that much."""
        self.take(Said(level, module, text, correlation, fields or {}, at))

    def take(self, said: Said) -> None:
        if self._levels.keep(said.level, said.module):
            self._said.append(said)
            self._write()

    # --- reading -----------------------------------------------------------------------------------------------------

    def tail(
        self, level: LogLevel = "debug", n: int = 500, module: str = "", order: str = "", word: str = ""
    ) -> tuple[Record, ...]:
        """The last of those in memory that are asked for, oldest first."""
        choice = Choice(level, module, order, word)
        with self._reading() as records:
            chosen = list(islice((each for each in reversed(records) if choice.takes(each)), max(0, n)))
        return tuple(reversed(chosen))

    def after(self, seq: int, limit: int = 500) -> tuple[Record, ...]:
        """The newest after a number, at most so many, oldest first: numbers that are left out were passed over."""
        with self._reading() as records:
            newer: list[Record] = []
            for each in reversed(records):
                if each.seq <= seq or len(newer) >= limit:
                    break
                newer.append(each)
        return tuple(reversed(newer))

    @property
    def last(self) -> int:
        """The number of the newest record."""
        return self._seq

    def subscribe(self, told: Told) -> Callable[[], None]:
        """Have each new record told, in whichever thread it is said; call what is given back to hear no more."""
        self._told = (*self._told, told)

        def leave() -> None:
            self._told = tuple(each for each in self._told if each is not told)

        return leave

    # --- levels ------------------------------------------------------------------------------------------------------

    @property
    def levels(self) -> Mapping[str, LogLevel]:
        """By module, "" for all that have none of their own."""
        return self._levels.rules

    def levels_below(self, module: str) -> LogLevel:
        """The lowest level that is kept of a module, or of anything below it."""
        return self._levels.least(module)

    def check_level(self, module: str, level: LogLevel | None) -> None:
        """`InputError` for a name or a level that is none; nothing is changed."""
        self._levels.check(module, level)

    def set_level(self, module: str, level: LogLevel | None) -> None:
        """Keep more or less of a module from now on ("": of all that have no level of their own), None: as of those
        above it. `InputError` for a name or a level that is none."""
        self._levels.set(module, level)
        if self._changed is not None:
            self._changed()
        whose = module or "all that has no level of its own"
        self.say("info", "logs", f"{whose} is kept from {self._levels.of(module)} on, until this engine ends")

    def on_levels(self, changed: Callable[[], None]) -> None:
        """Have it told that levels were changed."""
        self._changed = changed

    # --- pieces ------------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        """Make records of all that was said. Whoever says something meanwhile leaves it to whoever is at it."""
        while self._said and self._taking.acquire(blocking=False):
            try:
                while self._said:
                    self._add(self._said.popleft())
            finally:
                self._taking.release()

    def _add(self, said: Said) -> None:
        level, module, text, correlation, fields, at = said
        text, fields = _shown(text, fields)
        self._seq += 1
        record = Record(
            self._seq, at or self.now(), self._wall(), level, plain(module), text, plain(correlation), dict(fields)
        )
        self._records.append(record)
        for told in self._told:
            try:
                told(record)
            except Exception as failure:  # noqa: BLE001  # who only listens may stop neither the flow nor the log
                self._told = tuple(each for each in self._told if each is not told)
                what = f"who heard of each record failed ({type(failure).__name__}: {failure}) and hears of none now"
                self._said.append(Said("error", "logs", what))

    @contextmanager
    def _reading(self) -> Generator[deque[Record]]:
        """The records, while nobody adds one; what is said meanwhile comes after."""
        with self._taking:
            yield self._records
        self._write()


def _shown(text: str, fields: Facts) -> tuple[str, dict[str, Fact]]:
    """What was said without secrets, and without what is no letter."""
    words = [text[:LOOKED_AT], *(each[:LOOKED_AT] for each in fields.values() if isinstance(each, str))]
    whole = "\0".join(words)
    secretive = masked(whole) != whole
    shown = {name: _fact(each, secretive=secretive) for name, each in fields.items()}
    return plain(masked(words[0]) if secretive else words[0]), shown


def _fact(fact: object, *, secretive: bool) -> Fact:
    match fact:
        case None | bool() | float():
            return fact
        case int() if abs(fact) < WHOLE:
            return fact
        case str():
            text = fact[:LOOKED_AT]
        case _:
            text = str(fact)
            secretive = True
    return plain_lines(masked(text) if secretive else text)

"""Which records of the log are shown. What was looked at once is not looked at again."""

from bisect import bisect_left
from collections.abc import Mapping
from typing import get_args

from pipeline.logs.records import GRAVITY, LogLevel, Record
from tui.filtering import ALL, Filter, filter_of
from tui.logs.heard import HeardLog

FIELDS = ("level", "module", "text", "order", "account")
LEVELS: tuple[LogLevel, ...] = get_args(LogLevel)
PORTION = 1_500
"""So many of those heard before are looked at in one go: a filter is typed letter by letter."""


class Sifted:
    """The places of those records that are of at least a level and pass a filter."""

    def __init__(self, heard: HeardLog) -> None:
        self._heard = heard
        self.places: list[int] = []
        self.level: LogLevel = "debug"
        self._filter: Filter = ALL
        self._from = self._to = heard.end
        """Between them all were looked at."""

    def filter(self, words: str) -> None:
        self._filter = filter_of(words, FIELDS)
        self._begin()

    def of_level(self, level: LogLevel) -> None:
        self.level = level
        self._begin()

    def sift(self) -> None:
        """Look at what is new, and at a portion of what is old."""
        heard = self._heard
        gone = bisect_left(self.places, heard.first)
        del self.places[:gone]
        self._from, self._to = max(self._from, heard.first), max(self._to, heard.first)
        self.places += self._passing(self._to, heard.end)
        self._to = heard.end
        if self._from > heard.first:
            before = max(heard.first, self._from - PORTION)
            self.places[:0] = self._passing(before, self._from)
            self._from = before

    @property
    def done(self) -> bool:
        """Whether all were looked at."""
        return self._from <= self._heard.first

    def _begin(self) -> None:
        self.places = []
        self._from = self._to = self._heard.end
        self.sift()

    def _passing(self, begin: int, end: int) -> list[int]:
        if not self._filter.tests and self.level == LEVELS[0]:
            return list(range(begin, end))
        least, heard = GRAVITY[self.level], self._heard
        return [
            place
            for place in range(begin, end)
            if GRAVITY[(record := heard.at(place)).level] >= least and self._filter.shows(texts_of(record))
        ]


def texts_of(record: Record) -> Mapping[str, str]:
    """What a filter reads of a record."""
    account = str(record.fields.get("account") or record.correlation.partition(":")[0])
    return {
        "level": record.level,
        "module": record.module,
        "text": record.text,
        "order": record.correlation,
        "account": account,
    }

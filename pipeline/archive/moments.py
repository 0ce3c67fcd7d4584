"""Times as they stand in files, as ms UTC: whole columns of text or numbers, without a Python object for each row.

Texts are told apart by their shape, the digits of which are the same letter: `2026-01-05 08:00` and `2026-01-06 09:15`
are of one shape. What a shape's runs of digits are is worked out once; a file has a few shapes at most.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.archive.walls import Ambiguous, meant
from pipeline.times import DAY, HOUR, MINUTE, SECOND
from pipeline.values import Flags, Stamps

Letters = NDArray[np.uint8]
Into = tuple[Stamps, Flags, Flags]
"""Where what was read goes: what a wall shows, whether a zone was named, whether it is no time."""
DateOrder = Literal["dmy", "mdy"]
EpochUnit = Literal["s", "ms", "us", "ns"]

AT_ONCE = 65_536
"""So many texts are read at a time."""
LONGEST = 64
"""No time has more letters."""
MOST_SHAPES = 64
"""What has a shape beyond these is no time."""
FORMS = "write ms or s since 1970, or text like 2026-01-05T08:00:00Z"
IN_1970 = "is in 1970, as of a stamp that was never set; mend or leave out the row"
LEAST_EPOCH = 365 * DAY // SECOND
"""Seconds until 1971. Whole numbers below it, in whatever unit, are no time of a market."""
EPOCHS: Mapping[EpochUnit, tuple[int, int]] = {
    "s": (LEAST_EPOCH, 10**11),
    "ms": (10**11, 10**14),
    "us": (10**14, 10**17),
    "ns": (10**17, 2**63),
}
"""From which whole number on, and below which, a time is in a unit: seconds from 1971 on, the others from 1973."""
IN_MS: Mapping[EpochUnit, tuple[int, int]] = {"s": (1000, 1), "ms": (1, 1), "us": (1, 1_000), "ns": (1, 1_000_000)}
"""By what to multiply and to divide."""

ZONE = r"(?: ?(?:GMT|UTC)?(?P<zone>[+-]0{2}:?0{2}|[+-]0{2})| ?(?P<utc>Z|UTC|GMT))?"
CLOCK = r"(?P<h>0{1,2}):(?P<mi>00)(?::(?P<s>00)(?:[.,](?P<f>0{1,9}))?)?"
SHAPES = (
    r"(?P<y>0000)[-./](?P<mo>0{1,2})[-./](?P<d>0{1,2})(?:[T ]+" + CLOCK + ZONE + ")?",
    r"(?P<y>0000)(?P<mo>00)(?P<d>00)(?:[T ]" + CLOCK + ZONE + ")?",
    r"(?P<y>0000)(?P<mo>00)(?P<d>00)[T ]?(?P<h>00)(?P<mi>00)(?:(?P<s>00)[.,]?(?P<f>0{1,9})?)?" + ZONE,
    r"(?P<a>0{1,2})[-./](?P<b>0{1,2})[-./](?P<y>0000)(?:[T ]+" + CLOCK + ZONE + ")?",
)


@dataclass(frozen=True, slots=True)
class Timing:
    """How times are to be read: the zone of those that name none, and what comes first where the year does not."""

    zone: str = "UTC"
    ambiguous: Ambiguous = "refuse"
    dates: DateOrder = "dmy"


@dataclass(frozen=True, slots=True)
class Moments:
    """Times of rows, and why some have none."""

    ts: Stamps
    wrong: Mapping[str, Flags]

    def sound(self) -> Flags:
        """Which rows have a time."""
        return ~np.logical_or.reduce([np.zeros(len(self.ts), np.bool_), *self.wrong.values()])


def of_numbers(values: Stamps, unit: EpochUnit, name: str) -> Moments:
    """Whole numbers since 1970."""
    least, limit = EPOCHS[unit]
    times, parts = IN_MS[unit]
    if not len(values) or (values.min() >= least and values.max() < limit):
        return Moments(values if times == parts else values * times // parts, {})
    early, other = values < LEAST_EPOCH, (values >= LEAST_EPOCH) & ((values < least) | (values >= limit))
    wrong = early | other
    ts = np.where(wrong, 0, values) * times // parts
    said = {f"{name} {IN_1970}": early, f"{name} is not in {unit} like the first ones; give each unit a file": other}
    return Moments(ts, said)


def unit_of(values: Stamps) -> EpochUnit:
    """The unit most of the numbers are in."""
    sound = values[values >= LEAST_EPOCH]
    middle = int(np.sort(sound)[len(sound) // 2]) if len(sound) else LEAST_EPOCH
    return next(unit for unit, (_, limit) in EPOCHS.items() if middle < limit)


def of_texts(offsets: NDArray[np.int64], letters: Letters, timing: Timing, name: str) -> Moments:
    """Texts that lie one after another in `letters`, each from its offset to the next."""
    rows = len(offsets) - 1
    wall = np.zeros(rows, np.int64)
    zoned, unread = np.zeros(rows, np.bool_), np.ones(rows, np.bool_)
    for start in range(0, rows, AT_ONCE):
        some = slice(start, start + AT_ONCE)
        _read_all(offsets[start : start + AT_ONCE + 1], letters, timing, (wall[some], zoned[some], unread[some]))
    return of_walls(wall, zoned, unread, timing, name)


def of_walls(wall: Stamps, zoned: Flags, unread: Flags, timing: Timing, name: str) -> Moments:
    """Times that clocks on a wall show, except those that are moments already (`zoned`)."""
    found = {f"{name} is no time; {FORMS}": unread}
    plain = ~zoned & ~unread
    if timing.zone != "UTC" and plain.any():
        told = meant(wall[plain], timing.zone, timing.ambiguous)
        wall[plain] = told.moments
        skipped, twice = np.zeros((2, len(wall)), np.bool_)
        skipped[plain], twice[plain] = told.skipped, told.twice
        found[f"{name} does not exist in {timing.zone}, clocks skipped it; is the time zone right?"] = skipped
        found[f"{name} is twice in {timing.zone}; say which is meant with ambiguous first or second"] = twice
    found[f"{name} {IN_1970}"] = ~unread & (wall < LEAST_EPOCH * SECOND)
    return Moments(wall, found)


def _read_all(offsets: NDArray[np.int64], letters: Letters, timing: Timing, into: Into) -> None:
    """Read texts, those of one length and shape together."""
    lengths = np.diff(offsets)
    for length in np.unique(lengths[lengths <= LONGEST]).tolist():
        left = np.flatnonzero(lengths == length)
        block = letters[offsets[left][:, None] + np.arange(length)]
        shapes = 0
        while len(left) and shapes < MOST_SHAPES:
            shapes += 1
            shape = _shape(block[0])
            alike = _alike(block, shape)
            _read(shape, block[alike], left[alike], timing, into)
            left, block = left[~alike], block[~alike]


def _shape(text: Letters) -> str:
    return re.sub(r"\d", "0", text.tobytes().decode("latin-1"))


def _alike(block: Letters, shape: str) -> Flags:
    """Which texts have a shape."""
    pattern = np.frombuffer(shape.encode("latin-1"), np.uint8)
    digit = pattern == ord("0")
    numbers = block[:, digit]
    alike: Flags = (block[:, ~digit] == pattern[~digit]).all(axis=1)
    alike &= ((numbers >= ord("0")) & (numbers <= ord("9"))).all(axis=1)
    return alike


def _read(shape: str, block: Letters, rows: NDArray[np.intp], timing: Timing, into: Into) -> None:
    """Read texts of one shape into their rows; those that no calendar or clock has stay unread."""
    places = _places(shape)
    if not places:
        return

    def number(name: str) -> Stamps:
        return _digits(block[:, slice(*places.get(name, (0, 0)))])

    if "a" not in places:
        month, day = number("mo"), number("d")
    else:
        day, month = number("a"), number("b")
        if timing.dates == "mdy":
            day, month = month, day
    hour, minute, second = number("h"), number("mi"), number("s")
    days, real = _civil(number("y"), month, day)
    real &= (hour < 24) & (minute < 60) & (second < 60)
    ts = days * DAY + hour * HOUR + minute * MINUTE + second * SECOND
    if "f" in places:
        # A finer clock than ours: what is below a millisecond is let go.
        begin, end = places["f"]
        ts += number("f") * 1000 // 10 ** (end - begin)
    if "zone" in places:
        begin, end = places["zone"]
        ahead = _digits(block[:, begin + 1 : begin + 3]) * HOUR
        if end - begin > 3:
            ahead += _digits(block[:, end - 2 : end]) * MINUTE
        ts -= np.where(block[:, begin] == ord("-"), -ahead, ahead)
    wall, zoned, unread = into
    zoned[rows] = "zone" in places or "utc" in places
    wall[rows] = ts
    unread[rows] = ~real


@cache
def _places(shape: str) -> Mapping[str, tuple[int, int]]:
    """Where in a shape the year, the month … are; nowhere when it is no time's."""
    for form in SHAPES:
        match = re.fullmatch(form, shape)
        if match is not None:
            return {name: match.span(name) for name, run in match.groupdict().items() if run is not None}
    return {}


def _digits(block: Letters) -> Stamps:
    """What the digits of each row say."""
    places = 10 ** np.arange(block.shape[1] - 1, -1, -1, dtype=np.int64)
    return (block - np.uint8(ord("0"))).astype(np.int64) @ places


def _civil(year: Stamps, month: Stamps, day: Stamps) -> tuple[Stamps, Flags]:
    """Days since 1970, and which dates there are."""
    real = (month >= 1) & (month <= 12) & (day >= 1) & (year >= 1)
    months = ((year - 1970) * 12 + np.where(real, month, 1) - 1).astype("datetime64[M]")
    first, after = (each.astype("datetime64[D]").astype(np.int64) for each in (months, months + 1))
    return first + day - 1, real & (day <= after - first)

"""What an audit finds, in numbers and in words, and the grade it has."""

from typing import NamedTuple

from msgspec import Struct, field

from pipeline.archive.grades import Grade, Measure
from pipeline.times import utc_text


class Hole(NamedTuple):
    """Bars of open time that are missing, one after another."""

    slots: int
    since: int
    until: int


class Jump(NamedTuple):
    """A move that is so many times as large as is usual, in the bar that opened at `at`."""

    times: float
    at: int


class Found(Struct):
    """What an audit counts."""

    rows: int = 0
    bars: int = 0
    first: int = 0
    last: int = 0
    missing: int = 0
    gaps: int = 0
    longest: list[Hole] = field(default_factory=list[Hole])
    closed: int = 0
    impossible: int = 0
    disordered: int = 0
    jumps: int = 0
    largest: list[Jump] = field(default_factory=list[Jump])
    flat: int = 0
    longest_flat: int = 0
    clock: float = 0.0
    clock_says: str = ""

    def shares(self) -> dict[Measure, float]:
        bars, rows = max(1, self.bars), max(1, self.rows)
        return {
            "missing": self.missing / max(1, self.missing + self.bars - self.closed),
            "closed": self.closed / bars,
            "impossible": self.impossible / rows,
            "disordered": self.disordered / rows,
            "jumps": self.jumps / bars,
            "flat": self.flat / bars,
            "clock": self.clock,
        }


class Audit(Struct):
    """What was found, and the grade it has."""

    product: str
    timeframe: str
    grade: Grade
    worst: Measure
    grades: dict[Measure, Grade]
    shares: dict[Measure, float]
    found: Found

    def sentence(self) -> str:
        """The worst finding."""
        return finding(self.found, self.worst)


def finding(found: Found, measure: Measure) -> str:
    """A measure in words."""
    share = f"{found.shares()[measure]:.3%}"
    match measure:
        case "missing":
            if not found.missing:
                return "no bar of open time is missing"
            slots, since, until = max(found.longest)
            longest = f"the longest of {slots:,} from {utc_text(since)} to {utc_text(until)}"
            return f"{found.missing:,} bars of open time are missing ({share}) in {found.gaps:,} gaps, {longest}"
        case "closed":
            return f"{found.closed:,} bars lie in closed time ({share})"
        case "impossible":
            return f"{found.impossible:,} rows have prices that cannot be ({share})"
        case "disordered":
            return f"{found.disordered:,} rows do not follow the one before them ({share})"
        case "jumps":
            if not found.jumps:
                return "no move is absurdly large"
            times, at = max(found.largest)
            return f"{found.jumps:,} moves are absurd ({share}), one {times:,.0f} times the usual at {utc_text(at)}"
        case "flat":
            return f"{found.flat:,} bars stand still ({share}), the longest stretch is {found.longest_flat:,} bars"
        case "clock":
            return found.clock_says or "weeks begin and end when they should"

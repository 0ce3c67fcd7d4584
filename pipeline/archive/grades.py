"""Grades of data, A to F, by rules that stand in a table: a series has the worst of its measures' grades."""

from collections.abc import Mapping
from typing import Literal

Grade = Literal["A", "B", "C", "D", "E", "F"]
Measure = Literal["missing", "closed", "impossible", "disordered", "jumps", "flat", "clock"]

GRADES: tuple[Grade, ...] = ("A", "B", "C", "D", "E", "F")

LIMITS: Mapping[Measure, tuple[float, float, float, float, float]] = {
    "missing": (0.001, 0.005, 0.02, 0.05, 0.20),
    "closed": (0.001, 0.005, 0.02, 0.05, 0.20),
    "impossible": (0, 0, 0.00001, 0.0001, 0.001),
    "disordered": (0, 0, 0.00001, 0.0001, 0.001),
    "jumps": (0.0001, 0.0005, 0.002, 0.01, 0.05),
    "flat": (0.01, 0.03, 0.10, 0.25, 0.50),
    "clock": (0.02, 0.02, 0.02, 1, 1),
}
"""Up to which share a measure has an A, a B, a C, a D and an E."""


def grade_of(measure: Measure, share: float) -> Grade:
    return GRADES[sum(share > limit for limit in LIMITS[measure])]


def worst(shares: Mapping[Measure, float]) -> tuple[Measure, Grade]:
    """The measure with the worst grade, and that; of equal ones the one that is most of its limit."""

    def badness(measure: Measure) -> tuple[int, float]:
        grade = GRADES.index(grade_of(measure, shares[measure]))
        return grade, shares[measure] / max(LIMITS[measure][min(grade, 4)], 1e-9)

    measure = max(shares, key=badness)
    return measure, grade_of(measure, shares[measure])


def meets(grade: Grade, demanded: Grade) -> bool:
    return GRADES.index(grade) <= GRADES.index(demanded)

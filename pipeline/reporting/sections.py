"""The sections of the report in their order. Another one is a function, and its place in this list."""

from collections.abc import Callable

from pipeline.reporting.certainty import audit, certificate, signed
from pipeline.reporting.conditions import delay, endings, payouts
from pipeline.reporting.luck import luck, money, runs
from pipeline.reporting.passage import stages, unended
from pipeline.reporting.proof import belief, evidence, sample, win_rate
from pipeline.reporting.said import Section
from pipeline.reporting.subjects import Subject

Sections = tuple[Callable[[Subject], Section | None], ...]

SECTIONS: Sections = (
    win_rate,
    belief,
    evidence,
    sample,
    money,
    luck,
    runs,
    payouts,
    delay,
    stages,
    endings,
    unended,
    certificate,
    audit,
    signed,
)
BRIEF: Sections = (win_rate, evidence, money)
"""What is said of each key unless all is asked for."""

"""What came of a grading, in words: a table, a line for a badge, and a table for programs."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.conformance.candidate import Candidate
from pipeline.conformance.checks import Check
from pipeline.conformance.grading import Grade
from pipeline.conformance.versions import program_version

SIGNS = {"passed": "ok", "failed": "FAILED", "not applicable": "–"}
NAME, SIGN = 48, 8
WIDTH, INDENT = 120, "    "


def listed(checks: Sequence[Check]) -> Iterator[str]:
    """Each check and what it proves."""
    for check in checks:
        yield check.name
        yield from _indented(check.proves)


def line(grade: Grade) -> str:
    """What came of one check; of one that failed what it would have proved, and what was seen."""
    seconds = f"{grade.seconds:.1f} s"
    first = f"{grade.check.name:<{NAME}} {SIGNS[grade.verdict]:<{SIGN}} {seconds:>7}"
    if grade.verdict == "passed":
        return first
    if grade.verdict == "not applicable":
        return f"{first}   {grade.seen}"
    told = (f"it has to be so: {grade.check.proves}", f"what was seen: {grade.seen}")
    return "\n".join(
        (first, *(textwrap.fill(each, WIDTH, initial_indent="    ", subsequent_indent="    ") for each in told))
    )


def badge(candidate: Candidate, grades: Sequence[Grade]) -> str:
    """One line that says what conforms to what: for a page, or a log."""
    asked = [each for each in grades if each.verdict != "not applicable"]
    passed = sum(each.verdict == "passed" for each in asked)
    word = "conforms" if asked and passed == len(asked) else "does not conform"
    against = f"practice venue {program_version()}"
    return f"{word}: {passed} of {len(asked)}, {against}, {candidate.name} {candidate.version}"


def table(candidate: Candidate, grades: Sequence[Grade]) -> dict[str, Any]:
    """All of it, for programs."""
    verdicts = [each.verdict for each in grades]
    return {
        "connector": candidate.name,
        "version": candidate.version,
        "venue": program_version(),
        "passed": verdicts.count("passed"),
        "failed": verdicts.count("failed"),
        "not_applicable": verdicts.count("not applicable"),
        "badge": badge(candidate, grades),
        "checks": [
            {
                "name": each.check.name,
                "proves": each.check.proves,
                "verdict": each.verdict,
                "seen": each.seen,
                "seconds": round(each.seconds, 2),
            }
            for each in grades
        ],
    }


def _indented(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)

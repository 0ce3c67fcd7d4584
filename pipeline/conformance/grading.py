"""Grading: every check on a stage of its own, some beside each other, and what came of each."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple

from pipeline.conformance.candidate import Candidate
from pipeline.conformance.checks import Check
from pipeline.conformance.hearing import Amiss, must
from pipeline.conformance.stage import staged
from pipeline.connections.troubles import CallFailed
from pipeline.errors import InputError

Verdict = Literal["passed", "failed", "not applicable"]
AT_ONCE = 6
"""So many checks are made beside each other: they wait more than they compute."""
LONGEST = 50.0
"""Seconds that one check may take at the most."""
LOOSE = 10.0
"""Seconds that letting go of a stage may take."""


class Grade(NamedTuple):
    """What came of a check."""

    check: Check
    verdict: Verdict
    seen: str = ""
    """Why it failed, or is not applicable."""
    seconds: float = 0.0


def graded(
    candidate: Candidate, checks: Sequence[Check], seed: int, told: Callable[[Grade], None], at_once: int = AT_ONCE
) -> list[Grade]:
    """All checks, in their order; `told` of each as it is done."""
    with ThreadPoolExecutor(at_once, "conform") as pool:
        begun = sorted(enumerate(checks), key=lambda each: not each[1].slow)
        coming = {number: pool.submit(_grade, candidate, check, seed + number) for number, check in begun}
        grades = list[Grade]()
        for number in range(len(checks)):
            grades.append(coming[number].result())
            told(grades[-1])
    return grades


def _grade(candidate: Candidate, check: Check, seed: int) -> Grade:
    """One check, on a loop of its own: what it leaves behind is nobody else's."""
    return asyncio.run(_done(candidate, check, seed))


async def _done(candidate: Candidate, check: Check, seed: int) -> Grade:
    began = asyncio.get_running_loop().time()

    def grade(verdict: Verdict, seen: str = "") -> Grade:
        return Grade(check, verdict, seen, asyncio.get_running_loop().time() - began)

    try:
        async with (
            asyncio.timeout(LONGEST + LOOSE),
            staged(candidate, seed, check.settings, check.manners) as stage,
        ):
            if lacks := check.lacks(stage.declared(), prices=candidate.prices is not None):
                return grade("not applicable", lacks)
            async with asyncio.timeout(LONGEST):
                await check.doing(stage)
            must(not stage.unseen, f"something failed with nobody to hear of it: {'; '.join(stage.unseen)}")
    except Amiss as amiss:
        return grade("failed", str(amiss))
    except CallFailed as failure:
        return grade("failed", f"a call failed that nothing was in the way of: {failure}")
    except InputError as wrong:
        return grade("failed", str(wrong))
    except TimeoutError:
        return grade("failed", f"it did not end within {LONGEST:g} s")
    return grade("passed")

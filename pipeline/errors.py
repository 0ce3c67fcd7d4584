"""What can go wrong, by who can mend it. Every error a user can cause is one of these: one sentence, no traceback."""

from dataclasses import dataclass
from typing import Self


class MoonlightError(Exception):
    """A failure told in one sentence. `exit_code` is what the command line ends with."""

    exit_code = 1


class InputError(MoonlightError):
    """The user gave something we cannot work with: a file, an option, a bar that is not there."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a flow file: where it stands, what is wrong, how to mend it."""

    where: str
    what: str
    fix: str
    line: int = 1
    column: int = 1

    def text(self, file: str) -> str:
        place = f"{file}:{self.line}:{self.column}: "
        return f"{place}{self.where}: {self.what}; {self.fix}" if self.where else f"{place}{self.what}; {self.fix}"


class PlanError(InputError):
    """A flow file that cannot be run, with every problem found in it."""

    def __init__(self, file: str, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(problem.text(file) for problem in problems))
        self.file = file
        self.problems = problems

    @classmethod
    def single(cls, file: str, what: str, fix: str) -> Self:
        return cls(file, (Problem("", what, fix),))


class FlowStopped(MoonlightError):
    """A node that must not guess failed, so the flow ended."""


def unread(problem: OSError | UnicodeDecodeError) -> str:
    """Why a file of text could not be read."""
    return problem.strerror or "it is not there" if isinstance(problem, OSError) else "it is not UTF-8"

"""`[[test]]` tables: what goes in and what must come out, as diagrams of marbles, in the flow file itself.

In a diagram one character is one frame of time: `-` nothing, a letter one of the test's values, `(ab)` two in one
frame. Spaces are for the eye.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from msgspec import Meta

from pipeline.sim.storms import KINDS
from pipeline.tables import nearest
from pipeline.times import DurationText, duration, parse_moment

FRAME = re.compile(r"\((?P<several>[A-Za-z0-9?]+)\)|(?P<one>[A-Za-z0-9?-])")
DIAGRAM = re.compile(rf"(?:{FRAME.pattern.replace('?P<several>', '?:').replace('?P<one>', '?:')}|\s)*")

ASKED = "ledger"
"""By what node people ask a flow for something."""
Diagram = Annotated[str, Meta(description="one character a frame: - nothing, a letter a value, (ab) two in one frame")]
Problem = tuple[str, tuple[str, ...], str]


@dataclass(frozen=True, kw_only=True)
class Stormy:
    """A simulated world, as `sim` writes one down that failed: its seed and the faults that strike, each by how often
    it could have struck before.
    """

    seed: Annotated[int, Meta(ge=0)]
    minutes: Annotated[int, Meta(ge=1, description="how long the storm lasts; a calm follows")]
    quotes: Annotated[int, Meta(ge=1, le=60, description="of each product in a minute")] = 6
    ahead: Annotated[
        DurationText | None, Meta(description="how far ahead quotes are given; one by one when left out")
    ] = None
    faults: dict[str, list[Annotated[int, Meta(ge=0)]]] = field(default_factory=dict[str, "list[int]"])

    def __post_init__(self) -> None:
        _ = self.block

    @property
    def block(self) -> int:
        return duration(self.ahead) if self.ahead else 0


@dataclass(frozen=True, kw_only=True)
class FlowTest:
    """One claim about the flow, in virtual time.

    `inputs` are let in in place of what the nodes named would give (quotes by a source, signals by an ensemble);
    `outputs` are all that nodes must give. `values` say what a letter stands for; in an output only the keys written
    are compared. By the `ledger` comes what somebody asks for. `set` changes keys of the flow for this test, such as
    "risk.main.cool_down" = "60s". With `storm` there are no diagrams: the flow runs in a simulated world, and what must
    hold in any is what is claimed.
    """

    name: Annotated[str, Meta(min_length=1)]
    inputs: dict[str, Diagram] = field(default_factory=dict[str, Diagram])
    outputs: dict[str, Diagram] = field(default_factory=dict[str, Diagram])
    storm: Stormy | None = None
    values: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    set: dict[str, Any] = field(default_factory=dict[str, Any])
    start: Annotated[str, Meta(description="the moment of the first frame")] = "2026-01-05T10:00:00Z"
    frame: DurationText = "10s"

    def __post_init__(self) -> None:
        try:
            parse_moment(self.start)
        except ValueError as wrong:
            raise ValueError(f"start {wrong}") from None
        if self.storm is None and not (self.inputs and self.outputs):
            raise ValueError("says nothing; give it inputs and outputs, or a storm")

    def problems(self, nodes: Iterable[str]) -> Iterator[Problem]:
        """What is wrong with it, given the nodes there are: what, under which key, and how to mend it."""
        if self.storm is not None:
            for what in sorted(self.storm.faults.keys() - KINDS.keys()):
                yield f"there is no storm {what!r}", ("storm", "faults", what), nearest(what, KINDS)
        known = {*nodes, *(node.split(".", 1)[1] for node in nodes)}
        for letter in self.values:
            if len(letter) != 1 or not letter.isalnum():
                yield (
                    f"values.{letter} is not one letter",
                    ("values", letter),
                    "a letter stands for a value in the diagrams",
                )
        for side in ("inputs", "outputs"):
            diagrams: Mapping[str, str] = getattr(self, side)
            for node, diagram in diagrams.items():
                if node not in known and (side, node) != ("inputs", ASKED):
                    yield f"{side}: there is no node {node!r}", (side, node), f"use one of {', '.join(sorted(known))}"
                if not DIAGRAM.fullmatch(diagram):
                    fix = "write - for nothing, a letter for a value, (ab) for two in one frame"
                    yield f"{side}.{node} is not a diagram: {diagram!r}", (side, node), fix
                for letter in sorted({mark for marks in frames(diagram) for mark in marks} - set(self.values)):
                    yield (
                        f"{side}.{node} uses {letter!r}, which stands for nothing",
                        (side, node),
                        f"add values.{letter} = {{ … }}",
                    )


def frames(diagram: str) -> list[str]:
    """The letters of each frame: `a-(bc)` is `["a", "", "bc"]`."""
    found = FRAME.finditer(re.sub(r"\s", "", diagram))
    return [match["several"] or match["one"].replace("-", "") for match in found]


def drawn(marks: Mapping[int, str], length: int) -> str:
    """Letters by frame as a diagram of at least `length` frames."""
    last = max((length - 1, *marks))
    each = (marks.get(frame, "-") for frame in range(last + 1))
    return "".join(f"({letters})" if len(letters) > 1 else letters for letters in each)

"""Verifying: a recorded session is made again from what entered it, and every link of the chain is compared."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pipeline import virtual
from pipeline.changes.revision import Revision
from pipeline.checking import load_text
from pipeline.engine import Setting, running
from pipeline.hogging.patience import Patience
from pipeline.journal import (
    INTERRUPTED,
    KEPT,
    Chain,
    Header,
    Line,
    digest,
    interruptions,
    plain,
    read_header,
    read_lines,
    restored,
)
from pipeline.plan import LEDGER, Plan
from pipeline.trying import NoRecords
from pipeline.values import Order


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing that came out otherwise."""

    n: int
    at: int
    recorded: str
    replayed: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many of the recorded links came out the same, of how many; and the first that did not.

    A recording that is not `whole` is cut off, as a killed program leaves it; what came of its last moment it may lack.
    """

    links: int
    same: int
    decisions: int
    difference: Difference | None
    header: Header
    whole: bool


class Later(NoRecords):
    """Records that answer as they did: by the ledger's door."""

    def intend(self, order: Order) -> None:
        """The answer enters as everything else did."""


def verified(folder: Path, base: Path) -> Verdict:
    """Of the recording in a folder. Files that its flow names are looked for beside it, or in `base` if it is gone."""
    header = read_header(folder)
    beside = base / Path(header.file).parent
    plan = load_text(header.flow, header.file, beside if beside.is_dir() else base)
    lines = read_lines(folder)
    return virtual.run(lambda _: _replayed(plan, header, lines, Patience(known=interruptions(folder))))


async def _replayed(plan: Plan, header: Header, lines: Iterable[Line], patience: Patience) -> Verdict:
    chain = Chain()
    came: deque[Line] = deque()
    links = same = decisions = 0
    difference: Difference | None = None
    whole = False

    def told(node: str, value: Any) -> None:
        if not flow.nodes[node].outer and node != LEDGER:
            kept = plain(value) if isinstance(value, KEPT) else digest(value)
            link = chain.link(node, value)
            came.append(Line(flow.agenda.now, "gave", node, type(value).__name__, kept, chain.links, link))

    setting = Setting(mode=plan.settings.mode, begin=header.begin, outside=(), patience=patience)
    async with running(plan, setting, Later() if header.later else NoRecords(), None, taps=(told,)) as flow:
        for line in lines:
            match line.what:
                case "entered" if line.type == Revision.__name__:
                    revision: Revision = restored(line.type, line.value)
                    flow.change_at(line.at, load_text(revision.text, plan.file, plan.base), revision.past)
                case "entered":
                    flow.enter_at(line.at, line.node, restored(line.type, line.value))
                case "woke":
                    flow.wake_at(line.at)
                case "ended":
                    whole = True
                case _ if line.what == INTERRUPTED:
                    pass  # known from the beginning
                case _:
                    links += 1
                    decisions += _decided(line)
                    replayed = came.popleft() if came else None
                    if replayed is not None and (replayed.node, replayed.chain) == (line.node, line.chain):
                        same += 1
                    elif difference is None:
                        difference = Difference(line.n, line.at, _said(line), _said(replayed))
        if came and whole and difference is None:
            difference = Difference(came[0].n, came[0].at, _said(None), _said(came[0]))
    return Verdict(links, same, decisions, difference, header, whole)


def _decided(line: Line) -> int:
    return len(line.value["open_ts"]) if line.type == "Decisions" else 0


def _said(line: Line | None) -> str:
    if line is None:
        return "nothing"
    what = line.value if isinstance(line.value, str) else ", ".join(_named(line.value))
    return f"{line.node} gave {line.type} {what}"


def _named(value: dict[str, Any]) -> Iterator[str]:
    for name, each in value.items():
        if name not in ("gates", "explained"):
            several = cast("list[Any]", each) if isinstance(each, list) else []
            yield f"{name}={several[0] if len(several) == 1 else each}"

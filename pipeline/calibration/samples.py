"""What an ensemble said over a span of a flow's own data, and what came of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pipeline.plan import Plan
from pipeline.replaying import replayed
from pipeline.settlement import Tie
from pipeline.trying import NoRecords
from pipeline.values import Flags, Floats, Outcomes, Quotes, Signals, Small, Stamps, Stream


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """One stream's bars of which it is known what came of them: `moved` is 1, -1 or 0, as the price went.

    `known` is when that was known; it never falls.
    """

    stream: Stream
    open_ts: Stamps
    known: Stamps
    moved: Small
    size: Floats
    direction: Small
    votes: Mapping[str, Floats]
    ticks: bool
    """Whether that is by the prices between bars, as contracts settle, rather than from close to close."""

    def __len__(self) -> int:
        return len(self.open_ts)

    def chosen(self, rows: Flags) -> "Said":
        votes = {name: scores[rows] for name, scores in self.votes.items()}
        stamps = self.open_ts[rows], self.known[rows]
        return Said(self.stream, *stamps, self.moved[rows], self.size[rows], self.direction[rows], votes, self.ticks)

    def decided(self, tie: Tie) -> "Said":
        """Only bars with a direction, and where a tie gives the stake back only those without one."""
        return self.chosen((self.direction != 0) & ((self.moved != 0) | (tie == "lose")))

    @property
    def won(self) -> Floats:
        return (self.moved == self.direction).astype(np.float64)


@dataclass(slots=True, eq=False)
class _Heard:
    """One stream's batches while they come in."""

    open_ts: list[Stamps] = field(default_factory=list[Stamps])
    final_at: list[Stamps] = field(default_factory=list[Stamps])
    close: list[Floats] = field(default_factory=list[Floats])
    score: list[Floats] = field(default_factory=list[Floats])
    direction: list[Small] = field(default_factory=list[Small])
    votes: dict[str, list[Floats]] = field(default_factory=dict[str, list[Floats]])
    outcomes: list[Outcomes] = field(default_factory=list[Outcomes])

    def take(self, signals: Signals) -> None:
        # Copies: a view would keep every column of its batch.
        new = signals.last(signals.fresh)
        self.open_ts.append(new.open_ts.copy())
        self.final_at.append(new.final_at.copy())
        self.close.append(new.close.copy())
        self.score.append(new.score.copy())
        self.direction.append(new.direction.copy())
        for name, scores in new.votes.items():
            self.votes.setdefault(name, []).append(scores.copy())

    def said(self, stream: Stream, quoted: bool) -> Said:
        open_ts = np.concatenate(self.open_ts)
        moved, known = self._settled(open_ts) if self.outcomes else self._closed(open_ts, stream.tf)
        counts: Flags = np.isfinite(moved)
        return Said(
            stream,
            open_ts[counts],
            np.maximum.accumulate(known[counts]),
            np.sign(moved[counts]).astype(np.int8),
            np.abs(np.concatenate(self.score)[counts]),
            np.concatenate(self.direction)[counts],
            {name: np.concatenate(scores)[counts] for name, scores in self.votes.items()},
            quoted and bool(self.outcomes),
        )

    def _settled(self, open_ts: Stamps) -> tuple[Floats, Stamps]:
        """How far the price moved from entry to exit, as contracts settle, and when that was known."""
        bars, at, moves = (
            np.concatenate(columns)
            for columns in zip(
                *((each.open_ts, each.at, each.exit - each.entry) for each in self.outcomes), strict=True
            )
        )
        order = np.argsort(bars, kind="stable")
        found = order[np.minimum(np.searchsorted(bars[order], open_ts), len(bars) - 1)]
        return np.where(bars[found] == open_ts, moves[found], np.nan), at[found]

    def _closed(self, open_ts: Stamps, tf: int) -> tuple[Floats, Stamps]:
        """The same from close to close, where the next bar follows."""
        moved, known = np.full(len(open_ts), np.nan), np.concatenate(self.final_at)
        follows = np.diff(open_ts) == tf
        moved[:-1][follows] = np.diff(np.concatenate(self.close))[follows]
        known[:-1] = known[1:]
        return moved, known


def collected(
    plan: Plan,
    ensemble: str,
    begin: int,
    end: int,
    progress: Callable[[float], None] = lambda _: None,
    taps: tuple[Callable[[str, Any], None], ...] = (),
) -> tuple[Said, ...]:
    """Replay what an ensemble's scores come from; of each stream what was said of every bar and what came of it."""
    heard: dict[Stream, _Heard] = {}
    quoted: set[str] = set()

    def told(node: str, value: Any) -> None:
        if type(value) is Signals and node == ensemble:
            heard.setdefault(value.stream, _Heard()).take(value)
        elif type(value) is Outcomes and len(value):
            heard.setdefault(Stream(value.product, value.tf), _Heard()).outcomes.append(value)
        elif type(value) is Quotes:
            quoted.add(value.product)

    replayed(leading_to(plan, ensemble), begin, end, NoRecords(), taps=(told, *taps), progress=progress)
    return tuple(each.said(stream, stream.product in quoted) for stream, each in sorted(heard.items()) if each.open_ts)


def leading_to(plan: Plan, ensemble: str) -> Plan:
    """As much of a plan as an ensemble's scores come from: nothing is traded."""
    kept, ahead = {ensemble}, [ensemble]
    while ahead:
        before = {edge.source for edge in plan.into(ahead.pop()) if not edge.closes} - kept
        kept |= before
        ahead += before
    nodes = tuple(node for node in plan.nodes if node.id in kept)
    stays = {*kept, *(name for edge in plan.edges for name in (edge.source, edge.target) if name not in plan.by_id)}
    edges = tuple(edge for edge in plan.edges if edge.source in stays and edge.target in stays)
    return replace(plan, nodes=nodes, edges=edges)

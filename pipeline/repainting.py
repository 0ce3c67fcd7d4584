"""The repaint alarm: decisions that would have been others, had a bar been given at first as the venue gave it later.

Nothing that was decided is undone. The same features, providers and ensembles look once more at the revised bars, apart
from the flow, and the gates that judge the bar alone answer again; what they say is held against what was decided.
"""

from collections import deque
from collections.abc import Iterator, Mapping

import numpy as np

from pipeline.agenda import Agenda, AgendaScheduler
from pipeline.plan import Node, Plan
from pipeline.steps import Tube
from pipeline.times import timeframe_name, utc_text
from pipeline.values import Decisions, Key, Repaint, Revised, Signals, Votes
from pipeline.voting import votes_of

KEPT = 4096
"""So many decided bars of each key are remembered at least."""
NO_TRADE = "no trade"
SIDES = {1: "call", -1: "put", 0: NO_TRADE}


class Repainting:
    """Remembers what was decided, and looks again at bars that are revised."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._decided: dict[Key, deque[Decisions]] = {}
        self._ensembles = {node.id: SecondLook(plan, node) for node in plan.of("ensemble")}

    @property
    def due(self) -> int | None:
        return None

    def wake(self, at: int) -> Iterator[Repaint]:
        yield from ()

    def take(self, item: Revised | Decisions, at: int) -> Iterator[Repaint]:
        if isinstance(item, Decisions):
            self._remember(item)
            return
        columns = self._plan.anchoring.columns(item.bars)
        providers = self._plan.of("provider")
        votes = {node.id: votes_of(node.id.split(".", 1)[1], node.instance, columns)[0] for node in providers}
        revised = int(item.bars.open_ts[len(item.bars) - item.bars.fresh])
        for gate in self._plan.of("risk"):
            for edge in self._plan.into(gate.id):
                if edge.source in self._ensembles:
                    for signals in self._ensembles[edge.source].signals(votes):
                        yield from self._repainted(gate, signals, revised, at)

    def _remember(self, decisions: Decisions) -> None:
        batches = self._decided.setdefault(decisions.key, deque())
        batches.append(decisions)
        # A bar each, or blocks: counted in blocks, there are never fewer than wanted.
        while len(batches) > KEPT or (len(batches[0]) > 1 and sum(map(len, batches)) - len(batches[0]) > KEPT):
            batches.popleft()

    def _repainted(self, gate: Node, signals: Signals, revised: int, at: int) -> Iterator[Repaint]:
        """The bars whose trade would not have been, would have been, or would have been the other way."""
        now = np.where(gate.instance.passes(signals), signals.direction, 0)
        for account in gate.instance.accounts:
            key = Key(account, signals.product, signals.tf)
            for decided in self._decided.get(key, ()):
                rows, again = np.nonzero(decided.open_ts[:, None] == signals.open_ts[None, :])
                for row, other in zip(rows.tolist(), again.tolist(), strict=True):
                    was, would_be = _was(decided, row, gate.instance.bar_gates), int(now[other])
                    if was is not None and was != would_be:
                        yield Repaint(*key, int(decided.open_ts[row]), revised, SIDES[was], SIDES[would_be], at)


def _was(decided: Decisions, row: int, bar_gates: tuple[str, ...]) -> int | None:
    """Which way a bar was traded, 0 when what judges the bar alone said no; None when something else did."""
    verdict = int(decided.verdict[row])
    if verdict < 0:
        return int(decided.direction[row])
    return 0 if decided.gates[verdict] in bar_gates else None


def in_words(repaint: Repaint) -> str:
    """`the venue changed EURUSD 1m 2026-01-05T10:03:00.000Z: demo-1's call there would have been no trade`."""
    name = timeframe_name(repaint.tf)
    there = "there" if repaint.bar == repaint.revised else f"at {utc_text(repaint.bar)}"
    return (
        f"the venue changed {repaint.product} {name} {utc_text(repaint.revised)}: "
        f"{repaint.account}'s {repaint.was} {there} would have been {repaint.now}"
    )


class SecondLook:
    """An ensemble once more, apart from the flow."""

    def __init__(self, plan: Plan, node: Node) -> None:
        self._providers = [edge.source for edge in plan.into(node.id)]
        self._votes = Tube[Votes]()
        self._given: list[Signals] = []
        node.instance(self._votes).subscribe(self._given.append, scheduler=AgendaScheduler(Agenda(0)))

    def signals(self, votes: Mapping[str, Votes]) -> list[Signals]:
        for provider in self._providers:
            self._votes.give(votes[provider])
        given, self._given[:] = list(self._given), []
        return given

"""The repaint alarm: decisions that would have been others, had a bar been given at first as the venue gave it later.

Nothing that was decided is undone. The same features, providers, ensembles and calibrators look once more at the bars
that were revised, apart from the flow, and the gates that judge the bar alone answer again; what they say is held
against what was decided.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from pipeline.agenda import Agenda, AgendaScheduler
from pipeline.changes.identity import Identities
from pipeline.hogging.patience import Patience
from pipeline.hogging.pauses import Resting
from pipeline.plan import REPAINT, Node, Plan
from pipeline.steps import Tube
from pipeline.tipping import Board
from pipeline.values import Calibrated, Columns, Decisions, Key, Repaint, Revised, Signals, Small, Stamps, Votes
from pipeline.voting import votes_of

KEPT = 1024
"""So many decided bars of each key are remembered."""
OTHER = 2
"""A bar that was not traded for a reason that is not in the bar: no revision of it changes that."""
SIDES = {1: "call", -1: "put", 0: "no trade"}


class Repainting:
    """Remembers what was decided, and looks again at bars that are revised."""

    def __init__(self, plan: Plan, boards: Mapping[str, Board], patience: Patience) -> None:
        """`boards` have the tips that the providers which hear them were told; `patience` asks them once more."""
        self._plan, self._boards, self._patience = plan, boards, patience
        self._decided: dict[Key, Decided] = {}
        self._bar_gates = frozenset(gate for node in plan.of("risk") for gate in node.instance.bar_gates)
        self._sides: dict[tuple[str, ...], Small] = {}
        self._looks = dict(_looks(plan))

    def take_over(self, was: object, others: Sequence[object]) -> None:
        """Remember what was decided by guards that still decide so: of others no bar tells what changed its mind."""
        del others
        if isinstance(was, Repainting):
            then, now = Identities(was._plan).whole, Identities(self._plan).whole
            same = [gate for gate in self._plan.of("risk") if then.get(gate.id) == now[gate.id]]
            accounts = frozenset(account for gate in same for account in gate.instance.accounts)
            self._decided = {key: each for key, each in was._decided.items() if key.account in accounts}

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
        votes = {node.id: self._votes(node, columns, at) for node in providers}
        if any(each.fault for each in votes.values()):  # nobody knows what would have been decided
            return
        revised = int(item.bars.open_ts[len(item.bars) - item.bars.fresh])
        for gate in self._plan.of("risk"):
            for edge in self._plan.into(gate.id):
                if edge.source in self._looks:
                    for said in self._looks[edge.source].said(votes):
                        yield from self._repainted(gate, said, revised, at)

    def _votes(self, node: Node, columns: Columns, at: int) -> Votes:
        board = self._boards.get(node.id)
        told = None if board is None else board.told(columns)
        ask = partial(self._patience.ask, f"{REPAINT}:{node.id}", columns, at, _unheard)
        return votes_of(node.id.split(".", 1)[1], node.instance, columns, told, ask)[0]

    def _remember(self, decisions: Decisions) -> None:
        decided = self._decided.get(decisions.key)
        if decided is None:
            decided = self._decided[decisions.key] = Decided()
        if len(decisions) == 1:  # as live
            verdict = decisions.verdict.item(0)
            traded = verdict < 0
            side = decisions.direction.item(0) if traded else self._unsided(decisions.gates).item(verdict)
            decided.add_one(decisions.open_ts.item(0), side)
            return
        sides = np.where(decisions.verdict < 0, decisions.direction, self._unsided(decisions.gates)[decisions.verdict])
        decided.add(decisions.open_ts[-KEPT:], sides[-KEPT:])

    def _unsided(self, gates: tuple[str, ...]) -> Small:
        """What a bar that was not traded counts as, by the gate that said no."""
        if gates not in self._sides:
            self._sides[gates] = np.array([0 if gate in self._bar_gates else OTHER for gate in gates], np.int8)
        return self._sides[gates]

    def _repainted(self, gate: Node, said: Signals | Calibrated, revised: int, at: int) -> Iterator[Repaint]:
        """The bars whose trade would not have been, would have been, or would have been the other way."""
        signals = said.signals if isinstance(said, Calibrated) else said
        now = np.where(gate.instance.passes(said), signals.direction, 0)
        for account in gate.instance.accounts:
            key = Key(account, signals.product, signals.tf)
            if key not in self._decided:
                continue
            for row, was in enumerate(self._decided[key].sides(signals.open_ts)):
                if was not in (OTHER, now.item(row)):
                    bar = signals.open_ts.item(row)
                    yield Repaint(*key, bar, revised, SIDES[was], SIDES[now.item(row)], at)


class Decided:
    """Which way the last bars of one key were traded: the newest overwrites the oldest."""

    __slots__ = ("_open_ts", "_rows", "_side")

    def __init__(self) -> None:
        self._open_ts, self._side, self._rows = np.zeros(KEPT, np.int64), np.zeros(KEPT, np.int8), 0

    def add_one(self, open_ts: int, side: int) -> None:
        at = self._rows % KEPT
        self._open_ts[at], self._side[at] = open_ts, side
        self._rows += 1

    def add(self, open_ts: Stamps, sides: Small) -> None:
        at = np.arange(self._rows, self._rows + len(open_ts)) % KEPT
        self._open_ts[at], self._side[at] = open_ts, sides
        self._rows += len(open_ts)

    def sides(self, open_ts: Stamps) -> list[int]:
        """The side of each of these bars; `OTHER` for those that are not remembered."""
        order = np.argsort(self._open_ts)
        found = order[np.minimum(np.searchsorted(self._open_ts[order], open_ts), KEPT - 1)]
        sides: list[int] = np.where(self._open_ts[found] == open_ts, self._side[found], OTHER).tolist()
        return sides


def _unheard(pause: Resting) -> None:
    """What of its votes on new bars is paused is told; that it is not asked here changes nothing."""


def _looks(plan: Plan) -> Iterator[tuple[str, "SecondLook"]]:
    """The nodes that guards take from: ensembles, and calibrators behind them."""
    ensembles = {node.id: node for node in plan.of("ensemble")}
    for name, ensemble in ensembles.items():
        yield name, SecondLook(plan, ensemble)
    for edge in plan.edges:
        target = plan.by_id.get(edge.target)
        if edge.source in ensembles and target is not None and Calibrated in target.part.gives:
            yield edge.target, SecondLook(plan, ensembles[edge.source], target)


class SecondLook:
    """An ensemble once more, apart from the flow, and a calibrator behind it if there is one."""

    def __init__(self, plan: Plan, ensemble: Node, calibrator: Node | None = None) -> None:
        self._providers = [edge.source for edge in plan.into(ensemble.id)]
        self._votes = Tube[Votes]()
        self._given: list[Signals | Calibrated] = []
        stream = ensemble.instance(self._votes)
        if calibrator is not None:
            stream = calibrator.instance(stream)
        stream.subscribe(self._given.append, scheduler=AgendaScheduler(Agenda(0)))

    def said(self, votes: Mapping[str, Votes]) -> list[Signals | Calibrated]:
        """What they say of the new rows."""
        for provider in self._providers:
            self._votes.give(votes[provider])
        given, self._given[:] = list(self._given), []
        return [each if isinstance(each, Calibrated) else each.last(each.fresh) for each in given]

"""The proof that a flow knows nothing before its time: features, providers and ensembles are tried on made-up bars.

Each must give a row the same answer, bit for bit, whether rows follow it or not and however many came before those it
may depend on. Bars of every timeframe of the flow go through the flow's own windows. A pass is no proof for other bars;
but who passes over rises, falls, swings, jumps, stillness and closed weeks, row by row, has nowhere to look ahead from.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.errors import PlanError, Problem
from pipeline.feature_proof import features_tried
from pipeline.frames import AskedEnsemble, AskedProvider, Frame, Subject, frame_of
from pipeline.made_up import bars_of, tips_of, votes_of
from pipeline.parts import Kind, column_keys
from pipeline.plan import FEATURES, Node, Plan
from pipeline.questioning import Breach, Finding, questioned
from pipeline.times import timeframe
from pipeline.tipping import hears, told_of
from pipeline.values import Columns, Votes

LEVELS = (1.1, 90_000.0, 2e-5, 1.5)
"""What made-up prices are about."""
QUICK, DEEP = 256, 640
"""Rows of each run of bars that are tried."""
QUICK_RUNS = 2
"""Of the levels, so many are tried quickly, others of each timeframe."""
OURS = frozenset({"operators", "pipeline", "sources", "sinks"})
"""The packages whose parts are tried when this program is."""
TRIED: tuple[Kind, ...] = ("provider", "ensemble")


@dataclass(slots=True)
class Proof:
    """How many rows were compared, and what was found: the first breach of each part, by the path of its table."""

    compared: int = 0
    breaches: dict[tuple[str, str], Breach] = field(default_factory=dict[tuple[str, str], Breach])

    def problems(self, plan: Plan) -> tuple[Problem, ...]:
        """The breaches as problems of the flow file, in the order of the file."""
        made: list[Problem] = []
        for path, breach in self.breaches.items():
            line, column = plan.source.place(path)
            made.append(Problem("", f"[{'.'.join(path)}] {breach.what}", breach.fix, line, column))
        return tuple(sorted(made, key=lambda each: (each.line, each.column)))

    def add(self, path: tuple[str, str], finding: Finding) -> None:
        self.compared += finding.compared
        if finding.breach is not None:
            self.breaches.setdefault(path, finding.breach)


def proved(
    plan: Plan,
    *,
    deep: bool = False,
    only: frozenset[str] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Proof:
    """Try the features, providers and ensembles of a plan; `only` some, by the names of their tables."""
    proof = Proof()
    timeframes = sorted({timeframe(name) for node in plan.of("operator") for name in _timeframes(node)})
    runs = [(tf, level) for number, tf in enumerate(timeframes) for level in _levels(number, deep=deep)]
    for done, (tf, level) in enumerate(runs):
        _try_run(plan, proof, tf, level, deep=deep, only=only)
        if progress is not None:
            progress((done + 1) / len(runs))
    return proof


def foreign(plan: Plan) -> frozenset[str]:
    """The tables of parts that came with no version of this program."""
    nodes = {node.id for node in plan.of(*TRIED) if _is_foreign(node.part.cls)}
    return frozenset(nodes | {f"{FEATURES}.{name}" for name in _foreign_features(plan)})


def refuse_unproved(plan: Plan) -> None:
    """A PlanError where a part that is not ours looks ahead, or is no function of its rows."""
    only = foreign(plan)
    problems = proved(plan, only=only).problems(plan) if only else ()
    if problems:
        raise PlanError(plan.file, problems)


def _try_run(plan: Plan, proof: Proof, tf: int, level: float, *, deep: bool, only: frozenset[str] | None) -> None:
    """Try everything on bars of one timeframe about one price."""
    rows = DEEP if deep else QUICK
    product = next(iter(plan.products), "EURUSD")
    seed = LEVELS.index(level)
    bars = bars_of(product, tf, plan.anchoring.context(tf) + rows, rows - rows // 3, level, seed)
    bars = bars.rows(0, len(bars), rows)
    found = features_tried(plan.anchoring, bars, deep=deep, foreign=_foreign_features(plan))
    proof.compared += found.compared
    for name, breach in found.breaches.items():
        if only is None or f"{FEATURES}.{name}" in only:
            proof.breaches.setdefault((FEATURES, name), breach)
    if found.columns is None:
        return
    for node, subject, frame in _subjects(plan, found.columns, seed, only):
        table, name = node.id.split(".", 1)
        silence = node.part.kind == "provider"
        proof.add((table, name), questioned(subject, frame, deep=deep, silence=silence))


def _subjects(
    plan: Plan, columns: Columns, seed: int, only: frozenset[str] | None
) -> Iterator[tuple[Node, Subject, Frame]]:
    """Who is asked about what."""
    for node in plan.of("provider"):
        if only is None or node.id in only:
            heard = hears(node.part.cls)
            tips = tips_of(columns.product, columns.final_at, columns.tf, seed)
            told = told_of(columns, tips) if heard else None
            named = (getattr(node.instance, key) for key in column_keys(node.part.cls))
            names = frozenset(column for column in named if column is not None)
            subject = AskedProvider(node.instance, node.instance.lookback, hears=heard, names=names)
            yield node, subject, frame_of(columns, columns.fresh + subject.lookback, told=told)
    for node in plan.of("ensemble"):
        names = [edge.source.split(".", 1)[1] for edge in plan.into(node.id) if Votes in edge.types]
        if names and (only is None or node.id in only):
            votes = {name: votes_of(len(columns), 100 * seed + place) for place, name in enumerate(names)}
            subject = AskedEnsemble(node.instance, len(names))
            yield node, subject, frame_of(columns, columns.fresh + subject.lookback, votes)


def _levels(number: int, *, deep: bool) -> Sequence[float]:
    """About which prices bars of a timeframe are made up."""
    if deep:
        return LEVELS
    return [LEVELS[(QUICK_RUNS * number + run) % len(LEVELS)] for run in range(QUICK_RUNS)]


def _foreign_features(plan: Plan) -> tuple[str, ...]:
    return tuple(name for name, each in plan.anchoring.features.items() if _is_foreign(type(each)))


def _is_foreign(cls: type[object]) -> bool:
    return cls.__module__.partition(".")[0] not in OURS


def _timeframes(node: Node) -> tuple[str, ...]:
    return getattr(node.instance, "timeframes", ())

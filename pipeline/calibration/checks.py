"""What must hold of calibrators and guards before a flow runs: records that are there and fit, and odds where odds are
weighed."""

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from pipeline.calibration.files import OfAnother, Unfit, read, shape_of
from pipeline.calibration.fingerprints import fingerprint
from pipeline.calibration.records import Record
from pipeline.errors import Problem
from pipeline.parts import Feature, Kind
from pipeline.plan import Edge, Node
from pipeline.tables import Tables
from pipeline.values import Calibrated, Signals


class Records:
    """The records that a flow's nodes name, each read once and held against what makes the scores now.

    Nodes of the kinds `without` do without theirs: it is about to be made.
    """

    def __init__(
        self,
        tables: Tables,
        base: Path,
        nodes: Mapping[str, Node],
        edges: Sequence[Edge],
        features: Mapping[str, Feature],
        without: Collection[Kind] = (),
    ) -> None:
        self._tables, self._base = tables, base
        self._nodes, self._edges, self._features = nodes, edges, features
        self._without = without
        self._told = 0
        """How many problems are of records. With any other, scores may only seem other ones: a part may be missing."""
        self.warnings: list[Problem] = []

    def of(self, node: Node) -> msgspec.Struct | None:
        """The record that a node goes by; None where it names none, or a wrong one, of which the user is told."""
        file = getattr(node.instance, "record", None)
        shape = shape_of(node.part.cls)
        if node.part.kind in self._without or file is None or shape is None:
            return None
        ensemble = self._ensemble_of(node)
        if ensemble is None:
            return None
        command = self._command(ensemble, stack=ensemble is node)
        try:
            record = read(self._base / file, shape)
        except FileNotFoundError:
            self._problem(node, "record", f"[{node.id}] there is no record {file}", f"make it: {command}")
            return None
        except OfAnother as wrong:
            self._problem(node, "record", f"[{node.id}] {file} {wrong}", f"name another file; then make it: {command}")
            return None
        except (Unfit, OSError) as wrong:
            told = wrong.strerror if isinstance(wrong, OSError) else wrong
            self._problem(node, "record", f"[{node.id}] {file} {told}", f"make it anew: {command}")
            return None
        if not self._fits(record, ensemble, stack=ensemble is node):
            what = f"[{node.id}] {file} was made of other scores than [{ensemble.id}] gives now"
            self._problem(node, "record", what, f"make it anew: {command}")
            return None
        self._warn(node, file, record)
        return record

    def check_odds(self) -> None:
        """Whether every guard that weighs probabilities is given some."""
        for edge in self._edges:
            guard = self._nodes.get(edge.target)
            if guard is None or guard.part.kind != "risk" or Signals not in edge.types or Calibrated in edge.types:
                continue
            name = edge.source.split(".", 1)[1]
            fix = f'put [operators.odds] between: use = "calibrator", from = "{name}"; and write from = "odds" here'
            if getattr(guard.instance, "margin", None) is not None:
                what = f"[{guard.id}] margin weighs probabilities, but {edge.source} gives scores"
                self._problem(guard, "from", what, fix)
            elif getattr(getattr(guard.instance, "stake", None), "weighs_odds", False):
                line, column = self._tables.source.value_place((*guard.id.split(".", 1), "stake"))
                what = (
                    f"its stake weighs probabilities, but {edge.source} gives scores, so it puts nothing on any trade"
                )
                self.warnings.append(Problem(f"[{guard.id}]", what, fix, line, column))

    def _ensemble_of(self, node: Node) -> Node | None:
        """Whose scores a node's record is about: an ensemble's own, or those that it takes."""
        if node.part.kind == "ensemble":
            return node
        taken = dict.fromkeys(edge.source for edge in self._edges if edge.target == node.id and Signals in edge.types)
        ensembles = [name for name in taken if name in self._nodes]
        if len(ensembles) > 1:
            what = f"[{node.id}] takes from {' and '.join(ensembles)}, but a record speaks of one ensemble"
            self._problem(node, "from", what, "make a calibrator for each")
        return self._nodes[ensembles[0]] if len(ensembles) == 1 else None

    def _fits(self, record: msgspec.Struct, ensemble: Node, *, stack: bool) -> bool:
        own = shape_of(ensemble.part.cls)
        if not stack and own is not None:  # what an ensemble goes by is part of what its scores mean
            inner = self._quietly(ensemble, own)
            if inner is None:
                return True
            ensemble = replace(ensemble, instance=replace(ensemble.instance, fitted=inner))
        made_by = fingerprint(ensemble, self._nodes, self._edges, self._features, stack=stack)
        whole = len(self._tables.problems) == self._told
        return not whole or getattr(record, "fingerprint", None) == made_by

    def _quietly(self, ensemble: Node, shape: type[msgspec.Struct]) -> msgspec.Struct | None:
        """An ensemble's record; what is wrong with it is told of the ensemble itself."""
        try:
            return read(self._base / ensemble.instance.record, shape)
        except (Unfit, OSError):
            return None

    def _warn(self, node: Node, file: str, record: msgspec.Struct) -> None:
        if isinstance(record, Record) and record.verdict is not None and record.verdict.says_nothing:
            line, column = self._tables.source.value_place((*node.id.split(".", 1), "record"))
            what, fix = f"by {file} these scores say nothing", "do not trade on them"
            self.warnings.append(Problem(f"[{node.id}]", what, fix, line, column))

    def _command(self, ensemble: Node, *, stack: bool) -> str:
        name = ensemble.id.split(".", 1)[1]
        how = " --stack" if stack else ""
        return f"python -m pipeline calibrate {shlex.quote(self._tables.source.file)} --ensemble {name}{how}"

    def _problem(self, node: Node, key: str, what: str, fix: str) -> None:
        self._told += 1
        self._tables.problem((*node.id.split(".", 1), key), what, fix, value=True)

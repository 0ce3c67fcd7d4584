"""What must hold of calibrators and guards before a flow runs: records that are there and fit, and odds where odds are
weighed."""

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from pipeline.calibration.files import Unfit, read, shape_of
from pipeline.calibration.fingerprints import fingerprint
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

    def of(self, node: Node) -> msgspec.Struct | None:
        """The record that a node goes by; None where it names none, or a wrong one, of which the user is told."""
        file = getattr(node.instance, "record", None)
        shape = shape_of(node.part.cls)
        if node.part.kind in self._without or file is None or shape is None:
            return None
        ensembles = [node] if node.part.kind == "ensemble" else self._ensembles_into(node)
        if len(ensembles) != 1:
            if ensembles:
                names = " and ".join(each.id for each in ensembles)
                what = f"[{node.id}] takes from {names}, but a record speaks of one ensemble"
                self._problem(node, "from", what, "make a calibrator for each")
            return None
        (ensemble,) = ensembles
        command = self._command(ensemble, stack=ensemble is node)
        try:
            record = read(self._base / file, shape)
        except FileNotFoundError:
            self._problem(node, "record", f"[{node.id}] there is no record {file}", f"make it: {command}")
            return None
        except (Unfit, OSError) as wrong:
            told = wrong.strerror if isinstance(wrong, OSError) else wrong
            self._problem(node, "record", f"[{node.id}] {file} {told}", f"make it anew: {command}")
            return None
        if getattr(record, "fingerprint", None) != self._fingerprint(ensemble, stack=ensemble is node):
            what = f"[{node.id}] {file} was made of other scores than [{ensemble.id}] gives now"
            self._problem(node, "record", what, f"make it anew: {command}")
            return None
        return record

    def check_odds(self) -> None:
        """Whether every guard that weighs probabilities is given some."""
        for edge in self._edges:
            guard = self._nodes.get(edge.target)
            if guard is None or guard.part.kind != "risk" or Signals not in edge.types or Calibrated in edge.types:
                continue
            if getattr(guard.instance, "margin", None) is None:
                continue
            name = edge.source.split(".", 1)[1]
            what = f"[{guard.id}] margin weighs probabilities, but {edge.source} gives scores"
            fix = f'put [operators.odds] between: use = "calibrator", from = "{name}"; and write from = "odds" here'
            self._problem(guard, "from", what, fix)

    def _ensembles_into(self, node: Node) -> list[Node]:
        found = [edge.source for edge in self._edges if edge.target == node.id and Signals in edge.types]
        return [self._nodes[name] for name in dict.fromkeys(found) if name in self._nodes]

    def _fingerprint(self, ensemble: Node, *, stack: bool) -> str:
        if not stack and shape_of(ensemble.part.cls) is not None:  # its own record is part of what its scores mean
            ensemble = replace(ensemble, instance=replace(ensemble.instance, fitted=self._quietly(ensemble)))
        return fingerprint(ensemble, self._nodes, self._edges, self._features, stack=stack)

    def _quietly(self, ensemble: Node) -> msgspec.Struct | None:
        """An ensemble's record; what is wrong with it is told of the ensemble itself."""
        file, shape = getattr(ensemble.instance, "record", None), shape_of(ensemble.part.cls)
        try:
            return None if file is None or shape is None else read(self._base / file, shape)
        except (FileNotFoundError, Unfit, OSError):
            return None

    def _command(self, ensemble: Node, *, stack: bool) -> str:
        name = ensemble.id.split(".", 1)[1]
        how = " --stack" if stack else ""
        return f"python -m pipeline calibrate {shlex.quote(self._tables.source.file)} --ensemble {name}{how}"

    def _problem(self, node: Node, key: str, what: str, fix: str) -> None:
        self._tables.problem((*node.id.split(".", 1), key), what, fix, value=True)

"""How much of a change in the risk gate its tests would notice: small changes are made, one at a time, and tests run.

    python -m bench.mutants [--sample 200] [--seed 1] [--least 0.9] [FILE …]

A change turns a comparison, a sum, a condition, a number or a choice of the smaller and the larger around. One that no
test notices survives. Each runs in a process of its own, forked from one that has everything else loaded.
"""

import argparse
import ast
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType

import numpy as np

from pipeline.parts import registered, withdraw

ROOT = Path(__file__).resolve().parent.parent
RISK = ROOT / "operators" / "risk"
TESTS = ("test_book", "test_stakes", "test_guard_gates", "test_limits", "test_guard")
LOADED = (
    *("hypothesis", "msgspec", "pytest", "reactivex", "tulipy"),
    *("operators", "sinks", "sources", "pipeline.ledger", "pipeline.virtual"),
)
PATIENCE = 180
"""Seconds after which a change is taken to have made something run forever."""

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
COUNTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Add,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
CHOSEN = {"min": "max", "max": "min"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change in one file."""

    path: Path
    line: int
    what: str
    tree: ast.Module

    @property
    def module(self) -> str:
        return ".".join(self.path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.what}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="FILE", help="only these files of operators/risk")
    parser.add_argument("--sample", type=int, help="only so many of the changes, drawn by --seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--least", type=float, default=0.0, help="fail when a smaller share is noticed")
    options = parser.parse_args()
    files = [Path(name).resolve() for name in options.files] or sorted(RISK.rglob("*.py"))
    chosen = sampled([each for path in files for each in mutants(path)], options.sample, options.seed)
    path = RISK / "guard.py"
    if not survives(Mutant(path, 0, "nothing", ast.parse(path.read_text(encoding="utf-8")))):
        sys.exit("the tests fail without any change; mend that first")
    survivors: list[Mutant] = []
    for number, mutant in enumerate(chosen, 1):
        if survives(mutant):
            survivors.append(mutant)
            print(f"survives: {mutant}", flush=True)
        if number % 25 == 0:
            print(f"{number} of {len(chosen)}, {len(survivors)} survive", flush=True)
    noticed = 1 - len(survivors) / max(1, len(chosen))
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} noticed: {noticed:.1%}")
    if noticed < options.least:
        sys.exit(1)


def sampled(every: Sequence[Mutant], count: int | None, seed: int) -> list[Mutant]:
    if count is None or count >= len(every):
        return list(every)
    return [every[number] for number in sorted(np.random.default_rng(seed).choice(len(every), count, replace=False))]


def mutants(path: Path) -> Iterator[Mutant]:
    """Every change of one file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for place, node in enumerate(_code(tree)):
        for number in range(_ways(node)):
            changed = deepcopy(tree)
            target = list(_code(changed))[place]
            what = _change(target, number)
            yield Mutant(path, getattr(node, "lineno", 0), what, ast.fix_missing_locations(changed))


def survives(mutant: Mutant) -> bool:
    """Whether no test notices a change."""
    child = os.fork()
    if child == 0:
        os._exit(_tried(mutant))
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def _tried(mutant: Mutant) -> int:
    """In a process of its own: 0 when all tests pass with the change."""
    signal.alarm(PATIENCE)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    _load(mutant)
    import pytest  # noqa: PLC0415  # loaded before the fork

    tests = [str(ROOT / "tests" / f"{name}.py") for name in TESTS]
    ignored = "ignore::pytest.PytestAssertRewriteWarning"  # hypothesis was loaded before
    return int(pytest.main(["-x", "-q", "-W", ignored, "-p", "no:cacheprovider", "-p", "no:xdist", *tests]))


def _load(mutant: Mutant) -> None:
    """Have the risk gate loaded anew, with the change."""
    for name in [name for name in sys.modules if name.startswith("operators.risk")]:
        del sys.modules[name]
    withdraw([*registered("risk").values(), *registered("stake").values()])
    sys.meta_path.insert(0, _Changed(mutant))
    __import__("operators.risk")


class _Changed(MetaPathFinder, Loader):
    """Loads the changed file in place of the one on the disk."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return spec_from_loader(fullname, self) if fullname == self._mutant.module else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._mutant.tree, str(self._mutant.path), "exec"), module.__dict__)  # noqa: S102  # our own code


def _code(tree: ast.Module) -> Iterator[ast.AST]:
    """What runs: no annotations, no decorators."""
    for node in ast.walk(tree):
        if getattr(node, "is_aside", False):
            continue
        for child in _asides(node):
            for within in ast.walk(child):
                within.is_aside = True  # type: ignore[attr-defined]
        yield node


def _asides(node: ast.AST) -> Iterator[ast.AST]:
    for name in ("annotation", "returns"):
        if isinstance(found := getattr(node, name, None), ast.AST):
            yield found
    yield from getattr(node, "decorator_list", ())


def _ways(node: ast.AST) -> int:
    """In how many ways a node can be changed."""
    match node:
        case ast.Compare(ops=ops):
            return sum(type(op) in COMPARED for op in ops)
        case ast.BinOp(op=op):
            return int(type(op) in COUNTED)
        case ast.BoolOp() | ast.IfExp() | ast.If():
            return 1
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            return 1
        case ast.Constant(value=bool() | int() | float()):
            return 1
        case ast.Call(func=ast.Name(id="min" | "max")):
            return 1
        case _:
            return 0


def _change(node: ast.AST, number: int) -> str:
    """Change a node in place, and say what was changed."""
    before = ast.unparse(node).splitlines()[0]
    match node:
        case ast.Compare(ops=ops):
            place = [place for place, op in enumerate(ops) if type(op) in COMPARED][number]
            ops[place] = COMPARED[type(ops[place])]()
        case ast.BinOp(op=op):
            node.op = COUNTED[type(op)]()
        case ast.BoolOp(op=op):
            node.op = ast.Or() if isinstance(op, ast.And) else ast.And()
        case ast.IfExp() | ast.If():
            node.test = ast.UnaryOp(ast.Not(), node.test)
        case ast.UnaryOp(op=op):
            node.op = ast.UAdd() if isinstance(op, ast.USub) else node.op
            if isinstance(op, ast.Not):
                node.operand = ast.UnaryOp(ast.Not(), node.operand)
        case ast.Constant(value=value):
            node.value = not value if isinstance(value, bool) else value + 1  # type: ignore[operator]
        case ast.Call(func=ast.Name() as name):
            name.id = CHOSEN[name.id]
        case _:
            raise AssertionError("only what can be changed is changed")
    return f"{before}  →  {ast.unparse(node).splitlines()[0]}"


def load() -> None:
    """Load before the first fork what no change is in."""
    for name in LOADED:
        __import__(name)


if __name__ == "__main__":
    load()
    main()

"""A plan: a flow file that was checked and found whole. Everything wrong with one is told at once."""

import difflib
import json
import math
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from decimal import Decimal
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin
from zoneinfo import available_timezones

import msgspec
from msgspec import Meta

from pipeline.anchored import LEAST, PRICES, Anchoring, column_names
from pipeline.errors import PlanError, Problem
from pipeline.flowtest import FlowTest
from pipeline.parts import TABLES, Derived, Feature, Kind, Nested, Part, description, is_column, registered, type_text
from pipeline.toml_text import Source, parse, read
from pipeline.values import Ack, Bars, Columns, Order, Past, Payouts, Reject, Settlement, Votes

Fault = Literal["restart", "stop"]
LEDGER = "ledger"
FEATURES = "features"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What holds for the whole flow."""

    name: Annotated[str, Meta(description="what the flow is called; the file's name when left out")] = ""
    mode: Annotated[
        Literal["paper", "live", "replay"], Meta(description="which clock drives `run`: time as it passes, or replay")
    ] = "paper"
    display_timezone: Annotated[str, Meta(description="the zone in which times are shown; inside all is UTC")] = "UTC"
    data: Annotated[
        str, Meta(min_length=1, description="the folder of the flow's ledger and token, beside the file")
    ] = "data"
    block: Annotated[int, Meta(ge=32, le=65536, description="slots of one block of anchored windows")] = 512
    lookback: Annotated[int, Meta(ge=0, description="bars before a block that features see; 0: what they declare")] = 0

    def __post_init__(self) -> None:
        if self.display_timezone not in available_timezones():
            raise ValueError(f"display_timezone {self.display_timezone!r} is not known; write one like Europe/Istanbul")


@dataclass(frozen=True, kw_only=True)
class Account:
    """Somebody's money at a venue."""

    venue: Annotated[str, Meta(description="a table of [venues]")]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3,5}$", description="three to five capital letters such as USD")] = (
        "USD"
    )
    balance: Annotated[Decimal, Meta(description="what the account begins with")] = Decimal("1000.00")

    def __post_init__(self) -> None:
        if not self.balance.is_finite() or self.balance < 0:
            raise ValueError(f"balance must not be below 0, it is {self.balance}")


@dataclass(frozen=True, slots=True)
class Node:
    """A part in a flow, under a name."""

    id: str
    part: Part
    instance: Any
    on_fault: Fault


@dataclass(frozen=True, slots=True)
class Edge:
    """Which values of one node another takes, by which of its parameters.

    An edge that closes a loop (what became of an order goes back to the gate) is not followed in building: its values
    are given in a turn of their own.
    """

    source: str
    target: str
    parameter: str
    types: tuple[type[Any], ...]
    closes: bool = False
    accounts: frozenset[str] = frozenset()
    """Carry only what is of these accounts; empty: all."""


@dataclass(frozen=True)
class Plan:
    """A checked flow: nodes in an order in which each comes after what it takes from."""

    source: Source
    base: Path
    settings: Settings
    accounts: Mapping[str, Account]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    anchoring: Anchoring
    tests: tuple[FlowTest, ...]
    warnings: tuple[Problem, ...]

    @property
    def file(self) -> str:
        return self.source.file

    @property
    def name(self) -> str:
        return self.settings.name or Path(self.file).stem

    @property
    def folder(self) -> Path:
        return self.base / self.settings.data

    @cached_property
    def by_id(self) -> Mapping[str, Node]:
        return {node.id: node for node in self.nodes}

    def of(self, *kinds: Kind) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if node.part.kind in kinds)

    def into(self, target: str) -> tuple[Edge, ...]:
        return tuple(edge for edge in self.edges if edge.target == target)


def load(path: Path) -> Plan:
    """The plan in a file; `PlanError` with every problem when it is not whole."""
    return checked(read(path), path.resolve().parent)


def load_text(text: str, file: str, base: Path) -> Plan:
    return checked(parse(text, file), base)


def checked(source: Source, base: Path) -> Plan:
    check = _Check(source)
    plan = check.plan(base)
    if check.problems or plan is None:
        raise PlanError(
            source.file, tuple(sorted(set(check.problems), key=lambda each: (each.line, each.column, each.what)))
        )
    return plan


def nearest(word: str, words: Iterable[str]) -> str:
    """`did you mean 'period'?`, or the words there are."""
    known = sorted(words)
    close = difflib.get_close_matches(word, known, 1, 0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"use one of {', '.join(known)}" if known else "there is none to choose from"


Path_ = tuple[str | int, ...]


class _Check:
    """One reading of a flow file. Problems are collected, never raised: the user hears of all of them."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.problems: list[Problem] = []
        self._warnings: list[Problem] = []
        self._nodes: dict[str, Node] = {}
        self._declared: set[str] = set()

    def plan(self, base: Path) -> Plan | None:
        data = self._source.data
        tables = {"moonlight", "accounts", "features", "test", *(TABLES[kind] for kind in TABLES if kind != "stake")}
        for name in data:
            if name not in tables:
                self._problem((name,), f"there is no table [{name}]", nearest(name, tables))
        settings = self._filled(Settings, self._table(("moonlight",)), ("moonlight",), "[moonlight]") or Settings()
        if settings.mode == "live":
            self._problem(("moonlight", "mode"), "no venue here takes real orders", 'set mode = "paper"', value=True)
        accounts = self._accounts()
        features = self._features()
        for kind in ("source", "operator", "provider", "ensemble", "risk", "venue", "sink"):
            self._declare_all(kind)
        edges = self._edges(accounts)
        self._check_columns(features)
        anchoring = self._anchoring(settings, features)
        self._derive(anchoring, accounts, edges)
        order = self._ordered(edges)
        self._warn_unused(edges)
        tests = self._tests()
        if self.problems:
            return None
        nodes = tuple(self._nodes[name] for name in order)
        return Plan(
            self._source, base, settings, accounts, nodes, tuple(edges), anchoring, tests, tuple(self._warnings)
        )

    # --- tables ------------------------------------------------------------------------------------------------------

    def _table(self, path: Path_) -> dict[str, Any]:
        """The table at a path; a problem and nothing when something else stands there."""
        found: Any = self._source.data
        for step in path:
            found = cast("dict[str | int, Any]", found).get(step, {}) if isinstance(found, dict) else {}
        if not isinstance(found, dict):
            name = ".".join(map(str, path))
            self._problem(path, f"{name} is not a table", f"write [{name}] on a line of its own, its keys below")
            return {}
        return cast("dict[str, Any]", found)

    def _accounts(self) -> dict[str, Account]:
        made: dict[str, Account] = {}
        for name in self._table(("accounts",)):
            path = ("accounts", name)
            before = len(self.problems)
            table = self._table(path)
            account = self._filled(Account, table, path, f"[accounts.{name}]") if len(self.problems) == before else None
            if account is not None:
                made[name] = account
                if account.venue not in self._table(("venues",)):
                    fix = nearest(account.venue, self._table(("venues",)))
                    self._problem(
                        (*path, "venue"), f"[accounts.{name}] there is no venue {account.venue!r}", fix, value=True
                    )
        return made

    def _features(self) -> dict[str, Feature]:
        made: dict[str, Feature] = {}
        for name in self._table((FEATURES,)):
            if name in PRICES:
                self._problem(
                    (FEATURES, name), f"[features] {name} is a column every bar has", "give the feature another name"
                )
                continue
            node = self._declare("feature", name)
            if node is not None:
                made[name] = node.instance
        return made

    def _declare_all(self, kind: Kind) -> None:
        for name in self._table((TABLES[kind],)):
            self._declared.add(f"{TABLES[kind]}.{name}")
            node = self._declare(kind, name)
            if node is not None:
                self._nodes[node.id] = node

    def _declare(self, kind: Kind, name: str) -> Node | None:
        path = (TABLES[kind], name)
        before = len(self.problems)
        table = dict(self._table(path))
        where = f"[{path[0]}.{name}]"
        part = self._part(kind, table, path, name, where) if len(self.problems) == before else None
        if part is None:
            return None
        wiring = ("use",) if kind == "feature" else ("use", "from", "on_fault")
        on_fault = table.get("on_fault") if "on_fault" in wiring else None
        if on_fault not in (None, "restart", "stop"):
            self._problem(
                (*path, "on_fault"), f"{where} on_fault is {on_fault!r}", 'write "restart" or "stop"', value=True
            )
        if on_fault == "restart" and kind in ("risk", "venue", "sink"):
            what = f"{where} on_fault is 'restart', but what it knows of open orders would be lost"
            self._problem((*path, "on_fault"), what, 'write "stop", or leave it out', value=True)
        keys = {key: value for key, value in table.items() if key not in wiring}
        instance = self._filled(part.cls, keys, path, where, wiring)
        if instance is None:
            return None
        careful: Fault = "stop" if kind in ("source", "risk", "venue", "sink") else "restart"
        return Node(f"{path[0]}.{name}", part, instance, cast("Fault", on_fault or careful))

    def _part(self, kind: Kind, table: Mapping[str, Any], path: Path_, name: str, where: str) -> Part | None:
        use = table.get("use", name)
        known = registered(kind)
        if isinstance(use, str) and use in known:
            return known[use]
        if "use" in table:
            self._problem((*path, "use"), f"{where} there is no {kind} {use!r}", nearest(str(use), known), value=True)
        else:
            self._problem(path, f"{where} does not say which {kind} it is", f'add use = "…"; {nearest(name, known)}')
        return None

    def _filled(self, cls: Any, table: Mapping[str, Any], path: Path_, where: str, wiring: Sequence[str] = ()) -> Any:
        """An instance of a class from a table, or None with the problems told."""
        hints = typing.get_type_hints(cls, include_extras=True)
        keys = {each.name: each for each in fields(cls) if Derived not in get_args(hints[each.name])}
        before = len(self.problems)
        values: dict[str, Any] = {}
        for key, raw in table.items():
            if key not in keys:
                self._problem((*path, key), f"{where} has no key {key!r}", nearest(key, [*keys, *wiring]))
                continue
            values[key] = self._value(raw, hints[key], (*path, key), where, key)
        for key, entry in keys.items():
            required = entry.default is _MISSING and entry.default_factory is _MISSING
            if required and key not in table:
                self._problem(path, f"{where} needs {key}", f"add {key} = … ({type_text(hints[key])})")
        if len(self.problems) > before:
            return None
        try:
            return cls(**values)
        except ValueError as wrong:
            self._refused(wrong, values, path, where)
            return None

    def _refused(self, wrong: ValueError, keys: Iterable[str], path: Path_, where: str) -> None:
        """A part's own rule was broken; its sentence begins with the key it is about, when it is about one."""
        about = next((key for key in keys if str(wrong).startswith(f"{key} ")), None)
        what, _, fix = str(wrong).partition("; ")
        at = path if about is None else (*path, about)
        self._problem(at, f"{where} {what}", fix or "change it", value=about is not None)

    def _value(self, raw: Any, hint: Any, path: Path_, where: str, key: str) -> Any:
        nested = next((each for each in get_args(hint) if isinstance(each, Nested)), None)
        if nested is not None:
            return self._nested_part(raw, nested.kind, path, where, key)
        if is_dataclass(hint) and isinstance(hint, type):
            if not isinstance(raw, dict):
                self._problem(path, f"{where} {key} must be a table", f"write {key} = {{ … }}", value=True)
                return None
            return self._filled(hint, cast("dict[str, Any]", raw), path, f"{where} {key}")
        before = len(self.problems)
        for step, each, inner in _elements(raw, hint):
            named = f"no. {step + 1} of {key}" if isinstance(step, int) else f"{key}.{step}"
            self._value(each, inner, (*path, step), where, named)
        if len(self.problems) > before:
            return None
        try:
            made = msgspec.convert(raw, hint)
        except msgspec.ValidationError:
            made = None
        if made is None or not _exact(made, raw):
            self._problem(path, f"{where} {key} is {_shown(raw)}", _mend(raw, hint), value=True)
        return made

    def _nested_part(self, raw: Any, kind: Kind, path: Path_, where: str, key: str) -> Any:
        if not isinstance(raw, dict):
            self._problem(path, f"{where} {key} must be a table", f'write {key} = {{ use = "…" }}', value=True)
            return None
        table = cast("dict[str, Any]", raw)
        part = self._part(kind, table, path, "", f"{where} {key}:")
        if part is None:
            return None
        return self._filled(part.cls, {k: v for k, v in table.items() if k != "use"}, path, f"{where} {key}", ("use",))

    # --- wiring ------------------------------------------------------------------------------------------------------

    def _edges(self, accounts: Mapping[str, Account]) -> list[Edge]:
        edges: list[Edge] = []
        for node in self._nodes.values():
            edges += self._named(node)
        edges += self._implied(edges, accounts)
        return list(dict.fromkeys(edges))

    def _named(self, node: Node) -> Iterator[Edge]:
        """Edges that `from` names."""
        table, name = node.id.split(".", 1)
        path = (table, name, "from")
        given = self._source.data[table][name].get("from")
        wants = {
            parameter: kinds for parameter, kinds in node.part.takes.items() if not _implicit(node.part.kind, kinds)
        }
        if node.part.kind == "provider" or not wants:
            if given is not None:
                self._problem(path, f"[{node.id}] takes nothing from another node by name", "remove `from`")
            return
        if given is None:
            if node.part.kind != "venue":
                takes = " | ".join(kind.__name__ for kinds in wants.values() for kind in kinds)
                self._problem(
                    (table, name),
                    f"[{node.id}] does not say where its input comes from",
                    f'add from = "…": a node that gives {takes}',
                )
            return
        if given == []:
            self._problem(path, f"[{node.id}] from is empty", "name a node in it", value=True)
        for number, each in enumerate(cast("list[Any]", given) if isinstance(given, list) else [given]):
            at = (*path, number) if isinstance(given, list) else path
            yield from self._named_edge(node, each, wants, at)

    def _named_edge(
        self, node: Node, name: Any, wants: Mapping[str, tuple[type[Any], ...]], path: Path_
    ) -> Iterator[Edge]:
        takes = tuple(kind for kinds in wants.values() for kind in kinds)
        if not isinstance(name, str):
            self._problem(path, f"[{node.id}] from holds {_shown(name)}", "name nodes in quotes", value=True)
            return
        found = [self._nodes[each] for each in self._nodes if each == name or each.split(".", 1)[1] == name]
        fitting = [each for each in found if each.id != node.id and set(_gives(each)) & set(takes)]
        if len(fitting) == 1:
            for parameter, kinds in wants.items():
                carried = tuple(kind for kind in kinds if kind in _gives(fitting[0]))
                if carried:
                    yield Edge(fitting[0].id, node.id, parameter, carried)
        elif fitting:
            names = ", ".join(each.id for each in fitting)
            self._problem(path, f"[{node.id}] from: {name!r} could be {names}", "write the full name", value=True)
        elif found == [node]:
            self._problem(path, f"[{node.id}] takes from itself", "name another node", value=True)
        elif found:
            gives = " | ".join(kind.__name__ for kind in _gives(found[0])) or "nothing"
            wanted = " | ".join(kind.__name__ for kind in takes)
            names = [each.split(".", 1)[1] for each in self._nodes if set(_gives(self._nodes[each])) & set(takes)]
            fits = nearest(name, names) if names else f"name a node that gives {wanted}"
            self._problem(
                path,
                f"[{node.id}] from: {found[0].id} gives {gives}, {node.part.name} takes {wanted}",
                fits,
                value=True,
            )
        elif not any(each == name or each.split(".", 1)[1] == name for each in self._declared):
            fits = nearest(name, (each.split(".", 1)[1] for each in self._declared))
            self._problem(path, f"[{node.id}] from: there is no node {name!r}", fits, value=True)

    def _implied(self, named: Sequence[Edge], accounts: Mapping[str, Account]) -> Iterator[Edge]:
        """Edges that follow from what the parts are: columns to providers, venues to the gate and back."""
        if self._table((FEATURES,)) or self._of("provider"):
            for each in self._of("operator"):
                if Bars in _gives(each):
                    yield Edge(each.id, FEATURES, "bars", (Bars,))
            for each in self._of("provider"):
                yield Edge(FEATURES, each.id, "columns", (Columns,))
        for venue in self._of("venue"):
            if not any(edge.target == venue.id for edge in named):
                for each in self._of("source"):
                    for parameter, kinds in venue.part.takes.items():
                        carried = tuple(kind for kind in kinds if kind in _gives(each))
                        if carried and Order not in kinds:
                            yield Edge(each.id, venue.id, parameter, carried)
        for gate in self._of("risk"):
            yield from self._trading(gate, named, accounts)

    def _trading(self, gate: Node, named: Sequence[Edge], accounts: Mapping[str, Account]) -> Iterator[Edge]:
        """What goes round between a gate, its executors and the venues of its accounts."""
        venues = sorted(
            {f"venues.{accounts[name].venue}" for name in self._accounts_of(gate, accounts)} & set(self._nodes)
        )
        for venue in venues:
            yield Edge(venue, gate.id, "payouts", (Payouts,))
        yield Edge(LEDGER, gate.id, "orders", (Past,))
        executors = sorted(
            {edge.target for edge in named if edge.source == gate.id and Order in _gives(self._nodes[edge.target])}
        )
        for executor in executors:
            yield Edge(executor, gate.id, "orders", (Order,), closes=True)
            yield Edge(LEDGER, executor, "past", (Past,))
            for venue in venues:
                yield Edge(venue, executor, "replies", (Ack, Reject, Settlement))
                theirs = frozenset(name for name, each in accounts.items() if f"venues.{each.venue}" == venue)
                yield Edge(executor, venue, "orders", (Order,), closes=True, accounts=theirs)

    def _accounts_of(self, gate: Node, accounts: Mapping[str, Account]) -> Iterator[str]:
        declared = self._table(("accounts",))
        for number, name in enumerate(gate.instance.accounts):
            if name in accounts:
                yield name
            elif name not in declared:
                path = (*gate.id.split(".", 1), "accounts", number)
                self._problem(path, f"[{gate.id}] there is no account {name!r}", nearest(name, declared), value=True)

    def _of(self, kind: Kind) -> list[Node]:
        return [node for node in self._nodes.values() if node.part.kind == kind]

    # --- what follows from the whole ---------------------------------------------------------------------------------

    def _check_columns(self, features: Mapping[str, Feature]) -> None:
        declared = self._table((FEATURES,))
        columns = {*PRICES, *(column for name, each in features.items() for column in column_names(name, each))}
        for node in self._of("provider"):
            hints = typing.get_type_hints(node.part.cls, include_extras=True)
            for key in (each.name for each in fields(node.part.cls) if is_column(hints[each.name])):
                column = getattr(node.instance, key)
                if column is None or column in columns or str(column).split(".")[0] in set(declared) - set(features):
                    continue
                what = f"[{node.id}] {key}: there is no column {column!r}"
                self._problem(
                    (*node.id.split(".", 1), key), what, nearest(str(column), columns | set(declared)), value=True
                )

    def _anchoring(self, settings: Settings, features: Mapping[str, Feature]) -> Anchoring:
        longest = max((each.warmup() for each in features.values()), default=0)
        need = max(longest, LEAST)
        if 0 < settings.lookback < need:
            what = f"[moonlight] lookback is {settings.lookback}, the features need {need} bars"
            self._problem(("moonlight", "lookback"), what, f"set it to {need} or more, or leave it out", value=True)
        back = max((node.instance.lookback for node in self._of("provider")), default=0)
        return Anchoring(features, settings.block, max(settings.lookback, need), back)

    def _derive(self, anchoring: Anchoring, accounts: Mapping[str, Account], edges: Sequence[Edge]) -> None:
        """Fill the fields that the rest of the flow decides."""
        balances = {name: account.balance for name, account in accounts.items()}
        for node in list(self._nodes.values()):
            providers = tuple(
                edge.source.split(".", 1)[1] for edge in edges if edge.target == node.id and Votes in edge.types
            )
            venue_accounts = tuple(name for name, account in accounts.items() if f"venues.{account.venue}" == node.id)
            known = {
                "context": anchoring.context,
                "providers": providers,
                "balances": balances,
                "accounts": venue_accounts,
            }
            hints = typing.get_type_hints(node.part.cls, include_extras=True)
            derived = {
                each.name: known[each.name] for each in fields(node.part.cls) if Derived in get_args(hints[each.name])
            }
            if not derived:
                continue
            try:
                self._nodes[node.id] = replace(node, instance=replace(node.instance, **derived))
            except ValueError as wrong:
                table, name = node.id.split(".", 1)
                self._refused(wrong, self._table((table, name)), (table, name), f"[{node.id}]")

    def _ordered(self, edges: Sequence[Edge]) -> list[str]:
        sorter: TopologicalSorter[str] = TopologicalSorter({name: set[str]() for name in self._nodes})
        for edge in edges:
            if not edge.closes:
                sorter.add(edge.target, edge.source)
        try:
            return [name for name in sorter.static_order() if name in self._nodes]
        except CycleError as wrong:
            ring = cast("list[str]", wrong.args[1])
            path = tuple(ring[0].split(".", 1))
            self._problem(
                (*path, "from"), f"[{ring[0]}] takes from itself: {' → '.join(reversed(ring))}", "break the ring"
            )
            return []

    def _warn_unused(self, edges: Sequence[Edge]) -> None:
        used = {edge.source for edge in edges}
        for node in self._nodes.values():
            if node.id not in used and _gives(node) and node.part.kind not in ("sink", "venue", "risk"):
                line, column = self._source.place(tuple(node.id.split(".", 1)))
                fix = "name it in a `from`, or remove it"
                self._warnings.append(Problem(f"[{node.id}]", "nothing takes what it gives", fix, line, column))

    def _tests(self) -> tuple[FlowTest, ...]:
        given = self._source.data.get("test", [])
        if not isinstance(given, list):
            self._problem(("test",), "test is not a list of tables", "write [[test]] with two brackets")
            return ()
        made: list[FlowTest] = []
        for number, table in enumerate(cast("list[Any]", given)):
            if not isinstance(table, dict):
                self._problem(("test", number), "a test is not a table", "write [[test]] with its keys below")
                continue
            keys = cast("dict[str, Any]", table)
            where = f"[[test]] {keys.get('name', number + 1)!r}"
            test = self._filled(FlowTest, keys, ("test", number), where)
            if test is not None:
                made.append(test)
                for what, key, fix in test.problems(self._declared):
                    self._problem(("test", number, *key), f"{where} {what}", fix)
        return tuple(made)

    def _problem(self, path: Path_, what: str, fix: str, *, value: bool = False) -> None:
        line, column = self._source.value_place(path) if value else self._source.place(path)
        self.problems.append(Problem("", what, fix, line, column))


_MISSING = field().default


def _implicit(kind: Kind, types_taken: Sequence[type[Any]]) -> bool:
    """Whether a parameter is wired by what the parts are rather than by `from`."""
    loops: set[type[Any]] = {Past, Ack, Reject, Settlement}
    if kind in ("risk", "venue"):
        loops |= {Payouts, Order} if kind == "risk" else {Order}
    return set(types_taken) <= loops


def _gives(node: Node) -> tuple[type[Any], ...]:
    return (Votes,) if node.part.kind == "provider" else node.part.gives


def _elements(raw: Any, hint: Any) -> Iterator[tuple[str | int, Any, Any]]:
    """The elements of a list or a table, each with the type it must have."""
    for each in _alternatives(hint):
        if get_origin(each) is tuple and isinstance(raw, list):
            yield from ((number, value, get_args(each)[0]) for number, value in enumerate(cast("list[Any]", raw)))
        elif get_origin(each) is dict and isinstance(raw, dict):
            yield from ((key, value, get_args(each)[1]) for key, value in cast("dict[str, Any]", raw).items())


def _alternatives(hint: Any) -> tuple[Any, ...]:
    """The types of which a value may have one."""
    base = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return get_args(base) if get_origin(base) in (Union, UnionType) else (base,)


def _exact(made: Any, raw: Any) -> bool:
    """Whether a value may stand as it was written: numbers are finite, amounts are text (1.1 has no exact float)."""
    if isinstance(made, Decimal):
        return math.isfinite(made) and isinstance(raw, str)
    return not isinstance(made, float) or math.isfinite(made)


def _shown(raw: Any) -> str:
    match raw:
        case "" | []:
            return "empty"
        case str():
            return repr(raw if len(raw) <= LONGEST_SHOWN else raw[:LONGEST_SHOWN] + "…")
        case bool():
            return str(raw).lower()
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return str(raw)


def _mend(raw: Any, hint: Any) -> str:
    base = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if base is Decimal:
        number = isinstance(raw, int | float) and not isinstance(raw, bool) and math.isfinite(raw)
        return f'write an amount in quotes: "{raw}"' if number else 'write an amount like "1.00"'
    choices = [str(each) for each in get_args(base)] if get_origin(base) is Literal else []
    if choices:
        return nearest(str(raw), choices)
    if get_origin(base) is tuple and isinstance(raw, str | int | float) and raw != "":
        return f"write a list: [{_quoted(raw)}]"
    if any(isinstance(each, Meta) and each.pattern for each in get_args(hint)):
        return f"write {description(hint)}"
    text = type_text(hint)
    article = next((word for word, first in ARTICLES if text.startswith(first)), "")
    return f"write {article}{text.replace(' | ', ' or ')}"


def _quoted(raw: Any) -> str:
    return json.dumps(raw, ensure_ascii=False)


ARTICLES = (("an ", ("amount",)), ("a ", ("whole", "number", "list", "table")))
LONGEST_SHOWN = 60

"""Checking: a flow file becomes a plan, or every problem in it is told at once."""

import typing
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, cast, get_args

from pipeline import budgeting, symbols
from pipeline.airing import check_airing
from pipeline.alerting.settings import Alerting
from pipeline.anchored import LEAST, Anchoring
from pipeline.calendar import Calendars
from pipeline.calendar_tables import CALENDARS, calendars_of
from pipeline.calibration.checks import Records
from pipeline.chaining import check_slots, check_warmups, sound
from pipeline.columns import Namings
from pipeline.connections.contract import Holder
from pipeline.control.settings import Api
from pipeline.errors import PlanError, Problem
from pipeline.evidence import Evidence, Inquiry, Money, Standing, Terms
from pipeline.flowtest import FlowTest
from pipeline.futile import futile
from pipeline.host import Mode
from pipeline.logs.settings import Logs
from pipeline.native import check_natives, native_of
from pipeline.parts import TABLES, Derived, Feature, Kind
from pipeline.permission import permission_of
from pipeline.plan import FEATURES, Account, Edge, Fault, Node, Plan, Settings, products_of
from pipeline.plugins import load_files, names_files
from pipeline.published_names import check_published
from pipeline.sharing import Sharing
from pipeline.stretch import PRICES
from pipeline.tables import Tables, is_number, nearest
from pipeline.telemetry.settings import Telemetry
from pipeline.times import MINUTE, timeframe
from pipeline.tipping import LOOKBACK, hears
from pipeline.toml_text import Source, parse, read
from pipeline.values import Approved, Signals, Votes
from pipeline.wiring import Wiring, gives

SINGLE = ("moonlight", "api", "logs", "alerting", "telemetry")
"""Tables that are there once."""
MODES_OF: Mapping[Money, tuple[Mode, ...]] = {
    "practice": ("paper", "live", "replay"),
    "demo": ("live", "paper"),
    "real": ("live",),
}
"""In which modes money of a kind may be played with; the first is the one to choose."""


def load(path: Path, *, without: Collection[Kind] = ()) -> Plan:
    """The plan in a file; `PlanError` with every problem when it is not whole.

    Nodes of the kinds `without` do without the records they name: these are about to be made.
    """
    return checked(read(path), path.resolve().parent, without)


def load_text(text: str, file: str, base: Path) -> Plan:
    return checked(parse(text, file), base)


def checked(source: Source, base: Path, without: Collection[Kind] = (), *, plugins: bool = True) -> Plan:
    """The plan in a source. Without `plugins` no file is run that it names: of a flow that names one is said what can
    be said without, and the `PlanError` has no problem where that is nothing."""
    check = _Check(source, without, plugins=plugins)
    plan = check.plan(base)
    if check.tables.problems or plan is None:
        raise PlanError(
            source.file, tuple(sorted(set(check.tables.problems), key=lambda each: (each.line, each.column, each.what)))
        )
    return plan


class _Check:
    """The checks of one flow file, in an order in which each can rely on those before it."""

    def __init__(self, source: Source, without: Collection[Kind], *, plugins: bool) -> None:
        self.tables = Tables(source)
        self._without, self._plugins = without, plugins
        self._warnings: list[Problem] = []
        self._nodes: dict[str, Node] = {}
        self._declared: set[str] = set()

    def plan(self, base: Path) -> Plan | None:
        data = self.tables.source.data
        tables = {*SINGLE, "accounts", CALENDARS, "test", *(TABLES[kind] for kind in TABLES if kind != "stake")}
        for name in data:
            if name not in tables:
                self.tables.problem((name,), f"there is no table [{name}]", nearest(name, tables))
        settings = (
            self.tables.filled(Settings, self.tables.table(("moonlight",)), ("moonlight",), "[moonlight]") or Settings()
        )
        api = self.tables.filled(Api, self.tables.table(("api",)), ("api",), "[api]") or Api()
        logs = self.tables.filled(Logs, self.tables.table(("logs",)), ("logs",), "[logs]") or Logs()
        self._bring_parts(base)
        accounts = self._accounts()
        namings = self._features()
        for kind in ("source", "operator", "provider", "ensemble", "risk", "venue", "sink"):
            self._declare_all(kind)
        if self.tables.lacks_parts and not self._plugins:
            return None
        alerts, alerting = self._alerts()
        calendars = self._calendars(base)
        self._check_money(settings, accounts)
        edges = Wiring(self.tables, self._nodes, frozenset(self._declared), accounts).edges()
        sharing = Sharing(self.tables, self._nodes, edges)
        sharing.check()
        check_natives(self.tables, self._nodes, edges)
        check_published(self.tables, self._nodes, edges)
        check_airing(self.tables, self._nodes, edges)
        self._name_columns(namings)
        anchoring = self._anchoring(settings, namings, edges)
        records = Records(self.tables, base, self._nodes, edges, anchoring.features, self._without)
        records.check_odds()
        self._derive(anchoring, accounts, edges, calendars, records)
        self._warnings += records.warnings
        order = self._ordered(edges)
        self._warn_unused(edges)
        self._warnings += [*sharing.warnings(), *sharing.unknown()]
        self._warnings += futile(self.tables.source, self._nodes, edges)
        self._warn_of_parts()
        tests = self._tests()
        self.tables.problems.extend(symbols.problems(self.tables.source, self._nodes.values()))
        if not self.tables.problems:
            self.tables.problems.extend(budgeting.problems(self.tables.source, self._nodes, edges))
        if self.tables.problems:
            return None
        nodes = tuple(self._nodes[name] for name in order)
        warnings = tuple(self._warnings)
        return Plan(
            self.tables.source,
            base,
            settings,
            accounts,
            nodes,
            tuple(edges),
            anchoring,
            tests,
            warnings,
            calendars,
            api,
            logs,
            alerts,
            alerting,
            self._telemetry(),
        )

    def _bring_parts(self, base: Path) -> None:
        if self._plugins:
            load_files(self.tables, base)
        else:
            self.tables.lacks_parts = names_files(self.tables)

    def _accounts(self) -> dict[str, Account]:
        made: dict[str, Account] = {}
        for name in self.tables.table(("accounts",)):
            path = ("accounts", name)
            before = len(self.tables.problems)
            table = self.tables.table(path)
            account = (
                self.tables.filled(Account, table, path, f"[accounts.{name}]")
                if len(self.tables.problems) == before
                else None
            )
            if account is not None:
                made[name] = account
                if account.venue not in self.tables.table(("venues",)):
                    fix = nearest(account.venue, self.tables.table(("venues",)))
                    self.tables.problem(
                        (*path, "venue"), f"[accounts.{name}] there is no venue {account.venue!r}", fix, value=True
                    )
        return made

    def _check_money(self, settings: Settings, accounts: Mapping[str, Account]) -> None:
        """Money that is somebody's is played with only in a mode that says so."""
        for name, account in accounts.items():
            path, where = ("accounts", name, "money"), f"[accounts.{name}]"
            if settings.mode not in MODES_OF[account.money]:
                what = f"{where} money is {account.money!r}, but mode is {settings.mode!r}"
                fix = f'set mode = "{MODES_OF[account.money][0]}" in [moonlight], or money = "practice" here'
                self.tables.problem(path, what, fix, value=True)
            if account.money == "real" and "balance" not in self.tables.table(("accounts", name)):
                what = f"{where} does not say its balance, and stakes and limits that are shares count from it"
                self.tables.problem(("accounts", name), what, "write what of the account's money the flow may count on")
            venue = self._nodes.get(f"venues.{account.venue}")
            if account.money != "practice" and venue is not None and permission_of(venue.instance).rehearsal:
                line, column = self.tables.source.value_place(path)
                what = f"money is {account.money!r} at a venue that moves nobody's money: this is a rehearsal"
                fix = "name a venue that takes real orders when it is over"
                self._warnings.append(Problem(where, what, fix, line, column))

    def _features(self) -> Namings:
        made: dict[str, Feature] = {}
        for name in self.tables.table((FEATURES,)):
            if name in PRICES:
                self.tables.problem(
                    (FEATURES, name), f"[features] {name} is a column every bar has", "give the feature another name"
                )
                continue
            node = self._declare("feature", name)
            if node is not None:
                made[name] = node.instance
        return sound(self.tables, made)

    def _telemetry(self) -> Telemetry:
        path = ("telemetry",)
        return self.tables.filled(Telemetry, self.tables.table(path), path, "[telemetry]") or Telemetry()

    def _alerts(self) -> tuple[dict[str, Any], Alerting]:
        """The ways out, and what is worth an alert."""
        declared = ((name, self._declare("alert", name)) for name in self.tables.table((TABLES["alert"],)))
        settings = self.tables.filled(Alerting, self.tables.table(("alerting",)), ("alerting",), "[alerting]")
        return {name: node.instance for name, node in declared if node is not None}, settings or Alerting()

    def _declare_all(self, kind: Kind) -> None:
        for name in self.tables.table((TABLES[kind],)):
            self._declared.add(f"{TABLES[kind]}.{name}")
            node = self._declare(kind, name)
            if node is not None:
                self._nodes[node.id] = node

    def _declare(self, kind: Kind, name: str) -> Node | None:
        path = (TABLES[kind], name)
        before = len(self.tables.problems)
        table = dict(self.tables.table(path))
        where = f"[{path[0]}.{name}]"
        part = self.tables.part(kind, table, path, name, where) if len(self.tables.problems) == before else None
        if part is None:
            return None
        wiring = ("use",) if kind in ("feature", "alert") else ("use", "from", "on_fault")
        on_fault = table.get("on_fault") if "on_fault" in wiring else None
        if on_fault not in (None, "restart", "stop"):
            self.tables.problem(
                (*path, "on_fault"), f"{where} on_fault is {on_fault!r}", 'write "restart" or "stop"', value=True
            )
        if on_fault == "restart" and kind in ("risk", "venue", "sink"):
            what = f"{where} on_fault is 'restart', but what it knows of open orders would be lost"
            self.tables.problem((*path, "on_fault"), what, 'write "stop", or leave it out', value=True)
        keys = {key: value for key, value in table.items() if key not in wiring}
        if is_number(use := table.get("use")):
            keys = {**part.catalogue[use], **keys}
        instance = self.tables.filled(part.cls, keys, path, where, wiring)
        if instance is None or (kind in ("provider", "ensemble") and not self._looks_back(instance, path, where)):
            return None
        careful: Fault = "stop" if kind in ("source", "risk", "venue", "sink") else "restart"
        return Node(f"{path[0]}.{name}", part, instance, cast("Fault", on_fault or careful))

    def _looks_back(self, instance: Any, path: tuple[str, str], where: str) -> bool:
        """Whether a provider or an ensemble says how far. A class of the user's may say anything, or raise it."""
        try:
            back = instance.lookback
        except Exception as failure:  # noqa: BLE001  # whatever it is, it is told with its place
            told = f"{where} lookback fails with {type(failure).__name__}: {failure}"
        else:
            if isinstance(back, int) and not isinstance(back, bool) and back >= 0:
                return True
            told = f"{where} lookback is {back!r}"
        fix = "in its class, let it be a whole number from 0 on: how many rows before a row its score depends on"
        self.tables.problem(path, told, fix)
        return False

    def _calendars(self, base: Path) -> Calendars:
        products = {product for node in self._of("source") for product in products_of(node)}
        made = calendars_of(self.tables, base, products)
        kept = {claim.name for product in products for claim in made.claimants(product)}
        for claim in made.claims:
            if products and claim.name not in kept:
                line, column = self.tables.source.place((CALENDARS, claim.name, "products"))
                fix = f"name one of {', '.join(sorted(products))}, or remove it"
                self._warnings.append(Problem(f"[{CALENDARS}.{claim.name}]", "no product keeps it", fix, line, column))
        return made

    def _name_columns(self, namings: Namings) -> None:
        """Have the keys of parts hold the names under which they find their columns."""
        for node in [*self._of("provider"), *self._of("ensemble"), *self._of("risk")]:
            instance = namings.named(node.instance, tuple(node.id.split(".", 1)), f"[{node.id}]")
            if instance is not None:
                self._nodes[node.id] = replace(node, instance=instance)

    def _anchoring(self, settings: Settings, namings: Namings, edges: Sequence[Edge]) -> Anchoring:
        timeframes = {timeframe(name) for node in self._of("operator") for name in _timeframes(node)}
        check_slots(self.tables, namings, timeframes)
        features = namings.features if check_warmups(self.tables, namings) else {}
        least = Anchoring(features, settings.block, LEAST, 0)
        need = max(least.windows(tf)[0].warmup for tf in timeframes or {MINUTE})
        if 0 < settings.lookback < need:
            what = f"[moonlight] lookback is {settings.lookback}, the features need {need} bars"
            self.tables.problem(
                ("moonlight", "lookback"), what, f"set it to {need} or more, or leave it out", value=True
            )
        back = max((_looks_back(node) for node in self._of("provider")), default=0)
        return Anchoring(features, settings.block, max(settings.lookback, need), back, self._recalled(edges))

    def _recalled(self, edges: Sequence[Edge]) -> int:
        """How many rows before the new ones somebody wants to know the votes of: ensembles, and what comes after."""

        def after(ensemble: Node) -> int:
            takers = {edge.target for edge in edges if edge.source == ensemble.id and Signals in edge.types}
            return max((getattr(self._nodes[name].instance, "lookback", 0) for name in takers), default=0)

        return max((node.instance.lookback + after(node) for node in self._of("ensemble")), default=0)

    def _derive(
        self,
        anchoring: Anchoring,
        accounts: Mapping[str, Account],
        edges: Sequence[Edge],
        calendars: Calendars,
        records: Records,
    ) -> None:
        """Fill the fields that the rest of the flow decides."""
        balances = {name: account.balance for name, account in accounts.items()}
        served = self._served(edges)
        # Ensembles first: records are of scores, and only what makes scores may say that these are others now.
        for node in sorted(self._nodes.values(), key=lambda node: node.part.kind != "ensemble"):
            providers = self._heard_by(node, edges)
            contexts = {timeframe(name): anchoring.context(timeframe(name)) for name in _timeframes(node)}
            known = {
                "contexts": contexts,
                "calendars": calendars,
                "native": native_of(node, self._nodes, edges),
                "providers": providers,
                "balances": {name: balances[name] for name in accounts if _may_ask(node, accounts[name])},
                "holders": {
                    name: Holder(account=name, money=account.money, currency=account.currency)
                    for name, account in accounts.items()
                    if _may_ask(node, account)
                },
                "connected": frozenset(name for name, account in accounts.items() if self._connects(account)),
                "products": tuple(sorted({product for each in self._of("source") for product in products_of(each)})),
                "slots": tuple(
                    sorted({timeframe(name) for each in self._of("operator") for name in _timeframes(each)})
                ),
                "market": frozenset(product for each in self._of("source") for product in products_of(each)),
                "fitted": records.of(node),
                "terms": {name: self._terms(accounts[name]) for name in served.get(node.id, ()) if name in accounts},
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
                self.tables.refused(wrong, self.tables.table((table, name)), (table, name), f"[{node.id}]")

    def _served(self, edges: Sequence[Edge]) -> dict[str, list[str]]:
        """The accounts whose orders each executor sends. One that no gate trades with any more has orders, perhaps."""
        owners: dict[str, str] = {}
        for edge in edges:
            if Approved in edge.types and Inquiry in gives(self._nodes[edge.target]):
                for name in self._nodes[edge.source].instance.accounts:
                    if owners.setdefault(name, edge.target) != edge.target:
                        self.tables.problem(
                            (*edge.target.split(".", 1), "from"),
                            f"[{edge.target}] would send the orders of {name}, as [{owners[name]}] does",
                            "let one executor send all orders of an account",
                        )
        for edge in edges:
            if Inquiry in edge.types:
                for name in edge.accounts:
                    owners.setdefault(name, edge.source)
        return {owner: sorted(name for name in owners if owners[name] == owner) for owner in set(owners.values())}

    def _terms(self, account: Account) -> Terms:
        venue = self._nodes.get(f"venues.{account.venue}")
        return Terms(account.money, getattr(venue.instance, "evidence", Evidence()) if venue else Evidence())

    def _connects(self, account: Account) -> bool:
        """Whether it is told how an account stands with its venue."""
        venue = self._nodes.get(f"venues.{account.venue}")
        return venue is not None and Standing in gives(venue)

    def _heard_by(self, node: Node, edges: Sequence[Edge]) -> tuple[str, ...]:
        """Its providers; none while one that it names could not be made: then nothing can be said of the others."""
        heard = tuple(edge.source.split(".", 1)[1] for edge in edges if edge.target == node.id and Votes in edge.types)
        named = self.tables.table(tuple(node.id.split(".", 1))).get("from", ())
        return heard if len(heard) == (len(cast("list[Any]", named)) if isinstance(named, list) else 1) else ()

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
            self.tables.problem(
                (*path, "from"), f"[{ring[0]}] takes from itself: {' → '.join(reversed(ring))}", "break the ring"
            )
            return []

    def _warn_unused(self, edges: Sequence[Edge]) -> None:
        used = {edge.source for edge in edges}
        for node in self._nodes.values():
            if node.id not in used and gives(node) and node.part.kind not in ("sink", "venue", "risk"):
                line, column = self.tables.source.place(tuple(node.id.split(".", 1)))
                fix = "name it in a `from`, or remove it"
                self._warnings.append(Problem(f"[{node.id}]", "nothing takes what it gives", fix, line, column))

    def _warn_of_parts(self) -> None:
        self._warn_of_stakes()
        self._warn_of_faults()
        self._warn_of_symbols()

    def _warn_of_stakes(self) -> None:
        for node in self._of("risk"):
            for stamp in node.instance.stamps():
                line, column = self.tables.source.place((*node.id.split(".", 1), "stake"))
                fix = 'stake the same each time: use = "fixed"'
                self._warnings.append(Problem(f"[{node.id}]", stamp, fix, line, column))

    def _warn_of_faults(self) -> None:
        for node in self._of("venue"):
            if getattr(node.instance, "faults", ()):
                line, column = self.tables.source.place((*node.id.split(".", 1), "faults"))
                fix = "take them out when the trying is over"
                self._warnings.append(Problem(f"[{node.id}]", "its faults make it fail on purpose", fix, line, column))

    def _warn_of_symbols(self) -> None:
        """What a source takes a product for, where that is something else and nobody said so."""
        for node in self._of("source"):
            for product, symbol in getattr(node.instance, "assumed", tuple)():
                line, column = self.tables.source.value_place((*node.id.split(".", 1), "products"))
                fix = f'if that is what you want, say symbols = {{ {product} = "{symbol}" }}'
                self._warnings.append(Problem(f"[{node.id}]", f"{product} is taken for {symbol}", fix, line, column))

    def _tests(self) -> tuple[FlowTest, ...]:
        given = self.tables.source.data.get("test", [])
        if not isinstance(given, list):
            self.tables.problem(("test",), "test is not a list of tables", "write [[test]] with two brackets")
            return ()
        made: list[FlowTest] = []
        for number, table in enumerate(cast("list[Any]", given)):
            if not isinstance(table, dict):
                self.tables.problem(("test", number), "a test is not a table", "write [[test]] with its keys below")
                continue
            keys = cast("dict[str, Any]", table)
            where = f"[[test]] {keys.get('name', number + 1)!r}"
            test = self.tables.filled(FlowTest, keys, ("test", number), where)
            if test is not None:
                made.append(test)
                for what, key, fix in test.problems(self._declared):
                    self.tables.problem(("test", number, *key), f"{where} {what}", fix)
        return tuple(made)

    def _of(self, kind: Kind) -> list[Node]:
        return [node for node in self._nodes.values() if node.part.kind == kind]


def _may_ask(node: Node, account: Account) -> bool:
    """Whether what an account holds is a node's business: a venue's is that of those at it."""
    return node.part.kind != "venue" or node.id == f"venues.{account.venue}"


def _looks_back(provider: Node) -> int:
    """How many rows before its own a provider's answer needs."""
    back: int = provider.instance.lookback
    return max(back, LOOKBACK) if hears(provider.part.cls) else back


def _timeframes(node: Node) -> tuple[str, ...]:
    """The timeframes of the bars that a node gives, by name."""
    return getattr(node.instance, "timeframes", ())

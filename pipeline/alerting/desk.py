"""The alerts of a running flow: what holds, what was told, and the ways by which it leaves."""

import asyncio
import shutil
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import count
from typing import Any

from msgspec.structs import replace

from pipeline.alerting.earlier import last_life
from pipeline.alerting.edges import Edges, Sign
from pipeline.alerting.noticing import Noticing
from pipeline.alerting.pending import Selection
from pipeline.alerting.route import Alert
from pipeline.alerting.secrets import secrets_of
from pipeline.alerting.vitals import Vitals
from pipeline.alerting.ways import Way
from pipeline.flow import Flow
from pipeline.ledger.failures import LedgerError
from pipeline.live import wall
from pipeline.masking import masked
from pipeline.plan import LEDGER, Plan
from pipeline.times import duration
from pipeline.values import Fault, Quotes

LOOKS_EVERY = 0.5
"""Seconds between two looks at what time changes."""
SELDOM = 20
"""So many looks apart are those at the disk."""
KEPT = 1_000
"""So many alerts are remembered."""
FAREWELL = 30.0
"""Seconds that a way which is gone from the plan has to send what it owes."""
MIB = 1 << 20

Tell = Callable[[str, Any], object]


class AlertDesk:
    """A companion of the flow."""

    name = "alerts"

    def __init__(self, plan: Plan) -> None:
        self._tell: Tell = _nobody
        self._plan = plan
        self._noticing = Noticing(plan, plan.alerting)
        self._edges = Edges(duration(plan.alerting.patience), duration(plan.alerting.quiet))
        self.vitals = Vitals()
        """Whether the engine goes on."""
        self._flow: Flow | None = None
        self._early: list[Sign] = []
        """Signs of before the flow's time was known."""
        self._told: deque[Alert] = deque(maxlen=KEPT)
        self._number = 0
        self._run = wall()
        self._leaking: frozenset[str] = frozenset()
        self._looks = 0
        self._ways: dict[str, Way] = {}
        self._numbers: defaultdict[str, Iterator[int]] = defaultdict(partial(count, 1))
        """Those of the letters, by way."""
        self._works: dict[Way, asyncio.Task[None]] | None = None
        """Ways at work; None until somebody attends."""
        self._over = False
        self._secrets = secrets_of(plan.base)
        self._open(plan.alerts)

    # --- for whoever asks --------------------------------------------------------------------------------------------

    def current(self) -> tuple[Alert, ...]:
        """What was told and is not over."""
        return tuple(self._edges.holding())

    def since(self, number: int) -> tuple[Alert, ...]:
        """What was told after the alert of that number, the oldest first."""
        return tuple(each for each in self._told if each.number > number)

    def raised(self, sign: Sign) -> None:
        """Somebody beside the flow has seen something."""
        self._take((sign,))

    # --- a companion -------------------------------------------------------------------------------------------------

    def tells_by(self, tell: Tell) -> None:
        """Each alert is told, and that a way is broken (as a fault of it), to all who look on."""
        self._tell = tell

    def told(self, node: str, value: Any) -> None:
        kind: type[Any] = type(value)  # pyright: ignore[reportUnknownVariableType]  # any value's
        if kind is Quotes:
            if node != LEDGER:  # that gives some of before the beginning again
                self._noticing.quoted(value.product)
        elif kind in self._noticing.hears:
            self.vitals.told(value)
            try:
                self._take(self._noticing.of(node, value))
            except Exception as failure:  # noqa: BLE001  # one value that cannot be read ends no other alert
                said = f"alerts cannot read a {kind.__name__} of {node}: {type(failure).__name__}: {failure}"
                self._take((Sign("NODE_FAULT", self.name, on=True, text=said),))

    def begins(self, flow: Flow) -> None:
        self._flow = flow
        self.vitals.begins(flow)
        for way in self._ways.values():
            flow.border.panel.edges.add(way.edge)
        early, self._early = self._early, []
        mode = self._plan.settings.mode
        self._take((Sign("ENGINE_STARTED", "", on=True, text=f"{self._plan.name} has begun, mode {mode}"), *early))
        self._take(last_life(self._plan))

    def changed(self, plan: Plan) -> None:
        """The flow goes on by another plan: ways that are new or other begin, those that are gone end."""
        before, self._plan = self._plan, plan
        self._noticing.changed(plan, plan.alerting)
        self._edges.changed(duration(plan.alerting.patience), duration(plan.alerting.quiet))
        gone = {name: self._ways.pop(name) for name, each in before.alerts.items() if plan.alerts.get(name) != each}
        for name in gone:
            self._take((Sign("ALERT_ROUTE", name, on=False),))
            if self._flow is not None:
                self._flow.border.panel.edges.remove(f"alerts/{name}")
        self._open({name: route for name, route in plan.alerts.items() if name in gone or name not in before.alerts})
        for name, way in gone.items():
            self._let_go(way, self._ways.get(name))

    async def attend(self) -> None:
        self._works = {}
        for way in self._ways.values():
            self._begin(way)
        try:
            while True:
                self._look()
                await asyncio.sleep(LOOKS_EVERY)
        finally:
            works = tuple(self._works.values())
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)

    async def ends(self, why: str) -> None:
        """Last words, and as much as can be sent in the time that is left."""
        self._over = True
        if why:
            self.vitals.fails(why)
            failure = self._flow.ended.exception() if self._flow is not None and self._flow.ended.done() else None
            if isinstance(failure, LedgerError):
                self._take((Sign("LEDGER", "", on=True, text=masked(why)),))
            self._take((Sign("ENGINE_FAILED", "", on=True, text=f"{self._plan.name} ended by itself: {masked(why)}"),))
        else:
            self._take((Sign("ENGINE_ENDED", "", on=True, text=f"{self._plan.name} was asked to end, and ended"),))
        for way in self._ways.values():
            way.end()
        try:
            if self._works:
                await asyncio.wait(tuple(self._works.values()))
        finally:
            self._tell_of_owed()

    # --- pieces ------------------------------------------------------------------------------------------------------

    @property
    def _at(self) -> int:
        return 0 if self._flow is None else self._flow.border.clock.shown()

    def _take(self, signs: Iterable[Sign]) -> None:
        if self._flow is None:
            self._early.extend(signs)
            return
        at = self._at
        for sign in signs:
            self._give(self._edges.take(sign, at))

    def _give(self, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            self._number += 1
            numbered = replace(alert, number=self._number, text=masked(" ".join(alert.text.split())))
            self._told.append(numbered)
            for way in self._ways.values():
                way.put(numbered)
            self._tell(self.name, numbered)

    def _look(self) -> None:
        flow = self._flow
        if flow is None or self._over:
            return
        at = self._at
        self.vitals.look(quiet=self._noticing.quiet(at))
        self._take(self._noticing.look(at))
        self._take(self._leaks(flow))
        if self._looks % SELDOM == 0:
            self._take(self._disk())
        self._looks += 1
        self._give(self._edges.look(at))

    def _leaks(self, flow: Flow) -> Iterator[Sign]:
        """Edges on which what came in is not what went on, waits, or was dropped by name."""
        edges = (each.edge for each in flow.passages if not each.conserved)
        leaking = frozenset(f"{edge.source} → {edge.target}" for edge in edges)
        before, self._leaking = self._leaking, leaking
        for edge in leaking - before:
            yield Sign("CONSERVATION", edge, on=True, text=f"lost without a name: {edge}")
        for edge in before - leaking:
            yield Sign("CONSERVATION", edge, on=False)

    def _disk(self) -> Iterator[Sign]:
        least = self._plan.alerting.least_disk_mb
        if least and self._plan.folder.exists():
            try:
                free = shutil.disk_usage(self._plan.folder).free // MIB
            except OSError as failure:
                yield Sign(
                    "DISK_FULL", "", on=True, text=f"{self._plan.folder} cannot be looked at: {failure.strerror}"
                )
                return
            said = f"{free:,} MiB are free on the disk of {self._plan.folder}, {least:,} should be"
            yield Sign("DISK_FULL", "", on=free < least, text=said)

    def _open(self, routes: Mapping[str, Any]) -> None:
        engine = _Engine(self._plan, self._run, self.vitals)
        for name, route in routes.items():
            way = self._ways[name] = Way(name, route, engine, self._secrets, self._way_told, self._numbers[name])
            if self._flow is not None:
                self._flow.border.panel.edges.add(way.edge)
            self._begin(way)

    def _begin(self, way: Way) -> None:
        works = self._works
        if works is not None:
            work = works[way] = asyncio.create_task(way.attend(), name=f"alerts.{way.name}")
            work.add_done_callback(lambda _: works.pop(way, None))

    def _let_go(self, way: Way, heir: Way | None) -> None:
        """What a way owes that is other from now on leaves as it is now: it may have been changed since it was broken.
        One that is gone sends it itself, and is waited for no longer than for the end."""
        work = None if self._works is None else self._works.get(way)
        if heir is not None and isinstance(heir.route, Selection):
            heir.takes_over(*way.gives_up())
            if work is not None:
                work.cancel()
            return
        way.end()
        if work is not None:
            asyncio.get_running_loop().call_later(FAREWELL, work.cancel)

    def _tell_of_owed(self) -> None:
        """What nobody was told of who is not there is said where somebody may look later."""
        for way in self._ways.values():
            if owed := Counter(each.code for each in way.owed):
                named = ", ".join(f"{code} {many}" for code, many in owed.most_common())
                said = f"not known to have arrived before the end: {named}"
                self._tell(self.name, Fault(f"alerts.{way.name}", self._at, said))

    def _way_told(self, name: str, why: str) -> None:
        """A way is broken, or is not any more: the others tell of it, and so does the console."""
        if name not in self._ways:
            return  # it is gone from the plan, and nobody would ever tell that this is over
        if why:
            self._tell(self.name, Fault(f"alerts.{name}", self._at, f"{why}; it is tried again"))
        self._take((Sign("ALERT_ROUTE", name, on=bool(why), text=f"alerts do not leave by {name}: {why}"),))


def _nobody(node: str, value: Any) -> None:
    """Who watches where nobody does."""


class _Engine:
    """What ways know of the engine."""

    def __init__(self, plan: Plan, run: int, vitals: Vitals) -> None:
        self.folder, self.flow, self.run = plan.folder, plan.name, run
        self.alive, self.amiss = vitals.alive, vitals.amiss

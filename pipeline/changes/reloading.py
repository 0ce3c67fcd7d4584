"""A running flow takes over an edit of its file: shown before, done whole between two bars, or refused in a sentence.

What the file says once it is saved is loaded and proved beside the loop. What waits for open contracts waits here: the
keys that it is about trade nothing new meanwhile, all others go on by the plan that runs, and putting the file back
calls it off.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from pipeline import lives
from pipeline.causality import refuse_unproved
from pipeline.changes.flow_file import FlowFile
from pipeline.changes.notices import Notice
from pipeline.changes.proposal import Changed, NodeChange, Proposal
from pipeline.changes.proposing import propose
from pipeline.changes.quiet import crosses, quiet_moment
from pipeline.changes.revision import Unchanged
from pipeline.changes.steps import merged
from pipeline.checking import load_text
from pipeline.errors import InputError, MoonlightError
from pipeline.flow import CLOCK, Flow
from pipeline.hogging.limits import WAITS, Overrun
from pipeline.hogging.watcher import Watcher
from pipeline.ledger import Ledger
from pipeline.plan import LEDGER, Plan
from pipeline.states import ENDED
from pipeline.times import SECOND
from pipeline.values import Held, Order, Past, Quotes, Scope, Slept

LOOKS_EVERY = 0.5
"""Seconds between two looks at the file."""
ANSWERED_WITHIN = 60.0
"""So many seconds a thread waits at the most until its change is done, or waits for what is open."""
TRIED_WITHIN = 30.0
"""So many seconds an edit may take to be read and proved."""
Tell = Callable[[str, Any], None]
T = TypeVar("T")


class Reloads:
    """The changes of one flow; a `Companion`, and `Changing` for whoever asks from another thread."""

    name = "changes"

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger,
        now: Callable[[], int],
        taken_over: Callable[[Plan], None],
        tried_within: float = TRIED_WITHIN,
    ) -> None:
        """`now` is the machine's clock; `taken_over` hears of each plan that the flow goes on by."""
        self._tried_within = tried_within
        self._plan, self._ledger, self._now, self._taken_over = plan, ledger, now, taken_over
        named = Path(plan.file).absolute()
        path = named if named.resolve().parent == plan.base else plan.base / named.name
        self._file = FlowFile(path, plan.base, plan.source.text)
        self._tell: Tell = _nobody
        self._flow: Flow | None = None
        self._loop = asyncio.get_running_loop()
        self._orders: dict[str, Order] = {}
        self._wanted: tuple[Plan, str] | None = None
        """What waits, and who asked for it."""
        self._proposal: Proposal | None = None
        self._held: tuple[Scope, ...] = ()
        self._ended = asyncio.Event()
        """Set when an order has ended that may have been waited for."""
        self._look_now = asyncio.Event()
        self._one = asyncio.Lock()
        self._asked: dict[str, float] = {}
        self._away: dict[str, int] = {}
        """Since when sources are away that began anew."""
        self._gaps: dict[str, float] = {}

    # --- from any thread but the flow's ------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        return self._plan.source.text

    @property
    def pending(self) -> Proposal | None:
        return self._proposal

    def propose(self, text: str) -> Proposal:
        plan = self._loaded(text)
        return self._asks(self._proposed(plan))

    def apply(self, text: str, by: str, over: str | None = None) -> Changed:
        plan = self._loaded(text)
        return self._asks(self._apply(plan, by, text, over))

    # --- a companion -------------------------------------------------------------------------------------------------

    def tells_by(self, tell: Tell) -> None:
        """What became of each edit is told to all who look on."""
        self._tell = tell

    def told(self, node: str, value: Any) -> None:
        match value:
            case Order():
                self._follow(value)
            case Past():
                for order in value.orders:
                    self._follow(order)
            case Quotes() if node in self._asked:
                asked = self._asked.pop(node)
                self._gaps[node] = self._loop.time() - asked
                self._came_back(node)
            case _:
                pass

    def _came_back(self, node: str) -> None:
        """Bars that became final while a source began anew came as history, if at all: each is to have its row."""
        since = self._away.pop(node, None)
        flow = self._flow
        if since is not None and flow is not None and crosses(flow.plan, since, until := flow.border.now()):
            flow.enter(CLOCK, Slept(since, until, "changed"))

    def begins(self, flow: Flow) -> None:
        self._flow = flow
        self._asked = dict.fromkeys((node.id for node in flow.plan.of("source")), self._loop.time())

    def look_now(self) -> None:
        """Look at the file at once, whether it is watched or not."""
        self._look_now.set()

    async def attend(self) -> None:
        await asyncio.to_thread(self._file.begin, self._plan.settings.plugins)
        looks, waits = asyncio.ensure_future(self._look()), asyncio.ensure_future(self._wait())
        try:
            await asyncio.gather(looks, waits)
        except Exception:
            self._call_off("flow")  # nobody would ever let go of the keys that wait
            raise
        finally:
            looks.cancel()
            waits.cancel()
            await asyncio.gather(looks, waits, return_exceptions=True)

    async def ends(self, why: str) -> None:
        del why
        if self._wanted is not None:
            self._say("warning", "the change of the flow that waited is taken up at the next start")

    # --- the file ----------------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        while True:
            at_once = False
            try:
                async with asyncio.timeout(LOOKS_EVERY):
                    await self._look_now.wait()
                self._look_now.clear()
                at_once = True
            except TimeoutError:
                if not self._plan.settings.watch:
                    continue
            try:
                plugins = self._plan.settings.plugins
                text = await asyncio.to_thread(self._file.look, plugins, at_once=at_once)
                if text is not None:
                    plan = await asyncio.to_thread(self._loaded, text)
                    await self._apply(plan, "file")
            except MoonlightError as wrong:
                self._say("error", f"{wrong}\nthe flow goes on as it was")
                async with self._one:  # what waits is not what the file says any more
                    self._call_off("file")

    def _loaded(self, text: str) -> Plan:
        """The plan that a text is, proved; `PlanError` with every problem. A plug-in that hogs holds nothing up."""
        with Watcher() as watcher:
            try:
                return watcher.ask(partial(self._proved, text), self._tried_within / WAITS)
            except Overrun as overrun:
                seconds = round(overrun.millis / SECOND)
                raise InputError(
                    f"{self._plan.file}: not read and tried after {seconds} s:"
                    " a part of a plug-in does not come back; mend it"
                ) from None

    def _proved(self, text: str) -> Plan:
        plan = load_text(text, self._plan.file, self._plan.base)
        refuse_unproved(plan)
        return plan

    # --- on the flow's loop ------------------------------------------------------------------------------------------

    async def _proposed(self, plan: Plan) -> Proposal:
        return propose(self._running.plan, plan, self._orders.values(), self._gaps)

    async def _apply(self, plan: Plan, by: str, written: str | None = None, over: str | None = None) -> Changed:
        """Take over a plan, or have it wait. With `written` the file gets that text first, in the place of `over`."""
        async with self._one:
            proposal = await self._proposed(plan)
            if proposal.refused:
                raise InputError("; ".join(proposal.refused))
            before = ""
            if written is not None:
                before = await asyncio.to_thread(self._file.put, written, plan.settings.plugins, over)
            self._call_off(by)
            self._wanted = plan, by
            try:
                return await self._go_on(proposal)
            except MoonlightError:
                if written is not None:
                    await asyncio.to_thread(self._file.put, before, self._plan.settings.plugins)
                raise

    async def _wait(self) -> None:
        """Take over what waits once nothing is open any more that it waits for."""
        while True:
            await self._ended.wait()
            self._ended.clear()
            async with self._one:
                if self._wanted is None:
                    continue
                try:
                    proposal = await self._proposed(self._wanted[0])
                    if not proposal.waits_for:
                        await self._go_on(proposal)
                except MoonlightError as wrong:
                    self._call_off("flow")
                    self._say("error", f"{wrong}; the flow goes on as it was")

    async def _go_on(self, proposal: Proposal) -> Changed:
        assert self._wanted is not None, "somebody asked for it"
        plan, _ = self._wanted
        flow = self._running
        if proposal.waits_for:
            return self._hold(proposal)
        done: tuple[NodeChange, ...] | None = ()
        if not proposal.changes:
            flow.plan = merged(flow.plan, plan, proposal.nodes)
        else:
            try:
                done = await self._at_a_quiet_moment(plan, proposal)
            except MoonlightError as failure:
                self._call_off("flow")
                raise InputError(str(failure)) from failure
        if done is None:  # something was opened just now that it has to wait for
            return await self._go_on(await self._proposed(plan))
        self._wanted = None
        self._release()
        changed = Changed(
            flow.border.now(),
            applied=tuple(each.node for each in done if each.what == "apply"),
            restarted=tuple(each.node for each in done if each.what in ("restart", "start", "stop")),
            warnings=proposal.warnings,
        )
        await self._taken(flow.plan, changed)
        return changed

    async def _at_a_quiet_moment(self, plan: Plan, proposal: Proposal) -> tuple[NodeChange, ...] | None:
        """Change the flow between two bars; None when that is not possible any more without waiting."""
        flow = self._running
        restarts = any(each.what != "apply" for each in proposal.changes)
        moment = quiet_moment((flow.plan, plan), flow.border.now(), flow.border.clock.speed) if restarts else 0
        done: asyncio.Future[tuple[NodeChange, ...] | None] = self._loop.create_future()

        def change() -> None:
            try:
                now = propose(flow.plan, plan, self._orders.values(), self._gaps)
                result = None if now.waits_for else flow.change(plan, self._past(now))
                for each in now.changes if result is not None else ():
                    if each.what in ("restart", "start") and each.node.startswith("sources."):
                        self._asked[each.node] = self._loop.time()
                    if each.what == "restart" and each.node in self._asked and not simulated(plan, each.node):
                        self._away[each.node] = flow.border.now()
                done.set_result(result)
            except MoonlightError as failure:
                done.set_exception(failure)

        planned = flow.border.at(max(moment, flow.border.now()), change)
        try:
            return await asyncio.wait_for(_first(done, flow.ended), ANSWERED_WITHIN)
        except TimeoutError:
            raise Unchanged("no moment came between two bars; the flow goes on as it was") from None
        finally:
            planned.dispose()

    def _past(self, proposal: Proposal) -> Past | None:
        """What venues that begin anew must know of their accounts."""
        anew = {each.node for each in proposal.changes if each.what == "restart"}
        names = {name for name, account in self._plan.accounts.items() if f"venues.{account.venue}" in anew}
        if not names:
            return None
        past = self._ledger.known(self._running.border.now())
        return msgspec.structs.replace(
            past,
            orders=tuple(order for order in past.orders if order.account in names),
            earlier_profit={name: profit for name, profit in past.earlier_profit.items() if name in names},
            moves=(),
            awaited=(),
            certificates=(),
            decided=(),
            unaudited=(),
            cash=tuple(each for each in past.cash if each[0] in names),
        )

    async def _taken(self, plan: Plan, changed: Changed) -> None:
        self._plan = plan
        self._taken_over(plan)
        await asyncio.to_thread(lives.changed, self._ledger.path, plan, self._now())
        self._tell(self.name, changed)

    # --- waiting -----------------------------------------------------------------------------------------------------

    def _hold(self, proposal: Proposal) -> Changed:
        """Have the keys that a change waits for trade nothing new, and those that begin anew with them."""
        before, self._proposal = self._proposal, proposal
        scopes = tuple(each.scope for each in proposal.keys if each.idle)
        for scope in self._held:  # first: letting go of a scope lets go of all that it covers
            if scope not in scopes:
                self._hear(scope, on=False)
        for scope in scopes:
            if scope not in self._held:
                self._hear(scope, on=True)
        self._held = scopes
        waits = Changed(self._running.border.now(), waiting=proposal.waits_for, warnings=proposal.warnings)
        if before is None:
            self._tell(self.name, waits)
        return waits

    def _call_off(self, by: str) -> None:
        if self._wanted is not None and self._held:
            self._say("info", f"the change that waited is called off ({by})")
        self._wanted = None
        self._release()

    def _release(self) -> None:
        for scope in self._held:
            self._hear(scope, on=False)
        self._held, self._proposal = (), None

    def _hear(self, scope: Scope, *, on: bool) -> None:
        flow = self._running
        why = "a change of the flow waits for open contracts" if on else "the change of the flow waits no more"
        flow.enter(LEDGER, Held(scope, on, flow.border.now(), why))

    # --- pieces ------------------------------------------------------------------------------------------------------

    @property
    def _running(self) -> Flow:
        if self._flow is None:
            raise InputError("the flow has not begun yet; ask again in a moment")
        return self._flow

    def _follow(self, order: Order) -> None:
        if order.state in ENDED:
            if self._orders.pop(order.order, None) is not None and self._wanted is not None:
                self._ended.set()
        else:
            self._orders[order.order] = order

    def _asks(self, doing: Coroutine[Any, Any, T]) -> T:
        """What comes of something that is done on the flow's loop."""
        asked = asyncio.run_coroutine_threadsafe(doing, self._loop)
        try:
            return asked.result(2 * ANSWERED_WITHIN)
        except TimeoutError:
            asked.cancel()
            raise InputError("the engine is busy and did not answer; look at `keys`, and ask again") from None

    def _say(self, level: Any, text: str) -> None:
        flow = self._flow
        self._tell(self.name, Notice(level, text, 0 if flow is None else flow.border.now()))


def simulated(plan: Plan, source: str) -> bool:
    """Whether the prices of a source wait for who listens."""
    return hasattr(plan.by_id[source].instance, "starts_at")


async def _first(done: "asyncio.Future[T]", ended: "asyncio.Future[None]") -> T:
    await asyncio.wait((done, ended), return_when=asyncio.FIRST_COMPLETED)
    if not done.done():
        raise Unchanged("the flow has ended")
    return done.result()


def _nobody(node: str, value: Any) -> None:
    del node, value

"""A simulated world: a market and venues that live on, engines that come and go, a storm, a calm; and the truth."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np

from pipeline import virtual
from pipeline.border import Border
from pipeline.clocks import LoopClock
from pipeline.evidence import Request
from pipeline.ledger import LedgerError
from pipeline.plan import LEDGER, Plan, products_of
from pipeline.sim import simulable
from pipeline.sim.chance import Draws
from pipeline.sim.disk import Disk
from pipeline.sim.feed import PAYOUT, Feed
from pipeline.sim.lives import Killed, Life
from pipeline.sim.prices import Prices
from pipeline.sim.storms import Storm, Strike, edgewise
from pipeline.sim.truth import judge, judge_certificates, judge_decisions, judge_disputes
from pipeline.sim.wire import BY_HAND, Wire
from pipeline.sim.witness import CONSERVED, LIVING, Witness
from pipeline.steps import Tube
from pipeline.times import HOUR, MINUTE, SECOND, slot_of
from pipeline.trying import NoRecords
from pipeline.values import Arming, Latch, Order, Payouts, Quotes
from pipeline.venues.faults import Strike as Moved

CALM = 25 * MINUTE
"""So long after a storm everything that was wanted in it has ended: the longest contract, and passes over listings."""
SETTLING = 4 * MINUTE
"""A calm is no shorter: every account is passed over, and what the storm delayed has come."""
BUSY = 3 * SECOND
"""Half of all that strikes within a minute strikes in its first seconds, when bars end and orders leave."""
LOOKS = 10 * MINUTE
"""How often the edges of a living flow are counted."""
HEARS = 250
"""Within so many ms a flow hears of a stop that somebody else records."""
IN_MEMORY = Path("/dev/shm")  # noqa: S108  # a folder of its own is made in it
"""Where files cost no disk, on systems that have it."""
ARMS = 10 * MINUTE
STILL = 90 * SECOND
STEP = 30 * SECOND


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Which world: all that a run depends on."""

    seed: int = 1
    minutes: int = 60
    kinds: tuple[str, ...] = ()
    only: tuple[Strike, ...] | None = None
    per_minute: int = 6
    wild: float = 1.0
    """How often strikes what comes with time rather than with orders; long worlds need less of it."""
    block: int = 0
    """Span (ms) of blocks in which quotes are given ahead; 0: row by row."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a world."""

    seed: int
    hash: str
    events: int
    checked: dict[str, int]
    violations: tuple[str, ...]
    found: int
    counts: dict[str, int]
    struck: tuple[Strike, ...]

    @property
    def sound(self) -> bool:
        return not self.found


def lived(plan: Plan, terms: Terms) -> Outcome:
    """A world from its beginning to its end, in virtual time."""
    simulable.check(plan)
    with TemporaryDirectory(prefix="sim-", dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        return virtual.run(lambda loop: _whole(plan, terms, Path(folder), loop))


async def _whole(plan: Plan, terms: Terms, folder: Path, loop: asyncio.AbstractEventLoop) -> Outcome:
    return await World(plan, terms, folder, loop).whole()


class World:
    """The outside of an engine, and the engine's lives."""

    def __init__(self, plan: Plan, terms: Terms, folder: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.storm = Storm(terms.seed, terms.kinds, terms.only, terms.wild)
        self.begin = begin_of(plan)
        self.clock = LoopClock(loop, self.begin)
        self._terms, self._loop = terms, loop
        self._chance = Draws(terms.seed, "world")
        prices = Prices(terms.seed, self.begin, terms.per_minute, plan.calendars)
        self._prices = prices
        self.feeds = {
            node.id: Feed(node.part, products_of(node), prices, self.storm, self.clock) for node in plan.of("source")
        }
        self.wires = {node.id: Wire(node.part, node.instance, self.storm, self.clock) for node in plan.of("venue")}
        outside = self.feeds | self.wires
        self.plan = replace(
            plan,
            nodes=tuple(
                replace(node, instance=outside[node.id]) if node.id in outside else node for node in plan.nodes
            ),
        )
        self.disk = Disk(folder / "ledger.db", self.storm, Draws(terms.seed, "disk"))
        self.disk.stopping = self._stop_at_once
        self.witness = Witness(self.plan, self.wires, self.feeds, self.disk)
        for wire in self.wires.values():
            wire.watcher, wire.gate = self.witness, self._does
        self._venue_prices: list[Tube[Any]] = []
        self._venue_payouts: list[Tube[Any]] = []
        self._open_venues(plan)
        self.life: Life | None = None
        self._starting: asyncio.Future[None] | None = None
        self._over = False
        """Whether a flow ended that should not have."""
        self.counts = {"lives": 0, "quotes": 0}
        self._disturbed: list[tuple[int, int]] = []
        """When quotes could not come as they should: the clock was wrong, or nothing ran."""
        self._failed: BaseException | None = None

    # --- from beginning to end ---------------------------------------------------------------------------------------

    async def whole(self) -> Outcome:
        self._loop.set_exception_handler(self._stray)
        end = self.begin + self._terms.minutes * MINUTE
        await self._start()
        self._arm()
        ahead = self._terms.block
        market = asyncio.ensure_future(self._market_ahead(end) if ahead else self._market(end + CALM))
        await self._minutes(end)
        self._calm()
        await self._settle(end)
        market.cancel()
        await asyncio.gather(market, return_exceptions=True)
        self._look()
        if self.life is not None:
            await self.life.bury()
        if self._failed is not None:
            raise self._failed
        contracts = [each for wire in self.wires.values() for each in wire.contracts.values()]
        lists = all(wire.evidence.lists for wire in self.wires.values())
        judge(self.plan, self.disk, contracts, self.witness, end, lists)
        disturbed = {product: spans for feed in self.feeds.values() for product, spans in feed.holes.items()}
        judge_decisions(self.plan, self.disk, self.witness, (self.begin, end), disturbed | {"": self._disturbed})
        judge_disputes(self.disk, self.witness)
        self.disk.close()
        return Outcome(
            seed=self._terms.seed,
            hash=self.witness.hash,
            events=self.witness.events,
            checked=dict(self.witness.checked),
            violations=tuple(self.witness.violations),
            found=self.witness.found,
            counts=self.counts | {"sends": sum(wire.sends for wire in self.wires.values())},
            struck=tuple(self.storm.struck),
        )

    def _stray(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What nobody caught ends the world, told by whoever asked for it."""
        failure = context.get("exception")
        if isinstance(failure, Killed) and self.life is not None:
            self.life.kill()
            return
        self._failed = self._failed or failure or RuntimeError(str(context["message"]))

    async def _until(self, moment: int) -> None:
        reached: asyncio.Future[None] = self._loop.create_future()
        self.clock.at(moment, lambda: reached.done() or reached.set_result(None))
        await reached

    # --- the market and the venues -----------------------------------------------------------------------------------

    def _open_venues(self, plan: Plan) -> None:
        border = Border(
            mode="paper",
            base=plan.base,
            folder=plan.folder,
            flow=plan.name,
            clock=self.clock,
            history={},
            ledger=NoRecords(),
            calendars=plan.calendars,
        )
        for node in plan.of("venue"):
            inlets: list[Tube[Any]] = []
            for kinds in node.part.takes.values():
                tube: Tube[Any] = self.wires[node.id].orders if Order in kinds else Tube()
                if Quotes in kinds:
                    self._venue_prices.append(tube)
                if Payouts in kinds:
                    self._venue_payouts.append(tube)
                inlets.append(tube)
            venue = node.instance
            if hasattr(venue, "faults"):
                venue = replace(venue, faults=tuple(self._money(node.id.split(".", 1)[1])))
            venue(border, *inlets).subscribe(self.wires[node.id].venue_said)
        for tube in self._venue_payouts:
            for feed in self.feeds.values():
                for payouts in feed.payouts(self.begin):
                    tube.give(payouts)

    def _money(self, venue: str) -> Iterator[Moved]:
        """What comes to the accounts of a venue and leaves them beside contracts, in all the storm."""
        names = sorted(name for name, account in self.plan.accounts.items() if account.venue == venue)
        whats: tuple[Literal["deposit", "withdrawal"], ...] = ("deposit", "withdrawal")
        for minute in range(self._terms.minutes if names else 0):
            for what in whats:
                size = self.storm.strikes(what)
                if size is not None:
                    after, account = (
                        f"{minute * MINUTE + int(size * MINUTE) + 1}ms",
                        names[int(size * 1009) % len(names)],
                    )
                    yield Moved(what=what, after=after, account=account, amount=Decimal(1 + int(size * 100)))

    async def _market(self, end: int) -> None:
        """Every quote at its moment: to the venues, and on its way to the engine."""
        start = slot_of(self.begin, HOUR)
        whose = [(feed, product) for feed in self.feeds.values() for product in feed.products]
        while start < end:
            rows: list[tuple[int, int, int]] = []
            hours = [self._prices.quotes(product, start, start + HOUR) for _, product in whose]
            for number, quotes in enumerate(hours):
                rows += [(at, number, row) for row, at in enumerate(quotes.received.tolist()) if at >= self.begin]
            rows.sort()
            for at, number, row in rows:
                await self._until(at)
                quote = hours[number].rows(row, row + 1)
                self.counts["quotes"] += 1
                for tube in self._venue_prices:
                    tube.give(quote)
                feed = whose[number][0]
                self._does(partial(feed.pass_on, quote))
            start += HOUR

    def _does(self, act: Callable[[], object]) -> None:
        """Something happens in the engine, if one lives."""
        if self.life is not None:
            self.life.does(act)

    async def _market_ahead(self, end: int) -> None:
        """Quotes of a while at its beginning: to the venues and to the engine, which keep to the stamps in them."""
        start = self.begin
        while True:
            stop = start + self._terms.block
            if start < end:
                self._foresee(start, min(stop, end))
            for feed in self.feeds.values():
                for product in feed.products:
                    quotes = self._prices.quotes(product, start - MINUTE, stop)
                    quotes = quotes.rows(*np.searchsorted(quotes.received, (start, stop)).tolist())
                    self.counts["quotes"] += len(quotes)
                    for tube in self._venue_prices:
                        tube.give(quotes)
                    self._does(partial(feed.pass_ahead, quotes))
            await self._until(stop)
            start = stop

    def _foresee(self, start: int, stop: int) -> None:
        """Where there will be no quotes: what is given ahead cannot be held back later."""
        for minute in range(start, stop, MINUTE):
            for what, (one, told) in HOLES.items():
                size = self.storm.strikes(what)
                if size is None:
                    continue
                self.witness.note(minute, what)
                for feed in self.feeds.values():
                    products, length = self._silenced(feed, size, one)
                    feed.will_be_silent(products, minute + int(self._chance.draw() * MINUTE), length, told)

    def _silenced(self, feed: Feed, size: float, one: bool) -> tuple[tuple[str, ...], int]:
        """Of what nothing comes, and for how long."""
        products = feed.products
        if one:
            products = (products[int(self._chance.draw() * len(products))],)
        return products, int(edgewise(size, MINUTE if one else 20 * SECOND, 3 * MINUTE))

    # --- lives -------------------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        if self.life is not None:
            await self.life.bury()
        self.counts["lives"] += 1
        now = self.clock.now()
        self.life = life = Life(self.plan, now, self._died)
        ledger = self.disk.ledger(life, self.plan.settings.mode, now)
        await life.start(
            ledger, self._terms.block, lambda past: self.witness.begins(life, past, now), self.witness.tapped
        )
        if life.flow is not None:
            life.flow.ended.add_done_callback(partial(self._ended, life))

    def _died(self, _: Life) -> None:
        """It ends between two instructions: what it had not written, nobody knows."""
        now = self.clock.now()
        self.witness.note(now, "killed")
        if self._terms.block and now < self.begin + self._terms.block + MINUTE:
            # Rows given ahead are kept with the last of their block, and a key that never had one is missed by nobody.
            self._disturbed.append((self.begin, now))
        for each in (*self.feeds.values(), *self.wires.values()):
            each.let_go()
        self._again(self._down())

    def _ended(self, life: Life, ended: "asyncio.Future[None]") -> None:
        """A flow ends by itself only when it cannot write any more."""
        if life.dead or ended.cancelled():
            return
        failure = ended.exception()
        self._over = not isinstance(failure, LedgerError)
        self.witness.check(LIVING, not self._over, type(failure).__name__, failure)
        life.kill()

    def _down(self) -> int:
        """How long nobody starts it again: mostly a moment, sometimes a while."""
        return int(self._chance.between(0.2, 1.5 if self._chance.draw() < 0.5 else 60) * SECOND)

    def _again(self, after: int) -> None:
        def start() -> None:
            self._starting = asyncio.ensure_future(self._start())

        if not self._over:  # what died of itself dies again
            self.clock.at(self.clock.now() + after, start)

    # --- the storm ---------------------------------------------------------------------------------------------------

    async def _minutes(self, end: int) -> None:
        now = self.begin
        while now < end and not self._over:
            for what, strike in MINUTELY.items():
                if what in HOLES and self._terms.block:
                    continue
                size = self.storm.strikes(what)
                if size is not None:
                    self.witness.note(now, what)
                    busy = self._chance.draw() < 0.5
                    at = now + int(self._chance.draw() * (BUSY if busy else MINUTE))
                    self.clock.at(at, partial(strike, self, size))
            now += MINUTE
            await self._until(now)
            if (now - self.begin) % LOOKS == 0:
                self._look()

    def _calm(self) -> None:
        self.storm.over = True
        self.witness.note(self.clock.now(), "calm")
        for wire in self.wires.values():
            wire.away_until = wire.half_open_until = wire.token_until = wire.blind_until = 0

    async def _settle(self, end: int) -> None:
        """Wait until all that was wanted in the storm has ended, but no longer than that can take."""
        block = self._terms.block
        if block:  # what was given ahead is decided when its last bar is
            end += -(end - self.begin) % block
        soonest = end + SETTLING
        while not self._over and self.clock.now() < end + CALM:
            await self._until(self.clock.now() + MINUTE)
            if self.clock.now() >= soonest and self.disk.settled(end):
                break
        request = Request("reconcile", "", self.clock.now(), "the simulation")
        self._heard(request)
        await self._until(request.at + MINUTE)
        if not self._over:
            judge_certificates(self.plan, self.disk, self.witness, request.at)

    def _look(self) -> None:
        """Count the edges of the living flow."""
        life = self.life
        if life is None or life.dead or life.flow is None:
            return
        for passage in life.flow.passages:
            self.witness.check(CONSERVED, passage.conserved, passage.edge.source, "→", passage.edge.target)

    def fall_silent(self, size: float, what: str) -> None:
        one, told = HOLES[what]
        for feed in self.feeds.values():
            products, length = self._silenced(feed, size, one)
            self._does(partial(feed.fall_silent, products, length, told))

    def cut(self, size: float, attribute: str, least: int, most: int) -> None:
        for wire in self.wires.values():
            until = self.clock.now() + int(edgewise(size, least, most))
            setattr(wire, attribute, max(until, getattr(wire, attribute)))

    def by_hand(self, size: float) -> None:
        """Somebody places a contract on one of the accounts."""
        names = sorted(self.plan.accounts)
        account = names[int(self._chance.draw() * len(names))]
        products = self.plan.products
        product = products[int(self._chance.draw() * len(products))]
        now = self.clock.now()
        self.counts["external"] = self.counts.get("external", 0) + 1
        order = Order(
            order=f"{BY_HAND}{self.counts['external']}",
            account=account,
            product=product,
            tf=(1, 5, 15)[int(size * 3)] * MINUTE,
            bar=slot_of(now, MINUTE),
            direction="call" if size < 0.5 else "put",
            stake=Decimal("2.00"),
            payout=PAYOUT,
            state="SEND",
            at=now,
        )
        self.wires[f"venues.{self.plan.accounts[account].venue}"].by_hand(order)

    def latch(self, size: float) -> None:
        """Somebody stops an account, and releases it within minutes."""
        names = ("", *sorted(self.plan.accounts))
        scope = names[int(size * len(names))]
        self._latched(Latch(scope, True, self.clock.now(), "by the storm", "kill"))
        after = int(self._chance.between(1, 6) * MINUTE)
        self.clock.at(
            self.clock.now() + after,
            lambda: self._latched(Latch(scope, False, self.clock.now(), "the storm is over", "resume")),
        )

    def _stop_at_once(self) -> None:
        """Somebody stops everybody, and the flow hears of it before anything else happens."""
        latch = Latch("", True, self.clock.now(), "by the storm, at once", "kill")
        self.disk.latch(latch)
        if self.life is not None and self.life.flow is not None:
            self.life.flow.enter(LEDGER, latch)
        released = partial(Latch, "", False, reason="the storm is over", by="resume")
        self.clock.at(self.clock.now() + MINUTE, lambda: self._latched(released(at=self.clock.now())))

    def _latched(self, latch: Latch) -> None:
        self.disk.latch(latch)
        self._heard(latch)

    def _heard(self, value: Latch | Arming | Request) -> None:
        """The flow hears of what others wrote, a moment later."""
        life = self.life
        if life is not None and not life.dead and life.flow is not None:
            enter = partial(life.flow.enter, LEDGER, value)
            self.clock.at(self.clock.now() + int(self._chance.draw() * HEARS), partial(life.does, enter))

    def _arm(self) -> None:
        """Whoever owns real money arms its account for a while, again and again."""
        now = self.clock.now()
        for name, account in self.plan.accounts.items():
            if account.money == "real":
                until = now + int(self._chance.between(1, 12) * MINUTE)
                arming = Arming(f"{name} at {now}", name, now, until, "the simulation")
                self.disk.arm(arming)
                self._heard(arming)
        self.clock.at(now + ARMS, self._arm)

    def stepped(self, size: float, sign: int) -> None:
        """The machine's clock is set, and set right again after a while."""
        millis = sign * int(edgewise(size, 1 * SECOND, STEP))
        now, lasts = self.clock.now(), int(self._chance.between(5, 120) * SECOND)
        self._disturbed.append((now, now + lasts))
        for after, step in ((0, millis), (lasts, -millis)):
            self.clock.at(now + after, partial(self._step, self.life, step))

    def _step(self, life: Life | None, millis: int) -> None:
        if life is not None and life is self.life and life.flow is not None:
            life.does(partial(life.flow.stepped, millis))

    def stand_still(self, size: float) -> None:
        if self.life is not None:
            seconds, now = edgewise(size, 0.5, STILL / SECOND), self.clock.now()
            self._disturbed.append((now, now + int(seconds * SECOND)))
            self.life.stand_still(seconds)

    def kill(self, _: float) -> None:
        if self.life is not None:
            self.life.kill()


HOLES: Mapping[str, tuple[bool, bool]] = {
    "gap": (True, False),
    "frozen_feed": (False, False),
    "link_down": (False, True),
}
"""Of whose quotes none come: of one product or of all; and whether the connection says so."""
MINUTELY: Mapping[str, Callable[[World, float], None]] = {
    "gap": lambda world, size: world.fall_silent(size, "gap"),
    "frozen_feed": lambda world, size: world.fall_silent(size, "frozen_feed"),
    "link_down": lambda world, size: world.fall_silent(size, "link_down"),
    "outage": lambda world, size: world.cut(size, "away_until", SECOND, 5 * MINUTE),
    "blind": lambda world, size: world.cut(size, "blind_until", 30 * SECOND, 5 * MINUTE),
    "half_open": lambda world, size: world.cut(size, "half_open_until", SECOND, 3 * MINUTE),
    "token_expiry": lambda world, size: world.cut(size, "token_until", SECOND, 30 * SECOND),
    "external": lambda world, size: world.by_hand(size),
    "latch": lambda world, size: world.latch(size),
    "step_ahead": lambda world, size: world.stepped(size, 1),
    "step_back": lambda world, size: world.stepped(size, -1),
    "suspended": lambda world, size: world.stand_still(size),
    "kill": lambda world, size: world.kill(size),
}
"""What strikes at a moment rather than at something that passes."""


def begin_of(plan: Plan) -> int:
    """Where the sources say that their market begins; else some Monday."""
    begins = [node.instance.starts_at() for node in plan.of("source") if hasattr(node.instance, "starts_at")]
    return max([at for at in begins if at is not None], default=MONDAY)


MONDAY = 1_767_571_200_000
"""2026-01-05."""

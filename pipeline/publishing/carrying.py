"""What carries messages from the lanes to the wire: a task for each lane, one of them on the wire at a time.

What listeners do with bars depends on the last status they heard, so a status that has them drop bars goes out behind
the bars before it, and one that has them take bars goes out before these.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable

from pipeline.channels.encoding import encoded
from pipeline.channels.messages import Heartbeat, MarketStatus, PriceTik, Status
from pipeline.channels.names import Channel
from pipeline.channels.wording import Unfit
from pipeline.connections.backoff import REDIS, Backoff
from pipeline.connections.troubles import CallFailed
from pipeline.connections.waiting import passed
from pipeline.host import Host
from pipeline.publishing.gate import Gate
from pipeline.publishing.lanes import Batch, Changes, Counted, Finals, Latest
from pipeline.publishing.letters import Letters
from pipeline.publishing.link import BREAKING, Link
from pipeline.publishing.posting import Posting
from pipeline.publishing.supervisor import Doing, Standing, Supervisor
from pipeline.publishing.terms import Terms
from pipeline.publishing.wires import Plain, Wire
from pipeline.service import LaneReport
from pipeline.values import Bars, Forming, Stream

LIVE_AT_ONCE = 256
BESIDE_FINALS = 32
"""Bars that form and go at once while final ones wait for the wire: a close of many products is out sooner."""
STATES = 64
"""So many changes of a state are kept for after an outage."""
LAST_BARS = 15_000
"""So long (ms) a closed market's status waits for the last bars."""
BAD_PRICES = 2_000
"""And one of bad prices for bars that are on their way."""
LOOKS = 250
SYMBOLS = 5_000
"""So many symbols' prices are kept for after an outage."""


class Carrying:
    """The lanes of a publisher."""

    def __init__(
        self,
        host: Host,
        terms: Terms,
        gate: Gate,
        letters: Letters,
        link: Link,
        posting: Posting,
        told: Callable[[CallFailed | Unfit], None],
        relieved: Callable[[], None],
    ) -> None:
        self._host, self._terms, self._gate = host, terms, gate
        self._letters, self._link, self._posting, self._told, self._relieved = letters, link, posting, told, relieved
        self.finals: Finals = posting.lane
        self.asked = Latest[Hashable, Batch]("asked", STATES)
        self.live = Latest[Stream, Forming]("live", SYMBOLS)
        self.snapshots = Latest[str, PriceTik]("price_snapshots", SYMBOLS)
        self.status = Changes[tuple[Status, bool]]("status", STATES)
        self.market = Changes[MarketStatus]("market_status", STATES)
        self.heartbeat = Changes[Heartbeat]("heartbeat", STATES)
        self.published: Counter[str] = Counter()
        """Messages acknowledged, by channel."""
        self._asked_out = self._live_out = 0
        self._welcome = asyncio.Event()
        self._tasks: dict[str, Standing] = {}
        self._waits: dict[str, Backoff] = {}

    @property
    def lanes(self) -> tuple[Counted, ...]:
        return (self.finals, self.live, self.asked, self.snapshots, self.status, self.market, self.heartbeat)

    @property
    def welcome(self) -> bool:
        """Whether who listens takes bars, by the last status that is out."""
        return self._welcome.is_set()

    def begin(self, supervisor: Supervisor) -> None:
        turns: dict[Counted, Callable[[], Awaitable[None]]] = {
            self.finals: self._finals_turn,
            self.live: self._live_turn,
            self.asked: self._asked_turn,
            self.snapshots: self._snapshots_turn,
            self.status: self._status_turn,
            self.market: self._market_turn,
            self.heartbeat: self._heartbeat_turn,
        }
        for lane, turn in turns.items():
            self._waits[lane.name] = Backoff(REDIS, lane.name)
            self._tasks[lane.name] = supervisor.run(lane.name, self._task(lane, turn))

    def wake(self, lane: Counted) -> None:
        """Something was put into a lane."""
        if lane.name in self._tasks:
            self._tasks[lane.name].ready.set()

    def again(self, bars: Bars) -> None:
        """Bars that somebody asked for once more."""
        self.asked.offer((bars.stream, int(bars.open_ts[0]), len(bars)), Batch(bars, "asked"))
        self.wake(self.asked)

    def reports(self, now: int) -> tuple[LaneReport, ...]:
        return tuple(self._report(lane, now) for lane in self.lanes)

    async def drained(self) -> None:
        """Wait until the final bars that listeners take are out."""
        while self.welcome and not (self.finals.empty and self.live.empty) and self._link.state == "connected":
            await self._host.until(self._host.now() + LOOKS)

    async def said(self) -> None:
        """Wait until the last status is out."""
        while not self.status.empty and self._link.state == "connected":
            await self._host.until(self._host.now() + LOOKS)

    # --- one task ----------------------------------------------------------------------------------------------------

    def _task(self, lane: Counted, turn: Callable[[], Awaitable[None]]) -> Doing:
        async def forever(standing: Standing) -> None:
            while not standing.over:
                if not (lane.depth or lane.spilled):
                    standing.state = "waiting"
                    standing.ready.clear()
                    await standing.ready.wait()
                try:
                    await turn()
                except CallFailed as failure:
                    standing.failures += 1
                    standing.state = "backoff"
                    if failure.kind not in BREAKING:  # of this message, not of the connection
                        self._told(failure)
                        await passed(self._host, self._waits[lane.name].failed() or REDIS.cap)
                else:
                    standing.state, standing.worked_at = "running", self._host.now()
                    self._waits[lane.name].good()

        return forever

    def _report(self, lane: Counted, now: int) -> LaneReport:
        standing = self._tasks[lane.name]
        away = self._link.state != "connected" and not lane.empty and not standing.over
        state = "backoff" if away else standing.state
        return LaneReport(
            lane.name, state, lane.depth, lane.limit, lane.enqueued, lane.processed, lane.conflated, lane.dropped,
            lane.in_flight, standing.idle(now), standing.failures, lane.spilled,
        )  # fmt: skip

    # --- bars --------------------------------------------------------------------------------------------------------

    async def _finals_turn(self) -> None:
        await self._welcome.wait()
        self._posting.refill()
        async with self._link.wire() as wire:
            if not self.welcome:
                return
            async for freed in self._posting.sent(wire):
                self.live.offer(Stream(freed.product, freed.tf), freed)
                self.wake(self.live)
        self._count_bars()
        if self.finals.relieved():
            self._relieved()

    async def _live_turn(self) -> None:
        await self._welcome.wait()
        async with self._link.wire() as wire:
            if not self.welcome:  # a status went out while this waited for its turn
                return
            taken = self.live.take(BESIDE_FINALS if self.finals.depth else LIVE_AT_ONCE)
            going = [(stream, bar) for stream, bar in taken if self._gate.alive(bar)]
            self.live.passed_over(len(taken) - len(going))
            now, out = self._host.now(), False
            try:
                messages = [Plain("ohlcv", self._letters.forming(bar, now)) for _, bar in going]
                self._posting.shows(bar for _, bar in going)
                await wire.publish(messages)
                out = True
            except Unfit as wrong:
                self.live.refused(len(going))
                self._told(wrong)
                out = True
                return
            finally:
                if not out:
                    self.live.came_back(going)
            self.live.acknowledged(len(going))
            for _, bar in going:
                self._posting.shown(bar)
            self._live_out += len(going)
        self._count_bars()

    async def _asked_turn(self) -> None:
        async with self._link.wire() as wire:
            taken, out = self.asked.take(1), False
            try:
                for _, batch in taken:
                    payload = self._letters.finals(batch.bars, self._host.now())
                    await wire.publish([Plain("ohlcv", payload)])
                out = True
            except Unfit as wrong:
                self.asked.refused(len(taken))
                self._told(wrong)
                out = True
                return
            finally:
                if not out:
                    self.asked.came_back(taken)
            self.asked.acknowledged(len(taken))
            self._asked_out += len(taken)
        self._count_bars()

    def _count_bars(self) -> None:
        self.published["ohlcv"] = self._posting.messages + self._asked_out + self._live_out

    # --- prices ------------------------------------------------------------------------------------------------------

    async def _snapshots_turn(self) -> None:
        async with self._link.wire() as wire:
            taken, out, now = self.snapshots.take(SYMBOLS), False, self._host.now()
            try:
                await wire.publish([Plain("price_tik", encoded(tik, now)) for _, tik in taken])
                out = True
            except Unfit as wrong:
                self.snapshots.refused(len(taken))
                self._told(wrong)
                out = True
                return
            finally:
                if not out:
                    self.snapshots.came_back(taken)
            self.snapshots.acknowledged(len(taken))
            self.published["price_tik"] += len(taken)

    # --- states ------------------------------------------------------------------------------------------------------

    async def _status_turn(self) -> None:
        first = self.status.first
        if first is not None and self.welcome and not first[1]:
            await self._link.up()
            await self._behind_bars(closed=first[0].market == "closed")
        async with self._link.wire() as wire:
            taken = self.status.take()
            if taken is None:
                return
            status, welcome = taken[0]
            if not welcome:
                self._welcome.clear()
            await self._state(wire, "status", status, self.status, lambda: self.status.came_back(taken))
            if welcome:
                self._welcome.set()

    async def _behind_bars(self, *, closed: bool) -> None:
        """Wait until the bars are out that listeners would drop from then on; not for ever."""
        until = self._host.now() + (LAST_BARS if closed else BAD_PRICES)
        while (now := self._host.now()) < until:
            if self.finals.empty and (not closed or self._gate.over(now)):
                return
            await self._host.until(min(until, now + LOOKS))

    async def _market_turn(self) -> None:
        async with self._link.wire() as wire:
            taken = self.market.take()
            if taken is not None:
                await self._state(
                    wire, "market_status", taken[0], self.market, lambda: self.market.came_back(taken)
                )  # fmt: skip

    async def _heartbeat_turn(self) -> None:
        async with self._link.wire() as wire:
            taken = self.heartbeat.take()
            if taken is not None:
                await self._state(wire, "heartbeat", taken[0], self.heartbeat, lambda: self.heartbeat.came_back(taken))

    async def _state(
        self,
        wire: Wire,
        channel: Channel,
        message: Status | MarketStatus | Heartbeat,
        lane: Changes[Status] | Changes[tuple[Status, bool]] | Changes[MarketStatus] | Changes[Heartbeat],
        came_back: Callable[[], None],
    ) -> None:
        out = False
        try:
            payload = encoded(message, self._host.now())
            await wire.publish([Plain(channel, payload, kept=self._terms.snapshot_keys)])
            out = True
        except Unfit as wrong:
            lane.refused()
            self._told(wrong)
            out = True
            return
        finally:
            if not out:
                came_back()
        lane.acknowledged()
        self.published[channel] += 1

"""What a running flow looks like from outside: a tap that keeps the latest of everything."""

import os
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from msgspec.structs import replace as with_

from pipeline.alerting.route import Alert
from pipeline.alerting.wording import line_of
from pipeline.arming import Armings, rehearsed
from pipeline.clocks import Clock
from pipeline.entered import Entries
from pipeline.evidence import Standing
from pipeline.flow import Flow
from pipeline.flowing.flowing import Flowing
from pipeline.judged import Recent
from pipeline.plan import LEDGER, Plan
from pipeline.remarks import Remarks
from pipeline.reporting.subjects import Purse, purse_of
from pipeline.starting import keys_of
from pipeline.states import ENDED, UNSURE
from pipeline.statistics.rates import WinRate
from pipeline.telemetry.tallies import Book, Tally
from pipeline.times import DAY, MINUTE, SECOND, slot_of, timeframe, timeframe_name
from pipeline.values import (
    Arming,
    Bars,
    Columns,
    Decisions,
    Dropped,
    Fault,
    Key,
    Latch,
    Life,
    Order,
    Past,
    Quotes,
    Signals,
    Stream,
)
from pipeline.view import (
    PROTOCOL,
    TRADED,
    AccountRow,
    BarColumns,
    Chart,
    EngineState,
    Feed,
    FlowNews,
    FormingBar,
    Hello,
    KeyChanges,
    KeyName,
    KeyRow,
    Leaning,
    Level,
    LogLine,
    Look,
    Mark,
    OrderCounts,
    Status,
    TapNews,
    TapOf,
)
from pipeline.watch_feeds import Feeds, digits_of

Lines = dict[str, tuple[float | None, ...]]
"""Features by name, null where not ready."""

MARKS = 400
LINES = 2_000
SILENT = MINUTE
"""Without a quote for this long in an open market a key is stale."""


@dataclass
class KeyState:
    """One key's latest row, when it last changed, and its marks."""

    row: KeyRow
    changed: int
    marks: deque[Mark] = field(default_factory=lambda: deque[Mark](maxlen=MARKS))
    profit: Decimal = Decimal(0)


class Watch:
    """A `View` of a flow, kept by tapping it."""

    def __init__(self, plan: Plan, started: int, speed: float) -> None:
        self.lag_ms = 0.0
        self.quotes = 0
        self.state: EngineState = "STARTING"
        self._plan = plan
        self._remarks = Remarks(ZoneInfo(plan.settings.display_timezone))
        self._started, self._speed = started, speed
        self._clock: Clock | None = None
        self._counts: Counter[str] = Counter()
        self._drops: Counter[str] = Counter()
        self._books: dict[Purse, Book] = {}
        self._balances = {name: account.balance for name, account in plan.accounts.items()}
        self._days: dict[str, tuple[int, Decimal]] = {}
        self._orders: dict[str, Order] = {}
        self._bars: dict[Stream, Bars] = {}
        self._streams: dict[str, list[Stream]] = {}
        self._forming: dict[Stream, FormingBar] = {}
        self._prices: dict[str, tuple[float, int]] = {}
        self._version = 1
        self._cleared = 0
        """The version in which keys went away last."""
        self._keys = self._all_keys()
        self._traded = self._by_product()
        self._log: deque[LogLine] = deque(maxlen=LINES)
        self._lines = 0
        self._last_fault = ""
        self._begin = started
        self._measured = (started, 0)
        self._rate = 0.0
        self._reworded = self._worded = 0
        self._drawn: dict[Stream, tuple[int, int, BarColumns, Lines]] = {}
        self._held: dict[str, Latch] = {}
        self._standings: dict[str, str] = {}
        self._armings = Armings()
        self._feeds = Feeds(plan)
        self.flowing = Flowing(lambda: self.clock, self._feeds)
        self.recent = Recent()
        self.entries = Entries()

    def begins(self, clock: Clock, flow: Flow | None = None) -> None:
        """The flow has begun, and this is its time; its graph is shown where it is given, too."""
        self._clock = clock
        if flow is not None:
            self.flowing.begins(flow)
        self._begin = clock.now()
        self._measured = (self._begin, self.quotes)
        self.state = "RUNNING"

    def changed(self, plan: Plan) -> None:
        """The flow goes on by another plan: its keys are other ones, perhaps, and so are the columns drawn."""
        before, self._plan = self._keys, plan
        self._version += 1
        self._keys = {
            key: before.get(key) or replace(state, changed=self._version) for key, state in self._all_keys().items()
        }
        self._traded = self._by_product()
        if before.keys() - self._keys.keys():
            self._cleared = self._version
        self._drawn.clear()
        self._feeds.changed(plan)

    # --- the tap -----------------------------------------------------------------------------------------------------

    def told(self, node: str, value: Any) -> None:
        self._feeds.take(node, value)
        match value:
            case Quotes() if node != LEDGER:  # that gives some of before the beginning again
                self._take_quotes(value)
            case Bars():
                self._take_bars(node, value)
            case Columns() | Signals():
                self.recent.take(node, value)
            case Decisions():
                self._take_decisions(value)
            case Order():
                self._take_order(value)
            case Life() if value.key in self._keys:
                self._version += 1
                self._change(self._keys[value.key], life=value.state, life_why=value.why, errors=value.errors)
                self._remark(value)
            case Past():
                self._take_past(value)
            case Dropped():
                self._drops[value.reason] += value.rows
            case Alert():
                self._say("error" if value.on and value.severity == "critical" else "info", line_of(value))
            case Fault():
                self._counts["faults"] += 1
                self._last_fault = f"{value.node}: {value.what}"
                self._say("error", self._last_fault)
            case _:
                self._take_permit(value)
                self._remark(value)

    def _take_past(self, past: Past) -> None:
        for order in past.orders:
            self._count(order)
        for name in [name for name in self._counts if name.startswith(("order ", "sent"))]:
            del self._counts[name]  # these were sent in earlier lives
        for account, profit in past.earlier_profit.items():
            self._balances[account] = self._balances.get(account, Decimal(0)) + profit
        self._held = {latch.scope: latch for latch in past.latches}
        self._armings = Armings(past.armings)
        self._remark(past)

    def expired(self) -> Iterator[Arming]:
        """Armings whose time has come to its end since this was asked before."""
        return self._armings.expired(self.clock)

    def _remark(self, value: Any) -> None:
        said = self._remarks.of(value)
        if said is not None:
            self._say(said.level, said.text)

    def _take_permit(self, value: Any) -> None:
        """What says whether an account may send orders, or can."""
        match value:
            case Latch():
                self._take_latch(value)
            case Arming():
                self._armings.take(value)
            case Standing():
                self._standings[value.account] = "" if value.state == "CONNECTED" else value.state
            case _:
                pass

    def _take_latch(self, latch: Latch) -> None:
        if latch.on:
            self._held.setdefault(latch.scope, latch)
        else:
            self._held.pop(latch.scope, None)

    def _take_quotes(self, quotes: Quotes) -> None:
        self.quotes += len(quotes)
        price, at = float(quotes.mid[-1]), int(quotes.ts[-1])
        self._prices[quotes.product] = (price, at)
        self.entries.take_price(quotes.product, at, price)
        for stream in self._streams.get(quotes.product, ()):
            self._forming[stream] = _moved(self._forming.get(stream), slot_of(at, stream.tf), price, len(quotes))
        self._version += 1
        for state in self._traded.get(quotes.product, ()):
            self._change(state, price=price, updated=at, digits=digits_of(price))

    def _take_bars(self, node: str, bars: Bars) -> None:
        if not len(bars):
            return
        if bars.stream not in self._bars:
            self._streams.setdefault(bars.product, []).append(bars.stream)
        self._bars[bars.stream] = bars
        if bars.fresh and not node.startswith("sources."):  # what a source gives, a window gives on
            self._counts["bars"] += bars.fresh

    def _take_decisions(self, decisions: Decisions) -> None:
        self._counts["decisions"] += len(decisions)
        state = self._keys[decisions.key]
        for row in range(len(decisions)):
            verdict = int(decisions.verdict[row])
            approved = decisions.orders.get(row)
            word = TRADED if verdict < 0 else decisions.gates[verdict]
            mark = Mark(
                int(decisions.open_ts[row]),
                word,
                _leaning(decisions.direction[row]),
                approved.order if approved else "",
            )
            state.marks.append(mark)
        self.recent.take_decisions(decisions, self._feeds.quoted(decisions.product))
        last = len(decisions) - 1
        score = float(decisions.score[last])
        self._version += 1
        self._change(
            state,
            last_bar=int(decisions.open_ts[last]),
            score=score if np.isfinite(score) else None,
            direction=state.marks[-1].direction,
            verdict=state.marks[-1].verdict,
        )

    def _take_order(self, order: Order) -> None:
        self._count(order)
        self.entries.take_order(order)
        state = self._keys.get(order.key)
        if state is None:
            return
        ended = order.state == "SETTLED"
        for place, mark in enumerate(state.marks):
            if mark.order == order.order:
                state.marks[place] = with_(
                    mark,
                    result="canceled" if order.state == "ABORT" else order.result,
                    profit=str(order.profit) if ended else None,
                    entry=order.entry or None,
                    expiry=order.expiry or None,
                    exit=order.exit or None,
                )
        what = f"{order.product} {timeframe_name(order.tf)} {order.account} {order.direction} {order.stake}"
        if ended:
            level: Level = "info"
            text = f"{order.result} {order.profit:+} · {what}"
        else:
            level = "warning" if order.state in ("UNKNOWN", "UNKNOWN_RESULT", "CONFIRM_RETRY", "ABORT") else "info"
            text = f"{order.state.lower().replace('_', ' ')} · {what}{f' · {order.reason}' if order.reason else ''}"
        if order.state not in ("PREPARE", "SEND"):
            self._say(level, text)
        self._version += 1
        held = sum(1 for each in self._orders.values() if each.key == order.key)
        self._change(state, open=held, profit=f"{state.profit:+.2f}")

    def _count(self, order: Order) -> None:
        """Money and counts, once for each thing that becomes of an order."""
        known = self._orders.get(order.order)
        if known is not None and known.state == order.state:
            return
        self._counts[f"order {order.state}"] += 1
        if order.state == "SEND" and not (known is not None and known.state == "SEND_RETRY"):
            self._counts["sent"] += 1
        if order.state not in ENDED:
            self._orders[order.order] = order
            return
        self._orders.pop(order.order, None)
        if order.state != "SETTLED":
            return
        self._balances[order.account] = self._balances.get(order.account, Decimal(0)) + order.profit
        day, profit = self._days.get(order.account, (0, Decimal(0)))
        self._days[order.account] = (order.at // DAY, order.profit + (profit if day == order.at // DAY else 0))
        self._books.setdefault(purse_of(order.account, self._plan), Book()).take(order)
        state = self._keys.get(order.key)
        if state is not None:
            state.profit += order.profit

    # --- the view ----------------------------------------------------------------------------------------------------

    def hello(self) -> Hello:
        return Hello(
            protocol=PROTOCOL,
            version=own_version(),
            pid=os.getpid(),
            started=self._started,
            flow=self._plan.name,
            mode=self._plan.settings.mode,
            clock=self.clock,
            speed=self._speed,
            display_timezone=self._plan.settings.display_timezone,
        )

    @property
    def clock(self) -> int:
        return self._clock.shown() if self._clock is not None else self._begin

    @property
    def win_rates(self) -> dict[Purse, WinRate]:
        """Of all that settled, by whose money it was: as a report and the numbers of telemetry have them."""
        return {purse: book.tally.rate for purse, book in self._books.items()}

    def _rates_text(self) -> str:
        """Kinds of money are told apart where there are several; they are never added."""
        rates = self.win_rates
        if len(rates) > 1:
            return "; ".join(f"{purse} {rate}" for purse, rate in sorted(rates.items()))
        return str(next(iter(rates.values()), Tally().rate))

    def status(self) -> Status:
        counts = self._counts
        open_ = Counter(order.state for order in self._orders.values())
        unsure = sum(open_[state] for state in UNSURE)
        rates = self.win_rates.values()
        clock = self.clock
        elapsed = (clock - self._begin) / self._speed / 1000
        return Status(
            clock=clock,
            uptime_s=elapsed,
            state="KILLED" if self.state == "RUNNING" and "" in self._held else self.state,
            keys=len(self._keys),
            bars=counts["bars"],
            decisions=counts["decisions"],
            quotes_per_second=self._quote_rate(clock),
            lag_ms=self.lag_ms,
            orders=OrderCounts(
                sent=counts["sent"],
                open=sum(open_.values()) - unsure,
                settled=counts["order SETTLED"],
                rejected=counts["order ABORT"],
                unknown=unsure,
            ),
            wins=sum(rate.wins for rate in rates),
            losses=sum(rate.losses for rate in rates),
            pushes=sum(rate.ties for rate in rates),
            win_rate_text=self._rates_text(),
            drops=dict(self._drops),
            faults=counts["faults"],
            accounts=tuple(self._account(name) for name in self._plan.accounts),
            last_fault=self._last_fault,
        )

    def keys(self, since: int) -> KeyChanges:
        self._reword()
        rows = tuple(state.row for state in self._keys.values() if state.changed > since)
        if since < self._cleared:  # some of those that the asker had are no more
            return KeyChanges(self._version, tuple(state.row for state in self._keys.values()), full=True)
        return KeyChanges(self._version, rows, full=since == 0)

    def chart(self, name: KeyName, bars: int) -> Chart | None:
        key = Key(name.account, name.product, timeframe(name.timeframe))
        state = self._keys.get(key)
        if state is None:
            return None
        stream = Stream(key.product, key.tf)
        shown, columns = self._columns(stream, bars)
        first = shown.open_ts[0] if len(shown) else 0
        price, at = self._prices.get(key.product, (0.0, 0))
        return Chart(
            *name,
            digits=digits_of(price),
            updated=at,
            bars=shown,
            forming=self._forming_of(stream),
            columns=columns,
            marks=tuple(self._entered(mark) for mark in state.marks if mark.bar >= first),
        )

    def _entered(self, mark: Mark) -> Mark:
        """With the price its contract probably entered at, while nobody tells."""
        entry = self.entries.of(mark.order) if mark.order and mark.entry is None else None
        return mark if entry is None else with_(mark, entry=entry)

    def feed(self) -> Feed:
        return self._feeds.shown(self.clock, self._begin)

    def log(self, after: int, limit: int) -> tuple[LogLine, ...]:
        return tuple(line for line in self._log if line.seq > after)[-limit:]

    def flow(self) -> Look[FlowNews]:
        return self.flowing.look()

    def tap(self, of: TapOf) -> Look[TapNews]:
        return self.flowing.listen(of)

    # --- pieces ------------------------------------------------------------------------------------------------------

    def _all_keys(self) -> dict[Key, KeyState]:
        """Every account of every gate on every stream of every source, in the order of the file."""
        return {key: KeyState(_empty(key), 1) for key in keys_of(self._plan)}

    def _by_product(self) -> dict[str, list[KeyState]]:
        traded: dict[str, list[KeyState]] = {}
        for key, state in self._keys.items():
            traded.setdefault(key.product, []).append(state)
        return traded

    def _change(self, key: KeyState, **changes: Any) -> None:
        key.row = with_(key.row, **changes)
        key.changed = self._version

    def _reword(self) -> None:
        """A key's state changes with time too: a market closes, quotes stop."""
        clock = self.clock
        if clock - self._reworded < SECOND * self._speed and self._version == self._worded:
            return
        changes = [
            (state, word) for state in self._keys.values() if (word := self._word(state.row, clock)) != state.row.state
        ]
        self._version += bool(changes)
        for state, word in changes:
            self._change(state, state=word)
        self._reworded, self._worded = clock, self._version

    def _word(self, row: KeyRow, clock: int) -> str:
        key = (row.account, row.product, timeframe(row.timeframe))
        if any(order.state in UNSURE and order.key == key for order in self._orders.values()):
            return "FROZEN"
        if not self._plan.calendars.of(row.product).is_open(clock):
            return "CLOSED"
        _, at = self._prices.get(row.product, (0.0, self._begin))
        if clock - at > SILENT:
            return "STALE"
        if row.verdict == "ready":
            known = self._bars.get(Stream(row.product, key[2]))
            need = self._plan.anchoring.warmup(key[2])
            return f"WARM {min(len(known) if known is not None else 0, need)}/{need}"
        return "RUN"

    def _columns(self, stream: Stream, rows: int) -> tuple[BarColumns, Lines]:
        """The newest bars and their features as they were decided on, computed once for each newest bar."""
        bars = self._bars.get(stream)
        if bars is None:
            return BarColumns(), {}
        rows = min(rows, len(bars))
        newest = int(bars.open_ts[-1])
        drawn = self._drawn.get(stream)
        if drawn is not None and drawn[:2] == (newest, rows):
            return drawn[2:]
        made = self._plan.anchoring.columns(replace(bars, fresh=rows))
        cut = slice(len(bars) - rows, None)
        shown = BarColumns(
            *(
                tuple(getattr(bars, name)[cut].tolist())
                for name in ("open_ts", "open", "high", "low", "close", "volume")
            )
        )
        names = self._plan.anchoring.names
        lines = {name: tuple(_known(each) for each in made[name][len(made) - rows :].tolist()) for name in names}
        self._drawn[stream] = (newest, rows, shown, lines)
        return shown, lines

    def _forming_of(self, stream: Stream) -> FormingBar | None:
        forming, bars = self._forming.get(stream), self._bars.get(stream)
        newest = int(bars.open_ts[-1]) if bars is not None else -1
        return forming if forming is not None and forming.open_ts > newest else None

    def _account(self, name: str) -> AccountRow:
        account = self._plan.accounts[name]
        day, profit = self._days.get(name, (0, Decimal(0)))
        arming, latch = self._armings.live(name, self.clock), self._held.get("") or self._held.get(name)
        return AccountRow(
            name=name,
            venue=account.venue,
            money=account.money,
            currency=account.currency,
            balance=f"{self._balances[name]:.2f}",
            day_profit=f"{profit if day == self.clock // DAY else Decimal(0):+.2f}",
            open=sum(1 for order in self._orders.values() if order.account == name),
            keys=sum(1 for key in self._keys if key.account == name),
            armed=arming is not None,
            armed_until=arming.until if arming is not None else 0,
            rehearsal=rehearsed(self._plan, name),
            stopped=latch.reason if latch is not None else "",
            standing=self._standings.get(name, ""),
        )

    def _quote_rate(self, clock: int) -> float:
        """Quotes a second of real time since this was asked last (at least a second ago)."""
        since, counted = self._measured
        seconds = (clock - since) / self._speed / 1000
        if seconds >= 1:
            self._rate = (self.quotes - counted) / seconds
            self._measured = (clock, self.quotes)
        return self._rate

    def _say(self, level: Level, text: str) -> None:
        self._lines += 1
        self._log.append(LogLine(self._lines, self.clock, level, text))


def own_version() -> str:
    try:
        return version("moonlight")
    except PackageNotFoundError:
        return "0.1.0"


def _moved(forming: FormingBar | None, slot: int, price: float, ticks: int) -> FormingBar:
    if forming is None or forming.open_ts != slot:
        return FormingBar(slot, price, price, price, price, float(ticks))
    high, low = max(forming.high, price), min(forming.low, price)
    return FormingBar(slot, forming.open, high, low, price, forming.volume + ticks)


def _empty(key: Key) -> KeyRow:
    return KeyRow(*key[:2], timeframe_name(key.tf), None, 0, None, 0, "", 0, "+0.00", "STALE", 0)


def _leaning(direction: Any) -> Leaning:
    return 1 if direction > 0 else -1 if direction < 0 else 0


def _known(number: float) -> float | None:
    return number if number == number else None

"""Runs `[[test]]` tables: lets the marbles in, in virtual time, and draws what came out."""

import math
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Annotated, Any, Literal, cast

import msgspec
import numpy as np

from pipeline import virtual
from pipeline.candles import from_columns
from pipeline.checking import checked
from pipeline.engine import Setting, running
from pipeline.errors import InputError, MoonlightError
from pipeline.evidence import Closing, Inquiry, Noted, Reconciled, Request, Unclosed
from pipeline.flow import Flow
from pipeline.flowtest import FlowTest, drawn, frames
from pipeline.plan import LEDGER, Plan
from pipeline.stretch import PRICES
from pipeline.times import (
    DurationText,
    TimeframeName,
    duration,
    parse_moment,
    slot_of,
    timeframe,
    timeframe_name,
    utc_text,
)
from pipeline.values import (
    HEALTH,
    Approved,
    Bars,
    Calibrated,
    Columns,
    Decisions,
    Dropped,
    Fault,
    Floats,
    Forming,
    Gap,
    Health,
    Latch,
    Life,
    Link,
    NoData,
    Noticed,
    Order,
    Outcomes,
    Past,
    Payouts,
    Quotes,
    Revised,
    Signals,
    Tips,
)

Table = Mapping[str, Any]

STRANGER = "?"
"""In the picture of what came: something that fits no letter."""
REMARKS = (Closing, Forming, Gap, Health, Inquiry, Life, NoData, Noticed, Reconciled, Revised, Unclosed)
"""What nodes say beside what they are for: drawn only where a letter fits."""
MOST_STRANGERS = 3
"""So many of them are told in words."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one test: a picture for each output that is not as claimed."""

    test: FlowTest
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.differences


class NoRecords:
    """Records for a flow that leaves nothing behind: an order is refused only when its bar had one."""

    def __init__(self) -> None:
        self._sent: set[tuple[str, str, int, int]] = set()

    def intend(self, order: Order) -> bool | None:
        slot = (order.account, order.product, order.tf, order.bar)
        fresh = slot not in self._sent
        self._sent.add(slot)
        return fresh

    def follow(self, order: Order) -> None: ...
    def decide(self, decisions: Decisions) -> None: ...
    def outcome(self, outcomes: Outcomes) -> None: ...
    def latch(self, latch: Latch) -> None: ...
    def note(self, noted: Noted) -> None: ...
    def commit(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Heard:
    """What one node gave: its letters by frame, and in words what fits no letter."""

    marks: dict[int, str] = field(default_factory=dict[int, str])
    strangers: list[str] = field(default_factory=list[str])


def tried(plan: Plan, test: FlowTest) -> Outcome:
    """Run one test in a flow of its own."""
    try:
        changed = _changed(plan, test)
        heard = virtual.run(lambda _: _played(changed, test))
    except MoonlightError as failure:
        return Outcome(test, (str(failure),))
    return Outcome(test, tuple(_differences(test, heard)))


def _changed(plan: Plan, test: FlowTest) -> Plan:
    """The plan with the keys that the test sets."""
    data = deepcopy(plan.source.data)
    for name, value in test.set.items():
        *tables, key = name.split(".")
        table = data
        for step in tables:
            if not isinstance(table.get(step), dict):
                raise InputError(
                    f'set."{name}": there is no table [{".".join(tables)}]; name a table of this flow and a key'
                )
            table = table[step]
        table[key] = value
    return checked(replace(plan.source, data=data), plan.base)


async def _played(plan: Plan, test: FlowTest) -> dict[str, Heard]:
    """What came out of each node."""
    start, frame = parse_moment(test.start), duration(test.frame)
    heard = {node: Heard() for node in test.outputs}
    outputs = {_full(plan, node): node for node in test.outputs}
    rank = {letter: place for place, letter in enumerate(test.values)}
    flow: Flow | None = None  # what is told while it begins is told at the start

    def told(node: str, item: Any) -> None:
        name = outputs.get(node)
        if name is None:
            return
        for at, facts in _facts(item):
            place = max(0, (at or (start if flow is None else flow.agenda.now)) - start) // frame
            letter = _letter(facts, test, test.outputs[name])
            if letter == STRANGER and (isinstance(item, REMARKS) or _prepares(item)):
                continue
            if letter == STRANGER:
                heard[name].strangers.append(f"at frame {place}: {_in_words(facts)}")
            letters = heard[name].marks.get(place, "") + letter
            heard[name].marks[place] = "".join(sorted(letters, key=lambda each: rank.get(each, len(rank))))

    setting = Setting(mode="replay", begin=start, outside=("venue",))
    async with running(plan, setting, NoRecords(), Past((), {}), taps=(told,)) as begun:
        flow = begun
        for node in test.inputs:
            flow.nodes[_port(plan, node)].subscription.dispose()
        for at, port, letter in _inputs(plan, test, start, frame):
            await flow.border.until(at)
            flow.enter(port, _made(plan, port, letter, test.values[letter], at))
        last = max(len(frames(each)) for each in (*test.inputs.values(), *test.outputs.values()))
        await flow.border.until(start + last * frame - 1)
        if flow.ended.done():
            flow.ended.result()
    return heard


def _inputs(plan: Plan, test: FlowTest, start: int, frame: int) -> list[tuple[int, str, str]]:
    """Each letter with its moment and its node, in time order."""
    found = [
        (start + place * frame, _port(plan, node), letter)
        for node, diagram in test.inputs.items()
        for place, letters in enumerate(frames(diagram))
        for letter in letters
    ]
    return sorted(found, key=lambda each: each[0])


def _port(plan: Plan, node: str) -> str:
    """By which node a value enters: what people ask for comes by the ledger."""
    return LEDGER if node == LEDGER else _full(plan, node)


def _full(plan: Plan, node: str) -> str:
    """The full name of a node that was named in short or in full."""
    found = [each for each in plan.by_id if each == node or each.split(".", 1)[1] == node]
    if len(found) != 1:
        raise InputError(
            f"{node!r} could be {', '.join(found)}; write the full name" if found else f"there is no node {node!r}"
        )
    return found[0]


class Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every value that goes in may say."""

    product: str = "EURUSD"


class GivenQuote(Given, frozen=True):
    """A price, or both sides of one; `late` is how long before its coming it was stamped."""

    price: float = math.nan
    bid: float | None = None
    ask: float | None = None
    late: DurationText | None = None

    def made(self, at: int) -> Quotes:
        stamped = at - (duration(self.late) if self.late else 0)
        sides = (np.array([self.price if side is None else side]) for side in (self.bid, self.ask))
        return Quotes(self.product, _stamps(stamped), _stamps(at), *sides)


class GivenPayout(Given, frozen=True):
    """What a win pays from now on."""

    payout: float = math.nan

    def made(self, at: int) -> Payouts:
        return Payouts(self.product, _stamps(at), np.array([self.payout]))


class GivenLink(Given, frozen=True):
    """The connection breaks, or is there again."""

    link: Literal["up", "down"] = "up"

    def made(self, at: int) -> Link:
        return Link((self.product,), self.link == "up", at)


class GivenTip(Given, frozen=True):
    """What somebody outside says at this moment, which counts `later`; without a timeframe, for every one."""

    tip: Literal["call", "put"] = "call"
    score: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    timeframe: TimeframeName | None = None
    later: DurationText | None = None
    valid_for: DurationText = "30s"

    def made(self, at: int) -> Tips:
        as_of = at + (duration(self.later) if self.later else 0)
        tf = 0 if self.timeframe is None else timeframe(self.timeframe)
        score = self.score if self.tip == "call" else -self.score
        valid_until = as_of + duration(self.valid_for)
        return Tips(self.product, _stamps(as_of), _stamps(valid_until), _stamps(tf), np.array([score]))


class GivenBar(Given, frozen=True):
    """The bar that ended last at this moment, or the one that opened at `bar`; prices left out are its close.

    As `history` it is context, or mends a gap: nothing is decided on it.
    """

    close: float = math.nan
    bar: str | None = None
    history: bool = False
    timeframe: TimeframeName = "1m"
    open: float | None = None
    high: float | None = None
    low: float | None = None
    volume: float = 0.0

    def made(self, at: int) -> Bars:
        tf = timeframe(self.timeframe)
        prices = (self.close if each is None else each for each in (self.open, self.high, self.low))
        one = [np.array([each]) for each in (*prices, self.close, self.volume)]
        open_ts = slot_of(at, tf) - tf if self.bar is None else slot_of(parse_moment(self.bar), tf)
        made = from_columns(self.product, tf, _stamps(open_ts), *one)
        return made.rows(0, 1, 0) if self.history else made


class Spoken(Given, frozen=True):
    """What is said at this moment of the bar that ended last."""

    timeframe: TimeframeName = "1m"
    direction: Literal["call", "put", "none"] = "call"
    confidence: float = 1.0
    ready: bool = True
    fault: str = ""

    def said(self, at: int) -> Signals:
        tf = timeframe(self.timeframe)
        sign = {"call": 1, "put": -1, "none": 0}[self.direction]
        bar: Mapping[str, Floats] = {name: np.array([math.nan]) for name in PRICES}
        stamps = _stamps(slot_of(at, tf) - tf), _stamps(at)
        columns = Columns(self.product, tf, *stamps, np.array([self.ready]), bar, 1)
        confidence = np.array([self.confidence])
        return Signals(columns, confidence * sign, confidence, np.array([sign], np.int8), {}, self.fault)


class GivenSignal(Spoken, frozen=True):
    """What an ensemble would say."""

    def made(self, at: int) -> Signals:
        return self.said(at)


class GivenOdds(Spoken, frozen=True):
    """What a calibrator would say: the same, and how probable it is; its record is silent where that is left out."""

    probability: Annotated[float, msgspec.Meta(ge=0, le=1)] = math.nan
    error: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    drifted: bool = False

    def made(self, at: int) -> Calibrated:
        odds = np.array([self.probability]), np.array([self.error])
        return Calibrated(self.said(at), *odds, np.array([self.drifted]), "given")


class GivenRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody asks for: that the contract of an order is sold back, or every one of an account."""

    close: str

    def made(self, at: int) -> Request:
        order = self.close if ":" in self.close else ""
        return Request("close", "" if order else self.close, at, "the test", order)


BY_KEY = {
    "price": GivenQuote,
    "bid": GivenQuote,
    "payout": GivenPayout,
    "close": GivenBar,
    "link": GivenLink,
    "tip": GivenTip,
}
"""What a source gives, by a key that only such a value has."""


def _made(
    plan: Plan, port: str, letter: str, table: Table, at: int
) -> Quotes | Payouts | Bars | Link | Tips | Signals | Calibrated | Request:
    """The value that a letter stands for when it enters by a node at a moment."""
    part = plan.by_id[port].part if port != LEDGER else None
    if part is None:
        fits = [GivenRequest]
    else:
        fits = [BY_KEY[key] for key in table if key in BY_KEY] if part.kind == "source" else []
        fits += [GivenSignal] if part.kind == "ensemble" else [GivenOdds] if Calibrated in part.gives else []
    shape = fits[0] if fits else None
    if shape is None:
        raise InputError(
            f"values.{letter} cannot be given by {port}; a source gives price (or bid and ask), close, payout, link or "
            "tip, an ensemble direction and confidence, a calibrator probability beside these"
        )
    try:
        return msgspec.convert(table, shape).made(at)
    except ValueError as wrong:
        known = ", ".join(shape.__struct_fields__)
        raise InputError(f"values.{letter} cannot be given by {port} ({wrong}); its keys are {known}") from wrong


def _stamps(at: int) -> Any:
    return np.array([at], np.int64)


def _prepares(item: Any) -> bool:
    return isinstance(item, Order) and item.state == "PREPARE"


def _facts(item: Any) -> Iterator[tuple[int | None, Table]]:
    """What can be said of an item, a table for each of its rows, with the row's moment where it has one."""
    match item:
        case Bars():
            for row in range(len(item) - item.fresh, len(item)):
                columns = {name: float(getattr(item, name)[row]) for name in ("open", "high", "low", "close", "volume")}
                facts = {
                    "product": item.product,
                    "timeframe": timeframe_name(item.tf),
                    "ticks": int(item.ticks[row]),
                    **columns,
                }
                yield int(item.final_at[row]), facts
        case Signals() | Calibrated():
            yield from _said_facts(item)
        case Decisions():
            for row in range(len(item)):
                verdict = int(item.verdict[row])
                yield (
                    int(item.at[row]),
                    {
                        "account": item.account,
                        "product": item.product,
                        "timeframe": timeframe_name(item.tf),
                        "verdict": "trade" if verdict < 0 else item.gates[verdict],
                        "direction": {1: "call", -1: "put"}.get(int(item.direction[row]), "none"),
                    },
                )
        case Approved():
            return
        case Dropped():
            yield None, {"dropped": item.reason, "rows": item.rows, "product": item.product}
        case Noticed() | NoData() | Gap() | Revised() | Health():
            yield from _remark_facts(item)
        case Fault():
            yield None, {"fault": item.what}
        case Life():
            key = f"{item.account} {item.product} {timeframe_name(item.tf)}"
            yield None, {"life": item.state, "key": key, "why": item.why, "errors": item.errors}
        case msgspec.Struct():
            facts = {name: _plain(getattr(item, name)) for name in item.__struct_fields__}
            yield None, facts | ({"timeframe": timeframe_name(facts["tf"])} if "tf" in facts else {})
        case _:
            return


def _said_facts(item: Signals | Calibrated) -> Iterator[tuple[int | None, Table]]:
    signals = item.last(item.fresh) if isinstance(item, Signals) else item.signals
    named = {"product": signals.product, "timeframe": timeframe_name(signals.tf)}
    for row in range(len(signals)):
        said = {1: "call", -1: "put"}.get(int(signals.direction[row]), "none")
        facts = {"direction": said, "confidence": float(signals.confidence[row]), "ready": bool(signals.ready[row])}
        if isinstance(item, Calibrated):
            facts |= {"probability": float(item.probability[row]), "error": float(item.error[row])}
            facts |= {"drifted": bool(item.drifted[row])}
        yield int(signals.final_at[row]), {**named, **facts}


def _remark_facts(item: Noticed | NoData | Gap | Revised | Health) -> Iterator[tuple[int | None, Table]]:
    match item:
        case Noticed():
            yield None, {"noticed": item.what, "rows": item.rows, "product": item.product}
        case NoData():
            yield item.at, {"no_data": item.reason, **_slots(item.product, item.tf, item.open_ts), "slots": item.slots}
        case Gap():
            slots = (item.until - item.since) // item.tf
            yield item.at, {"gap": slots, **_slots(item.product, item.tf, item.since)}
        case Revised():
            bars = item.bars
            first = len(bars) - bars.fresh
            facts = {"revision": int(bars.revision[first]), "close": float(bars.close[first])}
            yield None, {**facts, **_slots(bars.product, bars.tf, int(bars.open_ts[first]))}
        case Health():
            for row in range(len(item)):
                yield int(item.ts[row]), {"product": item.product, "state": HEALTH[item.state[row]]}


def _slots(product: str, tf: int, open_ts: int) -> Table:
    return {"product": product, "timeframe": timeframe_name(tf), "bar": utc_text(open_ts)}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def _letter(facts: Table, test: FlowTest, diagram: str) -> str:
    """The letter of a diagram whose table fits; a stranger when none does."""
    used = {letter for marks in frames(diagram) for letter in marks}
    for letter in test.values:
        if letter in used and all(_fits(facts, name, value) for name, value in test.values[letter].items()):
            return letter
    return STRANGER


def _fits(facts: Table, name: str, value: Any) -> bool:
    if name not in facts:
        return False
    if isinstance(value, float | int) and not isinstance(value, bool) and isinstance(facts[name], float | int):
        return bool(np.isclose(cast("float", facts[name]), value, rtol=1e-9, atol=1e-12))
    return bool(facts[name] == value)


def _in_words(facts: Table) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items() if value not in ("", None))


def _differences(test: FlowTest, heard: Mapping[str, Heard]) -> Iterator[str]:
    """Both pictures of each node that gave something else than claimed."""
    rank = {letter: place for place, letter in enumerate(test.values)}
    for node, diagram in test.outputs.items():
        wanted = {
            place: "".join(sorted(letters, key=lambda each: rank[each]))
            for place, letters in enumerate(frames(diagram))
            if letters
        }
        came = heard[node]
        length = len(frames(diagram))
        if wanted != came.marks:
            yield "\n".join(
                (
                    f"{node}: wanted  {drawn(wanted, length)}",
                    f"{' ' * len(node)}  came    {drawn(came.marks, length)}",
                    *(f"{' ' * len(node)}  {STRANGER} {each}" for each in came.strangers[:MOST_STRANGERS]),
                )
            )

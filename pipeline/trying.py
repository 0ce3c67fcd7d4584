"""Runs `[[test]]` tables: lets the marbles in, in virtual time, and draws what came out."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, cast

import msgspec
import numpy as np

from pipeline import virtual
from pipeline.candles import from_columns
from pipeline.engine import Setting, running
from pipeline.errors import InputError, MoonlightError
from pipeline.flowtest import FlowTest, drawn, frames
from pipeline.plan import Plan, checked
from pipeline.times import duration, parse_moment, slot_of, timeframe, timeframe_name
from pipeline.values import Approved, Bars, Decisions, Dropped, Fault, Order, Past, Payouts, Quotes, Signals

Table = Mapping[str, Any]


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

    def intend(self, order: Order) -> bool:
        slot = (order.account, order.product, order.tf, order.bar)
        fresh = slot not in self._sent
        self._sent.add(slot)
        return fresh

    def follow(self, order: Order) -> None: ...
    def decide(self, decisions: Decisions) -> None: ...
    def commit(self) -> None: ...


def tried(plan: Plan, test: FlowTest) -> Outcome:
    """Run one test in a flow of its own."""
    try:
        changed = _changed(plan, test)
        marks = virtual.run(lambda _: _played(changed, test))
    except MoonlightError as failure:
        return Outcome(test, (str(failure),))
    return Outcome(test, tuple(_differences(test, marks)))


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


async def _played(plan: Plan, test: FlowTest) -> dict[str, dict[int, str]]:
    """The letters that came out of each node, by frame."""
    start, frame = parse_moment(test.start), duration(test.frame)
    marks: dict[str, dict[int, str]] = {node: {} for node in test.outputs}
    outputs = {_full(plan, node): node for node in test.outputs}
    rank = {letter: place for place, letter in enumerate(test.values)}

    def told(node: str, item: Any) -> None:
        name = outputs.get(node)
        if name is None:
            return
        for at, facts in _facts(item):
            place = max(0, (at or flow.agenda.now) - start) // frame
            letter = _letter(facts, test, test.outputs[name])
            letters = marks[name].get(place, "") + letter
            marks[name][place] = "".join(sorted(letters, key=lambda each: rank.get(each, len(rank))))

    setting = Setting(mode="replay", begin=start, outside=("venue",))
    async with running(plan, setting, NoRecords(), Past((), {}), taps=(told,)) as flow:
        for node in test.inputs:
            flow.nodes[_full(plan, node)].subscription.dispose()
        for at, port, letter in _inputs(plan, test, start, frame):
            await flow.border.until(at)
            for value in _made(plan, port, test.values[letter], at):
                flow.enter(port, value)
        last = max(len(frames(each)) for each in (*test.inputs.values(), *test.outputs.values()))
        await flow.border.until(start + last * frame - 1)
        if flow.ended.done():
            flow.ended.result()
    return marks


def _inputs(plan: Plan, test: FlowTest, start: int, frame: int) -> list[tuple[int, str, str]]:
    """Each letter with its moment and its node, in time order."""
    found = [
        (start + place * frame, _full(plan, node), letter)
        for node, diagram in test.inputs.items()
        for place, letters in enumerate(frames(diagram))
        for letter in letters
    ]
    return sorted(found, key=lambda each: each[0])


def _full(plan: Plan, node: str) -> str:
    """The full name of a node that was named in short or in full."""
    found = [each for each in plan.by_id if each == node or each.split(".", 1)[1] == node]
    if len(found) != 1:
        raise InputError(
            f"{node!r} could be {', '.join(found)}; write the full name" if found else f"there is no node {node!r}"
        )
    return found[0]


def _made(plan: Plan, port: str, table: Table, at: int) -> Iterator[Any]:
    """The value that a letter stands for when it enters by a node at a moment."""
    product = str(table.get("product", "EURUSD"))
    kind = plan.by_id[port].part.kind
    if kind == "ensemble":
        yield _signals(table, product, at)
    elif kind == "source" and "close" in table:
        yield _bars(table, product, at)
    elif kind == "source" and ("price" in table or "bid" in table):
        late = duration(table["late"]) if "late" in table else 0
        bid = float(table.get("bid", table.get("price", "nan")))
        ask = float(table.get("ask", table.get("price", "nan")))
        yield Quotes(product, _stamps(at - late), _stamps(at), np.array([bid]), np.array([ask]))
    elif "payout" in table:
        yield Payouts(product, _stamps(at), np.array([float(table["payout"])]))
    else:
        raise InputError(
            f"values for {port} need price (or bid and ask), close, or payout; for an ensemble direction and confidence"
        )


def _signals(table: Table, product: str, at: int) -> Signals:
    """What an ensemble would say at this moment of the bar that ended last."""
    tf = timeframe(str(table.get("timeframe", "1m")))
    confidence = float(table.get("confidence", 1.0))
    direction = {"call": 1, "put": -1, "none": 0}[str(table.get("direction", "call"))]
    return Signals(
        product=product,
        tf=tf,
        open_ts=_stamps(slot_of(at, tf) - tf),
        final_at=_stamps(at),
        close=np.array([float("nan")]),
        ready=np.array([bool(table.get("ready", True))]),
        score=np.array([confidence * direction]),
        confidence=np.array([confidence]),
        probability=1 / (1 + np.exp(-np.array([confidence]))),
        direction=np.array([direction], np.int8),
        votes={},
        fault=str(table.get("fault", "")),
    )


def _bars(table: Table, product: str, at: int) -> Bars:
    tf = timeframe(str(table.get("timeframe", "1m")))
    close = float(table["close"])
    open_, high, low = (float(table.get(name, close)) for name in ("open", "high", "low"))
    one = [np.array([each]) for each in (open_, high, low, close, float(table.get("volume", 0)))]
    return from_columns(product, tf, _stamps(slot_of(at, tf) - tf), *one)


def _stamps(at: int) -> Any:
    return np.array([at], np.int64)


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
        case Signals():
            for row in range(len(item)):
                said = {1: "call", -1: "put"}.get(int(item.direction[row]), "none")
                facts = {"direction": said, "confidence": float(item.confidence[row]), "ready": bool(item.ready[row])}
                yield int(item.final_at[row]), {"product": item.product, "timeframe": timeframe_name(item.tf), **facts}
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
        case Fault():
            yield None, {"fault": item.what}
        case msgspec.Struct():
            facts = {name: _plain(getattr(item, name)) for name in item.__struct_fields__}
            yield None, facts | ({"timeframe": timeframe_name(facts["tf"])} if "tf" in facts else {})
        case _:
            return


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def _letter(facts: Table, test: FlowTest, diagram: str) -> str:
    """The letter of a diagram whose table fits; `?` when none does."""
    used = {letter for marks in frames(diagram) for letter in marks}
    for letter in test.values:
        if letter in used and all(_fits(facts, name, value) for name, value in test.values[letter].items()):
            return letter
    return "?"


def _fits(facts: Table, name: str, value: Any) -> bool:
    if name not in facts:
        return False
    if isinstance(value, float | int) and not isinstance(value, bool) and isinstance(facts[name], float | int):
        return bool(np.isclose(cast("float", facts[name]), value, rtol=1e-9, atol=1e-12))
    return bool(facts[name] == value)


def _differences(test: FlowTest, marks: Mapping[str, Mapping[int, str]]) -> Iterator[str]:
    for node, diagram in test.outputs.items():
        rank = {letter: place for place, letter in enumerate(test.values)}
        wanted = {
            place: "".join(sorted(letters, key=lambda each: rank[each]))
            for place, letters in enumerate(frames(diagram))
            if letters
        }
        length = len(frames(diagram))
        if wanted != marks[node]:
            yield f"{node}: wanted  {drawn(wanted, length)}\n{' ' * len(node)}  came    {drawn(marks[node], length)}"

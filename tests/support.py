"""What several tests need: flows from text, values in short, a flow played in virtual time."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

import operators
import sinks
import sources
from pipeline import virtual
from pipeline.checking import load_text
from pipeline.engine import Setting, running
from pipeline.flow import Flow
from pipeline.host import Mode, Records
from pipeline.parts import Kind
from pipeline.plan import Plan
from pipeline.stretch import PRICES
from pipeline.times import MINUTE, parse_moment
from pipeline.trying import NoRecords
from pipeline.values import Columns, Decisions, Floats, Order, Past, Quotes, Signals, Stamps

REGISTERED = (operators, sinks, sources)
ROOT = Path(__file__).resolve().parent.parent
MONDAY = parse_moment("2026-01-05T10:00:00Z")

SMALL = """
[moonlight]
block = 64

[accounts.demo-1]
venue = "practice"
balance = "100.00"

[venues.practice]
use = "practice"
payout = 0.9

[sources.market]
use = "synthetic"
products = ["EURUSD", "BTCUSD"]
start = "2026-01-05T10:00:00Z"

[operators.bars]
use = "window"
from = "market"
timeframes = ["1m", "5m"]

[features]
fast = { use = "sma", period = 3 }
slow = { use = "sma", period = 8 }

[providers.cross]
use = "ema_cross"
fast = "fast"
slow = "slow"

[ensembles.main]
use = "weighted"
from = ["cross"]

[risk.main]
use = "guard"
from = "main"
accounts = ["demo-1"]
stake = { use = "fixed", amount = "1.00" }
max_daily_loss = "20.00"

[sinks.orders]
use = "executor"
from = "risk.main"

[sinks.ledger]
use = "store"
from = ["risk.main", "orders"]
"""


def plan_of(text: str = SMALL, base: Path = ROOT) -> Plan:
    return load_text(text, "flows.toml", base)


def quotes(product: str, stamps: Iterable[int], prices: Iterable[float], lag: int = 40) -> Quotes:
    ts = np.array(list(stamps), np.int64)
    price = np.array(list(prices), np.float64)
    return Quotes(product, ts, ts + lag, price - 0.00001, price + 0.00001)


def signals(
    *,
    product: str = "EURUSD",
    tf: int = MINUTE,
    bar: int = MONDAY,
    at: int | None = None,
    direction: int = 1,
    confidence: float = 0.9,
) -> Signals:
    """What an ensemble says of one bar."""
    bars = np.array([bar])
    return signals_of(bars, bars + tf if at is None else np.array([at]), product, tf, direction, confidence)


def signals_of(
    bars: Stamps,
    final_at: Stamps,
    product: str = "EURUSD",
    tf: int = MINUTE,
    direction: int = 1,
    confidence: float = 0.9,
    **columns: Floats,
) -> Signals:
    """What an ensemble says of some bars, all alike; columns beside the prices by name."""
    rows = len(bars)
    values = dict.fromkeys(PRICES, np.full(rows, 1.1)) | columns
    looked_at = Columns(product, tf, bars, final_at, np.ones(rows, np.bool_), values, rows)
    sure = np.full(rows, confidence)
    return Signals(looked_at, sure * direction, sure, np.full(rows, direction, np.int8), {})


def order(state: str = "CONFIRM", **changes: Any) -> Order:
    facts: dict[str, Any] = {
        "state": state,
        "order": "demo-1:EURUSD:1m:1",
        "account": "demo-1",
        "product": "EURUSD",
        "tf": MINUTE,
        "bar": MONDAY,
        "direction": "call",
        "stake": Decimal("1.00"),
        "payout": 0.9,
        "at": MONDAY + MINUTE,
    }
    return msgspec.convert(facts | changes, Order, strict=False)


def same(left: Any, right: Any) -> bool:
    """Whether two values of one type hold the same content, NaN equal to NaN."""
    if type(left) is not type(right):
        return False
    if isinstance(left, np.ndarray):
        column = cast("NDArray[Any]", left)
        return bool(np.array_equal(column, right, equal_nan=column.dtype.kind == "f"))
    if isinstance(left, Mapping):
        table = cast("Mapping[str, Any]", left)
        return table.keys() == right.keys() and all(same(each, right[name]) for name, each in table.items())
    if is_dataclass(left):
        return all(same(getattr(left, entry.name), getattr(right, entry.name)) for entry in fields(left))
    return bool(left == right)


Entry = tuple[int, str, Any]


def play(
    plan: Plan,
    entries: Iterable[Entry],
    until: int,
    *,
    begin: int = MONDAY,
    records: Records | None = None,
    past: Past | None = None,
    outside: tuple[Kind, ...] = ("venue",),
    look: Callable[[Flow], object] | None = None,
    mode: Mode = "replay",
) -> list[tuple[str, Any]]:
    """Let values enter at their moments, in virtual time; everything the nodes gave, in order."""
    given: list[tuple[str, Any]] = []

    async def main() -> None:
        setting = Setting(mode=mode, begin=begin, outside=outside)

        def told(node: str, value: Any) -> None:
            given.append((node, value))

        async with running(plan, setting, records or NoRecords(), past or Past((), {}), taps=(told,)) as flow:
            for at, port, value in sorted(entries, key=lambda entry: entry[0]):
                await flow.border.until(at)
                flow.enter(port, value)
            await flow.border.until(until)
            if flow.ended.done():
                flow.ended.result()
            if look is not None:
                look(flow)

    virtual.run(lambda _: main())
    return given


def decided(given: Iterable[tuple[str, Any]]) -> dict[tuple[str, str, int, int], tuple[Any, ...]]:
    """Every decision row by account, product, timeframe and bar."""
    rows: dict[tuple[str, str, int, int], tuple[Any, ...]] = {}
    for _, value in given:
        if isinstance(value, Decisions):
            for row in range(len(value)):
                key = (*value.key, int(value.open_ts[row]))
                assert key not in rows, f"two decisions for one bar: {key}"
                approved = value.orders.get(row)
                numbers = tuple(float(each[row]) for each in (value.value, value.threshold, value.score))
                rows[key] = (
                    int(value.verdict[row]),
                    *(repr(each) for each in numbers),
                    int(value.at[row]),
                    int(value.direction[row]),
                    approved,
                )
    return rows

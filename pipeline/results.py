"""What a replay leaves: decisions and outcomes as Parquet columns, every order, and the numbers of each account."""

# pyarrow comes without types:
# pyright: reportMissingTypeStubs=false

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import numpy as np
import pyarrow
import pyarrow.parquet

from pipeline.errors import InputError
from pipeline.evidence import Noted
from pipeline.hindsight import Tally
from pipeline.orders import MOVES
from pipeline.reckoning import Reckoning
from pipeline.settlement import Tie
from pipeline.statistics.curves import drawdown, expectancy
from pipeline.statistics.evidence import Evidence
from pipeline.statistics.records import record
from pipeline.values import Decisions, Latch, Order, Outcomes

pa: Any = pyarrow
pq: Any = pyarrow.parquet

REPEATED = ("account", "product", "tf", "delay", "verdict", "direction")
"""Columns that say the same again and again: each word is written once, and then its number."""
BEHIND = 8
"""Blocks that may wait to be written."""
DECISIONS, ORDERS, OUTCOMES = "decisions.parquet", "orders.parquet", "outcomes.parquet"

NAMES = pa.dictionary(pa.int8(), pa.string())
SCHEMA = pa.schema(
    [
        *(pa.field(name, NAMES, nullable=False) for name in ("account", "product")),
        *(pa.field(name, pa.int64(), nullable=False) for name in ("tf", "bar", "at")),
        pa.field("verdict", NAMES, nullable=False),
        *(pa.field(name, pa.float64(), nullable=False) for name in ("value", "threshold", "score")),
        pa.field("direction", pa.int8(), nullable=False),
        pa.field("payout", pa.float64(), nullable=False),
        pa.field("order", pa.string()),
    ]
)
OUTCOME_SCHEMA = pa.schema(
    [
        pa.field("product", NAMES, nullable=False),
        *(pa.field(name, pa.int64(), nullable=False) for name in ("tf", "bar", "delay")),
        pa.field("entry_ts", pa.int64()),
        pa.field("entry", pa.float64()),
        pa.field("exit_ts", pa.int64()),
        pa.field("exit", pa.float64()),
        pa.field("at", pa.int64(), nullable=False),
    ]
)
"""What may be missing says so; saying it of what never is costs as much as writing it."""


@dataclass
class AccountResult:
    """One account's replay in numbers."""

    bars: int = 0
    verdicts: Counter[str] = field(default_factory=Counter[str])
    orders: list[Order] = field(default_factory=list[Order])
    would_have: dict[str, Tally] = field(default_factory=dict[str, Tally])
    """What the bars of each verdict would have paid."""

    def as_json(self) -> dict[str, Any]:
        found = record("replay", self.orders)
        return {
            "bars": self.bars,
            "verdicts": dict(self.verdicts.most_common()),
            "orders": dict(Counter(order.state for order in self.orders)),
            "win_rate": str(found.win_rate),
            "evidence": Evidence().over(found.slots.returns).times,
            "profit": str(sum(found.profits, Decimal(0))),
            "expectancy": expectancy(found.profits, found.stakes),
            "drawdown": str(drawdown(found.slot_profits)),
            "would_have": {verdict: counted.as_json() for verdict, counted in self.would_have.items()},
        }


class Blocks:
    """Batches on their way to disk. Writing runs in a thread of its own, at most a few blocks behind."""

    def __init__(self, path: Path, schema: Any, columns: Callable[[Any], Any]) -> None:
        self._columns = columns
        self._writer = pq.ParquetWriter(
            path, schema, compression="none", use_dictionary=list(REPEATED), write_statistics=False
        )
        self._thread = ThreadPoolExecutor(1, path.stem)
        self._writing: deque[Future[None]] = deque()

    def write(self, batch: Decisions | Outcomes) -> None:
        while len(self._writing) >= BEHIND:
            self._writing.popleft().result()
        self._writing.append(self._thread.submit(self._write, batch))

    def close(self) -> None:
        self._thread.shutdown()
        self._writer.close()
        while self._writing:
            self._writing.popleft().result()

    def _write(self, batch: Decisions | Outcomes) -> None:
        self._writer.write_batch(self._columns(batch))


class Results:
    """Records of a replay. Decisions and outcomes go to disk block by block; orders are kept and written at the end."""

    def __init__(self, folder: Path, ties: Mapping[str, Tie] | None = None) -> None:
        """`ties` says what each account's venue makes of a tie; a push where it is not said."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._ties = ties or {}
        self._blocks = Blocks(folder / DECISIONS, SCHEMA, _columns)
        self._outcomes = Blocks(folder / OUTCOMES, OUTCOME_SCHEMA, _outcome_columns)
        self._reckoning = Reckoning()
        self._orders: dict[str, Order] = {}
        self._slots: set[tuple[str, str, int, int]] = set()
        self._refused: set[str] = set()
        """Orders whose bar had one before: that they were not sent says nothing of that one."""
        self._accounts: dict[str, AccountResult] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What ends before its time leaves nothing: half of a replay reads like the whole of one."""
        if error is None:
            self.close()
            return
        with suppress(OSError, pa.ArrowException):  # why it ended is what there is to say
            self.close()
        for name in (DECISIONS, ORDERS, OUTCOMES):
            (self._folder / name).unlink(missing_ok=True)

    def intend(self, order: Order) -> bool:
        slot = (order.account, order.product, order.tf, order.bar)
        if slot in self._slots:
            self._refused.add(order.order)
            return False
        self._slots.add(slot)
        self._orders[order.order] = order
        return True

    def follow(self, order: Order) -> None:
        if order.cause == "not_sent" and order.order in self._refused:
            self._refused.discard(order.order)
            return
        known = self._orders.get(order.order)
        if known is None or order.state in MOVES[known.state]:
            self._orders[order.order] = order

    def decide(self, decisions: Decisions) -> None:
        self._blocks.write(decisions)
        self._reckoning.decide(decisions)
        result = self._accounts.setdefault(decisions.account, AccountResult())
        result.bars += len(decisions)
        counts = np.bincount(decisions.verdict + 1, minlength=len(decisions.gates) + 1)
        for name, count in zip(("trade", *decisions.gates), counts.tolist(), strict=True):
            if count:
                result.verdicts[name] += count

    def outcome(self, outcomes: Outcomes) -> None:
        self._outcomes.write(outcomes)
        self._reckoning.outcome(outcomes)

    def latch(self, latch: Latch) -> None:
        """A replay ends with its stops."""

    def note(self, noted: Noted) -> None:
        """A replay's venue is certain."""

    def commit(self) -> None:
        """Everything is written when it comes."""

    def close(self) -> None:
        self._blocks.close()
        self._outcomes.close()
        rows = [msgspec.to_builtins(order, enc_hook=str) for order in self._orders.values()]
        table = (
            pa.Table.from_pylist(rows)
            if rows
            else pa.table({name: pa.array([], pa.string()) for name in Order.__struct_fields__})
        )
        pq.write_table(table, self._folder / ORDERS)

    def accounts(self) -> Iterator[tuple[str, AccountResult]]:
        for order in self._orders.values():
            self._accounts.setdefault(order.account, AccountResult())
        for account, tallies in self._reckoning.tallies(self._ties):
            self._accounts[account].would_have = tallies
        for account, result in sorted(self._accounts.items()):
            result.orders = [order for order in self._orders.values() if order.account == account]
            yield account, result


def orders_in(folder: Path) -> list[Order]:
    """The orders a replay left in its folder."""
    path = folder / ORDERS
    if not path.is_file():
        raise InputError(f"{folder} holds no results of a replay; name the folder that `replay` told of")
    try:
        return [msgspec.convert(row, Order, strict=False) for row in pq.read_table(path).to_pylist()]
    except (pa.ArrowInvalid, msgspec.ValidationError) as failure:
        raise InputError(f"{path} cannot be read as a replay's orders ({failure}); replay again") from failure


def _columns(decisions: Decisions) -> Any:
    rows = len(decisions)
    orders = pa.nulls(rows, pa.string())
    if decisions.orders:
        named: list[str | None] = [None] * rows
        for row, approved in decisions.orders.items():
            named[row] = approved.order
        orders = pa.array(named, pa.string())
    verdicts = pa.array(("trade", *decisions.gates), pa.string())
    columns = [
        _same(decisions.account, rows),
        _same(decisions.product, rows),
        pa.array(np.full(rows, decisions.tf)),
        pa.array(decisions.open_ts),
        pa.array(decisions.at),
        pa.DictionaryArray.from_arrays(pa.array(decisions.verdict + np.int8(1)), verdicts),
        pa.array(decisions.value),
        pa.array(decisions.threshold),
        pa.array(decisions.score),
        pa.array(decisions.direction),
        pa.array(decisions.payout),
        orders,
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def _outcome_columns(outcomes: Outcomes) -> Any:
    rows = len(outcomes)
    void = np.isnan(outcomes.entry)
    columns = [
        _same(outcomes.product, rows),
        pa.array(np.full(rows, outcomes.tf)),
        pa.array(outcomes.open_ts),
        pa.array(np.full(rows, outcomes.delay)),
        *(
            pa.array(column, mask=void)
            for column in (outcomes.entry_ts, outcomes.entry, outcomes.exit_ts, outcomes.exit)
        ),
        pa.array(outcomes.at),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=OUTCOME_SCHEMA)


def _same(word: str, rows: int) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), pa.array([word], pa.string()))

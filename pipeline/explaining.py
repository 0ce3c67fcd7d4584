"""Why a bar was traded or not, as the ledger has it: each gate's answer, the order, what the bar would have paid."""

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.hindsight import what_if, would_have
from pipeline.ledger.reading import Reader
from pipeline.ledger.rows import gates_of
from pipeline.orders import sold
from pipeline.plan import Plan, tie_of
from pipeline.settlement import Tie
from pipeline.times import SECOND, local_text, timeframe_name
from pipeline.told.reasons import SKIPPED
from pipeline.values import GateRow, Order

UNKNOWN = float("nan")


@dataclass(frozen=True, slots=True)
class Explained:
    """One account's row of one bar, and what belongs to it."""

    row: sqlite3.Row
    gates: tuple[GateRow, ...]
    order: Order | None
    features: Mapping[str, float]
    outcome: sqlite3.Row | None
    tie: Tie

    @property
    def would_have(self) -> str:
        entry, exit_ = (UNKNOWN, UNKNOWN) if self.outcome is None else (self.outcome["entry"], self.outcome["exit"])
        return would_have(self.row["direction"], self.row["payout"], entry, exit_, self.tie)

    @property
    def what_if(self) -> str | None:
        return what_if(self.gates)

    def text(self, zone: ZoneInfo) -> Iterator[str]:
        """Lines for people."""
        row, order = self.row, self.order
        opened = local_text(row["bar"], zone, "%Y-%m-%d %H:%M")
        decided = local_text(row["at"], zone, "%H:%M:%S") + f".{row['at'] % 1000:03d}"
        side = {1: "▲ call", -1: "▼ put"}.get(row["direction"], "no direction")
        verdict = f"traded, {order.stake} {side}" if order is not None else f"not traded: {row['verdict']}"
        yield f"{row['product']} {timeframe_name(row['tf'])} {opened} {zone.key} · {row['account']} · decided {decided}"
        yield f"  {verdict}   (score {_number(row['score'])}, {side})"
        first = next((number for number, gate in enumerate(self.gates) if gate.verdict == "no"), None)
        for number, gate in enumerate(self.gates):
            yield _gate(gate, number == first)
        if row["verdict"] in SKIPPED and not self.gates:
            why = SKIPPED[row["verdict"]]
            yield f"  {why} when it became final, {_number(row['value'])} s before this row"
        if order is not None:
            yield f"  order {order.order}: {_ended(order)}"
        if self.what_if is not None:
            yield f"  {self.what_if}"
        yield f"  {self.would_have}"

    def as_json(self) -> dict[str, Any]:
        row, order = self.row, self.order
        return {
            **{name: row[name] for name in row.keys() if name != "gates"},  # noqa: SIM118  # a Row iterates its values
            "gates": [gate._asdict() for gate in self.gates],
            "state": order.state if order else None,
            "result": order.result if order else None,
            "profit": str(order.profit) if order else None,
            "features": self.features,
            "outcome": None if self.outcome is None else dict(zip(self.outcome.keys(), self.outcome, strict=True)),
            "would_have": self.would_have,
            "what_if": self.what_if,
        }


def explained(row: sqlite3.Row, reader: Reader, plan: Plan) -> Explained:
    """What a ledger has on a decision of it."""
    return Explained(
        row,
        gates_of(row),
        reader.order(row["order"]) if row["order"] else None,
        reader.features(row["order"]) if row["order"] else {},
        reader.outcome(row["product"], row["tf"], row["bar"]),
        tie_of(plan, row["account"]),
    )


def _gate(gate: GateRow, first: bool) -> str:
    mark = "✖ no " if gate.verdict == "no" else "✔ yes"
    word = f"  {gate.word}" if gate.word else ""
    arrow = "   ◂ the first to say no" if first else ""
    return f"  {mark}  {gate.gate:<12} {_number(gate.value):>10}  against {_number(gate.threshold):>10}{word}{arrow}"


def _ended(order: Order) -> str:
    if order.state != "SETTLED":
        return f"{order.state}{f' ({order.reason})' if order.reason else ''}"
    if not order.entry_ts:  # nobody but a person told
        return f"{order.result} {order.profit:+} ({order.reason or 'the venue told no prices'})"
    early = f", closed {(order.expiry - order.ended_at) / SECOND:g} s before its expiry" if sold(order) else ""
    prices = f"entry {order.entry:g}, exit {order.exit:g}, payout {order.payout:.2f}"
    return f"{order.result} {order.profit:+} ({prices}{early})"


def _number(value: float | None) -> str:
    return "unknown" if value is None or value != value else f"{value:.4g}"

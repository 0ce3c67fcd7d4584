"""What a node gave, in one line for a person: whose, how many rows, the last values."""

import math
from collections.abc import Callable, Mapping
from datetime import tzinfo
from decimal import Decimal
from typing import Any

from msgspec import Struct

from pipeline.evidence import Declined, Lost, Unsent, Written
from pipeline.logs.of_orders import of_order, of_reply
from pipeline.masking import masked
from pipeline.remarks import remark
from pipeline.times import SECOND, local_text, timeframe_name
from pipeline.values import (
    HEALTH,
    Ack,
    Bars,
    Calibrated,
    Columns,
    Decisions,
    Dropped,
    Fault,
    Forming,
    Health,
    NoData,
    Order,
    Outcomes,
    Payouts,
    Quotes,
    Reject,
    Revised,
    Settlement,
    Signals,
    Votes,
)
from pipeline.watch_feeds import digits_of

LONGEST = 400
"""Letters of a line."""
SHOWN = 12
"""Columns of a bar that are named; the others are counted."""
PRICED = ("open", "high", "low", "close", "volume")
SIDES = {1: "call", -1: "put", 0: "no side"}
STAMPS = frozenset(
    ("at", "since", "until", "as_of", "bar", "entry_ts", "exit_ts", "expiry", "open_ts", "next_open", "begin")
)
"""Fields that are moments."""
MOMENT = 10**11
"""A number from here on is one, in ms."""


class Wording:
    """Words values, with times in a zone."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._ways: Mapping[type[Any], Callable[[Any], str]] = {
            Quotes: self._quotes,
            Bars: self._bars,
            Revised: lambda revised: f"the venue changed {self._bars(revised.bars)}",
            Forming: self._forming,
            Columns: self._columns,
            Votes: self._votes,
            Signals: self._signals,
            Calibrated: self._calibrated,
            Decisions: self._decisions,
            Outcomes: self._outcomes,
            Payouts: lambda payouts: f"{payouts.product} pays {_last(payouts.ratio):.2f}{_rows(payouts)}",
            Health: lambda health: f"{health.product or 'the feed'} is {HEALTH[int(health.state[-1])]}{_rows(health)}",
            Order: lambda order: f"{order.order}: {of_order('', order, zone).text}",
            Fault: lambda fault: f"{fault.node}: {fault.what}",
            Dropped: lambda dropped: f"{dropped.product}: {dropped.rows} let go ({dropped.reason})",
            NoData: self._no_data,
            **dict.fromkeys((Ack, Reject, Settlement, Unsent, Lost, Declined, Written), _reply),
        }

    def of(self, value: Any) -> str:
        """One line of it, without secrets."""
        way = self._ways.get(type(value), self._other)  # pyright: ignore[reportUnknownArgumentType]  # whatever it is
        empty = hasattr(value, "__len__") and not len(value)
        said = " ".join((f"{_whose(value)}nothing" if empty else way(value)).split())
        told = masked(said)
        return told if len(told) <= LONGEST else f"{told[: LONGEST - 1]}…"

    def _time(self, moment: int, pattern: str = "%H:%M:%S") -> str:
        return local_text(moment, self._zone, pattern)

    def _quotes(self, quotes: Quotes) -> str:
        bid, ask = _last(quotes.bid), _last(quotes.ask)
        at = int(quotes.ts[-1])
        return f"{quotes.product} {price(bid)} / {price(ask)} at {self._time(at)}.{at % SECOND:03d}{_rows(quotes)}"

    def _bars(self, bars: Bars) -> str:
        prices = " ".join(
            f"{name} {price(_last(getattr(bars, column)))}"
            for name, column in (("O", "open"), ("H", "high"), ("L", "low"), ("C", "close"))
        )
        opened = self._time(int(bars.open_ts[-1]), "%H:%M")
        fresh = f"{bars.fresh} new" if bars.fresh else "none new"
        volume = f"V {_last(bars.volume):g}"
        return f"{bars.product} {timeframe_name(bars.tf)} {opened} {prices} {volume} ({fresh} of {len(bars):,} bars)"

    def _forming(self, bar: Forming) -> str:
        prices = f"O {price(bar.open)} H {price(bar.high)} L {price(bar.low)} C {price(bar.close)} V {bar.volume:g}"
        return f"{bar.product} {timeframe_name(bar.tf)} {self._time(bar.open_ts, '%H:%M')} forms: {prices}"

    def _bar(self, batch: Columns | Signals | Decisions | Outcomes) -> str:
        return f"{batch.product} {timeframe_name(batch.tf)} {self._time(int(batch.open_ts[-1]), '%H:%M')}"

    def _columns(self, columns: Columns) -> str:
        named = [name for name in columns.values if name not in PRICED]
        shown = ", ".join(f"{name} {number(_last(columns[name]))}" for name in named[:SHOWN])
        more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
        ready = "" if columns.ready[-1] else "not ready: "
        fresh = f" ({columns.fresh:,} rows)" if columns.fresh > 1 else ""
        return f"{self._bar(columns)} {ready}{shown}{more}{fresh}"

    def _votes(self, votes: Votes) -> str:
        fault = f", fault: {votes.fault}" if votes.fault else ""
        return f"{self._bar(votes.columns)} {votes.provider} says {score(_last(votes.scores))}{fault}"

    def _signals(self, signals: Signals) -> str:
        votes = ", ".join(f"{name} {score(_last(scores))}" for name, scores in signals.votes.items())
        side = SIDES[int(signals.direction[-1])]
        return f"{self._bar(signals)} {side}, score {score(_last(signals.score))} of {votes or 'no votes'}"

    def _calibrated(self, calibrated: Calibrated) -> str:
        probability, error = _last(calibrated.probability), _last(calibrated.error)
        known = "unknown" if math.isnan(probability) else f"{probability:.3f} ± {error:.3f}"
        return f"{self._signals(calibrated.signals)}; probability {known} by {calibrated.record}"

    def _decisions(self, decisions: Decisions) -> str:
        row = len(decisions) - 1
        verdict = int(decisions.verdict[row])
        approved = decisions.orders.get(row)
        if approved is not None:
            said = f"trade, {approved.ticket.direction} {approved.stake}"
        elif verdict < 0:
            said = "trade"
        else:
            value, threshold = float(decisions.value[row]), float(decisions.threshold[row])
            said = f"{decisions.gates[verdict]} says no: {number(value)} against {number(threshold)}"
        return f"{decisions.account} {self._bar(decisions)} {said}{_rows(decisions)}"

    def _outcomes(self, outcomes: Outcomes) -> str:
        entry, exit_ = _last(outcomes.entry), _last(outcomes.exit)
        said = "no price" if math.isnan(entry) else f"entry {price(entry)}, exit {price(exit_)}"
        return f"{self._bar(outcomes)} {said}{_rows(outcomes)}"

    def _no_data(self, value: NoData) -> str:
        since = self._time(value.open_ts, "%H:%M")
        what = f"no bar from {since} on, {value.slots} slots ({value.reason})"
        return f"{value.product} {timeframe_name(value.tf)} {what}"

    def _other(self, value: Any) -> str:
        """What people have a sentence for; of the rest its fields by name."""
        told = remark(value, self._zone)
        if told is not None:
            return told[1]
        names = value.__struct_fields__ if isinstance(value, Struct) else getattr(value, "__dataclass_fields__", ())
        known = ((name, getattr(value, name)) for name in names)
        said = ", ".join(f"{name} {self._field(name, each)}" for name, each in known if not _empty(each))
        return said or type(value).__name__

    def _field(self, name: str, value: Any) -> str:
        match value:
            case bool():
                return str(value).lower()
            case int() if name == "tf" and value:
                return timeframe_name(value)
            case int() if name in STAMPS and value >= MOMENT:
                return self._time(value)
            case float():
                return number(value)
            case str() | int() | Decimal():
                return str(value)
            case _ if hasattr(value, "__len__"):
                return f"({len(value)})"
            case _:
                return type(value).__name__


def price(value: float) -> str:
    """With as many decimals as show its tick."""
    return "unknown" if value != value else f"{value:.{digits_of(abs(value))}f}"


def number(value: float) -> str:
    return "unknown" if value != value else f"{value:.6g}"


def score(value: float) -> str:
    return "nothing" if value != value else f"{value:+.2f}"


def _empty(field: object) -> bool:
    return field is None or (isinstance(field, str | tuple | dict) and not field)


def _last(column: Any) -> float:
    return float(column[-1])


def _rows(batch: Any) -> str:
    return f" ({len(batch):,} rows)" if len(batch) > 1 else ""


def _whose(batch: Any) -> str:
    product = getattr(batch, "product", "")
    return f"{product} " if product else ""


def _reply(reply: Any) -> str:
    return f"{reply.order}: {next(iter(of_reply('', reply))).text}"

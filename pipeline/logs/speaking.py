"""What there is to say of a value that a node of a flow gave: how much it matters, a sentence, and to what it belongs.

Everything of one bar of one key has one correlation, from its decision over its order and the venue's answers to its
settlement and the audit of that: the id that the order has, or would have.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import tzinfo
from typing import Any

from pipeline.alerting.route import Alert
from pipeline.changes.proposal import Changed
from pipeline.evidence import (
    Audited,
    Called,
    Closing,
    Declined,
    Inquiry,
    Lost,
    Measured,
    Offered,
    Reconciled,
    Request,
    Statement,
    Unsent,
    Verdict,
    Written,
)
from pipeline.hogging.pauses import Resting
from pipeline.lifecycle import Life, Switched
from pipeline.logs.of_orders import decided, of_order, of_reply, refused
from pipeline.logs.records import LogLevel, Said
from pipeline.remarks import Remarks
from pipeline.times import SECOND, local_text, timeframe_name
from pipeline.values import (
    Ack,
    Bars,
    Calibrated,
    Columns,
    Decisions,
    Dropped,
    Fault,
    Forming,
    Key,
    Leaving,
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

Keeps = Callable[[LogLevel, str], bool]

SILENT = (
    *(Quotes, Payouts, Bars, Revised, Forming, Columns, Votes, Signals, Calibrated, Outcomes),
    *(Measured, Offered, Inquiry, Closing),
)
"""What flows, in masses; of all else that has no words here `pipeline/remarks.py` may have some."""


class Speaking:
    """Says something of one value after another; `keeps` tells what is worth it."""

    def __init__(self, zone: tzinfo, keeps: Keeps) -> None:
        self._zone, self._keeps = zone, keeps
        self._remarks = Remarks(zone)
        self._lives: dict[Key, str] = {}
        self._ways: Mapping[type[Any], Callable[[str, Any], Iterable[Said]]] = {
            Decisions: self._of_decisions,
            Order: self._of_order,
            **dict.fromkeys((Ack, Reject, Settlement, Unsent, Lost, Declined, Written), of_reply),
            **dict.fromkeys(SILENT, _nothing),
            Fault: _of_fault,
            Life: self._of_life,
            Switched: self._of_switched,
            Changed: self._of_changed,
            Resting: _of_resting,
            Alert: _of_alert,
            Called: _of_calls,
            Leaving: _of_leaving,
            **dict.fromkeys((Dropped, NoData, Reconciled, Statement, Verdict, Request), self._of_small),
        }

    def of(self, node: str, value: Any) -> Iterable[Said]:
        way = self._ways.get(type(value), self._remarked)  # pyright: ignore[reportUnknownArgumentType]  # whatever it is
        return way(node, value)

    def _of_decisions(self, node: str, decisions: Decisions) -> Iterator[Said]:
        if decisions.orders and self._keeps("info", node):
            for row, approved in sorted(decisions.orders.items()):
                yield decided(node, decisions, row, approved)
        if self._keeps("debug", node):
            for row in range(len(decisions)):
                if row not in decisions.orders:
                    yield refused(node, decisions, row)

    def _of_order(self, node: str, order: Order) -> Iterator[Said]:
        yield of_order(node, order, self._zone)

    def _remarked(self, node: str, value: Any) -> Iterator[Said]:
        """What the remarks say; what they keep to themselves of an audit is said all the same."""
        told = self._remarks.of(value)
        at, order = getattr(value, "at", 0), getattr(value, "order", "")
        if told is not None:
            yield Said(told.level, node, told.text, order, at=at)
        elif isinstance(value, Audited) and value.verdict == "explained":
            yield Said("info", node, f"audited: our own ticks say {value.result} too", order, at=at)
        elif isinstance(value, Audited):
            yield Said("info", node, f"not audited: {value.reason or 'our ticks do not reach'}", order, at=at)

    def _of_life(self, _: str, life: Life) -> Iterator[Said]:
        """That a key is there, and trades once it is ready, is no news: a flow may have hundreds."""
        before, self._lives[life.key] = self._lives.get(life.key, "INIT"), life.state
        usual = life.state in ("INIT", "RUNNING") and before in ("INIT", "RUNNING")
        why = f": {life.why}" if life.why else ""
        facts = {"account": life.account, "product": life.product, "timeframe": timeframe_name(life.tf)}
        yield Said(
            "debug" if usual else "warning" if life.state == "PAUSED" else "info",
            "keys",
            f"{life.account} {life.product} {timeframe_name(life.tf)} is {life.state}{why}",
            fields={**facts, "state": life.state, "errors": life.errors, "until": life.until},
            at=life.at,
        )

    def _of_switched(self, _: str, switched: Switched) -> Iterator[Said]:
        yield from self._remarked("keys", switched)

    def _of_changed(self, node: str, changed: Changed) -> Iterator[Said]:
        yield from self._remarked(node, changed)
        for warning in changed.warnings:
            yield Said("warning", node, warning, at=changed.at)

    def _of_small(self, node: str, value: Any) -> Iterator[Said]:
        """What is seldom of interest, or only to one who looks for it."""
        match value:
            case Dropped():
                yield Said("debug", node, f"{value.product}: {value.rows} let go ({value.reason})")
            case NoData():
                since, bars = local_text(value.open_ts, self._zone), f"{value.slots} of {timeframe_name(value.tf)}"
                what = f"{value.product}: bars are none from {since} on, {bars} ({value.reason})"
                yield Said("debug", node, what, at=value.at)
            case Reconciled():
                until = local_text(value.until, self._zone)
                yield Said("debug", node, f"{value.account}: the venue's list is gone over up to {until}", at=value.at)
            case Statement():
                listed = value.fault or f"{len(value.contracts)} contracts"
                what = f"{value.account}: the venue answers inquiry {value.number}: {listed}"
                yield Said("debug", node, what, at=value.at)
            case Verdict():
                what = f"{value.by} signs for {value.outcome} {value.profit:+}: {value.reason}"
                yield Said("warning", node, what, value.order, at=value.at)
            case Request():
                whom = value.order or value.account or "every account"
                yield Said("info", node, f"{value.by} asks to {value.what} {whom}", value.order, at=value.at)
            case _:
                return


def _nothing(_: str, __: Any) -> tuple[Said, ...]:
    return ()


def _of_fault(_: str, fault: Fault) -> Iterator[Said]:
    end = "; the flow ends with it" if fault.fatal else ""
    yield Said("error", fault.node, f"fault: {fault.what}{end}", fields={"fatal": fault.fatal}, at=fault.at)


def _of_resting(_: str, resting: Resting) -> Iterator[Said]:
    if not resting.until:
        yield Said("info", resting.node, "is asked again", at=resting.at)
        return
    why = f": {resting.why}" if resting.why else ""
    yield Said(
        "warning", resting.node, f"is not asked for {(resting.until - resting.at) / SECOND:g} s{why}", at=resting.at
    )


def _of_alert(_: str, alert: Alert) -> Iterator[Said]:
    times = f" ({alert.times} times)" if alert.times > 1 else ""
    whose = f" {alert.subject}" if alert.subject else ""
    text = f"{alert.code}{whose}{'' if alert.on else ' is over'}: {alert.text}{times}"
    level: LogLevel = "warning" if alert.on and alert.severity != "low" else "info"
    yield Said(
        level, "alerts", text, fields={"code": alert.code, "severity": alert.severity, "on": alert.on}, at=alert.at
    )


def _of_calls(node: str, called: Called) -> Iterator[Said]:
    what = f"{called.account}: {called.calls} calls in a minute, {called.failed} failed, {called.millis:.0f} ms each"
    yield Said("debug", node, what, at=called.at)


def _of_leaving(_: str, leaving: Leaving) -> Iterator[Said]:
    yield Said("info", "engine", "is asked to end: nothing new is sent", at=leaving.at)

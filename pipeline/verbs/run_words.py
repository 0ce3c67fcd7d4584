"""What a run says of itself: lines for a log, one line of a terminal that changes, or a JSON object a line."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from pipeline.ledger.rows import decision_rows
from pipeline.logs.book import LogBook
from pipeline.logs.companion import Logging
from pipeline.logs.overhearing import LIBRARIES
from pipeline.logs.records import Record, line_of, within
from pipeline.logs.showing import shown
from pipeline.plan import Plan
from pipeline.remarks import Remarks, remark
from pipeline.service import Diagnosis
from pipeline.service_lines import feed_line, feed_summary
from pipeline.times import local_text, timeframe_name
from pipeline.traffic import Traffic
from pipeline.values import Decisions, Fault, Order
from pipeline.verbs.common import say_json
from pipeline.view import Status

PLAIN_EVERY = 10
"""Looks between two lines where there is no terminal."""
NAMED = 10
"""How many orders that have not ended are named one by one."""


class Words:
    """What a run says of itself."""

    def begin(self, begin: int, speed: float, url: str, money: list[str]) -> None: ...
    def told(self, node: str, value: Any) -> None: ...
    def hears(self, book: LogBook) -> None: ...
    def look(self, status: Status) -> None: ...
    def leaving(self, orders: int, seconds: int) -> None: ...
    def end(self, status: Status, amiss: list[str], unended: Sequence[Order], traffic: Traffic) -> None: ...
    def hush(self, quiet: bool) -> None: ...
    def alone(self) -> None: ...


class Plain(Words):
    """Lines for a log: records of the engine's own log among them, as [logs] console says."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._zone = ZoneInfo(plan.settings.display_timezone)
        self._remarks = Remarks(self._zone)
        self._logged = False
        """Whether records say what the remarks would."""
        self._looks = 0
        self._decided = False
        self._publishing: dict[str, Diagnosis] = {}

    def begin(self, begin: int, speed: float, url: str, money: list[str]) -> None:
        pace = "" if speed == 1 else f", {speed:g} times as fast as time passes"
        where = f"market time {local_text(begin, self._zone)} ({self._zone.key}){pace}"
        self._print(f"{self._plan.name}: {where}; consoles attach to {url}")
        self._print("\n".join(money))

    def hears(self, book: LogBook) -> None:
        self._logged = True
        book.subscribe(self._record)

    def told(self, node: str, value: Any) -> None:
        if isinstance(value, Diagnosis):
            self._publishing[value.whose] = value
        if isinstance(value, Fault) and value.node == Logging.name:
            self._logged = False
        if not self._logged:
            self._remark(value)

    def _record(self, record: Record) -> None:
        match self._plan.logs.console:
            case "human":
                self._print(shown(record, self._zone))
            case "json":
                self._print(line_of(record).decode().rstrip())
            case "off":
                pass

    def _remark(self, value: Any) -> None:
        if isinstance(value, Fault):
            self._print(f"fault in {value.node}: {value.what}")
        elif isinstance(value, Decisions) and not self._decided:
            self._decided = True
            row = next(decision_rows(value))
            self._print(f"first decision: {value.product} {timeframe_name(value.tf)} {value.account}: {row[5]}")
        else:
            said = self._remarks.of(value)
            if said is not None and (said.level == "warning" or said.over):
                self._print(said.text)

    def look(self, status: Status) -> None:
        self._looks += 1
        if self._looks % PLAIN_EVERY == 0:
            self._print(self._status_line(status))

    def leaving(self, orders: int, seconds: int) -> None:
        several = "s are" if orders > 1 else " is"
        self._print(
            f"{orders} order{several} on the way: waiting up to {seconds} s for an answer; Ctrl-C ends it at once"
        )

    def end(self, status: Status, amiss: list[str], unended: Sequence[Order], traffic: Traffic) -> None:
        calls = (f"  {line}" for line in traffic.lines())
        trading = () if self._only_publishes else _traded(status)
        published = (line for told in self._publishing.values() for line in feed_summary(told))
        lines = (_ended(status, self._zone), *trading, *published, *_let_go(status, amiss))
        self._print("\n".join((*lines, *calls, *still_open(unended, self._zone))))

    @property
    def _only_publishes(self) -> bool:
        return bool(self._publishing) and not self._plan.of("risk")

    def _status_line(self, status: Status) -> str:
        if not self._only_publishes:
            return summary_line(status, self._zone)
        return feed_line(status, next(iter(self._publishing.values())), _drops(status), self._zone)

    def _print(self, text: str) -> None:
        print(text, flush=True)


class Line(Plain):
    """One line of a terminal that changes, and others that stay."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._quiet = False

    def hears(self, book: LogBook) -> None:
        """Remarks stand on a terminal; of the log only what they cannot know: warnings of libraries."""
        book.subscribe(self._library)

    def _library(self, record: Record) -> None:
        if _warned(record):
            self._print(shown(record, self._zone))

    def look(self, status: Status) -> None:
        if not self._quiet:
            line = self._status_line(status)
            width = _width()
            sys.stdout.write("\r\033[K" + (line if len(line) < width else line[: width - 2] + "…"))
            sys.stdout.flush()

    def hush(self, quiet: bool) -> None:
        self._quiet = quiet

    def alone(self) -> None:
        self._print("the console was left, the flow goes on; Ctrl-C ends it, `console` attaches again")

    def _print(self, text: str) -> None:
        if not self._quiet:
            sys.stdout.write("\r\033[K" + text + "\n")
            sys.stdout.flush()


class Json(Words):
    """One JSON object a line."""

    def begin(self, begin: int, speed: float, url: str, money: list[str]) -> None:
        say_json({"what": "begin", "market_time": begin, "speed": speed, "url": url, "money": money})

    def hears(self, book: LogBook) -> None:
        book.subscribe(self._library)

    def _library(self, record: Record) -> None:
        if _warned(record):
            facts = {name: getattr(record, name) for name in ("level", "module", "at", "text")}
            say_json({"what": "log", **facts})
            sys.stdout.flush()

    def told(self, node: str, value: Any) -> None:
        match value:
            case Decisions():
                names = (
                    "account",
                    "product",
                    "tf",
                    "bar",
                    "at",
                    "verdict",
                    "value",
                    "threshold",
                    "score",
                    "direction",
                    "payout",
                    "order",
                )
                for row in decision_rows(value):
                    say_json({"what": "decision", **dict(zip(names, row[:-1], strict=True))})
            case Order():
                facts = {
                    name: getattr(value, name)
                    for name in ("order", "state", "at", "stake", "payout", "result", "profit", "reason")
                }
                say_json({"what": "order", **facts})
            case Fault():
                say_json({"what": "fault", "node": value.node, "at": value.at, "text": value.what})
            case Diagnosis():
                say_json({"what": "publishing", **msgspec.to_builtins(value)})
            case _:
                said = remark(value, UTC)
                if said is None:
                    return
                say_json({"what": "remark", "node": node, "level": said[0], "text": said[1]})
        sys.stdout.flush()

    def look(self, status: Status) -> None:
        say_json({"what": "status", **_as_json(status)})
        sys.stdout.flush()

    def leaving(self, orders: int, seconds: int) -> None:
        say_json({"what": "leaving", "orders": orders, "seconds": seconds})
        sys.stdout.flush()

    def end(self, status: Status, amiss: list[str], unended: Sequence[Order], traffic: Traffic) -> None:
        still_open = [{"order": each.order, "state": each.state} for each in unended]
        say_json({"what": "summary", **_as_json(status), "amiss": amiss, "open": still_open, "calls": traffic.rows()})
        sys.stdout.flush()


def _warned(record: Record) -> bool:
    """Whether a library warns of something, or the log itself does."""
    libraries = within(record.module, LIBRARIES) or record.module == Logging.name
    return libraries and record.level in ("warning", "error")


def summary_line(status: Status, zone: ZoneInfo) -> str:
    orders = status.orders
    parts = [
        local_text(status.clock, zone, "%d %b %H:%M:%S"),
        f"{status.keys} keys",
        f"{status.bars:,} bars",
        f"{status.decisions:,} decisions",
        f"{orders.sent} orders ({orders.open} open{f', {orders.unknown} unknown' if orders.unknown else ''})",
        status.win_rate_text,
        f"drops {_drops(status)}",
    ]
    if away := sum(1 for each in status.accounts if each.standing):
        parts.insert(1, f"{away} of {len(status.accounts)} accounts not connected")
    return " · ".join(parts)


def _drops(status: Status) -> str:
    return ", ".join(f"{reason} {rows}" for reason, rows in status.drops.items()) or "0"


def _ended(status: Status, zone: ZoneInfo) -> str:
    return f"ended at market time {local_text(status.clock, zone)} after {status.uptime_s:.0f} s"


def _traded(status: Status) -> Iterator[str]:
    yield f"  {status.keys} keys, {status.bars:,} bars, {status.decisions:,} decisions"
    orders = status.orders
    counted = (
        (orders.settled, "settled"),
        (orders.open, "open"),
        (orders.rejected, "not taken"),
        (orders.unknown, "unknown"),
    )
    yield f"  {orders.sent} orders sent: " + ", ".join(
        f"{count} {what}" for count, what in counted if count or what == "settled"
    )
    yield f"  win rate {status.win_rate_text}"
    for account in status.accounts:
        today = f"today {account.day_profit}, {account.money} money"
        yield f"  {account.name}: {account.balance} {account.currency} ({today})"


def _let_go(status: Status, amiss: list[str]) -> Iterator[str]:
    yield f"  let go: {_drops(status)}; faults: {status.faults}"
    yield f"  {'; '.join(amiss) or 'nothing was lost without a name'}"


def still_open(unended: Sequence[Order], zone: ZoneInfo) -> Iterator[str]:
    """What has not ended, which the next start goes on with."""
    for order in unended[:NAMED]:
        what = f"{order.account} {order.product} {timeframe_name(order.tf)} {order.direction} {order.stake}"
        yield f"  still open: {what}, {order.state} since {local_text(order.at, zone)}"
    if len(unended) > NAMED:
        yield f"  and {len(unended) - NAMED} more"


def _as_json(status: Status) -> dict[str, Any]:
    return dict(msgspec.to_builtins(status))


def _width() -> int:
    return shutil.get_terminal_size().columns

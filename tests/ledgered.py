"""A desk that answers questions about orders and decisions, from a ledger with a few of each around noon."""

import json
import sqlite3
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager, closing
from dataclasses import replace as with_
from decimal import Decimal
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from pipeline.aside import here
from pipeline.control.controls import Controls
from pipeline.control.explaining import Reasons
from pipeline.control.reporting import Reports
from pipeline.control.trading import Books
from pipeline.engine import LEDGER_FILE
from pipeline.evidence import Audited
from pipeline.gains import profit_of
from pipeline.judged import Judged, Quoted, Vote
from pipeline.ledger import Ledger
from pipeline.ledger.rows import NAMES, order_row
from pipeline.ledger.statements import INSERT_DECISION, INSERT_FEATURE, INSERT_OUTCOME
from pipeline.plan import Plan
from pipeline.times import MINUTE, SECOND
from pipeline.values import Latch, Order, Stream
from tests.sample_view import NOON, SampleView
from tests.screens import Bench, on_bench
from tests.support import SMALL, plan_of

FLOW = SMALL.replace("[venues.practice]", '[accounts.demo-2]\nvenue = "practice"\n\n[venues.practice]').replace(
    "block = 64", 'block = 64\ndisplay_timezone = "Europe/Istanbul"'
)
BAR = NOON // MINUTE * MINUTE - MINUTE
"""The bar that was decided last: 12:00 to 12:01."""
ENTRY = 1.0716
GATES = (
    ("fault", 0.0, 0.0, "yes"),
    ("ready", 1.0, 1.0, "yes"),
    ("vote", 0.62, 0.0, "yes"),
    ("confidence", 0.62, 0.35, "yes"),
    ("killed", 0.0, 0.0, "yes"),
    ("feed", 0.0, 0.0, "yes", "live"),
    ("payout", 0.9, 0.8, "yes"),
    ("daily_loss", -3.0, -25.0, "yes"),
)


def name_of(account: str, bar: int, product: str = "EURUSD", tf: str = "1m") -> str:
    return f"{account}:{product}:{tf}:{bar}"


def order_of(account: str, bar: int, *, product: str = "EURUSD", put: bool = False, stake: str = "1.00") -> Order:
    """What is wanted at the end of a bar."""
    return Order(
        order=name_of(account, bar, product),
        account=account,
        product=product,
        tf=MINUTE,
        bar=bar,
        direction="put" if put else "call",
        stake=Decimal(stake),
        payout=0.9,
        state="PREPARE",
        at=bar + MINUTE + 120,
        request=f"r{account}{bar // MINUTE % 10_000}{product[:3]}",
        wanted_at=bar + MINUTE + 120,
    )


def sent(order: Order) -> Order:
    at = order.wanted_at + 12
    return replace(order, state="SEND", at=at, sent_at=at)


def taken(order: Order) -> Order:
    at = order.wanted_at + 150
    contract = f"C-{order.bar // MINUTE % 10_000}{order.account[-1]}{order.product[0]}"
    return replace(
        sent(order), state="CONFIRM", at=at, contract=contract, expiry=at + order.tf, payout=0.88, taken_at=at + 40
    )


def settled(order: Order, *, won: bool) -> Order:
    """As its venue tells it."""
    open_ = taken(order)
    up = won == (order.direction == "call")
    return replace(
        open_,
        state="SETTLED",
        at=open_.expiry + 200,
        ended_at=open_.expiry + 200,
        result="win" if won else "lose",
        profit=profit_of("win" if won else "lose", order.stake, open_.payout),
        entry_ts=open_.at + 90,
        entry=ENTRY,
        exit_ts=open_.expiry - 310,
        exit=ENTRY + (0.0004 if up else -0.0004),
    )


def decided(
    order: Order | None, account: str, bar: int, *, verdict: str = "trade", gates: Iterable[object] = GATES
) -> tuple[object, ...]:
    """A row of the table of decisions."""
    direction, score = (1, 0.62) if verdict != "vote" else (0, None)
    if order is not None and order.direction == "put":
        direction, score = -1, -0.62
    return (
        *(account, "EURUSD", MINUTE, bar, bar + MINUTE + 120, verdict, 0.62, 0.35, score, direction, 0.9),
        order.order if order is not None else None,
        json.dumps(list(gates)),
    )


def fill(path: Path) -> None:
    """Orders that run, that are over, that came to nothing, and two of which nobody knows; and what was decided."""
    won, lost = order_of("demo-1", BAR - 3 * MINUTE), order_of("demo-2", BAR - 3 * MINUTE, put=True, stake="2.00")
    before = order_of("demo-1", BAR - 6 * MINUTE), order_of("demo-1", BAR - 5 * MINUTE)
    runs, late = order_of("demo-1", BAR), order_of("live-7", BAR - MINUTE, product="XAUUSD", put=True)
    lives = order_of("live-7", BAR)
    none = order_of("demo-2", BAR - 2 * MINUTE)
    lost_one = order_of("live-7", BAR - 2 * MINUTE, product="GBPUSD", stake="1.50")
    away = replace(sent(lost_one), state="UNKNOWN", at=lost_one.wanted_at + 5 * SECOND, reason="no answer within 5 s")
    refused = replace(
        sent(none), state="ABORT", at=none.wanted_at + 80, ended_at=none.wanted_at + 80, cause="rejected",
        reason="the market is closed",
    )  # fmt: skip
    with Ledger(path) as ledger:
        for order in (*before, won, lost, none, lost_one, late, lives, runs):
            ledger.intend(order)
        for order in (
            *(move for each in before for move in (sent(each), taken(each), settled(each, won=each is before[0]))),
            *(sent(won), taken(won), settled(won, won=True)),
            *(sent(lost), taken(lost), settled(lost, won=False)),
            *(sent(none), refused),
            *(sent(lost_one), away),
            *(sent(late), replace(taken(late), expiry=NOON + 9 * MINUTE, tf=15 * MINUTE)),
            *(sent(lives), taken(lives), sent(runs), taken(runs)),
        ):
            ledger.follow(order)
        ledger.note(_audited(won, "explained"))
        odd = "exit 1.072 is in none of our ticks between 12:00:01.000 and 12:00:03.000 (1.0711 to 1.0714)"
        ledger.note(_audited(lost, "unexplained", odd))
        ledger.latch(Latch("", on=True, at=BAR - 20 * MINUTE, reason="news", by="console"))
        ledger.latch(Latch("", on=False, at=BAR - 10 * MINUTE, reason="over", by="console"))
        no = [*GATES[:3], ("confidence", 0.21, 0.35, "no"), *GATES[4:]]
        ledger.keep(
            INSERT_DECISION,
            (
                decided(won, "demo-1", BAR - 3 * MINUTE),
                decided(None, "demo-1", BAR - 2 * MINUTE, verdict="confidence", gates=no),
                decided(runs, "demo-1", BAR),
            ),
        )
        ledger.keep(
            INSERT_FEATURE, ((won.order, "demo-1", name, value) for name, value in (("fast", 1.07), ("slow", 1.08)))
        )
        ledger.keep(
            INSERT_OUTCOME,
            [
                (
                    "EURUSD",
                    MINUTE,
                    bar,
                    250,
                    bar + MINUTE + 300,
                    ENTRY,
                    bar + 2 * MINUTE,
                    ENTRY + 0.0004,
                    bar + 2 * MINUTE,
                )
                for bar in (BAR - 3 * MINUTE, BAR - 2 * MINUTE)
            ],
        )
        ledger.commit()


def _audited(order: Order, verdict: Literal["explained", "unexplained"], reason: str = "") -> Audited:
    """A win, by our own prices."""
    end = settled(order, won=True)
    prices = end.entry_ts, end.entry, end.exit_ts, end.exit
    return Audited(order.order, order.account, end.at + 400, verdict, "win", *prices, reason)


def many(path: Path, count: int, end: int, account: str = "demo-1") -> list[str]:
    """Orders of bars up to `end`, a second one from the other, all won; put where they belong at once."""
    ended = [settled(order_of(account, end - at * SECOND), won=True) for at in range(count)]
    orders = [replace(each, request=each.order, contract=f"C-{each.order}") for each in ended]
    marks = ", ".join("?" * len(order_row(orders[0]))) if orders else ""
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany(f"INSERT INTO orders ({NAMES}) VALUES ({marks})", map(order_row, orders))  # noqa: S608
    return [order.order for order in orders]


def remembered(stream: Stream, bar: int) -> Judged | None:
    """What the engine still knows of the bar that was decided last."""
    if stream != Stream("EURUSD", MINUTE) or bar != BAR:
        return None
    names = ("open", "high", "low", "close", "volume", "fast", "slow", "atr")
    votes = [
        Vote("main", "cross", 0.62, ""),
        Vote("main", "fade", float("nan"), ""),
        Vote("main", "own", 0.0, "ZeroDivisionError"),
    ]
    return Judged(bar, names, (1.0714, 1.0719, 1.0713, 1.0718, 61.0, 1.0716, 1.0712, float("nan")), votes,
                  Quoted(1.07178, 1.07182, bar + MINUTE + 20))  # fmt: skip


def answering(folder: Path, view: SampleView, plan: Plan | None = None) -> Callable[[Controls], Controls]:
    """Adds what is asked of orders, decisions and reports to what a desk answers."""
    path, of = folder / LEDGER_FILE, plan or plan_of(FLOW)

    def more(controls: Controls) -> Controls:
        entries = {name_of("demo-1", BAR): ENTRY, name_of("live-7", BAR): 1.0722}
        return with_(
            controls,
            books=Books(path, lambda: of, lambda: view.clock, lambda: entries, here),
            reasons=Reasons(path, lambda: of, remembered, here),
            reports=Reports(path, lambda: of),
        )

    return more


@asynccontextmanager
async def on_ledger(
    folder: Path,
    size: tuple[int, int] = (120, 36),
    page: str = "trades",
    view: SampleView | None = None,
    fills: Callable[[Path], None] = fill,
) -> AsyncGenerator[Bench]:
    """A console on that desk."""
    fills(folder / LEDGER_FILE)
    shown = view or SampleView()
    async with on_bench(folder, size, shown, page=page, more=answering(folder, shown)) as bench:
        yield bench

"""A guard on an agenda of its own: what is given to it at which moments, and what it says."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np

from operators.risk.guard import GATES, Guard
from operators.risk.stakes.fixed import Fixed
from pipeline.times import DAY, MINUTE
from pipeline.values import Approved, Decisions, Payouts, Signals
from tests.driven import Given, driven
from tests.support import MONDAY, signals

FINAL = MONDAY + MINUTE
ALWAYS = (
    *("fault", "ready", "stale_signal", "vote", "confidence", "permit", "killed", "stopped", "missed", "overrun"),
    *("feed", "payout", "unknown", "open", "cool_down", "stake", "funds", "daily_loss"),
)
"""The gates of a guard that asks for nothing more."""
MIDNIGHT = MONDAY // DAY * DAY + DAY
NAN = float("nan")
TRADED = "trade"


def guard(**keys: Any) -> Guard:
    table: dict[str, Any] = {
        "accounts": ("demo-1",),
        "stake": Fixed(amount=Decimal("1.00")),
        "max_daily_loss": Decimal("20.00"),
        "threshold": 0.5,
        "balances": {"demo-1": Decimal(100), "demo-2": Decimal(100)},
    }
    return Guard(**(table | keys))


def payouts(*series: tuple[int, float], product: str = "EURUSD") -> tuple[int, Payouts]:
    ts, ratio = zip(*series, strict=True)
    return 0, Payouts(product, np.array(ts, np.int64), np.array(ratio, np.float64))


PAYS = payouts((0, 0.9))


def given_by(part: Guard, *entries: tuple[int, Any], pays: Iterable[tuple[int, Any]] = (PAYS,)) -> Given:
    return driven(part, [*pays, *entries], MONDAY + 20 * DAY)


def verdicts(given: Given, account: str = "demo-1") -> list[tuple[str, float, float]]:
    """Of each row of an account: traded, or the gate that said no with its value and threshold."""
    return [
        (GATES[verdict], float(each.value[row]), float(each.threshold[row])) if verdict >= 0 else (TRADED, NAN, NAN)
        for _, each in given
        if isinstance(each, Decisions) and each.account == account
        for row, verdict in enumerate(each.verdict.tolist())
    ]


def words(given: Given, account: str = "demo-1") -> list[str]:
    return [word for word, _, _ in verdicts(given, account)]


def approved(given: Given) -> list[Approved]:
    return [item for _, item in given if isinstance(item, Approved)]


def signal(**facts: Any) -> tuple[int, Signals]:
    made = signals(**facts)
    return int(made.final_at[0]), made


def with_column(made: Signals, **columns: Any) -> tuple[int, Signals]:
    return int(made.final_at[0]), replace(made, **columns)

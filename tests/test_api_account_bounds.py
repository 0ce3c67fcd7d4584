"""What the API says of an account's trades and limits is what its guard counts: of its own day, over a restart too."""

import asyncio
from decimal import Decimal
from pathlib import Path

from pipeline.aside import here
from pipeline.checking import load
from pipeline.control.accounts import Holders
from pipeline.control.beside import Beside
from pipeline.control.routing import Nothing
from pipeline.evidence import Trouble
from pipeline.times import HOUR, MINUTE
from pipeline.told.accounts import AccountWhole
from pipeline.values import Order, Past
from pipeline.watch import Watch
from tests.support import MONDAY, SMALL, order

RULES = """max_daily_loss = "25.00"
day = "Europe/Istanbul"
open_per = { account = 2 }
limits = [
    { what = "trades", count = 4 },
    { what = "target", amount = "10" },
    { what = "loss", amount = "9", base = "7d" },
]
"""


def settled(number: int, at: int, profit: str) -> Order:
    won = not profit.startswith("-")
    result = "win" if won else "lose"
    bar = at - 2 * MINUTE
    return order("SETTLED", order=f"o{number}", bar=bar, at=at, expiry=at, result=result, profit=Decimal(profit))


def whole_of(folder: Path, told: list[object], clock: int = MONDAY) -> AccountWhole:
    text = SMALL.replace('max_daily_loss = "20.00"', RULES)
    assert text != SMALL, "the sample flow says otherwise what a day may cost"
    (folder / "flows.toml").write_text(text, encoding="utf-8")
    plan = load(folder / "flows.toml")
    watch, beside = Watch(plan, clock, 1.0), Beside(plan)
    for each in told:
        beside.told("venues.practice", each)
    return asyncio.run(Holders(watch, beside, here).accounts(Nothing(), None)).accounts[0]


def test_limits_of_a_day_are_counted_from_the_midnight_of_the_guards_zone(tmp_path: Path) -> None:
    midnight = MONDAY - 13 * HOUR  # 21:00 UTC is midnight in Istanbul
    row = whole_of(
        tmp_path, [settled(1, midnight - 1, "-4.00"), settled(2, midnight, "-2.50"), settled(3, MONDAY, "1.00")]
    )
    used = {bound.what: (bound.used, bound.most) for bound in row.bounds}
    assert used == {"daily_loss": ("1.50", "25.00"), "trades": ("2", "4"), "target": ("0", "10"), "open": ("0", "2")}
    assert row.trades == 3
    assert row.last_trade_ms == MONDAY
    assert row.win_rate_text.startswith("33.3 % (")
    assert "vs break-even" in row.win_rate_text
    assert any("9" in rule and "last 7d" in rule for rule in row.rules)


def test_trades_of_earlier_lives_count_once_however_often_they_are_told(tmp_path: Path) -> None:
    before = settled(1, MONDAY - HOUR, "-3.00")
    row = whole_of(tmp_path, [Past((before,), {}), before, settled(2, MONDAY, "-1.00")])
    assert row.trades == 2
    assert next(bound.used for bound in row.bounds if bound.what == "daily_loss") == "4.00"


def test_what_went_wrong_with_a_venue_is_counted_by_kind_with_the_last_words(tmp_path: Path) -> None:
    told = [Trouble("demo-1", "network", "the line broke", MONDAY), Trouble("demo-1", "network", "no answer", MONDAY)]
    row = whole_of(tmp_path, [*told])
    assert row.errors == {"network": 2}
    assert row.last_error == "no answer"
    assert row.permission

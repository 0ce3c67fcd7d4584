"""The repaint alarm: what would have been decided, had the venue given a bar at first as it did later."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.checking import load_text
from pipeline.times import MINUTE
from pipeline.values import Bars, Columns, Decisions, Floats, Payouts, Repaint
from tests.driven import bars_of, walk
from tests.support import MONDAY, ROOT, SMALL, Entry, play

FLOW = SMALL.replace(
    'use = "synthetic"\nproducts = ["EURUSD", "BTCUSD"]\nstart = "2026-01-05T10:00:00Z"',
    'use = "files"\npath = "none.csv"\nproduct = "BTCUSD"',
).replace('max_daily_loss = "20.00"', 'max_daily_loss = "50.00"\nthreshold = 0.001')
PLAN = load_text(FLOW, "flows.toml", ROOT)
MINUTES = 200
BARS = bars_of(walk(3, MINUTES))
END = MONDAY + (MINUTES + 30) * MINUTE


def told(bars: Bars) -> list[Entry]:
    """Each bar at its close, and what a win pays."""
    payouts = Payouts("BTCUSD", np.array([MONDAY]), np.array([0.9]))
    single = (bars.rows(row, row + 1, 1) for row in range(len(bars)))
    return [(MONDAY, "sources.market", payouts), *((int(bar.final_at[0]), "sources.market", bar) for bar in single)]


def changed(row: int, factor: float) -> Bars:
    """One bar as the venue gives it later."""
    bar = BARS.rows(row, row + 1, 1)
    close = bar.close * factor
    return replace(bar, close=close, high=np.maximum(bar.high, close), low=np.minimum(bar.low, close))


def sides(given: list[tuple[str, Any]], tf: int = MINUTE) -> dict[int, str]:
    """What each bar was decided to be, as far as the bar alone decides."""
    found: dict[int, str] = {}
    for _, item in given:
        if isinstance(item, Decisions) and item.tf == tf:
            for row in range(len(item)):
                verdict = int(item.verdict[row])
                gate = "" if verdict < 0 else item.gates[verdict]
                side = {1: "call", -1: "put"}.get(int(item.direction[row]), "no trade")
                if not gate:
                    found[int(item.open_ts[row])] = side
                elif gate in ("fault", "ready", "vote", "confidence", "permit"):
                    found[int(item.open_ts[row])] = "no trade"
    return found


def repaints(row: int, factor: float, late: int = 10_000) -> list[Repaint]:
    at = int(BARS.final_at[-1]) + late
    given = play(PLAN, [*told(BARS), (at, "sources.market", changed(row, factor))], END)
    return [item for node, item in given if node == "repaint"]


def test_the_alarm_names_every_decision_that_the_changed_bar_would_have_changed_and_no_other() -> None:
    row = MINUTES - 12
    other = replace(BARS, **{name: getattr(BARS, name).copy() for name in ("high", "low", "close")})
    one = changed(row, 1.003)
    for name in ("high", "low", "close"):
        getattr(other, name)[row] = getattr(one, name)[0]
    was, would_be = sides(play(PLAN, told(BARS), END)), sides(play(PLAN, told(other), END))
    expected = {bar: (was[bar], would_be[bar]) for bar in was if bar in would_be and was[bar] != would_be[bar]}
    assert expected
    alarms = {each.bar: (each.was, each.now) for each in repaints(row, 1.003) if each.tf == MINUTE}
    assert {bar: alarms.get(bar) for bar in expected} == expected
    assert set(alarms) - set(expected) <= set(was) - set(would_be)


def test_a_change_that_would_have_changed_nothing_raises_no_alarm() -> None:
    assert repaints(MINUTES - 12, 1.0 + 1e-9) == []


def test_what_was_decided_stays_decided() -> None:
    at = int(BARS.final_at[-1]) + 10_000
    plain = play(PLAN, told(BARS), END)
    revised = play(PLAN, [*told(BARS), (at, "sources.market", changed(MINUTES - 12, 1.003))], END)
    assert sides(revised) == sides(plain)


def test_the_alarm_says_which_bar_the_venue_changed() -> None:
    row = MINUTES - 12
    assert {each.revised for each in repaints(row, 1.003) if each.tf == MINUTE} == {MONDAY + row * MINUTE}


class FailsAtASecondLook:
    """A strategy that cannot judge a bar once the venue changed it."""

    lookback = 0

    def __init__(self, asked: Callable[[Columns], Floats], close: float) -> None:
        self._asked, self._close = asked, close

    def __call__(self, columns: Columns) -> Floats:
        if self._close in columns["close"]:
            raise ValueError("never saw such a price")
        return self._asked(columns)


def test_where_a_strategy_fails_at_the_second_look_nobody_knows_what_would_have_been_and_no_alarm_is_raised() -> None:
    row = MINUTES - 12
    one = changed(row, 1.003)
    fails = FailsAtASecondLook(PLAN.by_id["providers.cross"].instance, float(one.close[0]))
    nodes = (replace(each, instance=fails) if each.id == "providers.cross" else each for each in PLAN.nodes)
    plan = replace(PLAN, nodes=tuple(nodes))
    at = int(BARS.final_at[-1]) + 10_000
    given = play(plan, [*told(BARS), (at, "sources.market", one)], END)
    assert repaints(row, 1.003)
    assert [item for node, item in given if node == "repaint"] == []

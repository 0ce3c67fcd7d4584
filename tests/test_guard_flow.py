"""Guards in a flow: they hear of each other's orders in time, and a stop by a limit is on disk."""

import re
from typing import Any, get_args

import pytest

from operators.risk.guard import GATES
from operators.risk.limits import What
from pipeline.checking import load
from pipeline.parts import registered
from pipeline.times import DAY, MINUTE, SECOND
from pipeline.values import Approved, Decisions, Latch, Quotes
from tests.guarded import payouts
from tests.support import MONDAY, ROOT, SMALL, Entry, plan_of, play, quotes, signals

TWO = (
    SMALL.replace("[venues.practice]", '[accounts.demo-2]\nvenue = "practice"\n\n[venues.practice]')
    .replace(
        "[sinks.orders]",
        """[risk.other]
use = "guard"
from = "main"
accounts = ["demo-2"]
stake = { use = "fixed", amount = "1.00" }
max_daily_loss = "20.00"

[sinks.orders]""",
    )
    .replace('from = "risk.main"', 'from = ["risk.main", "other"]')
    .replace('["risk.main", "orders"]', '["risk.main", "other", "orders"]')
)
"""Two guards whose orders go by one executor, both woken at the same moment."""


LATE = MONDAY + 50 * SECOND


def entries(*bars: int) -> list[Entry]:
    """A payout, a price, and a signal of each bar as it becomes final."""
    _, pays = payouts((0, 0.9))
    given: list[Entry] = [(MONDAY, "venues.practice", pays), (LATE, "sources.market", price(LATE, 1.1))]
    return given + [(bar + MINUTE, "ensembles.main", signals(bar=bar)) for bar in bars]


def price(at: int, value: float) -> Quotes:
    return quotes("EURUSD", [at], [value], 0)


def verdicts(given: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    return [
        (item.account, item.gates[verdict] if verdict >= 0 else "trade")
        for _, item in given
        if isinstance(item, Decisions)
        for verdict in item.verdict.tolist()
        if verdict < 0 or item.gates[verdict] != "ready"  # of the bars that the prices themselves make
    ]


@pytest.mark.parametrize(("most", "second"), [(1, "open_all"), (2, "trade")])
def test_what_one_guard_sends_the_next_knows_before_it_wakes_at_the_same_moment(most: int, second: str) -> None:
    plan = plan_of(TWO.replace('max_daily_loss = "20.00"', f'max_daily_loss = "20.00"\nopen_per = {{ all = {most} }}'))
    given = play(plan, entries(MONDAY), MONDAY + MINUTE + SECOND)
    assert verdicts(given) == [("demo-1", "trade"), ("demo-2", second)]
    assert len([item for _, item in given if isinstance(item, Approved)]) == most


def test_a_limit_by_hand_stops_the_flow_at_the_settlement_that_fills_it() -> None:
    limit = '\n[[risk.main.limits]]\nwhat = "drawdown"\namount = "1.50"\nbase = "7d"\nrelease = "hand"\n'
    text = SMALL.replace("[sinks.orders]", f"{limit}\n[sinks.orders]")
    falls = [
        (MONDAY + MINUTE + 30 * SECOND, "sources.market", price(MONDAY + MINUTE + 30 * SECOND, 1.2)),
        (MONDAY + 2 * MINUTE, "sources.market", price(MONDAY + 2 * MINUTE, 1.0)),
        (MONDAY + 3 * MINUTE, "sources.market", price(MONDAY + 3 * MINUTE, 1.0)),
    ]
    later = MONDAY + DAY
    given = play(plan_of(text), [*entries(MONDAY, MONDAY + 9 * MINUTE, later), *falls], later + 2 * MINUTE)
    (stop,) = [item for _, item in given if isinstance(item, Latch)]
    assert (stop.scope, stop.on, stop.by) == ("demo-1", True, "drawdown")
    assert verdicts(given) == [("demo-1", "trade"), ("demo-1", "killed"), ("demo-1", "killed")]


def test_the_rules_of_the_flow_that_comes_with_the_program_are_sentences() -> None:
    plan = load(ROOT / "flows.toml")
    for node in plan.of("risk"):
        assert node.instance.stamps() == []
        for rule in node.instance.rules():
            assert "; " in rule
            assert not rule.endswith(".")


# --- the page --------------------------------------------------------------------------------------------------------

PAGE = (ROOT / "docs" / "risk.md").read_text(encoding="utf-8")


def test_the_page_has_every_gate_in_the_order_in_which_they_are_asked() -> None:
    _, table = PAGE.split("| gate |", 1)
    rows = table.split("\n\n", 1)[0].splitlines()[2:]
    assert [gate for row in rows for gate in re.findall(r"`(\w+)`", row.split("|")[1])] == list(GATES)


def test_the_page_has_every_stake_and_every_kind_of_limit() -> None:
    for name in (*registered("stake"), *get_args(What)):
        assert f"\n| `{name}` |" in PAGE


def test_the_guard_of_the_page_loads_and_says_of_itself_what_the_page_says() -> None:
    found = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    before, after = SMALL.index("[risk.main]"), SMALL.index("[sinks.orders]")
    accounts = '[accounts.demo-2]\nvenue = "practice"\n\n[venues.practice]'
    head, tail = SMALL[:before].replace("[venues.practice]", accounts), SMALL[after:].replace("risk.main", "careful")
    _, said = PAGE.split("says of itself:\n\n", 1)
    rules = plan_of(head + found[1] + tail).by_id["risk.careful"].instance.rules()
    assert [f"* {rule}" for rule in rules] == said.split("\n\n", 1)[0].splitlines()

"""What only one may do is done by one, and what somebody must do is not forgotten."""

import pytest

from pipeline.errors import PlanError
from tests.support import SMALL, plan_of

GUARD = """
[risk.second]
use = "guard"
from = "main"
accounts = ["{account}"]
stake = {{ use = "fixed", amount = "1.00" }}
max_daily_loss = "20.00"
"""
ACCOUNT = """
[accounts.demo-2]
venue = "practice"
"""


def told(text: str) -> list[str]:
    with pytest.raises(PlanError) as caught:
        plan_of(text)
    return [problem.text("flow") for problem in caught.value.problems]


def warned(text: str) -> list[str]:
    return [each.text("flow").partition(": ")[2] for each in plan_of(text).warnings]


def test_an_account_has_one_guard() -> None:
    (said,) = told(SMALL + GUARD.format(account="demo-1"))
    assert said.endswith(
        "[risk.second] account 'demo-1' would be decided for by [risk.main] too; name each account once, in one guard"
    )


def test_what_a_guard_approves_is_sent_by_one_executor() -> None:
    accounts, said = told(SMALL + '\n[sinks.again]\nuse = "executor"\nfrom = "risk.main"\n')
    assert "would send the orders of demo-1, as [sinks.orders] does" in accounts
    assert said.endswith(
        "[sinks.again] would send what risk.main approves a second time, after [sinks.orders]; "
        "take risk.main out of one of the two"
    )


WINDOW = '\n[operators.more]\nuse = "window"\nfrom = "{source}"\ntimeframes = ["{timeframe}"]\n'
SOURCE = '\n[sources.other]\nuse = "synthetic"\nproducts = ["{product}"]\nstart = "2026-01-05T10:00:00Z"\n'


def test_a_bar_of_a_product_comes_from_one_window() -> None:
    (said,) = told(SMALL + WINDOW.format(source="market", timeframe="5m"))
    assert said.endswith(
        "[operators.more] would give the same bars of 5m as [operators.bars]; "
        "have each timeframe of a product in one of the two"
    )
    (said,) = told(SMALL + SOURCE.format(product="BTCUSD") + WINDOW.format(source="other", timeframe="1m"))
    assert "the same bars of 1m" in said


def test_windows_of_other_products_or_other_timeframes_stand_beside_each_other() -> None:
    assert plan_of(SMALL + WINDOW.format(source="market", timeframe="15m"))
    assert plan_of(SMALL + SOURCE.format(product="XAUUSD") + WINDOW.format(source="other", timeframe="1m"))


def test_a_guard_whose_trades_nobody_sends_or_keeps_is_told() -> None:
    assert warned(SMALL) == []
    assert warned(SMALL + ACCOUNT + GUARD.format(account="demo-2")) == [
        "[risk.second]: no executor takes what it approves, so nothing is sent; "
        "name risk.second in the `from` of an executor",
        "[risk.second]: no store keeps its decisions, so `why` knows none of them; "
        "name risk.second in the `from` of a store",
    ]
    assert warned(SMALL.replace('from = ["risk.main", "orders"]', 'from = "risk.main"')) == [
        "[sinks.orders]: no store keeps its orders, so `report` lacks them, and after a restart limits do; "
        "name sinks.orders in the `from` of a store"
    ]


def test_a_timeframe_or_a_product_that_only_a_guard_names_is_told() -> None:
    guarded = 'max_daily_loss = "20.00"'
    assert warned(SMALL.replace(guarded, f'{guarded}\nthreshold = {{ "3m" = 0.1 }}')) == [
        "[risk.main]: threshold names 3m, of which there are no bars; name one of 1m, 5m, or take it out"
    ]
    together = 'together = { max_at_stake = "5.00", groups = { usd = ["EURUSD", "GBPUSD"] } }'
    assert warned(SMALL.replace(guarded, f"{guarded}\n{together}")) == [
        "[risk.main]: together names GBPUSD, which no source has; name one of BTCUSD, EURUSD, or take it out"
    ]


def test_a_stake_that_weighs_probabilities_and_hears_scores_is_told() -> None:
    (said,) = warned(SMALL.replace('{ use = "fixed", amount = "1.00" }', '{ use = "kelly" }'))
    assert said.startswith("[risk.main]: its stake weighs probabilities, but ensembles.main gives scores, so it puts")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('use = "ema_cross"', 'use = "ema_crass"'),
        ('fast = "fast"', 'fast = "fast"\nconfirm = "2"'),
        ("[providers.cross]", "[[providers.cross]]"),
        ('from = ["cross"]', 'from = ["crass"]'),
    ],
    ids=["a strategy that is none", "a key of the wrong type", "two brackets", "a provider that is none"],
)
def test_a_provider_that_could_not_be_made_is_no_second_mistake_of_its_ensemble(old: str, new: str) -> None:
    weighted = SMALL.replace('from = ["cross"]', 'from = ["cross"]\nweights = { cross = 1.0 }')
    assert len(told(weighted.replace(old, new))) == 1

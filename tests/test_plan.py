"""A flow file is checked whole: every mistake has its line and its mending, and what is right becomes a plan."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from copy import deepcopy
from decimal import Decimal
from typing import Any, cast

import numpy as np
import pytest
import tomlkit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import parts
from pipeline.__main__ import main
from pipeline.errors import PlanError, Problem
from pipeline.evidence import Closing, Inquiry, Terms
from pipeline.parts import Column, feature, registered
from pipeline.parts import provider as provider_part
from pipeline.plan import Edge, Plan
from pipeline.times import MINUTE
from pipeline.toml_scan import KeyPath
from pipeline.values import Bars, Columns, Floats, Gap, Held, Latch, Order, Past, Payouts, Quotes, Switched
from pipeline.wiring import REPLIES, TOLD
from tests.support import MONDAY, ROOT, SMALL, decided, plan_of, play, quotes

SHIPPED = (ROOT / "flows.toml").read_text(encoding="utf-8")


def problems(text: str) -> list[str]:
    """What `validate` would print."""
    with pytest.raises(PlanError) as caught:
        plan_of(text)
    return str(caught.value).splitlines()


def changed(old: str, new: str, text: str = SMALL) -> str:
    assert text.count(old) == 1, f"{old!r} must stand once in the flow"
    return text.replace(old, new)


ONE_MISTAKE = {
    "an unknown table": (
        "[moonlight]",
        "[moonlite]",
        "2:2: there is no table [moonlite]; did you mean 'moonlight'?",
    ),
    "an unknown key": (
        'timeframes = ["1m", "5m"]',
        'timeframe = ["1m", "5m"]',
        "21:1: [operators.bars] has no key 'timeframe'; did you mean 'timeframes'?",
    ),
    "an unknown key of a nested part": (
        'amount = "1.00"',
        'amuont = "1.00"',
        "40:26: [risk.main] stake has no key 'amuont'; did you mean 'amount'?",
    ),
    "a table where none belongs": (
        "block = 64",
        "block = { size = 64 }",
        "3:9: [moonlight] block is a table; write a whole number ≥ 32, ≤ 65536",
    ),
    "a number for a text": (
        'start = "2026-01-05T10:00:00Z"',
        "start = 2026",
        "16:9: [sources.market] start is 2026; write text",
    ),
    "a date for a text": (
        'start = "2026-01-05T10:00:00Z"',
        "start = 2026-01-05",
        '16:9: [sources.market] start is 2026-01-05; write it in quotes: "2026-01-05"',
    ),
    "a text for a number": (
        "period = 3",
        'period = "3"',
        "24:32: [features.fast] period is '3'; write a whole number ≥ 1, ≤ 1000",
    ),
    "a truth for a number": (
        "period = 3",
        "period = true",
        "24:32: [features.fast] period is true; write a whole number ≥ 1, ≤ 1000",
    ),
    "a number out of bounds": (
        "block = 64",
        "block = 16",
        "3:9: [moonlight] block is 16; write a whole number ≥ 32, ≤ 65536",
    ),
    "no number": (
        "payout = 0.9",
        "payout = nan",
        '11:10: [venues.practice] payout is nan; write a number > 0, ≤ 10 or "market"',
    ),
    "an amount without quotes": (
        'amount = "1.00"',
        "amount = 1.5",
        '40:35: [risk.main] stake amount is 1.5; write an amount in quotes: "1.5"',
    ),
    "a whole amount without quotes": (
        'balance = "100.00"',
        "balance = 100",
        '7:11: [accounts.demo-1] balance is 100; write an amount in quotes: "100"',
    ),
    "an amount that is none": (
        'max_daily_loss = "20.00"',
        'max_daily_loss = "NaN"',
        "41:18: [risk.main] max_daily_loss is 'NaN'; write an amount like \"1.00\"",
    ),
    "a text for a list": (
        'products = ["EURUSD", "BTCUSD"]',
        'products = "EURUSD"',
        "15:12: [sources.market] products is 'EURUSD'; write a list: [\"EURUSD\"]",
    ),
    "an empty list": (
        'accounts = ["demo-1"]',
        "accounts = []",
        "39:12: [risk.main] accounts is empty; write a list of text",
    ),
    "one wrong thing in a list": (
        'timeframes = ["1m", "5m"]',
        'timeframes = ["1m", "5 minutes"]',
        "21:21: [operators.bars] no. 2 of timeframes is '5 minutes'; write a timeframe such as 1m, 5m, 15m, 1h, 1d",
    ),
    "a timeframe that does not fill a day": (
        'timeframes = ["1m", "5m"]',
        'timeframes = ["7m"]',
        "21:14: [operators.bars] timeframes '7m' does not divide a day into whole slots; "
        "use one of 1m, 5m, 15m, 1h, 4h, 1d",
    ),
    "a timeframe twice": (
        'timeframes = ["1m", "5m"]',
        'timeframes = ["60m", "1h"]',
        "21:14: [operators.bars] timeframes has the same one twice; write each once",
    ),
    "a provider twice": (
        'from = ["cross"]',
        'from = ["cross", "cross"]',
        "34:18: [ensembles.main] from names 'cross' twice; name it once",
    ),
    "an account twice": (
        'accounts = ["demo-1"]',
        'accounts = ["demo-1", "demo-1"]',
        "39:23: [risk.main] account 'demo-1' would be decided for twice; name each account once, in one guard",
    ),
    "a number as text": (
        'use = "ema_cross"',
        'use = "14"',
        "28:7: [providers.cross] there is no provider '14'; a number stands without quotes and point: use = 14",
    ),
    "a strategy nobody has": (
        'use = "ema_cross"',
        'use = "zzz"',
        f"28:7: [providers.cross] there is no provider 'zzz'; `list providers` shows all {len(registered('provider'))}",
    ),
    "a threshold of nothing": (
        'accounts = ["demo-1"]',
        'accounts = ["demo-1"]\nthreshold = {}',
        '40:13: [risk.main] threshold names no timeframe, so nothing is traded; write { "1m" = 0.35 }, or a number',
    ),
    "a length for a setting": (
        "block = 64",
        'block = 64\nentry_delay = "0ms"',
        "4:15: [moonlight] entry_delay is '0ms'; write a duration such as 500ms, 30s, 5m",
    ),
    "a wrong word": (
        "[moonlight]",
        '[moonlight]\nmode = "papre"',
        "3:8: [moonlight] mode is 'papre'; use one of paper, live, replay",
    ),
    "real money on paper": (
        'balance = "100.00"',
        'balance = "100.00"\nmoney = "real"',
        "8:9: [accounts.demo-1] money is 'real', but mode is 'paper'; "
        'set mode = "live" in [moonlight], or money = "practice" here',
    ),
    "real money without a word of how much": (
        '[moonlight]\nblock = 64\n\n[accounts.demo-1]\nvenue = "practice"\nbalance = "100.00"',
        '[moonlight]\nmode = "live"\n[accounts.demo-1]\nvenue = "practice"\nmoney = "real"',
        "4:11: [accounts.demo-1] does not say its balance, and stakes and limits that are shares count from it; "
        "write what of the account's money the flow may count on",
    ),
    "a demo that is replayed": (
        "[moonlight]\nblock = 64\n\n[accounts.demo-1]",
        '[moonlight]\nmode = "replay"\n[accounts.demo-1]\nmoney = "demo"',
        "5:9: [accounts.demo-1] money is 'demo', but mode is 'replay'; "
        'set mode = "live" in [moonlight], or money = "practice" here',
    ),
    "a currency": (
        'balance = "100.00"',
        'currency = "usd"',
        "7:12: [accounts.demo-1] currency is 'usd'; write three to five capital letters such as USD",
    ),
    "a time zone": (
        "[moonlight]",
        '[moonlight]\ndisplay_timezone = "Istanbul"',
        "3:20: [moonlight] display_timezone 'Istanbul' is not known; write one like Europe/Istanbul",
    ),
    "an unknown part": (
        'use = "ema_cross"',
        'use = "emacross"',
        "28:7: [providers.cross] there is no provider 'emacross'; did you mean 'ema_cross'?",
    ),
    "no part": (
        'use = "ema_cross"\n',
        "",
        "27:12: [providers.cross] does not say which provider it is; add use = \"…\"; did you mean 'ema_cross'?",
    ),
    "an unknown nested part": (
        'use = "fixed"',
        'use = "fixd"',
        "40:17: [risk.main] stake: there is no stake 'fixd'; did you mean 'fixed'?",
    ),
    "a nested part that is no table": (
        'stake = { use = "fixed", amount = "1.00" }',
        'stake = "1.00"',
        '40:9: [risk.main] stake must be a table; write stake = { use = "…" }',
    ),
    "a missing key": (
        'max_daily_loss = "20.00"\n',
        "",
        "36:7: [risk.main] needs max_daily_loss; add max_daily_loss = … (amount)",
    ),
    "a rule between keys": (
        'max_daily_loss = "20.00"',
        'max_daily_loss = "20.00"\nmin_payout = 0.9\nmax_payout = 0.8',
        "42:14: [risk.main] min_payout 0.9 is above max_payout 0.8; change it",
    ),
    "a rule of a nested table": (
        'max_daily_loss = "20.00"',
        'max_daily_loss = "20.00"\npermit = { hours = "7-20" }',
        "42:20: [risk.main] permit hours '7-20' is not a span of a day; write it like 07:00-20:30",
    ),
    "an unknown node": (
        'from = "market"',
        'from = "markt"',
        "20:8: [operators.bars] from: there is no node 'markt'; did you mean 'market'?",
    ),
    "no node": (
        'from = ["cross"]',
        "from = []",
        "34:8: [ensembles.main] from is empty; name a node in it",
    ),
    "a number for a node": (
        'from = ["cross"]',
        "from = [7]",
        "34:9: [ensembles.main] from holds 7; name nodes in quotes",
    ),
    "no input": (
        'from = "market"\n',
        "",
        "18:12: [operators.bars] does not say where its input comes from; "
        'add from = "…": a node that gives Quotes | Bars | Link',
    ),
    "a node of another type": (
        'from = "risk.main"',
        'from = "bars"',
        "45:8: [sinks.orders] from: operators.bars gives Bars | Revised | Forming | NoData | Gap | Dropped | Noticed, "
        "executor takes Approved | Latch; use one of main",
    ),
    "a node that names itself": (
        'from = "market"',
        'from = "bars"',
        "20:8: [operators.bars] takes from itself; name another node",
    ),
    "a name that two nodes have": (
        'from = "market"',
        'from = "market"\n[sources.bars]\nuse = "synthetic"\nproducts = ["X"]\n'
        '[operators.more]\nuse = "window"\nfrom = "bars"',
        "26:8: [operators.more] from: 'bars' could be sources.bars, operators.bars; write the full name",
    ),
    "an input that is wired by itself": (
        'use = "ema_cross"',
        'use = "ema_cross"\nfrom = "bars"',
        "29:1: [providers.cross] takes nothing from another node by name; remove `from`",
    ),
    "wiring of a feature": (
        'slow = { use = "sma", period = 8 }',
        'slow = { use = "sma", period = 8, from = "bars" }',
        "25:35: [features.slow] has no key 'from'; use one of period, price, use",
    ),
    "a fault rule of a feature": (
        'slow = { use = "sma", period = 8 }',
        'slow = { use = "sma", period = 8, on_fault = "stop" }',
        "25:35: [features.slow] has no key 'on_fault'; use one of period, price, use",
    ),
    "an unknown fault rule": (
        'use = "ema_cross"',
        'use = "ema_cross"\non_fault = "ignore"',
        '29:12: [providers.cross] on_fault is \'ignore\'; write "restart" or "stop"',
    ),
    "an unknown column": (
        'fast = "fast"',
        'fast = "fasst"',
        "29:8: [providers.cross] fast: there is no column 'fasst'; did you mean 'fast'?",
    ),
    "a feature called as a price": (
        'slow = { use = "sma", period = 8 }',
        'slow = { use = "sma", period = 8 }\nclose = { use = "sma" }',
        "26:1: [features] close is a column every bar has; give the feature another name",
    ),
    "an unknown account": (
        'accounts = ["demo-1"]',
        'accounts = ["demo-1", "demo1"]',
        "39:23: [risk.main] there is no account 'demo1'; did you mean 'demo-1'?",
    ),
    "an unknown venue": (
        'venue = "practice"',
        'venue = "practise"',
        "6:9: [accounts.demo-1] there is no venue 'practise'; did you mean 'practice'?",
    ),
    "weights that name nobody": (
        'from = ["cross"]',
        'from = ["cross"]\nweights = { corss = 2.0 }',
        "35:11: [ensembles.main] weights names 'corss', which is not one of its providers: cross; "
        "add it to `from`, or name one of these",
    ),
    "too short a look back": (
        "block = 64",
        "block = 64\nlookback = 8",
        "4:12: [moonlight] lookback is 8, the features need 30 bars; set it to 30 or more, or leave it out",
    ),
    "a value for a table": (
        'fast = { use = "sma", period = 3 }',
        "fast = 3",
        "24:1: features.fast is not a table; write [features.fast] on a line of its own, its keys below",
    ),
    "no list of tests": (
        "[moonlight]",
        "test = 3\n[moonlight]",
        "2:1: test is not a list of tables; write [[test]] with two brackets",
    ),
}


@pytest.mark.parametrize(("old", "new", "sentence"), ONE_MISTAKE.values(), ids=ONE_MISTAKE)
def test_a_mistake_is_one_sentence_with_its_place_and_its_mending(old: str, new: str, sentence: str) -> None:
    assert problems(changed(old, new)) == [f"flows.toml:{sentence}"]


def test_a_ring_of_nodes_is_drawn_once() -> None:
    ring = '[operators.one]\nuse = "window"\nfrom = "two"\n[operators.two]\nuse = "window"\nfrom = "one"\n'
    (found,) = problems(SMALL + ring)
    assert re.search(r"\[operators\.(one|two)\] takes from itself: operators\.(\w+) → .* → operators\.\2;", found)
    assert found.endswith("break the ring")


TEN = """\
[moonlight]
display_timezone = "Mars/Olympus"

[acounts.demo-2]
venue = "practice"

[accounts.demo-1]
venue = "practise"

[venues.practice]
use = "practice"

[sources.market]
use = "sintetic"
products = ["EURUSD"]

[operators.bars]
use = "window"
from = "markt"
timeframes = ["1m", "soon"]

[features]
rsi = { use = "rsi", period = 0 }

[providers.fade]
use = "rsi_reversal"
rsi = "rsy"

[ensembles.main]
use = "weighted"
from = ["fade"]
gain = "high"

[risk.main]
use = "guard"
accounts = ["demo-1"]
stake = { use = "fixed", amount = 1.5 }
max_daily_loss = "25"

[sinks.orders]
use = "executor"
from = "fade"
"""


def test_ten_mistakes_are_told_at_once_in_the_order_of_the_file_and_none_twice() -> None:
    assert problems(TEN) == [
        "flows.toml:2:20: [moonlight] display_timezone 'Mars/Olympus' is not known; write one like Europe/Istanbul",
        "flows.toml:4:2: there is no table [acounts]; did you mean 'accounts'?",
        "flows.toml:8:9: [accounts.demo-1] there is no venue 'practise'; did you mean 'practice'?",
        "flows.toml:14:7: [sources.market] there is no source 'sintetic'; did you mean 'synthetic'?",
        "flows.toml:20:21: [operators.bars] no. 2 of timeframes is 'soon'; "
        "write a timeframe such as 1m, 5m, 15m, 1h, 1d",
        "flows.toml:23:31: [features.rsi] period is 0; write a whole number ≥ 2, ≤ 1000",
        "flows.toml:27:7: [providers.fade] rsi: there is no column 'rsy'; did you mean 'rsi'?",
        "flows.toml:32:8: [ensembles.main] gain is 'high'; write a number > 0",
        'flows.toml:37:35: [risk.main] stake amount is 1.5; write an amount in quotes: "1.5"',
        "flows.toml:42:8: [sinks.orders] from: providers.fade gives Votes, executor takes Approved | Latch; "
        "name a node that gives Approved | Latch",
    ]


PYTHON_WORDS = re.compile(
    r"\b(str|int|float|bool|dict|tuple|NoneType|object|array|enum|Decimal|datetime|regex|None|True|False|Traceback|"
    r"Error|Exception|Annotated|Mapping|lambda)\b|<class|object at 0x"
)


@pytest.mark.parametrize("text", [TEN, *(changed(old, new) for old, new, _ in ONE_MISTAKE.values())])
def test_no_message_speaks_python(text: str) -> None:
    assert [found for found in problems(text) if PYTHON_WORDS.search(found)] == []


# --- what is right ---------------------------------------------------------------------------------------------------


def test_what_is_left_out_has_its_default_and_what_follows_from_the_flow_is_filled_in() -> None:
    plan = plan_of()
    assert (plan.name, plan.settings.mode, plan.settings.display_timezone) == ("flows", "paper", "UTC")
    guard, window = plan.by_id["risk.main"].instance, plan.by_id["operators.bars"].instance
    assert (guard.cool_down, guard.balances) == ("30s", {"demo-1": Decimal("100.00")})
    assert (window.grace_ms, window.contexts) == (500, {tf: plan.anchoring.context(tf) for tf in (MINUTE, 5 * MINUTE)})
    assert plan.by_id["ensembles.main"].instance.providers == ("cross",)
    assert plan.anchoring.context(MINUTE) == 30 + 64 - 1 + 1


def test_a_part_may_be_named_by_its_table() -> None:
    plan = plan_of(changed('[venues.practice]\nuse = "practice"', "[venues.practice]"))
    assert plan.by_id["venues.practice"].part.name == "practice"


def test_money_and_gates_stop_the_flow_when_they_fail_the_rest_begins_anew() -> None:
    faults = {node.id: node.on_fault for node in plan_of().nodes}
    assert faults == {
        "venues.practice": "stop",
        "sources.market": "stop",
        "operators.bars": "restart",
        "providers.cross": "restart",
        "ensembles.main": "restart",
        "risk.main": "stop",
        "sinks.orders": "stop",
        "sinks.ledger": "stop",
    }


@pytest.mark.parametrize("text", [SMALL, SHIPPED], ids=["small", "shipped"])
def test_a_node_comes_after_all_it_takes_from(text: str) -> None:
    plan = plan_of(text)
    place = {node.id: number for number, node in enumerate(plan.nodes)}
    for edge in plan.edges:
        if not edge.closes and edge.source in place and edge.target in place:
            assert place[edge.source] < place[edge.target], edge


def carried(plan: Plan, source: str, target: str) -> set[tuple[type[Any], ...]]:
    return {edge.types for edge in plan.edges if (edge.source, edge.target) == (source, target)}


def test_gate_executor_and_venue_are_joined_without_a_word_in_the_file() -> None:
    plan = plan_of()
    assert carried(plan, "sources.market", "venues.practice") == {(Quotes, Bars), (Payouts,)}
    assert carried(plan, "venues.practice", "risk.main") == {(Payouts,)}
    assert carried(plan, "venues.practice", "sinks.orders") == {REPLIES}
    assert carried(plan, "ledger", "risk.main") == {(Past, Latch, Switched, Held)}
    assert carried(plan, "ledger", "sinks.orders") == {TOLD}
    assert {(edge.source, edge.target) for edge in plan.edges if edge.closes} == {
        ("sinks.orders", "risk.main"),
        ("sinks.orders", "venues.practice"),
        ("operators.bars", "sources.market"),
    }
    assert carried(plan, "sinks.orders", "venues.practice") == {(Order, Inquiry, Closing)}
    assert carried(plan, "operators.bars", "sources.market") == {(Gap,)}


@pytest.mark.parametrize(
    "text",
    [SMALL, SHIPPED],
    ids=["small", "shipped"],
)
def test_no_edge_stands_twice_though_two_gates_share_executor_and_venue(text: str) -> None:
    edges = plan_of(text).edges
    assert len(edges) == len(set(edges))


SECOND_VENUE = """
[accounts.other]
venue = "second"

[venues.second]
use = "practice"

[risk.second]
use = "guard"
from = "main"
accounts = ["other"]
stake = { use = "fixed", amount = "1.00" }
max_daily_loss = "20.00"
"""


def test_an_executors_orders_go_to_the_venue_of_their_account() -> None:
    plan = plan_of(changed('from = "risk.main"\n', 'from = ["risk.main", "second"]\n', SMALL + SECOND_VENUE))
    theirs = {edge.target: edge.accounts for edge in plan.into("venues.practice") + plan.into("venues.second")}
    assert theirs == {"venues.practice": frozenset({"demo-1"}), "venues.second": frozenset({"other"})}


def test_an_executor_knows_the_terms_of_the_accounts_it_sends_for_and_no_others() -> None:
    text = changed('from = "risk.main"\n', 'from = ["risk.main", "second"]\n', SMALL + SECOND_VENUE)
    plan = plan_of(text)
    both = {name: Terms("practice", plan.by_id["venues.practice"].instance.evidence) for name in ("demo-1", "other")}
    assert plan.by_id["sinks.orders"].instance.terms == both
    apart = plan_of(SMALL + SECOND_VENUE + '[sinks.others]\nuse = "executor"\nfrom = "second"\n')
    assert {name: list(apart.by_id[name].instance.terms) for name in ("sinks.orders", "sinks.others")} == {
        "sinks.orders": ["demo-1"],
        "sinks.others": ["other"],
    }


def test_two_executors_for_one_account_are_refused_since_neither_could_tell_its_contracts() -> None:
    with pytest.raises(PlanError) as told:
        plan_of(SMALL + '[sinks.others]\nuse = "executor"\nfrom = "risk.main"\n')
    assert (
        "[sinks.others] would send the orders of demo-1, as [sinks.orders] does; "
        "let one executor send all orders of an account" in str(told.value)
    )


def test_a_guard_of_accounts_at_two_venues_is_refused_since_their_payouts_may_be_others() -> None:
    with pytest.raises(PlanError) as told:
        plan_of(changed('accounts = ["demo-1"]', 'accounts = ["demo-1", "other"]', SMALL + SECOND_VENUE))
    assert (
        "[risk.main] its accounts are at venues.practice and venues.second, whose payouts it cannot tell apart; "
        "write a guard for each venue" in str(told.value)
    )


def test_a_node_that_nobody_takes_from_is_a_warning_with_its_place() -> None:
    plan = plan_of(SMALL + '[providers.idle]\nuse = "ema_cross"\nfast = "fast"\nslow = "slow"\n')
    line = SMALL.count("\n") + 1
    assert [warning.text(plan.file) for warning in plan.warnings] == [
        f"flows.toml:{line}:12: [providers.idle]: nothing takes what it gives; name it in a `from`, or remove it"
    ]


@pytest.mark.parametrize(("cutoff", "late"), [(59, ""), (60, "1m"), (300, "1m, 5m"), (299, "1m")])
def test_a_cutoff_that_leaves_no_time_in_a_slot_is_a_warning_with_its_place(cutoff: int, late: str) -> None:
    text = SMALL.replace('use = "executor"', f'use = "executor"\nentry_cutoff_seconds = {cutoff}')
    text = text.replace('timeframes = ["1m"]', 'timeframes = ["5m", "1m"]')
    line = text[: text.index("entry_cutoff")].count("\n") + 1
    told = (
        f"flows.toml:{line}:24: [sinks.orders]: entry_cutoff_seconds is {cutoff}, so no order of {late} is ever sent; "
        "write less than 60"
    )
    assert [each.text("flows.toml") for each in plan_of(text).warnings] == ([told] if late else [])


def test_edges_can_be_compared_and_kept_in_sets() -> None:
    assert Edge("a", "b", "c", (Bars,)) == Edge("a", "b", "c", (Bars,))


# --- adding an operator ----------------------------------------------------------------------------------------------


@pytest.fixture
def own_parts() -> Iterator[None]:
    """Two parts as somebody would write them: declared, they are there; nothing else knows of them."""

    @feature
    class Spread:
        """How far the close is from the open.

        Nobody needs it.
        """

        scale: float = 1.0

        outputs = ()

        def warmup(self) -> int:
            return 0

        def __call__(self, bars: Bars) -> Floats:
            return (bars.close - bars.open) * self.scale

    @provider_part
    class Follow:
        """Votes as the last bar went."""

        spread: Column
        strength: float = 0.5

        lookback = 0

        def __call__(self, columns: Columns) -> Floats:
            return np.sign(columns[self.spread]) * self.strength

    yield
    del Spread, Follow
    unregister("feature", "spread")
    unregister("provider", "follow")


def unregister(kind: parts.Kind, name: str) -> None:
    del parts._registry[kind][name]  # pyright: ignore[reportPrivateUsage]  # only a test takes a part back


@pytest.mark.usefixtures("own_parts")
def test_a_declared_part_is_listed_with_its_help_keys_types_and_defaults(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["list", "follow"]) == 0
    shown = capsys.readouterr().out
    assert "Votes as the last bar went." in shown
    assert "takes Columns, gives Votes" in shown
    assert re.search(r"spread +column \(required\)$", shown, re.MULTILINE)
    assert re.search(r"strength +number = 0.5", shown)
    assert main(["list", "features"]) == 0
    assert "Nobody needs it." in capsys.readouterr().out


@pytest.mark.usefixtures("own_parts")
def test_a_flow_runs_with_a_declared_part_and_a_table() -> None:
    text = changed('fast = { use = "sma", period = 3 }', 'spread = {}\nfast = { use = "sma", period = 3 }')
    text = changed('use = "ema_cross"\nfast = "fast"\nslow = "slow"', 'use = "follow"\nspread = "spread"', text)
    plan = plan_of(text)
    assert "spread" in plan.anchoring.names
    stamps = [MONDAY + second * 1000 for second in range(0, 70 * 60, 20)]
    rising = quotes("EURUSD", stamps, [1.1 + 1e-5 * step for step in range(len(stamps))])
    given_ = play(plan, [(MONDAY, "sources.market", rising)], MONDAY + 71 * MINUTE)
    scores = {row[5] for row in decided(given_).values()}
    assert scores == {0, 1}, "no direction before it is warm, up after"


def test_a_part_without_help_is_refused_where_it_is_declared() -> None:
    with pytest.raises(TypeError, match="provider Bare needs a docstring"):

        @provider_part
        class Bare:  # pyright: ignore[reportUnusedClass]  # it must not come to be
            def __call__(self, columns: Columns) -> Floats: ...

    assert "bare" not in registered("provider")


# --- anything --------------------------------------------------------------------------------------------------------

VALUES = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(["NaN", "1m", "main", "demo-1", "market", "9" * 400 + "d", "-1.00", "1E+999", "guard", "cross"]),
    st.dates(),
    st.datetimes(),
    st.just([]),
    st.just({}),
    st.lists(st.integers(), min_size=1, max_size=2),
    st.just(["demo-1", {"a": 1}]),
    st.just({"use": "fixed", "from": "main"}),
)


def every_key(table: Any, path: KeyPath = ()) -> list[KeyPath]:
    """The path of every key, and of every element of a list."""
    steps: Iterable[tuple[str | int, Any]] = ()
    if isinstance(table, dict):
        steps = cast("dict[str, Any]", table).items()
    elif isinstance(table, list):
        steps = enumerate(cast("list[Any]", table))
    return [each for step, value in steps for each in ((*path, step), *every_key(value, (*path, step)))]


DATA: dict[str, Any] = tomllib.loads(SHIPPED)
KEYS = every_key(DATA)


def mutated(path: KeyPath, change: str, value: Any) -> str:
    """The shipped flow with one key deleted, renamed, or with another value."""
    data = deepcopy(DATA)
    table: Any = data
    for step in path[:-1]:
        table = table[step]
    if change == "delete":
        del table[path[-1]]
    elif change == "rename" and isinstance(table, dict):
        table[f"{path[-1]}x"] = cast("dict[str | int, Any]", table).pop(path[-1])
    else:
        table[path[-1]] = value
    return tomlkit.dumps(data)


TEXTS = st.builds(mutated, st.sampled_from(KEYS), st.sampled_from(["delete", "rename", "retype"]), VALUES)
"""Flows in which something was done to a key."""


@settings(max_examples=25, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS)
def test_whatever_is_done_to_a_key_it_is_a_plan_or_problems_with_places(text: str) -> None:
    has_its_places(text)


@pytest.mark.slow
@settings(max_examples=500, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS)
def test_whatever_is_done_to_five_hundred_keys_it_is_a_plan_or_problems_with_places(text: str) -> None:
    has_its_places(text)


def has_its_places(text: str) -> None:
    for problem in found_in(text):
        assert 1 <= problem.line <= text.count("\n") + 1
        assert problem.fix


def found_in(text: str) -> tuple[Problem, ...]:
    try:
        plan_of(text)
    except PlanError as wrong:
        return wrong.problems
    return ()

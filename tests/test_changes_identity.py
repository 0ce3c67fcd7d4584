"""What becomes of each node when a flow's text changes: nothing more begins anew than must."""

from pathlib import Path

import pytest

from pipeline.changes.proposal import What
from pipeline.changes.proposing import propose
from pipeline.changes.steps import changes_of
from pipeline.errors import PlanError
from pipeline.lifecycle import Scope
from pipeline.times import MINUTE
from tests.support import ROOT, SMALL, order, plan_of

SHIPPED = (ROOT / "flows.toml").read_text(encoding="utf-8")


def changed(old: str, new: str) -> dict[str, What]:
    return {each.node: each.what for each in changes_of(plan_of(old), plan_of(new)) if each.what != "keep"}


def with_(*edits: tuple[str, str], text: str = SMALL) -> str:
    for before, after in edits:
        assert before in text, before
        text = text.replace(before, after)
    return text


def test_comments_layout_and_the_order_of_tables_change_nothing() -> None:
    head, _, tail = SHIPPED.partition("[features]")
    features, _, rest = tail.partition("[providers.cross]")
    moved = f"# a word\n{head.replace(' = ', '  =  ')}\n[providers.cross]{rest}\n[features]{features}"
    assert changed(SHIPPED, moved) == {}


def test_a_threshold_changes_its_guard_and_nothing_else() -> None:
    assert changed(SHIPPED, SHIPPED.replace("threshold = 0.35", "threshold = 0.4")) == {"risk.careful": "apply"}


def test_a_feature_is_exchanged_at_once_while_the_window_holds_enough() -> None:
    assert changed(SHIPPED, SHIPPED.replace("period = 21", "period = 22")) == {"features": "apply"}


def test_a_feature_that_looks_back_further_than_the_window_restarts_it_with_its_source() -> None:
    longer = changed(SMALL, SMALL.replace("period = 8", "period = 200"))
    assert longer == {"features": "apply", "operators.bars": "restart", "sources.market": "restart"}
    assert changed(SMALL.replace("period = 8", "period = 200"), SMALL) == {"features": "apply"}


def test_a_window_that_changes_takes_its_source_and_what_else_hears_that_with_it() -> None:
    assert changed(SHIPPED, SHIPPED.replace("grace_ms = 500", "grace_ms = 600")) == {
        "sources.market": "restart",
        "operators.bars": "restart",
        "operators.health": "restart",
    }


def test_what_hears_prices_alone_restarts_alone() -> None:
    assert changed(SHIPPED, SHIPPED.replace('use = "health"', 'use = "health"\nstale_after = "7s"')) == {
        "operators.health": "restart"
    }


def test_nodes_that_are_wired_otherwise_change_and_those_behind_them_go_on() -> None:
    """Rewired nodes that were not restarted are the bug of others."""
    rewired = SHIPPED.replace('from = ["cross", "trend", "fade"]', 'from = ["cross", "fade"]').replace(
        "cross = 1.0, trend = 0.6,", "cross = 1.0,"
    )
    found = {each.node: each for each in changes_of(plan_of(SHIPPED), plan_of(rewired))}
    assert found["ensembles.main"].what == "apply"
    assert "from" in found["ensembles.main"].keys
    assert found["risk.careful"].what == "keep"
    assert found["risk.careful"].why == "hears ensembles.main"


def test_a_stake_of_ones_own_is_another_one_when_its_file_is(tmp_path: Path) -> None:
    """It stands in the table of a guard, whose own file is the same."""
    rule = (
        "from decimal import Decimal\nfrom pipeline.parts import stake\nfrom pipeline.values import Bet\n@stake\n"
        'class Plain:\n    """Puts so much on each trade."""\n'
        "    def __call__(self, bet: Bet) -> Decimal:\n        return Decimal(1)\n"
    )
    own, edited = tmp_path / "own.py", rule.replace("Decimal(1)", "Decimal(50)")
    text = with_(
        ("block = 64", 'block = 64\nplugins = ["own.py"]'), ('{ use = "fixed", amount = "1.00" }', '{ use = "plain" }')
    )
    own.write_text(rule, encoding="utf-8")
    before, same = plan_of(text, tmp_path), plan_of(text, tmp_path)
    own.write_text(edited, encoding="utf-8")
    after = plan_of(text, tmp_path)
    plan_of()  # without the plug-in: what it declared is gone
    assert all(each.what == "keep" for each in changes_of(before, same))
    assert {each.node: each.what for each in changes_of(before, after) if each.what != "keep"} == {"risk.main": "apply"}


def test_a_plug_in_is_another_one_when_its_file_is(tmp_path: Path) -> None:
    own = """
import numpy as np
from pipeline.parts import provider
from pipeline.values import Columns, Floats

@provider
class Calm:
    '''Says the same of every bar.'''

    lookback = 0

    def __call__(self, columns: Columns) -> Floats:
        return np.full(len(columns), 0.5)
"""
    text = with_(
        ("block = 64", 'block = 64\nplugins = ["own.py"]'),
        ("[ensembles.main]", "[providers.calm]\n\n[ensembles.main]"),
        ('from = ["cross"]', 'from = ["cross", "calm"]'),
    )
    (tmp_path / "own.py").write_text(own)
    first, again = plan_of(text, tmp_path), plan_of(text, tmp_path)
    assert [each for each in changes_of(first, again) if each.what != "keep"] == []
    (tmp_path / "own.py").write_text(own.replace("0.5", "0.4"))
    other = {each.node: each.what for each in changes_of(first, plan_of(text, tmp_path)) if each.what != "keep"}
    assert other == {"providers.calm": "apply"}
    plan_of()  # without the plug-in: what it declared is gone


def test_a_node_that_others_need_cannot_go() -> None:
    with pytest.raises(PlanError, match="there is no node 'cross'"):
        plan_of(SMALL[: SMALL.index("[providers.cross]")] + SMALL[SMALL.index("[ensembles.main]") :])


# --- proposals -------------------------------------------------------------------------------------------------------

OTHER = '[accounts.demo-2]\nvenue = "practice"\n\n'
REFUSED = {
    ("block = 64", "block = 128"): "[moonlight] block cannot change from 64 to 128",
    ("block = 64", 'block = 64\nname = "other"'): "[moonlight] name cannot change",
    ("block = 64", 'block = 64\ndata = "elsewhere"'): "[moonlight] data cannot change",
    ('balance = "100.00"', 'balance = "200.00"'): "[accounts.demo-1] balance cannot change",
    (
        "[venues.practice]",
        '[accounts.demo-2]\nvenue = "practice"\n\n[venues.practice]',
    ): "[accounts.demo-2] cannot be added",
    ("payout = 0.9", 'payout = 0.9\ntie = "lose"'): "[venues.practice] tie and evidence cannot change",
    ('start = "2026-01-05T10:00:00Z"', 'start = "2026-01-05T10:00:00Z"\nspeed = 2'): "the clock of the flow",
    ("[sinks.orders]", "[sinks.sending]"): "the orders of demo-1 are sent by sinks.orders",
}


@pytest.mark.parametrize(("edit", "said"), REFUSED.items(), ids=lambda each: str(each)[:40])
def test_what_cannot_change_in_a_running_engine_is_refused_in_a_sentence(edit: tuple[str, str], said: str) -> None:
    text = with_(edit)
    if "sinks.sending" in text:
        text = text.replace('["risk.main", "orders"]', '["risk.main", "sending"]').replace(
            "[sinks.sending]\n", '[sinks.sending]\nuse = "executor"\n'
        )
        text = text.replace('use = "executor"\nuse = "executor"', 'use = "executor"')
    refused = propose(plan_of(), plan_of(text)).refused
    assert any(each.startswith(said) and "restart the engine for that" in each for each in refused), refused


def test_nothing_is_refused_of_what_may_change() -> None:
    text = with_(("max_daily_loss", "threshold = 0.5\nmax_daily_loss"), ("period = 8", "period = 9"))
    assert propose(plan_of(), plan_of(text)).refused == ()


def test_a_key_with_an_open_contract_is_held_where_something_of_it_begins_anew() -> None:
    later = with_(('timeframes = ["1m", "5m"]', 'timeframes = ["1m", "5m"]\ngrace_ms = 700'))
    mine = order(order="mine", expiry=5 * MINUTE)
    proposal = propose(plan_of(), plan_of(later), [mine, order("SETTLED", order="old", product="BTCUSD")])
    held = [each for each in proposal.keys if each.what == "held"]
    assert [(each.scope, each.orders) for each in held] == [(Scope("", "EURUSD", MINUTE), ("mine",))]
    assert proposal.waits_for == ("mine",)
    assert proposal.waits_until == 5 * MINUTE
    assert all(each.idle for each in proposal.keys)


def test_a_contract_does_not_hold_a_change_that_leaves_it_alone() -> None:
    proposal = propose(plan_of(), plan_of(with_(("max_daily_loss", "threshold = 0.5\nmax_daily_loss"))), [order()])
    assert proposal.waits_for == ()
    assert [(each.scope, each.what) for each in proposal.keys] == [(Scope(), "changed")]


def test_a_contract_does_not_hold_a_guard_of_another_name() -> None:
    """It knows what the one knew that had the account."""
    said = propose(plan_of(), plan_of(SMALL.replace("risk.main", "risk.third")), [order("CONFIRM")])
    assert said.waits_for == ()
    assert not any(each.idle for each in said.keys)


def test_keys_that_nobody_trades_any_more_are_gone_or_held() -> None:
    fewer = with_(('timeframes = ["1m", "5m"]', 'timeframes = ["1m"]'))
    proposal = propose(plan_of(), plan_of(fewer), [order(order="long", tf=5 * MINUTE)])
    said = {each.scope: each.what for each in proposal.keys}
    assert said[Scope("", "EURUSD", 5 * MINUTE)] == "held"
    assert said[Scope("", "BTCUSD", 5 * MINUTE)] == "gone"
    assert said[Scope("", "", MINUTE)] == "changed"


def test_accounts_of_another_guard_are_left() -> None:
    proposal = propose(plan_of(SHIPPED), plan_of(SHIPPED.replace("threshold = 0.35", "threshold = 0.4")))
    said = {each.scope.account: each.what for each in proposal.keys}
    assert said == {"demo-1": "changed", "demo-2": "changed", "demo-3": "left", "demo-4": "left"}

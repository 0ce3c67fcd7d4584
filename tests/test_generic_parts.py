"""The parts of a flow file that name a broker over HTTP: their keys, what is wrong with them, and a replay."""

from pathlib import Path
from typing import Any

import pytest

import sinks.http
import sources.http
from pipeline.errors import InputError, PlanError
from pipeline.permission import permission_of
from pipeline.plan import Plan
from pipeline.times import MINUTE
from pipeline.values import Order
from tests.support import MONDAY, SMALL, plan_of, play

BROKER = """
[venues.practice]
use = "http"
url = "https://api.broker.example/v1"
permission_page = "https://broker.example/terms/api"
jurisdiction = "Residents of the countries that its terms name."
rates = [{ per_minute = 120, per_hour = 5000, reserve = 30 }]
"""
FLOW = SMALL.replace('[venues.practice]\nuse = "practice"\npayout = 0.9\n', BROKER)
LIVE = FLOW.replace("[moonlight]\n", '[moonlight]\nmode = "live"\n').replace(
    '[accounts.demo-1]\nvenue = "practice"\n', '[accounts.demo-1]\nvenue = "practice"\nmoney = "demo"\n'
)


def problems(text: str) -> str:
    with pytest.raises(PlanError) as refused:
        plan_of(text)
    return str(refused.value)


def venue_of(plan: Plan) -> Any:
    (node,) = plan.of("venue")
    return node.instance


def test_a_flow_may_trade_at_a_broker_over_http() -> None:
    venue = venue_of(plan_of(LIVE))
    assert set(venue.holders) == {"demo-1"}
    assert venue.slots == (MINUTE, 5 * MINUTE)
    said = permission_of(venue)
    assert (said.statement, said.page, said.rehearsal) == (
        "Residents of the countries that its terms name.",
        "https://broker.example/terms/api",
        False,
    )
    assert [each.name for each in venue.login_fields] == ["username", "password", "otp"]


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ('permission_page = "https://broker.example/terms/api"\n', "", "[venues.practice] needs permission_page"),
        ('jurisdiction = "Residents of the countries that its terms name."\n', "", "needs jurisdiction"),
        ("https://broker.example/terms/api", "trust me", "permission_page is 'trust me'"),
        ("https://api.broker.example/v1", "http://api.broker.example/v1", "url is not encrypted"),
        ("https://api.broker.example/v1", "https://api.broker.example/v1?key=abc", "url has a query"),
        ("reserve = 30", "reserve = 120", "reserve 120 leaves nothing"),
        ("reserve = 30 }]", 'calls = ["buy"] }]', "calls"),
        ("reserve = 30 }]", "reserve = 30 }]\nspeed = 2.0", "only a practice venue's clock"),
        ("reserve = 30 }]", "reserve = 30 }]\npractice = true", 'practice = true is for "http://127.0.0.1:…"'),
        ("reserve = 30 }]", 'reserve = 30 }]\nsymbols = { A = "X", B = "X" }', "give each its own"),
        ("reserve = 30 }]", 'reserve = 30 }]\npayout_every = "100ms"', "payout_every 100ms is too often"),
        ("reserve = 30 }]", 'reserve = 30 }]\nstream_url = "wss://else.example"', 'hosts = ["else.example"]'),
    ],
)
def test_what_is_wrong_with_its_table_is_told_with_its_place(before: str, after: str, sentence: str) -> None:
    assert before in LIVE
    told = problems(LIVE.replace(before, after))
    assert sentence in told
    assert told.startswith("flows.toml:")
    assert "abc" not in told


def test_money_of_a_practice_venue_is_practice_money_and_no_other_is() -> None:
    told = problems(FLOW)
    assert 'no practice venue, and [accounts.demo-1] money is "practice"' in told
    here = LIVE.replace("https://api.broker.example/v1", "http://127.0.0.1:1/v1").replace(
        "reserve = 30 }]", "reserve = 30 }]\npractice = true"
    )
    assert 'write money = "practice"' in problems(here)


def test_a_flow_that_asks_more_often_than_the_broker_answers_is_refused_with_the_cheapest_change() -> None:
    polling = LIVE.replace("reserve = 30 }]", "reserve = 30 }]\nstream = false\npoll_seconds = 1")
    told = problems(polling.replace("per_minute = 120", "per_minute = 70"))
    assert "`requests` of demo-1" in told
    assert "for ends of contracts, every 1 s" in told
    assert plan_of(LIVE)


def test_a_replay_settles_by_the_flows_own_prices_where_it_says_what_a_win_pays() -> None:
    local = FLOW.replace("https://api.broker.example/v1", "http://127.0.0.1:1/v1")
    replaying = local.replace("reserve = 30 }]", "reserve = 30 }]\npractice = true\nreplay_payout = 0.8")
    given = play(plan_of(replaying), [], MONDAY + 20 * MINUTE, outside=("source", "venue"))
    ended = [each for _, each in given if isinstance(each, Order) and each.state == "SETTLED"]
    assert ended
    assert {str(each.profit) for each in ended} <= {"0.80", "-1.00"}


def test_a_replay_without_it_says_what_to_write() -> None:
    local = FLOW.replace("https://api.broker.example/v1", "http://127.0.0.1:1/v1")
    replaying = local.replace("reserve = 30 }]", "reserve = 30 }]\npractice = true")
    with pytest.raises(InputError, match="write replay_payout = 0\\.87"):
        play(plan_of(replaying), [], MONDAY + MINUTE, outside=("source", "venue"))


def test_prices_may_need_the_login_of_an_account_and_a_replay_has_none_of_them(tmp_path: Path) -> None:
    url, products = "https://api.broker.example/v1", ("EURUSD",)
    assert sources.http.Http(url=url, products=products).login_fields == ()
    needing = sources.http.Http(url=url, products=products, account="one")
    assert [each.name for each in needing.login_fields] == ["username", "password", "otp"]
    text = SMALL.replace('use = "synthetic"', f'use = "http"\nurl = "{url}"').replace(
        'start = "2026-01-05T10:00:00Z"', ""
    )
    with pytest.raises(InputError, match="data download"):
        play(plan_of(text, tmp_path), [], MONDAY + MINUTE, outside=("source",))
    with pytest.raises(ValueError, match="a product stands twice"):
        sources.http.Http(url=url, products=("EURUSD", "EURUSD"))
    assert sinks.http.Http.__doc__

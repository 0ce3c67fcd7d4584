"""What a flow file may say of Deriv, and what is said of mistakes in it."""

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.connections.contract import Busy, Connecting, Fetching
from pipeline.errors import PlanError
from pipeline.parts import registered
from pipeline.permission import permission_of
from pipeline.plan import Plan
from pipeline.secret import LoggingIn
from sinks.deriv import Deriv as Venue
from sources.deriv import Deriv as Source
from tests.support import plan_of

FLOW = """
[accounts.demo-1]
venue = "deriv"
money = "demo"

[venues.deriv]
use = "deriv"
app_id = "app"

[sources.market]
use = "deriv"
products = ["R_100"]

[operators.bars]
use = "window"
from = "market"
timeframes = ["1m"]

[features]
fast = { use = "sma", period = 2 }
slow = { use = "sma", period = 3 }

[providers.cross]
use = "ema_cross"
fast = "fast"
slow = "slow"

[ensembles.main]
use = "weighted"
from = ["cross"]

[risk.main]
use = "guard"
from = "main"
accounts = ["demo-1"]
stake = { use = "fixed", amount = "1.00" }
max_daily_loss = "20.00"

[sinks.orders]
use = "executor"
from = "main"
"""


def problems(text: str) -> str:
    with pytest.raises(PlanError) as wrong:
        plan_of(text)
    return str(wrong.value)


def venue_of(plan: Plan) -> Venue:
    return plan.by_id["venues.deriv"].instance


def test_a_flow_at_deriv_is_sound_as_it_stands() -> None:
    plan = plan_of(FLOW)
    assert plan.products == ("R_100",)
    venue = venue_of(plan)
    assert set(venue.holders) == {"demo-1"}
    assert (venue.slots, venue.products) == ((60_000,), ("R_100",))
    assert "deriv" in registered("venue")
    assert "deriv" in registered("source")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (('app_id = "app"', ""), "app_id is missing"),
        (
            ('app_id = "app"', 'practice = true\nurl = "https://api.derivws.com"'),
            "practice is for a venue on this machine",
        ),
        (('app_id = "app"', 'app_id = "app"\nspeed = 60'), "only a practice venue's clock goes at another pace"),
        (('app_id = "app"', 'app_id = "app"\nsymbols = { A = "R_10", B = "R_10" }'), "for two products"),
        (('app_id = "app"', 'app_id = "app"\npayout_every = "soon"'), "payout_every"),
        (('app_id = "app"', 'app_id = "app"\nurl = "http://api.derivws.com"'), "in the clear"),
        (('money = "demo"', ""), 'account demo-1 has money = "practice"'),
        (('money = "demo"', 'money = "demo"\ncurrency = "EUR"'), "account demo-1 is in EUR"),
        (('products = ["R_100"]', 'products = ["R_100", "R_100"]'), "stands twice"),
        (('products = ["R_100"]', 'products = ["R_100"]\nspeed = 2'), "only a practice venue's clock"),
        (('products = ["R_100"]', 'products = ["R_100"]\npractice = true'), "practice is for a venue on this machine"),
        (('products = ["R_100"]', 'products = ["R_100"]\nurl = "ws://api.derivws.com/x"'), "in the clear"),
        (('products = ["R_100"]', 'products = ["R_100"]\nurl = "ftp://api.derivws.com"'), "url is not an address"),
        (('app_id = "app"', 'app_id = "app"\nurl = "wss://api.derivws.com"'), "begins with wss://"),
        (('app_id = "app"', 'app_id = "app"\nurl = "https://me:secret@api.derivws.com"'), "accounts add"),
        (('app_id = "app"', 'app_id = "app"\nurl = "https://api.derivws.com/?token=abc"'), "has a query in it"),
        (('app_id = "app"', 'app_id = "app"\nhosts = ["https://x/y"]'), "names of hosts alone"),
        (('app_id = "app"', 'app_id = "app"\npayout_stake = "-1"'), "payout_stake -1 is no stake"),
        (('app_id = "app"', 'app_id = "app"\npayout_every = "1ms"'), "is too often"),
        (
            ('products = ["R_100"]', f"products = {[f'P{number}' for number in range(100)]}"),
            "at most 100 subscriptions",
        ),
    ],
)
def test_a_mistake_is_told_with_what_to_do(changed: tuple[str, str], words: str) -> None:
    assert words in problems(FLOW.replace(*changed))


def test_what_it_declares_of_itself() -> None:
    venue = Venue(app_id="app")
    assert venue.evidence.lists
    assert venue.evidence.closes
    assert not venue.evidence.once
    assert not venue.evidence.echoes
    assert (venue.evidence.late_ms, venue.evidence.stamps_ms) == (15_000, 2_000)
    assert (venue.tie, Venue(app_id="app", allow_equals=True).tie) == ("lose", "win")
    said = permission_of(venue)
    assert said.page.startswith("https://")
    assert "country" in said.statement
    assert not said.rehearsal
    assert permission_of(Venue(practice=True, url="http://127.0.0.1:1")).rehearsal
    assert isinstance(venue, LoggingIn)
    assert [(each.name, each.kind) for each in venue.login_fields] == [("account_id", "name"), ("token", "secret")]
    assert Venue(practice=True, url="http://127.0.0.1:1").login_fields == ()


def test_it_can_be_tried_and_downloaded_from_without_a_flow() -> None:
    assert isinstance(Venue(app_id="app"), Connecting)
    fetch: Callable[..., Any] = Source.feed
    declared: Fetching = Source(products=("R_100",))
    assert fetch is not None
    assert declared.feed is not None


def test_a_flow_that_asks_more_than_deriv_answers_is_refused_with_the_cheapest_change() -> None:
    many = "products = [" + ", ".join(f'"P{number}"' for number in range(30)) + "]"
    flow = FLOW.replace('products = ["R_100"]', many).replace('["1m"]', '["1m", "5m", "15m"]')
    told = problems(flow)
    assert "`trading` of demo-1" in told
    change = told[told.index("payout_every = ") :].splitlines()[0]
    plan_of(flow.replace('app_id = "app"', f'app_id = "app"\n{change}'))


def test_what_it_asks_for_grows_with_what_is_traded() -> None:
    plan = plan_of(FLOW)
    venue = venue_of(plan)

    def asked(products: tuple[str, ...], orders: int) -> dict[str, float]:
        hourly, questions = {"demo-1": orders * 60}, {"demo-1": 12.0}
        busy = Busy(products, (60_000,), {"demo-1": orders}, hourly, questions, {"demo-1": 90.0})
        found: dict[str, float] = {}
        for need in venue.needs(busy):
            found[need.call] = found.get(need.call, 0) + need.per_minute
        return found

    few, more = asked(("R_100",), 1), asked(("R_100", "R_50"), 2)
    assert few["buy"] == 1
    assert few["proposal"] == 1 + 2
    assert more["proposal"] == 2 + 4
    assert few["portfolio"] == more["portfolio"] == 12
    known = {call for limit in venue.limits() for call in limit.calls}
    assert {"proposal", "buy", "sell", "proposal_open_contract", "portfolio", "statement", "rest"} <= known

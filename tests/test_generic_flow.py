"""Whole flows at a broker over HTTP: decisions, orders, faults on the wire, and everything accounted for at the end."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipeline.broker.settings import Account
from pipeline.engine import Setting, ledger_of, running
from pipeline.evidence import Request, Standing, Trouble
from pipeline.flow import Flow
from pipeline.journal import Journal
from pipeline.plan import LEDGER
from pipeline.states import ENDED
from pipeline.values import Certificate, Latch, Order
from pipeline.verifying import verified
from tests.generic_rig import DEADLINE, Venue, run, venue
from tests.support import plan_of

SPEED = 240.0
FLOW = """
[moonlight]
mode = "paper"
block = 64

{accounts}

[venues.broker]
use = "http"
url = "{url}"
permission_page = ""
jurisdiction = "Nobody's money: everybody may."
practice = true
speed = {speed}
rates = [{{ per_minute = 5000, per_hour = 100000, reserve = 500 }}]
deadline_seconds = 1
payout_every = "300s"
{venue}

[sources.market]
use = "http"
url = "{url}"
products = ["R_10", "R_100"]
practice = true
speed = {speed}
rates = [{{ per_minute = 5000 }}]

[operators.bars]
use = "window"
from = "market"
timeframes = ["1m"]

[providers.cross]
use = "ema_cross"
fast = "close"
slow = "open"

[ensembles.main]
use = "weighted"
from = ["cross"]

[risk.main]
use = "guard"
from = "main"
accounts = [{names}]
stake = {{ use = "fixed", amount = "1.00" }}
max_daily_loss = "5000.00"

[sinks.orders]
use = "executor"
from = "risk.main"
answer_seconds = 240
ask_seconds = 30

[sinks.ledger]
use = "store"
from = ["risk.main", "orders"]
"""


@dataclass
class Lived:
    """What a flow gave, and a way to wait for it."""

    flows: list[Flow] = field(default_factory=list[Flow])
    orders: dict[str, Order] = field(default_factory=dict[str, Order])
    states: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    certificates: dict[str, Certificate] = field(default_factory=dict[str, Certificate])
    standings: list[Standing] = field(default_factory=list[Standing])
    troubles: list[Trouble] = field(default_factory=list[Trouble])
    more: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def flow(self) -> Flow:
        return self.flows[0]

    def told(self, node: str, value: Any) -> None:
        del node
        match value:
            case Order():
                self.orders[value.order] = value
                self.states.append((value.order, value.state))
            case Certificate():
                self.certificates[value.account] = value
            case Standing():
                self.standings.append(value)
            case Trouble():
                self.troubles.append(value)
            case _:
                return
        self.more.set()

    async def until(self, enough: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(2 * DEADLINE):
                while not enough():
                    self.more.clear()
                    more = asyncio.ensure_future(self.more.wait())
                    await asyncio.wait((more, self.flow.ended), return_when=asyncio.FIRST_COMPLETED)
                    more.cancel()
                    if self.flow.ended.done():
                        self.flow.ended.result()
        except TimeoutError:
            states = Counter(each.state for each in self.orders.values())
            raise AssertionError(f"not {what}: {states}, {self.standings[-4:]}, {self.troubles[-8:]}") from None

    def states_of(self, account: str) -> list[str]:
        """How an account stood with its broker, one after the other."""
        return [each.state for each in self.standings if each.account == account]

    @property
    def sent(self) -> list[Order]:
        return [each for each in self.orders.values() if each.sent_at]

    @property
    def alive(self) -> list[Order]:
        return [each for each in self.orders.values() if each.state not in ENDED]


def flow_of(there: Venue, accounts: Sequence[str] = ("demo-1",), venue_keys: str = "") -> str:
    tables = "\n\n".join(f'[accounts.{name}]\nvenue = "broker"\nmoney = "practice"' for name in accounts)
    names = ", ".join(f'"{name}"' for name in accounts)
    return FLOW.format(accounts=tables, names=names, url=there.url, speed=SPEED, venue=venue_keys)


async def lived(
    there: Venue, folder: Path, text: str, trade: Callable[[Lived], Awaitable[None]], *, record: Path | None = None
) -> Lived:
    """A flow that trades as long as `trade` waits, then ends its orders and is certified."""
    plan = plan_of(text, folder)
    begin = there.here.now()
    with ExitStack() as held:
        ledger = held.enter_context(ledger_of(plan))
        journal = held.enter_context(Journal(record, plan, begin, later=True)) if record is not None else None
        setting = Setting(mode="paper", begin=begin, clock=there.here.clock)
        made = Lived()
        async with running(plan, setting, ledger, ledger.past(begin), journal=journal, taps=(made.told,)) as flow:
            made.flows.append(flow)
            await trade(made)
            assert all(passage.conserved for passage in flow.passages)
    return made


async def calm(there: Venue, made: Lived) -> None:
    """Nothing goes wrong any more, nothing new is bought, and what was has ended; then all is certified."""
    there.broker.faults.clear()
    await made.until(lambda: all(each.state == "CONNECTED" for each in latest(made)), "connected")
    made.flow.enter(LEDGER, stop(made))
    await made.until(lambda: not made.alive, "over")
    at = made.flow.border.now()
    made.certificates.clear()
    made.flow.enter(LEDGER, Request("reconcile", "", at, "somebody"))
    paid = max((each.expiry for each in made.orders.values()), default=0)
    await made.until(lambda: any(each.as_of > paid for each in made.certificates.values()), "certified")


def latest(made: Lived) -> list[Standing]:
    return list({each.account: each for each in made.standings}.values())


def stop(made: Lived) -> Latch:
    return Latch("", True, made.flow.border.now(), "the test is over", "the test")


def test_a_flow_trades_over_http_and_every_cent_is_accounted_for_and_verify_needs_no_network(tmp_path: Path) -> None:
    tape = tmp_path / "tape"

    async def main() -> None:
        async with venue(speed=SPEED) as there:

            async def trade(made: Lived) -> None:
                await made.until(lambda: sum(each.state == "SETTLED" for each in made.orders.values()) >= 4, "traded")
                await calm(there, made)

            made = await lived(there, tmp_path, flow_of(there), trade, record=tape)
            (certificate,) = made.certificates.values()
            assert certificate.sound, certificate.unexplained
            assert certificate.intents == certificate.contracts >= 4
            assert certificate.closing == there.broker.balance("demo-1")
            assert not made.troubles

    run(main())
    assert verified(tape, tmp_path).difference is None


WITHOUT_STREAM = "stream = false\npoll_seconds = 120"
FAULTS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "asking": (
        WITHOUT_STREAM,
        [
            {"what": "lost_ack", "nth": 1},
            {"what": "http_503_accepted", "nth": 2},
            {"what": "lost_request", "nth": 3},
            {"what": "bad_body", "nth": 4},
            {"what": "http_401", "nth": 5},
            {"what": "reset_before", "nth": 6},
            {"what": "reset_after", "nth": 7},
            {"what": "http_429", "nth": 8},
            {"what": "call_http_503", "nth": 9},
        ],
    ),
    "hearing": (
        "",
        [
            {"what": "lost_ack", "nth": 2},
            {"what": "frame_lost", "nth": 5, "times": 9},
            {"what": "frame_duplicated", "nth": 30, "times": 20},
            {"what": "socket_dropped", "nth": 120},
            {"what": "outage", "after": "2m", "lasts": "20s"},
            {"what": "token_expiry", "after": "3m", "lasts": "10s"},
        ],
    ),
}


@pytest.mark.parametrize("kind", ["asking", pytest.param("hearing", marks=pytest.mark.slow)])
def test_unknown_outcomes_end_by_evidence_and_no_intent_has_two_contracts(tmp_path: Path, kind: str) -> None:
    keys, faults = FAULTS[kind]

    async def main() -> None:
        async with venue(speed=SPEED) as there:

            async def trade(made: Lived) -> None:
                for fault in faults:
                    there.strike(**fault)
                await made.until(lambda: len(made.sent) >= 10, "traded")
                await calm(there, made)

            made = await lived(there, tmp_path, flow_of(there, venue_keys=keys), trade)
            struck = {each.fault.what for each in there.broker.faults.struck}
            assert "lost_ack" in struck
            assert len(struck) >= 5
            assert ("UNKNOWN" in {state for _, state in made.states}) == (kind == "asking"), "the stream told in time"
            bought = Counter(each.request for each in there.broker.ended_contracts("demo-1"))
            assert set(bought.values()) == {1}
            had = {each.request for each in made.orders.values() if each.contract}
            assert had == set(bought), "every contract is an order's, and every order that has one knows it"
            (certificate,) = made.certificates.values()
            assert certificate.sound, certificate.unexplained

    run(main())


def test_four_accounts_share_nothing(tmp_path: Path) -> None:
    names = ("demo-1", "demo-2", "demo-3", "demo-4")
    accounts = {name: Account() for name in names}
    secrets: list[str] = []

    async def main() -> None:
        async with venue(speed=SPEED, accounts=accounts) as there:

            async def trade(made: Lived) -> None:
                await made.until(lambda: {each.account for each in made.sent} == set(names), "traded by each")
                await calm(there, made)

            made = await lived(there, tmp_path, flow_of(there, names), trade, record=tmp_path / "tape")
            tokens = {name: set[str]() for name in names}
            for asked in there.face.asked:
                if not asked.account:
                    continue
                for name in names:
                    mine = name == asked.account
                    assert mine or f"practice-{name}" not in asked.text
                    assert mine or f"{name}:" not in asked.text, "an order's id names its account"
                assert "cookie" not in asked.text.lower()
                bearer = asked.text.partition("Bearer ")[2].partition("'")[0]
                if bearer:
                    tokens[asked.account].add(bearer)
            assert all(tokens.values())
            everybody = [token for several in tokens.values() for token in several]
            assert len(everybody) == len(set(everybody)), "no token is anybody else's"
            secrets.extend((*everybody, *(f"practice-{name}" for name in names), "refresh-"))
            for name in names:
                known = {each.contract for each in made.orders.values() if each.account == name and each.contract}
                assert known == {each.id for each in there.broker.ended_contracts(name)}

    run(main())
    kept = [each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()]
    assert sum(map(len, kept)) > 10_000
    for secret in secrets:
        assert not any(secret.encode() in each for each in kept), "nothing is written that opens an account"


MODES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "maintenance": ({"what": "maintenance", "lasts": "3m"}, ("READ_ONLY", "CONNECTED")),
    "network": ({"what": "outage", "lasts": "2m"}, ("RECONNECT", "CONNECTED")),
    "silence": ({"what": "half_open", "lasts": "5m"}, ("RECONNECT", "CONNECTED")),
    "forbidden": ({"what": "ban"}, ("REAUTH", "REFUSED")),
}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.slow] if kind == "silence" else []) for kind in MODES]
)
def test_each_kind_of_failure_leads_to_its_own_mode_and_back(tmp_path: Path, kind: str) -> None:
    fault, path = MODES[kind]
    quick = "stream = false\npoll_seconds = 20"  # so that something is asked in any minute

    async def main() -> None:
        async with venue(speed=SPEED) as there:

            async def trade(made: Lived) -> None:
                await made.until(lambda: made.states_of("demo-1")[-1:] == ["CONNECTED"], "connected")
                begun = len(made.standings)
                there.strike(**fault)

                def gone_through() -> bool:
                    left = [each.state for each in made.standings[begun:]]
                    return [each for each in left if each in path][: len(path)] == list(path)

                await made.until(gone_through, f"{' and '.join(path)} after {kind}")

            made = await lived(there, tmp_path, flow_of(there, venue_keys=quick), trade)
            assert made.troubles

    run(main())


def test_too_many_calls_are_waited_out_and_the_account_stays_connected(tmp_path: Path) -> None:
    async def main() -> None:
        async with venue(speed=SPEED) as there:

            async def trade(made: Lived) -> None:
                await made.until(lambda: made.states_of("demo-1")[-1:] == ["CONNECTED"], "connected")
                there.strike(what="call_http_429", times=4)
                await made.until(lambda: any(each.kind == "throttle" for each in made.troubles), "throttled")
                await made.until(lambda: any(each.state == "SETTLED" for each in made.orders.values()), "traded")
                await calm(there, made)

            made = await lived(there, tmp_path, flow_of(there), trade)
            assert set(made.states_of("demo-1")) <= {"DISCONNECTED", "AUTHENTICATING", "CONNECTED"}
            (certificate,) = made.certificates.values()
            assert certificate.sound

    run(main())

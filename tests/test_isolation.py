"""Four accounts at one server in one run: what one has or meets is nothing to the others."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from aiohttp import web

from pipeline.broker import deriv_socket
from pipeline.broker.app import Served, serving
from pipeline.broker.core import Broker
from pipeline.broker.deriv_session import Dialect, Frame, Session
from pipeline.broker.faces import FACES
from pipeline.broker.faults import Fault
from pipeline.broker.settings import Account, Settings
from pipeline.broker.values import Purse
from pipeline.engine import Setting, running
from pipeline.evidence import Standing, Trouble
from pipeline.journal import Journal
from pipeline.ledger import Ledger
from pipeline.plan import Plan
from pipeline.values import Decisions, Order, Past
from tests.deriv_trading import PATIENCE, SPEED, played
from tests.support import plan_of

NAMES = ("banned-heron", "slowed-otter", "closed-raven", "trading-viper")
BANNED, SLOWED, CLOSED, TRADING = NAMES
"""Each name is a canary: nothing else is called so."""
PRODUCTS = ("R_10", "R_25", "R_50", "R_100")
GUARDS_NOTHING = "practice-"
"""What a practice token begins with; the account's name follows."""
FLOW = """
[moonlight]
block = 64

{accounts}
[venues.deriv]
use = "deriv"
url = "http://127.0.0.1:{port}"
practice = true
speed = {speed:g}
payout_slack = 0.05
max_clock_offset_ms = 20_000

[sources.market]
use = "deriv"
url = "ws://127.0.0.1:{port}/trading/v1/options/ws/public"
products = [{products}]
practice = true
speed = {speed:g}

[operators.bars]
use = "window"
from = "market"
timeframes = ["1m"]
grace_ms = 20_000

[features]
fast = {{ use = "sma", period = 2 }}
slow = {{ use = "sma", period = 3 }}

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
accounts = [{names}]
stake = {{ use = "fixed", amount = "5.00" }}
max_daily_loss = "500.00"
cool_down = "1s"

[sinks.orders]
use = "executor"
from = "main"
answer_seconds = 60

[sinks.store]
use = "store"
from = ["main", "orders"]
"""


class Traffic:
    """All that passes between the server and each account, as the server sees it."""

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {name: [] for name in ("", *NAMES)}
        self.cookies: dict[str, set[str]] = {name: set() for name in ("", *NAMES)}
        """The values of cookies that came back, by whose request brought them."""
        self._passes: dict[str, str] = {}

    def face(self, app: web.Application, broker: Broker) -> None:
        del broker

        @web.middleware
        async def seen(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            whose = self._whose(request)
            self.cookies[whose] |= set(request.cookies.values())
            self.texts[whose].append(f"{request.method} {request.path_qs} {dict(request.headers)}")
            response = await handler(request)
            if isinstance(response, web.Response) and whose:
                text = response.text or ""
                self.texts[whose].append(text)
                if request.path.endswith("/otp") and response.status == 200:
                    self._passes[json.loads(text)["data"]["url"].rpartition("=")[2]] = whose
                response.set_cookie("session", f"of-{whose}")
            return response

        app.middlewares.append(seen)

    def _whose(self, request: web.Request) -> str:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return self._passes.get(request.query.get("otp", ""), token.removeprefix(GUARDS_NOTHING))

    def session(self, broker: Broker, dialect: Dialect, purse: Purse | None, out: Any, address: str = "") -> Session:
        """A session of the server whose frames are kept, both ways."""
        whose, traffic = "" if purse is None else purse.account, self

        def told(frame: Frame) -> None:
            traffic.texts[whose].append(json.dumps(frame.table, default=str))
            out(frame)

        class Seen(Session):
            def take(self, text: str) -> None:
                traffic.texts[whose].append(text)
                super().take(text)

        return Seen(broker, dialect, purse, told, address)


class Life:
    """A flow of the four accounts at a server, and all that it gave."""

    def __init__(self, served: Served, traffic: Traffic) -> None:
        self.broker, self.traffic = served.broker, traffic
        self.values: list[Any] = []
        self._news = asyncio.Event()

    def take(self, node: str, value: Any) -> None:
        del node
        self.values.append(value)
        self._news.set()

    def of(self, kind: type[Any], account: str) -> list[Any]:
        return [each for each in self.values if isinstance(each, kind) and each.account == account]

    def orders(self, account: str) -> list[Order]:
        """Each as it stands."""
        return list({each.order: each for each in self.of(Order, account)}.values())

    def settled(self, account: str) -> list[Order]:
        return [each for each in self.orders(account) if each.state == "SETTLED"]

    def standing(self, account: str) -> str:
        return self.of(Standing, account)[-1].state

    def answered(self, account: str) -> list[int]:
        """How long each order of an account waited for its answer (ms of real time)."""
        return [round((each.taken_at - each.sent_at) / SPEED) for each in self.orders(account) if each.taken_at]

    def gates(self, account: str, since: int) -> list[str]:
        """What the guard decided of each row from a moment on."""
        return [
            "trade" if verdict < 0 else each.gates[verdict]
            for each in self.of(Decisions, account)
            for at, verdict in zip(each.at.tolist(), each.verdict.tolist(), strict=True)
            if at >= since
        ]

    def troubles(self, account: str) -> set[str]:
        return {each.kind for each in self.values if isinstance(each, Trouble) and each.whose == account}

    def strike(self, **fault: Any) -> None:
        self.broker.set(Fault(**fault))

    async def until(self, enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(3 * PATIENCE):
            while not enough():
                self._news.clear()
                await self._news.wait()


def flow_at(port: int) -> Plan:
    accounts = "\n".join(f'[accounts.{name}]\nvenue = "deriv"\nbalance = "10000.00"\n' for name in NAMES)
    products, names = (", ".join(f'"{each}"' for each in several) for several in (PRODUCTS, NAMES))
    return plan_of(FLOW.format(accounts=accounts, port=port, speed=SPEED, products=products, names=names))


async def lived(folder: Path, monkeypatch: pytest.MonkeyPatch, then: Callable[[Life], Awaitable[None]]) -> Life:
    """A flow in which each account has traded, and then something more."""
    traffic = Traffic()
    monkeypatch.setattr(deriv_socket, "Session", traffic.session)
    accounts = {name: Account() for name in NAMES}
    settings = Settings(port=0, memory="", speed=SPEED, begin="2026-01-05T08:00:00Z", accounts=accounts)
    async with serving(settings, faces=(traffic.face, *FACES)) as served:
        plan, life, clock = flow_at(served.port), Life(served, traffic), served.broker.clock
        setting = Setting(mode="paper", begin=clock.now(), clock=clock)
        with (
            Journal(folder / "session", plan, clock.now()) as journal,
            Ledger(folder / "ledger.db") as ledger,
        ):
            async with running(plan, setting, ledger, Past((), {}), journal=journal, taps=(life.take,)):
                await life.until(lambda: all(len(life.settled(name)) >= 2 for name in NAMES))
                await then(life)
    return life


def test_no_row_token_or_cookie_of_one_account_is_in_anothers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def reconnected(life: Life) -> None:
        """Each connects once more: what a connection leaves behind is there by then."""
        for name in NAMES:
            life.strike(what="socket_dropped", account=name)
        again = ["CONNECTED", "RECONNECT", "CONNECTED"]
        await life.until(lambda: all([e.state for e in life.of(Standing, n)][-3:] == again for n in NAMES))
        more = {name: len(life.settled(name)) + 1 for name in NAMES}
        await life.until(lambda: all(len(life.settled(name)) >= more[name] for name in NAMES))

    async def test() -> None:
        life = await lived(tmp_path, monkeypatch, reconnected)
        traffic, broker = life.traffic, life.broker
        for name in NAMES:
            others = [each for each in NAMES if each != name]
            everything = "\n".join(traffic.texts[name])
            assert f"{GUARDS_NOTHING}{name}" in everything, "its token is in its own"
            assert not [each for each in others if each in everything]
            assert traffic.cookies[name] <= {f"of-{name}"}
            contracts = {each.contract for each in life.orders(name) if each.contract}
            assert contracts
            assert all(broker.contract(name, each) is not None for each in contracts)
            assert not [each for other in others for each in contracts if broker.contract(other, each) is not None]
            told = {str(each.contract) for other in others for each in life.orders(other) if each.contract}
            assert not [each for each in told if each in everything]
        assert not [name for name in NAMES if name in "\n".join(traffic.texts[""])], "nobody's socket is nobody's"

    played(test)
    kept = b"".join(each.read_bytes() for each in tmp_path.rglob("*") if each.is_file())
    assert TRADING.encode() in kept
    assert GUARDS_NOTHING.encode() not in kept, "no token is kept"


@pytest.mark.slow
def test_a_banned_a_throttled_and_a_closed_account_show_their_mode_and_the_fourth_trades_on_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dict[str, Any]()

    async def struck(life: Life) -> None:
        before.update(
            settled=len(life.settled(TRADING)),
            waited=life.answered(TRADING),
            connections=len(life.of(Standing, TRADING)),
        )
        life.strike(what="ban", account=BANNED)
        life.strike(what="maintenance", account=CLOSED)
        life.strike(what="outage", account=SLOWED, lasts="10s")
        life.strike(what="call_rate_limit", account=SLOWED, times=1_000_000)
        modes = ["REFUSED", "RECONNECT", "READ_ONLY", "CONNECTED"]
        await life.until(lambda: [life.standing(name) for name in NAMES] == modes)
        before["moment"] = life.broker.now()
        await life.until(lambda: len(life.settled(TRADING)) >= before["settled"] + 6)
        assert [life.standing(name) for name in NAMES] == modes

    async def test() -> None:
        life = await lived(tmp_path, monkeypatch, struck)
        since: int = before["moment"]
        for name, kind in ((BANNED, "auth"), (SLOWED, "throttle"), (CLOSED, "maintenance")):
            assert "connection" in life.gates(name, since)
            assert "trade" not in life.gates(name, since)
            assert not [each for each in life.orders(name) if each.sent_at > since]
            assert kind in life.troubles(name)
        assert "trade" in life.gates(TRADING, since)
        assert "connection" not in life.gates(TRADING, since)
        assert life.troubles(TRADING) <= {"network"}, "at most a machine too slow for a clock that quick"
        assert len(life.of(Standing, TRADING)) == before["connections"]
        waited = life.answered(TRADING)[len(before["waited"]) :]
        assert len(waited) >= 4
        assert median(waited) < 3 * median(before["waited"]) + 100, "it does not wait for the others"

    played(test)

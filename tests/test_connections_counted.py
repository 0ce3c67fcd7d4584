"""How often each account asks its venue, and how long that takes, is counted over HTTP and sockets and kept."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from pipeline.broker.app import serving
from pipeline.broker.faults import Fault
from pipeline.broker.settings import Settings
from pipeline.connections.counts import Counts, Row
from pipeline.engine import Setting, running
from pipeline.evidence import Called
from pipeline.ledger import Ledger
from pipeline.metering import Meters
from pipeline.times import MINUTE
from pipeline.traffic import Traffic
from pipeline.values import Past
from tests.deriv_trading import SHORT, SPEED, Trader, failure_of, trading
from tests.deriv_trading import played as over_the_network
from tests.scripted import Played, Scripted
from tests.support import MONDAY
from tests.test_deriv_flow import Seen, flow_at

STORE = '[sinks.kept]\nuse = "store"\nfrom = ["main"]\n'
NAMES = ("requests_a_minute", "call_ms_mean")


def counted(trader: Trader, call: str) -> Row:
    """What was counted of one kind of call."""
    return next(row for row in trader.connector.counts.totals() if row.call == call)


class Counted(Scripted):
    """It counts what it is asked, on the clock of a flow that began on Monday."""

    def __init__(self, account: str = "demo-1", speed: float = 1.0) -> None:
        super().__init__(account)
        self.counts = Counts(lambda: MONDAY + int(asyncio.get_running_loop().time() * 1000 * speed))

    def asks(self, millis: float, *, fails: bool = False) -> None:
        self.counts.add("quote", millis, "network" if fails else None)


def test_what_an_account_asked_in_a_minute_is_told_at_its_end_and_a_quiet_minute_once() -> None:
    one, other = Counted("demo-1"), Counted("demo-2")
    desk = Played([one, other])
    desk.play(
        400,
        (10.0, lambda: one.asks(20.0)),
        (20.0, lambda: one.asks(40.0, fails=True)),
        (70.0, lambda: other.asks(5.0)),
        (250.0, lambda: one.asks(8.0)),
    )
    told = [(at, each.account, each.calls, each.failed, each.millis) for at, each in desk.said if type(each) is Called]
    assert told == [
        (60.0, "demo-1", 2, 1, 30.0),
        (120.0, "demo-1", 0, 0, 0.0),
        (120.0, "demo-2", 1, 0, 5.0),
        (180.0, "demo-2", 0, 0, 0.0),
        (300.0, "demo-1", 1, 0, 8.0),
        (360.0, "demo-1", 0, 0, 0.0),
    ]
    assert [each.at for each in desk.of(Called)][:2] == [MONDAY + MINUTE, MONDAY + 2 * MINUTE]


def test_a_minute_is_one_of_the_flows_clock_however_fast_that_goes() -> None:
    connector = Counted(speed=60.0)
    desk = Played([connector], speed=60.0)
    desk.play(5, (0.5, lambda: connector.asks(12.0)))
    assert [(at, each.calls) for at, each in desk.said if type(each) is Called] == [(1.0, 1), (2.0, 0)]


def test_a_connector_that_counts_nothing_tells_nothing() -> None:
    desk = Played([Scripted()])
    desk.play(200, (1.0, desk.send()))
    assert desk.of(Called) == []


def test_how_much_was_asked_and_how_long_it_took_are_numbers_of_the_account() -> None:
    meters = Meters()
    meters.tell(Called("demo-1", MONDAY, 42, 3, 12.5), MONDAY)
    (first,) = meters.measure(MONDAY + MINUTE)
    assert first.values == {"requests_a_minute": 42.0, "requests_failed": 3.0, "call_ms_mean": 12.5}
    meters.tell(Called("demo-1", MONDAY + MINUTE, 0, 0, 0.0), MONDAY + MINUTE)
    (then,) = meters.measure(MONDAY + 2 * MINUTE)
    assert then.values == {"requests_a_minute": 0.0, "requests_failed": 0.0, "call_ms_mean": 0.0}


def test_the_end_of_a_run_says_how_often_each_account_asked_and_how_long_that_took() -> None:
    traffic = Traffic()
    assert list(traffic.lines()) == []
    for n, calls in enumerate((1200, 600, 0), 1):
        traffic.told("venues.deriv", Called("demo-1", MONDAY + n * MINUTE, calls, 0, 10.0 * n))
    traffic.told("venues.deriv", Called("demo-2", MONDAY + MINUTE, 3, 2, 5.0))
    traffic.told("venues.deriv", Called("demo-3", MONDAY + MINUTE, 1, 0, 5.0))
    assert list(traffic.lines()) == [
        "demo-1 asked its venue 1,800 times: 600 a minute, 13.3 ms each",
        "demo-2 asked its venue 3 times: 3 a minute, 5 ms each, 2 failed",
        "demo-3 asked its venue once: 1 a minute, 5 ms each",
    ]
    assert traffic.rows()[1] == {"account": "demo-2", "calls": 3, "failed": 2, "a_minute": 3.0, "ms_mean": 5.0}


def test_calls_over_rest_and_over_the_socket_are_counted_by_their_kind_with_those_that_failed() -> None:
    async def test() -> None:
        async with trading() as trader:
            await trader.buy(tf=SHORT)
            before = counted(trader, "time").calls
            trader.broker.set(Fault(what="call_lost"))
            assert (await failure_of(trader.connector.clock())).kind == "network"
            await trader.connector.clock()
            time = counted(trader, "time")
            assert (time.calls, time.failures) == (before + 2, {"network": 1})
            assert time.mean_ms > 400 / time.calls  # the one that was lost took its whole deadline
            assert [counted(trader, each).calls for each in ("rest", "proposal", "buy")] == [2, 1, 1]

    over_the_network(test)


def test_a_flow_keeps_how_often_its_accounts_ask_in_the_ledger(tmp_path: Path) -> None:
    over_the_network(lambda: kept(tmp_path))
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        rows = db.execute("SELECT account, name, value FROM metrics WHERE name IN (?, ?)", NAMES).fetchall()
    for account in ("demo-1", "demo-2"):
        asked = [value for whose, name, value in rows if (whose, name) == (account, "requests_a_minute")]
        took = [value for whose, name, value in rows if (whose, name) == (account, "call_ms_mean")]
        assert max(asked) >= 5
        assert 0 < max(took) < 10_000


async def kept(folder: Path) -> None:
    """A flow that writes into a ledger, for three minutes of its clock."""
    async with serving(Settings(port=0, memory="", speed=SPEED, begin="2026-01-05T08:00:00Z")) as served:
        plan, seen, clock = flow_at(served.port, STORE), Seen(), served.broker.clock
        setting = Setting(mode="paper", begin=clock.now(), clock=clock)
        with Ledger(folder / "ledger.db") as ledger:
            async with running(plan, setting, ledger, Past((), {}), taps=(seen.take,)):
                await seen.until(lambda: len({(each.account, each.at) for each in seen.of(Called)}) >= 6)

"""What a venue over a network pays is kept as it changes, with each decision it was made on, and with each contract."""

import sqlite3
from contextlib import closing
from pathlib import Path

from pipeline.broker.app import serving
from pipeline.broker.settings import Settings
from pipeline.engine import Setting, running
from pipeline.ledger import Ledger
from pipeline.values import Past
from tests.deriv_trading import SPEED, played
from tests.test_deriv_flow import Seen, flow_at

STORE = '[sinks.kept]\nuse = "store"\nfrom = ["main", "orders"]\n'


def test_what_a_win_pays_is_kept_with_each_decision_and_with_each_contract(tmp_path: Path) -> None:
    sold: dict[str, float] = {}

    async def test() -> None:
        async with serving(Settings(port=0, memory="", speed=SPEED, begin="2026-01-05T08:00:00Z")) as served:
            plan, seen, clock = flow_at(served.port, STORE), Seen(), served.broker.clock
            setting = Setting(mode="paper", begin=clock.now(), clock=clock)
            with Ledger(tmp_path / "ledger.db") as ledger:
                async with running(plan, setting, ledger, Past((), {}), taps=(seen.take,)):
                    await seen.until(lambda: len([each for each in seen.ended() if each.contract]) >= 3)
                for account in ("demo-1", "demo-2"):
                    every = served.broker.open_contracts(account) + served.broker.ended_contracts(account)
                    sold.update({each.id: float(each.payout / each.stake) - 1 for each in every})

    played(test)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        kept = db.execute("SELECT product, ts, ratio FROM payouts ORDER BY ts").fetchall()
        traded = db.execute(
            "SELECT d.product, d.at, d.payout, o.payout, o.contract FROM decisions d "
            'JOIN orders o ON o."order" = d."order" WHERE o.contract <> ?',
            ("",),
        ).fetchall()
    assert len(traded) >= 3
    for product, at, decided_on, fixed, contract in traded:
        known = [ratio for name, ts, ratio in kept if name == product and ts <= at]
        assert decided_on == known[-1]
        assert abs(fixed - sold[contract]) < 0.005, "not what the venue sold it at"
        assert fixed >= decided_on - 0.05, "less than the flow takes"

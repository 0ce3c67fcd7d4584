"""How the dashboard, the accounts and the log look before an engine that always says the same, and before none."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.alerting.route import Alert
from pipeline.aside import Asking
from pipeline.control.accounts import Holders
from pipeline.control.beside import Beside
from pipeline.control.controls import Controls
from pipeline.control.showing import looked_at
from pipeline.control.telling import Records, Warnings
from pipeline.evidence import Standing
from pipeline.logs.book import LogBook
from pipeline.logs.levels import Levels
from pipeline.times import MINUTE
from pipeline.view import Halting, View
from tests import screens
from tests.sample_view import NOON, SAID
from tests.screens import golden, in_front, on_bench, run
from tests.support import order, plan_of


class Told:
    """Alerts that somebody should hear of, always the same."""

    def current(self) -> Sequence[Alert]:
        return (
            Alert("DAILY_LOSS_NEAR", "medium", "live-7", "live-7 has lost 20.00 today", NOON - 21 * MINUTE, number=3),
        )

    def since(self, number: int) -> Sequence[Alert]:
        told = (
            Alert("ENGINE_STARTED", "low", "", "flows has begun, mode paper", NOON - 60 * MINUTE, number=1),
            Alert("FEED_STALE", "medium", "XAUUSD", "no price of XAUUSD for 2m", NOON - 30 * MINUTE, number=2),
            *self.current(),
            Alert("FEED_STALE", "medium", "XAUUSD", "", NOON - 20 * MINUTE, on=False, lasted=10 * MINUTE, number=4),
            Alert("DISPUTE", "critical", "demo-1", "its venue contradicts itself", NOON - MINUTE, times=3, number=5),
        )
        return [each for each in told if each.number > number]


def fuller(view: View, ask: Asking, switch: Halting | None = None) -> Controls:
    """What the sample engine shows, with accounts, records and alerts beside it."""
    beside, book = Beside(plan_of()), LogBook(Levels("debug", {}), lambda: NOON)
    for number in range(9):
        won = number % 3 > 0
        facts = {"order": f"o{number}", "at": NOON - number * MINUTE, "expiry": NOON - number * MINUTE}
        result = order("SETTLED", result="win" if won else "lose", profit=9 if won else -10, **facts)
        beside.told("sinks.orders", result)
    beside.told("venues.deriv", Standing("demo-2", "RECONNECT", NOON - MINUTE, "the line broke"))
    for at, (level, text) in enumerate(SAID):
        book.say(level, "sinks.orders", text, f"demo-1:EURUSD:1m:{NOON}", {"state": "SEND"}, NOON - (12 - at) * 700)
    return replace(
        looked_at(view, ask, switch),
        holders=Holders(view, beside, ask),
        records=Records(book),
        warnings=Warnings(Told(), ask),
    )


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
@pytest.mark.parametrize("page", ["dash", "accounts", "logs"])
def test_the_pages_look_as_approved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str, size: tuple[int, int]
) -> None:
    monkeypatch.setattr(screens, "looked_at", fuller)

    async def main() -> None:
        async with on_bench(tmp_path, size, page=page) as bench:
            bench.shell.settings.welcomed = True
            assert bench.pilot is not None
            await bench.shows("✖3 alerts")
            await bench.pilot.pause(0.7)
            golden(f"{page}_{size[0]}x{size[1]}", bench.app)

    run(main())


@pytest.mark.slow
def test_enter_on_a_panel_leads_to_its_page(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, page="dash") as bench:
            for panel, page in (
                ("dash-accounts", "accounts"),
                ("dash-contracts", "trades"),
                ("dash-alerts", "logs"),
                ("dash-engine", "flow"),
                ("dash-log", "logs"),
            ):
                await bench.app.go("dash")
                bench.app.screen.set_focus(bench.app.query_one(f"#{panel}"))
                await bench.press("enter")
                await bench.until(lambda page=page: in_front(bench) == page)

    run(main())


def test_before_an_engine_came_each_page_says_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, page="dash", desk=False) as bench:
            await bench.shows("no engine is running in")
            for page in ("accounts", "logs"):
                await bench.app.go(page)
                await bench.shows("no engine is running in")

    run(main())

"""The two rows that are always there: who may change things, what presses, whose win rate, where a click leads."""

from pathlib import Path

from msgspec.structs import replace

from pipeline.alerting.route import Alert
from pipeline.view import Hello, Status
from tests.sample_view import NOON, SampleView
from tests.screens import Bench, in_front, on_bench, run
from tui.alarms import Alarms
from tui.status_row import StatusRow

REAL = "real USD 51.0 % (40.1–61.8) vs break-even 54.3 %, n=102, n_eff=80, ties 0"
DEMO = "demo USD 57.1 % (51.5–62.6) vs break-even 54.3 %, n=520, n_eff=301, ties 7"


class Kinds(SampleView):
    """Two kinds of money, no order of unknown fate, a live flow whose clock runs ahead."""

    def hello(self) -> Hello:
        return replace(super().hello(), mode="live")

    def status(self) -> Status:
        told = super().status()
        counts = replace(told.orders, unknown=0)
        return replace(told, orders=counts, win_rate_text=f"{DEMO}; {REAL}")


def test_a_win_rate_is_whole_or_not_there_and_real_money_comes_first(tmp_path: Path) -> None:
    def second(bench: Bench) -> str:
        return bench.text.split("\n")[1]

    async def main() -> None:
        async with on_bench(tmp_path, (200, 50), Kinds(), page="feed") as bench:
            await bench.until(lambda: f"{REAL}; {DEMO}" in second(bench))
            await bench.pilot.resize_terminal(120, 36)  # pyright: ignore[reportOptionalMemberAccess]
            await bench.until(lambda: f"{REAL}  +1 kind: 1" in second(bench))
            assert "demo USD" not in second(bench)
            await bench.pilot.resize_terminal(80, 24)  # pyright: ignore[reportOptionalMemberAccess]
            await bench.until(lambda: "vs break-even" not in second(bench))
            assert "orders 523" in second(bench)

    run(main())


def test_row_one_says_who_may_change_things_what_presses_and_that_clocks_differ_and_leads_there(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, (160, 40), Kinds(), page="feed") as bench:
            bench.shell.wall = lambda: NOON - 400
            row = bench.app.query_one(StatusRow)
            await bench.until(lambda: "lag" in bench.text and "clock" not in bench.text.split("\n")[0])
            assert "CONTROL" not in bench.text
            assert "alert" not in bench.text
            bench.shell.wall = lambda: NOON - 1_300
            await bench.press("ctrl+y")
            bench.shell.alarms.answer.value = Alarms(
                (), (Alert("LATCH", "critical", "live-7", "live-7 is stopped", 1),)
            )
            bench.shell.alarms.answer.version += 1
            await bench.shows("CONTROL", "✖1 alert", "!clock 1.3s ahead")
            assert bench.pilot is not None
            await bench.pilot.click(row, offset=(bench.text.split("\n")[0].index("live-7"), 0))
            await bench.until(lambda: in_front(bench) == "accounts")
            await bench.pilot.click(row, offset=(bench.text.split("\n")[0].index("✖1 alert"), 0))
            await bench.until(lambda: in_front(bench) == "dash")
            await bench.pilot.click(row, offset=(bench.text.split("\n")[1].index("orders"), 1))
            await bench.until(lambda: in_front(bench) == "trades")

    run(main())

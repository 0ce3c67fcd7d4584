"""Numbers of a flow that runs: asked for over HTTP, and told by its company."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from pipeline.clocks import PacedClock
from pipeline.company import Company
from pipeline.engine import Setting, running
from pipeline.telemetry import machine
from pipeline.telemetry.conserving import CONSERVATION
from pipeline.telemetry.counts import Counts
from pipeline.telemetry.machine import Machine
from pipeline.telemetry.onlooker import Onlooker
from pipeline.times import MINUTE
from pipeline.trying import NoRecords
from pipeline.values import Fault, Past
from tests.driven import bars_of
from tests.support import MONDAY, ROOT, SMALL, plan_of, quotes
from tests.test_metrics import Told, asked

SINK = """
[sinks.metrics]
use = "metrics"
port = 0
keys = {keys}
"""


def scraped(folder: Path, span: int, *, keys: bool) -> str:
    """The page of a flow that has run for so long of its market."""

    async def main() -> str:
        plan = plan_of(SMALL + SINK.format(keys=str(keys).lower()), folder)
        told, onlooker = Told(), Onlooker(plan)
        setting = Setting(mode="paper", begin=MONDAY, speed=6000)
        taps = (told.take, onlooker.told)
        async with running(plan, setting, NoRecords(), Past((), {}), taps=taps) as flow:
            url = await told.url
            onlooker.begins(flow)
            await flow.border.until(MONDAY + span)
            status, text = await asked(url)
            assert status == 200
            return text

    return asyncio.run(asyncio.wait_for(main(), 20))


def test_prometheus_is_told_how_the_flow_trades_and_by_key_where_the_sink_says_so(tmp_path: Path) -> None:
    text = scraped(tmp_path, 20 * MINUTE, keys=True)
    assert re.search(r'^moonlight_account_profit\{account="demo-1",currency="USD",money="paper"\} ', text, re.MULTILINE)
    assert re.search(r'^moonlight_key_profit\{account="demo-1",', text, re.MULTILINE)
    assert 'moonlight_edge_in_total{input="signals",source="ensembles.main",target="risk.main"}' in text
    assert "moonlight_key_" not in scraped(tmp_path, MINUTE, keys=False)


def test_a_run_answers_with_its_numbers_from_its_first_line_on(tmp_path: Path) -> None:
    (tmp_path / "flow.toml").write_text(
        SMALL.replace('start = "', 'speed = 3600\nstart = "') + SINK.format(keys="false"), encoding="utf-8"
    )
    command = [sys.executable, "-m", "pipeline", "run", "flow.toml", "--for", "20s"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    text = ""
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        for line in run.stdout:
            url = re.search(r"http://127\.0\.0\.1:\d+/metrics", line)
            if url is not None and not text:
                while "moonlight_" not in text:  # it listens a moment before the flow has begun
                    with urlopen(url[0], timeout=10) as answer:  # noqa: S310  # its own address, on loopback
                        text = answer.read().decode()
                run.terminate()
    assert run.returncode == 0
    assert "moonlight_uptime_seconds" in text
    assert 'mode="paper"' in text
    assert "moonlight_edges_amiss 0.0" in text
    assert 'moonlight_queue_capacity{queue="ledger",when_full="waits"} 4096.0' in text


def test_what_an_onlooker_has_to_tell_reaches_the_console_and_its_companions() -> None:
    class Listening:
        name = "listening"

        def __init__(self) -> None:
            self.heard: list[Any] = []

        def told(self, node: str, value: Any) -> None:
            self.heard.append((node, value))

        def begins(self, flow: Any) -> None: ...
        async def attend(self) -> None: ...
        async def ends(self, why: str) -> None: ...

    shown: list[Any] = []
    listening, onlooker = Listening(), Onlooker(plan_of())
    company = Company((listening, onlooker), lambda node, value: shown.append((node, value)))
    fault = Fault(CONSERVATION, MONDAY, "lost without a name: a → b")
    assert company.of(Onlooker) is onlooker
    assert onlooker._tell is not None  # pyright: ignore[reportPrivateUsage]  # what the company gave it
    onlooker._tell(CONSERVATION, fault)  # pyright: ignore[reportPrivateUsage]
    assert shown == listening.heard == [(CONSERVATION, fault)]
    numbers = {(each.name, *each.labels): each.value for each in onlooker.readings()}
    assert numbers["moonlight_faults_total", CONSERVATION] == 1


def test_a_market_that_runs_faster_than_this_machine_is_behind_its_own_pace() -> None:
    seconds = [100.0]

    async def main() -> float:
        plan = plan_of()
        onlooker = Onlooker(plan, lambda: seconds[0])
        async with running(plan, Setting(mode="paper", begin=MONDAY, speed=60), NoRecords(), None) as flow:
            assert isinstance(flow.border.clock, PacedClock)
            onlooker.begins(flow)
            seconds[0] += 10
            flow.agenda.now = MONDAY + 6 * MINUTE  # which takes six seconds at that pace
            onlooker.told("sources.market", quotes("EURUSD", [MONDAY], [1.1]))
            [behind] = [each.value for each in onlooker.readings() if each.name == "moonlight_behind_seconds"]
            assert isinstance(behind, float)
            return behind

    assert asyncio.run(main()) == pytest.approx(4.0)


def test_rates_are_those_of_the_last_minute() -> None:
    counts = Counts()
    for second in range(200):
        counts.look(second * 1000.0)
        counts.quotes("sources.market", quotes("EURUSD", range(3), [1.1] * 3))
        if second >= 140:
            counts.bars(bars_of([1.1]))
    rates = {each.name: each.value for each in counts.readings(MONDAY) if not each.labels}
    assert rates["moonlight_quotes_per_second"] == 3
    assert rates["moonlight_bars_per_minute"] == pytest.approx(59)


def test_the_share_of_a_processor_is_that_of_the_time_between_two_looks() -> None:
    async def main() -> float:
        watched = Machine(0.0)
        watched.look(1000.0)
        begun = os.times().user
        while os.times().user - begun < 0.2:
            sum(range(10_000))
        watched.look(1400.0)
        [share] = [each.value for each in watched.readings(2000.0) if each.name == "moonlight_process_cpu_share"]
        assert isinstance(share, float)
        return share

    assert asyncio.run(main()) == pytest.approx(0.5, abs=0.2)


def test_where_a_system_does_not_say_what_is_held_nothing_is_made_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine, "STATM", tmp_path / "statm")
    monkeypatch.setattr(machine, "FDS", tmp_path / "fd")
    assert (machine.resident(), machine.open_files()) == (None, None)
    names = {each.name for each in Machine(0.0).readings(1.0)}
    assert not names & {"moonlight_process_resident_bytes", "moonlight_process_open_files"}
    assert "moonlight_process_threads" in names

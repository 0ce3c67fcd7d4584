"""The alerts of a whole flow: what is told by which way, whatever becomes of the ways, the flow and the program."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline import virtual
from pipeline.alerting.desk import AlertDesk
from pipeline.alerting.pending import Selection
from pipeline.alerting.route import Alert, Letter, Outlet
from pipeline.company import LAST_WORDS, Company
from pipeline.engine import Setting, running
from pipeline.flow import Flow
from pipeline.kill_file import KILL_FILE
from pipeline.ledger.failures import LedgerError
from pipeline.lives import begun, ended
from pipeline.plan import LEDGER, Plan
from pipeline.secret import MASK
from pipeline.times import MINUTE
from pipeline.trying import NoRecords
from pipeline.values import Fault, Latch, Past
from pipeline.watch import Watch
from tests.support import MONDAY, ROOT, SMALL, plan_of
from tests.test_cli import FLOW

PATIENCE = 30.0


@dataclass(frozen=True, kw_only=True)
class Kept(Selection):
    """A way out that keeps what it is given; it fails, or hangs, as often as it is told."""

    letters: list[Letter] = field(default_factory=list[Letter])
    fails: list[str] = field(default_factory=list[str])
    hangs: bool = False

    async def __call__(self, outlet: Outlet) -> None:
        async for letter in outlet.letters():
            if self.hangs:
                await asyncio.Event().wait()
            if self.fails:
                raise ConnectionError(self.fails.pop())
            self.letters.append(letter)

    @property
    def alerts(self) -> list[Alert]:
        return [alert for letter in self.letters for alert in letter.alerts]

    @property
    def heard(self) -> list[str]:
        return [each.code if each.on else f"{each.code} is over" for each in self.alerts]


class Run:
    """A flow that goes on in virtual time, with its alerts."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.told: list[Any] = []
        self.desk = AlertDesk(plan)
        self.company = Company((self.desk,), lambda _, value: self.told.append(value))

    async def whole(self, main: Callable[[Flow], Awaitable[object]], why: str = "", past: Past | None = None) -> None:
        setting = Setting(mode="replay", begin=MONDAY, outside=("venue",))
        async with running(self.plan, setting, NoRecords(), past or Past((), {}), taps=(self.company.told,)) as flow:
            self.company.begins(flow)
            beside = asyncio.create_task(self.company.attend())
            try:
                await main(flow)
            finally:
                await self.company.ends(why)
                beside.cancel()
                await asyncio.gather(beside, return_exceptions=True)


def with_ways(folder: Path, text: str = SMALL, **ways: Selection) -> Plan:
    return replace(plan_of(text, folder), alerts=ways)


def play(run: Run, main: Callable[[Flow], Coroutine[Any, Any, object]], **more: Any) -> None:
    virtual.run(lambda _: run.whole(main, **more))


async def seconds(count: float) -> None:
    await asyncio.sleep(count)


def stop(*, on: bool = True) -> Latch:
    return Latch("demo-1", on, MONDAY, "the spread looks wrong", "ada")


def test_an_engine_tells_that_it_began_what_happened_and_that_it_ended_and_nobody_waits_for_the_last_word(
    tmp_path: Path,
) -> None:
    kept = Kept(least="low", gather="5s")
    run = Run(with_ways(tmp_path, all=kept))

    async def main(flow: Flow) -> None:
        await seconds(6)
        flow.enter(LEDGER, stop())
        await seconds(1)
        assert kept.heard == ["ENGINE_STARTED"], "what comes is gathered for five seconds"
        assert [each.code for each in run.desk.current()] == ["KILL_SWITCH"]
        await seconds(5)
        assert kept.heard == ["ENGINE_STARTED", "KILL_SWITCH"]
        flow.enter(LEDGER, stop(on=False))
        await seconds(6)

    play(run, main)
    assert kept.heard == ["ENGINE_STARTED", "KILL_SWITCH", "KILL_SWITCH is over", "ENGINE_ENDED"]
    assert [each.number for each in kept.alerts] == [1, 2, 3, 4]
    assert [each.code for each in run.desk.since(2)] == ["KILL_SWITCH", "ENGINE_ENDED"]
    assert run.desk.current() == ()
    assert [each for each in run.told if isinstance(each, Alert)] == list(run.desk.since(0))


def test_an_alert_is_one_line_without_secrets_whatever_was_said(tmp_path: Path) -> None:
    kept = Kept(gather="1s")

    async def main(flow: Flow) -> None:
        flow.enter(LEDGER, Latch("demo-1", True, MONDAY, "it said:\n  password=hunter2222 was wrong", "ada"))
        await seconds(2)

    play(Run(with_ways(tmp_path, all=kept)), main)
    assert kept.alerts[0].text == f"demo-1 is stopped, ada: it said: password={MASK} was wrong"


def test_the_console_s_log_has_a_marked_line_for_each_alert(tmp_path: Path) -> None:
    plan = with_ways(tmp_path)
    run, watch = Run(plan), Watch(plan, MONDAY, 1.0)

    async def main(flow: Flow) -> None:
        flow.enter(LEDGER, stop())
        flow.enter(LEDGER, stop(on=False))
        await seconds(1)

    play(run, main)
    for each in run.told:
        watch.told("alerts", each)
    lines = [(line.level, line.text) for line in watch.log(0, 10)]
    assert lines[1] == ("error", "✖ KILL_SWITCH demo-1 is stopped, ada: the spread looks wrong")
    assert lines[2][0] == "info"
    assert lines[2][1].startswith("✓ KILL_SWITCH over after 0 s")


def test_a_way_that_fails_is_told_by_the_others_and_sends_all_it_owes(tmp_path: Path) -> None:
    codes = ("KILL_SWITCH", "ALERT_ROUTE", "ENGINE_ENDED")
    broken, fine = Kept(fails=["no route"] * 9, gather="1s", codes=codes), Kept(gather="1s", codes=codes)
    run = Run(with_ways(tmp_path, broken=broken, fine=fine))

    async def main(flow: Flow) -> None:
        flow.enter(LEDGER, stop())
        await seconds(60)
        assert fine.heard == ["KILL_SWITCH", "ALERT_ROUTE"]
        assert fine.alerts[1].text == "alerts do not leave by broken: ConnectionError: no route"
        assert broken.heard == []
        await seconds(3600)

    play(run, main)
    assert broken.letters[0].tries == 10
    assert broken.heard == ["KILL_SWITCH", "ALERT_ROUTE", "ALERT_ROUTE is over", "ENGINE_ENDED"]
    faults = [each for each in run.told if isinstance(each, Fault)]
    assert [(each.node, each.what) for each in faults] == [
        ("alerts.broken", "ConnectionError: no route; it is tried again")
    ]


def test_a_way_that_hangs_holds_up_neither_the_flow_nor_the_others_nor_the_end(tmp_path: Path) -> None:
    fine = Kept(gather="1s")
    run = Run(with_ways(tmp_path, hung=Kept(hangs=True), fine=fine))
    ends: list[float] = []

    async def main(flow: Flow) -> None:
        flow.enter(LEDGER, stop())
        await seconds(10)
        assert fine.heard == ["KILL_SWITCH"]
        ends.append(asyncio.get_running_loop().time())

    async def whole() -> None:
        await run.whole(main)
        ends.append(asyncio.get_running_loop().time())

    virtual.run(lambda _: whole())
    assert fine.heard == ["KILL_SWITCH", "ENGINE_ENDED"]
    assert ends[1] - ends[0] <= LAST_WORDS + 0.1


def test_what_holds_from_before_the_start_is_told_at_it(tmp_path: Path) -> None:
    kept = Kept()
    play(Run(with_ways(tmp_path, all=kept)), lambda _: seconds(6), past=Past((), {}, latches=(stop(),)))
    assert kept.heard == ["KILL_SWITCH", "ENGINE_ENDED"]


def test_an_engine_that_fails_says_why_and_that_it_was_the_ledger(tmp_path: Path) -> None:
    kept = Kept(gather="10m")
    run = Run(with_ways(tmp_path, all=kept))

    async def main(flow: Flow) -> None:
        flow.fail(LedgerError("the disk is full"))
        await seconds(1)
        assert run.desk.vitals.alive() is None
        assert run.desk.vitals.amiss() == "the disk is full"

    play(run, main, why="the disk is full")
    assert kept.heard == ["LEDGER", "ENGINE_FAILED"]
    assert [each.severity for each in kept.alerts] == ["critical", "critical"]
    assert kept.alerts[1].text.endswith("ended by itself: the disk is full")


def test_an_edge_that_loses_something_is_told(tmp_path: Path) -> None:
    kept = Kept(gather="1s")

    async def main(flow: Flow) -> None:
        passage = next(each for each in flow.passages if each.edge.target == "sinks.ledger")
        passage.came += 1
        await seconds(3)
        assert kept.heard == ["CONSERVATION"]
        assert "→ sinks.ledger" in kept.alerts[0].text
        passage.dropped["found"] += 1
        await seconds(3)

    play(Run(with_ways(tmp_path, all=kept)), main)
    assert kept.heard == ["CONSERVATION", "CONSERVATION is over", "ENGINE_ENDED"]


def test_a_disk_with_too_little_room_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    kept, quiet = Kept(), Kept()
    far_too_much = SMALL + "\n[alerting]\nleast_disk_mb = 1000000000\n"
    play(Run(with_ways(tmp_path, far_too_much, all=kept)), lambda _: seconds(6))
    assert kept.heard == ["DISK_FULL", "ENGINE_ENDED"]
    play(Run(with_ways(tmp_path, SMALL + "\n[alerting]\nleast_disk_mb = 0\n", all=quiet)), lambda _: seconds(6))
    assert quiet.heard == ["ENGINE_ENDED"]


@pytest.mark.parametrize(
    ("setting", "told_after"), [('patience = "30s"', 30), ('patience = "2m"', 120)], ids=["half a minute", "two"]
)
def test_a_silent_feed_is_told_after_the_silence_that_the_file_says(
    tmp_path: Path, setting: str, told_after: int
) -> None:
    kept = Kept(gather="1s")
    text = SMALL + f'\n[alerting]\nsilence = "10s"\n{setting}\n'

    async def main(_: Flow) -> None:
        await seconds(told_after - 1)
        assert kept.heard == []
        await seconds(3)
        assert set(kept.heard) == {"FEED_STALE"}

    play(Run(with_ways(tmp_path, text, all=kept)), main)


def test_an_engine_without_prices_is_not_alive(tmp_path: Path) -> None:
    run = Run(with_ways(tmp_path))

    async def main(_: Flow) -> None:
        await seconds(60)
        assert run.desk.vitals.alive() is not None
        await seconds(70)
        assert run.desk.vitals.amiss() == "no prices come, although a market is open"

    play(run, main)


def test_a_way_that_is_gone_and_broken_is_not_tried_for_ever_and_holds_no_alert(tmp_path: Path) -> None:
    fails = ["no route"] * 1_000_000
    run = Run(with_ways(tmp_path, gone=Kept(fails=fails, gather="1s"), hung=Kept(hangs=True, gather="1s")))

    async def main(flow: Flow) -> None:
        flow.enter(LEDGER, stop())
        await seconds(60)
        assert [each.code for each in run.desk.current() if each.code == "ALERT_ROUTE"] == ["ALERT_ROUTE"]
        run.company.changed(replace(run.plan, alerts={}))
        await seconds(150)
        left = len(fails)
        assert [each.code for each in run.desk.current() if each.code == "ALERT_ROUTE"] == []
        assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("alerts.")]
        await seconds(100)
        assert len(fails) == left

    play(run, main)


def test_a_value_that_cannot_be_read_ends_no_other_alert(tmp_path: Path) -> None:
    kept = Kept(gather="1s")

    async def main(flow: Flow) -> None:
        broken = Latch("demo-1", True, MONDAY, None, "ada")  # type: ignore[arg-type]
        run.company.told("somebody", broken)
        flow.enter(LEDGER, stop())
        await seconds(2)

    run = Run(with_ways(tmp_path, all=kept))
    play(run, main)
    assert kept.heard == ["NODE_FAULT", "KILL_SWITCH", "ENGINE_ENDED"]
    assert kept.alerts[0].text.startswith("alerts cannot read a Latch of somebody: AttributeError")


def test_another_plan_opens_ways_that_are_new_and_closes_those_that_are_gone(tmp_path: Path) -> None:
    gone, stays, new = Kept(gather="1s"), Kept(gather="2s"), Kept(gather="3s")
    run = Run(with_ways(tmp_path, gone=gone, stays=stays))

    async def main(flow: Flow) -> None:
        flow.enter(LEDGER, stop())
        await seconds(0.1)
        run.company.changed(replace(run.plan, alerts={"stays": stays, "new": new}))
        await seconds(5)
        flow.enter(LEDGER, stop(on=False))
        await seconds(5)

    play(run, main)
    assert gone.heard == ["KILL_SWITCH"], "what it owed was sent"
    assert stays.heard == ["KILL_SWITCH", "KILL_SWITCH is over", "ENGINE_ENDED"]
    assert new.heard == ["KILL_SWITCH is over", "ENGINE_ENDED"]


def test_what_a_broken_way_owes_leaves_once_it_is_mended_in_the_file_and_no_number_comes_twice(tmp_path: Path) -> None:
    broken, mended = Kept(gather="1s"), Kept(gather="2s")
    run = Run(with_ways(tmp_path, desk=broken))

    async def main(flow: Flow) -> None:
        flow.enter(LEDGER, stop())
        await seconds(2)
        broken.fails.extend(["a wrong address"] * 1_000)
        flow.enter(LEDGER, stop(on=False))
        await seconds(2)
        flow.enter(LEDGER, Latch("", True, MONDAY, "all of it", "ada"))
        await seconds(60)
        run.company.changed(replace(run.plan, alerts={"desk": mended}))
        await seconds(150)
        assert not [each for each in run.desk.current() if each.code == "ALERT_ROUTE"]

    play(run, main)
    assert broken.heard == ["KILL_SWITCH"]
    assert [each for each in mended.heard if "KILL" in each or "ENDED" in each] == [
        "KILL_SWITCH is over",
        "KILL_SWITCH",
        "ENGINE_ENDED",
    ]
    numbers = [each.number for each in (*broken.letters, *mended.letters)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert mended.letters[0].tries > 1, "it may have arrived"


def test_what_a_way_owes_at_the_end_is_said_where_somebody_may_look(tmp_path: Path) -> None:
    run = Run(with_ways(tmp_path, hung=Kept(hangs=True, gather="1s"), fine=Kept(gather="1s")))

    async def main(flow: Flow) -> None:
        flow.enter(LEDGER, stop())
        await seconds(2)

    play(run, main)
    said = [each.what for each in run.told if isinstance(each, Fault)]
    assert said == ["not known to have arrived before the end: KILL_SWITCH 1, ENGINE_ENDED 1"]


@pytest.mark.parametrize(
    ("how", "told"),
    [(None, "ended without a word"), ("failed: the disk is full", "ended so: failed: the disk"), ("asked", "")],
)
def test_how_the_run_before_ended_is_told_where_it_could_not_be_sure_to_have_said_so(
    tmp_path: Path, how: str | None, told: str
) -> None:
    kept = Kept()
    plan = with_ways(tmp_path, all=kept)
    path = plan.folder / "ledger.db"
    plan.folder.mkdir(exist_ok=True)
    first = begun(path, plan, 1, MONDAY)
    if how is not None:
        ended(path, first, MONDAY + MINUTE, how)
    begun(path, plan, 2, MONDAY + MINUTE)
    play(Run(plan), lambda _: seconds(6))
    assert kept.heard == (["ENGINE_DIED", "ENGINE_ENDED"] if told else ["ENGINE_ENDED"])
    assert told in kept.alerts[0].text


# --- the program itself -----------------------------------------------------------------------------------------------


class Hook(ThreadingHTTPServer):
    """Takes alerts of a program, and says which came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.codes: list[str] = []
        self.news = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    def take(self, body: bytes) -> None:
        with self.news:
            self.codes += [each["code"] for each in json.loads(body)["alerts"] if each["on"]]
            self.news.notify_all()

    def waits_for(self, *codes: str) -> None:
        with self.news:
            came = self.news.wait_for(lambda: set(codes) <= set(self.codes), PATIENCE)
            assert came, f"of {codes} only these came: {self.codes}"
            self.codes.clear()


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Hook)
        self.server.take(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]  # says nothing
        pass


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as hook:
        threading.Thread(target=hook.serve_forever, daemon=True).start()
        yield hook
        hook.shutdown()


class Program:
    """Starts engines of a flow in a folder, whose alerts go to the hook."""

    def __init__(self, folder: Path, hook: Hook) -> None:
        way = f'\n[alerts.hook]\nuse = "webhook"\nurl = "{hook.url}"\nleast = "low"\ngather = "100ms"\n'
        (folder / "flows.toml").write_text(FLOW + way, encoding="utf-8")
        self._folder = folder

    @contextmanager
    def running(self) -> Generator[subprocess.Popen[str]]:
        with subprocess.Popen(
            [sys.executable, "-m", "pipeline", "run"],
            cwd=self._folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        ) as engine:
            try:
                yield engine
            finally:
                engine.kill()


def test_a_program_says_that_it_began_is_stopped_and_ends_to_who_is_not_there(tmp_path: Path, hook: Hook) -> None:
    with Program(tmp_path, hook).running() as engine:
        hook.waits_for("ENGINE_STARTED")
        (tmp_path / "data" / KILL_FILE).write_text("it looks wrong", encoding="utf-8")
        hook.waits_for("KILL_SWITCH")
        engine.send_signal(signal.SIGINT)
        _, said = engine.communicate(timeout=PATIENCE)
        assert engine.returncode == 0, said
    hook.waits_for("ENGINE_ENDED")


@pytest.mark.slow
def test_a_program_that_was_killed_says_so_once_it_is_started_again(tmp_path: Path, hook: Hook) -> None:
    program = Program(tmp_path, hook)
    with program.running():
        hook.waits_for("ENGINE_STARTED")
    with program.running():
        hook.waits_for("ENGINE_STARTED", "ENGINE_DIED")

"""What the service manager hears of an engine: by a real run on a real socket, and how its beats end."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline import virtual
from pipeline.engine import Setting, running
from pipeline.flow import Flow
from pipeline.notifying import Notice
from pipeline.trying import NoRecords
from pipeline.values import Latch, Past
from pipeline.watchdog import Watchdog
from tests.support import MONDAY, ROOT, SMALL, plan_of

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="systemd's socket is one of Unix")

FAST = SMALL.replace("start = ", "speed = 60\nstart = ")
HANGING = '''
from pathlib import Path

from reactivex import create

from pipeline.parts import source
from pipeline.values import Link, Quotes
from reactivex import Observable


@source
class Hanging:
    """A source that keeps the loop for itself once there is a file."""

    def __call__(self, host) -> Observable[Quotes | Link]:
        def subscribe(observer, scheduler=None):
            def act():
                while (host.folder / "hang").exists():
                    pass
                host.at(host.now() + 1000, act)

            return host.at(host.now() + 1000, act)

        return create(subscribe)
'''


class Manager:
    """The end of the line that the manager holds."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "notify")
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._line.bind(self.address)

    def hears(self, within: float = 30.0) -> dict[str, str]:
        """The next message; nothing when none comes in time."""
        self._line.settimeout(within)
        try:
            told = self._line.recv(4096).decode()
        except TimeoutError:
            return {}
        return {name: text for name, _, text in (line.partition("=") for line in told.split("\n"))}

    def hears_of(self, name: str, within: float = 30.0) -> dict[str, str]:
        """The next message with such a line."""
        ends = time.monotonic() + within
        while time.monotonic() < ends:
            told = self.hears(ends - time.monotonic())
            if name in told:
                return told
        raise AssertionError(f"nothing was told of {name}")

    def close(self) -> None:
        self._line.close()


@pytest.fixture
def manager(tmp_path: Path) -> Generator[Manager]:
    made = Manager(tmp_path)
    yield made
    made.close()


@contextmanager
def engine(folder: Path, manager: Manager, text: str = FAST, **more: str) -> Generator[subprocess.Popen[bytes]]:
    (folder / "flows.toml").write_text(text, encoding="utf-8")
    environment = os.environ | {"NOTIFY_SOCKET": manager.address, "PYTHONPATH": str(ROOT)} | more
    command = [sys.executable, "-m", "pipeline", "run", "flows.toml"]
    program = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield program
    finally:
        program.kill()
        program.wait()


def test_a_run_says_that_it_is_ready_how_it_fares_and_that_it_ends(tmp_path: Path, manager: Manager) -> None:
    with engine(tmp_path, manager, WATCHDOG_USEC="1000000") as program:
        ready = manager.hears()
        assert ready["READY"] == "1"
        assert "0 decisions" in ready["STATUS"]
        beats = [manager.hears_of("WATCHDOG") for _ in range(4)]
        assert all(beat["WATCHDOG"] == "1" for beat in beats)
        assert any("market time" in beat.get("STATUS", "") for beat in beats)
        program.send_signal(signal.SIGTERM)
        assert manager.hears_of("STOPPING")["STOPPING"] == "1"
        assert program.wait(10) == 0


def test_beats_end_while_the_loop_hangs_and_come_again_when_it_turns(tmp_path: Path, manager: Manager) -> None:
    (tmp_path / "hanging.py").write_text(HANGING, encoding="utf-8")
    text = FAST.replace("block = 64", 'block = 64\nplugins = ["hanging.py"]')
    text = text.replace("[operators.bars]", '[sources.hanging]\nuse = "hanging"\n\n[operators.bars]')
    with engine(tmp_path, manager, text, WATCHDOG_USEC="1000000"):
        manager.hears_of("WATCHDOG")
        hang = tmp_path / "data" / "hang"
        hang.touch()
        while manager.hears(within=1.5):
            pass  # what was told before it hung
        hang.unlink()
        assert manager.hears_of("WATCHDOG")["WATCHDOG"] == "1"


def test_what_is_due_and_stays_undone_is_not_beaten_for(manager: Manager) -> None:
    async def looked(flow: Flow) -> list[bool]:
        watchdog = Watchdog(Notice(manager.address, 1.0))
        watchdog.begins(flow)
        found = [watchdog.goes_on(), watchdog.goes_on()]
        flow.agenda.at(MONDAY - 60_000, lambda: None)
        found += [watchdog.goes_on(), watchdog.goes_on(), watchdog.goes_on()]
        flow.stop()
        return [*found, watchdog.goes_on()]

    async def played() -> list[bool]:
        setting = Setting(mode="replay", begin=MONDAY, outside=())
        async with running(plan_of(), setting, NoRecords(), None) as flow:
            flow.agenda.now = MONDAY
            return await looked(flow)

    assert virtual.run(lambda _: played()) == [True, True, True, False, False, False]


def test_who_does_not_ask_for_beats_hears_only_how_it_fares(manager: Manager) -> None:
    watchdog = Watchdog(Notice(manager.address, None))

    async def played() -> None:
        setting = Setting(mode="replay", begin=MONDAY, outside=())
        async with running(plan_of(), setting, NoRecords(), None, taps=(watchdog.told,)) as flow:
            watchdog.begins(flow)
            attending = asyncio.ensure_future(watchdog.attend())
            await asyncio.sleep(1)
            watchdog.told("ledger", Latch("demo-1", True, MONDAY, "the spread", "somebody"))
            await asyncio.sleep(6)
            attending.cancel()
            await watchdog.ends("the market\nWATCHDOG=1\nfell down")

    virtual.run(lambda _: played())
    assert manager.hears()["READY"] == "1"
    told = manager.hears()
    assert "WATCHDOG" not in told
    assert "demo-1 is stopped: the spread" in told["STATUS"]
    ended = manager.hears_of("STOPPING")
    assert ended["STATUS"] == "failed: the market WATCHDOG=1 fell down"
    assert "WATCHDOG" not in ended


def test_stops_of_before_are_said_from_the_first_line_on_and_releases_end_them(manager: Manager) -> None:
    watchdog = Watchdog(Notice(manager.address, None))
    watchdog.told("ledger", Past((), {}, latches=(Latch("", True, MONDAY, "look first", "run"),)))

    async def played() -> None:
        setting = Setting(mode="replay", begin=MONDAY, outside=())
        async with running(plan_of(), setting, NoRecords(), None) as flow:
            watchdog.begins(flow)
            watchdog.told("ledger", Latch("", False, MONDAY, "looked", "me"))
            watchdog.begins(flow)

    virtual.run(lambda _: played())
    assert "everybody is stopped: look first" in manager.hears()["STATUS"]
    assert "stopped" not in manager.hears()["STATUS"]


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, None),
        ({"NOTIFY_SOCKET": "vsock:2:1"}, None),
        ({"NOTIFY_SOCKET": "/run/n"}, Notice("/run/n", None)),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "30000000"}, Notice("/run/n", 30.0)),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, Notice("/run/n", 30.0)),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, Notice("/run/n", None)),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "soon"}, Notice("/run/n", None)),
    ],
)
def test_the_line_is_the_one_of_the_environment_and_no_child_inherits_it(
    environment: dict[str, str], found: Notice | None
) -> None:
    assert Notice.of(environment, 7) == found
    assert environment == {}


def test_a_manager_that_is_gone_is_not_waited_for(tmp_path: Path) -> None:
    Notice(str(tmp_path / "nobody"), None).say(READY="1")


def test_an_abstract_address_is_heard_on_too(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("abstract addresses are Linux's own")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(f"\0{tmp_path}")
        line.settimeout(10)
        Notice(f"@{tmp_path}", None).say(READY="1")
        assert line.recv(64) == b"READY=1"

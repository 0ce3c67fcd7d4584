"""A service of Windows, by its port: what its manager is asked, and that a stop from there is a Ctrl-C."""

import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import pytest

from pipeline.checking import load
from pipeline.errors import InputError
from pipeline.operations.described import Service, service_of
from pipeline.operations.hosting import LOG_FILE
from pipeline.operations.windows import Windows, command_of
from tests.support import ROOT, SMALL

HOST = """
import argparse, sys
from pathlib import Path
import operators, sinks, sources
from pipeline.checking import load
from pipeline.errors import MoonlightError
from pipeline.operations.hosting import hosting
from pipeline.verbs import run

class Line:
    "The manager is whoever reads and writes these pipes."
    def listen(self, name, stop):
        for line in sys.__stdin__:
            if line == "stop\\n":
                stop()
    def say(self, state, code=0, wait=0):
        print("state", state, code, wait, file=sys.__stdout__, flush=True)
    def log(self, text, *, bad=False):
        print("bad" if bad else "log", text, file=sys.__stdout__, flush=True)

def runs():
    parser = argparse.ArgumentParser()
    run.options(parser)
    return run.run(parser.parse_args([sys.argv[1]]))

sys.exit(hosting(load(Path(sys.argv[1])), "moonlight-test", Line(), runs))
"""


class Recorded:
    """A manager that knows one service, and writes down what it is asked."""

    def __init__(self) -> None:
        self.command: str | None = None
        self.running = False
        self.asked: list[str] = []

    def found(self, name: str) -> str | None:
        return self.command

    def create(self, name: str, shown: str, about: str, command: str) -> None:
        self.asked.append(f"create {name}")
        self.command = command

    def change(self, name: str, command: str) -> None:
        self.asked.append(f"change {name}")
        self.command = command

    def remove(self, name: str) -> None:
        self.asked.append(f"remove {name}")
        self.command = None

    def start(self, name: str) -> None:
        self.asked.append(f"start {name}")
        self.running = True

    def stop(self, name: str, within: int) -> None:
        self.asked.append(f"stop {name} within {within}")
        self.running = False

    def state(self, name: str) -> tuple[str, int]:
        return ("RUNNING", 4711) if self.running else ("STOPPED", 0)


@pytest.fixture
def service(tmp_path: Path) -> Service:
    folder = tmp_path / "my flow"
    folder.mkdir()
    (folder / "flows.toml").write_text(SMALL.replace("start = ", "speed = 60\nstart = "), encoding="utf-8")
    return service_of(load(folder / "flows.toml"))


def test_it_is_installed_once_changed_when_it_is_another_and_ended_before_it_goes(service: Service) -> None:
    manager = Recorded()
    windows = Windows(manager)
    assert windows.fares(service.name).words == "not installed"
    assert windows.install(service)
    assert not windows.install(service)
    windows.start(service.name)
    assert windows.fares(service.name)[1:5] == (True, True, "running", 4711)
    assert manager.command is not None
    manager.command = f'"C:\\old\\python.exe" -m moonlight service host "{service.flow}" --name x'
    assert windows.install(service)
    assert windows.uninstall(service)
    assert not windows.uninstall(service)
    name = service.name
    stopped = f"stop {name} within {service.leaves_within}"
    assert manager.asked == [f"create {name}", f"start {name}", f"change {name}", stopped, f"remove {name}"]


def test_the_command_is_one_that_the_manager_can_start_from_anywhere(service: Service) -> None:
    command = command_of(service)
    assert command.endswith(f'service host "{service.flow}" --name {service.name}')
    assert Path(command.partition('"')[2].partition('"')[0]).is_absolute()


def test_somebody_elses_service_of_that_name_is_not_touched(service: Service) -> None:
    manager = Recorded()
    manager.command = "C:\\Windows\\system32\\svchost.exe -k netsvcs"
    for act in (Windows(manager).install, Windows(manager).uninstall):
        with pytest.raises(InputError, match="--name"):
            act(service)
    assert manager.asked == []


@pytest.fixture
def host(service: Service) -> Generator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOST, str(service.flow)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as program:
        yield program
        program.kill()


def test_a_stop_from_the_manager_has_the_run_leave_as_ctrl_c_does(
    service: Service, host: subprocess.Popen[str]
) -> None:
    assert host.stdin is not None
    assert host.stdout is not None
    assert host.stdout.readline() == "state RUNNING 0 0\n"
    log = service.data / LOG_FILE
    ends = time.monotonic() + 20
    while "consoles attach to" not in (log.read_text(encoding="utf-8") if log.exists() else ""):
        assert time.monotonic() < ends, "it never began"
        with suppress(subprocess.TimeoutExpired):
            host.wait(0.1)
            raise AssertionError("it ended by itself")
    host.stdin.write("stop\n")
    host.stdin.flush()
    told = host.stdout.read().splitlines()
    assert host.wait(20) == 0
    assert told[0] == "log moonlight-test has begun"
    assert f"state STOP_PENDING 0 {service.leaves_within}" in told
    assert told[-1] == "state STOPPED 0 0"
    assert "nothing was lost without a name" in log.read_text(encoding="utf-8")

"""A flow as a service: what is written, what the manager is asked, and that nobody else's is touched.

The manager is a small program on the path that writes down what it is asked, as no systemd runs where tests do; what
is written is judged by systemd's own program where that is there.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from pipeline.__main__ import main
from pipeline.checking import load
from pipeline.operations.described import service_of
from pipeline.operations.hosting import Log, last_lines
from pipeline.operations.systemd import Systemd, namespaces_allowed
from pipeline.operations.units import units_of
from tests.support import SMALL

RECORDER = """#!{python}
import json, os, sys
folder = os.path.dirname(os.path.abspath(__file__))
name, words = os.path.basename(sys.argv[0]), sys.argv[1:]
with open(os.path.join(folder, "asked"), "a") as asked:
    asked.write(json.dumps([name, *words]) + "\\n")
fails = os.path.join(folder, "fails")
if os.path.exists(fails) and open(fails).read() in words:
    sys.exit("Job for it failed because the control process exited with error code.")
shown = os.path.join(folder, "shown")
if "show" in words and os.path.exists(shown):
    print(open(shown).read())
if name == "journalctl":
    print("what it said")
"""
RUNS = """LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
MainPID=4711
NRestarts=2
Result=success
ExecMainStatus=0
StatusText=market time 2026-01-05T10:00:00Z = 3 decisions
ActiveEnterTimestamp=Mon 2026-01-05 10:00:00 UTC"""


class Said(NamedTuple):
    """How a verb ended, and what it printed."""

    code: int
    out: str
    err: str


class Machine:
    """A flow in a folder, and a path on which the manager's commands are those above."""

    def __init__(self, folder: Path, said: pytest.CaptureFixture[str]) -> None:
        self._said = said
        self.folder, self.bin = folder / "my flow", folder / "bin"
        self.units = folder / "config" / "systemd" / "user"
        self.flow = self.folder / "flows.toml"
        for each in (self.folder, self.bin):
            each.mkdir()
        self.flow.write_text(SMALL, encoding="utf-8")
        for name in ("systemctl", "journalctl"):
            (self.bin / name).write_text(RECORDER.format(python=sys.executable), encoding="utf-8")
            (self.bin / name).chmod(0o755)
        self.shows(RUNS)

    def shows(self, text: str) -> None:
        (self.bin / "shown").write_text(text, encoding="utf-8")

    def fails(self, word: str) -> None:
        (self.bin / "fails").write_text(word, encoding="utf-8")

    def asked(self) -> list[list[str]]:
        path = self.bin / "asked"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    def says(self, *words: str) -> Said:
        """What the verb prints and ends with."""
        self._said.readouterr()
        code = main(["service", words[0], str(self.flow), *words[1:]])
        out, err = self._said.readouterr()
        return Said(code, str(out), str(err))


@pytest.fixture
def machine(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path, capfd)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PATH", f"{made.bin}:{os.environ['PATH']}")
    return made


def engine(machine: Machine, runs_as: str = "") -> str:
    return units_of(service_of(load(machine.flow)), runs_as=runs_as)["moonlight-flows.service"]


def test_a_unit_is_written_enabled_and_written_once(machine: Machine) -> None:
    first = machine.says("install", "--backup", "daily")
    assert first.code == 0, first.err
    names = ["moonlight-flows-backup.service", "moonlight-flows-backup.timer", "moonlight-flows.service"]
    assert sorted(path.name for path in machine.units.iterdir()) == names
    asked = [" ".join(words) for words in machine.asked()]
    assert "systemctl --user daemon-reload" in asked
    assert "systemctl --user enable moonlight-flows.service" in asked
    assert "systemctl --user enable --now moonlight-flows-backup.timer" in asked
    assert not any(" start " in each for each in asked)
    before = {path.name: path.stat().st_mtime_ns for path in machine.units.iterdir()}
    again = machine.says("install", "--backup", "daily")
    assert "is installed already" in again.out
    assert {path.name: path.stat().st_mtime_ns for path in machine.units.iterdir()} == before


def test_a_copy_that_is_not_wanted_any_more_goes(machine: Machine) -> None:
    machine.says("install", "--backup", "daily")
    assert machine.says("install").code == 0
    assert [path.name for path in machine.units.iterdir()] == ["moonlight-flows.service"]
    assert ["systemctl", "--user", "disable", "--now", "moonlight-flows-backup.timer"] in machine.asked()


def test_uninstalling_ends_it_and_leaves_what_the_flow_kept(machine: Machine) -> None:
    machine.says("install")
    (machine.folder / "data" / "ledger.db").write_bytes(b"orders")
    gone = machine.says("uninstall")
    assert gone.code == 0, gone.err
    assert list(machine.units.iterdir()) == []
    assert ["systemctl", "--user", "disable", "--now", "moonlight-flows.service"] in machine.asked()
    assert (machine.folder / "data" / "ledger.db").read_bytes() == b"orders"
    assert "there is no service moonlight-flows" in machine.says("uninstall").out


@pytest.mark.parametrize(
    "there", ["[Unit]\nDescription=somebody's own\n", "# Written by `service install` for /srv/other/flows.toml\n"]
)
def test_a_unit_of_somebody_else_or_of_another_flow_is_not_touched(machine: Machine, there: str) -> None:
    machine.units.mkdir(parents=True)
    unit = machine.units / "moonlight-flows.service"
    unit.write_text(there, encoding="utf-8")
    for verb in ("install", "uninstall"):
        refused = machine.says(verb)
        assert refused.code == 2
        assert str(unit) in refused.err
        assert "--name" in refused.err
    assert unit.read_text(encoding="utf-8") == there
    assert not machine.asked()


def test_only_showing_it_writes_and_asks_nothing(machine: Machine) -> None:
    shown = machine.says("install", "--print", "--backup", "weekly")
    assert shown.code == 0, shown.err
    assert "Type=notify" in shown.out
    assert "OnCalendar=weekly" in shown.out
    assert not machine.units.exists()
    assert not machine.asked()
    assert not (machine.folder / "data").exists()


def test_what_is_shown_is_what_starts_the_flow_from_any_folder_and_name(machine: Machine) -> None:
    line = re.search(r"^ExecStart=(.*)$", engine(machine), re.MULTILINE)
    assert line is not None
    assert line[1].endswith(f'run "{machine.flow}"')
    assert "%" not in engine(machine)
    odd = machine.folder / "100% $mine"
    odd.mkdir()
    (odd / "flows.toml").write_text(SMALL, encoding="utf-8")
    text = units_of(service_of(load(odd / "flows.toml")))["moonlight-flows.service"]
    assert f'"{machine.folder}/100%% $$mine/flows.toml"' in text
    assert f'ReadWritePaths="-{machine.folder}/100%% $mine/data"' in text


def test_what_cannot_be_reached_is_told_before_anything_is_written(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.setenv("PATH", str(machine.folder))
        absent = machine.says("install")
    assert absent.code == 2
    assert "no systemd runs services here" in absent.err
    machine.fails("show")
    assert machine.says("install").code == 1
    assert not machine.units.exists()


def test_a_start_that_fails_says_where_to_look(machine: Machine) -> None:
    machine.says("install")
    machine.fails("start")
    failed = machine.says("start")
    assert failed.code == 1
    assert failed.err.count("\n") == 1
    assert "`service logs` says why" in failed.err


def test_start_stop_and_restart_ask_for_just_that_and_say_how_it_fares(machine: Machine) -> None:
    for verb in ("start", "stop", "restart"):
        told = machine.says(verb)
        assert ["systemctl", "--user", verb, "moonlight-flows.service"] in machine.asked()
        assert "moonlight-flows: active (running) · process 4711" in told.out
        assert "started anew 2 times" in told.out
        assert "3 decisions" in told.out


def test_the_status_is_0_only_while_it_runs(machine: Machine) -> None:
    running = machine.says("status", "--json")
    assert running.code == 0
    assert json.loads(running.out) | {"pid": 4711, "restarts": 2, "runs": True} == json.loads(running.out)
    machine.shows(RUNS.replace("=active", "=failed").replace("Result=success", "Result=watchdog"))
    failed = machine.says("status")
    assert failed.code == 1
    assert "it ended with watchdog" in failed.out
    machine.shows("LoadState=not-found\nActiveState=inactive\nSubState=dead")
    assert "is not installed" in machine.says("status").out


def test_the_logs_are_those_of_the_unit(machine: Machine) -> None:
    told = machine.says("logs", "--lines", "7", "--follow")
    assert told.out == "what it said\n"
    assert machine.asked() == [
        ["journalctl", "--user-unit=moonlight-flows.service", "--lines=7", "--no-pager", "--follow"]
    ]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="who is not root owns the folder of a test")
def test_a_service_of_the_machine_is_not_of_root_unless_somebody_says_so(machine: Machine) -> None:
    refused = machine.says("install", "--system", "--print")
    assert refused.code == 2
    assert "--as" in refused.err
    shown = machine.says("install", "--system", "--as", "trader", "--print")
    assert "User=trader" in shown.out
    assert "CapabilityBoundingSet=\n" in shown.out
    assert machine.says("install", "--as", "trader", "--print").code == 2


def test_a_flow_that_may_be_edited_can_be_written_and_another_cannot(machine: Machine) -> None:
    plan = load(machine.flow)
    closed = units_of(service_of(plan))["moonlight-flows.service"]
    opened = units_of(service_of(plan, editable=True))["moonlight-flows.service"]
    assert f'"-{machine.folder}"\n' not in closed
    assert f'"-{machine.folder}"\n' in opened
    assert f'"-{machine.folder}/data"' in closed


def test_a_log_that_lies_elsewhere_can_be_written_too(machine: Machine, tmp_path: Path) -> None:
    logs = tmp_path / "the logs"
    machine.flow.write_text(f'{SMALL}\n[logs]\nfolder = "{logs}"\n', encoding="utf-8")
    assert f'"-{logs}"' in engine(machine)
    assert machine.says("install").code == 0
    assert logs.is_dir(), "a unit is given only folders that are there"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives folders away")
def test_what_root_makes_for_a_service_belongs_to_whom_it_runs_as(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.operations.systemd.OF_THE_SYSTEM", tmp_path)
    refused = machine.says("install", "--system", "--as", "no-such-user")
    assert (refused.code, "no such user" in refused.err) == (2, True)
    assert not (machine.folder / "data").exists()
    assert machine.says("install", "--system", "--as", "nobody").code == 0
    assert (machine.folder / "data").owner() == "nobody"


def test_a_passphrase_is_a_credential_and_never_in_the_unit(machine: Machine, tmp_path: Path) -> None:
    word = tmp_path / "word"
    word.write_text("correct horse battery staple", encoding="utf-8")
    word.chmod(0o644)
    told = machine.says("install", "--passphrase", str(word))
    unit = (machine.units / "moonlight-flows.service").read_text(encoding="utf-8")
    assert f"LoadCredential=moonlight-vault:{word}" in unit
    assert "battery" not in unit
    assert f"chmod 600 {word}" in told.out
    assert machine.says("install", "--passphrase", str(tmp_path / "none")).code == 2


def test_a_stop_is_given_longer_than_a_run_takes_to_leave(machine: Machine) -> None:
    before = service_of(load(machine.flow)).leaves_within
    machine.flow.write_text(
        SMALL.replace('use = "executor"', 'use = "executor"\nanswer_seconds = 60'), encoding="utf-8"
    )
    after = service_of(load(machine.flow)).leaves_within
    assert after > before
    assert after > 60 + 2 + 6 + 5
    assert f"TimeoutStopSec={after}\n" in engine(machine)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd's own judge")
def test_systemd_finds_no_fault_with_the_units_and_little_exposure(machine: Machine, tmp_path: Path) -> None:
    service = service_of(load(machine.flow), backups="daily")
    for runs_as, most in (("", 60), ("daemon", 25)):
        folder = tmp_path / f"units-{runs_as}"
        folder.mkdir()
        texts = units_of(service, runs_as=runs_as)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        paths = [str(folder / name) for name in texts]
        judged = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True, check=False)
        assert (judged.returncode, judged.stderr) == (0, "")
        security = ["systemd-analyze", "security", "--offline=true", f"--threshold={most}", paths[0]]
        assert subprocess.run(security, capture_output=True, check=False).returncode == 0, runs_as


def test_a_user_who_may_make_no_namespaces_gets_what_works_without(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "max_user_namespaces").write_text("0\n", encoding="ascii")
    assert not namespaces_allowed(tmp_path)
    text = units_of(service_of(load(machine.flow)), namespaces=False)["moonlight-flows.service"]
    assert "ProtectSystem" not in text
    assert "NoNewPrivileges=yes" in text
    assert "MemoryDenyWriteExecute=yes" in text


def test_a_link_in_a_units_place_is_not_followed(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{machine.bin}:{os.environ['PATH']}")
    units = tmp_path / "units"
    units.mkdir()
    target = tmp_path / "target"
    (units / "moonlight-flows.service").symlink_to(target)
    with pytest.raises(Exception, match="is a link"):
        Systemd(folder=units).install(service_of(load(machine.flow)))
    assert not target.exists()


def test_a_log_without_a_terminal_has_an_end_and_keeps_what_was_before(tmp_path: Path) -> None:
    path = tmp_path / "service.log"
    with Log(path, longest=100) as log:
        for number in range(20):
            log.write(f"line {number:02d}\n")
    assert path.stat().st_size <= 100
    kept = path.with_suffix(".log.1").read_text(encoding="utf-8") + path.read_text(encoding="utf-8")
    assert "line 19" in kept
    assert last_lines(path, 2) == ["line 18", "line 19"]

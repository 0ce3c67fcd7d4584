"""What the doctor finds of a machine and of a flow that is to run, and what it mends."""

import asyncio
import json
import os
import socket
import time
from contextlib import closing
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from pipeline.__main__ import main
from pipeline.checking import load
from pipeline.hardening import amiss
from pipeline.ledger import Ledger
from pipeline.ledger.backups import FOLDER
from pipeline.live import LOCK_FILE
from pipeline.locking import locked
from pipeline.verbs.doctor_flow import of_running, owner_of
from pipeline.verbs.doctor_machine import kind_of, of_machine
from pipeline.verbs.doctor_online import of_clocks
from pipeline.verbs.finding import Finding
from tests.loopback import Handler
from tests.support import SMALL

SPOKEN = """
[venues.broker]
use = "http"
url = "URL"
permission_page = "https://broker.example/terms"
jurisdiction = "whoever has an account may trade"
evidence = { lists = false }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))  # no service manager of this machine is asked
    (tmp_path / "flows.toml").write_text(SMALL, encoding="utf-8")
    return tmp_path


def found(folder: Path, what: str) -> list[Finding]:
    return [each for each in of_running(load(folder / "flows.toml")) if each.what == what]


def doctor(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, Any]]]:
    code = main(["doctor", str(folder / "flows.toml"), "--json", *words])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_a_file_that_others_can_read_is_in_the_way_until_it_is_mended(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = folder / "data" / "ledger.db"
    with Ledger(ledger):
        pass
    ledger.chmod(0o644)
    code, told = doctor(folder, capsys)
    (bad,) = [each for each in told if each["state"] == "bad"]
    assert code == 1
    assert f"chmod 600 {ledger}" in bad["mend"]
    code, told = doctor(folder, capsys, "--fix")
    assert code == 0
    assert [each["found"] for each in told if each["what"] == "files"] == [
        f"{ledger} was open to others, and is closed now"
    ]
    assert amiss(ledger) is None


def test_a_port_says_whose_it_is(folder: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as somebody:
        port = somebody.getsockname()[1]
        (folder / "flows.toml").write_text(f"[api]\nport = {port}\n{SMALL}", encoding="utf-8")
        (taken,) = found(folder, "port")
        assert taken.state == "bad"
        assert str(port) in taken.found
        if Path("/proc/net/tcp").exists():
            assert f"process {os.getpid()} (" in owner_of(port)
    (free,) = found(folder, "port")
    assert free == Finding("port", "ok", f"{port} is free")


def test_an_engine_that_runs_is_known_by_its_lock(folder: Path) -> None:
    assert found(folder, "engine")[0].found == "none runs"
    with locked(folder / "data" / LOCK_FILE, 0o600) as ours:
        assert ours
        assert found(folder, "engine")[0].found == "it runs"


def test_a_ledger_without_a_copy_or_with_an_old_one_is_told_of(folder: Path) -> None:
    assert found(folder, "backup") == []
    with Ledger(folder / "data" / "ledger.db"):
        pass
    assert "no copy" in found(folder, "backup")[0].found
    assert main(["backup", str(folder / "flows.toml")]) == 0
    assert found(folder, "backup")[0].state == "ok"
    for copy in (folder / "data" / FOLDER).iterdir():
        month_ago = time.time() - 30 * 86_400  # noqa: TID251  # a file's age is by the machine's clock
        os.utime(copy, (month_ago, month_ago))
    (old,) = found(folder, "backup")
    assert (old.state, old.found) == ("note", "the last is 30 days old")


def test_money_that_is_at_stake_wants_somebody_who_notices_silence(folder: Path) -> None:
    assert found(folder, "heartbeat") == []
    live = "[moonlight]\n" + SMALL.replace("[moonlight]\n", 'mode = "live"\n', 1).lstrip()
    (folder / "flows.toml").write_text(live, encoding="utf-8")
    assert found(folder, "heartbeat")[0].state == "note"


@pytest.mark.parametrize(("kind", "state"), [("nfs4", "bad"), ("exfat", "note"), ("ext4", "ok")])
def test_a_disk_that_is_not_of_this_machine_is_in_the_way(tmp_path: Path, kind: str, state: str) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / btrfs rw 0 0\nhost:/x {tmp_path} {kind} rw 0 0\n", encoding="utf-8")
    assert kind_of(tmp_path / "deeper", mounts) == kind
    assert kind_of(Path("/elsewhere"), mounts) == "btrfs"
    assert kind_of(tmp_path, tmp_path / "none") == ""
    assert [each.state for each in of_machine(tmp_path, mounts) if each.what == "file system"] == [state]


def test_a_machine_says_who_keeps_its_clock_how_exact_its_timers_are_and_that_no_core_is_left(folder: Path) -> None:
    told = {each.what: each for each in of_machine(folder)}
    assert {"clock", "timers", "core dumps"} <= told.keys()
    assert all(each.mend for each in told.values() if each.state != "ok")


@pytest.mark.parametrize(("apart", "state", "side"), [(0, "ok", ""), (-90, "bad", "ahead of"), (90, "bad", "behind")])
def test_a_venue_is_asked_for_its_clock_once_and_only_when_somebody_says_so(
    folder: Path, apart: int, state: str, side: str
) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(f"{request.method} {request.path} {request.headers.get('Authorization', '')}")
        now = time.time() + apart  # noqa: TID251  # a venue's clock is its own
        return web.Response(headers={"Date": formatdate(now, usegmt=True)})

    async def tried() -> list[Finding]:
        async with Door(answer) as url:
            (folder / "flows.toml").write_text(SMALL + SPOKEN.replace("URL", url), encoding="utf-8")
            plan = load(folder / "flows.toml")
            await asyncio.to_thread(lambda: list(of_running(plan)))
            assert asked == []
            return await asyncio.to_thread(lambda: list(of_clocks(plan)))

    (told,) = asyncio.run(asyncio.wait_for(tried(), 20))
    assert asked == ["HEAD / "]
    assert told.state == state, told
    assert side in told.found


class Door:
    """A venue's front door, and nothing behind it."""

    def __init__(self, answer: Handler) -> None:
        app = web.Application()
        app.router.add_route("*", "/", answer)
        self._runner = web.AppRunner(app, access_log=None)

    async def __aenter__(self) -> str:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


def test_what_a_part_needs_besides_is_asked_of_this_machine_alone(folder: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as somebody:
        port = somebody.getsockname()[1]
        redis = f'\n[sinks.feed]\nuse = "redis"\nfrom = "bars"\nurl = "redis://127.0.0.1:{port}"\n'
        (folder / "flows.toml").write_text(SMALL + redis, encoding="utf-8")
        assert found(folder, "redis")[0] == Finding("redis", "ok", f"127.0.0.1:{port} answers")
    (silent,) = found(folder, "redis")
    assert silent.state == "bad"
    assert "start it" in silent.mend
    assert found(folder, "extras")[0].state == "ok"
    elsewhere = (
        (folder / "flows.toml").read_text(encoding="utf-8").replace("redis://127.0.0.1", "rediss://redis.example")
    )
    (folder / "flows.toml").write_text(elsewhere, encoding="utf-8")
    assert "was not asked" in found(folder, "redis")[0].found

"""The SDK in a process of its own says the same; a process that dies or hangs is a session that is lost, no more."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from threading import Event

import pytest

from pipeline.fxcm.forexconnect import OfficialSdk
from pipeline.fxcm.port import (
    Access,
    LoginRefused,
    NoSuchInstrument,
    Offer,
    SdkFailed,
    SdkMissing,
    Session,
    SessionLost,
)
from pipeline.fxcm.remote import SCRIPT, Process, remote_module
from pipeline.market import Market
from pipeline.secret import Secret
from pipeline.times import HOUR, MINUTE
from tests.fxcm_rig import ACCESS, DEADLINE
from tests.support import MONDAY, ROOT

FAR = f"""
    import os
    from threading import Event
    from time import monotonic

    from pipeline.fxcm.misfortunes import Misfortune, Misfortunes
    from pipeline.fxcm.practice import PracticeFx, practice_module
    from pipeline.fxcm.practice_venue import HostClock, practice_venue

    print("what the SDK prints is nobody's business")
    zero = monotonic()
    clock = HostClock(lambda: {MONDAY} + int((monotonic() - zero) * 20_000), 20)
    wrong = Misfortunes({MONDAY}, [Misfortune(20_000, "bad_rows", 3_600_000)])
    module = practice_module(practice_venue({{"EUR/USD": "EURUSD"}}, clock, wrong))
    Common, fxcorepy = module.Common, module.fxcorepy

    def ForexConnect():
        fx = module.ForexConnect()
        real = fx.get_history

        def get_history(instrument, *given):
            if instrument == "DIE/NOW":
                os._exit(1)
            if instrument == "HANG/NOW":
                open("hangs", "w").close()
                Event().wait()
            return real(instrument, *given)

        fx.get_history = get_history
        left = fx.logout

        def logout():
            left()
            open("logged-out", "w").close()

        fx.logout = logout
        return fx
"""


def environment(folder: Path, *, installed: bool = True) -> dict[str, str]:
    """That of another Python which has an SDK; the other is this one, and its SDK a practice one."""
    package = folder / "site" / "forexconnect"
    package.parent.mkdir()
    if installed:
        package.mkdir()
        (package / "__init__.py").write_text(dedent(FAR), encoding="utf-8")
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(package.parent), str(ROOT)))}


def session(folder: Path, *, installed: bool = True) -> Session:
    """A session of its SDK."""
    around = environment(folder, installed=installed)
    module = remote_module([sys.executable], folder / "kept", around, patience=1.0)
    return OfficialSdk(module, folder / "kept").session()


def test_prices_and_bars_are_those_that_the_sdk_has_over_there(tmp_path: Path) -> None:
    enough, spoiled = Event(), Event()
    heard: list[Offer] = []

    def hear(offer: Offer | None) -> None:
        if offer is None:
            spoiled.set()
            return
        heard.append(offer)
        if len(heard) == 3:
            enough.set()

    far = session(tmp_path)
    assert far.login(ACCESS, print) == {"EUR/USD"}
    subscription = far.subscribe(hear)
    theirs = Market("EURUSD").quotes(MONDAY - 10 * MINUTE, MONDAY + HOUR)
    assert enough.wait(DEADLINE)
    rows = theirs.ts.searchsorted([each.at for each in heard[:3]])
    assert [(each.at, each.bid, each.ask) for each in heard[:3]] == [
        (int(theirs.ts[row]), float(theirs.bid[row]), float(theirs.ask[row])) for row in rows
    ]
    candles = far.history("EUR/USD", MINUTE, MONDAY - 10 * MINUTE, MONDAY, -1)
    assert candles.at.tolist() == [MONDAY - minutes * MINUTE for minutes in range(10, 0, -1)]
    assert candles.bid[:, 0].tolist() == theirs.bid[theirs.ts.searchsorted(candles.at)].tolist()
    assert candles.volume.sum() == 5 * theirs.ts.searchsorted(MONDAY)
    with pytest.raises(NoSuchInstrument):
        far.history("NO/WAY", MINUTE, MONDAY - MINUTE, MONDAY, -1)
    assert spoiled.wait(DEADLINE)
    subscription.close()
    far.logout()
    far.logout()


@pytest.mark.parametrize("instrument", ["DIE/NOW", "HANG/NOW"])
def test_a_process_that_dies_or_hangs_is_a_session_that_is_lost(tmp_path: Path, instrument: str) -> None:
    lost = Event()
    far = session(tmp_path)
    far.login(ACCESS, lambda word: lost.set() if word == "lost" else None)
    with pytest.raises(SessionLost):
        far.history(instrument, MINUTE, MONDAY - MINUTE, MONDAY, -1)
    assert lost.wait(DEADLINE)
    with pytest.raises(SessionLost):
        far.history("EUR/USD", MINUTE, MONDAY - MINUTE, MONDAY, -1)
    far.logout()


def test_who_goes_without_a_word_leaves_no_session_behind(tmp_path: Path) -> None:
    process = Process([sys.executable], tmp_path / "kept", environment(tmp_path), print, 1.0)
    assert process.begins()
    assert process.ask("login", "demo", "practice-demo", "", "Demo", "", "", seconds=DEADLINE) == ["EUR/USD"]
    process.end()
    assert (tmp_path / "kept" / "logged-out").exists()


def test_a_call_that_hangs_when_whoever_asked_is_gone_ends_with_it(tmp_path: Path) -> None:
    far = subprocess.Popen(
        [sys.executable, str(SCRIPT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env=environment(tmp_path),
    )
    with far:
        assert far.stdin is not None
        login = {"id": 1, "do": "login", "given": ["demo", "practice-demo", "", "Demo", "", ""]}
        history = {"id": 2, "do": "history", "given": ["HANG/NOW", "m1", MONDAY - MINUTE, MONDAY, -1]}
        far.stdin.write("".join(json.dumps(each) + "\n" for each in (login, history)).encode())
        far.stdin.flush()
        pause, looks = Event(), 0
        while not (tmp_path / "hangs").exists():
            assert looks < 100 * DEADLINE
            looks += 1 + pause.wait(0.01)
        far.stdin.close()  # as it is when we are killed
        assert far.wait(2 * DEADLINE) == 0


@pytest.mark.parametrize("said", ["not json", "5", "\\377"])
def test_what_nobody_can_read_is_a_process_that_is_lost(tmp_path: Path, said: str) -> None:
    around = environment(tmp_path)
    package = tmp_path / "site" / "forexconnect" / "__init__.py"
    spoiled = f"""
        def spoil(fx):
            import gc, io
            for each in gc.get_objects():
                if isinstance(each, io.TextIOWrapper) and each.fileno() > 2:
                    os.write(each.fileno(), b'{said}\\n')
    """
    package.write_text(dedent(FAR).replace("return real(", "spoil(fx); return real(") + dedent(spoiled), "utf-8")
    lost = Event()
    far = OfficialSdk(remote_module([sys.executable], tmp_path / "kept", around, patience=DEADLINE), tmp_path).session()
    far.login(ACCESS, lambda word: lost.set() if word == "lost" else None)
    with pytest.raises(SessionLost):
        far.history("EUR/USD", MINUTE, MONDAY - MINUTE, MONDAY, -1)
    assert lost.wait(DEADLINE)
    far.logout()


def test_a_process_that_is_killed_as_it_begins_says_nothing_of_what_is_installed(tmp_path: Path) -> None:
    around = environment(tmp_path)
    package = tmp_path / "site" / "forexconnect" / "__init__.py"
    package.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", encoding="utf-8")
    far = OfficialSdk(remote_module([sys.executable], tmp_path / "kept", around, patience=1.0), tmp_path).session()
    with pytest.raises(SdkFailed, match="did not begin") as failed:
        far.login(ACCESS, print)
    assert not isinstance(failed.value, SdkMissing)
    far.logout()


def test_a_login_that_is_refused_there_is_refused_here(tmp_path: Path) -> None:
    far = session(tmp_path)
    with pytest.raises(LoginRefused, match="Incorrect user name or password"):
        far.login(Access("demo", Secret("wrong"), "", "Demo"), print)
    far.logout()


def test_a_python_without_the_sdk_is_told_by_name(tmp_path: Path) -> None:
    far = session(tmp_path, installed=False)
    with pytest.raises(SdkMissing, match=f"not installed, neither for this Python nor for {Path(sys.executable).name}"):
        far.login(ACCESS, print)
    far.logout()


def test_what_runs_over_there_keeps_to_what_an_old_python_knows() -> None:
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 7))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= {
        "__future__",
        "contextlib",
        "datetime",
        "forexconnect",
        "json",
        "os",
        "queue",
        "sys",
        "threading",
        "typing",
    }

"""What a run sees to before it touches anything: its memory, its files, and whether it can write at all."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.checking import load
from pipeline.errors import InputError
from pipeline.hardening import amiss, refuse_unsafe, refuse_unwritable
from pipeline.ledger import Ledger
from tests.support import ROOT, SMALL

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes and owners are those of POSIX")
ROOTED = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become somebody else")
SOMEBODY = 10001


AS_SOMEBODY = """
import os, sys
import pipeline.verbs.run, pipeline.causality, operators, sinks, sources
from pipeline.__main__ import main
if int(sys.argv[2]):
    os.setgroups([])
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[2]))
sys.exit(main(["run", sys.argv[1], "--for", "1s"]))
"""


def runs(folder: Path, user: int = 0) -> subprocess.CompletedProcess[str]:
    """A run of the flow in a folder; by another user, who need not be able to read this checkout."""
    command = [sys.executable, "-c", AS_SOMEBODY, str(folder / "flows.toml"), str(user)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HOME": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "flows.toml").write_text(SMALL, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", ["ledger.db", "ledger.db-wal", "engine.token", "feed.db"])
def test_a_file_that_others_can_read_stops_a_run_with_the_command_that_closes_it(folder: Path, name: str) -> None:
    data = folder / "data"
    data.mkdir()
    with Ledger(data / "ledger.db"):
        pass
    (data / name).touch(mode=0o600)
    (data / name).chmod(0o644)
    with pytest.raises(InputError, match="open to others") as refused:
        refuse_unsafe(load(folder / "flows.toml"))
    _, _, mend = str(refused.value).partition("`")
    assert mend.rstrip("`") == f"chmod 600 {data / name}"
    subprocess.run(mend.rstrip("`").split(), check=True)
    refuse_unsafe(load(folder / "flows.toml"))


def test_a_run_says_so_in_one_sentence_and_begins_nothing(folder: Path) -> None:
    (folder / "data").mkdir()
    with Ledger(folder / "data" / "ledger.db"):
        pass
    (folder / "data" / "ledger.db").chmod(0o666)
    ended = runs(folder)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert f"chmod 600 {folder / 'data' / 'ledger.db'}" in ended.stderr
    assert not (folder / "data" / "engine.lock").exists()


def test_a_ledger_is_for_its_owner_alone_whichever_verb_makes_it(folder: Path) -> None:
    before = os.umask(0o022)
    try:
        with Ledger(folder / "data" / "ledger.db"):
            found = {path.name: path.stat().st_mode & 0o777 for path in (folder / "data").iterdir()}
    finally:
        os.umask(before)
    assert found["ledger.db"] == 0o600
    assert set(found.values()) == {0o600}


def test_a_link_is_no_ledger(folder: Path, tmp_path: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "ledger.db").symlink_to(tmp_path / "elsewhere.db")
    with pytest.raises(InputError, match="is a link"):
        refuse_unsafe(load(folder / "flows.toml"))


@ROOTED
def test_somebody_elses_file_is_refused_and_both_are_named(folder: Path) -> None:
    path = folder / "data" / "ledger.db"
    path.parent.mkdir()
    path.touch(mode=0o600)
    os.chown(path, SOMEBODY, SOMEBODY)
    told = amiss(path)
    assert told is not None
    assert f"belongs to user {SOMEBODY}, and this runs as user 0" in told
    assert f"chown -R 0:0 {path}" in told


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that everybody may enter, as pytest's own may not: whoever starts a pytest shuts that again."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@ROOTED
def test_a_folder_that_cannot_be_written_is_named_with_the_user_and_the_command(outside: Path) -> None:
    """As when a folder of root's is mounted into a container that runs as nobody in particular."""
    (outside / "flows.toml").write_text(SMALL, encoding="utf-8")
    (outside / "flows.toml").chmod(0o644)
    (outside / "data").mkdir()
    ended = runs(outside, user=SOMEBODY)
    assert ended.returncode == 2, ended.stderr
    assert f"{outside / 'data'} cannot be written" in ended.stderr
    assert f"belongs to user 0, and this runs as user {SOMEBODY}" in ended.stderr
    assert f"chown -R {SOMEBODY}:{SOMEBODY} {outside / 'data'}" in ended.stderr
    assert "Traceback" not in ended.stderr
    (outside / "data").rmdir()
    assert f"{outside / 'data'} cannot be made in {outside}" in runs(outside, user=SOMEBODY).stderr


def test_a_file_in_the_folders_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="is no folder"):
        refuse_unwritable(tmp_path / "data")


LOOKS = """
import ctypes, mmap, os, resource, sys
closed = ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0  # PR_SET_MDWE
if closed:
    try:
        mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except OSError:
        print("no memory is written and run")
import pyarrow, pandas, cryptography.fernet, keyring, aiohttp
from pipeline.__main__ import main
code = main(["run", sys.argv[1], "--for", "2s", "--json"])
print("found", code, ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE), oct(os.umask(0)))
print("closed" if closed else "no such flag")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only core files can be turned off")
def test_a_run_leaves_no_core_nobody_looks_into_it_and_it_works_where_no_memory_is_written_and_run(
    folder: Path,
) -> None:
    """The last as under `MemoryDenyWriteExecute=`: numpy, tulipy, pyarrow and SQLite make no code as they go."""
    (folder / "flows.toml").write_text(SMALL.replace("start = ", "speed = 300\nstart = "), encoding="utf-8")
    command = [sys.executable, "-c", LOOKS, str(folder / "flows.toml")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "found 0 0 (0, 0) 0o77" in ended.stdout
    assert ("no memory is written and run" in ended.stdout) == ("no such flag" not in ended.stdout)
    assert '"what": "decision"' in ended.stdout
    modes = {path.name: path.stat().st_mode & 0o077 for path in (folder / "data").iterdir()}
    assert set(modes.values()) == {0}

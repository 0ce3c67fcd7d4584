"""One file with a decision and what it came of: made again from the file alone, and without any secret.

The secrets are planted, in every form; the archive is searched by a search that knows nothing of how they are masked.
"""

import base64
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus

import pytest

from pipeline import virtual
from pipeline.__main__ import main
from pipeline.bundling.packing import Manifest, listed, packed, unpacked
from pipeline.checking import load_text
from pipeline.engine import Setting, running
from pipeline.errors import InputError
from pipeline.journal import Journal, read_header, read_lines, restored
from pipeline.times import utc_text
from pipeline.trying import NoRecords
from pipeline.verifying import Later
from tests.support import ROOT, SMALL
from tests.test_canary import forms

LIVE = """[sources.market]
use = "kraken"
products = ["EURUSD", "BTCUSD"]

"""
CANARIES = {
    "in a comment of the flow": "cAnArY-flow/Pass+word=9",
    "in an address of the flow": "cAnArYhookKEY0123456789",
    "in .env": "cAnArY-env.token~77",
    "in the environment": "cAnArYenvironment0123456",
    "in a token of the folder": "cAnArYtokenFILE" + "0" * 40,
    "in the log": "cAnArY-env.token~77",
}
COMMENTS = f"""
# password = "{CANARIES["in a comment of the flow"]}"
# https://hooks.example.com/services/T1/{CANARIES["in an address of the flow"]}
# tgram://{CANARIES["in an address of the flow"]}/12345
"""
EDIT = 'max_daily_loss = "20.00"', 'max_daily_loss = "19.00"'
FLOW = COMMENTS + SMALL.replace("start = ", "speed = 600\nstart = ").replace("demo-1", "my-own-account")


class Made(NamedTuple):
    """A flow that ran, recorded."""

    folder: Path
    session: Path
    rows: list[dict[str, Any]]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("ran")
    (folder / "flows.toml").write_text(FLOW, encoding="utf-8")
    command = [sys.executable, "-m", "pipeline", "run", "flows.toml", "--for", "2s", "--record", "session"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    with closing(sqlite3.connect(folder / "data" / "ledger.db")) as db:
        db.row_factory = sqlite3.Row
        rows = [dict(row) for row in db.execute("SELECT * FROM decisions ORDER BY at, product, tf")]
    assert len(rows) > 10
    return Made(folder, folder / "session", rows)


@pytest.fixture
def made(ran: Made, tmp_path: Path) -> Made:
    """One of a test's own, with secrets wherever somebody could leave one."""
    folder = tmp_path / "flow"
    shutil.copytree(ran.folder, folder)
    word = CANARIES["in .env"]
    (folder / ".env").write_text(f"BROKER_TOKEN={word}\n", encoding="utf-8")
    (folder / "data" / "broker.token").write_text(CANARIES["in a token of the folder"], encoding="ascii")
    (folder / "data" / "logs").mkdir(exist_ok=True)
    at = ran.rows[-1]["at"]
    lines = [{"seq": 10**9 + place, "at": at, "text": f"it said {form}, yes"} for place, form in enumerate(said(word))]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "data" / "logs" / "moonlight.999999.jsonl").write_text(text, encoding="utf-8")
    return Made(folder, folder / "session", ran.rows)


@pytest.fixture(autouse=True)
def _secret_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", CANARIES["in the environment"])


def said(secret: str) -> list[str]:
    """How somebody could have repeated it."""
    raw = secret.encode()
    coded = [base64.b64encode(bytes(shift) + raw + b"and more").decode() for shift in range(3)]
    return [secret, secret[::-1], quote(secret, safe=""), quote_plus(secret), raw.hex(), raw.hex().upper(), *coded]


def bar_of(row: dict[str, Any]) -> str:
    tf = {60_000: "1m", 300_000: "5m"}[row["tf"]]
    return f"{row['account']} {row['product']} {tf} {utc_text(row['bar'])}"


def bundle(made: Made, *words: str) -> int:
    return main(["bundle", str(made.folder / "flows.toml"), *words])


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def found_in(files: dict[str, bytes]) -> Iterator[str]:
    for whose, secret in CANARIES.items():
        for how, form in forms(secret).items():
            yield from (f"{name} holds the one {whose}, {how}" for name, content in files.items() if form in content)


def test_a_recorded_decision_is_made_again_from_the_file_alone_and_no_secret_leaves_in_any_form(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.zip"
    assert bundle(made, "--bar", bar_of(made.rows[10]), "--session", str(made.session), "--out", str(out), "--yes") == 0
    assert "it makes the same decisions again" in capsys.readouterr().out
    files = contents(out)
    assert b"it said" in files["log.jsonl"], "what was said is there, without the secret"
    assert list(found_in(files)) == []
    assert list(found_in({"the archive": out.read_bytes()})) == []
    assert not any(str(made.folder).encode() in content for content in files.values())
    taken = {each["name"]: each["redacted"] for each in json.loads(files["manifest.json"])["files"]}
    assert taken["flow/flows.toml"]["secrets"] >= 3
    assert taken["log.jsonl"]["secrets"] >= len(said("x" * 10))
    shutil.rmtree(made.folder)
    assert main(["bundle", "replay", str(out)]) == 0
    assert "1 decision is the same" in capsys.readouterr().out
    assert out.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("place", "accounts"), [(0, ()), (-1, ("--pseudonyms",))], ids=["before", "after"])
def test_a_decision_of_a_session_whose_flow_was_edited_is_made_again_by_the_flow_of_then(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str], place: int, accounts: tuple[str, ...]
) -> None:
    session, row = edited(made), made.rows[place]
    out = tmp_path / "out.zip"
    assert bundle(made, "--bar", bar_of(row), "--session", str(session), *accounts, "--out", str(out), "--yes") == 0
    said = capsys.readouterr().out
    assert "it makes the same decisions again" in said, said
    files = contents(out)
    assert list(found_in(files)) == []
    assert (EDIT[1].encode() in files["flow/flows.toml"]) is (place == -1), "the flow is the one of that moment"
    assert main(["bundle", "replay", str(out)]) == 0


def edited(made: Made) -> Path:
    """A recording of what the session heard, with an edit of the flow in its midst; the file is another one since."""
    header, session = read_header(made.session), made.folder / "edited"
    middle = made.rows[len(made.rows) // 2]["at"]
    flow = load_text(header.flow, header.file, made.folder)
    later = load_text(header.flow.replace(*EDIT), header.file, made.folder)

    async def recorded() -> None:
        setting = Setting(mode=flow.settings.mode, begin=header.begin, outside=())
        records = Later() if header.later else NoRecords()
        with Journal(session, flow, header.begin, later=header.later) as journal:
            async with running(flow, setting, records, None, journal=journal) as played:
                plan = flow
                for line in read_lines(made.session):
                    if plan is flow and line.at > middle:
                        plan = later
                        played.change_at(line.at, plan)
                    if line.what == "entered":
                        played.enter_at(line.at, line.node, restored(line.type, line.value))
                    elif line.what == "woke":
                        played.wake_at(line.at)

    virtual.run(lambda _: recorded())
    (made.folder / "flows.toml").write_text(header.flow.replace(EDIT[0], 'max_daily_loss = "18.00"'), encoding="utf-8")
    return session


def test_a_decision_that_nobody_recorded_is_made_again_when_the_market_can_be(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.zip"
    shutil.rmtree(made.session)
    assert bundle(made, "--bar", bar_of(made.rows[10]), "--out", str(out), "--yes") == 0
    shutil.rmtree(made.folder)
    assert main(["bundle", "replay", str(out)]) == 0
    assert "1 decision is the same" in capsys.readouterr().out


def test_the_search_finds_what_is_not_masked(made: Made) -> None:
    text = (made.folder / "flows.toml").read_bytes()
    assert len(list(found_in({"flow": text}))) >= 2


def test_accounts_go_by_other_names_and_the_decision_is_still_made_again(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.zip"
    words = ("--session", str(made.session), "--pseudonyms", "--out", str(out), "--yes")
    assert bundle(made, "--bar", bar_of(made.rows[10]), *words) == 0
    assert [name for name, content in contents(out).items() if b"my-own-account" in content] == []
    assert main(["bundle", "replay", str(out)]) == 0
    assert "1 decision is the same" in capsys.readouterr().out


def test_nothing_is_written_before_somebody_has_seen_the_list(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.zip"
    words = ("--bar", bar_of(made.rows[10]), "--session", str(made.session), "--out", str(out))
    assert bundle(made, *words) == 1
    told = capsys.readouterr()
    assert not out.exists()
    for name in ("decisions.json", "journal/journal.jsonl", "flow/flows.toml", "doctor.json", "why.txt"):
        assert re.search(rf"{re.escape(name)} +[\d,]+ bytes", told.out), name
    assert "--yes" in told.err


def test_the_same_contents_are_the_same_bytes() -> None:
    files = {"b.txt": b"second", "a.txt": b"first" * 1000}
    manifest = Manifest(1, "flow", ("x",), "none", "", "1", "abc", (), listed(files, {}))
    assert packed(files, manifest) == packed(dict(reversed(files.items())), manifest)


def test_an_order_and_a_span_are_found_and_what_is_not_there_is_told(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, last = made.rows[0], made.rows[-1]
    out = tmp_path / "span.zip"
    span = ("--since", utc_text(first["bar"]), "--until", utc_text(last["bar"] + 1))
    assert bundle(made, *span, "--session", str(made.session), "--out", str(out), "--yes") == 0
    assert len(json.loads(contents(out)["decisions.json"])) > 5
    assert main(["bundle", "replay", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["same"] is True
    refused = [
        (("--order", "nobody:EURUSD:1m:1"), "there is no order"),
        (("--bar", "my-own-account EURUSD 1m"), "four words"),
        (("--bar", "somebody EURUSD 1m 2026-01-05T10:00:00Z"), "it has those of my-own-account"),
        (("--bar", "my-own-account EURUSD 1m 2020-01-01T00:00:00Z"), "the ledger has"),
        ((), "say which decisions"),
        (("--bar", bar_of(last), "--out", str(out)), "exists already"),
    ]
    for words, sentence in refused:
        assert bundle(made, *words) == 2
        assert sentence in capsys.readouterr().err


def test_a_recording_that_was_changed_is_not_the_same(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.zip"
    assert bundle(made, "--bar", bar_of(made.rows[10]), "--session", str(made.session), "--out", str(out), "--yes") == 0
    files = contents(out)
    told = json.loads(files["manifest.json"])
    rows = json.loads(files["decisions.json"])
    rows[0]["score"] = 0.123
    files["decisions.json"] = json.dumps(rows).encode()
    del files["manifest.json"]
    manifest = Manifest(**told | {"files": listed(files, {}), "decisions": tuple(told["decisions"])})
    changed = tmp_path / "changed.zip"
    changed.write_bytes(packed(files, manifest))
    capsys.readouterr()
    assert main(["bundle", "replay", str(changed)]) == 1
    assert "had the score 0.123" in capsys.readouterr().out


def test_a_source_that_nobody_kept_is_told_of_and_nothing_is_promised(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (made.folder / "flows.toml").read_text(encoding="utf-8")
    (made.folder / "flows.toml").write_text(
        re.sub(r"\[sources\.market\].*?\n\n", LIVE, text, flags=re.DOTALL), encoding="utf-8"
    )
    out = tmp_path / "out.zip"
    assert bundle(made, "--bar", bar_of(made.rows[10]), "--out", str(out), "--yes") == 0
    told = capsys.readouterr().out
    assert "nobody kept what sources.market gave" in told
    assert "run --record" in told
    assert main(["bundle", "replay", str(out)]) == 1
    assert "it cannot be made again" in capsys.readouterr().out


def test_code_that_a_bundle_brings_is_not_run_unasked(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = tmp_path / "it-ran"
    code = f"from pathlib import Path\nPath({str(ran)!r}).touch()\n"
    files = {"flow/mine.py": code.encode(), "decisions.json": b"[]"}
    manifest = Manifest(1, "flow", ("x",), "whole", "", "1", "abc", ("flow/mine.py",), listed(files, {}))
    path = tmp_path / "brings.zip"
    path.write_bytes(packed(files, manifest))
    assert main(["bundle", "replay", str(path)]) == 2
    assert "--run-its-code" in capsys.readouterr().err
    assert not ran.exists()


@pytest.mark.parametrize("name", ["../out.txt", "/etc/out.txt", "a/../../out.txt", "C:out.txt", "a\\..\\out.txt"])
def test_a_bundle_that_would_write_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "strange.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", "{}")
        archive.writestr(name, "x")
    with pytest.raises(InputError, match="would lie outside"):
        unpacked(path, tmp_path / "to")
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"no zip at all"])
def test_what_is_no_bundle_is_told_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "none.zip"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is no bundle"):
        unpacked(path, tmp_path)


def test_a_file_that_is_not_what_the_list_says_is_refused(tmp_path: Path) -> None:
    files = {"a.txt": b"first"}
    manifest = Manifest(1, "flow", ("x",), "none", "", "1", "abc", (), listed(files, {}))
    path = tmp_path / "other.zip"
    path.write_bytes(packed({"a.txt": b"other"}, manifest))
    with pytest.raises(InputError, match=r"a\.txt is not what"):
        unpacked(path, tmp_path)

"""The command line as a person or a script meets it: real processes, their exit codes and every word they print."""

# pyarrow comes without types:
# pyright: reportMissingTypeStubs=false

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from time import perf_counter
from typing import IO, Any

import pyarrow.parquet
import pytest

from pipeline.__main__ import main
from pipeline.parts import registered
from pipeline.times import MINUTE, parse_moment
from pipeline.verbs import NAMES
from tests.support import ROOT
from tests.test_plan import TEN

pq: Any = pyarrow.parquet

AT_ONCE = 2
"""Commands that run beside each other."""
PATIENCE = 60
"""Seconds after which a command that does not end is a failure; none of them comes near."""
BEGIN = parse_moment("2026-01-05T10:00:00Z")

FLOW = """\
[moonlight]
block = 64

[accounts.demo-1]
venue = "practice"

[venues.practice]
use = "practice"

[sources.market]
use = "synthetic"
products = ["EURUSD"]
start = "2026-01-05T10:00:00Z"
speed = 600

[operators.bars]
use = "window"
from = "market"
timeframes = ["1m"]

[features]
fast = { use = "sma", period = 3 }
slow = { use = "sma", period = 8 }

[providers.cross]
use = "ema_cross"
fast = "fast"
slow = "slow"

[ensembles.main]
use = "weighted"
from = ["cross"]

[risk.main]
use = "guard"
from = "main"
accounts = ["demo-1"]
stake = { use = "fixed", amount = "1.00" }
max_daily_loss = "20.00"

[sinks.orders]
use = "executor"
from = "risk.main"

[sinks.ledger]
use = "store"
from = ["risk.main", "orders"]
"""


Ended = subprocess.CompletedProcess[str]
Said = tuple[int, str, str]
"""Exit code, output, error stream."""


class Shell:
    """Starts the program as a process of its own."""

    def __init__(self) -> None:
        self._environment = os.environ | {"PYTHONPATH": str(ROOT)}

    def run(self, folder: Path, *arguments: str) -> Ended:
        return subprocess.run(
            [sys.executable, "-m", "pipeline", *arguments],
            cwd=folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )

    def run_all(self, folder: Path, commands: Sequence[Sequence[str]]) -> list[Ended]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return [each.result() for each in [pool.submit(self.run, folder, *words) for words in commands]]

    def start(self, folder: Path, *arguments: str) -> subprocess.Popen[str]:
        """A process in a group of its own, so that what it is sent reaches nobody else."""
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline", *arguments],
            cwd=folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )


@pytest.fixture(scope="module")
def shell() -> Shell:
    return Shell()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "flows.toml").write_text(FLOW, encoding="utf-8")
    return tmp_path


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs the command line in this process, in a folder: what it ends with and says."""

    def said(folder: Path, *arguments: str) -> Said:
        monkeypatch.chdir(folder)
        code = main(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return said


def no_traceback(*ended: Ended) -> None:
    for each in ended:
        assert "Traceback" not in each.stderr, each.stderr


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def wait_for(output: IO[str], what: str) -> list[dict[str, Any]]:
    """Read JSON lines up to the first of a kind."""
    read: list[dict[str, Any]] = []
    for line in output:
        read.append(json.loads(line))
        if read[-1]["what"] == what:
            return read
    raise AssertionError(f"it ended without a line of {what!r}: {read}")


needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="nothing says what processes wait for")


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has its own answer to a signal by now."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()]


def wait_until(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Look every few milliseconds, as long as a process lives."""
    began = perf_counter()
    while not true():
        assert perf_counter() - began < PATIENCE, "it never came"
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.005)
            raise AssertionError("the process ended")


# --- help ------------------------------------------------------------------------------------------------------------


def test_the_program_tells_its_verbs(shell: Shell, tmp_path: Path) -> None:
    ended = shell.run(tmp_path, "--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [verb for verb in NAMES if f"\n    {verb} " not in ended.stdout] == []
    assert "exit codes: 0 ok, 1 the thing asked for failed, 2 the input was wrong" in ended.stdout


@pytest.mark.parametrize("verb", NAMES)
def test_a_verb_tells_what_it_does_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    told = capsys.readouterr()
    assert (ended.value.code, told.err) == (0, "")
    assert re.search(rf"examples?:\n(  .*\n)*  python -m pipeline {verb}\b", told.out)


def test_a_word_that_is_no_verb_ends_with_2_and_the_verbs_there_are(shell: Shell, tmp_path: Path) -> None:
    ended = shell.run(tmp_path, "nonsense")
    no_traceback(ended)
    assert ended.returncode == 2
    assert "'nonsense'" in ended.stderr
    assert "'validate'" in ended.stderr


# --- validate --------------------------------------------------------------------------------------------------------


def test_a_whole_flow_is_summed_up(folder: Path, here: Callable[..., Said]) -> None:
    assert here(folder, "validate") == (
        0,
        "flows.toml: ok: 1 accounts, 8 nodes, 2 features, 0 tests\n"
        "features are warm after 30 bars; history to load: 94 × 1m\n"
        "nothing looks ahead: 2 features, 1 provider, 1 ensemble tried, 1,072 rows compared "
        "(--deep tries every row by itself)\n",
        "",
    )


def test_ten_mistakes_are_ten_lines_and_exit_code_2(shell: Shell, folder: Path) -> None:
    (folder / "flows.toml").write_text(TEN, encoding="utf-8")
    ended = shell.run(folder, "validate")
    assert (ended.returncode, ended.stdout) == (2, "")
    *told, count = ended.stderr.splitlines()
    assert count == "10 problems"
    assert all(re.match(r"flows\.toml:\d+:\d+: .+; .+", line) for line in told)
    assert len(set(told)) == 10


def test_problems_are_json_for_programs(folder: Path, here: Callable[..., Said]) -> None:
    (folder / "flows.toml").write_text(TEN, encoding="utf-8")
    code, out, _ = here(folder, "validate", "--json")
    told = json.loads(out)
    assert (code, told["ok"], len(told["problems"])) == (2, False, 10)
    assert {"line", "column", "what", "fix"} == set(told["problems"][0])


def test_what_is_no_flow_file_is_one_sentence(folder: Path, here: Callable[..., Said]) -> None:
    (folder / "bytes.toml").write_bytes(bytes(range(256)))
    (folder / "big.toml").write_text("# padding\n" * 1024 * 1024, encoding="utf-8")
    (folder / "folder.toml").mkdir()
    os.mkfifo(folder / "pipe.toml")
    wrong = {
        "flow.toml": "there is no such file; did you mean flows.toml?",
        "bytes.toml": "name a flow file, in TOML",
        "big.toml": "a flow has at most 1,048,576",
        "folder.toml": "this is a folder; name a flow file",
        "pipe.toml": "this is no regular file; name a flow file on disk",
    }
    for name, sentence in wrong.items():
        code, out, error = here(folder, "validate", name)
        assert (code, out) == (2, ""), name
        assert error.startswith(f"{name}:")
        assert sentence in error
        assert len(error.splitlines()) == 2, "the sentence, and how many there are"


NOBODY = 65534


def test_a_file_that_may_not_be_read_is_one_sentence(capsys: pytest.CaptureFixture[str], outside: Path) -> None:
    flow = outside / "flows.toml"
    flow.write_text(FLOW, encoding="utf-8")
    flow.chmod(0)
    was = os.geteuid()
    try:
        if was == 0:  # who may read everything becomes somebody who may not
            os.seteuid(NOBODY)
        code = main(["validate", str(flow)])
    finally:
        os.seteuid(was)
    told = capsys.readouterr().err
    assert code == 2
    assert told.startswith(f"{flow}:1:1: ")
    assert "we may not read this file; give us the right to (chmod u+r" in told


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that everybody may enter, as pytest's own may not."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


# --- run -------------------------------------------------------------------------------------------------------------


def test_a_run_prints_one_object_a_line_and_ends_with_its_summary(shell: Shell, folder: Path) -> None:
    ended = shell.run(folder, "run", "--for", "3s", "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    told = lines_of(ended.stdout)
    assert told[0]["what"] == "begin"
    assert {"begin", "decision", "status", "summary"} <= {each["what"] for each in told}
    summary = told[-1]
    assert (summary["what"], summary["amiss"]) == ("summary", [])
    assert summary["decisions"] == sum(each["what"] == "decision" for each in told) > 0


def test_ctrl_c_ends_a_run_at_once_with_its_summary(shell: Shell, folder: Path) -> None:
    with shell.start(folder, "run", "--for", "30s", "--json") as running:
        assert running.stdout is not None
        wait_for(running.stdout, "decision")
        began = perf_counter()
        os.killpg(running.pid, signal.SIGINT)
        out, error = running.communicate(timeout=PATIENCE)
        assert perf_counter() - began < 15, "it would have gone on for half a minute"
    assert (running.returncode, error) == (0, "")
    assert lines_of(out)[-1]["what"] == "summary"


@needs_proc
def test_ctrl_c_while_the_program_is_not_there_yet_ends_it_without_a_word(shell: Shell, folder: Path) -> None:
    with shell.start(folder, "run") as starting:
        wait_until(lambda: catches(starting.pid, signal.SIGUSR1), starting)
        starting.send_signal(signal.SIGINT)
        out, error = starting.communicate(timeout=PATIENCE)
    assert (starting.returncode, out, error) == (130, "", "")
    assert not (folder / "data").exists()


@needs_proc
def test_a_stop_before_the_run_is_there_stops_it_from_its_first_bar_on(shell: Shell, folder: Path) -> None:
    with shell.start(folder, "run", "--for", "3s", "--json") as starting:
        wait_until(lambda: catches(starting.pid, signal.SIGUSR1), starting)
        assert not (folder / "data").exists(), "it is early"
        starting.send_signal(signal.SIGUSR1)
        out, error = starting.communicate(timeout=PATIENCE)
    assert (starting.returncode, error) == (0, "")
    verdicts = {each["verdict"] for each in lines_of(out) if each["what"] == "decision"}
    assert "killed" in verdicts
    assert "trade" not in verdicts
    held = shell.run(folder, "resume", "--reason", "looked at")
    assert "the signal SIGUSR1" in held.stdout


@needs_proc
def test_a_simulation_that_is_interrupted_says_how_many_worlds_held_so_far(shell: Shell, folder: Path) -> None:
    with shell.start(folder, "sim", "--seeds", "500", "--days", "0.02", "--jobs", "2") as running:
        wait_until(lambda: len(children(running.pid)) == 2, running)
        wait_until(lambda: not any(catches(each, signal.SIGINT) for each in children(running.pid)), running)
        os.killpg(running.pid, signal.SIGINT)
        out, error = running.communicate(timeout=PATIENCE)
    assert (running.returncode, out) == (130, "")
    assert re.fullmatch(r"\s*interrupted: \d+ of 500 worlds held so far, none failed\n", error)


def test_a_second_engine_on_one_folder_is_refused(shell: Shell, folder: Path) -> None:
    with shell.start(folder, "run", "--for", "30s", "--json") as running:
        assert running.stdout is not None
        wait_for(running.stdout, "decision")
        second = shell.run(folder, "run", "--for", "1s")
        os.killpg(running.pid, signal.SIGTERM)
        _, error = running.communicate(timeout=PATIENCE)
    assert (running.returncode, error) == (0, ""), "the first goes on until it is asked to end"
    assert (second.returncode, second.stdout) == (2, "")
    assert re.fullmatch(r"an engine already runs on .*; attach to it with `console`, or end it first\n", second.stderr)


def test_a_killed_run_goes_on_where_it_was(shell: Shell, folder: Path) -> None:
    with shell.start(folder, "run", "--for", "30s", "--json") as running:
        assert running.stdout is not None
        wait_for(running.stdout, "order")
        os.killpg(running.pid, signal.SIGKILL)
    ended = shell.run(folder, "run", "--for", "1s", "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert lines_of(ended.stdout)[0]["market_time"] > BEGIN
    with closing(sqlite3.connect(folder / "data" / "ledger.db")) as ledger:
        bars = [row[0] for row in ledger.execute("SELECT bar FROM decisions ORDER BY bar")]
        sent = [row[0] for row in ledger.execute("SELECT \"order\" FROM order_events WHERE state = 'SEND'")]
    assert bars == list(range(bars[0], bars[-1] + MINUTE, MINUTE)), "each bar decided, none twice"
    assert len(sent) == len(set(sent)), "no order sent twice"


def test_a_flow_for_replay_is_not_run(folder: Path, here: Callable[..., Said]) -> None:
    flow = folder / "flows.toml"
    flow.write_text(FLOW.replace("block = 64", 'block = 64\nmode = "replay"'), encoding="utf-8")
    assert here(folder, "run") == (
        2,
        "",
        'flows.toml says mode = "replay": run it with the verb `replay`, or set mode = "paper"\n',
    )


@pytest.mark.parametrize("arguments", [["run", "--for", "30s", "--json"], ["schema"]])
def test_who_stops_listening_gets_no_traceback(shell: Shell, folder: Path, arguments: list[str]) -> None:
    with shell.start(folder, *arguments) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        error = running.stderr.read()
    assert error == ""
    assert running.returncode == 0


# --- what a run leaves -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ran(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a flow ran and was recorded."""
    folder = tmp_path_factory.mktemp("ran")
    (folder / "flows.toml").write_text(FLOW, encoding="utf-8")
    ended = shell.run(folder, "run", "--for", "3s", "--record", "session")
    assert (ended.returncode, ended.stderr) == (0, "")
    return folder


def test_a_recorded_run_is_made_again_link_by_link(shell: Shell, ran: Path) -> None:
    ended = shell.run(ran, "verify", "session")
    assert (ended.returncode, ended.stderr) == (0, "")
    match = re.fullmatch(r"(\d+)/(\d+) identical \((\d+) decisions among them\)\n", ended.stdout)
    assert match is not None
    assert match[1] == match[2]
    assert int(match[3]) > 0


def test_a_price_that_was_changed_is_found_at_the_first_node_it_reaches(
    ran: Path, folder: Path, here: Callable[..., Said]
) -> None:
    session = Path(shutil.copytree(ran / "session", folder / "session"))
    lines = (session / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    entered = [number for number, line in enumerate(lines) if '"type":"Quotes"' in line]
    flipped = json.loads(lines[entered[len(entered) // 2]])
    flipped["value"]["ask"][-1] += 0.01
    lines[entered[len(entered) // 2]] = json.dumps(flipped)
    (session / "journal.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    code, out, error = here(folder, "verify", "session")
    assert (code, error) == (1, "")
    assert re.search(r"^\d+/\d+ identical", out)
    assert re.search(r"^first difference at link \d+, 2026-01-05T10:", out, re.MULTILINE)
    assert re.search(r"^  recorded: operators\.bars gave Bars", out, re.MULTILINE)
    assert re.search(r"^  replayed: operators\.bars gave Bars", out, re.MULTILINE)


def test_a_folder_that_holds_no_recording_is_a_mistake(folder: Path, here: Callable[..., Said]) -> None:
    code, out, error = here(folder, "verify", "session")
    assert (code, out) == (2, "")
    assert error == "session holds no recorded session; record one with `run --record session`\n"


def test_a_session_is_not_recorded_over(ran: Path, here: Callable[..., Said]) -> None:
    code, out, error = here(ran, "run", "--for", "1s", "--record", "session")
    assert (code, out) == (2, "")
    assert error == "session holds a recorded session already; name a new folder, or remove it\n"


def test_why_shows_every_gate_of_a_bar_with_its_numbers(ran: Path, here: Callable[..., Said]) -> None:
    code, out, error = here(ran, "why", "EURUSD", "1m", "10:05")
    assert (code, error) == (0, "")
    head, verdict, *gates = out.splitlines()
    assert head.startswith("EURUSD 1m 2026-01-05 10:05 UTC · demo-1 · decided 10:06:00.")
    assert re.match(r"  (traded|not traded: \w+)", verdict)
    said = [line.split() for line in gates if line.startswith(("  ✔", "  ✖"))]
    assert [words[2] for words in said] == [
        *("fault", "ready", "stale_signal", "vote", "confidence", "permit", "killed", "stopped", "missed", "overrun"),
        *("feed", "payout", "unknown", "open", "cool_down", "stake", "funds", "daily_loss"),
    ]


@pytest.mark.parametrize("moment", ["10:05", "2026-01-05T10:05:00Z", "2026-01-05T13:05:00+03:00", "2026-01-05 10:05"])
def test_why_takes_a_moment_as_one_would_write_it(ran: Path, here: Callable[..., Said], moment: str) -> None:
    code, out, _ = here(ran, "why", "EURUSD", "1m", moment, "--json")
    assert code == 0
    assert json.loads(out)["bar"] == BEGIN + 5 * MINUTE


def test_why_last_is_the_last_bar_decided(ran: Path, here: Callable[..., Said]) -> None:
    code, out, _ = here(ran, "why", "--last", "--json")
    with closing(sqlite3.connect(ran / "data" / "ledger.db")) as ledger:
        (last,) = ledger.execute("SELECT max(bar) FROM decisions").fetchone()
    assert (code, json.loads(out)["bar"]) == (0, last)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["EURUSQ", "1m", "10:05"], "the ledger has no decision on EURUSQ 1m; did you mean 'EURUSD 1m'?"),
        (["EURUSD", "5m", "10:05"], "the ledger has no decision on EURUSD 5m; did you mean 'EURUSD 1m'?"),
        (["EURUSD", "1m", "23:05"], "no decision for EURUSD 1m at 2026-01-05 23:05 (UTC): the ledger has 2026-01-05 "),
        (["EURUSD", "1m", "tea time"], "'tea time' is not a moment; write it like 2026-01-05T08:00:00Z, or like 14:35"),
        (["EURUSD", "7m", "10:05"], "'7m' does not divide a day into whole slots; use one of 1m, 5m, 15m"),
        (["EURUSD", "1m"], "say which bar: PRODUCT TIMEFRAME MOMENT, for example EURUSD 5m 14:35; or --last"),
        (["--last", "--account", "demo-2"], "account 'demo-2' has no decision for that bar; did you mean 'demo-1'?"),
    ],
)
def test_why_that_cannot_be_answered_says_what_could(
    ran: Path, here: Callable[..., Said], arguments: list[str], sentence: str
) -> None:
    code, out, error = here(ran, "why", *arguments)
    assert (code, out) == (2, "")
    assert error.startswith(sentence)
    assert error.count("\n") == 1


def test_why_without_a_ledger_or_with_an_empty_one_says_to_run_first(folder: Path, here: Callable[..., Said]) -> None:
    code, _, error = here(folder, "why", "--last")
    assert (code, error.count("\n")) == (2, 1)
    assert re.match(r"there is no ledger at .*; run the flow first, or name another flow file", error)
    (folder / "data").mkdir()
    (folder / "data" / "ledger.db").touch()
    code, _, error = here(folder, "why", "--last")
    assert (code, error.count("\n")) == (2, 1)
    assert re.match(r".*ledger\.db is no ledger of this version; run the flow first, or name another flow file", error)


# --- replay ----------------------------------------------------------------------------------------------------------


def test_a_replay_twice_gives_the_same_decisions_and_orders(shell: Shell, folder: Path) -> None:
    ended = shell.run_all(folder, [["replay", "--for", "3h", "--out", out] for out in ("one", "two")])
    assert [(each.returncode, each.stderr) for each in ended] == [(0, "")] * 2
    for name in ("decisions.parquet", "orders.parquet"):
        assert pq.read_table(folder / "one" / name).num_rows > 0, name
        assert (folder / "one" / name).read_bytes() == (folder / "two" / name).read_bytes(), name
    decided = pq.read_table(folder / "one" / "decisions.parquet")
    assert decided.num_rows == len(set(decided.column("bar").to_pylist()))


def test_a_result_is_not_written_over(folder: Path, here: Callable[..., Said]) -> None:
    assert here(folder, "replay", "--for", "1h", "--out", "one")[0] == 0
    assert here(folder, "replay", "--for", "1h", "--out", "one") == (
        2,
        "",
        "one holds the results of a replay already; name a new folder, or remove it\n",
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "the sources have no end; say how much to replay, --for 1d, or until when, --to 2026-01-06T08:00:00Z\n"),
        (["--for", "soon"], "'soon' is not a duration; write a number and a unit: 500ms, 30s, 5m, 2h or 1d\n"),
        (["--to", "noon"], "'noon' is not a moment; write it like 2026-01-05T08:00:00Z\n"),
        (["--to", "2026-01-04T00:00:00Z"], "the replay would end (2026-01-04T00:00:00.000Z) before it begins "),
    ],
)
def test_a_span_that_is_none_is_refused(
    folder: Path, here: Callable[..., Said], arguments: list[str], sentence: str
) -> None:
    code, out, error = here(folder, "replay", *arguments)
    assert (code, out) == (2, "")
    assert error.startswith(sentence)


# --- the rest --------------------------------------------------------------------------------------------------------


def test_init_makes_a_flow_that_is_whole(shell: Shell, tmp_path: Path, here: Callable[..., Said]) -> None:
    ended = shell.run(tmp_path, "init", "demo")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "demo/flows.toml" in ended.stdout
    assert here(tmp_path / "demo", "validate")[0] == 0
    assert here(tmp_path, "init", "demo") == (
        2,
        "",
        "demo/flows.toml is there already; choose another folder, or remove it\n",
    )


def test_init_in_the_place_of_a_file_is_refused(folder: Path, here: Callable[..., Said]) -> None:
    code, out, error = here(folder, "init", "flows.toml")
    assert (code, out, error) == (2, "", "flows.toml is not a folder; choose another name\n")


def test_a_graph_names_every_node_in_every_format(folder: Path, here: Callable[..., Said]) -> None:
    nodes = ["sources.market", "operators.bars", "providers.cross", "ensembles.main", "risk.main", "sinks.orders"]
    begins = {"text": "ledger", "mermaid": "flowchart LR", "dot": "digraph flow {", "json": '{"nodes": ['}
    drawings = {form: here(folder, "graph", "--format", form) for form in begins}
    for form, (code, out, error) in drawings.items():
        assert (code, error) == (0, "")
        assert out.startswith(begins[form])
        assert [node for node in nodes if node not in out] == [], form
    drawn = json.loads(drawings["json"][1])
    assert {"from": "sinks.orders", "to": "risk.main", "carries": ["Order"], "closes": True} in drawn["edges"]


def test_list_shows_kinds_parts_and_their_keys(tmp_path: Path, here: Callable[..., Said]) -> None:
    code, out, error = here(tmp_path, "list")
    assert (code, error) == (0, "")
    assert {
        "[sources]",
        "[operators]",
        "[features]",
        "[providers]",
        "[ensembles]",
        "[risk]",
        "[venues]",
        "[sinks]",
    } <= {line.strip() for line in out.splitlines()}
    code, out, _ = here(tmp_path, "list", "providers")
    assert code == 0
    assert "ema_cross" in out
    assert "[sources]" not in out
    code, out, _ = here(tmp_path, "list", "ema_cross")
    assert code == 0
    assert re.search(r"filter_level +number ≥ 0, ≤ 100 = 50\.0", out)
    code, out, _ = here(tmp_path, "list", "--json")
    assert {"kind", "use", "help", "origin", "takes", "gives", "keys"} == set(json.loads(out)[0])


def test_list_shows_strategies_in_a_row_each_and_one_by_its_number_in_full(
    tmp_path: Path, here: Callable[..., Said]
) -> None:
    code, out, _ = here(tmp_path, "list", "providers")
    assert code == 0
    assert re.search(r"^  ema_trend +5-10 +trend +Votes with a trend: ", out, re.MULTILINE)
    assert len(out.splitlines()) == len(registered("provider")) + 2, "a head, a row for each, an empty line"
    code, out, _ = here(tmp_path, "list", "6")
    assert code == 0
    assert re.search(r"^ +above +number ≥ 50, < 100 = 55\.0\b", out, re.MULTILINE)
    assert re.search(r"^ +use = 6 +above = 60\.0$", out, re.MULTILINE)
    code, out, _ = here(tmp_path, "list", "ema_trend", "--json")
    (told,) = json.loads(out)
    assert (told["ids"][:2], told["presets"]["6"], told["family"]) == ([5, 6], {"above": 60.0}, "trend")
    code, out, error = here(tmp_path, "list", "4")
    assert (code, out) == (2, "")
    assert error == "there is no provider 4; the nearest are 5 (ema_trend) and 6 (ema_trend)\n"


def test_list_shows_what_the_plugins_of_a_flow_bring(tmp_path: Path, here: Callable[..., Said]) -> None:
    (tmp_path / "mine.py").write_text(
        "from pipeline.parts import stake\n\n\n@stake\nclass Whole:\n"
        "    '''Puts everything on a ticket.'''\n\n    def __call__(self, balance): return balance\n",
        encoding="utf-8",
    )
    (tmp_path / "flows.toml").write_text('[moonlight]\nplugins = ["mine.py"]\n', encoding="utf-8")
    code, out, _ = here(tmp_path, "list", "whole", "--flow", "flows.toml")
    assert code == 0
    assert "whole  Puts everything on a ticket. (from mine.py)" in out
    (tmp_path / "mine.py").unlink()
    code, out, error = here(tmp_path, "list", "--flow", "flows.toml")
    assert (code, out) == (2, "")
    assert error.startswith("flows.toml:2:12: [moonlight] plugins: there is no file 'mine.py' beside the flow")


def test_list_of_what_there_is_not_names_the_nearest(tmp_path: Path, here: Callable[..., Said]) -> None:
    code, out, error = here(tmp_path, "list", "ema_cros")
    assert (code, out) == (2, "")
    also = " (with --flow FLOW also what its files bring)\n"
    assert error == "there is no kind and no part 'ema_cros'; did you mean 'ema_cross'?" + also
    assert "did you mean 'ema_trend'?" in here(tmp_path, "list", "EMA_TREND")[2]
    assert here(tmp_path, "list", "nonsense") == (
        2,
        "",
        "there is no kind and no part 'nonsense'; `list` shows all there are" + also,
    )


def test_the_schema_is_json_that_knows_our_tables(tmp_path: Path, here: Callable[..., Said]) -> None:
    code, out, error = here(tmp_path, "schema")
    assert (code, error) == (0, "")
    assert {"moonlight", "accounts", "sources", "test"} <= set(json.loads(out)["properties"])


def test_doctor_finds_this_machine_well(shell: Shell, folder: Path) -> None:
    ended = shell.run(folder, "doctor", "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    findings = json.loads(ended.stdout)
    assert [each for each in findings if each["state"] == "bad"] == []
    assert {"python", "sqlite", "keyring", "flow", "time zones"} <= {each["what"] for each in findings}


def test_doctor_says_how_to_mend_a_folder_that_is_none(tmp_path: Path, here: Callable[..., Said]) -> None:
    code, out, _ = here(tmp_path, "doctor", "--folder", "nowhere")
    assert code == 1
    assert "nowhere is not a folder; make it, or name another with --folder" in out


def test_doctor_names_a_log_beside_a_ledger_that_a_reader_holds_up(tmp_path: Path, here: Callable[..., Said]) -> None:
    log = tmp_path / "data" / "ledger.db-wal"
    log.parent.mkdir()
    with log.open("wb") as file:
        file.truncate(65 << 20)
    _, out, _ = here(tmp_path, "doctor")
    assert "ledger.db-wal has 65 MiB; a program that reads the ledger holds it up" in out
    with log.open("wb") as file:
        file.truncate(60 << 20)
    assert "ledger.db-wal" not in here(tmp_path, "doctor")[1]


@pytest.mark.parametrize("option", [("run", "--record"), ("replay", "--for", "1h", "--out")])
def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path, option: tuple[str, ...]) -> None:
    (tmp_path / "taken").write_text("a file, no folder", encoding="utf-8")
    (tmp_path / "flows.toml").write_text((ROOT / "flows.toml").read_text(encoding="utf-8"), encoding="utf-8")
    verb, *rest = option
    asked = [sys.executable, "-m", "pipeline", verb, "flows.toml", *rest, str(tmp_path / "taken" / "inside")]
    ended = subprocess.run(
        asked, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].endswith("cannot be used (Not a directory); mend it, or name another")
    assert "Traceback" not in ended.stderr

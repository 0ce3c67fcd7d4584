"""The log of a flow that runs: what [logs] says holds, and an order can be followed from its bar to its audit."""

import asyncio
import json
import logging
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from pipeline.__main__ import main
from pipeline.alerting.route import Alert
from pipeline.changes.proposal import Changed
from pipeline.errors import PlanError
from pipeline.evidence import Audited, Standing, Trouble, Verdict
from pipeline.lifecycle import Life, Scope, Switched
from pipeline.logs.companion import Logging
from pipeline.logs.files import CURRENT, files_of, set_aside
from pipeline.logs.overhearing import Overhearing
from pipeline.logs.reading import last_records
from pipeline.logs.records import Choice, Record
from pipeline.logs.settings import SUBJECTS, Logs
from pipeline.logs.showing import shown
from pipeline.plan import Plan
from pipeline.times import DAY, MINUTE, utc_text
from pipeline.values import Dropped, Fault, Latch, Stalled
from pipeline.verbs.run_words import Line, Plain
from tests.support import MONDAY, ROOT, SMALL, order, plan_of
from tests.test_logs_files import file_of, until, written

ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}
TOLD: tuple[tuple[str, Any], ...] = (
    ("venues.practice", Trouble("demo-1", "network", "the line broke", MONDAY)),
    ("sinks.orders", order("SEND")),
    ("risk.main", Dropped("EURUSD", "late", 3)),
)


def plan_with(tmp_path: Path, logs: str = "") -> Plan:
    return plan_of(SMALL + f"\n[logs]\n{logs}\n", tmp_path)


def lived(plan: Plan, *told: tuple[str, Any], act: Callable[[Logging], object] | None = None) -> Logging:
    """The log of a flow that gave these values and ended."""
    log = Logging(plan)

    async def life() -> None:
        log.opens()
        try:
            for node, value in told:
                log.told(node, value)
            log.begins_at(lambda: MONDAY)
            if act is not None:
                act(log)
            await log.ends("")
        finally:
            log.closes(None)

    asyncio.run(life())
    return log


def kept(plan: Plan) -> list[Record]:
    return last_records(plan.folder / plan.logs.folder, Choice())


# --- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "modules"),
    [
        ("debug", ["engine", "venues.practice", "sinks.orders", "risk.main", "engine"]),
        ("info", ["engine", "venues.practice", "sinks.orders", "engine"]),
        ("warning", ["venues.practice"]),
        ("error", []),
    ],
)
def test_the_level_says_what_is_kept(tmp_path: Path, level: str, modules: list[str]) -> None:
    plan = plan_with(tmp_path, f'level = "{level}"')
    lived(plan, *TOLD)
    assert [each.module for each in kept(plan)] == modules


def test_a_module_has_a_level_of_its_own(tmp_path: Path) -> None:
    plan = plan_with(tmp_path, 'level = "error"\nmodules = { "risk" = "debug", "sinks.orders" = "info" }')
    lived(plan, *TOLD)
    assert [each.module for each in kept(plan)] == ["sinks.orders", "risk.main"]


def test_a_module_that_nothing_is_said_under_is_refused_with_the_file_s_line(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"flows\.toml:\d+:\d+: .*nothing is said under 'venus'; did you mean 'venues'"):
        plan_with(tmp_path, 'modules = { "venus" = "debug" }')


def test_the_folder_says_where_the_files_are(tmp_path: Path) -> None:
    plan = plan_with(tmp_path, 'folder = "said"')
    lived(plan)
    assert [path.name for path in files_of(tmp_path / "data" / "said")] == [CURRENT]


def test_a_file_is_put_aside_before_it_is_larger_and_only_so_many_are_kept(tmp_path: Path) -> None:
    plan = plan_with(tmp_path, "rotate_mb = 1\nkeep_files = 2")

    def says_much(log: Logging) -> None:
        for number in range(1_000):
            log.book.say("info", "engine", f"n{number} ".ljust(4_000, "x"))

    lived(plan, act=says_much)
    folder = plan.folder / "logs"
    assert [number for number, _ in set_aside(folder)] == [3, 4]
    assert all(900_000 < path.stat().st_size <= 1_000_000 for _, path in set_aside(folder))
    assert kept(plan)[-1].text == "ends"


@pytest.mark.parametrize(("days", "left"), [(1, []), (5, ["moonlight.000001.jsonl"])])
def test_files_that_are_older_than_so_many_days_are_removed(tmp_path: Path, days: int, left: list[str]) -> None:
    plan = plan_with(tmp_path, f"keep_days = {days}")
    old = plan.folder / "logs" / "moonlight.000001.jsonl"
    old.parent.mkdir(parents=True)
    old.write_text("{}\n", encoding="utf-8")
    long_ago = old.stat().st_mtime - 3 * DAY / 1000
    os.utime(old, (long_ago, long_ago))
    lived(plan)
    assert [path.name for _, path in set_aside(old.parent)] == left


def test_where_there_is_no_terminal_run_prints_records_as_lines_as_json_or_not_at_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed: dict[str, str] = {}
    for console in ("human", "json", "off"):
        plan = plan_with(tmp_path / console, f'console = "{console}"')
        lived(plan, act=lambda log, plan=plan: (Plain(plan).hears(log.book), log.told(*TOLD[0])))
        printed[console] = capsys.readouterr().out
    assert printed["human"].startswith(
        "2026-01-05 10:00:00 warning venues.practice  demo-1: the line broke (network)\n"
    )
    first = json.loads(printed["json"].splitlines()[0])
    assert (first["module"], first["level"], first["text"]) == (
        "venues.practice",
        "warning",
        "demo-1: the line broke (network)",
    )
    assert printed["off"] == ""


def test_on_a_terminal_remarks_stand_and_of_the_log_only_what_libraries_warn_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = plan_with(tmp_path)
    line = Line(plan)

    def says(log: Logging) -> None:
        line.hears(log.book)
        log.told(*TOLD[0])
        logging.getLogger("broker").info("all is well")
        logging.getLogger("broker").warning("mind\x1b[2J the gap")

    lived(plan, act=says)
    said = capsys.readouterr().out
    assert [row.split("  ", 1)[1] for row in said.replace("\r\033[K", "").splitlines()] == ["mind␛[2J the gap"]


def test_a_flow_that_goes_on_by_another_plan_keeps_what_that_says(tmp_path: Path) -> None:
    def changes(log: Logging) -> None:
        log.book.set_level("risk", "error")
        log.changed(plan_with(tmp_path, 'level = "debug"'))
        log.told(*TOLD[2])

    plan = plan_with(tmp_path)
    lived(plan, act=changes)
    assert [each.text for each in kept(plan) if each.module == "risk.main"] == ["EURUSD: 3 let go (late)"]


# --- what is said ----------------------------------------------------------------------------------------------------


SPOKEN: tuple[tuple[str, Any, tuple[str, str, str]], ...] = (
    ("x", Fault("operators.bars", MONDAY, "ValueError: no"), ("error", "operators.bars", "fault: ValueError: no")),
    (
        "ledger",
        Latch("", True, MONDAY, "the news", "ada"),
        ("warning", "ledger", "everything is stopped, ada: the news"),
    ),
    (
        "venues.bank",
        Standing("demo-1", "REFUSED", MONDAY, "401"),
        (
            "warning",
            "venues.bank",
            "demo-1 is REFUSED, nothing is sent: 401; nothing is tried again before somebody mends it",
        ),
    ),
    (
        "clock",
        Stalled(2_500, "blocked"),
        ("warning", "clock", "the program was busy with one thing for 2.5 s; what was due meanwhile came late"),
    ),
    (
        "risk.main",
        Life("demo-1", "EURUSD", MINUTE, "PAUSED", MONDAY, "3 errors in a row"),
        ("warning", "keys", "demo-1 EURUSD 1m is PAUSED: 3 errors in a row"),
    ),
    (
        "ledger",
        Switched(Scope(product="EURUSD"), False, MONDAY, "thin market", "ada"),
        ("info", "keys", "EURUSD is stopped, ada: thin market"),
    ),
    (
        "changes",
        Changed(MONDAY, restarted=("providers.trend",)),
        ("info", "changes", "the flow goes on changed: restarted providers.trend"),
    ),
    (
        "alerts",
        Alert("CONNECTION", "critical", "demo-1", "not connected for 60 s", MONDAY),
        ("warning", "alerts", "CONNECTION demo-1: not connected for 60 s"),
    ),
    (
        "ledger",
        Verdict("o", "absent", order().profit, MONDAY, "ada", "looked"),
        ("warning", "ledger", "ada signs for absent +0: looked"),
    ),
    (
        "audits",
        Audited("o", "demo-1", MONDAY, "unexplained", reason="the exit differs"),
        ("warning", "audits", "the settlement of o is not explained by our ticks: the exit differs"),
    ),
    (
        "sinks.orders",
        order("UNKNOWN", reason="no answer", at=MONDAY),
        (
            "warning",
            "sinks.orders",
            "UNKNOWN: nobody knows whether the venue has it · call 1.00 · EURUSD 1m demo-1 · no answer",
        ),
    ),
)


@pytest.mark.parametrize(("node", "value", "said"), SPOKEN, ids=lambda each: type(each).__name__)
def test_what_happens_has_its_sentence_its_level_and_its_module(
    tmp_path: Path, node: str, value: Any, said: tuple[str, str, str]
) -> None:
    log = lived(plan_with(tmp_path), (node, value))
    record = log.book.tail()[1]
    assert (record.level, record.module, record.text) == said
    assert record.at == MONDAY


def test_a_key_that_becomes_ready_is_no_news_and_one_that_comes_back_is(tmp_path: Path) -> None:
    lives = (Life("demo-1", "EURUSD", MINUTE, state, MONDAY) for state in ("INIT", "RUNNING", "PAUSED", "RUNNING"))
    log = lived(plan_with(tmp_path, 'level = "debug"'), *(("risk.main", each) for each in lives))
    assert [each.level for each in log.book.tail(module="keys")] == ["debug", "debug", "warning", "info"]


def test_the_first_word_says_what_runs_and_the_last_why_it_ended(tmp_path: Path) -> None:
    plan = plan_with(tmp_path)
    log = Logging(plan)

    async def life() -> None:
        log.opens()
        log.told(*TOLD[0])
        await log.ends("sources.market failed")
        log.closes(None)

    asyncio.run(life())
    assert [(each.level, each.text) for each in kept(plan)] == [
        ("warning", "demo-1: the line broke (network)"),
        ("error", "ends: sources.market failed"),
    ]
    assert lived(plan).book.tail()[0].text.startswith("Moonlight ")


def test_a_run_that_fails_before_its_flow_begins_says_so_in_its_log(tmp_path: Path) -> None:
    plan = plan_with(tmp_path)
    log = Logging(plan)

    async def life() -> None:
        log.opens()
        log.closes(OSError("the port is taken"))

    asyncio.run(life())
    assert [(each.level, each.text) for each in kept(plan)] == [("error", "ends: the port is taken")]


# --- libraries -------------------------------------------------------------------------------------------------------


def test_whatever_libraries_say_by_their_own_ways_is_in_the_log_and_not_on_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    class Odd:
        def __str__(self) -> str:
            raise RuntimeError("cannot be shown")

    class Gone:
        def __del__(self) -> None:
            raise ValueError("in a finalizer")

    def fails() -> None:
        raise ValueError("in a thread")

    def says(_: Logging) -> None:
        broker = logging.getLogger("broker.http")
        broker.debug("too much")
        broker.warning("slow: %s", 12)
        try:
            raise OSError("no route")
        except OSError:
            broker.exception("failed")
        Gone()
        overhearing = next(each for each in logging.getLogger().handlers if isinstance(each, Overhearing))
        for words, argument in (("%s", Odd()), ("%d", "no number")):  # pytest listens too, and cannot bear these
            known = {"name": "broker.http", "levelno": logging.ERROR, "msg": words, "args": (argument,)}
            overhearing.handle(logging.makeLogRecord(known))
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("old", DeprecationWarning, stacklevel=1)
        thread = threading.Thread(target=fails, name="its own")
        thread.start()
        thread.join()
        asyncio.get_running_loop().call_exception_handler({"message": "a task", "exception": ValueError("in a task")})
        logging.getLogger("moonlight.requests").warning("GET /x", extra={"facts": {"ms": 3}})

    before = sys.unraisablehook, threading.excepthook, warnings.showwarning, logging.getLogger().handlers[:]
    log = lived(plan_with(tmp_path), act=says)
    said = {each.text: each for each in log.book.tail() if each.module != "engine"}
    texts = "\n".join(f"{each.level} {each.module}: {each.text}" for each in said.values())
    assert "warning libraries.broker.http: slow: 12\nerror libraries.broker.http: failed\n" in texts
    assert "error libraries.broker.http: what it said cannot be read (RuntimeError: cannot be shown): %s" in texts
    assert "error libraries.broker.http: what it said cannot be read (TypeError: " in texts
    assert "DeprecationWarning: old" in texts
    assert "error libraries.threads: the thread its own failed: ValueError: in a thread" in texts
    assert "error libraries.asyncio: a task: ValueError: in a task" in texts
    assert "ValueError: in a finalizer" in texts
    assert "too much" not in texts
    assert "OSError: no route" in str(said["failed"].fields["traceback"])
    assert (said["GET /x"].module, said["GET /x"].fields) == ("requests", {"ms": 3})
    assert capfd.readouterr() == ("", "")
    assert before == (sys.unraisablehook, threading.excepthook, warnings.showwarning, logging.getLogger().handlers[:])


def test_libraries_say_more_from_the_moment_on_that_somebody_wants_to_hear_it(tmp_path: Path) -> None:
    def says(log: Logging) -> None:
        broker = logging.getLogger("broker")
        broker.debug("before")
        log.book.set_level("libraries.broker", "debug")
        broker.debug("meanwhile")
        logging.getLogger("other").debug("nobody asked")
        log.book.set_level("libraries.broker", None)
        broker.debug("after")

    log = lived(plan_with(tmp_path), act=says)
    assert [each.text for each in log.book.tail(module="libraries")] == ["meanwhile"]


# --- a real run ------------------------------------------------------------------------------------------------------


TALKER = '''
import logging
import warnings

from reactivex import Observable, empty

from pipeline.host import Host
from pipeline.parts import source
from pipeline.values import Quotes


@source
class Talker:
    """Says something by every way there is, and gives nothing."""

    def __call__(self, host: Host) -> Observable[Quotes]:
        logging.getLogger("talker").warning("\\x1b[31mlogging in with password=hunter2hunter2")
        warnings.warn("an old way\\nof doing it", stacklevel=1)
        return empty()
'''


class Ran(NamedTuple):
    """A run, and its flow file."""

    flow: Path
    out: str
    err: str

    @property
    def folder(self) -> Path:
        return self.flow.parent / "data" / "logs"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    base = tmp_path_factory.mktemp("ran")
    (base / "talker.py").write_text(TALKER, encoding="utf-8")
    text = SMALL.replace("block = 64", 'block = 64\nplugins = ["talker.py"]')
    text = text.replace('start = "2026-01-05T10:00:00Z"', 'start = "2026-01-05T10:00:00Z"\nspeed = 600')
    text += '\n[sources.talker]\nuse = "talker"\n\n[logs]\nmodules = { "risk" = "debug", "venues" = "debug" }\n'
    flow = base / "flows.toml"
    flow.write_text(text, encoding="utf-8")
    ended = subprocess.run(
        (sys.executable, "-m", "pipeline", "run", "--for", "3s"),
        cwd=base,
        env=ENVIRONMENT | {"PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return Ran(flow, ended.stdout, ended.stderr)


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[str], str]:
    code = main(["logs", *words])
    out, err = capsys.readouterr()
    return code, out.splitlines(), err


def test_an_order_is_followed_by_its_id_from_its_decision_to_its_audit(
    ran: Ran, capsys: pytest.CaptureFixture[str]
) -> None:
    settled = next(each for each in last_records(ran.folder, Choice()) if each.text.startswith("settled"))
    ended = settled.text.split(" · ", maxsplit=1)[0].removeprefix("settled: ")
    until_ = utc_text(int(str(settled.fields["expiry"])))[11:19]
    code, lines, _ = asked(capsys, str(ran.flow), "--order", settled.correlation, "--json")
    records = [json.loads(line) for line in lines]
    assert code == 0
    assert {each["correlation"] for each in records} == {settled.correlation}
    assert [each["text"].split(" · ")[0] for each in records if each["level"] == "info"] == [
        f"decided: {settled.fields['direction']} 1.00",
        "sent",
        f"acknowledged: contract MOCK-{settled.correlation} until {until_}",
        f"settled: {ended}",
        f"audited: our own ticks say {settled.fields['result']} too",
    ]
    assert [each["text"].split(",")[0] for each in records if each["module"] == "venues.practice"] == [
        f"the venue took it as contract MOCK-{settled.correlation}",
        f"the venue says {ended}",
    ]
    account, product, timeframe, bar = settled.correlation.split(":")
    main(["why", product, timeframe, utc_text(int(bar)), "--flow", str(ran.flow), "--account", account, "--json"])
    why = json.loads(capsys.readouterr().out)
    assert (why["order"], why["state"]) == (settled.correlation, "SETTLED")


def test_a_bar_that_was_not_traded_says_by_which_gate_under_the_id_its_order_would_have(ran: Ran) -> None:
    refused = [each for each in last_records(ran.folder, Choice(module="risk")) if each.text.startswith("not traded")]
    assert {"verdict", "value", "threshold", "score", "payout", "bar"} == set(refused[0].fields)
    assert refused[0].correlation == f"demo-1:{refused[0].correlation.split(':', 1)[1]}"
    assert refused[0].correlation.endswith(f":{refused[0].fields['bar']}")


def test_what_was_printed_is_what_was_written(ran: Ran) -> None:
    plan = plan_of(ran.flow.read_text(encoding="utf-8"), ran.flow.parent)
    lines = "\n".join(
        shown(each, ZoneInfo(plan.settings.display_timezone)) for each in last_records(ran.folder, Choice())
    )
    printed = [line for line in ran.out.splitlines() if line.startswith(("2026-", "    │"))]
    assert "\n".join(printed) == lines


def test_nothing_of_a_library_reaches_the_terminal_raw_and_no_secret_anything(ran: Ran) -> None:
    assert "\x1b" not in ran.out + ran.err
    assert "hunter2" not in ran.out + ran.err + "".join(path.read_text() for path in files_of(ran.folder))
    said = [each.text for each in last_records(ran.folder, Choice(module="libraries"))]
    assert any(each.startswith("␛[31mlogging in with password=•") for each in said)
    assert any(each.endswith("UserWarning: an old way ⏎ of doing it") for each in said)


def test_the_verb_shows_the_last_lines_and_those_that_are_asked_for(
    ran: Ran, capsys: pytest.CaptureFixture[str]
) -> None:
    flow = str(ran.flow)
    _, lines, _ = asked(capsys, flow)
    assert len(lines) == 50
    assert lines[-1].endswith("engine  ends")
    _, lines, _ = asked(capsys, flow, "--tail", "2", "--module", "sinks")
    assert [" sinks.orders  " in line for line in lines] == [True, True]
    _, lines, _ = asked(capsys, flow, "--grep", "SETTLED: win")
    assert lines
    assert all("settled: win" in line for line in lines)
    _, lines, _ = asked(capsys, flow, "--level", "error")
    assert lines == []
    _, lines, _ = asked(capsys, flow, "--since", "1h", "--module", "engine")
    assert len(lines) == 3
    last = last_records(ran.folder, Choice(module="risk"))[-1]
    _, lines, _ = asked(capsys, flow, "--since", utc_text(last.at)[:19], "--module", "risk", "--json")
    late = [each.at for each in last_records(ran.folder, Choice(module="risk")) if each.at >= last.at // 1000 * 1000]
    assert [json.loads(line)["at"] for line in lines] == late


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--module", "venus"), "--module: nothing is said under 'venus'; did you mean 'venues'?"),
        (("--since", "soon"), "--since: 'soon' is not a moment; write it like 2026-01-05T08:00:00Z, or as a span: 10m"),
        (("--tail", "-1"), "--tail cannot be below 0; say how many of the last lines are wanted"),
        (("other.toml",), "one flow file is read at a time, not 2: "),
    ],
)
def test_what_cannot_be_shown_is_said_with_what_can(
    ran: Ran, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str
) -> None:
    code, lines, error = asked(capsys, str(ran.flow), *words)
    assert (code, lines) == (2, [])
    assert error.startswith(sentence)


@pytest.mark.parametrize(
    ("change", "code", "sentence"),
    [
        ("venus=debug", 2, "'venus=debug': nothing is said under 'venus'; did you mean 'venues'?"),
        ("venues=loud", 2, "'venues=loud' is no change; write MODULE=LEVEL with one of debug, info, warning, error"),
        ("venues", 2, "'venues' is no change; "),
        ("=", 2, "'=' is no change; "),
        ("venues=debug", 1, "no engine is running in "),
    ],
)
def test_a_level_that_cannot_be_changed_is_said_why(
    ran: Ran, capsys: pytest.CaptureFixture[str], change: str, code: int, sentence: str
) -> None:
    ended, lines, error = asked(capsys, "level", change, "--flow", str(ran.flow))
    assert (ended, lines) == (code, [])
    assert error.startswith(sentence)


def test_whoever_follows_sees_what_is_said_from_then_on_over_a_file_put_aside(tmp_path: Path) -> None:
    (tmp_path / "flows.toml").write_text(SMALL, encoding="utf-8")
    file = file_of(tmp_path / "data" / "logs", rotate=200)
    written(file, 1)
    seen = tmp_path / "seen.txt"
    with seen.open("w", encoding="utf-8") as out:
        follower = subprocess.Popen(
            (sys.executable, "-m", "pipeline", "logs", "-f", "--json"), cwd=tmp_path, env=ENVIRONMENT, stdout=out
        )
    try:
        until(lambda: '"seq":1' in seen.read_text(encoding="utf-8"))
        written(file, *range(2, 9))
        until(lambda: '"seq":8' in seen.read_text(encoding="utf-8"))
    finally:
        follower.terminate()
        follower.wait()
        file.close()
    assert [json.loads(line)["seq"] for line in seen.read_text(encoding="utf-8").splitlines()] == list(range(1, 9))


@pytest.mark.slow
def test_a_running_engine_says_more_as_soon_as_it_is_told_and_whoever_follows_sees_it_over_its_next_start(
    ran: Ran,
) -> None:
    program = (sys.executable, "-m", "pipeline")
    followed = ran.flow.parent / "followed.txt"
    run = (*program, "run", "--for", "60s")
    with followed.open("w", encoding="utf-8") as out:
        follower = subprocess.Popen(
            (*program, "logs", "-f", "--tail", "0"), cwd=ran.flow.parent, env=ENVIRONMENT, stdout=out
        )
    try:
        for life in (1, 2):
            (ran.flow.parent / "data" / "engine.json").unlink(missing_ok=True)
            engine = subprocess.Popen(run, cwd=ran.flow.parent, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
            try:
                until((ran.flow.parent / "data" / "engine.json").exists)
                until(lambda life=life: followed.read_text(encoding="utf-8").count("Moonlight ") == life)
                if life == 1:
                    assert "debug   sinks.orders" not in followed.read_text(encoding="utf-8")
                    asked_ = (*program, "logs", "level", "sinks=debug")
                    told = subprocess.run(
                        asked_, cwd=ran.flow.parent, env=ENVIRONMENT, capture_output=True, text=True, check=False
                    )
                    assert (told.returncode, "sinks: debug" in told.stdout) == (0, True), told.stderr
                    until(lambda: "debug   sinks.orders" in followed.read_text(encoding="utf-8"))
            finally:
                engine.kill()
                engine.wait()
    finally:
        follower.terminate()
        follower.wait()


@pytest.mark.parametrize("broken", ["[moonlight]\nno = 1\nblock = 'x'\n", "[moonlight\n", "moonlight = 3\n"])
def test_the_log_of_a_flow_whose_file_has_mistakes_is_read_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    lived(plan_with(tmp_path))
    (tmp_path / "flows.toml").write_text(broken, encoding="utf-8")
    code, lines, error = asked(capsys, str(tmp_path / "flows.toml"))
    assert (code, len(lines), error) == (0, 2, "")


def test_a_flow_that_is_not_there_is_told_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, error = asked(capsys, str(tmp_path / "flows.toml"))
    assert (code, error) == (
        2,
        f"{tmp_path / 'flows.toml'} cannot be read (No such file or directory); name the flow file\n",
    )


def test_every_key_and_subject_has_its_line_on_the_page() -> None:
    page = (ROOT / "docs" / "logs.md").read_text(encoding="utf-8")
    for name in (*SUBJECTS, *(each.name for each in fields(Logs))):
        assert f"`{name}`" in page, name

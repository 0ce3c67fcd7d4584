"""Real money: nothing leaves without an arming that holds at that very moment, and what it takes to arm an account."""

import json
import os
import pty
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as supposing
from hypothesis import settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline import virtual
from pipeline.__main__ import main
from pipeline.arming import LONGEST, Armings, armed, banner, case_of, withdrawn
from pipeline.engine import Setting, running
from pipeline.errors import InputError
from pipeline.evidence import Written
from pipeline.host import Records
from pipeline.ledger import Ledger
from pipeline.plan import LEDGER, Plan
from pipeline.replaying import replayed
from pipeline.times import DAY, HOUR, MINUTE, SECOND
from pipeline.trying import NoRecords
from pipeline.values import Arming, Certificate, Latch, Order, Past
from tests.stalling import EAGER
from tests.support import MONDAY, ROOT, SMALL, order, plan_of
from tests.test_cli import Shell
from tests.test_latches import running as running_flow

REAL = (
    SMALL.replace("block = 64", 'block = 64\nmode = "live"\nplugins = ["eager.py"]')
    .replace('balance = "100.00"', 'balance = "100.00"\nmoney = "real"')
    .replace('use = "ema_cross"\nfast = "fast"\nslow = "slow"', 'use = "eager"')
)
SOUND = Certificate(
    account="demo-1",
    since=MONDAY - DAY,
    as_of=MONDAY - HOUR,
    at=MONDAY - HOUR,
    intents=3,
    contracts=3,
    opening=Decimal("100.00"),
    profit=Decimal("2.70"),
    cash=Decimal(0),
    stakes=Decimal("1.00"),
    closing=Decimal("101.70"),
)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    (tmp_path / "eager.py").write_text(EAGER, encoding="utf-8")
    return plan_of(REAL, tmp_path)


def arming(at: int = MONDAY, until: int = MONDAY + HOUR, name: str = "A-1") -> Arming:
    return Arming(name, "demo-1", at, until, "somebody")


# --- a whole flow ----------------------------------------------------------------------------------------------------


WRITTEN = "all intents are on disk now"


class Later(NoRecords):
    """Says of an intent only later that it is on disk, when somebody says so."""

    def __init__(self) -> None:
        self.intended: list[str] = []

    def intend(self, order: Order) -> bool | None:
        self.intended.append(order.order)
        return None

    def written(self) -> list[Any]:
        return [Written(name, True) for name in self.intended]


def traded(
    plan: Plan, entries: Sequence[tuple[int, Any]], until: int, records: Records | None = None, past: Past | None = None
) -> list[Order]:
    """What became of the orders of a live flow on its own market, while this came in by the ledger's door."""
    orders: list[Order] = []

    async def live() -> None:
        def told(_: str, value: Any) -> None:
            if isinstance(value, Order):
                orders.append(value)

        setting = Setting(mode="live", begin=MONDAY)
        async with running(plan, setting, records or NoRecords(), past or Past((), {}), taps=(told,)) as flow:
            for at, value in entries:
                await flow.border.until(at)
                for each in records.written() if value is WRITTEN and isinstance(records, Later) else [value]:
                    flow.enter(LEDGER, each)
            await flow.border.until(until)

    virtual.run(lambda _: live())
    return orders


def ends(orders: Sequence[Order]) -> set[tuple[str, str, str]]:
    last = {each.order: each for each in orders}
    return {(each.state, each.cause, each.reason) for each in last.values()}


UNARMED = ("ABORT", "not_sent", "it plays with real money and is not armed; `arm demo-1` does that")


def test_without_an_arming_no_order_of_a_real_account_leaves(plan: Plan) -> None:
    orders = traded(plan, [], MONDAY + 20 * MINUTE)
    assert len({each.order for each in orders}) > 5
    assert ends(orders) == {UNARMED}
    assert not [each for each in orders if each.state == "SEND"]


def test_while_it_is_armed_orders_leave_with_its_id_and_none_before_or_after(plan: Plan) -> None:
    begin, until = MONDAY + 5 * MINUTE + 30 * SECOND, MONDAY + 15 * MINUTE + 30 * SECOND
    orders = traded(plan, [(begin, arming(begin, until))], MONDAY + 25 * MINUTE)
    sent = [each for each in orders if each.state == "SEND"]
    assert sent
    assert {each.arming for each in sent} == {"A-1"}
    assert all(begin <= each.sent_at < until for each in sent)
    refused = [each for each in orders if each.state == "ABORT"]
    assert {each.wanted_at < begin for each in refused} == {True, False}
    assert {(each.state, each.cause, each.reason) for each in refused} == {UNARMED}


def test_an_arming_of_an_earlier_life_holds_until_its_time_is_over(plan: Plan) -> None:
    past = Past((), {}, armings=(arming(until=MONDAY + 8 * MINUTE),))
    orders = traded(plan, [], MONDAY + 20 * MINUTE, past=past)
    assert {each.sent_at < MONDAY + 8 * MINUTE for each in orders if each.state == "SEND"} == {True}
    assert UNARMED in ends(orders)


AT = MONDAY + 2 * MINUTE
"""When a bar of a minute is final."""
JUST_BEFORE = AT - SECOND


@pytest.mark.parametrize(
    ("meanwhile", "said"),
    [
        (arming(JUST_BEFORE, AT + 2 * SECOND), UNARMED),
        (withdrawn(arming(), AT + SECOND, "somebody"), UNARMED),
        (
            Latch("demo-1", True, AT + SECOND, "enough", "kill"),
            ("ABORT", "not_sent", "a stop holds: enough (kill)"),
        ),
        (
            Latch("", True, AT + SECOND, "enough", "file"),
            ("ABORT", "not_sent", "a stop holds: enough (file)"),
        ),
    ],
    ids=["its time is over", "it is withdrawn", "the account is stopped", "everything is stopped"],
)
def test_what_comes_between_writing_an_intent_and_sending_it_stops_the_order(
    plan: Plan, meanwhile: Arming | Latch, said: tuple[str, str, str]
) -> None:
    until = meanwhile.until if isinstance(meanwhile, Arming) and meanwhile.until > meanwhile.at else AT + HOUR
    entries = [(JUST_BEFORE, arming(JUST_BEFORE, until)), (AT + SECOND, meanwhile), (AT + 3 * SECOND, WRITTEN)]
    records = Later()
    orders = traded(plan, entries, AT + 10 * SECOND, records)
    assert records.intended
    assert ends([each for each in orders if each.order in records.intended]) == {said}
    assert not [each for each in orders if each.state == "SEND"]


def test_what_is_armed_throughout_is_sent_once_its_intent_is_written(plan: Plan) -> None:
    records = Later()
    orders = traded(plan, [(JUST_BEFORE, arming(JUST_BEFORE)), (AT + 3 * SECOND, WRITTEN)], AT + 10 * SECOND, records)
    assert {each.sent_at for each in orders if each.state == "SEND"} == {AT + 3 * SECOND}


def test_a_replay_of_a_flow_with_real_money_needs_no_arming(plan: Plan, tmp_path: Path) -> None:
    orders: list[Order] = []

    def told(_: str, value: Any) -> None:
        if isinstance(value, Order):
            orders.append(value)

    with Ledger(tmp_path / "replay.db") as ledger:
        replayed(plan, MONDAY, MONDAY + 20 * MINUTE, ledger, past=None, block=0, taps=(told,))
    assert [each for each in orders if each.state == "SETTLED"]
    assert {each.arming for each in orders} == {""}


# --- armings ---------------------------------------------------------------------------------------------------------

MOMENTS = st.integers(MONDAY, MONDAY + 20)


@settings(max_examples=100)
@supposing(st.lists(st.tuples(MOMENTS, MOMENTS)), MOMENTS)
def test_an_account_is_armed_by_its_last_arming_alone_and_only_within_its_time(
    spans: list[tuple[int, int]], now: int
) -> None:
    told = [arming(at, until, f"A-{number}") for number, (at, until) in enumerate(spans)]
    armings = Armings(told)
    live = armings.live("demo-1", now)
    assert live == (told[-1] if told and told[-1].at <= now < told[-1].until else None)
    assert armings.live("demo-2", now) is None


def test_an_arming_whose_time_is_over_is_told_once_and_one_that_was_withdrawn_is_not() -> None:
    armings = Armings([arming()])
    assert list(armings.expired(MONDAY + HOUR - 1)) == []
    (over,) = armings.expired(MONDAY + HOUR)
    assert (over.account, over.at, over.until, over.by) == ("demo-1", MONDAY + HOUR, MONDAY + HOUR, "its time")
    assert list(armings.expired(MONDAY + 2 * HOUR)) == []
    armings.take(withdrawn(arming(name="A-2"), MONDAY + 5, "somebody"))
    assert list(armings.expired(MONDAY + 2 * HOUR)) == []


# --- what is shown, and what forbids ---------------------------------------------------------------------------------


def test_an_account_with_a_sound_and_young_certificate_may_be_armed(plan: Plan) -> None:
    case = case_of(plan, "demo-1", Past((), {}, certificates=(SOUND,)), [], MONDAY)
    assert case.forbids == ()
    sheet = case.sheet()
    assert list(sheet) == ["account", "permission", "limits", "certificate", "evidence", "what holds"]
    assert "REHEARSAL" in sheet["account"][0]
    assert sheet["permission"] == ["the practice venue: nobody's money, nobody's permission needed"]
    assert "100.00 +2.70 of trades +0 of cash -1.00 of open stakes = 101.70" in sheet["certificate"][0]
    assert any("−20.00" in line for line in sheet["limits"])
    assert sheet["evidence"] == ["NOTHING IS PROVED: no trade of this account has ended"]
    made = armed(case, MONDAY, 2 * HOUR, "somebody")
    assert (made.account, made.at, made.until, made.by) == ("demo-1", MONDAY, MONDAY + 2 * HOUR, "somebody")


@pytest.mark.parametrize(
    ("past", "why"),
    [
        (Past((), {}), "nobody ever held what its venue lists against the ledger; do so with `reconcile`"),
        (
            Past((), {}, certificates=(replace(SOUND, at=MONDAY - DAY - 1),)),
            "its last certificate is 24 h old; make a new one with `reconcile`",
        ),
        (
            Past((), {}, certificates=(replace(SOUND, unexplained=("a phantom contract C-9",)),)),
            "its last certificate does not add up (a phantom contract C-9); explain it, then `reconcile`",
        ),
        (
            Past((order("UNKNOWN"),), {}, certificates=(SOUND,)),
            "order demo-1:EURUSD:1m:1 is UNKNOWN; `reconcile`, or sign what became of it with `verdict`",
        ),
        (
            Past((order("UNKNOWN_RESULT"),), {}, certificates=(SOUND,)),
            "order demo-1:EURUSD:1m:1 is UNKNOWN_RESULT; `reconcile`, or sign what became of it with `verdict`",
        ),
        (
            Past((), {}, certificates=(replace(SOUND, account="demo-2"),)),
            "nobody ever held what its venue lists against the ledger; do so with `reconcile`",
        ),
    ],
)
def test_what_forbids_arming_says_how_to_mend_it(plan: Plan, past: Past, why: str) -> None:
    case = case_of(plan, "demo-1", past, [], MONDAY)
    assert case.forbids == (why,)
    with pytest.raises(InputError) as refused:
        armed(case, MONDAY, HOUR, "somebody")
    assert str(refused.value) == f"demo-1 is not armed: {why}"


def test_a_stop_is_shown_and_another_accounts_unknown_order_is_not(plan: Plan) -> None:
    latches = (Latch("", True, MONDAY, "enough", "kill"), Latch("demo-2", True, MONDAY, "loss", "risk.main"))
    past = Past((order("UNKNOWN", account="demo-2"),), {}, latches=latches, certificates=(SOUND,))
    case = case_of(plan, "demo-1", past, [], MONDAY)
    assert case.forbids == ()
    assert case.holds == ("everything is stopped since 2026-01-05 10:00:00 by kill: enough; `resume` releases it",)


def test_the_meter_of_an_account_says_when_something_is_proved(plan: Plan) -> None:
    won = [
        order(
            "SETTLED",
            order=f"o-{n}",
            bar=MONDAY + n * MINUTE,
            expiry=MONDAY + (n + 2) * MINUTE,
            result="win",
            profit="0.90",
        )
        for n in range(120)
    ]
    past = Past((), {}, certificates=(SOUND,))
    assert case_of(plan, "demo-1", past, won, MONDAY).evidence.startswith("an edge over break-even is shown: 100.0 %")
    assert case_of(plan, "demo-1", past, won[:5], MONDAY).evidence.startswith("NOTHING IS PROVED: 100.0 %")
    others = [replace(each, account="demo-2") for each in won]
    assert case_of(plan, "demo-1", past, others, MONDAY).evidence.endswith("no trade of this account has ended")


@pytest.mark.parametrize("length", [0, MINUTE - 1, LONGEST + 1])
def test_nobody_is_armed_for_longer_than_twelve_hours_or_for_no_time(plan: Plan, length: int) -> None:
    case = case_of(plan, "demo-1", Past((), {}, certificates=(SOUND,)), [], MONDAY)
    with pytest.raises(InputError, match="between 1m and 12h"):
        armed(case, MONDAY, length, "somebody")


def test_only_accounts_with_real_money_are_armed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='demo-1 plays with practice money; only accounts with money = "real"'):
        case_of(plan_of(), "demo-1", Past((), {}), [], MONDAY)
    with pytest.raises(InputError, match="there is no account 'demo-2'; did you mean 'demo-1'"):
        case_of(plan_of(), "demo-2", Past((), {}), [], MONDAY)


def test_a_banner_says_in_capitals_what_is_real_and_until_when_it_is_armed(plan: Plan) -> None:
    rehearsal = "REAL MONEY on demo-1 at practice (A REHEARSAL: nobody's money moves)"
    assert banner(plan, [], MONDAY) == [f"{rehearsal}: NOT ARMED"]
    assert banner(plan, [arming()], MONDAY) == [f"{rehearsal}: ARMED UNTIL 2026-01-05 11:00:00 (UTC)"]
    assert banner(plan, [arming()], MONDAY + HOUR) == [f"{rehearsal}: NOT ARMED"]
    assert banner(plan_of(), [], MONDAY) == ["practice money only"]


# --- the verbs -------------------------------------------------------------------------------------------------------

Said = tuple[int, str, str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A rehearsal that was certified."""
    (tmp_path / "eager.py").write_text(EAGER, encoding="utf-8")
    (tmp_path / "flows.toml").write_text(REAL, encoding="utf-8")
    with Ledger(tmp_path / "data" / "ledger.db") as ledger:
        ledger.note(SOUND)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def say(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    def ran(*arguments: str) -> Said:
        code = main(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return ran


def armings_in(folder: Path) -> list[tuple[str, int, int]]:
    with Ledger(folder / "data" / "ledger.db") as ledger:
        return [(each.account, each.at, each.until) for each in ledger.past(MONDAY).armings]


def test_what_is_no_terminal_arms_no_real_money(say: Callable[..., Said], folder: Path) -> None:
    code, out, error = say("arm", "demo-1")
    assert code == 2
    assert "certificate  sound" in out
    assert error.endswith("real money is armed by somebody at a terminal; type `arm demo-1` in one\n")
    assert armings_in(folder) == []


def test_a_rehearsal_may_be_armed_by_a_program_that_says_the_name_again(say: Callable[..., Said], folder: Path) -> None:
    assert say("arm", "demo-1", "--yes", "demo-2")[0] == 1
    assert armings_in(folder) == []
    code, out, _ = say("arm", "demo-1", "--yes", "demo-1", "--for", "2h")
    assert code == 0
    assert out.splitlines()[-1] == "demo-1 is ARMED until 2026-01-05 12:00:00 (UTC); `disarm demo-1` ends it"
    assert armings_in(folder) == [("demo-1", MONDAY, MONDAY + 2 * HOUR)]
    told = json.loads(say("arm", "--json")[1])
    assert told["accounts"]["demo-1"]["until"] == MONDAY + 2 * HOUR


def test_where_money_is_real_no_option_goes_round_the_terminal(
    say: Callable[..., Said], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = (ROOT / "sinks" / "practice.py").read_text(encoding="utf-8")
    assert "rehearsal=True" in mine
    mine = mine.replace("rehearsal=True", "rehearsal=False").replace("class Practice", "class Broker")
    (folder / "broker.py").write_text(mine, encoding="utf-8")
    text = REAL.replace('["eager.py"]', '["eager.py", "broker.py"]').replace('use = "practice"', 'use = "broker"')
    (folder / "flows.toml").write_text(text, encoding="utf-8")
    code, _, error = say("arm", "demo-1", "--yes", "demo-1")
    assert (code, armings_in(folder)) == (2, [])
    assert error.endswith("real money is armed by somebody at a terminal; type `arm demo-1` in one\n")


def test_disarm_needs_nothing_and_works_with_a_mistake_in_the_file(say: Callable[..., Said], folder: Path) -> None:
    assert say("disarm") == (0, "nothing was armed\n", "")
    say("arm", "demo-1", "--yes", "demo-1")
    (folder / "flows.toml").write_text(REAL.replace("period = 3", "perod = 3"), encoding="utf-8")
    code, out, _ = say("disarm", "demo-1")
    assert (code, out) == (0, "demo-1 is not armed any more\n")
    ((account, at, until),) = armings_in(folder)
    assert (account, at) == ("demo-1", until)
    assert say("disarm", "demo-2")[0] == 2


@pytest.mark.parametrize("at", [0, 4096])
def test_where_the_ledger_cannot_be_used_disarm_stops_everybody_by_the_file(
    say: Callable[..., Said], folder: Path, at: int
) -> None:
    say("arm", "demo-1", "--yes", "demo-1")
    ledger = folder / "data" / "ledger.db"
    sound = ledger.read_bytes()
    ledger.write_bytes(sound[:at] + b"no ledger at all\n" * 5000)
    code, out, error = say("disarm", "demo-1")
    assert (code, out) == (1, "")
    assert f"Everything is stopped by the file {ledger.parent / 'KILL'} instead" in error
    assert error.endswith("Armings may still hold; disarm again before you resume\n")
    ledger.write_bytes(sound)
    assert say("disarm") == (0, "demo-1 is not armed any more\n", "")
    assert "by file: the file KILL: disarm: the ledger could not be used" in say("kill")[1]


@pytest.mark.parametrize(
    ("length", "said"),
    [("13h", "--for 13h is longer than 12h; arm it again when they are over\n"), ("soon", "soon")],
)
def test_a_length_that_cannot_be_is_a_mistake(say: Callable[..., Said], length: str, said: str) -> None:
    code, _, error = say("arm", "demo-1", "--for", length)
    assert code == 2
    assert said in error


def test_a_ledger_keeps_what_was_shown_to_whoever_armed(say: Callable[..., Said], folder: Path) -> None:
    say("arm", "demo-1", "--yes", "demo-1")
    with sqlite3.connect(folder / "data" / "ledger.db") as db:
        ((shown, by),) = db.execute("SELECT shown, by FROM armings").fetchall()
    db.close()
    told = json.loads(shown)
    assert told["evidence"] == ["NOTHING IS PROVED: no trade of this account has ended"]
    assert told["permission"] == ["the practice venue: nobody's money, nobody's permission needed"]
    assert by


@pytest.mark.skipif(os.name != "posix", reason="there are no pseudo-terminals")
@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("demo-1", 0),
        ("DEMO-1", 1),
        *(pytest.param(typed, 1, marks=pytest.mark.slow) for typed in ("demo-1 ", "yes", "")),
    ],
)
def test_at_a_terminal_the_accounts_name_is_typed_exactly_as_it_is_written(folder: Path, typed: str, code: int) -> None:
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "pipeline", "arm", "demo-1"],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
        ) as asked:
            os.write(ours, f"{typed}\n".encode())
            out, _ = asked.communicate(timeout=60)
        assert asked.returncode == code
    finally:
        os.close(ours)
        os.close(theirs)
    assert ("demo-1 is ARMED until 2026-01-05 22:00:00 (UTC)" in out) == (code == 0)
    assert len(armings_in(folder)) == (code == 0)


# --- beside a running flow -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shell() -> Shell:
    return Shell()


def ordered(state: str) -> Callable[[dict[str, Any]], bool]:
    return lambda line: line["what"] == "order" and line["state"] == state


def test_a_running_flow_is_armed_and_disarmed_without_a_restart_and_says_so(shell: Shell, tmp_path: Path) -> None:
    text = REAL.replace('start = "2026-01-05T10:00:00Z"', 'start = "2026-01-05T10:00:00Z"\nspeed = 600')
    (tmp_path / "eager.py").write_text(EAGER, encoding="utf-8")
    (tmp_path / "flows.toml").write_text(text, encoding="utf-8")
    with running_flow(shell, tmp_path) as flow:
        assert flow.until(lambda line: line["what"] == "begin")["money"] == [
            "REAL MONEY on demo-1 at practice (A REHEARSAL: nobody's money moves): NOT ARMED"
        ]
        assert "is not armed" in flow.until(ordered("ABORT"))["reason"]
        made = shell.run(tmp_path, "arm", "demo-1", "--yes", "demo-1")
        assert made.returncode == 0, made.stderr
        flow.until(lambda line: "demo-1 is ARMED for real money until" in line.get("text", ""))
        flow.until(ordered("SETTLED"))
        assert shell.run(tmp_path, "disarm").returncode == 0
        flow.until(lambda line: "demo-1 is not armed any more" in line.get("text", ""))
        assert "is not armed" in flow.until(ordered("ABORT"))["reason"]
    with Ledger(tmp_path / "data" / "ledger.db") as ledger:
        past = ledger.past(MONDAY)
    assert {each.arming for each in past.orders if each.sent_at} == {each.arming for each in past.armings}

"""Keys are started and stopped from outside: by verbs, on disk, heard by a running flow, whatever ends or starts."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline import virtual
from pipeline.__main__ import main
from pipeline.engine import LEDGER_FILE, Setting, running
from pipeline.errors import InputError
from pipeline.execution.manner import Stops
from pipeline.journal import Journal
from pipeline.ledger import Ledger
from pipeline.ledger.pruning import pruned
from pipeline.plan import LEDGER
from pipeline.replaying import replayed
from pipeline.starting import Starts, keys_of
from pipeline.times import DAY, HOUR, MINUTE
from pipeline.values import Approved, Held, Key, Life, Order, Scope, Switched
from pipeline.verifying import verified
from pipeline.watch import Watch
from tests.support import MONDAY, ROOT, SMALL, decided, order, plan_of

Said = tuple[int, str, str]
KEYS = tuple(Key(account, product, MINUTE) for account in ("demo-1", "demo-2") for product in ("EURUSD", "XAUUSD"))
EURUSD = Scope(product="EURUSD")


def switched(*scope: Any, on: bool = False, at: int = MONDAY) -> Switched:
    return Switched(Scope(*scope), on, at, "news", "stop")


def life(state: str, key: Key = KEYS[0], *, at: int = MONDAY, **facts: Any) -> Life:
    return Life(*key, state, at, **facts)  # pyright: ignore[reportArgumentType]  # a word of the states


@pytest.fixture
def starts(tmp_path: Path) -> Starts:
    return Starts(tmp_path / LEDGER_FILE, ZoneInfo("UTC"), KEYS, lambda: MONDAY)


# --- the ledger ------------------------------------------------------------------------------------------------------


def test_what_is_switched_is_heard_by_others_once_and_known_at_the_next_start(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ours, Ledger(tmp_path / "ledger.db") as theirs:
        ours.past(MONDAY)
        theirs.switch(switched("demo-1", "EURUSD", MINUTE))
        assert list(ours.heard()) == [switched("demo-1", "EURUSD", MINUTE)]
        ours.switch(switched("demo-2"))
        assert list(ours.heard()) == []
        assert ours.past(MONDAY).switched == (switched("demo-1", "EURUSD", MINUTE), switched("demo-2"))


def test_of_each_keys_life_the_last_word_is_known_at_the_next_start(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        for each in (life("INIT"), life("PAUSED", errors=3, until=MONDAY + 9, orders=2), life("INIT", KEYS[1])):
            ledger.note(each)
        past = ledger.past(MONDAY)
    assert past.lives == (life("PAUSED", errors=3, until=MONDAY + 9, orders=2), life("INIT", KEYS[1]))


def test_old_words_on_lives_are_let_go_and_the_last_one_stays(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        for number in range(3):
            ledger.note(life("INIT", at=MONDAY + number))
    assert pruned(tmp_path / "ledger.db", MONDAY + DAY)["key_lives"] == 2
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert ledger.lives() == (life("INIT", at=MONDAY + 2),)


# --- starting and stopping -------------------------------------------------------------------------------------------


def test_stopping_what_is_stopped_and_starting_what_runs_changes_nothing(starts: Starts) -> None:
    assert starts.start(Scope(), "", "api").changed == ()
    first = starts.stop(EURUSD, "news", "api")
    assert [each.scope for each in first.changed] == [EURUSD]
    assert {key.product for key in first.off} == {"EURUSD"}
    assert starts.stop(Scope("demo-2", "EURUSD"), "again", "api").changed == ()
    assert len(starts.start(Scope(), "over", "api").on) == len(KEYS)


def test_only_leaves_nothing_else_on(starts: Starts) -> None:
    turned = starts.start(Scope("demo-1", "EURUSD"), "one step at a time", "api", only=True)
    assert turned.on == (KEYS[0],)
    assert turned.off == KEYS[1:]
    assert starts.start(Scope("demo-1", "EURUSD"), "", "api", only=True).changed == ()


def test_threads_that_switch_at_once_are_all_heard(starts: Starts) -> None:
    threads = [Thread(target=starts.stop, args=(Scope(*key), "now", "api")) for key in KEYS]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert starts.stop(Scope(), "", "api").off == KEYS
    assert starts.stop(Scope(), "", "api").changed == ()


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        (Scope("demo-3"), "this flow trades no account 'demo-3'; did you mean 'demo-2'?"),
        (Scope(product="EURUS"), "this flow trades no product 'EURUS'; did you mean 'EURUSD'?"),
        (Scope(tf=HOUR), "this flow trades no timeframe '1h'; use one of 1m"),
    ],
)
def test_a_scope_without_a_key_is_refused_and_says_what_there_is(starts: Starts, scope: Scope, said: str) -> None:
    with pytest.raises(InputError) as refused:
        starts.stop(scope, "", "api")
    assert str(refused.value) == said


def test_what_an_engine_told_last_stands_unless_somebody_switched_since(starts: Starts) -> None:
    with Ledger(starts.path) as ledger:
        for key in KEYS[:3]:
            ledger.note(life("STOPPING" if key == KEYS[1] else "RUNNING", key, why="w"))
        ledger.switch(switched("", "XAUUSD"))
    states = {each.key: (each.state, each.why) for each in starts.lives()}
    assert states[KEYS[0]] == ("RUNNING", "w")
    assert states[KEYS[1]] == ("STOPPING", "w")
    assert states[KEYS[3]] == ("STOPPED", "news (stop)")
    starts.start(Scope(), "", "api")
    states = {each.key: (each.state, each.why) for each in starts.lives()}
    assert states[KEYS[1]] == ("INIT", "started; the next bar that is ready lets it trade")
    assert states[KEYS[3]] == ("INIT", "no engine has run it yet")


# --- a flow ----------------------------------------------------------------------------------------------------------


def played(path: Path, begin: int, end: int, *entries: tuple[int, Any], record: Path | None = None) -> list[Any]:
    """What a flow on a simulated market gives, whose ledger hears these at their moments."""
    given: list[tuple[str, Any]] = []
    plan = plan_of()

    async def whole() -> None:
        with Ledger(path) as records:
            journal = None if record is None else Journal(record, plan, begin)
            setting = Setting(mode="paper", begin=begin, end=end + HOUR)
            past = records.past(begin)

            def told(node: str, value: Any) -> None:
                given.append((node, value))

            async with running(plan, setting, records, past, journal=journal, taps=(told,)) as flow:
                for at, value in entries:
                    await flow.border.until(at)
                    flow.enter(LEDGER, value)
                await flow.border.until(end)
            if journal is not None:
                journal.close()

    virtual.run(lambda _: whole())
    return given


STOP, GO, END = MONDAY + 10 * MINUTE + 7_000, MONDAY + 20 * MINUTE + 7_000, MONDAY + 25 * MINUTE


def ordered(given: Sequence[Any]) -> list[int]:
    return [value.ticket.at for _, value in given if isinstance(value, Approved)]


def test_a_stopped_flow_approves_nothing_until_it_is_started_and_the_recording_is_made_again(tmp_path: Path) -> None:
    given = played(
        tmp_path / "ledger.db",
        MONDAY,
        END,
        (STOP, switched(at=STOP)),
        (GO, switched(on=True, at=GO)),
        record=tmp_path / "session",
    )
    assert [at for at in ordered(given) if STOP <= at < GO] == []
    assert [at for at in ordered(given) if at < STOP]
    assert [at for at in ordered(given) if at >= GO]
    assert verified(tmp_path / "session", ROOT).difference is None
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        states = [row[0] for row in db.execute("SELECT DISTINCT state FROM key_lives ORDER BY seq")]
    assert {"INIT", "RUNNING", "STOPPED"} <= set(states)


def test_contracts_that_are_open_when_a_key_is_stopped_are_settled(tmp_path: Path) -> None:
    first = ordered(played(tmp_path / "first.db", MONDAY, MONDAY + MINUTE))[0] + 5_000
    given = played(tmp_path / "ledger.db", MONDAY, first + 10 * MINUTE, (first, switched(at=first)))
    states = [(value.state, value.at) for _, value in given if isinstance(value, Life) and value.at >= first]
    ends = [value.at for _, value in given if isinstance(value, Order) and value.state == "SETTLED"]
    assert ("STOPPING", first) in states
    assert ends
    assert [at for state, at in states if state == "STOPPED" and at > first]
    assert not [at for at in ordered(given) if at >= first]


def test_a_stop_holds_over_a_restart_and_decisions_are_those_of_a_run_that_never_ended(tmp_path: Path) -> None:
    path, middle, end = tmp_path / "ledger.db", MONDAY + 6 * MINUTE, MONDAY + 12 * MINUTE
    with Ledger(path) as ledger:
        ledger.switch(switched("", "EURUSD"))
    first = played(path, MONDAY, middle)
    again = played(path, middle, end)
    assert not [each for _, each in (*first, *again) if isinstance(each, Approved) and each.ticket.product == "EURUSD"]
    told = [each for _, each in again if isinstance(each, Life) and each.product == "EURUSD"]
    assert {each.state for each in told} == {"STOPPED"}
    with Ledger(tmp_path / "whole.db") as ledger:
        ledger.switch(switched("", "EURUSD"))
    whole = decided(played(tmp_path / "whole.db", MONDAY, end))
    assert whole.items() >= decided(again).items()


def test_keys_that_are_held_trade_nothing_until_they_are_let_go(tmp_path: Path) -> None:
    held = (STOP, Held(Scope(), True, STOP, "a change waits")), (GO, Held(Scope(), False, GO, ""))
    given = played(tmp_path / "ledger.db", MONDAY, END, *held, record=tmp_path / "session")
    assert [at for at in ordered(given) if STOP <= at < GO] == []
    assert [at for at in ordered(given) if at >= GO]
    assert verified(tmp_path / "session", ROOT).difference is None


def test_an_order_that_waits_to_be_tried_again_is_not_sent_once_its_key_is_stopped() -> None:
    stops = Stops()
    stops.take(switched("", "EURUSD"))
    assert stops.on(order().key) == "the key is stopped: news (stop)"
    assert stops.on(order(product="XAUUSD").key) == ""
    stops.take(switched(on=True))
    assert stops.on(order().key) == ""


def test_whoever_looks_sees_the_life_of_each_key(tmp_path: Path) -> None:
    plan = plan_of()
    watch = Watch(plan, MONDAY, 1.0)
    key = keys_of(plan)[0]
    watch.told("risk.main", life("PAUSED", key, why="3 errors in a row", errors=3, until=MONDAY + MINUTE))
    row = watch.keys(0).rows[0]
    assert (row.life, row.life_why, row.errors) == ("PAUSED", "3 errors in a row", 3)
    assert watch.log(0, 5)[-1].text.startswith(f"{key.account} {key.product} 1m pauses until 2026-01-05 10:01:00")
    watch.told("risk.main", life("RUNNING", key))
    assert watch.log(0, 5)[-1].text == f"{key.account} {key.product} 1m is RUNNING after its pause"
    watch.told(LEDGER, switched(key.account))
    assert watch.log(0, 5)[-1].text == f"{key.account} is stopped, stop: news"


# --- the verbs -------------------------------------------------------------------------------------------------------


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    (tmp_path / "flows.toml").write_text(SMALL, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def ran(*arguments: str) -> Said:
        code = main(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return ran


def test_stop_and_start_say_what_they_did_and_how_many_keys_are_on(say: Callable[..., Said]) -> None:
    code, out, _ = say("stop", "--timeframe", "1m", "--reason", "news")
    assert code == 0
    assert out.splitlines()[0] == "1m stopped 2026-01-05 10:00:00 (UTC) by stop: news"
    assert "keys are started" in out.splitlines()[1]
    assert say("stop", "--timeframe", "1m")[1].startswith("1m was stopped already\n")
    assert say("start")[1].startswith("every key started 2026-01-05 10:00:00 (UTC) by start: by hand, without a word\n")
    said = json.loads(say("start", "--only", "--timeframe", "1m", "--json")[1])
    assert {each["tf"] for each in said["on"]} == {MINUTE}
    assert {each["tf"] for each in said["off"]} == {5 * MINUTE}
    assert [each["only"] for each in said["changed"]] == [True]


def test_a_scope_that_is_none_is_a_mistake_of_whoever_asks(say: Callable[..., Said]) -> None:
    assert say("stop", "--product", "EURUS")[0] == 2
    assert say("stop", "--timeframe", "7m")[::2] == (
        2,
        "'7m' does not divide a day into whole slots; use one of 1m, 5m, 15m, 1h, 4h, 1d\n",
    )


def test_keys_shows_how_each_stands_with_its_last_bar(say: Callable[..., Said], tmp_path: Path) -> None:
    with Ledger(tmp_path / "data" / LEDGER_FILE) as ledger:
        replayed(plan_of(base=tmp_path), MONDAY, MONDAY + 10 * MINUTE, ledger, block=0)
    say("stop", "--timeframe", "5m", "--reason", "news")
    code, out, _ = say("keys", "--product", "EURUSD")
    assert code == 0
    heading, minute, five, note = out.splitlines()
    assert heading.split() == ["account", "product", "tf", "state", "since", "last", "bar", "verdict", "errors", "why"]
    assert minute.split()[:4] == ["demo-1", "EURUSD", "1m", "RUNNING"]
    assert five.split()[2:4] == ["5m", "STOPPED"]
    assert five.endswith("news (stop)")
    assert note.startswith("no engine runs on ")
    said = json.loads(say("keys", "--json")[1])
    assert said["running"] is False
    last = next(each for each in said["keys"] if (each["product"], each["timeframe"]) == ("EURUSD", "1m"))
    assert last["last_bar"] == MONDAY + 9 * MINUTE
    assert last["verdict"]


def test_of_a_flow_that_never_ran_keys_says_so(say: Callable[..., Said]) -> None:
    code, out, _ = say("keys")
    assert code == 0
    assert "no engine has run it yet" in out

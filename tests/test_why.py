"""`why`: what a bar would have paid, what alone stood in its way, and a day that adds up."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.risk.feed import Feed
from pipeline.__main__ import main
from pipeline.checking import load
from pipeline.daybook import Asked, day_of, runs_of
from pipeline.hindsight import Contracts, tally, what_if, would_have
from pipeline.ledger import Ledger
from pipeline.ledger.reading import Reader
from pipeline.ledger.statements import INSERT_DECISION
from pipeline.replaying import replayed
from pipeline.settlement import Tie, result_of
from pipeline.statistics.shares import wilson
from pipeline.times import DAY, HOUR, MINUTE
from pipeline.values import HEALTH, Direction, GateRow, Health, Stream
from tests.support import MONDAY, SMALL
from tests.test_store import decisions

Said = tuple[int, str, str]
NAN = float("nan")
FLOW = SMALL.replace("block = 64", 'block = 64\ndisplay_timezone = "Europe/Istanbul"')


# --- one contract in words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("direction", "payout", "entry", "exit_", "tie", "says"),
    [
        (1, 0.87, 1.10213, 1.1023, "push", "would have won 0.87 (entry 1.10213 → exit 1.1023)"),
        (-1, 0.87, 1.10213, 1.1023, "push", "would have lost (entry 1.10213 → exit 1.1023)"),
        (-1, None, 1.1023, 1.10213, "push", "would have won, at a payout nobody noted (entry 1.1023 → exit 1.10213)"),
        (1, 0.87, 1.1, 1.1, "push", "would have been a tie (entry 1.1 → exit 1.1)"),
        (1, 0.87, 1.1, 1.1, "lose", "would have lost (entry 1.1 → exit 1.1)"),
        (1, 0.87, None, None, "push", "no price: a contract would have been void"),
        (1, 0.87, NAN, NAN, "push", "what it would have paid is not known"),
        (0, 0.87, 1.1, 1.2, "push", "would have paid nothing: no direction"),
    ],
)
def test_a_contract_that_nobody_bought_is_told_in_one_sentence(
    direction: int, payout: float | None, entry: float | None, exit_: float | None, tie: Tie, says: str
) -> None:
    assert would_have(direction, payout, entry, exit_, tie) == says


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        (GateRow("payout", 0.79, 0.8, "no"), "payout ≥ 0.8"),
        (GateRow("payout", 1.2, 1.0, "no"), "payout ≤ 1"),
        (GateRow("payout", NAN, 0.8, "no"), "payout had been known"),
        (GateRow("ev", 0.0, 0.0, "no"), "ev > 0"),
        (GateRow("ev", -0.01, 0.0, "no"), "ev > 0"),
        (GateRow("daily_loss", -26.0, -25.0, "no"), "daily_loss ≥ -25"),
        (GateRow("ready", 0.0, 1.0, "no"), "its features had been ready"),
        (GateRow("open", 1.0, 0.0, "no"), "no trade of the key had been open"),
        (GateRow("feed", 31.0, 30.0, "no", "stale"), "feed had not been stale"),
        (GateRow("feed", 31.0, 30.0, "no"), "feed ≤ 30"),
        (GateRow("killed", 1.0, 0.0, "no", "the spread"), "nothing had been stopped"),
    ],
)
def test_what_alone_stood_between_a_bar_and_a_trade_is_made_from_the_gates_numbers(gate: GateRow, says: str) -> None:
    well = GateRow("vote", 0.4, 0.0, "yes")
    assert what_if((well, gate, well)) == f"would have been traded if {says}"


def test_where_two_gates_or_none_said_no_there_is_no_what_if() -> None:
    no = GateRow("payout", 0.79, 0.8, "no")
    assert what_if((no, no._replace(gate="open"))) is None
    assert what_if((no._replace(verdict="yes"),)) is None
    assert what_if(()) is None


# --- many contracts in numbers ---------------------------------------------------------------------------------------

SIDES: dict[int, Direction] = {1: "call", -1: "put"}
PRICES = st.sampled_from([1.1, 1.2, NAN])


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([1, 0, -1]),
            st.sampled_from([0.8, 0.9, NAN]),
            PRICES,
            PRICES,
            st.booleans(),
            st.integers(0, 9),
        ),
        max_size=30,
    ),
    tie=st.sampled_from(["push", "lose", "win"]),
)
def test_every_bar_is_counted_once_and_as_settlement_judges_it(rows: list[tuple[Any, ...]], tie: Tie) -> None:
    void: list[tuple[Any, ...]] = [
        (*row[:2], *((NAN, NAN) if row[2] != row[2] or row[3] != row[3] else row[2:4]), *row[4:]) for row in rows
    ]
    columns: list[Any] = [np.array([row[number] for row in void]) for number in range(6)]
    direction, payout, entry, exit_, known, slot = columns
    contracts = Contracts(
        direction.astype(np.int8),
        payout.astype(np.float64),
        entry.astype(np.float64),
        exit_.astype(np.float64),
        known.astype(np.bool_),
        slot.astype(np.int64),
    )
    found = tally(contracts, tie)
    judged = [
        (result_of(SIDES[side], entered, left, tie), ratio)
        for side, ratio, entered, left, told, _ in void
        if side and told and entered == entered
    ]
    results = [result for result, _ in judged]
    assert (found.won, found.lost, found.ties) == tuple(results.count(each) for each in ("win", "lose", "push"))
    assert found.sided == found.won + found.lost + found.ties + found.no_price + found.not_known
    assert found.bars == len(rows)
    paid = [{"win": float(ratio), "lose": -1.0}.get(result, 0.0) for result, ratio in judged if ratio == ratio]
    assert found.no_payout == len(judged) - len(paid)
    assert found.mean == (pytest.approx(sum(paid) / len(paid)) if paid else None)
    assert found.rate.n + found.rate.ties == len(paid)


def test_a_rate_stands_with_its_payouts_and_contracts_of_one_slot_are_not_so_many_proofs() -> None:
    rows = 400
    exits = np.where(np.arange(rows) // 40 % 2 == 0, 1.2, 1.0)
    ones, flags = np.ones(rows), np.ones(rows, np.bool_)
    together = Contracts(ones.astype(np.int8), ones * 0.8, ones * 1.1, exits, flags, np.arange(rows) // 40)
    apart = Contracts(ones.astype(np.int8), ones * 0.8, ones * 1.1, exits, flags, np.arange(rows))
    assert tally(apart, "push").rate.interval == wilson(200, 400)
    assert tally(together, "push").rate.effective == pytest.approx(10)
    assert "vs break-even 55.6 %, n=400, n_eff=10" in str(tally(together, "push").rate)


# --- a day -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A flow that ran for three hours of its market, row by row as live, into its ledger."""
    folder = tmp_path_factory.mktemp("ran")
    (folder / "flows.toml").write_text(FLOW, encoding="utf-8")
    plan = load(folder / "flows.toml")
    with Ledger(folder / "data" / "ledger.db") as ledger:
        replayed(plan, MONDAY, MONDAY + 3 * HOUR, ledger, block=0)
    return folder


@pytest.fixture
def ask(ran: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    return _asker(ran, monkeypatch, capsys)


def _asker(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    monkeypatch.chdir(folder)

    def asked(*arguments: str) -> Said:
        code = main(("why", *arguments))
        told = capsys.readouterr()
        return code, told.out, told.err

    return asked


def query(folder: Path, asked: str, *values: object) -> list[Any]:
    with closing(sqlite3.connect(folder / "data" / "ledger.db")) as db:
        return db.execute(asked, values).fetchall()


def test_a_day_adds_up_to_the_bars_that_became_final(ran: Path, ask: Callable[..., Said]) -> None:
    code, out, error = ask("--day", "2026-01-05")
    ((bars,),) = query(ran, "SELECT count(*) FROM outcomes")
    lines = out.splitlines()
    assert (code, error) == (0, "")
    assert lines[0] == "2026-01-05 Europe/Istanbul · demo-1"
    assert f"  {bars} bars became final, each has its row: it adds up" in lines
    counted = {line.split()[0]: int(line.split()[1]) for line in lines[2:-1]}
    verdicts = dict(query(ran, "SELECT verdict, count(*) FROM decisions GROUP BY verdict"))
    assert {verdict: counted[verdict] for verdict in verdicts} == verdicts
    assert counted["all"] == sum(verdicts.values()) == bars


def test_a_day_as_json_counts_what_settlement_says_of_every_row(ran: Path, ask: Callable[..., Said]) -> None:
    said = json.loads(ask("--day", "2026-01-05", "EURUSD", "1m", "--json")[1])
    rows = query(
        ran,
        "SELECT direction, entry, exit FROM decisions JOIN outcomes USING (product, tf, bar) "
        "WHERE product = 'EURUSD' AND tf = 60000 AND direction != 0 AND entry IS NOT NULL",
    )
    won = sum((exit_ > entry) == (direction > 0) for direction, entry, exit_ in rows if exit_ != entry)
    assert said["all"]["won"] == won > 0
    assert said["all"]["won"] + said["all"]["lost"] + said["all"]["ties"] == len(rows)
    assert (said["adds_up"], said["missing"], said["bars"]) == (True, [], said["rows"])
    assert "vs break-even 52.6 %" in said["all"]["win_rate"]


def test_a_bar_without_its_row_is_missed_by_name_and_the_day_does_not_add_up(
    ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "flows.toml").write_text(FLOW, encoding="utf-8")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ledger.db").write_bytes((ran / "data" / "ledger.db").read_bytes())
    with closing(sqlite3.connect(tmp_path / "data" / "ledger.db")) as db:
        hole = [MONDAY + minute * MINUTE for minute in (30, 31, 50)]
        db.execute("DELETE FROM decisions WHERE product = 'EURUSD' AND tf = 60000 AND bar IN (?, ?, ?)", hole)
        db.execute("DELETE FROM decisions WHERE product = 'BTCUSD' AND tf = 60000 AND bar = ?", (hole[0],))
        db.execute("DELETE FROM outcomes WHERE product = 'BTCUSD' AND tf = 60000 AND bar = ?", (hole[0],))
        db.commit()
    ask = _asker(tmp_path, monkeypatch, capsys)
    code, out, _ = ask("--day", "2026-01-05")
    assert code == 1
    assert "3 missing: EURUSD 1m 13:30–13:31, EURUSD 1m 13:50" in out
    assert "no bar in 1 slots of open market (silent, or nothing ran): BTCUSD 1m 13:30" in out
    code, out, _ = ask("--day", "2026-01-05", "BTCUSD")
    assert code == 0
    said = json.loads(ask("--day", "2026-01-05", "EURUSD", "1m", "--json")[1])
    assert (said["adds_up"], said["bars"] - said["rows"]) == (False, 3)


def test_the_bars_one_gate_stopped_are_listed_with_what_they_would_have_paid(
    ran: Path, ask: Callable[..., Said]
) -> None:
    ((count,),) = query(ran, "SELECT count(*) FROM decisions WHERE verdict = 'open' AND product = 'BTCUSD'")
    code, out, _ = ask("--gate", "trade", "EURUSD", "1m")
    lines = out.splitlines()
    assert code == 0
    assert (
        len(lines)
        == query(ran, "SELECT count(*) FROM decisions WHERE verdict = 'trade' AND tf = 60000 AND product = 'EURUSD'")[
            0
        ][0]
    )
    assert all("EURUSD 1m · demo-1  would have " in line or "no price" in line for line in lines)
    if count:
        assert len(ask("--gate", "open", "BTCUSD", "--json")[1].splitlines()) == count


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--day", "yesterday"), "'yesterday' is not a day; write it like 2026-01-05"),
        (("--day", "2026-01-05", "EURUSQ"), "the ledger has no decision on EURUSQ; did you mean 'EURUSD'?"),
        (("--day", "2026-01-05", "EURUSD", "7m"), "'7m' does not divide a day into whole slots"),
        (
            ("--day", "2026-01-05", "--account", "demo-2"),
            "the ledger has no decision of account 'demo-2'; did you mean",
        ),
        (("--gate", "payot"), "no bar of 2026-01-05 has the verdict 'payot'; these were: "),
        (
            ("--gate", "vote", "--day", "2026-01-04"),
            "no bar of 2026-01-04 has the verdict 'vote'; no bar of it became final",
        ),
        (("--day", "2026-01-05", "--last"), "--day and --gate are about whole days; leave the moment and --last out"),
    ],
)
def test_a_day_that_cannot_be_told_says_what_could(
    ask: Callable[..., Said], arguments: tuple[str, ...], sentence: str
) -> None:
    code, out, error = ask(*arguments)
    assert (code, out) == (2, "")
    assert error.startswith(sentence)


def test_a_day_without_bars_says_so(ask: Callable[..., Said]) -> None:
    assert ask("--day", "2026-01-04")[:2] == (
        0,
        "2026-01-04 Europe/Istanbul · demo-1\n  no bar of that day became final\n",
    )


def test_a_days_edges_are_those_of_the_display_zone(ran: Path) -> None:
    plan = load(ran / "flows.toml")
    with closing(Reader(ran / "data" / "ledger.db")) as reader:
        spans = (MONDAY - DAY, MONDAY + HOUR), (MONDAY + HOUR, MONDAY + DAY), (MONDAY - DAY, MONDAY + DAY)
        first, second, whole = (
            day_of(reader, "demo-1", Asked(*span), plan.calendars, "push", current=True) for span in spans
        )
    assert first.bars + second.bars == whole.bars == whole.rows
    assert first.bars > 60


def test_of_an_account_the_flow_no_longer_has_only_its_own_time_is_asked(ran: Path) -> None:
    plan = load(ran / "flows.toml")
    path = ran / "data" / "ledger.db"
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute(
            "SELECT * FROM decisions WHERE product = 'EURUSD' AND tf = 60000 ORDER BY bar LIMIT 20"
        ).fetchall()
        db.executemany(INSERT_DECISION, [("gone", *row[1:]) for row in rows])
        db.commit()
    with closing(Reader(path)) as reader:
        span = Asked(MONDAY - DAY, MONDAY + DAY)
        gone = day_of(reader, "gone", span, plan.calendars, "push", current=False)
        there = day_of(reader, "gone", span, plan.calendars, "push", current=True)
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM decisions WHERE account = 'gone'")
        db.commit()
    assert (gone.bars, gone.adds_up) == (20, True)
    assert not there.adds_up


@given(bars=st.sets(st.integers(0, 30)))
def test_runs_are_their_bars_and_no_others(bars: set[int]) -> None:
    runs = list(runs_of(Stream("A", MINUTE), (bar * MINUTE for bar in bars)))
    again = [bar for run in runs for bar in range(run.first, run.last + 1, MINUTE)]
    assert again == sorted(bar * MINUTE for bar in bars)
    assert sum(run.slots for run in runs) == len(bars)
    assert all(later.first > run.last + MINUTE for run, later in pairwise(runs))


# --- one bar ---------------------------------------------------------------------------------------------------------


def test_a_bars_row_says_what_it_would_have_paid_and_what_alone_stood_in_its_way(
    ran: Path, ask: Callable[..., Said]
) -> None:
    stopped = "SELECT bar FROM decisions WHERE verdict = 'open' AND product = 'EURUSD' AND tf = 60000"
    traded = "SELECT bar FROM decisions WHERE verdict = 'trade' AND product = 'EURUSD' AND tf = 60000"
    ((bar,), *_) = query(ran, traded)
    moment = f"{np.datetime64(bar, 'ms')}Z"
    code, out, _ = ask("EURUSD", "1m", moment)
    assert code == 0
    assert "would have been traded if" not in out
    assert "  would have " in out.splitlines()[-1]
    said = json.loads(ask("EURUSD", "1m", moment, "--json")[1])
    outcome = "SELECT entry, exit FROM outcomes WHERE product = 'EURUSD' AND tf = 60000 AND bar = ?"
    ((entry, exit_),) = query(ran, outcome, bar)
    assert (said["outcome"]["entry"], said["outcome"]["exit"], said["outcome"]["delay"]) == (entry, exit_, 250)
    assert {"gate", "value", "threshold", "verdict", "word"} == set(said["gates"][0])
    named = 'SELECT name, value FROM order_features WHERE "order" = ?'
    assert said["features"] == dict(query(ran, named, said["order"])) != {}
    for (each,) in query(ran, stopped)[:1]:
        row = ask("EURUSD", "1m", f"{np.datetime64(each, 'ms')}Z")[1]
        assert "would have been traded if no trade of the key had been open" in row


def test_the_state_of_the_feed_stands_beside_its_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    feed = Feed(None)
    column = np.array([0.0])
    state = np.array([HEALTH.index("stale")], np.int8)
    feed.take(Health("EURUSD", np.array([MONDAY]), state, column, column + 31_000, column + 30_000), MONDAY)
    missed, _, stale = feed.asked("EURUSD", MONDAY, MONDAY, MINUTE)
    assert stale == GateRow("feed", 31.0, 30.0, "no", "stale")
    (tmp_path / "flows.toml").write_text(FLOW, encoding="utf-8")
    with Ledger(tmp_path / "data" / "ledger.db") as ledger:
        ledger.decide(decisions(2, explained={1: (missed, stale)}))
    ask = _asker(tmp_path, monkeypatch, capsys)
    lines = ask("EURUSD", "1m", "13:01")[1].splitlines()
    assert lines[3] == "  ✖ no   feed                 31  against         30  stale   ◂ the first to say no"
    assert lines[4] == "  would have been traded if feed had not been stale"
    assert lines[5] == "  what it would have paid is not known"

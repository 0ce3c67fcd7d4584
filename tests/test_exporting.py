"""What the ledger knows as files for others: everything that is there comes back from them as it was."""

# pyarrow comes without types:
# pyright: reportMissingTypeStubs=false

import csv
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.__main__ import main
from pipeline.evidence import Cash
from pipeline.exporting import TABLES_FOR_OTHERS, Asked, exported
from pipeline.exporting.columns import Column
from pipeline.exporting.writing import FORMATS, written
from pipeline.ledger import Ledger
from pipeline.lives import begun
from pipeline.replaying import replayed
from pipeline.times import HOUR, MINUTE, parse_moment, timeframe
from pipeline.values import Past
from tests.support import MONDAY, SMALL, order, plan_of

pq: Any = pyarrow.parquet

Said = tuple[int, str, str]
Rows = list[dict[str, Any]]
END = MONDAY + 3 * HOUR
FLOW = SMALL.replace("slow = { use", 'payout = { use = "sma", period = 2 }\nslow = { use')
PLAN = plan_of(FLOW)
FORMS = tuple(FORMATS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A flow whose ledger has three hours of trades, a deposit and an order that has not ended."""
    made = tmp_path_factory.mktemp("flow")
    (made / "flows.toml").write_text(FLOW, encoding="utf-8")
    begun(made / "data" / "ledger.db", PLAN, 1, MONDAY)
    with Ledger(made / "data" / "ledger.db") as records:
        replayed(PLAN, MONDAY, END, records, past=Past((), {}))
        records.note(Cash("deposit-1", MONDAY + HOUR, Decimal("12.34"), "deposit", "demo-1"))
        records.intend(order("PREPARE", bar=END, wanted_at=END + MINUTE, order="late", product="GBPUSD"))
    return made


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    monkeypatch.chdir(folder)

    def run(*arguments: str) -> Said:
        code = main(["export", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def read(path: Path) -> Rows:
    """The rows of a file; text where the format has nothing else."""
    match path.suffix:
        case ".csv":
            with path.open(newline="", encoding="utf-8") as file:
                return [{name: value or None for name, value in row.items()} for row in csv.DictReader(file)]
        case ".jsonl":
            return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        case _:
            rows: Rows = pq.read_table(path).to_pylist()
            return rows


def out(folder: Path, path: Path, what: str, asked: Asked | None = None) -> Rows:
    exported(folder / "data" / "ledger.db", what, path, path.suffix[1:], asked or Asked())
    return read(path)


def asked(folder: Path, query: str, *values: Any) -> Rows:
    with closing(sqlite3.connect(folder / "data" / "ledger.db")) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(query, values)]


def moment(value: Any) -> int:
    """ms of a moment in a file; 0 where there is none."""
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    return parse_moment(value) if value else 0


# --- every table in every format -------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_trades_come_back_as_they_are_in_the_ledger(folder: Path, tmp_path: Path, form: str) -> None:
    kept = asked(folder, "SELECT * FROM orders WHERE state IN ('SETTLED', 'CANCELED') ORDER BY ended_at, \"order\"")
    rows = out(folder, tmp_path / f"trades.{form}", "trades")
    assert len(rows) == len(kept) > 20
    for row, known in zip(rows, kept, strict=True):
        assert [row[name] for name in ("order", "account", "product", "direction", "result")] == [
            known[name] for name in ("order", "account", "product", "direction", "result")
        ]
        assert timeframe(row["timeframe"]) == known["tf"]
        assert [Decimal(row["stake"]), Decimal(row["profit"])] == [Decimal(known["stake"]), Decimal(known["profit"])]
        stamps = ("bar", "wanted_at", "sent_at", "taken_at", "ended_at")
        assert [moment(row[name]) for name in stamps] == [known[name] for name in stamps]
        assert [moment(row["entry_at"]), moment(row["exit_at"])] == [known["entry_ts"], known["exit_ts"]]
        told = [None if row[name] is None else float(row[name]) for name in ("payout", "entry", "exit")]
        assert told == [known["payout"], known["entry"] or None, known["exit"] or None]


@pytest.mark.parametrize("form", FORMS)
def test_decisions_come_back_one_for_each_bar(folder: Path, tmp_path: Path, form: str) -> None:
    kept = asked(folder, "SELECT * FROM decisions ORDER BY account, product, tf, bar")
    rows = out(folder, tmp_path / f"decisions.{form}", "decisions")
    assert len(rows) == len(kept) > 400
    numbers = ("value", "threshold", "score", "payout")
    for row, known in zip(rows, kept, strict=True):
        assert (row["account"], row["product"], row["verdict"], row["order"]) == tuple(
            known[name] for name in ("account", "product", "verdict", "order")
        )
        assert (moment(row["bar"]), moment(row["decided_at"])) == (known["bar"], known["at"])
        assert row["direction"] == {1: "call", -1: "put", 0: None}[known["direction"]]
        told = [None if row[name] is None else float(row[name]) for name in numbers]
        assert told == [known[name] for name in numbers]


def test_orders_have_those_that_have_not_ended_too(folder: Path, tmp_path: Path) -> None:
    rows = out(folder, tmp_path / "orders.parquet", "orders")
    assert len(rows) == len(asked(folder, "SELECT 1 FROM orders"))
    (late,) = [row for row in rows if row["order"] == "late"]
    assert (late["state"], late["ended_at"], late["result"], late["entry"]) == ("PREPARE", None, None, None)


@pytest.mark.parametrize("form", FORMS)
def test_the_equity_adds_up_from_what_the_account_began_with(folder: Path, tmp_path: Path, form: str) -> None:
    rows = out(folder, tmp_path / f"equity.{form}", "equity")
    profits = [
        Decimal(row["profit"])
        for row in asked(folder, "SELECT profit FROM orders WHERE state IN ('SETTLED', 'CANCELED')")
    ]
    assert (rows[0]["what"], Decimal(rows[0]["balance"])) == ("opening", Decimal("100.00"))
    assert Decimal(rows[-1]["balance"]) == Decimal("100.00") + sum(profits) + Decimal("12.34")
    assert [moment(row["at"]) for row in rows] == sorted(moment(row["at"]) for row in rows)
    balance = Decimal(0)
    for row in rows:
        balance += Decimal(row["amount"])
        assert Decimal(row["balance"]) == balance
    (deposit,) = [row for row in rows if row["what"] == "deposit"]
    assert (deposit["reference"], moment(deposit["at"])) == ("deposit-1", MONDAY + HOUR)


def test_the_balance_of_a_later_span_counts_what_was_before_it(folder: Path, tmp_path: Path) -> None:
    whole = out(folder, tmp_path / "whole.csv", "equity")
    later = out(folder, tmp_path / "later.csv", "equity", Asked(begin=MONDAY + 2 * HOUR))
    assert later
    assert later == whole[-len(later) :]


@pytest.mark.parametrize("form", FORMS)
def test_a_set_to_learn_from_has_the_columns_of_the_moment_and_what_came_of_it(
    folder: Path, tmp_path: Path, form: str
) -> None:
    rows = out(folder, tmp_path / f"dataset.{form}", "dataset")
    assert len(rows) == len(asked(folder, "SELECT 1 FROM orders WHERE state IN ('SETTLED', 'CANCELED')"))
    names = list(rows[0])
    assert names[-2:] == ["result", "profit"]
    assert {"fast", "slow", "feature_payout", "payout", "score"} <= set(names)
    for row in rows:
        known = {
            each["name"]: each["value"]
            for each in asked(folder, 'SELECT name, value FROM order_features WHERE "order" = ?', row["order"])
        }
        assert [float(row[name]) for name in ("fast", "slow", "feature_payout")] == [
            known[name] for name in ("fast", "slow", "payout")
        ]
    scores = asked(folder, "SELECT score FROM decisions WHERE verdict = 'trade' ORDER BY bar, product, tf, account")
    assert [float(row["score"]) for row in rows] == [row["score"] for row in scores]


def test_money_is_a_decimal_in_parquet_and_a_moment_a_timestamp(folder: Path, tmp_path: Path) -> None:
    out(folder, tmp_path / "trades.parquet", "trades")
    types = {field.name: str(field.type) for field in pq.read_schema(tmp_path / "trades.parquet")}
    assert types["profit"] == types["stake"] == "decimal128(38, 10)"
    assert types["ended_at"] == types["bar"] == "timestamp[ms, tz=UTC]"


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
            st.none() | st.integers(1, 4_000_000_000_000),
            st.none() | st.decimals(-(10**9), 10**9, places=8),
            st.none() | st.floats(allow_nan=False, allow_infinity=False),
        ),
        max_size=20,
    ),
    part=st.integers(1, 7),
)
def test_whatever_stands_in_a_row_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Any, ...]], part: int
) -> None:
    columns = (Column("a", "text"), Column("b", "moment"), Column("c", "money"), Column("d", "number"))
    told: list[Sequence[Any]] = [(*row[:2], None if row[2] is None else str(row[2]), row[3]) for row in rows]
    for form in FORMS:
        path = tmp_path_factory.mktemp("any") / f"any.{form}"
        parts = iter([told[start : start + part] for start in range(0, len(told), part)])
        assert written(path, form, columns, parts, lambda _: None) == len(rows)
        assert [_known(row) for row in read(path)] == rows


def _known(row: Mapping[str, Any]) -> tuple[Any, ...]:
    text, stamp, money, number = row.values()
    return (
        text,
        moment(stamp) or None,
        None if money is None else Decimal(money),
        None if number is None else float(number),
    )


# --- the verb --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", TABLES_FOR_OTHERS)
def test_a_table_goes_to_a_file_of_its_name(here: Callable[..., Said], folder: Path, what: str) -> None:
    code, said, error = here(what, "--force")
    rows = len(read(folder / f"{what}.csv"))
    assert (code, said, error) == (0, f"{what}.csv: {rows:,} rows of {what}\n", "")
    assert not list(folder.glob("*.new"))


def test_a_file_that_is_there_is_left_alone_unless_asked_to(here: Callable[..., Said], tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("mine", encoding="utf-8")
    code, _, error = here("trades", "--out", str(path))
    sentence = f"{path} exists already; name another file with --out, or write over it with --force\n"
    assert (code, error, path.read_text(encoding="utf-8")) == (2, sentence, "mine")
    assert here("trades", "--out", str(path), "--force")[0] == 0
    assert len(read(path)) > 20


def test_nothing_but_a_table_is_written_over(here: Callable[..., Said], tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_text("mine", encoding="utf-8")
    code, _, error = here("trades", "--format", "csv", "--out", str(path), "--force")
    sentence = f"{path} is there and no table of ours; name another file with --out\n"
    assert (code, error, path.read_text(encoding="utf-8")) == (2, sentence, "mine")


def test_a_name_that_says_another_format_is_refused(here: Callable[..., Said], tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    code, _, error = here("trades", "--format", "csv", "--out", str(path))
    mend = "leave --format out, or let the name end with .csv"
    assert (code, error) == (2, f"{path} ends as parquet, but --format is csv; {mend}\n")
    assert not path.exists()
    assert here("trades", "--format", "csv", "--out", str(tmp_path / "a.txt"))[0] == 0


def test_a_span_and_an_account_narrow_it(here: Callable[..., Said], tmp_path: Path) -> None:
    path = tmp_path / "hour.jsonl"
    code, said, _ = here(
        "decisions",
        "--out",
        str(path),
        "--from",
        "2026-01-05T11:00",
        "--to",
        "2026-01-05T12:00",
        "--account",
        "demo-1",
        "--json",
    )
    assert (code, json.loads(said)["rows"]) == (0, len(read(path)))
    assert {moment(row["bar"]) for row in read(path)} == {MONDAY + HOUR + minute * MINUTE for minute in range(60)}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("trades", "--out", "trades.xls"), "trades.xls ends with none of csv, parquet, jsonl; say which"),
        (("trades", "--out", "data"), "data is a folder; name a file in it with --out"),
        (("trades", "--out", "x.csv", "--from", "yesterday"), "'yesterday' is not a moment; write it like 2026-01"),
        (("trades", "--out", "x.csv", "--from", "2026-01-06", "--to", "2026-01-05"), "--to is not after --from"),
        (("trades", "--out", "x.csv", "--account", "demo-2"), "the ledger knows no account 'demo-2'; did you mean"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_no_file(
    here: Callable[..., Said], folder: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    code, said, error = here(*arguments)
    assert (code, said, error.count("\n")) == (2, "", 1)
    assert error.startswith(sentence)
    assert not (folder / "x.csv").exists()


def test_without_a_ledger_there_is_nothing_to_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flows.toml").write_text(FLOW, encoding="utf-8")
    assert main(["export", "trades"]) == 2
    assert "run the flow first" in capsys.readouterr().err
    assert not (tmp_path / "trades.csv").exists()


def test_an_amount_that_parquet_cannot_hold_is_told_and_leaves_no_file(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"
    with Ledger(ledger) as records:
        records.follow(order("SETTLED", result="win", profit="0.123456789012345"))
    with pytest.raises(Exception, match=r"does not fit a decimal of 10 places .*; export to csv or jsonl"):
        exported(ledger, "trades", tmp_path / "trades.parquet", "parquet", Asked())
    assert list(tmp_path.glob("*trades*")) == []

"""`data`: the store from the command line, what it prints, and what it refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.archive.exporting import exported
from pipeline.archive.series import Series
from pipeline.archive.store import Archive
from pipeline.market import Market
from pipeline.times import DAY, HOUR, MINUTE, parse_moment, utc_text
from pipeline.verbs.data import NAMES
from tests.support import ROOT, SMALL
from tests.test_archive import written

M1 = MINUTE
BEGIN = parse_moment("2026-01-05T10:00:00Z")
LINES = "time,open,high,low,close,volume\n" + "".join(
    f"{utc_text(BEGIN + row * M1)},1.1,1.2,1.0,1.15,{row}\n" for row in range(30)
)


class Told:
    """What a command printed, and how it ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Data:
    """`data …` in a folder of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys

    def __call__(self, *arguments: str) -> Told:
        self._capsys.readouterr()
        code = main(["data", *arguments])
        told = self._capsys.readouterr()
        return Told(code, told.out, told.err)

    def file(self, name: str, text: str = LINES) -> str:
        (self.folder / name).write_text(text)
        return name


@pytest.fixture
def data(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Data:
    monkeypatch.chdir(tmp_path)
    return Data(tmp_path, capsys)


EURUSD = ("--product", "EURUSD", "--timeframe", "1m")


# --- import -----------------------------------------------------------------------------------------------------------


def test_an_import_says_what_it_saw_then_what_it_did(data: Data) -> None:
    told = data("import", data.file("bars.csv"), *EURUSD)
    assert told.code == 0
    assert told.out.splitlines() == [
        "bars.csv: generic bars, csv",
        "  columns parted by commas, header on line 1",
        "  time=time, open=open, high=high, low=low, close=close, volume=volume",
        "  times as text, in UTC unless they say",
        "EURUSD 1m: 30 rows read, 2026-01-05T10:00:00.000Z to 2026-01-05T10:29:00.000Z",
        "  30 are new, 0 were there already",
        f"store: {Path('data/store')}",
    ]
    assert told.err == "reading 100 %, 30 rows\n"
    assert Archive(data.folder / "data/store").series() == (Series("EURUSD", M1),)
    assert "0 are new, 30 were there already" in data("import", "bars.csv", *EURUSD).out


def test_an_import_for_a_program_is_one_object(data: Data) -> None:
    facts = data("import", data.file("bars.csv"), *EURUSD, "--json").json
    assert facts["files"][0]["path"] == "bars.csv"
    kept = ("product", "timeframe", "rows", "first", "added", "same", "conflicts", "skipped", "written")
    assert {name: facts[name] for name in kept} == {
        "product": "EURUSD",
        "timeframe": "1m",
        "rows": 30,
        "first": BEGIN,
        "added": 30,
        "same": 0,
        "conflicts": 0,
        "skipped": {},
        "written": True,
    }


def test_a_dry_run_judges_every_row_and_writes_nothing(data: Data) -> None:
    told = data("import", data.file("bars.csv"), *EURUSD, "--dry-run")
    assert (told.code, told.out.splitlines()[-1]) == (0, "nothing was written (dry run)")
    assert [path.name for path in data.folder.iterdir()] == ["bars.csv"]
    assert data("import", data.file("bad.csv", LINES + "x,1,1,1,1,1\n"), *EURUSD, "--dry-run").code == 2


def test_bad_rows_are_refused_or_left_out_and_counted(data: Data) -> None:
    path = data.file("bad.csv", LINES + "x,1,1,1,1,1\n2026-01-05T11:00:00Z,1,1,2,1,1\n")
    told = data("import", path, *EURUSD)
    assert (told.code, told.err) == (
        2,
        "bad.csv, row 31: time is no time; write ms or s since 1970, or text like 2026-01-05T08:00:00Z\n",
    )
    assert not (data.folder / "data/store/bars").exists()
    told = data("import", path, *EURUSD, "--bad-rows", "skip")
    assert told.code == 0
    assert "  1 rows left out: time is no time" in told.out
    assert "  1 rows left out: low is not the lowest price or high not the highest" in told.out


def test_a_conflict_is_refused_by_its_moment_unless_one_of_the_two_is_chosen(data: Data) -> None:
    data("import", data.file("bars.csv"), *EURUSD)
    other = data.file("other.csv", LINES.replace("1.15,7\n", "1.16,7\n"))
    told = data("import", other, *EURUSD)
    assert told.code == 2
    assert told.err.splitlines()[-1] == (
        "EURUSD 1m at 2026-01-05T10:07:00.000Z has close 1.15 and 1.16: one moment, two values; "
        "--on-conflict keep leaves the one that came first, --on-conflict replace takes the later"
    )
    told = data("import", other, *EURUSD, "--on-conflict", "replace")
    assert "  1 conflicts, the later was taken; the first: EURUSD 1m at 2026-01-05T10:07:00.000Z" in told.out
    (bars,) = Archive(data.folder / "data/store").bars("EURUSD", M1)
    assert bars.close[7] == 1.16


def test_files_are_imported_together_or_not_at_all(data: Data) -> None:
    good, bad = data.file("good.csv"), data.file("bad.csv", LINES + "x,1,1,1,1,1\n")
    assert data("import", good, bad, *EURUSD).code == 2
    assert not (data.folder / "data/store/bars").exists()
    told = data("import", good, data.file("next.csv", LINES.replace("2026-01-05", "2026-01-06")), *EURUSD)
    assert "EURUSD 1m: 60 rows read" in told.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nothing.csv", *EURUSD), "there is no file nothing.csv"),
        (("bars.csv", "--product", "EURUSD"), "bars.csv holds bars; say of which timeframe (its rows are 1m apart)"),
        (("bars.csv", "--product", "EURUSD", "--timeframe", "7m"), "'7m' does not divide a day into whole slots; use"),
        (("bars.csv", *EURUSD, "--timezone", "Mars"), "there is no time zone 'Mars'; give one like UTC, EET or"),
        (("bars.csv", *EURUSD, "--columns", "tiem=time"), "--columns has 'tiem=time'; write time=1,open=2 … of time"),
        (("bars.csv", *EURUSD, "--columns", "time"), "--columns has 'time'; write time=1,open=2"),
        (("quotes.csv", *EURUSD), "quotes.csv holds quotes; leave out --timeframe"),
        (("bars.csv", "--product", "x" * 300, "--timeframe", "1m"), "cannot be a product's name in a store"),
    ],
)
def test_what_an_import_cannot_use_it_refuses_in_a_sentence(data: Data, arguments: tuple[str, ...], told: str) -> None:
    data.file("bars.csv")
    data.file("quotes.csv", "ts,bid,ask\n1767600000000,1,1\n")
    said = data("import", *arguments)
    assert said.code == 2
    assert told in said.err
    assert "Traceback" not in said.err


# --- list, export, resample, audit ------------------------------------------------------------------------------------


@pytest.fixture
def filled(data: Data) -> Data:
    store = data.folder / "data/store"
    written(store, Market("EURUSD").bars(M1, BEGIN, BEGIN + DAY))
    written(store, Market("EURUSD").quotes(BEGIN, BEGIN + HOUR))
    written(store, Market("BTC-USD").bars(M1, BEGIN, BEGIN + DAY))
    return data


def test_the_list_says_what_there_is_from_when_until_when(filled: Data) -> None:
    rows = [line.split() for line in filled("list").out.splitlines()]
    assert rows[0] == ["product", "timeframe", "rows", "from", "until", "size", "grade"]
    assert [row[:3] for row in rows[1:]] == [
        ["BTC-USD", "1m", "1,440"],
        ["EURUSD", "quotes", f"{len(Market('EURUSD').quotes(BEGIN, BEGIN + HOUR)):,}"],
        ["EURUSD", "1m", "1,440"],
    ]
    assert rows[3][3:5] == ["2026-01-05T10:00:00.000Z", "2026-01-06T10:00:00.000Z"]
    assert rows[3][-2:] == ["not", "audited"]
    filled("audit", *EURUSD)
    facts = filled("list", "--json").json
    assert [(each["product"], each["timeframe"], each["grade"]) for each in facts] == [
        ("BTC-USD", "1m", None),
        ("EURUSD", "quotes", None),
        ("EURUSD", "1m", "A"),
    ]


def test_an_empty_store_says_how_to_fill_it(data: Data) -> None:
    assert data("list").out == f"the store {Path('data/store')} is empty; fill it with `data import`\n"
    assert data("list", "--json").json == []
    assert data("audit", *EURUSD).code == 2


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "out.jsonl"])
def test_what_is_exported_can_be_imported_and_changes_nothing(filled: Data, name: str) -> None:
    told = filled("export", *EURUSD, "--to", name)
    assert (told.code, told.out) == (0, f"{name}: 1,440 rows of EURUSD 1m\n")
    assert "  0 are new, 1,440 were there already" in filled("import", name, *EURUSD).out
    quotes = filled("export", "--product", "EURUSD", "--to", name, "--json").json
    assert "  0 are new" in filled("import", name, "--product", "EURUSD").out
    assert quotes["rows"] == len(Market("EURUSD").quotes(BEGIN, BEGIN + HOUR))


def test_an_export_may_be_of_a_span_and_in_somebodys_time(filled: Data) -> None:
    span = ("--from", "2026-01-05T12:00:00Z", "--until", "2026-01-05T12:02:00Z")
    filled("export", *EURUSD, "--to", "out.csv", *span, "--timezone", "Europe/Istanbul")
    header, first, second = (filled.folder / "out.csv").read_text().splitlines()
    assert header.startswith('"open_ts","open","high","low","close","volume"')
    assert first.startswith('"2026-01-05T15:00:00.000+03:00"')
    assert second.startswith('"2026-01-05T15:01:00.000+03:00"')


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--to", "out.xlsx"), "out.xlsx is neither .csv nor .parquet nor .jsonl"),
        (("--to", "out.csv", "--from", "soon"), "'soon' is not a moment; write it like 2026-01-05T08:00:00Z"),
        (("--to", "out.csv", "--from", "2026-01-06", "--until", "2026-01-05"), "--until is not after --from"),
        (("--to", "out.csv", "--timezone", "Mars"), "there is no time zone 'Mars'"),
    ],
)
def test_what_an_export_cannot_do_it_says(filled: Data, arguments: tuple[str, ...], told: str) -> None:
    said = filled("export", *EURUSD, *arguments)
    assert said.code == 2
    assert told in said.err
    assert not (filled.folder / arguments[1]).exists()


def test_longer_bars_are_made_of_shorter_ones_or_of_quotes(filled: Data) -> None:
    longer = ("--product", "EURUSD", "--from-timeframe", "1m", "--timeframe", "15m")
    assert filled("resample", *longer).out == "EURUSD 15m of 1m: 96 bars are new, 0 were there already\n"
    assert filled("resample", *longer, "--json").json["same"] == 96
    told = filled("resample", "--product", "EURUSD", "--timeframe", "5m")
    assert told.out == "EURUSD 5m of quotes: 10 bars are new, 0 were there already\n"
    told = filled("resample", "--product", "EURUSD", "--timeframe", "1m")
    assert told.out == "EURUSD 1m of quotes: 0 bars are new, 58 were there already\n"
    refused = filled("resample", "--product", "EURUSD", "--from-timeframe", "15m", "--timeframe", "5m")
    assert (refused.code, refused.err) == (2, "5m bars are not made of 15m bars; give a multiple of them\n")


def test_an_audit_names_each_measure_and_its_grade(filled: Data) -> None:
    told = filled("audit", *EURUSD)
    lines = told.out.splitlines()
    assert lines[0] == ("EURUSD 1m: grade A, 1,440 rows, 2026-01-05T10:00:00.000Z to 2026-01-06T09:59:00.000Z")
    assert [line.split()[:2] for line in lines[1:]] == [
        ["A", each] for each in ("missing", "closed", "impossible", "disordered", "jumps", "flat", "clock")
    ]
    quotes = filled("audit", "--product", "EURUSD", "--json").json
    assert (quotes["timeframe"], quotes["grade"], quotes["met"]) == ("quotes", "A", True)


def test_a_grade_that_is_demanded_and_not_met_ends_with_1(filled: Data) -> None:
    late = ("export", *EURUSD, "--to", "late.csv", "--from", utc_text(BEGIN + 10 * DAY))
    written(filled.folder / "data/store", Market("EURUSD").bars(M1, BEGIN + 10 * DAY, BEGIN + 11 * DAY))
    assert filled(*late).code == 0
    told = filled("audit", *EURUSD, "--demand", "B")
    assert told.code == 1
    assert told.out.splitlines()[-1] == "grade B is demanded and not met"
    assert "longest gaps:" in told.out
    facts = filled("audit", *EURUSD, "--demand", "B", "--json").json
    assert (facts["grade"], facts["met"]) == ("F", False)
    assert facts["worst_finding"].startswith("10,080 bars of open time are missing (77.778%) in 1 gaps")
    assert facts["found"]["longest"][0][1:] == [BEGIN + DAY, BEGIN + 10 * DAY]


# --- as a program -----------------------------------------------------------------------------------------------------


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pipeline", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)


def test_a_replay_of_what_was_imported_and_a_grade_that_it_does_not_have(tmp_path: Path) -> None:
    bars = Market("BTCUSD").bars(M1, BEGIN, BEGIN + DAY)
    exported(iter([bars.rows(0, 300, 300), bars.rows(400, 1_440, 1_040)]), tmp_path / "btc.csv")
    assert run(tmp_path, "data", "import", "btc.csv", "--product", "BTCUSD", "--timeframe", "1m").returncode == 0
    flow = SMALL.replace('use = "synthetic"', 'use = "replay"').replace('"EURUSD", "BTCUSD"', '"BTCUSD"')
    (tmp_path / "flows.toml").write_text(flow.replace('start = "2026-01-05T10:00:00Z"', "#demand"))
    told = run(tmp_path, "replay")
    assert (told.returncode, told.stderr) == (0, "")
    (tmp_path / "flows.toml").write_text(flow.replace('start = "2026-01-05T10:00:00Z"', 'demand = "B"'))
    told = run(tmp_path, "replay")
    assert told.returncode != 0
    assert "has grade E, B is demanded: 100 bars of open time are missing (6.944%) in 1 gaps" in told.stderr
    assert "Traceback" not in told.stderr


MEASURED = """
import resource, sys
from pipeline.__main__ import main
code = main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
sys.exit(code)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the memory is told in other units")
def test_ten_million_rows_are_imported_within_half_a_gigabyte(tmp_path: Path) -> None:
    with (tmp_path / "bars.csv").open("w") as file:
        file.write("ts,open,high,low,close,volume\n")
        for row in range(10_000_000):
            file.write(f"{1_000_000_020 + 60 * row},1.{row % 9999 + 1:05d},1.2,1.0,1.1,{row % 97}\n")
    arguments = ("data", "import", "bars.csv", "--product", "EURUSD", "--timeframe", "1m")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", MEASURED, *arguments]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert "10,000,000 are new" in ended.stdout
    assert int(ended.stdout.split()[-1]) < 512, "megabytes"


@pytest.mark.parametrize("verb", NAMES)
def test_each_verb_has_a_help_with_an_example_and_says_where_the_store_is(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["data", verb, "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert f"python -m pipeline data {verb}" in told
    assert "--store DIR the store's folder (data/store)" in told


def test_the_help_of_data_loads_no_library_of_frames() -> None:
    ask = (
        "import sys, argparse, pipeline.verbs.data as data; "
        "data.options(argparse.ArgumentParser()); print(sys.modules.keys())"
    )
    loaded = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert "'pandas'" not in loaded
    assert "'pyarrow'" not in loaded

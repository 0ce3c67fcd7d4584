"""A calibrator in a flow: made by `calibrate`, checked before anything runs, the same however the data is cut."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.calibration.curves import Logistic
from pipeline.calibration.files import write
from pipeline.calibration.fingerprints import fingerprint
from pipeline.calibration.records import Fit, KeyFit, Made, Record
from pipeline.checking import checked, load_text
from pipeline.errors import PlanError
from pipeline.plan import Plan
from pipeline.replaying import replayed
from pipeline.times import HOUR, MINUTE, timeframe_name, utc_text
from pipeline.toml_text import parse
from pipeline.trying import NoRecords, tried
from pipeline.values import Calibrated, Decisions
from tests.support import MONDAY, ROOT, SMALL, play
from tests.test_invariance import END, in_blocks, market, one_by_one
from tests.test_repaint import BARS, FLOW, MINUTES, changed, told
from tests.test_repaint import END as REPAINTED

ODDS = '[operators.odds]\nuse = "calibrator"\nfrom = "ensembles.main"\nrecord = "calibration/main.json"\n'
CALIBRATED = SMALL.replace('use = "guard"\nfrom = "main"', 'use = "guard"\nfrom = "odds"') + ODDS
OFTEN = 'use = "rsi_reversal"\nrsi = "rsi(period=5)"\noversold = 49.0\noverbought = 51.0'
"""A provider that speaks of nearly every bar."""
QUICK = (
    CALIBRATED.replace('use = "ema_cross"\nfast = "fast"\nslow = "slow"', OFTEN)
    + "drift_window = 40\nlookback = 90\nalpha = 0.4\n"
)
TESTED = """
[[test]]
name = "a probability is stated and compared"
inputs.market = "p----q-----q"
inputs.odds = "------u-----n"
outputs.odds = "------U-----N"
outputs."risk.main" = "------t-----x"
values.p = { payout = 0.90 }
values.q = { price = 1.1010 }
values.u = { direction = "call", confidence = 0.6, probability = 0.58, error = 0.01 }
values.U = { direction = "call", probability = 0.58, drifted = false }
values.n = { direction = "put", confidence = 0.6 }
values.N = { direction = "put", drifted = false }
values.t = { verdict = "trade" }
values.x = { verdict = "calibrated" }
"""

Rows = dict[tuple[str, int, int], tuple[str, ...]]


def record_for(text: str, *, products: Iterable[str] = ("EURUSD", "BTCUSD"), base: float = 0.4) -> Record:
    """One that fits a flow's scores, with fits an hour apart from two hours after its beginning on."""
    plan = checked(parse(text, "flows.toml"), Path(), ("operator", "ensemble"))
    keys = tuple(KeyFit(name, timeframe_name(tf), 500, 290) for name in products for tf in (MINUTE, 5 * MINUTE))
    spread = ((0.02, -0.01), (-0.01, 0.02))
    fits = tuple(
        Fit(utc_text(MONDAY + hour * HOUR), 2000, 1160, Logistic((0.5 + hour / 7, base), spread), keys)
        for hour in (2, 3, 4)
    )
    made = Made(begin="", end="", outcomes=2000, prices="ticks", tie="push", method="platt", every="1h", least=100)
    made_by = fingerprint(plan.by_id["ensembles.main"], plan.by_id, plan.edges, plan.anchoring.features, stack=False)
    return Record(ensemble="main", fingerprint=made_by, made=made, verdict=None, fits=fits)


def planned(folder: Path, text: str, record: Record | None = None) -> Plan:
    write(folder / "calibration" / "main.json", record or record_for(text))
    return load_text(text, "flows.toml", folder)


def said(given: Iterable[tuple[str, Any]]) -> Rows:
    """What was said of each bar, bit by bit."""
    rows: Rows = {}
    for _, value in given:
        if isinstance(value, Calibrated):
            bars = value.signals
            for row in range(len(value)):
                key = (bars.product, bars.tf, int(bars.open_ts[row]))
                assert key not in rows, f"a bar was spoken of twice: {key}"
                numbers = (bars.score[row], value.probability[row], value.error[row], value.drifted[row])
                rows[key] = tuple(repr(each) for each in numbers)
    return rows


# --- however it is cut -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [7, 4096])
def test_single_rows_and_blocks_are_given_the_same_probabilities(tmp_path: Path, rows: int) -> None:
    plan = planned(tmp_path, QUICK)
    markets = [market(5, "EURUSD"), market(6, "BTCUSD")]
    singles = said(play(plan, [entry for each in markets for entry in one_by_one(each)], END + 120_000))
    blocks = said(play(plan, in_blocks(markets, rows), END + 120_000))
    assert blocks == singles
    spoken = [row for row in singles.values() if "nan" not in row[1]]
    assert 100 < len(spoken) < len(singles)
    assert {row[3] for row in spoken} == {"np.True_", "np.False_"}


def test_a_restart_changes_no_probability(tmp_path: Path) -> None:
    """A run that begins later loads what came before as history, and says the same of every bar."""
    plan = planned(tmp_path, QUICK)
    whole, later = said(replay(plan, MONDAY)), said(replay(plan, MONDAY + 170 * MINUTE))
    assert len(later) > 100
    assert later == {key: whole[key] for key in later}
    assert any("True" in row[3] for row in later.values())


def replay(plan: Plan, begin: int) -> list[tuple[str, Any]]:
    given: list[tuple[str, Any]] = []
    replayed(plan, begin, MONDAY + 5 * HOUR, NoRecords(), taps=(lambda node, value: given.append((node, value)),))
    return given


# --- calibrate -------------------------------------------------------------------------------------------------------


def flow_file(folder: Path, text: str = CALIBRATED) -> Path:
    file = folder / "flow.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_calibrate_makes_the_record_that_the_flow_lacks_and_says_what_the_scores_are_worth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = flow_file(tmp_path)
    assert main(["validate", str(file)]) == 2
    missing = capsys.readouterr().err
    assert "[operators.odds] there is no record calibration/main.json; make it: python -m pipeline calibrate" in missing
    assert main(["calibrate", str(file), "--for", "20h"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("main: ")
    assert "outcomes by ticks, 2026-01-05 to 2026-01-06" in lines[0]
    assert "fits, one every 1h" in lines[0]
    assert lines[2].startswith("Brier 0.2")
    assert lines[-2] == "this score says nothing: do not trade on it"
    assert lines[-1] == f"written to {tmp_path / 'calibration' / 'main.json'}"
    assert max(map(len, lines[:-1])) <= 100
    assert main(["validate", str(file)]) == 0
    assert (
        "by calibration/main.json these scores say nothing; do not trade on them (warning)" in capsys.readouterr().err
    )


def test_calibrate_tells_a_program_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "other.json"
    asked = [
        "calibrate",
        str(flow_file(tmp_path)),
        "--for",
        "20h",
        "--every",
        "2h",
        "--method",
        "platt",
        "--out",
        str(out),
    ]
    assert main([*asked, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["file"] == str(out)
    assert facts["says_nothing"] is True
    assert (facts["made"]["every"], facts["made"]["method"]) == ("2h", "platt")
    assert facts["verdict"]["outcomes"] < facts["made"]["outcomes"]
    written = json.loads(out.read_text(encoding="utf-8"))
    assert len(written["fits"]) == facts["fits"]
    assert {fit["curve"]["method"] for fit in written["fits"]} == {"platt"}


def test_the_same_data_make_the_same_record(tmp_path: Path) -> None:
    asked = ["calibrate", str(flow_file(tmp_path)), "--for", "8h", "--json", "--out"]
    for name in ("one", "other"):
        assert main([*asked, str(tmp_path / name)]) == 0
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        (["--for", "30m"], r"main had a direction that was decided \d+ times and 100 are the least to learn from"),
        (["--for", "8h", "--ensemble", "mian"], "there is no ensemble 'mian'; did you mean 'main'?"),
        (["--for", "8h", "--every", "soon"], "--every 'soon' is not a duration; write a number and a unit"),
        (["--for", "8h", "--every", "0d"], "--every is 0d; write a time above 0, such as 1d"),
        (["--for", "8h", "--l2", "5"], "--l2 is of a stack; add --stack, or leave it out"),
        (["--for", "8h", "--stack"], r"\[ensembles.main\] is weighted, which goes by no record; leave out --stack"),
    ],
)
def test_what_calibrate_cannot_do_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: list[str], what: str
) -> None:
    assert main(["calibrate", str(flow_file(tmp_path)), *asked]) == 2
    told_so = capsys.readouterr().err
    assert len(told_so.strip().splitlines()) == 1
    assert re.search(what, told_so)


def test_a_stack_is_fitted_and_then_calibrated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = CALIBRATED.replace('use = "weighted"', 'use = "stacked"\nrecord = "calibration/stack.json"')
    file = flow_file(tmp_path, text)
    assert main(["calibrate", str(file), "--for", "8h"]) == 2
    assert "--ensemble main --stack" in capsys.readouterr().err
    write(tmp_path / "calibration" / "main.json", record_for(text))
    assert "[ensembles.main] there is no record calibration/stack.json" in problem(tmp_path, text)
    assert main(["calibrate", str(file), "--for", "8h", "--stack"]) == 0
    assert "this is still a score" in capsys.readouterr().out
    assert main(["calibrate", str(file), "--for", "20h"]) == 0
    assert main(["validate", str(file)]) == 0
    of_both = problem(tmp_path, text.replace("calibration/main.json", "calibration/stack.json"))
    assert "calibration/stack.json is a record of something else: How much each provider" in of_both
    assert "; name another file; then make it: python -m pipeline calibrate" in of_both
    assert main(["calibrate", str(file), "--for", "10h", "--stack"]) == 0
    capsys.readouterr()
    assert main(["validate", str(file)]) == 2
    assert "main.json was made of other scores than [ensembles.main] gives now" in capsys.readouterr().err


# --- before anything runs --------------------------------------------------------------------------------------------


def problem(folder: Path, text: str) -> str:
    with pytest.raises(PlanError) as wrong:
        load_text(text, "flows.toml", folder)
    (only,) = wrong.value.problems
    return only.text("flows.toml")


def line_of(text: str, key: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if line.startswith(key))


def test_a_record_of_other_scores_is_refused(tmp_path: Path) -> None:
    planned(tmp_path, CALIBRATED)
    for change in (('"sma", period = 8', '"sma", period = 9'), ('from = ["cross"]', 'from = ["cross"]\ngain = 2.0')):
        text = CALIBRATED.replace(*change)
        told_so = problem(tmp_path, text)
        line = line_of(text, "record = ")
        assert told_so.startswith(
            f"flows.toml:{line}:10: [operators.odds] calibration/main.json was made of other scores"
        )
        assert told_so.endswith("; make it anew: python -m pipeline calibrate flows.toml --ensemble main")


def test_names_accounts_and_what_the_scores_do_not_come_from_may_change(tmp_path: Path) -> None:
    planned(tmp_path, CALIBRATED)
    renamed = CALIBRATED.replace("demo-1", "demo-2").replace('"fast"', '"quick"').replace("fast = {", "quick = {")
    more = renamed.replace("[providers.cross]", 'rest = { use = "rsi", period = 14 }\n\n[providers.cross]')
    in_place = CALIBRATED.replace('fast = "fast"', 'fast = "sma(period=3)"')
    for text in (renamed, more, in_place):
        load_text(text, "flows.toml", tmp_path)


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"no JSON", "calibration/main.json is no record ("),
        (b'{"version": 2}', "calibration/main.json is a record of version 2, this program reads 1; make it anew: "),
        (b'{"version": 1}', "calibration/main.json is no whole record ("),
    ],
)
def test_a_file_that_is_no_record_is_told_at_its_line(tmp_path: Path, raw: bytes, what: str) -> None:
    (tmp_path / "calibration").mkdir()
    (tmp_path / "calibration" / "main.json").write_bytes(raw)
    told_so = problem(tmp_path, CALIBRATED)
    assert told_so.startswith(f"flows.toml:{line_of(CALIBRATED, 'record = ')}:10: [operators.odds] {what}")


def test_a_guard_that_weighs_odds_is_not_given_scores(tmp_path: Path) -> None:
    text = SMALL.replace('accounts = ["demo-1"]\n', 'accounts = ["demo-1"]\nmargin = 1.0\n')
    told_so = problem(tmp_path, text)
    assert "[risk.main] margin weighs probabilities, but ensembles.main gives scores; put [operators.odds]" in told_so
    calibrated = CALIBRATED.replace('accounts = ["demo-1"]\n', 'accounts = ["demo-1"]\nmargin = 1.0\n')
    assert planned(tmp_path, calibrated).by_id["risk.main"].instance.margin == 1.0


def test_a_mistake_in_a_strategy_is_not_told_a_second_time_of_its_record(tmp_path: Path) -> None:
    planned(tmp_path, CALIBRATED)
    assert "[providers.cross] has no key 'fsat'" in problem(
        tmp_path, CALIBRATED.replace('fast = "fast"', 'fsat = "fast"')
    )


def test_a_record_speaks_of_one_ensemble(tmp_path: Path) -> None:
    planned(tmp_path, CALIBRATED)
    text = CALIBRATED.replace('from = "ensembles.main"', 'from = ["ensembles.main", "second"]')
    text += '[ensembles.second]\nuse = "weighted"\nfrom = ["cross"]\n'
    told_so = problem(tmp_path, text)
    assert "takes from ensembles.main and ensembles.second, but a record speaks of one ensemble; make a" in told_so


# --- in a flow -------------------------------------------------------------------------------------------------------


def test_a_guard_with_a_margin_trades_only_what_the_record_expects_to_gain(tmp_path: Path) -> None:
    weighed = QUICK.replace('accounts = ["demo-1"]\n', 'accounts = ["demo-1"]\nmargin = 0.0\n')
    markets = [market(5, "EURUSD"), market(6, "BTCUSD")]
    entries = list(in_blocks(markets, 256))
    gates = {
        base: verdicts(play(planned(tmp_path, weighed, record_for(weighed, base=base)), entries, END + 120_000))
        for base in (-1.2, 0.8)
    }
    assert "trade" not in gates[-1.2]
    assert "calibrated" in gates[-1.2]
    assert gates[-1.2] & {"odds", "ev"}
    assert "trade" in gates[0.8]


def verdicts(given: Iterable[tuple[str, Any]]) -> set[str]:
    return set(_verdicts(given))


def _verdicts(given: Iterable[tuple[str, Any]]) -> Iterator[str]:
    for _, value in given:
        if isinstance(value, Decisions):
            yield from ("trade" if each < 0 else value.gates[each] for each in value.verdict.tolist())


def test_tests_in_a_flow_give_and_state_probabilities(tmp_path: Path) -> None:
    weighed = CALIBRATED.replace('accounts = ["demo-1"]\n', 'accounts = ["demo-1"]\nmargin = 1.0\n')
    plan = planned(tmp_path, weighed + TESTED)
    (test,) = plan.tests
    assert tried(plan, test).differences == ()
    other = planned(tmp_path, weighed + TESTED.replace('"call", probability = 0.58', '"call", probability = 0.57'))
    (difference,) = tried(other, other.tests[0]).differences
    assert "probability 0.58" in difference


def test_the_test_on_the_page_holds(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "calibration.md").read_text(encoding="utf-8")
    (shown,) = (block for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if block.startswith("[[test]]"))
    weighed = CALIBRATED.replace('accounts = ["demo-1"]\n', 'accounts = ["demo-1"]\nmargin = 1.0\n')
    plan = planned(tmp_path, weighed + shown)
    assert tried(plan, plan.tests[0]).differences == ()


def test_the_repaint_alarm_looks_through_the_calibrator(tmp_path: Path) -> None:
    """A guard behind a calibrator is alarmed of the same bars as one that is given the scores."""
    text = FLOW.replace('use = "guard"\nfrom = "main"', 'use = "guard"\nfrom = "odds"') + ODDS
    calibrated = planned(tmp_path, text, record_for(text, products=("BTCUSD",)))
    plain = load_text(FLOW, "flows.toml", tmp_path)
    late = (int(BARS.final_at[-1]) + 10_000, "sources.market", changed(MINUTES - 12, 1.003))
    alarms = [
        {
            (each.tf, each.bar, each.was, each.now)
            for node, each in play(plan, [*told(BARS), late], REPAINTED)
            if node == "repaint"
        }
        for plan in (plain, calibrated)
    ]
    assert alarms[0]
    assert alarms[0] == alarms[1]

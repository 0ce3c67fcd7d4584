"""`[[test]]` tables: a claim about a flow as pictures, tried in virtual time."""

import json
from pathlib import Path
from time import perf_counter

import pytest

from pipeline.__main__ import main
from pipeline.checking import load
from pipeline.errors import PlanError
from pipeline.flowtest import drawn, frames
from pipeline.trying import tried
from tests.support import ROOT, SMALL, plan_of

TRADE = """
[[test]]
name = "a strong signal is traded"
inputs.market         = "p----q-"
inputs."ensembles.main" = "------u"
outputs."risk.main"   = "------t"
values.p = { payout = 0.9 }
values.q = { price = 1.1 }
values.u = { direction = "call", confidence = 0.9 }
values.t = { verdict = "trade", direction = "call" }
"""
QUIET = """
[[test]]
name = "a quote alone closes nothing"
inputs.market = "q"
outputs.bars = "-"
values.q = { price = 1.1 }
"""


def difference(text: str) -> str:
    """What the only test of a flow says when it fails."""
    plan = plan_of(SMALL + text)
    (found,) = tried(plan, plan.tests[0]).differences
    return found


def problems(text: str) -> list[str]:
    with pytest.raises(PlanError) as caught:
        plan_of(SMALL + text)
    return str(caught.value).splitlines()


def changed(old: str, new: str, text: str = TRADE) -> str:
    assert old in text, f"{old!r} must stand in the test"
    return text.replace(old, new)


def test_the_tests_of_the_flow_we_ship_pass() -> None:
    plan = load(ROOT / "flows.toml")
    outcomes = [tried(plan, test) for test in plan.tests]
    assert len(outcomes) >= 9
    assert {outcome.test.name: outcome.differences for outcome in outcomes if not outcome.passed} == {}


@pytest.mark.parametrize("text", [TRADE, QUIET])
def test_a_claim_that_holds_passes(text: str) -> None:
    plan = plan_of(SMALL + text)
    assert tried(plan, plan.tests[0]).passed


# --- pictures --------------------------------------------------------------------------------------------------------


def test_a_claim_that_does_not_hold_is_drawn_beside_what_came() -> None:
    assert difference(changed('"------t"', '"--t----"')) == ("risk.main: wanted  --t----\n           came    ------t")


def test_what_nobody_claimed_is_a_question_mark_and_a_sentence() -> None:
    found = difference(changed('values.t = { verdict = "trade"', 'values.t = { verdict = "open"'))
    picture, came, stranger = found.splitlines()
    assert (picture, came) == ("risk.main: wanted  ------t", "           came    ------?")
    assert stranger.strip() == (
        "? at frame 6: account demo-1, product EURUSD, timeframe 1m, verdict trade, direction call"
    )


def test_what_came_beyond_the_diagram_is_drawn_too() -> None:
    text = changed('"p----q-"', '"p----q-----"').replace('"------u"', '"------uu"').replace('"------t"', '"------t-"')
    found = difference(text.replace("values.t = ", 'values.o = { verdict = "open" }\nvalues.t = '))
    assert found.splitlines()[:2] == ["risk.main: wanted  ------t-", "           came    ------t?"]


@pytest.mark.parametrize("diagram", ["a-b", "a  -  b", "(ab)--c", "---", "x(abc)y"])
def test_a_diagram_drawn_from_its_frames_is_the_diagram(diagram: str) -> None:
    marks = {place: letters for place, letters in enumerate(frames(diagram)) if letters}
    assert drawn(marks, len(frames(diagram))) == diagram.replace(" ", "")


def test_two_in_one_frame_may_come_in_any_order_of_letters() -> None:
    text = """
[[test]]
name = "both accounts"
set = { "risk.main.accounts" = ["demo-1", "other"], "accounts.other" = { venue = "practice" } }
inputs.market = "p----q-"
inputs."ensembles.main" = "------u"
outputs."risk.main" = "------(ab)"
values.p = { payout = 0.9 }
values.q = { price = 1.1 }
values.u = { direction = "put" }
values.b = { account = "demo-1" }
values.a = { account = "other" }
"""
    plan = plan_of(SMALL + text)
    assert tried(plan, plan.tests[0]).differences == ()


def test_a_node_that_is_given_inputs_gives_nothing_of_its_own() -> None:
    rows = "q" + "-----q" * 40
    quiet = f"""
[[test]]
name = "forty bars, one signal"
inputs.market = "{rows}"
inputs."ensembles.main" = "------u"
outputs."ensembles.main" = "------s"
values.q = {{ price = 1.1 }}
values.u = {{ direction = "put", confidence = 0.9 }}
values.s = {{ direction = "put", ready = true }}
"""
    plan = plan_of(SMALL + quiet)
    assert tried(plan, plan.tests[0]).differences == ()


# --- time ------------------------------------------------------------------------------------------------------------


def test_a_day_takes_no_time() -> None:
    day = changed("name =", 'frame = "1h"\nname =', QUIET).replace('"q"', f'"q{"-" * 23}q"')
    day = day.replace('"-"', f'"M{"-" * 23}M"').replace("values.q", "values.M = { ticks = 1 }\nvalues.q")
    plan = plan_of(SMALL + day)
    began = perf_counter()
    assert tried(plan, plan.tests[0]).differences == ()
    assert perf_counter() - began < 60, "nobody waited for as much as one of its minutes"


# --- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            '"p----q-"',
            '"p----z-"',
            "uses 'z', which stands for nothing; add values.z = { … }",
        ),
        (
            "inputs.market ",
            "inputs.markt ",
            "inputs: there is no node 'markt'; use one of ",
        ),
        (
            '"------t"',
            '"------t"\noutputs.baars = "-"',
            "outputs: there is no node 'baars'; use one of ",
        ),
        (
            '"p----q-"',
            '"p----q|"',
            "is not a diagram: 'p----q|'; write - for nothing, a letter for a value, (ab) for two in one frame",
        ),
        (
            '"p----q-"',
            '"(p----q-"',
            "is not a diagram: '(p----q-'; write - for nothing, a letter for a value, (ab) for two in one frame",
        ),
        (
            "values.p",
            "values.pay",
            "values.pay is not one letter; a letter stands for a value in the diagrams",
        ),
        ("inputs.market         = ", "input = ", "has no key 'input'; did you mean 'inputs'?"),
        ("name =", 'frame = "ten"\nname =', "frame is 'ten'; write a duration such as 500ms, 30s, 5m"),
        ("name =", 'start = "noon"\nname =', "start 'noon' is not a moment; write it like 2026-01-05T08:00:00Z"),
        ('name = "a strong signal is traded"\n', "", "needs name; add name = … (text)"),
        ('"p----q-"', "3", "inputs.market is 3; write text"),
    ],
)
def test_a_mistake_in_a_test_is_a_problem_with_its_line(old: str, new: str, sentence: str) -> None:
    text = changed(old, new)
    found = problems(text)
    (told,) = [each for each in found if sentence in each]
    line = int(told.split(":")[1])
    assert SMALL.count("\n") < line <= (SMALL + text).count("\n")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "name =",
            'set = { "risk.mian.cool_down" = "60s" }\nname =',
            'set."risk.mian.cool_down": there is no table [risk.mian]; name a table of this flow and a key',
        ),
        (
            "name =",
            'set = { "risk.main.cool_down" = "soon" }\nname =',
            "[risk.main] cool_down 'soon' is not a duration; write a number and a unit: 500ms, 30s, 5m, 2h or 1d",
        ),
        (
            'direction = "call", confidence',
            'direction = "up", confidence',
            "values.u cannot be given by ensembles.main (Invalid enum value 'up' - at `$.direction`); its keys are "
            "product, timeframe, direction, confidence, ready, fault",
        ),
        (
            "price = 1.1",
            'price = 1.1, lat = "5s"',
            "values.q cannot be given by sources.market (Object contains unknown field `lat`); its keys are "
            "product, price, bid, ask, late",
        ),
        (
            "payout = 0.9 }",
            "ratio = 0.9 }",
            "values.p cannot be given by sources.market; a source gives price (or bid and ask), close, payout, link or "
            "tip, an ensemble direction and confidence",
        ),
        (
            'outputs."risk.main"',
            "outputs.main",
            "'main' could be ensembles.main, risk.main; write the full name",
        ),
    ],
)
def test_a_test_that_cannot_be_run_fails_with_a_sentence(old: str, new: str, sentence: str) -> None:
    assert sentence in difference(changed(old, new))


# --- the verb --------------------------------------------------------------------------------------------------------


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    """A file with one test that passes and one that does not."""
    path = tmp_path / "flows.toml"
    path.write_text(SMALL + TRADE + changed('"-"', '"M"', QUIET) + "values.M = { ticks = 1 }\n", encoding="utf-8")
    return path


def test_the_verb_says_each_claim_and_ends_with_1_when_one_fails(
    flow: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["test", str(flow)]) == 1
    assert capsys.readouterr().out == (
        "✔ a strong signal is traded\n"
        "✖ a quote alone closes nothing\n"
        "    bars: wanted  M\n"
        "          came    -\n"
        "1 passed, 1 failed\n"
    )


def test_only_names_the_tests_to_run(flow: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", str(flow), "--only", "strong"]) == 0
    assert capsys.readouterr().out == "✔ a strong signal is traded\n1 passed, 0 failed\n"


def test_only_that_fits_no_test_is_a_mistake(flow: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", str(flow), "--only", "weak"]) == 2
    assert capsys.readouterr() == ("", "no test has 'weak' in its name\n")


def test_a_file_with_a_mistake_in_a_test_ends_with_2(flow: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flow.write_text(SMALL + changed('"------t"', '"------x"'), encoding="utf-8")
    assert main(["test", str(flow)]) == 2
    assert "uses 'x', which stands for nothing" in capsys.readouterr().err


def test_several_files_are_tried_in_turn(flow: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", str(flow), str(flow), "--only", "strong"]) == 0
    assert capsys.readouterr().out.endswith("2 passed, 0 failed\n")


def test_a_program_reads_the_outcome_as_json(flow: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", str(flow), "--json"]) == 1
    good, bad = json.loads(capsys.readouterr().out)
    assert good == {"flow": str(flow), "name": "a strong signal is traded", "passed": True, "differences": []}
    assert bad["passed"] is False
    assert bad["differences"] == ["bars: wanted  M\n      came    -"]

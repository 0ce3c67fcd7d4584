"""The conformance kit: what is sound passes, and every defect that was made on purpose is caught by its check."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.broker.faults import Fault
from pipeline.conformance.candidate import Candidate
from pipeline.conformance.checks import Check
from pipeline.conformance.grading import Grade, graded
from pipeline.conformance.kit import CHECKS
from pipeline.conformance.making import PROOFS, Wanted, made
from pipeline.conformance.telling import badge
from tests.support import ROOT

PLUGIN = ROOT / "tests" / "conformance_defects.py"
DECLARED = (f"evidence={{ {PROOFS} }}",)
OVER_HTTP = (
    ("resends", "nothing-is-sent-twice"),
    ("takes_silence_for_no", "what-is-said-of-an-order-is-true"),
    ("forgets_to_follow", "end-during-an-outage-is-found"),
    ("gives_the_first_page", "statement-has-all-its-pages"),
    ("takes_later_balance", "statement-is-of-one-moment"),
    ("leaves_out_strangers", "strangers-contract-is-listed"),
    ("gives_what_there_is", "failed-listing-is-no-statement"),
    ("logs_in_again", "wrong-login-is-tried-once"),
    ("asks_on_another_connection", "throttled-calls-wait"),
    ("leaves_work_behind", "closing-lets-go"),
)
OVER_DERIV = (
    ("declares_too_much", "listings-name-our-order"),
    ("counts_no_calls", "limits-are-held"),
    ("takes_expiry_for_the_end", "end-is-told"),
)
OF_PRICES = (
    ("subscribes_once", "every-product-is-back-after-a-break"),
    ("loses_quotes", "live-quotes-are-the-venues"),
    ("gives_what_is_forming", "history-is-of-final-bars"),
)
AT_ONCE = 4
WAITING = {"forgets_to_follow", "gives_the_first_page", "subscribes_once", "loses_quotes"}
"""These take their checks many seconds of waiting."""


def by_name(*names: str) -> list[Check]:
    known = {each.name: each for each in CHECKS}
    return [known[each] for each in names]


def defects() -> list[tuple[str, Candidate, Check]]:
    """Each defect, and the check that is for it."""
    wanted = [(name, Wanted(name, PLUGIN, path="/v1", keys=DECLARED), check) for name, check in OVER_HTTP]
    wanted += [(name, Wanted(name, PLUGIN), check) for name, check in OVER_DERIV]
    wanted += [(name, Wanted("http", PLUGIN, source=name), check) for name, check in OF_PRICES]
    return [(name, made(who), by_name(check)[0]) for name, who, check in wanted]


def graded_by_it(defect: tuple[str, Candidate, Check]) -> Grade:
    """How the check grades it. A second of the venue is a tenth of one here: on a machine that is busier than that a
    connector may behave by being slow, so it is graded again."""
    _, candidate, check = defect
    grades = (graded(candidate, [check], seed, lambda grade: None, at_once=1)[0] for seed in range(7, 12))
    first = next(grades)
    return first if first.verdict == "failed" else next((each for each in grades if each.verdict == "failed"), first)


def asked(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str, str]:
    code = main(["venue", "conform", *options])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize("waiting", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_every_defect_is_caught_by_the_check_that_is_for_it(waiting: bool) -> None:
    some = [each for each in defects() if (each[0] in WAITING) is waiting]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        grades = list(pool.map(graded_by_it, some))
    verdicts = {name: grade.verdict for (name, _, _), grade in zip(some, grades, strict=True)}
    assert verdicts == dict.fromkeys(verdicts, "failed")
    assert all(grade.seen for grade in grades)


@pytest.mark.parametrize("name", ["deriv", "http"])
def test_our_own_connectors_do_what_the_defects_do_not(name: str) -> None:
    """`make conform` makes all checks; here are some that take no time."""
    some = by_name("login", "closing-lets-go", "throttled-calls-wait", "strangers-contract-is-listed", "end-is-told")
    grades = graded(made(Wanted(name)), some, 7, lambda grade: None)
    assert [(each.check.name, each.verdict, each.seen) for each in grades if each.verdict != "passed"] == []


def test_what_a_connector_does_not_declare_is_not_asked_of_it() -> None:
    (grade,) = graded(made(Wanted("deriv")), by_name("listings-name-our-order"), 7, lambda grade: None)
    assert (grade.verdict, grade.seen) == ("not applicable", "it does not declare echoes")


def test_a_badge_says_who_conforms_to_what_and_counts_only_what_was_asked() -> None:
    candidate = Candidate("mine", "3.1", None, None)
    check = CHECKS[0]
    some: Sequence[Grade] = [Grade(check, "passed"), Grade(check, "not applicable", "it declares nothing")]
    assert badge(candidate, some).startswith("conforms: 1 of 1, practice venue ")
    assert badge(candidate, some).endswith(", mine 3.1")
    assert badge(candidate, [*some, Grade(check, "failed", "it fell")]).startswith("does not conform: 1 of 2, ")
    assert badge(candidate, some[1:]).startswith("does not conform: 0 of 0, ")


def test_every_check_has_a_name_of_its_own_and_says_in_a_sentence_what_it_proves() -> None:
    assert len({each.name for each in CHECKS}) == len(CHECKS)
    for each in CHECKS:
        assert each.proves.endswith("."), each.name
        assert each.needs, each.name


def test_a_part_without_prices_is_not_asked_for_them() -> None:
    candidate = made(Wanted("leaves_out_strangers", PLUGIN, path="/v1", keys=DECLARED))
    assert candidate.prices is None
    (grade,) = graded(candidate, by_name("live-quotes-are-the-venues"), 7, lambda grade: None)
    assert (grade.verdict, grade.seen) == ("not applicable", "it has no source of prices")


def test_the_verb_prints_a_line_a_check_and_the_badge(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = asked(capsys, "--connector", "http", "--only", "login", "--only", "order-is-answered")
    lines = out.splitlines()
    assert code == 0
    assert [line.split()[:2] for line in lines[:2]] == [["login", "ok"], ["order-is-answered", "ok"]]
    assert lines[2].startswith("conforms: 2 of 2, practice venue ")


def test_the_verb_says_what_was_seen_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = asked(
        capsys, "--connector", "declares_too_much", "--plugin", str(PLUGIN), "--only", "listings-name-our-order"
    )
    assert code == 1
    assert "what was seen: the order was request-demo-1-" in out
    assert out.splitlines()[-1].startswith("does not conform: 0 of 1, ")


def test_the_verb_gives_a_table_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = asked(
        capsys, "--connector", "deriv", "--only", "login", "--only", "same-order-is-taken-once", "--json"
    )
    told: dict[str, Any] = json.loads(out)
    assert code == 0
    assert (told["connector"], told["passed"], told["failed"], told["not_applicable"]) == ("deriv", 1, 0, 1)
    assert [each["verdict"] for each in told["checks"]] == ["passed", "not applicable"]


def test_the_verb_lists_its_checks(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = asked(capsys, "--list")
    assert code == 0
    assert [line for line in out.splitlines() if not line.startswith(" ")] == [each.name for each in CHECKS]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "nothing says what is to be graded; name a venue part: --connector deriv"),
        (("--connector", "derv"), "there is no venue 'derv'; did you mean 'deriv'?"),
        (("--connector", "http", "--only", "logn"), "there is no check 'logn'; did you mean 'login'?"),
        (("--connector", "http", "--key", "tie"), "cannot read the key 'tie'; write it as in TOML"),
        (("--connector", "http", "--key", 'tie="up"'), "[venues.it] tie is 'up'; use one of push, lose, win"),
        (("--connector", "http", "--source", "file"), "there is no source 'file'"),
        (("--connector", "http", "--plugin", "nowhere.py"), "there is no file nowhere.py"),
        (("--connector", "http", "--seed", "-1"), "the seed -1 is below 0"),
    ],
)
def test_what_cannot_be_graded_is_said(capsys: pytest.CaptureFixture[str], options: Sequence[str], said: str) -> None:
    code, out, err = asked(capsys, *options)
    assert (code, out) == (2, "")
    assert said in err


def test_the_fault_of_an_exit_that_is_moved_is_of_a_wrong_settlement_alone() -> None:
    assert Fault(what="wrong_settlement", shift=0.01).shift == 0.01
    with pytest.raises(ValueError, match="shift does not go with 'changed_settlement'"):
        Fault(what="changed_settlement", shift=0.01)

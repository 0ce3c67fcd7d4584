"""What the editor knows of a text without a screen."""

import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.changes.versions import hash_of
from tests.api_engine import EAGER_FLOW
from tests.support import SMALL
from tui.editor.ends import with_ends_of
from tui.editor.examined import examined, merged, told_by_engine
from tui.editor.finding import spots
from tui.editor.here import Here, here
from tui.editor.offers import Names, offers
from tui.editor.outline import outline
from tui.editor.paint import insides, painted
from tui.editor.raising import new_real, raised
from tui.editor.shapes import shapes
from tui.editor.shelf import Shelf
from tui.editor.tables_in import tables_in

REAL = SMALL.replace('venue = "practice"\nbalance', 'venue = "practice"\nmoney = "real"\nbalance').replace(
    "[moonlight]", '[moonlight]\nmode = "live"'
)


def what_is(line: str, inside: str = "") -> list[tuple[str, str]]:
    return [(line[span.begin : span.end], span.style) for span in painted(line, inside)]


def standing(text: str) -> Here | None:
    """Where `|` is in a text."""
    lines = text.split("\n")
    row = next(number for number, line in enumerate(lines) if "|" in line)
    column = lines[row].index("|")
    lines[row] = lines[row].replace("|", "")
    return here(lines, row, column)


def offered(text: str) -> list[str]:
    """What may stand at `|` in a text, the flow's own names known."""
    at = standing(text)
    assert at is not None
    bare = text.replace("|", "").split("\n")
    return [each.word for each in offers(at, shapes(), Names(tables_in(bare), tomllib.loads(SMALL)))]


def inserted(text: str, word: str) -> str:
    at = standing(text)
    assert at is not None
    found = offers(at, shapes(), Names(tables_in(text.split("\n")), tomllib.loads(SMALL)))
    return next(each.insert for each in found if each.word == word)


# --- colours ---------------------------------------------------------------------------------------------------------


def test_each_letter_of_a_line_is_painted_as_what_it_is() -> None:
    assert what_is("[risk.main]  # the gate") == [("[risk.main]", "header"), ("# the gate", "comment")]
    assert what_is('a.b = "x # y" # z') == [
        ("a", "key"),
        ("b", "key"),
        ('"x # y"', "text"),
        ("# z", "comment"),
    ]
    assert what_is("stake = { use = 'fixed', n = -1.5, on = true }") == [
        ("stake", "key"),
        ("use", "key"),
        ("'fixed'", "text"),
        ("n", "key"),
        ("-1.5", "number"),
        ("on", "key"),
        ("true", "word"),
    ]


def test_a_text_of_several_lines_is_a_text_on_each_of_them() -> None:
    lines = ['a = """one', "[two]", 'three \\""" four """', "b = 1", "c = '''x''' # d"]
    begins = insides(lines)
    assert begins == ["", '"""', '"""', "", ""]
    assert what_is(lines[1], begins[1]) == [("[two]", "text")]
    assert what_is(lines[4]) == [("c", "key"), ("'''x'''", "text"), ("# d", "comment")]


@given(st.text(max_size=60))
def test_any_line_is_painted_without_going_over_its_ends(line: str) -> None:
    spans = list(painted(line))
    assert all(0 <= span.begin <= span.end <= len(line) for span in spans)
    assert all(left.end <= right.begin for left, right in pairwise(spans))


# --- ends of lines ---------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.text("ab#=", max_size=4), st.sampled_from(["\n", "\r\n"])), max_size=8))
def test_a_text_that_nobody_touched_keeps_every_end_of_line(parts: list[tuple[str, str]]) -> None:
    text = "".join(line + end for line, end in parts)
    lines = [*text.splitlines(), *([""] if text.endswith("\n") else [])] or [""]
    assert with_ends_of(text, lines) == text


def test_a_line_that_changed_ends_as_most_do_and_all_others_as_they_did() -> None:
    before = "a\r\nb\nc\r\nd\r\n"
    assert with_ends_of(before, ["a", "b", "new", "d", ""]) == "a\r\nb\nnew\r\nd\r\n"


# --- what is wrong ---------------------------------------------------------------------------------------------------


def test_problems_are_those_of_validate_with_the_letters_and_the_key_they_are_about(tmp_path: Path) -> None:
    text = SMALL.replace('"ema_cross"', '"ema_cros"').replace("max_daily_loss", "max_daily_los")
    found = {mark.path: mark for mark in examined(text, "flows.toml", tmp_path).wrong}
    part = found["providers.cross.use"]
    line = text.split("\n")[part.line - 1]
    assert line[part.column - 1 : part.end - 1] == '"ema_cros"'
    assert "did you mean 'ema_cross'?" in part.text
    assert "did you mean 'max_daily_loss'?" in found["risk.main.max_daily_los"].text


def test_a_text_that_is_no_toml_has_one_problem_at_its_place(tmp_path: Path) -> None:
    looked = examined("[moonlight]\nmode =\n", "flows.toml", tmp_path)
    assert [(mark.line, mark.column, mark.level) for mark in looked.marks] == [(2, 7, "wrong")]
    assert looked.data is None


def test_no_plugin_is_run_and_what_only_it_could_tell_is_not_called_wrong(tmp_path: Path) -> None:
    (tmp_path / "eager.py").write_text("raise SystemExit('run')", encoding="utf-8")
    looked = examined(EAGER_FLOW, "flows.toml", tmp_path)
    assert not looked.wrong
    assert [mark.path for mark in looked.marks] == ["moonlight.plugins"]
    misspelt = examined(EAGER_FLOW.replace("[sinks.orders]", "daay = 1\n\n[sinks.orders]"), "flows.toml", tmp_path)
    assert [mark.path for mark in misspelt.wrong] == ["risk.main.daay"]


def test_what_the_engine_says_stands_at_its_place_and_nothing_twice() -> None:
    text = 'a = 1\nuse = "x"\n'
    told = told_by_engine(["flows.toml:2:7: it looks ahead; mend it", "a sentence of no place"], text, "flows.toml")
    assert [(mark.line, mark.column, mark.end, mark.by) for mark in told] == [(2, 7, 10, "engine"), (0, 0, 0, "engine")]
    again = [mark._replace(by="") for mark in told]
    assert merged(again, told) == tuple(sorted(again, key=lambda mark: (mark.line, mark.column)))


# --- where the cursor is, and what may stand there -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "path", "word"),
    [
        ('[risk.main]\nuse = "guard"\nsta|', "key", ("risk", "main"), "sta"),
        ('[risk.main]\nstake = { use = "fixed", am|', "key", ("risk", "main", "stake"), "am"),
        ('[risk.main]\nlimits = [\n  { what = "dr|" },\n]', "value", ("risk", "main", "limits", 0, "what"), "dr"),
        ('[risk.main]\naccounts = ["demo-1", "d|"]', "value", ("risk", "main", "accounts"), "d"),
        ('[[test]]\nname = "x"\ninputs.ma|', "key", ("test", "inputs"), "ma"),
        ("[ri|", "header", (), "ri"),
        ("[risk.main]\n[providers.em|", "header", ("providers",), "em"),
        ("[risk.main]\nday = |\nuse = 1", "value", ("risk", "main", "day"), ""),
    ],
)
def test_the_cursor_is_known_to_be_in_a_header_at_a_key_or_at_a_value(
    text: str, kind: str, path: tuple[str | int, ...], word: str
) -> None:
    at = standing(text)
    assert at is not None
    assert (at.kind, at.path, at.word) == (kind, path, word)


def test_nothing_is_offered_within_a_comment_or_a_long_text() -> None:
    assert standing("a = 1 # us|") is None
    assert standing('a = """\nus|\n"""') is None


def test_keys_parts_choices_and_the_flows_own_names_are_offered_where_they_may_stand() -> None:
    assert offered('[risk.main]\nuse = "guard"\nmax_d|')[0] == "max_daily_loss"
    assert "use" not in offered('[risk.main]\nuse = "guard"\n|')
    assert set(offered('[providers.cross]\nuse = "ema_c|"')) >= {"ema_cross"}
    assert offered('[moonlight]\nmode = "|"') == ["live", "paper", "replay"]
    assert offered('[risk.main]\nstake = { use = "fixed", |') == ["amount"]
    assert offered('[risk.main]\nlimits = [{ what = "|" }]') == ["drawdown", "loss", "streak", "target", "trades"]
    assert offered(f'{SMALL}[risk.other]\naccounts = ["|"]') == ["demo-1"]
    assert offered(f'{SMALL}[providers.x]\nuse = "ema_cross"\nfast = "s|"')[0] == "slow"
    assert "cross" in offered(f'{SMALL}[ensembles.x]\nfrom = ["|"]')
    assert offered(f"{SMALL}[risk.other]\nthreshold = {{ |") == ["1m", "5m"]
    assert "guard" in offered("[risk.|")
    assert offered(f"{SMALL}[[test]]\ninputs.ma|") == ["market", "main"]


def test_what_is_offered_is_written_as_toml_wants_it() -> None:
    assert inserted('[risk.main]\nuse = "guard"\n|', "stake") == "stake = "
    assert inserted("[moonlight]\nmode = |", "paper") == '"paper"'
    assert inserted('[moonlight]\nmode = "p|', "paper") == 'paper"'
    assert inserted("[risk.main]\nthreshold = { |", "5m") == '"5m" = '
    assert inserted("[mo|", "moonlight") == "moonlight]"
    assert inserted("[ris|", "risk") == "risk."
    assert inserted("[[te|", "test") == "test]]"


def test_the_outline_has_the_tables_also_of_a_text_that_is_broken() -> None:
    entries = outline(tables_in(f"{SMALL}\n[broken = \n[[test]]\nname = 'a claim'".split("\n")))
    names = {entry.name: entry for entry in entries}
    assert names["cross"].use == "ema_cross"
    assert names["fast"].use == "sma"
    assert names["a claim"].level == 1
    assert SMALL.split("\n")[names["cross"].line - 1] == "[providers.cross]"


def test_words_are_found_wherever_they_stand() -> None:
    assert [(spot.row, spot.begin) for spot in spots(["aXxa", "İxX"], "x")] == [(0, 1), (0, 2), (1, 1)]
    assert spots(["a"], "") == ()


# --- risk ------------------------------------------------------------------------------------------------------------


def risk_of(before: str, after: str) -> list[str]:
    return list(raised(tomllib.loads(before), tomllib.loads(after)))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('max_daily_loss = "20.00"', 'max_daily_loss = "30.00"', "max_daily_loss: 20.00 → 30.00"),
        ('amount = "1.00"', 'amount = "1.50"', "stake: "),
        ('use = "fixed", amount = "1.00"', 'use = "kelly", amount = "1.00"', "stake: "),
        ('max_daily_loss = "20.00"', 'max_daily_loss = "20.00"\nthreshold = 0.05', "threshold: 0.1 → 0.05"),
        ('max_daily_loss = "20.00"', 'max_daily_loss = "20.00"\nmin_payout = 0.5', "min_payout: 0.8 → 0.5"),
        ('max_daily_loss = "20.00"', 'max_daily_loss = "20.00"\ncool_down = "10s"', "cool_down: 30s → 10s"),
    ],
)
def test_what_lets_more_real_money_be_lost_is_told(old: str, new: str, said: str) -> None:
    [sentence] = risk_of(REAL, REAL.replace(old, new))
    assert said in sentence
    assert risk_of(SMALL, SMALL.replace(old, new)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('max_daily_loss = "20.00"', 'max_daily_loss = "10.00"'),
        ('amount = "1.00"', 'amount = "0.50"'),
        ('max_daily_loss = "20.00"', 'max_daily_loss = "20.00"\nthreshold = 0.5\ncool_down = "60s"'),
        ('max_daily_loss = "20.00"', 'max_daily_loss = "20.00"\nlimits = [{ what = "streak", count = 2 }]'),
    ],
)
def test_what_lets_less_be_lost_is_not(old: str, new: str) -> None:
    assert risk_of(REAL, REAL.replace(old, new)) == []


def test_other_strategies_for_real_money_are_told_as_nobody_knows_whether_they_lose_more() -> None:
    assert risk_of(REAL, REAL.replace("period = 3", "period = 4")) == [
        "[features] are others, and REAL money is traded by them"
    ]
    assert risk_of(SMALL, SMALL.replace("period = 3", "period = 4")) == []


def test_an_account_with_real_money_that_was_not_there_is_told_by_its_name() -> None:
    before, after = tomllib.loads(SMALL), tomllib.loads(REAL)
    assert new_real(before, after) == ("demo-1",)
    assert any("REAL" in sentence for sentence in raised(before, after))
    assert new_real(after, after) == ()
    limits = REAL.replace('"20.00"', '"20.00"\nlimits = [{ what = "streak", count = 2 }]')
    assert "limits" in risk_of(limits, REAL)[0]


# --- what is kept ----------------------------------------------------------------------------------------------------


def test_unsaved_text_is_kept_for_its_flow_and_its_owner_alone_until_it_is_applied(tmp_path: Path) -> None:
    flow = tmp_path / "flows.toml"
    settings = tmp_path / "settings" / "console.toml"
    shelf = Shelf(settings, flow)
    assert shelf.kept() is None
    shelf.keep("one", hash_of("base"))
    shelf.keep("two", hash_of("other"))
    assert Shelf(settings, flow).kept() is None  # its console lives
    shelf.leave()
    heir = Shelf(settings, flow)
    kept = heir.kept()
    assert kept is not None
    assert (kept.text, kept.of) == ("two", hash_of("other"))
    assert kept.file.stat().st_mode & 0o077 == 0
    assert Shelf(settings, tmp_path / "other" / "flows.toml").kept() is None
    heir.forget()
    assert heir.kept() is None
    nowhere = Shelf(None, flow)
    nowhere.keep("x", "y")
    assert nowhere.kept() is None

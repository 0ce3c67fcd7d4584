"""Parts of one's own: files beside a flow, and installed distributions."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.checking import load_text
from pipeline.errors import PlanError
from pipeline.parts import numbered, part_of, registered
from pipeline.plan import Plan
from pipeline.times import MINUTE
from tests.support import MONDAY, ROOT, SMALL, plan_of, quotes
from tests.test_plan import decided, play

MINE = '''
"""A strategy of my own."""

import numpy as np

from pipeline.parts import Column, provider
from pipeline.values import Columns, Floats


@provider
class LeanWith:
    """Votes with the side of an average that the price is on."""

    average: Column = "ema(period=20)"
    strength: float = 0.5

    lookback = 0
    catalogue = {9_100_001: {}, 9_100_002: {"average": "ema(period=5)"}}

    def __call__(self, columns: Columns) -> Floats:
        return np.sign(columns["close"] - columns[self.average]) * self.strength
'''
LEAN_ON = MINE.replace("LeanWith", "LeanOn").replace("9_100", "9_200")
UNREADABLE = """
from typing import Annotated

from msgspec import Meta
""" + MINE.replace(
    "    strength", "    window: Annotated[str, Meta(pattern='^a')] | tuple[str, ...] = ()\n    strength"
)
SHIFTED = '''
from pipeline.parts import feature
from pipeline.stretch import Stretch
from pipeline.values import Floats

@feature
class Shifted:
    """The close."""

    outputs = ()

    def warmup(self) -> int:
        return 0

    def __call__(self, rows: Stretch) -> Floats:
        return rows["close"]
'''
CROSS = 'use = "ema_cross"\nfast = "fast"\nslow = "slow"'


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """A flow without plug-ins is loaded at the end, which takes their parts back."""
    yield
    plan_of()


def flow(table: str = 'use = "lean_with"', plugins: str = '["mine.py"]') -> str:
    return SMALL.replace("block = 64", f"block = 64\nplugins = {plugins}").replace(CROSS, table)


def loaded(folder: Path, text: str | None = None, **files: str) -> Plan:
    for name, says in files.items():
        (folder / f"{name}.py").write_text(says, encoding="utf-8")
    return load_text(text or flow(), "flows.toml", folder)


def told(folder: Path, text: str | None = None, **files: str) -> list[str]:
    with pytest.raises(PlanError) as refused:
        loaded(folder, text, **files)
    return [problem.text("flow") for problem in refused.value.problems]


# --- files beside the flow -------------------------------------------------------------------------------------------


def test_a_file_beside_the_flow_brings_a_strategy_that_trades(tmp_path: Path) -> None:
    plan = loaded(tmp_path, mine=MINE)
    assert plan.by_id["providers.cross"].instance.strength == 0.5
    stamps = [MONDAY + second * 1000 for second in range(0, 110 * 60, 20)]
    rising = quotes("EURUSD", stamps, [1.1 + 1e-5 * step for step in range(len(stamps))])
    given = play(plan, [(MONDAY, "sources.market", rising)], MONDAY + 111 * MINUTE)
    assert {row[5] for row in decided(given).values()} == {0, 1}, "no direction before it is warm, up after"


def test_its_numbers_work_and_nothing_is_written_beside_it(tmp_path: Path) -> None:
    plan = loaded(tmp_path, flow("use = 9_100_002\nstrength = 1.0"), mine=MINE)
    lean = plan.by_id["providers.cross"].instance
    assert (lean.average, lean.strength) == ("ema(period=5)", 1.0)
    assert [each.name for each in tmp_path.iterdir()] == ["mine.py"]


def test_a_flow_that_does_not_name_the_file_cannot_use_its_parts(tmp_path: Path) -> None:
    plan = loaded(tmp_path, mine=MINE)
    assert "lean_with" in registered("provider")
    (said,) = told(tmp_path, flow(plugins="[]"))
    assert "there is no provider 'lean_with'" in said
    assert "lean_with" not in registered("provider")
    assert 9_100_001 not in numbered()
    assert part_of(plan.by_id["providers.cross"].instance).origin == "mine.py", "a flow that runs keeps what it has"


def test_a_file_that_changed_replaces_what_it_said_before(tmp_path: Path) -> None:
    first = loaded(tmp_path, mine=MINE).by_id["providers.cross"].part
    assert loaded(tmp_path).by_id["providers.cross"].part is first, "what says the same is not read again"
    second = loaded(tmp_path, mine=MINE.replace("0.5", "0.7")).by_id["providers.cross"]
    assert second.part is not first
    assert second.instance.strength == 0.7
    other = MINE.replace("LeanWith", "LeanOn")
    assert loaded(tmp_path, flow('use = "lean_on"'), mine=other).by_id["providers.cross"].part.name == "lean_on"
    assert "lean_with" not in registered("provider")


@pytest.mark.parametrize(
    ("says", "sentence"),
    [
        (MINE + "\nprint(nothing)\n", "mine.py, line 23: NameError: name 'nothing' is not defined"),
        (MINE + "\nif:\n", "mine.py, line 23: SyntaxError: invalid syntax"),
        (MINE + "\nimport no_such_module\n", "mine.py, line 23: ModuleNotFoundError: No module named 'no_such_module'"),
        (MINE + "\nraise SystemExit\n", "mine.py, line 23: SystemExit"),
        (MINE + "\nraise ValueError('one\\ntwo')\n", "mine.py, line 23: ValueError: one two"),
        (MINE.replace('    """Votes', '    x = """Votes'), "mine.py, line 10: provider LeanWith needs a docstring"),
        (MINE.replace("lookback", "look_back"), "mine.py, line 10: provider LeanWith needs lookback"),
        (MINE.replace("__call__", "call"), "mine.py, line 10: provider LeanWith needs __call__"),
        (MINE.replace('{"average"', '{"avrage"'), "mine.py, line 10: provider lean_with has no key 'avrage'"),
        (
            MINE.replace('{9_100_001: {}, 9_100_002: {"average": "ema(period=5)"}}', "[{}]"),
            "mine.py, line 10: provider lean_with has a catalogue that is none: write presets of keys by numbers",
        ),
        (MINE.replace("9_100_001: {}", "0: {}"), "mine.py, line 10: provider lean_with has a catalogue that is none"),
        (
            SHIFTED.replace("outputs = ()", "outputs = 3"),
            "mine.py, line 6: feature Shifted has outputs that are none: write a tuple of names, or () for one column",
        ),
        (
            UNREADABLE,
            "mine.py: provider lean_with has the key window, a text with a pattern beside a list or a table",
        ),
        (
            MINE.replace("LeanWith", "EmaCross"),
            "mine.py, line 10: there are two parts called provider ema_cross: "
            "one of operators.providers.ema_cross and one of mine.py",
        ),
    ],
)
def test_a_file_that_cannot_be_had_is_one_sentence_with_its_line_and_brings_nothing(
    says: str, sentence: str, tmp_path: Path
) -> None:
    before = {*registered("provider")}
    (said,) = told(tmp_path, mine=says)
    assert said.startswith(f"flow:4:12: [moonlight] plugins: {sentence}")
    assert said.endswith("; mend it, or take it out of plugins")
    assert {*registered("provider")} == before, "not even what stands before the mistake"


def test_two_files_with_one_name_or_number_are_told_with_both(tmp_path: Path) -> None:
    text = flow(plugins='["mine.py", "yours.py"]')
    (said,) = told(tmp_path, text, mine=MINE, yours=MINE)
    assert said.startswith("flow:4:23: [moonlight] plugins: yours.py, line 10: there are two parts called provider")
    assert "lean_with: one of mine.py and one of yours.py" in said
    (said,) = told(tmp_path, text, yours=MINE.replace("LeanWith", "LeanOn"))
    assert "the providers lean_with of mine.py and lean_on of yours.py both have the number 9100001" in said


@pytest.mark.parametrize(
    ("plugins", "sentence"),
    [
        (
            '["mine.py", "mien.py"]',
            "4:23: [moonlight] plugins: there is no file 'mien.py' beside the flow; did you mean",
        ),
        ('["mine.py", "notes.txt"]', "4:23: [moonlight] plugins: 'notes.txt' is no Python file; name a file that ends"),
        ('["mine.py", "mine.py"]', "4:23: [moonlight] plugins: mine.py stands there twice; remove one"),
        (
            '["mine.py", "a\\u0000.py"]',
            "4:23: [moonlight] plugins: there is no file 'a\\x00.py' beside the flow; use one",
        ),
        (
            f'["mine.py", "{"x" * 300}.py"]',
            f"4:23: [moonlight] plugins: '{'x' * 60}…' cannot be read (File name too long)",
        ),
        ('["mine.py", 5]', "4:23: [moonlight] no. 2 of plugins is 5; write text"),
        ('"mine.py"', "4:11: [moonlight] plugins is 'mine.py'; write a list: [\"mine.py\"]"),
        (
            '["mine.py", "empty.py"]',
            "4:23: [moonlight] plugins: empty.py declares no part; write @provider, or another",
        ),
    ],
)
def test_a_list_of_files_that_is_wrong_is_told_at_its_place(plugins: str, sentence: str, tmp_path: Path) -> None:
    said = told(tmp_path, flow(plugins=plugins), mine=MINE, empty="")
    assert said[0].startswith(f"flow:{sentence}")


def test_what_a_broken_file_would_have_brought_is_no_second_mistake(tmp_path: Path) -> None:
    broken = flow().replace('use = "window"', 'use = "widow"')
    broken = broken.replace(
        "[providers.cross]", '[providers.other]\nuse = "rsi_reversal"\nrsi = "mine()"\n\n[providers.cross]'
    )
    (said,) = told(tmp_path, broken, mine="1 / 0")
    assert "ZeroDivisionError: division by zero" in said
    said, also = told(tmp_path, broken, mine=MINE)
    assert "there is no operator 'widow'; did you mean 'window'?" in said
    assert "there is no feature 'mine'" in also


@pytest.mark.parametrize(
    ("says", "told_of_it"),
    [
        ('lookback = "3"', "lookback is '3'"),
        ("lookback = -1", "lookback is -1"),
        ("lookback = 1.5", "lookback is 1.5"),
        ("lookback = property(lambda self: 1 // 0)", "lookback fails with ZeroDivisionError: integer division"),
    ],
)
def test_a_strategy_that_does_not_say_how_far_it_looks_back_is_told(says: str, told_of_it: str, tmp_path: Path) -> None:
    (said,) = told(tmp_path, mine=MINE.replace("lookback = 0", says))
    assert f"[providers.cross] {told_of_it}" in said
    assert said.endswith("let it be a whole number from 0 on: how many rows before a row its score depends on")


@pytest.mark.parametrize(
    ("gives", "told_of_it"),
    [
        ('"3"', "warmup is '3'"),
        ("-1", "warmup is -1"),
        ("1 // 0", "warmup fails with ZeroDivisionError: integer division"),
    ],
)
def test_a_feature_that_does_not_say_how_much_it_needs_is_told(gives: str, told_of_it: str, tmp_path: Path) -> None:
    text = flow(CROSS).replace("[features]", '[features]\nodd = { use = "shifted" }')
    (said,) = told(tmp_path, text, mine=SHIFTED.replace("return 0", f"return {gives}"))
    assert f"[features.odd] {told_of_it}" in said
    assert said.endswith("have it give a whole number from 0 on: how many leading rows it cannot answer")


def test_a_list_of_files_that_is_none_is_one_mistake(tmp_path: Path) -> None:
    (said,) = told(tmp_path, flow(plugins='"mine.py"'), mine=MINE)
    assert said.endswith('write a list: ["mine.py"]')


# --- installed distributions -----------------------------------------------------------------------------------------


def distribution(folder: Path, name: str, module: str, says: str) -> None:
    """A distribution as an installer leaves it: its modules, and a folder that says what it brings."""
    (folder / f"{module}.py").write_text(says, encoding="utf-8")
    about = folder / f"{name}-1.2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(f"[moonlight.parts]\nparts = {module}\n", encoding="utf-8")


def program(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_distributions_parts_are_there_and_a_broken_one_is_switched_off(tmp_path: Path) -> None:
    distribution(tmp_path, "acme-parts", "acme_parts", MINE)
    distribution(tmp_path, "broken-parts", "broken_parts", LEAN_ON + "\nnothing()\n")
    distribution(tmp_path, "copied-parts", "copied_parts", MINE)
    distribution(tmp_path, "missing-parts", "missing_parts", MINE)
    (tmp_path / "missing_parts.py").unlink()
    ended = program(tmp_path, "list", "providers", "--json")
    assert ended.returncode == 0
    origins = {part["use"]: part["origin"] for part in json.loads(ended.stdout)}
    assert origins["lean_with"] == "acme-parts 1.2"
    assert "lean_on" not in origins
    assert origins["ema_cross"] is None
    assert ended.stderr.splitlines() == [
        "the parts of broken-parts 1.2 are switched off: broken_parts.py, line 23: "
        "NameError: name 'nothing' is not defined; mend or remove it",
        "the parts of copied-parts 1.2 are switched off: copied_parts.py, line 10: there are two parts called "
        "provider lean_with: one of acme-parts 1.2 and one of copied-parts 1.2; mend or remove it",
        "the parts of missing-parts 1.2 are switched off: "
        "ModuleNotFoundError: No module named 'missing_parts'; mend or remove it",
    ]

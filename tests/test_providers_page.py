"""What docs/providers.md says of the strategies is what they are, and what it shows runs."""

# pyarrow comes without types:
# pyright: reportMissingTypeStubs=false

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from pipeline.__main__ import main
from pipeline.checking import load_text
from pipeline.parts import numbered, registered
from tests.provider_page import tables
from tests.support import ROOT, SMALL, plan_of

pq: Any = pyarrow.parquet
PAGE = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_tables_are_those_of_the_registered_strategies() -> None:
    """Make them anew with `python -m tests.provider_page`."""
    assert PAGE[PAGE.index("### Trend") :].strip() == tables()


def test_every_strategy_has_a_row_and_every_number_too() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set(registered("provider"))
    assert set(map(int, re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE))) == set(numbered())


def test_the_first_example_is_a_flow() -> None:
    declared = SMALL[SMALL.index("[features]") : SMALL.index("[ensembles.main]")]
    text = SMALL.replace(declared, blocks("toml")[0]).replace('from = ["cross"]', 'from = ["cross", "trend", "quick"]')
    plan = load_text(text, "flows.toml", ROOT)
    assert plan.by_id["providers.quick"].instance.above == 57.0
    assert plan.by_id["providers.cross"].instance.filter in plan.anchoring.names


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The example of one's own strategy, on disk."""
    (tmp_path / "mine.py").write_text(blocks("python")[0], encoding="utf-8")
    (tmp_path / "flows.toml").write_text(blocks("toml")[1], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    plan_of()


def test_the_example_of_ones_own_strategy_does_what_the_page_says(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    validate, show, schema, replay = (shlex.split(line)[3:] for line in blocks("sh")[0].splitlines())
    assert main(validate) == 0
    assert "flows.toml: ok" in capsys.readouterr().out
    assert main(show) == 0
    assert re.search(r"inside_turn +90001-90002 +breakout .*\(from mine\.py\)", capsys.readouterr().out)
    assert main(schema) == 0
    assert 90001 in json.loads(capsys.readouterr().out)["$defs"]["providers.inside_turn"]["properties"]["use"]["enum"]
    assert main(replay) == 0
    scores: list[float] = (
        pq.read_table(folder / "data" / "replay" / "decisions.parquet", columns=["score"]).column("score").to_pylist()
    )
    assert {(score > 0) - (score < 0) for score in scores} == {-1, 0, 1}, "it goes up, down, and rests"

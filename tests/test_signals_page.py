"""What docs/signals.md shows runs."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.__main__ import main
from sources.webhook import Posted
from tests.support import ROOT, plan_of

PAGE = (ROOT / "docs" / "signals.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """A flow without plug-ins is loaded at the end, which takes their parts back."""
    yield
    plan_of()


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return found


def test_its_flow_is_proved_keeps_its_claim_and_trades_the_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "signals.txt").write_text(block("text"), encoding="utf-8")
    path = tmp_path / "flows.toml"
    path.write_text(block("toml"), encoding="utf-8")
    assert main(["validate", str(path)]) == 0
    assert main(["test", str(path)]) == 0
    assert main(["replay", str(path), "--for", "3h"]) == 0
    told = capsys.readouterr()
    assert "1 passed, 0 failed" in told.out
    verdicts = dict(re.findall(r"(trade|stale_signal|open) (\d+)", told.out))
    assert int(verdicts["trade"]) >= 3, told.out


def test_a_strategy_that_hears_tips_is_one_that_validate_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "trend.py").write_text(block("python"), encoding="utf-8")
    path = tmp_path / "flows.toml"
    text = block("toml").partition("[[test]]")[0].replace("[moonlight]", '[moonlight]\nplugins = ["trend.py"]')
    path.write_text(
        text.replace('[providers.outside]\nuse = "signal_list"', '[providers.outside]\nuse = "with_the_trend"')
    )
    assert main(["validate", str(path)]) == 0, capsys.readouterr().err


def test_one_that_hears_the_next_tip_too_soon_is_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = block("python").replace("told.score, np.nan)", "np.append(told.score[1:], np.nan), np.nan)")
    (tmp_path / "trend.py").write_text(code.replace("np.sign(told.score) == side", "side != 0"), encoding="utf-8")
    path = tmp_path / "flows.toml"
    text = block("toml").partition("[[test]]")[0].replace("[moonlight]", '[moonlight]\nplugins = ["trend.py"]')
    path.write_text(
        text.replace('[providers.outside]\nuse = "signal_list"', '[providers.outside]\nuse = "with_the_trend"')
    )
    assert main(["validate", str(path)]) == 2
    assert "looks ahead: its score of the bar" in (told := capsys.readouterr().err)
    assert "changes with later values of tips; use only rows up to the bar's own" in told


def test_every_key_of_what_is_posted_is_told() -> None:
    rows = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE))))
    assert rows == set(Posted.__struct_fields__)

"""What each provider of an ensemble is worth."""

import json
from pathlib import Path

import pytest

from pipeline.__main__ import main
from tests.support import SMALL

FLOW = SMALL.replace('from = ["cross"]', 'from = ["cross", "twin", "against"]').replace(
    "[ensembles.main]",
    """
[providers.twin]
use = "ema_cross"
fast = "fast"
slow = "slow"

[providers.against]
use = "rsi_reversal"

[ensembles.main]""",
)


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("worth") / "flows.toml"
    path.write_text(FLOW, encoding="utf-8")
    return path


def test_each_provider_is_told_alone_and_the_ensemble_without_it(
    flow: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["worth", str(flow), "--for", "12h", "--payout", "0.85", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    cross, twin, against = told["providers"]
    assert [cross["name"], twin["name"], against["name"]] == ["cross", "twin", "against"]
    assert cross["alone"] == twin["alone"]
    assert cross["alone"]["break_even"] == pytest.approx(1 / 1.85)
    # Its twin says all that it says: without one of them the direction is the other's still.
    assert cross["changes"] == 0
    assert against["changes"] > 0
    assert against["without"]["wins"] == cross["alone"]["wins"]
    whole = told["whole"]
    assert whole["wins"] + whole["losses"] + whole["ties"] == round(whole["share_of_bars"] * told["bars"])


def test_providers_that_say_the_same_are_named(flow: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["worth", str(flow), "--for", "12h"]) == 0
    told = capsys.readouterr().out
    assert "these say much the same, and count twice for it:\n  1.00  cross and twin" in told
    assert "vs break-even" in told


def test_a_payout_that_cannot_be_and_an_ensemble_that_is_not_there_are_told(
    flow: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["worth", str(flow), "--for", "1h", "--payout", "85"]) == 2
    assert main(["worth", str(flow), "--for", "1h", "--ensemble", "mian"]) == 2
    payout, ensemble = capsys.readouterr().err.splitlines()
    assert payout == "--payout is 85; write what a win pays as a ratio of the stake, such as 0.85"
    assert ensemble == "there is no ensemble 'mian'; did you mean 'main'?"

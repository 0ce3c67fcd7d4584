"""Every page is linked, every link leads somewhere, and every flow on a page is one."""

import re
import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import pytest
import tomlkit

from pipeline.checking import SINGLE, load
from tests.support import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
AROUND = """
[accounts.demo-1]
venue = "practice"

[accounts.demo-2]
venue = "practice"

[venues.practice]
use = "practice"

[sources.market]
use = "synthetic"
products = ["EURUSD", "GBPUSD", "XAUUSD", "BTCUSD"]
start = "2026-01-05T08:00:00Z"

[operators.bars]
use = "window"
from = "market"
timeframes = ["1m", "5m"]

[operators.odds]
use = "calibrator"
from = "ensembles.main"
record = "calibration/main.json"

[features]
ema_fast = { use = "ema", period = 9 }

[providers.cross]
use = "ema_cross"

[providers.trend]
use = "ema_trend"

[providers.fade]
use = "rsi_reversal"

[providers.hour]
use = "timeframe_trend"

[ensembles.main]
use = "weighted"
from = ["cross", "trend", "fade"]

[risk.main]
use = "guard"
from = "main"
accounts = ["demo-1"]
stake = { use = "fixed", amount = "1.00" }
max_daily_loss = "20.00"

[sinks.orders]
use = "executor"
from = "risk.main"
"""
"""What stands around a part of a flow that is shown by itself."""
MINE = re.compile(r"This is `mine.py`:\n\n```python\n(.*?)```", re.DOTALL)


OTHERS = ("[project", "seed")
"""How files on a page begin that are no flows: a package's, a practice venue's."""


def told(page: Path) -> list[tuple[int, str]]:
    """The flows on a page, and the parts of flows, with their lines."""
    text = page.read_text(encoding="utf-8")
    blocks = [
        (text.count("\n", 0, each.start()) + 1, each[1]) for each in re.finditer(r"```toml\n(.*?)```", text, re.DOTALL)
    ]
    return [(line, block) for line, block in blocks if not block.startswith(OTHERS)]


def whole(block: str) -> dict[str, Any]:
    flow = tomllib.loads(block)
    if {"sources", "accounts"} <= flow.keys():
        return flow
    around = deepcopy(tomllib.loads(AROUND))
    for table, shown in flow.items():
        if table == "risk" and "main" not in shown:
            around["sinks"]["orders"]["from"] = [f"risk.{name}" for name in shown]
            del around["risk"]["main"]
        if isinstance(shown, list) or table in SINGLE:
            around[table] = shown
            continue
        for name, keys in cast("dict[str, dict[str, Any]]", shown).items():
            before: dict[str, Any] = around.setdefault(table, {}).get(name, {})
            same = keys.get("use", before.get("use")) == before.get("use")
            around[table][name] = {**before, **keys} if same else keys
    return around


FLOWS = [pytest.param(block, id=f"{page.name} {line}") for page in PAGES for line, block in told(page)]


@pytest.mark.parametrize("block", FLOWS)
def test_a_flow_on_a_page_is_one(block: str, tmp_path: Path) -> None:
    (tmp_path / "holidays.json").write_text("[]")
    (mine,) = MINE.findall((ROOT / "docs" / "providers.md").read_text(encoding="utf-8"))
    (tmp_path / "mine.py").write_text(mine)
    file = tmp_path / "flows.toml"
    file.write_text(tomlkit.dumps(whole(block)))  # pyright: ignore[reportUnknownMemberType]
    assert load(file, without=("operator",)).nodes


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert link.startswith("http") or (page.parent / link).exists(), link


def test_the_readme_links_every_page() -> None:
    readme = PAGES[0].read_text(encoding="utf-8")
    assert [page.name for page in PAGES[1:] if f"(docs/{page.name})" not in readme] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_is_there(page: Path) -> None:
    for name in re.findall(r"`(tests/\w+\.py)`", page.read_text(encoding="utf-8")):
        assert (ROOT / name).is_file(), name

"""What a start does not wait for, and does not keep in memory: libraries and parts that nobody there asks for."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
DASHBOARD = """
import asyncio, json, sys
from pathlib import Path

import pipeline.__main__ as program
from pipeline.verbs import verb

verb("console")
from tui.console import _app
from tui.door import find
from tui.pages import PAGES

flow = Path(sys.argv[1])

async def shown() -> None:
    app = _app(lambda: find(None, flow.parent), flow, flow.parent, PAGES[0].name)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.page is not None and app.page.NAME == PAGES[0].name

asyncio.run(shown())
dashboard = sorted(sys.modules)
program._parser("")
print(json.dumps([dashboard, sorted(sys.modules)]))
"""


def test_a_dashboard_brings_no_checker_and_no_columns_and_no_verb_brings_all_parts(tmp_path: Path) -> None:
    ask = [sys.executable, "-c", DASHBOARD, str(tmp_path / "flows.toml")]
    answer = subprocess.run(ask, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
    dashboard, verbs = (set(each) for each in json.loads(answer.stdout))
    heavy = {"aiohttp.web", "numpy", "pandas", "pyarrow", "reactivex", "sqlite_utils"}
    ours = {"pipeline.checking", "pipeline.parts", "pipeline.plan", "pipeline.values", "tui.editor.page"}
    assert "tui.dash.page" in dashboard
    assert dashboard & (heavy | ours) == set()
    assert {"pipeline.verbs.run", "pipeline.verbs.validate"} <= verbs
    assert verbs & {"operators", "sources"} == set()

"""What the control API says of a ledger that cannot be read any more while the engine runs."""

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pipeline.aside import here
from pipeline.control.config import File
from pipeline.control.showing import looked_at
from pipeline.engine import LEDGER_FILE
from pipeline.plan import Plan
from pipeline.view import TOKEN_FILE
from sinks.api import Desk
from tests.ledgered import FLOW, answering, fill
from tests.sample_view import SampleView
from tests.support import plan_of

ASKED = ("/why", "/report", "/orders?count=true", "/orders/demo-1:EURUSD:1m:60000", "/config/history")


def damaged(path: Path) -> None:
    """All but the beginning of its pages is another text; where they begin stays, so that it opens."""
    fill(path)
    pages = bytearray(path.read_bytes())
    pages[3 * 4096 :] = b"\xee" * (len(pages) - 3 * 4096)
    path.write_bytes(bytes(pages))


async def answers(folder: Path, plan: Plan) -> dict[str, tuple[int, dict[str, Any]]]:
    """What a desk on a folder's ledger says to each of those questions."""
    view = SampleView()
    controls = replace(answering(folder, view, plan)(looked_at(view, here)), file=File(lambda: plan))
    async with AsyncExitStack() as held:
        desk = Desk(controls, folder)
        url = await desk.start()
        held.push_async_callback(desk.stop)
        token = {"Authorization": f"Bearer {(folder / TOKEN_FILE).read_text('ascii')}"}
        session = await held.enter_async_context(aiohttp.ClientSession(headers=token))
        told: dict[str, tuple[int, dict[str, Any]]] = {}
        for path in ASKED:
            async with session.get(f"{url}{path}") as answer:
                told[path] = answer.status, json.loads(await answer.read())
        return told


def test_each_question_about_a_damaged_ledger_is_answered_with_a_sentence_and_none_by_an_empty_list(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan = replace(plan_of(FLOW), base=tmp_path)
    damaged(plan.folder / LEDGER_FILE)
    for path, (status, told) in asyncio.run(answers(plan.folder, plan)).items():
        assert (status, told["error"]["code"]) == (503, "STORAGE"), path
        assert "ledger" in told["error"]["message"]
    assert not caplog.records

"""`tap`: a node of a running flow, listened to on the command line; and how values are worded."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from pipeline.__main__ import main
from pipeline.flowing.wording import LONGEST, Wording
from pipeline.values import Dropped, Fault, Payouts, Settlement, Votes
from tests.api_desks import Knocking, knocking
from tests.api_engine import Engine, on_engine, until
from tests.driven import bars_of
from tests.support import MONDAY, order, quotes, signals

WORDS = Wording(ZoneInfo("Europe/Istanbul"))
ENDED: Any = Settlement("o-1", "win", Decimal("0.87"), MONDAY, 1.1, MONDAY, 1.2, MONDAY)


def test_the_verb_hears_a_node_and_an_edge_and_lists_what_there_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def check(engine: Engine) -> None:
        async def tap(*words: str) -> tuple[int, str, str]:
            code = await asyncio.to_thread(main, ("tap", *words, "--flow", str(tmp_path / "flows.toml")))
            told = capsys.readouterr()
            return code, told.out, told.err

        await until(lambda: engine.verdicts().count("trade") > 1)
        code, out, _ = await tap("risk.main", "--edge", "sinks.orders", "--count", "2", "--json")
        heard = [json.loads(line) for line in out.splitlines()]
        assert (code, [each["kind"] for each in heard]) == (0, ["Approved", "Approved"])
        assert heard[0]["node"] == "risk.main"
        code, out, _ = await tap("risk.main->sinks.ledger", "--count", "1")
        assert (code, len(out.splitlines()[-1].split("  ")) > 2) == (0, True)
        code, out, _ = await tap("sources.market", "--for", "300ms")
        assert code == 0
        code, out, _ = await tap()
        assert "operators.bars → features" in out
        assert "risk.main" in out
        code, out, _ = await tap("--json")
        told = json.loads(out)
        assert told["last"]["real_ms"] > told["first"]["real_ms"]
        for words, says in (
            (("operators.bras",), "this flow has no node 'operators.bras'; did you mean 'operators.bars'?"),
            (("features", "--edge", "risk.main"), "nothing goes from features to 'risk.main'; use one of"),
            (("a->b", "--edge", "c"), "say the edge once"),
            (("--edge", "c"), "--edge says who takes from a node"),
            (("features", "--count", "0"), "--count is how many lines are wanted"),
            (("features", "--for", "soon"), "--for: "),
        ):
            code, _, err = await tap(*words)
            assert (code, says in err) == (2, True), err
        assert not engine.watch.flowing.timed
        await until(lambda: not engine.watch.flowing.tapped)

    on_engine(tmp_path, check)
    assert main(("tap", "features", "--flow", str(tmp_path / "flows.toml"))) == 3
    assert "no engine is running" in capsys.readouterr().err


def test_an_engine_that_ends_ends_the_verb_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "flows.toml").write_text('[moonlight]\ndata = "."\n', encoding="utf-8")

    async def check(at: Knocking) -> None:
        words = ("tap", "operators.bars", "--flow", str(tmp_path / "flows.toml"))
        heard = asyncio.create_task(asyncio.to_thread(main, words))
        async with asyncio.timeout(20):
            while "tap" not in at.view.asked:  # noqa: ASYNC110  # a program on another thread is waited for
                await asyncio.sleep(0.01)
        await at.desk.stop()
        assert await heard == 3

    knocking(tmp_path, check)
    told = capsys.readouterr()
    assert "EURUSD 1m 12:00 O 1.07171" in told.out
    assert "is gone; what it said before is above" in told.err


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (quotes("EURUSD", [MONDAY], [1.1]), "EURUSD 1.09999 / 1.10001 at 13:00:00.000"),
        (quotes("XAUUSD", [MONDAY, MONDAY + 5], [2031.4, 2031.5]), "XAUUSD 2031.50 / 2031.50 at 13:00:00.005 (2 rows)"),
        (quotes("EURUSD", [], []), "EURUSD nothing"),
        (signals(), "EURUSD 1m 13:00 call, score +0.90 of no votes"),
        (Votes("trend", signals().columns, np.array([np.nan])), "EURUSD 1m 13:00 trend says nothing"),
        (Dropped("EURUSD", "late", 3), "EURUSD: 3 let go (late)"),
        (Fault("providers.fade", MONDAY, "ValueError: no rsi"), "providers.fade: ValueError: no rsi"),
        (Payouts("EURUSD", np.array([MONDAY]), np.array([0.87])), "EURUSD pays 0.87"),
        (ENDED, "o-1: the venue says win +0.87, entry 1.1, exit 1.2"),
        (order("SEND"), "demo-1:EURUSD:1m:1: sent · call 1.00 · EURUSD 1m demo-1"),
    ],
)
def test_what_a_node_gives_is_one_line_as_people_write_it(value: object, says: str) -> None:
    assert WORDS.of(value) == says


def test_bars_are_worded_by_their_last_row() -> None:
    text = WORDS.of(bars_of([1.1, 1.2, 1.15], product="EURUSD"))
    assert text.startswith("EURUSD 1m 13:02 O 1.2")
    assert "C 1.15000" in text
    assert text.endswith("(3 new of 3 bars)")


def test_a_line_has_no_secret_in_it_is_one_line_and_ends_somewhere() -> None:
    said = WORDS.of(Fault("venues.v", MONDAY, "login with password=hunter2\nrefused " + "x" * 1000))
    assert "hunter2" not in said
    assert "\n" not in said
    assert len(said) == LONGEST

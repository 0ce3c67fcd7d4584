"""The catalogue of parts and the report, as the control API has them."""

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.__main__ import main
from pipeline.checking import load
from pipeline.control import reporting
from pipeline.control.reporting import ReportAsked, Reports
from pipeline.engine import LEDGER_FILE
from pipeline.ledger import Ledger
from pipeline.parts import TABLES
from pipeline.plan import Plan
from pipeline.reporting import Report
from pipeline.reporting.kept import report_kept
from pipeline.times import MINUTE
from pipeline.told.parts import Parts, PartTold
from pipeline.told.reports import ReportTold
from tests.api_engine import Engine, on_engine, until
from tests.support import MONDAY, SMALL, order


async def parts(engine: Engine, query: str = "") -> tuple[PartTold, ...]:
    return msgspec.convert(await engine.get(f"/parts?{query}"), Parts).parts


def test_the_catalogue_has_every_part_as_the_verb_lists_it_and_where_this_flow_uses_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def check(engine: Engine) -> None:
        told = {(each.kind, each.name): each for each in await parts(engine)}
        assert main(("list", "--json")) == 0
        listed: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
        assert {(each["kind"], each["use"]) for each in listed} <= told.keys()
        for each in listed:
            part = told[each["kind"], each["use"]]
            assert part.text == each["help"]
            assert part.text.startswith(part.says[:-1].split(" ", 1)[0])
            assert [(key.name, key.type, key.default, key.required) for key in part.fields] == [
                (key["name"], key["type"], key["default"], key["required"]) for key in each["keys"]
            ]
            assert list(part.numbers) == each.get("ids", [])
        rsi = told["feature", "rsi"]
        assert (rsi.needs, rsi.warm_up > 0) == (("price",), True)
        period = next(key for key in rsi.fields if key.name == "period")
        assert (period.range, period.default) == ("≥ 2, ≤ 1000", "14")
        window = told["operator", "window"]
        assert any(key.choices for key in window.fields)
        eager = told["provider", "eager"]  # of the flow's own file
        assert (eager.origin.endswith("eager.py"), [each.node for each in eager.used]) == (True, ["providers.cross"])
        fixed = told["stake", "fixed"]
        assert [(each.node, each.settings) for each in fixed.used] == [("risk.main.stake", {"amount": '"1.00"'})]
        used = {each.node for part in told.values() for each in part.used}
        assert {node.id for node in engine.plan.nodes} <= used

    on_engine(tmp_path, check)


def test_parts_are_asked_for_by_kind_name_or_number(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        for kind, table in TABLES.items():
            assert await parts(engine, f"kind={kind}") == await parts(engine, f"kind={table}")
        assert {each.kind for each in await parts(engine, "kind=features")} == {"feature"}
        (numbered,) = await parts(engine, "kind=provider&name=5")
        assert 5 in numbered.numbers
        assert await parts(engine, "kind=sink&name=rsi") == ()
        for query, status, says in (
            ("kind=strategies", 400, "there is no kind 'strategies'; there are source,"),
            ("name=rsii", 404, "there is no kind and no part 'rsii'; did you mean 'rsi'?"),
            ("name=999999", 404, "there is no provider 999999"),
        ):
            answer = await engine.ask("GET", f"/parts?{query}")
            assert answer[0] == status
            assert says in answer[1]["error"]["message"]

    on_engine(tmp_path, check)


def settled(minute: int, result: str) -> Any:
    bar = MONDAY + minute * MINUTE
    facts = {"win": "0.85", "lose": "-1.00"}
    return order(
        "SETTLED",
        order=f"demo-1:EURUSD:1m:{bar}",
        bar=bar,
        expiry=bar + 2 * MINUTE,
        entry_ts=bar + MINUTE + 400,
        result=result,
        profit=facts[result],
    )


def plan_in(folder: Path) -> Plan:
    (folder / "flows.toml").write_text(SMALL, encoding="utf-8")
    plan = load(folder / "flows.toml")
    with Ledger(plan.folder / LEDGER_FILE) as ledger:
        for minute in range(8):
            ledger.follow(settled(minute, "win" if minute % 3 else "lose"))
    return plan


def test_the_report_is_what_the_verb_prints_of_the_same_ledger(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = plan_in(tmp_path)

    async def ask(**asked: Any) -> dict[str, Any]:
        reports = Reports(plan.folder / LEDGER_FILE, lambda: plan)
        told = await reports.report(ReportAsked(**asked), None)
        return json.loads(msgspec.json.encode(told))

    whole, brief = asyncio.run(ask(full=True)), asyncio.run(ask())
    assert main(("report", plan.file, "--json")) == 0
    assert whole == json.loads(capsys.readouterr().out)
    assert brief["totals"] == whole["totals"]
    (key,) = brief["keys"]
    assert key.keys() < whole["keys"][0].keys()
    assert (key["win_rate"]["wins"], key["win_rate"]["n"]) == (5, 8)
    assert {"n_eff", "interval", "break_even"} <= key["win_rate"].keys()
    assert {"payouts", "entry_delay", "evidence", "expectancy"} <= whole["totals"][0].keys()


def test_ten_who_ask_at_once_cost_one_report_and_a_new_one_is_made_when_it_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_in(tmp_path)
    threads = set[str]()

    def watched(*asked: Any) -> Report:
        threads.add(threading.current_thread().name)
        return report_kept(*asked)

    monkeypatch.setattr(reporting, "report_kept", watched)
    monkeypatch.setattr(reporting, "FRESH", 0.2)
    monkeypatch.setattr(reporting, "TIMES", 0)

    async def check() -> None:
        reports = Reports(plan.folder / LEDGER_FILE, lambda: plan)
        told = await asyncio.gather(*(reports.report(ReportAsked(), None) for _ in range(10)))
        assert all(each is told[0] for each in told)
        assert reports.made == 1
        assert threading.current_thread().name not in threads
        assert (await reports.report(ReportAsked(account="demo-1"), None)).keys == told[0].keys
        assert reports.made == 2
        with Ledger(plan.folder / LEDGER_FILE) as ledger:
            ledger.follow(settled(20, "win"))

        async def again() -> ReportTold:
            return await reports.report(ReportAsked(), None)

        while (new := await again()) is told[0]:  # noqa: ASYNC110  # real time passes
            await asyncio.sleep(0.02)
        assert new.keys[0]["win_rate"]["n"] == 9

    asyncio.run(asyncio.wait_for(check(), 30))


def test_an_account_that_has_not_traded_has_an_empty_report_and_one_that_is_not_there_none(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        await until(lambda: engine.verdicts().count("trade") > 0)
        told = msgspec.convert(await engine.get("/report?account=demo-1"), ReportTold)
        assert told.zone == "UTC"
        status, answer = await engine.ask("GET", "/report?account=demo-7")
        assert status == 404
        assert answer["error"]["message"] == "there is no account 'demo-7'; did you mean 'demo-1'?"

    on_engine(tmp_path, check)

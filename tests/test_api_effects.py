"""What the control API answers has happened: effects on an engine that trades, the kill switch first."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp

from pipeline.ledger.reading import Reader
from pipeline.times import MINUTE
from tests.api_engine import EAGER_FLOW, Engine, on_engine, until
from tests.support import MONDAY


async def traded(engine: Engine, **key: str | int) -> None:
    """Wait until something more is traded."""
    before = engine.verdicts(**key).count("trade")
    await until(lambda: engine.verdicts(**key).count("trade") > before)


async def decided(engine: Engine, bars: int, **key: str | int) -> list[str]:
    """What is decided on the next bars."""
    before = len(engine.verdicts(**key))
    await until(lambda: len(engine.verdicts(**key)) >= before + bars)
    return engine.verdicts(**key)[before:]


def test_after_the_kill_switch_nothing_is_traded_and_after_a_release_it_is(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        await traded(engine)
        told = await engine.post("/v1/killswitch", {"reason": "the spread looks wrong"})
        assert [each["reason"] for each in told["stopped"]] == ["the spread looks wrong"]
        first, *after = await decided(engine, 12)
        assert "trade" not in after, first
        assert "killed" in after
        status = await engine.get("/status")
        assert status["service"]["state"] == "KILLED"
        assert (await engine.ask("POST", "/resume", {}))[0] == 400
        await engine.post("/resume", {"reason": "looked at"})
        await traded(engine)
        assert (await engine.get("/status"))["service"]["state"] == "RUNNING"

    on_engine(tmp_path, check)


def test_stopping_keys_stops_these_and_no_others_and_starting_them_starts_them(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        await traded(engine, product="EURUSD")
        told = await engine.post("/stop", {"product": "EURUSD", "reason": "news"})
        assert {each["product"] for each in told["off"]} == {"EURUSD"}
        assert {each["product"] for each in told["on"]} == {"BTCUSD"}
        await until(lambda: engine.verdicts(product="EURUSD")[-1] == "stopped")
        assert set(await decided(engine, 4, product="EURUSD")) == {"stopped"}
        await traded(engine, product="BTCUSD")
        rows = await engine.get("/decisions?product=EURUSD&verdict=stopped&limit=1")
        (row,) = rows["decisions"]
        assert [gate["verdict"] for gate in row["gates"] if gate["gate"] == "stopped"] == ["no"]
        assert (await engine.post("/stop", {"product": "EURUSD"}))["changed"] == []
        await engine.post("/start", {"product": "EURUSD"})
        await traded(engine, product="EURUSD")
        await engine.post("/start", {"product": "EURUSD", "only": True})
        await until(lambda: engine.verdicts(product="BTCUSD")[-1] == "stopped")
        await traded(engine, product="EURUSD")
        status, refusal = await engine.ask("POST", "/stop", {"product": "EURUSE"})
        assert (status, refusal["error"]["code"]) == (400, "VALIDATION")
        assert "EURUSD" in refusal["error"]["message"]

    on_engine(tmp_path, check)


def test_a_contract_ends_when_its_cancel_is_answered_and_no_second_time(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        async with engine.channel("trade_updates") as line:
            while (told := await line.receive_json(timeout=10))["order"]["status"] != "CONFIRM":
                pass
        order = told["order"]
        told = await engine.post("/orders/cancel", {"order": order["order"]})
        assert (told["closed_early"], told["order"]["status"]) == (True, "SETTLED")
        assert Decimal(told["order"]["profit"]) in (Decimal("0.45"), Decimal("-0.75"))
        whole = await engine.get(f"/orders/{order['order']}")
        assert [move["status"] for move in whole["moves"]][-1] == "SETTLED"
        assert whole["decision"]["order"] == order["order"]
        status, refusal = await engine.ask("POST", "/orders/cancel", {"order": order["order"]})
        assert (status, refusal["error"]["code"]) == (409, "BUSINESS_RULE")
        assert (await engine.ask("POST", "/orders/cancel", {"order": "nobody's"}))[0] == 409

    hourly = EAGER_FLOW.replace('["1m", "5m"]', '["1h"]').replace("T10:00:00Z", "T10:58:00Z")
    on_engine(tmp_path, check, hourly, speed=120, begin=MONDAY + 58 * MINUTE)


def test_orders_come_a_page_at_a_time_each_once_the_newest_first(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        await until(lambda: engine.verdicts().count("trade") > 12)
        await engine.post("/killswitch", {})
        await decided(engine, 4)
        seen = list[str]()
        cursor, began = "", 2**53
        while True:
            page = await engine.get(f"/orders?limit=5&cursor={cursor}&account=demo-1")
            seen += [each["order"] for each in page["orders"]]
            assert all(each["began"] <= began for each in page["orders"])
            began = page["orders"][-1]["began"]
            if not (cursor := page["next"]):
                break
        assert len(seen) == len(set(seen)) > 12
        reader = Reader(engine.plan.folder / "ledger.db")
        assert set(seen) == {each.order for each in reader.orders()}
        reader.close()
        none = await engine.get("/orders?from_ms=1&to_ms=2")
        assert none == {"orders": [], "next": "", "counted": []}
        assert (await engine.ask("GET", "/orders/nobody's"))[0] == 404

    on_engine(tmp_path, check)


def test_what_is_told_of_the_engine_is_true(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        await traded(engine)
        first = await engine.get("/status")
        await asyncio.sleep(0.2)
        second = await engine.get("/status")
        passed = second["service"]["uptime_s"] - first["service"]["uptime_s"]
        assert 0.15 <= passed < 10
        assert first["core"]["workers"] == 4
        assert first["core"]["mem_mb"] > 20
        assert first["accounts"][0] | {"stopped": ""} == {
            "id": "demo-1",
            "money": "practice",
            "state": "CONNECTED",
            "stopped": "",
            "armed": False,
        }
        config = await engine.get("/config")
        assert config["text"] == (tmp_path / "flows.toml").read_text()
        assert config["hash"] == config["running"] == first["config_version"]
        (account,) = (await engine.get("/accounts"))["accounts"]
        assert (account["id"], account["standing"], account["armed"]) == ("demo-1", "CONNECTED", False)
        workers = (await engine.get("/workers?product=BTCUSD"))["workers"]
        assert {(each["product"], each["timeframe"]) for each in workers} == {("BTCUSD", "1m"), ("BTCUSD", "5m")}
        products = (await engine.get("/products"))["products"]
        assert {each["product"] for each in products} == {"EURUSD", "BTCUSD"}
        assert (await engine.get("/metrics"))["metrics"]
        reconciled = await engine.post("/reconcile", {"account": "demo-1"})
        assert [(each["account"], each["sound"]) for each in reconciled["accounts"]] == [("demo-1", True)]
        status, refusal = await engine.ask("POST", "/accounts/login", {"id": "demo-1"})
        assert (status, refusal["error"]["code"]) == (409, "BUSINESS_RULE")
        assert (await engine.ask("POST", "/accounts/login", {"id": "demo-7"}))[0] == 404

    on_engine(tmp_path, check)


def test_an_edit_is_shown_before_it_is_made_and_decides_from_the_next_bar(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        await traded(engine)
        before = await engine.get("/config")
        edit = {"set": {"risk.main.threshold": 0.95}}
        shown = await engine.post("/plan", edit)
        changes = {each["node"]: each["what"] for each in shown["proposal"]["nodes"] if each["what"] != "keep"}
        assert changes == {"risk.main": "apply"}
        assert await engine.get("/config") == before
        await traded(engine)
        status, told = await engine.ask("PUT", "/config", edit, If_Match=f'"{before["hash"]}"')
        assert (status, told["applied"], told["restarted"], told["waiting"]) == (200, ["risk.main"], [], [])
        first, *after = await decided(engine, 8)
        assert "trade" not in after, first
        assert "confidence" in after
        now = await engine.get("/config")
        assert now["hash"] == now["running"] == told["hash"] == (await engine.get("/status"))["config_version"]
        assert "# to stay" in now["text"]
        assert (tmp_path / "flows.toml").read_text() == now["text"]

    on_engine(tmp_path, check, EAGER_FLOW.replace("[risk.main]", "# to stay\n[risk.main]"))


def test_an_edit_that_is_stale_wrong_or_impossible_changes_neither_the_file_nor_the_flow(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        await traded(engine)
        before = await engine.get("/config")
        match = {"If_Match": f'"{before["hash"]}"'}
        more = before["text"] + '\n[accounts.demo-2]\nvenue = "practice"\n'
        refused: tuple[tuple[dict[str, Any], dict[str, str], int, str], ...] = (
            ({"set": {"risk.main.threshold": 0.95}}, {}, 428, "VALIDATION"),
            ({"set": {"risk.main.threshold": 0.95}}, {"If_Match": '"0123"'}, 412, "CONCURRENCY_BLOCK"),
            ({"set": {"risk.main.threshold": "high"}}, match, 400, "VALIDATION"),
            ({"set": {"risk.mian.threshold": 0.5}}, match, 400, "VALIDATION"),
            ({"text": "[moonlight"}, match, 400, "VALIDATION"),
            ({"text": before["text"], "set": {"risk.main.threshold": 0.5}}, match, 400, "VALIDATION"),
            ({}, match, 400, "VALIDATION"),
            ({"text": more}, match, 409, "BUSINESS_RULE"),
        )
        for edit, headers, status, code in refused:
            answered, told = await engine.ask("PUT", "/config", edit, **headers)
            assert (answered, told["error"]["code"]) == (status, code), (edit, told)
        assert await engine.get("/config") == before
        await traded(engine)
        wrong = {"set": {"risk.main.threshold": "high", "venues.practice.payout": "low"}}
        details = (await engine.ask("PUT", "/config", wrong, **match))[1]["error"]["details"]
        assert len(details) == 2
        assert all("flows.toml:" in each for each in details)

    on_engine(tmp_path, check)


def test_a_file_with_other_ends_of_lines_keeps_them_and_a_broken_one_can_be_mended(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        await traded(engine)
        path = tmp_path / "flows.toml"
        path.write_text("[moonlight", encoding="utf-8")
        broken = await engine.get("/config")
        mended = EAGER_FLOW.replace("\n", "\r\n")
        status, told = await engine.ask("PUT", "/config", {"text": mended}, If_Match=broken["hash"])
        assert (status, path.read_bytes()) == (200, mended.encode()), told
        config = await engine.get("/config")
        assert config["hash"] == config["running"] == told["hash"]
        edit = {"set": {"risk.main.max_daily_loss": "19.00"}}
        status, told = await engine.ask("PUT", "/config", edit, If_Match=config["hash"])
        assert (status, told["applied"]) == (200, ["risk.main"])
        assert path.read_bytes() == mended.replace("20.00", "19.00").encode()

    on_engine(tmp_path, check)


def test_levels_change_what_is_kept_of_a_running_engine(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        await traded(engine)

        async def debug() -> list[Any]:
            told = (await engine.get("/logs?level=debug&module=risk.main"))["logs"]
            return [each for each in told if each["level"] == "debug"]

        assert await debug() == []
        levels = (await engine.ask("PUT", "/logs/levels", {"risk.main": "debug"}))[1]["levels"]
        assert levels["risk.main"] == "debug"
        await decided(engine, 4)
        assert await debug()
        status, refusal = await engine.ask("PUT", "/logs/levels", {"venues": "debug", "nobody": "debug"})
        assert (status, refusal["error"]["code"]) == (400, "VALIDATION")
        assert (await engine.get("/logs/levels"))["levels"] == levels, "all of them are set, or none"

    on_engine(tmp_path, check)


def test_channels_tell_each_order_from_its_sending_to_its_end(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        async with engine.channel("trade_updates,logs,metrics") as line:
            events: dict[str, list[str]] = {}
            seen = set[str]()
            while not whole_of(events) or len(seen) < 3:
                message = await line.receive(timeout=10)
                assert message.type is aiohttp.WSMsgType.TEXT, message
                told = json.loads(message.data)
                seen.add(told["topic"])
                assert told["ts_ms"] > 0
                if told["topic"] == "trade_updates":
                    events.setdefault(told["order"]["order"], []).append(told["event"])
            assert (await engine.get("/status"))["ws"]["channels"] == 1
        assert all(told[1:-1] == ["UPDATE"] * (len(told) - 2) for told in whole_of(events))

    on_engine(tmp_path, check)


def whole_of(events: dict[str, list[str]]) -> list[list[str]]:
    """What was told of orders that were heard of from their sending to their end."""
    return [told for told in events.values() if (told[0], told[-1]) == ("NEW", "SETTLED")]


def test_no_route_places_an_order_or_arms_real_money(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        document = await engine.get("/openapi.json")
        changing = {
            (method, path)
            for path, methods in document["paths"].items()
            for method in methods
            if method != "get" and not methods[method].get("deprecated")
        }
        assert changing == CHANGING
        for path in ("/arm", "/orders", "/order", "/trade", "/accounts/arm", "/buy", "/disarm"):
            for method in ("POST", "PUT", "PATCH", "DELETE"):
                assert (await engine.ask(method, path, {}))[0] in (404, 405), (method, path)

    on_engine(tmp_path, check)


CHANGING = {
    ("post", "/killswitch"),
    ("post", "/resume"),
    ("post", "/start"),
    ("post", "/stop"),
    ("post", "/orders/cancel"),
    ("post", "/reconcile"),
    ("post", "/accounts/login"),
    ("post", "/plan"),
    ("put", "/config"),
    ("put", "/logs/levels"),
}
"""All that can be changed by the API. A new line here is a decision: none of them may place an order or arm."""

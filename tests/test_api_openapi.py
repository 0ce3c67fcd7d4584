"""The API describes itself from the words it serves, and answers as it says."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.__main__ import main
from pipeline.control.controls import every_route
from pipeline.control.openapi import document
from pipeline.control.routing import API_VERSION, AnyRoute
from tests.api_engine import Engine, on_engine, until

DOCUMENT: Any = json.loads(json.dumps(document(every_route())))


def references(value: Any) -> Iterator[str]:
    match value:
        case {"$ref": str(ref), **_more}:
            yield ref
        case dict():
            for each in value.values():  # pyright: ignore[reportUnknownVariableType]  # of JSON
                yield from references(each)
        case list():
            for each in value:  # pyright: ignore[reportUnknownVariableType]  # of JSON
                yield from references(each)
        case _:
            pass


def test_every_reference_leads_somewhere_and_every_operation_has_a_name_of_its_own() -> None:
    shapes = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert set(references(DOCUMENT)) <= shapes
    names = [each["operationId"] for methods in DOCUMENT["paths"].values() for each in methods.values()]
    assert len(names) == len(set(names))
    for path, methods in DOCUMENT["paths"].items():
        for each in methods.values():
            pieces = {one["name"] for one in each["parameters"] if one["in"] == "path"}
            assert pieces == set(re.findall(r"\{(\w+)\}", path))


def test_the_verb_prints_the_document_without_an_engine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["api", "openapi"]) == 0
    assert json.loads(capsys.readouterr().out) == DOCUMENT


def test_an_engine_serves_every_route_there_is_and_answers_in_the_shapes_it_names(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        served = await engine.get("/v1/openapi.json")
        assert served == DOCUMENT
        assert served["info"]["version"] == (await engine.get("/status"))["api_version"] == API_VERSION
        await until(lambda: engine.verdicts().count("trade") > 2)
        (order,) = (await engine.get("/orders?limit=1"))["orders"]
        config = await engine.get("/config")
        for route in every_route():
            if route.method == "GET":
                path = route.path.replace("{order}", order["order"]).replace("{hash}", config["hash"])
                fits(route, await engine.get(path))
        for path in ("/resume", "/killswitch", "/stop", "/start"):
            (route,) = (each for each in every_route() if each.path == path)
            fits(route, await engine.post(path, {"reason": "to see its shape"}))

    on_engine(tmp_path, check)


def fits(route: AnyRoute, told: Any) -> None:
    """Nothing is missing, nothing is more, and nothing is of another kind than it is said to be."""
    value = msgspec.convert(told, route.answer)
    assert json.loads(msgspec.json.encode(value)) == told, route.path


def test_the_page_loads_nothing_from_anywhere_and_has_every_route(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        for path in ("/docs", "/v1/docs"):
            async with engine.session.get(engine.url + path, headers={"Authorization": ""}) as answer:
                page = await answer.text()
                assert answer.status == 200
                assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert not re.search(r"<script|<img|<link|src=|https?://|@import|url\(", page)
            for route in every_route():
                assert f"{route.method} {route.path}" in page

    on_engine(tmp_path, check)


def test_numbers_come_as_prometheus_reads_them_when_it_asks(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        await until(lambda: engine.verdicts().count("trade") > 2)
        accept = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"}
        async with engine.session.get(engine.url + "/metrics", headers=accept) as answer:
            page = await answer.text()
            assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
        assert "moonlight_info" in page
        assert page.endswith("# EOF\n")

    on_engine(tmp_path, check)


def test_the_verb_asks_an_engine_and_says_why_it_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def check(engine: Engine) -> None:
        async def said(*words: str) -> tuple[int, str, str]:
            code = await asyncio.to_thread(main, ("api", *words, "--flow", str(tmp_path / "flows.toml")))
            told = capsys.readouterr()
            return code, told.out, told.err

        code, out, _ = await said("status")
        assert (code, json.loads(out)["service"]["state"]) == (0, "RUNNING")
        code, out, _ = await said("post", "/stop", '{"product": "EURUSD"}')
        assert (code, json.loads(out)["changed"][0]["scope"]["product"]) == (0, "EURUSD")
        code, _, err = await said("POST", "/stop", '{"product": "EURUSE"}')
        assert (code, err.startswith("the engine refuses (400): ")) == (1, True)
        assert (await said("POST", "/stop", "{}", "more"))[0] == 2
        config = await engine.get("/config")
        edit = ("PUT", "/config", '{"set": {"risk.main.threshold": 0.5}}', "--if-match")
        assert (await said(*edit, config["hash"]))[0] == 0
        assert (await said(*edit, config["hash"]))[0] == 1

    on_engine(tmp_path, check)
    assert main(("api", "/status", "--flow", str(tmp_path / "flows.toml"))) == 3

"""The desk's kill switch: what it takes, from whom, and that there is nothing else to change by it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from pipeline.aside import here
from pipeline.control.limits import LARGEST_QUESTION
from pipeline.control.showing import looked_at
from pipeline.ledger import Ledger
from pipeline.switch import Switch
from pipeline.view import TOKEN_FILE
from sinks.api import Desk
from tests.sample_view import NOON, SampleView

Asked = Callable[..., Awaitable[tuple[int, str]]]


def with_switch(folder: Path, check: Callable[[Asked], Awaitable[None]]) -> None:
    """A desk whose switch writes into a ledger, asked by a program that holds its token."""

    async def main() -> None:
        switch = Switch(folder / "ledger.db", ZoneInfo("UTC"), ("demo-1", "demo-2"), NOON)
        desk = Desk(looked_at(SampleView(), here, switch), folder)
        url = await desk.start()
        token = {"Authorization": f"Bearer {(folder / TOKEN_FILE).read_text()}"}
        try:
            async with aiohttp.ClientSession() as session:

                async def ask(path: str, body: object = None, **headers: str) -> tuple[int, str]:
                    said = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
                    kind = {"Content-Type": "application/json"} if said else {}
                    async with session.post(url + path, data=said, headers=token | kind | headers) as answer:
                        return answer.status, await answer.text()

                await check(ask)
        finally:
            await desk.stop()

    asyncio.run(asyncio.wait_for(main(), 30))


def refusal(answer: tuple[int, str]) -> tuple[int, str, str]:
    """The status, the code and the sentence of what was refused."""
    code, said = answer
    error = json.loads(said)["error"]
    return code, error["code"], error["message"]


def stops_in(folder: Path) -> list[tuple[str, bool, str, str]]:
    with Ledger(folder / "ledger.db") as ledger:
        return [(latch.scope, latch.on, latch.by, latch.reason) for latch in ledger.latches()]


def test_a_stop_is_on_disk_when_it_is_answered_and_a_second_one_changes_nothing(tmp_path: Path) -> None:
    async def check(ask: Asked) -> None:
        code, said = await ask("/kill", {"reason": "odd"})
        latch = {"scope": "", "on": True, "at": NOON, "reason": "odd", "by": "api"}
        assert (code, json.loads(said)) == (200, {"changed": [latch], "stopped": [latch]})
        assert stops_in(tmp_path) == [("", True, "api", "odd")]
        code, said = await ask("/kill", {"reason": "odder"})
        assert (code, json.loads(said)) == (200, {"changed": [], "stopped": [latch]})

    with_switch(tmp_path, check)
    assert stops_in(tmp_path) == [("", True, "api", "odd")]


def test_without_a_word_everything_is_stopped(tmp_path: Path) -> None:
    async def check(ask: Asked) -> None:
        assert (await ask("/kill"))[0] == 200

    with_switch(tmp_path, check)
    assert stops_in(tmp_path) == [("", True, "api", "by hand, without a word")]


def test_a_release_needs_a_reason_and_a_stop_of_its_own(tmp_path: Path) -> None:
    async def check(ask: Asked) -> None:
        await ask("/kill", {"reason": "all"})
        await ask("/kill", {"scope": "demo-1", "reason": "one"})
        for blank in ({}, {"reason": ""}, {"reason": "  "}, None):
            assert refusal(await ask("/resume", blank)) == (
                400,
                "VALIDATION",
                "nothing is released without a reason; say why it may go on",
            )
        code, said = await ask("/resume", {"scope": "demo-2", "reason": "looked at"})
        assert refusal((code, said))[:2] == (409, "BUSINESS_RULE")
        assert "demo-2 has no stop of its own, but everything is stopped since" in said
        code, said = await ask("/resume", {"scope": "demo-1", "reason": "looked at"})
        assert [each["scope"] for each in json.loads(said)["stopped"]] == [""]
        code, said = await ask("/resume", {"reason": "looked at"})
        assert (code, json.loads(said)["stopped"]) == (200, [])

    with_switch(tmp_path, check)
    assert [(scope, on) for scope, on, _, _ in stops_in(tmp_path)] == [
        ("", True),
        ("demo-1", True),
        ("demo-1", False),
        ("", False),
    ]


@pytest.mark.parametrize("path", ["/kill", "/resume"])
@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (b"{", 400, "cannot take that: "),
        (b"null", 400, "cannot take that: "),
        (b"[" * 9_000, 400, "cannot take that: "),
        (b'{"reason": 5}', 400, "cannot take that: "),
        (b'{"order": "buy", "reason": "x"}', 400, "cannot take that: Object contains unknown field `order`"),
        (b'{"scope": "demo-9", "reason": "x"}', 400, "there is no account 'demo-9'; did you mean 'demo-"),
        (b'{"by": "somebody else", "reason": "x"}', 400, "cannot take that: Invalid enum value 'somebody else'"),
        (b'{"reason": "' + b"x" * LARGEST_QUESTION + b'"}', 413, ""),
    ],
)
def test_what_cannot_be_taken_is_refused_in_one_sentence_and_stops_nothing(
    tmp_path: Path, path: str, body: bytes, code: int, said: str
) -> None:
    async def check(ask: Asked) -> None:
        answered, text = await ask(path, body)
        assert answered == code
        assert said in text
        assert len(text.splitlines()) == 1

    with_switch(tmp_path, check)
    assert stops_in(tmp_path) == []


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Authorization": "Bearer no"}, 401),
        ({"Authorization": ""}, 401),
        ({"Origin": "http://evil.example"}, 403),
        ({"Host": "evil.example"}, 421),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_whoever_does_not_hold_the_token_or_comes_from_a_page_stops_nothing(
    tmp_path: Path, headers: dict[str, str], code: int
) -> None:
    async def check(ask: Asked) -> None:
        for path in ("/kill", "/resume"):
            assert (await ask(path, {"reason": "x"}, **headers))[0] == code

    with_switch(tmp_path, check)
    assert stops_in(tmp_path) == []


def test_a_ledger_that_cannot_be_written_is_said_and_so_is_what_holds_all_the_same(tmp_path: Path) -> None:
    async def check(ask: Asked) -> None:
        (tmp_path / "ledger.db").write_bytes(b"this is no ledger, whatever its name says" * 200)
        code, said = await ask("/kill", {"reason": "odd"})
        assert code == 503
        assert "ledger.db" in said
        assert refusal((code, said))[2].endswith("; a stop holds until the engine ends")
        assert len(said.splitlines()) == 1

    with_switch(tmp_path, check)

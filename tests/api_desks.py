"""What the tests of the control API need: a desk on a fixed view, and raw words to it."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp

from pipeline.aside import here
from pipeline.control.settings import Api
from pipeline.control.showing import looked_at
from pipeline.switch import Switch
from pipeline.view import TOKEN_FILE
from sinks.api import Desk
from tests.sample_view import NOON, SampleView

DEADLINE = 30.0


@dataclass(frozen=True)
class Answer:
    """What came back, whole."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


@dataclass(frozen=True)
class Knocking:
    """A desk that listens, and who knocks at it with whatever words."""

    desk: Desk
    url: str
    token: str
    folder: Path
    view: SampleView

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def head(self, first: str, *headers: str) -> bytes:
        """A request's head that lets it in, and more headers."""
        own = (f"Host: 127.0.0.1:{self.port}", f"Authorization: Bearer {self.token}")
        return "\r\n".join((f"{first} HTTP/1.1", *own, *headers, "", "")).encode()

    @asynccontextmanager
    async def wire(self) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()

    async def say(self, words: bytes) -> Answer:
        """Say something raw, and read one answer."""
        async with self.wire() as (reader, writer):
            writer.write(words)
            return await answer_of(reader)

    async def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Ask as a program with the token does; a header in capitals has `_` for `-`, and "" leaves one out."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        own = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"} | named
        kept = {name: value for name, value in own.items() if value}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.url + path, data=body, headers=kept) as answer,
        ):
            return Answer(answer.status, dict(answer.headers), await answer.read())


async def answer_of(reader: asyncio.StreamReader) -> Answer:
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name: value for name, _, value in (line.partition(": ") for line in lines)}
    body = await asyncio.wait_for(reader.readexactly(int(headers.get("Content-Length", 0))), 10)
    return Answer(int(first.split()[1]), headers, body)


def knocking(
    folder: Path,
    check: Callable[[Knocking], Awaitable[None]],
    settings: Api | None = None,
    *,
    switch: bool = False,
) -> None:
    """Check a desk on a fixed view, whose kill switch writes into a ledger of the folder if it has one."""

    async def main() -> None:
        view = SampleView()
        kill = Switch(folder / "ledger.db", ZoneInfo("UTC"), ("demo-1", "demo-2"), NOON) if switch else None
        desk = Desk(looked_at(view, here, kill), folder, settings, folder)
        url = await desk.start()
        try:
            await check(Knocking(desk, url, (folder / TOKEN_FILE).read_text(), folder, view))
        finally:
            await desk.stop()

    asyncio.run(asyncio.wait_for(main(), DEADLINE))

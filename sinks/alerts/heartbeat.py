"""A sign of life whose absence is the alarm."""

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import aiohttp
import msgspec
from msgspec import Meta

from pipeline.alerting.posting import PLACE, address, check_address, place, send
from pipeline.alerting.route import Outlet
from pipeline.alerting.secrets import check_name
from pipeline.connections.calling import new_session
from pipeline.parts import alert
from pipeline.private import write_private
from pipeline.times import SECOND, DurationText, duration


@alert
class Heartbeat:
    """Tells somebody outside, every so often, that the engine lives: who hears nothing for longer raises the alarm.

    Only while it really goes on: its loop turns, what is due is done, and prices come or every market is closed. While
    it does not, and when it fails, `fail_url` is told why, and nothing is said to `url`. It asks an address, or sets a
    file anew (`path`) whose age a watcher on the machine can look at.
    """

    url: Annotated[str, Meta(description="what is asked; {secret} in it stands for the secret")] = ""
    fail_url: Annotated[str, Meta(description="what is asked instead while the engine does not go on")] = ""
    secret: Annotated[str, Meta(description="the name of the secret in the addresses: `alerts secret NAME`")] = ""
    path: Annotated[str, Meta(description="a file, from the flow's data folder, that is written each time")] = ""
    every: Annotated[DurationText, Meta(description="how often")] = "60s"
    method: Annotated[Literal["GET", "POST"], Meta(description="POST also tells how the engine fares")] = "POST"
    timeout: Annotated[DurationText, Meta(description="how long to wait for an answer")] = "10s"

    def __post_init__(self) -> None:
        if not (self.url or self.path):
            raise ValueError("url and path are both left out; give what is asked, or the file that is written")
        if self.fail_url and not self.url:
            raise ValueError("fail_url goes with url; give both")
        for key in ("url", "fail_url"):
            if text := getattr(self, key):
                check_address(key, text, self.secret)
        if self.secret:
            check_name("secret", self.secret)
        if self.secret and not self.url:
            raise ValueError(f"secret is for an address; give url with {PLACE} in it")
        if duration(self.every) < SECOND:
            raise ValueError("every must be 1s or longer")
        duration(self.timeout)

    @property
    def confidences(self) -> tuple[str, ...]:
        return (self.secret,) if self.secret else ()

    async def __call__(self, outlet: Outlet) -> None:
        ending = False
        async with new_session(duration(self.timeout) / SECOND) as session:
            while True:
                facts = outlet.alive()
                if facts is None:
                    await self._fails(outlet, session)
                elif not ending:
                    await self._lives(outlet, session, {"flow": outlet.flow, "sent": outlet.now(), **facts})
                if ending:
                    return
                ending = await outlet.wait(duration(self.every) / SECOND)

    async def _lives(self, outlet: Outlet, session: aiohttp.ClientSession, facts: dict[str, object]) -> None:
        content = msgspec.json.encode(facts)
        if self.path:
            await asyncio.to_thread(_written, outlet.folder / self.path, content)
        if self.url:
            await self._asked(outlet, session, self.url, content)
        outlet.works()

    async def _fails(self, outlet: Outlet, session: aiohttp.ClientSession) -> None:
        if self.fail_url:
            facts = {"flow": outlet.flow, "sent": outlet.now(), "amiss": outlet.amiss()}
            await self._asked(outlet, session, self.fail_url, msgspec.json.encode(facts))

    async def _asked(self, outlet: Outlet, session: aiohttp.ClientSession, text: str, content: bytes) -> None:
        url = address(text, await outlet.secret(self.secret) if self.secret else None)
        deadline = duration(self.timeout) / SECOND
        if self.method == "GET":
            await send(session, "GET", url, deadline, where=place(text))
        else:
            kind = {"Content-Type": "application/json"}
            await send(session, "POST", url, deadline, content, kind, where=place(text))


def _written(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, content)

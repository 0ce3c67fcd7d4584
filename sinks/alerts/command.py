"""Alerts to a program of this machine."""

import asyncio
from typing import Annotated

from msgspec import Meta

from pipeline.alerting.pending import Selection
from pipeline.alerting.route import Outlet
from pipeline.alerting.wording import body_of
from pipeline.errors import MoonlightError
from pipeline.parts import alert
from pipeline.times import SECOND, DurationText, duration


@alert
class Command(Selection):
    """Starts a program for each message and writes it the JSON of the alerts; no shell stands between.

    It has taken them when it ends with 0. What it prints is not kept.
    """

    run: Annotated[tuple[str, ...], Meta(min_length=1, description='the program and its arguments: ["notify", "-q"]')]
    timeout: Annotated[DurationText, Meta(description="how long it may take; then it is ended")] = "10s"

    def __post_init__(self) -> None:
        super().__post_init__()
        duration(self.timeout)

    async def __call__(self, outlet: Outlet) -> None:
        async for letter in outlet.letters():
            await self._told(body_of(outlet, letter))

    async def _told(self, content: bytes) -> None:
        quiet = asyncio.subprocess.DEVNULL
        try:
            child = await asyncio.create_subprocess_exec(
                *self.run, stdin=asyncio.subprocess.PIPE, stdout=quiet, stderr=quiet
            )
        except OSError as failure:
            raise MoonlightError(f"{self.run[0]} cannot be started ({failure.strerror}); look at `run`") from None
        try:
            async with asyncio.timeout(duration(self.timeout) / SECOND):
                await child.communicate(content)
        except TimeoutError:
            raise MoonlightError(f"{self.run[0]} was not done within {self.timeout} and was ended") from None
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        if child.returncode:
            raise MoonlightError(f"{self.run[0]} ended with {child.returncode}: it has not taken the alerts")

"""The flow's file for programs: read, its changes shown before, and changed."""

import asyncio
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

from msgspec import Struct

from pipeline.control.errors import Refused
from pipeline.control.routing import Nothing, Route
from pipeline.plan import Plan


class Config(Struct, frozen=True):
    """The flow's file, as it is now, and which flow runs."""

    file: str
    text: str
    hash: str
    """Of the text: what If-Match asks for."""
    running: str
    """The hash of the flow that runs: another one while a change waits, or was refused."""


def hash_of(text: str) -> str:
    """The name of a flow as it is written."""
    return blake2b(text.encode(), digest_size=16).hexdigest()


class File:
    """The flow's file beside the engine that runs it."""

    def __init__(self, plan: Callable[[], Plan]) -> None:
        self._plan = plan

    async def config(self, _: Nothing, __: None) -> Config:
        plan = self._plan()
        path = plan.base / Path(plan.file).name
        try:
            text = await asyncio.to_thread(path.read_text, "utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            raise Refused("NOT_FOUND", f"the flow file {path} cannot be read ({problem})") from None
        return Config(plan.file, text, hash_of(text), hash_of(plan.source.text))


ROUTES = (
    Route(
        method="GET",
        path="/config",
        name="config",
        does="The flow's file as it is, its hash, and the hash of the flow that runs.",
        call=File.config,
        query=Nothing,
        answer=Config,
        refusals=("NOT_FOUND",),
    ),
)

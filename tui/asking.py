"""Questions to the engine's control API, beside the line: each has one answer, or one sentence why there is none."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import aiohttp
import msgspec

from pipeline.errors import MoonlightError
from pipeline.told.refusals import Failure
from tui.door import Address, Unreachable, reason, refusal_in

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds an answer may take."""


class NotTaken(MoonlightError):
    """The engine answered that it will not."""

    def __init__(self, text: str, code: str, status: int, details: tuple[Any, ...] = ()) -> None:
        super().__init__(text)
        self.code, self.status, self.details = code, status, details


class Engine:
    """Asks whichever engine answers now; found anew each time, as it may have been started again."""

    def __init__(self, where: Callable[[], Address]) -> None:
        self._where = where

    async def get(self, path: str, answer: type[T], **asked: object) -> T:
        """`path` without the version; what is asked as text, but for what is None or empty."""
        return await self._ask("GET", path, answer, query=asked)

    async def post(self, path: str, answer: type[T], said: object = None, patience: float = PATIENCE) -> T:
        return await self._ask("POST", path, answer, said=said, patience=patience)

    async def put(
        self, path: str, answer: type[T], said: object, headers: Mapping[str, str], patience: float = PATIENCE
    ) -> T:
        return await self._ask("PUT", path, answer, said=said, headers=headers, patience=patience)

    async def _ask(
        self,
        method: str,
        path: str,
        answer: type[T],
        *,
        query: Mapping[str, object] | None = None,
        said: object = None,
        headers: Mapping[str, str] | None = None,
        patience: float = PATIENCE,
    ) -> T:
        address = await asyncio.to_thread(self._where)
        allowed = {"Authorization": f"Bearer {address.token}", "Content-Type": "application/json"}
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=patience)) as session,
                session.request(
                    method,
                    f"{address.url}/v1{path}",
                    params={name: str(value) for name, value in (query or {}).items() if value not in (None, "")},
                    data=None if method == "GET" else msgspec.json.encode({} if said is None else said),
                    headers={**allowed, **(headers or {})},
                    ssl=address.trusted,
                ) as answered,
            ):
                body = await answered.read()
        except TimeoutError:
            raise Unreachable(f"the engine did not answer within {patience:g} s") from None
        except (aiohttp.ClientError, OSError) as problem:
            raise Unreachable(f"the engine does not answer ({reason(problem)})") from None
        if answered.status >= 400:
            raise _refused(body, answered.status)
        try:
            return msgspec.json.decode(body, type=answer)
        except msgspec.DecodeError as problem:
            raise MoonlightError(
                f"cannot read what the engine answered ({problem}); run both from one version"
            ) from None


def _refused(body: bytes, status: int) -> NotTaken:
    try:
        error = msgspec.json.decode(body, type=Failure).error
    except msgspec.DecodeError:
        return NotTaken(refusal_in(body), "INTERNAL", status)
    return NotTaken(error.message, error.code, status, tuple(error.details))


@dataclass
class Answer(Generic[T]):
    """The latest answer to a question that is asked again and again; it stays when the next one fails."""

    value: T | None = None
    why: str = ""
    """Why the last question has no answer; "" when it has one."""
    at: float = 0.0
    """When the value came, by the console's clock."""
    asking: bool = False
    version: int = 0
    """It rises with every answer and every failure."""

    async def ask(self, question: Callable[[], Awaitable[T]], now: Callable[[], float]) -> None:
        """Ask once; a question that waits for its answer is not asked again meanwhile."""
        if self.asking:
            return
        self.asking = True
        try:
            self.value, self.why = await question(), ""
            self.at = now()
        except MoonlightError as problem:
            self.why = str(problem)
        finally:
            self.asking = False
            self.version += 1

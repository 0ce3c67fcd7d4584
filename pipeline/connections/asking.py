"""Calls of a connector, each a task of its own: whatever it ends with is an answer, or one `CallFailed`."""

import asyncio
from collections.abc import Coroutine
from traceback import extract_tb
from typing import Any, TypeVar

from pipeline.connections.troubles import CallFailed
from pipeline.connections.waiting import ended
from pipeline.errors import InputError

T = TypeVar("T")


class Mistaken(CallFailed):
    """The connector failed with something it never should: nobody knows what it still does."""

    def __init__(self, failure: BaseException) -> None:
        """What it was and where it was made are told; not its text, which may be made of anything."""
        frames = extract_tb(failure.__traceback__)
        place = f" in {frames[-1].name}, line {frames[-1].lineno}" if frames else ""
        what = f"the connector failed on a mistake of its own ({type(failure).__name__}{place})"
        super().__init__("format", what, final=True)


def proper(given: object, kind: type[T]) -> T:
    """What a call gave, if that is of the kind it has to give: a connector may be anybody's."""
    if not isinstance(given, kind):
        raise Mistaken(TypeError())
    return given


async def asked(call: Coroutine[Any, Any, T], seconds: float, late: str) -> T:
    """What a call gives, if it does within so many seconds."""
    task = asyncio.ensure_future(call)
    try:
        await asyncio.wait((task,), timeout=seconds)
        if task.done():
            return answer_of(task)
    finally:
        await ended(task)
    raise CallFailed("network", late)


async def failure_of(call: Coroutine[Any, Any, Any], seconds: float | None = None, late: str = "") -> CallFailed | None:
    """How a call failed; None when it did not."""
    task = asyncio.ensure_future(call)
    try:
        await asyncio.wait((task,), timeout=seconds)
        if not task.done():
            return CallFailed("network", late)
        answer_of(task)
    except CallFailed as failure:
        return failure
    finally:
        await ended(task)
    return None


def answer_of(task: "asyncio.Future[T]") -> T:
    """What a call that has ended gave. A login that cannot be read is refused like a wrong one."""
    if task.cancelled():
        raise CallFailed("network", "the call was called off within")
    match task.exception():
        case None:
            return task.result()
        case CallFailed() as failure:
            raise failure
        case InputError() as wrong:
            raise CallFailed("auth", str(wrong), fate="unsent", final=True)
        case TimeoutError():
            raise CallFailed("network", "no answer in time")
        case mistake:
            raise Mistaken(mistake)

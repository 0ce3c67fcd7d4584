"""Requests and their answers on one socket: told apart by their number, never by their order.

Every request carries a number that all its frames repeat: the answer, and for a subscription all that follows. A frame
that lost its number is known by the subscription it names.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import aclosing
from typing import Protocol

from pipeline.connections.budgets import Budgets
from pipeline.connections.contract import Priority
from pipeline.connections.counts import Counts
from pipeline.connections.mentioning import mention
from pipeline.connections.reading import Answer
from pipeline.connections.socket import Socket
from pipeline.connections.troubles import CallFailed
from pipeline.deriv.refusals import Refused
from pipeline.deriv.requests import PING, Request, call_of
from pipeline.times import SECOND

Heard = Callable[[Answer], None]
Followed = Callable[[Answer], bool | None]
"""Takes the further frames of a request; true once nothing more can come."""
Complain = Callable[[CallFailed], None]
"""Takes what is wrong with a frame that is left out."""


def new_socket(what: str, hosts: Collection[str], deadline: float, complain: Complain) -> Socket:
    """A socket that asks for a sign of life after half a minute, and is dead when none comes within ten seconds."""
    return Socket(what, hosts=hosts, deadline=deadline, ping=lambda: PING, warn=complain)


STREAMS = 1024
"""So many subscriptions are known by name; all are known by their number."""
FAILED = 256
"""So many requests that failed are still heard of: what comes of one all the same is told."""


class Frames(Protocol):
    """A connected socket."""

    async def send(self, table: Mapping[str, object]) -> None: ...
    def frames(self) -> AsyncGenerator[Answer]: ...


class Wire:
    """One connection. `run` reads it and ends with it; until then anybody may `ask`."""

    def __init__(
        self, socket: Frames, budgets: Budgets, deadline: float, complain: Complain, counts: Counts | None = None
    ) -> None:
        self._socket, self._budgets, self._deadline, self._complain = socket, budgets, deadline, complain
        self._counts = counts
        self._number = 0
        self._asked: dict[int, _Asked] = {}
        self._failed = deque[int]()
        self._streams: dict[str, int] = {}
        """By subscription, the number of the request that began it."""
        self.ended: CallFailed | None = None

    async def run(self) -> None:
        """Read until the connection breaks: all who wait for an answer then hear of it."""
        try:
            async with aclosing(self._socket.frames()) as frames:
                async for frame in frames:
                    try:
                        self._take(frame)
                    except CallFailed as wrong:
                        self._complain(wrong)
            raise CallFailed("network", "the connection ended")
        except CallFailed as why:
            self.ended = why
            raise
        finally:
            self._let_go()

    async def ask(
        self,
        request: Request,
        priority: Priority,
        *,
        by: int | None = None,
        first: Heard | None = None,
        later: Followed | None = None,
    ) -> Answer:
        """The answer to a request. `later` takes all further frames of it, and its answer if that comes too late.

        `first` takes the answer as it comes: before anything that comes after it is looked at.

        What certainly did not leave says so; an answer that is an error is `Refused`.
        """
        call = call_of(request)
        async with self._budgets.room(call, priority, by):
            if self.ended is not None:
                raise CallFailed(self.ended.kind, f"{call}: {self.ended}", fate="unsent")
            asked, began, kind = self._ask(call, first, later), self._time(), None
            try:
                async with asyncio.timeout(self._deadline):
                    await self._socket.send({**request, "req_id": asked.number})
                    return await asked.answer
            except CallFailed as failed:
                kind = failed.kind
                if isinstance(failed, Refused) and kind == "throttle":
                    self._budgets.hold(call, failed.wait)
                raise
            except TimeoutError:
                what, kind = f"no answer to {call} within {self._deadline:g} s", "network"
            finally:
                millis = (self._time() - began) * SECOND
                mention(call, "", kind or "answered", millis)
                if self._counts is not None:
                    self._counts.add(call, millis, kind)
                if later is None:
                    self._asked.pop(asked.number, None)
                elif kind is not None:
                    self._failed.append(asked.number)
                    if len(self._failed) > FAILED:
                        self._asked.pop(self._failed.popleft(), None)
        raise CallFailed("network", what)

    def _time(self) -> float:
        return asyncio.get_running_loop().time()

    def _ask(self, call: str, first: Heard | None, later: Followed | None) -> "_Asked":
        self._number += 1
        asked = _Asked(self._number, call, asyncio.get_running_loop().create_future(), first, later)
        self._asked[asked.number] = asked
        return asked

    def _take(self, frame: Answer) -> None:
        asked = self._whose(frame)
        if asked is None:
            return
        stream = frame.table("subscription", default=None)
        if stream is not None and (name := stream.text("id", default="")):
            self._streams[name] = asked.number
            while len(self._streams) > STREAMS:
                del self._streams[next(iter(self._streams))]
        error = frame.table("error", default=None)
        if not asked.answer.done() and _answers(frame, asked.call):
            if error is not None:
                code, message = error.text("code"), error.text("message", default="")
                asked.answer.set_exception(Refused(code, message, asked.call))
            else:
                asked.answer.set_result(frame)
                if asked.first is not None:
                    asked.first(frame)
        elif error is not None:
            refused = Refused(error.text("code"), error.text("message", default=""), asked.call)
            self._complain(CallFailed("rule", f"after its answer, or too late: {refused}"))
        elif asked.later is not None and asked.later(frame):
            del self._asked[asked.number]

    def _whose(self, frame: Answer) -> "_Asked | None":
        echo = frame.table("echo_req", default=None)
        number = frame.whole("req_id", default=None)
        if number is None and echo is not None:
            number = echo.whole("req_id", default=None)
        if number is None and (stream := frame.table("subscription", default=None)) is not None:
            number = self._streams.get(stream.text("id", default=""))
        asked = None if number is None else self._asked.get(number)
        if asked is not None and echo is not None and not echo.has(asked.call):
            raise CallFailed("format", f"an answer with the number of our {asked.call} is to another request")
        return asked

    def _let_go(self) -> None:
        why = self.ended or CallFailed("network", "the connection was closed")
        for asked in self._asked.values():
            if not asked.answer.done():
                asked.answer.set_exception(CallFailed(why.kind, f"no answer to {asked.call}: {why}"))
                asked.answer.exception()  # whoever waited may be gone already
        self.ended = why


class _Asked:
    """A request that waits for its answer, or goes on being answered."""

    def __init__(
        self, number: int, call: str, answer: "asyncio.Future[Answer]", first: Heard | None, later: Followed | None
    ) -> None:
        self.number, self.call, self.answer, self.first, self.later = number, call, answer, first, later


def _answers(frame: Answer, call: str) -> bool:
    """Whether a frame is the first answer of a call, which may be overtaken by what follows from it."""
    if call != "buy":
        return True
    return frame.text("msg_type", default=call) == call

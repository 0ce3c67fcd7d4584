"""Calls over HTTP to one venue or feed, for one account: within its limits, within a deadline, each sent once."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

import aiohttp
from yarl import URL

from pipeline.connections.backoff import HTTP, Backoff, Profile
from pipeline.connections.budgets import Budgets
from pipeline.connections.calling import BROKEN, Method, Question, Sending, Values, new_session, told
from pipeline.connections.contract import Priority
from pipeline.connections.counts import Counts
from pipeline.connections.frames import Frames
from pipeline.connections.mentioning import mention
from pipeline.connections.offset import Offset
from pipeline.connections.places import allowed
from pipeline.connections.reading import Answer, decoded
from pipeline.connections.statuses import StatusFailed, http_date, judged
from pipeline.connections.troubles import CallFailed
from pipeline.times import SECOND

MOST = 8 * 1024 * 1024
"""Bytes of an answer, unpacked."""
SHORTEST = 0.001
"""Seconds: no time at all would be any time."""
LONGEST_LINE = 256 * 1024
PASSING = frozenset({"throttle", "maintenance", "network"})
"""Kinds of failures that go by."""


class Http:
    """One account's line to one address."""

    def __init__(
        self,
        base: str,
        *,
        hosts: Collection[str],
        deadline: float,
        budgets: Budgets,
        headers: Callable[[], Mapping[str, str]] = dict,
        most: int = MOST,
        key: str = "url",
        counts: Counts | None = None,
        offset: Offset | None = None,
    ) -> None:
        """`hosts` may be asked; `key` is what the user calls `base`. A call ends within `deadline` real seconds from
        when the limits let it go. `headers` are asked for each time: they may hold what is renewed."""
        self._base = str(allowed(base, hosts, key)).rstrip("/")
        self._host = URL(self._base).host or ""
        self._deadline = deadline
        self._budgets = budgets
        self._headers = headers
        self._most = most
        self._counts = counts
        self._offset = offset
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def call(
        self,
        method: Method,
        path: str,
        *,
        call: str,
        priority: Priority,
        query: Values | None = None,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        by: int | None = None,
        weight: int = 1,
        limited: bool = True,
        deadline: float | None = None,
    ) -> Answer:
        """Ask once, and give the table or list that is answered ({} for an answer without content).

        `call` is the kind of call that limits count; `by` the moment (of the budgets' clock) until which it must have
        left, or it does not: to connect takes time, too. Not `limited` is for renewing a login: it waits for nobody,
        and counts in no limit.
        """
        patience = self._deadline if deadline is None else deadline
        if not limited:
            return await self._counted(call, self._question(method, path, query, body, headers), patience)
        async with self._budgets.room(call, priority, by, weight):
            return await self._counted(call, self._question(method, path, query, body, headers), patience, by)

    async def retried(
        self,
        path: str,
        *,
        call: str,
        priority: Priority,
        query: Values | None = None,
        headers: Mapping[str, str] | None = None,
        by: int | None = None,
        weight: int = 1,
        profile: Profile = HTTP,
    ) -> Answer:
        """Ask with GET, and again after failures that may pass; each time counts in the limits."""
        backoff = Backoff(profile, f"{call} {path}")
        while True:
            try:
                return await self.call(
                    "GET", path, call=call, priority=priority, query=query, headers=headers, by=by, weight=weight
                )
            except CallFailed as failure:
                wait = backoff.failed() if _may_pass(failure) else None
                if wait is None or (by is not None and self._budgets.now() + wait * SECOND > by):
                    raise
            await self._budgets.pause(round(wait * SECOND))

    async def lines(
        self,
        path: str,
        *,
        call: str,
        priority: Priority,
        quiet_after: float,
        query: Values | None = None,
        headers: Mapping[str, str] | None = None,
        by: int | None = None,
        bad_a_minute: int = 10,
        warn: Callable[[CallFailed], None] | None = None,
    ) -> AsyncGenerator[Answer]:
        """Ask with GET for an answer without an end, a JSON text a line, and give them as they come.

        It ends with `CallFailed` only, also when nothing comes for `quiet_after` real seconds. Lines that cannot be
        read are dropped, each told to `warn`, until they are more than `bad_a_minute`.
        """
        await self._budgets.take(call, priority, by)
        question, sending, failure = self._question("GET", path, query, None, headers), Sending(), None
        frames, patient = Frames(question.what, asyncio.get_running_loop().time, bad_a_minute, warn), self._deadline
        try:
            async with (
                asyncio.timeout(self._deadline) as patience,
                self._sent(question, sending, quiet_after) as response,
            ):
                patience.reschedule(None)
                patient = quiet_after
                if response.status != 200:
                    refused = self._no(question, await self._reply(response))
                    self._heed(call, refused)
                    raise refused
                async for line in _lines(response.content, question.what, quiet_after):
                    answer = frames.read(line)
                    if answer is not None:
                        yield answer
        except BROKEN as problem:
            failure = told(problem, question.what, sending, patient)
        if failure is not None:
            raise failure

    def reopen(self) -> None:
        """Let calls be made again, after `close`."""
        self._closed = False

    async def close(self) -> None:
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _counted(self, call: str, question: Question, deadline: float, by: int | None = None) -> Answer:
        loop = asyncio.get_running_loop()
        began, kind = loop.time(), None
        try:
            return await self._answer(question, deadline, by)
        except CallFailed as failure:
            kind = failure.kind
            self._heed(call, failure)
            raise
        finally:
            if self._counts is not None:
                self._counts.add(call, (loop.time() - began) * SECOND, kind)

    def _heed(self, call: str, failure: CallFailed) -> None:
        """Keep away for as long as we are told."""
        if failure.kind == "throttle":
            self._budgets.hold(call, failure.wait)

    async def _answer(self, question: Question, deadline: float, by: int | None) -> Answer:
        reply, what = await self._exchanged(question, deadline, by), question.what
        if not 200 <= reply.status < 300:
            raise self._no(question, reply)
        if not reply.whole:
            raise CallFailed("format", f"{what} got an answer of more than {self._most} bytes")
        return Answer({} if reply.status == 204 else decoded(reply.raw, f"answer to {what}"), f"answer to {what}")

    async def _exchanged(self, question: Question, deadline: float, by: int | None) -> "_Reply":
        sending, failure, reply = Sending(), None, None
        began, loop = self._budgets.now(), asyncio.get_running_loop()
        left = loop.time()
        try:
            async with asyncio.timeout(deadline), self._sent(question, sending, deadline, by) as response:
                self._heard(response, began)
                reply = await self._reply(response)
        except BROKEN as problem:
            failure = told(problem, question.what, sending, deadline)
        outcome = "given up" if failure is None else failure.kind
        mention(question.what, self._host, outcome if reply is None else reply.status, (loop.time() - left) * SECOND)
        if reply is None:  # not within the except: the other error holds what was sent
            raise failure or CallFailed("network", f"{question.what} was given up")
        return reply

    def _question(
        self,
        method: Method,
        path: str,
        query: Values | None,
        body: Mapping[str, object] | None,
        headers: Mapping[str, str] | None,
    ) -> Question:
        more = {} if body is None else {"Content-Type": "application/json"}
        question = Question(method, path, query, body, {**self._headers(), **(headers or {}), **more})
        question.check()
        if self._closed:
            raise CallFailed("network", f"{question.what} was not sent: the connection was closed here", fate="unsent")
        return question

    def _sent(self, question: Question, sending: Sending, silence: float, by: int | None = None) -> "_Responding":
        if self._session is None:
            self._session = new_session(self._deadline)
        left = None if by is None else max(SHORTEST, (by - self._budgets.now()) / SECOND)
        return self._session.request(
            question.method,
            URL(self._base + question.path, encoded=True).with_query(question.query),
            data=question.content(),
            headers=question.headers,
            allow_redirects=False,
            trace_request_ctx=sending,
            timeout=aiohttp.ClientTimeout(total=None, connect=left, sock_connect=self._deadline, sock_read=silence),
        )

    async def _reply(self, response: aiohttp.ClientResponse) -> "_Reply":
        """An answer with its body. Of a no that breaks off, its status is worth more than how it broke."""
        pieces, size, whole = list[bytes](), 0, True
        try:
            async for piece in response.content.iter_any():
                pieces.append(piece)
                size += len(piece)
                if size > self._most:
                    whole = False
                    break
        except (aiohttp.ClientError, OSError):
            if response.status < 400:
                raise
            whole = False
        return _Reply(response.status, response.headers, b"".join(pieces), whole)

    def _no(self, question: Question, reply: "_Reply") -> StatusFailed:
        try:
            answer = Answer(decoded(reply.raw, f"answer to {question.what}"), f"answer to {question.what}")
        except CallFailed:
            answer = None
        return judged(
            question.what,
            reply.status,
            reply.headers,
            reply.raw[:LONGEST_LINE].decode(errors="replace"),
            answer,
            whole=reply.whole,
            now=self._budgets.now(),
            confidential=question.confidential(),
        )

    def _heard(self, response: aiohttp.ClientResponse, asked: int) -> None:
        if self._offset is None:
            return
        date = http_date(response.headers.get("Date"))
        if date is not None:
            self._offset.dated(date, asked, self._budgets.now())


def _may_pass(failure: CallFailed) -> bool:
    """Whether asking once more may help. Where our own limits leave no room in time, it does not."""
    no_room = failure.kind == "throttle" and failure.fate == "unsent"
    return failure.kind in PASSING and not failure.final and not no_room


_Responding = AbstractAsyncContextManager[aiohttp.ClientResponse]


class _Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    raw: bytes
    whole: bool


async def _lines(content: aiohttp.StreamReader, what: str, quiet_after: float) -> AsyncGenerator[bytes]:
    rest = b""
    while True:
        async with asyncio.timeout(quiet_after):
            piece = await content.readany()
        if not piece:
            raise CallFailed("network", f"{what} was ended at the other end")
        *whole, rest = (rest + piece).split(b"\n")
        if len(rest) > LONGEST_LINE:
            raise CallFailed("format", f"{what} gave a line of more than {LONGEST_LINE} bytes")
        for line in whole:
            if line.strip():
                yield line

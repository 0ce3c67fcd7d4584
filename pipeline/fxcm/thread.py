"""The one thread on which a session of the SDK lives: it logs in, asks for history, subscribes and lets go.

It is asked by the loop and answers over the edge. It has no other way to anything: no Redis, no file, no flow. A call
that never returns cannot be ended, only left alone: the thread is abandoned then, and another one made.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from heapq import heappop, heappush
from threading import Condition, Thread
from types import TracebackType
from typing import Any, Final, TypeVar

from pipeline.fxcm.edge import Edge
from pipeline.fxcm.port import Access, HearSession, SdkFailed, Session, SessionLost, Subscription

T = TypeVar("T")

CLOSE, LOGIN, SUBSCRIBE, LIVE, PAST = range(5)
"""What goes first: history that somebody waits for now before that of long ago."""
MOST: Final = 64
"""So many calls may wait."""


class TooMuchAsked(SdkFailed):
    """So many calls wait already that one more would be too late."""


class Call:
    """Something to be done on the thread, and who waits for it."""

    def __init__(self, what: str, rank: tuple[int, int], doing: Callable[[], Any], done: "asyncio.Future[Any]") -> None:
        self.what, self.rank, self.doing, self.done = what, rank, doing, done

    def __lt__(self, other: "Call") -> bool:
        return self.rank < other.rank


class SdkThread:
    """One thread and the session on it. All but `_run` and what that calls is for the loop."""

    def __init__(self, make: Callable[[], Session], edge: Edge) -> None:
        self._make, self._edge = make, edge
        self._session: Session | None = None
        self._subscription: Subscription | None = None
        self._room = Condition()
        self._waiting: list[Call] = []
        self._sequence = 0
        self._ending = False
        self._doing: Call | None = None
        self.calls = 0
        """Of history, since it began."""
        self._thread = Thread(target=self._run, name="fxcm", daemon=True)
        self._thread.start()

    # --- what it can be asked for ------------------------------------------------------------------------------------

    def log_in(self, access: Access, hear: HearSession) -> "asyncio.Future[frozenset[str]]":
        """Let go of the session there is, if any, and make a new one."""

        def doing() -> frozenset[str]:
            self._let_go()
            session = self._session = self._make()
            return session.login(access, lambda word: self._edge.post(lambda: hear(word)))

        return self._asked("login", LOGIN, doing)

    def subscribe(self) -> "asyncio.Future[None]":
        """Hear prices anew: the subscription there was is closed first."""

        def doing() -> None:
            self._unsubscribe()
            self._subscription = self._known().subscribe(self._edge.offer)

        return self._asked("subscription", SUBSCRIBE, doing)

    def ask(self, what: str, priority: int, question: Callable[[Session], T]) -> "asyncio.Future[T]":
        """Ask the session for some of the past."""

        def doing() -> T:
            self.calls += 1
            return question(self._known())

        return self._asked(what, priority, doing)

    @property
    def doing(self) -> Call | None:
        """What it is at now; None while it waits."""
        return self._doing

    def does(self, asked: "asyncio.Future[Any]") -> bool:
        """Whether it is at that now, and not at something before it."""
        doing = self._doing
        return doing is not None and doing.done is asked

    async def close(self, seconds: float) -> bool:
        """Let go of everything; whether that was done within so many seconds. If not, the thread is abandoned.

        Of one that ended or was abandoned before there is nothing left to let go of.
        """
        if self._ending:
            return True
        done = self._asked("logout", CLOSE, self._let_go)
        self.abandon(but=done)
        await asyncio.wait((done,), timeout=seconds)
        self._edge.close()
        return done.done() and done.exception() is None

    def abandon(self, but: "asyncio.Future[Any] | None" = None) -> None:
        """Whoever waits hears that there is no session. The thread ends once it has done what it is at."""
        with self._room:
            left, self._waiting = self._waiting, [call for call in self._waiting if call.done is but]
            self._ending = True
            self._room.notify()
        if but is None:
            self._edge.close()
        doing = self._doing
        for call in (*left, *(() if doing is None else (doing,))):
            if call.done is not but:
                _fail(call.done, SessionLost(f"the {call.what} was given up: the session is let go of"))

    def _asked(self, what: str, priority: int, doing: Callable[[], T]) -> "asyncio.Future[T]":
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        with self._room:
            if len(self._waiting) >= MOST and priority > CLOSE:
                raise TooMuchAsked(f"{MOST} calls wait for FXCM already")
            self._sequence += 1
            heappush(self._waiting, Call(what, (priority, self._sequence), doing, done))
            self._room.notify()
        return done

    # --- on the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (call := self._next()) is not None:
            if not call.done.done():
                self._do(call)
        self._let_go()

    def _next(self) -> Call | None:
        with self._room:
            while not self._waiting:
                if self._ending:
                    return None
                self._room.wait()
            return heappop(self._waiting)

    def _do(self, call: Call) -> None:
        self._doing = call
        with _Telling(call, self._edge):
            answer = call.doing()
            self._edge.post(lambda: _answer(call.done, answer))
        self._doing = None

    def _known(self) -> Session:
        assert self._session is not None, "nothing is asked before the login"
        return self._session

    def _let_go(self) -> None:
        self._unsubscribe()
        session, self._session = self._session, None
        if session is not None:
            with suppress(SdkFailed):  # of one that was lost there is nothing left to log out of
                session.logout()

    def _unsubscribe(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            subscription.close()


class _Telling:
    """Within it whatever goes wrong is told to whoever waits for the call."""

    def __init__(self, call: Call, edge: Edge) -> None:
        self._call, self._edge = call, edge

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, _: TracebackType | None
    ) -> bool:
        if failure is not None:
            told = failure
            self._edge.post(lambda: _fail(self._call.done, told))
        return failure is not None


def _answer(done: "asyncio.Future[Any]", answer: object) -> None:
    if not done.done():
        done.set_result(answer)


def _fail(done: "asyncio.Future[Any]", failure: BaseException) -> None:
    if not done.done():
        done.set_exception(failure)
        done.exception()  # whoever waited for it may have gone

"""A session with FXCM as the loop sees it: how it stands, what may be asked of it, and who hears its prices.

When it is tried again is decided by whoever wants prices; here it is only done. That a session died is heard from the
SDK, or concluded from silence in an open market.
"""

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from pipeline.connections.contract import Outside
from pipeline.connections.troubles import CallFailed
from pipeline.connections.waiting import ended
from pipeline.errors import InputError
from pipeline.evidence import TroubleKind
from pipeline.fxcm.edge import Edge
from pipeline.fxcm.manner import Manner, Tally, call_failed
from pipeline.fxcm.port import Access, NotReady, Offer, Sdk, SdkFailed, SdkMissing, Session, SessionLost, SessionWord
from pipeline.fxcm.silence import Silence
from pipeline.fxcm.thread import LIVE, SdkThread
from pipeline.service import SessionState
from pipeline.times import SECOND

T = TypeVar("T")


class Listener:
    """Somebody who hears prices, until the connection ends."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[Sequence[Offer] | CallFailed] = asyncio.Queue()
        """Empty after each turn of the loop, however much comes: who hears takes all there is at once."""


class Connection:
    """One session after the other, on one thread after the other."""

    def __init__(
        self,
        sdk: Callable[[], Sdk],
        access: Callable[[], Access],
        host: Outside,
        tell: Callable[[TroubleKind, str], None],
        is_open: Callable[[], bool],
        manner: Manner,
    ) -> None:
        """`sdk` and `access` are asked for when they are needed; `tell` takes what goes wrong and is mended."""
        self._find, self._access, self._host, self._tell = sdk, access, host, tell
        self._is_open, self._manner = is_open, manner
        self.tally = Tally()
        self.state: SessionState = "connecting"
        self.since = host.now()
        self.on_change: Callable[[SessionState], None] = lambda _: None
        """Called on the loop whenever the state changes."""
        self.on_session: Callable[[], None] = lambda: None
        """Called on the loop whenever there is a new session, or one that was broken is whole again."""
        self.sdk = ""
        self.instruments: frozenset[str] = frozenset()
        """What the venue has prices of, as of the last login."""
        self.up = self._was_up = False
        self._ends: CallFailed | None = None
        self._thread: SdkThread | None = None
        self._edge: Edge | None = None
        self._token: object = None
        """Of the session whose word counts."""
        self._connecting: asyncio.Task[None] | None = None
        self._subscribed = False
        self._listeners: list[Listener] = []
        self._tasks = set[asyncio.Task[None]]()
        self._silence = Silence(round(manner.silent_after * SECOND), round(manner.lost_after * SECOND))

    @property
    def depth(self) -> int:
        """How much waits between the threads."""
        return 0 if self._edge is None else self._edge.depth

    # --- logging in --------------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        """Be logged in, whoever else wants that too; `CallFailed` when that does not work now."""
        if self._ends is not None:
            raise self._ends
        if self.up:
            return
        if self._connecting is None or self._connecting.done():
            self._connecting = self._work(self._log_in())
        await asyncio.shield(self._connecting)

    @property
    def connecting(self) -> bool:
        return self._connecting is not None and not self._connecting.done()

    async def _log_in(self) -> None:
        again = self._was_up
        self._stand("reconnecting" if again else "connecting")
        try:
            thread, access = self._ready_thread(), self._access()
            token = self._token = object()
            asked = thread.log_in(access, lambda word: self._hear(token, word))
            self.instruments = await self._answer(thread, asked, "login", self._manner.login_within)
            if token is not self._token:
                raise SessionLost("the session was lost as soon as it was there")
        except InputError as wrong:
            raise self._over(CallFailed("auth", str(wrong), final=True)) from None
        except SdkFailed as failure:
            raise self._failed(failure) from None
        self.tally.reconnects += again
        self.up, self._was_up, self._subscribed = True, True, False
        self._silence.heard(self._host.now())
        self._stand("connected")
        self.on_session()

    def _ready_thread(self) -> SdkThread:
        if self._thread is None:
            sdk = self._find()
            self.sdk = sdk.name
            self._edge = Edge(self._take, self.tally.crossed, self._manner.room)
            self._thread = SdkThread(sdk.session, self._edge)
        return self._thread

    # --- asking ------------------------------------------------------------------------------------------------------

    async def ask(self, what: str, question: Callable[[Session], T], priority: int = LIVE) -> T:
        """Ask the session for some of the past; `CallFailed` where it does not give it."""
        if self._thread is None or not self.up:
            raise CallFailed("network", f"no {what}: there is no session with FXCM now")
        self.tally.calls += 1
        try:
            return await self._answer(
                self._thread, self._thread.ask(what, priority, question), what, self._manner.call_within
            )
        except SdkFailed as failure:
            self.tally.failures += 1
            raise self._failed(failure) from None

    async def subscribe(self) -> None:
        """Hear prices anew; what was subscribed before is let go of."""
        if self._thread is None or not self.up:
            raise CallFailed("network", "no prices: there is no session with FXCM now")
        if self._subscribed:
            self._stand("resubscribing")
        token = self._token
        try:
            await self._answer(self._thread, self._thread.subscribe(), "subscription", self._manner.call_within)
        except SdkMissing as missing:  # history does without
            raise CallFailed("rule", str(missing), final=True) from None
        except SdkFailed as failure:
            raise self._failed(failure) from None
        if token is not self._token or not self.up:
            raise CallFailed("network", "the session with FXCM was lost while prices were subscribed to")
        self.tally.subscriptions += 1
        self._subscribed = True
        self._silence.anew(self._host.now())
        if self.state == "resubscribing":
            self._stand("connected")
        if not any(task.get_name() == "fxcm silence" for task in self._tasks):
            self._work(self._watch(), "fxcm silence")

    @contextmanager
    def listening(self) -> Generator[Listener]:
        listener = Listener()
        self._listeners.append(listener)
        try:
            yield listener
        finally:
            self._listeners.remove(listener)

    async def _answer(self, thread: SdkThread, asked: "asyncio.Future[T]", what: str, seconds: float) -> T:
        """What the thread answers. A call it never comes back from costs the thread, also one nobody waits for now."""
        before = thread.doing
        try:
            await asyncio.wait((asked,), timeout=seconds)
        finally:
            stuck = not asked.done() and thread.does(asked)
            if not asked.done() and not stuck:
                asked.cancel()
        if asked.done() and not asked.cancelled():
            return asked.result()
        hangs = what if stuck else before.what if before is not None and before is thread.doing else ""
        if hangs and thread is self._thread:
            self._tell(
                "network", f"the SDK did not come back from the {hangs} within {seconds:g} s; it gets another thread"
            )
            self._thread = None
            thread.abandon()
            self._lose(f"the SDK hangs in the {hangs}")
        raise SdkFailed(f"the {what} did not come within {seconds:g} s")

    def _failed(self, failure: SdkFailed) -> CallFailed:
        """A failure as whoever asked has to take it."""
        if isinstance(failure, SessionLost):
            self._lose(str(failure))
        self.tally.not_ready += isinstance(failure, NotReady)
        failed = call_failed(failure)
        return self._over(failed) if failed.final else failed

    def _over(self, failure: CallFailed) -> CallFailed:
        """There is nothing to be had until a person does something."""
        self._ends, self.up = failure, False
        self._stand("off")
        self._end_all(failure)
        return failure

    # --- what the session tells --------------------------------------------------------------------------------------

    def _hear(self, token: object, word: SessionWord) -> None:
        if token is not self._token:
            return
        if not self.up:
            if word == "lost":
                self._token = None  # before anybody knew of the session
            return
        match word:
            case "lost":
                self._lose("FXCM ended the session")
            case "reconnecting":
                self._stand("reconnecting")
            case "connected":
                self._whole()

    def _whole(self) -> None:
        """The SDK mended the session by itself: prices are subscribed to anew all the same."""
        if self.state == "reconnecting":
            self._stand("connected")
            self.on_session()
            if self._subscribed:
                self._work(self._subscribe_again())

    def _take(self, offers: Sequence[Offer]) -> None:
        self._silence.heard(self._host.now())
        if self.up:
            self._stand("streaming")
        for listener in self._listeners:
            listener.heard.put_nowait(offers)

    def _lose(self, why: str) -> None:
        if not self.up:
            return
        self.up = False
        self._stand("reconnecting")
        self._end_all(CallFailed("network", f"the session with FXCM is lost: {why}"))

    def _end_all(self, failure: CallFailed) -> None:
        for listener in self._listeners:
            listener.heard.put_nowait(failure)

    def _stand(self, state: SessionState) -> None:
        if state != self.state:
            self.state, self.since = state, self._host.now()
            self.on_change(state)

    # --- silence -----------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """See to it that prices come while a market is open."""
        while True:
            await self._host.until(self._silence.due(self._host.now()))
            expected = self.up and self._subscribed and self._is_open()
            verdict = self._silence.judge(self._host.now(), expected=expected)
            if not expected and self.up and self.state in ("streaming", "silent"):
                self._stand("connected")
            if verdict == "silent" and self.state != "reconnecting":
                self._stand("silent")
            elif verdict == "again" and self.state != "reconnecting":
                self._tell("rule", f"no prices for {self._manner.lost_after:g} s of open market; subscribed to anew")
                await self._subscribe_again()
            elif verdict in ("again", "lost"):
                self._lose("nothing came for too long in an open market")

    async def _subscribe_again(self) -> None:
        try:
            await self.subscribe()
        except CallFailed as failure:
            self._tell(failure.kind, str(failure))
            self._lose(str(failure))

    # --- the end -----------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Let go of the subscription, the session and the thread."""
        self._token, self.up = None, False
        thread, self._thread = self._thread, None
        for task in tuple(self._tasks):
            await ended(task)
        if thread is not None and not await thread.close(self._manner.close_within):
            self._tell("network", f"the SDK did not let go within {self._manner.close_within:g} s; it is left alone")

    def _work(self, doing: Any, name: str = "fxcm") -> "asyncio.Task[None]":
        task: asyncio.Task[None] = asyncio.ensure_future(doing)
        task.set_name(name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited for it may have gone

"""The thread on which the SDK is used: one thing after the other, what matters first, and never for ever."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Coroutine
from threading import Event, get_ident
from typing import Any

import pytest

from pipeline.fxcm.edge import Crossed, Edge
from pipeline.fxcm.port import Access, Candles, HearOffer, HearSession, Session, SessionLost, Subscription
from pipeline.fxcm.thread import LIVE, MOST, PAST, SdkThread, TooMuchAsked
from pipeline.fxcm.words import NO_CANDLES
from tests.fxcm_rig import ACCESS, DEADLINE
from tests.support import ROOT


class Noted:
    """A session that says what is done with it, in which order."""

    def __init__(self, done: list[str], number: int) -> None:
        self._done, self._number = done, number
        self.hear: HearSession | None = None
        self.gone = Event()

    def login(self, access: Access, hear: HearSession) -> frozenset[str]:
        self._done.append(f"login {self._number}")
        self.hear = hear
        return frozenset({access.user})

    def subscribe(self, hear: HearOffer) -> Subscription:
        self._done.append(f"subscribe {self._number}")
        return self

    def close(self) -> None:
        self._done.append(f"unsubscribe {self._number}")

    def history(self, instrument: str, tf: int, since: int, until: int, count: int) -> Candles:
        return NO_CANDLES

    def logout(self) -> None:
        self._done.append(f"logout {self._number}")
        self.gone.set()
        if self._number == 1:
            raise SessionLost("it was lost before")


class Bench:
    """A thread, what was done on it, and a way to keep it busy."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.sessions: list[Noted] = []
        self.gate, self.busy = Event(), Event()
        self.thread = SdkThread(self._made, Edge(lambda _: None, Crossed()))

    def _made(self) -> Session:
        self.sessions.append(Noted(self.done, len(self.sessions) + 1))
        return self.sessions[-1]

    def keep(self) -> "asyncio.Future[None]":
        """Have it wait until the gate is open; it may also stand open."""

        def waits(_: Session) -> None:
            self.busy.set()
            self.gate.wait(DEADLINE)

        return self.thread.ask("waiting", LIVE, waits)

    async def is_busy(self) -> None:
        assert await asyncio.to_thread(self.busy.wait, DEADLINE)


def play(test: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        bench = Bench()
        try:
            async with asyncio.timeout(DEADLINE):
                await bench.thread.log_in(ACCESS, lambda _: None)
                await test(bench)
        finally:
            bench.gate.set()
            await bench.thread.close(DEADLINE)

    asyncio.run(whole())


def note(bench: Bench, what: str) -> Callable[[Session], None]:
    return lambda _: bench.done.append(what)


def test_what_is_wanted_now_goes_before_what_is_long_past_and_a_login_before_both() -> None:
    async def test(bench: Bench) -> None:
        bench.keep()
        await bench.is_busy()
        asked: list[asyncio.Future[Any]] = [
            bench.thread.ask("a", PAST, note(bench, "past")),
            bench.thread.ask("b", LIVE, note(bench, "now")),
            bench.thread.ask("c", LIVE, note(bench, "now, later")),
            bench.thread.subscribe(),
            bench.thread.log_in(ACCESS, lambda _: None),
        ]
        bench.gate.set()
        await asyncio.gather(*asked)
        assert bench.done[1:] == ["logout 1", "login 2", "subscribe 2", "now", "now, later", "past"]

    play(test)


def test_a_new_subscription_ends_the_one_before_and_a_new_login_both() -> None:
    async def test(bench: Bench) -> None:
        await bench.thread.subscribe()
        await bench.thread.subscribe()
        await bench.thread.log_in(ACCESS, lambda _: None)
        await bench.thread.subscribe()
        assert bench.done == [
            *("login 1", "subscribe 1", "unsubscribe 1", "subscribe 1", "unsubscribe 1", "logout 1"),
            *("login 2", "subscribe 2"),
        ]
        assert await bench.thread.close(DEADLINE)
        assert bench.done[-2:] == ["unsubscribe 2", "logout 2"]

    play(test)


def test_so_much_may_wait_and_no_more() -> None:
    async def test(bench: Bench) -> None:
        bench.keep()
        await bench.is_busy()
        asked = [bench.thread.ask("one", LIVE, note(bench, "one")) for _ in range(MOST)]
        with pytest.raises(TooMuchAsked, match="64 calls wait"):
            bench.thread.ask("one too many", LIVE, note(bench, "never"))
        bench.gate.set()
        await asyncio.gather(*asked)
        assert bench.done.count("one") == MOST
        assert "never" not in bench.done

    play(test)


def test_who_no_longer_waits_is_not_answered_and_nothing_is_asked_for_him() -> None:
    async def test(bench: Bench) -> None:
        bench.keep()
        await bench.is_busy()
        asked = bench.thread.ask("a", LIVE, note(bench, "never"))
        asked.cancel()
        bench.gate.set()
        await bench.thread.ask("b", PAST, note(bench, "last"))
        assert "never" not in bench.done

    play(test)


def test_a_failure_of_any_kind_goes_to_whoever_asked_and_the_thread_lives() -> None:
    async def test(bench: Bench) -> None:
        def fails(_: Session) -> None:
            raise KeyError("odd")

        with pytest.raises(KeyError, match="odd"):
            await bench.thread.ask("a", LIVE, fails)
        assert await bench.thread.ask("b", LIVE, lambda _: get_ident()) != get_ident()

    play(test)


def test_a_thread_that_is_abandoned_fails_all_who_wait_and_lets_go_when_it_comes_back() -> None:
    async def test(bench: Bench) -> None:
        kept = bench.keep()
        await bench.is_busy()
        other = bench.thread.ask("b", LIVE, note(bench, "never"))
        assert bench.thread.does(kept)
        assert not bench.thread.does(other)
        bench.thread.abandon()
        for each in (kept, other):
            with pytest.raises(SessionLost, match="given up"):
                await each
        bench.gate.set()
        assert await asyncio.to_thread(bench.sessions[0].gone.wait, DEADLINE)
        assert bench.done == ["login 1", "logout 1"]

    play(test)


def test_the_end_takes_no_longer_than_it_may_whatever_the_sdk_does() -> None:
    async def test(bench: Bench) -> None:
        kept = bench.keep()
        await bench.is_busy()
        assert not await bench.thread.close(0.05)
        with pytest.raises(SessionLost):
            await kept

    play(test)


def test_a_word_of_the_session_comes_over_on_the_loop() -> None:
    async def test(bench: Bench) -> None:
        heard: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
        await bench.thread.log_in(ACCESS, lambda word: heard.put_nowait((word, get_ident())))
        hear = bench.sessions[-1].hear
        assert hear is not None
        await asyncio.to_thread(hear, "lost")
        assert await heard.get() == ("lost", get_ident())

    play(test)


def test_nothing_of_the_sdks_side_knows_redis_or_a_channel() -> None:
    script = (
        "import sys, pipeline.fxcm.feed, pipeline.fxcm.practice, pipeline.fxcm.forexconnect\n"
        "known = ('redis', 'prometheus_client', 'pipeline.channels', 'pipeline.publishing', 'forexconnect')\n"
        "sys.exit(', '.join(name for name in known if name in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

"""Strategies that hog the program: interrupted, told by name, paused, and nothing of anybody else's changed."""

import asyncio
import hashlib
import io
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.engine import Setting, running
from pipeline.errors import PlanError
from pipeline.hogging.alarm import Alarm
from pipeline.hogging.bounded import budget_of, interrupts, patience_of
from pipeline.hogging.limits import WAITS, Interrupts, Overrun
from pipeline.hogging.patience import AtWork, Hogged
from pipeline.hogging.pauses import LONGEST, Pauses, Resting
from pipeline.hogging.watcher import Watcher
from pipeline.journal import Journal, interruptions, plain
from pipeline.plan import Settings
from pipeline.standstills import Pulse
from pipeline.times import HOUR, MINUTE, SECOND
from pipeline.trying import NoRecords
from pipeline.values import Columns, Decisions, Fault
from pipeline.verifying import verified
from tests.hogs import BESIDE, HOG, OTHERS
from tests.support import MONDAY, plan_of

END = MONDAY + 20 * MINUTE
WAYS = ("spins", "swallows", "multiplies", "recurses", "waits", "gives_up_late", "wants_to_end_the_program")
posix = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="interrupts by a signal")


class Played:
    """What a flow with or without a hog told until its end, and for how long at the most nothing else ran."""

    def __init__(self, folder: Path, text: str, session: Path | None = None) -> None:
        self.told: list[tuple[str, Any]] = []
        self.turns: list[float] = []
        (folder / "hog.py").write_text(HOG, encoding="utf-8")
        self.plan = plan_of(text, folder)
        journal = Journal(session, self.plan, MONDAY) if session is not None else None
        with patience_of(self.plan) as patience:
            asyncio.run(self._whole(Setting(mode="paper", begin=MONDAY, speed=2000, patience=patience), journal))
        if journal is not None:
            journal.close()

    async def _whole(self, setting: Setting, journal: Journal | None) -> None:
        turning = asyncio.ensure_future(self._turn())
        try:
            async with (
                asyncio.timeout(30),
                running(self.plan, setting, NoRecords(), None, journal=journal, taps=(self._tell,)) as flow,
            ):
                await flow.border.until(END)
        finally:
            turning.cancel()

    async def _turn(self) -> None:
        while True:
            self.turns.append(time.monotonic())
            await asyncio.sleep(0.01)

    def _tell(self, node: str, value: Any) -> None:
        self.told.append((node, value))

    @property
    def longest(self) -> float:
        return max(later - earlier for earlier, later in pairwise(self.turns))

    def decisions(self, account: str) -> list[Any]:
        return [plain(each) for _, each in self.told if isinstance(each, Decisions) and each.account == account]

    def of(self, kind: type[Any]) -> list[Any]:
        return [each for _, each in self.told if isinstance(each, kind)]


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    return Played(tmp_path_factory.mktemp("without"), OTHERS).decisions("demo-1")


@posix
@pytest.mark.parametrize(
    "way", [way if way in ("spins", "swallows", "waits") else pytest.param(way, marks=pytest.mark.slow) for way in WAYS]
)
def test_a_strategy_that_hogs_is_named_and_paused_and_whoever_trades_beside_it_decides_the_same_in_time(
    way: str, without: list[Any], tmp_path: Path
) -> None:
    played = Played(tmp_path, BESIDE.replace("WAY", way), tmp_path / "session")
    assert played.decisions("demo-1") == without
    assert played.longest < 5  # seconds: three budgets of 50 ms, and whatever else a machine does meanwhile
    first, *_, last = [each for each in played.of(Fault) if each.node == "providers.hog"]
    if way == "wants_to_end_the_program":
        assert first.what == "RuntimeError: it wanted to end the program"
        return
    assert first.what.startswith("Hogged: EURUSD 1m: no answer after ")
    assert "(hog.py line " in first.what
    assert last.what.endswith("again after a pause: it is not asked for 2 min")
    pauses = played.of(Resting)
    assert [each.until > 0 for each in pauses[:4]] == [True, False, True, False]
    assert {each.node for each in pauses} == {"providers.hog"}


@posix
def test_a_session_with_a_hog_is_made_again_link_by_link_without_running_into_it(tmp_path: Path) -> None:
    played = Played(tmp_path, BESIDE.replace("WAY", "waits"), tmp_path / "session")
    cost = sum(each.millis for each in interruptions(tmp_path / "session")) / 1000
    assert cost > len(played.of(Resting)) * 0.05
    begun = time.thread_time()
    verdict = verified(tmp_path / "session", tmp_path)
    assert (verdict.whole, verdict.difference) == (True, None)
    assert verdict.same == verdict.links > 500
    assert time.thread_time() - begun < 10  # one that is run into never comes back


@posix
def test_each_bar_says_which_strategy_failed_it_and_that_it_is_not_asked_for_a_while(tmp_path: Path) -> None:
    played = Played(tmp_path, BESIDE.replace("WAY", "spins"))
    bars = [each for each in played.of(Decisions) if each.account == "demo-2"]
    words = {gate.word for each in bars for gates in each.explained.values() for gate in gates if gate.verdict == "no"}
    assert any(word.startswith("hog: Hogged: EURUSD 1m: no answer after ") for word in words)
    assert any(word.startswith("hog: it hogged the program, and is not asked for another ") for word in words)
    assert {each.gates[verdict] for each in bars for verdict in each.verdict.tolist() if verdict >= 0} >= {"fault"}


# --- interrupting ----------------------------------------------------------------------------------------------------


@pytest.fixture(params=[Alarm, Watcher], ids=["alarm", "watcher"])
def bounds(request: pytest.FixtureRequest) -> Iterator[Interrupts]:
    if request.param is Alarm and not hasattr(signal, "setitimer"):
        pytest.skip("interrupts by a signal")
    with request.param() as made:
        yield made


def test_who_answers_in_time_has_all_of_it_and_what_he_raises_goes_through(bounds: Interrupts) -> None:
    def raises() -> int:
        raise KeyError("no such column")

    assert bounds.ask(lambda: 42, 0.05) == 42
    with pytest.raises(KeyError, match="no such column"):
        bounds.ask(raises, 0.05)


def test_who_never_comes_back_is_interrupted_though_he_catches_everything(bounds: Interrupts) -> None:
    def swallows() -> int:
        while True:
            with suppress(BaseException):
                sum(range(50))

    with pytest.raises(Overrun) as overrun:
        bounds.ask(swallows, 0.02)
    assert overrun.value.millis >= 20


def test_an_answer_that_came_too_late_is_none(bounds: Interrupts) -> None:
    def late() -> str:
        with suppress(BaseException):
            while True:
                pass
        return "sorry"

    with pytest.raises(Overrun):
        bounds.ask(late, 0.02)


def test_one_busy_with_what_is_not_pythons_own_is_named_once_that_returns(bounds: Interrupts) -> None:
    def hashes() -> bytes:
        return hashlib.pbkdf2_hmac("sha256", b"a", b"b", 1_000_000)

    with pytest.raises(Overrun) as overrun:
        bounds.ask(hashes, 0.01)
    assert overrun.value.millis >= 10


def test_no_interrupt_ever_comes_when_nobody_is_asked_any_more(bounds: Interrupts) -> None:
    seconds = 0.0005

    def about(share: float) -> float:
        until = time.monotonic() + share * seconds
        while time.monotonic() < until:
            pass
        return share

    ends = 0
    for number in range(600):
        share = (0.9, 1.0, 1.1, WAITS * 0.99, WAITS * 1.01)[number % 5]
        try:
            assert bounds.ask(lambda: about(share), seconds) == share  # noqa: B023  # asked at once
        except Overrun:
            ends += 1
        assert sum(range(20)) == 190
    assert 0 < ends < 600


@posix
def test_a_signal_of_somebody_elses_is_taken_whole_though_the_time_is_up() -> None:
    taken: list[str] = []

    def takes(_: int, __: object) -> None:
        taken.append("begun")
        until = time.monotonic() + 0.1
        while time.monotonic() < until:
            pass
        taken.append("ended")

    def spins() -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        while True:
            pass

    before = signal.signal(signal.SIGUSR1, takes)
    try:
        with Alarm() as alarm, pytest.raises(Overrun):
            alarm.ask(spins, 0.02)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert taken == ["begun", "ended"]


def test_where_a_signal_reaches_nobody_a_thread_watches() -> None:
    made: list[Interrupts] = []
    beside = threading.Thread(target=lambda: made.append(interrupts()))
    beside.start()
    beside.join()
    assert isinstance(made[0], Watcher)


# --- pauses ----------------------------------------------------------------------------------------------------------


def interrupted(pauses: Pauses, *moments: int) -> list[Resting | None]:
    return [pauses.interrupted("a", at) for at in moments]


def test_three_interruptions_within_a_minute_pause_a_strategy_and_three_in_a_row_do() -> None:
    pause = Resting("a", 3, 3 + 30 * SECOND, "3 times within a minute")
    assert interrupted(Pauses(), 1, 2, 3) == [None, None, pause]
    apart = (1, 5 * MINUTE, 10 * MINUTE)
    row = Resting("a", 10 * MINUTE, 10 * MINUTE + 30 * SECOND, "3 times in a row")
    assert interrupted(Pauses(), *apart) == [None, None, row]
    pauses = Pauses()
    for at in apart:
        assert pauses.interrupted("a", at) is None
        pauses.answered("a", at + 1)


def test_each_pause_is_twice_as_long_as_the_one_before_up_to_an_hour() -> None:
    pauses, at, lengths = Pauses(), 0, list[int]()
    interrupted(pauses, 0, 0)
    while len(lengths) < 9:
        pause = pauses.interrupted("a", at)
        assert pause is not None
        lengths.append(pause.until - at)
        at = pause.until
    assert lengths == [30_000 * 2**k for k in range(7)] + [LONGEST, HOUR]


def test_a_pause_ends_with_its_time_which_is_told_once_and_others_are_asked_all_along() -> None:
    pauses = Pauses()
    interrupted(pauses, 0, 0, 0)
    assert (pauses.until("a", 29_999), pauses.until("b", 29_999)) == (30_000, 0)
    assert pauses.until("a", 30_000) == 0
    assert pauses.resumed("a", 30_000) == Resting("a", 30_000, 0)
    assert pauses.resumed("a", 30_001) is None


def test_who_answers_in_time_for_as_long_as_he_was_paused_begins_anew() -> None:
    pauses = Pauses()
    interrupted(pauses, 0, 0, 0, 30_000)
    for at in range(2 * MINUTE, 4 * MINUTE, MINUTE // 2):
        pauses.answered("a", at)
    assert interrupted(pauses, 4 * MINUTE, 4 * MINUTE) == [None, None]


# --- what is said and what can be set --------------------------------------------------------------------------------


@posix
def test_the_budget_of_the_flow_file_is_the_one_that_holds_and_off_waits_for_as_long_as_it_takes(
    tmp_path: Path,
) -> None:
    late = BESIDE.replace("WAY", "answers_late")
    for budget, told in (("20ms", True), ("5s", False), ("off", False)):
        text = late.replace("block = 64", f'block = 64\nstrategy_budget = "{budget}"')
        assert bool(Played(tmp_path, text).of(Resting)) is told, budget


@posix
def test_a_budget_that_changes_with_the_flow_holds_from_the_next_call_on(tmp_path: Path) -> None:
    (tmp_path / "hog.py").write_text(HOG, encoding="utf-8")
    plan = plan_of(OTHERS, tmp_path)
    nothing = np.zeros(1, np.int64)
    columns = Columns("EURUSD", MINUTE, nothing, nothing, np.ones(1, np.bool_), {}, 1)

    def takes_a_while() -> str:
        until = time.thread_time() + 0.1
        while time.thread_time() < until:
            pass
        return "done"

    with patience_of(plan) as patience:
        with pytest.raises(Hogged):
            patience.ask("providers.a", columns, 0, print, takes_a_while)
        patience.budget = budget_of(replace(plan, settings=Settings(strategy_budget="off")))
        assert patience.ask("providers.a", columns, 0, print, takes_a_while) == "done"


def test_a_budget_of_nothing_is_refused_in_a_sentence() -> None:
    assert Settings().strategy_budget == "50ms"
    with pytest.raises(PlanError) as refused:
        plan_of(OTHERS.replace("block = 64", 'block = 64\nstrategy_budget = "0ms"'))
    assert "strategy_budget" in str(refused.value)


def test_who_keeps_a_program_busy_is_named_while_he_does_and_afterwards() -> None:
    written = io.StringIO()
    busy = AtWork("providers.hog", "EURUSD", 60_000, time.monotonic() - 60)
    pulse = Pulse(lambda: busy, written)
    try:
        deadline = time.monotonic() + 10
        while not written.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)  # noqa: TID251  # a thread beside us is waited for
        assert written.getvalue().endswith("providers.hog on EURUSD 1m does not come back\n")
        assert pulse.busy_with() == "providers.hog on EURUSD 1m"
    finally:
        pulse.close()
    assert written.getvalue().count("does not come back") == 1

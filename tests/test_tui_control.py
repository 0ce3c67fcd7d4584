"""Keys started and stopped from the console, on an engine that trades: what counts is what became of them there."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from pipeline.view import KeyName
from tests.api_engine import EAGER_FLOW, SPEED, Engine, on_engine
from tests.api_engine import until as engine_until
from tests.screens import beside_an_engine, screen_text
from tui.app import Console
from tui.asking import Engine as Asked
from tui.brake import Brake
from tui.door import find
from tui.keys.naming import Part, parts_of
from tui.link import Link
from tui.settings import Settings
from tui.shell import Shell
from tui.store import Store


class Sitting:
    """A console attached to an engine that runs."""

    def __init__(self, app: Console, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def until(self, true: Callable[[], object]) -> None:
        async def look() -> bool:
            await self.pilot.pause(0.02)
            return bool(true())

        latest = monotonic() + 15
        while not await look():
            assert monotonic() < latest, screen_text(self.app)

    async def shows(self, *texts: str) -> None:
        await self.until(lambda: all(text in screen_text(self.app) for text in texts))

    async def answers(self, key: str) -> None:
        """Answer a dialog; a new one is deaf for a moment."""
        while len(self.app.screen_stack) > 1:
            await self.press(key)


@asynccontextmanager
async def attached(engine: Engine, page: str = "keys") -> AsyncGenerator[Sitting]:
    folder = engine.plan.folder
    store = Store(since=monotonic())
    shell = Shell(store, Asked(lambda: find(None, folder)), monotonic, folder / "flows.toml", Settings())
    app = Console(
        shell, Link(store, lambda: find(None, folder), monotonic), Brake(lambda: find(None, folder), folder), page=page
    )
    async with beside_an_engine(app) as pilot:
        sitting = Sitting(app, pilot)
        await sitting.until(lambda: store.status and store.keys)
        yield sitting


def lives(engine: Engine) -> dict[KeyName, str]:
    """What each key is, by the engine itself."""
    return {row.name: row.life for row in engine.watch.keys(0).rows}


def stopped(engine: Engine) -> set[tuple[str, str]]:
    return {(name.product, name.timeframe) for name, life in lives(engine).items() if life in ("STOPPING", "STOPPED")}


SLOWER = 240


def sitting_at(folder: Path, check: Callable[[Engine], Awaitable[None]]) -> None:
    """Check an engine whose minutes take a quarter of a second: a console is busy enough by itself."""
    on_engine(folder, check, EAGER_FLOW.replace(f"speed = {SPEED}", f"speed = {SLOWER}"), speed=SLOWER)


EVERY = {(product, tf) for product in ("EURUSD", "BTCUSD") for tf in ("1m", "5m")}


def test_s_stops_the_key_under_the_cursor_and_u_starts_it_again_once_control_is_taken(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        async with attached(engine) as console:
            await console.press("s")
            await console.shows("this console only looks; ^y takes control")
            await console.press("ctrl+y", "s")
            await console.shows("1 key stopped · u takes it back")
            await engine_until(lambda: stopped(engine) == {("EURUSD", "1m")})
            await console.shows("■ STOPPED")
            await console.press("u")
            await console.shows("1 key started")
            await engine_until(lambda: not stopped(engine))
            await console.press("u")
            await console.shows("nothing to take back")

    sitting_at(tmp_path, check)


@pytest.mark.slow
def test_several_keys_are_stopped_after_a_yes_that_says_what_follows_and_their_marks_stay(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        async with attached(engine) as console:
            await console.press("ctrl+y", "slash", *"1m", "enter", "ctrl+a", "s")
            await console.shows("stop 2 keys", "1m", "2 keys will not be traded from their next bar on")
            await console.answers("enter")
            assert not stopped(engine)
            await console.press("s")
            await console.shows("stop 2 keys")
            await console.answers("y")
            await console.shows("2 keys stopped", "2 marked")
            await engine_until(lambda: stopped(engine) == {("EURUSD", "1m"), ("BTCUSD", "1m")})
            await console.until(lambda: screen_text(console.app).count("■ STOPPED") == 2)
            await console.press("s")
            await console.shows("2 keys started")
            await engine_until(lambda: not stopped(engine))

    sitting_at(tmp_path, check)


@pytest.mark.slow
def test_a_starts_only_the_keys_of_a_product_or_a_timeframe_and_u_takes_that_back(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        async with attached(engine) as console:
            await console.press("ctrl+y", "A")
            await console.shows("Start only the keys of", "◂ EURUSD ▸", "2 keys will be stopped")
            await console.press("down", "right")
            await console.shows("◂ 1m ▸", "3 keys will be stopped", "1 key may be traded")
            await console.answers("y")
            await console.shows("1 of 4 keys are started: EURUSD 1m")
            await engine_until(lambda: stopped(engine) == EVERY - {("EURUSD", "1m")})
            await console.press("u")
            await engine_until(lambda: not stopped(engine))
            await console.press("A")
            await console.shows("Start only the keys of")
            await console.answers("escape")
            assert not stopped(engine)

    sitting_at(tmp_path, check)


def test_the_chart_says_why_a_bar_of_a_running_engine_was_decided_so(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        await engine_until(lambda: engine.verdicts().count("trade") > 2)
        async with attached(engine, "chart") as console:
            await console.shows("candles", "Votes", "cross", "score", "✔ vote")

    sitting_at(tmp_path, check)


names = st.builds(
    KeyName, st.sampled_from(("a", "b", "c")), st.sampled_from(("X", "Y", "Z")), st.sampled_from(("1m", "5m"))
)


@given(st.sets(names, min_size=1), st.data())
def test_parts_hold_the_keys_they_are_of_and_no_others(every: set[KeyName], data: st.DataObject) -> None:
    wanted = data.draw(st.sets(st.sampled_from(sorted(every))))
    parts = parts_of(wanted, every)
    assert {name for name in every if any(part.holds(name) for part in parts)} == wanted
    assert len(parts) <= len(wanted)


def test_whole_accounts_products_and_timeframes_are_one_part_each() -> None:
    every = [KeyName(account, product, tf) for account in "ab" for product in ("X", "Y") for tf in ("1m", "5m")]
    assert parts_of(every, every) == [Part("", "", "")]
    assert parts_of([name for name in every if name.account == "a"], every) == [Part("a", "", "")]
    assert parts_of([name for name in every if name.product == "X"], every) == [Part("", "X", "")]
    assert parts_of(every[:1], every) == [Part(*every[0])]
    assert parts_of(every[:1], every[:1]) == [Part(*every[0])]
    of_both = [name for name in every if name.timeframe == "1m" or name.account == "b"]
    assert parts_of(of_both, every) == [Part("", "", "1m"), Part("b", "", "")]

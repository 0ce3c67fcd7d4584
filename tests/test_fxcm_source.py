"""The source `fxcm` as a flow has it: on the practice SDK's own threads, with a clock that goes fast."""

import asyncio
import re
from collections.abc import Callable
from itertools import pairwise, permutations
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from pipeline import virtual
from pipeline.border import Border
from pipeline.calendar import Calendars
from pipeline.clocks import LoopClock
from pipeline.errors import InputError, PlanError
from pipeline.evidence import Trouble
from pipeline.fxcm.reporting import Reporter
from pipeline.market import Market
from pipeline.plan import Plan
from pipeline.service import FeedReport, Pace, Pressure, Quota
from pipeline.steps import Tube
from pipeline.times import MINUTE, SECOND
from pipeline.trying import NoRecords
from pipeline.values import Bars, Gap, Quotes
from sources.fxcm import Fxcm
from tests.scripted import border
from tests.support import MONDAY, plan_of

M1, M5 = MINUTE, 5 * MINUTE
SPEED = 200.0
PRODUCTS = ("EURUSD", "BTCUSD")
Act = tuple[float, Callable[[Tube[Any]], None]]
Enough = Callable[[list[Any]], bool]


def lived(source: Fxcm, seconds: float, *acts: Act, folder: Path, enough: Enough = lambda _: True) -> list[Any]:
    """What a flow is given in so many seconds of its clock, from Monday 10:00 on, and then until it is enough."""
    given: list[Any] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        host = Border(
            mode="paper",
            base=folder,
            folder=folder,
            flow="flow",
            clock=LoopClock(loop, MONDAY, source.speed),
            history={M1: 3},
            ledger=NoRecords(),
            calendars=Calendars(),
        )
        asks, failures = Tube[Any](), list[Exception]()
        done = asyncio.Event()

        def take(item: Any) -> None:
            given.append(item)
            if enough(given):
                done.set()

        subscription = source(host, asks).subscribe(take, failures.append)
        for at, act in acts:
            host.at(MONDAY + round(at * SECOND), lambda act=act: act(asks))
        await host.until(MONDAY + round(seconds * SECOND))
        async with asyncio.timeout(20):
            await done.wait()
        subscription.dispose()
        await host.left()
        for failure in failures:
            raise failure

    asyncio.run(main())
    return given


def practice(**keys: Any) -> Fxcm:
    """On a machine that is busy a bar may be late by minutes of such a clock."""
    usual: dict[str, Any] = {"products": PRODUCTS, "sdk": "practice", "speed": SPEED, "late_after": "1h"}
    return Fxcm(**(usual | keys))


def finals(given: list[Any], product: str = "EURUSD", tf: int = M1) -> list[int]:
    return [
        int(at)
        for item in given
        if isinstance(item, Bars) and item.fresh and (item.product, item.tf) == (product, tf)
        for at in item.open_ts[len(item) - item.fresh :]
    ]


def reports(given: list[Any]) -> list[FeedReport]:
    return [item for item in given if isinstance(item, FeedReport)]


def has(count: int, tf: int) -> Enough:
    """So many final bars of each product."""
    return lambda given: all(len(finals(given, product, tf)) >= count for product in PRODUCTS)


def is_off(given: list[Any]) -> bool:
    return reports(given)[-1].session == "off"


def test_quotes_come_and_final_bars_of_history_each_once_with_the_markets_own_prices(tmp_path: Path) -> None:
    def enough(given: list[Any]) -> bool:
        told = reports(given)
        return (
            told[-1].history_calls >= 12 and told[-1].session == "streaming" and has(5, M1)(given) and has(1, M5)(given)
        )

    given = lived(practice(), 0, folder=tmp_path, enough=enough)
    for product in PRODUCTS:
        market = Market(product, 42)
        assert finals(given, product)[:5] == [MONDAY + minute * M1 for minute in range(5)]
        assert finals(given, product, M5)[0] == MONDAY
        bars = [item for item in given if isinstance(item, Bars) and item.product == product and item.fresh]
        minutes = [item for item in bars if item.tf == M1]
        closes, volumes = (
            np.concatenate([getattr(item, name) for item in minutes])[:5] for name in ("close", "volume")
        )
        own = market.bars(M1, MONDAY, MONDAY + M5)
        assert closes.tolist() == pytest.approx(own.close.tolist(), abs=1e-9)
        assert volumes.tolist() == [5 * int(ticks) for ticks in own.ticks]
        assert all((item.final_at >= item.open_ts + item.tf + SECOND).all() for item in bars)
        assert sum(len(item) for item in given if isinstance(item, Quotes) and item.product == product) > 50
    first = next(item for item in given if isinstance(item, Bars))
    assert first.fresh == 0
    assert int(first.open_ts[0]) < MONDAY, "what is before comes as context"
    last = reports(given)[-1]
    assert (last.session, last.sdk, last.history_ready) == ("streaming", "practice", True)
    assert set(last.pace) == {"1m", "5m"}
    assert last.quota is not None
    assert last.quota.minute > 0
    assert last.ticks > 100
    assert last.history_calls >= 12


def test_a_session_that_is_lost_for_seventy_seconds_costs_no_bar(tmp_path: Path) -> None:
    def enough(given: list[Any]) -> bool:
        last = reports(given)[-1]
        return has(4, M1)(given) and last.reconnects == 1 and last.session == "streaming" and not last.backoff_seconds

    given = lived(
        practice(speed=120.0, misfortunes=("session_lost at 100s for 70s",)), 0, folder=tmp_path, enough=enough
    )
    for product in PRODUCTS:
        bars = finals(given, product)
        assert bars == [MONDAY + minute * M1 for minute in range(len(bars))]
    sessions = [report.session for report in reports(given)]
    assert "reconnecting" in sessions
    assert sessions[-1] == "streaming"
    last = reports(given)[-1]
    assert last.reconnects == 1
    assert last.subscriptions >= 2
    assert "session" in last.last_error
    assert any(report.backoff_seconds > 0 for report in reports(given))
    assert last.backoff_seconds == 0


def test_finals_of_quotes_are_left_to_the_window(tmp_path: Path) -> None:
    given = lived(
        practice(finals="quotes"),
        130,
        folder=tmp_path,
        enough=lambda given: any(isinstance(item, Quotes) for item in given),
    )
    assert not finals(given)
    assert practice(finals="quotes").final_timeframes() == ()
    assert reports(given)[-1].pace == {}
    assert any(isinstance(item, Quotes) for item in given)


def test_bars_that_are_asked_for_come_as_history(tmp_path: Path) -> None:
    gap = Gap("EURUSD", M1, MONDAY - 30 * M1, MONDAY - 10 * M1, MONDAY)

    def mended_in(given: list[Any]) -> list[Bars]:
        return [item for item in given if isinstance(item, Bars) and len(item) == 20]

    given = lived(
        practice(), 0, (20.0, lambda asks: asks.give(gap)), folder=tmp_path, enough=lambda given: bool(mended_in(given))
    )
    mended = mended_in(given)
    assert [(item.product, item.fresh, int(item.open_ts[0])) for item in mended] == [("EURUSD", 0, gap.since)]


def test_under_pressure_it_waits_with_its_bars(tmp_path: Path) -> None:
    full = (30.0, pressed(full=True))
    given = lived(practice(), 100, full, folder=tmp_path)
    assert not finals(given)
    room = (140.0, pressed(full=False))
    given = lived(practice(), 140, full, room, folder=tmp_path, enough=has(2, M1))
    assert finals(given)[:2] == [MONDAY, MONDAY + M1]


def pressed(*, full: bool) -> Callable[[Tube[Any]], None]:
    return lambda asks: asks.give(Pressure(full=full, at=0))


def test_without_the_sdk_one_sentence_says_what_to_do_and_the_flow_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # where no other Python has it either
    given = lived(Fxcm(products=("EURUSD",), account="mine"), 0, folder=tmp_path, enough=is_off)
    troubles = {item.what for item in given if isinstance(item, Trouble)}
    assert any("forexconnect" in what and "docs/fxcm.md" in what for what in troubles)
    assert reports(given)[-1].session == "off"


def test_a_login_that_is_refused_is_tried_once(tmp_path: Path) -> None:
    given = lived(practice(misfortunes=("login_refused at 0s for 1h",)), 100, folder=tmp_path, enough=is_off)
    assert reports(given)[-1].session == "off"
    assert any(item.kind == "auth" for item in given if isinstance(item, Trouble))
    assert reports(given)[-1].reconnects == 0


def test_a_replay_has_no_network() -> None:
    async def main(_: virtual.VirtualLoop) -> None:
        with pytest.raises(InputError, match="a replay has no network"):
            practice()(border("replay"), Tube())

    virtual.run(main)


def test_its_past_can_be_asked_for_without_a_flow(tmp_path: Path) -> None:
    class Here:
        base = tmp_path

        def now(self) -> int:
            return MONDAY + 5 * SECOND

        async def until(self, at: int) -> None:
            await asyncio.sleep(0)

    async def main() -> Bars:
        feed = practice(max_history_calls_per_minute=100).feed(Here(), print)
        try:
            return await feed.history("BTCUSD", M1, MONDAY - 700 * M1, MONDAY)
        finally:
            await feed.close()

    bars = asyncio.run(main())
    assert bars.open_ts.tolist() == [MONDAY - each * M1 for each in range(700, 0, -1)]


def test_a_practice_clock_begins_when_it_is_told_to() -> None:
    source = practice(begins="2026-01-05T08:00:00Z")
    assert asyncio.run(source.clock_of()) == source.begins_at == MONDAY - 120 * MINUTE
    assert practice().begins_at is None


def test_the_same_seed_gives_the_same_bars_and_another_one_others(tmp_path: Path) -> None:
    def close(seed: int) -> float:
        source = practice(seed=seed, products=("EURUSD",))
        given = lived(source, 0, folder=tmp_path, enough=lambda given: bool(finals(given)))
        return next(float(item.close[0]) for item in given if isinstance(item, Bars) and item.fresh)

    assert close(1) == close(1) != close(2)


# --- its keys ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ({"history_timeframes": ("2m",)}, "history_timeframes has 2m, and FXCM's bars are"),
        ({"history_timeframes": ("1m", "60s")}, "history_timeframes"),
        ({"history_timeframes": ("1m", "1m")}, "names one twice"),
        ({"poll_least": 30.0}, "poll_least is 30, more than poll_most"),
        ({"tick_live": "2m", "tick_idle": "60s"}, "tick_live is 2m"),
        ({"products": ("GER40",)}, "symbols does not say what GER40 is called at FXCM"),
        ({"misfortunes": ("rain at 1s for 2s",)}, "misfortunes names 'rain'"),
        ({"misfortunes": ("soon",)}, "misfortunes"),
        ({"priority": ("USDJPY",)}, "priority names 'USDJPY'"),
        ({"begins": "soon"}, "is not a moment"),
        ({"begins": "1999-01-01T00:00:00Z"}, "is not from 2015 to 2044"),
        ({"sdk": "forexconnect"}, "account is missing"),
        ({"sdk": "forexconnect", "account": "a", "speed": 2.0}, "only a practice SDK's clock"),
        ({"sdk": "forexconnect", "account": "a", "begins": "2026-01-05T08:00:00Z"}, "begins is for a practice SDK"),
        ({"sdk": "forexconnect", "account": "a", "misfortunes": ("silent at 1s for 2s",)}, "misfortunes are for"),
        ({"url": "fxcm"}, "url"),
        ({"max_history_calls_per_minute": 0}, "max_history_calls_per_minute"),
        ({"warn_share": 1.5}, "warn_share"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(keys: dict[str, Any], what: str) -> None:
    with pytest.raises(PlanError) as refused:
        flow(**keys)
    assert what in str(refused.value)
    assert len(refused.value.problems) == 1


def flow(**keys: Any) -> Plan:
    table = {"use": "fxcm", "sdk": "practice", "products": PRODUCTS} | keys
    lines = "\n".join(f"{name} = {toml(value)}" for name, value in table.items())
    return plan_of(f'[moonlight]\nmode = "paper"\n[sources.fxcm]\n{lines}\n' + WINDOW)


WINDOW = '[operators.bars]\nuse = "window"\nfrom = "fxcm"\ntimeframes = ["1m", "5m"]\nfinals = "venue"\n'


def toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml, cast('tuple[Any, ...]', value)))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def test_d42_what_is_not_said_is_what_a_user_would_expect() -> None:
    source = Fxcm(products=("EURUSD",), account="mine")
    assert (source.sdk, source.connection, source.finals) == ("forexconnect", "Demo", "history")
    assert source.url == "http://www.fxcorporate.com/Hosts.jsp"
    allowance, wanted = source.allowance(), source.wanted()
    assert (allowance.per_minute, allowance.load, allowance.warn, allowance.reserve, allowance.critical) == (
        *(30, 0.45, 0.7, 0.7, 0.9),
    )
    assert (wanted.timeframes, wanted.grace) == ((M1, M5), SECOND)
    assert (wanted.rhythm.least, wanted.rhythm.most, wanted.rhythm.stretch) == (2.0, 20.0, 2.5)
    assert [field.name for field in source.login_fields] == ["user", "password"]
    assert practice().login_fields == ()


def test_d42_every_threshold_of_the_throttle_and_of_the_cadence_can_be_set() -> None:
    source = practice(
        max_history_calls_per_minute=50, max_history_calls_per_hour=700, load_share=0.1, warn_share=0.2,
        reserve_share=0.3, critical_share=0.4, priority=("EURUSD:1m",), min_interval={"1m": "7s"}, poll_seconds=3.0,
        poll_least=1.0, poll_most=9.0, poll_stretch=3.0, tick_live="10s", tick_idle="40s", grace_seconds=2.5,
        late_after="30s", idle_seconds=-1.0, history_timeframes=("1m", "15m"),
    )  # fmt: skip
    allowance, wanted = source.allowance(), source.wanted()
    assert (allowance.per_minute, allowance.per_hour) == (50, 700)
    assert (allowance.load, allowance.warn, allowance.reserve, allowance.critical) == (0.1, 0.2, 0.3, 0.4)
    assert (allowance.first, allowance.spacing) == (frozenset({"EURUSD:1m"}), {M1: 7 * SECOND})
    rhythm = wanted.rhythm
    assert (rhythm.poll, rhythm.least, rhythm.most, rhythm.stretch) == (3.0, 1.0, 9.0, 3.0)
    assert (rhythm.live, rhythm.idle) == (10.0, 40.0)
    assert (wanted.grace, wanted.late, wanted.idle_seconds) == (2_500, 30 * SECOND, -1.0)
    assert source.final_timeframes() == ("1m", "15m")


def test_validate_proves_that_history_is_enough_for_its_products() -> None:
    flow(max_history_calls_per_minute=40)
    with pytest.raises(PlanError) as refused:
        flow(max_history_calls_per_minute=12)
    assert "times a minute for `history`" in str(refused.value)
    with pytest.raises(PlanError) as refused:
        flow(max_history_calls_per_minute=40, max_history_calls_per_hour=200)
    assert "times an hour for `history`" in str(refused.value)


def test_a_longer_bar_that_is_not_asked_for_is_made_of_the_venues_shorter_ones() -> None:
    flow(history_timeframes=("1m",))
    with pytest.raises(PlanError, match="timeframes has 1m, but"):
        flow(history_timeframes=("5m",))


@pytest.mark.parametrize(
    ("count", "reserve", "fit"), [(5, 0.7, 3), (10, 0.7, 3), (15, 0.7, 3), (7, 1.0, 5), (15, 1.0, 5)]
)
def test_a_flow_that_does_what_it_is_told_about_its_calls_fits_then(count: int, reserve: float, fit: int) -> None:
    products = tuple(f"{one}{two}" for one, two in permutations(("EUR", "GBP", "USD", "JPY", "CHF"), 2))
    for many in (count, fit + 1):
        with pytest.raises(PlanError, match=f"products: name {fit} of the {many}"):
            flow(products=products[:many], reserve_share=reserve)
    flow(products=products[:fit], reserve_share=reserve)


def test_calls_that_are_too_few_for_one_product_are_told_to_be_more() -> None:
    with pytest.raises(PlanError, match="max_history_calls_per_minute: write more"):
        flow(products=("EURUSD",), max_history_calls_per_minute=3)


def test_the_demo_flow_has_no_problem() -> None:
    path = Path(__file__).parents[1] / "flows" / "feed.toml"
    plan = plan_of(path.read_text(encoding="utf-8"), path.parent)
    assert {node.part.name for node in plan.of("source")} == {"fxcm"}


# --- how it fares -----------------------------------------------------------------------------------------------------


def reported(change: Callable[[float], dict[str, Any]], seconds: float) -> list[tuple[float, FeedReport]]:
    """When a source that changes like this tells of it."""
    given: list[tuple[float, FeedReport]] = []

    async def main(loop: virtual.VirtualLoop) -> None:
        host = border()

        def look() -> FeedReport:
            keys: dict[str, Any] = {"session": "streaming", "since": 0}
            return FeedReport("fxcm", host.now(), **(keys | change(loop.time())))

        reporter = Reporter(host, look, lambda report: given.append((round(loop.time(), 3), report)))
        reporter.begin()
        await asyncio.sleep(seconds)
        reporter.close()

    virtual.run(main)
    return given


def test_a_source_that_goes_on_as_it_did_tells_so_every_five_seconds() -> None:
    times = [at for at, _ in reported(lambda at: {"ticks": int(at * 10), "history_calls": int(at)}, 21)]
    assert times == [0.0, 5.0, 10.0, 15.0, 20.0]


def test_what_changes_is_told_within_a_second_and_no_more_often() -> None:
    times = [at for at, _ in reported(lambda at: {"session": "silent" if at >= 7.2 else "streaming"}, 14)]
    assert times == [0.0, 5.0, 8.0, 13.0]
    restless = [at for at, _ in reported(lambda at: {"last_error": str(at)}, 9)]
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(restless))


@pytest.mark.parametrize(
    "news",
    [
        {"pace": {"1m": Pace(7.0, "no price came for 30 s", 0)}},
        {"quota": Quota(0, 30, 0, 100, "warn", False)},
        {"quota": Quota(0, 30, 0, 100, "ok", True, "min_interval")},
        {"history_ready": False},
        {"backoff_until": MONDAY},
    ],
    ids=["pace", "scarce", "throttled", "not ready", "backoff"],
)
def test_each_thing_that_matters_is_told_at_once(news: dict[str, Any]) -> None:
    calm = {"quota": Quota(0, 30, 0, 100, "ok", False)} if "quota" in news else {}
    times = [at for at, _ in reported(lambda at: news if at >= 2 else calm, 4)]
    assert times == [0.0, 2.0]


def test_its_help_names_no_key_that_it_does_not_have() -> None:
    assert Fxcm.__doc__ is not None
    named = set(re.findall(r"`([a-z_]+)`", Fxcm.__doc__)) - {"forexconnect"}
    assert named <= set(Fxcm.__dataclass_fields__)
    assert np.isfinite(practice().speed)

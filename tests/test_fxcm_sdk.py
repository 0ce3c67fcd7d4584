"""FXCM's own SDK behind the port: the code that drives it is driven here by a stand-in with the same surface."""

import asyncio
import sys
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from pipeline.fxcm.forexconnect import OLDER, OfficialSdk, official
from pipeline.fxcm.misfortunes import WHATS, Misfortune, Misfortunes
from pipeline.fxcm.port import NoSuchInstrument, NotReady, Offer, SdkMissing, Session, SessionLost
from pipeline.fxcm.practice import PracticeFx, practice_module
from pipeline.fxcm.practice_venue import HostClock, practice_venue
from pipeline.fxcm.words import naive
from pipeline.market import Market
from pipeline.times import MINUTE, SECOND
from tests.fxcm_rig import ACCESS, INSTRUMENTS, Hand
from tests.support import MONDAY


class Desk:
    """A session on a practice module, used directly."""

    def __init__(self, folder: Path, *lacks: str, wrong: Misfortunes | None = None, helper_ends: bool = False) -> None:
        self.clock = Hand(MONDAY + SECOND, folder)
        self.wrong = wrong or Misfortunes(MONDAY)
        self.venue = practice_venue(INSTRUMENTS, self.clock, self.wrong)
        self.module = practice_module(self.venue, frozenset(lacks))
        self.fxs: list[PracticeFx] = []
        make = self.module.ForexConnect
        self.module.ForexConnect = lambda: self.fxs.append(make()) or self.fxs[-1]
        self.ended: list[Any] = []
        if helper_ends:
            self.module.Common = Ending(self.ended)
        self.words: list[str] = []
        self.session: Session = OfficialSdk(self.module, folder / "kept", patience=0.05).session()

    def __enter__(self) -> Self:
        self.instruments = self.session.login(ACCESS, self.words.append)
        self.table = self.fxs[0].get_table("OFFERS")
        return self

    def __exit__(self, *_: object) -> None:
        self.session.logout()


class Ending:
    """The helpers of a version that has one to end a subscription too."""

    def __init__(self, ended: list[Any]) -> None:
        self._ended = ended

    def subscribe_table_updates(self, table: Any, on_change_callback: Any, on_add_callback: Any) -> str:
        return "its listener"

    def unsubscribe_table_updates(self, table: Any, listener: str) -> None:
        self._ended.append(listener)


def heard_of(desk: Desk) -> list[Offer | None]:
    """What a subscription hears of a change that is made to the table, before and after it is closed."""
    heard: list[Offer | None] = []
    subscription = desk.session.subscribe(heard.append)
    desk.table.change("EUR/USD", 1.1, 1.2, naive(MONDAY))
    desk.table.change("NEW", 5.0, 6.0, naive(MONDAY))
    subscription.close()
    subscription.close()
    desk.table.change("EUR/USD", 1.3, 1.4, naive(MONDAY))
    return heard


EXPECTED = [Offer("EUR/USD", MONDAY, 1.1, 1.2), Offer("NEW", MONDAY, 5.0, 6.0)]


def test_the_table_of_offers_is_listened_to_with_the_sdks_own_helper(tmp_path: Path) -> None:
    with Desk(tmp_path) as desk:
        assert desk.instruments == {"XAU/USD", "EUR/USD"}
        assert heard_of(desk) == EXPECTED
        assert desk.table.subscriptions == 0


def test_d22_without_the_helper_it_is_listened_to_twice_and_both_are_removed(tmp_path: Path) -> None:
    with Desk(tmp_path, "Common") as desk:
        subscription = desk.session.subscribe(print)
        assert desk.table.subscriptions == 2
        subscription.close()
        assert desk.table.subscriptions == 0
        assert heard_of(desk) == EXPECTED


def test_d22_a_helper_that_also_ends_subscriptions_is_asked_to(tmp_path: Path) -> None:
    with Desk(tmp_path, helper_ends=True) as desk:
        desk.session.subscribe(print).close()
        assert desk.ended == ["its listener"]


@pytest.mark.parametrize("lacks", ["AO2GTableListener", "O2GTableUpdateType"])
def test_without_helper_and_listeners_there_are_no_prices_and_one_sentence_says_so(tmp_path: Path, lacks: str) -> None:
    with Desk(tmp_path, "Common", lacks) as desk:
        with pytest.raises(SdkMissing, match=r"there is history only; install another version .* docs/fxcm\.md"):
            desk.session.subscribe(print)
        assert len(desk.session.history("EUR/USD", MINUTE, MONDAY - 10 * MINUTE, MONDAY, -1)) == 10


@pytest.mark.parametrize("lacks", ["ForexConnect", "fxcorepy"])
def test_a_module_without_what_it_is_for_is_refused_before_it_is_used(tmp_path: Path, lacks: str) -> None:
    with pytest.raises(SdkMissing, match=f"it has no {lacks}"):
        OfficialSdk(practice_module(Desk(tmp_path).venue, frozenset({lacks})), tmp_path)


@pytest.mark.parametrize("broken", ["ImportError('libForexConnect.so')", "OSError('no such library')"])
def test_an_sdk_that_does_not_load_is_told_and_leaves_the_folder_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    package = tmp_path / "forexconnect"
    package.mkdir()
    (package / "__init__.py").write_text(f"import os\nos.chdir({str(tmp_path)!r})\nraise {broken}\n", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "forexconnect", raising=False)
    before = Path.cwd()
    with pytest.raises(SdkMissing, match="its libraries do not load") as missing:
        official(tmp_path)
    assert Path.cwd() == before
    assert "\n" not in str(missing.value)


def test_an_sdk_that_is_not_installed_is_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SdkMissing, match=r"it is not installed.*docs/fxcm\.md.*sdk = \"practice\""):
        official(tmp_path)


def test_the_python_that_the_sdk_is_made_for_is_found_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = tmp_path / OLDER
    older.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    older.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = official(tmp_path / "kept")
    assert found.name == f"forexconnect of {OLDER}"
    with pytest.raises(SdkMissing, match=f"neither for this Python nor for {OLDER}"):
        found.session().login(ACCESS, print)


def test_history_opens_with_its_own_first_price_where_the_sdk_can(tmp_path: Path) -> None:
    span = MONDAY - 10 * MINUTE, MONDAY
    first = Market("EURUSD").quotes(*span)
    with Desk(tmp_path) as desk:
        candles = desk.session.history("EUR/USD", MINUTE, *span, -1)
        slots = first.ts.searchsorted(candles.at)
        assert candles.bid[:, 0].tolist() == first.bid[slots].tolist()
        assert candles.ask[:, 0].tolist() == first.ask[slots].tolist()
    with Desk(tmp_path, "O2GCandleOpenPriceMode") as desk:
        candles = desk.session.history("EUR/USD", MINUTE, *span, -1)
        assert candles.bid[1:, 0].tolist() == candles.bid[:-1, 3].tolist()


def test_history_has_the_minute_that_is_not_over_as_the_last_row(tmp_path: Path) -> None:
    with Desk(tmp_path) as desk:
        desk.clock.advance(29 * SECOND)
        candles = desk.session.history("EUR/USD", MINUTE, MONDAY - 2 * MINUTE, MONDAY + MINUTE, -1)
        assert candles.at.tolist() == [MONDAY - 2 * MINUTE, MONDAY - MINUTE, MONDAY]
        assert candles.volume[2] < candles.volume[1]
        newest = desk.session.history("EUR/USD", MINUTE, MONDAY - 2 * MINUTE, MONDAY + MINUTE, 1)
        assert newest.at.tolist() == [MONDAY]


def test_a_service_for_history_that_is_never_ready_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    with Desk(tmp_path) as desk:
        desk.wrong.begin("not_ready")
        with pytest.raises(NotReady):
            desk.session.history("EUR/USD", MINUTE, MONDAY - MINUTE, MONDAY, -1)
    with Desk(tmp_path, "PriceHistoryCommunicatorFactory") as desk:
        desk.wrong.begin("not_ready")
        with pytest.raises(NotReady, match="the SDK says: PriceHistoryCommunicator is not ready"):
            desk.session.history("EUR/USD", MINUTE, MONDAY - MINUTE, MONDAY, -1)


def test_what_it_keeps_of_the_past_lies_in_the_folder_of_the_flow(tmp_path: Path) -> None:
    with Desk(tmp_path) as desk:
        desk.session.history("EUR/USD", MINUTE, MONDAY - MINUTE, MONDAY, -1)
        assert (tmp_path / "kept").is_dir()


def test_an_unknown_instrument_and_a_session_that_is_gone_are_told_apart(tmp_path: Path) -> None:
    with Desk(tmp_path) as desk:
        with pytest.raises(NoSuchInstrument):
            desk.session.history("NO/WAY", MINUTE, MONDAY - MINUTE, MONDAY, -1)
        desk.session.logout()
        with pytest.raises(SessionLost):
            desk.session.history("EUR/USD", MINUTE, MONDAY - MINUTE, MONDAY, -1)
        with pytest.raises(SessionLost):
            desk.session.subscribe(print)
        desk.session.logout()


def test_statuses_on_the_way_in_and_out_are_nobodys_business(tmp_path: Path) -> None:
    with Desk(tmp_path) as desk:
        pass
    assert desk.words == []


def test_misfortunes_come_and_go_by_plan_and_by_hand() -> None:
    wrong = Misfortunes(MONDAY, [Misfortune(10, "silent", 5), Misfortune(12, "closed", 5)])
    assert [wrong.now(MONDAY + at) for at in (9, 10, 14, 15, 17)] == [
        frozenset(),
        {"silent"},
        {"silent", "closed"},
        {"closed"},
        frozenset(),
    ]
    wrong.begin("stuck")
    wrong.begin("stuck")
    assert wrong.now(MONDAY) == {"stuck"}
    wrong.end("stuck")
    wrong.end("stuck")
    assert wrong.now(MONDAY) == frozenset()
    assert "session_lost" in WHATS


def test_a_practice_venue_on_a_flows_clock_tells_each_price_once_it_has_come() -> None:
    async def whole() -> None:
        loop = asyncio.get_running_loop()
        zero = loop.time()

        def now() -> int:
            return MONDAY + int((loop.time() - zero) * 20_000)

        venue = practice_venue(INSTRUMENTS, HostClock(now, 20), Misfortunes(MONDAY))
        venue.last("EUR/USD", MONDAY)  # the market is laid out before it is timed
        heard: list[tuple[int, int]] = []
        enough = asyncio.Event()

        def hear(offer: Offer | None) -> None:
            assert offer is not None
            heard.append((offer.at, now()))
            if len(heard) == 30:
                loop.call_soon_threadsafe(enough.set)

        session = OfficialSdk(practice_module(venue), Path()).session()
        await asyncio.to_thread(session.login, ACCESS, print)
        subscription = session.subscribe(hear)
        async with asyncio.timeout(10):
            await enough.wait()
        subscription.close()
        await asyncio.to_thread(session.logout)
        stamps = np.array(heard)
        assert (stamps[:, 0] < stamps[:, 1]).all()

    asyncio.run(whole())

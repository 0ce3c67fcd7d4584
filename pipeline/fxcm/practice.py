"""A practice SDK: what the module `forexconnect` offers, without a network and without an account.

It has the official one's own surface, so that the same code drives both. Its prices are those of a synthetic market,
and what can go wrong with the official one goes wrong with it when it is told to. Like that one it calls back from
threads of its own.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from threading import Event, Thread, current_thread
from types import SimpleNamespace
from typing import Any

from numpy.typing import NDArray

from pipeline.fxcm.forexconnect import OfficialSdk
from pipeline.fxcm.misfortunes import OUTAGES, What
from pipeline.fxcm.practice_table import Common, Row, Table, TableListener, UpdateType
from pipeline.fxcm.practice_venue import NAMES, PracticeVenue
from pipeline.fxcm.words import naive
from pipeline.secret import PRACTISED

CHUNK, LOOK = 10_000, 1_000
"""So much of the market (ms) is laid out at a time; so often at least it is looked whether something went wrong."""
SLOW = 2_000
OLDEST = naive(0)
WRONG: dict[What, str] = {
    "history_fails": "QuotesManager error: HTTP request failed code: QuotesServerConnectionError subcode: 28",
    "not_ready": "PriceHistoryCommunicator is not ready.",
}


class Status(Enum):
    """Of a session, as the SDK names them."""

    DISCONNECTED = 0
    CONNECTING = 1
    CONNECTED = 3
    DISCONNECTING = 5
    SESSION_LOST = 6
    PRICE_SESSION_RECONNECTING = 7


class OpenMode(Enum):
    PREVIOUS_CLOSE = 0
    FIRST_TICK = 1


class PracticeError(Exception):
    """What the SDK raises: its words are all there is to tell one from another."""


OnStatus = Callable[["PracticeSession", Status], None]


class PracticeSession:
    """A session, and the thread that tells its prices."""

    def __init__(self, venue: PracticeVenue, changed: OnStatus) -> None:
        self._venue, self._changed = venue, changed
        self.session_status = Status.DISCONNECTED
        self.offers = Table()
        self.leave = Event()
        self._thread = Thread(target=self._run, name="fxcm practice", daemon=True)

    def begin(self) -> None:
        now = self._venue.clock.now()
        for number, instrument in enumerate(sorted(set(self._venue.markets) - self._venue.late)):
            bid, ask, time = self._venue.last(instrument, now) or (None, None, OLDEST)
            self.offers.put(Row(str(number + 1), instrument, bid, ask, time))
        self.become(Status.CONNECTED)
        self._thread.start()

    def become(self, status: Status) -> None:
        if status is not self.session_status:
            self.session_status = status
            self._changed(self, status)

    def end(self) -> None:
        self.leave.set()
        if self._thread.is_alive() and current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        """Tell each price when it comes, until the session ends or is lost."""
        begin = self._venue.clock.now()
        while True:
            for received, instrument, ts, bid, ask in self._venue.arriving(begin, begin + CHUNK):
                if not self._reached(received):
                    return
                self._tell(received, instrument, bid, ask, naive(ts))
            begin += CHUNK
            if not self._reached(begin):
                return

    def _reached(self, at: int) -> bool:
        """Wait for a moment; False where there is no session any more."""
        clock = self._venue.clock
        while self._stands():
            now = clock.now()
            if now >= at:
                return True
            clock.wait(min(at, now + LOOK), self.leave)
        return False

    def _stands(self) -> bool:
        """Whether the session is still there; what is wrong now is told of its status."""
        wrong = self._venue.misfortunes.now(self._venue.clock.now())
        if "session_lost" in wrong:
            self.become(Status.SESSION_LOST)
            return False
        self.become(Status.PRICE_SESSION_RECONNECTING if "reconnecting" in wrong else Status.CONNECTED)
        return not self.leave.is_set()

    def _tell(self, at: int, instrument: str, bid: float, ask: float, time: datetime) -> None:
        wrong = self._venue.misfortunes.now(at)
        if "bad_rows" in wrong:
            self.offers.change(instrument, None, None, time)
        elif not wrong & {"silent", "reconnecting"}:
            self.offers.change(instrument, bid, ask, time)


class PracticeFx:
    """`ForexConnect()`."""

    OFFERS = "OFFERS"

    def __init__(self, venue: PracticeVenue) -> None:
        self._venue = venue
        self._session: PracticeSession | None = None
        self._com: PracticeCommunicator | None = None

    @property
    def session(self) -> PracticeSession | None:
        return self._session

    def login(
        self,
        user_id: str,
        password: str,
        url: str,
        connection: str,
        session_id: str | None = None,
        pin: str | None = None,
        session_status_callback: OnStatus | None = None,
    ) -> PracticeSession:
        """A password of a practice venue's is right: it is no secret."""
        del user_id, url, connection, session_id, pin
        session = PracticeSession(self._venue, session_status_callback or (lambda _, __: None))
        session.become(Status.CONNECTING)
        wrong = self._venue.misfortunes.now(self._venue.clock.now())
        if wrong & set(OUTAGES):
            reason = "Wait timeout exceeded"
        elif "closed" in wrong:
            reason = "The trading system is closed for maintenance"
        elif "login_refused" in wrong or not password.startswith(PRACTISED):
            reason = "Incorrect user name or password"
        else:
            self._session = session
            session.begin()
            return session
        session.become(Status.DISCONNECTED)
        raise PracticeError(reason)

    def logout(self) -> None:
        session, self._session = self._session, None
        if session is None:
            return
        session.end()
        session.become(Status.DISCONNECTING)
        session.become(Status.DISCONNECTED)

    def get_table(self, table_type: str) -> Table:
        if self._session is None or table_type != self.OFFERS:
            raise PracticeError("Session is not logged in")
        return self._session.offers

    def get_history(
        self,
        instrument: str,
        timeframe: str,
        date_from: datetime,
        date_to: datetime,
        quotes_count: int = -1,
        candle_open_price_mode: OpenMode = OpenMode.PREVIOUS_CLOSE,
    ) -> NDArray[Any]:
        if self._session is None or self._session.session_status is not Status.CONNECTED:
            raise PracticeError("Session lost")
        if timeframe not in NAMES:
            raise PracticeError("Timeframe is incorrect")
        if instrument not in self._venue.markets:
            raise PracticeError("Invalid request. Instrument is not found.")
        self._bear(self._session)
        since, until = (round(each.replace(tzinfo=UTC).timestamp() * 1000) for each in (date_from, date_to))
        first_tick = candle_open_price_mode is OpenMode.FIRST_TICK
        rows = self._venue.history(instrument, timeframe, since, until, quotes_count, first_tick=first_tick)
        if not len(rows):
            raise PracticeError("QuotesManager error: No data")
        return rows

    def _bear(self, session: PracticeSession) -> None:
        """What an answer meets before it is there."""
        clock, misfortunes = self._venue.clock, self._venue.misfortunes
        if "slow_history" in misfortunes.now(clock.now()):
            clock.wait(clock.now() + SLOW, session.leave)
        while "stuck" in misfortunes.now(clock.now()):
            session.leave.wait(0.02)
        for what in WRONG.keys() & misfortunes.now(clock.now()):
            raise PracticeError(WRONG[what])


class PracticeCommunicator:
    """The way to the service for history."""

    def __init__(self, venue: PracticeVenue) -> None:
        self._venue = venue

    @property
    def is_ready(self) -> bool:
        return "not_ready" not in self._venue.misfortunes.now(self._venue.clock.now())


def practice_module(venue: PracticeVenue, lacks: frozenset[str] = frozenset()) -> Any:
    """A module like `forexconnect`; it may lack some of what that has, as other versions of it do."""

    def create_communicator(session: object, folder: str) -> PracticeCommunicator:
        del session, folder
        return PracticeCommunicator(venue)

    core = {
        "AO2GTableListener": TableListener,
        "O2GTableUpdateType": UpdateType,
        "O2GCandleOpenPriceMode": OpenMode,
        "PriceHistoryCommunicatorFactory": SimpleNamespace(create_communicator=create_communicator),
    }
    made = {
        "__name__": "practice",
        "ForexConnect": lambda: PracticeFx(venue),
        "Common": Common,
        "fxcorepy": SimpleNamespace(**{name: each for name, each in core.items() if name not in lacks}),
    }
    return SimpleNamespace(**{name: each for name, each in made.items() if name not in lacks})


def practice_sdk(venue: PracticeVenue, folder: Path) -> OfficialSdk:
    """A practice venue behind the same port as the official one."""
    return OfficialSdk(practice_module(venue), folder)

"""FXCM's official SDK, the package `forexconnect`, behind the port. It is imported only here, and only when it is used.

Its own class for a session does most of the work; where it could wait for ever, or lacks what another version has,
something stands in its way.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from shutil import which
from threading import Event
from typing import Any

from pipeline.fxcm.port import (
    Access,
    Candles,
    HearOffer,
    HearSession,
    NoData,
    NotReady,
    SdkFailed,
    SdkMissing,
    SessionLost,
)
from pipeline.fxcm.remote import remote_module
from pipeline.fxcm.words import (
    NO_CANDLES,
    STATUSES,
    TIMEFRAMES,
    Meant,
    candles_of,
    login_meaning,
    naive,
    offer_of,
    status_name,
)

MISSING = (
    "FXCM's SDK, the package forexconnect, cannot be used with this Python ({why}), so there are no prices of FXCM; "
    'install it as docs/fxcm.md says, or write sdk = "practice"'
)
DEAF = (
    "FXCM's SDK, as it is installed, has neither Common nor listeners to tell of prices: there is history only; "
    "install another version of it as docs/fxcm.md says"
)
OLDER = "python3.7"
"""The Python that the SDK is made for, which is older than ours: there it lives in a process of its own."""
PATIENCE, LOOK = 5.0, 0.05
"""Seconds that the service for history is waited for, and how often it is looked at."""


def official(folder: Path) -> "OfficialSdk":
    """The SDK that is installed, for this Python or for the one it is made for; `SdkMissing`, with a sentence for
    people, where there is none."""
    before = Path.cwd()
    try:
        module = import_module("forexconnect")
    except ModuleNotFoundError as missing:
        older = which(OLDER)
        if older is None:
            raise SdkMissing(MISSING.format(why="it is not installed")) from missing
        module = remote_module([older], folder)
    except (ImportError, OSError) as broken:
        raise SdkMissing(MISSING.format(why="its libraries do not load")) from broken
    finally:
        os.chdir(before)  # it imports its libraries from their own folder, and stays there when it fails
    return OfficialSdk(module, folder)


class OfficialSdk:
    """The SDK as a module gives it: the official one, or one with the same surface."""

    def __init__(self, module: Any, folder: Path, *, patience: float = PATIENCE) -> None:
        """`folder` is where it keeps what it has downloaded of the past."""
        lacks = [name for name in ("ForexConnect", "fxcorepy") if getattr(module, name, None) is None]
        if lacks:
            raise SdkMissing(MISSING.format(why=f"it has no {' and no '.join(lacks)}"))
        self._module, self._folder, self._patience = module, folder, patience

    @property
    def name(self) -> str:
        return str(getattr(self._module, "__name__", "forexconnect"))

    def session(self) -> "OfficialSession":
        return OfficialSession(self._module, self._folder, self._patience)


class OfficialSession:
    """One `ForexConnect()`."""

    def __init__(self, module: Any, folder: Path, patience: float) -> None:
        self._module, self._folder, self._patience = module, folder, patience
        self._fx: Any = None
        self._in = False

    def login(self, access: Access, hear: HearSession) -> frozenset[str]:
        seen = set[str]()

        def changed(_: object, status: object) -> None:
            name = status_name(status)
            seen.add(name)
            if self._in and (word := STATUSES.get(name)) is not None:
                hear(word)

        password, pin = access.password.reveal(), access.pin.reveal() if access.pin else ""
        with Meant(lambda failure: login_meaning(failure, seen, (password, pin))):
            self._fx = self._module.ForexConnect()
            self._fx.login(
                access.user,
                password,
                access.url,
                access.connection,
                session_id=access.session_id,
                pin=pin,
                session_status_callback=changed,
            )
        self._in = True
        with Meant():
            self._connected()
            return frozenset(str(row.instrument) for row in self._fx.get_table(self._fx.OFFERS))

    def subscribe(self, hear: HearOffer) -> "OfficialSubscription":
        def row(_: object, __: str, given: object) -> None:
            offer = None
            with suppress(SdkFailed), Meant():  # into the SDK nothing must be raised
                offer = offer_of(given)
            hear(offer)

        with Meant():
            self._connected()
            return OfficialSubscription(self._module, self._fx.get_table(self._fx.OFFERS), row)

    def history(self, instrument: str, tf: int, since: int, until: int, count: int) -> Candles:
        with Meant():
            self._connected()
            self._ready()
            span = naive(since), naive(until - 1)
            with suppress(NoData), Meant():
                return candles_of(self._fx.get_history(instrument, TIMEFRAMES[tf], *span, count, *self._opening()))
        return NO_CANDLES

    def logout(self) -> None:
        self._in = False
        fx, self._fx = self._fx, None
        if fx is not None:
            with Meant():
                fx.logout()

    def _connected(self) -> None:
        session = None if self._fx is None else self._fx.session
        if session is None or status_name(session.session_status) != "CONNECTED":
            raise SessionLost("there is no session with FXCM")

    def _ready(self) -> None:
        """See to it that history answers: the SDK itself would look again and again, for ever, without a pause."""
        communicator = getattr(self._fx, "_com", None)
        factory = getattr(self._module.fxcorepy, "PriceHistoryCommunicatorFactory", None)
        if communicator is None and factory is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            communicator = factory.create_communicator(self._fx.session, str(self._folder))
            self._fx._com = communicator  # noqa: SLF001  # get_history makes one in the working folder otherwise
        if communicator is None:
            return
        pause = Event()
        for _ in range(round(self._patience / LOOK)):
            if communicator.is_ready:
                return
            pause.wait(LOOK)
        if not communicator.is_ready:
            raise NotReady("FXCM's service for history is not ready")

    def _opening(self) -> tuple[object, ...]:
        """A bar opens with its own first price, not with the close of the one before, which is the SDK's own way."""
        modes = getattr(self._module.fxcorepy, "O2GCandleOpenPriceMode", None)
        return () if modes is None else (modes.FIRST_TICK,)


class OfficialSubscription:
    """Hears what is new and what changes in the table of offers, by the SDK's helper, or by a listener of ours."""

    def __init__(self, module: Any, table: Any, row: Callable[[object, str, object], None]) -> None:
        common = getattr(module, "Common", None)
        helper = getattr(common, "subscribe_table_updates", None)
        self._ends: list[Callable[[], object]] = []
        if helper is not None:
            listener = helper(table, on_change_callback=row, on_add_callback=row)
            other = getattr(common, "unsubscribe_table_updates", None)
            if other is not None:
                self._ends.append(lambda: other(table, listener))
            elif (end := getattr(listener, "unsubscribe", None)) is not None:
                self._ends.append(end)
            return
        base, updates = (getattr(module.fxcorepy, name, None) for name in ("AO2GTableListener", "O2GTableUpdateType"))
        if base is None or updates is None:
            raise SdkMissing(DEAF)
        ours = _listener(base, row)
        for update in (updates.INSERT, updates.UPDATE):
            table.subscribe_update(update, ours)
            self._ends.append(lambda update=update: table.unsubscribe_update(update, ours))

    def close(self) -> None:
        ends, self._ends = self._ends, []
        for end in ends:
            with suppress(SdkFailed), Meant():  # of a session that was lost nothing is left to be ended
                end()


def _listener(base: Any, row: Callable[[object, str, object], None]) -> Any:
    """An object of the SDK's kind that passes on rows which are added or changed."""

    class Rows(base):
        def __init__(self) -> None:
            base.__init__(self)

        def on_added(self, row_id: str, given: object) -> None:
            row(self, row_id, given)

        def on_changed(self, row_id: str, given: object) -> None:
            row(self, row_id, given)

        def on_deleted(self, row_id: str, given: object) -> None: ...
        def on_status_changed(self, status: object) -> None: ...

    return Rows()

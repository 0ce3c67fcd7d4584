"""Run by the Python that has FXCM's SDK, which is an old one: does with it what is asked, a line of JSON each.

It imports nothing of ours, and keeps to what Python 3.7 knows. What the SDK itself prints goes where it disturbs
nobody.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from queue import Queue
from threading import Event, Lock, Thread
from typing import IO, Any

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017  # what this Python does not know yet
PATIENCE, LOOK = 5.0, 0.05
LEAVING = 5.0
"""Seconds that it goes on for once nobody asks any more, whatever the SDK is at."""


class Side:
    """The SDK, one session of it, and the line on which is told what it says."""

    def __init__(self, sdk: Any, out: IO[str]) -> None:
        self._sdk, self._out = sdk, out
        self._lock = Lock()
        self._fx: Any = None
        self._listener: Any = None

    def serve(self, lines: Any) -> None:
        """Answer until there is nobody to ask."""
        self.say({"ready": True})
        for line in lines:
            asked = json.loads(line)
            with Answering(self, asked["id"]) as answering:
                answering.answer = getattr(self, asked["do"])(*asked["given"])

    def say(self, what: object) -> None:
        with self._lock, suppress(OSError):  # nobody hears any more; into the SDK nothing must be raised
            self._out.write(json.dumps(what) + "\n")
            self._out.flush()

    # --- what may be asked -------------------------------------------------------------------------------------------

    def login(self, user: str, password: str, url: str, connection: str, session_id: str, pin: str) -> list[str]:
        self._fx = self._sdk.ForexConnect()
        self._fx.login(
            user, password, url, connection, session_id=session_id, pin=pin, session_status_callback=self._changed
        )
        return [str(row.instrument) for row in self._table()]

    def logout(self) -> None:
        self.unsubscribe()
        fx, self._fx = self._fx, None
        if fx is not None:
            fx.logout()

    def subscribe(self) -> None:
        self.unsubscribe()
        self._listener = self._sdk.Common.subscribe_table_updates(
            self._table(), on_change_callback=self._row, on_add_callback=self._row
        )

    def unsubscribe(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.unsubscribe()

    def history(self, instrument: str, timeframe: str, since: int, until: int, count: int) -> list[list[float]]:
        core = self._sdk.fxcorepy
        if getattr(self._fx, "_com", None) is None:
            self._fx._com = core.PriceHistoryCommunicatorFactory.create_communicator(self._fx.session, os.getcwd())  # noqa: SLF001, PTH109
        self._ready(self._fx._com)  # noqa: SLF001
        mode = core.O2GCandleOpenPriceMode.FIRST_TICK
        rows = self._fx.get_history(instrument, timeframe, naive(since), naive(until), count, mode)
        return (
            []
            if rows is None
            else [[int(row[0].astype("M8[ms]").astype(int)), *map(float, list(row)[1:])] for row in rows]
        )

    # --- what the SDK says -------------------------------------------------------------------------------------------

    def _changed(self, _: object, status: object) -> None:
        self.say({"status": str(getattr(status, "name", status))})

    def _row(self, _: object, row_id: str, row: Any) -> None:
        with Telling(self):
            moment = row.time if row.time.tzinfo else row.time.replace(tzinfo=timezone.utc)  # noqa: UP017
            stamp = (moment - EPOCH) // timedelta(milliseconds=1)
            self.say({"row": [str(row.instrument), row.bid, row.ask, stamp]})

    def _table(self) -> Any:
        return self._fx.get_table(self._fx.OFFERS)

    def _ready(self, communicator: Any) -> None:
        pause = Event()
        for _ in range(round(PATIENCE / LOOK)):
            if communicator.is_ready:
                return
            pause.wait(LOOK)
        raise RuntimeError("PriceHistoryCommunicator is not ready.")


class Answering:
    """Within it an answer is made; how it ends is told."""

    def __init__(self, side: Side, number: int) -> None:
        self._side, self._number = side, number
        self.answer: object = None

    def __enter__(self) -> Answering:  # noqa: PYI034  # Self is younger
        return self

    def __exit__(self, kind: object, failure: BaseException | None, _: object) -> bool:
        if failure is None:
            self._side.say({"id": self._number, "answer": self.answer})
        elif isinstance(failure, Exception):
            self._side.say({"id": self._number, "failure": str(failure) or type(failure).__name__})
        return isinstance(failure, Exception)


class Telling:
    """Within it a row is told; of one without a price that is told."""

    def __init__(self, side: Side) -> None:
        self._side = side

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, failure: BaseException | None, _: object) -> bool:
        if isinstance(failure, Exception):
            self._side.say({"row": None})
        return isinstance(failure, Exception)


def asked_on(line: Any) -> Any:
    """What is asked, one line after the other. It is read beside the SDK: in a call that never comes back, too, it is
    noticed that whoever asked is gone."""
    lines: Queue[Any] = Queue()

    def read() -> None:
        for each in line:
            lines.put(each)
        lines.put(None)
        Event().wait(LEAVING)
        os._exit(0)

    Thread(target=read, daemon=True).start()
    return iter(lines.get, None)


def naive(stamp: int) -> datetime:
    return (EPOCH + timedelta(milliseconds=stamp)).replace(tzinfo=None)


def main() -> None:
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    lines = asked_on(sys.stdin)
    sys.path[:] = [each for each in sys.path if each != os.path.dirname(__file__)]  # noqa: PTH120  # ours is another
    import forexconnect  # pyright: ignore[reportMissingImports]  # noqa: PLC0415  # what it prints is not ours to hear

    side = Side(forexconnect, out)
    try:
        side.serve(lines)
        side.logout()  # where whoever asked is gone without a word
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()

"""The table of offers of a practice SDK, and who listens to it: as the official one has them."""

from collections.abc import Callable, Iterator
from datetime import datetime
from enum import Enum
from threading import Lock
from typing import Any


class UpdateType(Enum):
    INSERT = 0
    UPDATE = 1
    DELETE = 2


class Row:
    """An instrument's row: the same object for as long as the session, with other prices each time."""

    table_type = "OFFERS"

    def __init__(self, offer_id: str, instrument: str, bid: float | None, ask: float | None, time: datetime) -> None:
        self.offer_id, self.instrument, self.bid, self.ask, self.time = offer_id, instrument, bid, ask, time
        self.subscription_status = "T"


class TableListener:
    """What listeners are derived from."""

    def on_added(self, row_id: str, row: Row) -> None: ...
    def on_changed(self, row_id: str, row: Row) -> None: ...
    def on_deleted(self, row_id: str, row: Row) -> None: ...
    def on_status_changed(self, status: object) -> None: ...


class Table:
    """Rows, and listeners by what they listen to. It is changed by one thread, and listened to from others."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._rows: dict[str, Row] = {}
        self._listeners: dict[UpdateType, list[TableListener]] = {each: [] for each in UpdateType}

    def __iter__(self) -> Iterator[Row]:
        with self._lock:
            return iter(list(self._rows.values()))

    @property
    def subscriptions(self) -> int:
        """How many there are now."""
        with self._lock:
            return sum(len(each) for each in self._listeners.values())

    def subscribe_update(self, update: UpdateType, listener: TableListener) -> None:
        with self._lock:
            self._listeners[update].append(listener)

    def unsubscribe_update(self, update: UpdateType, listener: TableListener) -> None:
        with self._lock:
            self._listeners[update].remove(listener)

    def put(self, row: Row) -> None:
        """Have a row without telling anybody: so the table stands as somebody logs in."""
        self._rows[row.instrument] = row

    def change(self, instrument: str, bid: float | None, ask: float | None, time: datetime) -> None:
        """Another price; the row is added where there was none."""
        with self._lock:
            row = self._rows.get(instrument)
            update = UpdateType.UPDATE if row is not None else UpdateType.INSERT
            if row is None:
                row = self._rows[instrument] = Row(str(len(self._rows) + 1), instrument, bid, ask, time)
            row.bid, row.ask, row.time = bid, ask, time
            listeners = tuple(self._listeners[update])
        for listener in listeners:
            tell = listener.on_added if update is UpdateType.INSERT else listener.on_changed
            tell(row.offer_id, row)


OnRow = Callable[[Any, str, Row], None]


class CallbackListener(TableListener):
    """The SDK's own listener, which its helper makes of two functions."""

    def __init__(self, table: Table, changed: OnRow | None, added: OnRow | None) -> None:
        self._table, self._changed, self._added = table, changed, added
        self._wanted = [
            update for update, call in ((UpdateType.UPDATE, changed), (UpdateType.INSERT, added)) if call is not None
        ]

    def on_added(self, row_id: str, row: Row) -> None:
        if self._added is not None:
            self._added(self, row_id, row)

    def on_changed(self, row_id: str, row: Row) -> None:
        if self._changed is not None:
            self._changed(self, row_id, row)

    def subscribe(self) -> None:
        for update in self._wanted:
            self._table.subscribe_update(update, self)

    def unsubscribe(self) -> None:
        for update in self._wanted:
            self._table.unsubscribe_update(update, self)


class Common:
    """The SDK's helpers, as far as they are used."""

    @staticmethod
    def subscribe_table_updates(
        table: Table, on_change_callback: OnRow | None = None, on_add_callback: OnRow | None = None
    ) -> CallbackListener:
        listener = CallbackListener(table, on_change_callback, on_add_callback)
        listener.subscribe()
        return listener

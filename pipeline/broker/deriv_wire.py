"""Between a session and its client: what goes wrong with frames on their way, and with a connection as it stands."""

from collections.abc import Callable
from functools import partial

from msgspec import json

from pipeline.broker.core import Broker
from pipeline.broker.deriv_checks import Table
from pipeline.broker.deriv_faults import BREAKING, LATE, SILENT, bent
from pipeline.broker.deriv_session import Frame
from pipeline.broker.faults import Fault, OfSpan
from pipeline.broker.latency import Lagging
from pipeline.broker.telling import News
from pipeline.broker.values import Stage


class Wire:
    """One connection. `send` takes text for the client, `drop` breaks the connection."""

    def __init__(
        self, broker: Broker, whose: Callable[[], str], send: Callable[[str], None], drop: Callable[[], None]
    ) -> None:
        self._broker = broker
        self._whose = whose
        self._lagging = Lagging(lambda: broker.latency.draw(whose()), broker.now, broker.at, send)
        self._send = self._lagging.send
        self._drop = drop
        self._held: str | None = None
        self._watches: list[Callable[[], object]] = []

    def look(self) -> bool:
        """Break the connection where it has broken; whether it stands."""
        if self._during("outage") is None and self._during("ban") is None:
            return True
        self._drop()
        return False

    def carries(self) -> bool:
        """Whether what is sent arrives, either way."""
        return self.look() and self._during("half_open") is None

    def close(self) -> None:
        """Nobody hears any more."""
        self._lagging.close()
        for stop in self._watches:
            stop()

    def out(self, frame: Frame) -> None:
        """A frame sets out."""
        if not self.carries():
            return
        if frame.pushed:
            self._out_pushed(self._text(frame.table))
        elif frame.fault is None:
            self._out_answer(self._text(frame.table))
        else:
            self._out_struck(frame, frame.fault)

    def _out_answer(self, text: str) -> None:
        slow = self._during("slow")
        if slow is None:
            self._send(text)
        else:
            self._later(slow.delay, text)

    def _out_struck(self, frame: Frame, fault: Fault) -> None:
        """An answer that something befalls."""
        what = fault.what
        if what in BREAKING:
            self._drop()
            return
        if what in SILENT:
            return
        text = self._text(frame.table)
        if what in LATE:
            self._later(fault.delay, text)
        elif what == "duplicate_ack":
            self._send(text)
            self._later(fault.delay, text)
        elif what == "bad_body":
            self._send(_cut(text))
        elif what == "ack_after_settlement" and "buy" in frame.table:
            self._after_end(str(frame.table["buy"]["contract_id"]), text)
        else:
            self._out_answer(text)

    def _out_pushed(self, text: str) -> None:
        fault = self._broker.meet("frame", self._whose()).fault
        held, self._held = self._held, None
        match None if fault is None else fault.what:
            case "socket_dropped":
                self._drop()
                return
            case "frame_lost":
                pass
            case "frame_duplicated":
                self._send(text)
                self._send(text)
            case "frame_held_back":
                self._held = text
            case "frame_cut":
                self._send(_cut(text))
            case _:
                self._send(text)
        if held is not None:
            self._send(held)

    def _later(self, delay: int, text: str) -> None:
        self._watches.append(self._broker.at(self._broker.now() + delay, partial(self._send, text)).cancel)

    def _after_end(self, contract: str, text: str) -> None:
        """Send once a contract is over."""

        def tell(news: News) -> None:
            if isinstance(news, Stage) and news.what == "sold" and news.contract.id == contract:
                self._send(text)

        self._watches.append(self._broker.watch(self._whose(), tell))

    def _text(self, table: Table) -> str:
        return json.encode(bent(table, self._during)).decode()

    def _during(self, what: OfSpan) -> Fault | None:
        return self._broker.during(what, self._whose())


def _cut(text: str) -> str:
    return text[: len(text) // 2]

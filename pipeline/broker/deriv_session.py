"""One connection to the practice venue over one of Deriv's protocols: requests in, frames out, and its streams.

Everything happens at once: a request is answered within the call that brings it, and what the venue tells meanwhile
follows the answer.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from pipeline.broker.core import Broker
from pipeline.broker.deriv_checks import Table
from pipeline.broker.deriv_faults import DONE_BUT_DENIED, LOAD, NOT_DONE, NOT_LOGGED_IN, instead, too_often
from pipeline.broker.deriv_frames import Frames
from pipeline.broker.deriv_requests import Denied, Request, framed, parsed, unfit
from pipeline.broker.deriv_shapes import Known
from pipeline.broker.faults import Fault, Met, Place
from pipeline.broker.products import Product
from pipeline.broker.values import Purse

MOST_STREAMS = 100
"""So many subscriptions a connection may have."""
PLACES: Mapping[str, Place] = {
    "buy": "order",
    "authorize": "connection",
    **dict.fromkeys(("portfolio", "profit_table", "statement"), "listing"),
}
"""Where faults strike calls, other than as any call."""
TRADES = frozenset(("buy", "sell", "sell_expired", "topup_virtual"))
"""What needs a token that may trade."""
Call = Callable[["Session", Request], None]
"""Answers a request, or raises `Denied`."""


class Dialect(NamedTuple):
    """A protocol: what may be asked in it, who answers, and how."""

    known: Known
    calls: Mapping[str, Call]
    frames: Frames
    also: tuple[str, ...] = ()
    """What answers repeat of a request, beside all of it in their `echo_req`."""


class Frame(NamedTuple):
    """What goes to the client."""

    table: Table
    pushed: bool
    """Whether the venue says it by itself."""
    fault: Fault | None = None
    """What befalls an answer."""


@dataclass(eq=False, slots=True)
class Stream:
    """A subscription: what the venue tells of it goes out with the request that began it."""

    id: str
    request: Request
    kind: str
    """What it is forgotten as."""
    key: tuple[object, ...]
    """What it is about: nothing is subscribed to twice."""
    close: Callable[[], object] = bool
    told: int = 0
    """Up to when it was told of ticks."""


class Session:
    """A connection. `purse` is the account it trades for, None before a login or on the public socket."""

    def __init__(
        self, broker: Broker, dialect: Dialect, purse: Purse | None, out: Callable[[Frame], None], address: str = ""
    ) -> None:
        self.broker = broker
        self.address = address
        self.name = broker.name()
        self.dialect = dialect
        self.frames = dialect.frames
        self.purse = purse
        self.ended = False
        """Whether the client has said good-bye."""
        self.offers: dict[str, None] = {}
        """What was offered on this connection and may be bought on it, the oldest first."""
        self.renamed: dict[str, str] = {}
        """Streams of offers, and the offer that each stands for now."""
        self._out = out
        self._held: list[Frame] | None = None
        self._streams: dict[str, Stream] = {}

    def take(self, text: str) -> None:
        """Answer what came in."""
        self._held = []
        try:
            self._answer(text)
        finally:
            held, self._held = self._held, None
        for frame in held:
            self._out(frame)

    def close(self) -> None:
        """The connection is gone, and its streams with it."""
        for stream in self.streams():
            self.drop(stream)

    # --- for calls ---

    @property
    def account(self) -> str:
        """Its name; "" where it is nobody's."""
        return "" if self.purse is None else self.purse.account

    @property
    def owner(self) -> Purse:
        """The account it trades for."""
        if self.purse is None:
            raise Denied("AuthorizationRequired", "Please log in.")
        return self.purse

    def product(self, name: str, *, key: str = "") -> Product:
        found = self.broker.products.get(name)
        if found is None:
            raise Denied("InvalidSymbol", f"Symbol {name} is invalid.", field=key)
        return found

    def answer(self, request: Request, payload: object, *, said: str = "", stream: Stream | None = None) -> None:
        """Say what a request asked for."""
        said = said or request.call
        self.say(request, said, {said: payload}, stream)

    def say(self, request: Request, said: str, body: Table, stream: Stream | None = None) -> None:
        table = self._framed(request.table, said, body, stream)
        self._out(Frame(table, pushed=False, fault=request.fault))

    def push(self, stream: Stream, said: str, payload: object) -> None:
        """Tell a stream."""
        self._push(stream, self._framed(stream.request.table, said, {said: payload}, stream))

    def push_denied(self, stream: Stream, said: str, denied: Denied) -> None:
        """Tell a stream why it goes no further."""
        self._push(stream, self._framed(stream.request.table, said, {"error": denied.table()}, stream))

    def _framed(self, request: Table, said: str, body: Table, stream: Stream | None) -> Table:
        return framed(request, said, body, None if stream is None else stream.id, self.dialect.also)

    def _push(self, stream: Stream, table: Table) -> None:
        frame = Frame(table, pushed=True)
        if self._held is None:
            self._out(frame)
        else:
            self._held.append(frame)

    def streams(self, *kinds: str) -> list[Stream]:
        """The subscriptions of some kinds, or all."""
        return [each for each in self._streams.values() if not kinds or each.kind in kinds]

    def begin(self, request: Request, kind: str, *about: object, name: str = "") -> Stream:
        """A new subscription; under a name that somebody else gave, where there is one."""
        key = (kind, *about)
        if any(each.key == key for each in self._streams.values()):
            raise Denied("AlreadySubscribed", f"You are already subscribed to {request.call}.")
        self.need_room(request)
        stream = Stream(name or self.broker.name(), request, kind, key)
        self._streams[stream.id] = stream
        return stream

    def need_room(self, request: Request) -> None:
        """`Denied` when there are as many subscriptions as there may be."""
        if request.subscribes and len(self._streams) >= MOST_STREAMS:
            raise too_often(request.call)

    def stream(self, name: str) -> Stream | None:
        return self._streams.get(name)

    def drop(self, stream: Stream) -> None:
        """End a subscription."""
        self.renamed.pop(stream.id, None)
        if self._streams.pop(stream.id, None) is not None:
            stream.close()

    def forget(self, streams: Iterable[Stream]) -> list[str]:
        dropped = list(streams)
        for stream in dropped:
            self.drop(stream)
        return [each.id for each in dropped]

    # --- answering ---

    def _answer(self, text: str) -> None:
        said, table = "error", dict[str, object]()
        fault: Fault | None = None
        try:
            table = parsed(text)
            call = self.dialect.known.call(table)
            if call is None:
                raise Denied("UnrecognisedRequest", "Unrecognised request.")
            said = call
            self._judge(call, table)
            met = self._met(call, table)
            fault = met.fault
            self._do(Request(call, table, met.number, fault))
        except Denied as denied:
            frame = self._framed(table, said, {"error": denied.table()}, None)
            self._out(Frame(frame, pushed=False, fault=fault))

    def _judge(self, call: str, table: Table) -> None:
        account = self.account
        if self.broker.take(call, account=account, address=self.address, connection=self.name) is not None:
            raise too_often(call)
        wrong = self.dialect.known.wrong(call, table)
        if wrong:
            raise unfit(wrong)
        if self.broker.during("maintenance", account) is not None and call != "website_status":
            raise Denied("SuspendedDueToLoad", LOAD)
        if call in self.dialect.known.public:
            return
        scope = "trade" if call in TRADES else "read"
        if self.broker.during("token_expiry", account) is not None:
            raise Denied(*NOT_LOGGED_IN)
        if scope not in self.owner.scopes:
            raise Denied("PermissionDenied", f"Permission denied, requires {scope} scope.")

    # --- what goes wrong ---

    def _met(self, call: str, table: Table) -> Met:
        """What strikes a request, by its place."""
        if call == "ping":
            return Met(0, None)  # how often a client pings is no reason for its other calls to be struck elsewhere
        if call == "sell":
            return Met(0, self.broker.of_sale(self.account, str(table["sell"])))
        return self.broker.meet(PLACES.get(call, "call"), self.account)

    def _do(self, request: Request) -> None:
        """Do what is asked, or what a fault makes of it."""
        call, fault = self.dialect.calls[request.call], request.fault
        if fault is None:
            call(self, request)
            return
        if fault.what in NOT_DONE:
            self._out(Frame({}, pushed=False, fault=fault))
            return
        if fault.what == "late_accept":
            self.broker.at(self.broker.now() + fault.delay, partial(self._do_unheard, request))
            return
        denied = instead(fault, request.call)
        if fault.what in DONE_BUT_DENIED:
            self._do_unheard(request)
        if fault.what == "offer_gone":
            named = str(request.table["buy"])
            self.offers.pop(self.renamed.get(named, named), None)
        if denied is not None:
            raise denied
        call(self, request)

    def _do_unheard(self, request: Request) -> None:
        """Do what is asked for nobody who hears of it."""
        alone = {key: value for key, value in request.table.items() if key != "subscribe"}
        out, self._out = self._out, _nobody
        try:
            self.dialect.calls[request.call](self, request._replace(table=alone))
        except Denied:
            return  # whoever asked was told nothing either way
        finally:
            self._out = out


def _nobody(frame: Frame) -> None:
    del frame

"""The practice venue's side of a check: everything that arrives there is written down, whatever protocol it came by."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiohttp import web

from pipeline.broker.core import Broker
from pipeline.broker.deriv import add_deriv
from pipeline.broker.faults import Place
from pipeline.broker.generic import Generic
from pipeline.broker.generic_calls import Manners
from pipeline.broker.legacy import add_legacy

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Came(NamedTuple):
    """Something came to the venue: when by its clock, what, and whose, where that is known."""

    at: int
    what: str
    account: str


class Overheard:
    """What came to a venue."""

    def __init__(self, manners: Manners) -> None:
        self.met: list[Came] = []
        """By the place at which faults strike: order, end, sale, listing, call, connection, frame."""
        self.calls: list[Came] = []
        """By the protocol's own word for the call."""
        self.requests: list[Came] = []
        """Over HTTP, the opening of a socket too: method and path."""
        self.news: Callable[[Came], None] | None = None
        """Told of each call as it comes, before it is answered."""
        self.first: Came | None = None
        """The first call that a fault of calls could strike since `mark`."""
        self._marked = False
        self._manners = manners

    def add_to(self, app: web.Application, broker: Broker) -> None:
        """Put the venue's protocols into an application, all of them overheard."""
        broker.faults.note, broker.limits.note = self._met, self._called

        @web.middleware
        async def noted(request: web.Request, handler: Answer) -> web.StreamResponse:
            self.requests.append(Came(broker.now(), f"{request.method} {request.path}", ""))
            return await handler(request)

        app.middlewares.append(noted)
        add_deriv(app, broker)
        add_legacy(app, broker)
        Generic(broker, broker.faults, broker.limits, self._manners).add_to(app)

    def mark(self) -> None:
        """From now on know the first call that a fault of calls can strike."""
        self.first, self._marked = None, True

    def orders(self, account: str) -> int:
        """How many orders of an account came, whatever became of them."""
        return sum(each.what == "order" and each.account == account for each in self.met)

    def _met(self, place: Place, account: str, at: int) -> None:
        self.met.append(Came(at, place, account))
        if place == "call" and self._marked:
            self.first, self._marked = self.calls[-1], False

    def _called(self, call: str, account: str, at: int) -> None:
        came = Came(at, call, account)
        self.calls.append(came)
        if self.news is not None:
            self.news(came)

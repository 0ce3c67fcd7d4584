"""One account's connection, kept: opened, followed, opened again when it broke, and left alone when it is refused."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from pipeline.connections.asking import Mistaken, failure_of
from pipeline.connections.backoff import Backoff
from pipeline.connections.contract import Connector, Hear, Outside
from pipeline.connections.standings import Course, Step
from pipeline.connections.telling import Telling
from pipeline.connections.troubles import CallFailed
from pipeline.connections.waiting import ended, passed
from pipeline.errors import InputError
from pipeline.evidence import Standing, StandingState
from pipeline.secret import Logins

OPENING = 60.0
"""So many seconds a login and all that belongs to opening a connection may take together."""
CLOSING = 5.0
"""So many seconds letting go of a connection may take."""
MEND = "nothing is tried again until `accounts login {}` has stored another login, or the program starts again"
UNREADABLE = -1
LOOKING = 5.0
"""Every so many seconds a refused account is looked at for another login."""


class Connection(NamedTuple):
    """A connection that is there, or was when something was asked on it."""

    connector: Connector
    number: int
    """The how manieth of the account."""


class Keeper:
    """One account's connector, connected as long as that can be done without a person.

    `run` does it until it is cancelled. Each change of state is told; nothing is asked of a venue more often than its
    backoff says, and of one that refused the login nothing at all until somebody stored another.
    """

    def __init__(
        self,
        account: str,
        make: Callable[[], Connector],
        host: Outside,
        logins: Logins,
        waits: Backoff,
        *,
        told: Callable[[Standing], None],
        telling: Telling,
        hear: Hear,
    ) -> None:
        self.account = account
        self.connection: Connection | None = None
        """What may be asked; None while there is no connection."""
        self._connections = 0
        self._make, self._host, self._logins = make, host, logins
        self._course = Course(waits)
        self._told, self._telling, self._hear = told, telling, hear
        self._broken: asyncio.Future[CallFailed] | None = None
        self._pause: asyncio.Task[None] | None = None
        self._last: StandingState | None = None

    @property
    def state(self) -> StandingState:
        return self._course.state

    @property
    def why(self) -> str:
        """How the account stands, as a reason for not sending something."""
        reason = f": {self._course.reason}" if self._course.reason else ""
        return f"{self.account} is {self.state}{reason}"

    def begin(self) -> None:
        """Tell that nobody has tried yet."""
        self._take(Step("DISCONNECTED", "", None))

    async def run(self) -> None:
        while True:
            stamp = self._stamp()
            self._take(self._course.begins())
            await self._kept()
            while self._stamp() == stamp:
                await passed(self._host, LOOKING)

    def call_failed(self, connection: Connection, failure: CallFailed) -> None:
        """Take a failure of something that was asked on the way: some are about the connection as a whole.

        What was asked on an earlier one says nothing about this.
        """
        self._telling.tell(failure.kind, str(failure))
        if connection != self.connection:
            return
        if failure.kind == "auth" or isinstance(failure, Mistaken):
            self._break(failure)
        elif failure.kind == "maintenance" and self.state == "CONNECTED":
            step = self._course.rests(failure, self._host.now())
            self._take(step)
            self._pause = asyncio.ensure_future(self._paused(connection, step.wait or 0.0))

    def over(self, failure: BaseException) -> None:
        """`run` itself ended on a mistake: there is no connector."""
        what = str(Mistaken(failure))
        self._telling.tell("format", what)
        self._take(self._course.refused(what))

    # --- one login ---------------------------------------------------------------------------------------------------

    async def _kept(self) -> None:
        """Keep a connection with one login, until it is refused."""
        try:
            connector = self._make()
        except InputError as wrong:
            self._telling.tell("rule", str(wrong))
            self._take(self._course.refused(str(wrong)))
            return
        try:
            step = await self._tried(connector)
            while step.wait is not None:
                await self._let_go(connector)
                await passed(self._host, step.wait)
                step = await self._tried(connector)
        finally:
            await self._let_go(connector)

    async def _tried(self, connector: Connector) -> Step:
        """One connection, and what follows from how it ended."""
        try:
            failure = await self._once(connector)
        finally:
            self.connection = None
        self._telling.tell(failure.kind, str(failure))
        step = self._course.failed(failure, self._host.now())
        self._take(step)
        return step

    async def _once(self, connector: Connector) -> CallFailed:
        """One connection, from its opening to its end: why it ended."""
        failure = await failure_of(connector.open(), OPENING, f"no connection within {OPENING:.0f} s")
        if failure is not None:
            return failure
        self._connections += 1
        self.connection = Connection(connector, self._connections)
        self._broken = asyncio.get_running_loop().create_future()
        self._take(self._course.opened(self._host.now()))
        following = asyncio.ensure_future(failure_of(connector.follow(self._hear)))
        try:
            await asyncio.wait((following, self._broken), return_when=asyncio.FIRST_COMPLETED)
            if self._broken.done():
                return self._broken.result()
            return following.result() or CallFailed("network", "the connection ended without a word")
        finally:
            await self._unpaused()
            await ended(following)

    async def _let_go(self, connector: Connector) -> None:
        failure = await failure_of(connector.close(), CLOSING, f"the connection did not close within {CLOSING:.0f} s")
        if failure is not None:
            self._telling.tell(failure.kind, str(failure))

    # --- pauses of the venue -----------------------------------------------------------------------------------------

    async def _paused(self, connection: Connection, wait: float) -> None:
        """Ask a venue in maintenance, now and then, whether it is over."""
        while True:
            await passed(self._host, wait)
            failure = await failure_of(connection.connector.clock(), OPENING, "no answer in time")
            if failure is None:
                self._take(self._course.resumes(self._host.now()))
                return
            if failure.kind == "auth" or failure.final:
                self._break(failure)
                return
            wait = self._course.still_rests()

    async def _unpaused(self) -> None:
        pause, self._pause = self._pause, None
        if pause is not None:
            await ended(pause)

    def _stamp(self) -> int:
        """Changes when somebody stored another login, or mended what kept it from being read."""
        try:
            return self._logins.stamp(self.account)
        except InputError:
            return UNREADABLE

    # --- telling -----------------------------------------------------------------------------------------------------

    def _break(self, failure: CallFailed) -> None:
        if self._broken is not None and not self._broken.done():
            self._broken.set_result(failure)

    def _take(self, step: Step) -> None:
        if step.state != self._last:
            self._last = step.state
            mend = f"; {MEND.format(self.account)}" if step.state == "REFUSED" else ""
            self._told(Standing(self.account, step.state, self._host.now(), f"{step.reason}{mend}"))

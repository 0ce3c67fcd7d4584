"""The lives of a guard's keys, folded from switches, bars, orders and connections: what each is, since when and why.

Errors in a row pause a key, longer each time; nothing that befalls one key touches another's life.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from typing import NamedTuple

from pipeline.lifecycle import deciding, in_force, moved
from pipeline.states import UNSURE
from pipeline.times import DAY
from pipeline.values import Held, Key, Life, LifeState, Order, Past, Switched

NOT_READY = "no bar of it was ready yet"
NOT_CONNECTED = "its account was not connected yet"
TAKEN = frozenset({"CONFIRM", "CONFIRM_RETRY", "SETTLED", "CANCELED"})
"""States that say that the venue took an order."""
CALM = frozenset({"RUNNING", "INIT"})
"""States in which the gate of lives says nothing: what an INIT one lacks others ask for."""
DOUBLINGS = DAY.bit_length()
"""After so many any rest is longer than a day."""


class Patience(NamedTuple):
    """After how many errors in a row a key rests, and how long (ms): doubled for each further one."""

    most: int
    rest: int
    longest: int

    def lasts(self, errors: int) -> int:
        return min(self.rest << min(errors - self.most, DOUBLINGS), self.longest)


@dataclass(slots=True)
class Course:
    """What is known of one key."""

    state: LifeState = "INIT"
    since: int = 0
    why: str = NOT_READY
    ready: bool = False
    faults: int = 0
    """Bars in a row whose strategies failed."""
    orders: int = 0
    """Orders in a row that went wrong."""
    until: int = 0
    """Until when it rests."""
    what: str = ""
    """What went wrong last."""
    wrong: str = ""
    """The order that went wrong last: one counts once."""

    @property
    def errors(self) -> int:
        return self.faults + self.orders


class Passing(NamedTuple):
    """What a bar says of the lives of its stream's keys when its moment has come."""

    at: int
    product: str
    tf: int
    fault: str
    ready: bool


@dataclass(slots=True)
class Lifetimes:
    """One guard's. `opened` says how many orders of a key are open."""

    accounts: tuple[str, ...]
    connected: frozenset[str]
    """Accounts that must have been connected before a key of theirs runs."""
    patience: Patience
    opened: Callable[[Key], int]
    _courses: dict[Key, Course] = field(default_factory=dict[Key, Course])
    _streams: dict[tuple[str, int], tuple[Key, ...]] = field(default_factory=dict[tuple[str, int], tuple[Key, ...]])
    _switched: tuple[Switched, ...] = ()
    _held: tuple[Held, ...] = ()
    _seen: set[str] = field(default_factory=set[str])
    """Accounts that were connected."""
    _passing: list[Passing] = field(default_factory=list[Passing])
    _resting: list[tuple[int, Key]] = field(default_factory=list[tuple[int, Key]])

    @property
    def due(self) -> int | None:
        moments = [each[0][0] for each in (self._passing, self._resting) if each]
        return min(moments, default=None)

    def of(self, key: Key) -> Course:
        """What is known of a key; one never heard of begins here."""
        course = self._courses.get(key)
        if course is None:
            course = self._courses[key] = Course()
            course.state, course.why = self._where(key, course)
        return course

    def begin(self, past: Past, keys: Iterable[Key], at: int) -> Iterator[Life]:
        """Go on where an earlier life ended, and say where each key stands."""
        self._switched = in_force(past.switched)
        lives: Mapping[Key, Life] = {life.key: life for life in past.lives if life.account in self.accounts}
        for key in dict.fromkeys((*keys, *lives)):
            course = self._courses[key] = Course(since=at)
            life = lives.get(key)
            if life is not None:
                course.orders, course.faults = life.orders, life.errors - life.orders
                if life.until > at:
                    course.until, course.what = life.until, life.why
                    heappush(self._resting, (life.until, key))
            course.state, course.why = self._where(key, course)
            yield self._told(key, course, at)

    def take_over(self, lives: Sequence["Lifetimes"]) -> None:
        """Go on where others stand, whoever had which account."""
        for each in reversed(lives):
            self._switched, self._held = each._switched, each._held
            self._seen |= each._seen
            for key, course in each._courses.items():
                if key.account in self.accounts:
                    self._courses[key] = replace(course)
        for key, course in self._courses.items():
            if course.until:
                heappush(self._resting, (course.until, key))
        for each in lives[:1]:
            self._passing = list(each._passing)

    def switch(self, switched: Switched, at: int) -> Iterator[Life]:
        self._switched = in_force((*self._switched, switched))
        yield from self._all(at)

    def hold(self, held: Held, at: int) -> Iterator[Life]:
        """A change of the flow waits for keys; those it waits no more for begin anew with their next ready bar."""
        over = tuple(each for each in self._held if held.scope.covers(each.scope))
        self._held = tuple(each for each in self._held if each not in over)
        if held.on:
            self._held += (held,)
        for key, course in self._courses.items():
            course.ready = course.ready and not any(each.scope.holds(key) for each in over)
        yield from self._all(at)

    def connect(self, account: str, at: int) -> Iterator[Life]:
        """An account is connected."""
        if account not in self._seen:
            self._seen.add(account)
            yield from self._all(at)

    def follow(self, order: Order, at: int) -> Iterator[Life]:
        """What became of an order of one of its keys."""
        key, course, ours = order.key, self.of(order.key), order.origin == "flow"
        wrong = order.state in UNSURE or (order.state == "ABORT" and order.cause == "rejected")
        if ours and wrong and course.wrong != order.order:
            course.wrong = order.order
            yield from self._fail(key, course, at, f"{order.order} {order.reason or order.state}", of_order=True)
        elif ours and order.state in TAKEN and course.orders:
            course.orders = 0
            yield from self._goes(key, course, at, told=True)
        else:
            yield from self._goes(key, course, at)

    def expect(self, passing: Passing) -> None:
        """What a bar will say once its moment has come."""
        heappush(self._passing, passing)

    def advance(self, at: int) -> Iterator[Life]:
        """All that is due by a moment, in order: rests that end come before bars of the same instant."""
        while (due := self.due) is not None and due <= at:
            if self._resting and self._resting[0][0] == due:
                _, key = heappop(self._resting)
                yield from self._goes(key, self._courses[key], due)
            else:
                yield from self._pass(heappop(self._passing))

    def _pass(self, passing: Passing) -> Iterator[Life]:
        stream = (passing.product, passing.tf)
        if stream not in self._streams:
            self._streams[stream] = tuple(Key(account, *stream) for account in self.accounts)
        for key in self._streams[stream]:
            course = self.of(key)
            course.ready = course.ready or passing.ready
            if passing.fault:
                yield from self._fail(key, course, passing.at, passing.fault, of_order=False)
            else:
                ends, course.faults = course.faults > 0, 0
                yield from self._goes(key, course, passing.at, told=ends)

    def _fail(self, key: Key, course: Course, at: int, what: str, *, of_order: bool) -> Iterator[Life]:
        """One more error in a row; none counts while a key rests, nor while it does not trade."""
        if course.state not in CALM:
            yield from self._goes(key, course, at)
            return
        course.orders += of_order
        course.faults += not of_order
        course.what = f"{course.errors} errors in a row, the last: {what}"
        if course.errors >= self.patience.most:
            course.until = at + self.patience.lasts(course.errors)
            heappush(self._resting, (course.until, key))
        yield from self._goes(key, course, at, told=True)

    def _all(self, at: int) -> Iterator[Life]:
        for key, course in self._courses.items():
            yield from self._goes(key, course, at)

    def _goes(self, key: Key, course: Course, at: int, *, told: bool = False) -> Iterator[Life]:
        """Where a key stands now: told when that is elsewhere than before, or something else of it is news."""
        if course.until <= at:
            course.until = 0
        state, why = self._where(key, course)
        if state != course.state:
            course.state, course.since = moved(course.state, state), at
            told = True
        course.why = why
        if told:
            yield self._told(key, course, at)

    def _where(self, key: Key, course: Course) -> tuple[LifeState, str]:
        switched = deciding(self._switched, key)
        if switched is not None and not switched.says(key):
            stopped = f"{switched.reason} ({switched.by})"
            return ("STOPPING", stopped) if self.opened(key) else ("STOPPED", stopped)
        held = next((each for each in self._held if each.scope.holds(key)), None)
        if held is not None:
            return "RELOAD", held.why
        if course.until:
            return "PAUSED", course.what
        if not course.ready:
            return "INIT", NOT_READY
        if key.account in self.connected and key.account not in self._seen:
            return "INIT", NOT_CONNECTED
        return "RUNNING", course.what if course.errors else ""

    def _told(self, key: Key, course: Course, at: int) -> Life:
        return Life(*key, course.state, at, course.why, course.errors, course.until, course.orders)

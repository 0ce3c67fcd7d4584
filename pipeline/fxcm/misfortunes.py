"""What can go wrong with a practice SDK, and when: by a plan, or as somebody begins and ends it."""

from collections.abc import Iterable
from threading import Lock
from typing import Literal, NamedTuple, get_args

What = Literal[
    "session_lost",
    "reconnecting",
    "unreachable",
    "login_refused",
    "closed",
    "not_ready",
    "history_fails",
    "slow_history",
    "stuck",
    "silent",
    "bad_rows",
]
"""session_lost: the session ends, and no login works while it lasts. reconnecting: the SDK loses the prices and mends
that by itself. unreachable: logins find nobody. login_refused: the password is wrong. closed: the venue lets nobody in.
not_ready: the service for history is not. history_fails: it cannot be reached. slow_history: each answer takes two
seconds. stuck: history never answers. silent: no price comes. bad_rows: rows come without their prices."""
WHATS: tuple[What, ...] = get_args(What)
OUTAGES: tuple[What, ...] = ("session_lost", "unreachable")
"""In which nobody can log in."""


class Misfortune(NamedTuple):
    """One of them: so many ms after the beginning, for so many ms."""

    at: int
    what: What
    lasts: int


class Misfortunes:
    """Those that are planned from a moment on, and those that somebody began. It may be asked from any thread."""

    def __init__(self, begin: int, planned: Iterable[Misfortune] = ()) -> None:
        self._lock = Lock()
        self._planned = tuple(each._replace(at=begin + each.at) for each in planned)
        self._begun = set[What]()

    def begin(self, what: What) -> None:
        with self._lock:
            self._begun.add(what)

    def end(self, what: What) -> None:
        with self._lock:
            self._begun.discard(what)

    def now(self, at: int) -> frozenset[What]:
        """What is wrong at a moment."""
        with self._lock:
            begun = frozenset(self._begun)
        return begun.union(*(frozenset((each.what,)) for each in self._planned if each.at <= at < each.at + each.lasts))

"""How long to wait before something that failed is tried again: longer each time, and never in step with others."""

from dataclasses import dataclass, replace

import numpy as np

LONGEST_ROW = 60
"""Failures are not counted beyond: the cap has long been reached."""


@dataclass(frozen=True)
class Profile:
    """Seconds: the first wait, by how much each next one is longer, the longest, and up to how much is added."""

    base: float
    factor: float = 2.0
    cap: float = 60.0
    jitter: float = 0.1
    tries: int | None = None
    """How often it is tried again; None: as long as it takes."""

    def starting(self, base: float) -> "Profile":
        return replace(self, base=base, cap=max(base, self.cap))


HTTP = Profile(0.25, jitter=0.1, tries=5)
SOCKET = Profile(0.5, cap=30.0, jitter=0.5)
REDIS = Profile(1.0, cap=60.0, jitter=0.5)
FEED = Profile(5.0, cap=300.0, jitter=1.0)
"""For feeds that are polled: see `feed`."""
WORKER = Profile(1.0, cap=300.0, jitter=0.5)
"""For parts that are paused after failures: see `worker`."""


def feed(poll_seconds: float) -> Profile:
    """A feed that is asked every so often waits that long first, but five seconds at the least."""
    return FEED.starting(max(poll_seconds, FEED.base))


def worker(base: float, tries: int) -> Profile:
    return replace(WORKER.starting(base), tries=tries)


class Backoff:
    """The waits of one thing that fails again and again; what is drawn depends on its name alone."""

    def __init__(self, profile: Profile, name: str) -> None:
        self.profile = profile
        self.failures = 0
        """In a row."""
        self._draws = np.random.default_rng(list(name.encode()))

    @property
    def remaining(self) -> int | None:
        """How often it may be tried again; None: for ever."""
        return None if self.profile.tries is None else max(0, self.profile.tries - self.failures)

    def failed(self) -> float | None:
        """How many seconds to wait after one more failure; None when it is not to be tried again."""
        profile = self.profile
        if self.remaining == 0:
            return None
        longest = max(profile.base, profile.cap - profile.jitter)
        wait = min(longest, profile.base * profile.factor ** min(self.failures, LONGEST_ROW))
        self.failures += 1
        return min(profile.cap, wait + profile.jitter * float(self._draws.random()))

    def good(self) -> None:
        """It worked: the next failure waits as long as the first."""
        self.failures = 0

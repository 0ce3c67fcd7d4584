"""Stops that stay until somebody releases them with a reason."""

from pipeline.values import Latch

EVERYBODY = ""


class Latches:
    """Those that hold, by whom they stop, and when each scope was last released."""

    def __init__(self) -> None:
        self._on: dict[str, Latch] = {}
        self._released: dict[str, int] = {}

    def take(self, latch: Latch) -> None:
        """A release counts only with a reason; one that is older than the stop it means releases nothing."""
        holds = self._on.get(latch.scope)
        if latch.on:
            self._on[latch.scope] = holds or latch
        elif latch.reason.strip() and (holds is None or latch.at >= holds.at):
            self._on.pop(latch.scope, None)
            self.release(latch.scope, latch.at)

    def release(self, scope: str, at: int) -> None:
        """A release of an earlier run."""
        self._released[scope] = max(at, self._released.get(scope, at))

    def copy(self) -> "Latches":
        other = Latches()
        other._on, other._released = dict(self._on), dict(self._released)
        return other

    def take_over(self, latches: "Latches", scope: str) -> None:
        """What another knows of a scope: a stop by a limit is known to none but the guard that had the account."""
        self._on.pop(scope, None)
        if scope in latches._on:
            self._on[scope] = latches._on[scope]
        if scope in latches._released:
            self.release(scope, latches._released[scope])

    def holding(self, account: str) -> Latch | None:
        """What stops an account, if anything does."""
        return self._on.get(EVERYBODY) or self._on.get(account)

    def released(self, account: str) -> int | None:
        """When a stop of the account was last released."""
        return max((self._released[each] for each in (EVERYBODY, account) if each in self._released), default=None)

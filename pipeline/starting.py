"""Starting and stopping keys: rows of a flow's ledger that hold until somebody says otherwise.

Whoever starts or stops keys from outside does it here: verbs, the API, the console. Unlike a stop of an account
(`pipeline/stopping.py`) it needs no reason to be taken back, and it is of any product and timeframe.
"""

import sqlite3
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec import Struct

from pipeline.errors import InputError
from pipeline.kill_file import worded
from pipeline.ledger import Ledger, LedgerError
from pipeline.lifecycle import deciding, named
from pipeline.plan import Plan
from pipeline.tables import nearest
from pipeline.times import local_text, timeframe, timeframe_name
from pipeline.values import Key, Life, Scope, Switched

NEVER_RUN = "no engine has run it yet"
NOT_HEARD = "started; the next bar that is ready lets it trade"


class Turned(Struct, frozen=True):
    """What was started or stopped just now (nothing, where all of it stood so already), and what is so from now on."""

    changed: tuple[Switched, ...]
    on: tuple[Key, ...]
    off: tuple[Key, ...]


@dataclass(frozen=True)
class Starts:
    """Starts and stops the keys of one flow, by the ledger at `path`. May be used from any thread."""

    path: Path
    zone: ZoneInfo
    keys: tuple[Key, ...]
    now: Callable[[], int]
    """The time of the flow's market: a simulated one has its own."""

    def start(self, scope: Scope, reason: str, by: str, *, only: bool = False) -> Turned:
        """Let keys trade; with `only` no others. It is on disk when this returns."""
        return self._turned(Switched(scope, True, self.now(), worded(reason), by, only))

    def stop(self, scope: Scope, reason: str, by: str) -> Turned:
        """Let keys trade no more; what they have open runs to its end. It is on disk when this returns."""
        return self._turned(Switched(scope, False, self.now(), worded(reason), by))

    def lives(self) -> Sequence[Life]:
        """What each key is, as far as the ledger knows, in the order of the keys."""
        with self._opened() as ledger:
            switched, known = ledger.switches(), {life.key: life for life in ledger.lives()}
        return [_standing(key, known.get(key), deciding(switched, key)) for key in self.keys]

    def check(self, scope: Scope) -> None:
        """Refuse a scope without a key."""
        asked = (
            ("account", scope.account, {key.account for key in self.keys}),
            ("product", scope.product, {key.product for key in self.keys}),
            ("timeframe", scope.tf and timeframe_name(scope.tf), {timeframe_name(key.tf) for key in self.keys}),
        )
        for what, given, known in asked:
            if given and given not in known:
                raise InputError(f"this flow trades no {what} {given!r}; {nearest(str(given), known)}")
        if not any(scope.holds(key) for key in self.keys):
            raise InputError(f"this flow has no key of {named(scope)}; `keys` lists those it has")

    def told(self, switched: Switched) -> str:
        since = local_text(switched.at, self.zone)
        done = "started" if switched.on else "stopped"
        others = ", all others stopped" if switched.only else ""
        return f"{named(switched.scope)} {done}{others} {since} ({self.zone.key}) by {switched.by}: {switched.reason}"

    def _turned(self, wanted: Switched) -> Turned:
        self.check(wanted.scope)
        with self._opened() as ledger:
            was = self._on(ledger.switches())
            now = self._on((*ledger.switches(), wanted))
            if now == was:
                return Turned((), *self._split(now))
            ledger.switch(wanted)
        return Turned((wanted,), *self._split(now))

    def _on(self, switched: Iterable[Switched]) -> frozenset[Key]:
        several = tuple(switched)
        last = ((key, deciding(several, key)) for key in self.keys)
        return frozenset(key for key, each in last if each is None or each.says(key))

    def _split(self, on: frozenset[Key]) -> tuple[tuple[Key, ...], tuple[Key, ...]]:
        return tuple(key for key in self.keys if key in on), tuple(key for key in self.keys if key not in on)

    @contextmanager
    def _opened(self) -> Generator[Ledger]:
        """The ledger, by a connection of this thread's own."""
        with Ledger(self.path) as ledger:
            try:
                yield ledger
            except sqlite3.Error as failure:
                raise LedgerError(f"the ledger {self.path} cannot be read ({failure})") from failure


def keys_of(plan: Plan) -> tuple[Key, ...]:
    """Every account of every gate on every stream of every source, in the order of the file."""
    spans = {timeframe(name) for node in plan.of("operator") for name in getattr(node.instance, "timeframes", ())}
    accounts = dict.fromkeys(account for node in plan.of("risk") for account in node.instance.accounts)
    return tuple(Key(account, product, tf) for account in accounts for product in plan.products for tf in sorted(spans))


def _standing(key: Key, life: Life | None, switched: Switched | None) -> Life:
    """What a key is: what an engine told of it last, unless somebody switched it since."""
    if switched is not None and not switched.says(key):
        if life is not None and life.state in ("STOPPING", "STOPPED"):
            return life
        errors = (0, 0, 0) if life is None else (life.errors, 0, life.orders)
        return Life(*key, "STOPPED", switched.at, f"{switched.reason} ({switched.by})", *errors)
    if life is None:
        return Life(*key, "INIT", 0, NEVER_RUN)
    if switched is not None and life.state in ("STOPPING", "STOPPED"):
        return Life(*key, "INIT", switched.at, NOT_HEARD, life.errors, 0, life.orders)
    return life

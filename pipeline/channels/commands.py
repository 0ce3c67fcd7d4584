"""What listeners ask a publisher for: judged before anything is done, and refused in a sentence."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, cast

from pipeline.channels.parsing import parsed
from pipeline.channels.signing import canonical, genuine, signature
from pipeline.channels.wording import Unfit, shortened, timeframe_of, wire_symbol, wire_timeframe
from pipeline.times import MINUTE, SECOND

Target = tuple[str, int]
"""A product and a timeframe (ms)."""

MOST_BYTES = 64 * 1024
MOST_NAMED = 1024
"""Targets in one command."""
MOST_BARS = 20_000
"""More bars are not published for one command: it is cut to so many."""
MOST_MINUTES = 7 * 24 * 60
USUAL_MINUTES = 60
APART = 2 * SECOND
"""The same is not asked for twice within it."""
SKEW = MINUTE
"""So far a signed command's own time may be from ours; its nonce is good once for twice as long."""
MOST_NONCES = 4096
MOST_TEXT = 200
"""Characters of a reason or a nonce."""


class Warmup(NamedTuple):
    """The last bars of a target, for who has too few."""

    product: str
    tf: int
    bars: int
    """0: as many as the publisher thinks right."""


class Backfill(NamedTuple):
    """The bars of a target's last minutes once more, for who missed some."""

    product: str
    tf: int
    minutes: int


class Chosen(NamedTuple):
    """What is published from now on, until a moment: of what the publisher has; all of it when it is empty."""

    targets: tuple[Target, ...]
    until: int
    """0: until something else is chosen."""
    reason: str
    left_out: tuple[str, ...] = ()
    """What was asked for and is not done: not published here, or too many."""


class Refused(NamedTuple):
    """A command that is not done, and why."""

    why: str


Asked = Warmup | Backfill | Chosen | Refused


class Commands:
    """Judges commands about some targets, of which at most so many may be chosen at a time."""

    def __init__(
        self, targets: Collection[Target], most: int, *, secret: bytes = b"", signed_only: bool = False
    ) -> None:
        self._targets = {(wire_symbol(product), tf): (product, tf) for product, tf in targets}
        self._most = most
        self._secret, self._signed_only = secret, signed_only
        self._last: dict[tuple[str, str, int], int] = {}
        self._nonces: dict[str, int] = {}

    def about(self, targets: Collection[Target]) -> None:
        """Other targets from now on; what was used before stays used."""
        self._targets = {(wire_symbol(product), tf): (product, tf) for product, tf in targets}

    def heard(self, raw: bytes, now: int) -> Asked:
        """What a command asks for, at a moment of our clock."""
        try:
            value = parsed(raw, MOST_BYTES)
            if self._secret:
                self._trust(value, now)
            match value.get("type"):
                case "fxcm_warmup":
                    rows = min(_count(value, "min_history_bars", 0), MOST_BARS)
                    return Warmup(*self._target("fxcm_warmup", value, now), rows)
                case "fxcm_backfill":
                    minutes = _count(value, "lookback_minutes", USUAL_MINUTES) or USUAL_MINUTES
                    return Backfill(*self._target("fxcm_backfill", value, now), min(minutes, MOST_MINUTES))
                case "fxcm_set_universe":
                    return self._chosen(value, now)
                case other:
                    raise Unfit(f"type: {shortened(other)} is not fxcm_warmup, fxcm_backfill or fxcm_set_universe")
        except Unfit as wrong:
            return Refused(str(wrong))

    def _target(self, kind: str, value: Mapping[str, Any], now: int) -> Target:
        """The target a command is about, unless it is asked for too soon after the last time."""
        symbol, tf = _named(value)
        if (symbol, tf) not in self._targets:
            raise Unfit(f"symbol: {symbol} {wire_timeframe(tf)} is not published here")
        self._wait(kind, symbol, tf, now)
        return self._targets[symbol, tf]

    def _wait(self, kind: str, symbol: str, tf: int, now: int) -> None:
        last = self._last.get((kind, symbol, tf))
        if last is not None and last <= now < last + APART:
            what = f" of {symbol} {wire_timeframe(tf)}" if symbol else ""
            raise Unfit(f"type: {kind}{what} came again within {APART // SECOND} s")
        self._last[kind, symbol, tf] = now

    def _chosen(self, value: Mapping[str, Any], now: int) -> Chosen:
        named = value.get("targets")
        if not isinstance(named, list):
            raise Unfit("targets: is no list")
        several = cast("list[Any]", named)
        if len(several) > MOST_NAMED:
            raise Unfit(f"targets: {len(several)} of them; {MOST_NAMED} are the most")
        reason, until = _text(value, "reason"), _count(value, "expires_at_ms", 0)
        if until and until <= now:
            raise Unfit(f"expires_at_ms: {until} has passed")
        wanted = list(dict.fromkeys(_named(each) for each in several))
        here = [each for each in wanted if each in self._targets]
        if wanted and not here:
            raise Unfit("targets: none of them is published here")
        self._wait("fxcm_set_universe", "", 0, now)
        kept = here[: self._most]
        left = tuple(f"{symbol}:{wire_timeframe(tf)}" for symbol, tf in wanted if (symbol, tf) not in set(kept))
        return Chosen(tuple(self._targets[each] for each in kept), until, reason, left)

    # --- who asks ----------------------------------------------------------------------------------------------------

    def _trust(self, value: Mapping[str, Any], now: int) -> None:
        """A signature has to be right, its command of now, and the first with its nonce."""
        if "sig" not in value:
            if self._signed_only:
                raise Unfit("sig: is missing; commands are taken only if they are signed")
            return
        if not genuine(value, self._secret, tuple(key for key in value if key != "sig")):
            raise Unfit("sig: is not that of this command; both ends need the same secret")
        nonce, at = _text(value, "nonce"), _count(value, "ts_ms", 0)
        if not nonce:
            raise Unfit("nonce: is missing; each signed command has one of its own")
        if abs(now - at) > SKEW:
            raise Unfit(f"ts_ms: {at} is more than {SKEW // SECOND} s away from now")
        self._nonces = {each: until for each, until in self._nonces.items() if until > now}
        if nonce in self._nonces:
            raise Unfit(f"nonce: {shortened(nonce)} was used before")
        if len(self._nonces) >= MOST_NONCES:
            raise Unfit(f"nonce: {MOST_NONCES} signed commands came within {2 * SKEW // SECOND} s")
        self._nonces[nonce] = now + 2 * SKEW


def command(value: Mapping[str, Any], secret: bytes = b"", *, nonce: str = "", now: int = 0) -> bytes:
    """A command as it is sent; signed where there is a secret."""
    if not secret:
        return canonical(value)
    stamped = {**value, "nonce": nonce, "ts_ms": now}
    return canonical({**stamped, "sig": signature(stamped, secret)})


# --- one value -------------------------------------------------------------------------------------------------------


def _named(value: Any) -> tuple[str, int]:
    """The symbol and the timeframe of a command, or of one of its targets."""
    if not isinstance(value, dict):
        raise Unfit(f"targets: {shortened(value)} is not an object with symbol and tf")
    given = cast("dict[str, Any]", value)
    symbol, tf = given.get("symbol"), given.get("tf")
    if not isinstance(symbol, str):
        raise Unfit(f"symbol: {shortened(symbol)} is not text")
    if not isinstance(tf, str):
        raise Unfit(f"tf: {shortened(tf)} is not text")
    return wire_symbol(symbol), timeframe_of(tf)


def _count(value: Mapping[str, Any], key: str, usual: int) -> int:
    given = value.get(key)
    if given is None:
        return usual
    if type(given) is not int or not 0 <= given < 1 << 53:
        raise Unfit(f"{key}: {shortened(given)} is not a whole number from 0 on")
    return given


def _text(value: Mapping[str, Any], key: str) -> str:
    given = value.get(key)
    if given is None:
        return ""
    if not isinstance(given, str) or len(given) > MOST_TEXT:
        raise Unfit(f"{key}: {shortened(given)} is not a text of at most {MOST_TEXT} characters")
    return given

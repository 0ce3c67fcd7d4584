"""Keys started and stopped from the console: what is asked of the engine, and what it answered."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from pipeline.errors import MoonlightError
from pipeline.times import utc_text
from pipeline.told.keys import Keys, Moved, StartKeys
from pipeline.view import KeyName, KeyRow
from tui.keys.naming import Part, parts_of
from tui.keys.table import STOPPED
from tui.shell import Shell
from tui.words import plain

MOST = 40
"""So many questions at once an engine takes well."""
REASON = "by hand at the console"


@dataclass(frozen=True)
class Turn:
    """Keys to be started, and keys to be stopped."""

    start: frozenset[KeyName] = frozenset()
    stop: frozenset[KeyName] = frozenset()

    @property
    def back(self) -> "Turn":
        return Turn(self.stop, self.start)


@dataclass(frozen=True)
class Turned:
    """What came of it: what the engine did, a sentence about it, and whether that was all of it."""

    done: Turn
    said: str
    whole: bool


def turn_of(rows: Sequence[KeyRow]) -> Turn:
    """Stop those that are started; where none is, start them all."""
    on = frozenset(row.name for row in rows if row.life not in STOPPED)
    return Turn(stop=on) if on else Turn(start=frozenset(row.name for row in rows))


async def carry_out(shell: Shell, turn: Turn) -> Turned:
    """Ask the engine for it, in as few questions as will do. What was answered until one is refused has happened."""
    every = tuple(shell.store.keys)
    asks = [(False, part) for part in parts_of(turn.stop, every)] + [
        (True, part) for part in parts_of(turn.start, every)
    ]
    if len(asks) > MOST:
        wide = "mark whole products, accounts or timeframes instead, or use A"
        return Turned(Turn(), f"these keys would take {len(asks)} questions, at most {MOST} are asked; {wide}", False)
    started, stopped = set[KeyName](), set[KeyName]()
    for on, part in asks:
        try:
            moved = await _ask(shell, on=on, part=part)
        except MoonlightError as refused:
            said = f"{_done(started, stopped)}; then refused: {refused}" if started or stopped else str(refused)
            return Turned(Turn(frozenset(started), frozenset(stopped)), plain(said), False)
        answered = {KeyName(*(key.account, key.product, key.timeframe)) for key in (moved.on if on else moved.off)}
        (started if on else stopped).update({name for name in answered if part.holds(name)})
    whole = turn.start <= started and turn.stop <= stopped
    missing = "" if whole else "; not all of those asked for"
    return Turned(Turn(frozenset(started), frozenset(stopped)), _done(started, stopped) + missing, whole)


async def carry_out_only(shell: Shell, part: Part) -> Turned:
    """Start the keys of a part and stop all others."""
    before = {name for name, row in shell.store.keys.items() if row.life not in STOPPED}
    try:
        moved = await _ask(shell, on=True, part=part, only=True)
    except MoonlightError as refused:
        return Turned(Turn(), plain(str(refused)), False)
    on = {KeyName(key.account, key.product, key.timeframe) for key in moved.on}
    done = Turn(frozenset(on - before), frozenset(before - on))
    return Turned(
        done, f"{len(on)} of {len(on) + len(moved.off)} keys are started: {part}; all others are stopped", True
    )


async def _ask(shell: Shell, *, on: bool, part: Part, only: bool = False) -> Moved:
    if on:
        return await shell.engine.post("/start", Moved, StartKeys(*part, REASON, "console", only=only))
    return await shell.engine.post("/stop", Moved, Keys(*part, REASON, "console"))


def _done(started: Collection[KeyName], stopped: Collection[KeyName]) -> str:
    parts = [f"{counted(len(names))} {word}" for names, word in ((stopped, "stopped"), (started, "started")) if names]
    return ", ".join(parts) or "nothing was changed"


# --- what is said before ---------------------------------------------------------------------------------------------


def real_of(shell: Shell, names: Iterable[KeyName]) -> list[str]:
    """The accounts of these keys that trade real money."""
    accounts = {name.account for name in names}
    told = shell.store.status.accounts if shell.store.status is not None else ()
    return [each.name for each in told if each.money == "real" and not each.rehearsal and each.name in accounts]


def armed_of(shell: Shell, names: Iterable[KeyName]) -> list[str]:
    """Those of them that are armed, with until when."""
    real = set(real_of(shell, names))
    status = shell.store.status
    accounts = status.accounts if status is not None else ()
    return [
        f"{each.name} (until {utc_text(each.armed_until)})" for each in accounts if each.name in real and each.armed
    ]


def about_stopping(shell: Shell, names: Collection[KeyName]) -> str:
    """What follows from stopping these keys, in words."""
    every = shell.store.keys
    parts = parts_of(names, every)
    whose = ", ".join(str(part) for part in parts[:6]) + (f" and {len(parts) - 6} more" if len(parts) > 6 else "")
    held = sum(every[name].open for name in names if name in every)
    runs = "1 open contract runs" if held == 1 else f"{held} open contracts run"
    lines = [
        f"{whose}",
        "",
        f"{counted(len(names))} will not be traded from {'its' if len(names) == 1 else 'their'} next bar on."
        f" {runs if held else 'No contract of theirs is open; one on its way runs'} to its end and is settled.",
        "Stopped stays stopped until somebody starts it, also over a restart.",
    ]
    if real := real_of(shell, names):
        lines.append(f"REAL money: {', '.join(real)}.")
    return "\n".join(lines)


def about_starting(shell: Shell, names: Collection[KeyName]) -> str:
    """What follows from starting these keys, in words."""
    lines = [f"{counted(len(names))} may be traded from {'its' if len(names) == 1 else 'their'} next bar on."]
    if armed := armed_of(shell, names):
        lines.append(f"REAL money is armed: {', '.join(armed)}. Orders of these keys will spend it.")
    return "\n".join(lines)


def counted(count: int) -> str:
    return f"{count} key{'s' if count != 1 else ''}"

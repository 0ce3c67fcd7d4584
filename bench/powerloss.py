"""What a power cut leaves of a ledger: its writes are recorded, cut anywhere, and opened again.

    python -m bench.powerloss [--images 20000] [--orders 300] [--seed 1] [--synchronous FULL|NORMAL] [--bursts]

The statements are those of a real ledger, traced while it works, and run once more on an SQLite whose file system
notes every write, sync, truncation and removal. An image is what may be on the disk after a cut: all that was synced,
and of the rest nothing, everything, or any of its sectors. Each is opened and asked whether it is whole, and whether
everything is there that the ledger had said was on disk. `NORMAL` is the control: it must lose some of that.
"""

import argparse
import asyncio
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple
from unittest.mock import patch

import apsw
import numpy as np

from pipeline.evidence import Reconciled, Written
from pipeline.ledger import Ledger
from pipeline.ledger.tables import opened
from pipeline.ledger.threads import ThreadWriter
from pipeline.orders import moved
from pipeline.times import MINUTE
from pipeline.values import Latch, Order

SECTOR = 512
"""Bytes that a disk writes whole or not at all."""
PAGES = 40
"""The log goes into the file after so many pages rather than 1,000: more often, and images stay small."""
BEGIN = 1_767_607_200_000
MEMORY = Path("/dev/shm")  # noqa: S108  # where images need no disk
Synchronous = Literal["FULL", "NORMAL"]


# --- what a ledger does ----------------------------------------------------------------------------------------------


class Statement(NamedTuple):
    """A statement that ran on a connection."""

    connection: int
    text: str


class Closed(NamedTuple):
    """A connection was closed."""

    connection: int


class Told(NamedTuple):
    """From here on the ledger has said that an order's state is on disk."""

    order: str
    state: str


Step = Statement | Closed | Told


Tell = Callable[[Told], object]
Work = Callable[[Path, Tell], object]
"""Something that is done with a ledger at a path, and tells what the ledger said."""


def traced(work: Work, path: Path) -> list[Step]:
    """Every statement that reaches SQLite while something works on a ledger, and what it was told in between."""
    steps: list[Step] = []

    class Traced(sqlite3.Connection):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            self.set_trace_callback(lambda text: steps.append(Statement(id(self), text)))

        def close(self) -> None:
            super().close()
            steps.append(Closed(id(self)))

    with patch.object(sqlite3, "connect", partial(sqlite3.connect, factory=Traced)):
        work(path, steps.append)
    return steps


def trading(orders: int) -> Work:
    """A ledger as an executor uses it: each order is intended, sent, taken and ended; now and then something else."""

    def work(path: Path, tell: Tell) -> None:
        with Ledger(path) as ledger:
            for number in range(orders):
                order = _order(number)
                ledger.intend(order)
                tell(Told(order.order, order.state))
                for later in _life(order):
                    ledger.follow(later)
                    tell(Told(later.order, later.state))
                if number % 10 == 0:
                    ledger.latch(Latch("", number % 20 == 0, order.at, "looked at", "somebody"))
                    ledger.note(Reconciled(order.account, order.at, order.at))

    return work


def bursting(orders: int, at_once: int = 30) -> Work:
    """A ledger that a thread writes, as in a running flow: many orders are intended at once, in one transaction."""

    def work(path: Path, tell: Tell) -> None:
        asyncio.run(whole(path, tell))

    async def whole(path: Path, tell: Tell) -> None:
        loop = asyncio.get_running_loop()
        with Ledger(path, ThreadWriter(opened(path), path, loop)) as ledger:
            for first in range(0, orders, at_once):
                waiting = {each.order: each for each in map(_order, range(first, first + at_once))}
                all_there: asyncio.Future[None] = loop.create_future()

                def told(
                    value: Written, waiting: dict[str, Order] = waiting, there: asyncio.Future[None] = all_there
                ) -> None:
                    tell(Told(value.order, "PREPARE"))
                    for later in _life(waiting.pop(value.order)):
                        ledger.follow(later)
                    if not waiting:
                        there.set_result(None)

                ledger.listen(told, all_there.set_exception)
                for each in tuple(waiting.values()):
                    ledger.intend(each)
                await all_there

    return work


def _order(number: int) -> Order:
    bar = BEGIN + number * MINUTE
    return Order(
        order=f"demo-1:EURUSD:1m:{bar}",
        account="demo-1",
        product="EURUSD",
        tf=MINUTE,
        bar=bar,
        direction="call" if number % 2 else "put",
        stake=Decimal("1.00"),
        payout=0.87,
        state="PREPARE",
        at=bar + MINUTE,
        request=f"request-{number}",
        wanted_at=bar + MINUTE,
    )


def _life(order: Order) -> Iterator[Order]:
    going = moved(order, "SEND", order.at + 1)
    yield going
    taken = moved(going, "CONFIRM", order.at + 120)
    yield taken
    yield moved(taken, "SETTLED", order.at + MINUTE + 320)


# --- what its file system sees ---------------------------------------------------------------------------------------


class Write(NamedTuple):
    file: str
    offset: int
    written: bytes


class Truncate(NamedTuple):
    file: str
    size: int


class Sync(NamedTuple):
    file: str


class Remove(NamedTuple):
    """A file is gone; `synced` when its folder says so for good."""

    file: str
    synced: bool


Act = Write | Truncate | Sync | Remove | Told


class Recorder(apsw.VFS):
    """The file system of the system, and a list of what is done to it."""

    def __init__(self, acts: list[Act]) -> None:
        self.acts = acts
        self.vfs = f"recorder-{id(acts)}"
        super().__init__(self.vfs, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  # SQLite's
        return _Recorded(self.acts, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        self.acts.append(Remove(Path(filename).name, bool(syncdir)))
        super().xDelete(filename, syncdir)


class _Recorded(apsw.VFSFile):
    def __init__(self, acts: list[Act], name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        full = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        self._acts, self._file = acts, Path(full).name
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._acts.append(Write(self._file, offset, bytes(data)))
        super().xWrite(data, offset)  # pyright: ignore[reportUnknownMemberType]  # its stub names what 3.11 lacks

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._acts.append(Sync(self._file))
        super().xSync(flags)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._acts.append(Truncate(self._file, newsize))
        super().xTruncate(newsize)


def recorded(steps: Sequence[Step], path: Path, synchronous: Synchronous = "FULL", pages: int = PAGES) -> list[Act]:
    """What the file system sees of some statements. After so many pages the log goes into the file, 0: as it is."""
    acts: list[Act] = []
    recorder = Recorder(acts)
    connections: dict[int, apsw.Connection] = {}
    for step in steps:
        if isinstance(step, Told):
            acts.append(step)
        elif isinstance(step, Closed):
            if step.connection in connections:  # else it said nothing
                connections.pop(step.connection).close()
        elif not step.text.startswith("--"):  # what a trigger does comes by itself
            if step.connection not in connections:
                connections[step.connection] = apsw.Connection(str(path), vfs=recorder.vfs)
            text = step.text.replace("synchronous = FULL", f"synchronous = {synchronous}")
            text = text.replace("wal_autocheckpoint = 0", f"wal_autocheckpoint = {pages}")
            for _ in connections[step.connection].execute(text):  # pyright: ignore[reportUnknownMemberType]  # as below
                pass
    whole = list(acts)  # closing writes more, which a cut does not wait for
    for each in connections.values():
        each.close()
    recorder.unregister()
    return whole


# --- what a cut leaves -----------------------------------------------------------------------------------------------


@dataclass
class Disk:
    """What is on a disk for good, and what was only written."""

    files: dict[str, bytearray] = field(default_factory=dict[str, bytearray])
    pending: dict[str, list[Write | Truncate]] = field(default_factory=dict[str, list[Write | Truncate]])
    removed: dict[str, bytearray] = field(default_factory=dict[str, bytearray])
    """Files whose removal may be undone by a cut, as they were."""

    def take(self, act: Act) -> None:
        match act:
            case Write() | Truncate():
                self.files.setdefault(act.file, bytearray())
                self.removed.pop(act.file, None)
                self.pending.setdefault(act.file, []).append(act)
            case Sync():
                for each in self.pending.pop(act.file, ()):
                    _apply(self.files[act.file], each)
            case Remove():
                self.pending.pop(act.file, None)
                gone = self.files.pop(act.file, None)
                if gone is not None and not act.synced:
                    self.removed[act.file] = gone
            case Told():
                pass

    def cut(self, draw: np.random.Generator) -> dict[str, bytearray]:
        """The files after a power cut."""
        how = draw.choice(["none", "all", "some", "some"])
        image = {name: bytearray(held) for name, held in self.files.items()}
        if how == "some":
            image |= {name: bytearray(held) for name, held in self.removed.items() if draw.random() < 0.5}
        for name, acts in self.pending.items():
            for act in acts if how != "none" else ():
                for part in (act,) if how == "all" else _torn(act, draw):
                    _apply(image[name], part)
        return image


def _torn(act: Write | Truncate, draw: np.random.Generator) -> Iterator[Write | Truncate]:
    """What of an act got through: sectors in no order at all."""
    if isinstance(act, Truncate) or draw.random() < 0.3:
        if draw.random() < 0.5:
            yield act
        return
    kept = draw.random(-(-len(act.written) // SECTOR)) < 0.5
    for number in np.flatnonzero(kept).tolist():
        begin = number * SECTOR
        yield Write(act.file, act.offset + begin, act.written[begin : begin + SECTOR])


def _apply(held: bytearray, act: Write | Truncate) -> None:
    if isinstance(act, Truncate):
        del held[act.size :]
        return
    if len(held) < act.offset:
        held.extend(bytes(act.offset - len(held)))
    held[act.offset : act.offset + len(act.written)] = act.written


# --- what is found afterwards ----------------------------------------------------------------------------------------


@dataclass
class Found:
    """What became of a ledger in many cuts."""

    images: int = 0
    damaged: int = 0
    torn: int = 0
    """An order of which only half of what happened is there."""
    losing: int = 0
    """Images that lack something the ledger had said was on disk."""
    worst: int = 0
    """How many such things the worst of them lacks."""
    first: str = ""
    """What was wrong with the first image that is not as it should be."""

    def add(self, problem: str, lost: int) -> None:
        self.images += 1
        self.damaged += problem == "damaged"
        self.torn += problem == "torn"
        self.losing += lost > 0
        self.worst = max(self.worst, lost)
        if not self.first and (problem or lost):
            self.first = f"image {self.images}: {problem or f'{lost} lost'}"


def cut_anywhere(acts: Sequence[Act], images: int, seed: int, folder: Path, name: str) -> Found:
    """Cut the power at so many moments, and look at what is left each time."""
    draw, found = np.random.default_rng(seed), Found()
    disk, told, begin = Disk(), set[tuple[str, str]](), 0
    for moment in sorted(draw.integers(1, len(acts) + 1, images).tolist()):
        for act in acts[begin:moment]:
            disk.take(act)
            if isinstance(act, Told):
                told.add((act.order, act.state))
        begin = moment
        for each in folder.iterdir():
            each.unlink()
        for file, held in disk.cut(draw).items():
            (folder / file).write_bytes(held)
        found.add(*_looked_at(folder / name, told))
    return found


def _looked_at(path: Path, told: set[tuple[str, str]]) -> tuple[str, int]:
    """What is wrong with a ledger, and how many things it lacks that were said to be on disk."""
    try:
        with closing(sqlite3.connect(path)) as db:
            if db.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                return "damaged", 0
            if not db.execute("PRAGMA user_version").fetchone()[0]:
                return "", len(told)
            events = db.execute('SELECT "order", state FROM order_events ORDER BY seq').fetchall()
            states = dict(db.execute('SELECT "order", state FROM orders').fetchall())
    except sqlite3.DatabaseError:
        return "damaged", 0
    return "" if dict(events) == states else "torn", len(told - set(events))


def campaign(
    images: int,
    orders: int,
    seed: int,
    synchronous: Synchronous = "FULL",
    pages: int = PAGES,
    manner: Callable[[int], Work] = trading,
) -> Found:
    """Cut the power under a ledger that trades, in a manner."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        folder = Path(name)
        for part in ("traced", "recorded", "image"):
            (folder / part).mkdir()
        steps = traced(manner(orders), folder / "traced" / "ledger.db")
        acts = recorded(steps, folder / "recorded" / "ledger.db", synchronous, pages)
        return cut_anywhere(acts, images, seed, folder / "image", "ledger.db")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--orders", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--synchronous", choices=["FULL", "NORMAL"], default="FULL")
    parser.add_argument(
        "--pages", type=int, default=PAGES, help="after how many pages the log goes into the file; 0: as in a run"
    )
    parser.add_argument("--bursts", action="store_true", help="many orders at once, written by a thread")
    options = parser.parse_args()
    manner = bursting if options.bursts else trading
    found = campaign(options.images, options.orders, options.seed, options.synchronous, options.pages, manner)
    print(
        f"synchronous = {options.synchronous}, {options.orders} orders, seed {options.seed}: {found.images:,} cuts, "
        f"{found.damaged} damaged, {found.torn} torn, {found.losing} lack what was on disk ({found.worst} at the worst)"
    )
    lost = found.damaged + found.torn + found.losing
    raise SystemExit(0 if (lost == 0) == (options.synchronous == "FULL") else f"not as it should be: {found.first}")


if __name__ == "__main__":
    main()

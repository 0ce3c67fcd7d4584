"""Engines on one flow that are killed and started again, and the broker that outlives them: all in one loop."""

import json
import os
import selectors
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from tests.processes.broker import Broker, Deal
from tests.support import ROOT

Message = dict[str, Any]
HERE = Path(__file__).resolve().parent
PATIENCE = 60.0
"""Seconds after which what is waited for does not come."""

FLOW = """\
[moonlight]
block = 64
plugins = ["distant.py"]

[accounts.one]
venue = "broker"

[accounts.two]
venue = "broker"

[venues.broker]
use = "distant"
late_ms = 3000

[sources.market]
use = "synthetic"
products = ["EURUSD", "GBPUSD", "BTCUSD"]
start = "2026-01-05T10:00:00Z"
speed = 600

[operators.bars]
use = "window"
from = "market"
timeframes = ["1m"]

[features]
fast = { use = "sma", period = 3 }

[providers.restless]
use = "restless"

[ensembles.main]
use = "weighted"
from = ["restless"]

[risk.main]
use = "guard"
from = "main"
accounts = ["one", "two"]
stake = { use = "fixed", amount = "1.00" }
max_daily_loss = "100000.00"
cool_down = "1s"

[sinks.orders]
use = "executor"
from = "risk.main"
answer_seconds = 20

[sinks.ledger]
use = "store"
from = ["risk.main", "orders"]
"""


ACCOUNTS = 2


class Broken(AssertionError):
    """What a storm must never leave behind."""


class Engines:
    """The process that forks engines, the broker's socket, and everything that comes from either."""

    def __init__(self, folder: Path, broker: Broker, flow: str = FLOW, rival: "Engines | None" = None) -> None:
        """`rival`: whose broker these go to as well; what comes to either is served while anybody waits."""
        self.folder, self.broker = folder, broker
        (folder / "distant.py").write_bytes((HERE / "distant.py").read_bytes())
        (folder / "flows.toml").write_text(flow, encoding="utf-8")
        self._lives = 0
        self.heard: list[Message] = []
        """What this life said, in order."""
        self.held: list[tuple[socket.socket, Message]] = []
        """Answers that have not left."""
        self.mute = False
        """Whether no answer leaves at all."""
        self._open = set[socket.socket]()
        """Wires to engines."""
        self.late: Callable[[], bool] = lambda: False
        """Asked of each order whether it comes to life later."""
        self.placing: Callable[[Message, str], bool] | None = None
        """Told of each order "before" and "after" the broker took it; False keeps the answer from leaving."""
        self._rival = rival
        self._alone = rival is None
        if rival is not None:
            rival._alone = False
        self._chooser = selectors.DefaultSelector() if rival is None else rival._chooser
        self._lines: dict[int, bytes] = {}
        if rival is None:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(folder / "broker"))
            listener.listen()
            self._chooser.register(listener, selectors.EVENT_READ, lambda: self._accept(listener))
        self._starter = subprocess.Popen(
            [sys.executable, "-m", "tests.processes.engine", str(folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._starter.stdout is not None
        self._told = self._starter.stdout.fileno()
        self._chooser.register(self._told, selectors.EVENT_READ, self._hear)
        self.until(lambda message: message["what"] == "loaded")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.killpg(self._starter.pid, signal.SIGKILL)
        self._chooser.unregister(self._told)
        self._starter.communicate()
        if self._rival is None:
            for key in list(self._chooser.get_map().values()):
                if isinstance(key.fileobj, socket.socket):
                    key.fileobj.close()
            self._chooser.close()

    # --- lives -------------------------------------------------------------------------------------------------------

    def start(self, **asked: Any) -> None:
        """Have an engine forked; it says "boot" when it begins."""
        self.ask(**asked)
        self.until(lambda message: message["what"] == "forked")

    def ask(self, **asked: Any) -> None:
        """Have one forked, and do not wait for it."""
        assert self._starter.stdin is not None
        self.heard, self._lives = [], self._lives + 1
        self._starter.stdin.write((json.dumps({"life": self._lives} | asked) + "\n").encode())
        self._starter.stdin.flush()

    def send(self, number: signal.Signals) -> None:
        """A signal to the engine, also when it has just ended: its number is its own until the next one starts."""
        os.kill(self.until(lambda message: message["what"] == "forked")["pid"], number)

    def ended(self, seconds: float = PATIENCE) -> int:
        """Wait until the engine has ended, and without a rival until the broker has read all that it sent."""
        code: int = self.until(lambda message: message["what"] == "ended", seconds)["code"]
        if self._alone:
            self.drain()
        return code

    def drain(self) -> None:
        """Let the broker read all that engines sent which have ended."""
        while self._open:
            self._turn(PATIENCE)

    def go_on(self, until: Callable[[], bool], seconds: float = PATIENCE, step: float = PATIENCE) -> None:
        """Serve until something is so; look so often (s), or when something comes in."""
        ends = time.monotonic() + seconds
        while not until():
            if time.monotonic() > ends:
                raise Broken(f"what was waited for was not so in {seconds:g} s")
            self._turn(min(step, ends - time.monotonic()))

    def lived(self, changes: int) -> bool:
        """Whether it has ended, or so much became of its orders."""
        said = [message["what"] for message in self.heard]
        return "ended" in said or said.count("order") >= changes

    def until(self, wanted: Callable[[Message], bool], seconds: float = PATIENCE) -> Message:
        """The first such thing that this life says, from now or from before."""
        seen, ends = 0, time.monotonic() + seconds
        while True:
            for message in self.heard[seen:]:
                if wanted(message):
                    return message
            seen = len(self.heard)
            if time.monotonic() > ends:
                raise Broken(f"it did not come in {seconds:g} s; last heard: {self.heard[-5:]}")
            self._turn(ends - time.monotonic())

    def wait(self, seconds: float) -> None:
        """Go on for so long, or until the engine ends."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            if self.heard and self.heard[-1]["what"] == "ended":
                return
            self._turn(left)

    def release(self) -> None:
        """Let the answers leave that were kept."""
        for line, answer in self.held:
            _send(line, answer)
        self.held.clear()

    # --- what comes in -----------------------------------------------------------------------------------------------

    def _turn(self, seconds: float) -> None:
        for key, _ in self._chooser.select(max(0.0, seconds)):
            key.data()

    def _accept(self, listener: socket.socket) -> None:
        line, _ = listener.accept()
        self._open.add(line)
        self._chooser.register(line, selectors.EVENT_READ, lambda: self._answer(line))

    def _hear(self) -> None:
        now = time.monotonic()
        self.heard += [
            json.loads(each) | {"heard": now} for each in self._read(self._told, os.read(self._told, 1 << 16))
        ]

    def _answer(self, line: socket.socket) -> None:
        try:
            read = line.recv(1 << 16)
        except ConnectionResetError:
            read = b""
        if not read:
            self._chooser.unregister(line)
            self._open.discard(line)
            self._lines.pop(line.fileno(), None)
            line.close()
            return
        for each in self._read(line.fileno(), read):
            self._serve(line, json.loads(each))

    def _serve(self, line: socket.socket, message: Message) -> None:
        places = message["do"] == "place"
        leaves = True
        if places and self.placing is not None:
            leaves = self.placing(message, "before")
        answers = list(self.broker.answers(message, late=places and self.late()))
        if places and self.placing is not None:
            leaves = self.placing(message, "after") and leaves
        for answer in answers:
            if leaves and not self.mute:
                _send(line, answer)
            else:
                self.held.append((line, answer))

    def _read(self, number: int, read: bytes) -> list[bytes]:
        *lines, self._lines[number] = (self._lines.get(number, b"") + read).split(b"\n")
        return lines


def _send(line: socket.socket, answer: Message) -> None:
    with suppress(OSError):  # whoever asked is gone
        line.sendall((json.dumps(answer) + "\n").encode())


# --- a storm ---------------------------------------------------------------------------------------------------------


@dataclass
class Counted:
    """What came of a storm."""

    rounds: int = 0
    kills: Counter[str] = field(default_factory=Counter[str])
    """By how they came about."""
    recovered: list[float] = field(default_factory=list[float])
    """Seconds from a start until every account was reconciled."""
    problems: list[str] = field(default_factory=list[str])
    states: Counter[str] = field(default_factory=Counter[str])
    """Of all orders in the end, with their causes."""

    def text(self, broker: Broker) -> str:
        kills = ", ".join(f"{count} {how}" for how, count in sorted(self.kills.items()))
        ended = ", ".join(f"{count} {state}" for state, count in sorted(self.states.items()))
        times = np.array(self.recovered or [0.0]) * 1000
        return (
            f"{self.rounds} rounds ({kills}); {len(broker.asked)} orders reached the broker, {len(broker.deals)} "
            f"contracts; in the ledger: {ended}; start to reconciled p50 {np.percentile(times, 50):.0f} ms, "
            f"p99 {np.percentile(times, 99):.0f} ms, at most {times.max():.0f} ms; {len(self.problems)} problems"
        )


HOW = (
    "at a moment",
    "before a write",
    "before the broker took it",
    "before the answer",
    "after the answer",
    "asked",
)
"""How a life ends."""
LIFE = 30
"""So many things become of orders in a life that nothing else has ended, at the most."""
STARTING, BAR = 0.5, 0.1
"""Seconds that a start may take, and that a bar takes."""


def storm(
    engines: Engines, rounds: int, seed: int, mutant: str = "", told: Callable[[Counted], object] = lambda _: None
) -> Counted:
    """Kill an engine in so many lives, each time at another point; then a calm; then compare.

    `told` hears after each life how it stands.
    """
    draw, counted = np.random.default_rng(seed), Counted(rounds)
    engines.late = lambda: bool(draw.random() < 0.05)
    for _ in range(rounds):
        how = str(draw.choice(HOW))
        counted.kills[how] += 1
        _one_life(engines, how, draw, mutant)
        counted.recovered += _recovered(engines)
        counted.problems += unintended(engines)
        told(counted)
    engines.placing, engines.late = None, lambda: False
    calmed(engines)
    counted.problems = list(dict.fromkeys((*counted.problems, *differences(engines.broker, engines.folder))))
    counted.states.update(f"{order['state']} {order['cause']}".strip() for order in orders_of(engines.folder))
    return counted


def _one_life(engines: Engines, how: str, draw: np.random.Generator, mutant: str) -> None:
    """A life that ends as it is told to, or after a while."""
    asked: Message = {"mutant": mutant} if mutant else {}
    if how == "before a write":
        asked["dies_at"] = int(draw.integers(1, 400))
    left = int(draw.integers(1, 8))

    def placing(_: Message, when: str) -> bool:
        nonlocal left
        left -= when == "before"
        if left or when != ("before" if how == "before the broker took it" else "after"):
            return True
        engines.send(signal.SIGKILL)
        return how == "after the answer"

    engines.placing = placing if how in ("before the broker took it", "before the answer", "after the answer") else None
    engines.start(**asked)
    if how == "at a moment":
        engines.wait(float(draw.uniform(0.0, STARTING)))
    else:
        engines.until(lambda _: engines.lived(LIFE))
        engines.wait(float(draw.uniform(0.0, BAR)))
    engines.send(signal.SIGTERM if how == "asked" else signal.SIGKILL)
    engines.ended()


def _recovered(engines: Engines) -> Iterator[float]:
    """How long after its start a life was reconciled with the broker, if it came so far."""
    times = {each["account"]: each["heard"] for each in reversed(engines.heard) if each["what"] == "reconciled"}
    if len(times) == ACCOUNTS:
        yield max(times.values()) - engines.heard[0]["heard"]


def calmed(engines: Engines) -> None:
    """A life in which nothing new is traded, until nothing is open any more."""
    engines.start(calm=True)
    engines.until(lambda message: message["what"] == "boot")
    ends = time.monotonic() + PATIENCE
    while any(order["state"] not in ENDED for order in orders_of(engines.folder)):
        if time.monotonic() > ends:
            break
        engines.wait(0.1)
    engines.send(signal.SIGTERM)
    engines.ended()


# --- what is compared ------------------------------------------------------------------------------------------------

ENDED = ("SETTLED", "CANCELED", "ABORT")


def orders_of(folder: Path) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(folder / "data" / "ledger.db")) as ledger:
        ledger.row_factory = sqlite3.Row
        return ledger.execute("SELECT * FROM orders").fetchall()


def unintended(engines: Engines) -> list[str]:
    """Requests that reached the broker and are not in the ledger."""
    if not (engines.folder / "data" / "ledger.db").exists():
        return [f"{request} was sent before there was a ledger" for request in engines.broker.asked]
    known = {order["request"] for order in orders_of(engines.folder)}
    return [f"{request} was sent without an intent" for request in engines.broker.asked if request not in known]


def differences(broker: Broker, folder: Path) -> list[str]:
    """What the broker's book and the ledger do not agree on, or should not be in either."""
    return [*_doubled(broker), *_against(broker, orders_of(folder)), *_inside(folder)]


def _doubled(broker: Broker) -> Iterator[str]:
    for request, count in Counter(broker.asked).items():
        if count > 1:
            yield f"{request} was sent {count} times"
    for request, count in Counter(deal.request for deal in broker.deals.values()).items():
        if count > 1:
            yield f"{request} has {count} contracts"


def _against(broker: Broker, orders: list[sqlite3.Row]) -> Iterator[str]:
    by_request = {order["request"]: order for order in orders if order["origin"] == "flow"}
    for deal in broker.deals.values():
        order = by_request.get(deal.request)
        if order is None:
            yield f"{deal.contract} has no intent"
        elif order["contract"] != deal.contract:
            yield f"{deal.contract} is not the contract of its order, which has {order['contract'] or 'none'}"
        elif (said := _ended_otherwise(order, deal)) is not None:
            yield said
    contracts = set(broker.deals)
    for order in orders:
        if order["state"] not in ENDED:
            yield f"{order['order']} is still {order['state']}"
        if order["state"] in ("SETTLED", "CANCELED") and order["contract"] not in contracts:
            yield f"{order['order']} has a contract that the broker does not know"
        if order["origin"] != "flow":
            yield f"{order['order']} was taken for somebody else's"


def _ended_otherwise(order: sqlite3.Row, deal: Deal) -> str | None:
    if (order["state"], order["result"], float(order["profit"])) != ("SETTLED", deal.result, float(deal.profit)):
        found = f"{order['state']} {order['result']} {order['profit']}"
        return f"{order['order']} is {found}, the broker says {deal.result} {deal.profit}"
    return None


def _inside(folder: Path) -> Iterator[str]:
    """The ledger by itself."""
    with closing(sqlite3.connect(folder / "data" / "ledger.db")) as ledger:
        (said,) = ledger.execute("PRAGMA integrity_check").fetchone()
        if said != "ok":
            yield f"the file is damaged: {said}"
        last = dict(ledger.execute('SELECT "order", state FROM order_events ORDER BY seq'))
        for name, state in ledger.execute('SELECT "order", state FROM orders'):
            if last.get(name) != state:
                yield f"{name} is {state}, its last event {last.get(name)}"
        sent = "SELECT \"order\", count(*) FROM order_events WHERE state = 'SEND' GROUP BY 1 HAVING count(*) > 1"
        for name, count in ledger.execute(sent):
            yield f"{name} was sent {count} times"

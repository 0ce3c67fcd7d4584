"""Engines on one flow, one life after the other, and the broker they speak to: all in one loop."""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.processes.broker import Broker, Message
from tests.support import ROOT

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

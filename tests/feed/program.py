"""The publisher as its users run it: `run` on a flow file, in a process of its own, with the practice SDK behind it.

Its clock goes as fast as it is told to. It is begun anew where time has gone on to meanwhile, and whatever it says is
kept.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

from tests.support import ROOT

PATIENCE = 40.0
"""Seconds after which a program that was asked to end has failed."""
FLOW = """\
[moonlight]
mode = "paper"
data = "data"

[sources.fxcm]
use = "fxcm"
sdk = "practice"
products = [{products}]
history_timeframes = ["1m", "5m"]
max_history_calls_per_minute = 120
max_history_calls_per_hour = 6000
reserve_share = 1.0
speed = {speed:g}
begins = "{begins}"
misfortunes = [{misfortunes}]

[operators.bars]
use = "window"
from = "fxcm"
timeframes = ["1m", "5m"]
finals = "venue"
forming = "250ms"

[sinks.redis]
use = "redis"
from = "bars"
url = "{url}"
warmup_bars = {warmup}
{more}
"""


@dataclass
class Program:
    """`begins` is in seconds UTC; `folder` keeps what it keeps over its lives."""

    folder: Path
    url: str
    begins: float
    speed: float = 60.0
    products: Sequence[str] = ("XAUUSD", "EURUSD", "BTCUSD")
    misfortunes: Sequence[str] = ()
    warmup: int = 30
    more: str = ""
    codes: list[int] = field(default_factory=list[int])
    """How each life ended."""
    _child: subprocess.Popen[bytes] | None = None
    _started: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._child is not None:
            self.end(signal.SIGKILL)

    @property
    def said(self) -> str:
        """Everything it printed, in all its lives."""
        return (self.folder / "said.txt").read_text(encoding="utf-8")

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    @property
    def now(self) -> float:
        """About what its clock shows, in seconds UTC."""
        return self.begins if self._started is None else self.begins + (monotonic() - self._started) * self.speed

    def start(self) -> None:
        self.begins, self._started = self.now, monotonic()
        flow = self.folder / "feed.toml"
        flow.write_text(self._text(), encoding="utf-8")
        with (self.folder / "said.txt").open("ab") as said:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "pipeline", "run", str(flow)],
                cwd=self.folder,
                env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def again_at(self, begins: float) -> None:
        """Have its next life begin at another moment than time has gone on to."""
        self.begins, self._started = begins, None

    def end(self, sent: signal.Signals = signal.SIGINT) -> int:
        """Send it a signal, and wait for its end; its exit code."""
        child, self._child = self._child, None
        assert child is not None
        child.send_signal(sent)
        try:
            code = child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise
        self.codes.append(code)
        return code

    @property
    def ended(self) -> int | None:
        """Its exit code, where it ended by itself."""
        return None if self._child is None else self._child.poll()

    def memory(self) -> int:
        """Its resident memory now, in bytes."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def _text(self) -> str:
        begins = datetime.fromtimestamp(round(self.begins), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return FLOW.format(
            products=", ".join(f'"{each}"' for each in self.products),
            misfortunes=", ".join(f'"{each}"' for each in self.misfortunes),
            speed=self.speed,
            begins=begins,
            url=self.url,
            warmup=self.warmup,
            more=self.more,
        )

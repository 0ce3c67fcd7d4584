"""The console's line to an engine, and everything it was told over it.

The line writes into the store and nothing else; panels read the store when they paint. It finds the engine anew at
every try, because one that was started again listens elsewhere and has another token.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import msgspec

from pipeline.control.errors import Failure
from pipeline.errors import InputError, MoonlightError
from pipeline.view import (
    ENGINE_FILE,
    PROTOCOL,
    TOKEN_FILE,
    Ask,
    Beat,
    Chart,
    ChartNews,
    ChartOf,
    Feed,
    FormingNews,
    Greeting,
    Hello,
    KeyName,
    KeyRow,
    KeysNews,
    Level,
    LogLine,
    LogNews,
    News,
    Refusal,
    Status,
    Topics,
    Whereabouts,
)

LinkState = Literal["connecting", "up", "down", "mismatch"]

LOG_LINES = 5_000
BEGINS, ENDS = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
SILENCE = 3.5
"""Seconds without a word, heartbeats included, after which an engine counts as gone."""
SHORTEST, LONGEST, SLOWER = 0.3, 5.0, 1.7
"""The waits between tries: the first, the last, and how much longer each is than the one before."""
PACE = 0.15
"""Seconds between two questions at least: a cursor running down the keys asks for one chart, not forty."""


class Unreachable(MoonlightError):
    """No engine answers where one should."""

    exit_code = 3


class Address(NamedTuple):
    """Where an engine answers and what opens its door."""

    url: str
    token: str
    certificate: str = ""
    """The file of the one certificate it may show; "" where it speaks no TLS."""

    @property
    def trusted(self) -> bool | aiohttp.Fingerprint:
        """This certificate and no other, whoever signed it and for whatever name."""
        if not self.certificate:
            return True
        try:
            shown = ssl.PEM_cert_to_DER_cert(_first_certificate(Path(self.certificate).read_text("ascii")))
        except (OSError, ValueError) as problem:
            raise Unreachable(f"cannot read the engine's certificate {self.certificate} ({problem})") from None
        return aiohttp.Fingerprint(sha256(shown).digest())


def find(url: str | None, folder: Path) -> Address:
    """The engine of a flow's folder, or the one at `url` with that folder's token."""
    known = _whereabouts(folder) if url is None else None
    url = known.url if known is not None else url or ""
    parts = urlsplit(url)
    if parts.hostname not in ("127.0.0.1", "localhost", "::1") or parts.scheme not in ("http", "https"):
        raise InputError(f"{url!r} is not http on this machine; reach another machine's engine through `ssh -L`")
    certificate = (known or _whereabouts(folder)).certificate if parts.scheme == "https" else ""
    if parts.scheme == "https" and not certificate:
        raise InputError(f"the engine of {folder} has no certificate, and {url!r} wants one; say http")
    try:
        token = (folder / TOKEN_FILE).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise Unreachable(
            f"cannot read the engine's token in {folder} ({_reason(problem)}); name the flow file of that engine"
        ) from None
    return Address(url, token, certificate)


def refusal_in(body: bytes) -> str:
    """Why an engine refused something, as far as it can be read."""
    try:
        return msgspec.json.decode(body, type=Failure).error.message
    except msgspec.DecodeError:
        return body.decode(errors="replace").strip()[:200]


def _first_certificate(text: str) -> str:
    begin, end = text.index(BEGINS), text.index(ENDS)
    return f"{text[begin:end]}{ENDS}\n"


def _whereabouts(folder: Path) -> Whereabouts:
    try:
        return msgspec.json.decode((folder / ENGINE_FILE).read_bytes(), type=Whereabouts)
    except FileNotFoundError:
        raise Unreachable(f"no engine is running in {folder}; start one with `run`") from None
    except (OSError, msgspec.DecodeError) as problem:
        raise Unreachable(f"cannot read {folder / ENGINE_FILE} ({_reason(problem)}); start the engine again") from None


def _reason(problem: Exception) -> str:
    return (problem.strerror or str(problem)) if isinstance(problem, OSError) else str(problem)


# --- what was told ---------------------------------------------------------------------------------------------------


@dataclass
class Store:
    """The latest of everything the engine told, with a version a topic so that a panel sees whether it is new.

    `state`, `since` and `why` tell how the link is; what was told stays when it goes down.
    """

    state: LinkState = "connecting"
    since: float = 0.0
    why: str = ""
    hello: Hello | None = None
    status: Status | None = None
    feed: Feed | None = None
    keys: dict[KeyName, KeyRow] = field(default_factory=dict[KeyName, KeyRow])
    keys_told: int = 0
    chart: Chart | None = None
    chart_of: ChartOf | None = None
    chart_told: int = 0
    lines: deque[LogLine] = field(default_factory=lambda: deque[LogLine](maxlen=LOG_LINES))
    lines_heard: int = 0
    last_seq: int = 0
    back_after: float = 0.0
    """How long the link had been down when it last came back; 0 until then and once somebody took notice."""
    _clock: int = 0
    _clock_at: float = 0.0
    _speed: float = 0.0

    def take(self, news: News, now: float) -> None:
        match news:
            case Hello():
                self._greet(news, now)
            case Status():
                self.status = news
            case Feed():
                self.feed = news
            case KeysNews():
                told = {row.name: row for row in news.rows}
                self.keys = told if news.full else {**self.keys, **told}
                self.keys_told += 1
            case ChartNews():
                self.chart_of, self.chart = news.of, news.chart
                self.chart_told += 1
            case FormingNews():
                if self.chart is not None and self.chart_of == news.of:
                    self.chart = msgspec.structs.replace(self.chart, forming=news.forming, updated=news.updated)
                    self.chart_told += 1
            case LogNews():
                self._log(news)
            case Beat():
                self._set_clock(news.clock, news.speed, now)
            case Refusal():
                self.note("warning", f"the engine refused what this console asked: {news.what}")

    def turn(self, state: LinkState, why: str, now: float) -> None:
        """The link became something else."""
        if state == "up" and self.state == "down":
            self.back_after = now - self.since
        if state == "mismatch" != self.state:
            self.note("error", why)
        if state != self.state:
            self.state, self.since = state, now
        self.why = why

    def note(self, level: Level, text: str) -> None:
        """A line of the console's own in the log."""
        self.lines.append(LogLine(0, self._clock, level, text))
        self.lines_heard += 1

    def clock(self, now: float) -> int:
        """The flow's clock: as told last, run on as fast as the flow runs while the link is up."""
        passed = now - self._clock_at if self.state == "up" else 0.0
        return self._clock + round(passed * 1000 * self._speed)

    def age(self, ts: int, now: float) -> float:
        """How long ago a moment of the flow was, in seconds of whoever sits before the console."""
        behind = (self._clock - ts) / 1000 / self._speed if self._speed else (self._clock - ts) / 1000
        return max(0.0, behind + now - self._clock_at)

    def _greet(self, hello: Hello, now: float) -> None:
        if self.hello is not None and (self.hello.pid, self.hello.started) != (hello.pid, hello.started):
            self.last_seq = 0
            self.note("info", f"another engine answers now, process {hello.pid}")
        self.hello = hello
        self._set_clock(hello.clock, hello.speed, now)

    def _set_clock(self, clock: int, speed: float, now: float) -> None:
        self._clock, self._clock_at, self._speed = clock, now, speed

    def _log(self, news: LogNews) -> None:
        fresh = [line for line in news.lines if line.seq > self.last_seq]
        missed = fresh[0].seq - self.last_seq - 1 if fresh and self.last_seq else 0
        if missed:
            self.note("warning", f"{missed} lines of the log came too fast and were passed over")
        if fresh:
            self.lines.extend(fresh)
            self.last_seq = fresh[-1].seq
            self.lines_heard += len(fresh)


# --- the line --------------------------------------------------------------------------------------------------------


class Link:
    """Attached whenever an engine answers, trying to be whenever none does."""

    def __init__(self, store: Store, where: Callable[[], Address], now: Callable[[], float]) -> None:
        self._store = store
        self._where = where
        self._now = now
        self._topics = Topics()
        self._wanted = asyncio.Event()

    def want(self, topics: Topics) -> None:
        """What to be told from now on, over this connection and those after it."""
        if topics != self._topics:
            self._topics = topics
            self._wanted.set()

    async def run(self) -> None:
        """Until cancelled."""
        wait = SHORTEST
        while True:
            why = await self._attached()
            if self._store.state == "up":
                wait = SHORTEST
            if self._store.state != "mismatch" or why:
                self._store.turn("down" if self._store.hello else "connecting", why, self._now())
            await asyncio.sleep(wait)
            wait = min(LONGEST, wait * SLOWER)

    async def _attached(self) -> str:
        """One connection from beginning to end; why it ended, nothing when the engine speaks another protocol."""
        try:
            address = self._where()
            headers = {"Authorization": f"Bearer {address.token}"}
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, connect=SILENCE)) as session,
                asyncio.timeout(SILENCE) as opening,
                session.ws_connect(
                    f"{address.url}/ws", headers=headers, max_msg_size=1 << 24, ssl=address.trusted
                ) as line,
            ):
                opening.reschedule(None)
                return await self._converse(line)
        except MoonlightError as problem:
            return str(problem)
        except aiohttp.WSServerHandshakeError as problem:
            return _refusals.get(problem.status, f"the engine answered {problem.status} to our knock")
        except TimeoutError:
            return f"nothing was heard for {SILENCE:g} s"
        except (aiohttp.ClientError, OSError) as problem:
            return f"the engine does not answer ({_reason(problem)})"
        except msgspec.DecodeError as problem:
            return f"the engine said something we cannot read ({problem})"

    async def _converse(self, line: aiohttp.ClientWebSocketResponse) -> str:
        greeting = await self._next(line)
        if greeting is None:
            return "the engine closed the line"
        if (spoken := msgspec.json.decode(greeting, type=Greeting)).protocol != PROTOCOL:
            why = f"engine {spoken.version} speaks protocol {spoken.protocol}, this console protocol {PROTOCOL}"
            self._store.turn("mismatch", f"{why}; run both from one version", self._now())
            return ""
        self._store.take(_NEWS.decode(greeting), self._now())
        self._store.turn("up", "", self._now())
        asking = asyncio.create_task(self._ask(line))
        try:
            while (said := await self._next(line)) is not None:
                self._store.take(_NEWS.decode(said), self._now())
        finally:
            asking.cancel()
        return "the engine closed the line"

    async def _next(self, line: aiohttp.ClientWebSocketResponse) -> str | None:
        message = await line.receive(timeout=SILENCE)
        return message.data if message.type is aiohttp.WSMsgType.TEXT else None

    async def _ask(self, line: aiohttp.ClientWebSocketResponse) -> None:
        """Say what we want: at once, and again whenever that changes."""
        while not line.closed:
            self._wanted.clear()
            try:
                await line.send_str(msgspec.json.encode(Ask(self._topics)).decode())
            except ConnectionError:
                return  # listening ends by itself
            await asyncio.sleep(PACE)
            await self._wanted.wait()


_NEWS = msgspec.json.Decoder(News)
_refusals = {
    401: "the engine refused the token; it was started again, or this is another flow's folder",
    403: "the engine refused this console",
    503: "too many consoles are attached already; close one",
}

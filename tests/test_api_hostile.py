"""A real engine and somebody on this machine who means it harm: each answer is clear, and the engine trades on."""

import base64
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pipeline.control.limits import CONNECTIONS, LARGEST_QUESTION, REQUESTS, REQUESTS_PER_SECOND, SOCKETS
from pipeline.view import ENGINE_FILE, TOKEN_FILE
from tests.support import ROOT, SMALL

PATIENCE = 10.0
FLOW = SMALL.replace('start = "2026-01-05T10:00:00Z"', 'start = "2026-01-05T10:00:00Z"\nspeed = 1200')
CLOSED = b""
posix = pytest.mark.skipif(os.name != "posix", reason="looks at the process as POSIX shows it")


class Answer(NamedTuple):
    """What came back; `status` 0 when the connection was cut without a word."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["error"]["code"])


class Engine:
    """`run`, as a user starts it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "flows.toml").write_text(FLOW, encoding="utf-8")
        self.said = folder / "said.txt"
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pipeline", "run"],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        found = folder / "data" / ENGINE_FILE
        deadline = time.monotonic() + 6 * PATIENCE
        while not found.exists():
            assert self.process.poll() is None, self.said.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, "the engine did not begin"
            time.sleep(0.05)  # noqa: TID251  # a process beside us is waited for
        self.port = int(json.loads(found.read_bytes())["url"].rpartition(":")[2])
        self.token = (folder / "data" / TOKEN_FILE).read_text(encoding="ascii")

    def connected(self) -> socket.socket:
        line = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return line

    def request(self, path: str = "/v1/status", method: str = "GET", *lines: str, token: str | None = "") -> bytes:
        """The head of a request; "" is the right token, None none at all."""
        said = [f"{method} {path} HTTP/1.1", *lines]
        if not any(line.lower().startswith("host:") for line in lines):
            said.insert(1, f"Host: 127.0.0.1:{self.port}")
        if token is not None:
            said.append(f"Authorization: Bearer {token or self.token}")
        return "\r\n".join((*said, "", "")).encode("latin-1")

    def asked(self, said: bytes | Iterator[bytes]) -> Answer:
        """The answer to bytes that are sent until somebody has enough of them."""
        with closing(self.connected()) as line:
            with suppress(ConnectionError):
                for piece in (said,) if isinstance(said, bytes) else said:
                    line.sendall(piece)
            return answer_of(line)

    def status(self) -> dict[str, Any]:
        """By the Unix socket, where no flood on the port is in the way."""
        while (told := self._looked()).status == 429:
            time.sleep(0.1)  # noqa: TID251  # the owner asked too often himself
        assert told.status == 200, told
        status: dict[str, Any] = json.loads(told.body)["engine"]
        return status

    def _looked(self) -> Answer:
        with closing(socket.socket(socket.AF_UNIX)) as line:
            line.settimeout(PATIENCE)
            line.connect(str(self.folder / "data" / "engine.sock"))
            line.sendall(self.request("/v1/status", "GET", "Host: localhost"))
            return answer_of(line)

    def decisions(self) -> int:
        return int(self.status()["decisions"])

    def rss(self) -> float:
        """MiB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def line(self, *lines: str, path: str = "/v1/ws", token: str | None = "") -> tuple[socket.socket, Answer]:
        """A WebSocket, or what was said instead."""
        key = base64.b64encode(b"0123456789abcdef").decode()
        upgrade = (
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
        )
        line = self.connected()
        line.sendall(self.request(path, "GET", *upgrade, *lines, token=token))
        return line, answer_of(line, whole=False)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def answer_of(line: socket.socket, *, whole: bool = True) -> Answer:
    """The first answer on a connection."""
    line.settimeout(PATIENCE)
    said = b""
    with suppress(ConnectionError):
        while b"\r\n\r\n" not in said and (piece := line.recv(65_536)):
            said += piece
    head, _, body = said.partition(b"\r\n\r\n")
    if not head:
        return Answer(0, {}, b"")
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in rest)}
    with suppress(ConnectionError):
        while whole and len(body) < int(headers.get("content-length", "0")) and (piece := line.recv(65_536)):
            body += piece
    return Answer(int(first.split()[1]), headers, body)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = Engine(tmp_path_factory.mktemp("engine"))
    try:
        yield made
    finally:
        made.end()
    assert made.process.returncode == 0
    said = made.said.read_text(encoding="utf-8")
    assert "Traceback" not in said
    assert "nothing was lost without a name" in said


@pytest.fixture(autouse=True)
def trades_on(engine: Engine) -> Iterator[None]:
    """Whatever was done to it, the engine decides about the next bars."""
    yield
    before, deadline = engine.decisions(), time.monotonic() + PATIENCE
    while engine.decisions() <= before:
        assert time.monotonic() < deadline, "the engine decides nothing any more"
        time.sleep(0.05)  # noqa: TID251  # a process beside us is waited for


def refused(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.code) == (status, code), answer
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["cache-control"] == "no-store"
    assert json.loads(answer.body)["error"]["message"]


# --- who asks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1.evil.example:{port}"])
def test_a_name_that_was_pointed_at_this_machine_is_sent_away_with_the_right_token(engine: Engine, host: str) -> None:
    said = engine.request("/v1/status", "GET", f"Host: {host.format(port=engine.port)}")
    refused(engine.asked(said), 421, "AUTH")


@pytest.mark.parametrize(
    "lines",
    [
        ("Origin: https://evil.example",),
        ("Origin: null",),
        ("Sec-Fetch-Site: cross-site",),
        ("Sec-Fetch-Site: same-site",),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/v1/status", "/v1/ws"])
def test_a_page_of_another_site_gets_no_answer_and_no_line(engine: Engine, path: str, lines: tuple[str, ...]) -> None:
    refused(engine.asked(engine.request(path, "GET", *lines)), 403, "AUTH")


@pytest.mark.parametrize("token", [None, "0" * 64, "{token}x", "Bearer"], ids=["none", "wrong", "longer", "a word"])
@pytest.mark.parametrize(
    "path", ["/v1/status", "/v1/status?token={token}", "/v1/ws?token={token}&access_token={token}"]
)
def test_without_the_token_in_its_header_nobody_is_let_in(engine: Engine, path: str, token: str | None) -> None:
    said = engine.request(path.format(token=engine.token), token=token and token.format(token=engine.token))
    refused(engine.asked(said), 401, "AUTH")


# --- what is asked ---------------------------------------------------------------------------------------------------


def endless(engine: Engine, *lines: str, piece: bytes) -> Iterator[bytes]:
    yield engine.request("/v1/stop", "POST", "Content-Type: application/json", *lines)
    for _ in range(10 * 2**20 // len(piece)):
        yield piece


@posix
@pytest.mark.parametrize(
    ("lines", "piece"),
    [
        (("Content-Length: 10485760",), b"x" * 65_536),
        (("Transfer-Encoding: chunked",), b"10000\r\n" + b"x" * 65_536 + b"\r\n"),
        (("Transfer-Encoding: chunked",), b"1\r\nx\r\n" * 4096),
        (("Content-Length: 10485760", "Content-Encoding: gzip"), b"\x1f\x8b" + b"x" * 65_534),
    ],
    ids=["ten megabytes", "large chunks", "small chunks", "compressed"],
)
def test_a_body_of_ten_megabytes_is_not_taken_in(engine: Engine, lines: tuple[str, ...], piece: bytes) -> None:
    before = engine.rss()
    answer = engine.asked(endless(engine, *lines, piece=piece))
    assert answer.status in (0, 413, 415), answer  # 0: cut while we still sent, the answer is lost with the connection
    assert engine.rss() < before + 8


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 2", "Transfer-Encoding: chunked"),
        ("Content-Length: 2", "Content-Length: 3"),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Transfer-Encoding: xchunked",),
        ("Content-Length: +2",),
        ("Content-Length: -1",),
        ("Host: 127.0.0.1:{port}", "Host: evil.example"),
        ("X-Folded: a", " b"),
        ("X-Spaced : a",),
        ("X-Null: a\x00b",),
    ],
    ids=str,
)
def test_what_two_readers_would_read_differently_is_no_question(engine: Engine, lines: tuple[str, ...]) -> None:
    said = tuple(line.format(port=engine.port) for line in lines)
    refused(
        engine.asked(engine.request("/v1/stop", "POST", "Content-Type: application/json", *said) + b"{}"),
        400,
        "VALIDATION",
    )


@posix
@pytest.mark.parametrize(
    "bomb",
    [b"X-Long: " + b"x" * 4 * 2**20 + b"\r\n", b"".join(b"X-%d: y\r\n" % number for number in range(100_000))],
    ids=["one long", "many"],
)
def test_a_bomb_of_headers_is_cut_off(engine: Engine, bomb: bytes) -> None:
    before = engine.rss()
    head = engine.request().removesuffix(b"\r\n")
    answer = engine.asked(iter([head, *(bomb[at : at + 65_536] for at in range(0, len(bomb), 65_536)), b"\r\n"]))
    assert answer.status in (0, 400, 431), answer
    assert engine.rss() < before + 8


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 8_000,
        b'{"account": NaN}',
        b'{"account": "a", "account": "\xff"}',
        b"\x00",
        b'{"no_such_key": 1}',
        b'"' * 15_000,
    ],
    ids=["deep", "not a number", "not text", "nothing", "unknown", "quotes"],
)
def test_what_is_no_question_is_told_so_and_stops_nothing(engine: Engine, body: bytes) -> None:
    head = engine.request("/v1/stop", "POST", "Content-Type: application/json", f"Content-Length: {len(body)}")
    refused(engine.asked(head + body), 400, "VALIDATION")
    assert engine.status()["state"] == "RUNNING"


@pytest.mark.parametrize(
    "path", ["/../../../etc/passwd", "/v1/%2e%2e/%2e%2e/token", "/v1/orders/..%2f..%2ftoken", "//evil.example/"]
)
def test_no_path_leads_to_a_file(engine: Engine, path: str) -> None:
    answer = engine.asked(engine.request(path))
    assert answer.status in (400, 404), answer
    assert engine.token.encode() not in answer.body


# --- who stays -------------------------------------------------------------------------------------------------------


@posix
def test_half_open_connections_and_lines_that_never_speak_leave_room_for_the_owner(engine: Engine) -> None:
    with ExitStack() as held:
        for number in range(3 * CONNECTIONS):
            line = held.enter_context(closing(engine.connected()))
            with suppress(ConnectionError):
                line.sendall(engine.request()[: 10 + number % 40])
        assert engine.status()["state"] == "RUNNING"  # by the socket, which they cannot fill
    deadline = time.monotonic() + PATIENCE
    while (answer := engine.asked(engine.request())).status != 200:
        assert answer.status in (0, 429)
        assert time.monotonic() < deadline, "nobody is let in any more"
        time.sleep(0.05)  # noqa: TID251  # a process beside us is waited for


@pytest.mark.slow
def test_who_dribbles_a_request_is_cut_off(engine: Engine) -> None:
    with closing(engine.connected()) as line:
        begun = time.monotonic()
        with suppress(ConnectionError):
            for byte in engine.request() * 2:
                line.sendall(bytes([byte]))
                time.sleep(0.25)  # noqa: TID251  # that is what dribbling is
        assert 10 < time.monotonic() - begun < 20


def test_more_questions_than_may_be_are_put_off_with_a_word_when_to_come_again(engine: Engine) -> None:
    said, asked, begun = b"", 0, time.monotonic()
    with closing(engine.connected()) as line:
        line.settimeout(PATIENCE)
        while not (b"HTTP/1.1 200" in said and b"HTTP/1.1 429" in said):
            line.sendall(engine.request() * (3 * REQUESTS))
            asked += 3 * REQUESTS
            while said.count(b"HTTP/1.1 ") < asked:
                piece = line.recv(2**20)
                assert piece, "the line was cut"
                said += piece
    seconds = time.monotonic() - begun
    answered, put_off = said.count(b"HTTP/1.1 200"), said.count(b"HTTP/1.1 429")
    assert answered + put_off == asked
    assert answered <= REQUESTS + REQUESTS_PER_SECOND * seconds, "however long it took to ask"
    assert said.count(b"Retry-After: ") == put_off


# --- lines -----------------------------------------------------------------------------------------------------------


def frame(payload: bytes, first: int = 0x81, *, masked: bool = True) -> bytes:
    length = len(payload)
    if length < 126:
        size = bytes([length])
    else:
        size = struct.pack("!BH", 126, length) if length < 2**16 else struct.pack("!BQ", 127, length)
    size = bytes([size[0] | (0x80 if masked else 0)]) + size[1:]
    return bytes([first]) + size + (b"\x00\x00\x00\x00" if masked else b"") + payload


def ended(line: socket.socket) -> int:
    """With which code a line was closed; 0 when it was cut."""
    said = b""
    line.settimeout(PATIENCE)
    with suppress(ConnectionError):
        while piece := line.recv(2**20):
            said += piece
    closing_frame = re.findall(rb"\x88.([\x03][\xe8-\xff])", said, re.DOTALL)
    return int.from_bytes(closing_frame[-1], "big") if closing_frame else 0


def until_let_in(engine: Engine) -> socket.socket:
    deadline = time.monotonic() + PATIENCE
    while True:
        line, answer = engine.line()
        if answer.status == 101:
            return line
        line.close()
        assert answer.status in (429, 503), answer
        assert time.monotonic() < deadline
        time.sleep(0.1)  # noqa: TID251  # a process beside us is waited for


def test_ten_thousand_messages_a_second_end_their_line_and_no_other(engine: Engine) -> None:
    with closing(until_let_in(engine)) as quiet, closing(until_let_in(engine)) as loud:
        flood = frame(b'{"subscribe": {"status": {}}}') * 10_000
        with suppress(ConnectionError):
            loud.sendall(flood)
        assert ended(loud) in (0, 1008)
        quiet.sendall(frame(b"", 0x89))
        quiet.settimeout(PATIENCE)
        said = b""
        while b"\x8a\x00" not in said:  # a pong
            piece = quiet.recv(65_536)
            assert piece, "the quiet line was cut too"
            said += piece


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (frame(b"x" * (LARGEST_QUESTION + 1)), 1009),
        (frame(b"x" * 4 * 2**20), 1009),
        (frame(b"x", 0xC1), 1002),
        (frame(b"x", 0x83), 1002),
        (frame(b"\xff\xfe"), 1007),
        (frame(b"x", 0x01) + frame(b"y", 0x81), 1002),
    ],
    ids=["too large", "four megabytes", "compressed", "no such kind", "no text", "two beginnings"],
)
def test_a_frame_that_is_none_ends_its_line_with_the_codes_of_the_protocol(
    engine: Engine, said: bytes, code: int
) -> None:
    with closing(until_let_in(engine)) as line:
        with suppress(ConnectionError):
            line.sendall(said)
        assert ended(line) in (code, 0)


def test_more_lines_than_may_be_are_told_so(engine: Engine) -> None:
    with ExitStack() as held:
        answers: list[Answer] = []
        for _ in range(SOCKETS + 4):
            line, answer = engine.line()
            held.enter_context(closing(line))
            answers.append(answer)
            if answer.status == 429:
                time.sleep(0.1)  # noqa: TID251  # one may not knock so fast
        assert {each.status for each in answers} <= {101, 503, 429}
        assert 503 in {each.status for each in answers}
        assert sum(each.status == 101 for each in answers) <= SOCKETS


# --- what is written down --------------------------------------------------------------------------------------------


def test_what_somebody_says_makes_no_lines_of_its_own_in_the_log_and_paints_nothing(engine: Engine) -> None:
    nasty = "\u001b[2Jcalm\r\nfault in nothing: all is well\u0085\u2028next"
    engine.asked(engine.request("/v1/status\x1b[31mred", "GET", "User-Agent: \x1b[2Jpainted"))
    for path in ("/v1/stop", "/v1/start"):
        body = json.dumps({"product": "EURUSD", "reason": nasty}).encode()
        head = engine.request(path, "POST", "Content-Type: application/json", f"Content-Length: {len(body)}")
        assert engine.asked(head + body).status in (200, 400)
    written = [engine.said, *(path for path in (engine.folder / "data").rglob("*.log*"))]
    for file in written:
        text = file.read_text(encoding="utf-8", errors="replace")
        assert "\x1b" not in text, file
        assert not [line for line in text.splitlines() if line.startswith(("fault in nothing", "next"))], file
        assert engine.token not in text


# --- the owner -------------------------------------------------------------------------------------------------------


def test_the_owner_can_stop_everything_in_the_middle_of_a_flood(engine: Engine) -> None:
    def kill(path: str, body: bytes) -> Answer:
        head = engine.request(path, "POST", "Content-Type: application/json", f"Content-Length: {len(body)}")
        return engine.asked(head + body)

    with closing(engine.connected()) as loud:
        loud.sendall(engine.request() * 500)
        begun = time.monotonic()
        assert kill("/v1/killswitch", b'{"reason": "enough"}').status == 200
        assert time.monotonic() - begun < 2
    assert engine.status()["state"] == "KILLED"
    assert kill("/v1/resume", b'{"reason": "better"}').status == 200
    until(lambda: engine.status()["state"] == "RUNNING")


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)  # noqa: TID251  # a process beside us is waited for

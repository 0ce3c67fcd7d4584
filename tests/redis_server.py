"""A real Redis of one's own: a server process in a folder of its own, that can be killed, paused and started again.

It listens on a socket file and on a loopback port that was free, and keeps nothing on disk unless it is asked to, so
that one that was killed has forgotten everything.
"""

import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from select import select
from time import monotonic

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

HERE = "127.0.0.1"
DEADLINE = 10.0
"""Seconds after which a server that does not come up, or go down, has failed."""
ABSENT = "redis-server is not on the path; install it with: apt-get install redis-server"
READY = b"eady to accept connections"


class RedisServer:
    """One server: `url` is by its socket file, `tcp` by its port. Both stay the same over a restart."""

    def __init__(self, folder: Path, *, keeps: bool = False, password: str = "") -> None:
        self.folder = folder
        self.password = password
        self._keeps = keeps
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/redis.sock"

    @property
    def tcp(self) -> str:
        return f"redis://{HERE}:{self.port}/0"

    def client(self, deadline: float = DEADLINE) -> Redis:
        """A connection to it, to be closed. What is not answered within so many seconds fails, once."""
        path = str(self.folder / "redis.sock")
        never = Retry(NoBackoff(), 0)
        return Redis(unix_socket_path=path, socket_timeout=deadline, retry=never, password=self.password or None)

    @property
    def pid(self) -> int:
        return self._running().pid

    def start(self, *, opened: bool = True) -> None:
        """Starts it, and waits until it answers; unless `opened`, nobody gets in by the port yet."""
        program = shutil.which("redis-server")
        if program is None:
            pytest.fail(ABSENT, pytrace=False)
        assert self._process is None
        command = [program, *self._settings(self.port if opened else 0)]
        process = self._process = subprocess.Popen(
            command, cwd=self.folder, bufsize=0, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        said = _said_until_ready(process)
        if READY not in said:
            self.kill()
            pytest.fail(f"redis-server did not start: {said.decode(errors='replace')}", pytrace=False)

    def open(self) -> None:
        """Let others in by the port, of one that was started without it."""
        with self.client() as client:
            client.execute_command("CONFIG SET", "port", self.port)  # pyright: ignore[reportUnknownMemberType]

    def kill(self) -> None:
        """kill -9: what it did not keep on disk is lost."""
        process = self._running()
        process.kill()
        self._gone(process)

    def stop(self) -> None:
        """Asks it to end, as a service is asked."""
        process = self._running()
        process.terminate()
        self._gone(process)

    def pause(self) -> None:
        """From now on it takes connections and bytes, as the system does for it, and answers nothing."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._running().send_signal(signal.SIGCONT)

    @property
    def up(self) -> bool:
        return self._process is not None

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the server was stopped"
        return self._process

    def _gone(self, process: subprocess.Popen[bytes]) -> None:
        process.wait(DEADLINE)
        assert process.stdout is not None
        process.stdout.close()
        self._process = None

    def _settings(self, port: int) -> list[str]:
        settings = {
            "bind": HERE,
            "port": str(port),
            "unixsocket": str(self.folder / "redis.sock"),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "save": "",
            "appendonly": "yes" if self._keeps else "no",
            "appendfsync": "always",
            "loglevel": "notice",
        }
        if self.password:
            settings["requirepass"] = self.password
        return [word for key, value in settings.items() for word in (f"--{key}", value)]


@contextmanager
def redis_running(*, keeps: bool = False, password: str = "") -> Generator[RedisServer]:
    """A server for as long as the block lasts. Its folder is near the root: the path of a socket may not be long."""
    folder = Path(tempfile.mkdtemp(prefix="moonlight-redis-"))
    server: RedisServer | None = None
    try:
        server = RedisServer(folder, keeps=keeps, password=password)
        yield server
    finally:
        if server is not None and server.up:
            server.kill()
        shutil.rmtree(folder)


def free_port() -> int:
    """A loopback port that nobody has."""
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        return probe.getsockname()[1]


def _said_until_ready(process: subprocess.Popen[bytes]) -> bytes:
    """What it said until it took connections, ended or ran out of time."""
    assert process.stdout is not None
    said = b""
    until = monotonic() + DEADLINE
    while READY not in said and select([process.stdout], [], [], max(0.0, until - monotonic()))[0]:
        if not (more := process.stdout.read(65536)):
            break
        said += more
    return said

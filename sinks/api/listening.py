"""Where the API listens: a loopback port, with TLS when there is a certificate, and a Unix socket."""

import os
import socket
import ssl
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.control.limits import CONNECTIONS
from pipeline.control.settings import Api
from pipeline.errors import InputError
from pipeline.private import OTHERS

LOOPBACK = "127.0.0.1"
SOCKET_FILE = "engine.sock"
LONGEST = 100
"""Letters of a path that fit the address of a Unix socket everywhere."""
SEND_BUFFER = 256 * 1024


def port_of(port: int) -> socket.socket:
    """A socket that listens on the loopback port."""
    try:
        listening = socket.create_server((LOOPBACK, port), backlog=CONNECTIONS)
    except (OSError, OverflowError) as problem:
        sentence = f"cannot listen on {LOOPBACK}:{port} ({problem}); choose another port, or 0 for any free one"
        raise InputError(sentence) from None
    # left alone, the system's own buffer for a line that does not read grows to megabytes
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    return listening


def unix_socket_of(folder: Path) -> socket.socket | None:
    """A socket that listens in the flow's folder, for its owner alone; None where there are no Unix sockets."""
    family = getattr(socket, "AF_UNIX", None)
    if family is None:
        return None
    path = folder / SOCKET_FILE
    with suppress(FileNotFoundError):
        path.unlink()  # of an engine that was killed: only one runs in a folder
    listening = socket.socket(family)
    try:
        with short(path) as name:
            listening.bind(name)
        path.chmod(0o600)  # before it listens nobody gets in
        listening.listen(CONNECTIONS)
    except OSError as problem:
        listening.close()
        mend = "say `socket = false` in [api] to do without"
        raise InputError(f"cannot listen on {path} ({problem.strerror or problem}); {mend}") from None
    return listening


@contextmanager
def short(path: Path) -> Generator[str]:
    """A name of a path that fits the address of a Unix socket, however deep its folder is (Linux)."""
    if len(os.fsencode(path)) <= LONGEST:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def tls_of(settings: Api, base: Path) -> ssl.SSLContext | None:
    """How the port is encrypted; None when it is not."""
    if not settings.certificate:
        return None
    certificate, key = base / settings.certificate, base / settings.key
    if os.name == "posix" and key.exists() and key.stat().st_mode & OTHERS:
        raise InputError(f"[api] key: {key} can be read by others; take that from them: chmod 600 {key}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as problem:
        raise InputError(
            f"[api] certificate, key: cannot be used ({problem}); give PEM files that belong together"
        ) from None
    return context

"""Servers on this machine for tests of what talks over a network: well-behaved ones, and ones that are not."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from pipeline.connections.budgets import Budgets
from pipeline.connections.contract import Limit
from pipeline.connections.http import Http
from pipeline.connections.troubles import CallFailed

HERE = "127.0.0.1"
DEADLINE = 20.0
"""Seconds after which a test has failed."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Rough = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, DEADLINE))


@asynccontextmanager
async def serving(ssl: SSLContext | None = None, **handlers: Handler) -> AsyncGenerator[str]:
    """The address of a server that answers `/NAME` with `handlers[NAME]`, whatever the method."""
    app = web.Application(client_max_size=2**26)
    for name, handler in handlers.items():
        app.router.add_route("*", f"/{name}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
    await runner.setup()
    try:
        await web.TCPSite(runner, HERE, 0, ssl_context=ssl).start()
        yield f"http{'' if ssl is None else 's'}://{HERE}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def rough(serve: Rough) -> AsyncGenerator[str]:
    """The address of a server that does with each connection what `serve` does, once it has heard the headers."""

    async def heard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # whoever asked went away
        finally:
            writer.close()

    server = await asyncio.start_server(heard, HERE, 0)
    try:
        yield f"http://{HERE}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@asynccontextmanager
async def nobody() -> AsyncGenerator[str]:
    """An address at which nobody listens, and nobody else can."""
    server = await asyncio.start_server(lambda _, __: None, HERE, 0, start_serving=False)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://{HERE}:{port}"
    finally:
        server.close()


def self_signed(folder: Path) -> SSLContext:
    """A server's certificate for this machine that it made out to itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HERE)])
    paper = x509.CertificateBuilder(name, name, key.public_key(), 1, datetime(2020, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001
    paper = paper.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HERE))]), critical=False)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem += paper.sign(key, SHA256()).public_bytes(Encoding.PEM)
    (folder / "server.pem").write_bytes(pem)
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


def unlimited(*limits: Limit, **more: Any) -> Budgets:
    """Budgets on the loop's own time."""
    loop = asyncio.get_running_loop()

    def now() -> int:
        return int(loop.time() * 1000)

    async def until(at: int) -> None:
        await asyncio.sleep(max(0, at - now()) / 1000)

    return Budgets(limits, now, until, **more)


def http(address: str, **more: Any) -> Http:
    """A line to an address on this machine."""
    settings: dict[str, Any] = {"hosts": (HERE,), "deadline": 5.0, "budgets": unlimited()} | more
    return Http(address, **settings)


async def failing(ours: Http, method: Any = "POST", path: str = "/orders", **more: Any) -> CallFailed:
    """How a call fails."""
    try:
        with pytest.raises(CallFailed) as failed:
            await ours.call(method, path, call="place", priority="order", **more)
    finally:
        await ours.close()
    assert failed.value.__context__ is None
    assert failed.value.__cause__ is None
    return failed.value

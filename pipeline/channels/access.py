"""How Redis is reached: its url, what it asks for, and what its failures mean. The library comes with an extra."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import parse_qs, urlsplit

from pipeline.connections.troubles import CallFailed
from pipeline.errors import InputError
from pipeline.secret import LoginField, Logins, Secret

URL = "redis://127.0.0.1:6379/0"
SCHEMES = ("redis", "rediss", "unix")
PART = "redis"
"""Under which part a login is kept: one is for publishing and for listening."""
PASSWORD = LoginField("password", "the password of Redis", "secret")
SECRET = LoginField("secret", "the secret that bars are signed with, the same at both ends", "secret")
CONNECTING, ANSWERING = 5.0, 10.0
"""Seconds that Redis may take to be reached, and to answer."""
T = TypeVar("T")
_LAX = ("ssl_cert_reqs", "ssl_check_hostname")
_OPTIONS = ("db", "ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile")
"""What may follow the `?` of a url: any other would change how Redis is spoken to."""


@dataclass(frozen=True)
class Access:
    """What Redis is let in with, and what is signed with; both may be empty."""

    password: Secret = field(default_factory=lambda: Secret(""))
    secret: bytes = field(default=b"", repr=False)


class Subscription(Protocol):
    """The one connection by which messages come."""

    async def subscribe(self, *channels: str) -> None: ...
    def get_message(self, *, timeout: float) -> Awaitable[dict[str, Any] | None]: ...
    def ping(self) -> Awaitable[Any]: ...


class Client(Protocol):
    """What is asked of Redis by who listens."""

    def publish(self, channel: str, message: bytes) -> Awaitable[int]: ...
    def get(self, name: str) -> Awaitable[bytes | None]: ...
    def pubsub(self) -> Any: ...


def wrong_with(url: str, key: str = "url") -> str:
    """Why a url is none for Redis, and how to mend it; nothing where it is one."""
    try:
        parts = urlsplit(url)
        password, _ = parts.password, parts.port
    except ValueError:
        return f"{key} is no address; write one such as {URL}"
    if parts.scheme not in SCHEMES:
        return f"{key} begins with none of {', '.join(f'{each}://' for each in SCHEMES)}; write one such as {URL}"
    if password is not None or "password" in parse_qs(parts.query, keep_blank_values=True):
        return f"{key} has a password in it; take it out and store it with `accounts add`"
    if not (parts.path.startswith("/") if parts.scheme == "unix" else parts.hostname):
        return f"{key} has no {'path of a socket' if parts.scheme == 'unix' else 'host'}; write one such as {URL}"
    if lax := [each for each in _LAX if each in parse_qs(parts.query, keep_blank_values=True)]:
        return f"{key} has {lax[0]} in it; who answers is always checked: take it out, ssl_ca_certs may name your own"
    options = parse_qs(parts.query, keep_blank_values=True)
    if other := [each for each in options if each not in _OPTIONS]:
        return f"{key} has {other[0]} in it; take it out, or use one of {', '.join(_OPTIONS)}"
    numbers = [*options.get("db", ()), *([parts.path.strip("/")] if parts.scheme != "unix" else [])]
    if wrong := [each for each in numbers if each and not (each.isascii() and each.isdigit())]:
        return f"{key} names the database {wrong[0]}; it is a number, write one such as {URL}"
    return ""


def login_fields(account: str, asked: Collection[LoginField]) -> tuple[LoginField, ...]:
    """What is asked of whoever logs in: nothing where there is no account."""
    return tuple(field for field in (PASSWORD, SECRET) if field in asked) if account else ()


def access_of(logins: Logins, account: str) -> Access:
    """What is stored for an account; `InputError` where nothing is. Without an account nothing is asked for."""
    if not account:
        return Access()
    secrets = logins.of(account).secrets
    secret = secrets.get(SECRET.name)
    return Access(secrets.get(PASSWORD.name, Secret("")), secret.reveal().encode() if secret is not None else b"")


def library() -> Any:
    """The official client, which is not part of every installation."""
    try:
        return import_module("redis.asyncio")
    except ModuleNotFoundError:
        raise InputError(
            "redis: the library that speaks to Redis is not installed; install it with: pip install 'moonlight[redis]'"
        ) from None


def client_of(url: str, access: Access, name: str = "moonlight") -> Any:
    """A client that tries nothing twice by itself: who uses it knows what may be tried again, and when."""
    redis = library()
    never = import_module("redis.asyncio.retry").Retry(import_module("redis.backoff").NoBackoff(), 0)
    secure = {"ssl_cert_reqs": "required", "ssl_check_hostname": True} if url.startswith("rediss:") else {}
    return redis.Redis.from_url(
        url,
        password=access.password.reveal() or None,
        socket_connect_timeout=CONNECTING,
        socket_timeout=ANSWERING,
        retry=never,
        client_name=name,
        protocol=2,  # by the third a server that wants a password refuses in other words
        **secure,
    )


@asynccontextmanager
async def reached(url: str, access: Access) -> AsyncGenerator[Client]:
    """A client for as long as the block lasts; what fails on the way is a `CallFailed`."""
    client = client_of(url, access)
    try:
        yield cast("Client", client)
    except failures() as failure:
        raise failed(failure) from None
    finally:
        await client.aclose()


@asynccontextmanager
async def subscribed(client: Client, *channels: str) -> AsyncGenerator[Subscription]:
    """A subscription that Redis has confirmed."""
    pubsub = client.pubsub()
    try:
        await answered(pubsub.subscribe(*channels))
        async with asyncio.timeout(ANSWERING):
            confirmed = 0
            while confirmed < len(channels):
                message = await answered(pubsub.get_message(timeout=ANSWERING))
                confirmed += message is not None and message["type"] == "subscribe"
        yield cast("Subscription", pubsub)
    finally:
        await pubsub.aclose()


async def published(client: Client, channel: str, message: bytes) -> int:
    """Publish something; how many were there to hear it."""
    return await answered(client.publish(channel, message))


async def answered(doing: Awaitable[T]) -> T:
    """What the client gives; a `CallFailed` also of what is no answer of a Redis: the client trips over it."""
    try:
        return await doing
    except (*failures(), ValueError) as failure:
        raise failed(failure) from None


def failures() -> tuple[type[Exception], ...]:
    """What the client raises when a call does not succeed."""
    return import_module("redis.exceptions").RedisError, OSError, TimeoutError


def failed(failure: BaseException) -> CallFailed:
    """What a failure of the client means: whether it is tried again, and in which words it is told."""
    exceptions = import_module("redis.exceptions")
    said = str(failure).strip().rstrip(".") or type(failure).__name__
    inner = failure.__cause__ or failure  # who is not let in is told as one who does not connect
    if isinstance(inner, exceptions.AuthenticationError | exceptions.NoPermissionError):
        return CallFailed("auth", f"Redis does not let us in: {said}")
    if isinstance(failure, exceptions.InvalidResponse | ValueError):
        return CallFailed("network", f"what answers does not speak as a Redis does: {said}")
    if isinstance(failure, exceptions.TimeoutError | TimeoutError):
        return CallFailed("network", f"Redis gave no answer in time: {said}")
    if isinstance(failure, exceptions.ConnectionError | OSError):
        return CallFailed("network", f"Redis is not reached: {said}")
    return CallFailed("rule", f"Redis refused: {said}")

"""The API over TLS: the console trusts this engine's certificate and no other."""

import asyncio
import datetime
import ssl
from ipaddress import ip_address
from pathlib import Path

import aiohttp
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pipeline.control.limits import CONNECTIONS
from pipeline.control.settings import Api
from pipeline.view import ENGINE_FILE, Whereabouts
from sinks.api.listening import tls_of
from tests.api_desks import Knocking, knocking
from tui.door import find
from tui.link import Link
from tui.store import Store

TLS = Api(certificate="cert.pem", key="key.pem")


def certified(folder: Path, name: str = "cert.pem") -> None:
    """A certificate that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "moonlight")])
    begin = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / name).write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key.pem").touch(0o600)
    (folder / "key.pem").write_bytes(pem)


def test_with_a_certificate_the_port_speaks_tls_only_and_the_console_trusts_that_one(tmp_path: Path) -> None:
    certified(tmp_path)

    async def check(at: Knocking) -> None:
        assert at.url.startswith("https://127.0.0.1:")
        address = find(None, tmp_path)
        token = {"Authorization": f"Bearer {address.token}"}
        async with aiohttp.ClientSession(headers=token) as session:
            async with session.get(f"{at.url}/status", ssl=address.trusted) as answer:
                assert answer.status == 200
            with pytest.raises(aiohttp.ClientError):
                await session.get(f"{at.url}/status")
            with pytest.raises(aiohttp.ClientError):
                await session.get(f"http://127.0.0.1:{at.port}/status")
        store = Store()
        following = asyncio.create_task(Link(store, lambda: find(None, tmp_path), lambda: 0.0).run())
        async with asyncio.timeout(10):
            while store.hello is None:  # noqa: ASYNC110  # the link tells nobody but its store
                await asyncio.sleep(0.01)
        following.cancel()

    knocking(tmp_path, check, TLS)


def test_an_engine_with_another_certificate_is_not_given_the_token(tmp_path: Path) -> None:
    certified(tmp_path)

    async def check(at: Knocking) -> None:
        other = tmp_path / "other"
        other.mkdir()
        certified(other)
        where = msgspec.json.decode((tmp_path / ENGINE_FILE).read_bytes(), type=Whereabouts)
        forged = msgspec.structs.replace(where, certificate=str(other / "cert.pem"))
        (tmp_path / ENGINE_FILE).write_bytes(msgspec.json.encode(forged))
        address = find(at.url, tmp_path)
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ServerFingerprintMismatch):
                await session.get(f"{at.url}/status", ssl=address.trusted)
        (tmp_path / ENGINE_FILE).write_bytes(msgspec.json.encode(where))

    knocking(tmp_path, check, TLS)


def test_handshakes_that_fail_take_no_room(tmp_path: Path) -> None:
    certified(tmp_path)

    async def check(at: Knocking) -> None:
        for _ in range(CONNECTIONS + 5):
            _, writer = await asyncio.open_connection("127.0.0.1", at.port)
            writer.write(b"GET /status HTTP/1.1\r\n\r\n")
            writer.close()
        address = find(None, tmp_path)
        token = {"Authorization": f"Bearer {address.token}"}
        async with (
            aiohttp.ClientSession(headers=token) as session,
            session.get(f"{at.url}/status", ssl=address.trusted) as answer,
        ):
            assert answer.status == 200

    knocking(tmp_path, check, TLS)


def test_nothing_older_than_tls_1_2_is_spoken(tmp_path: Path) -> None:
    certified(tmp_path)
    context = tls_of(TLS, tmp_path)
    assert context is not None
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2

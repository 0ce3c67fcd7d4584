"""Where an engine answers, what opens its door, and what it says when it refuses."""

import ssl
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

import aiohttp
import msgspec

from pipeline.errors import InputError, MoonlightError
from pipeline.told.refusals import Failure
from pipeline.view import ENGINE_FILE, TOKEN_FILE, Whereabouts

BEGINS, ENDS = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


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
    parts = _parts(url)
    if parts.hostname not in ("127.0.0.1", "localhost", "::1") or parts.scheme not in ("http", "https"):
        raise InputError(f"{url!r} is not http on this machine; reach another machine's engine through `ssh -L`")
    certificate = (known or _whereabouts(folder)).certificate if parts.scheme == "https" else ""
    if parts.scheme == "https" and not certificate:
        raise InputError(f"the engine of {folder} has no certificate, and {url!r} wants one; say http")
    try:
        token = (folder / TOKEN_FILE).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise Unreachable(
            f"cannot read the engine's token in {folder} ({reason(problem)}); name the flow file of that engine"
        ) from None
    return Address(url, token, certificate)


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as wrong:
        raise InputError(f"{url!r} is no address ({wrong}); write one like http://127.0.0.1:8750") from None
    return parts


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
        raise Unreachable(f"cannot read {folder / ENGINE_FILE} ({reason(problem)}); start the engine again") from None


def reason(problem: Exception) -> str:
    return (problem.strerror or str(problem)) if isinstance(problem, OSError) else str(problem)

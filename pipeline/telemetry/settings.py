"""The table [telemetry] of a flow file."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from msgspec import Meta

from pipeline.times import SECOND, DurationText, duration


@dataclass(frozen=True, kw_only=True)
class Telemetry:
    """Where numbers and traces are sent; without `otlp` nothing leaves the program by itself."""

    otlp: Annotated[
        str, Meta(description="an OpenTelemetry collector that takes OTLP over HTTP, such as http://127.0.0.1:4318")
    ] = ""
    every: Annotated[DurationText, Meta(description="how often numbers are sent there, in real time")] = "15s"
    keys: Annotated[bool, Meta(description="also send what each key made")] = False

    def __post_init__(self) -> None:
        if duration(self.every) < SECOND:
            raise ValueError(f"every {self.every} is more often than numbers change; write 1s or longer")
        if self.otlp:
            _check(self.otlp)


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError as wrong:
        raise ValueError(f"otlp is no address ({wrong}); write one such as http://127.0.0.1:4318") from None
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise ValueError("otlp is no address of a collector; write one such as http://127.0.0.1:4318")
    if parts.username or parts.password:
        raise ValueError("otlp must hold no login; let a collector on this machine log in where the numbers go")
    if parts.scheme == "http" and not _is_here(parts):
        raise ValueError(f"otlp sends to {host} without encryption; write https, or a collector on this machine")


def _is_here(parts: SplitResult) -> bool:
    if parts.hostname == "localhost":
        return True
    try:
        return ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False

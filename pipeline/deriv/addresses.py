"""Addresses that a flow file may give: whole, and in the clear only on this machine."""

from collections.abc import Collection
from urllib.parse import urlsplit

from pipeline.connections.places import allowed, is_loopback
from pipeline.errors import InputError


def check_address(url: str, schemes: tuple[str, str], *, practice: bool, speed: float) -> None:
    """`ValueError` with what to write instead."""
    parts = urlsplit(url)
    plain, safe = schemes
    try:
        allowed(url, {parts.hostname or ""}, "url")
    except InputError as wrong:
        raise ValueError(str(wrong)) from None
    if parts.scheme not in schemes:
        raise ValueError(f"url begins with {parts.scheme}://; write {safe}://…, or {plain}://127.0.0.1:… for practice")
    if practice and not is_loopback(parts.hostname or ""):
        raise ValueError(f"practice is for a venue on this machine, and url is {url}; write {plain}://127.0.0.1:…")
    if parts.query or parts.fragment:
        raise ValueError("url has a query in it; take out what follows the ? or the #")
    if speed != 1 and not practice:
        raise ValueError(
            f"speed is {speed:g}, and only a practice venue's clock goes at another pace; "
            "leave it out, or write practice = true beside a url of this machine"
        )


def check_hosts(hosts: Collection[str]) -> None:
    """`ValueError` when something else than a host's name is among them."""
    for host in hosts:
        if any(each in host for each in "/@? "):
            raise ValueError(f'hosts has {host!r}; write names of hosts alone, like "api.example.com"')

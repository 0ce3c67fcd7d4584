"""Whom we talk to: only hosts that are named beforehand, and only under their own name."""

from collections.abc import Collection
from ipaddress import ip_address

from yarl import URL

from pipeline.errors import InputError

PLAIN, SAFE = frozenset({"http", "ws"}), frozenset({"https", "wss"})


def allowed(url: str, hosts: Collection[str], key: str) -> URL:
    """The address, if we may talk to it: `hosts` are names, or names with ports. `key` names it for the user."""
    try:
        address = URL(url)
        host, port = address.host, address.port
    except ValueError:
        address, host, port = URL(), None, None
    if address.scheme not in PLAIN | SAFE or not host or port is None:
        raise InputError(f"{key} is not an address; write it like https://api.example.com")
    if address.user is not None or address.password is not None:
        raise InputError(f"{key} has a user name or a password in it; store these with `accounts add`")
    if address.scheme in PLAIN and not is_loopback(host):
        raise InputError(f"{key} would send in the clear to {host}; write {address.scheme}s:// in place of the scheme")
    if host not in hosts and f"{host}:{port}" not in hosts:
        known = ", ".join(sorted(hosts)) or "none"
        raise InputError(f"{key} leads to {host}, and only these may be asked: {known}; name it among them")
    return address


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, and cannot be another."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

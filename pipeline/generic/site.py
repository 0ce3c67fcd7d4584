"""Where a broker is: its addresses and the hosts that may be asked, checked before anything is."""

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

STREAM = "/stream"


@dataclass(frozen=True, slots=True)
class Site:
    """One broker's addresses. `url` has no slash at its end; `hosts` are all that may be asked."""

    url: str
    stream_url: str
    hosts: frozenset[str]
    deadline: float
    """Seconds within which an answer must be there."""

    @property
    def home(self) -> str:
        """The host that its calls go to."""
        return urlsplit(self.url).hostname or ""

    @property
    def local(self) -> bool:
        """Whether it is on this machine."""
        return is_local(self.home)


def site_of(url: str, stream_url: str, hosts: Collection[str], deadline: float, *, practice: bool) -> Site:
    """The site of a part's keys; a ValueError that begins with the key that is wrong."""
    base = _address("url", url, ("https", "http"))
    stream = _address("stream_url", stream_url, ("wss", "ws")) if stream_url else None
    home = base.hostname or ""
    allowed = frozenset({home, *hosts})
    if practice and not all(is_local(each) for each in allowed):
        raise ValueError('url is not of this machine; practice = true is for "http://127.0.0.1:…" alone')
    for host in hosts:
        if not host or any(each in host for each in "/:@? "):
            raise ValueError(f'hosts has {host!r}; write names of hosts alone, like "api.broker.example"')
    if stream is not None and stream.hostname not in allowed:
        raise ValueError(
            f'stream_url is at {stream.hostname}, which is not allowed; add it: hosts = ["{stream.hostname}"]'
        )
    kept = url.rstrip("/")
    return Site(kept, stream_url.rstrip("/") or _beside(kept), allowed, deadline)


def is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _address(key: str, text: str, schemes: tuple[str, str]) -> SplitResult:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f'{key} is no address; write it like "{schemes[0]}://api.broker.example/v1"') from None
    if not host or parts.scheme not in schemes:
        raise ValueError(f'{key} is {text[:60]!r}; write it like "{schemes[0]}://api.broker.example/v1"')
    if parts.scheme == schemes[1] and not is_local(host):
        raise ValueError(f"{key} is not encrypted; write {schemes[0]}:// ({schemes[1]}:// is for this machine alone)")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"{key} has a name or a password in it; take it out: `accounts add` keeps logins")
    if parts.query or parts.fragment:
        raise ValueError(f"{key} has a query in it; take out what follows the ? or the #")
    return parts


def _beside(url: str) -> str:
    """The stream of a site that names none: beside everything else."""
    return "ws" + url.removeprefix("http") + STREAM

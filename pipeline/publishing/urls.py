"""Where a Redis is, as a flow file says it: nothing secret stands in it."""

from urllib.parse import urlsplit

SCHEMES = ("redis", "rediss", "unix")


def checked_url(url: str) -> None:
    """Refuse, by a ValueError, what is no such place, and a password that stands in it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as wrong:
        raise ValueError(f"url {url!r} is none ({wrong}); write it like redis://127.0.0.1:6379/0") from None
    if parts.password is not None or "password=" in parts.query:
        raise ValueError("url has a password in it; take it out, name an account, and store it with `accounts add`")
    if parts.scheme not in SCHEMES:
        raise ValueError(
            f"url {url!r} begins with none of redis://, rediss:// and unix://; write redis://127.0.0.1:6379/0"
        )
    if parts.scheme == "unix":
        if not parts.path.startswith("/") or parts.netloc:
            raise ValueError(f"url {url!r} names no socket; write it like unix:///run/redis/redis.sock")
    elif not parts.hostname or port == 0:
        raise ValueError(f"url {url!r} names no host; write it like redis://127.0.0.1:6379/0")
    elif parts.path not in ("", "/") and not parts.path[1:].isdigit():
        raise ValueError(
            f"url {url!r} has no number of a database behind the host; write it like redis://127.0.0.1:6379/0"
        )

"""What accounts log in with: names in profiles beside the flow file, secrets in the system's keyring or in a vault."""

from functools import cache
from pathlib import Path

from pipeline.keys.keeping import Keys


def logins_of(base: Path, part: str = "") -> Keys:
    """The logins of the flows in a folder: `logins_of(host.base, "deriv")` is what the part `deriv` asks for.

    A login that was stored for one part is given to no other.
    """
    return _known(base.resolve(), part)


@cache
def _known(base: Path, part: str) -> Keys:
    return Keys(base, part)

"""What accounts log in with: names in profiles beside the flow file, secrets in the system's keyring or in a vault."""

from functools import cache
from pathlib import Path

from pipeline.keys.keeping import Keys


def logins_of(base: Path) -> Keys:
    """The logins of the flows in a folder: `logins_of(host.base)` is what a venue's part asks for."""
    return _known(base.resolve())


@cache
def _known(base: Path) -> Keys:
    return Keys(base)

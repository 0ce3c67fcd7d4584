"""What `doctor` says of one thing that it looked at."""

from typing import Literal, NamedTuple


class Finding(NamedTuple):
    """One thing looked at: fine, worth knowing, or in the way."""

    what: str
    state: Literal["ok", "note", "bad"]
    found: str
    mend: str = ""
    closes: str = ""
    """A file or folder that `--fix` closes to others."""

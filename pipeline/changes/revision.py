"""A change of a running flow as it enters it: what a recording keeps of it, to make it again at the same moment."""

from msgspec import Struct

from pipeline.errors import MoonlightError
from pipeline.values import Past


class Revision(Struct, frozen=True):
    """From here on the flow goes on by this text."""

    text: str
    past: Past | None = None
    """What the ledger knows of accounts whose venue begins anew."""


class Unchanged(MoonlightError):
    """A part could not be made or begun, so the flow goes on as it was."""

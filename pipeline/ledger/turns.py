"""Taking turns with whoever else writes: SQLite keeps no queue, and who waits looks again only now and then."""

from threading import Event

LOOKS = 0.1
"""Seconds between two looks of a connection that has waited for a while for its turn."""


def give_way() -> None:
    """Write nothing for so long that everybody who waits for the ledger has had a look."""
    Event().wait(1.5 * LOOKS)

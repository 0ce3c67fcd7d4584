"""The ledger of a flow: its file, its writing end, its reading end."""

from pipeline.ledger.ledger import Ledger, LedgerError, holding

__all__ = ["Ledger", "LedgerError", "holding"]

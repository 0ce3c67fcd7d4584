"""The ledger of a flow: its file, its writing end, its reading end."""

from pipeline.ledger.failures import LedgerError
from pipeline.ledger.ledger import Ledger
from pipeline.ledger.remembering import holding

__all__ = ["Ledger", "LedgerError", "holding"]

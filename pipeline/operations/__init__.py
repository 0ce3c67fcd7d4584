"""An engine as a service of its machine: units, what manages them, and what becomes of them."""

"""All parts there are, ours and those of installed distributions: who imports this has them."""

import operators
import sinks
import sources
from pipeline.plugins import load_installed

OURS = (operators, sinks, sources)
"""Imported for what they register."""

SWITCHED_OFF = load_installed()
"""Of each distribution whose parts cannot be used, one sentence."""

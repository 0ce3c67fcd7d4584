"""Risk: the gate between signals and money. Each import below registers a part."""

from operators.risk import fixed as fixed
from operators.risk import guard as guard

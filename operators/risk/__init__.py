"""Risk: the gate between signals and money. Each import below registers a part."""

from operators.risk import guard as guard
from operators.risk import stakes as stakes

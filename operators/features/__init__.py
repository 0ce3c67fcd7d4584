"""Features: columns computed from bars. Each import below registers its parts."""

from operators.features import indicators as indicators

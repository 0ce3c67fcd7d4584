"""Stakes: how much to put on a trade. Each import below registers a part; the guard rounds down to whole cents."""

from operators.risk.stakes import atr_normalised as atr_normalised
from operators.risk.stakes import fixed as fixed
from operators.risk.stakes import fraction as fraction
from operators.risk.stakes import kelly as kelly
from operators.risk.stakes import martingale as martingale

"""Features: columns computed from bars. Each import below registers its parts."""

from operators.features import candles as candles
from operators.features import channels as channels
from operators.features import higher as higher
from operators.features import scores as scores
from operators.features import sessions as sessions
from operators.features import states as states
from operators.features import tulip as tulip
from operators.features import turns as turns
from operators.features import volumes as volumes

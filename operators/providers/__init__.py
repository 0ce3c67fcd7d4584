"""Providers: strategies. Each import below registers its parts."""

from operators.providers import bands as bands
from operators.providers import breakouts as breakouts
from operators.providers import candles as candles
from operators.providers import ema_cross as ema_cross
from operators.providers import ema_trend as ema_trend
from operators.providers import entries as entries
from operators.providers import hours as hours
from operators.providers import momenta as momenta
from operators.providers import opening_range as opening_range
from operators.providers import oscillators as oscillators
from operators.providers import patterns as patterns
from operators.providers import rsi_reversal as rsi_reversal
from operators.providers import signal_list as signal_list
from operators.providers import stretches as stretches
from operators.providers import timeframes as timeframes
from operators.providers import trends as trends
from operators.providers import volatility as volatility
from operators.providers import volumes as volumes

"""Providers: strategies. Each import below registers a part."""

from operators.providers import ema_cross as ema_cross
from operators.providers import ema_trend as ema_trend
from operators.providers import rsi_reversal as rsi_reversal

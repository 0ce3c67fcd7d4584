"""Sources: where data comes from. Each import below registers its parts."""

from sources import binance as binance
from sources import deriv as deriv
from sources import files as files
from sources import fxcm as fxcm
from sources import http as http
from sources import kraken as kraken
from sources import oanda as oanda
from sources import redis as redis
from sources import replay as replay
from sources import signal_list as signal_list
from sources import synthetic as synthetic
from sources import webhook as webhook

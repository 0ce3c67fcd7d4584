"""Sources: where data comes from. Each import below registers its parts."""

from sources import files as files
from sources import replay as replay
from sources import signal_list as signal_list
from sources import synthetic as synthetic
from sources import webhook as webhook

"""Operators: pure stream parts. Each import below registers its parts."""

from operators import calibrator as calibrator
from operators import ensembles as ensembles
from operators import features as features
from operators import health as health
from operators import providers as providers
from operators import risk as risk
from operators import window as window

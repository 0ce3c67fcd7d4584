"""Ensembles: what several votes together say. Each import below registers a part."""

from operators.ensembles import adaptive as adaptive
from operators.ensembles import agreement as agreement
from operators.ensembles import majority as majority
from operators.ensembles import regime as regime
from operators.ensembles import stacked as stacked
from operators.ensembles import weighted as weighted

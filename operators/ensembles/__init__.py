"""Ensembles: what several votes together say. Each import below registers a part."""

from operators.ensembles import weighted as weighted

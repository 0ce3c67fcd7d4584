"""Sinks and venues: where things go. Each import below registers a part."""

from sinks import alerts as alerts
from sinks import deriv as deriv
from sinks import executor as executor
from sinks import http as http
from sinks import metrics as metrics
from sinks import practice as practice
from sinks import redis as redis
from sinks import store as store

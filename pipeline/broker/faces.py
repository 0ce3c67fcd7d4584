"""The protocols that a practice venue speaks, all on one port."""

from collections.abc import Callable, Sequence

from aiohttp import web

from pipeline.broker.core import Broker
from pipeline.broker.deriv import add_deriv
from pipeline.broker.generic import Generic
from pipeline.broker.legacy import add_legacy

AddFace = Callable[[web.Application, Broker], None]
"""Puts a face of the venue into an application. What has to be closed is closed when the application ends."""


def add_generic(app: web.Application, broker: Broker) -> None:
    """The protocol of docs/connectors.md: HTTP and a stream under /v1."""
    Generic(broker, broker.faults, broker.limits).add_to(app)


FACES: Sequence[AddFace] = (add_deriv, add_legacy, add_generic)

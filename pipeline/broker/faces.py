"""The protocols that a practice venue speaks, all on one port."""

from collections.abc import Callable, Sequence

from aiohttp import web

from pipeline.broker.core import Broker

AddFace = Callable[[web.Application, Broker], None]
"""Puts a face of the venue into an application. What has to be closed is closed by the application's own end."""

FACES: Sequence[AddFace] = ()

"""The engine's control API on loopback: REST for programs, lines for consoles and for what happens."""

from sinks.api.server import Desk as Desk

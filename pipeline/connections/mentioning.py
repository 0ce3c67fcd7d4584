"""What was asked of a venue or a feed is mentioned in the log, when somebody wants to know: never what was in it."""

import logging

_LOG = logging.getLogger("moonlight.requests")


def mention(what: str, where: str, outcome: str | int, millis: float) -> None:
    """`GET /account at api.broker.example: 200 in 12 ms`; the outcome is a status, or how it failed."""
    if _LOG.isEnabledFor(logging.DEBUG):
        facts = {"asked": what, "at": where, "outcome": outcome, "ms": round(millis, 1)}
        place = f" at {where}" if where else ""
        _LOG.debug("%s%s: %s in %.0f ms", what, place, outcome, millis, extra={"facts": facts})

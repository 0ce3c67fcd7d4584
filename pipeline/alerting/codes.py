"""What alerts there are, and how grave each is."""

from collections.abc import Mapping
from typing import NamedTuple

from pipeline.alerting.route import Severity


class Code(NamedTuple):
    """One kind of alert."""

    severity: Severity
    meaning: str
    patient: bool = False
    """It is told once it has held for `patience`: what is over by then was not worth a word."""
    damped: bool = True
    """That it is over is told once it has stayed so for `quiet`. What people do is not damped."""
    passing: bool = False
    """It has no end: it happened. When it happens again within `quiet`, that is counted and told afterwards."""


CODES: Mapping[str, Code] = {
    "KILL_SWITCH": Code("critical", "somebody stopped an account or everything", damped=False),
    "LATCH": Code("critical", "a limit set a stop that somebody must release", damped=False),
    "CRASH_LOOP": Code("critical", "the engine died several times within minutes and trades no more", damped=False),
    "ORDER_UNKNOWN": Code("critical", "nobody knows what became of an order", damped=False),
    "UNRECONCILED": Code("critical", "an account does not add up", damped=False),
    "DISPUTE": Code("critical", "a venue contradicts what it said before", passing=True),
    "LOGIN_REFUSED": Code("critical", "a venue does not let an account in, and nothing is tried again", damped=False),
    "CONSERVATION": Code("critical", "something was lost on an edge without a name", damped=False),
    "DISK_FULL": Code("critical", "the ledger's disk has less room than `least_disk_mb`"),
    "LEDGER": Code("critical", "the ledger cannot be written, so the engine ends", passing=True),
    "ENGINE_FAILED": Code("critical", "the engine ended by itself", passing=True),
    "ENGINE_DIED": Code("critical", "the run before this one ended without a word, or failed", passing=True),
    "DAILY_LOSS_NEAR": Code("medium", "an account has lost the share `daily_loss_near` of what a day may cost"),
    "LIMIT_REACHED": Code("medium", "a limit keeps an account, or a key of it, from trading"),
    "CIRCUIT_BREAKER_TRIP": Code("medium", "an account rests after a storm of errors"),
    "CONNECTION": Code("medium", "an account has been away from its venue for longer than `patience`", patient=True),
    "FEED_STALE": Code("medium", "prices cannot be trusted, or do not come, for longer than `patience`", patient=True),
    "KEY_PAUSED": Code("medium", "a key is not traded for a while, after errors in a row"),
    "STRATEGY_FAULT": Code("medium", "a strategy failed; others go on"),
    "STRATEGY_HOG": Code("medium", "a strategy takes too long and is not asked for a while"),
    "NODE_FAULT": Code("medium", "a node of the flow, or who looks on, failed", passing=True),
    "ENGINE_STALLED": Code("medium", "the engine stood still for seconds", passing=True),
    "CLOCK_STEP": Code("medium", "the machine's clock was set", passing=True),
    "UNEXPLAINED": Code("medium", "our own prices do not explain how a venue settled", passing=True),
    "PUBLISHER": Code("medium", "publishing is amiss for longer than `patience`", patient=True),
    "CONFIG_REFUSED": Code("medium", "an edit of the flow file was not taken over", passing=True),
    "ARMED": Code("medium", "an account may trade with real money", damped=False),
    "ENGINE_ENDED": Code("medium", "the engine was asked to end, and did", passing=True),
    "ALERT_ROUTE": Code("medium", "alerts do not leave by one of their ways", patient=True),
    "ALERTS_LOST": Code("medium", "alerts found no room while a way out was broken", passing=True),
    "ENGINE_STARTED": Code("low", "the engine began", passing=True),
    "CONFIG_CHANGED": Code("low", "the flow goes on as its file was edited", passing=True),
    "HELD_BACK": Code("low", "alerts were held back by `most_per_hour`", passing=True),
    "TEST": Code("low", "somebody tries whether alerts arrive", passing=True),
}
"""Every code that is ever told."""

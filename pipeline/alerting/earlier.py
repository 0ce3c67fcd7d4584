"""How the run before this one ended, where it could not say so itself."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from zoneinfo import ZoneInfo

from pipeline.alerting.edges import Sign
from pipeline.engine import LEDGER_FILE
from pipeline.errors import MoonlightError
from pipeline.ledger.tables import readable
from pipeline.lives import ASKED, KILLED
from pipeline.plan import Plan
from pipeline.times import local_text

BEFORE = "SELECT began, how FROM lives ORDER BY epoch DESC LIMIT 1 OFFSET 1"


def last_life(plan: Plan) -> Iterator[Sign]:
    """That it was killed or failed. What it told then may not have arrived."""
    try:
        with closing(readable(plan.folder / LEDGER_FILE)) as db:
            found = db.execute(BEFORE).fetchone()
    except (MoonlightError, sqlite3.Error):
        return  # the ledger's own failure ends the flow, told
    if found is None or found[1] in ("", ASKED):
        return
    began, how = found
    when = local_text(began, ZoneInfo(plan.settings.display_timezone))
    why = "without a word: it was killed, or the machine failed" if how.startswith(KILLED) else f"so: {how}"
    yield Sign("ENGINE_DIED", "", on=True, text=f"the run before this one, begun {when}, ended {why}")

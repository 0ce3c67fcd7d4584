"""The engine that runs, as its control API sees it."""

from zoneinfo import ZoneInfo

from pipeline.alerting.desk import AlertDesk
from pipeline.aside import Asking
from pipeline.changes.reloading import Reloads
from pipeline.company import Company
from pipeline.control.accounts import Holders
from pipeline.control.beside import Beside
from pipeline.control.config import Editor, File, hash_of
from pipeline.control.controls import Controls
from pipeline.control.explaining import Reasons
from pipeline.control.halting import Brakes
from pipeline.control.looking import Lines, Looks
from pipeline.control.parts import Catalogue
from pipeline.control.reporting import Reports
from pipeline.control.starting import Starters
from pipeline.control.telling import Numbers, Records, Warnings
from pipeline.control.trading import Books
from pipeline.control.vitals import Machine
from pipeline.engine import LEDGER_FILE
from pipeline.logs.companion import Logging
from pipeline.plan import Plan
from pipeline.starting import Starts, keys_of
from pipeline.telemetry.onlooker import Onlooker
from pipeline.view import Halting
from pipeline.watch import Watch


def controls_of(watch: Watch, ask: Asking, switch: Halting, company: Company) -> Controls:
    """All that may be asked of an engine: of what it shows, of its ledger, and of those beside it."""
    beside = company.of(Beside)
    assert beside is not None, "an engine that answers hears of what happens"
    path = beside.plan.folder / LEDGER_FILE
    lines, file = Lines(), File(lambda: beside.plan)
    reloads = company.of(Reloads)
    numbers, log, alerts = company.of(Onlooker), company.of(Logging), company.of(AlertDesk)
    if log is not None:
        beside.listens(log.book)
    return Controls(
        view=watch,
        ask=ask,
        lines=lines,
        channels=beside.channels,
        looks=Looks(watch, ask, lines, Machine(), lambda: hash_of(beside.plan.source.text)),
        brakes=Brakes(switch),
        holders=Holders(watch, beside, ask),
        file=file,
        editor=None if reloads is None else Editor(file, reloads),
        starters=Starters(lambda: _starts(beside.plan, watch)),
        books=Books(path, lambda: beside.plan, lambda: watch.clock, watch.entries.all, ask),
        reasons=Reasons(path, lambda: beside.plan, watch.recent.of, ask),
        catalogue=Catalogue(lambda: beside.plan),
        reports=Reports(path, lambda: beside.plan),
        numbers=None if numbers is None else Numbers(numbers),
        records=None if log is None else Records(log.book),
        warnings=None if alerts is None else Warnings(alerts, ask),
    )


def _starts(plan: Plan, watch: Watch) -> Starts:
    zone = ZoneInfo(plan.settings.display_timezone)
    return Starts(plan.folder / LEDGER_FILE, zone, keys_of(plan), lambda: watch.clock)

"""Who in an engine answers the control API; what is not there has no route."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from pipeline.aside import Asking, here
from pipeline.control import (
    accounts,
    config,
    explaining,
    halting,
    looking,
    parts,
    reporting,
    starting,
    telling,
    trading,
)
from pipeline.control.accounts import Holders
from pipeline.control.channels import Channels
from pipeline.control.config import Editor, File
from pipeline.control.explaining import Reasons
from pipeline.control.halting import Brakes
from pipeline.control.looking import Lines, Looks
from pipeline.control.parts import Catalogue
from pipeline.control.reporting import Reports
from pipeline.control.routing import AnyRoute, Served
from pipeline.control.starting import Starters
from pipeline.control.telling import Numbers, Records, Warnings
from pipeline.control.trading import Books
from pipeline.view import View


@dataclass(frozen=True, kw_only=True)
class Controls:
    """An engine as its control API sees it: one subject a field, and the view that consoles look at."""

    view: View
    ask: Asking = here
    lines: Lines = field(default_factory=Lines)
    channels: Channels = field(default_factory=Channels)
    looks: Looks | None = None
    brakes: Brakes | None = None
    holders: Holders | None = None
    file: File | None = None
    editor: Editor | None = None
    starters: Starters | None = None
    books: Books | None = None
    reasons: Reasons | None = None
    catalogue: Catalogue | None = None
    reports: Reports | None = None
    numbers: Numbers | None = None
    records: Records | None = None
    warnings: Warnings | None = None

    def served(self) -> Iterator[Served]:
        """Every route that somebody here answers."""
        for each in fields(self):
            subject = getattr(self, each.name)
            for route in ROUTES.get(each.name, ()):
                if subject is not None:
                    yield Served(route, subject)


ROUTES: dict[str, tuple[AnyRoute, ...]] = {
    "looks": looking.ROUTES,
    "brakes": halting.ROUTES,
    "holders": accounts.ROUTES,
    "file": config.FILE,
    "editor": config.EDITOR,
    "starters": starting.ROUTES,
    "books": trading.ROUTES,
    "reasons": explaining.ROUTES,
    "catalogue": parts.ROUTES,
    "reports": reporting.ROUTES,
    "numbers": telling.NUMBERS,
    "records": telling.RECORDS,
    "warnings": telling.WARNINGS,
}
"""The routes of each subject."""


def every_route() -> tuple[AnyRoute, ...]:
    """All routes there are, whoever serves them."""
    return tuple(route for routes in ROUTES.values() for route in routes)

"""The report: what orders say of a flow, for each key and in total, in sentences and as facts. It only reads."""

from collections.abc import Iterable
from dataclasses import dataclass
from textwrap import wrap
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.plan import Plan
from pipeline.reporting.passage import NOT_ENDED
from pipeline.reporting.proven import NOTHING_PROVEN, Proven
from pipeline.reporting.said import Section
from pipeline.reporting.sections import SECTIONS, Sections
from pipeline.reporting.subjects import Subject, keyed, purse_of, totals
from pipeline.states import ENDED
from pipeline.statistics.records import ended
from pipeline.statistics.shares import Money
from pipeline.times import local_text, timeframe_name
from pipeline.trials import UNTRIED, Tries
from pipeline.values import Order

VERSION = 1
"""Of the JSON: it grows when a name in it changes its meaning or goes."""
NOTE = "Not a forecast: it says what was, not what will be."
WIDTH = 120


@dataclass(frozen=True)
class Report:
    """Each key and each total with what the sections say of it."""

    keys: tuple[tuple[Subject, tuple[Section, ...]], ...]
    totals: tuple[tuple[Subject, tuple[Section, ...]], ...]
    zone: ZoneInfo
    stamps: tuple[str, ...] = ()
    """What must be known before all else, at the head of it."""
    tries: Tries = UNTRIED
    """How often this flow's data was looked at."""

    @property
    def empty(self) -> bool:
        return not any(len(subject.record) for subject, _ in self.totals)

    def text(self) -> list[str]:
        lines = [*self.stamps, *([self._span()] if not self.empty else []), *self.tries.told()]
        for subject, sections in (*self.keys, *self.totals):
            lines += [subject.title, *_lines(sections)]
        return [*lines, NOTE]

    def as_json(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "note": NOTE,
            "stamps": list(self.stamps),
            "zone": self.zone.key,
            "trials": self.tries.as_json(),
            "keys": [_facts(subject, sections) for subject, sections in self.keys],
            "totals": [_facts(subject, sections) for subject, sections in self.totals],
        }

    def unended(self) -> list[str]:
        """What has not ended, also where nothing has settled yet."""
        return _lines(section for _, sections in self.totals for section in sections if section.name == NOT_ENDED)

    def _span(self) -> str:
        moments = [moment for subject, _ in self.totals for moment in subject.record.ended[[0, -1]].tolist()]
        first, last = (local_text(moment, self.zone, "%Y-%m-%d %H:%M") for moment in (min(moments), max(moments)))
        return f"trades that ended from {first} to {last} ({self.zone.key})"


def report_of(
    orders: Iterable[Order],
    plan: Plan,
    money: Money | None = None,
    since: int | None = None,
    of_keys: Sections = SECTIONS,
    tries: Tries = UNTRIED,
    proven: Proven = NOTHING_PROVEN,
) -> Report:
    """The report of these orders, or of those whose slot ended since a moment, with these sections for each key.

    What has not ended belongs to every report.
    """
    some = [order for order in orders if since is None or order.state not in ENDED or ended(order) >= since]
    zone = ZoneInfo(plan.settings.display_timezone)
    purses = {account: purse_of(account, plan, money) for account in {order.account for order in some}}
    subjects = tuple(keyed(some, purses, zone, proven))
    return Report(
        tuple((subject, _said(subject, of_keys)) for subject in subjects),
        tuple((subject, _said(subject, SECTIONS)) for subject in totals(subjects)),
        zone,
        plan.stamps,
        tries,
    )


def _said(subject: Subject, sections: Sections) -> tuple[Section, ...]:
    return tuple(said for section in sections if (said := section(subject)) is not None)


def _lines(sections: Iterable[Section]) -> list[str]:
    return [
        line
        for section in sections
        for line in wrap(
            f"  {section.label:<12}  {section.text}", WIDTH, subsequent_indent=" " * 16, break_on_hyphens=False
        )
    ]


def _facts(subject: Subject, sections: tuple[Section, ...]) -> dict[str, Any]:
    about: dict[str, Any] = {"money": subject.purse.money, "currency": subject.purse.currency or None}
    if subject.account:
        about |= {"account": subject.account, "product": subject.product, "timeframe": timeframe_name(subject.tf)}
    return {**about, **{section.name: section.facts for section in sections}}

"""What an audit found, kept until rows are imported."""

import msgspec

from pipeline.archive import files
from pipeline.archive.auditing import audited
from pipeline.archive.findings import Audit
from pipeline.archive.grades import Grade, meets
from pipeline.archive.series import Series
from pipeline.archive.store import Archive
from pipeline.archive.writing import report_of, work_of
from pipeline.calendar import Calendar, calendar_of
from pipeline.errors import InputError


def audit(archive: Archive, series: Series, calendar: Calendar) -> Audit:
    """Look at all rows now."""
    return audited(series, archive.batches(series), calendar)


def keep(archive: Archive, series: Series, report: Audit) -> None:
    text = msgspec.json.format(msgspec.json.encode(report)).decode()
    path = report_of(work_of(archive.folder, series))
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(path, text)


def kept(archive: Archive, series: Series) -> Audit | None:
    """The report of the last audit, when nothing was imported since."""
    try:
        return msgspec.json.decode(report_of(work_of(archive.folder, series)).read_bytes(), type=Audit)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def demand(archive: Archive, series: Series, grade: Grade, calendar: Calendar) -> None:
    """Refuse a series that is worse than a grade by a calendar."""
    report = kept(archive, series) if calendar is calendar_of(series.product) else None
    report = report or audit(archive, series, calendar)
    if not meets(report.grade, grade):
        raise InputError(
            f"{series} in {archive.folder} has grade {report.grade}, {grade} is demanded: {report.sentence()}; "
            "mend the data, or demand less"
        )

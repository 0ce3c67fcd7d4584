"""A record as a person reads it: one line, and below it the lines of a traceback, each behind a bar."""

from collections.abc import Iterator, Mapping
from datetime import tzinfo

from pipeline.logs.plain import plain, plain_lines
from pipeline.logs.records import LogLevel, Record
from pipeline.times import local_text

COLOURS: Mapping[LogLevel, str] = {"debug": "\033[2m", "info": "", "warning": "\033[33m", "error": "\033[1;31m"}
DIM, PLAIN = "\033[2m", "\033[0m"


def shown(record: Record, zone: tzinfo, *, coloured: bool = False) -> str:
    """`2026-01-05 10:01:00 warning  risk.main  …`, and at the end what it belongs to. Whatever is in the record, it
    does nothing to a terminal but what is meant here."""
    moment = local_text(record.at or record.wall, zone)
    level, module, text = f"{record.level:<7}", plain(record.module), plain(record.text)
    order = f"  [{plain(record.correlation)}]" if record.correlation else ""
    if coloured:
        level = f"{COLOURS[record.level]}{level}{PLAIN}"
        module, order = f"{DIM}{module}{PLAIN}", order and f"{DIM}{order}{PLAIN}"
    return "\n".join((f"{moment} {level} {module}  {text}{order}", *_below(record)))


def _below(record: Record) -> Iterator[str]:
    traceback = record.fields.get("traceback")
    if isinstance(traceback, str):
        yield from (f"    │ {line}" for line in plain_lines(traceback).split("\n") if line)

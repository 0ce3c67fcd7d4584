"""Judge the bars or quotes of a product: gaps, impossible prices, jumps, frozen stretches, wrong clocks, and a grade.

examples:
  python -m pipeline data audit --product EURUSD --timeframe 1m
  python -m pipeline data audit --product EURUSD --demand B --json

The grade, A to F, is the worst of the measures'; docs/data.md says the rules. With --demand the exit code is 1 when the
grade is worse.
"""

import argparse
from typing import Any

import msgspec

from pipeline.calendar import calendar_of
from pipeline.times import utc_text
from pipeline.verbs.common import json_option, say_json
from pipeline.verbs.data_common import archive, series_options, store_option, tf_of

SHOWN = 5
"""Of gaps and jumps so many are shown to a person; --json has a thousand."""


def options(parser: argparse.ArgumentParser) -> None:
    series_options(parser)
    parser.add_argument(
        "--demand", choices=("A", "B", "C", "D", "E", "F"), metavar="GRADE", help="the worst that will do"
    )
    store_option(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    store = archive("store").Archive(options.store)
    series = archive("series").Series(options.product, tf_of(options.timeframe))
    reports, grades = archive("reports"), archive("grades")
    report = reports.audit(store, series, calendar_of(options.product))
    reports.keep(store, series, report)
    met = options.demand is None or grades.meets(report.grade, options.demand)
    if options.json:
        say_json({**msgspec.to_builtins(report), "worst_finding": report.sentence(), "met": met})
    else:
        print("\n".join(_text(report)))
        if not met:
            print(f"grade {options.demand} is demanded and not met")
    return 0 if met else 1


def _text(report: Any) -> list[str]:
    found, finding = report.found, archive("findings").finding
    span = f"{utc_text(found.first)} to {utc_text(found.last)}"
    lines = [f"{report.product} {report.timeframe}: grade {report.grade}, {found.rows:,} rows, {span}"]
    lines += [f"  {grade}  {measure:<10} {finding(found, measure)}" for measure, grade in report.grades.items()]
    if found.longest:
        lines.append("longest gaps:")
        lines += [
            f"  {slots:>8,} bars  {utc_text(since)} to {utc_text(until)}"
            for slots, since, until in found.longest[:SHOWN]
        ]
    if found.largest:
        lines.append("largest moves:")
        lines += [f"  {times:>8,.0f} times the usual  {utc_text(at)}" for times, at in found.largest[:SHOWN]]
    return lines

"""List what the store holds.

example:
  python -m pipeline data list --store data/store --json

A grade stands beside what was audited since it was last imported.
"""

import argparse
from typing import Any

from pipeline.times import utc_text
from pipeline.verbs.common import json_option, say_json
from pipeline.verbs.data_common import archive, store_option

COLUMNS = ("product", "timeframe", "rows", "from", "until", "size", "grade")


def options(parser: argparse.ArgumentParser) -> None:
    store_option(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    store = archive("store").Archive(options.store)
    rows = [_row(store, series) for series in store.series()]
    if options.json:
        say_json(rows)
    elif not rows:
        print(f"the store {options.store} is empty; fill it with `data import`")
    else:
        texts = [COLUMNS, *(_texts(row) for row in rows)]
        widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
        for line in texts:
            print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    return 0


def _row(store: Any, series: Any) -> dict[str, Any]:
    facts = store.facts(series)
    report = archive("reports").kept(store, series)
    return {
        "product": series.product,
        "timeframe": series.timeframe,
        "rows": facts.rows,
        "from": facts.first,
        "until": facts.end,
        "size": facts.bytes,
        "grade": None if report is None else report.grade,
    }


def _texts(row: dict[str, Any]) -> tuple[str, ...]:
    size = f"{row['size'] / 1e6:,.1f} MB"
    since, until = utc_text(row["from"]), utc_text(row["until"])
    return row["product"], row["timeframe"], f"{row['rows']:,}", since, until, size, row["grade"] or "not audited"

"""The campaigns in short: a soak that must not grow, and edits of a flow while it trades."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.holding import Memory
from bench.reloads import both, compared, edits, flow_of
from bench.soak import Held, Soaked
from pipeline.times import HOUR
from tests.support import ROOT


def looked(*rss: float, tasks: int = 12) -> Soaked:
    last = len(rss) - 1
    looks = [Held(at * HOUR, each, tasks if at == last else 12, 6, 24, 10.0 * at) for at, each in enumerate(rss)]
    return Soaked(looks=looks)


def test_growth_once_warm_is_told_with_how_far_it_may_be_off() -> None:
    level = [300 + 60 * min(1.0, at / 8) + (0.3 if at % 2 else -0.3) for at in range(40)]
    slope, error = looked(*level).slope()
    assert abs(slope) <= error < 0.1
    slope, error = looked(*(each + 0.5 * at for at, each in enumerate(level))).slope()
    assert slope - error > 0.4


def test_whose_the_memory_is_that_grows_is_told_apart() -> None:
    made = looked(*(300.0 for _ in range(40)))
    for number, each in enumerate(made.looks):
        made.looks[number] = each._replace(memory=Memory(300.0, 500_000 + 100 * number, 45.0, 20.0, 2.7))
    lines = made.text().splitlines()
    assert "  500.00 →   503.90 thousand of Python's blocks; once warm +0.1000 ± 0.0000 an hour" in lines[2]
    assert "   45.00 →    45.00 MiB in use of C's; once warm +0.0000 ± 0.0000 an hour" in lines[3]


COUNTS = """
import sys
from bench.holding import grown, memory, objects

class Kept:
    pass

before = objects()
kept = [Kept() for _ in range(1_000)]
made = sys.getallocatedblocks()
after = objects()
assert abs(sys.getallocatedblocks() - made) < 5_000, "what is counted here is counted elsewhere"
for line in grown(before, after):
    print(line)
assert memory().rss > 1 and memory().blocks > 1_000
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the soak reads what Linux says of a process")
def test_what_there_is_more_of_is_counted_by_type_beside_the_process() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", COUNTS], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    (line,) = [each for each in ended.stdout.splitlines() if each.endswith("  __main__.Kept")]
    assert "+1,000 to     1,000" in line


def test_a_task_too_many_a_missed_bar_and_a_fault_are_problems() -> None:
    made = looked(300.0, 300.0, tasks=20)
    made.missed["missed"] = 2
    made.faults.append("fault in providers.own: ValueError")
    assert made.problems() == ["tasks grew from 12 to 20", "2 bars missed", "fault in providers.own: ValueError"]
    assert looked(300.0, 300.0).problems() == []


OVER = re.compile(r"([+-][\d,]+) to +[\d,]+  pipeline\.(?:values|evidence|outcomes|service)\.(\w+)$", re.MULTILINE)
AHEAD = {"Quotes"}
"""What the market has made ahead of its time."""
KEPT = {"Order", "Settlement", "Listed", "Certificate"}


@pytest.mark.slow
def test_half_an_hour_of_twelve_keys_leaks_nothing_loses_nothing_and_misses_no_bar(tmp_path: Path) -> None:
    """Of bars, columns, votes, decisions, statements and all else that went along the edges nothing stays."""
    command = [sys.executable, "-m", "bench.soak", "--hours", "0.5", "--products", "1", "--objects"]
    ended = subprocess.run(
        [*command, "--keep", str(tmp_path)], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=110, check=False
    )
    assert ended.returncode == 0, ended.stdout[-2_000:] + ended.stderr[-2_000:]
    assert "bars missed: 0; faults: 0" in ended.stdout
    more = {name: int(count.replace(",", "")) for count, name in OVER.findall(ended.stdout)}
    assert more["Order"] > 20, "it trades"
    assert {name for name, count in more.items() if count > 20} <= KEPT | AHEAD, ended.stdout


def test_edits_of_one_gate_while_it_trades_miss_no_bar_and_move_nothing_of_the_other(tmp_path: Path) -> None:
    changed, never, verdict = both(tmp_path, 8, 1)
    assert compared(changed, never) == []
    assert (len(changed.applied), len(changed.refused)) == (7, 1)
    assert (verdict.whole, verdict.difference) == (True, None)
    assert "close it" in changed.refused[0]


def test_each_edit_of_the_campaign_is_an_edit() -> None:
    text = flow_of(1)
    assert text not in set(edits(text, 8))

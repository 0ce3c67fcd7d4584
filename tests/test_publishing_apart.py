"""A flow that trades and publishes: publishing changes nothing of what is decided."""

from pathlib import Path
from typing import Any

from pipeline.service import Diagnosis
from pipeline.times import MINUTE
from pipeline.values import Order
from tests.support import MONDAY, SMALL, decided, plan_of, play

PUBLISHING = """
[sinks.air]
use = "redis"
from = "bars"
file_only = true
"""


def played(text: str, folder: Path) -> list[tuple[str, Any]]:
    return play(plan_of(text, folder), [], MONDAY + 20 * MINUTE, outside=("source", "venue", "sink"), mode="paper")


def test_a_flow_that_also_publishes_decides_and_orders_what_it_does_without(tmp_path: Path) -> None:
    alone, both = played(SMALL, tmp_path / "alone"), played(SMALL + PUBLISHING, tmp_path / "both")
    assert [each for node, each in both if node == "sinks.air" and isinstance(each, Diagnosis)][-1].published["ohlcv"]
    assert decided(both) == decided(alone) != {}
    orders, others = ([each for _, each in given if isinstance(each, Order)] for given in (both, alone))
    assert orders == others != []

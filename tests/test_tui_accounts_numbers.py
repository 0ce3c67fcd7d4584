"""What trades prove, on screen: whole or not there, each kind of money by itself, and no number torn apart."""

import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from rich.cells import cell_len

from pipeline.checking import load
from pipeline.plan import Plan
from pipeline.reporting import report_of
from pipeline.statistics.shares import Money
from pipeline.times import MINUTE
from pipeline.trials import Tries
from pipeline.values import Order
from tests.support import MONDAY, SMALL, order
from tui.accounts.numbers import lines_of
from tui.accounts.report import Report
from tui.eighths import eighths
from tui.painted import Line


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    (tmp_path / "flows.toml").write_text(SMALL, encoding="utf-8")
    return load(tmp_path / "flows.toml")


def trades(count: int) -> list[Order]:
    """So many in a row, two of three won, each entered half a second after its bar."""
    made: list[Order] = []
    for at in range(count):
        won, bar = at % 3 != 0, MONDAY + at * 7 * MINUTE
        ended = bar + 2 * MINUTE
        profit = Decimal("900.00") if won else Decimal("-1000.00")
        made.append(
            order(
                "SETTLED",
                order=f"demo-1:EURUSD:1m:{bar}",
                bar=bar,
                at=ended,
                expiry=ended,
                stake=Decimal("1000.00"),
                result="win" if won else "lose",
                profit=profit,
                entry_ts=bar + MINUTE + 500,
            )
        )
    return made


def report(plan: Plan, *kinds: Money, count: int = 200) -> Report:
    """As the engine would answer with trades of these kinds of money."""
    made = [report_of(trades(count), plan, kind, tries=Tries({"replay": 12, "worth": 3}, 5)) for kind in kinds]
    told = made[0].as_json() | {"totals": [total for each in made for total in each.as_json()["totals"]]}
    return msgspec.convert(msgspec.json.decode(msgspec.json.encode(told)), Report)


def text(lines: Sequence[Line]) -> str:
    return "\n".join("".join(run.text for run in line.runs) for line in lines)


def test_everything_that_belongs_to_a_win_rate_is_said_with_it(plan: Plan) -> None:
    said = " ".join(text(lines_of(report(plan, "paper"), 110)).split())
    assert re.search(r"win rate 66\.5 % \(\S+–\S+\) vs break-even 52\.6 %, n=200, ties 0", said)
    assert re.search(r"evidence ×\S+ for an edge, ×\S+ against one.* enough is ×20 \(α 5 %, 200 slots\)", said)
    assert re.search(r"per stake \+0\.264 \(\+0\.\d+ to \+0\.\d+\)", said)
    assert re.search(
        r"profit \+52 700\.00 USD \(\+\d\d \d{3}\.\d\d to \+\d\d \d{3}\.\d\d\) on 200 000\.00 staked", said
    )
    assert re.search(r"independent trades: .* more for an edge of 2 pp \(\S+ days? at the present rate\)", said)
    assert re.search(r"payouts 0h .*[▁-█].* 23h .*00h|payouts 0h .* 23h .*10h 0\.900×\d", said)
    assert re.search(
        r"entry delay 0\.50 s on the median, 0\.50 s at 95 %; costs \d\.\d pp if a signal fades in 10s", said
    )
    assert "tried 12× replay, 3× worth, with 5 flows; of the best of them ×100 is evidence enough, less is luck" in said
    assert said.endswith("Not a forecast: it says what was, not what will be.")


@pytest.mark.parametrize("width", [36, 56, 90])
def test_no_line_is_wider_than_its_panel_and_no_number_is_torn_from_its_unit(plan: Plan, width: int) -> None:
    lines = lines_of(report(plan, "paper"), width)
    assert all(sum(cell_len(run.text) for run in line.runs) <= width for line in lines)
    for line in text(lines).split("\n"):
        assert not re.match(r"\s{12}(%|pp\b|s\b|USD|\d{3}\.\d\d\b)", line), line
        assert "…" not in line


def test_kinds_of_money_stand_apart_under_their_own_word_and_look_real_money_first(plan: Plan) -> None:
    lines = lines_of(report(plan, "demo", "real"), 80, permission="read the venue's own terms")
    heads = [line.runs[0] for line in lines if line.ground == "raised"]
    assert [(run.text.strip(), run.style) for run in heads] == [("REAL money USD", "real"), ("demo USD", "line-3")]
    assert text(lines).count("read the venue's own terms") == 1
    first, second = text(lines).split("demo USD")
    assert "permission" in first
    assert "permission" not in second
    assert first.count("vs break-even") == second.count("vs break-even") == 1


def test_without_a_trade_there_are_no_numbers_at_all(plan: Plan) -> None:
    assert lines_of(report(plan, "paper", count=0), 80) == []


def test_bars_of_eighths_show_every_value_and_leave_gaps_where_there_is_none() -> None:
    assert eighths([None, 0.0, 0.1, 8.0, 4.0]) == "  ▁█▄"
    assert eighths([]) == ""
    assert eighths([0.85, 0.85], 0.8) == "██"

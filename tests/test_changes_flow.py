"""A flow that is changed while it runs decides what it would have decided, and a change is done whole or not at all."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from reactivex import Observable
from reactivex import operators as ops

from operators.risk.deciding import GATES
from pipeline import parts, virtual
from pipeline.changes.revision import Unchanged
from pipeline.engine import Setting, running
from pipeline.flow import Flow
from pipeline.journal import Journal
from pipeline.ledger import Ledger
from pipeline.parts import operator, sink
from pipeline.times import MINUTE
from pipeline.trying import NoRecords
from pipeline.values import Bars, Decisions, Dropped, Latch, Past
from pipeline.verifying import verified
from tests.support import MONDAY, ROOT, SMALL, decided, plan_of

END = MONDAY + 20 * MINUTE
TRADING = (
    SMALL.replace("max_daily_loss", "threshold = 0.1\nmax_daily_loss")
    .replace(
        'slow = { use = "sma", period = 8 }', 'slow = { use = "sma", period = 8 }\nrsi = { use = "rsi", period = 7 }'
    )
    .replace('use = "ema_cross"', 'use = "ema_trend"\nrsi = "rsi"')
)
TWO = (
    TRADING.replace("[venues.practice]", '[accounts.demo-2]\nvenue = "practice"\n\n[venues.practice]')
    .replace(
        "[sinks.orders]",
        """[risk.other]
use = "guard"
from = "main"
accounts = ["demo-2"]
stake = { use = "fixed", amount = "1.00" }
threshold = 0.1
max_daily_loss = "20.00"

[sinks.orders]""",
    )
    .replace('from = "risk.main"', 'from = ["risk.main", "other"]')
    .replace('from = ["risk.main", "orders"]', 'from = ["risk.main", "other", "orders"]')
)
Change = tuple[int, str]


@pytest.fixture(autouse=True)
def _own_parts() -> Iterator[None]:
    """Parts declared in a test are gone after it."""
    registry = parts._registry  # pyright: ignore[reportPrivateUsage]  # nothing else forgets a part
    before = {kind: dict(table) for kind, table in registry.items()}
    yield
    for kind, table in registry.items():
        table.clear()
        table.update(before[kind])


def ran(
    text: str,
    changes: Sequence[Change] = (),
    *,
    begin: int = MONDAY,
    end: int = END,
    record: Path | None = None,
    ledger: Path | None = None,
    look: Callable[[Flow], object] = lambda _: None,
) -> list[tuple[str, Any]]:
    """What a flow gave that was changed to other texts at some moments."""
    given: list[tuple[str, Any]] = []

    def told(node: str, value: Any) -> None:
        given.append((node, value))

    async def play(_: object) -> None:
        plan = plan_of(text)
        journal = None if record is None else Journal(record, plan, begin)
        records = NoRecords() if ledger is None else Ledger(ledger)
        past = records.past(begin) if isinstance(records, Ledger) else Past((), {})
        setting = Setting(mode="paper", begin=begin)
        async with running(plan, setting, records, past, journal=journal, taps=(told,)) as flow:
            for at, other in changes:
                await flow.border.until(at)
                flow.change(plan_of(other))
            await flow.border.until(end)
            assert all(passage.conserved for passage in flow.passages)
            assert flow.faults == []
            look(flow)
        if journal is not None:
            journal.close()
        if isinstance(records, Ledger):
            records.close()

    virtual.run(play)
    return given


def rows(given: list[tuple[str, Any]], account: str = "demo-1") -> dict[Any, Any]:
    return {key: row for key, row in decided(given).items() if key[0] == account}


@cache
def untouched(text: str) -> list[tuple[str, Any]]:
    """What a flow gives that is never changed."""
    return ran(text)


def some_moments() -> list[int]:
    """At a bar's end, within its grace, just after it, and in the middle."""
    return [MONDAY + 4 * MINUTE, MONDAY + 7 * MINUTE + 300, MONDAY + 9 * MINUTE + 501, MONDAY + 13 * MINUTE + 30_000]


def test_the_flow_of_these_tests_trades() -> None:
    assert sum(row[-1] is not None for row in rows(untouched(TRADING)).values()) > 5


def test_a_reload_without_a_change_changes_no_decision() -> None:
    changes = [(at, f"# edited\n{TRADING}") for at in some_moments()]
    assert decided(ran(TRADING, changes)) == decided(untouched(TRADING))


def test_a_change_of_one_guard_leaves_every_row_of_the_others() -> None:
    other = TWO.replace("threshold = 0.1\nmax_daily_loss", "threshold = 0.6\nmax_daily_loss", 1)
    assert other != TWO
    changes = [(at, text) for at, text in zip(some_moments(), (other, TWO, other, TWO), strict=True)]
    reloaded, never = ran(TWO, changes), untouched(TWO)
    assert rows(reloaded, "demo-2") == rows(never, "demo-2")
    assert rows(reloaded, "demo-1") != rows(never, "demo-1")


@pytest.mark.parametrize("at", [MONDAY + 12 * MINUTE + 5_123])
def test_from_a_change_on_it_decides_as_a_run_that_was_restarted_with_it(tmp_path: Path, at: int) -> None:
    """The guard goes on with what it remembers: as much as a start reads from the ledger."""
    other = TRADING.replace("threshold = 0.1", 'threshold = 0.15\nlimits = [{ what = "trades", count = 40 }]')
    reloaded = rows(ran(TRADING, [(at, other)]))
    ran(TRADING, end=at, ledger=tmp_path / "ledger.db")
    restarted = rows(ran(other, begin=at, ledger=tmp_path / "ledger.db"))
    later = {key: row for key, row in reloaded.items() if key in restarted}
    assert len(later) > 10
    assert any(row[-1] is not None for row in later.values())
    assert later == restarted


@pytest.mark.parametrize("guard", ["other", "third"])
def test_an_account_that_a_limit_stopped_stays_stopped_whichever_guard_it_goes_to(guard: str) -> None:
    limit = '\nlimits = [{ what = "drawdown", amount = "1.50", base = "7d", release = "hand" }]'
    mine, theirs = 'accounts = ["demo-1"]', 'accounts = ["demo-2"]'
    text = TWO.replace(mine, mine + limit)
    swapped = TWO.replace(mine, "accounts = []").replace(theirs, mine).replace("accounts = []", theirs)
    for name in ("[risk.other]", '"other"'):
        swapped = swapped.replace(name, name.replace("other", guard))
    at = MONDAY + 9 * MINUTE + 20_000
    given = ran(text, [(at, swapped)], end=MONDAY + 13 * MINUTE)
    [stopped] = [value.at for _, value in given if isinstance(value, Latch) and value.scope == "demo-1"]
    assert stopped < at
    mine_after = [row for key, row in rows(given).items() if key[3] >= at]
    assert GATES.index("killed") in [row[0] for row in mine_after]
    assert not any(row[-1] for row in mine_after)
    assert any(row[-1] for key, row in rows(given, "demo-2").items() if key[3] >= at)


def test_a_product_that_is_added_is_decided_and_no_bar_of_the_others_is_missed() -> None:
    more = TRADING.replace('["EURUSD", "BTCUSD"]', '["EURUSD", "BTCUSD", "XAUUSD"]')
    changes = [(MONDAY + 10 * MINUTE + 20_000, more), (MONDAY + 15 * MINUTE + 20_000, TRADING)]
    reloaded, never = decided(ran(TRADING, changes)), decided(untouched(TRADING))
    assert {key: row for key, row in reloaded.items() if key[1] != "XAUUSD"} == never
    gold = sorted(key[3] for key in reloaded if key[1:3] == ("XAUUSD", MINUTE))
    assert gold == [MONDAY + minute * MINUTE for minute in range(10, 15)]


def test_the_features_of_a_deeper_history_are_those_of_a_run_that_had_it_from_the_start() -> None:
    longer = TRADING.replace("period = 8", "period = 90")
    at = MONDAY + 10 * MINUTE + 20_000
    reloaded, always = ran(TRADING, [(at, longer)]), ran(longer)

    def scores(given: list[tuple[str, Any]]) -> dict[Any, float]:
        said = (value for _, value in given if isinstance(value, Decisions))
        return {(each.key, int(each.open_ts[0])): float(each.score[0]) for each in said if each.at[0] > at}

    assert scores(reloaded) == scores(always)
    assert any(score for score in scores(always).values())


def test_a_recording_of_a_flow_that_was_changed_twice_is_made_again_to_the_bit(tmp_path: Path) -> None:
    other = TRADING.replace("threshold = 0.1", "threshold = 0.3")
    longer = TRADING.replace('["1m", "5m"]', '["1m", "3m"]')
    changes = [(MONDAY + 3 * MINUTE + 300, other), (MONDAY + 6 * MINUTE + 20_000, longer)]
    ran(TRADING, changes, record=tmp_path / "session", end=MONDAY + 10 * MINUTE)
    verdict = verified(tmp_path / "session", ROOT)
    assert verdict.difference is None
    assert verdict.same == verdict.links > 100
    assert verdict.whole


def test_meters_and_edges_of_nodes_that_go_on_count_on() -> None:
    seen: list[tuple[int, int]] = []

    def look(flow: Flow) -> None:
        edges = [each for each in flow.passages if each.edge.source == "operators.bars" and not each.ended]
        seen.append((flow.nodes["operators.bars"].meter.given, max(each.came for each in edges)))

    ran(TRADING, look=look, end=MONDAY + 8 * MINUTE)
    changes = [(at, TRADING.replace("threshold = 0.1", f"threshold = 0.{at % 7}1")) for at in some_moments()[:2]]
    ran(TRADING, changes, look=look, end=MONDAY + 8 * MINUTE)
    assert seen[0] == seen[1]


def test_100_changes_miss_no_bar_and_change_no_decision_of_keys_they_leave_alone() -> None:
    other = TWO.replace("threshold = 0.1\nmax_daily_loss", "threshold = 0.6\nmax_daily_loss", 1)
    third = other.replace("threshold = 0.6", "threshold = 0.3")
    step = (END - MONDAY) // 102
    changes = [(MONDAY + (number + 1) * step, (other, TWO, third)[number % 3]) for number in range(100)]
    reloaded, never = ran(TWO, changes), untouched(TWO)
    assert rows(reloaded, "demo-2") == rows(never, "demo-2")
    assert rows(reloaded, "demo-1").keys() == rows(never, "demo-1").keys()


# --- whole or not at all ---------------------------------------------------------------------------------------------


def test_a_part_that_cannot_be_made_leaves_the_flow_as_it_was() -> None:
    @sink
    class Refusing:
        """Takes decisions, and cannot be begun."""

        def __call__(self, host: object, decisions: Observable[Decisions]) -> Observable[Dropped]:
            raise OSError("the port is taken")

    broken = TRADING + '\n[sinks.refusing]\nfrom = "risk.main"\n'
    broken = broken.replace("threshold = 0.1", "threshold = 0.9").replace("period = 8", "period = 10")
    given: list[tuple[str, Any]] = []

    async def play(_: object) -> None:
        plan = plan_of(TRADING)
        setting = Setting(mode="paper", begin=MONDAY)

        def told(node: str, value: Any) -> None:
            given.append((node, value))

        async with running(plan, setting, NoRecords(), Past((), {}), taps=(told,)) as flow:
            await flow.border.until(MONDAY + 5 * MINUTE + 20_000)
            with pytest.raises(Unchanged, match=r"the flow goes on as it was: OSError: the port is taken"):
                flow.change(plan_of(broken))
            assert flow.plan is plan
            assert "sinks.refusing" not in flow.nodes
            await flow.border.until(END)

    virtual.run(play)
    assert decided(given) == decided(untouched(TRADING))


def test_what_waits_in_a_node_that_goes_on_still_comes() -> None:
    """A timer that dies with each deploy is the bug of others."""

    @operator
    class Slowly:
        """Gives each batch of bars seven seconds later."""

        def __call__(self, bars: Observable[Bars]) -> Observable[Dropped]:
            return bars.pipe(ops.filter(_fresh), ops.delay(7.0), ops.map(_dropped))

    text = TRADING + '\n[operators.slowly]\nfrom = "bars"\n'
    at = MONDAY + 4 * MINUTE + 3_000
    given = ran(text, [(at, text.replace("threshold = 0.1", "threshold = 0.3"))], end=MONDAY + 6 * MINUTE)
    waited = [value for node, value in given if node == "operators.slowly"]
    bars = [value for node, value in given if node == "operators.bars" and isinstance(value, Bars) and value.fresh]
    assert len(bars) > 10
    assert [value.product for value in waited] == [value.product for value in bars[: len(waited)]]
    assert len(waited) >= len(bars) - 4  # those of the last seconds


def _fresh(bars: Bars) -> bool:
    return bars.fresh > 0


def _dropped(bars: Bars) -> Dropped:
    return Dropped(bars.product, "slow", bars.fresh)


def test_a_part_that_fails_as_it_lets_go_is_told_of_and_holds_nothing_up() -> None:
    @operator
    class Clinging:
        """Takes bars, and fails when it is to end."""

        def __call__(self, bars: Observable[Bars]) -> Observable[Dropped]:
            return bars.pipe(ops.filter(_never), ops.map(_dropped), ops.finally_action(_cling))

    text = TRADING + '\n[operators.clinging]\nfrom = "bars"\n'
    given: list[tuple[str, Any]] = []

    async def play(_: object) -> None:
        setting = Setting(mode="paper", begin=MONDAY)

        def told(node: str, value: Any) -> None:
            given.append((node, value))

        async with running(plan_of(text), setting, NoRecords(), Past((), {}), taps=(told,)) as flow:
            await flow.border.until(MONDAY + 5 * MINUTE + 20_000)
            flow.change(plan_of(TRADING))
            assert "operators.clinging" not in flow.nodes
            assert [fault.what for fault in flow.faults] == ["RuntimeError: not yet"]
            await flow.border.until(MONDAY + 8 * MINUTE)

    virtual.run(play)
    rows = decided(given)
    assert rows == {key: row for key, row in decided(untouched(TRADING)).items() if key in rows}
    assert len(rows) > 10


def _never(bars: Bars) -> bool:
    del bars
    return False


def _cling() -> None:
    raise RuntimeError("not yet")

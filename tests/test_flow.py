"""A flow: faults stay where they happen, nothing is lost without a name, and nothing enters after the end."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from reactivex import Observable
from reactivex import operators as ops

from pipeline import parts, virtual
from pipeline.engine import Setting, running
from pipeline.errors import FlowStopped
from pipeline.flow import RESTARTS, Flow
from pipeline.parts import feature, operator, provider, sink, stake
from pipeline.plan import LEDGER
from pipeline.times import MINUTE
from pipeline.trying import NoRecords
from pipeline.values import Bars, Bet, Columns, Decisions, Dropped, Fault, Floats, Order, Past, Quotes, Settlement
from tests.support import MONDAY, SMALL, Entry, plan_of, play, quotes

CRASH = 1.2
"""A price at which the parts of these tests break."""
MARKET = "sources.market"


@pytest.fixture(autouse=True)
def _own_parts() -> Iterator[None]:
    """Parts declared in a test are gone after it."""
    registry = parts._registry  # pyright: ignore[reportPrivateUsage]  # nothing else forgets a part
    before = {kind: dict(table) for kind, table in registry.items()}
    yield
    for kind, table in registry.items():
        table.clear()
        table.update(before[kind])


def minutes(count: int, *crashes: int, product: str = "EURUSD") -> list[Entry]:
    """A quote a minute that swings, so that there are trades; at some minutes it is at `CRASH`."""
    swing = 1.1 + 0.001 * np.sin(np.arange(count) / 2.5)
    prices = [CRASH if minute in crashes else float(swing[minute]) for minute in range(count)]
    return [
        (MONDAY + minute * MINUTE + 1_040, MARKET, quotes(product, [MONDAY + minute * MINUTE + 1_000], [price]))
        for minute, price in enumerate(prices)
    ]


def both(count: int, *crashes: int) -> list[Entry]:
    """The first of two products crashes, the other does not."""
    return sorted([*minutes(count, *crashes), *minutes(count, product="BTCUSD")], key=lambda entry: entry[0])


def end_of(count: int) -> int:
    return MONDAY + count * MINUTE + 2_000


def verdicts(given: list[tuple[str, Any]], product: str = "EURUSD") -> dict[int, str]:
    """The word for each minute of a product."""
    return {
        (int(item.open_ts[row]) - MONDAY) // MINUTE: "trade" if verdict < 0 else item.gates[verdict]
        for _, item in given
        if isinstance(item, Decisions) and (item.product, item.tf) == (product, MINUTE)
        for row, verdict in enumerate(item.verdict.tolist())
    }


def faults(given: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    return [(item.node, item.what) for _, item in given if isinstance(item, Fault)]


def crashed(prices: Floats) -> bool:
    return bool((prices > CRASH - 0.05).any())


# --- providers and features ------------------------------------------------------------------------------------------


def declare_brittle() -> None:
    @provider
    class Brittle:
        """Calls, and breaks when the price crashes."""

        lookback = 0

        def __call__(self, columns: Columns) -> Floats:
            if crashed(columns["close"][-columns.fresh :]):
                raise ValueError("the price crashed")
            return np.full(len(columns), 0.9)


BRITTLE = SMALL.replace('from = ["cross"]', 'from = ["cross", "brittle"]').replace(
    "[ensembles.main]", "[providers.brittle]\n\n[ensembles.main]"
)


def test_a_provider_that_raises_is_told_of_and_the_bar_says_fault() -> None:
    declare_brittle()
    given = play(plan_of(BRITTLE), both(45, 40), end_of(45))
    assert faults(given) == [("providers.brittle", "ValueError: the price crashed")]
    words = verdicts(given)
    assert [minute for minute, word in words.items() if word == "fault"] == [40]
    assert words.keys() == set(range(45))


def test_the_other_product_does_not_notice() -> None:
    declare_brittle()
    calm, other = (play(plan_of(BRITTLE), both(45, *crashes), end_of(45)) for crashes in ((), (40,)))
    assert verdicts(other, "BTCUSD") == verdicts(calm, "BTCUSD")
    assert "trade" in verdicts(other, "BTCUSD").values()


def test_a_provider_that_must_not_fail_ends_the_flow() -> None:
    declare_brittle()
    careful = BRITTLE.replace("[providers.brittle]", '[providers.brittle]\non_fault = "stop"')
    with pytest.raises(
        FlowStopped, match=r"^providers.brittle failed \(ValueError: the price crashed\); the flow ended$"
    ):
        play(plan_of(careful), both(45, 40), end_of(45))


def test_too_few_scores_are_a_fault_too() -> None:
    @provider
    class Brittle:
        """Says nothing at all."""

        lookback = 0

        def __call__(self, columns: Columns) -> Floats:
            return np.zeros(0)

    given = play(plan_of(BRITTLE), minutes(3), end_of(3))
    assert faults(given)[0] == ("providers.brittle", "ValueError: gave 0 scores for 1 rows")
    assert set(verdicts(given).values()) == {"fault"}


def test_a_feature_that_raises_is_told_of_and_the_bar_is_not_ready() -> None:
    @feature
    class Frail:
        """The close, as long as that does not crash."""

        outputs = ()

        def warmup(self) -> int:
            return 0

        def __call__(self, bars: Bars) -> Floats:
            if crashed(bars.close[-1:]):
                raise ValueError("the price crashed")
            return bars.close

    frail = plan_of(SMALL.replace("[features]", '[features]\nfrail = { use = "frail" }'))
    given = play(frail, both(45, 40), end_of(45))
    assert faults(given) == [("features", "ValueError: the price crashed")]
    assert verdicts(given)[40] == "ready"
    assert verdicts(given, "BTCUSD") == verdicts(play(frail, both(45), end_of(45)), "BTCUSD")


# --- operators -------------------------------------------------------------------------------------------------------


def declare_fragile() -> None:
    @operator
    class Fragile:
        """Passes quotes on, and breaks when the price crashes."""

        def __call__(self, prices: Observable[Quotes]) -> Observable[Quotes]:
            return prices.pipe(ops.map(unbroken))


def unbroken(item: Quotes) -> Quotes:
    if crashed(item.bid):
        raise ValueError("the price crashed")
    return item


FRAGILE = SMALL.replace(
    '[operators.bars]\nuse = "window"\nfrom = "market"',
    '[operators.fragile]\nfrom = "market"\n\n[operators.bars]\nuse = "window"\nfrom = "fragile"',
)


def test_an_operator_that_raises_is_started_afresh_and_goes_on_with_the_next_item() -> None:
    declare_fragile()
    given = play(plan_of(FRAGILE), minutes(20, 5), end_of(20))
    assert faults(given) == [("operators.fragile", "ValueError: the price crashed")]
    assert verdicts(given).keys() == set(range(20)) - {5}


def test_after_three_restarts_the_next_failure_ends_the_flow_in_a_sentence() -> None:
    declare_fragile()
    crashes = range(5, 5 + RESTARTS)
    play(plan_of(FRAGILE), minutes(20, *crashes), end_of(20))
    with pytest.raises(
        FlowStopped, match=r"^operators.fragile failed \(ValueError: the price crashed\); the flow ended$"
    ):
        play(plan_of(FRAGILE), minutes(20, *crashes, 15), end_of(20))


def test_an_operator_that_must_not_fail_ends_the_flow_at_once() -> None:
    declare_fragile()
    careful = FRAGILE.replace("[operators.fragile]", '[operators.fragile]\non_fault = "stop"')
    with pytest.raises(FlowStopped, match=r"operators.fragile failed"):
        play(plan_of(careful), minutes(20, 5), end_of(20))


# --- what must not guess ---------------------------------------------------------------------------------------------


def test_when_the_gate_fails_the_flow_ends_and_nothing_is_sent_after_it() -> None:
    @stake
    class Rude:
        """Will not say."""

        def __call__(self, bet: Bet) -> Decimal:
            raise LookupError("no such thing")

    told: list[tuple[str, Any]] = []
    rude = plan_of(SMALL.replace('stake = { use = "fixed", amount = "1.00" }', 'stake = { use = "rude" }'))
    with pytest.raises(FlowStopped, match=r"^risk.main failed \(LookupError: no such thing\); the flow ended$"):
        on_flow(rude, lambda flow: enter_all(flow, minutes(60)), told)
    assert [item.fatal for _, item in told if isinstance(item, Fault)] == [True]
    after = next(place for place, (_, item) in enumerate(told) if isinstance(item, Fault))
    assert {type(item) for _, item in told[after + 1 :]} <= {Bars, Quotes}


def test_when_a_sink_fails_the_flow_ends() -> None:
    @sink
    class Leaky:
        """Takes orders, and drops them."""

        def __call__(self, host: object, orders: Observable[Order]) -> Observable[Dropped]:
            return orders.pipe(ops.map(leak))

    leaky = plan_of(SMALL + '\n[sinks.leaky]\nfrom = "orders"\n')
    with pytest.raises(FlowStopped, match=r"^sinks.leaky failed \(OSError: the bottom is open\); the flow ended$"):
        play(leaky, minutes(60), end_of(60))


def leak(_: Order) -> Dropped:
    raise OSError("the bottom is open")


# --- conservation ----------------------------------------------------------------------------------------------------


def on_flow(plan: Any, look: Callable[[Flow], Any], told: list[tuple[str, Any]] | None = None) -> Flow:
    """Run a flow with its venue in virtual time while `look`, a coroutine function, lets things enter."""

    def tap(node: str, item: Any) -> None:
        if told is not None:
            told.append((node, item))

    async def main() -> Flow:
        setting = Setting(mode="replay", begin=MONDAY, outside=("venue",))
        async with running(plan, setting, NoRecords(), Past((), {}), taps=(tap,)) as flow:
            await look(flow)
            if flow.ended.done():
                flow.ended.result()
        return flow

    return virtual.run(lambda _: main())


async def enter_all(flow: Flow, entries: list[Entry], each: Callable[[], None] = lambda: None) -> None:
    for at, port, value in entries:
        await flow.border.until(at)
        flow.enter(port, value)
        each()
    await flow.border.until(end_of(len(entries)))


@pytest.mark.parametrize("crashes", [(), (40, 50)])
def test_on_every_edge_what_came_is_what_went_what_is_held_and_what_was_dropped_by_name(
    crashes: tuple[int, ...],
) -> None:
    declare_fragile()
    checked = 0

    async def look(flow: Flow) -> None:
        def conserved() -> None:
            nonlocal checked
            checked += 1
            assert [str(passage) for passage in flow.passages if not passage.conserved] == []

        await enter_all(flow, both(60, *crashes), conserved)

    flow = on_flow(plan_of(FRAGILE), look)
    assert checked == 120
    assert all(passage.conserved for passage in flow.passages)
    by_edge = {(passage.edge.source, passage.edge.target): passage for passage in flow.passages}
    first = by_edge[MARKET, "operators.fragile"]
    assert (first.came, first.went, first.held, dict(first.dropped)) == (
        120,
        120 - len(crashes),
        0,
        {"fault": len(crashes)} if crashes else {},
    )
    assert by_edge["risk.main", "sinks.orders"].came > 0
    assert by_edge["sinks.orders", "risk.main"].went == by_edge["sinks.orders", "risk.main"].came > 0


def test_meters_count_rows_taken_given_and_dropped_by_reason() -> None:
    late = (MONDAY + 2 * MINUTE, MARKET, quotes("EURUSD", [MONDAY, MONDAY + 1], [1.1, 1.1], 2 * MINUTE))
    meters: dict[str, Any] = {}
    play(
        plan_of(),
        [*minutes(10), late],
        end_of(10),
        look=lambda flow: meters.update({name: node.meter for name, node in flow.nodes.items()}),
    )
    assert (meters[MARKET].given, meters["operators.bars"].taken) == (12, 12)
    assert dict(meters["operators.bars"].dropped) == {"late": 2}
    assert meters["features"].taken == 10 + 2
    assert (meters["risk.main"].faults, meters["risk.main"].restarts) == (0, 0)


# --- the door --------------------------------------------------------------------------------------------------------


def test_nothing_enters_after_the_end() -> None:
    told: list[tuple[str, Any]] = []

    async def look(flow: Flow) -> None:
        await enter_all(flow, minutes(3))
        flow.stop()
        heard = len(told)
        for at, port, value in minutes(6)[3:]:
            await flow.border.until(at)
            flow.enter(port, value)
        await flow.border.until(end_of(20))
        assert len(told) == heard
        assert flow.ended.done()

    on_flow(plan_of(), look, told)


def test_what_a_venue_says_at_once_while_an_order_reaches_it_enters_in_a_turn_of_its_own() -> None:
    """A venue without any latency answers before the order has reached everybody else."""
    instant = SMALL.replace("payout = 0.9", "payout = 0.9\nlatency_ms = 0\nsettle_delay_ms = 0")
    given = play(plan_of(instant), minutes(60), end_of(60))
    lives: dict[str, list[str]] = {}
    for _, item in given:
        if isinstance(item, Order):
            lives.setdefault(item.order, []).append(item.state)
    assert len(lives) > 2
    assert all(["PREPARE", "SEND", "CONFIRM", "SETTLED"][: len(life)] == life for life in lives.values())
    assert any(len(life) == 4 for life in lives.values())


def test_a_value_that_enters_while_another_is_given_waits_for_its_turn() -> None:
    told: list[tuple[str, Any]] = []

    async def look(flow: Flow) -> None:
        extra = Settlement("nobody's", "win", Decimal(1), 0, 1.0, 0, 1.0, MONDAY)

        def meanwhile(node: str, item: Any) -> None:
            if isinstance(item, Quotes):
                flow.enter("venues.practice", extra)

        flow.tap(meanwhile)
        await enter_all(flow, minutes(2))

    on_flow(plan_of(), look, told)
    names = [type(item).__name__ for _, item in told]
    assert names.index("Settlement") > names.index("Quotes")
    place = names.index("Bars")
    assert names[place : place + 5] == ["Bars", "Columns", "Votes", "Signals", "Decisions"]
    assert names.count("Settlement") == 2


def test_a_tap_sees_everything_any_node_gives() -> None:
    given = play(plan_of(), minutes(60), end_of(60))
    seen = {(node, type(item).__name__) for node, item in given}
    assert seen == {
        (LEDGER, "Past"),
        (MARKET, "Quotes"),
        ("venues.practice", "Payouts"),
        ("venues.practice", "Ack"),
        ("venues.practice", "Settlement"),
        ("operators.bars", "Bars"),
        ("features", "Columns"),
        ("providers.cross", "Votes"),
        ("ensembles.main", "Signals"),
        ("risk.main", "Decisions"),
        ("risk.main", "Approved"),
        ("risk.main", "Life"),
        ("sinks.orders", "Order"),
        ("sinks.orders", "Inquiry"),
        ("sinks.orders", "Reconciled"),
        ("venues.practice", "Statement"),
        ("certificates", "Certificate"),
        ("outcomes", "Outcomes"),
        ("audits", "Audited"),
    }


def test_one_who_looks_on_and_fails_is_told_no_more_and_the_flow_goes_on() -> None:
    seen: list[str] = []

    async def look(flow: Flow) -> None:
        def breaks(node: str, item: Any) -> None:
            seen.append(node)
            raise KeyError(node)

        flow.tap(breaks)
        await enter_all(flow, minutes(3))
        assert [(fault.node, fault.what) for fault in flow.faults] == [("tap", f"KeyError: '{seen[0]}'")]

    told: list[tuple[str, Any]] = []
    on_flow(plan_of(), look, told)
    assert len(seen) == 1
    assert len(verdicts(told)) == 3


def test_a_planned_act_of_a_venue_that_raises_ends_the_flow_with_a_sentence() -> None:
    def fail() -> None:
        raise RuntimeError("the venue's own mistake")

    async def main() -> None:
        setting = Setting(mode="replay", begin=MONDAY, outside=("venue",))
        async with running(plan_of(), setting, NoRecords(), Past((), {})) as flow:
            flow.border.at(MONDAY + 1_000, fail)
            await flow.border.until(MONDAY + 2_000)
            with pytest.raises(FlowStopped, match="a venue or source failed"):
                flow.ended.result()

    virtual.run(lambda _: main())

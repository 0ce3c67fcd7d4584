"""How long things take, measured and kept."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as with_

from pipeline.evidence import Written
from pipeline.telemetry.sketches import BOUNDS, LEAST, MOST, Spread, joined
from pipeline.telemetry.stages import KEPT, QUIET, Stages
from pipeline.times import MINUTE
from pipeline.values import DEADLINE, NEXT_TICK, VENUE, Approved, Bars, Decisions, Order, OrderState, Ticket
from tests.driven import bars_of
from tests.support import MONDAY, order

NAME = f"demo-1:EURUSD:1m:{MONDAY}"


def spread(millis: Sequence[float]) -> Spread:
    made = Spread()
    for each in millis:
        made.add(each)
    return made


@given(st.lists(st.floats(LEAST, MOST), min_size=1, max_size=200), st.sampled_from((0.01, 0.5, 0.95, 0.99, 1.0)))
def test_a_quantile_is_within_a_fortieth_of_the_true_one(millis: list[float], share: float) -> None:
    true = float(np.quantile(millis, share, method="inverted_cdf"))
    (told,) = spread(millis).quantiles(share)
    assert told == pytest.approx(true, rel=0.0251)


def test_what_is_older_than_two_turns_is_in_no_quantile_and_in_every_count() -> None:
    made = spread([1000.0] * 10)
    made.turn()
    made.add(10.0)
    assert made.recent == 11
    made.turn()
    assert made.quantiles(0.99) == pytest.approx([10.0], rel=0.03)
    made.turn()
    assert made.quantiles(0.5) == ()
    assert (made.count, made.total, made.buckets()[-1]) == (11, 10_010.0, 11)


def test_buckets_count_what_took_no_longer_than_each_bound() -> None:
    made = spread([*BOUNDS, 31_000.0, -5.0])
    assert made.buckets() == (*range(2, len(BOUNDS) + 2), len(BOUNDS) + 2)
    assert made.total == sum(BOUNDS) + 31_000


def test_several_spreads_are_one() -> None:
    whole = joined([spread([1, 2, 3]), spread([100]), Spread()])
    assert (whole.count, whole.total) == (4, 106)
    assert whole.quantiles(1.0) == pytest.approx([100], rel=0.03)


# --- the way of a bar ------------------------------------------------------------------------------------------------


def bar(tf: int = MINUTE, closed_by: int = NEXT_TICK, product: str = "EURUSD") -> Bars:
    made = bars_of([1.1], product=product, tf=tf)
    return replace(made, closed_by=np.array([closed_by], np.int8), final_at=made.open_ts + tf)


def decided(bars: Bars, account: str = "demo-1", *, traded: bool = False) -> Decisions:
    none = np.zeros(1)
    ticket = Ticket(account, bars.product, bars.tf, int(bars.open_ts[0]), int(bars.final_at[0]), "call", 0.9, 0.9)
    orders = {0: Approved(ticket, NAME, order().stake)} if traded else {}
    verdict = np.array([-1 if traded else 0], np.int8)
    facts = verdict, none, none, none, np.zeros(1, np.int8), none
    return Decisions(account, bars.product, bars.tf, ("ready",), bars.open_ts, bars.final_at, *facts, orders, {})


def medians(stages: Stages) -> dict[str, float]:
    """Of each stage, over all accounts."""
    return {stage: each.quantiles(0.5)[0] for (_, stage), each in stages.spreads.items()}


def moved(state: OrderState, **changes: object) -> Order:
    return with_(order(), order=NAME, **({"state": state} | changes))


def test_every_stage_of_a_traded_bar_is_measured_in_real_time_from_the_quote_to_the_known_end() -> None:
    stages, made = Stages(speed=60.0), bar()
    final = int(made.final_at[0])
    stages.quotes("EURUSD", 1000.0)
    stages.bars(made, 1002.0, final)
    stages.decisions(decided(made, traded=True), 1007.0, final)
    stages.order(moved("PREPARE"), 1008.0, final)
    stages.written(Written(NAME, fresh=True), 1017.0)
    stages.order(moved("SEND"), 1018.0, final)
    stages.order(moved("CONFIRM", taken_at=final + 9), 1118.0, final + 9)
    ended = moved("SETTLED", taken_at=final + 9, expiry=final + MINUTE, result="win")
    way = stages.order(ended, 9000.0, final + MINUTE + 600)
    took = {
        "quote_to_bar": 2.0,
        "bar_to_decision": 5.0,
        "decision_to_intent": 10.0,
        "intent_to_send": 1.0,
        "send_to_answer": 100.0,
        "decision_to_answer": 111.0,
        "expiry_to_result": 600 / 60.0,
    }
    assert medians(stages) == {stage: pytest.approx(millis, rel=0.03) for stage, millis in took.items()}
    assert way is not None
    assert (way.heard, way.final, way.decided, way.durable, way.sent, way.answered, way.ended) == (
        *(1000.0, 1002.0, 1007.0, 1017.0, 1018.0, 1118.0, 9000.0),
    )


def test_an_intent_that_is_on_disk_at_once_was_so_when_its_order_was_sent() -> None:
    stages, made = Stages(), bar()
    final = int(made.final_at[0])
    stages.bars(made, 10.0, final)
    stages.decisions(decided(made, traded=True), 11.0, final)
    stages.order(moved("SEND"), 15.0, final)
    assert medians(stages)["decision_to_intent"] == pytest.approx(4.0, rel=0.03)


@pytest.mark.parametrize("closed_by", [DEADLINE, VENUE])
def test_a_bar_that_no_quote_closed_did_not_wait_for_one(closed_by: int) -> None:
    stages = Stages()
    stages.quotes("EURUSD", 1000.0)
    stages.bars(bar(closed_by=closed_by), 1500.0, MONDAY + MINUTE)
    assert medians(stages) == {}


def test_of_bars_given_ahead_of_their_time_nothing_is_measured() -> None:
    stages, made = Stages(), bar()
    stages.bars(made, 1.0, MONDAY)
    stages.decisions(decided(made), 90_000.0, MONDAY + MINUTE)
    assert medians(stages) == {}


def test_a_close_lasts_from_the_first_bar_of_its_instant_to_the_last_decision_of_it() -> None:
    stages = Stages()
    first, second = bar(), bar(product="BTCUSD")
    at = int(first.final_at[0])
    stages.bars(first, 100.0, at)
    stages.decisions(decided(first), 103.0, at)
    stages.bars(second, 104.0, at)
    stages.decisions(decided(second), 140.0, at)
    stages.look(140.0 + QUIET / 2)
    assert not stages.cycles
    stages.look(141.0 + QUIET)
    assert stages.cycles[MINUTE].quantiles(1.0) == pytest.approx([40.0], rel=0.03)
    assert stages.cycles[MINUTE].count == 1


def test_orders_that_never_end_are_forgotten_one_for_one() -> None:
    stages, made = Stages(), bar()
    at = int(made.final_at[0])
    stages.bars(made, 1.0, at)
    told = decided(made, traded=True)
    for number in range(KEPT + 3):
        approved = with_(told.orders[0], order=str(number))
        stages.decisions(replace(told, orders={0: approved}), 2.0, at)
    assert stages.order(with_(moved("ABORT"), order="0"), 3.0, at) is None
    assert stages.order(with_(moved("ABORT"), order="3"), 3.0, at) is not None

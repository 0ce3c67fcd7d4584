"""What is on its way to the practice venue takes as long as its table says, drawn from a seed."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.times import HOUR, MINUTE
from pipeline.values import Ack, Order, Quotes
from sinks.practice import Practice
from tests.test_practice import T, in_time, markets, order, order_lists, quotes, replies_of

TICKS = [(T + n * 500, 1.0 + n / 1000) for n in range(400)]


def shaky(seed: int = 7, jitter: int = 400) -> Practice:
    return Practice(payout=0.87, latency_ms=100, latency_jitter_ms=jitter, latency_seed=seed)


def accepted(venue: Practice, orders: list[Order]) -> dict[str, Ack]:
    replies = replies_of(venue, quotes(*TICKS), orders, 0, feed_first=True)
    return {each.order: each for each in replies if isinstance(each, Ack)}


SENT = [order(f"o{n}", T + 5_000 + n * 1_000) for n in range(60)]
AT = {each.order: each.at for each in SENT}


def test_an_order_takes_as_long_as_is_drawn_for_it_and_its_contract_lasts_as_long_as_ever() -> None:
    acks = accepted(shaky(), SENT)
    took = [ack.at - AT[name] for name, ack in acks.items()]
    assert len(took) == len(SENT)
    assert all(100 <= each <= 500 for each in took)
    assert len(set(took)) > 20
    assert {ack.expiry - ack.at for ack in acks.values()} == {MINUTE}


def test_the_same_seed_draws_the_same_however_many_others_are_on_their_way_and_another_draws_others() -> None:
    acks = accepted(shaky(), SENT)
    assert accepted(shaky(), SENT[10:20]) == {name: acks[name] for name in list(acks)[10:20]}
    assert accepted(shaky(8), SENT).keys() == acks.keys()
    assert accepted(shaky(8), SENT) != acks


def test_without_a_jitter_each_takes_the_same() -> None:
    assert {ack.at - AT[name] for name, ack in accepted(shaky(jitter=0), SENT).items()} == {100}


def test_no_order_is_declared_to_come_to_life_sooner_than_the_slowest_may() -> None:
    assert shaky().evidence.late_ms == 500
    with pytest.raises(ValueError, match="more than an hour together; write less"):
        Practice(latency_ms=HOUR, latency_jitter_ms=1)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"latency_jitter_ms": -1}, Practice)


@settings(max_examples=40, deadline=None)
@given(markets(), order_lists(), st.sampled_from([1000, MINUTE, HOUR]), st.integers(0, 50))
def test_what_is_drawn_is_the_same_whether_prices_are_given_in_blocks_ahead_or_one_by_one(
    market: Quotes, orders: list[Order], block: int, seed: int
) -> None:
    singly, ahead = (replies_of(shaky(seed), market, orders, each, feed_first=True) for each in (0, block))
    assert sorted(ahead, key=in_time) == sorted(singly, key=in_time)

"""Which prices can be trusted: of each product, and of the feed as a whole."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.health import FEED, Health
from operators.risk.guard import GATES
from pipeline.times import HOUR, MINUTE, SECOND, parse_moment
from pipeline.values import HEALTH, Decisions, Link, Noticed, Payouts, Quotes
from pipeline.values import Health as Healths
from tests.driven import Given, driven
from tests.support import MONDAY, SMALL, plan_of, play, signals, signals_of

FRIDAY_CLOSE = parse_moment("2026-01-09T22:00:00Z")
SUNDAY_OPEN = parse_moment("2026-01-11T22:00:00Z")
NAN = float("nan")

Told = list[tuple[int, str]]


def quotes(
    stamps: Iterable[int], lag: Any = 40, price: Any = 1.1, product: str = "BTCUSD", spread: float = 0.0002
) -> Quotes:
    ts = np.array(list(stamps), np.int64)
    bid = np.broadcast_to(np.asarray(price, np.float64), ts.shape).copy()
    return Quotes(product, ts, ts + np.asarray(lag, np.int64), bid, bid + spread)


def every(step: int, begin: int, end: int, **facts: Any) -> Quotes:
    return quotes(range(begin, end, step), **facts)


def one_by_one(many: Quotes) -> list[tuple[int, Quotes]]:
    return [(int(many.received[row]), many.rows(row, row + 1)) for row in range(len(many))]


def told(entries: Iterable[tuple[int, Any]], until: int, **keys: Any) -> Mapping[str, Told]:
    """The states told of each product, and when."""
    return states(driven(Health(**keys), entries, until))


def states(given: Given) -> Mapping[str, Told]:
    found: dict[str, Told] = {}
    for _, item in given:
        if isinstance(item, Healths):
            words = [HEALTH[int(state)] for state in item.state]
            found.setdefault(item.product, []).extend(zip(map(int, item.ts), words, strict=True))
    return found


def words(told: Told) -> list[str]:
    return [word for _, word in told]


def at(told: Told, moment: int) -> str:
    """The state as of a moment."""
    return [word for ts, word in told if ts <= moment][-1]


def falling_behind(rate: float, begin: int, end: int, step: int = 500, product: str = "BTCUSD") -> Quotes:
    """A stream of which only so much comes as happens: each quote is later than the one before."""
    received = np.arange(begin + 40, end, step)
    ts = begin + ((received - 40 - begin) * rate).astype(np.int64)
    price = np.full(len(ts), 1.1)
    return Quotes(product, ts, received, price, price + 0.0002)


# --- well ------------------------------------------------------------------------------------------------------------


def test_quotes_that_come_as_they_always_do_are_live() -> None:
    found = told(one_by_one(every(SECOND, MONDAY, MONDAY + 5 * MINUTE)), MONDAY + 5 * MINUTE)
    assert found == {"BTCUSD": [(MONDAY + 40, "live")], FEED: [(MONDAY + 40, "live")]}


def test_a_product_that_is_silent_while_another_goes_on_is_quiet_and_the_feed_is_live() -> None:
    calm = every(SECOND, MONDAY, MONDAY + 5 * MINUTE, product="EURUSD")
    again = every(SECOND, MONDAY + 25 * MINUTE, MONDAY + 26 * MINUTE, product="EURUSD")
    entries = [each for some in (calm, again, every(SECOND, MONDAY, MONDAY + 26 * MINUTE)) for each in one_by_one(some)]
    found = told(entries, MONDAY + 26 * MINUTE)
    last = MONDAY + 5 * MINUTE - SECOND + 40
    assert found["EURUSD"] == [
        (MONDAY + 40, "live"),
        (last + 10 * SECOND, "quiet"),
        (MONDAY + 25 * MINUTE + 40, "live"),
    ]
    assert words(found["BTCUSD"]) == words(found[FEED]) == ["live"]


def test_a_product_that_is_always_calm_is_not_stale_for_it() -> None:
    """A quote each half minute: by the clock alone every silence would be one."""
    found = told(one_by_one(every(30 * SECOND, MONDAY, MONDAY + 2 * HOUR)), MONDAY + 2 * HOUR)
    assert set(words(found["BTCUSD"])) == set(words(found[FEED])) == {"live", "quiet"}
    assert at(found["BTCUSD"], MONDAY + HOUR) == at(found[FEED], MONDAY + 2 * HOUR - 1) == "live"


def test_a_market_closes_and_opens_by_its_calendar() -> None:
    week = every(SECOND, FRIDAY_CLOSE - 5 * MINUTE, FRIDAY_CLOSE, product="EURUSD")
    next_week = every(SECOND, SUNDAY_OPEN + 3 * SECOND, SUNDAY_OPEN + MINUTE, product="EURUSD")
    found = told([*one_by_one(week), *one_by_one(next_week)], SUNDAY_OPEN + MINUTE)
    begin = FRIDAY_CLOSE - 5 * MINUTE + 40
    assert found["EURUSD"] == [(begin, "live"), (FRIDAY_CLOSE, "closed"), (SUNDAY_OPEN, "live")]
    assert found[FEED] == found["EURUSD"]


def test_a_feed_that_does_not_come_back_with_its_market_is_stale() -> None:
    week = every(SECOND, FRIDAY_CLOSE - 5 * MINUTE, FRIDAY_CLOSE, product="EURUSD")
    found = told(one_by_one(week), SUNDAY_OPEN + MINUTE)
    opened = [(SUNDAY_OPEN, "live"), (SUNDAY_OPEN + 10 * SECOND, "quiet"), (SUNDAY_OPEN + 30 * SECOND, "stale")]
    assert found["EURUSD"][2:] == found[FEED][2:] == opened


# --- silence ---------------------------------------------------------------------------------------------------------


def test_a_feed_that_stands_still_while_its_market_is_open_is_stale() -> None:
    """The connection says nothing against it: that a line is up is no sign that anything comes."""
    first = (MONDAY, Link(("BTCUSD", "EURUSD"), True, MONDAY))
    both = [
        each
        for product in ("BTCUSD", "EURUSD")
        for each in one_by_one(every(SECOND, MONDAY + SECOND, MONDAY + 5 * MINUTE, product=product))
    ]
    found = told([first, *both], MONDAY + 6 * MINUTE)
    stale = MONDAY + 5 * MINUTE - SECOND + 40 + 30 * SECOND
    for product in ("BTCUSD", "EURUSD", FEED):
        assert found[product][-1] == (stale, "stale")
        assert at(found[product], stale - 1) == "quiet"


def test_the_feed_is_stale_only_when_the_last_of_its_products_is_silent() -> None:
    one = every(SECOND, MONDAY, MONDAY + 5 * MINUTE, product="EURUSD")
    other = every(SECOND, MONDAY, MONDAY + 8 * MINUTE)
    found = told([*one_by_one(one), *one_by_one(other)], MONDAY + 10 * MINUTE)
    stale = MONDAY + 8 * MINUTE - SECOND + 40 + 30 * SECOND
    assert [found[each][-1] for each in ("EURUSD", "BTCUSD", FEED)] == [(stale, "stale")] * 3
    assert words(found["EURUSD"]) == ["live", "quiet", "stale"]


def test_a_closed_product_does_not_keep_the_feed_alive_nor_from_being_stale() -> None:
    week = every(SECOND, FRIDAY_CLOSE - 5 * MINUTE, FRIDAY_CLOSE, product="EURUSD")
    crypto = every(SECOND, FRIDAY_CLOSE - 5 * MINUTE, FRIDAY_CLOSE + HOUR)
    found = told([*one_by_one(week), *one_by_one(crypto)], FRIDAY_CLOSE + 2 * HOUR)
    assert words(found["EURUSD"]) == ["live", "closed"]
    assert words(found["BTCUSD"]) == words(found[FEED]) == ["live", "quiet", "stale"]


def test_what_is_usual_is_learned_from_the_product_itself() -> None:
    """After a calm hour half a minute of silence is nothing; without a past it is suffered ten times longer."""
    calm = told(one_by_one(every(20 * SECOND, MONDAY, MONDAY + HOUR)), MONDAY + 2 * HOUR)["BTCUSD"]
    last = MONDAY + HOUR - 20 * SECOND + 40
    assert calm[-2:] == [(last + 100 * SECOND, "quiet"), (last + 200 * SECOND, "stale")]
    new = told(one_by_one(every(SECOND, MONDAY, MONDAY + 3 * SECOND)), MONDAY + HOUR)["BTCUSD"]
    last = MONDAY + 2 * SECOND + 40
    assert new[-2:] == [(last + 10 * SECOND, "quiet"), (last + 300 * SECOND, "stale")]


def test_how_long_the_silence_was_and_what_it_was_held_against_are_told() -> None:
    given = driven(Health(), one_by_one(every(SECOND, MONDAY, MONDAY + 5 * MINUTE)), MONDAY + 10 * MINUTE)
    stale = [each for _, each in given if isinstance(each, Healths) and HEALTH[each.state[0]] == "stale"]
    assert [(each.product, each.lag[0], each.silence[0], each.limit[0]) for each in stale] == [
        ("BTCUSD", 40.0, 30_000.0, 30_000.0),
        (FEED, 40.0, 30_000.0, 30_000.0),
    ]


# --- behind ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("begun", [0, 1_000, 3_700, 7_400])
@pytest.mark.parametrize("rate", [0.82, 0.95])
def test_a_stream_of_which_82_percent_come_is_found_within_a_minute(begun: int, rate: float) -> None:
    onset = MONDAY + 10 * MINUTE + begun
    entries = [
        *one_by_one(every(500, MONDAY, onset)),
        *one_by_one(falling_behind(rate, onset, onset + 2 * MINUTE)),
    ]
    found = told(entries, onset + 2 * MINUTE, max_lag="1h")
    assert words(found["BTCUSD"]) == words(found[FEED]) == ["live", "slow"]
    assert found["BTCUSD"][-1][0] <= onset + 60 * SECOND


def test_a_stream_that_lags_by_more_than_it_may_is_slow_until_it_has_caught_up() -> None:
    entries = [
        *one_by_one(every(500, MONDAY, MONDAY + MINUTE)),
        *one_by_one(every(500, MONDAY + MINUTE, MONDAY + 3 * MINUTE, lag=6_000)),
        *one_by_one(every(500, MONDAY + 3 * MINUTE + 6 * SECOND, MONDAY + 6 * MINUTE)),
    ]
    found = told(entries, MONDAY + 6 * MINUTE)
    assert words(found["BTCUSD"]) == words(found[FEED]) == ["live", "slow", "live"]
    assert at(found["BTCUSD"], MONDAY + MINUTE + 25 * SECOND) == "slow"
    assert at(found["BTCUSD"], MONDAY + 3 * MINUTE + 23 * SECOND) == "live"


def test_a_stall_that_passes_is_not_slow() -> None:
    """For four seconds nothing comes through, then all of it at once: each minute once."""
    stamps = np.arange(MONDAY, MONDAY + 10 * MINUTE, 250)
    into = stamps % MINUTE
    received = np.where(into < 4_000, stamps - into + 4_040, stamps + 40)
    price = np.full(len(stamps), 1.1)
    stalled = Quotes("BTCUSD", stamps, received, price, price)
    assert words(told(one_by_one(stalled), MONDAY + 10 * MINUTE)["BTCUSD"]) == ["live"]


def test_one_product_that_falls_behind_does_not_block_the_others() -> None:
    onset = MONDAY + 10 * MINUTE
    entries = [
        *one_by_one(every(500, MONDAY, onset)),
        *one_by_one(falling_behind(0.8, onset, onset + 2 * MINUTE)),
        *one_by_one(every(500, MONDAY, onset + 2 * MINUTE, product="EURUSD")),
    ]
    found = told(entries, onset + 2 * MINUTE)
    assert {name: words(each)[-1] for name, each in found.items()} == {"BTCUSD": "slow", "EURUSD": "live", FEED: "live"}


def test_when_all_that_can_tell_fall_behind_the_feed_is_slow_for_those_too_rare_to_tell() -> None:
    onset = MONDAY + 10 * MINUTE
    entries = [
        *one_by_one(every(500, MONDAY, onset)),
        *one_by_one(falling_behind(0.8, onset, onset + 2 * MINUTE)),
        *one_by_one(every(8_000, MONDAY, onset + 2 * MINUTE, product="EURUSD")),
    ]
    found = told(entries, onset + 2 * MINUTE)
    assert {name: words(each)[-1] for name, each in found.items()} == {"BTCUSD": "slow", "EURUSD": "live", FEED: "slow"}


# --- clocks ----------------------------------------------------------------------------------------------------------


def test_our_clock_two_seconds_behind_the_venues_is_skewed_until_it_is_set() -> None:
    entries = [
        *one_by_one(every(500, MONDAY, MONDAY + 3 * MINUTE, lag=-1_960)),
        *one_by_one(every(500, MONDAY + 3 * MINUTE + 4 * SECOND, MONDAY + 6 * MINUTE)),
    ]
    found = told(entries, MONDAY + 6 * MINUTE)
    assert words(found["BTCUSD"]) == words(found[FEED]) == ["live", "skewed", "live"]
    assert at(found["BTCUSD"], MONDAY + 10 * SECOND) == "skewed"
    assert at(found["BTCUSD"], MONDAY + 4 * MINUTE) == "live"


def test_our_clock_set_two_seconds_ahead_is_skewed_until_it_is_set_back() -> None:
    """When it is set back, quotes seem to come earlier than those before them."""
    entries = [
        *one_by_one(every(500, MONDAY, MONDAY + 3 * MINUTE)),
        *one_by_one(every(500, MONDAY + 3 * MINUTE, MONDAY + 5 * MINUTE, lag=2_040)),
        *one_by_one(every(500, MONDAY + 5 * MINUTE, MONDAY + 7 * MINUTE)),
    ]
    found = told(entries, MONDAY + 7 * MINUTE)
    assert words(found["BTCUSD"]) == words(found[FEED]) == ["live", "skewed", "live"]
    assert at(found["BTCUSD"], MONDAY + 3 * MINUTE + 35 * SECOND) == "skewed"
    assert at(found["BTCUSD"], MONDAY + 5 * MINUTE + 20 * SECOND) == "live"


def test_the_skew_is_told_with_its_sign_and_its_limit() -> None:
    given = driven(Health(), one_by_one(every(500, MONDAY, MONDAY + MINUTE, lag=-1_960)), MONDAY + MINUTE)
    (skewed,) = [
        each
        for _, each in given
        if isinstance(each, Healths) and HEALTH[each.state[0]] == "skewed" and each.product == "BTCUSD"
    ]
    assert (skewed.lag[0], skewed.limit[0]) == (-1_960.0, -500.0)


# --- prices that cannot be -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [NAN, 0.0, -1.0, float("inf")])
def test_three_prices_in_a_row_that_cannot_be_are_suspect_until_one_can(bad: float) -> None:
    price = np.array([1.1, bad, bad, 1.1, bad, bad, bad, bad, 1.1])
    many = quotes(range(MONDAY, MONDAY + 9 * SECOND, SECOND), price=price)
    found = told(one_by_one(many), MONDAY + 9 * SECOND)
    suspect = [(MONDAY + 6 * SECOND + 40, "suspect"), (MONDAY + 8 * SECOND + 40, "live")]
    assert found["BTCUSD"][1:] == found[FEED][1:] == suspect


def test_one_suspect_product_is_not_the_feed() -> None:
    crossed = every(SECOND, MONDAY, MONDAY + 9 * SECOND, product="EURUSD", spread=-0.1)
    found = told([*one_by_one(every(SECOND, MONDAY, MONDAY + 9 * SECOND)), *one_by_one(crossed)], MONDAY + 9 * SECOND)
    assert (words(found["EURUSD"]), words(found[FEED])) == (["live", "suspect"], ["live"])


@pytest.mark.parametrize(("blocks", "states_told"), [(False, ["live"]), (True, ["live", "suspect", "live"])])
def test_a_price_that_stands_still_is_noticed_once_and_blocks_only_when_asked_to(
    blocks: bool, states_told: list[str]
) -> None:
    price = np.where(np.arange(400) < 350, 1.1, 1.2)
    many = quotes(range(MONDAY, MONDAY + 400 * SECOND, SECOND), price=price)
    given = driven(Health(flat_after="5m", flat_blocks=blocks), one_by_one(many), MONDAY + 400 * SECOND)
    assert [each for each in given if isinstance(each[1], Noticed)] == [
        (MONDAY + 300 * SECOND + 40, Noticed("BTCUSD", "the price stands still", 301))
    ]
    assert words(states(given)["BTCUSD"]) == states_told


# --- connections -----------------------------------------------------------------------------------------------------

PRODUCTS = ("BTCUSD", "ETHUSD")


def connection(*changes: tuple[int, bool], products: tuple[str, ...] = PRODUCTS) -> list[tuple[int, Link]]:
    return [(at, Link(products, up, at)) for at, up in changes]


def test_a_broken_connection_is_down_and_recovering_until_each_of_its_products_gave_something_new() -> None:
    down, up = MONDAY + MINUTE + 500, MONDAY + 2 * MINUTE
    entries = connection((down, False), (up, True))
    for product, back in zip(PRODUCTS, (up + 3 * SECOND, up + 5 * SECOND), strict=True):
        entries += one_by_one(every(SECOND, MONDAY, MONDAY + MINUTE, product=product))
        entries += one_by_one(every(SECOND, back, up + MINUTE, product=product))
    found = told(entries, up + MINUTE)
    for product in (*PRODUCTS, FEED):
        assert found[product][1:] == [(down, "down"), (up, "recovering"), (up + 5 * SECOND + 40, "live")]


@pytest.mark.parametrize("ahead", [False, True])
def test_a_break_told_ahead_of_its_moment_is_known_at_its_moment(ahead: bool) -> None:
    """A block has what each product's connection did as well as its quotes: one product after the other."""
    down, up, back = MONDAY + MINUTE + 500, MONDAY + 2 * MINUTE, MONDAY + 2 * MINUTE + 2 * SECOND
    entries: list[tuple[int, Any]] = []
    for product in PRODUCTS:
        entries += one_by_one(every(SECOND, MONDAY, MONDAY + MINUTE, product=product))
        entries += connection((down, False), (up, True), products=(product,))
        entries += one_by_one(every(SECOND, back, up + MINUTE, product=product))
    found = told([(MONDAY if ahead else at, item) for at, item in entries], up + MINUTE)
    for product in (*PRODUCTS, FEED):
        assert found[product][1:] == [(down, "down"), (up, "recovering"), (back + 40, "live")]


def test_a_quote_that_is_sent_again_with_its_old_stamp_is_nothing_new() -> None:
    up = MONDAY + 2 * MINUTE
    old = quotes([MONDAY + 30 * SECOND], lag=90_500)
    last = quotes([MONDAY + MINUTE - SECOND], lag=63_000)
    entries = [
        *one_by_one(every(SECOND, MONDAY, MONDAY + MINUTE)),
        *connection((MONDAY + MINUTE, False), (up, True), products=("BTCUSD",)),
        *one_by_one(old),
        *one_by_one(last),
    ]
    assert int(old.received[0]) == up + 500
    found = told(entries, up + 5 * SECOND)
    assert found["BTCUSD"][2:] == [(up, "recovering"), (int(last.received[0]), "live")]


def test_a_price_that_cannot_be_is_nothing_new() -> None:
    up = MONDAY + 2 * MINUTE
    entries = [
        *connection((MONDAY, False), (up, True), products=("BTCUSD",)),
        *one_by_one(quotes([up + SECOND, up + 2 * SECOND], price=[NAN, 1.1])),
    ]
    assert told(entries, up + MINUTE)["BTCUSD"][1:3] == [(up, "recovering"), (up + 2 * SECOND + 40, "live")]


def test_a_closed_product_is_not_waited_for() -> None:
    """On Saturday only crypto can show that the connection works."""
    saturday = FRIDAY_CLOSE + 10 * HOUR
    entries = [
        *one_by_one(every(SECOND, saturday - MINUTE, saturday)),
        *connection((saturday, False), (saturday + MINUTE, True), products=("BTCUSD", "EURUSD")),
        *one_by_one(every(SECOND, saturday + MINUTE, saturday + 2 * MINUTE)),
    ]
    found = told(entries, saturday + 2 * MINUTE)
    assert found["BTCUSD"][1:] == [
        (saturday, "down"),
        (saturday + MINUTE, "recovering"),
        (saturday + MINUTE + 40, "live"),
    ]
    assert words(found["EURUSD"]) == ["down", "closed"]


def test_another_connections_products_go_on() -> None:
    entries = [
        *one_by_one(every(SECOND, MONDAY, MONDAY + 2 * MINUTE)),
        *one_by_one(every(SECOND, MONDAY, MONDAY + MINUTE, product="ETHUSD")),
        *connection((MONDAY + MINUTE, False), products=("ETHUSD",)),
    ]
    found = told(entries, MONDAY + 2 * MINUTE)
    assert (words(found["BTCUSD"]), words(found["ETHUSD"]), words(found[FEED])) == (
        ["live"],
        ["live", "down"],
        ["live"],
    )


def test_a_connection_that_breaks_again_while_it_recovers_begins_anew() -> None:
    entries = [
        *connection((MONDAY, True), (MONDAY + 5 * SECOND, False), (MONDAY + 9 * SECOND, True), products=("BTCUSD",)),
        *one_by_one(every(SECOND, MONDAY + 11 * SECOND, MONDAY + MINUTE)),
    ]
    assert words(told(entries, MONDAY + MINUTE)["BTCUSD"]) == ["recovering", "down", "recovering", "live"]


# --- the same however it comes ---------------------------------------------------------------------------------------

GAPS = st.sampled_from([0, 1, 40, 250, 900, 1_000, 4_000, 10_000, 10_001, 31_000, 70_000, 400_000])
LAGS = st.sampled_from([-3_000, -600, 0, 20, 40, 41, 700, 3_000, 7_000, 20_000])
PRICES = st.sampled_from([1.1, 1.1, 1.1, 1.2, NAN, -1.0])
RUNS = st.lists(
    st.tuples(st.integers(1, 40), GAPS, LAGS, st.sampled_from([0, 0, 0, 150, -20]), PRICES), min_size=1, max_size=12
)
LINKS = st.lists(st.tuples(st.integers(0, 500_000), st.booleans()), max_size=4)


def stream(runs: list[tuple[int, int, int, int, float]], product: str, begin: int) -> Quotes:
    """Runs of quotes: so many, so far apart, with such a lag that grows so much with each, at a price."""
    received, lags, prices = [begin], [40], [1.1]
    for count, gap, lag, growth, price in runs:
        for number in range(count):
            received.append(received[-1] + gap)
            lags.append(lag + growth * number)
            prices.append(price)
    came, price = np.array(received), np.array(prices)
    return Quotes(product, came - np.array(lags), came, price, price + 0.0002)


def cut(many: Quotes, sizes: list[int], ahead: int) -> list[tuple[int, Quotes]]:
    """Blocks of such sizes, in turn, each given `ahead` of its first quote's time."""
    entries: list[tuple[int, Quotes]] = []
    row = number = 0
    while row < len(many):
        size = sizes[number % len(sizes)]
        block = many.rows(row, min(len(many), row + size))
        entries.append((max(MONDAY - HOUR, int(block.received[0]) - ahead), block))
        row, number = row + size, number + 1
    return entries


@settings(max_examples=60, deadline=None)
@given(
    RUNS,
    RUNS,
    LINKS,
    st.lists(st.integers(1, 60), min_size=1, max_size=4),
    st.sampled_from([0, 1_000, HOUR]),
    st.sampled_from([MONDAY, FRIDAY_CLOSE - MINUTE, SUNDAY_OPEN - MINUTE]),
)
def test_quotes_cut_in_any_way_give_the_same_series(
    one: list[Any], other: list[Any], links: list[tuple[int, bool]], sizes: list[int], ahead: int, begin: int
) -> None:
    crypto, currency = stream(one, "BTCUSD", begin), stream(other, "EURUSD", begin + 3)
    until = max(int(crypto.received[-1]), int(currency.received[-1])) + 2 * HOUR
    news = connection(*((begin + after, up) for after, up in links), products=("BTCUSD", "EURUSD"))
    keys: dict[str, Any] = {"flat_after": "90s", "flat_blocks": True, "slow_within": "30s"}
    live = driven(Health(**keys), [*news, *one_by_one(crypto), *one_by_one(currency)], until)
    cuts = driven(Health(**keys), [*news, *cut(crypto, sizes, ahead), *cut(currency, sizes[::-1], ahead)], until)
    assert told_of(cuts) == told_of(live)


def told_of(given: Given) -> list[tuple[object, ...]]:
    return [
        (each.product, *(repr(getattr(each, name).tolist()) for name in ("ts", "state", "lag", "silence", "limit")))
        if isinstance(each, Healths)
        else (each.product, each.what, each.rows)
        for _, each in given
    ]


# --- the table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"slow_within": "5s"}, "slow_within 5s is too short to see a trend in; write 8s or longer"),
        ({"flat_blocks": True}, "flat_blocks needs flat_after"),
        ({"stale_after": "soon"}, "'soon' is not a duration"),
    ],
)
def test_keys_that_cannot_be_are_refused_in_a_sentence(keys: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Health(**keys)


# --- in a flow -------------------------------------------------------------------------------------------------------

WATCHED = (
    SMALL.replace('products = ["EURUSD", "BTCUSD"]', 'products = ["BTCUSD"]')
    + """
[operators.health]
use = "health"
from = "market"
"""
)


def asked(moment: int, tf: int) -> tuple[int, str, Any]:
    """The ensemble would call, of a bar of a timeframe that the flow does not gather itself."""
    return moment, "ensembles.main", signals(product="BTCUSD", tf=tf, bar=moment - tf)


def test_a_guard_hears_of_the_health_of_its_sources_and_of_no_others() -> None:
    other = """
[sources.other]
use = "synthetic"
products = ["GBPUSD"]

[operators.others]
use = "health"
from = "other"
"""
    edges = [(edge.source, edge.target, edge.types) for edge in plan_of(WATCHED + other).edges if Healths in edge.types]
    assert edges == [("operators.health", "risk.main", (Healths,))]


def test_a_flow_refuses_while_its_feed_stands_still_and_trades_again_when_it_goes_on() -> None:
    before = every(SECOND, MONDAY, MONDAY + 5 * MINUTE)
    after = every(SECOND, MONDAY + 8 * MINUTE, MONDAY + 10 * MINUTE)
    entries = [(at, "sources.market", each) for each_of in (before, after) for at, each in one_by_one(each_of)]
    pays = (MONDAY, "sources.market", Payouts("BTCUSD", np.array([MONDAY]), np.array([0.9])))
    moments = (MONDAY + 4 * MINUTE, MONDAY + 7 * MINUTE, MONDAY + 9 * MINUTE)
    signalled = [asked(moment, tf * MINUTE) for moment, tf in zip(moments, (15, 30, 30), strict=True)]
    given = play(plan_of(WATCHED), [pays, *entries, *signalled], MONDAY + 10 * MINUTE)
    rows = [item for _, item in given if isinstance(item, Decisions) and item.tf >= 15 * MINUTE]
    verdicts = ["trade" if row.verdict[0] < 0 else GATES[int(row.verdict[0])] for row in rows]
    assert [int(row.at[0]) for row in rows] == [*moments]
    assert verdicts == ["trade", "feed", "trade"]
    assert [word for _, word in states([(0, item) for _, item in given])[FEED]] == ["live", "quiet", "stale", "live"]


def test_the_age_of_quotes_needs_quotes() -> None:
    text = WATCHED.replace('max_daily_loss = "20.00"', 'max_daily_loss = "20.00"\nmax_quote_age = "5s"')
    edges = [edge for edge in plan_of(text).edges if edge.target == "risk.main" and edge.types == (Quotes,)]
    assert [(edge.source, edge.parameter) for edge in edges] == [("sources.market", "feed")]


def test_a_flow_decides_the_same_whether_quotes_come_one_by_one_or_in_blocks() -> None:
    """Every five seconds something is asked, while the feed stands still, falls behind and breaks off."""
    begin = MONDAY + 5 * MINUTE
    parts = [
        every(SECOND, MONDAY, begin),
        every(SECOND, begin + 2 * MINUTE, begin + 4 * MINUTE),
        falling_behind(0.8, begin + 4 * MINUTE, begin + 6 * MINUTE),
        every(SECOND, begin + 6 * MINUTE, begin + 9 * MINUTE),
    ]
    columns = (np.concatenate([getattr(each, name) for each in parts]) for name in ("ts", "received", "bid", "ask"))
    market = Quotes("BTCUSD", *columns)
    links = connection((begin + 7 * MINUTE, False), (begin + 8 * MINUTE, True), products=("BTCUSD",))
    moments = np.arange(MONDAY + 40 + 5 * SECOND, begin + 9 * MINUTE, 5 * SECOND)
    rows, tf = len(moments), 15 * MINUTE
    batch = (MONDAY, "ensembles.main", signals_of(moments - tf, moments, "BTCUSD", tf))

    def verdicts(cuts: list[tuple[int, Quotes]]) -> list[str]:
        entries = [batch, *((at, "sources.market", each) for at, each in (*links, *cuts))]
        given = play(plan_of(WATCHED), entries, begin + 10 * MINUTE, begin=MONDAY - HOUR)
        (decided,) = [item for _, item in given if isinstance(item, Decisions) and len(item) == rows]
        return ["trade" if verdict < 0 else GATES[verdict] for verdict in decided.verdict.tolist()]

    singles = verdicts(one_by_one(market))
    assert set(singles) == {"feed", "trade", "open"}
    assert singles.count("feed") > 30
    assert verdicts(cut(market, [97, 5, 1], 1_000)) == verdicts(cut(market, [4096], 0)) == singles

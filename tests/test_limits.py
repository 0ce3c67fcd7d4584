"""Limits on what is lost, gained and traded: what each counts, when it stops and lets go; a restart changes none."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.risk.days import days_of
from operators.risk.guard import Guard
from operators.risk.limits import Limit
from operators.risk.results import Ended, Results
from operators.risk.stakes.fixed import Fixed
from operators.risk.stakes.fraction import Fraction
from operators.risk.terms import Breaker, Latency, OpenPer, Together
from pipeline.ledger import Ledger
from pipeline.times import DAY, HOUR, MINUTE, SECOND, parse_moment
from pipeline.values import Decisions, Latch, Move, Order, Past
from tests.driven import Given
from tests.guarded import FINAL, PAYS, TRADED, given_by, guard, payouts, signal, verdicts, words
from tests.support import MONDAY, order, signals

MIDNIGHT = MONDAY // DAY * DAY + DAY
SLACK: dict[str, Any] = {"max_daily_loss": Decimal(99), "cool_down": "1ms", "cool_down_max": "1ms"}


def limited(*limits: Limit, **keys: Any) -> Guard:
    return guard(**(SLACK | {"limits": limits} | keys))


def loss(amount: str = "10", **keys: Any) -> Limit:
    return Limit(what="loss", amount=Decimal(amount), **keys)


def came(profit: str, at: int, name: str = "", **facts: Any) -> tuple[int, Order]:
    """A trade that was settled."""
    result = "win" if float(profit) > 0 else "lose" if float(profit) < 0 else "push"
    known = {"order": name or f"o{at}", "result": result, "profit": profit, "at": at, "product": "BTCUSD"}
    return at, order("SETTLED", **(known | facts))


def asked(part: Guard, *entries: tuple[int, Any], at: int = FINAL, **facts: Any) -> tuple[str, float, float]:
    """What a guard says of a bar that is final at a moment."""
    made = signals(bar=at - facts.get("tf", MINUTE), at=at, **facts)
    return verdicts(given_by(part, *entries, (at, made)))[-1]


def latches(given: Given) -> list[Latch]:
    return [item for _, item in given if isinstance(item, Latch)]


# --- loss ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lost", "word"), [("-9.00", TRADED), ("-9.01", "loss")])
def test_a_loss_counts_what_is_open_and_this_stake_as_lost(lost: str, word: str) -> None:
    said, value, threshold = asked(limited(loss()), came(lost, FINAL - HOUR))
    assert said == word
    assert word == TRADED or (value, threshold) == (-10.01, -10.0)
    open_too = MONDAY, order("CONFIRM", order="x", product="XAUUSD", stake="9.00")
    assert asked(limited(loss()), open_too)[0] == TRADED
    assert asked(limited(loss()), open_too, came("-0.01", FINAL - HOUR))[0] == "loss"


def test_a_share_is_of_the_balance_at_the_base() -> None:
    """90 at the beginning of the day after 10 were lost the day before: a tenth of it is 9."""
    part, before = limited(Limit(what="loss", share=0.1)), came("-10", MONDAY - DAY)
    assert asked(part, before, came("-8.00", FINAL - HOUR))[0] == TRADED
    assert asked(part, before, came("-8.01", FINAL - HOUR)) == ("loss", -9.01, -9.0)


@pytest.mark.parametrize(("ago", "word"), [(12 * HOUR - 1, "loss"), (12 * HOUR, TRADED)])
def test_what_was_lost_before_the_span_counts_no_more(ago: int, word: str) -> None:
    assert asked(limited(loss(base="12h")), came("-10", FINAL - ago))[0] == word


def test_of_a_span_gains_that_will_have_left_it_are_not_drawn_on() -> None:
    """Twenty were won almost twelve hours ago: when the trade is settled they count no more."""
    entries = [came("20", FINAL - 12 * HOUR + MINUTE), came("-9.50", FINAL - HOUR)]
    assert asked(limited(loss(base="12h")), *entries) == ("loss", -10.5, -10.0)
    entries[0] = came("20", FINAL - 11 * HOUR)
    assert asked(limited(loss(base="12h")), *entries)[0] == TRADED


@pytest.mark.parametrize(("minutes", "word"), [(3, TRADED), (2, "loss")])
def test_what_ends_tomorrow_draws_on_none_of_todays_gains(minutes: int, word: str) -> None:
    at = MIDNIGHT - minutes * MINUTE
    part = limited(loss("5"), stake=Fixed(amount=Decimal(6)))
    assert asked(part, came("20", at - HOUR), at=at)[0] == word


def test_tomorrow_begins_at_the_midnight_of_the_zone() -> None:
    at = MIDNIGHT - 3 * HOUR
    for day, word in (("UTC", "loss"), ("Europe/Istanbul", TRADED)):
        assert asked(limited(loss(), day=day), came("-10", at - MINUTE), at=at)[0] == word
        assert asked(guard(max_daily_loss=Decimal(10), cool_down="1s", day=day), came("-10", at - MINUTE), at=at)[
            0
        ] == (TRADED if word == TRADED else "daily_loss")


def test_one_key_may_be_limited_more_than_its_account() -> None:
    part = limited(loss("3", scope="key"))
    mine, other = came("-2.5", FINAL - HOUR, product="EURUSD"), came("-50", FINAL - HOUR, "x")
    assert asked(part, other)[0] == TRADED
    assert asked(part, mine, other) == ("loss", -3.5, -3.0)
    assert asked(part, mine, tf=5 * MINUTE)[0] == TRADED


def test_all_accounts_of_a_guard_may_be_limited_together() -> None:
    part = limited(loss("10", scope="guard"), accounts=("demo-1", "demo-2"))
    lost = [came("-5", FINAL - HOUR, "a"), came("-3", FINAL - HOUR, "b", account="demo-2")]
    given = given_by(part, *lost, signal())
    assert (words(given), words(given, "demo-2")) == ([TRADED], [TRADED])
    given = given_by(part, *lost, came("-0.5", FINAL - 1, "c"), signal())
    assert (verdicts(given), verdicts(given, "demo-2")) == (
        [(TRADED, pytest.approx(float("nan"), nan_ok=True), pytest.approx(float("nan"), nan_ok=True))],
        [("loss", -10.5, -10.0)],
    )


# --- drawdown --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fallen", "word"), [("-4.00", TRADED), ("-4.01", "drawdown")])
def test_a_fall_is_counted_from_the_highest_of_its_time(fallen: str, word: str) -> None:
    part = limited(Limit(what="drawdown", amount=Decimal(5)))
    said, value, threshold = asked(part, came("30", FINAL - 2 * HOUR), came(fallen, FINAL - HOUR))
    assert said == word
    assert word == TRADED or (value, threshold) == (-5.01, -5.0)


def test_the_beginning_is_a_height_too_and_a_new_day_begins_anew() -> None:
    part = limited(Limit(what="drawdown", amount=Decimal(5)))
    assert asked(part, came("-4.5", FINAL - HOUR))[0] == "drawdown"
    assert asked(part, came("-4.5", MIDNIGHT - 1), at=MIDNIGHT + HOUR)[0] == TRADED
    longer = limited(Limit(what="drawdown", amount=Decimal(5), base="7d"))
    assert asked(longer, came("-4.5", MIDNIGHT - 1), at=MIDNIGHT + HOUR)[0] == "drawdown"
    assert asked(longer, came("-4.5", MIDNIGHT - 1), at=MIDNIGHT - 1 + 7 * DAY)[0] == TRADED


def test_a_share_of_a_fall_is_of_the_highest() -> None:
    part = limited(Limit(what="drawdown", share=0.1))
    high = came("100", FINAL - 2 * HOUR)
    assert asked(part, high, came("-19.00", FINAL - HOUR))[0] == TRADED
    assert asked(part, high, came("-19.01", FINAL - HOUR)) == ("drawdown", -20.01, -20.0)


# --- target, trades, streak ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("won", "word"), [("4.99", TRADED), ("5.00", "target")])
def test_what_was_to_be_gained_is_enough_for_the_day(won: str, word: str) -> None:
    part = limited(Limit(what="target", amount=Decimal(5)))
    said, value, threshold = asked(part, came(won, FINAL - HOUR))
    assert said == word
    assert word == TRADED or (value, threshold) == (5.0, 5.0)
    assert asked(part, came(won, FINAL - HOUR), at=MIDNIGHT)[0] == TRADED


def test_a_share_to_be_gained_is_of_the_balance_before() -> None:
    part = limited(Limit(what="target", share=0.1))
    assert asked(part, came("9.99", FINAL - HOUR))[0] == TRADED
    assert asked(part, came("10.00", FINAL - HOUR)) == ("target", 10.0, 10.0)


def test_so_many_trades_are_made_and_no_more() -> None:
    part = limited(Limit(what="trades", count=3))
    two = [came("1", FINAL - HOUR, "a"), came("0", FINAL - HOUR, "b")]
    assert asked(part, *two)[0] == TRADED
    assert asked(part, *two, (MONDAY, order("CONFIRM", order="c", product="XAUUSD"))) == ("trades", 4.0, 3.0)
    assert asked(part, *two, came("1", FINAL - 1, "c")) == ("trades", 4.0, 3.0)
    assert asked(part, *two, came("1", FINAL - 1, "c"), at=MIDNIGHT)[0] == TRADED


def streak(count: int = 3, **keys: Any) -> Limit:
    return Limit(what="streak", count=count, **keys)


def results(text: str, last: int = FINAL - MINUTE) -> list[tuple[int, Order]]:
    """A letter a trade: l lost, w won, p gave its stake back; a second apart, the last at a moment."""
    profits = {"l": "-0.01", "w": "0.01", "p": "0"}
    first = last - (len(text) - 1) * SECOND
    return [came(profits[letter], first + number * SECOND, f"r{number}") for number, letter in enumerate(text)]


@pytest.mark.parametrize(
    ("text", "word"), [("ll", TRADED), ("lll", "streak"), ("lplpl", "streak"), ("llwl", TRADED), ("lllw", "streak")]
)
def test_so_many_losses_in_a_row_end_the_day(text: str, word: str) -> None:
    assert asked(limited(streak()), *results(text))[0] == word
    assert asked(limited(streak()), *results(text), at=MIDNIGHT)[0] == TRADED


@pytest.mark.parametrize(("after", "word"), [(30 * MINUTE - 1, "streak"), (30 * MINUTE, TRADED)])
def test_a_streak_may_be_rested_off(after: int, word: str) -> None:
    said, value, _ = asked(limited(streak(release="30m")), *results("lll", FINAL - after))
    assert said == word
    assert word == TRADED or value == 0.001


def test_every_further_loss_before_a_win_stops_it_again() -> None:
    part = limited(streak(release="30m"))
    assert asked(part, *results("llll", FINAL - 1))[0] == "streak"
    assert asked(part, *results("lll", FINAL - HOUR), came("-1", FINAL - MINUTE))[0] == "streak"
    assert asked(part, *results("lllw", FINAL - HOUR), came("-1", FINAL - MINUTE))[0] == TRADED


def test_streaks_of_one_key_are_not_anothers() -> None:
    part = limited(streak(2, scope="key"))
    assert asked(part, *results("ll"))[0] == TRADED
    assert asked(part, *[(at, msgspec.structs.replace(each, product="EURUSD")) for at, each in results("ll")])[0] == (
        "streak"
    )


def test_of_several_limits_of_a_kind_the_first_that_says_no_is_told() -> None:
    part = limited(loss("50"), loss("5", base="12h"), loss("7", base="1h"))
    given = given_by(part, came("-6", FINAL - 2 * HOUR), signal())
    assert verdicts(given) == [("loss", -7.0, -5.0)]
    ((_, made),) = [each for each in given if isinstance(each[1], Decisions)]
    assert [answer.word for answer in made.explained[0] if answer.gate == "loss"] == ["12h, account"]


# --- by hand ---------------------------------------------------------------------------------------------------------

BY_HAND: dict[str, tuple[Limit, Sequence[str], Sequence[str]]] = {
    "loss": (loss("5", release="hand"), ["-3.00", "-1.00"], ["-0.01"]),
    "drawdown": (Limit(what="drawdown", amount=Decimal(5), base="7d", release="hand"), ["9.00", "-4.00"], ["-0.01"]),
    "target": (Limit(what="target", amount=Decimal(5), release="hand"), ["4.99"], ["0.01"]),
    "trades": (Limit(what="trades", count=3, release="hand"), ["1.00", "-1.00"], ["0"]),
    "streak": (streak(3, release="hand"), ["-1.00", "-1.00"], ["0", "-1.00"]),
}


def settled(profits: Sequence[str], first: int, name: str = "") -> list[tuple[int, Order]]:
    return [came(profit, first + number * SECOND, f"{name}{number}") for number, profit in enumerate(profits)]


@pytest.mark.parametrize("kind", BY_HAND)
def test_a_limit_by_hand_sets_a_stop_that_outlasts_its_day_until_it_is_released(kind: str) -> None:
    limit, before, last = BY_HAND[kind]
    entries = [*settled(before, FINAL - HOUR), *settled(last, FINAL - MINUTE, "last")]
    part = limited(limit)
    assert latches(given_by(part, *settled(before, FINAL - HOUR), signal())) == []
    given = given_by(part, *entries, signal())
    (stop,) = latches(given)
    assert (stop.scope, stop.on, stop.at, stop.by) == ("demo-1", True, entries[-1][0], kind)
    assert stop.reason in part.rules()
    assert words(given) == ["killed"]
    assert asked(part, *entries, at=FINAL + 9 * DAY)[0] == "killed"
    release = FINAL + SECOND, Latch("demo-1", False, FINAL + SECOND, "understood", "user")
    assert asked(part, *entries, release, at=FINAL + MINUTE)[0] == TRADED


@pytest.mark.parametrize("kind", BY_HAND)
def test_after_a_release_counting_begins_anew(kind: str) -> None:
    limit, before, last = BY_HAND[kind]
    entries = [*settled(before, FINAL - HOUR), *settled(last, FINAL - MINUTE, "last")]
    released = FINAL - SECOND, Latch("demo-1", False, FINAL - SECOND, "understood", "user")
    again = [*settled(before, FINAL + MINUTE, "more"), *settled(last, FINAL + 2 * MINUTE, "again")]
    part = limited(limit)
    assert len(latches(given_by(part, *entries, released, *again[: len(before)]))) == 1
    assert len(latches(given_by(part, *entries, released, *again))) == 2


def test_a_limit_of_all_accounts_by_hand_stops_each_of_them() -> None:
    part = limited(loss("5", scope="guard", release="hand"), accounts=("demo-1", "demo-2"))
    given = given_by(part, came("-5", FINAL - HOUR), signal())
    assert [stop.scope for stop in latches(given)] == ["demo-1", "demo-2"]
    assert (words(given), words(given, "demo-2")) == (["killed"], ["killed"])


def test_a_stop_that_was_set_but_not_written_is_set_again_by_the_next_run() -> None:
    part = limited(loss("5", release="hand"))
    (_, lost) = came("-5", MONDAY - HOUR)
    given = given_by(part, (MONDAY, Past((lost,), {})), signal())
    assert [(stop.scope, stop.at) for stop in latches(given)] == [("demo-1", MONDAY - HOUR)]
    assert words(given) == ["killed"]
    seen = Past((lost,), {}, released={"": MONDAY - MINUTE})
    given = given_by(part, (MONDAY, seen), signal())
    assert (latches(given), words(given)) == ([], [TRADED])


def test_a_stop_that_holds_is_not_set_twice() -> None:
    part = limited(loss("5", release="hand"), streak(1, release="hand"))
    assert len(latches(given_by(part, came("-5", MONDAY), came("-5", MONDAY + 1)))) == 1


# --- results ---------------------------------------------------------------------------------------------------------

TOLD = st.lists(
    st.tuples(st.integers(0, 40 * 24), st.sampled_from(["win", "lose", "push"]), st.integers(1, 9)), max_size=25
)


def ended(facts: list[tuple[int, str, int]]) -> list[Ended]:
    signs = {"win": 1, "lose": -1, "push": 0}
    return [
        Ended(MONDAY + hours * HOUR, f"{number:03d}", result, Decimal(signs[result] * size))  # type: ignore[arg-type]
        for number, (hours, result, size) in enumerate(facts)
    ]


@settings(max_examples=80)
@given(TOLD, st.integers(0, 40 * 24), st.integers(0, 60), st.randoms(use_true_random=False))
def test_sums_falls_and_runs_are_those_of_their_definition_in_whatever_order_results_are_told(
    facts: list[tuple[int, str, int]], since_hours: int, more: int, shuffled: Any
) -> None:
    all_of = sorted(ended(facts), key=lambda each: (each.at, each.order))
    newest = all_of[-1].at if all_of else MONDAY
    since = max(MONDAY + since_hours * HOUR, newest - 30 * DAY + 1)
    told, mixed = Results(), list(all_of)
    shuffled.shuffle(mixed)
    for each in mixed:
        told.add(each)
    within = [each for each in all_of if each.at >= since]
    heights, left = [Decimal(0)], [Decimal(0)]
    for each in within:
        heights.append(heights[-1] + each.profit)
    tally = told.tally(since, since + more * HOUR)
    assert (tally.profit, tally.trades) == (heights[-1], len(within))
    assert tally.fall == max(heights) - heights[-1]
    left = [
        sum((each.profit for each in within[number:]), Decimal(0))
        for number in range(len(within) + 1)
        if number == 0 or within[number - 1].at < since + more * HOUR
    ]
    assert tally.least == min(left)
    lost = 0
    for each in within:
        lost = 0 if each.result == "win" else lost + (each.result == "lose")
    assert told.losses(since) == lost


# --- days ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/London", "2026-03-29", 23),
        ("Europe/London", "2026-10-25", 25),
        ("America/Havana", "2026-03-08", 23),
        ("America/Havana", "2026-11-01", 25),
        ("Europe/Istanbul", "2026-03-29", 24),
        ("UTC", "2026-03-29", 24),
    ],
)
def test_a_day_is_as_long_as_its_clocks_make_it(zone: str, day: str, hours: int) -> None:
    days, noon = days_of(zone), parse_moment(f"{day}T18:00:00Z")
    assert days.end(noon) - days.begin(noon) == hours * HOUR


@settings(max_examples=80)
@given(
    st.integers(0, parse_moment("2100-01-01")),
    st.sampled_from(["UTC", "Europe/London", "America/Havana", "Asia/Beirut", "America/Sao_Paulo", "Pacific/Apia"]),
)
def test_each_moment_lies_in_one_day(at: int, zone: str) -> None:
    days = days_of(zone)
    day, begin, end = days.of(at), days.begin(at), days.end(at)
    assert begin <= at < end
    assert (days.of(begin), days.of(end - 1), days.end(end - 1)) == (day, day, end)
    assert days.of(end) > day
    assert days.begin(end) == end


def test_where_clocks_are_never_moved_a_day_begins_at_their_midnight_too() -> None:
    days = days_of("Etc/GMT-5")
    assert days.begin(MONDAY) == parse_moment("2026-01-04T19:00:00Z")
    assert days.end(MONDAY) == parse_moment("2026-01-05T19:00:00Z")


@pytest.mark.parametrize("at", [-(2**62), -1, 2**62])
@pytest.mark.parametrize("zone", ["UTC", "Europe/London"])
def test_moments_before_and_after_all_that_is_known_lie_in_a_day_too(at: int, zone: str) -> None:
    days = days_of(zone)
    assert days.begin(at) <= at < days.end(at)


# --- a restart changes nothing ---------------------------------------------------------------------------------------

EVERYTHING: dict[str, Any] = {
    "accounts": ("demo-1", "demo-2"),
    "stake": Fraction(share=0.02),
    "max_daily_loss": Decimal(9),
    "cool_down": ("30s", "2m", "1h"),
    "limits": (
        loss("6", base="12h"),
        loss("4", scope="key"),
        Limit(what="drawdown", share=0.12, base="7d", release="hand"),
        Limit(what="target", amount=Decimal(4), scope="guard"),
        Limit(what="trades", count=9),
        streak(3, release="20m"),
        streak(5, release="hand"),
    ),
    "latency": Latency(max="1s", within="30m"),
    "breaker": Breaker(errors=2, within="10m", rest="1h"),
    "open_per": OpenPer(account=3, all=4),
    "together": Together(groups={"all": ("EURUSD", "BTCUSD")}, max_at_stake=Decimal(4)),
    "day": "Europe/Istanbul",
}
LIVES = st.lists(
    st.tuples(
        st.sampled_from(["demo-1", "demo-2", "demo-9"]),
        st.sampled_from(["EURUSD", "BTCUSD"]),
        st.sampled_from(
            ["open", "reject", "unsent", "unknown", "win", "lose", "lose", "push", "late lose", "late win"]
        ),
        st.integers(1, 2_000),
        st.integers(1, 300),
    ),
    max_size=30,
)


def moves(lives: list[tuple[str, str, str, int, int]]) -> list[Order]:
    """What became of orders, in time order: each is sent, answered and settled as its life says."""
    told: list[Order] = []
    at = MONDAY - 6 * DAY
    for number, (account, product, life, answered, minutes) in enumerate(lives):
        at += minutes * 4 * MINUTE
        facts: dict[str, Any] = {"order": f"n{number:02d}", "account": account, "product": product, "bar": at - MINUTE}
        told.append(order("SEND", at=at, **facts))
        at += answered
        state = {"reject": "ABORT", "unsent": "ABORT", "unknown": "UNKNOWN"}.get(life, "CONFIRM")
        told.append(order("UNKNOWN" if life.startswith("late") else state, at=at, **facts))
        word = life.removeprefix("late ")
        if word in ("win", "lose", "push"):
            profit = {"win": "1.80", "lose": "-2.00", "push": "0"}[word]
            at += MINUTE
            told.append(order("SETTLED", at=at, result=word, profit=profit, stake="2.00", **facts))
    return told


def left_behind(told: Sequence[Order], stops: Sequence[Latch], at: int, ledger: Ledger) -> Past:
    """What a ledger has after these, for a start at a moment."""
    for each in told:
        if not ledger.intend(each) or each.state != "SEND":
            ledger.follow(each)
    for stop in stops:
        ledger.latch(stop)
    return ledger.past(at)


@settings(max_examples=25, deadline=None)
@given(LIVES, st.integers(0, 90), st.integers(0, 100))
def test_a_guard_that_starts_from_the_ledger_says_what_one_says_that_never_ended(
    tmp_path_factory: pytest.TempPathFactory, lives: list[tuple[str, str, str, int, int]], cut: int, wait: int
) -> None:
    told = moves(lives)
    cut = min(cut, len(told))
    until = told[cut - 1].at if cut else MONDAY - 6 * DAY
    later = [(each.at, each) for each in told[cut:]]
    end = told[-1].at + wait * MINUTE if told else MONDAY
    asks = [(end + number * HOUR, signals(bar=end, at=end + number * HOUR)) for number in range(0, 60, 4)]
    part = guard(**EVERYTHING)
    lived = given_by(part, *((each.at, each) for each in told), *asks)
    with Ledger(tmp_path_factory.mktemp("restart") / "ledger.db") as ledger:
        past = left_behind(told[:cut], [each for each in latches(lived) if each.at <= until], until, ledger)
    started = given_by(part, (until, past), *later, *asks)
    for account in ("demo-1", "demo-2"):
        assert explained(lived, account) == explained(started, account)
    assert latches(started) == [each for each in latches(lived) if each.at > until]


def explained(given: Given, account: str) -> list[str]:
    return [
        repr(item.explained[row])
        for _, item in given
        if isinstance(item, Decisions) and item.account == account
        for row in range(len(item))
    ]


def test_what_became_of_orders_comes_back_with_its_moments() -> None:
    past = Past(
        (), {}, moves=(Move("a", "demo-1", "SEND", FINAL - MINUTE), Move("a", "demo-1", "CONFIRM", FINAL - 50_000))
    )
    assert words(given_by(guard(latency=Latency(max="1s")), (MONDAY, past), signal())) == ["latency"]
    storm = Past((), {}, moves=tuple(Move(f"{each}", "demo-1", "ABORT", FINAL - each) for each in (3, 2, 1)))
    assert words(given_by(guard(breaker=Breaker(errors=3)), (MONDAY, storm), signal())) == ["breaker"]


def test_open_orders_of_other_guards_come_back_too() -> None:
    past = Past((order("CONFIRM", account="demo-9"),), {})
    assert words(given_by(guard(open_per=OpenPer(all=1)), (MONDAY, past), signal())) == ["open_all"]


# --- sentences -------------------------------------------------------------------------------------------------------

SENTENCES = {
    "demo-1 stops when the day's result (UTC day) falls to −10 even if everything open is lost; "
    "it goes on at the next UTC midnight": loss(),
    "demo-1 stops when the result of the last 12h falls to −5 % of the balance at its beginning even if everything "
    "open is lost; it goes on as that passes out of the last 12h": Limit(what="loss", share=0.05, base="12h"),
    "each product and timeframe of demo-1 stops when the result has fallen 10 below its highest of the UTC day even if "
    "everything open is lost; it goes on at the next UTC midnight": Limit(
        what="drawdown", amount=Decimal(10), scope="key"
    ),
    "demo-1 stops when the result has fallen 10 % of the balance then below its highest of the last 7d even if "
    "everything open is lost; it stays so until somebody releases it with a reason": Limit(
        what="drawdown", share=0.1, base="7d", release="hand"
    ),
    "demo-1 stops when the day's result (UTC day) has reached 7.50 and only observes from then on; "
    "it goes on at the next UTC midnight": Limit(what="target", amount=Decimal("7.50")),
    "demo-1 stops when the result of the last 1d has reached 20 % of the balance at its beginning and only "
    "observes from then on; it goes on as that passes out of the last 1d": Limit(what="target", share=0.2, base="1d"),
    "demo-1 stops after 20 trades of the UTC day; it goes on at the next UTC midnight": Limit(what="trades", count=20),
    "demo-1 stops after 5 trades in the last 1h; it goes on as that passes out of the last 1h": Limit(
        what="trades", count=5, base="1h"
    ),
    "demo-1 stops after 5 losses in a row (since the last win, of the last 30d); it goes on at the next UTC midnight, "
    "and every further loss before a win stops it again": streak(5),
    "demo-1 stops after 4 losses in a row (since the last win, of the last 30d); it goes on 30m after the last, and "
    "every further loss before a win stops it again": streak(4, release="30m"),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_each_limit_says_its_base_its_scope_and_its_release_in_one_sentence(sentence: str) -> None:
    assert sentence in guard(limits=(SENTENCES[sentence],)).rules()


def test_a_guard_says_all_its_rules() -> None:
    part = guard(
        accounts=("demo-1", "demo-2"),
        max_daily_loss=Decimal("1250.00"),
        limits=(loss("10", scope="guard"),),
        open_per=OpenPer(account=2, product=1, slot=3, all=8),
        together=Together(groups={"usd": ("EURUSD", "GBPUSD")}, max_at_stake=Decimal("10.00")),
        breaker=Breaker(errors=3),
        latency=Latency(max="1s"),
        day="Europe/Istanbul",
    )
    both, midnight = "each of demo-1 and demo-2", "it goes on at the next Europe/Istanbul midnight"
    assert part.rules() == [
        f"{both} stops when the day's result (Europe/Istanbul day) falls to −1,250.00 even if everything open is lost; "
        f"{midnight}",
        "demo-1 and demo-2 together stop when the day's result (Europe/Istanbul day) falls to −10 even if everything "
        f"open is lost; {midnight}",
        "each product and timeframe of demo-1 and demo-2 rests after a loss for 30s, 1m, 2m, 4m and then 5m, a step "
        "more for each further loss in a row; a win begins anew",
        "each product and timeframe of demo-1 and demo-2 pauses after 3 errors in a row (a strategy that failed, an "
        "order refused or of unknown outcome) for 30s, doubled for each further one in a row up to 1h; a bar without a "
        "failure and an order that is taken begin anew",
        f"{both} has at most 2 open trades at once; it goes on when one of them ends",
        f"{both} has at most 1 open trade at once on one product; it goes on when one of them ends",
        f"{both} has at most 3 open trades at once that expire in one slot; it goes on when one of them ends",
        "demo-1 and demo-2 and the accounts of all guards whose orders go the same way have at most 8 open trades at "
        "once; it goes on when one of them ends",
        f"{both} stakes at most 10.00 at once on products that move together (usd: EURUSD, GBPUSD) and expire in one "
        "slot, where stakes s on them count as sqrt(Σ s_i² + 0.6 Σ s_i s_j); it goes on when they have expired",
        f"{both} stops when 3 orders within 1m are rejected, not sent or of unknown outcome; it goes on 10m after the "
        "last of them",
        f"{both} stops when the answers to its orders of the last 10m took longer than 1s on average, or one waits for "
        "longer; it goes on when the slow ones are older than 10m",
    ]


def test_a_rest_that_never_grows_is_told_in_one_word() -> None:
    assert (
        "each product and timeframe of demo-1 rests after a loss for 45s; a win begins anew"
        in guard(cool_down=("45s",)).rules()
    )


@pytest.mark.parametrize(("losses", "rest"), [("l", 30), ("ll", 120), ("lll", 600), ("llll", 600)])
def test_a_schedule_of_rests_may_be_written_out(losses: str, rest: int) -> None:
    part = guard(cool_down=("30s", "2m", "10m"))
    told = [(at, msgspec.structs.replace(each, product="EURUSD")) for at, each in results(losses)]
    at = FINAL - MINUTE + rest * SECOND
    assert [asked(part, *told, at=each)[0] for each in (at - 1, at)] == ["cool_down", TRADED]


# --- what cannot be --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"what": "loss"}, "what = 'loss' takes amount or share; give one of them and no other"),
        ({"what": "loss", "count": 3}, "what = 'loss' takes amount or share; give one of them and no other"),
        (
            {"what": "target", "amount": Decimal(1), "share": 0.1},
            "takes amount or share; give one of them and no other",
        ),
        ({"what": "streak", "amount": Decimal(1)}, "what = 'streak' takes count; give one of them and no other"),
        ({"what": "loss", "amount": Decimal(0)}, "amount must be above 0, not 0"),
        ({"what": "loss", "amount": Decimal("Infinity")}, "amount must be above 0, not Infinity"),
        ({"what": "loss", "share": 0.1, "base": "31d"}, "base 31d is longer than 30d; write 30d or less"),
        ({"what": "loss", "share": 0.1, "base": "week"}, "'week' is not a duration"),
        ({"what": "streak", "count": 3, "base": "7d"}, "base is not of a streak"),
        ({"what": "loss", "share": 0.1, "scope": "key", "release": "hand"}, "release by hand is of whole accounts"),
        ({"what": "loss", "share": 0.1, "release": "1h"}, 'release \'1h\' is not of loss; write "itself" or "hand"'),
        ({"what": "streak", "count": 3, "release": "2d"}, "release 2d is no time of up to a day"),
        ({"what": "streak", "count": 3, "release": "later"}, "release 'later' is not a duration"),
    ],
)
def test_a_limit_that_cannot_be_is_refused_in_a_sentence(keys: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Limit(**keys)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"day": "Mars"}, "day 'Mars' is no zone; write one like Europe/Istanbul or UTC"),
        ({"cool_down": ()}, "cool_down is empty"),
        ({"cool_down": ("30s", "2d")}, "cool_down 2d is no time of up to a day"),
        ({"cool_down": "soon"}, "cool_down 'soon' is not a duration"),
        ({"cool_down_max": "2d"}, "cool_down_max 2d is no time of up to a day"),
    ],
)
def test_a_guard_that_cannot_be_is_refused_in_a_sentence(keys: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        guard(**keys)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Breaker(errors=3, within="2d"), "within 2d is no time of up to a day"),
        (lambda: Breaker(errors=3, rest="2d"), "rest 2d is no time of up to a day"),
        (lambda: Latency(max="1s", within="2d"), "within 2d is no time of up to a day"),
        (lambda: Latency(max="soon"), "'soon' is not a duration"),
        (lambda: Together(groups={}, max_at_stake=Decimal(1)), "groups names no products"),
        (lambda: Together(groups={"usd": ()}, max_at_stake=Decimal(1)), "groups names no products"),
        (lambda: Together(groups={"a": ("b",)}, max_at_stake=Decimal(0)), "max_at_stake must be above 0, not 0"),
        (lambda: Together(groups={"a": ("b",)}, max_at_stake=Decimal("NaN")), "max_at_stake must be above 0, not NaN"),
    ],
)
def test_a_table_that_cannot_be_is_refused_in_a_sentence(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()


def test_a_share_of_nothing_is_nothing() -> None:
    """An account that has nothing left stops, whatever a share of that may be."""
    part = limited(Limit(what="loss", share=0.5), balances={"demo-1": Decimal(0)})
    given = given_by(part, signal(), pays=[PAYS, payouts((0, 0.9), product="BTCUSD")])
    assert words(given) == ["funds"]


def test_of_several_releases_the_last_one_counts_whoever_it_was_of() -> None:
    part = limited(loss("5", release="hand"))
    lost = came("-4.50", FINAL - HOUR)
    early = Past((), {}, released={"": FINAL - 3 * HOUR, "demo-1": FINAL - 2 * HOUR})
    assert asked(part, (MONDAY - HOUR, early), lost)[0] == "killed"
    for released in (
        {"": FINAL - 3 * HOUR, "demo-1": FINAL - MINUTE},
        {"": FINAL - MINUTE, "demo-1": FINAL - 3 * HOUR},
    ):
        assert asked(part, (MONDAY, Past((lost[1],), {}, released=released)))[0] == TRADED
    late, again = (Latch("demo-1", False, at, "why", "user") for at in (FINAL - MINUTE, FINAL - 9 * HOUR))
    assert asked(part, lost, (FINAL - MINUTE, late), (FINAL - SECOND, again))[0] == TRADED


def test_what_was_settled_at_the_moment_of_a_release_counts_no_more() -> None:
    part, lost = limited(loss("5", release="hand")), came("-4", FINAL - HOUR)
    assert asked(part, (MONDAY, Past((lost[1],), {}, released={"": FINAL - HOUR})))[0] == TRADED
    before = {"": FINAL - HOUR - 1}
    assert asked(part, (MONDAY, Past((lost[1],), {}, released=before)), came("-0.01", FINAL - 1, "x"))[0] == "killed"
    at_once = came("-4.01", FINAL - HOUR)
    assert (
        asked(part, (MONDAY, Past((at_once[1],), {}, released={"": FINAL - HOUR})), came("-1", FINAL - 1))[0] == TRADED
    )


@pytest.mark.parametrize(
    ("limit", "fits", "full"),
    [
        (Limit(what="loss", share=0.1, release="hand"), ["-8"], ["-8.01"]),
        (Limit(what="drawdown", share=0.1, release="hand"), ["100", "-18"], ["100", "-18.01"]),
        (Limit(what="target", share=0.1, release="hand"), ["8.99"], ["9"]),
    ],
)
def test_a_share_is_of_the_same_balance_when_a_stop_is_set_by_it(
    limit: Limit, fits: list[str], full: list[str]
) -> None:
    """Ten were lost long ago, so 90 are there at the base, and 190 at the highest after a hundred are won."""
    earlier = Past((), {"demo-1": Decimal(-10)})
    for profits, stops in ((fits, 0), (full, 1)):
        told = settled(profits, FINAL - HOUR)
        assert len(latches(given_by(limited(limit), (MONDAY - DAY, earlier), *told))) == stops

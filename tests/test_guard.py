"""The gate between signals and money."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reactivex import operators as ops

from operators.risk.by_bar import BY_BAR
from operators.risk.by_moment import BY_MOMENT
from operators.risk.guard import EXPLAINED_WHOLE
from operators.risk.stakes.fixed import Fixed
from pipeline.orders import moved, prepared
from pipeline.permit import Permit
from pipeline.steps import Tube
from pipeline.times import DAY, MINUTE, SECOND
from pipeline.values import (
    HEALTH,
    Approved,
    Bars,
    Decisions,
    GateRow,
    Health,
    Key,
    Latch,
    Life,
    Order,
    Past,
    Payouts,
    Quotes,
    Signals,
    Slept,
)
from tests.driven import played
from tests.guarded import (
    ALWAYS,
    FINAL,
    MIDNIGHT,
    NAN,
    PAYS,
    TRADED,
    approved,
    given_by,
    guard,
    payouts,
    signal,
    verdicts,
    with_column,
    words,
)
from tests.support import MONDAY, order, quotes, same, signals, signals_of

# --- each gate at its boundary ---------------------------------------------------------------------------------------


def test_a_bar_that_passes_every_gate_is_approved_with_all_an_executor_needs() -> None:
    given = given_by(guard(), signal(direction=-1, confidence=0.7))
    ((at, ticket),) = [(at, item) for at, item in given if isinstance(item, Approved)]
    assert at == FINAL
    assert ticket.order == f"demo-1:EURUSD:1m:{MONDAY}"
    assert ticket.stake == Decimal("1.00")
    assert msgspec.structs.asdict(ticket.ticket) == {
        "account": "demo-1",
        "product": "EURUSD",
        "tf": MINUTE,
        "bar": MONDAY,
        "at": FINAL,
        "direction": "put",
        "score": -0.7,
        "payout": 0.9,
    }
    assert words(given) == [TRADED]


def test_a_provider_that_failed_is_a_no() -> None:
    given = given_by(guard(), with_column(signals(), fault="fade: ValueError: no"))
    assert verdicts(given) == [("fault", 1.0, 0.0)]


def test_features_that_are_not_ready_are_a_no() -> None:
    unready = replace(signals().columns, ready=np.array([False]))
    assert verdicts(given_by(guard(), with_column(signals(), columns=unready))) == [("ready", 0.0, 1.0)]


def test_no_direction_is_a_no() -> None:
    assert verdicts(given_by(guard(), signal(direction=0))) == [("vote", 0.0, 0.0)]


@pytest.mark.parametrize(("confidence", "word"), [(0.5, TRADED), (np.nextafter(0.5, 0), "confidence")])
def test_confidence_must_reach_the_threshold(confidence: float, word: str) -> None:
    ((said, value, threshold),) = verdicts(given_by(guard(), signal(confidence=confidence)))
    assert said == word
    assert word == TRADED or (value, threshold) == (confidence, 0.5)


def test_a_threshold_may_be_one_for_each_timeframe_and_one_not_named_is_never_traded() -> None:
    part = guard(threshold={"1m": 0.4, "5m": 0.8})
    given = given_by(
        part,
        signal(confidence=0.6),
        signal(confidence=0.6, tf=5 * MINUTE),
        signal(confidence=1.0, tf=15 * MINUTE),
    )
    assert verdicts(given)[1:] == [("confidence", 0.6, 0.8), ("confidence", 1.0, float("inf"))]
    assert words(given)[0] == TRADED


@pytest.mark.parametrize(
    ("hours", "word"), [("10:01-10:02", TRADED), ("10:00-10:01", "permit"), ("10:02-11:00", "permit")]
)
def test_a_bar_must_become_final_within_the_permitted_hours(hours: str, word: str) -> None:
    assert words(given_by(guard(permit=Permit(hours=hours)), signal())) == [word]


@pytest.mark.parametrize(
    ("payout", "word", "threshold"),
    [
        (0.8, TRADED, NAN),
        (np.nextafter(0.8, 0), "payout", 0.8),
        (0.95, TRADED, NAN),
        (np.nextafter(0.95, 1), "payout", 0.95),
        (NAN, "payout", 0.8),
        (0.0, "payout", 0.8),
    ],
)
def test_the_payout_must_be_known_and_within_its_limits(payout: float, word: str, threshold: float) -> None:
    given = given_by(guard(min_payout=0.8, max_payout=0.95), signal(), pays=[payouts((0, payout))])
    ((said, value, limit),) = verdicts(given)
    assert said == word
    assert word == TRADED or (repr(value), limit) == (repr(float(payout)), threshold)


def test_without_any_payout_nothing_is_traded() -> None:
    ((word, value, _),) = verdicts(given_by(guard(), signal(), pays=()))
    assert (word, np.isnan(value)) == ("payout", True)


def test_the_payout_is_the_one_in_force_at_the_bars_own_moment_even_when_later_ones_are_known() -> None:
    series = payouts((0, 0.5), (FINAL, 0.85), (FINAL + 1, 0.1), (FINAL + MINUTE, 0.9))
    given = given_by(guard(), signal(), signal(bar=MONDAY + MINUTE), pays=[series])
    assert [each.ticket.payout for each in approved(given)] == [0.85]
    assert words(given) == [TRADED, "open"]


def test_payouts_told_piece_by_piece_are_the_same_series() -> None:
    pieces = [payouts((0, 0.5)), payouts((FINAL - 5, 0.6)), payouts((FINAL, 0.85), (FINAL + 1, 0.1))]
    assert [each.ticket.payout for each in approved(given_by(guard(), signal(), pays=pieces))] == [0.85]


def test_one_products_payout_is_not_anothers() -> None:
    assert words(given_by(guard(), signal(product="BTCUSD"))) == ["payout"]


@pytest.mark.parametrize("state", ["SEND", "CONFIRM"])
def test_a_key_has_at_most_one_open_trade(state: str) -> None:
    given = given_by(guard(), (MONDAY, order(state)), signal())
    assert verdicts(given) == [("open", 1.0, 0.0)]


def test_what_was_just_approved_is_open_before_anything_is_heard_of_it() -> None:
    assert words(given_by(guard(), signal(), signal(bar=MONDAY + MINUTE))) == [TRADED, "open"]


@pytest.mark.parametrize("state", ["ABORT", "CANCELED", "SETTLED"])
def test_an_order_that_ended_frees_its_key(state: str) -> None:
    sent = order("CONFIRM", order="x")
    gone = order(state, order="x", result="win" if state == "SETTLED" else None)
    assert words(given_by(guard(), (MONDAY, sent), (MONDAY, gone), signal())) == [TRADED]


def test_an_order_of_unknown_outcome_freezes_its_key_and_no_other() -> None:
    given = given_by(
        guard(), (MONDAY, order("UNKNOWN")), signal(), signal(tf=5 * MINUTE), signal(bar=MONDAY + 9 * MINUTE)
    )
    assert verdicts(given)[0] == ("unknown", 1.0, 0.0)
    assert words(given) == ["unknown", TRADED, "unknown"]


@pytest.mark.parametrize(("after", "word"), [(30 * SECOND - 1, "cool_down"), (30 * SECOND, TRADED)])
def test_after_a_loss_a_key_rests_until_the_moment_is_reached(after: int, word: str) -> None:
    lost = order("SETTLED", result="lose", profit="-1", at=FINAL - after)
    ((said, value, _),) = verdicts(given_by(guard(cool_down="30s"), (FINAL - after, lost), signal()))
    assert said == word
    assert word == TRADED or value == 0.001


@pytest.mark.parametrize(("balance", "word"), [("1.00", TRADED), ("0.99", "funds"), ("0", "funds")])
def test_the_stake_must_lie_within_the_balance(balance: str, word: str) -> None:
    ((said, value, threshold),) = verdicts(given_by(guard(balances={"demo-1": Decimal(balance)}), signal()))
    assert said == word
    assert word == TRADED or (value, threshold) == (float(balance), 1.0)


def test_what_is_at_stake_is_not_to_be_staked_again() -> None:
    held = order("CONFIRM", product="BTCUSD", stake="99.50")
    assert verdicts(given_by(guard(max_daily_loss=Decimal(1000)), (MONDAY, held), signal())) == [("funds", 0.5, 1.0)]


@pytest.mark.parametrize(("stake", "word"), [("19.00", TRADED), ("19.01", "daily_loss")])
def test_the_days_loss_counts_what_is_open_and_this_stake_as_lost(stake: str, word: str) -> None:
    held = order("CONFIRM", product="BTCUSD", stake=stake)
    ((said, value, threshold),) = verdicts(given_by(guard(), (MONDAY, held), signal()))
    assert said == word
    assert word == TRADED or (value, threshold) == (-20.01, -20.0)


def test_a_new_day_begins_without_yesterdays_loss() -> None:
    lost = order("SETTLED", result="lose", profit="-20", at=MIDNIGHT - 10 * MINUTE)
    before, after = signal(bar=MIDNIGHT - 2 * MINUTE), signal(bar=MIDNIGHT - MINUTE)
    assert words(given_by(guard(), (int(lost.at), lost), before, after)) == ["daily_loss", TRADED]


@pytest.mark.parametrize(("minutes", "trades"), [(17, 6), (16, 2), (5, 2)])
def test_what_ends_tomorrow_cannot_lose_todays_gains(minutes: int, trades: int) -> None:
    """Forty were won today and twenty may be lost: six trades of ten, unless they are settled after midnight."""
    part = guard(stake=Fixed(amount=Decimal(10)), max_daily_loss=Decimal(20))
    won = order("SETTLED", result="win", profit="40", at=MIDNIGHT - 30 * MINUTE)
    at = MIDNIGHT - minutes * MINUTE
    asked = [signal(product=product, tf=15 * MINUTE, bar=at - 15 * MINUTE, at=at) for product in "ABCDEFG"]
    pays = [payouts((0, 0.9), product=product) for product in "ABCDEFG"]
    given = given_by(part, (int(won.at), won), *asked, pays=pays)
    assert words(given) == [TRADED] * trades + ["daily_loss"] * (7 - trades)


# --- gates together --------------------------------------------------------------------------------------------------


def test_the_first_gate_that_says_no_is_the_verdict() -> None:
    """Everything is wrong at once; then one thing after the other is mended."""
    wrongs: dict[str, dict[str, Any]] = {
        "fault": {"fault": "x"},
        "ready": {"columns": replace(signals().columns, ready=np.array([False]))},
        "vote": {"direction": np.array([0], np.int8)},
        "confidence": {"confidence": np.array([0.1])},
    }
    order_of_gates: list[str] = []
    while wrongs:
        columns = {name: value for wrong in wrongs.values() for name, value in wrong.items()}
        (word,) = words(given_by(guard(permit=Permit(hours="01:00-02:00")), with_column(signals(), **columns), pays=()))
        order_of_gates.append(word)
        del wrongs[word]
    always = tuple(name for name in BY_BAR if name not in ("stale_signal", "calibrated", "odds", "volatility"))
    assert (*order_of_gates, "permit") == always


def test_the_gates_of_the_account_are_asked_in_their_order() -> None:
    every = [
        order("UNKNOWN"),
        order("CONFIRM", order="b"),
        order("SETTLED", order="c", result="lose", profit="-1", at=FINAL),
    ]
    poor = guard(balances={"demo-1": Decimal("1.50")}, max_daily_loss=Decimal("1.50"), cool_down="5m")
    said: list[str] = []
    for past, pays in ((every, ()), (every, (PAYS,)), (every[1:], (PAYS,)), (every[2:], (PAYS,))):
        said += words(given_by(poor, *((MONDAY, each) for each in past), signal(), pays=pays))
    assert said == ["payout", "unknown", "open", "cool_down"]
    assert [name for name in BY_MOMENT if name in said] == said


@pytest.mark.parametrize("rows", [1, EXPLAINED_WHOLE])
def test_of_a_small_batch_every_gate_is_explained_even_after_a_no(rows: int) -> None:
    ((_, made),) = [entry for entry in given_by(guard(), many(rows, confidence=0.1)) if isinstance(entry[1], Decisions)]
    assert set(made.explained) == set(range(rows))
    for answers in made.explained.values():
        assert [answer.gate for answer in answers] == list(ALWAYS)
        assert answers[4] == GateRow("confidence", 0.1, 0.5, "no")
        assert [answer.gate for answer in answers if answer.verdict == "no"] == ["confidence"]


def test_of_a_large_batch_only_the_verdict_is_kept() -> None:
    made = [item for _, item in given_by(guard(), many(EXPLAINED_WHOLE + 1)) if isinstance(item, Decisions)]
    assert [(len(each), dict(each.explained)) for each in made] == [(EXPLAINED_WHOLE + 1, {})]


def many(rows: int, **facts: Any) -> tuple[int, Signals]:
    """Signals of bars one after another, given together at the first one's moment."""
    bars = MONDAY + MINUTE * np.arange(rows, dtype=np.int64)
    return FINAL, signals_of(bars, bars + MINUTE, **facts)


def test_every_row_of_a_block_is_decided_at_its_own_moment_between_what_becomes_of_the_orders() -> None:
    settles = FINAL + 3 * MINUTE + 30 * SECOND
    won = order("SETTLED", order=f"demo-1:EURUSD:1m:{MONDAY}", result="win", profit="0.9", at=settles)
    given = given_by(guard(), many(12), (settles, won))
    assert words(given) == [TRADED, "open", "open", "open", TRADED, *["open"] * 7]
    assert [at for at, item in given if isinstance(item, Approved)] == [FINAL, FINAL + 4 * MINUTE]


def test_a_block_given_ahead_decides_as_single_bars_do() -> None:
    at, block = many(12)
    ahead = given_by(guard(), (at, block))
    singles = given_by(guard(), *(signal(bar=int(bar)) for bar in block.open_ts))
    assert verdicts(ahead)[1:] == verdicts(singles)[1:]
    assert approved(ahead) == approved(singles)


def test_batches_of_one_stream_are_told_in_the_order_they_came() -> None:
    given = given_by(guard(), many(12), signal(bar=MONDAY + 20 * MINUTE))
    assert [len(item) for _, item in given if isinstance(item, Decisions)] == [12, 1]


def test_an_empty_batch_of_signals_is_an_empty_batch_of_decisions() -> None:
    _, block = many(0)
    assert [len(item) for _, item in given_by(guard(), (FINAL, block)) if isinstance(item, Decisions)] == [0]


# --- prices that are not to be trusted -------------------------------------------------------------------------------


def health(
    at: int, state: str, *, product: str = "EURUSD", lag: float = NAN, silence: float = 0, limit: float = 0
) -> tuple[int, Health]:
    columns = (np.array([each], np.float64) for each in (lag, silence, limit))
    return at, Health(product, np.array([at]), np.array([HEALTH.index(state)], np.int8), *columns)


@pytest.mark.parametrize("product", ["EURUSD", ""])
@pytest.mark.parametrize("state", HEALTH)
def test_prices_that_cannot_be_trusted_are_a_no_and_quiet_or_closed_ones_are_not(state: str, product: str) -> None:
    well = state in ("live", "quiet", "closed")
    given = given_by(guard(), health(MONDAY, state, product=product), signal())
    assert words(given) == [TRADED if well else "feed"]
    assert bool(approved(given)) == well


def test_another_products_prices_are_no_matter() -> None:
    assert words(given_by(guard(), health(MONDAY, "stale", product="BTCUSD"), signal())) == [TRADED]


def test_without_anybody_who_says_so_prices_are_trusted() -> None:
    ((_, made),) = [each for each in given_by(guard(), signal()) if isinstance(each[1], Decisions)]
    assert made.explained[0][ALWAYS.index("missed") :][:3] == (
        GateRow("missed", 0.0, 0.0, "yes"),
        GateRow("overrun", 0.0, 0.0, "yes"),
        GateRow("feed", 0.0, 0.0, "yes"),
    )


def test_entries_go_on_when_prices_can_be_trusted_again() -> None:
    changes = [health(FINAL - 10, "slow"), health(FINAL + 5, "live")]
    given = given_by(guard(), *changes, signal(), signal(bar=MONDAY + MINUTE))
    assert words(given) == ["feed", TRADED]


def test_health_is_that_of_the_bars_own_moment() -> None:
    changes = [health(FINAL, "stale"), health(FINAL + 1, "live"), health(FINAL + MINUTE - 1, "down")]
    given = given_by(guard(), *changes, many(2))
    assert words(given) == ["feed", "feed"]
    assert words(given_by(guard(), health(FINAL - 1, "down"), health(FINAL, "live"), signal())) == [TRADED]


@pytest.mark.parametrize(
    ("told", "value", "limit"),
    [
        ({"state": "slow", "lag": 7_500.0, "limit": 5_000.0}, 7.5, 5.0),
        ({"state": "skewed", "lag": -1_960.0, "limit": -500.0}, -1.96, -0.5),
        ({"state": "stale", "silence": 30_000.0, "limit": 30_000.0}, 42.0, 30.0),
        ({"state": "down"}, 12.0, 0.0),
    ],
)
def test_the_refusal_says_how_late_or_how_silent_in_seconds(told: dict[str, Any], value: float, limit: float) -> None:
    assert verdicts(given_by(guard(), health(FINAL - 12 * SECOND, **told), signal())) == [("feed", value, limit)]


@pytest.mark.parametrize(("stamped", "word"), [(FINAL - 2_000, TRADED), (FINAL - 2_001, "feed")])
def test_the_last_quote_must_be_young_enough_by_its_stamp(stamped: int, word: str) -> None:
    last = quotes("EURUSD", [stamped], [1.1])
    ((said, value, limit),) = verdicts(given_by(guard(max_quote_age="2s"), (stamped + 40, last), signal()))
    assert said == word
    assert word == TRADED or (value, limit) == (2.001, 2.0)


def test_a_quote_that_has_not_come_yet_is_not_the_last_even_if_it_is_known() -> None:
    """A block given ahead: for the first bar its last quote is three seconds old, for the second one."""
    block = quotes("EURUSD", [FINAL - 3_000, FINAL - 30, FINAL + MINUTE - 1_000], [1.1, 1.1, 1.1])
    given = given_by(guard(max_quote_age="2s"), (MONDAY, block), many(2))
    assert words(given) == ["feed", TRADED]


def test_a_product_without_a_quote_has_none_that_is_young_enough() -> None:
    other = quotes("BTCUSD", [FINAL], [1.1])
    ((word, value, limit),) = verdicts(given_by(guard(max_quote_age="2s"), (FINAL, other), signal()))
    assert (word, np.isnan(value), limit) == ("feed", True, 2.0)


def test_a_bar_that_became_final_while_nothing_ran_is_missed() -> None:
    slept = Slept(FINAL, FINAL + 90 * SECOND)
    given = given_by(guard(), (FINAL, slept), many(3))
    assert verdicts(given)[:2] == [("missed", 90.0, 0.0), ("missed", 30.0, 0.0)]
    assert words(given)[2] == TRADED


# --- accounts --------------------------------------------------------------------------------------------------------


def test_accounts_are_judged_apart() -> None:
    both = guard(accounts=("demo-1", "demo-2"))
    given = given_by(both, (MONDAY, order("CONFIRM")), signal())
    assert (words(given), words(given, "demo-2")) == (["open"], [TRADED])
    assert [each.ticket.account for each in approved(given)] == ["demo-2"]


def test_an_order_of_an_account_that_is_not_its_own_is_nothing_to_it() -> None:
    assert words(given_by(guard(), (MONDAY, order("UNKNOWN", account="somebody")), signal())) == [TRADED]


def test_products_share_their_accounts_limit() -> None:
    part = guard(max_daily_loss=Decimal("2.50"))
    pays = [payouts((0, 0.9), product=product) for product in ("A", "B", "C")]
    given = given_by(part, *(signal(product=product) for product in ("A", "B", "C")), pays=pays)
    assert words(given) == [TRADED, TRADED, "daily_loss"]


# --- past ------------------------------------------------------------------------------------------------------------


def test_what_the_ledger_knew_is_known_again() -> None:
    past = Past(
        (
            order("SETTLED", order="a", result="lose", profit="-18.50", at=MONDAY, product="BTCUSD"),
            order("CONFIRM", order="b", product="BTCUSD", stake="0.60"),
        ),
        {"demo-1": Decimal(-30), "somebody": Decimal(1000)},
    )
    given = given_by(guard(), (MONDAY, past), signal())
    assert [tuple(map(float, each)) for each in ((verdicts(given)[0][1:]),)] == [(-20.1, -20.0)]
    (decisions,) = [each for _, each in given if isinstance(each, Decisions)]
    funds = next(answer for answer in decisions.explained[0] if answer.gate == "funds")
    assert funds.value == pytest.approx(100 - 30 - 18.50 - 0.60)


def test_a_gate_restored_from_the_past_decides_as_one_that_lived_through_it() -> None:
    facts = [
        order("CONFIRM", order="a", at=MONDAY - 9 * MINUTE),
        order("SETTLED", order="a", result="lose", profit="-1", at=MONDAY - 8 * MINUTE),
        order("UNKNOWN", order="b", tf=5 * MINUTE, at=MONDAY - 7 * MINUTE),
    ]
    later = [signal(), signal(tf=5 * MINUTE), signal(bar=MONDAY + MINUTE)]
    lived = given_by(guard(cool_down="5m"), *((each.at, each) for each in facts), *later)
    restored = given_by(guard(cool_down="5m"), (MONDAY, Past(tuple(facts[1:]), {})), *later)
    assert same(tuple(map(repr, verdicts(lived))), tuple(map(repr, verdicts(restored))))


# --- money -----------------------------------------------------------------------------------------------------------

LIMIT = Decimal("5.00")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["signal", "signal", "lose", "lose", "win", "push", "reject", "unknown"]),
        st.sampled_from(["A", "B", "C", "D", "E", "F", "G"]),
        st.sampled_from([MINUTE, 5 * MINUTE]),
    ),
    max_size=60,
)


class Till:
    """Settles what a gate approves, as the steps say, and counts what the account could still lose."""

    def __init__(self) -> None:
        self.alive: dict[Key, Approved] = {}
        self.profit = Decimal(0)

    def see(self, item: Decisions | Approved | Latch | Life) -> None:
        if isinstance(item, Approved):
            assert item.key not in self.alive
            self.alive[item.key] = item
        assert self.profit - sum(each.stake for each in self.alive.values()) >= -LIMIT

    def order(self, what: str, key: Key, at: int) -> Order | None:
        """What becomes of a key's open order, when it has one."""
        if key not in self.alive:
            return None
        sent = prepared(self.alive[key])
        if what == "unknown":
            return moved(sent, "UNKNOWN", at)
        del self.alive[key]
        if what == "reject":
            return moved(sent, "ABORT", at)
        profit = {"lose": -sent.stake, "win": sent.stake * Decimal("0.9"), "push": Decimal(0)}[what]
        self.profit += profit
        return msgspec.structs.replace(sent, state="SETTLED", at=at, result=what, profit=profit)


@settings(max_examples=120, deadline=None)
@given(STEPS, st.sampled_from(["0.35", "1.00", "1.30", "5.00", "5.01"]))
def test_the_daily_loss_is_never_exceeded_even_if_all_that_is_open_is_lost(
    steps: list[tuple[str, str, int]], stake: str
) -> None:
    rest = {"cool_down": "1s", "cool_down_max": "1s"}
    part = guard(max_daily_loss=LIMIT, stake=Fixed(amount=Decimal(stake)), **rest)
    pays, outcomes, asked = Tube[Payouts](), Tube[Order | Past](), Tube[Signals]()
    silent, bare, awake = Tube[Health | Quotes](), Tube[Bars](), Tube[Slept]()
    till = Till()

    def give(step: tuple[int, str, str, int]) -> None:
        at, what, product, tf = step
        if what == "signal":
            asked.give(signals(product=product, tf=tf, bar=at, at=at))
        elif (after := till.order(what, Key("demo-1", product, tf), at)) is not None:
            outcomes.give(after)

    def begin(_: object) -> None:
        for product in "ABCDEFG":
            pays.give(payouts((0, 0.9), product=product)[1])

    moments = (MONDAY + 2 * SECOND * number for number in range(1, len(steps) + 1))
    entries = [(at, (at, *step)) for at, step in zip(moments, steps, strict=True)]
    gate = part(asked, pays, outcomes, silent, bare, awake).pipe(ops.do_action(till.see))
    played(gate, lambda step: give(step) if step else begin(step), [(0, None), *entries], MONDAY + DAY // 2)


# --- the table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"max_daily_loss": Decimal(0)}, "max_daily_loss must be above 0, not 0"),
        ({"max_daily_loss": Decimal("NaN")}, "max_daily_loss must be above 0, not NaN"),
        ({"min_payout": 0.9, "max_payout": 0.8}, "min_payout 0.9 is above max_payout 0.8"),
        ({"threshold": {"7m": 0.5}}, "'7m' does not divide a day"),
        ({"max_quote_age": "soon"}, "'soon' is not a duration"),
    ],
)
def test_limits_that_cannot_be_are_refused_in_a_sentence(keys: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        guard(**keys)


@pytest.mark.parametrize("amount", ["0", "-1", "0.009", "NaN", "Infinity"])
def test_a_stake_must_be_above_nothing(amount: str) -> None:
    with pytest.raises(ValueError, match="amount must be at least a cent"):
        Fixed(amount=Decimal(amount))

"""The settlement audit: contracts are settled once more from our own ticks; what does not follow from them is told."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from pipeline.candles import from_columns
from pipeline.certainty.auditing import Auditing
from pipeline.certainty.fairness import Fairness, fairness
from pipeline.evidence import Audited
from pipeline.outcomes import PATIENCE, Priced
from pipeline.replaying import replayed
from pipeline.settlement import Contract, PricePath, settled
from pipeline.steps import Tube, woken
from pipeline.times import DAY, HOUR, MINUTE, SECOND
from pipeline.trying import NoRecords
from pipeline.values import Order, Past, Quotes
from tests.driven import Given, played
from tests.support import MONDAY, SMALL, order, plan_of, quotes

ACCEPTED = MONDAY + MINUTE
EXPIRY = ACCEPTED + MINUTE
PRICES = (1.1000, 1.1002, 1.1001, 1.1004, 1.1003)


def ticks(seconds: int = 240, begin: int = MONDAY, product: str = "EURUSD") -> Quotes:
    """A tick each second that wanders a little."""
    steps = np.random.default_rng(7).normal(0, 2e-5, seconds)
    return quotes(product, [begin + SECOND * each for each in range(seconds)], 1.1 + np.cumsum(steps), lag=0)


def path_of(batch: Quotes) -> PricePath:
    path = PricePath()
    path.append(batch)
    return path


def ended(batch: Quotes, at: int = EXPIRY + 200, accepted: int = ACCEPTED, **changes: Any) -> Order:
    """An order that an honest venue settled from these prices."""
    facts = {"direction": "call", "stake": Decimal("1.00"), "payout": 0.9} | changes
    one = order("CONFIRM", contract="C-1", expiry=accepted + MINUTE, bar=accepted - MINUTE, **facts)
    contract = Contract(one.order, one.product, one.direction, one.stake, one.payout, accepted, accepted + MINUTE)
    end = settled(contract, path_of(batch), at, "push")
    return replace(
        one,
        state="SETTLED",
        at=at,
        ended_at=at,
        result=end.result,
        profit=end.profit,
        entry_ts=end.entry_ts,
        entry=end.entry,
        exit_ts=end.exit_ts,
        exit=end.exit,
    )


def audited(entries: Iterable[tuple[int, Any]], tolerance: float = 0.0, until: int = MONDAY + HOUR) -> Given:
    tube = Tube[Any]()
    stream = woken(lambda: Auditing({}, tolerance), "audits", tube)
    return played(stream, tube.give, entries, until)


def one_by_one(batch: Quotes) -> list[tuple[int, Any]]:
    return [(int(batch.received[row]), batch.rows(row, row + 1)) for row in range(len(batch))]


def verdict(of: Order, batch: Quotes | None = None, tolerance: float = 0.0) -> Audited:
    entries: list[tuple[int, Any]] = [(MONDAY, ticks() if batch is None else batch), (of.at, of)]
    ((_, only),) = audited(entries, tolerance)
    assert isinstance(only, Audited)
    return only


# --- explained -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["call", "put"])
def test_an_honest_end_is_explained_with_our_own_prices(direction: str) -> None:
    one = ended(ticks(), direction=direction)
    found = verdict(one)
    assert found.verdict == "explained"
    assert (found.result, found.entry, found.exit) == (one.result, one.entry, one.exit)
    assert found.reason == ""


def test_it_waits_until_no_price_of_the_contract_can_come_any_more_and_not_longer() -> None:
    batch, one = ticks(), ended(ticks(), at=EXPIRY)
    entries = [*one_by_one(batch), (EXPIRY, one)]
    assert [at for at, _ in audited(entries)] == [EXPIRY + SECOND]
    silent = [each for each in entries if each[0] <= EXPIRY]
    assert [at for at, _ in audited(silent)] == [EXPIRY + PATIENCE]


def test_prices_in_blocks_and_one_by_one_give_the_same_verdicts_at_the_same_moments() -> None:
    batch, one = ticks(), ended(ticks())
    assert audited([*one_by_one(batch), (one.at, one)]) == audited([(MONDAY, batch), (one.at, one)])


def test_a_venue_that_tells_no_prices_is_held_against_the_result_alone() -> None:
    one = replace(ended(ticks()), entry_ts=0, entry=0.0, exit_ts=0, exit=0.0)
    assert verdict(one).verdict == "explained"
    other = "lose" if one.result == "win" else "win"
    found = verdict(replace(one, result=other, profit=Decimal("0.90") if other == "win" else Decimal("-1.00")))
    assert found.verdict == "unexplained"
    assert found.reason.startswith(f"it is {other}")


def test_a_void_contract_is_explained_where_we_had_no_price_and_not_where_we_had() -> None:
    silent = ticks().chosen(np.arange(240) < 55)
    void = replace(ended(ticks()), state="CANCELED", result="canceled", profit=Decimal(0), cause="void")
    late = quotes("EURUSD", [EXPIRY + SECOND], [1.1], lag=0)
    ((_, found),) = audited([(MONDAY, silent), (late.ts.item(), late), (EXPIRY + 2 * SECOND, void)])
    assert found.verdict == "explained"
    assert verdict(void).verdict == "unexplained"


def test_a_tick_that_came_after_the_venue_had_settled_does_not_speak_against_it() -> None:
    batch = ticks()
    rows = batch.ts != EXPIRY
    at_end = int(np.flatnonzero(~rows)[0])
    last = batch.rows(at_end, at_end + 1)
    late = Quotes("EURUSD", last.ts, last.ts + 5 * SECOND, last.bid, last.ask)
    one = ended(batch.chosen(rows), at=EXPIRY + 200)
    before = batch.chosen(batch.ts < EXPIRY)
    after = batch.chosen(batch.ts > EXPIRY + 5 * SECOND)
    entries = [(MONDAY, before), (one.at, one), (late.received.item(), late), (EXPIRY + 6 * SECOND, after)]
    ((_, found),) = audited(entries)
    assert found.verdict == "explained"


def test_a_tolerance_explains_prices_of_another_feed() -> None:
    one = ended(ticks(), direction="call" if ended(ticks()).result == "win" else "put")
    other = replace(one, entry=one.entry + 0.00008, exit=one.exit + 0.00008)
    assert verdict(other).verdict == "unexplained"
    assert verdict(other, tolerance=0.0001).verdict == "explained"


# --- unexplained -----------------------------------------------------------------------------------------------------


def test_an_exit_that_is_in_none_of_our_ticks_is_told_with_the_ticks_there_were() -> None:
    one = ended(ticks())
    worse = replace(one, exit=one.entry - 0.0010, result="lose", profit=Decimal("-1.00"))
    found = verdict(worse)
    assert found.verdict == "unexplained"
    said = f"exit {worse.exit:.10g} is in none of our ticks between 10:01:59.000 and 10:02:01.000 ("
    assert found.reason.startswith(said)


def test_an_exit_of_another_moment_is_told() -> None:
    batch = ticks()
    one = ended(batch)
    early = replace(one, exit_ts=EXPIRY - 30 * SECOND, exit=float(batch.mid[90]))
    assert "exit is of 10:01:30.000, our last tick before the expiry of 10:02:00.000" in verdict(early).reason
    late = replace(one, exit_ts=EXPIRY + 30 * SECOND, exit=float(batch.mid[150]))
    ((_, found),) = audited([(MONDAY, batch), (EXPIRY + 40 * SECOND, replace(late, at=EXPIRY + 40 * SECOND))])
    assert "exit is of 10:02:30.000, after the expiry at 10:02:00.000" in found.reason


def test_a_result_that_does_not_follow_from_the_venues_own_prices_is_told() -> None:
    one = ended(ticks())
    other = "lose" if one.result == "win" else "win"
    found = verdict(replace(one, result=other))
    assert found.reason.startswith(f"it is {other}, but from its own prices follows {one.result}")


def test_a_profit_that_is_not_what_was_agreed_is_told() -> None:
    won = next(each for each in (ended(ticks()), ended(ticks(), direction="put")) if each.result == "win")
    assert verdict(replace(won, profit=Decimal("0.80"))).reason == "profit is +0.80, +0.90 was agreed"


# --- unseen ----------------------------------------------------------------------------------------------------------


def test_nothing_is_said_where_our_prices_do_not_reach() -> None:
    batch = ticks()
    one = replace(ended(batch), exit=2.0)
    assert verdict(one, batch.chosen(batch.ts > ACCEPTED)).reason == "our prices begin after its acceptance"
    hole = batch.chosen((batch.ts < EXPIRY - 20 * SECOND) | (batch.ts > EXPIRY))
    found = verdict(one, hole)
    assert (found.verdict, found.reason) == ("unseen", "our ticks have a hole around 10:02:00.000")
    none = batch.chosen((batch.ts <= ACCEPTED) | (batch.ts > EXPIRY))
    assert verdict(one, none).reason == "we have no price between its acceptance and its expiry"
    assert found.result is None


def test_what_never_was_a_contract_is_not_audited() -> None:
    gone = order("ABORT", cause="rejected")
    assert audited([(MONDAY, ticks()), (gone.at, order("SEND")), (gone.at, gone)]) == []


def test_a_contract_of_which_only_the_end_was_told_is_unseen() -> None:
    told = replace(ended(ticks()), contract="", expiry=0)
    assert verdict(told).reason == "nobody told when its contract ran"


def test_contracts_of_before_a_restart_are_audited_with_the_quotes_given_again() -> None:
    batch, one = ticks(), ended(ticks())
    running = replace(one, state="CONFIRM", result=None)
    ((_, found),) = audited([(EXPIRY, batch), (EXPIRY, Past((running,), {})), (one.at, one)])
    assert found.verdict == "explained"


def test_a_contract_that_ended_as_the_program_did_is_audited_by_the_next_one() -> None:
    batch, one = ticks(), ended(ticks())
    past = Past((one,), {}, unaudited=(one.order,))
    ((at, found),) = audited([(EXPIRY + HOUR, batch), (EXPIRY + HOUR, past)], until=EXPIRY + 2 * HOUR)
    assert (at, found.verdict) == (EXPIRY + HOUR, "explained")
    known = int(np.searchsorted(batch.received, one.at))
    first, rest = batch.rows(0, known), one_by_one(batch)[known:]
    ((at, found),) = audited([(one.at, first), (one.at, past), *rest])
    assert (at - EXPIRY < 5 * SECOND, found.verdict) == (True, "explained")
    ((_, found),) = audited([(EXPIRY + HOUR, past)], until=EXPIRY + 2 * HOUR)
    assert found.verdict == "unseen"
    assert audited([(EXPIRY, batch), (EXPIRY, Past((one,), {}))]) == []


def test_bars_stand_in_where_there_are_no_ticks() -> None:
    closes = np.array(PRICES)
    opens = np.concatenate((closes[:1], closes[:-1]))
    bars = from_columns(
        "EURUSD", MINUTE, MONDAY + MINUTE * np.arange(5), opens, opens + 0.0005, closes - 0.0005, closes, np.ones(5)
    )
    path = PricePath()
    path.append(bars)
    end = settled(Contract("1", "EURUSD", "call", Decimal(1), 0.9, ACCEPTED, EXPIRY), path, EXPIRY, "push")
    one = replace(
        ended(ticks()), result=end.result, profit=end.profit, entry=end.entry, exit=end.exit, entry_ts=end.entry_ts
    )
    ((_, found),) = audited([(MONDAY, Priced(bars)), (one.at, replace(one, exit_ts=end.exit_ts))])
    assert found.verdict == "explained"


# --- a venue that shifts ---------------------------------------------------------------------------------------------


def against(one: Order) -> Order:
    """What a venue makes of a contract that moves its exit so far that it is lost."""
    worse = one.entry - (0.0002 if one.direction == "call" else -0.0002)
    return replace(one, exit=worse, result="lose", profit=-one.stake)


def test_a_venue_that_shifts_one_exit_in_a_hundred_is_exposed_to_the_contract() -> None:
    batch = ticks(4 * 3600)
    accepted = range(ACCEPTED + 80, MONDAY + 4 * HOUR - 2 * MINUTE, 17 * SECOND)
    sides = ("call", "put")
    orders = [
        ended(batch, at=each + MINUTE + 200, accepted=each, order=f"{number}", direction=sides[number % 2])
        for number, each in enumerate(accepted)
    ]
    draw = np.random.default_rng(3)
    told = [against(each) if draw.random() < 0.01 else each for each in orders]
    moved = {one.order for one, other in zip(told, orders, strict=True) if one != other}
    assert len(orders) > 800
    assert len(moved) >= 3
    end = MONDAY + 5 * HOUR
    given = audited([(MONDAY, batch), *((each.at, each) for each in told)], until=end)
    assert {found.order for _, found in given if found.verdict == "unexplained"} == moved
    honest = audited([(MONDAY, batch), *((each.at, each) for each in orders)], until=end)
    assert len(honest) == len(orders)
    assert {found.verdict for _, found in honest} == {"explained"}


def test_an_honest_venue_has_nothing_unexplained_and_one_that_shifts_an_exit_in_a_hundred_is_exposed() -> None:
    honest, crooked = (_days(""), _days("faults = { seed = 5, wrong_settlement = 0.01 }\n"))
    assert honest.judged > 1000
    assert (honest.unexplained, honest.unseen) == (0, 0)
    assert honest.share.high < 0.004
    assert 8 <= crooked.unexplained == crooked.against
    assert crooked.share.low > 0.004  # not nothing, with 95 % confidence
    assert crooked.by_luck < 0.005  # and not by mistakes that have no side


def _days(faults: str) -> Fairness:
    """What the audit makes of three days of trading."""
    text = SMALL.replace("payout = 0.9\n", f"payout = 0.9\n{faults}").replace('"100.00"', '"10000.00"')
    audits, orders = list[Audited](), dict[str, Order]()

    def told(_: str, value: Any) -> None:
        if isinstance(value, Audited):
            audits.append(value)
        elif isinstance(value, Order):
            orders[value.order] = value

    plan = plan_of(text.replace('max_daily_loss = "20.00"', 'max_daily_loss = "2000.00"'))
    replayed(plan, MONDAY, MONDAY + 3 * DAY, NoRecords(), past=Past((), {}), block=HOUR, taps=(told,))
    return fairness(audits, orders)

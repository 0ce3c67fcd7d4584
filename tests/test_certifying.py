"""Certificates: what is accounted for is said to be, and each thing that is not is named."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.certainty.balancing import Book, accounted, amiss
from pipeline.certainty.certifying import PATIENCE, Certifying
from pipeline.evidence import Cash, Dispute, Listed, Reconciled, Request, Statement
from pipeline.steps import Tube, woken
from pipeline.times import DAY, HOUR, MINUTE
from pipeline.values import Certificate, Order, Past
from tests.driven import played
from tests.support import MONDAY, order

ACCOUNT = "demo-1"
OPENING = Decimal("100.00")


def settled(number: int, result: str = "win", *, accepted: int | None = None, **changes: Any) -> Order:
    """An order of a bar of its own, settled a minute after its acceptance."""
    begun = MONDAY + number * MINUTE if accepted is None else accepted
    profit = {"win": "0.90", "lose": "-1.00", "push": "0"}[result]
    facts = {
        "order": f"demo-1:EURUSD:1m:{number}",
        "bar": begun - MINUTE,
        "at": begun + MINUTE,
        "ended_at": begun + MINUTE,
        "contract": f"C-{number}",
        "request": f"request-{number}",
        "expiry": begun + MINUTE,
        "result": result,
        "profit": profit,
    }
    return order("SETTLED", **(facts | changes))


def running(number: int, **changes: Any) -> Order:
    """The same before its end."""
    before = settled(number)
    return replace(
        before, state="CONFIRM", result=None, profit=Decimal(0), ended_at=0, at=before.expiry - MINUTE, **changes
    )


def listed(of: Order, **changes: Any) -> Listed:
    """How a venue lists an order that is as it is here."""
    made = Listed(
        of.contract, of.request, of.product, of.tf, of.direction, of.stake, of.payout, of.expiry - of.tf, of.expiry
    )
    if of.state == "SETTLED":
        made = replace(made, result=of.result, profit=of.profit, closed_at=of.ended_at)
    return replace(made, **changes)


def statement(
    as_of: int, contracts: Iterable[Listed] = (), balance: str | None = "100.00", **changes: Any
) -> Statement:
    told = None if balance is None else Decimal(balance)
    made = Statement(ACCOUNT, 1, MONDAY - HOUR, as_of, as_of, tuple(contracts), (), told)
    return replace(made, **changes)


def passed(told: Statement) -> list[tuple[int, Any]]:
    """A statement and the executor's word that all of it is accounted for."""
    return [(told.as_of, told), (told.as_of, Reconciled(ACCOUNT, told.as_of, told.as_of))]


def certified(entries: Iterable[tuple[int, Any]], past: Past | None = None) -> list[Certificate]:
    return [each for _, each in _given(entries, past) if isinstance(each, Certificate)]


def _given(entries: Iterable[tuple[int, Any]], past: Past | None) -> list[tuple[int, Any]]:
    tube = Tube[Any]()
    stream = woken(lambda: Certifying(frozenset({ACCOUNT})), "certificates", tube)
    first = (0, past or Past((), {}))
    return played(stream, tube.give, [first, *entries], MONDAY + 60 * DAY)


def second(*entries: tuple[int, Any], told: Statement) -> Certificate:
    """The certificate of the second day, after a sound one of the first."""
    found = certified([*passed(statement(MONDAY)), *entries, *passed(told)])
    assert found[0].sound
    return found[-1]


TOMORROW = MONDAY + DAY


# --- what is sound ---------------------------------------------------------------------------------------------------


def test_the_first_certificate_opens_with_what_the_account_holds() -> None:
    (only,) = certified(passed(statement(MONDAY)))
    assert (only.opening, only.closing, only.profit, only.cash, only.stakes) == (OPENING, OPENING, 0, 0, 0)
    assert only.sound


def test_a_day_of_trades_adds_up_to_the_cent_with_contracts_still_open() -> None:
    won, lost, still = settled(1), settled(2, "lose"), running(60 * 24 - 1)
    told = statement(MONDAY + DAY - MINUTE // 2, map(listed, (won, lost, still)), "98.90")
    told = replace(told, as_of=TOMORROW - 1)
    entries = [(each.at, each) for each in (won, lost, still)]
    (first, day) = certified([*passed(statement(MONDAY)), *entries, *passed(replace(told, as_of=TOMORROW))])
    assert day.sound, day.unexplained
    assert (day.intents, day.contracts) == (3, 3)
    assert (day.profit, day.stakes, day.closing) == (Decimal("-0.10"), Decimal("1.00"), Decimal("98.90"))
    assert (day.since, day.as_of) == (first.as_of, TOMORROW)


def test_a_clean_month_is_sound_every_day() -> None:
    entries: list[tuple[int, Any]] = [*passed(statement(MONDAY))]
    balance, number, recent = OPENING, 0, list[Listed]()
    for day in range(30):
        begin = MONDAY + day * DAY
        for hour in range(24):
            number += 1
            one = settled(number, ("win", "lose", "lose", "push")[number % 4], accepted=begin + hour * HOUR + MINUTE)
            entries.append((one.at, one))
            balance += one.profit
            recent.append(listed(one))
        # Each listing reaches two days back.
        told = statement(begin + DAY, recent[-48:], str(balance), since=begin - DAY)
        entries += passed(told)
    found = certified(entries)
    assert len(found) == 31
    assert [each.unexplained for each in found] == [()] * 31
    assert sum(each.intents for each in found) == sum(each.contracts for each in found) == 30 * 24
    assert accounted(found[-1]) == found[-1].closing == balance


def test_a_deposit_the_venue_tells_is_a_known_cause_and_is_noted_once() -> None:
    came = Cash("D-1", MONDAY + HOUR, Decimal("50.00"), "deposit")
    told = statement(TOMORROW, (), "150.00", cash=(came,))
    again = statement(TOMORROW + DAY, (), "150.00", cash=(came,))
    given_ = _given([*passed(statement(MONDAY)), *passed(told), *passed(again)], None)
    assert [each for _, each in given_ if isinstance(each, Cash)] == [replace(came, account=ACCOUNT)]
    assert [each.cash for _, each in given_ if isinstance(each, Certificate)] == [0, Decimal("50.00"), 0]
    assert all(each.sound for _, each in given_ if isinstance(each, Certificate))


def test_a_contract_that_ended_after_the_listing_was_made_is_of_the_next_one() -> None:
    one = settled(1, accepted=TOMORROW - MINUTE // 2)
    early = listed(one, result=None, profit=Decimal(0), closed_at=0)
    later = statement(TOMORROW + DAY, [listed(one)], "100.90")
    entries = [(one.at, one), (one.at, statement(TOMORROW, [early], "99.00"))]
    entries += [(one.at, Reconciled(ACCOUNT, TOMORROW, one.at)), *passed(later)]
    _, first, then = certified([*passed(statement(MONDAY)), *entries])
    assert first.sound, first.unexplained
    assert (first.profit, first.stakes) == (0, Decimal("1.00"))
    assert then.sound, then.unexplained
    assert (then.profit, then.stakes) == (Decimal("0.90"), Decimal("-1.00"))


def test_an_end_that_overtook_the_answer_is_matched_by_its_request() -> None:
    one = settled(1, contract="", expiry=0)
    theirs = listed(settled(1))
    day = second((one.at, one), told=statement(TOMORROW, [theirs], "100.90"))
    assert day.sound, day.unexplained


def test_an_end_that_overtook_the_answer_is_matched_by_its_prices_where_no_request_is_told() -> None:
    prices: dict[str, Any] = {"entry_ts": MONDAY + 400, "entry": 1.1, "exit_ts": MONDAY + MINUTE, "exit": 1.2}
    one = settled(1, contract="", expiry=0, **prices)
    theirs = listed(settled(1), request="", **prices)
    day = second((one.at, one), told=statement(TOMORROW, [theirs], "100.90"))
    assert day.sound, day.unexplained
    other = replace(theirs, exit=1.3)
    day = second((one.at, one), told=statement(TOMORROW, [other], "100.90"))
    assert "is in no row of the ledger" in day.unexplained[0]


# --- what is named ---------------------------------------------------------------------------------------------------


def test_a_contract_of_somebody_else_is_named_as_such_and_the_money_still_adds_up() -> None:
    theirs = settled(7, "lose", order="X:C-7", request="", origin="external")
    day = second((theirs.at, theirs), told=statement(TOMORROW, [listed(theirs)], "99.00"))
    assert (day.intents, day.contracts) == (0, 1)
    assert day.unexplained == (
        "contract C-7 was placed by somebody else: 1.00 call EURUSD at 2026-01-05T10:07:00.000Z, lose -1.00",
    )


def test_a_contract_that_is_in_no_row_is_a_phantom() -> None:
    day = second(told=statement(TOMORROW, [listed(settled(7, request=""))], "100.90"))
    assert day.unexplained[0].startswith("contract C-7 is in no row of the ledger: 1.00 call EURUSD")
    assert day.unexplained[1].startswith("the account holds 100.90, 0.90 more than is accounted for")


def test_a_contract_of_an_order_that_was_proved_absent_is_named() -> None:
    gone = order("ABORT", order="demo-1:EURUSD:1m:7", request="request-7", cause="absent", at=MONDAY + 9 * MINUTE)
    day = second((gone.at, gone), told=statement(TOMORROW, [listed(settled(7))], "100.90"))
    assert day.unexplained[0].startswith(
        "contract C-7 is of order demo-1:EURUSD:1m:7, of which it was proved that there is none: "
    )


def test_a_missing_settlement_is_named() -> None:
    open_ = running(1)
    day = second((open_.at, open_), told=statement(TOMORROW, [listed(open_)], "99.00"))
    assert day.unexplained == (
        "contract C-1 of order demo-1:EURUSD:1m:1 expired at 2026-01-05T10:02:00.000Z and its settlement is missing",
    )


def test_a_contract_that_ended_here_and_runs_on_at_the_venue_is_named() -> None:
    one = settled(1)
    still = listed(one, result=None, profit=Decimal(0), closed_at=0)
    day = second((one.at, one), told=statement(TOMORROW, [still], "99.00"))
    assert day.unexplained == (
        "contract C-1 of order demo-1:EURUSD:1m:1 expired at 2026-01-05T10:02:00.000Z, "
        "is win +0.90 here and still open at the venue",
    )


def test_a_second_contract_of_one_order_is_named() -> None:
    one = settled(1)
    again = listed(one, contract="C-2")
    day = second((one.at, one), told=statement(TOMORROW, [listed(one), again], "101.80"))
    assert (day.intents, day.contracts) == (1, 2)
    assert day.unexplained[0].startswith("contract C-2 is a second one of order demo-1:EURUSD:1m:1, which has C-1: ")
    assert day.unexplained[1].startswith("the account holds 101.80, 0.90 more than is accounted for")


def test_a_contract_the_venue_does_not_list_any_more_is_named() -> None:
    one = settled(1)
    day = second((one.at, one), told=statement(TOMORROW, [], "100.90"))
    assert day.unexplained == ("contract C-1 of order demo-1:EURUSD:1m:1 is not listed by the venue",)


def test_a_result_that_differs_is_named() -> None:
    one = settled(1)
    theirs = listed(one, result="lose", profit=Decimal("-1.00"))
    day = second((one.at, one), told=statement(TOMORROW, [theirs], "99.00"))
    assert day.unexplained == (
        "order demo-1:EURUSD:1m:1 is win +0.90 here and lose -1.00 at the venue",
        "the account holds 99.00, 1.90 less than is accounted for: a withdrawal, a fee or a correction nobody told of",
    )


def test_a_deposit_nobody_told_of_is_named_until_it_is_told() -> None:
    day, then = statement(TOMORROW, (), "150.00"), statement(TOMORROW + DAY, (), "150.00")
    came = Cash("D-1", MONDAY + HOUR, Decimal("50.00"), "deposit")
    told = statement(TOMORROW + 2 * DAY, (), "150.00", cash=(came,))
    _, *found = certified([*passed(statement(MONDAY)), *passed(day), *passed(then), *passed(told)])
    sentence = (
        "the account holds 150.00, 50.00 more than is accounted for: a deposit, a bonus or a correction nobody told of"
    )
    assert [each.unexplained for each in found] == [(sentence,), (sentence,), ()]


def test_a_contradiction_of_the_venue_is_named_at_once_and_not_the_next_day() -> None:
    dispute = Dispute("demo-1:EURUSD:1m:1", ACCOUNT, MONDAY + HOUR, "win +0.90", "lose -1.00")
    soon, day = statement(MONDAY + 2 * HOUR), statement(TOMORROW)
    found = certified([*passed(statement(MONDAY)), (dispute.at, dispute), *passed(soon), *passed(day)])
    assert [each.unexplained for each in found] == [
        (),
        ("order demo-1:EURUSD:1m:1 was win +0.90 and is lose -1.00 now",),
        (),
    ]


# --- when they are given ---------------------------------------------------------------------------------------------


def test_one_is_given_at_the_first_pass_of_a_life_once_a_day_and_on_request() -> None:
    passes = [passed(statement(MONDAY + hour * HOUR)) for hour in range(40)]
    asked = (MONDAY + 90 * MINUTE, Request("reconcile", "", MONDAY + 90 * MINUTE, "somebody"))
    found = certified([asked, *(each for two in passes for each in two)])
    assert [(each.as_of - MONDAY) // HOUR for each in found] == [0, 2, 14, 38]


def test_a_request_for_another_account_asks_nothing_of_this_one() -> None:
    asked = (MONDAY + 90 * MINUTE, Request("reconcile", "demo-2", MONDAY + 90 * MINUTE, "somebody"))
    assert len(certified([*passed(statement(MONDAY)), asked, *passed(statement(MONDAY + 2 * HOUR))])) == 1


def test_nothing_is_certified_before_the_executor_has_gone_over_what_was_listed() -> None:
    told, older = statement(MONDAY + HOUR), Reconciled(ACCOUNT, MONDAY, MONDAY + HOUR)
    assert certified([(MONDAY + HOUR, told), (MONDAY + HOUR, older)]) == []
    failed = statement(MONDAY + HOUR, fault="no answer")
    assert certified(passed(failed)) == []
    single = statement(MONDAY + HOUR, contract="C-1")
    assert certified(passed(single)) == []


def test_it_does_not_matter_who_is_heard_first_the_executor_or_the_venue() -> None:
    told = statement(MONDAY)
    assert len(certified(list(reversed(passed(told))))) == 1


def test_an_order_that_nobody_knows_the_fate_of_puts_it_off_but_not_for_ever() -> None:
    unknown = order("UNKNOWN", request="request-1")
    passes = [passed(statement(MONDAY + 5 * MINUTE * number)) for number in range(1, 5)]
    found = certified([(MONDAY, unknown), *(each for two in passes for each in two)])
    assert [each.as_of for each in found] == [MONDAY + 5 * MINUTE + PATIENCE]
    assert found[0].unexplained == (
        "order demo-1:EURUSD:1m:1 is UNKNOWN: nobody knows whether the venue has a contract of it",
    )


def test_when_what_was_amiss_is_mended_the_certificate_is_made_again_from_the_same_beginning() -> None:
    open_, end = running(1), settled(1)
    amiss = statement(TOMORROW, [listed(open_)], "99.00")
    mended = statement(TOMORROW + MINUTE, [listed(end, closed_at=TOMORROW + 1)], "100.90")
    entries = [*passed(statement(MONDAY)), (open_.at, open_), *passed(amiss)]
    entries += [(TOMORROW + 2, replace(end, ended_at=TOMORROW + 1)), *passed(mended)]
    first, day, again = certified(entries)
    assert not day.sound
    assert again.sound, again.unexplained
    assert day.since == again.since == first.as_of
    assert len(certified([*entries, *passed(replace(mended, as_of=TOMORROW + HOUR))])) == 3


# --- over a restart --------------------------------------------------------------------------------------------------


def test_what_is_missing_is_certified_once_and_not_with_every_trade_that_moves_the_balance() -> None:
    entries: list[tuple[int, Any]] = [*passed(statement(MONDAY)), *passed(statement(TOMORROW, (), "80.00"))]
    balance, ends = Decimal("80.00"), list[Listed]()
    for number in range(1, 30):
        one = settled(number, ("win", "lose")[number % 2], accepted=TOMORROW + number * HOUR // 3)
        balance += one.profit
        ends.append(listed(one))
        entries += [(one.at, one), *passed(statement(one.at + 1, ends, str(balance)))]
    first, short = certified(entries)
    assert first.sound
    assert [("20.00 less" in each) for each in short.unexplained] == [True]
    *_, more = certified([*entries, *passed(statement(TOMORROW + 12 * HOUR, ends, str(balance - 1)))])
    assert "21.00 less" in more.unexplained[0]


def test_money_that_goes_within_the_day_is_named_by_the_second_pass_that_misses_it_and_once() -> None:
    balances = ["100.00", "100.00", "80.00", "80.00", "80.00", "75.00", "75.00", "100.00", "100.00"]
    passes = [passed(statement(MONDAY + n * MINUTE, (), each)) for n, each in enumerate(balances)]
    found = certified(each for two in passes for each in two)
    assert [(each.as_of - MONDAY) // MINUTE for each in found] == [0, 3, 5, 7]
    assert [each.sound for each in found] == [True, False, False, True]
    assert "20.00 less than is accounted for" in found[1].unexplained[0]
    assert "25.00 less than is accounted for" in found[2].unexplained[0]


def test_money_that_is_amiss_for_one_pass_was_on_its_way() -> None:
    balances = ["100.00", "99.00", "100.00", "99.00", "100.00"]
    passes = [passed(statement(MONDAY + n * MINUTE, (), each)) for n, each in enumerate(balances)]
    assert len(certified(each for two in passes for each in two)) == 1


def test_money_that_an_order_of_unknown_fate_may_have_taken_is_waited_for_but_not_for_ever() -> None:
    unknown = order("UNKNOWN", request="request-1")
    passes = [passed(statement(MONDAY + n * MINUTE, (), "99.00" if n else "100.00")) for n in range(20)]
    entries = [*passes[0], (MONDAY + 1, unknown), *(each for two in passes[1:] for each in two)]
    first, second = certified(entries)
    assert first.sound
    assert second.as_of == MONDAY + MINUTE + PATIENCE
    assert len(second.unexplained) == 2


def test_money_that_went_on_the_first_day_is_missed_when_its_certificate_is_made_again() -> None:
    won = settled(1, accepted=MONDAY + MINUTE)
    theirs = running(7, order="X:C-7", request="", origin="external")
    entries = [*passed(statement(MONDAY)), (won.at, won), (theirs.at, theirs)]
    told = statement(MONDAY + HOUR, map(listed, (won, theirs)), str(OPENING + won.profit - theirs.stake - 30))
    first, again = certified([*entries, *passed(told)])
    assert first.sound
    assert (again.opening, again.profit, again.stakes) == (OPENING, won.profit, theirs.stake)
    assert any("30.00 less than is accounted for" in each for each in again.unexplained)


def test_the_next_life_goes_on_where_the_last_certificate_ended() -> None:
    orders = [settled(number, ("win", "lose")[number % 2]) for number in range(6)]
    balance = OPENING + sum((each.profit for each in orders), Decimal(0))
    first = certified(passed(statement(MONDAY)))[0]
    noted = (ACCOUNT, "D-1", MONDAY + MINUTE, Decimal("5.00"))
    past = Past(tuple(orders), {}, certificates=(first,), cash=(noted,))
    (told,) = certified(passed(statement(TOMORROW, [], str(balance + 5), since=TOMORROW - HOUR)), past)
    assert told.sound, told.unexplained
    assert (told.opening, told.profit, told.cash) == (OPENING, balance - OPENING, Decimal("5.00"))


def test_after_a_restart_the_numbers_are_of_the_same_span_as_the_sums() -> None:
    base = certified(passed(statement(MONDAY)))[0]
    before, ran, by_hand = settled(1), settled(2), settled(3, "lose", order="X:C-3", request="", origin="external")
    long_ago = settled(0, accepted=MONDAY - 2 * MINUTE)
    past = Past((long_ago, before, ran, by_hand), {}, certificates=(replace(base, gained=long_ago.profit),))
    again = MONDAY + HOUR
    (quiet,) = certified(passed(statement(again, (), "100.80", since=again - MINUTE)), past)
    assert quiet.sound, quiet.unexplained
    assert (quiet.since, quiet.as_of, quiet.profit) == (MONDAY, again, Decimal("0.80"))
    assert (quiet.intents, quiet.contracts) == (2, 3)
    (overlapping,) = certified(passed(statement(again, [listed(ran)], "100.80", since=again - MINUTE)), past)
    assert (overlapping.intents, overlapping.contracts) == (2, 3)
    traded = settled(57)
    entries = [(traded.at, traded), *passed(statement(again, [listed(traded)], "101.70", since=again - 3 * MINUTE))]
    (busy,) = certified(entries, past)
    assert (busy.sound, busy.intents, busy.contracts, busy.profit) == (True, 3, 4, Decimal("1.70"))


def test_profits_of_long_ago_that_are_only_known_as_a_sum_are_counted_once() -> None:
    first = replace(certified(passed(statement(MONDAY)))[0], gained=Decimal("7.00"))
    past = Past((settled(1),), {ACCOUNT: Decimal("7.00")}, certificates=(first,))
    (told,) = certified(passed(statement(TOMORROW, [listed(settled(1))], "100.90")), past)
    assert told.sound, told.unexplained
    assert told.profit == Decimal("0.90")


# --- whatever happens ------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["win", "lose", "push"]), st.integers(0, 2 * 24 * 60), st.booleans()), max_size=25
    ),
    st.decimals(-50, 50, places=2),
    st.integers(1, 5),
)
def test_what_is_unexplained_is_exactly_what_was_hidden(
    trades: list[tuple[str, int, bool]], hidden: Decimal, cuts: int
) -> None:
    """Honest trades over two days, restarts anywhere, some money that nobody told of before the end."""
    orders = [settled(n, result, accepted=MONDAY + at * MINUTE + n) for n, (result, at, _) in enumerate(trades, 1)]
    moments = [MONDAY + round(part * 2 * DAY / cuts) + 7 for part in range(1, cuts + 1)]
    last = certified(passed(statement(MONDAY)))[0]
    for number, moment in enumerate(moments):
        began = [each for each in orders if each.expiry - MINUTE <= moment]
        over = [each for each in began if each.ended_at <= moment]
        still = [
            replace(each, state="CONFIRM", result=None, profit=Decimal(0), ended_at=0)
            for each in began
            if each not in over
        ]
        balance = OPENING + sum((each.profit for each in over), Decimal(0)) - len(still)
        balance += hidden if number == len(moments) - 1 else 0
        past = Past((*over, *still), {}, certificates=(last,))
        told = statement(moment, map(listed, [*over, *still]), str(balance), since=last.as_of - HOUR)
        (last,) = certified(passed(told), past)
        assert last.intents == last.contracts
        if number < len(moments) - 1 or not hidden:
            assert last.sound, last.unexplained
    if hidden:
        (sentence,) = last.unexplained
        assert f", {abs(hidden)} {'more' if hidden > 0 else 'less'} than" in sentence


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["win", "lose", "push"]), st.integers(0, 300), st.integers(0, 4)), max_size=15),
    st.lists(st.tuples(st.integers(1, 60), st.decimals(-5, 5, places=2), st.booleans()), min_size=1, max_size=8),
)
def test_what_each_pass_reckons_is_what_a_certificate_would_say(
    trades: list[tuple[str, int, int]], passes: list[tuple[int, Decimal, bool]]
) -> None:
    """Ends that come late or differ from the listing, contracts that are never listed, certificates at any pass."""
    book, moment = Book(ACCOUNT), MONDAY
    orders = [settled(n, result, accepted=MONDAY + at * MINUTE + n) for n, (result, at, _) in enumerate(trades, 1)]
    for gap, off, closed in [(0, Decimal(0), True), *passes]:
        moment += gap * MINUTE
        ends = list[Listed]()
        for each, (_, _, manner) in zip(orders, trades, strict=True):
            still = replace(each, state="CONFIRM", result=None, profit=Decimal(0), ended_at=0)
            begun, over = each.expiry - MINUTE <= moment, each.ended_at + manner * 10_000 <= moment
            if begun:
                book.follow(each if over else still)
            if begun and manner < 3:
                ends.append(listed(each if each.ended_at <= moment else still))
            elif begun and manner == 3 and over:
                ends.append(listed(each, result="lose", profit=-each.stake))
        told = statement(moment, ends, str(OPENING + off))
        assert list(book.read(told)) == []
        again, made = book.off(told), book.certificate(told, moment)
        assert again == book.off(told) == amiss(made)[0]
        book.first = book.first or made
        if closed:
            book.close(made)


def test_what_an_executor_makes_of_the_past_is_newer_than_the_past_itself() -> None:
    left = order("SEND", request="request-1", sent_at=MONDAY)
    tube = Tube[Any]()
    stream = woken(lambda: Certifying(frozenset({ACCOUNT})), "certificates", tube)
    asked = Request("reconcile", "", MONDAY, "somebody")
    heard = [(MONDAY, replace(left, state="UNKNOWN")), (MONDAY, Past((left,), {})), (MONDAY, asked)]
    given_ = played(stream, tube.give, [*heard, *passed(statement(MONDAY))], MONDAY + HOUR)
    assert [each.sound for _, each in given_] == [False]

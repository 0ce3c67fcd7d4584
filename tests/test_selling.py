"""Contracts that are sold back before their expiry: what a venue pays, what an executor asks, and what is kept."""

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.certainty.auditing import Auditing
from pipeline.evidence import Audited, Closing, Declined, Dispute, Evidence, Request, Unclosed
from pipeline.gains import CENT
from pipeline.ledger import Ledger
from pipeline.ledger.proofs import Proofs
from pipeline.ledger.reading import Reader
from pipeline.metering import Account
from pipeline.plan import LEDGER
from pipeline.remarks import remark
from pipeline.reporting.conditions import endings
from pipeline.reporting.subjects import Purse, Subject
from pipeline.states import ENDED
from pipeline.statistics.records import record
from pipeline.steps import Tube, woken
from pipeline.times import MINUTE, SECOND
from pipeline.values import Certificate, Direction, Order, Quotes, Settlement
from pipeline.venues.faults import Strike
from pipeline.venues.rules import Rules
from pipeline.venues.selling import EarlyClose, profit_now, result_by
from sinks.practice import Practice
from tests.adversary import LATENCY, SENT, Broker, Session
from tests.driven import played
from tests.support import MONDAY, SMALL, plan_of, play
from tests.test_auditing import ACCEPTED, ended, ticks
from tests.test_executor import HALF, NAME, ticket
from tests.venue_days import OPENING, STRONG, Day, T, order, question, quotes, rising

HALVES = EarlyClose(win=0.5, lose=0.25, cutoff_seconds=5)
CLOSING = Rules(payout=0.87, evidence=STRONG, early_close=HALVES)
CONTRACT = "MOCK-o1"


def falling() -> Quotes:
    return quotes(*((T + second * 1000, 2.0 - second * 1e-5) for second in range(600)))


def flat() -> Quotes:
    return quotes(*((T + second * 1000, 1.5) for second in range(600)))


def sold(
    after: int = 30_000,
    *,
    market: Quotes | None = None,
    given: Rules = CLOSING,
    faults: tuple[Strike, ...] = (),
    name: str = CONTRACT,
    account: str = "demo-1",
    direction: Direction = "call",
) -> Day:
    """A contract that began a second after the minute (and the latency), and is wanted sold so long after it."""
    day = Day(given, faults, market=(rising() if market is None else market,))
    day.line.send(order(direction=direction))
    day.wait(T + after)
    day.line.sell(Closing("o1", name, account, T + after))
    day.wait(T + 5 * MINUTE)
    return day


def ends(day: Day) -> list[Settlement]:
    return [reply for reply in day.replies if isinstance(reply, Settlement)]


def refusals(day: Day) -> list[str]:
    return [reply.reason for reply in day.replies if isinstance(reply, Declined)]


# --- what is paid ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("market", "result", "profit"),
    [(rising(), "win", "0.44"), (falling(), "lose", "-0.75"), (flat(), "push", "0")],
)
def test_a_contract_is_bought_back_by_the_price_of_that_moment(market: Quotes, result: str, profit: str) -> None:
    day = sold(market=market)
    (end,) = ends(day)
    assert (end.result, end.profit) == (result, Decimal(profit))
    assert (end.at, end.entry_ts, end.exit_ts) == (T + 30_120, T + 2000, T + 30_000)
    assert day.house.book.balance("demo-1") == OPENING["demo-1"] + end.profit


amounts = st.decimals(Decimal("0.01"), Decimal(5000), places=2)
parts = st.floats(0, 1)


@given(amounts, st.floats(0.01, 10), parts, parts, st.sampled_from(["win", "lose", "push"]))
def test_whatever_the_rule_no_more_than_the_win_and_no_less_than_nothing_is_paid_and_to_the_cent(
    stake: Decimal, payout: float, win: float, lose: float, would: Any
) -> None:
    profit = profit_now(EarlyClose(win=win, lose=lose), would, stake, payout)
    assert profit == profit.quantize(CENT)
    assert -stake <= profit <= (stake * Decimal(str(payout))).quantize(CENT) + CENT / 2
    assert result_by(profit) == {-1: "lose", 0: "push", 1: "win"}[(profit > 0) - (profit < 0)]


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        (sold(56_001), "only 4.999 s are left before its expiry"),
        (sold(61_000), "it has expired"),
        (sold(90_000), "it has ended"),
        (sold(1_200), "there is no price to take it back at"),
        (sold(given=Rules(payout=0.87, evidence=STRONG)), "this venue takes no contract back before its expiry"),
        (sold(name="MOCK-o9"), "there is no contract MOCK-o9"),
        (sold(account="demo-2"), f"there is no contract {CONTRACT}"),
    ],
)
def test_a_contract_that_is_not_taken_back_runs_on_and_the_venue_says_why(day: Day, reason: str) -> None:
    assert refusals(day) == [reason]
    (end,) = ends(day)
    assert (end.result, end.exit_ts, end.at) == ("win", T + 61_000, T + 61_320)


def test_exactly_at_the_cutoff_it_is_taken_back() -> None:
    assert [each.at for each in ends(sold(56_000))] == [T + 56_120]


def test_prices_that_stand_still_for_a_minute_buy_nothing() -> None:
    day = Day(CLOSING, market=(quotes((T, 1.0), (T + 2000, 1.1)),))
    day.line.send(order(tf=5 * MINUTE))
    day.wait(T + 2 * MINUTE)
    day.line.sell(Closing("o1", CONTRACT, "demo-1", T + 2 * MINUTE))
    day.wait(T + 3 * MINUTE)
    assert refusals(day) == ["there is no price to take it back at"]


def test_what_was_sold_is_told_once_and_not_settled_again_at_its_expiry() -> None:
    day = sold()
    day.line.sell(Closing("o1", CONTRACT, "demo-1", T + 5 * MINUTE))
    day.line.ask(question(1, 6 * MINUTE))
    day.wait(T + 10 * MINUTE)
    assert len(ends(day)) == 1
    assert refusals(day) == ["it has ended"]
    (listed,) = day.statements[-1].contracts
    assert (listed.result, listed.profit, listed.closed_at) == ("win", Decimal("0.44"), T + 30_120)
    assert day.statements[-1].balance == Decimal("100.44")


# --- what may befall it ----------------------------------------------------------------------------------------------


def test_an_answer_that_is_lost_leaves_the_contract_sold_and_listed_so() -> None:
    day = sold(faults=(Strike(what="lost_close", order=1),))
    assert (ends(day), refusals(day)) == ([], [])
    assert day.struck == (Strike(what="lost_close", order=1),)
    day.line.ask(question(1, 6 * MINUTE))
    day.wait(T + 7 * MINUTE)
    assert [each.closed_at for each in day.statements[-1].contracts] == [T + 30_120]


@pytest.mark.parametrize(
    ("what", "after", "said"),
    [
        ("outage", "20s", ["no connection"]),
        ("outage", "30050ms", []),  # it began while the wish was under way
        ("token_expiry", "20s", ["HTTP 401: the token has expired"]),
        ("half_open", "20s", []),
    ],
)
def test_a_wish_that_does_not_arrive_leaves_the_contract_running(what: Any, after: str, said: list[str]) -> None:
    day = sold(faults=(Strike(what=what, after=after, lasts="15s"),))
    assert refusals(day) == said
    assert [each.at for each in ends(day)] == [T + 61_320]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 70_000)), max_size=12), st.sets(st.integers(1, 6)))
def test_whenever_contracts_are_sold_each_ends_once_and_the_balance_adds_up(
    sales: Iterable[tuple[int, int]], lost: set[int]
) -> None:
    day = Day(CLOSING, tuple(Strike(what="lost_close", order=number) for number in sorted(lost)))
    for number in range(6):
        day.line.send(order(f"o{number}", 1000, direction="call" if number % 2 else "put"))
    for number, after in sorted(sales, key=lambda sale: sale[1]):
        day.wait(T + after)
        day.line.sell(Closing(f"o{number}", f"MOCK-o{number}", "demo-1", T + after))
    day.wait(T + 5 * MINUTE)
    names = [end.order for end in ends(day)]
    assert len(names) == len(set(names))
    deals = day.house.book.deals.values()
    assert all(deal.end is not None for deal in deals)
    assert day.house.book.balance("demo-1") == OPENING["demo-1"] + sum(deal.worth for deal in deals)
    for end in ends(day):
        assert day.house.book.deals[f"MOCK-{end.order}"].end == end


def test_a_venue_that_says_it_closes_has_a_rule_for_it() -> None:
    assert Practice(early_close=HALVES).evidence.closes
    assert not Practice().evidence.closes
    with pytest.raises(
        ValueError, match=r"evidence says closes, and there is no early_close; write early_close = \{\}"
    ):
        Practice(evidence=Evidence(lists=True, closes=True))


# --- what an executor asks -------------------------------------------------------------------------------------------

ABLE = Evidence(lists=True, echoes=True, closes=True)
WISH = Request("close", "demo-1", SENT + 20 * SECOND, "Ada", NAME)


def wished(
    *items: tuple[int, Any], evidence: Evidence = ABLE, until: int = SENT + 10 * MINUTE, fates: Any = ()
) -> Session:
    session = Session(Broker(evidence, list(fates))).begin(at=HALF)
    session.at(SENT, ticket())
    for after, item in items:
        session.at(SENT + after, item)
    return session.until(until)


def asked(session: Session) -> list[tuple[str, str]]:
    return [(each.order, each.contract) for each in session.of(Closing)]


def end(after: int, profit: str = "0.45") -> Settlement:
    return Settlement(NAME, "win", Decimal(profit), SENT + 121, 1.1, SENT + after, 1.2, SENT + after)


def test_a_wish_asks_the_venue_once_and_its_answer_ends_the_order() -> None:
    session = wished((20_000, WISH), (20_240, end(20_240)))
    assert asked(session) == [(NAME, "C-1")]
    ended = session.last(NAME)
    assert (ended.state, ended.ended_at, ended.profit) == ("SETTLED", SENT + 20_240, Decimal("0.45"))
    assert ended.ended_at < ended.expiry


def test_a_wish_without_an_answer_changes_nothing() -> None:
    plain, wishing = wished(), wished((20_000, WISH))
    assert [each for each in wishing.told if not isinstance(each[1], Closing)] == plain.told
    assert asked(wishing) == [(NAME, "C-1")]


def test_what_a_venue_declines_is_told_and_the_contract_runs_on() -> None:
    session = wished((20_000, WISH), (20_240, Declined(NAME, "no price", SENT + 20_240)))
    assert session.of(Unclosed) == [Unclosed(NAME, "demo-1", SENT + 20_240, "no price")]
    assert session.last(NAME).ended_at > SENT + MINUTE
    said = remark(session.of(Unclosed)[0], ZoneInfo("UTC"))
    assert said == ("warning", f"order {NAME} is not closed early and runs on: no price")


@pytest.mark.parametrize(
    ("after", "evidence", "fates", "reason"),
    [
        (50, ABLE, (), "it is SEND, and only a contract that runs can be sold back"),
        (20_000, ABLE, ("lost",), "it is UNKNOWN, and only a contract that runs can be sold back"),
        (70_000, ABLE, (), "it is SETTLED, and only a contract that runs can be sold back"),
        (60_150, ABLE, (), "it has expired"),
        (20_000, Evidence(lists=True), (), "its venue takes no contract back before its expiry"),
    ],
)
def test_only_a_contract_that_runs_at_a_venue_that_takes_it_is_asked_for(
    after: int, evidence: Evidence, fates: Any, reason: str
) -> None:
    session = wished((after, WISH), evidence=evidence, fates=fates, until=SENT + after + 1)
    assert asked(session) == []
    assert [each.reason for each in session.of(Unclosed)] == [reason]


def test_a_wish_for_all_of_an_account_asks_for_each_that_runs_and_for_nobody_elses() -> None:
    every = Request("close", "", SENT, "Ada")
    others = Request("close", "demo-2", SENT, "Ada")
    later = ticket(at=SENT + 1000, product="BTCUSD")
    session = wished((1000, later), (20_000, others), (30_000, every))
    assert sorted(contract for _, contract in asked(session)) == ["C-1", "C-2"]


def test_an_end_at_expiry_that_overtakes_the_answer_stands_and_the_other_is_disputed() -> None:
    expiry = MINUTE + LATENCY
    session = wished((59_000, WISH), (expiry + 500, end(59_240)), until=SENT + 5 * MINUTE)
    assert session.last(NAME).profit == Decimal("0.90")
    assert [(each.was, each.now) for each in session.of(Dispute)] == [("ended: win 0.90", "ended: win 0.45")]


# --- what is kept and looked at --------------------------------------------------------------------------------------


def test_a_wish_and_what_came_of_it_are_in_the_ledger_for_whoever_looks(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as engine:
        with Ledger(path) as verb:
            verb.request(WISH)
        assert list(engine.heard()) == [WISH]
        engine.note(Unclosed(NAME, "demo-1", SENT, "no price"))
        engine.note(Unclosed(NAME, "demo-1", SENT + 1, "no price"))
        engine.commit()
    with Proofs(path) as proofs:
        (first, told), (second, _) = proofs.unclosed()
        assert told == Unclosed(NAME, "demo-1", SENT, "no price")
        assert [number for number, _ in proofs.unclosed(first)] == [second]


CLOSES = SMALL.replace('"EURUSD", "BTCUSD"', '"EURUSD"').replace(
    "payout = 0.9\n", "payout = 0.9\nearly_close = { win = 0.5, lose = 0.25 }\n"
)
EVERY = 20 * SECOND
END = MONDAY + 30 * MINUTE


def day_of(*faults: str, every: int = EVERY, records: Ledger | None = None) -> list[Any]:
    """A flow that trades for half an hour while somebody wants everything sold now and then; then it is certified."""
    text = CLOSES.replace(
        "payout = 0.9\n", f"payout = 0.9\nfaults = [{', '.join(f'{{ {each} }}' for each in faults)}]\n"
    )
    wishes = [(at, LEDGER, Request("close", "", at, "Ada")) for at in range(MONDAY, END, every)]
    certified = [(END + at, LEDGER, Request("reconcile", "", END + at, "Ada")) for at in (0, 2 * MINUTE)]
    past = records.past(MONDAY) if records is not None else None
    given = play(
        plan_of(text), [*wishes, *certified], END + 4 * MINUTE, records=records, past=past, outside=("source", "venue")
    )
    return [value for _, value in given]


def of(values: Iterable[Any], kind: type[Any]) -> list[Any]:
    return [each for each in values if isinstance(each, kind)]


def early(values: list[Any]) -> list[Order]:
    return [each for each in of(values, Order) if each.state in ENDED and 0 < each.ended_at < each.expiry - SECOND]


def test_a_flow_whose_contracts_are_sold_adds_up_and_its_audit_says_which_were(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        values = day_of(records=ledger)
    closed = early(values)
    assert len(closed) > 2
    assert {each.result for each in closed} <= {"win", "lose", "push"}
    last: Certificate = of(values, Certificate)[-1]
    assert last.sound, last.unexplained
    assert last.closing == Decimal("100.00") + sum(each.profit for each in of(values, Order) if each.state in ENDED)
    verdicts = {each.order: (each.verdict, each.reason) for each in of(values, Audited)}
    for each in closed:
        assert verdicts[each.order][0] == "unseen"
        assert verdicts[each.order][1].startswith("closed early at 10:")
    reader = Reader(path)
    kept = {each.order: each for each in reader.orders()}
    reader.close()
    assert [kept[each.order] for each in closed] == closed


def test_where_answers_to_it_are_lost_the_listing_says_how_they_ended_and_the_balance_adds_up() -> None:
    lost = [f'what = "lost_close", order = {number}' for number in (1, 2, 3)]
    values = day_of(*lost)
    found = early(values)
    assert of(values, Certificate)[-1].sound, of(values, Certificate)[-1].unexplained
    retried = {each.order for each in of(values, Order) if each.state == "CONFIRM_RETRY"}
    assert len(retried & {each.order for each in found}) == 3


def test_a_wish_that_races_the_expiry_ends_the_contract_one_way_or_the_other() -> None:
    """Somebody wants everything sold each second, also in the last ones before an expiry."""
    plain = day_of(every=END - MONDAY)
    values = day_of('what = "lost_close", order = 1', every=SECOND)
    assert early(values)
    assert of(values, Unclosed)
    assert early(plain) == []
    for told in (plain, values):
        last: Certificate = of(told, Certificate)[-1]
        assert last.sound, last.unexplained
        ended = [each.order for each in of(told, Order) if each.state in ENDED]
        assert len(ended) == len(set(ended))


def judged(one: Order, closing: frozenset[str] = frozenset({"demo-1"})) -> Audited:
    tube = Tube[Any]()
    stream = woken(lambda: Auditing({}, 0.0, closing), "audits", tube)
    ((_, only),) = played(stream, tube.give, [(MONDAY, ticks()), (one.at, one)], MONDAY + 10 * MINUTE)
    assert isinstance(only, Audited)
    return only


@pytest.mark.parametrize(
    ("profit", "verdict", "reason"),
    [
        ("0.45", "unseen", "closed early at 10:01:30.000"),
        ("-1.00", "unseen", "closed early at 10:01:30.000"),
        (
            "-1.01",
            "unexplained",
            "closed early at 10:01:30.000 for -1.01; it is no less than -1.00 and no more than +0.90",
        ),
        (
            "0.91",
            "unexplained",
            "closed early at 10:01:30.000 for +0.91; it is no less than -1.00 and no more than +0.90",
        ),
    ],
)
def test_what_was_sold_is_judged_by_its_bounds_alone(profit: str, verdict: str, reason: str) -> None:
    found = judged(replace(ended(ticks(), at=ACCEPTED + 30 * SECOND), profit=Decimal(profit)))
    assert (found.verdict, found.reason) == (verdict, reason)


def test_what_was_sold_in_the_last_second_at_a_venue_that_tells_whole_ones_is_no_end_at_its_expiry() -> None:
    whole = replace(ended(ticks()), profit=Decimal("0.45"))
    assert judged(replace(whole, ended_at=whole.expiry - SECOND)).verdict == "unseen"
    assert judged(replace(whole, ended_at=whole.expiry - SECOND + 1)).verdict == "unexplained"


def test_what_ended_at_its_expiry_or_at_a_venue_that_takes_nothing_back_is_judged_by_the_rules_of_its_expiry() -> None:
    assert judged(ended(ticks())).verdict == "explained"
    wrong = replace(ended(ticks()), profit=Decimal("0.45"))
    assert judged(wrong).verdict == "unexplained"
    assert (
        judged(replace(wrong, at=ACCEPTED + 30_000, ended_at=ACCEPTED + 30_000), frozenset()).verdict == "unexplained"
    )


def test_what_was_sold_counts_as_money_and_is_in_no_win_rate() -> None:
    whole = ended(ticks())
    early = replace(whole, order="2", ended_at=whole.expiry - 30 * SECOND, result="win", profit=Decimal("0.45"))
    assert record("paper", (whole, early)).orders == (whole,)
    account = Account()
    account.take(early)
    assert (account.profit, dict(account.results)) == (Decimal("0.45"), {})
    account.take(whole)
    assert sum(account.results.values()) == 1
    said = endings(Subject(Purse("paper", "USD"), (whole, early), ZoneInfo("UTC")))
    assert said is not None
    assert said.text == "1 closed early"


def test_a_wish_under_way_is_carried_out_when_the_engine_is_gone_and_the_next_one_finds_it() -> None:
    day = Day(CLOSING)
    day.line.send(order())
    day.wait(T + 30_000)
    day.line.sell(Closing("o1", CONTRACT, "demo-1", T + 30_000))
    day.line.close()
    day.wait(T + 31_000)
    day.line = day.connected()
    day.line.ask(question(1, 31_000))
    day.wait(T + 5 * MINUTE)
    assert ends(day) == []
    (listed,) = day.statements[0].contracts
    assert (listed.result, listed.closed_at) == ("win", T + 30_120)

"""A venue's accounts behind a flow's streams: what becomes of orders, questions and ends, each account by itself."""

import asyncio
from decimal import Decimal
from math import isnan
from typing import Any

import pytest
from msgspec.structs import replace

from pipeline import virtual
from pipeline.connections.desk import connected
from pipeline.connections.troubles import CallFailed
from pipeline.errors import InputError
from pipeline.evidence import Closing, Declined, Inquiry, Lost, Statement, Trouble, TroubleKind, Unsent
from pipeline.steps import Tube
from pipeline.values import Ack, Order, Past, Payouts, Reject, Settlement
from tests.scripted import BROKEN, DEADLINE, Act, Played, Scripted, border, ended
from tests.support import MONDAY, order


def asked(number: int = 1, account: str = "demo-1", contract: str = "") -> Inquiry:
    return Inquiry(account, number, MONDAY, MONDAY, contract)


def failing(kind: TroubleKind, fate: Any) -> CallFailed:
    return CallFailed(kind, f"a failure of kind {kind}", fate=fate)


# --- orders -----------------------------------------------------------------------------------------------------------


def test_an_order_of_a_connected_account_is_placed_and_acknowledged() -> None:
    played = Played([Scripted()])
    played.play(5, (1.0, played.send()))
    assert [each.order for each in played.of(Ack)] == ["o-1"]


@pytest.mark.parametrize(
    ("fate", "kind"), [("unsent", Unsent), ("refused", Reject), ("unknown", Lost)], ids=["unsent", "refused", "unknown"]
)
@pytest.mark.parametrize("cause", ["auth", "throttle", "maintenance", "network", "format", "rule"])
def test_what_is_certain_of_a_failed_order_is_what_is_told(cause: TroubleKind, fate: str, kind: type[Any]) -> None:
    connector = Scripted()
    connector.places = [failing(cause, fate)]
    played = Played([connector])
    played.play(5, (1.0, played.send()))
    assert [type(each) for _, each in played.said if isinstance(each, Ack | Unsent | Reject | Lost)] == [kind]
    assert len(connector.times("place")) == 1
    assert (cause, f"a failure of kind {cause}") in played.troubles()


def test_an_order_of_an_account_that_is_not_connected_does_not_leave_and_says_why_at_once() -> None:
    connector = Scripted()
    connector.opens = [BROKEN] * 50
    played = Played([connector])
    played.play(5, (1.0, played.send()))
    assert played.at(Unsent) == [1.0]
    assert played.of(Unsent)[0].reason == f"demo-1 is RECONNECT: {BROKEN}"
    assert not connector.times("place")


def test_an_order_without_an_answer_is_lost_at_its_deadline_and_its_late_answer_is_heard() -> None:
    connector = Scripted()
    connector.places = [DEADLINE + 20]
    played = Played([connector])
    played.play(60, (1.0, played.send()))
    assert played.at(Lost) == [1.0 + DEADLINE]
    assert played.at(Ack) == [pytest.approx(1.0 + DEADLINE + 20)]


def test_a_call_that_never_ends_is_given_up_and_told() -> None:
    connector = Scripted()
    connector.places = [1e9]
    played = Played([connector])
    played.play(200, (1.0, played.send()))
    assert len(played.of(Lost)) == 1
    assert any("did not end" in what for _, what in played.troubles())


def test_a_connector_that_fails_by_mistake_while_it_sends_leaves_the_order_unknown_and_the_account_refused() -> None:
    connector = Scripted()
    connector.places = [ZeroDivisionError("canary")]
    played = Played([connector])
    played.play(5, (1.0, played.send()))
    assert len(played.of(Lost)) == 1
    assert played.states()[-1][1] == "REFUSED"
    assert "canary" not in str(played.said)


@pytest.mark.parametrize("call", ["places", "statements", "sells"])
def test_a_call_that_is_called_off_from_within_has_an_end_all_the_same(call: str) -> None:
    connector = Scripted()
    getattr(connector, call).append(asyncio.CancelledError())
    played = Played([connector])
    acts = {
        "places": played.send(),
        "statements": lambda: played.orders.give(asked()),
        "sells": lambda: played.orders.give(Closing("o-1", "c-1", "demo-1", MONDAY)),
    }
    played.play(9, (1.0, acts[call]), (2.0, lambda: played.orders.give(asked(2))), (3.0, played.send("o-2")))
    assert [each.order for each in played.of(Lost)] == (["o-1"] if call == "places" else [])
    assert [(each.number, bool(each.fault)) for each in played.of(Statement)][-1] == (2, False)
    assert [each.order for each in played.of(Ack)] == ["o-2"]
    assert any("called off" in what for _, what in played.troubles())


@pytest.mark.parametrize("call", ["place", "statement", "sell"])
def test_an_answer_that_is_none_refuses_its_account_and_no_other(call: str) -> None:
    class Mistaken(Scripted):
        """It gives nothing where it has to give an answer."""

        def __getattribute__(self, name: str) -> Any:
            async def nothing(_: object) -> None:
                return None

            return nothing if name == call else super().__getattribute__(name)

    played = Played([Mistaken("demo-1"), Scripted("demo-2")])
    acts = {
        "place": played.send("o-1", "demo-1"),
        "statement": lambda: played.orders.give(asked()),
        "sell": lambda: played.orders.give(Closing("o-1", "c-1", "demo-1", MONDAY)),
    }
    played.play(9, (1.0, acts[call]), (2.0, played.send("o-2", "demo-2")))
    assert played.states("demo-1")[-1][1] == "REFUSED"
    assert [each.order for each in played.of(Ack)] == ["o-2"]
    assert [each.order for each in played.of(Lost)] == (["o-1"] if call == "place" else [])
    assert [bool(each.fault) for each in played.of(Statement)] == ([True] if call == "statement" else [])


def test_only_orders_that_are_on_their_way_are_placed() -> None:
    connector = Scripted()
    played = Played([connector])
    played.play(
        5, (1.0, lambda: played.orders.give(order("CONFIRM"))), (2.0, lambda: played.orders.give(order("UNKNOWN")))
    )
    assert not connector.times("place")


def test_an_answer_is_never_older_than_what_it_answers() -> None:
    connector = Scripted()
    connector.places = [failing("network", "unsent")]
    played = Played([connector])
    played.play(5, (1.0, played.send(at=MONDAY + 10_000)))
    assert played.of(Unsent)[0].at == MONDAY + 10_000


# --- modes that calls drive -------------------------------------------------------------------------------------------


def test_an_order_that_meets_maintenance_stops_the_account_until_the_venue_says_it_is_over() -> None:
    connector = Scripted()
    connector.places = [failing("maintenance", "unknown")]
    connector.clocks = [failing("maintenance", "unknown")] * 3
    played = Played([connector])
    played.play(60, (1.0, played.send("o-1")), (2.0, played.send("o-2")), (50.0, played.send("o-3")))
    assert [state for _, state in played.states()][2:] == ["CONNECTED", "READ_ONLY", "CONNECTED"]
    assert [each.order for each in played.of(Unsent)] == ["o-2"]
    assert [each.order for each in played.of(Ack)] == ["o-3"]
    assert len(connector.times("open")) == 1


def test_in_maintenance_what_the_venue_says_is_heard_and_questions_are_answered() -> None:
    connector = Scripted()
    connector.places = [failing("maintenance", "unknown")]
    connector.clocks = [failing("maintenance", "unknown")] * 99
    played = Played([connector])

    def settles() -> None:
        assert connector.hear is not None
        connector.hear(ended("o-0"))

    earlier = order("CONFIRM", order="o-0", contract="c-0")
    played.play(
        20,
        (0.5, lambda: played.orders.give(earlier)),
        (1.0, played.send()),
        (5.0, settles),
        (6.0, lambda: played.orders.give(asked())),
    )
    assert played.states()[-1][1] == "READ_ONLY"
    assert [each.order for each in played.of(Settlement)] == ["o-0"]
    assert [each.fault for each in played.of(Statement)] == [""]


def test_an_order_that_meets_a_login_that_ran_out_has_it_made_anew_and_is_not_sent_again() -> None:
    connector = Scripted()
    connector.places = [failing("auth", "refused")]
    played = Played([connector])
    played.play(20, (1.0, played.send()))
    assert [state for _, state in played.states()][2:] == ["CONNECTED", "REAUTH", "CONNECTED"]
    assert len(connector.times("place")) == 1
    assert len(connector.times("open")) == 2


def test_what_an_earlier_connection_still_answers_says_nothing_about_this_one() -> None:
    """Two orders meet a login that ran out; the second hears of it when another login has long been made."""
    connector = Scripted()
    place = connector.place

    async def slow(order: Order) -> Ack:
        if order.order == "o-2":
            await asyncio.sleep(3)
            raise failing("auth", "refused")
        return await place(order)

    connector.place = slow
    connector.places = [failing("auth", "refused")]
    played = Played([connector])
    played.play(20, (1.0, played.send("o-2")), (1.5, played.send("o-1")))
    assert [state for _, state in played.states()][2:] == ["CONNECTED", "REAUTH", "CONNECTED"]
    assert len(played.of(Reject)) == 2


def test_a_throttled_order_changes_nothing_about_the_connection() -> None:
    connector = Scripted()
    connector.places = [failing("throttle", "unsent")]
    played = Played([connector])
    played.play(20, (1.0, played.send()))
    assert played.states()[-1][1] == "CONNECTED"
    assert len(connector.times("open")) == 1


# --- questions --------------------------------------------------------------------------------------------------------


def test_a_question_that_fails_is_answered_with_the_reason() -> None:
    connector = Scripted()
    connector.statements = [failing("network", "unknown")]
    played = Played([connector])
    played.play(5, (1.0, lambda: played.orders.give(asked(7))))
    assert [(each.number, each.fault) for each in played.of(Statement)] == [(7, "a failure of kind network")]


def test_a_question_of_the_first_moment_waits_for_the_connection() -> None:
    connector = Scripted()
    connector.opens = [2.0]
    played = Played([connector])
    played.play(5, (0.0, lambda: played.orders.give(asked())))
    assert [(at, each.fault) for at, each in played.said if isinstance(each, Statement)] == [(2.0, "")]


def test_a_question_while_the_connection_is_broken_is_answered_with_the_reason() -> None:
    connector = Scripted()
    connector.opens = [BROKEN] * 9
    played = Played([connector])
    played.play(5, (1.0, lambda: played.orders.give(asked())))
    assert [each.fault for each in played.of(Statement)] == [f"demo-1 is RECONNECT: {BROKEN}"]


def test_questions_are_asked_one_after_the_other_and_each_is_answered() -> None:
    connector = Scripted()
    connector.statements = [5.0, 1.0]
    played = Played([connector])
    played.play(20, *[(float(second), lambda number=second: played.orders.give(asked(number))) for second in (1, 2, 3)])
    answers = [(each.number, each.fault) for each in played.of(Statement)]
    assert sorted(number for number, _ in answers) == [1, 2, 3]
    assert dict(answers)[2] == "it was asked again before it was answered"
    assert len(connector.times("statement")) == 2


def test_a_listing_that_never_comes_is_told_as_one() -> None:
    connector = Scripted()
    connector.statements = [1e9]
    played = Played([connector])
    played.play(200, (1.0, lambda: played.orders.give(asked())))
    assert ["no answer" in each.fault for each in played.of(Statement)] == [True]


def test_an_answer_to_another_question_is_none_and_told() -> None:
    connector = Scripted()

    async def statement(inquiry: Inquiry) -> Statement:
        return Statement("demo-2", inquiry.number, inquiry.since, inquiry.at, inquiry.at)

    connector.statement = statement
    played = Played([connector])
    played.play(5, (1.0, lambda: played.orders.give(asked(3))))
    assert [(each.account, each.number, each.fault) for each in played.of(Statement)] == [
        ("demo-1", 3, "the answer is of another question")
    ]
    assert any("of another one" in what for _, what in played.troubles())


@pytest.mark.parametrize("call", ["statements", "sells"])
def test_a_mistake_in_any_call_refuses_the_account_and_leaves_no_question_open(call: str) -> None:
    connector = Scripted()
    getattr(connector, call).append(KeyError("canary"))
    played = Played([connector])
    acts = {
        "statements": lambda: played.orders.give(asked()),
        "sells": lambda: played.orders.give(Closing("o-1", "c-1", "demo-1", MONDAY)),
    }
    played.play(5, (1.0, acts[call]), (2.0, lambda: played.orders.give(asked(9))))
    assert played.states()[-1][1] == "REFUSED"
    assert [each.number for each in played.of(Statement)] == ([1, 9] if call == "statements" else [9])
    assert all(each.fault for each in played.of(Statement))
    assert "canary" not in str(played.said)


def test_a_payout_that_fails_by_mistake_refuses_the_account_and_another_is_asked() -> None:
    first, second = Scripted("demo-1"), Scripted("demo-2")
    played = Played([first, second], quoted=[("EURUSD", 60_000)])

    async def pays(_product: str, _tf: int) -> float | None:
        raise KeyError("canary")

    first.pays = pays
    played.play(30)
    assert played.states("demo-1")[-1][1] == "REFUSED"
    assert [ratio for _, ratio in ratios(played)] == [0.9]


def test_a_payout_that_hangs_is_given_up() -> None:
    first, second = Scripted("demo-1"), Scripted("demo-2")
    played = Played([first, second], quoted=[("EURUSD", 60_000)])

    async def pays(_product: str, _tf: int) -> float | None:
        await asyncio.sleep(1e9)
        return None

    first.pays = pays
    played.play(100)
    assert [ratio for _, ratio in ratios(played)] == [0.9]
    assert any("no payout of EURUSD" in what for _, what in played.troubles("demo-1"))


# --- contracts sold back ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (None, Settlement),
        (failing("rule", "unknown"), Declined),
        (failing("network", "unsent"), Declined),
        (failing("rule", "refused"), Declined),
        (failing("network", "unknown"), None),
    ],
    ids=["sold", "against the rules", "not sent", "refused", "nobody knows"],
)
def test_a_contract_is_sold_back_or_runs_on_and_nothing_is_said_where_nobody_knows(act: Act, said: Any) -> None:
    connector = Scripted()
    connector.sells = [act]
    played = Played([connector])
    played.play(5, (1.0, lambda: played.orders.give(Closing("o-1", "c-1", "demo-1", MONDAY))))
    answers = [each for _, each in played.said if isinstance(each, Settlement | Declined)]
    assert [(type(each), each.order) for each in answers] == ([(said, "o-1")] if said else [])


def test_a_sale_that_never_ends_is_given_up_and_told() -> None:
    connector = Scripted()
    connector.sells = [1e9]
    played = Played([connector])
    played.play(100, (1.0, lambda: played.orders.give(Closing("o-1", "c-1", "demo-1", MONDAY))))
    assert not played.of(Settlement)
    assert not played.of(Declined)
    assert any("did not end" in what for _, what in played.troubles())


def test_an_order_that_is_answered_under_another_name_is_told_and_counts_as_its_own() -> None:
    connector = Scripted()

    async def place(order: Order) -> Ack:
        return Ack("o-7", "c-1", order.at, order.at + order.tf, 0.9)

    connector.place = place
    played = Played([connector])
    played.play(5, (1.0, played.send()))
    assert [(each.order, each.contract) for each in played.of(Ack)] == [("o-1", "c-1")]
    assert any("o-1 is answered as o-7" in what for _, what in played.troubles())


def test_a_contract_of_an_account_that_is_not_connected_is_not_sold() -> None:
    connector = Scripted()
    connector.opens = [BROKEN] * 9
    played = Played([connector])
    played.play(5, (1.0, lambda: played.orders.give(Closing("o-1", "c-1", "demo-1", MONDAY))))
    assert [each.order for each in played.of(Declined)] == ["o-1"]


# --- what the venue tells by itself -----------------------------------------------------------------------------------


def told(connector: Scripted, *ends: Settlement | Ack) -> Any:
    def tell() -> None:
        assert connector.hear is not None
        for end in ends:
            connector.hear(end)

    return tell


def test_the_end_of_a_contract_is_told_by_its_orders_name_even_of_one_from_before_the_start() -> None:
    connector = Scripted()
    played = Played([connector])
    before = Past((order("CONFIRM", order="o-1", contract="77"),), {})
    played.play(5, (0.5, lambda: played.past.give(before)), (1.0, told(connector, ended("77"))))
    assert [each.order for each in played.of(Settlement)] == ["o-1"]


def test_the_end_of_somebody_elses_contract_is_told_under_the_contracts_own_name() -> None:
    connector = Scripted()
    played = Played([connector])
    played.play(5, (1.0, told(connector, ended("99"))))
    assert [each.order for each in played.of(Settlement)] == ["X:demo-1:99"]


def test_an_end_that_is_told_again_is_given_once_and_one_that_contradicts_it_again() -> None:
    connector = Scripted()
    played = Played([connector])
    later = replace(ended("c-o-1"), at=MONDAY + 99_000)
    played.play(5, (1.0, played.send()), (2.0, told(connector, ended("c-o-1"), later, ended("c-o-1", "0.80"))))
    assert [str(each.profit) for each in played.of(Settlement)] == ["0.90", "0.80"]


def test_what_one_account_hears_never_becomes_an_answer_of_another() -> None:
    first, second = Scripted("demo-1"), Scripted("demo-2")
    played = Played([first, second])
    crossed = Ack("o-1", "c-9", MONDAY, MONDAY + 60_000, 0.9)
    played.play(5, (1.0, played.send("o-1", "demo-1")), (2.0, told(second, crossed, ended("o-1"), ended("c-9"))))
    assert [each.contract for each in played.of(Ack)] == ["c-o-1"]
    assert [each.order for each in played.of(Settlement)] == ["X:demo-2:o-1", "X:demo-2:c-9"]
    assert any("not of the account" in what for _, what in played.troubles("demo-2"))


# --- several accounts -------------------------------------------------------------------------------------------------


def test_an_account_that_hangs_floods_or_fails_leaves_the_others_latency_alone() -> None:
    accounts = [Scripted(f"demo-{number}") for number in range(1, 5)]
    hangs, floods, fails, well = accounts
    hangs.places, hangs.statements = [1e9] * 50, [1e9] * 50
    fails.opens = [BROKEN, None] * 50
    fails.follows = [(0.5, BROKEN)] * 99
    for each in (floods, well):
        each.places = [0.2] * 50
    played = Played(accounts, quoted=[("EURUSD", 60_000)])

    def flood() -> None:
        assert floods.hear is not None
        for number in range(200):
            floods.hear(ended(f"f-{number % 7}"))

    acts = [(at, flood) for at in range(5, 25)]
    for number, second in enumerate(range(5, 25)):
        acts += [(second, played.send(f"{each.account}-{number}", each.account)) for each in accounts]
        acts.append((second, lambda number=number: played.orders.give(asked(number, "demo-4"))))
    played.play(60, *acts)
    acks = [(at, each.order) for at, each in played.said if isinstance(each, Ack)]
    late = [at - (5 + int(name.rsplit("-", 1)[1])) for at, name in acks if name.startswith("demo-4")]
    assert len(late) == 20
    assert max(late) < 0.201
    assert len([each for each in played.of(Statement) if each.account == "demo-4" and not each.fault]) == 20
    assert {state for _, state in played.states("demo-4")} == {"DISCONNECTED", "AUTHENTICATING", "CONNECTED"}
    assert len([each for each in played.of(Settlement) if each.order.startswith("X:demo-2:f-")]) == 7


# --- payouts ----------------------------------------------------------------------------------------------------------


def ratios(played: Played, product: str = "EURUSD") -> list[tuple[float, float]]:
    return [
        (at, float(each.ratio[0])) for at, each in played.said if isinstance(each, Payouts) and each.product == product
    ]


def test_payouts_are_told_when_they_change_and_asked_in_turn() -> None:
    accounts = [Scripted("demo-1"), Scripted("demo-2")]
    played = Played(accounts, quoted=[("EURUSD", 60_000), ("BTCUSD", 60_000)])
    played.play(101)
    assert [ratio for _, ratio in ratios(played)] == [0.9]
    assert [ratio for _, ratio in ratios(played, "BTCUSD")] == [0.9]
    asked_of = [len(each.times("payout EURUSD")) + len(each.times("payout BTCUSD")) for each in accounts]
    assert abs(asked_of[0] - asked_of[1]) <= 1


def test_payouts_are_asked_for_as_soon_as_an_account_is_connected() -> None:
    connector = Scripted()
    connector.opens = [2.0]
    played = Played([connector], quoted=[("EURUSD", 60_000), ("BTCUSD", 60_000)])
    played.play(9)
    assert [at for at, _ in ratios(played)] == [2.0]
    assert [at for at, _ in ratios(played, "BTCUSD")] == [2.25]


def test_a_payout_that_is_not_heard_of_any_more_is_not_known_and_comes_back() -> None:
    connector = Scripted()
    played = Played([connector], quoted=[("EURUSD", 60_000)])

    async def pays(_product: str, _tf: int) -> float | None:
        if 20 < asyncio.get_running_loop().time() < 100:
            raise CallFailed("network", "no answer in time")
        return 0.85

    connector.pays = pays
    played.play(200)
    heard = ratios(played)
    assert [ratio for _, ratio in heard if not isnan(ratio)] == [0.85, 0.85]
    assert isnan(heard[1][1])
    assert 40 <= heard[1][0] <= 60


@pytest.mark.parametrize("paid", [0.0, -0.5, float("inf"), float("nan"), 1e9])
def test_a_payout_that_cannot_be_is_told_and_never_given(paid: float) -> None:
    connector = Scripted()
    played = Played([connector], quoted=[("EURUSD", 60_000)])

    async def pays(_product: str, _tf: int) -> float | None:
        return paid

    connector.pays = pays
    played.play(100)
    assert all(isnan(ratio) for _, ratio in ratios(played))
    assert any("cannot be" in what for _, what in played.troubles())


def test_of_several_timeframes_the_least_is_told_and_what_is_not_offered_is_not_known() -> None:
    connector = Scripted()
    pays_by = {("EURUSD", 60_000): 0.8, ("EURUSD", 300_000): 0.9, ("BTCUSD", 60_000): None}
    played = Played([connector], quoted=list(pays_by))

    async def pays(product: str, tf: int) -> float | None:
        return pays_by[product, tf]

    connector.pays = pays
    played.play(50)
    assert [ratio for _, ratio in ratios(played)] == [0.8]
    assert [isnan(ratio) for _, ratio in ratios(played, "BTCUSD")] == [True]


# --- a replay ---------------------------------------------------------------------------------------------------------


def test_a_replay_opens_no_connection_and_says_what_to_do() -> None:
    def never(*_: object) -> Any:
        raise AssertionError("nothing is made in a replay")

    async def main(_: virtual.VirtualLoop) -> None:
        host = border("replay")
        with pytest.raises(InputError, match="a replay has no network"):
            connected(
                host,
                never,
                {},
                Played([]).logins,
                quoted=(),
                payout_every=1000,
                stake=Decimal(1),
                deadline=1.0,
                orders=Tube(),
                past=Tube(),
            )

    virtual.run(main)


def test_every_trouble_names_its_account() -> None:
    first, second = Scripted("demo-1"), Scripted("demo-2")
    first.opens = [BROKEN]
    played = Played([first, second])
    played.play(5)
    assert {each.whose for each in played.of(Trouble)} == {"demo-1"}

"""Whose contracts those are that a venue lists."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.evidence import Listed
from pipeline.execution.reconciling import SLACK, Matched, Spans, fingerprint, matched, may_have
from pipeline.execution.register import Register
from pipeline.orders import UNANSWERED
from pipeline.times import MINUTE, SECOND
from pipeline.values import Order
from tests.support import MONDAY, order

WITHIN = 10 * SECOND
SENT = MONDAY + MINUTE


def sent(name: str = "a", state: str = "UNKNOWN", **changes: Any) -> Order:
    facts = {"order": name, "sent_at": SENT, "wanted_at": SENT, "request": f"r-{name}"}
    return order(state, **(facts | changes))


def listed(contract: str = "C-1", request: str = "", at: int = SENT + 120, **changes: Any) -> Listed:
    known = Listed(contract, request, "EURUSD", MINUTE, "call", Decimal("1.00"), 0.9, at, at + MINUTE)
    return replace(known, **changes)


def found(*contracts: Listed, orders: tuple[Order, ...], echoes: bool = False, spans: Spans | None = None) -> Matched:
    register = Register()
    for each in orders:
        register.keep(each)
    return matched(contracts, register, spans or Spans(WITHIN), echoes=echoes)


def test_a_contract_whose_name_we_were_told_is_of_that_order_whatever_else_it_says() -> None:
    known = sent(state="CONFIRM", contract="C-1")
    contract = listed(at=SENT + MINUTE, stake=Decimal(7))
    assert found(contract, orders=(known, sent("b"))).pairs == ((contract, known),)


def test_where_our_own_id_is_told_nothing_else_is_asked() -> None:
    first, second = sent("a"), sent("b")
    contract = listed(request="r-b", at=SENT + MINUTE)
    assert found(contract, orders=(first, second), echoes=True).pairs == ((contract, second),)
    stranger = listed(request="")
    assert found(stranger, orders=(first,), echoes=True).strangers == (stranger,)
    foreign = listed(request="r-c")
    assert found(foreign, orders=(first,), echoes=True).strangers == (foreign,)


def test_a_venue_that_does_not_echo_is_not_believed_to() -> None:
    contract = listed(request="r-b")
    assert found(contract, orders=(sent("a"),)).pairs[0][1].order == "a"


def test_the_window_is_as_wide_as_an_order_may_be_late_and_the_clocks_apart() -> None:
    since, until = SENT - SLACK, SENT + WITHIN + SLACK
    for at, whose in ((since - 1, 0), (since, 1), (until, 1), (until + 1, 0)):
        assert len(found(listed(at=at), orders=(sent(),)).pairs) == whose


def test_what_is_bought_must_agree_in_everything() -> None:
    others: tuple[dict[str, Any], ...] = (
        {"product": "GBPUSD"},
        {"tf": 5 * MINUTE},
        {"direction": "put"},
        {"stake": Decimal("1.01")},
    )
    for other in others:
        assert found(listed(**other), orders=(sent(),)).pairs == ()
    assert len(found(listed(stake=Decimal("1.0")), orders=(sent(),)).pairs) == 1


def test_two_contracts_that_fit_one_order_or_two_orders_that_fit_one_contract_are_not_clear() -> None:
    one, other = listed("C-1"), listed("C-2", at=SENT + 500)
    assert [each for each, _ in found(one, other, orders=(sent(),)).unclear] == [one, other]
    assert found(one, orders=(sent("a"), sent("b"))).unclear == ((one, (sent("a"), sent("b"))),)


def test_an_order_that_is_proved_absent_contradicts_its_contract() -> None:
    absent = sent(state="ABORT", cause="absent")
    assert found(listed(), orders=(absent,)).contradicted == ((listed(), absent),)
    refused = sent(state="ABORT", cause="rejected")
    assert found(listed(), orders=(refused,)).strangers == (listed(),)
    named = listed(request="r-a")
    assert found(named, orders=(refused,), echoes=True).contradicted == ((named, refused),)


def test_a_second_contract_of_one_request_contradicts_the_first() -> None:
    has = sent(state="CONFIRM", contract="C-1")
    second = listed("C-2", "r-a")
    assert found(second, orders=(has,), echoes=True).contradicted == ((second, has),)


def test_an_order_of_an_earlier_run_may_have_been_sent_until_this_one_began_or_its_slot_ended() -> None:
    spans = Spans(WITHIN)
    was = sent(sent_at=0)
    spans.resume("a", SENT + 20 * SECOND)
    assert spans.of(was) == (SENT - SLACK, SENT + 20 * SECOND + WITHIN + SLACK)
    spans.resume("a", SENT + 20 * MINUTE)
    assert spans.of(was) == (SENT - SLACK, SENT + MINUTE + WITHIN + SLACK)


def test_an_order_that_was_sent_again_may_have_come_to_life_the_first_time() -> None:
    spans = Spans(WITHIN)
    again = sent(sent_at=SENT + 15 * SECOND)
    assert spans.of(again)[0] == SENT + 15 * SECOND - SLACK
    spans.repeat("a")
    assert spans.of(again)[0] == SENT - SLACK


def some_order(name: int, state: str, contract: str, product: str, at: int) -> Order:
    changes = {"contract": contract, "product": product, "sent_at": SENT + at, "request": f"r{name}"}
    return sent(f"o{name}", state, **changes)


def some_contract(contract: int, request: str, product: str, at: int) -> Listed:
    return listed(f"C-{contract}", request, SENT + at, product=product)


PRODUCTS = st.sampled_from(["EURUSD", "GBPUSD"])
STATES = st.sampled_from(["SEND", "SEND_RETRY", "UNKNOWN", "CONFIRM", "SETTLED", "ABORT"])
NAMES = st.sampled_from(["", "", "C-1", "C-9"])
SOON = st.integers(0, 30_000)
ORDERS = st.lists(
    st.builds(some_order, st.integers(0, 5), STATES, NAMES, PRODUCTS, SOON),
    max_size=6,
    unique_by=lambda each: each.order,
)
CONTRACTS = st.lists(
    st.builds(some_contract, st.integers(1, 6), st.sampled_from(["", "r1", "r2", "r7"]), PRODUCTS, SOON),
    max_size=6,
    unique_by=lambda each: each.contract,
)


@settings(max_examples=150, deadline=None)
@given(orders=ORDERS, contracts=CONTRACTS, echoes=st.booleans())
def test_every_contract_has_one_answer_and_no_order_two_contracts_by_guessing(
    orders: list[Order], contracts: list[Listed], *, echoes: bool
) -> None:
    spans = Spans(WITHIN)
    result = found(*contracts, orders=tuple(orders), echoes=echoes, spans=spans)
    answers = [each for each, _ in (*result.pairs, *result.contradicted, *result.unclear)] + [*result.strangers]
    assert sorted(each.contract for each in answers) == sorted(each.contract for each in contracts)
    guessed = [(each, whose) for each, whose in result.pairs if whose.contract != each.contract]
    if not echoes:
        assert len({whose.order for _, whose in guessed}) == len(guessed)
    for each, whose in guessed:
        assert may_have(whose)
        if not echoes:
            since, until = spans.of(whose)
            assert fingerprint(each) == fingerprint(whose)
            assert since <= each.accepted_at <= until
    told = {whose.order for each, whose in result.pairs if whose.contract == each.contract}
    asked = [each for each in orders if each.state in UNANSWERED and not each.contract and each.order not in told]
    for stranger in () if echoes else result.strangers:
        for each in asked:
            since, until = spans.of(each)
            assert fingerprint(each) != fingerprint(stranger) or not since <= stranger.accepted_at <= until


@settings(max_examples=60, deadline=None)
@given(orders=ORDERS, contracts=CONTRACTS)
def test_the_order_in_which_a_venue_lists_changes_nothing(orders: list[Order], contracts: list[Listed]) -> None:
    one = found(*contracts, orders=tuple(orders))
    other = found(*reversed(contracts), orders=tuple(orders))
    for left, right in zip(one, other, strict=True):
        assert sorted(map(repr, left)) == sorted(map(repr, right))


# --- what is remembered ----------------------------------------------------------------------------------------------


def test_what_ended_is_remembered_for_a_while_and_what_is_open_for_as_long_as_it_is() -> None:
    register = Register()
    register.keep(sent("open"))
    register.keep(sent("done", "CONFIRM", contract="C-2"))
    register.keep(sent("done", "SETTLED", contract="C-2", ended_at=SENT))
    register.forget(SENT)
    assert "done" in register
    register.forget(SENT + 1)
    assert [each.order for each in register] == ["open"]
    assert (register.by_contract("C-2"), register.by_request("r-done")) == (None, None)
    assert [each.order for each in register.alive()] == ["open"]

"""Certificates and audits of whole flows at the practice venue: honest, and with faults that each have a name."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.evidence import Audited, Cash, Request
from pipeline.host import Mode
from pipeline.ledger import Ledger
from pipeline.ledger.proofs import Proofs
from pipeline.plan import LEDGER
from pipeline.times import HOUR, MINUTE, SECOND
from pipeline.values import Certificate, Order, Past
from tests.support import MONDAY, SMALL, plan_of, play

END = MONDAY + HOUR // 2
QUIET = SMALL.replace('"EURUSD", "BTCUSD"', '"EURUSD"')


@dataclass
class Day:
    """What came of a flow."""

    certificates: list[Certificate]
    audits: list[Audited]
    cash: list[Cash]
    orders: list[Order]

    @property
    def last(self) -> Certificate:
        return self.certificates[-1]


def flow(*faults: str) -> str:
    listed = ", ".join(f"{{ {each} }}" for each in faults)
    return QUIET.replace("payout = 0.9\n", f"payout = 0.9\nfaults = [{listed}]\n")


def day(
    text: str,
    *,
    end: int = END,
    records: Ledger | None = None,
    past: Past | None = None,
    begin: int = MONDAY,
    mode: Mode = "replay",
) -> Day:
    """A flow that trades for a while; then somebody asks for a certificate, and it goes on for a minute."""
    asked = Request("reconcile", "", end, "somebody")
    given = play(
        plan_of(text),
        [(end, LEDGER, asked)],
        end + MINUTE,
        begin=begin,
        records=records,
        past=past,
        outside=("source", "venue"),
        mode=mode,
    )
    values = [value for _, value in given]
    return Day(
        [each for each in values if isinstance(each, Certificate)],
        [each for each in values if isinstance(each, Audited)],
        [each for each in values if isinstance(each, Cash)],
        [each for each in values if isinstance(each, Order)],
    )


def named(found: Certificate, *words: str) -> bool:
    return any(all(word in sentence for word in words) for sentence in found.unexplained)


def test_an_honest_venue_adds_up_and_every_settlement_is_explained() -> None:
    found = day(QUIET)
    assert found.last.sound, found.last.unexplained
    assert found.last.intents == found.last.contracts > 2
    assert found.last.profit != 0
    ended = {each.order for each in found.orders if each.state == "SETTLED" and each.at < END}
    assert {each.verdict for each in found.audits} == {"explained"}
    assert ended <= {each.order for each in found.audits}


def test_a_contract_placed_by_hand_is_named_as_somebody_elses() -> None:
    by_hand = 'what = "external", after = "10m", account = "demo-1", product = "EURUSD", timeframe = "1m", '
    found = day(flow(f'{by_hand}direction = "put", stake = "2.00"'))
    assert named(found.last, "was placed by somebody else: 2.00 put EURUSD")
    assert len(found.last.unexplained) == 1  # it is adopted, so the money adds up
    assert found.last.contracts == found.last.intents + 1


def test_a_deposit_the_venue_tells_is_a_cause_and_one_it_does_not_tell_is_named() -> None:
    told = day(flow('what = "deposit", after = "10m", account = "demo-1", amount = "50.00"'))
    assert told.last.sound, told.last.unexplained
    assert told.last.cash == Decimal("50.00")
    assert [(each.account, each.amount) for each in told.cash] == [("demo-1", Decimal("50.00"))]
    hidden = day(flow('what = "deposit", after = "10m", account = "demo-1", amount = "50.00", told = false'))
    assert named(hidden.last, "50.00 more than is accounted for")
    gone = day(flow('what = "withdrawal", after = "10m", account = "demo-1", amount = "7.50", told = false'))
    assert named(gone.last, "7.50 less than is accounted for")


def test_money_that_goes_untold_is_named_within_two_passes_and_told_once() -> None:
    went = 'what = "withdrawal", after = "40m", account = "demo-1", amount = "7.50", told = false'
    begin = MONDAY - 2 * HOUR
    found = day(flow(went), begin=begin, end=begin + HOUR, mode="paper")
    first, second, asked = found.certificates
    assert first.sound, first.unexplained
    assert 0 <= second.as_of - (begin + 40 * MINUTE) <= 2 * MINUTE
    (sentence,) = second.unexplained
    assert sentence.startswith(f"the account holds {second.closing}, 7.50 less than is accounted for")
    assert asked.unexplained[0].startswith(f"the account holds {asked.closing}, 7.50 less than is accounted for")
    assert (second.since, asked.since) == (first.since, second.as_of)


@pytest.mark.parametrize(
    "manner",
    [
        "evidence = { echoes = false, once = false, lists = true, late_ms = 5000 }",
        "latency_ms = 3000\nsettle_delay_ms = 45000",
        "faults = [" + ", ".join(f'{{ what = "lost_settlement", order = {n} }}' for n in range(1, 20)) + "]",
    ],
)
def test_money_that_is_only_late_calls_for_no_certificate(manner: str) -> None:
    found = day(QUIET.replace("payout = 0.9\n", f"payout = 0.9\n{manner}\n"), end=MONDAY + HOUR, mode="paper")
    assert [each.sound for each in found.certificates] == [True, True]
    assert found.last.as_of >= MONDAY + HOUR


def test_a_lost_settlement_is_found_by_asking_and_adds_up() -> None:
    found = day(flow('what = "lost_settlement", order = 2', 'what = "lost_ack", order = 3'))
    assert found.last.sound, found.last.unexplained
    assert {each.state for each in found.orders} >= {"CONFIRM_RETRY", "UNKNOWN"}


def test_a_venue_that_changes_its_mind_is_named() -> None:
    found = day(flow('what = "changed_settlement", order = 1, late = "30s"'))
    first = found.orders[0].order
    assert named(found.last, f"order {first} is win +0.90 here and lose -1.00 at the venue")
    assert named(found.last, f"order {first} was ended: win 0.90 and is ended: lose -1.00 now")
    assert named(found.last, "1.90 less than is accounted for")


def test_an_exit_that_is_shifted_is_unexplained_with_the_ticks_there_were() -> None:
    found = day(flow('what = "wrong_settlement", order = 1'))
    (odd,) = [each for each in found.audits if each.verdict == "unexplained"]
    assert odd.reason.startswith("exit ")
    assert "is in none of our ticks between" in odd.reason
    assert odd.order == next(each.order for each in found.orders if each.state == "SEND")


@pytest.mark.parametrize("weak", ["echoes = false, once = false, lists = true, late_ms = 2000"])
def test_a_venue_that_can_prove_less_is_certified_all_the_same(weak: str) -> None:
    found = day(QUIET.replace("payout = 0.9\n", f"payout = 0.9\nevidence = {{ {weak} }}\n"))
    assert found.last.sound, found.last.unexplained


def test_where_nothing_is_listed_nothing_is_certified() -> None:
    found = day(QUIET.replace("payout = 0.9\n", "payout = 0.9\nevidence = { lists = false }\n"))
    assert found.certificates == []
    assert found.audits


def test_certificates_go_on_over_a_restart_in_the_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        first = day(QUIET, records=ledger, past=ledger.past(MONDAY)).last
    with Ledger(path) as ledger:
        again = END + 2 * MINUTE
        later = day(QUIET, records=ledger, past=ledger.past(again), begin=again, end=again + HOUR // 4)
    assert [each.unexplained for each in later.certificates] == [()] * len(later.certificates)
    assert later.certificates[0].opening == first.closing
    assert all(each.intents == each.contracts for each in later.certificates)
    assert all(each.intents for each in later.certificates if each.profit or each.stakes)
    with Proofs(path) as proofs:
        assert proofs.certificates() == {"demo-1": later.last}
        assert {each.verdict for each in proofs.audits().values()} <= {"explained", "unseen"}


def test_a_contract_that_ran_over_a_restart_is_explained_and_accounted_for(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    taken = next(each.at for each in day(QUIET).orders if each.state == "CONFIRM" and each.tf == 5 * MINUTE)
    cut, again = taken + 10 * SECOND, taken + 15 * SECOND
    with Ledger(path) as ledger:
        day(QUIET, records=ledger, past=ledger.past(MONDAY), end=cut - MINUTE)
    with Ledger(path) as ledger:
        past = ledger.past(again)
        found = day(QUIET, records=ledger, past=past, begin=again, end=again + HOUR // 4)
    (open_,) = [each.order for each in past.orders if each.state == "CONFIRM"]
    assert [each.verdict for each in found.audits if each.order == open_] == ["explained"]
    assert [each.unexplained for each in found.certificates] == [()] * 2

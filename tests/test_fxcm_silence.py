"""Silence of prices: what it means follows from how long it was, in an open market, and from nothing else."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.fxcm.silence import Silence

STEP = st.tuples(st.sampled_from(["tick", "look", "closed"]), st.integers(0, 50))


def test_it_is_told_then_something_is_done_then_the_session_is_given_up() -> None:
    silence = Silence(30, 60)
    silence.heard(0)
    found = [silence.judge(now, expected=True) for now in (29, 30, 59, 60, 89, 90, 119, 120)]
    assert found == ["nothing", "silent", "silent", "again", "nothing", "silent", "silent", "lost"]


def test_a_price_or_a_closed_market_begins_it_anew() -> None:
    silence = Silence(30, 60)
    silence.heard(0)
    assert silence.judge(60, expected=True) == "again"
    silence.heard(70)
    assert silence.judge(130, expected=True) == "again"
    assert silence.judge(500, expected=False) == "nothing"
    assert silence.judge(559, expected=True) == "silent"
    assert silence.judge(560, expected=True) == "again"


def test_who_subscribes_anew_waits_as_long_again_but_not_for_ever() -> None:
    silence = Silence(30, 60)
    silence.heard(0)
    assert silence.judge(60, expected=True) == "again"
    silence.anew(75)
    assert silence.judge(134, expected=True) == "silent"
    assert silence.judge(135, expected=True) == "lost"


@settings(max_examples=100, deadline=None)
@given(st.lists(STEP, max_size=40))
def test_nothing_is_done_as_long_as_prices_come_and_who_looks_when_it_is_due_never_looks_in_vain(
    steps: list[tuple[str, int]],
) -> None:
    silence = Silence(30, 60)
    now = quiet = 0
    silence.heard(0)
    for what, later in steps:
        now += later
        quiet += later
        if what == "tick":
            silence.heard(now)
            quiet = 0
            continue
        verdict = silence.judge(now, expected=what == "look")
        quiet = 0 if what == "closed" else quiet
        assert verdict == "nothing" or quiet >= 30
        assert verdict not in ("again", "lost") or quiet >= 60
        assert silence.due(now) > now

"""What several votes together say."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.ensembles.weighted import Weighted
from pipeline.values import Columns, Signals, Votes
from tests.driven import columns_of, driven

NAN = float("nan")


def votes(provider: str, columns: Columns, *scores: float, fault: str = "") -> Votes:
    return Votes(provider, columns, np.array(scores, np.float64), fault)


def signals(scores: Mapping[str, float], **keys: Any) -> Signals:
    """What a weighted ensemble says of one bar."""
    columns = columns_of(close=[1.25])
    part = Weighted(providers=tuple(scores), **keys)
    (given,) = driven(part, [(0, votes(name, columns, score)) for name, score in scores.items()], 1)
    made: Signals = given[1]
    return made


# --- direction -------------------------------------------------------------------------------------------------------


@given(score=st.floats(0.001, 1))
def test_a_put_stays_a_put_and_a_call_a_call(score: float) -> None:
    call, put = signals({"a": score}), signals({"a": -score})
    assert (call.direction[0], put.direction[0]) == (1, -1)
    assert put.score[0] == -call.score[0]


@given(scores=st.lists(st.floats(-1, 1) | st.just(NAN), min_size=1, max_size=6))
def test_the_direction_is_that_of_the_sum(scores: list[float]) -> None:
    made = signals({f"p{number}": score for number, score in enumerate(scores)})
    total = 0.0
    for score in scores:
        total += 0.0 if np.isnan(score) else score
    assert made.direction[0] == np.sign(np.tanh(total))
    assert made.confidence[0] == abs(made.score[0]) <= 1


# --- adding up -------------------------------------------------------------------------------------------------------


def test_a_provider_with_nothing_to_say_adds_nothing() -> None:
    assert signals({"a": 0.4, "b": NAN, "c": NAN}).score[0] == signals({"a": 0.4}).score[0]


def test_with_no_votes_at_all_there_is_no_direction() -> None:
    made = signals({"a": NAN, "b": NAN})
    assert (made.direction[0], made.score[0], made.confidence[0]) == (0, 0.0, 0.0)


def test_votes_that_cancel_leave_no_direction() -> None:
    assert signals({"a": 0.4, "b": -0.4}).direction[0] == 0


def test_each_vote_counts_by_its_weight_and_one_that_is_not_named_by_one() -> None:
    made = signals({"a": 0.2, "b": -0.1, "c": 0.3}, weights={"a": 2.0, "b": 0.5})
    assert made.score[0] == pytest.approx(np.tanh(2.0 * 0.2 - 0.5 * 0.1 + 0.3))


def test_a_weight_of_0_silences() -> None:
    assert signals({"a": 0.2, "b": -1.0}, weights={"b": 0.0}).score[0] == pytest.approx(np.tanh(0.2))


def test_gain_sets_how_soon_the_sum_is_strong() -> None:
    assert signals({"a": 0.2}, gain=3.0).score[0] == pytest.approx(np.tanh(0.6))


def test_within_the_dead_zone_there_is_no_direction_but_the_score_is_told() -> None:
    inside, outside = signals({"a": -0.2}, dead_zone=0.2), signals({"a": -0.21}, dead_zone=0.2)
    assert (inside.direction[0], outside.direction[0]) == (0, -1)
    assert inside.score[0] == pytest.approx(np.tanh(-0.2))


def test_weights_of_a_provider_it_has_not_are_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="weights names 'z', which is not one of its providers: a, b"):
        Weighted(providers=("a", "b"), weights={"z": 1.0})


# --- meeting ---------------------------------------------------------------------------------------------------------


def test_votes_meet_because_they_are_about_one_bar_in_whatever_order_they_come() -> None:
    first, second = columns_of(close=[1.0]), columns_of(close=[2.0])
    entries = [
        (0, votes("a", first, 0.1)),
        (1, votes("a", second, 0.3)),
        (2, votes("b", second, 0.4)),
        (3, votes("b", first, 0.2)),
    ]
    made = driven(Weighted(providers=("a", "b")), entries, 9)
    assert [(at, signals.close.tolist()) for at, signals in made] == [(2, [2.0]), (3, [1.0])]
    assert [signals.score[0] for _, signals in made] == pytest.approx([np.tanh(0.7), np.tanh(0.3)])


def test_it_waits_until_every_provider_has_spoken() -> None:
    columns = columns_of(close=[1.0])
    part = Weighted(providers=("a", "b", "c"))
    assert driven(part, [(0, votes("a", columns, 0.1)), (0, votes("b", columns, 0.1))], 9) == []


def test_the_order_in_which_providers_speak_changes_no_bit() -> None:
    columns, scores = columns_of(close=[1.0]), {"a": 0.1, "b": 0.2, "c": -0.7, "d": 0.3}
    made = [
        driven(Weighted(providers=tuple(scores)), [(0, votes(name, columns, scores[name])) for name in order], 1)[0][1]
        for order in ("abcd", "dcba", "badc")
    ]
    assert len({each.score.tobytes() for each in made}) == 1


def test_a_faulty_provider_is_named_with_what_it_said() -> None:
    columns = columns_of(close=[1.0])
    entries = [
        (0, votes("b", columns, NAN, fault="ValueError: no")),
        (0, votes("a", columns, NAN, fault="KeyError: 'x'")),
        (0, votes("c", columns, 0.5)),
    ]
    ((_, made),) = driven(Weighted(providers=("a", "b", "c")), entries, 1)
    assert made.fault == "a: KeyError: 'x'; b: ValueError: no"
    assert made.votes["c"].tolist() == [0.5]


def test_only_new_rows_are_spoken_of() -> None:
    whole = columns_of(close=[1.0, 2.0, 3.0])
    columns = Columns(
        product=whole.product,
        tf=whole.tf,
        open_ts=whole.open_ts,
        final_at=whole.final_at,
        ready=np.array([False, True, False]),
        values=whole.values,
        fresh=2,
    )
    ((_, made),) = driven(Weighted(providers=("a",)), [(0, votes("a", columns, 0.5, -0.5))], 1)
    assert (made.close.tolist(), made.direction.tolist(), made.ready.tolist()) == ([2.0, 3.0], [1, -1], [True, False])
    assert made.open_ts.tolist() == columns.open_ts[1:].tolist()

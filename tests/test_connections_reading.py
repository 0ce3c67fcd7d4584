"""What others send is read with suspicion: whatever comes, it is read or it is one failure that says where."""

import json
import math
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.connections.frames import Frames
from pipeline.connections.reading import Answer, decoded, encoded
from pipeline.connections.troubles import CallFailed


def read(text: str) -> Answer:
    return Answer(decoded(text, "answer to quote"), "answer to quote")


def refusal(read_it: Callable[[], object]) -> str:
    with pytest.raises(CallFailed) as failed:
        read_it()
    assert failed.value.kind == "format"
    assert failed.value.__context__ is None
    return str(failed.value)


def tried(read_it: Callable[[], object]) -> Any:
    """What it gives, or how it fails."""
    try:
        return read_it()
    except CallFailed as failure:
        return failure


SOUND = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8) | st.decimals(-1000, 1000, places=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.decimals(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=4), SOUND, max_size=4))
def test_what_is_written_is_read_back_digit_by_digit(table: dict[str, Any]) -> None:
    back = decoded(encoded(table), "it")
    assert back == table
    assert str(back) == str(table)


@settings(max_examples=200)
@given(st.text() | st.text('[]{}":,0123456789.eE+-nulltrfasNI\\du ', max_size=60) | st.binary(max_size=40))
def test_whatever_comes_is_read_or_refused(raw: str | bytes) -> None:
    value = tried(lambda: decoded(raw, "it"))
    if isinstance(value, CallFailed):
        assert value.kind == "format"
    else:
        assert value == json.loads(raw, parse_float=Decimal)
        json.dumps(value, default=str, ensure_ascii=False).encode()


READERS = (
    "text",
    "name",
    "number",
    "whole",
    "real",
    "flag",
    "table",
    "rows",
    "texts",
    "wholes",
    "numbers",
    "reals",
    "has",
)


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from("abc"), ANYTHING, max_size=3) | st.lists(ANYTHING, max_size=3))
def test_every_field_is_what_it_is_asked_to_be_or_a_failure_that_names_it(raw: Any) -> None:
    answer = Answer(raw, "answer to quote")
    for reader in READERS:
        for key in ("a", "z", 0, -1, 7):
            value = tried(partial(getattr(answer, reader), key))
            if isinstance(value, CallFailed):
                assert value.kind == "format"
                assert str(value).startswith(f"answer to quote: {key}")
                assert len(str(value)) < 160
            else:
                assert fits(reader, value)


def fits(reader: str, value: Any) -> bool:
    match reader:
        case "text" | "name":
            return isinstance(value, str)
        case "number":
            return isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) <= 400
        case "whole":
            return isinstance(value, int) and -(2**63) <= value < 2**63
        case "real":
            return isinstance(value, float) and math.isfinite(value)
        case "flag" | "has":
            return isinstance(value, bool)
        case "table":
            return isinstance(value, Answer)
        case _:
            return isinstance(value, list)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not JSON"),
        ("{'a': 1}", "is not JSON"),
        ('{"a": NaN}', "has NaN, which is not a number"),
        ('{"a": -Infinity}', "has -Infinity, which is not a number"),
        ('{"a": 1e999}', "has a number beyond all reason"),
        ('{"a": 1e-99999999999999999999}', "has a number beyond all reason"),
        ('{"a": 0e999999999}', "has a number beyond all reason"),
        (f'{{"a": {"1" * 400}}}', "has a number beyond all reason"),
        (f'{{"a": 0.{"1" * 400}}}', "has a number beyond all reason"),
        ('{"a": {"b": 1, "b": 1}}', "has a key twice in one table"),
        ("[" * 33 + "]" * 33, "is nested more than 32 levels deep"),
        ("[" * 200_000, "is nested more than 32 levels deep"),
        ('{"a":' * 200_000, "is nested more than 32 levels deep"),
        ('{"a": "\\ud800"}', "is not UTF-8 text"),
    ],
)
def test_what_other_readers_take_is_refused(text: str, why: str) -> None:
    assert refusal(lambda: decoded(text, "it")) == f"it {why}"


def test_brackets_within_texts_are_not_levels() -> None:
    value = ["[" * 50 + '"' + "\\" + "{" * 50] * 20
    assert decoded(json.dumps(value), "it") == value
    assert decoded(json.dumps("😀"), "it") == "😀"
    assert decoded("[" * 32 + "]" * 32, "it")


def test_numbers_are_tolerant_of_texts_and_of_nothing_else() -> None:
    answer = read(
        '{"a": "1.50", "b": 12, "c": 12.0, "d": "12", "e": true, "f": "1_0", "g": "١", "h": 12.5, "i": "nan"}'
    )
    assert str(answer.number("a")) == "1.50"
    assert [answer.whole(key) for key in "bcd"] == [12, 12, 12]
    assert answer.real("a") == 1.5
    for key in "efgi":
        assert "is not a number" in refusal(lambda key=key: answer.number(key))
    assert "h is not a whole number (it looks like '99.9')" in refusal(lambda: answer.whole("h"))


def test_numbers_beyond_all_reason_are_refused_wherever_they_come_from() -> None:
    for value in (10**400, "1e400", "9" * 100, Decimal("1e90"), Decimal("NaN"), float("inf")):
        assert "a is not a number" in refusal(lambda value=value: Answer({"a": value}, "it").number("a"))


def test_what_is_missing_or_null_is_its_default_and_what_is_wrong_is_not() -> None:
    answer = read('{"a": null, "b": "x"}')
    assert answer.number("a", Decimal(0)) == 0
    assert answer.text("z", None) is None
    assert answer.rows("z", ()) == ()
    assert not answer.has("a")
    assert refusal(lambda: answer.number("a")) == "answer to quote: a is missing"
    assert "b is not a number" in refusal(lambda: answer.number("b", Decimal(0)))


def test_a_failure_says_where_deep_within_and_shows_no_value() -> None:
    answer = read('{"rows": [{"price": 1}, {"price": "Bearer hunter2"}]}')
    assert [row.names() for row in answer.rows("rows")] == [("price",), ("price",)]
    said = refusal(lambda: answer.rows("rows")[1].number("price"))
    assert said == "answer to quote: rows.1.price is not a number (it looks like 'aaaaaa aaaaaa9')"


def test_an_id_may_be_a_number_and_may_not_be_empty() -> None:
    answer = read('{"a": 123456789012, "b": "", "c": "x-1", "d": "a\\u001b[31m"}')
    assert (answer.name("a"), answer.name("c")) == ("123456789012", "x-1")
    assert "b is empty" in refusal(lambda: answer.name("b"))
    assert "d is not a text that can be shown" in refusal(lambda: answer.name("d"))


def test_flags_and_columns_are_read_as_what_they_are() -> None:
    answer = read('{"on": 1, "off": "false", "odd": 2, "prices": ["1.5", 2], "times": [1, "2"], "names": ["a", "b"]}')
    assert (answer.flag("on"), answer.flag("off")) == (True, False)
    assert "odd is neither true nor false" in refusal(lambda: answer.flag("odd"))
    assert (answer.reals("prices"), answer.wholes("times"), answer.texts("names")) == ([1.5, 2.0], [1, 2], ["a", "b"])
    assert answer.numbers("prices") == [Decimal("1.5"), Decimal(2)]


def test_a_field_that_can_be_read_but_cannot_be_is_told_the_same_way() -> None:
    failure = read('{"expiry": 12}').wrong("expiry", "is before it began")
    assert str(failure) == "answer to quote: expiry is before it began (it looks like '99')"


def test_bad_pieces_are_forgotten_after_a_minute() -> None:
    time = [0.0]
    frames = Frames("a frame", lambda: time[0], bad_a_minute=2)
    for at in (0.0, 30.0, 61.0, 91.0, 122.0):
        time[0] = at
        assert frames.read("nonsense") is None
    assert frames.bad == 5
    assert "more than 2 bad pieces" in refusal_of_too_many(frames)


def refusal_of_too_many(frames: Frames) -> str:
    with pytest.raises(CallFailed) as failed:
        frames.read("nonsense")
    return str(failed.value)

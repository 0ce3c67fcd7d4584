import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from tui.filtering import Texts, filter_of, number_in

FIELDS = ("account", "product", "tf", "price", "decided", "P/L", "state", "age", "open")
ROW = {
    "account": "live-7",
    "product": "EURUSD",
    "tf": "5m",
    "price": "1.07180",
    "decided": "▼ cool_down",
    "P/L": "−1 204.10",
    "state": "! STALE",
    "age": "3m",
    "open": "─",
}

words = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
pieces = st.one_of(
    st.sampled_from(
        ("eur", "live", "!eur", "a|b", "state:stale", "pl<0", "age>2", "/e.r/", '"two words"', "tf:1m|tf:5m")
    ),
    st.text(st.characters(whitelist_categories=("L", "N")), min_size=1, max_size=6),
)
rows = st.fixed_dictionaries({field: st.text(max_size=8) for field in FIELDS})


def shows(text: str, row: Texts = ROW) -> bool:
    return filter_of(text, FIELDS).shows(row)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "eur",
        "EUR live",
        "eur !demo",
        "gbp|eur",
        "acc:live tf:5m",
        "state:stale",
        "state=stale",
        "state=STALE",
        "dec=cool_down",
        "decided=cool_down|state=run",
        "pl<0",
        "pl<=-1204.1",
        "age>2m age<240",
        "age>=3m",
        "price>1.07 price<=1.0718",
        "/^eur/",
        "/e.r|gbp/",
        "!/gbp/",
        '"! stale"',
        'state:"! stale"',
        "!open>0",
        "acc:",
        "!state:run",
    ],
)
def test_a_filter_shows_what_it_says(text: str) -> None:
    assert shows(text)


@pytest.mark.parametrize(
    "text",
    [
        "gbp",
        "eur demo",
        "!eur",
        "gbp|jpy",
        "acc:demo",
        "state=stal",
        "pl>0",
        "age>3m",
        "open>0",
        "/^usd/",
        '"stale eur"',
        "|",
    ],
)
def test_and_hides_what_it_does_not(text: str) -> None:
    assert not shows(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("age>soon", "age>soon: 'soon' is no number"),
        ("age>", "age>: '' is no number"),
        ("heat>3", "there is no column 'heat' here; there are account, product"),
        ('"eur', "the quotation mark in '\"eur' has no end"),
        ("/(/", "/(/ is no regular expression"),
        ("/eur", "the regular expression /eur has no end; add a /"),
        ("/a{99999999999999999999}/", "is no regular expression"),
    ],
)
def test_what_is_written_wrong_is_said_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(InputError) as wrong:
        filter_of(text, FIELDS)
    assert said in str(wrong.value)


@given(words, rows)
def test_nothing_that_is_typed_raises_anything_but_an_input_error(text: str, row: Texts) -> None:
    try:
        typed = filter_of(text, FIELDS)
    except InputError:
        return
    assert typed.shows(row) in (True, False)


@given(pieces.filter(lambda piece: not piece.startswith("!")), rows)
def test_an_exclamation_mark_is_the_complement(piece: str, row: Texts) -> None:
    assert shows(f"!{piece}", row) is not shows(piece, row)


@given(st.lists(pieces, max_size=5).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))), rows)
def test_the_order_of_words_does_not_matter_and_all_of_them_count(
    orders: tuple[list[str], list[str]], row: Texts
) -> None:
    some, turned = orders
    assert shows(" ".join(some), row) is shows(" ".join(turned), row) is all(shows(piece, row) for piece in some)


def test_it_knows_which_columns_it_names() -> None:
    assert filter_of("eur acc:live !age>2 state:run|tf:1m 12:30", FIELDS).fields == {"account", "age", "state", "tf"}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3m", 180),
        ("0.4s", 0.4),
        ("2h", 7200),
        ("4.9k", 4900),
        ("1 204.10", 1204.1),
        ("−0.22", -0.22),
        ("─", None),
        ("+.5", 0.5),
    ],
)
def test_numbers_are_read_with_their_units(text: str, number: float | None) -> None:
    assert number_in(text) == (None if number is None else pytest.approx(number))

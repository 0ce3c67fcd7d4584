import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.words import age_text, count_text, countdown, figures, fit, gain, money, plain, price_text, signed, zone_of


@given(st.text(), st.integers(0, 40), st.booleans())
def test_a_fitted_text_fills_its_cells_exactly(text: str, width: int, right: bool) -> None:
    assert cell_len(fit(plain(text), width, right=right)) == width


@given(st.text())
def test_plain_text_steers_no_terminal(text: str) -> None:
    assert not [c for c in plain(text) if ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u202e\u2066\u200b\u2028\ufeff"]


@pytest.mark.parametrize(
    ("amount", "shown", "sign"),
    [
        ("10052.40", "10 052.40", 1),
        ("-1204567.1", "−1 204 567.1", -1),
        ("+0.87", "+0.87", 1),
        ("+0.00", "+0.00", 0),
        ("-0.00", "−0.00", 0),
        ("n/a", "n/a", 0),
        ("", "", 0),
    ],
)
def test_money_has_gaps_between_thousands_and_a_true_minus(amount: str, shown: str, sign: int) -> None:
    assert (money(amount), gain(amount)) == (shown, sign)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.350049, "0.35"),
        (0.0, "0"),
        (1.034567, "1.035"),
        (-2.1, "-2.1"),
        (999.96, "1 000"),
        (10_000.95, "10 001"),
        (-12_345_678.9, "-12 345 679"),
    ],
)
def test_a_number_has_so_many_figures_and_all_of_its_whole_part(value: float, shown: str) -> None:
    assert figures(value, 4) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-1, "0.0s"),
        (0.44, "0.4s"),
        (9.99, "10.0s"),
        (10, "10s"),
        (119, "119s"),
        (120, "2m"),
        (7_200, "2h"),
        (1e6, "11d"),
    ],
)
def test_ages_are_short(seconds: float, shown: str) -> None:
    assert age_text(seconds) == shown


def test_numbers_that_are_not_there_are_a_dash() -> None:
    assert (price_text(None, 5), signed(None)) == ("─", "─")
    assert (price_text(1.0718, 5), signed(-0.625, 2), count_text(4_900), count_text(12)) == (
        "1.07180",
        "−0.62",
        "4.9k",
        "12",
    )


def test_a_countdown_ends_at_nothing() -> None:
    assert [countdown(ms) for ms in (23_400, 3_723_000, -5)] == ["00:23", "1:02:03", "00:00"]


@pytest.mark.parametrize("name", ["Nowhere/None", "", "../etc", "\0"])
def test_an_unknown_time_zone_is_utc(name: str) -> None:
    assert str(zone_of(name)) == "UTC"

"""What is decided on is what is bought: a flow whose venue calls a product otherwise than its prices is refused."""

from collections.abc import Callable

import pytest

from pipeline.deriv.ends import Naming
from pipeline.errors import PlanError
from pipeline.generic.contracts import Symbols
from tests.support import plan_of
from tests.test_deriv_parts import FLOW
from tests.test_generic_parts import LIVE

SEEN = 'products = ["EURUSD", "GBPUSD"]'
NAMED = 'symbols = { EURUSD = "frxEURUSD", GBPUSD = "frxGBPUSD" }'


def deriv(feed: str, venue: str, products: str = SEEN) -> str:
    text = FLOW.replace('products = ["R_100"]', f"{products}\n{feed}")
    return text.replace('app_id = "app"', f'app_id = "app"\n{venue}')


def problems(text: str) -> str:
    with pytest.raises(PlanError) as wrong:
        plan_of(text)
    return str(wrong.value)


def test_prices_and_orders_of_the_same_symbols_are_sound() -> None:
    assert plan_of(deriv(NAMED, NAMED)).products == ("EURUSD", "GBPUSD")


@pytest.mark.parametrize(
    ("feed", "venue", "told"),
    [
        (NAMED, "", "EURUSD is bought as EURUSD, and its prices are those of frxEURUSD"),
        (NAMED, NAMED.replace("frxGBPUSD", "frxGBPJPY"), "GBPUSD is bought as frxGBPJPY"),
        ("", NAMED, "GBPUSD is bought as frxGBPUSD, and its prices are those of GBPUSD"),
    ],
)
def test_a_product_that_is_another_symbol_at_the_venue_is_refused(feed: str, venue: str, told: str) -> None:
    said = problems(deriv(feed, venue))
    assert told in said
    assert "[venues.deriv]" in said


@pytest.mark.parametrize("table", ["venue", "feed"])
def test_two_products_of_one_symbol_are_refused_also_where_one_has_its_own_name(table: str) -> None:
    same = 'symbols = { EURUSD = "GBPUSD" }'
    said = problems(deriv(same, same))
    part = "[venues.deriv]" if table == "venue" else "[sources.market]"
    assert f"{part}: EURUSD and GBPUSD are both GBPUSD there" in said


def test_prices_of_somebody_else_have_names_of_their_own() -> None:
    source = LIVE.replace("reserve = 30 }]", 'reserve = 30 }]\nsymbols = { EURUSD = "EUR/USD" }')
    assert plan_of(source).products


@pytest.mark.parametrize("here", [Symbols({"EURUSD": "EUR-OTC"}).here, Naming({"EURUSD": "EUR-OTC"}).product])
def test_a_symbol_that_is_called_as_another_product_of_ours_is_not_taken_for_it(here: Callable[[str], str]) -> None:
    assert here("EUR-OTC") == "EURUSD"
    assert here("EURUSD") == "EURUSD there"
    assert here("GBPUSD") == "GBPUSD"

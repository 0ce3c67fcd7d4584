"""Features written where a column is asked for, and providers by their numbers."""

import re
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import parts
from pipeline.anchored import Anchoring
from pipeline.errors import PlanError
from pipeline.inline import Named, Unreadable, Value, Written, owner, spelled, written
from pipeline.parts import Column, provider, registered
from pipeline.times import MINUTE
from pipeline.values import Bars, Columns, Floats
from tests.feature_cases import market
from tests.support import SMALL, plan_of

CROSS = 'use = "ema_cross"\nfast = "fast"\nslow = "slow"'
FAST = 'fast = "fast"'


def named(fast: str, slow: str = '"slow"', features: str = "") -> str:
    """The small flow whose provider names these columns."""
    text = SMALL.replace(CROSS, f'use = "ema_cross"\nfast = {fast}\nslow = {slow}')
    return text.replace(
        "\n[providers.cross]", f"{features}\n\n[providers.cross]" if features else "\n[providers.cross]"
    )


def provider_of(text: str) -> object:
    return plan_of(text).by_id["providers.cross"].instance


def told(text: str) -> list[str]:
    with pytest.raises(PlanError) as refused:
        plan_of(text)
    return [each.text("flow") for each in refused.value.problems]


def sentence(column: str) -> str:
    """What is told of a column as it stands in the provider's table."""
    (said,) = told(named(column))
    place, _, rest = said.partition(": ")
    assert place == "flow:29:8"
    return rest.removeprefix("[providers.cross] fast: ")


# --- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "feature"),
    [
        ("vwap()", Written("vwap", {})),
        ("ema(period=20)", Written("ema", {"period": 20})),
        (" ema ( period = 20 ) ", Written("ema", {"period": 20})),
        ("bollinger(width=2.5).upper", Written("bollinger", {"width": 2.5}, "upper")),
        ("bollinger(width=.5)", Written("bollinger", {"width": Named(".5")})),
        ("x(a=-1, b=+2, c=1e3, d=-0.5E-2)", Written("x", {"a": -1, "b": 2, "c": 1000.0, "d": -0.005})),
        ("x(a=true, b=false, c=truely)", Written("x", {"a": True, "b": False, "c": Named("truely")})),
        ("""x(a='1h', b="it's")""", Written("x", {"a": "1h", "b": "it's"})),
        ("ema(price=macd.line)", Written("ema", {"price": Named("macd.line")})),
        ("sma(price=rsi(period=14), period=5)", Written("sma", {"price": Written("rsi", {"period": 14}), "period": 5})),
        ("ema(price=macd(fast=3).line)", Written("ema", {"price": Written("macd", {"fast": 3}, "line")})),
    ],
)
def test_a_feature_in_place_reads_as_it_looks(text: str, feature: Written) -> None:
    assert written(text) == feature


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("ema(", "ends where a key should stand"),
        ("ema(period", "ends where = should stand"),
        ("ema(period=", "ends where a value should stand"),
        ("ema(period=20", "ends where a comma or ) should stand"),
        ("ema(period=20,)", "has ')' where a key should stand"),
        ("ema(20)", "has ')' where = should stand"),
        ("ema period=20)", "has 'period' where ( should stand"),
        ("(period=20)", "has '(' where a feature's name should stand"),
        ("ema)", "has ')' where ( should stand"),
        ("ema(period=20) upper", "has 'upper' where a dot and an output should stand"),
        ("ema(period=20).", "has '.' where a dot and an output should stand"),
        ("ema(period=20)(period=3)", "has '(' where the end should stand"),
        ("ema(period=20, period=30)", "gives period twice"),
        ("higher(timeframe='1h)", "opens a quote that nothing closes"),
        ("a(b=" * 9 + "1" + ")" * 9, "holds features more than 8 deep"),
        (f"ema(period={'9' * 1000})", "is longer than 1000 characters"),
    ],
)
def test_what_is_no_feature_says_where_it_stops_being_one(text: str, what: str) -> None:
    with pytest.raises(Unreadable, match=f"^{re.escape(what)}; "):
        written(text)


NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name not in ("true", "false"))
TEXTS = st.text(st.characters(exclude_characters="'", exclude_categories=["C"]), max_size=8)
VALUES: st.SearchStrategy[Value] = st.one_of(
    st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False), TEXTS, NAMES.map(Named)
)


@given(part=NAMES, keys=st.dictionaries(NAMES, VALUES, max_size=4))
@settings(max_examples=60)
def test_what_is_spelled_reads_as_the_same(part: str, keys: dict[str, Value]) -> None:
    assert written(spelled(part, keys)) == Written(part, keys)


@given(st.text(st.sampled_from("ema(=,)'\". 1-"), max_size=20))
@settings(max_examples=100)
def test_any_text_is_a_feature_or_unreadable(text: str) -> None:
    try:
        feature = written(text)
    except Unreadable:
        return
    assert (
        written(spelled(feature.part, feature.keys) + ("" if feature.output is None else f".{feature.output}"))
        == feature
    )


@pytest.mark.parametrize(
    ("column", "feature"),
    [
        ("rsi", "rsi"),
        ("macd.line", "macd"),
        ("x(a=2.5)", "x(a=2.5)"),
        ("x(a=2.5, b=macd.line).up", "x(a=2.5, b=macd.line)"),
    ],
)
def test_a_dot_inside_parentheses_names_no_output(column: str, feature: str) -> None:
    assert owner(column) == feature


# --- in a flow -------------------------------------------------------------------------------------------------------


def test_a_feature_in_place_is_a_feature_of_the_flow_under_the_name_the_provider_holds() -> None:
    plan = plan_of(named('"ema( period =9 )"', '"bollinger(width=2.5).middle"'))
    cross = plan.by_id["providers.cross"].instance
    assert (cross.fast, cross.slow) == ("ema(period=9)", "bollinger(period=20, width=2.5).middle")
    columns = plan.anchoring.columns(market(1, 300, tf=MINUTE))
    assert np.isfinite(columns[cross.fast][-1])
    assert np.isfinite(columns[cross.slow][-1])


def test_it_gives_the_bits_and_the_history_of_one_that_is_declared() -> None:
    placed = plan_of(named('"ema(period=50)"')).anchoring
    declared = plan_of(named('"own"', features="own = { use = 'ema', period = 50 }")).anchoring
    assert placed.warmup(MINUTE) == declared.warmup(MINUTE) == 200
    assert placed.context(MINUTE) == declared.context(MINUTE)
    bars = market(2, 700, tf=MINUTE)
    assert np.array_equal(last(placed, bars, "ema(period=50)"), last(declared, bars, "own"), equal_nan=True)


def last(anchoring: Anchoring, bars: Bars, name: str) -> Floats:
    return anchoring.columns(bars)[name]


def test_features_that_are_alike_are_one_however_they_are_written() -> None:
    plan = plan_of(named('"ema(period=20)"', '"ema( price = close )"'))
    cross = plan.by_id["providers.cross"].instance
    assert cross.fast == cross.slow == "ema(period=20)"
    assert list(plan.anchoring.features) == ["fast", "slow", "ema(period=20)"]


def test_one_that_is_declared_already_is_taken() -> None:
    plan = plan_of(named('"sma(period=3)"', '"ema(price=sma(period=8))"'))
    cross = plan.by_id["providers.cross"].instance
    assert (cross.fast, cross.slow) == ("fast", "ema(period=20, price=slow)")
    assert list(plan.anchoring.features) == ["fast", "slow", "ema(period=20, price=slow)"]


@pytest.mark.parametrize(
    "column",
    [
        '"sma(period=5, price=rsi(period=14))"',
        '''"sma(period=5, price='rsi(period=14)')"''',
        """'sma(period=5, price="rsi(period=14)")'""",
    ],
)
def test_a_column_within_may_stand_in_quotes_or_not(column: str) -> None:
    plan = plan_of(named(column))
    assert plan.by_id["providers.cross"].instance.fast == "sma(period=5, price=rsi(period=14))"
    assert list(plan.anchoring.features)[2:] == ["rsi(period=14)", "sma(period=5, price=rsi(period=14))"]


def test_a_longer_timeframe_and_several_outputs_work_in_place() -> None:
    plan = plan_of(named('''"higher(of=ema(period=20), timeframe='15m')"''', '"macd(fast=3, slow=6).signal"'))
    cross = plan.by_id["providers.cross"].instance
    assert cross.fast == "higher(of=ema(period=20), timeframe='15m')"
    columns = plan.anchoring.columns(market(3, 2500, tf=MINUTE))
    assert np.isfinite(columns[cross.fast][-1])
    assert np.isfinite(columns[cross.slow][-1])


def test_a_declared_feature_may_read_one_in_place() -> None:
    plan = plan_of(named('"calm"', features="calm = { use = 'ema', price = 'rsi(period=7)' }"))
    assert plan.anchoring.features["calm"] == registered("feature")["ema"].cls(price="rsi(period=7)")
    assert "rsi(period=7)" in plan.anchoring.names


def test_ensembles_gates_and_stakes_name_columns_in_place_too() -> None:
    text = SMALL.replace(
        'use = "weighted"', 'use = "regime"\nby = "adx( )"\nedges = [20]\nweights = [{}, { cross = 1.0 }]'
    ).replace(
        'stake = { use = "fixed", amount = "1.00" }',
        'stake = { use = "atr_normalised", normal = 0.001, column = "atr(period=9)" }\n'
        'volatility = { column = "natr(period=7)", max = 0.01 }',
    )
    plan = plan_of(text)
    assert plan.by_id["ensembles.main"].instance.by == "adx(period=14)"
    guard = plan.by_id["risk.main"].instance
    assert (guard.stake.column, guard.volatility.column) == ("atr(period=9)", "natr(period=7)")
    assert {"adx(period=14)", "atr(period=9)", "natr(period=7)"} <= set(plan.anchoring.names)
    (said,) = told(text.replace("atr(period=9)", "atr(period=0)"))
    assert "[risk.main] stake column: atr period is 0; write a whole number" in said
    assert said.startswith("flow:43:60: ")


def test_what_is_in_normal_form_stays_as_it_is() -> None:
    first = plan_of(named('"keltner( width=1.5 ,atr=10).upper"')).by_id["providers.cross"].instance.fast
    assert first == "keltner(period=20, atr=10, width=1.5).upper"
    assert plan_of(named(f'"{first}"')).by_id["providers.cross"].instance.fast == first


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ('"emma(period=20)"', "there is no feature 'emma'; did you mean 'ema'?"),
        ('"fast(period=20)"', "there is no feature 'fast'; use one of"),
        ('"ema(perod=20)"', "ema has no key 'perod'; did you mean 'period'?"),
        ('"ema(period=0)"', "ema period is 0; write a whole number ≥ 1, ≤ 1000"),
        ('"ema(period=2.5)"', "ema period is 2.5; write a whole number ≥ 1, ≤ 1000"),
        ('"ema(period=1e999)"', "ema period is inf; write a whole number ≥ 1, ≤ 1000"),
        ('"ema(period=true)"', "ema period is true; write a whole number ≥ 1, ≤ 1000"),
        ('"ema(period=rsi(period=3))"', "ema period is the feature rsi; it names no column: give a value"),
        ('"add(left=close)"', "add needs right; add right = … (column)"),
        ('"macd(fast=9, slow=3).line"', "macd fast is 9, more than slow, which is 3; exchange them"),
        ('"macd()"', "macd gives several columns; write one of .line, .signal, .histogram after it"),
        ('"macd().lin"', "macd has no output 'lin'; did you mean 'line'?"),
        ('"ema().line"', "ema gives one column, without a name such as 'line'; leave .line out"),
        ('"ema(price=clsoe)"', "ema price: there is no column 'clsoe'; did you mean 'close'?"),
        ('"ema(price=5)"', "ema price is 5; write a column"),
        ('"ema(price=emma())"', "ema price: there is no feature 'emma'; did you mean 'ema'?"),
        ('"higher(of=close, timeframe=1h)"', "higher timeframe is 1h; write text in quotes: timeframe='1h'"),
        ('"ema(period=20"', "'ema(period=20' ends where a comma or ) should stand; write it like ema(period=20)"),
    ],
)
def test_a_mistake_in_place_is_one_sentence_at_its_place(column: str, said: str) -> None:
    assert sentence(column).startswith(said)


def test_what_stands_on_a_table_that_is_wrong_is_no_second_mistake() -> None:
    (said,) = told(named('"ema(price=broken)"', features="broken = { use = 'emma' }"))
    assert "[features.broken]" in said


def test_a_ring_through_a_feature_in_place_is_told_at_the_declared_one() -> None:
    (said,) = told(named('"own"', features="own = { use = 'ema', price = 'sma(period=4, price=own)' }"))
    told_of = "[features.own] stands on itself: own → sma(period=4, price=own) → own; break the ring"
    assert said == f"flow:26:30: {told_of}"


def test_no_declared_feature_is_called_like_one_in_place() -> None:
    (said,) = told(named('"slow"', features="'ema(period=3)' = { use = 'ema' }"))
    assert "[features] 'ema(period=3)' has parentheses" in said


def test_longer_bars_that_the_streams_do_not_fill_are_told_at_the_column() -> None:
    (said,) = told(named('''"higher(of=close, timeframe='12m')"'''))
    assert said.startswith("flow:29:8: [features.higher(of=close, timeframe='12m')] bars of 5m do not fill 12m")


# --- numbers ---------------------------------------------------------------------------------------------------------

NUMBERED = 9_000_001


@pytest.fixture
def own_provider() -> Iterator[None]:
    @provider
    class Leaning:
        """Votes as a column leans."""

        column: Column = "ema(period=20)"
        other: Column | None = None
        level: float = 1.0

        family: ClassVar[str] = "trend"
        catalogue: ClassVar[dict[int, dict[str, object]]] = {
            NUMBERED: {},
            NUMBERED + 1: {"column": "sma(period=30)", "level": 2.5},
        }
        lookback = 0

        def __call__(self, columns: Columns) -> Floats:
            return np.sign(columns["close"] - columns[self.column])

    yield
    del Leaning
    forget("leaning")


def forget(name: str) -> None:
    del parts._registry["provider"][name]  # pyright: ignore[reportPrivateUsage]  # only a test takes a part back


@pytest.mark.usefixtures("own_provider")
def test_a_number_is_a_provider_with_its_keys_preset_and_keys_beside_it_come_first() -> None:
    for table, held in (
        ('use = "leaning"', ("ema(period=20)", 1.0)),
        (f"use = {NUMBERED}", ("ema(period=20)", 1.0)),
        (f"use = {NUMBERED + 1}", ("sma(period=30)", 2.5)),
        (f"use = {NUMBERED + 1}\nlevel = 3.0", ("sma(period=30)", 3.0)),
    ):
        plan = plan_of(SMALL.replace(CROSS, table))
        leaning = plan.by_id["providers.cross"].instance
        assert (leaning.column, leaning.level) == held
        assert leaning.column in plan.anchoring.names


@pytest.mark.usefixtures("own_provider")
def test_an_unknown_number_is_told_with_the_nearest() -> None:
    (said,) = told(SMALL.replace(CROSS, f"use = {NUMBERED + 7}"))
    known = sorted(parts.numbered(), key=lambda each: NUMBERED + 7 - each)[:2]
    assert said == (
        f"flow:28:7: [providers.cross] there is no provider {NUMBERED + 7}; "
        f"the nearest are {known[1]} (leaning) and {known[0]} (leaning)"
    )
    assert "there is no provider true" in told(SMALL.replace(CROSS, "use = true"))[0]
    assert "there is no operator 5" in told(SMALL.replace('use = "window"', "use = 5"))[0]


@pytest.mark.usefixtures("own_provider")
def test_a_number_taken_a_preset_of_no_key_and_an_unknown_family_are_refused_where_they_are_declared() -> None:
    class Bare:
        """Votes nothing."""

        lookback = 0

        def __call__(self, columns: Columns) -> Floats: ...

    def declare(**says: object) -> None:
        provider(type("Bare", (), {**vars(Bare), **says}))

    with pytest.raises(
        TypeError, match=f"leaning of tests.test_inline and bare of tests.test_inline both have the number {NUMBERED}"
    ):
        declare(catalogue={NUMBERED: {}})
    with pytest.raises(TypeError, match="provider bare has no key 'level', which its number 9000009 presets"):
        declare(catalogue={9_000_009: {"level": 1.0}})
    with pytest.raises(TypeError, match="provider bare is of the family 'luck'"):
        declare(family="luck")
    assert "bare" not in registered("provider")

import asyncio
import dataclasses
import tomllib
from pathlib import Path

import pytest
from msgspec.structs import replace

from pipeline.catalogue import KINDS
from pipeline.checking import load_text
from pipeline.control.controls import Controls
from pipeline.control.parts import Catalogue, PartsAsked
from pipeline.errors import PlanError
from pipeline.parts import TABLES
from pipeline.told.parts import KeyTold, Parts
from tests.screens import Bench, golden, in_front, on_bench, run
from tests.support import ROOT, SMALL, plan_of
from tui.going import PartName
from tui.strategies.page import StrategiesPage
from tui.strategies.snippet import example, free_name, snippet


def told() -> Parts:
    """What an engine with a small flow answers."""
    return asyncio.run(Catalogue(plan_of).parts(PartsAsked(), None))


def catalogued(controls: Controls) -> Controls:
    return dataclasses.replace(controls, catalogue=Catalogue(plan_of))


def page_of(bench: Bench) -> StrategiesPage:
    return bench.app.query_one(StrategiesPage)


@pytest.mark.parametrize(("width", "height"), [(120, 36), (80, 24)])
def test_the_catalogue_looks_as_approved(tmp_path: Path, width: int, height: int) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, (width, height), page="strategies", more=catalogued) as bench:
            await bench.shows("ema_trend")
            await bench.press("j", "j")
            await bench.shows("vwap_reclaim · providers")
            await bench.press("k")
            await bench.shows("ema_cross · providers", "Votes on the bar where")
            golden(f"strategies_{width}x{height}", bench.app)

    run(main())


def test_kinds_filter_copy_and_the_way_into_the_editor(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, page="strategies", more=catalogued) as bench:
            page, copied = page_of(bench), list[str]()
            await bench.shows("Catalogue 205", "ema_trend")
            bench.app.copy_to_clipboard = lambda text: copied.append(text)  # noqa: PLW0108  # it is called by name
            await bench.press("t")
            await bench.shows("strategies", "Catalogue 57")
            await bench.press("t")
            await bench.shows("Catalogue 6 · ensemble", "weighted")
            await bench.press("T", "T", "slash", *"used>0 kind:str", "enter")
            await bench.shows("Catalogue 1/205", "ema_cross")
            await bench.press("escape")
            page.open(PartName("feature", "ema"))
            await bench.shows("ema · features", "ready after 80 bars", "how many bars")
            await bench.press("y")
            await bench.shows("ema as a table of a flow's file copied")
            assert tomllib.loads(copied[0]) == {"features": {"ema": {"use": "ema"}}}
            page.open(PartName("feature", "emma"))
            await bench.shows("the engine knows no feature 'emma'")
            await bench.press("a")
            await bench.shows("this console only looks; ^y takes control")
            assert in_front(bench) == "strategies"
            await bench.press("ctrl+y", "a")
            await bench.until(lambda: in_front(bench) == "edit")

    run(main())


def test_in_this_flow_are_the_nodes_with_what_they_set_and_an_engine_that_does_not_answer_is_said(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, (160, 50), page="strategies") as bench:
            await bench.shows("there is no such route")
            bench.desk = (await stopped(bench)).desk
            page = page_of(bench)
            page.open(PartName("provider", "ema_cross"))
            bench.now += 1
            await bench.shows("in this flow 1", 'providers.cross  fast = "fast", slow = "slow"', "looks back 1 bar")
            await bench.press("enter", *["pagedown"] * 4)
            await bench.shows("more above")

    async def stopped(bench: Bench) -> Bench:
        await bench.desk.stop()
        again = Bench(bench.view, tmp_path, "strategies", catalogued)
        await again.desk.start()
        return again

    run(main())


# --- snippets --------------------------------------------------------------------------------------------------------


def test_the_table_of_every_part_is_toml_in_the_table_of_its_kind_under_a_free_name() -> None:
    parts = told().parts
    whole = SMALL
    for part in parts:
        table = tomllib.loads(snippet(part, parts))
        if part.kind == "stake":
            assert table["stake"]["use"] == part.name
            continue
        (named,) = table[TABLES[KINDS[part.kind]]].values()
        assert named["use"] == part.name
        whole += "\n" + snippet(part, parts)
    assert len(tomllib.loads(whole)["providers"]) == 1 + sum(part.kind == "provider" for part in parts)


def test_strategies_and_features_put_into_a_flow_as_they_are_leave_it_valid_but_for_what_has_to_be_said() -> None:
    parts = told().parts
    added = [part for part in parts if part.kind in ("provider", "feature") and part.name != "signal_list"]
    load_text(SMALL + "\n".join(snippet(part, parts) for part in added), "flows.toml", ROOT)
    guard = next(part for part in parts if part.kind == "risk")
    with pytest.raises(PlanError, match="accounts is empty"):
        load_text(SMALL + snippet(guard, parts), "flows.toml", ROOT)


def test_a_name_that_is_taken_gets_a_number_and_what_has_to_be_said_an_example_that_is_allowed() -> None:
    parts = told().parts
    window = next(part for part in parts if part.name == "window")
    assert free_name(window, parts) == "window"
    uses = (replace(window.used[0], node="operators.window"), replace(window.used[0], node="operators.window_2"))
    assert free_name(replace(window, used=uses), [replace(window, used=uses)]) == "window_3"
    said = KeyTold("x", "", required=True, default=None, range="", choices=(), description="")
    cases: tuple[tuple[str, str, object], ...] = (
        ("whole number ≥ 2, ≤ 9", "≥ 2, ≤ 9", 2),
        ("number > 0", "> 0", 1.0),
        ("true | false", "", False),
        ("list of text", "", []),
        ("table of number", "", {}),
        ("column", "", "close"),
        ("amount", "", "1.00"),
        ("text", "", ""),
        ('{ use = "atr | fixed", … }', "", {"use": "fixed"}),
    )
    for kind, bounds, value in cases:
        assert tomllib.loads(f"x = {example(replace(said, type=kind, range=bounds))}") == {"x": value}
    assert example(replace(said, choices=("push", "lose"))) == '"push"'

"""What docs/features.md says of the features is what they are."""

# tulipy comes without types:
# pyright: reportMissingTypeStubs=false

import re

import tulipy

from operators.features.tulip.table import ENTRIES, LEFT_OUT
from pipeline.checking import load_text
from pipeline.parts import registered
from tests.feature_page import tables
from tests.support import ROOT, SMALL

PAGE = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")


def test_the_tables_are_those_of_the_registered_features() -> None:
    """Make them anew with `python -m tests.feature_page`."""
    _, _, rest = PAGE.partition("## All of them\n")
    written = rest[rest.index("### Basic") : rest.index("\n## Left out")]
    assert written.strip() == tables()


def test_every_feature_has_a_row() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set(registered("feature"))


def test_every_function_of_tulipy_is_a_feature_or_left_out_by_name() -> None:
    functions = {name for name, each in vars(tulipy).items() if hasattr(each, "full_name")}
    assert len(functions) == 104
    assert {*ENTRIES, *LEFT_OUT} == functions
    assert not set(ENTRIES) & set(LEFT_OUT)
    left_out = PAGE[PAGE.index("## Left out") : PAGE.index("(`add`")]
    assert set(re.findall(r"`(\w+)`", left_out)) == set(LEFT_OUT)


def test_the_example_is_a_flow() -> None:
    example = PAGE[PAGE.index("```toml") + len("```toml\n") : PAGE.index("```\n", PAGE.index("```toml") + 7)]
    declared = SMALL[SMALL.index("[features]") : SMALL.index("[providers.cross]")]
    plan = load_text(SMALL.replace(declared, example), "flows.toml", ROOT)
    assert {"calm", "macd.histogram", "spread", "hour"} <= set(plan.anchoring.names)

"""One key of a flow file is set in its text, and whoever wrote the rest finds it as it was."""

import pytest

from pipeline.changes.editing import set_key
from pipeline.errors import InputError
from tests.support import ROOT, plan_of

SHIPPED = (ROOT / "flows.toml").read_text(encoding="utf-8")


def test_only_the_one_line_is_another() -> None:
    edited = set_key(SHIPPED, "risk.careful.threshold", 0.4)
    lines = zip(SHIPPED.splitlines(), edited.splitlines(), strict=True)
    assert [(was, now) for was, now in lines if was != now] == [("threshold = 0.35", "threshold = 0.4")]
    assert plan_of(edited).by_id["risk.careful"].instance.threshold == 0.4


def test_a_key_within_a_table_in_place_and_one_that_was_not_there_are_set() -> None:
    edited = set_key(set_key(SHIPPED, "features.rsi.period", 7), "risk.bold.cool_down_max", "9m")
    plan = plan_of(edited)
    assert plan.by_id["risk.bold"].instance.cool_down_max == "9m"
    assert 'rsi = { use = "rsi", period = 7 }' in edited


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("risk.nobody.threshold", r"there is no table risk.nobody; write it into the file first"),
        ("threshold", r"names no key in a table"),
        ("risk..careful", r"is no key; write it like risk.careful.threshold"),
        ("risk.careful.threshold.deep", r"there is no table risk.careful.threshold"),
    ],
)
def test_what_is_no_key_is_refused_in_a_sentence(path: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        set_key(SHIPPED, path, 1)

"""The dashboard and the rules that go with the numbers: each asks for names and labels that exist."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.metrics import names
from pipeline.telemetry.families import FAMILIES
from pipeline.telemetry.stages import STAGES
from tests.support import ROOT

FOLDER = ROOT / "docs/dashboards"
NAME = re.compile(r"\b(?:moonlight|fxcm)_[a-z0-9_]+")
SELECTED = re.compile(r"([a-z_]+)\{([^}]*)\}")
BY = re.compile(r"\b(?:by|on|without|group_left) \(([^)]*)\)")


def known() -> dict[str, set[str]]:
    """Every name that Prometheus can be asked for, with its labels."""
    found: dict[str, set[str]] = {each.name: {"node", *each.labels} for each in names.FAMILIES}
    for family in FAMILIES:
        if family.shown == "samples":
            continue
        if family.kind == "histogram":
            found |= {f"{family.name}_{end}": {"le", *family.labels} for end in ("bucket", "sum", "count")}
        else:
            found[family.name] = set(family.labels)
    return found


KNOWN = known()
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "moonlight.json").read_text("utf-8"))
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def questions() -> Iterator[str]:
    for panel in PANELS:
        yield from (target["expr"] for target in panel["targets"])
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]
    rules = (FOLDER / "moonlight.rules.yml").read_text("utf-8")
    yield from re.findall(r"^ +expr: (.+)$", rules, re.MULTILINE)


@pytest.mark.parametrize("expr", sorted(set(questions())))
def test_every_question_is_about_names_and_labels_that_exist(expr: str) -> None:
    asked = set(NAME.findall(expr))
    assert asked <= set(KNOWN)
    assert asked or expr.startswith("up{")
    labels = set[str]().union(*(KNOWN[name] for name in asked))
    for name, selectors in SELECTED.findall(expr):
        if name in KNOWN:
            assert {each.split("=")[0].strip(" !~") for each in selectors.split(",") if each.strip()} <= KNOWN[name]
    for group in BY.findall(expr):
        assert {each.strip() for each in group.split(",") if each.strip()} <= labels


def test_every_label_in_a_legend_is_one_of_its_question() -> None:
    for panel in PANELS:
        for target in panel["targets"]:
            labels = set[str]().union(*(KNOWN[name] for name in NAME.findall(target["expr"])))
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels


def test_the_dashboard_asks_whichever_prometheus_its_reader_chose() -> None:
    assert {panel["datasource"]["uid"] for panel in PANELS} == {"${datasource}"}
    rows = [panel["title"].split(" (")[0] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == ["Money", "Keys", "Latency", "Edges", "Errors", "Feeds and venues", "Process"]
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)


def test_no_two_panels_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_every_rule_of_the_documents_is_in_the_file_and_every_stage_it_names_is_one() -> None:
    rules = (FOLDER / "moonlight.rules.yml").read_text("utf-8")
    page = (ROOT / "docs/metrics.md").read_text("utf-8")
    told = re.findall(r"^\| `([^`]+)` \| [^|]+ \|$", page[page.index("## What to be woken for") :], re.MULTILINE)
    assert len(told) >= 6
    assert [each for each in told if f"expr: {each}\n" not in rules] == []
    assert set(re.findall(r'stage="(\w+)"', rules)) <= set(STAGES)
    assert set(re.findall(r"severity: (\w+)", rules)) <= {"low", "medium", "critical"}


def test_the_example_for_prometheus_asks_where_a_flow_answers() -> None:
    text = (FOLDER / "prometheus.yml").read_text("utf-8")
    assert '"127.0.0.1:9464"' in text
    assert "moonlight.rules.yml" in text

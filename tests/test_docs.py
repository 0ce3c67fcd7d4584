"""What the documents say is what is there."""

import json
import re

from pipeline.alerting.settings import Alerting
from pipeline.control.settings import Api
from pipeline.flowtest import FlowTest
from pipeline.logs.settings import Logs
from pipeline.parts import TABLES, registered
from pipeline.plan import Account, Settings
from pipeline.schema import flow_schema
from pipeline.telemetry.settings import Telemetry
from pipeline.verbs import NAMES
from tests.support import ROOT


def test_the_schema_beside_the_shipped_flow_is_the_one_the_program_prints() -> None:
    """Make it anew with `python -m pipeline schema > docs/flow.schema.json`."""
    written = json.loads((ROOT / "docs" / "flow.schema.json").read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(flow_schema(Settings, Account, FlowTest, Api, Logs, Alerting, Telemetry)))


def test_every_part_has_a_help_whose_first_paragraph_is_a_sentence() -> None:
    for kind in TABLES:
        for name, part in registered(kind).items():
            summary = " ".join(part.help.partition("\n\n")[0].split())
            assert summary.endswith("."), f"{kind} {name}: {summary!r}"


def test_every_verb_of_the_readme_is_a_verb_of_the_program() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"python -m pipeline ([a-z]+)", readme))
    assert named <= set(NAMES)
    assert {"run", "validate", "why", "verify", "replay", "test"} <= named


def test_paths_named_in_the_architecture_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for path in set(re.findall(r"`((?:pipeline|operators|sources|sinks|tui|tests|bench)/[\w/]+\.py)`", text)):
        assert (ROOT / path).exists(), path

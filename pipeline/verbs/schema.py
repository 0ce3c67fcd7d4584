"""Print the JSON Schema of flow files, for editors that complete and check as you type.

examples:
  python -m pipeline schema > flow.schema.json
  python -m pipeline schema --flow flows.toml > flow.schema.json

and as the first line of the flow file:
  #:schema ./flow.schema.json
"""

import argparse
import json
from pathlib import Path

from pipeline.alerting.settings import Alerting
from pipeline.control.settings import Api
from pipeline.flowtest import FlowTest
from pipeline.logs.settings import Logs
from pipeline.plan import Account, Settings
from pipeline.plugins import load_files_of
from pipeline.schema import flow_schema
from pipeline.telemetry.settings import Telemetry


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--flow", type=Path, metavar="FLOW", help="with what the plugins of this flow file bring")


def run(options: argparse.Namespace) -> int:
    if options.flow is not None:
        load_files_of(options.flow)
    schema = flow_schema(Settings, Account, FlowTest, Api, Logs, Alerting, Telemetry)
    print(json.dumps(schema, indent=2, ensure_ascii=False))
    return 0

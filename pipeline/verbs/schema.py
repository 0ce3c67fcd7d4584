"""Print the JSON Schema of flow files, for editors that complete and check as you type.

example:
  python -m pipeline schema > flow.schema.json

and as the first line of the flow file:
  #:schema ./flow.schema.json
"""

import argparse
import json

from pipeline.flowtest import FlowTest
from pipeline.plan import Account, Settings
from pipeline.schema import flow_schema


def options(parser: argparse.ArgumentParser) -> None:
    """It needs none."""


def run(options: argparse.Namespace) -> int:
    print(json.dumps(flow_schema(Settings, Account, FlowTest), indent=2, ensure_ascii=False))
    return 0

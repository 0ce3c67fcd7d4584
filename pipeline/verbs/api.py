"""Ask a running engine over its control API, and print what it answers.

examples:
  python -m pipeline api /status
  python -m pipeline api '/orders?status=SETTLED&limit=5'
  python -m pipeline api POST /stop '{"product": "EURUSD", "reason": "news at two"}'
  python -m pipeline api openapi > openapi.json

It finds the engine of the flow's folder, speaks to it over this machine only, and sends the token from the folder, so
that nobody has to. A body of `-` is read from the standard input: a one-time code belongs there, not in a command.
`openapi` prints the API's description (OpenAPI 3.1) without an engine. Exit code 1 when the engine refuses, 3 when none
answers. docs/api.md has every route.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

import aiohttp

from pipeline.control.controls import every_route
from pipeline.control.openapi import document
from pipeline.errors import InputError
from pipeline.verbs.common import DEFAULT
from pipeline.verbs.planned import plan_of
from tui.door import Address, Unreachable, find, refusal_in

METHODS = ("GET", "POST", "PUT")
PATIENCE = 60.0
"""Seconds an engine has to answer: it waits itself for venues."""
OPENAPI = "openapi"


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="+", metavar="[METHOD] PATH [BODY]", help="GET when no method is said")
    parser.add_argument("--flow", type=Path, default=Path(DEFAULT), metavar="FLOW", help=f"the flow file ({DEFAULT})")
    parser.add_argument("--if-match", metavar="HASH", help="change it only if it still is what was read: its hash")
    parser.add_argument("--url", help="the engine's address; the one that runs the flow when left out")


def run(options: argparse.Namespace) -> int:
    if options.words == [OPENAPI]:
        print(json.dumps(document(every_route()), indent=2, ensure_ascii=False))
        return 0
    method, path, body = _question(options.words)
    headers = {"If-Match": f'"{options.if_match}"'} if options.if_match else {}
    address = find(options.url, plan_of(options).folder)
    status, answer = asyncio.run(_asked(address, method, path, body, headers))
    if status >= 400:
        print(f"the engine refuses ({status}): {refusal_in(answer)}", file=sys.stderr)
        return 1
    print(_shown(answer))
    return 0


def _question(words: list[str]) -> tuple[str, str, bytes | None]:
    method, *rest = words if words[0].upper() in METHODS else ("GET", *words)
    if not 1 <= len(rest) <= 2:
        raise InputError(f"say a path and at most one body, as in: api POST /stop '{{}}'; got {' '.join(words)!r}")
    path = rest[0] if rest[0].startswith("/") else f"/{rest[0]}"
    body = None if len(rest) == 1 else sys.stdin.read() if rest[1] == "-" else rest[1]
    return method.upper(), path, None if body is None else body.encode()


async def _asked(
    address: Address, method: str, path: str, body: bytes | None, headers: dict[str, str]
) -> tuple[int, bytes]:
    own = {"Authorization": f"Bearer {address.token}", "Content-Type": "application/json"} | headers
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session,
            session.request(
                method, address.url + path, data=body, headers=own, ssl=address.trusted, allow_redirects=False
            ) as answer,
        ):
            return answer.status, await answer.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as problem:
        why = str(problem) or "it took too long"
        raise Unreachable(f"no engine answers at {address.url} ({why}); if it is gone, start it with `run`") from None


def _shown(answer: bytes) -> str:
    """JSON for people on a terminal, as it came for programs."""
    text = answer.decode(errors="replace")
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False) if sys.stdout.isatty() else text
    except ValueError:
        return text

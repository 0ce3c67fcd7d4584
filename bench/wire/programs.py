"""The two programs: the practice venue and the flow, each in a process of its own, and what the venue's admin tells."""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

ROOT = Path(__file__).parents[2]
PATIENCE = 150.0
"""Seconds a program has to end in when it is asked to: orders on their way are waited for."""


async def _started(*words: str, out: Path) -> asyncio.subprocess.Process:
    with out.open("ab") as file:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pipeline", *words),
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


async def verb(*words: str) -> tuple[int, str]:
    """A verb from its beginning to its end: its exit code and what it said."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pipeline", *words),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(PATIENCE):
        said, _ = await child.communicate()
    return child.returncode or 0, said.decode()


async def ended(child: asyncio.subprocess.Process, sent: signal.Signals) -> int:
    if child.returncode is None:
        child.send_signal(sent)
    async with asyncio.timeout(PATIENCE):
        return await child.wait()


class Venue:
    """The venue's program. Killed and started again it listens at the same address."""

    def __init__(self, folder: Path, speed: float) -> None:
        self.folder, self.speed = folder, speed
        self.port = 0
        self.struck = Counter[str]()
        """Faults that did something, before the program was killed last."""
        self._said = folder / "said.txt"
        self._child: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._said.write_bytes(b"")
        words = ("--port", str(self.port), "--speed", f"{self.speed:g}", "--folder", str(self.folder), "--json")
        child = self._child = await _started("venue", "serve", *words, out=self._said)
        async with asyncio.timeout(PATIENCE):
            while not (said := self._said.read_text(encoding="utf-8")).endswith("}\n"):
                if child.returncode is not None:
                    raise RuntimeError(f"the venue did not start: {said[-400:]}")
                await asyncio.sleep(0.05)
        self.port = int(json.loads(said)["port"])

    async def kill(self) -> None:
        self.struck += await self.hits()
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        await self._end(signal.SIGTERM)

    async def _end(self, sent: signal.Signals) -> None:
        child, self._child = self._child, None
        if child is not None:
            await ended(child, sent)

    # --- what the admin tells and takes ---

    async def state(self) -> Mapping[str, Any]:
        return await self._asked("GET", "/admin/state")

    async def entries(self, account: str) -> list[Mapping[str, Any]]:
        return await self._asked("GET", f"/admin/entries?account={account}")

    async def hits(self) -> Counter[str]:
        told = await self._asked("GET", "/admin/faults")
        return Counter(each["what"] for each in told["struck"])

    async def set(self, fault: Mapping[str, Any]) -> None:
        await self._asked("POST", "/admin/faults", fault)

    async def calm(self) -> None:
        await self._asked("DELETE", "/admin/faults")

    async def _asked(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        token = (self.folder / "admin.token").read_text(encoding="utf-8").strip()
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            ClientSession() as session,
            session.request(method, self.url + path, json=body, headers=headers) as response,
        ):
            if response.status != 200:
                raise RuntimeError(f"{method} {path}: {response.status} {await response.text()}")
            return await response.json()


class Engine:
    """The flow's program. Each life records a session of its own."""

    def __init__(self, file: Path) -> None:
        self.file, self.lives = file, 0
        self.said = file.parent / "run.txt"
        self._child: asyncio.subprocess.Process | None = None

    @property
    def ledger(self) -> Path:
        return self.file.parent / "data" / "ledger.db"

    @property
    def sessions(self) -> list[Path]:
        return [self.file.parent / f"session-{life}" for life in range(1, self.lives + 1)]

    @property
    def runs(self) -> bool:
        return self._child is not None and self._child.returncode is None

    async def start(self) -> None:
        self.lives += 1
        record = ("--record", str(self.sessions[-1]))
        self._child = await _started("run", str(self.file), *record, out=self.said)

    async def connected(self, accounts: int) -> None:
        """Wait until every account is."""
        journal = self.sessions[-1] / "journal.jsonl"
        async with asyncio.timeout(PATIENCE):
            while not journal.exists() or journal.read_text(encoding="utf-8").count('"CONNECTED"') < accounts:
                if not self.runs:
                    raise RuntimeError(f"the run ended: {self.said.read_text(encoding='utf-8')[-400:]}")
                await asyncio.sleep(0.2)

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        return await self._end(signal.SIGTERM)

    async def _end(self, sent: signal.Signals) -> int:
        child, self._child = self._child, None
        return 0 if child is None else await ended(child, sent)

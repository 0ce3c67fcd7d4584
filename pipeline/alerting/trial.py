"""Trying one way out without an engine: one alert that says so, and what came of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from pipeline.alerting.codes import CODES
from pipeline.alerting.route import Alert, Letter, Route
from pipeline.alerting.secrets import secrets_of
from pipeline.errors import MoonlightError
from pipeline.live import wall
from pipeline.masking import masked
from pipeline.plan import Plan
from pipeline.secret import Secret

PATIENCE = 60.0
"""Seconds for all of it."""


class Trial:
    """The `Outlet` of a route that is tried: it ends after one letter, or one sign of life."""

    def __init__(self, plan: Plan, name: str) -> None:
        self.name = name
        self.folder: Path = plan.folder
        self.flow = plan.name
        self.run = wall()
        self._secrets = secrets_of(plan.base)

    async def letters(self) -> AsyncIterator[Letter]:
        said = "somebody tries whether alerts arrive; nothing has happened"
        yield Letter(1, (Alert("TEST", CODES["TEST"].severity, "", said, self.run),))

    async def secret(self, name: str) -> Secret:
        return await self._secrets.of(name)

    def alive(self) -> Mapping[str, object] | None:
        return {"test": True}

    def amiss(self) -> str:
        return ""

    async def wait(self, seconds: float) -> bool:
        del seconds
        return True

    def works(self) -> None:
        """What works is seen by its not failing."""

    def now(self) -> int:
        return wall()


async def tried(plan: Plan, name: str, route: Route) -> str:
    """Why an alert did not leave; "" when it was taken."""
    try:
        async with asyncio.timeout(PATIENCE):
            await route(Trial(plan, name))
    except MoonlightError as failure:
        return masked(str(failure))
    except TimeoutError:
        return f"it was not done within {PATIENCE:.0f} s"
    except Exception as failure:  # noqa: BLE001  # of a part that may not be ours: said, and the next is tried
        return masked(f"{type(failure).__name__}: {failure}")
    return ""

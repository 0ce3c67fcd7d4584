"""Who goes on beside a flow may fail, and the others and the flow go on."""

from typing import Any

from pipeline.company import Company
from pipeline.engine import Setting, running
from pipeline.flow import Flow
from pipeline.trying import NoRecords
from pipeline.values import Fault, Past
from pipeline.virtual import VirtualLoop, run
from tests.support import MONDAY, plan_of


class Onlooker:
    def __init__(self, name: str, *, fails: bool = False) -> None:
        self.name, self.fails = name, fails
        self.said: list[str] = []

    def told(self, node: str, value: Any) -> None:
        self.said.append(f"{node} {type(value).__name__}")

    def begins(self, flow: Flow) -> None:
        if self.fails:
            raise LookupError("not today")
        self.said.append("begins")

    async def attend(self) -> None:
        self.said.append("attends")

    async def ends(self, why: str) -> None:
        self.said.append(f"ends {why}")


def test_one_that_cannot_begin_is_told_once_and_the_others_begin() -> None:
    broken, sound = Onlooker("broken", fails=True), Onlooker("sound")
    told: list[Any] = []
    company = Company((broken, sound), lambda _, value: told.append(value))

    async def main(_: VirtualLoop) -> None:
        setting = Setting(mode="replay", begin=MONDAY, outside=())
        async with running(plan_of(), setting, NoRecords(), Past((), {})) as flow:
            company.begins(flow)
            await company.attend()
            await company.ends("")

    run(main)
    (fault,) = told
    assert isinstance(fault, Fault)
    assert fault.what == "LookupError: not today; the flow goes on without it"
    assert broken.said == []
    assert sound.said == ["broken Fault", "begins", "attends", "ends "]

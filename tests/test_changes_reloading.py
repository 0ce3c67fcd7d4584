"""A running flow takes over an edit of its file, has it wait for what is open, or refuses it in a sentence."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipeline import lives
from pipeline.changes.flow_file import FlowFile, Overtaken
from pipeline.changes.notices import Notice
from pipeline.changes.proposal import Changed
from pipeline.changes.reloading import Reloads
from pipeline.changes.running_text import last_run
from pipeline.checking import load
from pipeline.engine import LEDGER_FILE, Setting, market_of, running
from pipeline.errors import InputError, PlanError
from pipeline.flow import Flow
from pipeline.ledger import Ledger
from pipeline.plan import Plan
from pipeline.values import Held
from tests.support import SMALL, order, plan_of

TEXT = (
    SMALL.replace('start = "2026', 'speed = 300\nstart = "2026')
    .replace("max_daily_loss", "threshold = 0.1  # careful\nmax_daily_loss")
    .replace('["1m", "5m"]', '["1m", "5m"]\ngrace_ms = 500')
)
OTHER = TEXT.replace("threshold = 0.1", "threshold = 0.3")
NO_TRADES = TEXT.replace("threshold = 0.1", "threshold = 1.0")
DEADLINE = 20


@dataclass
class Engine:
    """A flow that runs, its file, and what was told of its changes."""

    flow: Flow
    reloads: Reloads
    path: Path
    told: list[Any] = field(default_factory=list[Any])
    taken: list[Plan] = field(default_factory=list[Plan])
    heard: list[Any] = field(default_factory=list[Any])

    async def until(self, so: Callable[[], object]) -> None:
        async with asyncio.timeout(DEADLINE):
            while not so():  # noqa: ASYNC110  # what is waited for tells nobody
                await asyncio.sleep(0.01)

    def notices(self, level: str) -> list[str]:
        return [each.text for each in self.told if isinstance(each, Notice) and each.level == level]

    def changed(self) -> list[Changed]:
        return [each for each in self.told if isinstance(each, Changed)]

    def threshold(self) -> float:
        return self.flow.plan.by_id["risk.main"].instance.threshold


@asynccontextmanager
async def engine(folder: Path, text: str = TEXT, tried_within: float = 30.0) -> AsyncGenerator[Engine]:
    path = folder / "flows.toml"
    path.write_text(text, encoding="utf-8")
    plan = load(path)
    plan.folder.mkdir()
    with Ledger(plan.folder / LEDGER_FILE) as ledger:
        lives.begun(ledger.path, plan, 1, 1)
        begin, speed = market_of(plan, 0, None)
        taken: list[Plan] = []
        heard: list[Any] = []
        reloads = Reloads(plan, ledger, lambda: 2, taken.append, tried_within)

        def told(node: str, value: Any) -> None:
            reloads.told(node, value)
            if isinstance(value, Held):
                heard.append(value)

        setting = Setting(mode="paper", begin=begin, speed=speed)
        async with running(plan, setting, ledger, ledger.past(begin), taps=(told,)) as flow:
            made = Engine(flow, reloads, path, taken=taken, heard=heard)
            reloads.tells_by(lambda _, value: made.told.append(value))
            reloads.begins(flow)
            beside = asyncio.ensure_future(reloads.attend())
            try:
                await asyncio.sleep(0)
                yield made
            finally:
                beside.cancel()
                await asyncio.gather(beside, return_exceptions=True)


def test_a_saved_edit_is_taken_over_and_told_and_is_what_the_ledger_says_ran_last(tmp_path: Path) -> None:
    async def run() -> None:
        async with engine(tmp_path) as made:
            await made.until(lambda: made.flow.nodes["operators.bars"].meter.given)
            made.path.write_text(OTHER, encoding="utf-8")
            await made.until(made.changed)
            assert made.threshold() == 0.3
            assert made.changed()[0].applied == ("risk.main",)
            assert [plan.source.text for plan in made.taken] == [OTHER]
            assert made.reloads.text == OTHER
            last = last_run(made.flow.plan.folder / LEDGER_FILE)
            assert last is not None
            assert last.text == OTHER

    asyncio.run(run())


def test_a_file_that_is_no_flow_changes_nothing_and_says_why_once(tmp_path: Path) -> None:
    async def run() -> None:
        async with engine(tmp_path) as made:
            plan = made.flow.plan
            made.path.write_text(OTHER.replace("threshold", "treshold"), encoding="utf-8")
            await made.until(lambda: made.notices("error"))
            (said,) = made.notices("error")
            assert "did you mean 'threshold'?" in said
            assert said.endswith("the flow goes on as it was")
            assert made.flow.plan is plan
            made.path.write_text(OTHER, encoding="utf-8")
            await made.until(made.changed)
            assert made.threshold() == 0.3
            assert len(made.notices("error")) == 1

    asyncio.run(run())


def test_a_plug_in_that_does_not_come_back_is_refused_and_the_next_edit_is_looked_at(tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    rule = (
        "from decimal import Decimal\nfrom pipeline.parts import stake\nfrom pipeline.values import Bet\n@stake\n"
        'class Plain:\n    """Puts one on each trade."""\n'
        "    def __call__(self, bet: Bet) -> Decimal:\n        return Decimal(1)\n"
    )
    own.write_text(rule, encoding="utf-8")
    text = TEXT.replace("block = 64", 'block = 64\nplugins = ["own.py"]')

    async def run() -> None:
        async with engine(tmp_path, text, tried_within=1.0) as made:
            plan = made.flow.plan
            await made.until(lambda: made.flow.nodes["operators.bars"].meter.given)
            own.write_text("while True:\n    pass\n", encoding="utf-8")
            await made.until(lambda: made.notices("error"))
            assert "a part of a plug-in does not come back; mend it" in made.notices("error")[0]
            made.path.write_text("[moonlight", encoding="utf-8")
            await made.until(lambda: len(made.notices("error")) > 1)
            assert made.flow.plan is plan

    asyncio.run(run())
    plan_of()  # without the plug-in: what it declared is gone


def test_comments_alone_are_taken_over_and_nothing_of_the_flow_changes(tmp_path: Path) -> None:
    async def run() -> None:
        async with engine(tmp_path) as made:
            nodes = dict(made.flow.nodes)
            made.path.write_text(f"# why\n{TEXT}", encoding="utf-8")
            await made.until(made.changed)
            assert made.changed()[0].applied == made.changed()[0].restarted == ()
            assert made.flow.nodes == nodes
            assert made.flow.plan.source.text.startswith("# why")

    asyncio.run(run())


def test_from_a_thread_the_file_is_written_as_it_was_given_and_the_answer_says_what_was_done(tmp_path: Path) -> None:
    async def run() -> None:
        async with engine(tmp_path, NO_TRADES) as made:
            other = NO_TRADES.replace("threshold = 1.0", "threshold = 0.99")
            proposal = await asyncio.to_thread(made.reloads.propose, other)
            assert [each.node for each in proposal.changes] == ["risk.main"]
            assert made.threshold() == 1.0
            changed = await asyncio.to_thread(made.reloads.apply, other, "api")
            assert changed.applied == ("risk.main",)
            assert made.threshold() == 0.99
            assert made.path.read_text(encoding="utf-8") == other
            window = other.replace("grace_ms = 500", "grace_ms = 700")
            restarted = await asyncio.to_thread(made.reloads.apply, window, "api")
            assert set(restarted.restarted) == {"sources.market", "operators.bars"}
            await made.until(lambda: made.flow.nodes["operators.bars"].meter.given)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("text", "kind"),
    [(TEXT.replace("block = 64", "block = 128"), InputError), (TEXT.replace("[risk.main]", "[risk.main"), PlanError)],
    ids=["refused", "no flow"],
)
def test_what_is_refused_touches_neither_the_file_nor_the_flow(
    tmp_path: Path, text: str, kind: type[Exception]
) -> None:
    async def run() -> None:
        async with engine(tmp_path) as made:
            plan = made.flow.plan
            with pytest.raises(kind):
                await asyncio.to_thread(made.reloads.apply, text, "api")
            assert made.path.read_text(encoding="utf-8") == TEXT
            assert made.flow.plan is plan

    asyncio.run(run())


async def waiting(made: Engine) -> None:
    """A change of the window waits for an open contract."""
    made.reloads.told("sinks.orders", order("CONFIRM"))
    made.path.write_text(NO_TRADES.replace("grace_ms = 500", "grace_ms = 700"), encoding="utf-8")
    await made.until(made.changed)
    assert made.changed()[0].waiting == (order().order,)
    assert made.reloads.pending is not None
    await made.until(lambda: made.heard)
    assert all(each.on for each in made.heard)
    assert made.flow.plan.by_id["operators.bars"].instance.grace_ms == 500


async def settled(made: Engine) -> None:
    """Once the contract has ended it is done, and the keys trade again."""
    made.reloads.told("sinks.orders", order("SETTLED"))
    await made.until(lambda: len(made.changed()) == 2)
    assert made.flow.plan.by_id["operators.bars"].instance.grace_ms == 700
    assert made.reloads.pending is None
    await made.until(lambda: not made.heard[-1].on)


async def called_off(made: Engine) -> None:
    """Putting the old file back calls it off."""
    made.path.write_text(NO_TRADES, encoding="utf-8")
    await made.until(lambda: made.reloads.pending is None)
    await made.until(lambda: not made.heard[-1].on)
    assert any("called off" in each for each in made.notices("info"))
    made.reloads.told("sinks.orders", order("SETTLED"))
    assert made.flow.plan.by_id["operators.bars"].instance.grace_ms == 500


async def overtaken(made: Engine) -> None:
    """What the file does not say any more is not done, though what it says now is no flow."""
    made.path.write_text("[moonlight", encoding="utf-8")
    await made.until(lambda: made.notices("error"))
    await made.until(lambda: made.reloads.pending is None)
    made.reloads.told("sinks.orders", order("SETTLED"))
    await made.until(lambda: not made.heard[-1].on)
    assert made.flow.plan.by_id["operators.bars"].instance.grace_ms == 500


@pytest.mark.parametrize("then", [settled, called_off, overtaken], ids=lambda each: each.__name__)
def test_a_change_waits_for_open_contracts(tmp_path: Path, then: Callable[[Engine], Awaitable[None]]) -> None:
    async def run() -> None:
        async with engine(tmp_path, NO_TRADES) as made:
            await waiting(made)
            await then(made)

    asyncio.run(run())


def test_a_file_that_is_not_watched_is_taken_over_when_it_is_asked_for(tmp_path: Path) -> None:
    quiet = TEXT.replace("block = 64", "block = 64\nwatch = false")

    async def run() -> None:
        async with engine(tmp_path, quiet) as made:
            made.path.write_text(quiet.replace("threshold = 0.1", "threshold = 0.4"), encoding="utf-8")
            made.reloads.look_now()
            await made.until(made.changed)
            assert made.threshold() == 0.4

    asyncio.run(run())


# --- the file --------------------------------------------------------------------------------------------------------


def flow_file(tmp_path: Path) -> FlowFile:
    path = tmp_path / "flows.toml"
    path.write_text(TEXT, encoding="utf-8")
    file = FlowFile(path, tmp_path, TEXT)
    file.begin(())
    return file


def test_what_an_editor_writes_counts_once_two_looks_saw_the_same(tmp_path: Path) -> None:
    file = flow_file(tmp_path)
    assert file.look(()) is None
    file.path.write_text(OTHER[: len(OTHER) // 2], encoding="utf-8")
    assert file.look(()) is None
    file.path.write_text(OTHER, encoding="utf-8")
    assert file.look(()) is None
    assert file.look(()) == OTHER
    assert file.look(()) is None


def test_a_file_that_is_replaced_by_another_is_read(tmp_path: Path) -> None:
    file = flow_file(tmp_path)
    (tmp_path / "new").write_text(OTHER, encoding="utf-8")
    file.path.unlink()
    assert file.look(()) is None
    (tmp_path / "new").rename(file.path)
    assert [file.look(()), file.look(())] == [None, OTHER]


def test_a_file_that_stays_away_is_told_once(tmp_path: Path) -> None:
    file = flow_file(tmp_path)
    file.path.unlink()
    assert file.look(()) is None
    with pytest.raises(InputError, match="there is no such file"):
        file.look(())
    assert file.look(()) is None
    file.path.write_text(TEXT, encoding="utf-8")
    assert [file.look(()), file.look(())] == [None, TEXT]


def test_a_plug_in_that_changes_is_a_change_of_the_flow(tmp_path: Path) -> None:
    file = flow_file(tmp_path)
    (tmp_path / "own.py").write_text("A = 1\n")
    file.begin(("own.py",))
    assert file.look(("own.py",)) is None
    (tmp_path / "own.py").write_text("A = 2\n")
    assert [file.look(("own.py",)), file.look(("own.py",))] == [None, TEXT]


def test_what_somebody_else_wrote_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    file = flow_file(tmp_path)
    file.path.write_text(f"{TEXT}# mine\n", encoding="utf-8")
    with pytest.raises(Overtaken, match="was changed meanwhile"):
        file.put(OTHER, (), over=TEXT)
    assert file.path.read_text(encoding="utf-8") == f"{TEXT}# mine\n"
    assert file.put(OTHER, (), over=f"{TEXT}# mine\n") == f"{TEXT}# mine\n"


def test_a_written_file_keeps_its_rights_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    file = flow_file(tmp_path)
    file.path.chmod(0o640)
    file.write(OTHER)
    assert file.path.read_text(encoding="utf-8") == OTHER
    assert file.path.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["flows.toml"]

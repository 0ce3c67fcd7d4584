"""`GET /why`: what was known when a bar was decided, and nothing that became known later."""

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from pipeline.__main__ import main
from pipeline.judged import KEPT, Recent
from pipeline.ledger import Ledger
from pipeline.ledger.then import Then
from pipeline.times import MINUTE, SECOND
from pipeline.told.reasons import Why
from pipeline.values import Columns, Latch, Signals, Stream
from tests.api_engine import EAGER_FLOW, Engine, on_engine, until
from tests.support import MONDAY

SINCE = {"order", "would_have", "lines", "after_ms"}
"""What says what became of a bar since."""
KEY = "account=demo-1&product=EURUSD&tf=1m"


async def why(engine: Engine, query: str = "") -> Why:
    return msgspec.convert(await engine.get(f"/why?{query}"), Why)


def then(told: Why) -> dict[str, Any]:
    return {name: each for name, each in msgspec.to_builtins(told).items() if name not in SINCE}


def columns(bar: int, fresh: int = 1, **values: float) -> Columns:
    """As many rows as are fresh, the last of this bar."""
    stamps = bar - np.arange(fresh)[::-1] * MINUTE
    table = {name: np.full(fresh, value) for name, value in ({"close": 1.1} | values).items()}
    return Columns("EURUSD", MINUTE, stamps, stamps + MINUTE, np.ones(fresh, np.bool_), table, fresh)


def test_the_answer_for_a_bar_is_the_same_long_after_but_for_what_became_of_it(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        await until(lambda: engine.verdicts(account="demo-1", product="EURUSD", tf=MINUTE).count("trade") > 1)
        traded = await why(engine, KEY)
        while traded.verdict != "trade":
            traded = await why(engine, f"{KEY}&bar_ms={traded.before_ms}")
        refused = traded
        while refused.verdict == "trade":
            refused = await why(engine, f"{KEY}&bar_ms={refused.before_ms}")
        later = engine.flow.border.now() + 15 * MINUTE
        await until(lambda: engine.flow.border.now() > later)
        for told in (traded, refused):
            again = await why(engine, f"{KEY}&bar_ms={told.bar_ms}")
            assert then(again) == then(told)
            assert (again.after_ms > told.bar_ms, again.before_ms < told.bar_ms) == (True, True)
        assert traded.order is not None
        ended = await why(engine, f"order={traded.order.order}")
        assert then(ended) == then(traded)
        assert ended.order is not None
        assert (traded.order.bar, ended.order.status) == (traded.bar_ms, "SETTLED")
        assert any(ended.order.order in line for line in ended.lines)

    on_engine(tmp_path, check)


def test_a_bar_is_told_with_what_it_was_judged_by(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        await until(lambda: len(engine.verdicts(account="demo-1", product="EURUSD", tf=MINUTE)) > 3)
        told = await why(engine, KEY)
        assert (told.account, told.product, told.timeframe) == ("demo-1", "EURUSD", "1m")
        assert told.features.keys() == set(engine.plan.anchoring.names)
        assert [(each.ensemble, each.provider) for each in told.votes] == [("main", "cross")]
        assert told.votes[0].direction == told.direction
        assert told.bar is not None
        assert told.bar.low <= told.bar.close <= told.bar.high
        assert told.quote is not None
        assert told.quote.bid < told.quote.ask
        assert told.quote.age_ms == told.decided_ms - told.quote.at
        assert 0 <= told.quote.age_ms < MINUTE
        assert told.payout == next(gate.value for gate in told.gates if gate.gate == "payout")
        assert told.life == "RUNNING"
        assert (told.stops, told.armed_until) == ((), 0)
        lines = "\n".join(told.lines)
        assert all(gate.gate in lines for gate in told.gates)

    on_engine(tmp_path, check)


def test_stops_and_open_contracts_are_those_of_the_moment(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        await until(lambda: engine.verdicts(product="EURUSD", tf=5 * MINUTE).count("trade") > 0)
        five = await why(engine, "account=demo-1&product=EURUSD&tf=5m")
        while five.verdict != "trade":
            five = await why(engine, f"account=demo-1&product=EURUSD&tf=5m&bar_ms={five.before_ms}")
        assert five.order is not None
        moment = five.decided_ms + MINUTE + 5 * SECOND
        await until(lambda: engine.flow.border.now() > moment + MINUTE)
        during = await why(engine, f"{KEY}&bar_ms={five.decided_ms + 2 * SECOND}")
        assert five.order.order in {each.order for each in during.open}
        assert {each.state for each in during.open} <= {"PREPARE", "SEND", "CONFIRM"}
        assert five.order.order not in {each.order for each in five.open}  # it is the bar's own
        before = await why(engine)
        await engine.post("/killswitch", {"scope": "demo-1", "reason": "news at two"})
        await until(lambda: engine.verdicts(account="demo-1").count("killed") > 0)
        while (after := await why(engine, "account=demo-1")).verdict != "killed":
            pass
        assert before.stops == ()
        assert [(each.scope, each.reason, each.by) for each in after.stops] == [("demo-1", "news at two", "api")]
        await engine.post("/resume", {"scope": "demo-1", "reason": "it is over"})
        await until(lambda: engine.verdicts(account="demo-1")[-1] != "killed")
        query = f"account=demo-1&product={after.product}&tf={after.timeframe}&bar_ms={after.bar_ms}"
        assert then(await why(engine, query)) == then(after)  # it held then, whatever was released since

    on_engine(tmp_path, check)


def test_a_stop_of_later_is_not_told_of_a_bar_that_was_refused_for_another_reason(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.sqlite") as ledger:
        for at, reason in ((MONDAY + 5, "news at two"), (MONDAY + 9 * MINUTE, "it looks wrong")):
            ledger.latch(Latch("demo-1", on=True, at=at, reason=reason, by="ada"))
    reader = Then(tmp_path / "l.sqlite")
    told = {reason: reader.latches("demo-1", MONDAY, reason) for reason in ("news at two", "it looks wrong", "unsound")}
    assert [each.reason for each in told["news at two"]] == ["news at two"]  # stamped on another thread, just after
    assert [*told["it looks wrong"], *told["unsound"], *reader.latches("demo-1", MONDAY, None)] == []
    reader.close()


def test_what_cannot_be_explained_is_refused_with_what_can(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        await until(lambda: len(engine.verdicts()) > 3)
        for query, status, says in (
            ("bar_ms=5", 400, "bar_ms is of one key: say its account, product and tf too"),
            ("account=demo-2", 404, "no decision of account 'demo-2'; did you mean 'demo-1'?"),
            ("product=EURUSE", 404, "no decision of product 'EURUSE'; did you mean 'EURUSD'?"),
            ("tf=15m", 404, "no decision of tf '15m'"),
            (f"{KEY}&bar_ms=60000", 404, "no decision of demo-1 EURUSD 1m at 1970-01-01 00:01 (UTC): the ledger has"),
            (f"{KEY}&bar_ms={2**53 - 1}", 404, "no decision of demo-1 EURUSD 1m at 9007199254740000 ms (UTC)"),
            ("order=nobody", 404, "the ledger has no order 'nobody'; GET /orders lists them"),
            ("bar=5", 400, "unknown field"),
        ):
            answer = await engine.ask("GET", f"/why?{query}")
            assert answer[0] == status, query
            assert says in answer[1]["error"]["message"]

    on_engine(tmp_path, check)


def test_before_anything_is_decided_there_is_nothing_to_explain(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        status, answer = await engine.ask("GET", "/why")
        if not engine.decisions:
            assert (status, answer["error"]["code"]) == (404, "NOT_FOUND")

    on_engine(tmp_path, check, EAGER_FLOW, speed=1)


def test_the_newest_bars_are_remembered_and_the_oldest_forgotten() -> None:
    recent = Recent()
    for number in range(KEPT + 5):
        recent.take("features", columns(MONDAY + number * MINUTE, rsi=float(number)))
    stream = Stream("EURUSD", MINUTE)
    assert recent.of(stream, MONDAY + 4 * MINUTE) is None
    kept = recent.of(stream, MONDAY + 5 * MINUTE)
    assert kept is not None
    assert kept.columns == {"close": 1.1, "rsi": 5.0}
    assert recent.of(Stream("XAUUSD", MINUTE), MONDAY) is None


def test_a_batch_of_bars_is_remembered_row_by_row_and_a_strategy_that_failed_by_how() -> None:
    recent = Recent()
    batch = columns(MONDAY, fresh=3, rsi=50.0)
    recent.take("features", batch)
    scores = np.array([0.1, np.nan, -0.4])
    direction = np.array([1, 0, -1], np.int8)
    said = Signals(batch, scores, scores, direction, {"trend": scores, "fade": scores}, "fade: ValueError: no rsi")
    recent.take("operators.calibrated", said)  # gives on what an ensemble said
    recent.take("ensembles.main", said)
    first, last = (recent.of(Stream("EURUSD", MINUTE), MONDAY - back * MINUTE) for back in (2, 0))
    assert first is not None
    assert last is not None
    assert [vote.score for vote in first.votes] == [0.1, 0.1]
    assert [(vote.provider, vote.score, vote.fault) for vote in last.votes] == [
        ("trend", -0.4, ""),
        ("fade", -0.4, "ValueError: no rsi"),
    ]


def test_the_verb_and_the_api_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept: list[Why] = []

    async def check(engine: Engine) -> None:
        await until(lambda: engine.verdicts().count("trade") > 2)
        kept.append(await why(engine))

    on_engine(tmp_path, check)
    (told,) = kept
    moment = f"{np.datetime64(told.bar_ms, 'ms')}Z"
    flow = ("--flow", str(tmp_path / "flows.toml"), "--account", told.account)
    assert main(("why", told.product, told.timeframe, moment, *flow, "--json")) == 0
    said = json.loads(capsys.readouterr().out)
    assert [gate["gate"] for gate in said["gates"]] == [gate.gate for gate in told.gates]
    assert (said["verdict"], said["what_if"]) == (told.verdict, told.what_if)
    assert main(("why", told.product, told.timeframe, moment, *flow)) == 0
    assert capsys.readouterr().out.splitlines()[: 2 + len(told.gates)] == list(told.lines)[: 2 + len(told.gates)]

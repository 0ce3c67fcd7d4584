"""The recorder of Deriv's frames: what it asks, what it writes down, and that it buys nothing unasked."""

import asyncio
import json
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipeline.broker.app import Served, serving
from pipeline.broker.settings import Settings
from pipeline.deriv.taping import anonymous
from tests.deriv_trading import PATIENCE

FLOW = """
[accounts.demo-1]
venue = "deriv"

[accounts.paper-1]
venue = "practice"

[venues.practice]
use = "practice"
payout = 0.9

[venues.deriv]
use = "deriv"
url = "URL"
practice = true
speed = 60
"""


@contextmanager
def venue() -> Generator[Served]:
    """A practice venue on a loop of its own, for a verb that has one too."""
    up, stop, served = threading.Event(), threading.Event(), list[Served]()
    leaving: list[Any] = []

    async def main() -> None:
        over = asyncio.Event()
        leaving.extend((asyncio.get_running_loop(), over))
        async with serving(Settings(port=0, memory="", speed=60, begin="2026-01-05T08:00:00Z")) as one:
            served.append(one)
            up.set()
            await over.wait()
        stop.set()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    assert up.wait(PATIENCE)
    try:
        yield served[0]
    finally:
        loop, over = leaving
        loop.call_soon_threadsafe(over.set)
        assert stop.wait(PATIENCE)
        thread.join(PATIENCE)


def recorded(
    folder: Path, capsys: pytest.CaptureFixture[str], url: str, *more: str, account: str = "demo-1"
) -> tuple[int, str, str]:
    from pipeline.__main__ import main  # noqa: PLC0415  # as a user starts it

    flow, out = folder / "flows.toml", folder / "frames.jsonl"
    flow.write_text(FLOW.replace("URL", url), encoding="utf-8")
    code = main(["venue", "record", account, "--flow", str(flow), "--out", str(out), *more])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_what_is_free_is_asked_and_nothing_is_bought(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with venue() as served:
        code, out, err = recorded(tmp_path, capsys, served.url, "--json")
        assert code == 0, err
        assert served.broker.sold == 0
    found = {each["question"]: each["answer"] for each in map(json.loads, out.splitlines())}
    assert found["which durations has R_100"].startswith("15 s to ")
    assert found["how is a stake that is too small refused"] == "refused: ContractBuyValidationError"
    assert found["how is a duration of a second refused"] == "refused: OfferingsValidationError"
    assert found["how is a field that is unknown refused"] == "refused: InputValidationFailed"
    lines = [json.loads(line) for line in (tmp_path / "frames.jsonl").read_text("utf-8").splitlines()]
    assert [each["about"] for each in lines if "about" in each] == list(found)
    assert sum("sent" in each for each in lines) == sum("heard" in each for each in lines) == len(found)
    assert not re.search("demo-1|practice-", (tmp_path / "frames.jsonl").read_text("utf-8"))


def test_what_has_to_be_bought_for_is_bought_when_somebody_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with venue() as served:
        code, out, err = recorded(tmp_path, capsys, served.url, "--buy", "--yes", "--json")
        assert code == 0, err
        assert served.broker.sold == 4
    found = {each["question"]: each["answer"] for each in map(json.loads, out.splitlines())}
    assert found["may the price of one proposal be bought twice"] == "no: InvalidContractProposal"
    assert "was offered to pay" in found["does a price hold for ten seconds"]
    either = r"(lost: 0(\.0+)?|won: 1\.9\d)"  # a price may lie between the two: then both may win
    assert re.fullmatch(f"{either}(, {either})+", found["what is told of money as a rise and a fall end"])


@pytest.mark.parametrize(
    ("account", "more", "words"),
    [
        ("demo-1", ("--buy",), "say --yes, or leave out --buy"),
        ("demo-9", (), "there is no account 'demo-9'"),
        ("paper-1", (), "which is not Deriv"),
    ],
)
def test_what_cannot_be_done_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], account: str, more: tuple[str, ...], words: str
) -> None:
    code, _, err = recorded(tmp_path, capsys, "http://127.0.0.1:9", *more, account=account)
    assert code == 2
    assert words in err


def test_a_venue_that_does_not_answer_is_told_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = recorded(tmp_path, capsys, "http://127.0.0.1:9")
    assert code == 2
    assert "no practice venue answers" in err
    assert "Traceback" not in err


def test_what_tells_whose_it_is_is_left_out_wherever_it_stands() -> None:
    told = {"balance": {"loginid": "DOT1", "balance": 5}, "echo": [{"said": "for DOT1 only", "token": "t"}]}
    text = json.dumps(anonymous(told, ("DOT1",)))
    assert "DOT1" not in text
    assert '"t"' not in text
    assert '"balance": 5' in text

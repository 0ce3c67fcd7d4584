"""The verb that says when markets are open."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.exchanges import BUILT_IN
from pipeline.times import parse_moment
from tests.support import SMALL

CHRISTMAS = """
[calendars.gold]
products = ["EURUSD"]
like = "metals"
holidays = [{ date = "2026-12-24", closes = "13:00", name = "Christmas Eve" }, "2026-12-25"]
"""

Said = tuple[int, str, str]
Asked = Callable[..., Said]


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Asked:
    monkeypatch.chdir(tmp_path)

    def said(*arguments: str) -> Said:
        code = main(["calendar", *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return said


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    file = tmp_path / "flows.toml"
    text = SMALL.replace("block = 64", 'block = 64\ndisplay_timezone = "Europe/Istanbul"')
    file.write_text(text + CHRISTMAS, encoding="utf-8")
    return file


@pytest.mark.usefixtures("flow")
def test_the_products_of_the_flow_are_told_in_its_zone_and_in_utc(asked: Asked) -> None:
    assert asked("--at", "2026-12-24T15:00:00Z") == (
        0,
        """\
at Thu 2026-12-24 18:00 Europe/Istanbul (2026-12-24T15:00Z)

EURUSD · gold · Sun-Thu 18:00-17:00 America/New_York
  open · London, New York · trading day Thu 2026-12-24
  closes Thu 2026-12-24 21:00 Europe/Istanbul (2026-12-24T18:00Z) · in 3 h
  opens  Mon 2026-12-28 02:00 Europe/Istanbul (2026-12-27T23:00Z) · in 3 d 8 h
  Thu 2026-12-24 closes 13:00 · Christmas Eve
  Fri 2026-12-25 closed

BTCUSD · always · always open UTC
  open · London, New York · trading day Thu 2026-12-24
""",
        "",
    )


@pytest.mark.usefixtures("flow")
def test_a_moment_is_in_the_zone_of_the_flow_unless_it_says_another(asked: Asked) -> None:
    told = [asked("EURUSD", "--at", moment) for moment in ("2026-12-24 18:00", "2026-12-24T15:00:00Z")]
    assert told[0] == told[1]
    assert told[0][0] == 0


def test_without_a_flow_the_built_in_ones_are_told(asked: Asked) -> None:
    code, out, error = asked("--at", "2026-11-26T15:00:00Z")
    assert (code, error) == (0, "")
    assert out.splitlines()[0] == "at Thu 2026-11-26 15:00 UTC"
    assert [block.split(" · ")[0] for block in out.split("\n\n")[1:]] == list(BUILT_IN)
    assert "  closed (holiday) · trading day Fri 2026-11-27\n" in out


@pytest.mark.usefixtures("flow")
def test_a_program_reads_the_same_as_json(asked: Asked) -> None:
    code, out, error = asked("EURUSD", "us_equities", "--at", "2026-12-24T19:00:00Z", "--json")
    told: list[dict[str, Any]] = json.loads(out)
    assert (code, error) == (0, "")
    assert told[0] == {
        "product": "EURUSD",
        "calendar": "gold",
        "timezone": "America/New_York",
        "week": ["Sun-Thu 18:00-17:00"],
        "at": "2026-12-24T19:00:00.000Z",
        "state": "closed",
        "reason": "holiday",
        "sessions": [],
        "trading_day": "2026-12-28",
        "next_open": "2026-12-27T23:00:00.000Z",
        "next_close": "2026-12-28T22:00:00.000Z",
        "seconds_to_open": (parse_moment("2026-12-27T23:00:00Z") - parse_moment("2026-12-24T19:00:00Z")) / 1000,
        "seconds_to_close": (parse_moment("2026-12-28T22:00:00Z") - parse_moment("2026-12-24T19:00:00Z")) / 1000,
        "holidays": [
            {"date": "2026-12-24", "opens": None, "closes": "13:00", "name": "Christmas Eve"},
            {"date": "2026-12-25", "opens": None, "closes": None, "name": ""},
        ],
    }
    assert (told[1]["product"], told[1]["state"], told[1]["reason"]) == ("us_equities", "closed", "holiday")


def test_without_a_moment_it_is_now(asked: Asked) -> None:
    code, out, _ = asked("always", "--json")
    (told,) = json.loads(out)
    assert code == 0
    assert told["state"] == "open"
    assert told["at"] > "2026-"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--at", "tea time"], "'tea time' is not a moment; write it like 2026-01-05T08:00:00Z"),
        (["--at", "1066-10-14"], "'1066-10-14' is too far away; calendars know the years 1970 to 2100"),
    ],
)
def test_a_moment_that_is_none_is_one_sentence(asked: Asked, arguments: list[str], sentence: str) -> None:
    assert asked(*arguments) == (2, "", f"{sentence}\n")


def test_a_flow_that_is_named_and_not_there_is_a_mistake(asked: Asked) -> None:
    code, out, error = asked("--flow", "other.toml")
    assert (code, out) == (2, "")
    assert error.startswith("other.toml:1:1: there is no such file")


def test_a_product_that_two_calendars_claim_is_one_sentence(asked: Asked, flow: Path) -> None:
    text = '\n[calendars.euro]\nproducts = ["EUR*"]\nlike = "fx"\n\n[calendars.yen]\nproducts = ["*JPY"]\nlike = "fx"\n'
    flow.write_text(flow.read_text(encoding="utf-8") + text, encoding="utf-8")
    code, _, error = asked("EURJPY")
    assert code == 2
    last = error.splitlines()[-1]
    assert last == (
        "[calendars.euro] and [calendars.yen] both claim EURJPY; name EURJPY in the products of one of them"
    )

"""What docs/channels.md shows is what goes over the channels."""

import json
import re
from typing import Any, cast, get_args, get_type_hints

import pytest
from msgspec.structs import fields

from pipeline.channels.commands import Commands, Refused
from pipeline.channels.encoding import encoded
from pipeline.channels.messages import Message, Ohlcv, Status, Trading, WireBar
from pipeline.channels.names import Channel, Names
from pipeline.channels.reading import KINDS, understood
from pipeline.times import MINUTE
from tests.channel_ends import bars
from tests.support import MONDAY, ROOT

PAGE = (ROOT / "docs" / "channels.md").read_text(encoding="utf-8")
SECTIONS = {
    title.strip("`").removeprefix("fxcm:"): text
    for title, text in re.findall(r"\n## (.*?)\n(.*?)(?=\n## |\Z)", PAGE, re.DOTALL)
}


def shown(section: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)\n```", SECTIONS[section], re.DOTALL)


@pytest.mark.parametrize("channel", KINDS)
def test_a_message_on_the_page_passes_the_strict_reading_and_is_written_the_same(channel: Channel) -> None:
    (raw,) = shown(channel, "json")
    message: Message = understood(raw.encode(), channel, MONDAY + 7 * 24 * 60 * MINUTE)
    assert json.loads(encoded(message, MONDAY + 7 * 24 * 60 * MINUTE)) == json.loads(raw)


def test_every_channel_stands_on_the_page_under_its_name() -> None:
    for channel in cast("tuple[Channel, ...]", get_args(Channel)):
        assert f"## `{Names().channel(channel)}`" in PAGE


def test_commands_on_the_page_are_taken() -> None:
    judge = Commands([("EURUSD", MINUTE), ("EURUSD", 5 * MINUTE)], 10)
    asked = [judge.heard(raw.encode(), MONDAY) for raw in shown("commands", "json")]
    assert len(asked) == 3
    assert not [each for each in asked if isinstance(each, Refused)]


@pytest.mark.parametrize(
    ("kind", "section"), [(WireBar, "ohlcv"), (Ohlcv, "ohlcv"), (Status, "status"), (Trading, "status")]
)
def test_every_key_stands_on_the_page(kind: type[Any], section: str) -> None:
    lacking = {each.encode_name for each in fields(kind)} - set(re.findall(r"`(\w+)`", SECTIONS[section])) - {"ts"}
    assert lacking == set()


@pytest.mark.parametrize("kind", [WireBar, Status, Trading])
def test_every_word_that_a_key_may_have_stands_on_the_page(kind: type[Any]) -> None:
    hints = get_type_hints(kind)
    words = {word for hint in hints.values() for each in (hint, *get_args(hint)) for word in get_args(each)}
    lacking = {f"`{word}`" for word in words if isinstance(word, str) and f"`{word}`" not in PAGE}
    assert lacking == set()


def test_the_pages_own_check_of_a_signature_takes_ours_and_no_other() -> None:
    names: dict[str, Any] = {}
    (code,) = shown("Signatures", "python")
    exec(code, names)  # noqa: S102  # the page's own words are what is tried
    value = json.loads(encoded(bars(MONDAY), MONDAY, b"ours"))
    assert names["genuine"](value, b"ours")
    assert not names["genuine"](value, b"theirs")
    assert not names["genuine"]({**value, "tf": "5m"}, b"ours")
    assert not names["genuine"](json.loads(encoded(bars(MONDAY), MONDAY)), b"ours")

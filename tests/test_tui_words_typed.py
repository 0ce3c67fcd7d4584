"""What can be typed at the console, without one: commands, ways through pages, settings, other keys."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.window import Window
from pipeline.errors import InputError
from pipeline.parts import part_made
from pipeline.view import KeyName
from sinks.executor import Executor
from tui.acts import Act, Placed, act
from tui.commands import Command, completed, key_named, matching, understood
from tui.every_act import amiss_in, keymap_of
from tui.preferences.engine import OF_PARTS
from tui.settings import Look, Settings, read_settings, write_settings
from tui.typed_before import Typed
from tui.way import Way


async def nothing(_: str) -> None:
    """A command that does nothing."""


COMMANDS = (
    Command("chart", "the chart of a key", nothing, "key", ("c",)),
    Command("keys", "every key with its state", nothing, "words"),
    Command("quit", "leave; the engine goes on", nothing),
)
NAMES = [KeyName("demo-1", "EURUSD", "1m"), KeyName("demo-1", "EURUSD", "15m"), KeyName("live-7", "XAUUSD", "1m")]


@pytest.mark.parametrize("line", ["chart EURUSD 1m", "c EURUSD 1m", "EURUSD 1m chart", "CHART EURUSD 1m"])
def test_a_word_and_what_it_is_about_may_stand_either_way_round(line: str) -> None:
    found = understood(line, COMMANDS)
    assert (found.command.word, found.about) == ("chart", "EURUSD 1m")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("chrat", "unknown 'chrat', did you mean chart?"),
        ("zzz", "^p lists everything"),
        ("", "say what to do"),
        ("quit now", "quit takes nothing more"),
    ],
)
def test_what_is_no_command_is_said_and_does_nothing(line: str, said: str) -> None:
    with pytest.raises(InputError, match=said.replace("^", r"\^").replace("?", r"\?")):
        understood(line, COMMANDS)


@given(st.text(max_size=40))
def test_whatever_is_typed_is_understood_or_refused(line: str) -> None:
    with suppress(InputError):
        assert understood(line, COMMANDS).command in COMMANDS


def test_a_line_goes_on_as_it_probably_will() -> None:
    def abouts(_: Command) -> list[str]:
        return ["EURUSD 1m demo-1"]

    assert completed("ch", COMMANDS, abouts) == "chart"
    assert completed("chart eur", COMMANDS, abouts) == "chart EURUSD 1m demo-1"
    assert completed("zz", COMMANDS, abouts) is None
    assert completed("", COMMANDS, abouts) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [("eur 15m", NAMES[1]), ("EUR/USD 1m", NAMES[0]), ("live", NAMES[2]), ("1m xau", NAMES[2]), ("eurusd", NAMES[0])],
)
def test_a_key_is_named_by_as_many_words_as_are_needed(text: str, name: KeyName) -> None:
    assert key_named(text, NAMES) == name


@pytest.mark.parametrize("text", ["EURUSE", "eur 3m", ""])
def test_a_key_that_is_not_there_is_said(text: str) -> None:
    with pytest.raises(InputError, match="no key of this flow"):
        key_named(text, NAMES)


def test_everything_is_found_by_its_letters_and_whole_words_come_first() -> None:
    best = sorted(matching("key", COMMANDS), key=lambda scored: scored[0])
    assert [command.word for _, command in best] == ["keys", "chart"]
    assert [command.word for _, command in matching("qt", COMMANDS)] == ["quit"]
    assert not list(matching("zzz", COMMANDS))


# --- the way through pages -------------------------------------------------------------------------------------------


def test_back_and_forward_follow_the_way_and_a_new_turn_forgets_what_lay_ahead() -> None:
    way = Way()
    for page in ("keys", "chart", "chart", "trades"):
        way.to(page)
    assert way.last == "chart"
    assert way.step(-1) == "chart"
    way.to("chart")
    assert way.last == "trades"
    assert way.step(-1) == "keys"
    assert way.step(-1) is None
    assert way.step(1) == "chart"
    way.to("feed")
    assert way.step(1) is None
    assert way.step(-1) == "chart"


def test_lines_typed_before_are_each_there_once_the_newest_first() -> None:
    typed = Typed()
    for line in ("a", "b", "", "a"):
        typed.keep(line)
    assert typed == ["a", "b"]


# --- settings --------------------------------------------------------------------------------------------------------


def test_settings_come_back_as_they_were_written_and_comments_stay(tmp_path: Path) -> None:
    file = tmp_path / "deeper" / "console.toml"
    assert read_settings(file) == Settings()
    kept = Settings(Look(theme="day"), {"kill": ("f9",)}, {"keys": ("tf",)}, {"mine": "acc:demo"}, welcomed=True)
    write_settings(file, kept)
    file.write_text("# mine\n" + file.read_text("utf-8"), "utf-8")
    kept.look.rate = "slow"
    write_settings(file, kept)
    assert read_settings(file) == kept
    assert file.read_text("utf-8").startswith("# mine\n")
    assert [path.name for path in file.parent.iterdir()] == ["console.toml"]


@pytest.mark.parametrize("text", ["look = 3", "[look]\ntheme = 'pink'", "[loook]", "=", "\xff\xfe"])
def test_settings_that_cannot_be_read_are_said_with_their_file_and_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "console.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"console\.toml.*the console goes on with its defaults"):
        read_settings(file)
    assert file.read_bytes() == text.encode("latin-1")


# --- other keys ------------------------------------------------------------------------------------------------------


def placed(name: str, keys: str, where: str) -> Placed:
    made: Act = act(name, keys, "do", "Do", "does")
    return Placed(made, where)


ACTS = (placed("kill", "ctrl+g", "everywhere"), placed("chart.zoom", "plus", "chart"), placed("keys.go", "g", "keys"))


def test_acts_take_other_keys_and_what_cannot_be_is_said() -> None:
    chosen = {"chart.zoom": ("z", "plus"), "chart.zom": ("x",), "keys.go": ()}
    assert keymap_of(chosen) == {"chart.zoom": "z,plus", "chart.zom": "x"}
    wrong = list(amiss_in(chosen, ACTS))
    assert len(wrong) == 2
    assert "'chart.zom'; did you mean 'chart.zoom'?" in wrong[0]
    assert "'keys.go' has no key" in wrong[1]


def test_two_acts_of_one_place_on_one_key_are_named_and_those_of_two_pages_are_not() -> None:
    clash = list(amiss_in({"chart.zoom": ("ctrl+g",)}, ACTS))
    assert clash == ["keys: 'ctrl+g' does both chart.zoom and kill; the nearer one to the focus wins"]
    assert list(amiss_in({"chart.zoom": ("g",)}, ACTS)) == []


# --- what the engine is set to ---------------------------------------------------------------------------------------


def test_what_the_settings_say_of_a_part_that_says_nothing_is_what_the_part_does() -> None:
    for cls, name in ((Window, "window"), (Executor, "executor")):
        part = part_made(cls)
        assert part is not None
        defaults = {each.name: each.default for each in part.fields}
        shown = {key: default for key, (default, _) in OF_PARTS[name].items()}
        assert shown == {key: defaults[key] for key in shown}

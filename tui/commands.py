"""What can be typed on the command line and found in the palette: every act with a word, every page, every key.

Both read one list. A line is a word and what it is about; what it is about may come first (`EURUSD 1m chart`).
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from pipeline.errors import InputError
from pipeline.view import KeyName

Do = Callable[[str], Awaitable[None]]
"""Does it; told what it is about, "" for nothing."""


class Command(NamedTuple):
    """A word that does something."""

    word: str
    says: str
    do: Do
    about: str = ""
    """What may follow it, as help shows it; "" for nothing."""
    also: tuple[str, ...] = ()
    keys: str = ""
    """The keys that do the same; "" for none."""


class Found(NamedTuple):
    """A line understood."""

    command: Command
    about: str


def understood(line: str, commands: Sequence[Command]) -> Found:
    """What a line asks for; an `InputError` says why it is none."""
    words = line.split()
    if not words:
        raise InputError("say what to do, for example: chart EURUSD 1m")
    by_word = {word: command for command in commands for word in (command.word, *command.also)}
    first = by_word.get(words[0].casefold())
    last = by_word.get(words[-1].casefold())
    if first is not None:
        return _about(first, " ".join(words[1:]))
    if last is not None and last.about:  # the thing first, then what to do with it
        return _about(last, " ".join(words[:-1]))
    close = get_close_matches(words[0].casefold(), list(by_word), 1, 0.5)
    hint = f"did you mean {close[0]}?" if close else "^p lists everything"
    raise InputError(f"unknown {words[0]!r}, {hint}")


def _about(command: Command, about: str) -> Found:
    if about and not command.about:
        raise InputError(f"{command.word} takes nothing more, and {about!r} follows it")
    return Found(command, about)


def completed(line: str, commands: Sequence[Command], abouts: Callable[[Command], Iterable[str]]) -> str | None:
    """The line as it probably goes on; None when nothing goes on from it."""
    word, space, rest = line.partition(" ")
    if not space:
        words = sorted(each for command in commands for each in (command.word, *command.also))
        return next((each for each in words if each.startswith(line) and each != line), None) if line else None
    command = next((each for each in commands if word in (each.word, *each.also)), None)
    if command is None:
        return None
    wanted = rest.casefold()
    return next((f"{word} {about}" for about in abouts(command) if about.casefold().startswith(wanted)), None)


def key_named(text: str, names: Iterable[KeyName]) -> KeyName:
    """The one key that all these words are in; of several the first, as they stand in the table."""
    words = text.casefold().replace("/", "").split()
    every = list(names)
    for name in every:
        if words and all(any(_names(word, part.casefold()) for part in name) for word in words):
            return name
    close = get_close_matches(words[0].upper() if words else "", {name.product for name in every}, 1, 0.5)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise InputError(f"no key of this flow is {text!r}{hint}")


def _names(word: str, part: str) -> bool:
    """Whether a word is this part of a key's name: a timeframe whole, anything else by its beginning."""
    return part == word or (part.startswith(word) and not word[:1].isdigit())


def matching(line: str, commands: Iterable[Command]) -> Iterator[tuple[int, Command]]:
    """Those whose words or sentence hold all that was typed, be it letter by letter; the less, the better they fit."""
    wanted = line.casefold().split()
    for command in commands:
        text = f"{command.word} {' '.join(command.also)} {command.says}".casefold()
        places = [_place(word, text) for word in wanted]
        if None not in places:
            yield sum(place for place in places if place is not None), command


def _place(word: str, text: str) -> int | None:
    """How badly a word fits: where it stands as it is; far behind that, where its letters stand in their order."""
    at = text.find(word)
    if at >= 0:
        return at
    place = -1
    for letter in word:
        place = text.find(letter, place + 1)
        if place < 0:
            return None
    return 200 + place

"""Every colour and every mark of the console. A meaning always has a word or a mark; its colour is the second channel.

Blue and orange, because green and red are one colour to one man in twelve.
"""

from typing import Literal

from textual.theme import Theme

Name = Literal["desk", "day", "mono", "terminal"]

DESK = {
    "ground": "#10141c",
    "raised": "#161c28",
    "chosen": "#22304a",
    "text": "#c8d0dc",
    "second": "#9aa5b8",
    "dim": "#8291a6",
    "grid": "#2a3342",
    "frame": "#33415c",
    "up": "#56b4e9",
    "down": "#e69f00",
    "warn": "#f0e442",
    "wrong": "#ff6e6e",
    "real": "#d55ec0",
    "ink": "#0b0e14",
    "bright": "#ffffff",
    "line-1": "#cc79a7",
    "line-2": "#8fd175",
    "line-3": "#b8a9e8",
}

DAY = {
    "ground": "#fbfbf8",
    "raised": "#eef0f3",
    "chosen": "#cfe3f5",
    "text": "#22262e",
    "second": "#454d5a",
    "dim": "#5a6270",
    "grid": "#d3d7dd",
    "frame": "#9aa3b2",
    "up": "#00568f",
    "down": "#a04d00",
    "warn": "#735c00",
    "wrong": "#b3121b",
    "real": "#9b1f86",
    "ink": "#ffffff",
    "bright": "#000000",
    "line-1": "#8f3a6b",
    "line-2": "#2f6b1c",
    "line-3": "#5b46a8",
}

GREYS = {
    "ground": "#000000",
    "raised": "#161616",
    "chosen": "#3a3a3a",
    "text": "#d0d0d0",
    "second": "#b0b0b0",
    "dim": "#9a9a9a",
    "grid": "#3c3c3c",
    "frame": "#5a5a5a",
    "up": "#ffffff",
    "down": "#8a8a8a",
    "warn": "#ffffff",
    "wrong": "#ffffff",
    "real": "#ffffff",
    "ink": "#000000",
    "bright": "#ffffff",
    "line-1": "#c0c0c0",
    "line-2": "#b0b0b0",
    "line-3": "#a0a0a0",
}


TERMINAL = {
    "ground": "ansi_default",
    "raised": "ansi_black",
    "chosen": "ansi_blue",
    "text": "ansi_default",
    "second": "ansi_default",
    "dim": "ansi_bright_black",
    "grid": "ansi_bright_black",
    "frame": "ansi_bright_black",
    "up": "ansi_bright_blue",
    "down": "ansi_yellow",
    "warn": "ansi_bright_yellow",
    "wrong": "ansi_bright_red",
    "real": "ansi_bright_magenta",
    "ink": "ansi_black",
    "bright": "ansi_bright_white",
    "line-1": "ansi_magenta",
    "line-2": "ansi_green",
    "line-3": "ansi_cyan",
}
"""The sixteen colours the terminal itself has."""

WORDS: dict[Name, dict[str, str]] = {"desk": DESK, "day": DAY, "mono": GREYS, "terminal": TERMINAL}
SAYS: dict[Name, str] = {
    "desk": "blue and orange on dark",
    "day": "blue and orange on light",
    "mono": "without colour: brightness and texture",
    "terminal": "the terminal's own sixteen colours",
}


def theme(name: Name) -> Theme:
    """The console's colours as Textual wants them."""
    words = WORDS[name]
    return Theme(
        name=name,
        primary=words["up"],
        secondary=words["second"],
        accent=words["down"],
        warning=words["warn"],
        error=words["wrong"],
        success=words["up"],
        foreground=words["text"],
        background=words["ground"],
        surface=words["ground"],
        panel=words["raised"],
        dark=name != "day",
        ansi=name == "terminal",
        variables={
            **words,
            "border-blurred": words["frame"],
            "ansi-background": words["ground"],
            "ansi-foreground": words["text"],
        },
    )


CALL, PUT, NEITHER = "▲", "▼", "─"
WON, LOST, EVEN = "✔", "✖", "="
WARNING, WRONG = "!", "✖"
LINK, ENGINE, HALTED, ENDED, KILLED = "⇄", "●", "‖", "■", "✖"
MINUS = "\N{MINUS SIGN}"


def leaning(direction: int) -> str:
    """The mark of a direction: 1 call, -1 put, 0 neither."""
    return CALL if direction > 0 else PUT if direction < 0 else NEITHER


def outcome(result: str) -> str:
    """The mark of how a contract ended."""
    return {"win": WON, "lose": LOST}.get(result, EVEN)


def side(direction: float) -> str:
    """The style of a direction or of a gain."""
    return "up" if direction > 0 else "down" if direction < 0 else "dim"

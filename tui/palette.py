"""Every colour and every mark of the console. A meaning always has a word or a mark; its colour is the second channel.

Blue and orange, because green and red are one colour to one man in twelve.
"""

from textual.theme import Theme

COLOURS = {
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


def theme(*, colour: bool) -> Theme:
    """The console's colours as Textual wants them; without colour, brightness and texture tell up from down."""
    words = COLOURS if colour else GREYS
    return Theme(
        name="desk" if colour else "mono",
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
        variables={
            **words,
            "footer-background": words["raised"],
            "footer-key-foreground": words["down"],
            "footer-description-foreground": words["text"],
            "border-blurred": words["frame"],
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

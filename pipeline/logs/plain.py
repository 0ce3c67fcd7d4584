"""Text that does nothing to a terminal or a file: whoever wrote it, it is one line of letters."""

import re

LONGEST = 8_000
"""Letters of a text that are kept."""
LONGEST_OF_LINES = 32_000
ODD = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
"""Controls, what turns the direction of writing, what is not seen, halves of letters."""
BREAKS = re.compile("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")


def plain(text: str, longest: int = LONGEST) -> str:
    """A text as one line, with a mark where something was that is no letter."""
    if not text.isprintable():
        text = ODD.sub(_mark, BREAKS.sub(" ⏎ ", text))
    return text if len(text) <= longest else text[: longest - 1] + "…"


def plain_lines(text: str, longest: int = LONGEST_OF_LINES) -> str:
    """The same, where lines stay lines."""
    if text.isprintable():
        return plain(text, longest)
    return "\n".join(plain(line, longest) for line in BREAKS.split(text[:longest]))


def _mark(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code == 9:
        return " "
    return chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else "�"

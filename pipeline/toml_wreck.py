"""What to say of a text that is not TOML: the commonest mistakes, each in a sentence of its own at its own place."""

import re

from pipeline.errors import Problem
from pipeline.toml_scan import Scan

_MESSAGE = re.compile(r"(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", re.DOTALL)
_ENDLESS = re.compile(r"Unterminated|Expected \"'|(?:Illegal|Found invalid) character '\\[nr]'")
_CONTROL = re.compile(r"(?:Illegal|Found invalid) character")
_ESCAPE = re.compile(r"Unescaped|Invalid hex value|Escaped character")
_TWICE = re.compile(r"Cannot|Duplicate")
_STATEMENT = re.compile(r"\s*(?:\[+[A-Za-z_][\w.\- ]*\]+\s*(?:#.*)?$|[\w.\"'-]+\s*=)")
_WORD_BEFORE = re.compile(r"[\w.:+-]+$")
_WORD = re.compile(r"[^\s,\[\]{}#]*")
_TYPESET_QUOTES = "\u201c\u201d\u201e\u2018\u2019\u00ab`"
_SWITCHES = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}

_Said = tuple[str, str, int]
"""What is wrong, how to mend it, and where."""


class Wreck:
    """A text that tomllib refused with `message`. Each look at it is for one common mistake."""

    def __init__(self, scan: Scan, message: str) -> None:
        self._scan = scan
        self._text = scan.text
        found = _MESSAGE.fullmatch(message)
        self._message = found["what"] if found else message
        self._at = len(scan.text)
        if found and found["line"]:
            self._at = scan.lines.offset(int(found["line"]), int(found["column"]))
        self._line = scan.lines.around(self._at)
        column = scan.lines.place(self._at)[1]
        self._before, self._after = self._line[: column - 1], self._line[column - 1 :]

    def problem(self) -> Problem:
        looks = (
            self._merge,
            self._twice,
            self._other_language,
            self._string,
            self._escape,
            self._control,
            self._word,
            self._inline,
            self._bracket,
            self._value,
            self._rest,
            self._header,
            self._equals,
            self._key,
        )
        what, fix, at = next((said for look in looks if (said := look())), self._else())
        return Problem("", what, fix, *self._scan.lines.place(at))

    def _merge(self) -> _Said | None:
        if not self._line.startswith(("<<<<<<<", "=======", ">>>>>>>")):
            return None
        return "a merge has left its mark here", "choose one of the two versions and delete the marks", self._at

    def _twice(self) -> _Said | None:
        if not _TWICE.match(self._message):
            return None
        if self._scan.twice is None or self._scan.twice[1] > self._at:
            return "this adds to a table that is already complete", "keep all keys of a table in one place", self._at
        name, at, first = self._scan.twice
        line = self._scan.lines.place(first)[0]
        shown = name if re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name) else f'"{_shown(name)}"'
        return f"{shown} is there twice: first on line {line}", "keep one of the two", at

    def _other_language(self) -> _Said | None:
        key = self._before.strip()
        if self._message == "Invalid statement" and self._after.startswith("{"):
            return "a flow is TOML, not JSON", "write lines of key = value, without braces around them", self._at
        if not self._message.startswith("Expected '='"):
            return None
        if key in ("-", "---"):
            return "a flow is TOML, not YAML", 'write a list as key = ["a", "b"]', self._at
        if not self._after.startswith(":"):
            return None
        if not self._after[1:].strip():
            return (
                "':' after a key is YAML, and a flow is TOML",
                "write the table's name as [header] above its keys",
                self._at,
            )
        return "':' stands where TOML has '='", "write key = value", self._at

    def _string(self) -> _Said | None:
        at = self._scan.stopped
        if not _ENDLESS.match(self._message) or self._text[at : at + 1] not in ('"', "'"):
            return None
        quote = self._text[at]
        quote = quote * 3 if self._text.startswith(quote * 3, at) else quote
        return f"the text that begins here has no closing {quote}", f"put {quote} at its end", at

    def _escape(self) -> _Said | None:
        if not _ESCAPE.match(self._message):
            return None
        back = self._before.rfind("\\")
        at = self._at if back < 0 else self._at - len(self._before) + back
        what = 'a \\ in "text" begins an escape such as \\n, and this is none'
        return what, "write \\\\, or put the text in 'single quotes'", at

    def _control(self) -> _Said | None:
        if not _CONTROL.match(self._message):
            return None
        return "a control character stands here", 'delete it, or write it as \\u0000 in "double quotes"', self._at

    def _word(self) -> _Said | None:
        """A value such as 500ms or 1,5: tomllib reads what it knows, and stumbles over the rest."""
        begun = _WORD_BEFORE.search(self._before)
        if begun is None or not self._message.startswith(("Expected newline", "Unclosed")):
            return None
        at = self._at - len(begun[0])
        comma = re.match(r",(\d+)\s*(?:#|$)", self._after)
        if comma and self._message.startswith("Expected newline"):
            return "a number has a decimal point, not a comma", f"write {begun[0]}.{comma[1]}", at
        word = begun[0] + _matched(_WORD, self._after)
        if word == begun[0]:
            return None
        if re.fullmatch(r"[+-]?0\d+", word):
            return "a number does not begin with 0", f'write {int(word)}, or "{_shown(word)}" if it is text', at
        if re.fullmatch(r"[+-]?\d+\.", word):
            return "a number does not end with a point", f"write {_shown(word)}0", at
        return f"{_shown(word)} is no value", f'text stands in quotes: "{_shown(word)}"', at

    def _inline(self) -> _Said | None:
        if not self._message.startswith(("Unclosed inline table", "Invalid initial")) or "{" not in self._before:
            return None
        if self._after.startswith("}"):
            return "a comma before } has nothing after it", "take the comma out", self._at
        if self._at == len(self._text) or (self._after and not self._after.startswith("#")):
            return None
        return "a table in { } ends on its own line", "close it with }, or write it under a [header]", self._at

    def _bracket(self) -> _Said | None:
        opened = [at for at in self._scan.opened if at < self._at]
        if not opened or not self._message.startswith(("Unclosed", "Invalid value", "Invalid initial", "Expected '='")):
            return None
        if self._at == len(self._text) or (not self._before.strip(" \t[") and _STATEMENT.match(self._line)):
            line = self._scan.lines.place(self._at)[0]
            at = next((at for at in reversed(opened) if self._scan.lines.place(at)[0] < line), opened[-1])
            shape, closing = ("list", "]") if self._text[at] == "[" else ("table", "}")
            return f"the {shape} that begins here is not closed", f"put {closing} after its last element", at
        if self._message.startswith("Unclosed"):
            closing = "]" if self._text[opened[-1]] == "[" else "}"
            return (
                "here should be a comma or the end",
                f"put , between two elements, and {closing} after the last",
                self._at,
            )
        return None

    def _value(self) -> _Said | None:
        if self._message.startswith("Invalid date"):
            return "this date or time does not exist", "write it like 2026-01-05T08:00:00Z", self._at
        if not self._message.startswith("Invalid value"):
            return None
        word = re.split(r"[#,\]}]", self._after)[0].strip()
        if not word:
            return "here should be a value", 'write "text" in quotes, a number, true or false', self._at
        if word.lower() in _SWITCHES:
            return f"{word} is no value", f"write {_SWITCHES[word.lower()]}", self._at
        if word.lower() in ("null", "none", "nil", "~"):
            return f"TOML has no {word}", "leave the key out", self._at
        if word[0] in _TYPESET_QUOTES:
            return f"{word[0]} is not a quote of TOML", 'put text in straight quotes: "', self._at
        if re.fullmatch(r"[+-]?\.\d+", word):
            return "a number does not begin with a point", f"write {_shown(word.replace('.', '0.'))}", self._at
        return f"{_shown(word)} is no value", f'text stands in quotes: "{_shown(word)}"', self._at

    def _rest(self) -> _Said | None:
        if not self._message.startswith("Expected newline"):
            return None
        if self._line.lstrip().startswith("["):
            return "a [header] stands on a line of its own", "put the rest on the next line", self._at
        if _STATEMENT.match(self._after):
            return "this line has two keys", "put the second on a line of its own", self._at
        if self._before.rstrip().endswith(('"', "'")):
            return (
                "the text ended at the quote before this",
                "put text that has quotes in it in the other kind",
                self._at,
            )
        if self._after.startswith(","):
            return "a comma stands only in [ ] and { }", "take it out, or write a list: [1, 2]", self._at
        return "something follows the value", "put text in quotes, and a comment behind #", self._at

    def _header(self) -> _Said | None:
        if not self._message.startswith("Expected ']"):
            return None
        closing = "]]" if self._message.startswith("Expected ']]") else "]"
        return (
            f"this header does not end with {closing}",
            "close it; a name with blanks in it stands in quotes",
            self._at,
        )

    def _equals(self) -> _Said | None:
        if not self._message.startswith("Expected '='"):
            return None
        if "=" in self._after:
            return "a key is one word", "join its words with _, or put it in quotes", self._at
        return "here should be = and a value", "write key = value", self._at

    def _key(self) -> _Said | None:
        if not self._message.startswith(("Invalid initial", "Invalid statement")):
            return None
        return "here should be a name", "use letters, digits, _ and -, or put it in quotes", self._at

    def _else(self) -> _Said:
        return f"this is not TOML ({_shown(self._message)})", "write key = value, [table] or # comment", self._at


def _matched(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.match(text)
    return found[0] if found else ""


def _shown(text: str) -> str:
    """Foreign text fit for a sentence: short, on one line."""
    cut = text if len(text) <= 40 else text[:39] + "…"
    return "".join(char if char.isprintable() else "·" for char in cut)

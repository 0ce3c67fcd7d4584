"""The engine's log, record by record: followed, held, filtered, opened."""

from bisect import bisect_right
from collections.abc import Iterator
from typing import ClassVar

import msgspec
from textual import events
from textual.binding import BindingType

from pipeline.logs.records import Record
from tui.acts import act
from tui.dialogs import Notice
from tui.logs.heard import HeardLog
from tui.logs.panel import LETTERS
from tui.logs.sifted import LEVELS, Sifted
from tui.painted import Frame, Line, Panel, Run, sentence
from tui.shell import Shell
from tui.trades.cells import spaced
from tui.words import age_text, count_text, fit, plain

MODULE = 18
ROOMY = 90
"""From so many columns on each line says who said it."""


class RecordsPanel(Panel, can_focus=True):
    """The log, the newest at the bottom. `f` stops and goes on following; going up stops it too, `G` goes on.

    `/` shows fewer: words, `level:error`, `module:venues`, `order:ID`, `account:NAME`, `!word`, `a|b`, `/expression/`.
    `w` goes through the least level, `e` is warnings and worse. `enter` shows all of a record, `y` copies it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        act("logs.follow", "f", "follow", "Follow", "stop and go on following"),
        act("logs.level", "w", "level", "Level", "the least level that is shown: the next one"),
        act("logs.warnings", "e", "warnings", "Warnings", "warnings and errors only, or all"),
        act("logs.open", "enter", "open", "Details", "this record with all its fields"),
        act("logs.copy", "y", "copy(False)", "Copy", "copy this record as text"),
        act("logs.copy_json", "Y", "copy(True)", "Copy JSON", "copy this record as JSON", show=False),
        act("logs.up", "up,k", "move(-1)", "Up", "a record up", show=False),
        act("logs.down", "down,j", "move(1)", "Down", "a record down", show=False),
        act("logs.page_up", "pageup,ctrl+u", "leaf(-1)", "Page up", "a page up", show=False),
        act("logs.page_down", "pagedown,ctrl+d", "leaf(1)", "Page down", "a page down", show=False),
        act("logs.oldest", "home,g", "edge(0)", "Oldest", "the oldest record", show=False),
        act("logs.newest", "end,G", "edge(1)", "Newest", "the newest record, and follow", show=False),
    ]
    hertz = 5.0

    def __init__(self, shell: Shell, place: str, heard: HeardLog) -> None:
        super().__init__(shell, place)
        self.words = ""
        self.heard = heard
        self.sifted = Sifted(heard)
        self.follows = True
        self.chosen = -1
        """The place of the record under the cursor, while it does not follow."""
        self._top = 0
        self._held_at = 0
        self._paces: list[tuple[float, int]] = []
        self._drawn: dict[tuple[int, int], Line] = {}

    def filter(self, words: str) -> None:
        self.sifted.filter(words)
        self.words = words
        self._follow()
        self.look()

    @property
    def record(self) -> Record | None:
        """The one under the cursor."""
        places = self.sifted.places
        return self.heard.at(places[self._cursor]) if places else None

    def action_follow(self) -> None:
        if self.follows:
            self._hold()
        else:
            self._follow()
        self.look()

    def action_level(self) -> None:
        self._least(LEVELS[(LEVELS.index(self.sifted.level) + 1) % len(LEVELS)])

    def action_warnings(self) -> None:
        self._least(LEVELS[0] if self.sifted.level == "warning" else "warning")

    def action_move(self, lines: int) -> None:
        if self.follows:
            self._hold()
        places = self.sifted.places
        if places:
            at = self._cursor + lines
            if at >= len(places):
                self._follow()
            else:
                self.chosen = places[max(0, at)]
        self.look()

    def action_leaf(self, leaves: int) -> None:
        self.action_move(leaves * max(1, self.content_size.height - 1))

    def action_edge(self, newest: int) -> None:
        self.action_move(len(self.sifted.places) * (1 if newest else -1))

    def action_open(self) -> None:
        if self.record is not None:
            self._hold()
            self.console.push_screen(Notice(f"Record {self.record.seq or ''}", "\n".join(self._whole(self.record))))

    def action_copy(self, json: bool) -> None:  # Textual calls it so
        record = self.record
        if record is not None:
            text = msgspec.json.encode(record).decode() if json else self._text(record)
            self.console.copy_to_clipboard(text)
            self.console.notify(f"1 record copied, {len(text):,} letters", markup=False)

    def on_click(self, event: events.Click) -> None:
        at = self._top + event.y - self.gutter.top
        if 0 <= at < len(self.sifted.places):
            self._hold()
            self.chosen = self.sifted.places[at]
            self.look()
            if event.chain == 2:  # a double click
                self.action_open()

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-3)

    def on_mouse_scroll_down(self) -> None:
        self.action_move(3)

    def frame(self, width: int, height: int) -> Frame:
        self.heard.pull(self.store)
        if self.follows or not self.sifted.done:
            self.sifted.sift()
        places = self.sifted.places
        title = self._title()
        if not places:
            return Frame(sentence(self._why_empty(), width), title)
        cursor = self._cursor
        if self.follows:
            self._top = max(0, len(places) - height)
        else:
            self._top = max(0, min(max(self._top, cursor - height + 1), cursor, len(places) - height))
        shown = places[self._top : self._top + height]
        if len(self._drawn) > 4 * height + 100:
            self._drawn.clear()
        lines = [self._line(place, width) for place in shown]
        if not self.follows:
            at = cursor - self._top
            lines[at] = lines[at]._replace(ground="chosen")
        return Frame(lines, title, self._below())

    @property
    def _cursor(self) -> int:
        """Where the chosen record stands among those shown; one that was let go gives way to the oldest."""
        places = self.sifted.places
        if self.follows:
            return max(0, len(places) - 1)
        return max(0, bisect_right(places, self.chosen) - 1)

    def _hold(self) -> None:
        """Keep what one reads where it is while new records come."""
        if self.follows:
            self.chosen = self.sifted.places[-1] if self.sifted.places else -1
            self.follows, self._held_at = False, self.heard.end

    def _follow(self) -> None:
        self.follows, self.chosen = True, -1
        self.sifted.sift()

    def _least(self, level: str) -> None:
        self.sifted.of_level(next(each for each in LEVELS if each == level))
        self._follow()
        self.look()

    def _title(self) -> str:
        heard, now = self.heard, self.now()
        if self._paces and not self._paces[0][1]:
            self._paces = []  # what was said before this console looked tells nothing of how much is said now
        if not self._paces or now - self._paces[-1][0] >= 1:
            self._paces = [*self._paces, (now, heard.end)][-6:]
        (since, before), (until, after) = self._paces[0], self._paces[-1]
        rate = f" · {count_text((after - before) / (until - since))}/s" if until > since else ""
        least = f" · {self.sifted.level} and worse" if self.sifted.level != LEVELS[0] else ""
        few = f"{spaced(len(self.sifted.places))} of " if self.words or least else ""
        newer = spaced(heard.end - self._held_at)
        state = "following" if self.follows else f"held, {newer} newer, G follows"
        words = f"  /{self.words}" if self.words else ""
        return f"Log {few}{spaced(len(heard.records))} kept{rate}{least} · {state}{words}"

    def _below(self) -> str:
        heard = self.heard
        missed = f"{spaced(heard.missed)} came too fast · " if heard.missed else ""
        why = f"{heard.asked.why} · " if heard.asked.why and heard.served is not False else ""
        newest = heard.records[-1].at if heard.records else 0
        age = f"newest {age_text(self.store.age(newest, self.now()))} old" if newest else ""
        return f"{missed}{why}{age}"

    def _line(self, place: int, width: int) -> Line:
        known = self._drawn.get((place, width))
        if known is not None:
            return known
        record = self.heard.at(place)
        letter, style = LETTERS[record.level]
        runs = [Run(self._stamp(record) + " ", "dim"), Run(f"{letter} ", style)]
        room = width - 15
        if width >= ROOMY and self.heard.served:
            runs.append(Run(fit(plain(record.module), MODULE) + " ", "second"))
            room -= MODULE + 1
        runs.append(Run(fit(plain(record.text), max(0, room)), "text"))
        line = self._drawn[place, width] = Line(tuple(runs))
        return line

    def _stamp(self, record: Record) -> str:
        return f"{self.shell.time(record.at)}.{record.at % 1000:03d}" if record.at else " " * 12

    def _text(self, record: Record) -> str:
        return f"{self._stamp(record)} {record.level} {record.module} {record.text}"

    def _whole(self, record: Record) -> Iterator[str]:
        """Everything there is of a record, a line each."""
        yield record.text
        yield ""
        yield f"when     {self.shell.time(record.at, '%Y-%m-%d %H:%M:%S')}.{record.at % 1000:03d} on the flow's clock"
        if record.wall:
            yield f"machine  {self.shell.time(record.wall, '%Y-%m-%d %H:%M:%S')}.{record.wall % 1000:03d}"
        yield f"level    {record.level}"
        yield f"module   {record.module or 'the line of the console, which has text only'}"
        if record.correlation:
            yield f"order    {record.correlation}"
        for name, value in record.fields.items():
            first, *rest = str(value).split("\n")
            yield f"{name:<8} {first}"
            yield from (f"         {line}" for line in rest)

    def _why_empty(self) -> str:
        heard = self.heard
        if heard.records:
            if not self.sifted.done:
                return "looking through what was kept"
            shown = "esc shows them again" if self.words else "w shows less grave ones"
            return f"none of the {len(heard.records)} records kept is such a one; {shown}"
        if self.store.hello is None:
            return self.store.why
        return "the engine has logged nothing yet" if heard.served is not None else "asking for the log"

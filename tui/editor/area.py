"""The text of a flow with its colours, and what is wrong with it where it stands."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Literal

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea

from tui.editor.examined import Mark
from tui.editor.paint import STYLES, insides, painted
from tui.field import in_turn
from tui.palette import WARNING, WRONG
from tui.plain_glyphs import PLAIN
from tui.shell import Shell
from tui.words import fit, plain

SIGNS = {"wrong": WRONG, "warn": WARNING}
GAP = 2
"""Cells between a line and what is said of it."""
LEAST = 12
"""Cells without which nothing is said behind a line."""
NUMBER_AND_SIGN = 2
"""Cells of the gutter behind a line's number: its sign, and a blank."""

GIVEN_UP = ("select_line", "delete_word_right")
"""What `f6` and `ctrl+f` would do."""
MenuKey = Literal["up", "down", "pageup", "pagedown", "take", "away"]
MENU_KEYS: Mapping[str, MenuKey] = {
    "up": "up",
    "down": "down",
    "pageup": "pageup",
    "pagedown": "pagedown",
    "enter": "take",
    "tab": "take",
    "escape": "away",
}


class FlowArea(TextArea):
    """Edits as any editor does: `ctrl+z` takes a step back, `ctrl+y` takes it again, `ctrl+c`, `ctrl+x` and `ctrl+v`
    copy, cut and paste, and letters are text while it may be written in.
    """

    DEFAULT_CSS = """
    FlowArea { background: $ground; color: $text; padding: 0; scrollbar-size: 1 1; }
    FlowArea > .text-area--gutter { color: $dim; }
    FlowArea > .text-area--cursor-line { background: $raised; }
    FlowArea > .text-area--cursor-gutter { color: $text; background: $raised; }
    FlowArea > .text-area--selection { background: $chosen; }
    FlowArea > .flow--header { color: $bright; text-style: bold; }
    FlowArea > .flow--key { color: $up; }
    FlowArea > .flow--text { color: $line-2; }
    FlowArea > .flow--number { color: $line-3; }
    FlowArea > .flow--word { color: $line-1; }
    FlowArea > .flow--comment { color: $dim; }
    FlowArea > .flow--wrong { color: $wrong; text-style: bold; }
    FlowArea > .flow--warn { color: $warn; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"flow--{name}" for name in (*STYLES, "wrong", "warn")),
    }

    class MenuPressed(Message):
        """A key for the menu that stands open."""

        def __init__(self, key: MenuKey) -> None:
            super().__init__()
            self.key: MenuKey = key

    def __init__(self, shell: Shell, place: str) -> None:
        self.shell = shell
        self._insides: Sequence[str] = ()
        self._marks: dict[int, list[Mark]] = {}
        self.menu_open = False
        super().__init__(
            id=place, soft_wrap=False, show_line_numbers=True, read_only=True, theme="css", tab_behavior="focus"
        )
        self.cursor_blink = False

    # --- what it shows -----------------------------------------------------------------------------------------------

    def mark(self, marks: Iterable[Mark]) -> None:
        """Say these of the lines they are about."""
        found: dict[int, list[Mark]] = {}
        for each in marks:
            if each.line:
                found.setdefault(each.line - 1, []).append(each)
        if found != self._marks:
            self._marks = found
            self._line_cache.clear()  # pyright: ignore[reportUnknownMemberType]  # its keys are Textual's own business
            self.refresh()

    def get_line(self, line_index: int) -> Text:
        line = super().get_line(line_index)
        inside = self._insides[line_index] if line_index < len(self._insides) else ""
        for begin, end, style in painted(line.plain, inside):
            line.stylize(self._style_of(style), begin, end)
        for mark in self._marks.get(line_index, ()):
            line.stylize(Style(underline=True), mark.column - 1, mark.end - 1)
        return line

    def render_line(self, y: int) -> Strip:
        strip = super().render_line(y)
        row = self.scroll_offset.y + y
        marks = self._marks.get(row)
        if not marks:
            return strip
        worst = min(marks, key=lambda mark: mark.level != "wrong")
        style = self._style_of(worst.level)
        at = self.gutter_width - NUMBER_AND_SIGN
        ground = next((each.style for each in strip.crop(at, at + 1) if each.style), Style())
        sign = Strip([Segment(self._shown(SIGNS[worst.level]), ground + style)])
        strip = Strip.join([strip.crop(0, at), sign, strip.crop(at + 1)])
        return self._with_sentence(strip, row, worst, style)

    def _with_sentence(self, strip: Strip, row: int, mark: Mark, style: Style) -> Strip:
        """The line, and behind it what is said of it, as far as there is room."""
        text = self.document.get_line(row).expandtabs(self.indent_width)
        begins = max(self.gutter_width, self.gutter_width + cell_len(text) - self.scroll_offset.x + GAP)
        room = self.scrollable_content_region.width - begins
        if room < LEAST:
            return strip
        said = self._shown(f"{SIGNS[mark.level]} {plain(mark.text)}")
        said = said if cell_len(said) <= room else fit(said, room)
        ground = next((each.style for each in strip.crop(begins, begins + 1) if each.style), Style())
        behind = begins + cell_len(said)
        return Strip.join(
            [strip.crop(0, begins), Strip([Segment(said, ground + style + Style(italic=True))]), strip.crop(behind)]
        )

    def _shown(self, text: str) -> str:
        """As this terminal can show it."""
        return text.translate(PLAIN) if self.shell.settings.look.glyphs == "ascii" else text

    def _style_of(self, name: str) -> Style:
        return Style(
            color=(style := self.get_component_rich_style(f"flow--{name}", partial=True)).color, bold=style.bold
        )

    def _build_highlight_map(self) -> None:
        """Called by every way in which the text becomes another one."""
        self._insides = insides(self.document.lines)
        super()._build_highlight_map()

    # --- what is done with it ----------------------------------------------------------------------------------------

    def put(self, text: str) -> None:
        """Have it say another text, as one step that can be taken back. The cursor stays on its line."""
        before, begins = self.cursor_location, self.scroll_offset
        last = len(self.document.lines) - 1
        self.history.checkpoint()
        self.replace(text, (0, 0), (last, len(self.document.get_line(last))), maintain_selection_offset=False)
        self.history.checkpoint()
        row = min(before[0], len(self.document.lines) - 1)
        self.move_cursor((row, min(before[1], len(self.document.get_line(row)))))
        self.scroll_to(*begins, animate=False)

    def go_to(self, line: int, column: int = 1) -> None:
        """Put the cursor on a place; both count from 1."""
        row = max(0, min(line - 1, len(self.document.lines) - 1))
        self.move_cursor((row, max(0, min(column - 1, len(self.document.get_line(row))))), center=True)

    async def on_key(self, event: events.Key) -> None:
        """While a menu stands open its keys are the menu's."""
        wanted = MENU_KEYS.get(event.key) if self.menu_open else None
        if wanted is None:
            await in_turn(self, event)
            return
        event.stop()
        event.prevent_default()
        self.post_message(self.MenuPressed(wanted))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of the page's that an editor would take for something rarer are left to it."""
        if action in GIVEN_UP or (action == "redo" and self.read_only):
            return False
        return super().check_action(action, parameters)

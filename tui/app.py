"""The console: its pages, and the keys that hold on all of them. It looks, and changes nothing until it is asked to."""

import asyncio
import inspect
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import ClassVar

from msgspec.structs import replace
from textual import events, on, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from pipeline.errors import InputError, MoonlightError
from pipeline.view import Topics
from tui import palette
from tui.acts import act
from tui.away import Away
from tui.brake import Brake
from tui.command_line import CommandLine, Palette
from tui.commands import Found
from tui.every_act import amiss_in, every_act, keymap_of
from tui.going import Go, WhyAsked
from tui.help import Help
from tui.jump import Jump
from tui.keys_line import KeysLine
from tui.kill import Kill
from tui.link import Link
from tui.page import Filtered, Page
from tui.pages import FIRST, PAGES, PageKind
from tui.painted import Panel
from tui.preferences.keys import ActsTable
from tui.preferences.look import LookTable, preferences
from tui.preferences.naming import Name
from tui.seen import lines_of
from tui.settings import write_settings
from tui.shell import Shell
from tui.standing_back import repaint_when_continued
from tui.status_row import StatusRow
from tui.still import Ground, Switcher
from tui.table import Table
from tui.tabs import Tabs
from tui.typed_before import RememberingInput, Typed
from tui.vocabulary import abouts_of, words_of
from tui.way import Way
from tui.welcome import Welcome, steps_of
from tui.why.screen import WhyScreen
from tui.words import plain

SMALLEST = (60, 16)
STATUS = 1.0
"""So often a second how the engine fares is told."""
KINDS = {kind.name: kind for kind in PAGES}


class Console(App[None]):
    """Pages over what the store holds; the link is told what the one in front wants to know."""

    CSS_PATH = Path(__file__).with_name("app.tcss")
    TITLE = "moonlight"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012  # Textual declares it for instances, so no ClassVar
        (0, "-tiny"),
        (SMALLEST[0], "-narrow"),
        (100, "-wide"),
        (160, "-xwide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012  # as above
        (0, "-flat"),
        (SMALLEST[1], "-low"),
        (22, "-short"),
        (30, "-tall"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        act("kill", "ctrl+g", "kill", "KILL", "stop all that trades; asks for a word", key_display="^g", priority=True),
        act("leave", "q", "quit", "Leave", "leave; the engine goes on", command="quit"),
        act("help", "question_mark,f1", "help", "Help", "this page", key_display="?", command="help"),
        act(
            "filter",
            "slash",
            "filter",
            "Filter",
            "fewer rows: words, field:value, !not, a|b",
            key_display="/",
            priority=True,
        ),
        act("palette", "ctrl+p", "palette", "All", "everything that can be done", key_display="^p", priority=True),
        act("line", "colon", "line", "Command", "type what to do: chart EURUSD 1m", key_display=":", priority=True),
        act("control", "ctrl+y", "control", "Control", "take control, or give it back", show=False, command="take"),
        act("panel.next", "tab", "app.focus_next", "Panel", "the next panel", show=False),
        act("panel.before", "shift+tab", "app.focus_previous", "Panel before", "the panel before", show=False),
        act("panel.biggest", "ctrl+t", "biggest", "Biggest", "this panel alone, or all again", show=False),
        *(
            act(f"go.{kind.name}", kind.key, f"go('{kind.name}')", kind.title, kind.says, show=False, command=kind.name)
            for kind in PAGES
        ),
        act("pause", "P", "pause", "Pause", "hold the screen as it is, or let it go on", show=False, command="pause"),
        act("jump", "ctrl+o", "jump", "Jump", "to a panel by the letter on it", show=False),
        act("go.back", "left_square_bracket", "step(-1)", "Back", "the page before", show=False),
        act("go.forward", "right_square_bracket", "step(1)", "Forward", "the page after that", show=False),
        act("stand.back", "ctrl+z", "suspend_process", "Stand back", "for the shell; `fg` brings it back", show=False),
        act("go.last", "grave_accent", "last", "Last", "the page one was on last", show=False),
        Binding("enter", "keep_filter", "Keep", show=False, priority=True, system=True),
        Binding("ctrl+s", "keep_words", "Keep as", show=False, priority=True, system=True),
        act("back", "escape", "forget", "Back", "forget the filter; back to the page's first panel", show=False),
    ]

    def __init__(self, shell: Shell, link: Link, brake: Brake, *, page: str = FIRST, welcoming: bool = False) -> None:
        super().__init__()
        self.shell = shell
        self._store = shell.store
        self._link = link
        self._now = shell.now
        self._brake = brake
        for name in palette.WORDS:
            self.register_theme(palette.theme(name))
        self.theme = "mono" if self.no_color else shell.settings.look.theme
        shell.acts = partial(every_act, self.BINDINGS, PAGES)
        self._lines_typed, self._filters_typed = Typed(), Typed()
        self._begins_with, self._welcoming = page, welcoming
        self._tabs = Tabs(shell, "tabs", PAGES)
        self._pages = Switcher(id="pages")
        self._way = Way()
        self._words = RememberingInput(
            self._filters_typed, "words a row must have; enter keeps them, esc forgets", "filter"
        )
        self._wrong = Static(id="filter-wrong", markup=False)
        self._cover = Static(id="cover", markup=False)
        self._away = Away(shell, "away", link)

    def get_default_screen(self) -> Screen[None]:
        return Ground(id="_default")

    def compose(self) -> ComposeResult:
        yield StatusRow(self.shell, "status")
        yield self._tabs
        yield self._away
        yield self._pages
        with Horizontal(id="filter-line"):
            yield self._words
            yield self._wrong
        yield KeysLine(self.shell, "keys-line")
        yield self._cover

    async def on_mount(self) -> None:
        if not self.is_headless:
            repaint_when_continued(partial(self.refresh, layout=True))
        self._take_keys()
        self.animation_level = "full" if self.shell.settings.look.motion else "none"
        self.set_class(self.shell.settings.look.glyphs == "ascii", "-ascii")
        await self.go(self._begins_with)
        if self._welcoming and not self.shell.settings.welcomed:
            self.call_after_refresh(self._welcome)  # a screen before the first one was painted would cover it for good
        self.run_worker(self._link.run(), name="link")
        self.screen.set_interval(0.1, partial(self._follow_link, self.screen))

    def _welcome(self) -> None:
        self.push_screen(Welcome(lambda: steps_of(self._store)), self._welcomed)

    def _welcomed(self, _: bool | None) -> None:  # Textual calls it so
        self.shell.settings.welcomed = True
        self._keep_settings()

    # --- pages -------------------------------------------------------------------------------------------------------

    @property
    def page(self) -> Page | None:
        """The one in front."""
        front = self._pages.visible_content if self._pages.is_attached else None
        return front if isinstance(front, Page) else None

    async def go(self, name: str, subject: object = None) -> None:
        """To a page, made when it is gone to for the first time."""
        if not await self._made(KINDS[name]):
            return
        before = self.page
        self._way.to(name)
        self._pages.current = self._tabs.front = name
        page = self._pages.get_child_by_id(name, Page)
        self._tabs.look()
        if subject is not None:
            page.open(subject)
        if page is not before or subject is not None:
            self._close_filter()
            self.screen_stack[0].set_focus(page.first)
            page.fronted()
            self.refresh_bindings()

    async def _made(self, kind: PageKind) -> bool:
        """Whether the page is there; it is imported beside the screen, which goes on meanwhile."""
        if self._pages.query(f"#{kind.name}"):
            return True
        try:
            page = await asyncio.to_thread(kind.page)
        except Exception as broken:  # noqa: BLE001  # whatever became of the program's own files since it began
            said = f"{kind.title} cannot be opened ({broken}); the program changed meanwhile: leave, and start it anew"
            self.notify(plain(said), severity="error", markup=False)
            return False
        if not self._pages.query(f"#{kind.name}"):  # it may have been gone to twice meanwhile
            await self._pages.mount(page(self.shell))
        return True

    async def action_go(self, name: str) -> None:
        """To a page by its key; the key of the one in front leads back to the one before."""
        await self.go((self._way.last or name) if self.page is not None and name == self.page.NAME else name)

    async def action_step(self, steps: int) -> None:
        if (name := self._way.step(steps)) is not None:
            await self.go(name)

    async def action_last(self) -> None:
        if self._way.last:
            await self.go(self._way.last)

    @on(Go)
    async def _go(self, event: Go) -> None:
        await self.go(event.page, event.subject)

    @on(WhyAsked)
    def _why(self, event: WhyAsked) -> None:
        self.push_screen(WhyScreen(self.shell, event.name, event.bar, event.order))

    @property
    def missing(self) -> str:
        """What the engine has not told yet of what the screen shows; empty when it is all there."""
        store, page = self._store, self.page
        if store.state != "up":
            return store.why or "not attached yet"
        if store.status is None or page is None:
            return "no status yet"
        return page.missing

    def _follow_link(self, desk: Screen[object]) -> None:
        """Ask for what the page in front shows, and let the screen look as fresh as what it shows is."""
        topics = self.page.topics if self.page is not None else Topics()
        self._link.want(replace(_slower(topics, self.shell), status=STATUS))
        desk.set_class(self._store.state != "up", "-down")
        self._give_back_control()
        self._show_away(desk)
        if self._store.back_after:
            self.notify(f"the link is back after {self._store.back_after:.0f} s", markup=False)
            self._store.back_after = 0.0

    def _give_back_control(self) -> None:
        """Control is of the engine that was there when it was taken, not of another one that answers now."""
        hello = self._store.hello
        engine = (hello.pid, hello.started) if hello is not None else None
        if self.shell.controls and engine != self._controlled:
            self.shell.controls = False
            self.refresh_bindings()
            self._store.note("warning", "another engine answers now, so control was given back; ^y takes it")
            self.notify("another engine answers now; ^y takes control of it", markup=False)

    _controlled: tuple[int, int] | None = None

    def _show_away(self, desk: Screen[object]) -> None:
        """The card in the place of a page that has nothing to show, while no engine ever answered."""
        page = self.page
        shown = page is not None and not page.ALONE and self._away.wanted
        if shown == desk.has_class("-away"):
            return
        desk.set_class(shown, "-away")
        if desk is self.screen and page is not None:
            desk.set_focus(self._away if shown else page.first)

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size
        needs = f"the terminal is {width}x{height}, the console needs {SMALLEST[0]}x{SMALLEST[1]}"
        self._cover.update(Content(f"{needs}\nq leaves, the engine goes on"))

    # --- what holds everywhere ---------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A priority binding comes before the screen and the input in front of it, so it has to give way to them."""
        del parameters
        on_desk = self.screen is self.screen_stack[0] if self.screen_stack else False
        writing = isinstance(self.focused, Input) or (isinstance(self.focused, TextArea) and not self.focused.read_only)
        match action:
            case "keep_filter" | "keep_words":
                return on_desk and self.focused is self._words
            case "palette":
                return on_desk
            case "line" | "pause" | "jump":
                return on_desk and not writing
            case "kill":
                return not isinstance(self.screen, Kill)
            case "filter":
                return on_desk and not writing and self._filtered is not None
            case "go" | "step" | "last" | "biggest" | "control":
                return on_desk and not writing
            case "forget":
                return on_desk
            case _:
                return True

    def on_key(self, event: events.Key) -> None:
        """A key that is off says why; one that nobody took says nothing, nor does one that came behind the end."""
        if not self.screen_stack:
            return
        off = next((each for each in self.screen.active_bindings.values() if each.binding.key == event.key), None)
        if off is not None and not off.enabled and isinstance(off.node, Panel | Page) and not self.shell.controls:
            self.notify(f"{off.binding.description}: this console only looks; ^y takes control", markup=False)

    def action_control(self) -> None:
        """Take control, or give it back."""
        try:
            self.shell.only_in_a_terminal()
        except InputError as looks:
            self.notify(str(looks), severity="warning", markup=False)
            return
        hello = self._store.hello
        self.shell.controls = not self.shell.controls
        self._controlled = (hello.pid, hello.started) if hello is not None else None
        self.refresh_bindings()
        said = "this console may change things now; ^y gives that back" if self.shell.controls else "this console looks"
        self._store.note("info", said)
        self.notify(said, markup=False)

    def action_pause(self) -> None:
        """Hold the screen, or let it go on."""
        self.shell.held = not self.shell.held
        self.query_one(StatusRow).look()
        if self.shell.held:
            self.notify("the screen is held; what comes is taken all the same. P lets it go on", markup=False)

    def action_jump(self) -> None:
        """Letters on all panels; one of them takes the focus there."""
        panels = [each for each in self.screen.query(Panel) if each.focusable and each.is_seen]
        self.push_screen(Jump(panels), lambda chosen: self.screen.set_focus(chosen) if chosen is not None else None)

    def action_biggest(self) -> None:
        """The focused panel alone, or all of them again."""
        if self.screen.maximized is not None:
            self.screen.minimize()
        elif isinstance(self.focused, Panel):
            self.screen.maximize(self.focused, container=False)

    def action_help_quit(self) -> None:
        """Ctrl-C, which Textual answers in words of its own."""
        self.notify("q leaves, the engine goes on; ^g stops trading", title="Ctrl-C ends nothing here", markup=False)

    def action_kill(self) -> None:
        self.push_screen(Kill(self._brake, self._store.status, lambda text: self._store.note("warning", text)))

    def action_help(self) -> None:
        widget = self.focused
        panel = next((node for node in _upwards(widget) if isinstance(node, Panel)), None)
        page = self.page
        story = _story(panel if panel is not None else page)
        title = str(panel.id if panel is not None else page.NAME if page is not None else "").replace("-", " ")
        here = [*_bindings(_declared(panel)), *_bindings(_declared(page))]
        tables = _bindings(Table.BINDINGS) if isinstance(panel, Table) else []
        own = [each for each in here if each not in tables]
        blocks = {title.capitalize(): own, "Everywhere": _bindings(self.BINDINGS), "In every table": tables}
        self.push_screen(Help(story, {head: acts for head, acts in blocks.items() if acts}))

    # --- words -------------------------------------------------------------------------------------------------------

    @property
    def acting(self) -> tuple[Panel | Page, ...]:
        """The focused panel and the page in front, whose acts come before the console's own."""
        panel = next((node for node in _upwards(self.focused) if isinstance(node, Panel)), None)
        return tuple(each for each in (panel, self.page) if each is not None)

    def action_line(self) -> None:
        commands = words_of(self)
        self.push_screen(CommandLine(commands, partial(abouts_of, self), self._lines_typed), self._do)

    def action_palette(self) -> None:
        keys = (f"{name.product} {name.timeframe} {name.account}" for name in self._store.keys)
        self.push_screen(Palette(words_of(self), keys), self._do)

    async def _do(self, found: Found | None) -> None:
        if found is None:
            return
        line = f"{found.command.word} {found.about}".strip()
        self._lines_typed.keep(line)
        try:
            await found.command.do(found.about)
        except MoonlightError as problem:
            self.notify(str(problem), title=line, severity="error", markup=False)

    def keep_picture(self, name: str) -> None:
        """The screen as a picture and as text, in the folder one is in."""
        self.shell.only_in_a_terminal()
        try:
            picture = self.save_screenshot(f"{Path(name).name}.svg", str(Path(name).parent))
            rows = lines_of(self)
            Path(picture).with_suffix(".txt").write_text("\n".join(row.text.rstrip() for row in rows), "utf-8")
        except OSError as problem:
            raise InputError(f"cannot keep the picture as {name}.svg ({problem.strerror}); choose another") from None
        self.notify(f"kept: {picture}, and as text beside it", markup=False)

    def filter_page(self, words: str) -> None:
        """Fewer rows on the page in front."""
        filtered = self.page.filtered if self.page is not None else None
        if filtered is None:
            raise InputError("there are no rows here to be filtered")
        filtered.filter(words)

    # --- how the person likes it -------------------------------------------------------------------------------------

    def like(self, name: str, value: str) -> None:
        """The console is to look another way from now on: a word of the settings, and one of those it may be."""
        may_be = next((each.may_be for each in preferences(self.shell.settings.look) if each.name == name), ())
        if value not in may_be:
            raise InputError(f"{name} may be {', '.join(map(str, may_be))}; it stays as it is")
        setattr(self.shell.settings.look, name, value)
        self._liked()

    @on(LookTable.Changed)
    def _liked(self) -> None:
        look = self.shell.settings.look
        self.theme = "mono" if self.no_color else look.theme
        self.animation_level = "full" if look.motion else "none"
        self.set_class(look.glyphs == "ascii", "-ascii")
        for panel in self.query(Panel):
            panel.pace()
            panel.on_resize()
        self._keep_settings()

    @on(ActsTable.Rebound)
    def _rebound(self) -> None:
        self._take_keys()
        self._keep_settings()

    def _take_keys(self) -> None:
        """Keys as the person wants them."""
        self.set_keymap(keymap_of(self.shell.settings.keys))
        if self.shell.settings.keys:
            self._check_keys()

    @work(exclusive=True, group="keymap")
    async def _check_keys(self) -> None:
        """What cannot be is said, and the rest holds."""
        acts = await asyncio.to_thread(self.shell.acts)
        for sentence in amiss_in(self.shell.settings.keys, acts):
            self._store.note("warning", sentence)
            self.notify(sentence, severity="warning", markup=False)

    @work(thread=True, exclusive=True, group="settings")
    def _keep_settings(self) -> None:
        if self.shell.settings_file is None:
            return
        try:
            write_settings(self.shell.settings_file, self.shell.settings)
        except InputError as problem:
            self.call_from_thread(self.notify, str(problem), severity="error", markup=False)

    # --- fewer rows --------------------------------------------------------------------------------------------------

    @property
    def _filtered(self) -> Filtered | None:
        """Whose rows the filter is about: those of the focused panel, else of the page."""
        panel = next((node for node in _upwards(self.focused) if isinstance(node, Filtered)), None)
        return panel if panel is not None else self.page.filtered if self.page is not None else None

    def action_filter(self) -> None:
        self._filtering = self._filtered
        if self._filtering is None:
            return
        self._words.value = self._filtering.words
        self.query_one("#filter-line").add_class("-open")
        self.screen.set_focus(self._words)  # at once: keys typed right behind the slash belong to it

    _filtering: Filtered | None = None

    @on(Input.Changed, "#filter")
    def _filter_rows(self, event: Input.Changed) -> None:
        wrong = ""
        if self._filtering is not None:
            try:
                self._filtering.filter(event.input.value)  # the newest: what was typed for another table is not for it
            except InputError as problem:
                wrong = str(problem)
        self._words.set_class(bool(wrong), "-wrong")
        self._wrong.update(Content(plain(wrong)))

    async def action_keep_filter(self) -> None:
        """The rows are those of all words typed before this key, also of those the line has not taken yet."""
        taken = asyncio.Event()
        self._words.call_later(taken.set)
        await taken.wait()
        if self._filtering is not None:
            with suppress(InputError):  # said beside the words; the rows stay as they were
                self._filtering.filter(self._words.value)
        self._filters_typed.keep(self._words.value)
        self._leave_filter()

    @work(exclusive=True, group="words")
    async def action_keep_words(self) -> None:
        """Keep the filter under a name; `group NAME` takes it again."""
        words = self._words.value
        name = await self.push_screen_wait(Name(words))
        if name:
            self.shell.settings.filters[name] = words
            self._keep_settings()
            self.notify(f"kept: `group {name}` filters by {words}", markup=False)

    async def action_forget(self) -> None:
        """Out of the filter and its words, back to where the page begins, then to the page before."""
        if self.screen.maximized is not None:
            self.screen.minimize()
            return
        filtered, page = self._filtering or self._filtered, self.page
        words = filtered is not None and bool(filtered.words)
        if filtered is not None and words:
            filtered.filter("")
            self._words.value = ""
        if words or self._filtering is not None or page is None or self.focused is not page.first:
            self._leave_filter()
        else:
            await self.action_step(-1)

    def _leave_filter(self) -> None:
        panel = self._filtering
        self._close_filter()
        home = panel if isinstance(panel, Widget) else self.page.first if self.page is not None else None
        self.screen.set_focus(home)

    def _close_filter(self) -> None:
        self._filtering = None
        self.query_one("#filter-line").remove_class("-open")


def _slower(topics: Topics, shell: Shell) -> Topics:
    """As often as the person and the way to the terminal allow."""
    chart = topics.chart and replace(topics.chart, rate=shell.rate(topics.chart.rate))
    return replace(
        topics,
        keys=shell.rate(topics.keys),
        log=shell.rate(topics.log),
        feed=shell.rate(topics.feed),
        flow=shell.rate(topics.flow),
        chart=chart,
    )


def _upwards(widget: Widget | None) -> Iterable[DOMNode]:
    return widget.ancestors_with_self if widget is not None else ()


def _declared(node: Panel | Page | None) -> Iterable[BindingType]:
    return [] if node is None else type(node).BINDINGS


def _bindings(declared: Iterable[BindingType]) -> list[Binding]:
    return [binding for binding in declared if isinstance(binding, Binding) and not binding.system]


def _story(node: Panel | Page | None) -> str:
    text = inspect.cleandoc((node.__doc__ if node is not None else "") or "")
    return "\n".join(part.replace("\n", " ") for part in text.replace("`", "").split("\n\n"))

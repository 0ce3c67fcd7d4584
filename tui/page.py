"""A page of the console: what stands between the rows above and the log line and keys below."""

from typing import Any, ClassVar, Protocol, cast, runtime_checkable

from textual.app import App
from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget

from pipeline.view import Topics
from tui.acts import changing
from tui.painted import Panel
from tui.shell import Shell
from tui.still import Still


@runtime_checkable
class Filtered(Protocol):
    """Rows of which one may want to see fewer."""

    words: str

    def filter(self, words: str) -> None:
        """Show what these words leave; an `InputError` says why they cannot be understood, and nothing changes."""
        ...


class Page(Container, Still):
    """It is made when it is first gone to, and stays. What it asks the engine for is told while it is in front."""

    BINDINGS: ClassVar[list[BindingType]] = []
    NAME: ClassVar[str]
    """Its id; as all pages are known before they are imported, the rest of what is said of them is in `tui.pages`."""
    ALONE: ClassVar[bool] = False
    """It has something to show where no engine ever was."""
    SETTLES: ClassVar[float] = 0.5
    """Seconds after all was told until what is worked out of it, rates say, is there too."""
    PANELS: ClassVar[tuple[type[Panel], ...]] = ()
    """The kinds of panels on it, for help and overrides of keys."""

    def __init_subclass__(cls, **options: Any) -> None:
        """What a page declares of its layout may ask how large the screen is; Textual asks each class by itself."""
        super().__init_subclass__(**options)
        cls.SCOPED_CSS = False

    def __init__(self, shell: Shell) -> None:
        super().__init__(id=self.NAME, classes="page -alone" if self.ALONE else "page")
        self.shell = shell
        self.store, self.now = shell.store, shell.now

    @property
    def topics(self) -> Topics:
        """What it wants told while it is in front; how the engine fares is told always."""
        return Topics()

    @property
    def first(self) -> Widget:
        """Who gets the keys when it comes to the front."""
        raise NotImplementedError

    @property
    def missing(self) -> str:
        """What was not told yet of what it shows; empty when it is all there."""
        return ""

    @property
    def filtered(self) -> Filtered | None:
        """Whose rows `/` is about, when the focus does not say."""
        return self.first if isinstance(self.first, Filtered) else None

    @property
    def in_front(self) -> bool:
        return self.display and self.is_attached

    @property
    def console(self) -> App[None]:
        """The console it stands in."""
        return cast(App[None], self.app)  # pyright: ignore[reportUnknownMemberType]  # Textual leaves it open

    def fronted(self) -> None:
        """It came to the front."""

    def open(self, subject: object) -> None:
        """Show what it was gone to for: a key, an order, a line. What it does not know is left alone."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        return True if self.shell.controls or not changing(self, action) else None

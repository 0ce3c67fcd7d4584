"""What every page of the console works with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path

from pipeline.errors import InputError
from pipeline.live import wall
from tui.acts import Placed
from tui.alarms import Heard
from tui.asking import Engine
from tui.settings import Settings
from tui.store import Store
from tui.words import moment, zone_of

RATES = {"fast": 1.0, "slow": 0.4, "minimal": 0.1}
"""By how much rates are slowed down."""


@dataclass
class Shell:
    """The store and what was told into it, the engine to be asked, the console's clock, and how the person likes it."""

    store: Store
    engine: Engine
    now: Callable[[], float]
    flow: Path
    """The file of the flow, beside which the engine has its folder."""
    settings: Settings = field(default_factory=Settings)
    settings_file: Path | None = None
    """Where they are kept; None: nowhere."""
    far: bool = False
    """The terminal is at the other end of a network."""
    served: bool = False
    """It is shown in a browser, by a server that asks nobody who they are: so it looks, and can only be told to stop
    all that trades."""
    controls: bool = False
    """Whether the person has taken control; until then nothing is changed but by the kill switch."""

    folder: Path | None = None
    """The flow's folder, where its ledger is; None: beside the file."""
    acts: Callable[[], tuple[Placed, ...]] = lambda: ()
    """Everything keys do, wherever. To know it all pages are imported, so it is asked for beside the screen."""
    held: bool = False
    """The screen stands still; what is told is taken all the same."""
    alarms: Heard = field(default_factory=Heard)
    """What somebody should hear of."""
    wall: Callable[[], int] = wall
    """This machine's clock (ms UTC)."""

    @property
    def home(self) -> Path:
        """Where what belongs to the flow is kept."""
        return self.folder or self.flow.parent

    @property
    def zone(self) -> tzinfo:
        """In which times are shown."""
        if self.settings.look.time == "utc" or self.store.hello is None:
            return UTC
        return zone_of(self.store.hello.display_timezone)

    def only_in_a_terminal(self) -> None:
        """`InputError` where whoever reaches the page might be the one who asks."""
        if self.served:
            raise InputError("in a browser a console only looks: whoever reaches the page may type; use a terminal")

    @property
    def clock(self) -> int:
        """The flow's clock."""
        return self.store.clock(self.now())

    def time(self, ts: int, form: str = "%H:%M:%S") -> str:
        """A moment as it is shown; nothing for none."""
        return moment(ts, self.zone).strftime(form) if ts else "─"

    def rate(self, often: float) -> float:
        """So many times a second, or fewer where the person or the way to the terminal wants that."""
        chosen = self.settings.look.rate
        return often * RATES["slow" if chosen == "auto" and self.far else "fast" if chosen == "auto" else chosen]

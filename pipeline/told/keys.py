"""Which keys are started and stopped, and what came of that."""

from typing import Literal

from msgspec import Struct

from pipeline.states import Switched
from pipeline.told.words import Name, Reason, Timeframe


class Keys(Struct, frozen=True, forbid_unknown_fields=True):
    """Which keys are stopped: those of an account, a product and a timeframe; what is left out means all."""

    account: Name = ""
    product: Name = ""
    timeframe: Timeframe = ""
    reason: Reason = ""
    by: Literal["api", "console"] = "api"


class StartKeys(Keys, frozen=True, forbid_unknown_fields=True):
    """Which keys are started; with `only` all others are stopped."""

    only: bool = False


class KeyRef(Struct, frozen=True):
    """A key by its name."""

    account: str
    product: str
    timeframe: str


class Moved(Struct, frozen=True):
    """What was started or stopped just now (nothing, where all of it stood so already), and what is so from now on."""

    changed: tuple[Switched, ...]
    on: tuple[KeyRef, ...]
    off: tuple[KeyRef, ...]

"""What goes wrong between us and somebody we talk to: six kinds, each of which leads to something else."""

from typing import Literal

from pipeline.errors import MoonlightError
from pipeline.evidence import TroubleKind
from pipeline.masking import masked

Fate = Literal["unsent", "refused", "unknown"]
"""What is certain of an order that got no contract: no byte of it left; the other said no; nothing is."""


class CallFailed(MoonlightError):
    """A call did not give what it was made for.

    `kind` says what to do about it: log in anew (auth), wait (throttle, for `wait` seconds where the other says so),
    read only (maintenance), connect anew (network), tell somebody (format), go on without it (rule).
    """

    def __init__(
        self, kind: TroubleKind, what: str, *, fate: Fate = "unknown", wait: float | None = None, final: bool = False
    ) -> None:
        """`what` is a sentence; a secret that is in it all the same is masked. `final`: asking again gives the same
        until a person does something (a wrong password, a token that was taken back)."""
        super().__init__(masked(what))
        self.kind: TroubleKind = kind
        self.fate: Fate = fate
        self.wait = wait
        self.final = final

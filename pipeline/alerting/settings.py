"""The table [alerting] of a flow file."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from pipeline.times import DurationText, duration


@dataclass(frozen=True, kw_only=True)
class Alerting:
    """What is worth an alert, and when that is over. Spans are of the flow's own time."""

    patience: Annotated[
        DurationText, Meta(description="what a connection, a feed or a publisher may be amiss for without a word")
    ] = "30s"
    silence: Annotated[
        DurationText,
        Meta(description="how long a product in open market may give no quote, where no `health` judges that"),
    ] = "2m"
    quiet: Annotated[
        DurationText, Meta(description="for how long something must be over before that is said: what flaps is not")
    ] = "2m"
    daily_loss_near: Annotated[
        float, Meta(gt=0, le=1, description="the share of max_daily_loss from which on a day's loss is told")
    ] = 0.8
    least_disk_mb: Annotated[
        int, Meta(ge=0, description="room that the disk of the ledger must have, in MiB; 0: it is not looked at")
    ] = 500

    def __post_init__(self) -> None:
        for span in (self.patience, self.silence, self.quiet):
            duration(span)

"""What the channels and keys are called. A prefix of its own keeps one publisher's apart from another's."""

from dataclasses import dataclass
from typing import Literal

Channel = Literal["ohlcv", "price_tik", "status", "heartbeat", "market_status", "commands"]

PREFIX = "fxcm"


@dataclass(frozen=True)
class Names:
    """The names under one prefix: `fxcm:ohlcv`, with `fxcm_local` as the prefix `fxcm_local:ohlcv`."""

    prefix: str = PREFIX

    def channel(self, channel: Channel) -> str:
        return f"{self.prefix}:{channel}"

    def snapshot(self, channel: Channel) -> str:
        """The key that keeps a channel's last message for who comes late."""
        return f"{self.prefix}:{channel}:snapshot"

    @property
    def cursor(self) -> str:
        """The hash that says up to where final bars are published: `SYMBOL:tf` to the opening of the last (ms)."""
        return f"{self.prefix}:published"

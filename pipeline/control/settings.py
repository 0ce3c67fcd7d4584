"""The table [api] of a flow file."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta


@dataclass(frozen=True, kw_only=True)
class Api:
    """Where and how the engine's control API answers; always on this machine only."""

    port: Annotated[int, Meta(ge=0, le=65535, description="the loopback port; 0 for any free one")] = 0
    socket: Annotated[
        bool, Meta(description="also answer on the Unix socket engine.sock in the flow's folder, where there are such")
    ] = True
    certificate: Annotated[
        str, Meta(description="a PEM file beside the flow file; with it the port speaks TLS (1.2 or newer) only")
    ] = ""
    key: Annotated[str, Meta(description="the PEM file of the certificate's key, for its owner alone")] = ""

    def __post_init__(self) -> None:
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate and key go together; give both, or leave both out")

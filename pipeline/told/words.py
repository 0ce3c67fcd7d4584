"""Shapes that several questions have in common."""

from typing import Annotated

from msgspec import Meta

Name = Annotated[str, Meta(max_length=200)]
Moment = Annotated[int, Meta(ge=0, le=2**53 - 1, description="ms UTC, on the flow's own clock")]
Timeframe = Annotated[str, Meta(pattern=r"^([1-9][0-9]{0,3}[mhd])?$", description='like 1m; "" all')]
Reason = Annotated[str, Meta(max_length=2000)]
LAST_MOMENT = 2**53 - 1

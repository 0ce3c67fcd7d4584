"""Alerts as JSON to an address of the user's."""

import hmac
from typing import Annotated

from msgspec import Meta

from pipeline.alerting.pending import Selection
from pipeline.alerting.posting import address, check_address, place, send
from pipeline.alerting.route import Letter, Outlet
from pipeline.alerting.secrets import check_name
from pipeline.alerting.wording import body_of, once_of
from pipeline.connections.calling import new_session
from pipeline.parts import alert
from pipeline.times import SECOND, DurationText, duration


@alert
class Webhook(Selection):
    """POSTs alerts as JSON to an address, whose secret part is kept apart from the file. See docs/alerts.md.

    Only to https, or to this machine; redirects are not followed. What is not taken (a status that is not 2xx) is sent
    again later and later, and says so.
    """

    url: Annotated[
        str, Meta(min_length=1, description="where to; {secret} in it stands for the secret, alone for all of it")
    ]
    secret: Annotated[str, Meta(description="the name of the secret in the address: `alerts secret NAME`")] = ""
    bearer: Annotated[str, Meta(description="the name of a secret that is sent as Authorization: Bearer")] = ""
    signed: Annotated[str, Meta(description="the name of a secret that what is sent is signed with (HMAC-SHA256)")] = ""
    timeout: Annotated[DurationText, Meta(description="how long to wait for an answer")] = "10s"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_address("url", self.url, self.secret)
        duration(self.timeout)
        for key in ("secret", "bearer", "signed"):
            if name := getattr(self, key):
                check_name(key, name)

    @property
    def confidences(self) -> tuple[str, ...]:
        return tuple(name for name in (self.secret, self.bearer, self.signed) if name)

    async def __call__(self, outlet: Outlet) -> None:
        deadline = duration(self.timeout) / SECOND
        url = address(self.url, await outlet.secret(self.secret) if self.secret else None)
        async with new_session(deadline) as session:
            async for letter in outlet.letters():
                content = body_of(outlet, letter)
                headers = await self._headers(outlet, letter, content)
                await send(session, "POST", url, deadline, content, headers, where=place(self.url))

    async def _headers(self, outlet: Outlet, letter: Letter, content: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Idempotency-Key": once_of(outlet, letter)}
        if self.bearer:
            headers["Authorization"] = f"Bearer {(await outlet.secret(self.bearer)).reveal()}"
        if self.signed:
            at = str(outlet.now() // SECOND)
            key = (await outlet.secret(self.signed)).reveal().encode()
            headers["X-Moonlight-Timestamp"] = at
            headers["X-Moonlight-Signature"] = f"sha256={hmac.digest(key, f'{at}.'.encode() + content, 'sha256').hex()}"
        return headers

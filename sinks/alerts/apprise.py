"""Alerts to Telegram, Discord, e-mail and the many other services that Apprise knows."""

import asyncio
import logging
from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta
from yarl import URL

from pipeline.alerting.pending import Selection
from pipeline.alerting.route import Letter, Outlet, Severity
from pipeline.alerting.secrets import check_name
from pipeline.alerting.wording import lines_of, title_of
from pipeline.connections.places import is_loopback
from pipeline.errors import InputError, MoonlightError
from pipeline.parts import alert
from pipeline.times import SECOND, DurationText, duration

if TYPE_CHECKING:
    import apprise

KINDS: dict[Severity, str] = {"low": "info", "medium": "warning", "critical": "failure"}


@alert
class Apprise(Selection):
    """Sends alerts to a service that Apprise knows, such as Telegram, Discord, Slack, ntfy or e-mail.

    Its address (tgram://…, mailtos://…) is a secret, as the password is in it: `alerts secret NAME` asks for it.
    It needs the extra: pip install 'moonlight[alerts]'.
    """

    secret: Annotated[str, Meta(description="the name of the secret that is the address: `alerts secret NAME`")] = ""
    url: Annotated[
        str, Meta(description="an address without a secret in it, on this machine: syslog://, json://localhost:8080")
    ] = ""
    timeout: Annotated[DurationText, Meta(description="how long it may take")] = "20s"

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.secret) == bool(self.url):
            raise ValueError("secret or url, one of them: store the address with `alerts secret NAME`, and name it")
        if self.secret:
            check_name("secret", self.secret)
        if self.url and not _harmless(self.url):
            store = "store it with `alerts secret NAME`, and give that name by the key `secret` instead"
            raise ValueError(f"url leads away from this machine or has a secret in it; {store}")
        duration(self.timeout)

    @property
    def confidences(self) -> tuple[str, ...]:
        return (self.secret,) if self.secret else ()

    async def __call__(self, outlet: Outlet) -> None:
        where = self.url or (await outlet.secret(self.secret)).reveal()
        seconds = duration(self.timeout) / SECOND
        service = await asyncio.to_thread(_service, where, seconds)  # it reads more than a hundred modules
        async for letter in outlet.letters():
            await self._sent(service, outlet.flow, letter)

    async def _sent(self, service: "apprise.Apprise", flow: str, letter: Letter) -> None:
        """It waits for its answers in a thread, which may stay behind when it does not end in time."""
        answer = Future[bool]()
        Thread(target=_notified, args=(answer, service, flow, letter), name="apprise", daemon=True).start()
        try:
            async with asyncio.timeout(duration(self.timeout) / SECOND):
                taken = await asyncio.wrap_future(answer)
        except TimeoutError:
            raise MoonlightError(f"the service has not answered Apprise within {self.timeout}") from None
        if not taken:
            raise MoonlightError(
                "the service has not taken the alerts from Apprise; look at the address that is stored"
            )


def _service(address: str, seconds: float) -> "apprise.Apprise":
    try:
        import apprise  # noqa: PLC0415  # an extra
    except ModuleNotFoundError as missing:
        raise InputError(f"alerts need {missing.name}; install it with: pip install 'moonlight[alerts]'") from None
    logging.getLogger("apprise").disabled = True  # what it says of a failure may hold pieces of the address
    asset = apprise.AppriseAsset(
        app_id="Moonlight",
        app_desc="Moonlight",
        async_mode=False,
        http_redirects=False,
        interpret_escapes=False,
        interpret_emojis=False,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        service_timeout=seconds,
    )
    service = apprise.Apprise(asset=asset)
    if not service.add(address.strip()):  # pyright: ignore[reportUnknownMemberType]  # its own types say dict
        raise InputError("the address is none that Apprise knows; store another with `alerts secret NAME`")
    return service


def _notified(answer: Future[bool], service: "apprise.Apprise", flow: str, letter: Letter) -> None:
    kind = KINDS[letter.severity] if any(each.on for each in letter.alerts) else "success"
    try:
        answer.set_running_or_notify_cancel()
        taken = service.notify(  # pyright: ignore[reportUnknownMemberType]  # its own types say dict
            lines_of(letter.alerts, letter.tries), title_of(flow, letter), notify_type=kind, body_format="text"
        )
        answer.set_result(bool(taken))
    except BaseException:  # noqa: BLE001  # of whatever kind: what it says may hold the address, so nothing of it is kept
        answer.set_result(False)


def _harmless(text: str) -> bool:
    """Whether an address leads nowhere but to this machine and has nothing in it but that."""
    scheme, found, rest = text.partition("://")
    if found and scheme and not rest:
        return True
    try:
        url = URL(text)
        return bool(url.host) and is_loopback(url.host) and url.user is None and not url.query
    except ValueError:
        return False
